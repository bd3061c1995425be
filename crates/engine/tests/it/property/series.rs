//! What a series of readings says is at every step what a whole reading says: over random histories, over every
//! attribute that can be changed, over real histories. `RAINGAUGE_FULL=1` compares after each statement.

use std::path::{Path, PathBuf};

use raingauge_engine::connect::Session;
use raingauge_engine::introspect::{Series, catalog};
use raingauge_engine::replay;
use raingauge_engine::scratch::{Scratch, ScratchDatabase, ScratchOptions};
use raingauge_schema::{Catalog, Dialect};

use super::chance::{Chance, q};
use super::world::World;
use super::{prepared, seeds, shown};
use crate::postgres_catalog::{EVERYTHING, ledger, run};
use crate::postgres_flips::statements;
use crate::postgres_session::scratch;

/// A series and what it was found wrong about.
#[derive(Default)]
struct Witness {
    series: Series,
    n_compared: usize,
    wrong: Vec<String>,
    /// How often the server may be asked in vain: a series that reads everything is always right.
    n_may_fail: usize,
}

impl Witness {
    fn look(&mut self, session: &mut Session, after: &str) {
        let said = self.series.next(session, &[ledger()]).unwrap();
        let whole = catalog(session, &[ledger()]).unwrap();
        self.n_compared += 1;
        assert!(self.series.n_failed() <= self.n_may_fail, "read in full after {after}");
        if !is_same(&said, &whole) {
            self.wrong.push(format!("{after}\n{}", shown(&said, &whole)));
            // What is wrong once would be wrong at each step that follows.
            self.series = Series::default();
        }
    }

    #[track_caller]
    fn tells(self, at_least: usize) {
        self.wrong.iter().take(3).for_each(|it| println!("after {it}\n"));
        assert!(self.wrong.is_empty(), "{} of {} are wrong", self.wrong.len(), self.n_compared);
        assert!(at_least <= self.n_compared, "only {} were compared", self.n_compared);
        println!("{} compared", self.n_compared);
    }
}

/// With owners, which fingerprints leave out.
fn is_same(one: &Catalog, other: &Catalog) -> bool {
    one.objects().eq(other.objects()) && one.has_same_structure(other)
}

fn is_full() -> bool {
    std::env::var_os("RAINGAUGE_FULL").is_some()
}

/// Statements in steps of a few, each in a transaction; one that the server refuses is left out.
fn in_steps(witness: &mut Witness, database: &mut ScratchDatabase, all: &[String], seed: u64) {
    let mut chance = Chance::new(seed);
    let most = if is_full() { 1 } else { 8 };
    let mut rest = all;
    while !rest.is_empty() {
        let (step, others) = rest.split_at(chance.between(1, most).min(rest.len()));
        rest = others;
        database.session.run("begin").unwrap();
        for sql in step {
            database.session.run("savepoint s").unwrap();
            if database.session.run(sql).is_err() {
                database.session.run("rollback to s").unwrap();
            }
        }
        database.session.run("commit").unwrap();
        witness.look(&mut database.session, &step.join(";\n"));
    }
}

/// What moves and removes whole things: names that others say, and what others rest on.
pub(crate) fn upheavals(world: &World<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for (n, table) in world.tables.iter().enumerate() {
        let (sql, alter) = (table.sql(), format!("alter table {}", table.sql()));
        let column = table.columns.first().map(|it| q(&it.name)).unwrap_or_default();
        all.extend(match n % 8 {
            0 => vec![format!("{alter} rename to renamed_{n}")],
            1 => vec![format!("{alter} rename column {column} to renamed")],
            2 => {
                vec![format!("{alter} disable trigger all"), format!("{alter} enable trigger all")]
            }
            3 => vec![format!("{alter} drop column {column} cascade")],
            4 => vec![format!("{alter} owner to writer"), format!("{alter} set schema public")],
            5 => vec![format!("drop table {sql} cascade")],
            6 => vec![
                format!("create table born_{n} (like {sql} including all)"),
                format!("create view seen_{n} as select * from {sql}"),
                format!("{alter} add added_{n} serial"),
            ],
            _ => vec![
                format!("create temp table passing as select * from {sql}"),
                format!("truncate {sql} cascade"),
            ],
        });
    }
    let path = |it: &raingauge_schema::ObjectId| format!("{}.{}", q(&it.path[0]), q(&it.path[1]));
    for it in &world.sequences {
        all.push(format!("alter sequence {} increment 7 owned by none", path(it)));
        all.push(format!("alter sequence {} rename to counted", path(it)));
    }
    for it in &world.enums {
        all.push(format!("alter type {} add value 'one more'", path(it)));
        all.push(format!("alter type {} rename to mooded", path(it)));
    }
    for it in &world.views {
        all.push(format!("alter view {} rename to looked_at", path(it)));
    }
    for (table, index) in &world.indexes {
        all.push(format!("alter index {}.{} rename to found", q(&table.schema), q(index)));
    }
    all.extend(world.schemas.iter().skip(1).map(|it| format!("drop schema {} cascade", q(it))));
    all
}

