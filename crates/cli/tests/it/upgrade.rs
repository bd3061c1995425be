//! `raingauge upgrade`, beside the real `drizzle-kit up` and judged by the real Drizzle 1.0.

mod others;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use raingauge_testkit::database::text_differences;
use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Database, Example, Project, Result, judge};
use serde_json::Value;

use crate::run::{run, verdict};

/// An adopted bookstore of 0.x in which 1.0 was just installed.
fn adopted(example: Example) -> Result<Project> {
    let project = Project::new(example, Age::Lived)?;
    run(&project, &["execute", "--confirm"], 0)?;
    project.install_drizzle_1()?;
    Ok(project)
}

/// The files below a folder of the project; of snapshots, what is not for conflicts of branches alone.
pub(crate) fn files(project: &Project, folder: &str) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let root = project.path(folder);
    collect(&root, &root, &mut found)?;
    Ok(found)
}

fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, found)?;
            continue;
        }
        let mut text = fs::read_to_string(&path)?;
        if path.ends_with("snapshot.json") {
            let mut snapshot: Value = serde_json::from_str(&text)?;
            if let Some(footprints) = snapshot.get_mut("footprints") {
                *footprints = Value::Array(Vec::new());
            }
            text = serde_json::to_string_pretty(&snapshot)?;
        }
        let name = path.strip_prefix(root).expect("it was found below the root");
        found.insert(name.display().to_string(), text);
    }
    Ok(())
}

/// A second migrations folder with what the first has.
pub(crate) fn copy(project: &Project, folder: &str) -> Result {
    for (name, bytes) in project.files()? {
        if let Some(name) = name.strip_prefix("drizzle/") {
            project.write(&format!("{folder}/{name}"), &String::from_utf8_lossy(&bytes))?;
        }
    }
    Ok(())
}

fn upgrades(example: Example) -> Result {
    let project = adopted(example)?;
    copy(&project, "real")?;
    let up = judge::up(&project, "real")?;
    assert_eq!(up.code, 0, "{up}");
    let expected = files(&project, "real")?;
    up_leaves_something_to_generate(&project)?;

    let (before, state) = (project.files()?, project.database.state()?);
    let plan = run(&project, &["upgrade"], 1)?;
    assert!(plan.stdout.contains("consent-needed"), "{plan}");
    assert_eq!(file_differences(&before, &project.files()?), [""; 0]);
    assert_eq!(state.differences(&project.database.state()?), [""; 0]);

    let done = run(&project, &["upgrade", "--confirm"], 0)?;
    assert_eq!(verdict(&done), "upgrade: clean");
    let found = files(&project, "drizzle")?;
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    let last = expected.keys().rfind(|it| it.ends_with("snapshot.json"));
    for (name, text) in expected.iter().filter(|it| Some(it.0) != last) {
        let lines = text_differences(text, &found[name]);
        assert!(lines.is_empty(), "{name}: {lines:#?}");
    }
    let validate = run(&project, &["validate"], 0)?;
    assert_eq!(verdict(&validate), "validate: clean");
    judged(&project)?;
    let again = run(&project, &["upgrade"], 0)?;
    assert!(again.stdout.contains("nothing to upgrade"), "{again}");
    certified_anew(&project)
}

/// Where there was a certificate of the journal's files, there is one of the folders, and it holds.
fn certified_anew(project: &Project) -> Result {
    let names = fs::read_dir(project.path("raingauge"))?.map(|it| Ok(it?.file_name()));
    let mut names: Vec<_> = names.collect::<Result<_>>()?;
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    let newest = format!("raingauge/{}", names[1].to_string_lossy());
    let holds = run(project, &["validate", "--certificate", &newest], 0)?;
    assert_eq!(verdict(&holds), "validate: clean");
    Ok(())
}

