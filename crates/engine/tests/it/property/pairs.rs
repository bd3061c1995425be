//! Random pairs of databases: what leads from one to the other is found, applied, and leaves nothing.

use std::path::PathBuf;

use jiff::Timestamp;
use raingauge_engine::commands::{DiffRequest, Diffed, diff};
use raingauge_engine::connect::{Access, Dsn, Session};
use raingauge_engine::progress::Silent;
use raingauge_engine::report::{Report, Verdict};
use raingauge_engine::scratch::{Scratch, ScratchDatabase, ScratchOptions};
use raingauge_engine::setting::{Keeping, Runtime, ScratchChoice, Setting};
use raingauge_schema::Dialect;

use super::chance::Chance;
use super::world::World;
use super::{none_is_wrong, prepared, seeds};
use crate::postgres_session::scratch;

/// A setting that only says where scratch is.
fn setting(choice: ScratchChoice) -> Setting {
    Setting {
        root: PathBuf::from("/"),
        env: std::collections::BTreeMap::new(),
        config: None,
        url: None,
        init_sql: Vec::new(),
        scratch: choice,
        pg_client: None,
        with_owners: false,
        keeping: Keeping::default(),
        allow: Vec::new(),
        runtime: Runtime::Embedded,
        now: Timestamp::UNIX_EPOCH,
    }
}

/// The address of a scratch database, as someone would type it.
fn address(dsn: &Dsn) -> String {
    match dsn {
        Dsn::Sqlite(it) => format!("file:{}", it.path.display()),
        Dsn::MySql(_) => unreachable!("no pairs of MySQL yet"),
        Dsn::Postgres(it) => {
            let password = it.password.clone().unwrap_or_default();
            format!(
                "postgresql://{}:{password}@/{}?host={}&port={}",
                it.user, it.database, it.host, it.port
            )
        }
    }
}

fn compared(from: &ScratchDatabase, to: &ScratchDatabase) -> Result<Diffed, String> {
    let choice = match &from.dsn {
        Dsn::Postgres(_) => ScratchChoice::Url(address(&from.dsn)),
        Dsn::MySql(_) | Dsn::Sqlite(_) => ScratchChoice::Auto,
    };
    let request =
        DiffRequest { from: address(&from.dsn), to: address(&to.dsn), dialect: None, sql: false };
    diff(&setting(choice), &request, &mut Silent)
        .map_err(|it| format!("{}: {it} {:?}", it.code, it.causes()))
}

fn shown(report: &Report) -> String {
    raingauge_engine::report::text::render(report, &|_, it| it.to_owned())
}

/// What became of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Equal,
    Led,
    /// Told by name as not expressed.
    Told,
}

/// Compares, applies what is printed to the first database, and compares again.
fn led(from: &ScratchDatabase, to: &ScratchDatabase, dialect: Dialect) -> Result<Outcome, String> {
    let diffed = compared(from, to)?;
    if diffed.report.verdict() == Verdict::Clean {
        return Ok(Outcome::Equal);
    }
    let Some(script) = diffed.script else {
        let codes = ["diff-not-expressed"];
        let is_told = diffed.report.findings.iter().any(|it| codes.contains(&it.code));
        if std::env::var_os("RAINGAUGE_SEED").is_some() {
            println!("{}", shown(&diffed.report));
        }
        return if is_told { Ok(Outcome::Told) } else { Err(shown(&diffed.report)) };
    };
    let mut session = Session::open(&from.dsn, Access::ReadWrite).unwrap();
    for piece in dialect.split(&script).unwrap() {
        session.run(&piece.sql).map_err(|it| format!("{it}\n{}\n\n{script}", piece.sql))?;
    }
    drop(session);
    let again = compared(from, to)?;
    let is_empty = again.report.sections.iter().all(|it| it.key != "statements");
    match again.report.verdict() {
        Verdict::Clean if is_empty => Ok(Outcome::Led),
        _ => Err(format!("{}\n\n{script}", shown(&again.report))),
    }
}

/// Tries pairs and prints what became of them.
fn try_pairs(few: u64, full: u64, pair: &mut dyn FnMut(u64) -> Result<Outcome, String>) {
    let seeds = seeds(few, full);
    let (mut counts, mut wrong) = (std::collections::BTreeMap::new(), Vec::new());
    for seed in &seeds {
        match pair(*seed) {
            Ok(outcome) => *counts.entry(outcome).or_insert(0) += 1,
            Err(text) => {
                println!("seed {seed}: {text}\n");
                wrong.push(text);
            }
        }
        if seed.is_multiple_of(50) {
            println!("{seed} pairs, {counts:?}, {} wrong", wrong.len());
        }
    }
    println!("{} pairs: {counts:?}, {} wrong", seeds.len(), wrong.len());
    none_is_wrong(&wrong, seeds.len());
    let n_led = counts.get(&Outcome::Led).copied().unwrap_or(0);
    assert!(seeds.len() < 4 || seeds.len() / 2 < n_led, "only {n_led} of {} were led", seeds.len());
}

/// A random database, and the same with some random changes.
fn postgres_pair(scratch: &mut Scratch, seed: u64) -> Result<Outcome, String> {
    let (mut from, mut to) = (prepared(scratch), prepared(scratch));
    let half = seed / 2;
    drop(World::build(&mut from.session, half));
    let mut world =
        World::build(&mut to.session, if seed.is_multiple_of(2) { half } else { seed + 7_000 });
    for _ in 0..12 {
        if let Some((sql, _)) = world.change() {
            let _ = world.session.run(&sql);
        }
    }
    led(&from, &to, Dialect::Postgres)
}

