//! T35: several runners on one database.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use raingauge_testkit::{Database, Example, Project, Result};

use super::history::applied;
use super::refuses;
use crate::run::{binary, run};

/// The key of raingauge's advisory lock, which is the same in every version.
const KEY: i64 = 0x7261_696e_6761_7567;

/// Somebody who holds the lock until this is dropped.
enum Holder {
    Session(Child),
    File { _locked: File },
}

impl Holder {
    fn of(project: &Project) -> Result<Self> {
        match &project.database {
            Database::Postgres(it) => {
                let mut psql = it.server.psql(&it.name);
                let mut psql = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
                let input = psql.stdin.as_mut().expect("stdin is piped");
                writeln!(input, "SELECT 'held' FROM pg_advisory_lock({KEY});")?;
                let mut line = String::new();
                BufReader::new(psql.stdout.take().expect("stdout is piped"))
                    .read_line(&mut line)?;
                assert_eq!(line.trim(), "held");
                Ok(Self::Session(psql))
            }
            Database::Sqlite(it) => {
                let path = format!("{}-raingauge.lock", it.path.display());
                let mut file = File::create(path)?;
                file.try_lock().expect("nobody else has it");
                writeln!(file, "process 4711")?;
                Ok(Self::File { _locked: file })
            }
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if let Self::Session(psql) = self {
            let _ = psql.kill();
            let _ = psql.wait();
        }
    }
}

#[test]
fn t35_a_runner_that_outlasts_the_wait_is_named() -> Result {
    for example in Example::ALL {
        let project = applied(example, 2, 1)?;
        let holder = Holder::of(&project)?;
        let refusal = refuses(&project, &["migrate", "--wait", "1"], 1, "lock-held")?;
        match example {
            Example::BookstorePostgres => refusal.says("of `postgres` from socket"),
            Example::BookstoreSqlite => refusal.says("process 4711"),
        }
        drop(holder);
        run(&project, &["migrate", "--wait", "1"], 0)?;
    }
    Ok(())
}

/// Starts eight runners at once; gives how many of them say that they applied a migration.
#[track_caller]
fn n_appliers(project: &Project, migration: &str) -> Result<usize> {
    let start = |_| {
        let mut command = binary().command(&project.root, &["migrate", "--format", "json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null()).spawn()
    };
    let runners = (0..8).map(start).collect::<Result<Vec<_>, _>>()?;
    let mut n_appliers = 0;
    for runner in runners {
        let output = runner.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{text}");
        let report: serde_json::Value = serde_json::from_str(&text)?;
        assert_eq!(report["verdict"], "clean", "{text}");
        n_appliers += usize::from(text.contains(&format!("apply {migration}")));
    }
    Ok(n_appliers)
}

#[test]
fn t35_of_eight_runners_at_once_exactly_one_applies() -> Result {
    for example in Example::ALL {
        let project = applied(example, 3, 1)?;
        assert_eq!(n_appliers(&project, "0002_orders")?, 1);
        assert_eq!(project.database.ledger()?.unwrap_or_default().len(), 3);
        run(&project, &["validate"], 0)?;
    }
    Ok(())
}

#[test]
fn t35_of_eight_runners_on_an_empty_database_exactly_one_builds_it() -> Result {
    for example in Example::ALL {
        let project = super::history::project(example, 2)?;
        assert_eq!(n_appliers(&project, "0001_books")?, 1);
        assert_eq!(project.database.ledger()?.unwrap_or_default().len(), 2);
        run(&project, &["validate"], 0)?;
    }
    Ok(())
}
