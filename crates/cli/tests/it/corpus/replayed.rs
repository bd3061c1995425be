//! Histories of other people, applied step by step and in one go: each is found where it stands, and both ends are one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use raingauge_testkit::judge::{self, Migrator};
use raingauge_testkit::{Example, Project, Result};
use serde_json::Value;

use super::{bare_project, corpus};
use crate::crash::is_full;
use crate::run::{binary, run};
use crate::steps::says;

pub(crate) const JOURNAL: &str = "drizzle/meta/_journal.json";

/// Copies a history; gives its journal.
pub(crate) fn copied(from: &Path, project: &Project) -> Result<Value> {
    for inner in ["", "meta/"] {
        for file in fs::read_dir(from.join(inner))?.flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if name.ends_with(".sql") || name.ends_with(".json") {
                let text = fs::read_to_string(file.path())?;
                project.write(&format!("drizzle/{inner}{name}"), &text)?;
            }
        }
    }
    Ok(serde_json::from_str(&project.read(JOURNAL)?)?)
}

/// The real migrator goes in three steps; after each of them live is found at its last migration.
fn step_by_step(name: &str, before: &str) -> Result {
    let Some(folder) = corpus(name.split('/').next().unwrap_or(name)) else { return Ok(()) };
    let folder = folder.parent().map_or_else(|| folder.clone(), |it| it.join(name));
    let (project, _folder) = bare_project(Example::BookstorePostgres)?;
    let journal = copied(&folder, &project)?;
    let entries = journal["entries"].as_array().cloned().unwrap_or_default();
    if !before.is_empty() {
        project.database.sql(before)?;
    }
    let n = entries.len();
    for upto in [n.div_ceil(3), (2 * n).div_ceil(3), n] {
        let mut cut = journal.clone();
        cut["entries"] = entries[..upto].to_vec().into();
        project.write(JOURNAL, &cut.to_string())?;
        let migrated = judge::migrate(&project, Migrator::Programmatic, &project.database)?;
        assert!(migrated.succeeded, "{name}: {}", migrated.run);
        let tag = entries[upto - 1]["tag"].as_str().unwrap_or_default();
        let told = run(&project, &["status"], 0)?;
        says(&told, &[&format!("proven: {tag}"), &format!("{upto} recorded, 0 pending")]);
    }
    ends_as_in_one_go(&project, name, before)
}

/// The real migrator makes the same of a new database at once.
fn ends_as_in_one_go(project: &Project, name: &str, before: &str) -> Result {
    let fresh = project.database.sibling("fresh")?;
    if !before.is_empty() {
        fresh.sql(before)?;
    }
    let migrated = judge::migrate(project, Migrator::Programmatic, &fresh)?;
    assert!(migrated.succeeded, "{name}: {}", migrated.run);
    assert_eq!(fresh.schema()?, project.database.schema()?, "{name}");
    says(&run(project, &["status", "--url", &fresh.url()], 0)?, &["proven: "]);
    Ok(())
}

#[test]
fn histories_of_others_are_found_at_each_step_and_end_as_in_one_go() -> Result {
    // The real migrator of libsql takes neither of those on SQLite: of files that wrangler ran as scripts it runs the
    // first statement alone, and a file with its own transaction stops it.
    let all = [
        ("ai-chatbot", ""),
        ("tokscale", ""),
        ("homarr-postgresql", ""),
        ("racona-initsql/drizzle", "CREATE SCHEMA auth; CREATE SCHEMA platform"),
        ("lmnr", ""),
    ];
    let n = if is_full() { all.len() } else { 2 };
    all.into_iter().take(n).try_for_each(|(name, before)| step_by_step(name, before))
}

/// Applies what is pending, with consent to each deletion that is asked for by name.
fn migrated_with_consent(project: &Project, url: &str) -> Result {
    let mut arguments = ["migrate", "--url", url].map(str::to_owned).to_vec();
    loop {
        let asked: Vec<_> = arguments.iter().map(String::as_str).collect();
        let run = binary().run(&project.root, &asked)?;
        if run.code == 0 {
            return Ok(());
        }
        let names = run.stdout.split("`--allow ").skip(1).filter_map(|it| it.split('`').next());
        let new: BTreeSet<_> = names.filter(|it| !asked.contains(it)).map(str::to_owned).collect();
        assert!(!new.is_empty(), "{run}");
        arguments.extend(new.into_iter().flat_map(|it| ["--allow".to_owned(), it]));
    }
}

/// What the real migrator cannot run we can: step by step and in one go it ends in one database.
fn step_by_step_by_ourselves(name: &str) -> Result {
    let Some(folder) = corpus(name) else { return Ok(()) };
    let (project, _folder) = bare_project(Example::BookstoreSqlite)?;
    let journal = copied(&folder, &project)?;
    let entries = journal["entries"].as_array().cloned().unwrap_or_default();
    let (n, url) = (entries.len(), project.database.url());
    for upto in [n.div_ceil(3), (2 * n).div_ceil(3), n] {
        let mut cut = journal.clone();
        cut["entries"] = entries[..upto].to_vec().into();
        project.write(JOURNAL, &cut.to_string())?;
        migrated_with_consent(&project, &url)?;
        let tag = entries[upto - 1]["tag"].as_str().unwrap_or_default();
        let told = run(&project, &["status"], 0)?;
        says(&told, &[&format!("proven: {tag}"), &format!("{upto} recorded, 0 pending")]);
    }
    let fresh = project.database.sibling("fresh")?;
    migrated_with_consent(&project, &fresh.url())?;
    assert_eq!(fresh.schema()?, project.database.schema()?, "{name}");
    Ok(())
}

#[test]
fn histories_of_others_on_sqlite_are_found_at_each_step_and_end_as_in_one_go() -> Result {
    let names = ["vibesdk-d1", "homarr-sqlite"];
    let n = if is_full() { names.len() } else { 1 };
    names.into_iter().take(n).try_for_each(step_by_step_by_ourselves)
}

/// Drizzle 1.0's own histories: the real migrator gets one folder more at a time.
fn folder_by_folder(name: &str, example: Example) -> Result {
    let Some(histories) = corpus("drizzle-v1-folders") else { return Ok(()) };
    let (project, _folder) = bare_project(example)?;
    project.install_drizzle_1()?;
    let from = histories.join(name);
    let entries = fs::read_dir(&from)?.collect::<std::io::Result<Vec<_>>>()?;
    let mut tags: Vec<_> =
        entries.iter().map(|it| it.file_name().to_string_lossy().into_owned()).collect();
    tags.sort();
    for (at, tag) in tags.iter().enumerate() {
        for file in ["migration.sql", "snapshot.json"] {
            let text = fs::read_to_string(from.join(tag).join(file))?;
            project.write(&format!("drizzle/{tag}/{file}"), &text)?;
        }
        let migrated = judge::migrate(&project, Migrator::Programmatic, &project.database)?;
        assert!(migrated.succeeded, "{name}: {}", migrated.run);
        let told = run(&project, &["status"], 0)?;
        says(&told, &[&format!("proven: {tag}"), &format!("{} recorded, 0 pending", at + 1)]);
    }
    ends_as_in_one_go(&project, name, "")
}

#[test]
fn histories_of_drizzle_1_0_are_found_after_each_folder_and_end_as_in_one_go() -> Result {
    for name in ["pg", "pg-init", "pg-proxy/first", "pg-proxy/second"] {
        folder_by_folder(name, Example::BookstorePostgres)?;
    }
    ["sqlite", "sqlite-init"]
        .into_iter()
        .try_for_each(|name| folder_by_folder(name, Example::BookstoreSqlite))
}
