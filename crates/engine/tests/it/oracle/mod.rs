//! The statements of the oracle suite in `cases/suite` on real servers: our way from one schema to the
//! next leads where the next leads when it is built from nothing.
//!
//! `cases` what is recorded · `build` statements on PostgreSQL and SQLite · `differences` where the kit's
//! statements fail or lose something. A sample runs by default, everything with `RAINGAUGE_FULL=1`;
//! `RAINGAUGE_CASE=text` runs the cases whose name has the text.

mod build;
mod cases;

use raingauge_schema::drizzle::snapshot::Generation;
use raingauge_schema::{Catalog, Dialect, Kind, Pair, compare};

use build::Builder;
use cases::{Case, cases};

/// What the server that the tests use does not have: extensions that are not part of PostgreSQL, and a
/// tablespace.
const MISSING: [&str; 5] = [
    "type \"vector\"",
    "type \"halfvec\"",
    "type \"sparsevec\"",
    "type \"geometry\"",
    "tablespace \"fast\"",
];

/// Cases that no SQL could make work, with the reason.
const IMPOSSIBLE: [(&str, &str); 1] =
    [("generated columns", "`lower('X')` has no collation in a generated column")];

/// What is somewhere else, and what a case expects there: statements that come before its own.
const ELSEWHERE: [(&str, &str); 2] = [
    ("view stops to exist elsewhere", "create view v as select 1 as id"),
    ("policy linked to an undeclared table", "create table t ()"),
];

fn is_asked_for(case: &Case, index: usize) -> bool {
    match std::env::var("RAINGAUGE_CASE") {
        Ok(text) => case.name.contains(&text),
        Err(_) => std::env::var_os("RAINGAUGE_FULL").is_some() || index.is_multiple_of(case.sample),
    }
}

/// Builds the last schema of each case in both ways.
fn check(dialect: Dialect, generation: Generation) {
    let Some(mut builder) = Builder::of(dialect) else { return };
    let (mut count, mut skipped, mut wrong) = (0, Vec::new(), Vec::new());
    for (index, case) in cases(dialect, generation).into_iter().enumerate() {
        let is_impossible = IMPOSSIBLE.iter().any(|it| it.0 == case.name);
        if is_impossible || !is_asked_for(&case, index) {
            continue;
        }
        count += 1;
        match both(&mut builder, &case, generation) {
            Ok(()) => {}
            Err(error)
                if MISSING.iter().any(|it| {
                    error.contains(&format!("{it}\" does not exist"))
                        || error.contains(&format!("{it} does not exist"))
                }) =>
            {
                skipped.push(case.name);
            }
            Err(error) => wrong.push(format!("{}: {error}", case.name)),
        }
    }
    println!(
        "{count} cases, {} need what this server has not: {}",
        skipped.len(),
        skipped.join(", ")
    );
    assert!(wrong.is_empty(), "{} of {count}:\n\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(skipped.len() * 8 <= count.max(8), "{} of {count} skipped", skipped.len());
}

fn needs_missing(error: &str) -> bool {
    MISSING.iter().any(|it| error.contains(&format!("{it} does not exist")))
}

fn both(builder: &mut Builder, case: &Case, generation: Generation) -> Result<(), String> {
    let elsewhere = ELSEWHERE.iter().filter(|it| it.0 == case.name).map(|it| it.1.to_owned());
    let of_change = case.declared.len() > 1;
    let before = |of_it: bool| elsewhere.clone().filter(move |_| of_it).collect::<Vec<_>>();
    let fresh = builder.build(&[before(!of_change), case.fresh(generation)?].concat())?;
    if !of_change {
        return Ok(());
    }
    let steps = [before(true), case.steps(generation)?].concat();
    let walked = builder.build(&steps)?;
    let differences = differences(&walked, &fresh);
    if differences.is_empty() {
        return Ok(());
    }
    Err(format!("{}\n{}", differences.join("\n"), steps.join("\n")))
}

/// What differs, one line for each attribute. Added columns stand at the end.
fn differences(walked: &Catalog, fresh: &Catalog) -> Vec<String> {
    let it = compare(Pair { from: walked, to: fresh });
    let mut lines: Vec<_> = it.only_from.iter().map(|it| format!("too much: {}", it.id)).collect();
    lines.extend(it.only_to.iter().map(|it| format!("missing: {}", it.id)));
    lines.extend(it.renamed.iter().map(|it| format!("{} is named {}", it.to, it.from)));
    for object in &it.differs {
        for attribute in &object.attributes {
            let Pair { from, to } = &attribute.values;
            // 1.0 gives no name to the key of a column that it adds. SQLite knows keys by their columns.
            if object.id.kind == Kind::ForeignKey && attribute.name == "name" {
                continue;
            }
            lines.push(format!("{} {}: {from:?}, not {to:?}", object.id, attribute.name));
        }
    }
    lines
}

#[test]
fn the_changes_of_0_31_lead_to_the_declared_schema_on_postgres() {
    check(Dialect::Postgres, Generation::V0);
}

#[test]
fn the_changes_of_1_0_lead_to_the_declared_schema_on_postgres() {
    check(Dialect::Postgres, Generation::V1);
}

#[test]
fn the_changes_of_0_31_lead_to_the_declared_schema_on_sqlite() {
    check(Dialect::Sqlite, Generation::V0);
}

#[test]
fn the_changes_of_1_0_lead_to_the_declared_schema_on_sqlite() {
    check(Dialect::Sqlite, Generation::V1);
}