/// Known difference: `up` keeps the spelling of 0.x in the last snapshot, and the next `generate` rebuilds
/// what only 1.0 spells otherwise. What `up` wrote is gone afterwards.
fn up_leaves_something_to_generate(project: &Project) -> Result {
    let (ours, real, kept) = (project.path("drizzle"), project.path("real"), project.path("kept"));
    fs::rename(&ours, &kept)?;
    fs::rename(&real, &ours)?;
    let generated = judge::generate(project)?;
    assert!(!generated.found_nothing() && generated.files.len() == 2, "{}", generated.run);
    fs::remove_dir_all(&ours)?;
    Ok(fs::rename(&kept, &ours)?)
}

/// The real 1.0 finds nothing to do. A ledger that was taken over keeps the times of 0.x, and in SQLite its
/// first columns, so a new database has another one; all else is equal there.
fn judged(project: &Project) -> Result {
    let verdict = judge::verdict(project, Some("db/init.sql"))?;
    for answer in &verdict.answers {
        let is_of_ledger = |it: &String| {
            answer.what.ends_with("the same ledger")
                || [
                    "__drizzle_migrations",
                    "id SERIAL",
                    "id INTEGER",
                    "hash text NOT NULL",
                    "created_at numeric",
                    "name text",
                    "applied_at TEXT",
                ]
                .iter()
                .any(|part| it.contains(part))
        };
        assert!(answer.problems.iter().all(is_of_ledger), "{answer}");
    }
    Ok(())
}

#[test]
fn upgrade_of_sqlite_writes_what_up_writes_and_drizzle_1_0_finds_all_in_order() -> Result {
    upgrades(Example::BookstoreSqlite)
}

#[test]
fn upgrade_of_postgres_writes_what_up_writes_and_drizzle_1_0_finds_all_in_order() -> Result {
    upgrades(Example::BookstorePostgres)
}

/// A project of Drizzle 0.x without `schema.ts`, with these migrations: tag and statement.
pub(crate) fn history(example: Example, migrations: &[(&str, i64, &str)]) -> Result<Project> {
    let project = Project::new(example, Age::Empty)?;
    project.forget_schema()?;
    for gone in ["db/init.sql", "lived.sql", "docker-compose.yml"] {
        fs::remove_file(project.path(gone))?;
    }
    let (dialect, version) = match example {
        Example::BookstorePostgres => ("postgresql", "7"),
        Example::BookstoreSqlite => ("sqlite", "6"),
    };
    let mut entries = Vec::new();
    let mut prev = "00000000-0000-0000-0000-000000000000".to_owned();
    for (idx, (tag, when, sql)) in migrations.iter().enumerate() {
        entries.push(serde_json::json!({
            "idx": idx, "version": version, "when": when, "tag": tag, "breakpoints": true
        }));
        project.write(&format!("drizzle/{tag}.sql"), sql)?;
        let id = format!("00000000-0000-4000-8000-00000000000{}", idx + 1);
        let mut snapshot = empty(dialect, version);
        (snapshot["id"], snapshot["prevId"]) = (id.clone().into(), prev.into());
        prev = id;
        let path = format!("drizzle/meta/{idx:04}_snapshot.json");
        project.write(&path, &serde_json::to_string_pretty(&snapshot)?)?;
    }
    write_journal(&project, dialect, &entries)?;
    Ok(project)
}

fn write_journal(project: &Project, dialect: &str, entries: &[Value]) -> Result {
    let journal = serde_json::json!({ "version": "7", "dialect": dialect, "entries": entries });
    project.write("drizzle/meta/_journal.json", &serde_json::to_string_pretty(&journal)?)
}

fn empty(dialect: &str, version: &str) -> Value {
    let mut snapshot = serde_json::json!({
        "id": "", "prevId": "", "version": version, "dialect": dialect, "tables": {}, "enums": {},
        "views": {}, "_meta": { "schemas": {}, "tables": {}, "columns": {} },
    });
    if dialect == "postgresql" {
        for key in ["schemas", "sequences", "roles", "policies"] {
            snapshot[key] = serde_json::json!({});
        }
    }
    snapshot
}

const SECOND: i64 = 1_767_261_600_000;

