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
