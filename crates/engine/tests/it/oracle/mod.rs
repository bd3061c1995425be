//! The statements of the oracle suite in `cases` on real servers: our way from one schema to the next leads
//! where the next leads when it is built from nothing, and where ours is not the kit's, the kit's fails.
//!
//! `cases` what is recorded · `build` statements on PostgreSQL and SQLite · `failures` what the kit's
//! statements do where ours differ · `up` snapshots on their way to 1.0. A sample of the others runs by default, everything with
//! `RAINGAUGE_FULL=1`; `RAINGAUGE_CASE=text` runs the cases whose name has the text.

mod build;
mod cases;
mod failures;
mod up;

use raingauge_schema::drizzle::snapshot::Generation;
use raingauge_schema::{Catalog, Dialect, Kind, ObjectId, Pair, compare};

use build::{Builder, Refusal};
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

/// Cases that no SQL could make work, by recording and name, with the reason.
const IMPOSSIBLE: [(&str, &str, &str); 8] = [
    ("postgres/", "generated columns", "`lower('X')` has no collation in a generated column"),
    ("renames/postgres", "column and type", "a check compares the new text with a number"),
    ("mysql/", "an odd custom type", "a point has no literal, and `x` is no column"),
    (
        "mysql/defaults.0",
        "custom types",
        "0.31 has no spelling for a list as the default of a text",
    ),
    ("mysql/", "an index of a prefix", "a text is indexed without a length"),
    ("mysql/", "everything in one table", "a check on a column that a foreign key updates"),
    ("mysql/changes.1", "what the kit passes over", "refused: 1.0 has no statement for it"),
    ("mysql/keys.0", "reference with a long name", "refused: MySQL takes 64 characters"),
];

fn is_impossible(case: &Case) -> bool {
    IMPOSSIBLE.iter().any(|it| case.file.starts_with(it.0) && it.1 == case.name)
}

/// What a way leaves behind that building from nothing does not make, and that harms nobody: MySQL keeps
/// the index that it made for a foreign key, and dropping it fails where another key has taken it over.
const LEFT: [(&str, &str, &str); 1] =
    [("mysql/changes.0", "a reference goes", "too much: index t.t_o_other_id_fk")];

/// What is somewhere else, and what a case expects there: statements that come before its own.
const ELSEWHERE: [(&str, &str, &str); 6] = [
    ("mysql/changes.0", "an existing view becomes ours", "create view v as select 1 as id"),
    ("postgres", "create/policies-and-roles", "create table elsewhere ()"),
    ("postgres/changes.0.json", "view stops to exist elsewhere", "create view v as select 1 as id"),
    ("postgres", "policy linked to an undeclared table", "create table t ()"),
    ("postgres", "drop/everything", "create table elsewhere ()"),
    ("postgres", "add/views-sequences-roles", "create table elsewhere ()"),
];

/// Whether a run has everything.
fn is_full() -> bool {
    ["RAINGAUGE_FULL", "RAINGAUGE_RECORD"].iter().any(|it| std::env::var_os(it).is_some())
}

fn is_asked_for(case: &Case, index: usize) -> bool {
    if is_impossible(case) {
        return false;
    }
    match std::env::var("RAINGAUGE_CASE") {
        Ok(text) => case.name.contains(&text),
        Err(_) => {
            let sample = if case.is_change() { 6 } else { 16 };
            is_full() || index.is_multiple_of(sample)
        }
    }
}

/// Builds the last schema of each case in both ways.
fn check(dialect: Dialect, generation: Generation) {
    let Some(mut builder) = Builder::of(dialect) else { return };
    let (mut count, mut skipped, mut wrong) = (0, Vec::new(), Vec::new());
    let all = cases(dialect, generation);
    for (_, case) in all.into_iter().enumerate().filter(|(index, it)| is_asked_for(it, *index)) {
        count += 1;
        match both(&mut builder, &case, generation) {
            Ok(()) => {}
            Err(error) if MISSING.iter().any(|it| error.contains(it)) => skipped.push(case.name),
            Err(error) => wrong.push(format!("{} {}: {error}", case.file, case.name)),
        }
    }
    println!(
        "{count} cases, {} need what this server does not have: {}",
        skipped.len(),
        skipped.join(", ")
    );
    assert!(wrong.is_empty(), "{} of {count}:\n\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(skipped.len() <= 15, "{} of {count} skipped", skipped.len());
}

/// What is there before a case, wherever it comes from.
fn elsewhere(case: &Case) -> Vec<String> {
    let found = ELSEWHERE.iter().filter(|it| case.file.starts_with(it.0) && it.1 == case.name);
    found.map(|it| it.2.to_owned()).collect()
}

fn both(builder: &mut Builder, case: &Case, generation: Generation) -> Result<(), String> {
    let first = elsewhere(case);
    let fresh = case.fresh(generation)?;
    if !case.is_change() {
        return builder
            .build(&[first, fresh].concat(), "")
            .map(|_| ())
            .map_err(|it| it.to_string());
    }
    // A view that is declared now takes the place of the one that was there.
    let stays = first.iter().filter(|it| it.starts_with("create table")).cloned();
    let fresh = stays.chain(fresh).collect::<Vec<_>>();
    let fresh = builder.build(&fresh, "").map_err(|it| it.to_string())?;
    let steps = [first, case.before(generation)?, case.last(generation)?].concat();
    let walked = builder.build(&steps, "").map_err(|it| it.to_string())?;
    let differences = differences(case, &walked.catalog, &fresh.catalog);
    if differences.is_empty() {
        return Ok(());
    }
    Err(format!("{}\n{}", differences.join("\n"), steps.join("\n")))
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.message, self.state, self.statement)
    }
}

/// What differs, one line for each attribute.
fn differences(case: &Case, walked: &Catalog, fresh: &Catalog) -> Vec<String> {
    let it = compare(Pair { from: walked, to: fresh });
    // Keys of renamed tables keep the names that nobody gave them.
    let kinds = [Kind::PrimaryKey, Kind::ForeignKey];
    let is_key =
        |it: &&Pair<ObjectId>| case.file.starts_with("renames") && kinds.contains(&it.to.kind);
    let renamed = it.renamed.iter().filter(|it| !is_key(it));
    let mut lines: Vec<_> = it.only_from.iter().map(|it| format!("too much: {}", it.id)).collect();
    lines.extend(it.only_to.iter().map(|it| format!("missing: {}", it.id)));
    lines.extend(renamed.map(|it| format!("{} is named {}", it.to, it.from)));
    for object in &it.differs {
        for attribute in &object.attributes {
            // 1.0 gives no name to the key of a column that it adds, and SQLite knows keys by their columns. A
            // column that is added again stands at the end.
            let is_name = object.id.kind == Kind::ForeignKey && attribute.name == "name";
            if is_name || attribute.name == "position" {
                continue;
            }
            let Pair { from, to } = &attribute.values;
            let said = |it: &Option<String>| it.clone().unwrap_or_else(|| "nothing".to_owned());
            let (id, name) = (&object.id, &attribute.name);
            lines.push(format!("{id} {name}: {}, not {}", said(from), said(to)));
        }
    }
    let is_left = |line: &String| {
        LEFT.iter().any(|it| case.file.starts_with(it.0) && it.1 == case.name && it.2 == line)
    };
    lines.retain(|it| !is_left(it));
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

#[test]
fn the_changes_of_0_31_lead_to_the_declared_schema_on_mysql() {
    check(Dialect::MySql, Generation::V0);
}

#[test]
fn the_changes_of_1_0_lead_to_the_declared_schema_on_mysql() {
    check(Dialect::MySql, Generation::V1);
}