/// Two migrations that only make views and rows: their snapshots say nothing of them.
pub(crate) const ONE: (&str, i64, &str) =
    ("0000_one", SECOND + 345, "CREATE VIEW one AS SELECT 1 AS a;");
pub(crate) const TWO: (&str, i64, &str) =
    ("0001_two", SECOND + 3_600_789, "CREATE VIEW two AS SELECT 2 AS a;");

#[test]
fn t18_migrations_of_one_second_keep_their_order_where_up_refuses() -> Result {
    let first = ("0000_zwei", ONE.1, ONE.2);
    let second = (TWO.0, ONE.1 + 100, TWO.2);
    let project = history(Example::BookstorePostgres, &[first, second])?;
    run(&project, &["migrate"], 0)?;
    let other = project.database.sibling("other")?;
    assert!(judge::migrate(&project, judge::Migrator::Programmatic, &other)?.succeeded);
    project.install_drizzle_1()?;
    copy(&project, "real")?;
    let up = judge::up(&project, "real")?;
    assert_ne!(up.code, 0, "{up}");
    fs::remove_dir_all(project.path("real"))?;
    run(&project, &["upgrade", "--confirm"], 0)?;
    let names = ["drizzle/20260101100000_0000_zwei", "drizzle/20260101100000_0001_two"];
    assert!(names.iter().all(|it| project.path(it).is_dir()));
    // That database has only the rows of 0.x, and 1.0 itself gives them their names.
    for database in [&project.database, &other] {
        let migrated = judge::migrate(&project, judge::Migrator::Kit, database)?;
        assert!(migrated.succeeded && migrated.recorded.is_empty(), "{}", migrated.run);
    }
    Ok(())
}

#[test]
fn a_pulled_history_of_postgres_is_upgraded_where_up_refuses() -> Result {
    let project = history(Example::BookstorePostgres, &[ONE, TWO])?;
    let nobody = "00000000-0000-0000-0000-000000000000";
    let id = "00000000-0000-4000-8000-000000000001";
    project.edit(
        "drizzle/meta/0000_snapshot.json",
        &format!("\"prevId\": \"{nobody}\""),
        "\"prevId\": \"\"",
    )?;
    project.edit("drizzle/meta/0000_snapshot.json", id, nobody)?;
    project.edit("drizzle/meta/0001_snapshot.json", id, nobody)?;
    run(&project, &["migrate"], 0)?;
    project.install_drizzle_1()?;
    copy(&project, "real")?;
    let up = judge::up(&project, "real")?;
    assert!(up.code != 0 && up.to_string().contains("two first migrations"), "{up}");
    fs::remove_dir_all(project.path("real"))?;
    run(&project, &["upgrade", "--confirm"], 0)?;
    for migrator in judge::Migrator::ALL {
        let migrated = judge::migrate(&project, migrator, &project.database)?;
        assert!(migrated.did_nothing(), "{} {:?}", migrated.run, migrated.changes);
    }
    Ok(())
}

/// The migrations of another project, over those of this one.
pub(crate) fn overlay(project: &Project, other: &Project) -> Result {
    let files = other.files()?.into_iter().filter(|it| it.0.starts_with("drizzle/"));
    for (path, bytes) in files {
        project.write(&path, &String::from_utf8_lossy(&bytes))?;
    }
    Ok(())
}

#[test]
fn t05_what_is_pending_stays_pending_and_a_migration_that_0_x_skipped_is_refused() -> Result {
    let late = ("0002_late", SECOND + 60_000, "CREATE VIEW late AS SELECT 3 AS a;");
    for example in Example::ALL {
        let project = history(example, &[ONE])?;
        run(&project, &["migrate"], 0)?;
        overlay(&project, &history(example, &[ONE, TWO])?)?;
        project.install_drizzle_1()?;
        run(&project, &["upgrade", "--confirm"], 0)?;
        let status = run(&project, &["status"], 0)?;
        assert!(status.stdout.contains("2 migrations, 1 recorded, 1 pending"), "{status}");
        run(&project, &["migrate"], 0)?;

        let project = history(example, &[ONE, TWO])?;
        run(&project, &["migrate"], 0)?;
        overlay(&project, &history(example, &[ONE, TWO, late])?)?;
        project.install_drizzle_1()?;
        let (files, state) = (project.files()?, project.database.state()?);
        run(&project, &["upgrade", "--confirm"], 1)?;
        assert_eq!(file_differences(&files, &project.files()?), [""; 0]);
        assert_eq!(state.differences(&project.database.state()?), [""; 0]);
    }
    Ok(())
}

