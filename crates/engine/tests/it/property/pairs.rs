//! Random pairs of databases: what leads from one to the other is found, applied, and leaves nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use jiff::Timestamp;
use raingauge_engine::commands::{DiffRequest, Diffed, diff};
use raingauge_engine::connect::{Access, Dsn, Session};
use raingauge_engine::progress::Silent;
use raingauge_engine::report::{Report, Verdict};
use raingauge_engine::scratch::{Scratch, ScratchDatabase, ScratchOptions};
use raingauge_engine::setting::{Keeping, Runtime, ScratchChoice, Setting};
use raingauge_schema::Dialect;
use raingauge_schema::script::PieceKind;

use super::chance::Chance;
use super::world::World;
use super::{none_is_wrong, prepared, seeds};
use crate::postgres_session::scratch;

/// A setting that only says where scratch is.
fn setting(choice: ScratchChoice) -> Setting {
    Setting {
        root: PathBuf::from("/"),
        env: BTreeMap::new(),
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

/// One of two databases.
pub(crate) struct Place {
    pub(crate) dsn: Dsn,
    /// As someone would type it.
    pub(crate) address: String,
    pub(crate) scratch: ScratchChoice,
}

impl Place {
    fn of(database: &ScratchDatabase) -> Self {
        let (address, scratch) = match &database.dsn {
            Dsn::Sqlite(it) => (format!("file:{}", it.path.display()), ScratchChoice::Auto),
            Dsn::MySql(_) => unreachable!("these are no scratch databases"),
            Dsn::Postgres(it) => {
                let password = it.password.clone().unwrap_or_default();
                let address = format!(
                    "postgresql://{}:{password}@/{}?host={}&port={}",
                    it.user, it.database, it.host, it.port
                );
                (address.clone(), ScratchChoice::Url(address))
            }
        };
        Self { dsn: database.dsn.clone(), address, scratch }
    }
}

fn compared(from: &Place, to: &Place) -> Result<Diffed, String> {
    let (from_address, to_address) = (from.address.clone(), to.address.clone());
    let request = DiffRequest { from: from_address, to: to_address, dialect: None, sql: false };
    diff(&setting(from.scratch.clone()), &request, &mut Silent)
        .map_err(|it| format!("{}: {it} {:?}", it.code, it.causes()))
}

fn shown(report: &Report) -> String {
    raingauge_engine::report::text::render(report, &|_, it| it.to_owned())
}

/// What became of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Equal,
    Led,
    /// Told by name as not expressed.
    Told,
}

/// Compares, applies what is printed to the first database, and compares again.
pub(crate) fn led(from: &Place, to: &Place, dialect: Dialect) -> Result<Outcome, String> {
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
    if dialect == Dialect::Sqlite {
        session.run("PRAGMA synchronous = OFF").unwrap();
    }
    let pieces = dialect.split(&script).map_err(|it| format!("{it}\n{script}"))?.into_iter();
    for piece in pieces.filter(|it| it.kind != PieceKind::Command) {
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

/// How many pairs are tried at once. Each has up to nine connections, and a scratch server takes thirty.
const N_AT_ONCE: usize = 3;

/// What became of the pairs so far.
#[derive(Default)]
struct Tally {
    n: usize,
    counts: BTreeMap<Outcome, usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn count(&mut self, seed: u64, became: Result<Outcome, String>) {
        self.n += 1;
        match became {
            Ok(outcome) => *self.counts.entry(outcome).or_insert(0) += 1,
            Err(text) => {
                println!("seed {seed}: {text}\n");
                self.wrong.push(text);
            }
        }
        if self.n.is_multiple_of(50) {
            println!("{self}");
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} pairs: {:?}, {} wrong", self.n, self.counts, self.wrong.len())
    }
}

/// Tries pairs, several at once, each with what `open` gives, and prints what became of them.
pub(crate) fn try_pairs<T: Send>(
    seeds: Vec<u64>,
    open: impl Fn() -> Option<T>,
    pair: impl Fn(&mut T, u64) -> Result<Outcome, String> + Sync,
) {
    let (n, tally) = (seeds.len(), Mutex::new(Tally::default()));
    let rest = Mutex::new(seeds.into_iter());
    let work = |mut provider: T| loop {
        let Some(seed) = rest.lock().unwrap().next() else { return };
        let became = pair(&mut provider, seed);
        tally.lock().unwrap().count(seed, became);
    };
    let Some(first) = open() else { return };
    let others = (1..N_AT_ONCE.min(n)).filter_map(|_| open()).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        for scratch in std::iter::once(first).chain(others) {
            scope.spawn(|| work(scratch));
        }
    });
    let tally = tally.into_inner().unwrap();
    println!("{tally}");
    none_is_wrong(&tally.wrong, n);
    let n_led = tally.counts.get(&Outcome::Led).copied().unwrap_or(0);
    assert!(n < 4 || n * 4 / 5 < n_led, "only {n_led} of {n} were led");
}

/// A random database, and the same with some random changes.
fn postgres_pair(scratch: &mut Scratch, seed: u64) -> Result<Outcome, String> {
    let (mut from, mut to) = (prepared(scratch), prepared(scratch));
    let half = seed / 2;
    drop(World::build(&mut from.session, half));
    let mut world =
        World::build(&mut to.session, if seed.is_multiple_of(2) { half } else { seed + 7_000 });
    for at in 0..12 {
        let sql = if at % 4 == 3 { world.upheave() } else { world.change().map(|it| it.0) };
        if let Some(sql) = sql {
            let _ = world.session.run(&sql);
        }
    }
    led(&Place::of(&from), &Place::of(&to), Dialect::Postgres)
}

#[test]
fn what_leads_from_one_random_postgres_database_to_another_gives_it() {
    try_pairs(seeds(6, 2000), scratch, postgres_pair);
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
    if 0 < n_changes && chance.one_in(4) {
        rename_indexes(database, &mut chance);
    }
}

/// Gives indexes other names, for which SQLite has no statement.
fn rename_indexes(database: &mut ScratchDatabase, chance: &mut Chance) {
    use super::chance::q;
    let made = "select name, sql from sqlite_schema where type = 'index' and sql is not null";
    for row in database.session.rows(made).unwrap() {
        let [Some(name), Some(sql)] = row.as_slice() else { continue };
        let renamed = sql.replacen(&q(name), &q(&chance.name()), 1);
        database.session.run(&format!("drop index {}; {renamed}", q(name))).unwrap();
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

fn sqlite_pair(scratch: &mut Scratch, seed: u64) -> Result<Outcome, String> {
    let (mut from, mut to) = (scratch.create("from").unwrap(), scratch.create("to").unwrap());
    let half = seed / 2;
    sqlite_world(&mut from, half, 0);
    sqlite_world(&mut to, if seed.is_multiple_of(2) { half } else { seed + 7_000 }, 4);
    led(&Place::of(&from), &Place::of(&to), Dialect::Sqlite)
}

#[test]
fn what_leads_from_one_random_sqlite_database_to_another_gives_it() {
    let open = || Some(Scratch::open(ScratchOptions::new(Dialect::Sqlite)).unwrap());
    try_pairs(seeds(60, 2000), open, sqlite_pair);
}

/// What random pairs have shown: from, to, what its rows are asked afterwards, and the answer.
type Case = (&'static str, &'static str, &'static str, &'static str);

const ONCE_TOLD_ON_POSTGRES: [Case; 6] = [
    (
        "create domain d as integer check (value > 0); create table t (a d default 3); insert into t values (7)",
        "create domain d as text default '7'; create table t (a d default '3')",
        "select a from t",
        "7",
    ),
    ("create type shell", "create table t (a int)", "select count(*) from t", "0"),
    (
        "create table t (a int)",
        "create table p (k int primary key) partition by hash (k); \
         create table q partition of p for values with (modulus 2, remainder 0) partition by hash (k); \
         create table \"ööööööööööööööööööööööööööööööx\" partition of q for values with (modulus 1, remainder 0)",
        "select count(*) from p",
        "0",
    ),
    (
        "create table t (a int not null, b text); insert into t values (1, 'x')",
        "create table p (a int not null, c date) partition by hash (a); \
         create table t partition of p for values with (modulus 1, remainder 0)",
        "select a from p",
        "1",
    ),
    (
        "create table p (id int primary key); create table c (p int references p); insert into p values (4)",
        "create table p (id int primary key); create table c (p int references p); alter table c disable trigger all",
        "select id from p",
        "4",
    ),
    (
        "create table p (id int primary key); create table c (p int references p); alter table c disable trigger all",
        "create table p (id int primary key); create table c (p int references p)",
        "select count(*) from p",
        "0",
    ),
];

const ONCE_TOLD_ON_SQLITE: [Case; 2] = [
    (
        "create table t (a int); create index i on t (a); insert into t values (5)",
        "create table t (a int); create index j on t (a)",
        "select a from t",
        "5",
    ),
    (
        "create table t (a int); create index i on t (a); create index j on t (a)",
        "create table t (a int); create index k on t (a)",
        "select count(*) from t",
        "0",
    ),
];

fn led_with_rows(scratch: &mut Scratch, dialect: Dialect, cases: &[Case]) {
    for (sql, wanted, query, answer) in cases {
        let (mut from, mut to) = (scratch.create("from").unwrap(), scratch.create("to").unwrap());
        from.session.run(sql).unwrap();
        to.session.run(wanted).unwrap();
        assert_eq!(
            led(&Place::of(&from), &Place::of(&to), dialect),
            Ok(Outcome::Led),
            "{sql} to {wanted}"
        );
        let rows = from.session.rows(query).unwrap();
        assert_eq!(rows, [[Some((*answer).to_owned())]], "{sql} to {wanted}");
    }
}

#[test]
fn what_was_once_only_told_is_led_with_its_rows() {
    let mut sqlite = Scratch::open(ScratchOptions::new(Dialect::Sqlite)).unwrap();
    led_with_rows(&mut sqlite, Dialect::Sqlite, &ONCE_TOLD_ON_SQLITE);
    let Some(mut postgres) = scratch() else { return };
    led_with_rows(&mut postgres, Dialect::Postgres, &ONCE_TOLD_ON_POSTGRES);
}
