//! Every kind of side beside every kind of side: a script, a folder, a snapshot, `schema.ts`, a database.

use raingauge_testkit::{Database, Example, Project, Result};

use super::{findings, has};
use crate::crash::is_full;
use crate::generate::{GROWN, USERS, declare, project};
use crate::run::run;

const SCHEMA: &str = "src/db/schema.ts";

/// One state of a project, as each kind of side.
struct Version {
    sides: Vec<String>,
    /// What builds it.
    script: String,
    _database: Database,
}

/// Writes what the project is now as five sides below a folder of its own.
fn version(project: &Project, name: &str) -> Result<Version> {
    let files = project.files()?;
    let mut script = String::new();
    for (path, bytes) in files.iter().filter(|it| it.0.starts_with("drizzle/")) {
        let text = String::from_utf8(bytes.clone())?;
        project.write(&format!("{name}/{path}"), &text)?;
        if path.ends_with(".sql") {
            script += &text.replace("--> statement-breakpoint", "");
            script += "\n";
        }
    }
    project.write(&format!("{name}/init.sql"), &script)?;
    project.write(&format!("{name}/schema.ts"), &project.read(SCHEMA)?)?;
    let database = project.database.sibling(name)?;
    database.sql(&script)?;
    let of_history = files.keys().filter(|it| it.starts_with("drizzle/"));
    let mut snapshots = of_history.filter(|it| it.ends_with("snapshot.json"));
    let snapshot = snapshots.next_back().expect("every migration has one");
    let sides = vec![
        format!("{name}/init.sql"),
        format!("{name}/drizzle"),
        format!("{name}/{snapshot}"),
        format!("{name}/schema.ts"),
        database.url(),
    ];
    Ok(Version { sides, script, _database: database })
}

fn versions(example: Example) -> Result<(Project, Version, Version)> {
    let project = project((example, 0))?;
    declare(&project, example, USERS)?;
    run(&project, &["generate", "--name", "first"], 0)?;
    let first = version(&project, "first")?;
    declare(&project, example, GROWN)?;
    run(&project, &["generate", "--name", "second"], 0)?;
    let second = version(&project, "second")?;
    Ok((project, first, second))
}

/// The pair in each format, and what is printed leads a database with rows from the one to the other.
fn compare(project: &Project, pair: [&str; 2], dialect: &str, first: &Version) -> Result {
    let [from, to] = pair;
    let of = |more: &[&'static str]| [&["diff", "--dialect", dialect][..], more].concat();
    let told = run(project, &[&of(&[])[..], &[from, to]].concat(), 1)?;
    assert!(told.stdout.contains("posts"), "{from} {to}: {told}");
    let json = run(project, &[&of(&["--format", "json"])[..], &[from, to]].concat(), 1)?;
    has(&findings(&json)?, "diff-tried", "statements");
    let script = run(project, &[&of(&["--sql"])[..], &[from, to]].concat(), 1)?.stdout;
    let database = project.database.sibling("led")?;
    database.sql(&first.script)?;
    database.sql("INSERT INTO users (id, name) VALUES (1, 'Ada')")?;
    database.sql(&script)?;
    run(project, &[&of(&["--sql"])[..], &[&database.url(), to]].concat(), 0)?;
    assert_eq!(database.value("SELECT name FROM users")?, "Ada");
    Ok(())
}

/// All pairs in the full run; else each kind once on either side.
fn every_pair(example: Example, dialect: &str) -> Result {
    let (project, first, second) = versions(example)?;
    let n = first.sides.len();
    for (at, from) in first.sides.iter().enumerate() {
        for (other, to) in second.sides.iter().enumerate() {
            if is_full() || (at + 2) % n == other {
                compare(&project, [from, to], dialect, &first)?;
            }
        }
        for (other, equal) in first.sides.iter().enumerate() {
            if is_full() || (at + 1) % n == other {
                run(&project, &["diff", "--dialect", dialect, from, equal], 0)?;
            }
        }
    }
    Ok(())
}

#[test]
fn any_two_kinds_of_sides_of_sqlite_are_compared_and_one_led_to_the_other() -> Result {
    every_pair(Example::BookstoreSqlite, "sqlite")
}

#[test]
fn any_two_kinds_of_sides_of_postgres_are_compared_and_one_led_to_the_other() -> Result {
    every_pair(Example::BookstorePostgres, "postgresql")
}