#[test]
fn upgrade_refuses_drift_and_with_0_x_installed_only_shows_the_plan() -> Result {
    let project = history(Example::BookstoreSqlite, &[ONE, TWO])?;
    run(&project, &["migrate"], 0)?;
    let (files, state) = (project.files()?, project.database.state()?);
    let plan = run(&project, &["upgrade", "--confirm"], 1)?;
    for part in ["upgrade-not-installed", "drizzle-orm@1.0", "0001_two.sql", "20260101110000_two"] {
        assert!(plan.stdout.contains(part), "no `{part}`: {plan}");
    }
    assert_eq!(file_differences(&files, &project.files()?), [""; 0]);
    assert_eq!(state.differences(&project.database.state()?), [""; 0]);

    project.install_drizzle_1()?;
    project.write("drizzle/20260102000000_other/migration.sql", "SELECT 1")?;
    let mixed = run(&project, &["upgrade", "--confirm"], 1)?;
    assert!(mixed.stdout.contains("layout-mixed"), "{mixed}");
    fs::remove_dir_all(project.path("drizzle/20260102000000_other"))?;

    project.database.sql("CREATE TABLE drifted (a int)")?;
    let drifted = run(&project, &["upgrade", "--confirm"], 1)?;
    assert!(drifted.stdout.contains("error[drift]"), "{drifted}");
    assert_eq!(file_differences(&files, &project.files()?), [""; 0]);
    Ok(())
}

/// The backup that an upgrade rests on holds rows, ledger and files: 0.x goes on from it as before.
#[test]
fn what_an_upgrade_did_goes_back_by_its_backup() -> Result {
    for example in Example::ALL {
        let project = history(example, &[ONE, TWO])?;
        run(&project, &["migrate"], 0)?;
        let (files, state) = (project.files()?, project.database.state()?);
        project.install_drizzle_1()?;
        run(&project, &["upgrade", "--confirm"], 0)?;
        let backups = fs::read_dir(project.path(".raingauge/backups"))?;
        let folder = backups.flatten().next().expect("there is one").path();
        let back = match &project.database {
            Database::Postgres(_) => project.database.sibling("back")?,
            Database::Sqlite(it) => {
                let path = it.path.with_file_name("back.sqlite").display().to_string();
                project.database.named(&path)
            }
        };
        let name = folder.display().to_string();
        run(&project, &["restore", &name, "--to", &back.url()], 0)?;
        assert_eq!(state.differences(&back.state()?), [""; 0]);

        let before = history(example, &[])?;
        fs::remove_dir_all(before.path("drizzle"))?;
        for (path, bytes) in files.iter().filter(|it| it.0.starts_with("drizzle/")) {
            let kept = folder.join(path.replacen("drizzle", "migrations", 1));
            assert_eq!(&fs::read(&kept)?, bytes, "{}", kept.display());
            before.write(path, &fs::read_to_string(&kept)?)?;
        }
        let migrated = judge::migrate(&before, judge::Migrator::Kit, &back)?;
        assert!(migrated.did_nothing(), "{} {:?}", migrated.run, migrated.changes);
    }
    Ok(())
}

/// What is in the project, but for runs and backups.
fn own_files(project: &Project) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = project.files()?;
    files.retain(|path, _| !path.starts_with(".raingauge"));
    Ok(files)
}

