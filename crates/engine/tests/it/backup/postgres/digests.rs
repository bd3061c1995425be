//! What a digest tells apart, and what reading one leaves alone.

use super::*;

#[test]
fn a_digest_tells_apart_what_the_engine_calls_equal() {
    let shop = Shop::with("create table t (id int, n numeric, f float8, j json, s text, b bytea)");
    let mut session = Session::open(&shop.live(), Access::ReadWrite).unwrap();
    let mut digest = |values: &str| {
        let sql = format!("truncate public.t; insert into public.t values {values}");
        session.run(&sql).unwrap();
        let contents = digest::contents(&mut session).unwrap();
        contents.tables.into_values().next().unwrap().digest
    };
    let base = digest("(1, 1.0, 0, '{\"a\":1}', 'x', '')");
    for other in [
        "(1, 1.00, 0, '{\"a\":1}', 'x', '')",
        "(1, 1.0, '-0', '{\"a\":1}', 'x', '')",
        "(1, 1.0, 'NaN', '{\"a\":1}', 'x', '')",
        "(1, 1.0, 0, '{\"a\": 1}', 'x', '')",
        "(1, 1.0, 0, '{\"a\":1}', E'x\n', '')",
        "(1, 1.0, 0, '{\"a\":1}', '🐘', '')",
        "(1, 1.0, 0, '{\"a\":1}', null, '')",
        "(1, 1.0, 0, '{\"a\":1}', '', 'x')",
        "(1, 1.0, 0, '{\"a\":1}', 'x', null)",
        "(1, 1.0, 0, '{\"a\":1}', 'x', ''), (1, 1.0, 0, '{\"a\":1}', 'x', '')",
    ] {
        assert_ne!(digest(other), base, "{other}");
    }
    let two = "(1, 1.0, 0, null, 'x', ''), (2, 1.0, 0, null, 'y', '')";
    let reversed = "(2, 1.0, 0, null, 'y', ''), (1, 1.0, 0, null, 'x', '')";
    assert_eq!(digest(two), digest(reversed));
}

/// Rows of one structure, of which no two are the same.
const NASTY: [(&str, &[&str]); 9] = [
    (
        "a text",
        &["null", "''", "'t'", "'(t'", "'(t)'", "E'\\x1f'", "E'(t\\x1f'", "'0'", "E'0\\x1f'"],
    ),
    (
        "a text, b text",
        &[
            "null, null",
            "'', ''",
            "null, ''",
            "'', null",
            "'x', null",
            "null, 'x'",
            "'x', 'x'",
            "E'x\\x1fx', ''",
            "'', E'x\\x1fx'",
            "E'x\\x1f1\\x1f', 'x'",
            "'x', E'1\\x1fx'",
            "E'(tf', 'x'",
        ],
    ),
    ("a int, b int", &["1, null", "null, 1", "null, null", "1, 1", "11, null", "1, 11", "11, 1"]),
    (
        "a varbit, b int[]",
        &["'', '{}'", "null, '{}'", "'', null", "'1', '{}'", "'', '{1}'", "'', '{null}'"],
    ),
    (
        "a json, b jsonb",
        &["'1', '1'", "'\"\\u001f\"', '1'", "null, 'null'", "'null', null", "'1 ', '1'"],
    ),
    (
        "a text[]",
        &["null", "'{}'", "'{null}'", "'{NULL,\"\"}'", "'{\"null\"}'", "'{\"a,b\"}'", "'{a,b}'"],
    ),
    (
        "a pair",
        &[
            "null",
            "row(null, null)",
            "row('', null)",
            "row(null, '')",
            "row('(t', null)",
            "row('t', null)",
        ],
    ),
    (
        "a pair, b int",
        &[
            "null, 1",
            "row(null, null), 1",
            "row(null, null), null",
            "null, null",
            "row('', '1'), 1",
        ],
    ),
    (
        "a pair, b mood, c char(3), d positive",
        &[
            "null, 'x', 'y', 1",
            "null, 'y', 'x', 1",
            "null, null, 'y', 1",
            "row('x', 'y'), 'x', 'y', 1",
            "row('x', 'y'), 'x', 'y', null",
            "row('x', 'y'), 'x', null, 1",
        ],
    ),
];

