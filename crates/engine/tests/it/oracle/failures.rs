//! Where our statements are not the kit's: what a real server makes of the kit's, recorded in
//! `cases/failures.json`, and ours beside it, which end in what is declared.
//!
//! A part by default, everything with `RAINGAUGE_FULL=1`; `RAINGAUGE_RECORD=1` writes the file anew.

use std::collections::BTreeMap;
use std::fs;

use raingauge_schema::Dialect;
use raingauge_schema::drizzle::snapshot::Generation;

use super::build::Builder;
use super::cases::{Case, cases, root};
use super::{differences, elsewhere, is_full, is_impossible};

/// Where only rows show what is wrong: a recording and a case, statements before the last step, and what
/// ours leave of them.
const ROWS: [[&str; 5]; 9] = [
    ["", "generated comes with not null", "insert into t values (1, null)", "select a from t", "2"],
    [
        "",
        "rebuild/two-tables",
        "create table c (b integer references b (id) on delete cascade); \
         insert into a values (1, 'x'); insert into b values (1, 'x'); insert into c values (1)",
        "select count(*) from c",
        "1",
    ],
    [
        "",
        "rebuild/with-a-new-column",
        "insert into a values (1, 'x')",
        "select id, x, fresh from a",
        "1|x|null",
    ],
    [
        "",
        "column comes to a table that is rebuilt",
        "insert into t values (1, 'x')",
        "select id, a, b, c from t",
        "1|x|null|3",
    ],
    [
        "",
        "virtual column becomes plain",
        "insert into t (id) values (4)",
        "select id, a from t",
        "4|8",
    ],
    [
        "",
        "integer becomes serial",
        "insert into t (id, a) values (1, 7)",
        "select nextval('t_a_seq')",
        "8",
    ],
    [
        "",
        "bigint becomes bigserial",
        "insert into t (id, a) values (1, 7)",
        "select nextval('t_a_seq')",
        "8",
    ],
    [
        "renames/sqlite",
        "column of keys",
        "insert into users values (1, 5, 'x'); insert into posts values (5, 6, 'y')",
        "select z from posts",
        "5",
    ],
    [
        "renames/sqlite",
        "column and type",
        "insert into users values (1, 5, 'x'); insert into posts values (5, 6, '7')",
        "select k from posts",
        "7",
    ],
];

/// Where the kit's statements work on the server that the tests use, and why ours are others all the same.
const MILDER: [(&str, &str, &str); 3] = [
    ("renames/mysql.0", "table", "takes the key away and makes it anew, which copies the table"),
    ("renames/postgres.0", "enum", "casts arrays to the type that they have, which copies tables"),
    (
        "sqlite/pitfalls",
        "view changes along with a column that goes",
        "fails where a text in double quotes is never a literal, as in better-sqlite3",
    ),
];

/// A recording, then a case, then what the kit's statements do.
type Failures = BTreeMap<String, BTreeMap<String, String>>;

fn rows_of(case: &Case) -> Option<&'static [&'static str; 5]> {
    ROWS.iter().find(|it| case.file.starts_with(it[0]) && it[1] == case.name)
}

fn milder(case: &Case) -> Option<&'static str> {
    let is_it =
        |it: &&(&str, &str, &str)| case.file.starts_with(it.0) && case.name.starts_with(it.1);
    MILDER.iter().find(is_it).map(|it| it.2)
}

/// What is found; `wrong` gets what ours do not do.
fn find(dialect: Dialect, generation: Generation, wrong: &mut Vec<String>) -> Option<Failures> {
    let mut builder = Builder::of(dialect)?;
    let mut failures = Failures::new();
    let mut index = 0;
    for case in cases(dialect, generation) {
        let (Some(kit), Ok(ours)) = (case.kit(), case.last(generation)) else { continue };
        let trimmed: Vec<_> = ours.iter().map(|it| it.trim().to_owned()).collect();
        if kit == trimmed || is_impossible(&case) {
            continue;
        }
        index += 1;
        let has_rows = rows_of(&case).is_some();
        if !is_full() && !has_rows && index % 4 != 0 {
            continue;
        }
        match failure(&mut builder, &case, generation, &kit) {
            Ok(failure) => {
                let of_file = failures.entry(case.file.clone()).or_default();
                of_file.insert(case.name.clone(), failure);
            }
            Err(error) => wrong.push(format!("{} {}: {error}", case.file, case.name)),
        }
    }
    Some(failures)
}

