//! Random databases: their baseline rebuilds them, and one change shows in one object.
//!
//! `chance` random numbers, names and texts · `world` what is in a database and the statements that made
//! it, `tables`, `families`, `programs`, `trimmings` the parts of it · `change` single changes, `upheaval` larger ones · `series` of readings. A seed decides
//! everything; one that fails is printed with the SQL. `RAINGAUGE_FULL=1` tries 500 databases and 2000
//! changes, `RAINGAUGE_SEED=7` and `RAINGAUGE_SEED=20-40` those databases.

mod chance;
mod change;
mod families;
pub(crate) mod mysql;
mod mysql_pairs;
pub(crate) mod pairs;
mod programs;
mod series;
mod tables;
mod trimmings;
mod upheaval;
mod world;

use std::fmt::Write;

use raingauge_engine::baseline::roles::without_owners;
use raingauge_engine::baseline::{from_pg_dump, unsaid_by_pg_dump};
use raingauge_engine::connect::{Access, Session};
use raingauge_engine::dump::schema_dump;
use raingauge_engine::introspect::{catalog, catalog_within};
use raingauge_engine::replay;
use raingauge_engine::scratch::{Scratch, ScratchDatabase};
use raingauge_schema::drizzle::migration::join;
use raingauge_schema::{Catalog, Pair, compare};

use crate::postgres_catalog::{ledger, run};
use crate::postgres_session::{role, scratch};
use world::World;

/// The seeds of a run: a few by default, `full` of them with `RAINGAUGE_FULL`, or those that are asked for.
fn seeds(few: u64, full: u64) -> Vec<u64> {
    if let Ok(asked) = std::env::var("RAINGAUGE_SEED") {
        let (from, to) = asked.split_once('-').unwrap_or((&asked, &asked));
        return (from.parse().unwrap()..=to.parse().unwrap()).collect();
    }
    let is_full = std::env::var_os("RAINGAUGE_FULL").is_some();
    (1..=if is_full { full } else { few }).collect()
}

fn prepared(scratch: &mut Scratch) -> ScratchDatabase {
    let mut database = scratch.create("property").unwrap();
    for name in ["reader", "writer", "newcomer", "\"Some One\""] {
        run(&mut database, &role(name, "nologin"));
    }
    database
}

/// What differs, one line per object.
fn differences(from: &Catalog, to: &Catalog) -> Vec<String> {
    let it = compare(Pair { from, to });
    let mut all: Vec<_> = it.only_from.iter().map(|object| format!("-{}", object.id)).collect();
    all.extend(it.only_to.iter().map(|object| format!("+{}", object.id)));
    all.extend(it.differs.iter().map(|object| format!("~{}", object.id)));
    all.extend(it.renamed.iter().map(|pair| format!("={}", pair.from)));
    all
}

/// The differences with all that they say.
fn shown(from: &Catalog, to: &Catalog) -> String {
    let it = compare(Pair { from, to });
    format!("only from {:#?}\nonly to {:#?}\ndiffers {:#?}", it.only_from, it.only_to, it.differs)
}

/// A random database, rebuilt from its baseline; what is wrong with that.
fn rebuilt(scratch: &mut Scratch, seed: u64) -> Result<(), String> {
    let mut live = prepared(scratch);
    let world = World::build(&mut live.session, seed);
    let made = world.made.join(";\n");
    if std::env::var_os("RAINGAUGE_SEED").is_some() {
        println!("{made};\n-- {} statements, {} refused", world.made.len(), world.n_refused);
    }
    rebuild(scratch, &live).map_err(|it| format!("seed {seed}: {it}\n\n{made};\n"))
}

/// Rebuilds a database from its baseline and compares the two twice.
fn rebuild(scratch: &mut Scratch, live: &ScratchDatabase) -> Result<(), String> {
    let mut reader = Session::open(&live.dsn, Access::ReadOnly).unwrap();
    let before = catalog(&mut reader, &[ledger()]).unwrap();
    let text = without_owners(schema_dump(&mut reader, &live.dsn, &[ledger()], None).unwrap());
    let mut baseline = from_pg_dump(&text, &[ledger()]);
    baseline.statements.extend(unsaid_by_pg_dump(&mut reader).unwrap());
    if !baseline.findings.is_empty() {
        return Err(format!("{:?}", baseline.findings));
    }
    let closed: Vec<_> = baseline.statements.iter().map(|it| format!("{it};\n")).collect();
    let file = join(closed.iter().map(String::as_str), true);
    let mut fresh = scratch.create("rebuilt").unwrap();
    if let Err(error) = replay::file(&mut fresh.session, "baseline", &file) {
        return Err(format!("{error}: {}\n{file}", error.statement));
    }
    let mut reader = Session::open(&fresh.dsn, Access::ReadOnly).unwrap();
    let after = catalog(&mut reader, &[ledger()]).unwrap();
    if before.fingerprint() != after.fingerprint() {
        return Err(shown(&before, &after));
    }
    let again = without_owners(schema_dump(&mut reader, &fresh.dsn, &[ledger()], None).unwrap());
    if text != again {
        let changed = similar_lines(&text.text(), &again.text());
        return Err(format!("the dumps differ:\n{changed}"));
    }
    Ok(())
}

