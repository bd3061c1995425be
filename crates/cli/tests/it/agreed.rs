//! What was agreed to is what happens: to this database, from this ledger, with these files.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};

use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result};

use crate::run::{binary, run};

/// A run that waits at a boundary until it is told to go on.
struct Paused {
    child: Child,
    input: ChildStdin,
}

impl Paused {
    fn at(project: &Project, arguments: &[&str], boundary: &str) -> Result<Self> {
        let raingauge = binary().env("RAINGAUGE_PAUSE_AT", boundary);
        let mut command = raingauge.command(&project.root, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let input = child.stdin.take().expect("stdin is piped");
        let errors = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let paused = format!("paused {boundary}");
        let reached = errors.lines().map_while(std::result::Result::ok).any(|it| it == paused);
        assert!(reached, "it never came to `{boundary}`");
        Ok(Self { child, input })
    }

    /// Lets it go on; gives its exit code and its report.
    fn go_on(mut self) -> Result<(Option<i32>, String)> {
        writeln!(self.input)?;
        drop(self.input);
        let output = self.child.wait_with_output()?;
        Ok((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
    }
}

fn ledger_is_left_alone(example: Example) -> Result {
    let first = Project::new(example, Age::Lived)?;
    // A second checkout of the project, on another machine as far as files are concerned.
    let second = Project::new(example, Age::Lived)?;
    let url = first.database.url();
    let confirm = ["reconcile", "--confirm", "--format", "json", "--url", &url];
    let paused = Paused::at(&second, &confirm, "backup/published")?;
    run(&first, &["reconcile", "--confirm"], 0)?;
    let recorded = first.database.ledger()?;
    let (code, report) = paused.go_on()?;
    assert_eq!(code, Some(1), "{report}");
    assert!(report.contains("\"plan-stale\""), "{report}");
    assert_eq!(first.database.ledger()?, recorded);
    assert!(!second.path("drizzle").exists());
    Ok(())
}

#[test]
fn a_second_checkout_records_nothing_twice_on_sqlite() -> Result {
    ledger_is_left_alone(Example::BookstoreSqlite)
}

#[test]
fn a_second_checkout_records_nothing_twice_on_postgres() -> Result {
    ledger_is_left_alone(Example::BookstorePostgres)
}

fn other_database_is_left_alone(example: Example) -> Result {
    let project = Project::new(example, Age::Lived)?;
    let other = Project::new(example, Age::Lived)?;
    let before = other.database.state()?;
    let crash = binary().env("RAINGAUGE_CRASH_AT", "reconcile/file-1");
    assert_eq!(crash.run(&project.root, &["reconcile", "--confirm"])?.code, -6);
    let url = other.database.url();
    let resume = ["reconcile", "--resume", "--format", "json", "--url", &url];
    let refusal = run(&project, &resume, 1)?;
    assert_eq!(refusal.json()?["error"]["code"], "run-of-another-target", "{refusal}");
    assert_eq!(before.differences(&other.database.state()?), Vec::<String>::new());
    run(&project, &["reconcile", "--resume"], 0)?;
    run(&project, &["execute", "--confirm"], 0)?;
    Ok(())
}

#[test]
fn a_run_is_not_resumed_on_another_database() -> Result {
    other_database_is_left_alone(Example::BookstoreSqlite)?;
    other_database_is_left_alone(Example::BookstorePostgres)
}

fn changed_file_is_not_run(example: Example) -> Result {
    let project = Project::new(example, Age::Lived)?;
    let confirm = ["execute", "--confirm", "--format", "json"];
    let paused = Paused::at(&project, &confirm, "execute/reconcile-done")?;
    let path = "drizzle/0002_follow_up.sql";
    let sneaky = format!(
        "{}--> statement-breakpoint\nCREATE TABLE sneaky (id integer);",
        project.read(path)?
    );
    project.write(path, &sneaky)?;
    let (code, report) = paused.go_on()?;
    assert_eq!(code, Some(3), "{report}");
    assert!(report.contains("\"plan-stale\""), "{report}");
    let tables = project.database.tables()?;
    let is_new = |it: &&String| it.contains("sneaky") || it.contains("users");
    assert_eq!(tables.iter().find(is_new), None);
    Ok(())
}

#[test]
fn a_migration_changed_after_the_agreement_is_not_run() -> Result {
    changed_file_is_not_run(Example::BookstoreSqlite)?;
    changed_file_is_not_run(Example::BookstorePostgres)
}