/// What the kit's statements do, after a look at what ours do.
fn failure(
    builder: &mut Builder,
    case: &Case,
    generation: Generation,
    kit: &[String],
) -> Result<String, String> {
    let rows = rows_of(case);
    let query = rows.map_or("", |it| it[3]);
    let mut before = [elsewhere(case), case.before(generation)?].concat();
    before.extend(rows.map(|it| it[2].to_owned()));
    let after = |statements: &[String]| [before.as_slice(), statements].concat();
    let stays = elsewhere(case).into_iter().filter(|it| it.starts_with("create table"));
    let fresh: Vec<_> = stays.chain(case.fresh(generation)?).collect();
    let fresh = builder.build(&fresh, "").map_err(|it| it.to_string())?;
    let ours = builder.build(&after(&case.last(generation)?), query);
    let ours = ours.map_err(|it| it.to_string())?;
    let of_rows = |line: &String| !(rows.is_some() && line.starts_with("too much"));
    let differs = |it| differences(case, it, &fresh.catalog).into_iter().filter(of_rows);
    let left: Vec<_> = differs(&ours.catalog).collect();
    let expected = rows.map_or("", |it| it[4]);
    if !left.is_empty() || ours.rows != expected {
        return Err(format!("{}\n`{}`, not `{expected}`", left.join("\n"), ours.rows));
    }
    Ok(match builder.build(&after(kit), query) {
        Err(it) if case.dialect == Dialect::MySql => format!("{}: {}", it.state, it.message),
        Err(it) => it.message,
        Ok(built) => match differs(&built.catalog).next() {
            Some(difference) => format!("ends otherwise: {difference}"),
            None if built.rows != ours.rows => {
                format!("leaves `{}` of the rows, not `{}`", built.rows, ours.rows)
            }
            None => match milder(case) {
                Some(why) => format!("works, but {why}"),
                None => "works, too".to_owned(),
            },
        },
    })
}

#[test]
fn what_is_not_the_kits_fails_there_and_works_here() {
    let path = root().join("failures.json");
    let (mut failures, mut wrong, mut missing) = (Failures::new(), Vec::new(), Vec::new());
    for generation in [Generation::V0, Generation::V1] {
        for dialect in [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite] {
            match find(dialect, generation, &mut wrong) {
                Some(found) => failures.extend(found),
                None => missing.push(dialect),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of ours are wrong:\n\n{}", wrong.len(), wrong.join("\n\n"));
    if std::env::var_os("RAINGAUGE_RECORD").is_some() {
        assert!(missing.is_empty(), "no server for {missing:?}: what is recorded would be lost");
        fs::write(&path, serde_json::to_string_pretty(&failures).unwrap() + "\n").unwrap();
    }
    let recorded: Failures = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let each = |all: Failures| {
        let of_file = |(file, cases): (String, BTreeMap<String, String>)| {
            cases.into_iter().map(move |(name, it)| format!("{file} {name}: {it}"))
        };
        all.into_iter().flat_map(of_file).collect::<Vec<_>>()
    };
    let (found, recorded) = (each(failures), each(recorded));
    let harmless: Vec<_> = found.iter().filter(|it| it.ends_with("works, too")).collect();
    assert!(harmless.is_empty(), "{harmless:#?}");
    let others: Vec<_> = found.iter().filter(|it| !recorded.contains(it)).collect();
    assert!(others.is_empty(), "not as recorded: {others:#?}");
    let is_whole = is_full() && missing.is_empty();
    assert!(!is_whole || found.len() == recorded.len(), "more is recorded than fails");
}