fn similar_lines(from: &str, to: &str) -> String {
    let mut text = String::new();
    for line in from.lines().filter(|it| !to.lines().any(|other| other == *it)) {
        let _ = writeln!(text, "- {line}");
    }
    for line in to.lines().filter(|it| !from.lines().any(|other| other == *it)) {
        let _ = writeln!(text, "+ {line}");
    }
    text
}

#[track_caller]
fn none_is_wrong(wrong: &[String], of: usize) {
    // Their text was printed when it was found.
    assert!(wrong.is_empty(), "{} of {of} are wrong", wrong.len());
}

#[test]
fn the_baseline_of_a_random_database_rebuilds_it() {
    let Some(mut scratch) = scratch() else { return };
    let seeds = seeds(20, 500);
    let mut wrong = Vec::new();
    for seed in &seeds {
        if let Err(text) = rebuilt(&mut scratch, *seed) {
            println!("{text}");
            wrong.push(text);
        }
        if seed % 50 == 0 {
            println!("{seed} databases, {} wrong", wrong.len());
        }
    }
    none_is_wrong(&wrong, seeds.len());
}

/// What random databases have shown, each once more.
const ONCE_WRONG: [&str; 2] = [
    // A child that stays with the usual way of storing and compressing, whatever its parent does.
    "create table p (a text, b text); create table c () inherits (p); \
     alter table only p alter a set compression pglz, alter b set storage external",
    "create table p (a text); create table c (a text) inherits (p); \
     alter table only c alter a set storage main; alter table only p alter a set storage external",
];

#[test]
fn a_database_that_was_once_wrong_is_rebuilt() {
    let Some(mut scratch) = scratch() else { return };
    for sql in ONCE_WRONG {
        let mut live = prepared(&mut scratch);
        run(&mut live, sql);
        rebuild(&mut scratch, &live).map_err(|it| format!("{sql}: {it}")).unwrap();
    }
}

/// Changes to one database, each rolled back; those that show elsewhere than where they belong.
fn changed(scratch: &mut Scratch, seed: u64, n: usize) -> (usize, Vec<String>) {
    let mut live = prepared(scratch);
    let mut world = World::build(&mut live.session, seed);
    let before = catalog(world.session, &[ledger()]).unwrap();
    let (mut tried, mut wrong) = (0, Vec::new());
    for _ in 0..n * 4 {
        let Some((sql, expected)) = world.change().filter(|_| tried < n) else { continue };
        world.session.run("begin").unwrap();
        let taken = world.session.run(&sql).is_ok();
        let after = taken.then(|| catalog_within(world.session, &[ledger()]).unwrap());
        world.session.run("rollback").unwrap();
        let Some(after) = after else { continue };
        tried += 1;
        let mut found = differences(&before, &after);
        found.retain(|it| !comes_with(&expected, it));
        if found != expected {
            let all = world.made.join(";\n");
            let text = shown(&before, &after);
            wrong.push(format!(
                "seed {seed}: {sql}\n expected {expected:?}\n found {found:?}\n{text}\n\n{all};\n"
            ));
        }
    }
    (tried, wrong)
}

/// Default privileges give a new object its grants.
fn comes_with(expected: &[String], found: &str) -> bool {
    let grants = expected.iter().filter_map(|it| it.strip_prefix('+'));
    let words = ["table", "view", "materialized view", "sequence", "enum", "domain", "schema"];
    let mut of = grants.flat_map(|it| {
        words.iter().filter_map(move |word| Some((word, it.strip_prefix(word)?.strip_prefix(' ')?)))
    });
    of.any(|(word, path)| found.starts_with(&format!("+grant on {word}.{path}.")))
}

#[test]
fn a_random_change_shows_in_one_object() {
    let Some(mut scratch) = scratch() else { return };
    let (mut tried, mut wrong) = (0, Vec::new());
    for seed in seeds(10, 100) {
        let (n, more) = changed(&mut scratch, seed, 20);
        tried += n;
        more.iter().for_each(|it| println!("{it}"));
        wrong.extend(more);
    }
    println!("{tried} changes");
    none_is_wrong(&wrong, tried);
}