#[test]
fn no_two_rows_have_one_text() {
    let types = "create type pair as (a text, b text); create type mood as enum ('x', 'y'); \
        create domain positive as int check (value > 0);";
    let tables = NASTY.iter().enumerate().flat_map(|(group, (columns, rows))| {
        rows.iter().enumerate().map(move |(row, values)| {
            let name = format!("t_{group}_{row}");
            format!("create table {name} ({columns}); insert into {name} values ({values});")
        })
    });
    let shop = Shop::with(&(types.to_owned() + &tables.collect::<String>()));
    let mut session = Session::open(&shop.live(), Access::ReadOnly).unwrap();
    let contents = digest::contents(&mut session).unwrap();
    let of = |group, row| {
        let name = digest::TableName::new("public", format!("t_{group}_{row}"));
        contents.tables[&name].digest
    };
    for (group, (columns, rows)) in NASTY.iter().enumerate() {
        for one in 0..rows.len() {
            for other in 0..one {
                let (a, b) = (rows[one], rows[other]);
                assert_ne!(of(group, one), of(group, other), "({columns}): ({a}) and ({b})");
            }
        }
    }
}

#[test]
fn a_wide_table_and_one_of_many_collations_have_digests() {
    let columns: Vec<_> = (0..400)
        .map(|n| match n % 3 {
            0 => format!("c{n} int default {n}"),
            1 => format!("c{n} text default 'v{n}'"),
            _ => format!("c{n} text collate \"C\""),
        })
        .collect();
    let shop = Shop::with(&format!(
        "create table wide ({0}); insert into wide default values; create table other (like wide including defaults); \
         insert into other select * from wide; update other set c398 = '';
         create table mixed (a text collate \"C\", b varchar collate \"POSIX\", c char(3), d name, e \"char\"); \
         insert into mixed values ('a', 'b', 'c', 'd', 'e')",
        columns.join(", ")
    ));
    let mut session = Session::open(&shop.live(), Access::ReadOnly).unwrap();
    let tables = digest::contents(&mut session).unwrap().tables;
    let of = |name: &str| &tables[&digest::TableName::new("public", name)];
    assert_eq!((of("wide").n_rows, of("mixed").n_rows), (1, 1));
    assert_ne!(of("wide").digest, of("other").digest);
}

#[test]
fn digests_leave_the_callers_settings_and_transaction_alone() {
    let shop = Shop::new();
    let mut session = Session::open(&shop.live(), Access::ReadWrite).unwrap();
    session.run("begin; set local search_path = stock; set local timezone = 'Asia/Tokyo'").unwrap();
    let table = digest::TableName::new("stock", "moves");
    let before = digest::digests(&mut session, std::slice::from_ref(&table)).unwrap();
    session.run("delete from moves where book = 2").unwrap();
    let after = digest::digests(&mut session, std::slice::from_ref(&table)).unwrap();
    assert_eq!((before[0].n_rows, after[0].n_rows), (3, 2));
    assert_eq!(session.rows("show timezone").unwrap()[0][0].as_deref(), Some("Asia/Tokyo"));
    let missing = digest::digests(&mut session, &[digest::TableName::new("stock", "gone")]);
    assert_eq!(missing.unwrap_err().code, "contents-unreadable");
    session.run("rollback").unwrap();
}

/// What was told: done and total.
#[derive(Default)]
struct Ticks(Vec<(u64, u64)>);

impl Progress for Ticks {
    fn begin(&mut self, _what: &str) {}

    fn boundary(&mut self, _name: &str) {}

    fn advance(&mut self, done: u64, total: u64) {
        self.0.push((done, total));
    }
}

#[test]
fn how_much_is_read_is_told_after_each_table() {
    let shop = Shop::with(
        "create table a as select n, repeat('x', 100) from generate_series(1, 10000) n;
         create table b as select n, repeat('y', 100) from generate_series(1, 20000) n",
    );
    let mut ticks = Ticks::default();
    let mut session = Session::open(&shop.live(), Access::ReadOnly).unwrap();
    digest::contents_told(&mut session, &mut ticks).unwrap();
    let [(first, total), (last, _)] = ticks.0[..] else { panic!("{:?}", ticks.0) };
    assert!(1_000_000 < first && 2 * first < last + 100_000 && last == total, "{:?}", ticks.0);
}
