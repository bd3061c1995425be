//! Schemas of real projects and of PostgreSQL's own regression tests.

use std::path::{Path, PathBuf};

use raingauge_testkit::judge::orm::Orm;

use super::{check_migrations, errors, scene};
use crate::initsql::corpus::{corpus, without};

/// What a script of the corpus leaves, whether all of its statements succeed or not.
fn load(folder: &Path, name: &str, left_out: &[&str]) -> Option<super::Scene> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let scene = scene("corpus")?;
    let script = without(&text, left_out);
    scene.live.sql(&format!("\\set ON_ERROR_STOP off\n{script}")).unwrap();
    Some(scene)
}

/// The lines with which chinook makes a database of its own and goes there.
const OWN_DATABASE: [&str; 3] = ["DROP DATABASE", "CREATE DATABASE", "\\c "];

/// Each script's baseline, by both generations of drizzle-orm, over one driver each.
#[track_caller]
fn check(names: &[&str], left_out: &[&str]) {
    let Some(folder) = corpus() else { return };
    let mut planned = Vec::new();
    for name in names {
        let Some(scene) = load(&folder, name, left_out) else { return };
        let since = std::time::Instant::now();
        let baseline = scene.baseline();
        println!("{name}: {:.1?}", since.elapsed());
        planned.push((*name, scene, baseline));
    }
    let planned: Vec<_> =
        planned.iter().map(|(name, scene, baseline)| (*name, scene, baseline.as_str())).collect();
    check_migrations(&[Orm::ALL[0], Orm::ALL[3]], &planned);
}

#[test]
fn pagila_survives_its_baseline() {
    check(&["pagila/pagila-schema-pg15.sql"], &[]);
}

#[test]
fn sakila_survives_its_baseline() {
    check(&["sakila/postgres-sakila-schema.sql"], &[]);
}

#[test]
fn chinook_survives_its_baseline() {
    let serial = "chinook/Chinook_PostgreSql_SerialPKs.sql";
    check(&[serial, "chinook/Chinook_PostgreSql_AutoIncrementPKs.sql"], &OWN_DATABASE);
}

#[test]
fn temporal_survives_its_baseline() {
    check(&["temporal/postgresql-temporal.sql", "temporal/postgresql-visibility.sql"], &[]);
}

#[test]
fn adventureworks_survives_its_baseline() {
    check(&["adventureworks-pg/install.sql"], &["\\copy"]);
}

fn regression(folder: &str) -> Vec<String> {
    let Some(corpus) = corpus() else { return Vec::new() };
    let entries = std::fs::read_dir(corpus.join(folder)).unwrap().flatten();
    let mut names: Vec<PathBuf> = entries.map(|it| it.path()).collect();
    names.retain(|it| it.extension().is_some_and(|it| it == "sql"));
    names.sort();
    let name = |it: &PathBuf| it.strip_prefix(&corpus).unwrap().display().to_string();
    names.iter().map(name).collect()
}

fn check_regression(folder: &str) {
    let names = regression(folder);
    check(&names.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
}

#[test]
fn dumps_of_postgresqls_regression_tests_survive_their_baseline() {
    check_regression("pg-regress/derived");
}

/// Leaves a table whose columns stand in another order than its parent's, which no statement makes.
const REFUSED: &str = "pg-regress/generated.sql";

/// The scripts leave more behind than the dumps that were made of them, roles and rows for example.
#[test]
fn what_postgresqls_regression_tests_leave_survives_its_baseline() {
    if std::env::var_os("RAINGAUGE_FULL").is_none() {
        return println!(
            "skipped: the dumps made of them are tried; RAINGAUGE_FULL=1 tries these too"
        );
    }
    let Some(folder) = corpus() else { return };
    let mut names = regression("pg-regress");
    names.retain(|it| it != REFUSED);
    check(&names.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    let Some(scene) = load(&folder, REFUSED, &[]) else { return };
    let found = errors(&scene.plan().findings);
    assert!(matches!(found.as_slice(), [it] if it.contains("column-order")), "{found:?}");
}