#[test]
fn what_leads_from_one_random_postgres_database_to_another_gives_it() {
    let Some(mut scratch) = scratch() else { return };
    try_pairs(4, 1000, &mut |seed| postgres_pair(&mut scratch, seed));
}

/// A random SQLite database: tables with all that can stand in them, views, indexes, triggers.
fn sqlite_world(database: &mut ScratchDatabase, seed: u64, n_changes: usize) {
    let mut chance = Chance::new(seed);
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for at in 0..chance.between(1, 4) {
        let (sql, name, columns) = sqlite_table(&mut chance, at, &tables);
        if database.session.run(&sql).is_ok() {
            tables.push((name, columns));
        }
    }
    for (name, columns) in &tables {
        for sql in sqlite_parts(&mut chance, name, columns) {
            let _ = database.session.run(&sql);
        }
    }
    for _ in 0..n_changes {
        let Some((name, columns)) = chance.pick_any(&tables) else { return };
        let sql = sqlite_change(&mut chance, &name, &columns);
        let _ = database.session.run(&sql);
    }
}

fn sqlite_table(
    chance: &mut Chance,
    at: usize,
    others: &[(String, Vec<String>)],
) -> (String, String, Vec<String>) {
    use super::chance::q;
    let name = if chance.one_in(3) { chance.name() } else { format!("t{at}") };
    let mut columns = vec!["id".to_owned()];
    let mut parts = vec![
        chance
            .pick(&[
                "id integer primary key",
                "id integer primary key autoincrement",
                "id integer not null",
                "\"id\" text primary key",
            ])
            .to_owned(),
    ];
    for n in 0..chance.between(0, 5) {
        let column = if chance.one_in(4) { chance.name() } else { format!("c{n}") };
        let kind = chance.pick(&["integer", "text", "real", "blob", "numeric(10,2)", ""]);
        let rest = chance.pick(&[
            "",
            "",
            " not null default 7",
            " default 'it''s'",
            " unique",
            " collate nocase",
            " default (1 + 2)",
            " not null",
        ]);
        parts.push(format!("{} {kind}{rest}", q(&column)));
        columns.push(column);
    }
    if chance.one_in(3) {
        let column = q(&chance.pick(&columns));
        parts.push(format!("constraint {} check ({column} is not 'x')", q(&chance.name())));
    }
    if let Some((other, _)) = chance.pick_any(others).filter(|_| chance.one_in(2)) {
        let action = chance.pick(&["", " on delete cascade", " on update set null"]);
        parts.push(format!("foreign key (id) references {} (id){action}", q(&other)));
    }
    if chance.one_in(4) {
        parts.insert(1, "twice integer generated always as (length(id) * 2) virtual".to_owned());
    }
    let sql = format!("create table {} ({})", q(&name), parts.join(", "));
    (sql, name, columns)
}

fn sqlite_parts(chance: &mut Chance, table: &str, columns: &[String]) -> Vec<String> {
    use super::chance::q;
    let (t, column) = (q(table), q(&chance.pick(columns)));
    let mut all = Vec::new();
    if chance.one_in(2) {
        let unique = chance.maybe(3, "unique ");
        let rest = chance.maybe(3, &format!(" where {column} is not null"));
        all.push(format!("create {unique}index {} on {t} ({column}){rest}", q(&chance.name())));
    }
    if chance.one_in(3) {
        all.push(format!(
            "create view {} as select {column} from {t}",
            q(&format!("v of {table}"))
        ));
    }
    if chance.one_in(3) {
        let name = q(&format!("w of {table}"));
        all.push(format!("create view {name} as select * from {}", q(&format!("v of {table}"))));
    }
    if chance.one_in(3) {
        let name = q(&chance.name());
        all.push(format!(
            "create trigger {name} after insert on {t} begin update {t} set {column} = 1; end"
        ));
    }
    all
}

fn sqlite_change(chance: &mut Chance, table: &str, columns: &[String]) -> String {
    use super::chance::q;
    let (t, column, new) = (q(table), q(&chance.pick(columns)), q(&chance.name()));
    match chance.below(6) {
        0 => format!("alter table {t} add column {new} text default 'new'"),
        1 => format!("alter table {t} drop column {column}"),
        2 => format!("create index {new} on {t} ({column})"),
        3 => format!("create view {new} as select {column} from {t}"),
        4 => format!("create table {new} (a integer primary key, b text unique)"),
        _ => format!("alter table {t} add column {new} integer not null default 3"),
    }
}

#[test]
fn what_leads_from_one_random_sqlite_database_to_another_gives_it() {
    let mut scratch = Scratch::open(ScratchOptions::new(Dialect::Sqlite)).unwrap();
    try_pairs(30, 1500, &mut |seed| {
        let (mut from, mut to) = (scratch.create("from").unwrap(), scratch.create("to").unwrap());
        let half = seed / 2;
        sqlite_world(&mut from, half, 0);
        sqlite_world(&mut to, if seed.is_multiple_of(2) { half } else { seed + 7_000 }, 4);
        led(&from, &to, Dialect::Sqlite)
    });
}