#[test]
fn a_series_says_at_every_step_of_a_random_history_what_a_whole_reading_says() {
    let Some(mut scratch) = scratch() else { return };
    let mut witness = Witness::default();
    for seed in seeds(3, 100) {
        let mut model = prepared(&mut scratch);
        let mut world = World::build(&mut model.session, seed);
        let mut all = std::mem::take(&mut world.made);
        all.extend((0..40).filter_map(|_| world.change()).map(|it| it.0));
        all.extend(upheavals(&world));
        let mut database = prepared(&mut scratch);
        witness.series = Series::default();
        in_steps(&mut witness, &mut database, &all, seed);
    }
    witness.tells(40);
}

#[test]
fn a_series_notices_every_attribute_that_somebody_can_change() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = prepared(&mut scratch);
    run(&mut database, EVERYTHING);
    let mut witness = Witness::default();
    witness.look(&mut database.session, "everything");
    // A sample of the flips by default, another one each day of a month.
    let statements: Vec<String> = statements();
    let every = if is_full() { 1 } else { 4 };
    for sql in statements.iter().step_by(every) {
        let begun = database.session.run("begin").and_then(|()| database.session.run(sql));
        database.session.run(if begun.is_ok() { "commit" } else { "rollback" }).unwrap();
        witness.look(&mut database.session, sql);
    }
    witness.tells(50);
}

/// What no dependency of the server's tells, or only the other way round.
const HARD: [&str; 14] = [
    "create table a (id int primary key, n int); create table b (a int references a, c int); \
     create sequence s; create type mood as enum ('x', 'y'); create domain d as int; \
     create view v as select a.id, b.c from a join b on a.id = b.a; create schema other; \
     create table p (k int, t text) partition by list (k); create table p1 partition of p for values in (1); \
     create index p_t on p (t); create table m (m mood default 'x', check (m <> 'y')); \
     create function f(it a) returns int language sql as 'select 1'; create table dd (d d)",
    "alter sequence s owned by b.c",
    "alter sequence s increment 3",
    "drop sequence s",
    "alter table a disable trigger all",
    "alter table a rename id to ident",
    "alter type mood rename value 'y' to 'z'",
    "alter index p_t rename to p_u",
    "alter table a set schema other",
    "alter domain d rename to e",
    "create statistics st on a, c from b; alter table b rename c to cc",
    "create publication pub for table b; alter table b rename to bb",
    "comment on table bb is 'b'; grant select on bb to reader",
    "drop table bb cascade",
];

#[test]
fn a_series_follows_names_that_others_say() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = prepared(&mut scratch);
    let mut witness = Witness::default();
    for sql in HARD {
        run(&mut database, sql);
        witness.look(&mut database.session, sql);
        witness.look(&mut database.session, "nothing");
    }
    witness.n_may_fail = 1;
    run(&mut database, "discard all");
    witness.look(&mut database.session, "discard all");
    assert_eq!(witness.series.n_failed(), 1);
    witness.tells(2 * HARD.len() + 1);
}

/// The files of a history in its order.
fn files(folder: &Path) -> Vec<(String, String)> {
    let journal = std::fs::read(folder.join("meta/_journal.json")).unwrap();
    let journal: serde_json::Value = serde_json::from_slice(&journal).unwrap();
    let tags = journal["entries"].as_array().unwrap().iter().filter_map(|it| it["tag"].as_str());
    let read = |tag: &str| std::fs::read_to_string(folder.join(format!("{tag}.sql"))).unwrap();
    tags.map(|it| (it.to_owned(), read(it))).collect()
}

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("RAINGAUGE_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: RAINGAUGE_CORPUS does not name the folder of histories");
    }
    folder
}

#[test]
fn a_series_says_of_real_histories_what_whole_readings_say() {
    let (Some(corpus), Some(mut scratch)) = (corpus(), scratch()) else { return };
    let mut witness = Witness::default();
    for name in ["lmnr", "ai-chatbot", "homarr-postgresql", "racona-initsql/drizzle"] {
        let mut database = prepared(&mut scratch);
        run(
            &mut database,
            "create schema if not exists auth; create schema if not exists platform",
        );
        witness.series = Series::default();
        for (at, (tag, sql)) in files(&corpus.join(name)).iter().enumerate() {
            if replay::file(&mut database.session, tag, sql).is_err() {
                println!("{name} goes no further than {tag}");
                break;
            }
            if is_full() || at % 4 == 0 {
                witness.look(&mut database.session, tag);
            }
        }
    }
    witness.tells(20);
}

#[test]
fn a_series_says_of_histories_of_sqlite_what_whole_readings_say() {
    let Some(corpus) = corpus() else { return };
    let mut scratch = Scratch::open(ScratchOptions::new(Dialect::Sqlite)).unwrap();
    let mut witness = Witness::default();
    for name in ["homarr-sqlite", "vibesdk-d1", "tokscale"] {
        let folder = corpus.join(name);
        let journal = std::fs::read_to_string(folder.join("meta/_journal.json")).unwrap();
        if !journal.contains("sqlite") {
            continue;
        }
        let mut database = scratch.create("series").unwrap();
        witness.series = Series::default();
        for (tag, sql) in files(&folder) {
            if replay::file(&mut database.session, &tag, &sql).is_err() {
                println!("{name} goes no further than {tag}");
                break;
            }
            witness.look(&mut database.session, &tag);
        }
    }
    witness.tells(20);
}