#[test]
fn undo_brings_files_and_ledger_back_and_0_x_goes_on_as_before() -> Result {
    for example in Example::ALL {
        // One with a certificate, and one whose 0.x is installed again before.
        let is_adopted = example == Example::BookstoreSqlite;
        let project = match is_adopted {
            true => Project::new(example, Age::Lived)?,
            false => history(example, &[ONE, TWO])?,
        };
        let begin = if is_adopted { ["execute", "--confirm"].as_slice() } else { &["migrate"] };
        run(&project, begin, 0)?;
        let (files, state) = (own_files(&project)?, project.database.state()?);
        project.install_drizzle_1()?;
        run(&project, &["upgrade", "--confirm"], 0)?;
        let upgraded = (own_files(&project)?, project.database.state()?);
        let shown = run(&project, &["upgrade", "--undo"], 1)?;
        assert!(shown.stdout.contains("consent-needed"), "{shown}");
        assert_eq!(file_differences(&upgraded.0, &own_files(&project)?), [""; 0]);
        assert_eq!(upgraded.1.differences(&project.database.state()?), [""; 0]);

        if !is_adopted {
            project.install_drizzle_0(example)?;
        }
        run(&project, &["upgrade", "--undo", "--confirm"], 0)?;
        assert_eq!(file_differences(&files, &own_files(&project)?), [""; 0]);
        assert_eq!(state.differences(&project.database.state()?), [""; 0]);
        project.install_drizzle_0(example)?;
        assert_eq!(verdict(&run(&project, &["validate"], 0)?), "validate: clean");
        let migrated = judge::migrate(&project, judge::Migrator::Kit, &project.database)?;
        assert!(migrated.did_nothing(), "{} {:?}", migrated.run, migrated.changes);
        let again = run(&project, &["upgrade", "--undo"], 0)?;
        assert!(again.stdout.contains("nothing to take back"), "{again}");
    }
    Ok(())
}

#[test]
fn undo_is_refused_once_something_was_migrated_or_made_since() -> Result {
    for example in Example::ALL {
        let project = history(example, &[ONE, TWO])?;
        run(&project, &["migrate"], 0)?;
        project.install_drizzle_1()?;
        run(&project, &["upgrade", "--confirm"], 0)?;
        let check = |part: &str| -> Result {
            let before = (own_files(&project)?, project.database.state()?);
            let refused = run(&project, &["upgrade", "--undo", "--confirm"], 1)?;
            assert!(refused.stdout.contains(part), "no `{part}`: {refused}");
            assert_eq!(file_differences(&before.0, &own_files(&project)?), [""; 0]);
            assert_eq!(before.1.differences(&project.database.state()?), [""; 0]);
            Ok(())
        };
        let sql = "drizzle/20260101110000_two/migration.sql";
        let text = project.read(sql)?;
        project.write(sql, &format!("{text}\n"))?;
        check("error[upgrade-moved-on] 20260101110000_two/migration.sql")?;
        project.write(sql, &text)?;

        let three = "drizzle/20260201100000_three";
        let snapshot = project.read("drizzle/20260101110000_two/snapshot.json")?;
        project.write(
            &format!("{three}/snapshot.json"),
            &snapshot
                .replace(
                    "00000000-0000-4000-8000-000000000002",
                    "00000000-0000-4000-8000-000000000003",
                )
                .replace(
                    "00000000-0000-4000-8000-000000000001",
                    "00000000-0000-4000-8000-000000000002",
                ),
        )?;
        project.write(&format!("{three}/migration.sql"), "CREATE VIEW three AS SELECT 3 AS a;")?;
        check("error[upgrade-moved-on] 20260201100000_three")?;
        let migrated = judge::migrate(&project, judge::Migrator::Programmatic, &project.database)?;
        assert!(migrated.succeeded, "{}", migrated.run);
        fs::remove_dir_all(project.path(three))?;
        check("error[upgrade-moved-on] ledger")?;

        fs::remove_dir_all(project.path(".raingauge/runs"))?;
        check("error[upgrade-unrecorded]")?;
    }
    Ok(())
}
