//! Histories of other people beside what the real `drizzle-kit up` makes of them. Read through
//! `RAINGAUGE_CORPUS`: without it these tests say so and end.

use std::fs;

use raingauge_testkit::database::text_differences;
use raingauge_testkit::{Example, Project, Result, judge};

use super::{copy, files};
use crate::corpus::{bare_project, corpus};
use crate::run::{binary, run, verdict};

/// Applies all migrations; what they delete on the way is in a database without rows.
fn built(project: &Project) -> Result {
    let shown = binary().run(&project.root, &["migrate", "--format", "json"])?.json()?;
    let next = shown["findings"].as_array().into_iter().flatten();
    let next = next.flat_map(|it| it["next"].as_array().into_iter().flatten());
    let mut names: Vec<String> = next
        .filter_map(|it| it.as_str()?.split("--allow ").nth(1)?.split('`').next())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    let mut arguments = vec!["migrate"];
    for name in &names {
        arguments.extend(["--allow", name]);
    }
    run(project, &arguments, 0)?;
    Ok(())
}

/// Upgrades a folder of the corpus; only the named files differ from those of `up`. All rows of the ledger
/// get a name, and the real 1.0 runs nothing.
fn as_up(name: &str, example: Example, differing: &[&str]) -> Result {
    let Some(root) = corpus(name.split('/').next().unwrap_or(name)) else { return Ok(()) };
    let folder = root.parent().map_or(root.clone(), |it| it.join(name));
    let (project, _folder) = bare_project(example)?;
    for inner in ["", "meta/"] {
        for file in fs::read_dir(folder.join(inner))?.flatten() {
            let file_name = file.file_name().to_string_lossy().into_owned();
            if file_name.ends_with(".sql") || file_name.ends_with(".json") {
                let text = fs::read_to_string(file.path())?;
                project.write(&format!("drizzle/{inner}{file_name}"), &text)?;
            }
        }
    }
    // racona's migrations use schemas that none of them makes.
    if name.starts_with("racona") {
        project.database.sql("CREATE SCHEMA auth; CREATE SCHEMA platform")?;
    }
    built(&project)?;
    project.install_drizzle_1()?;
    copy(&project, "real")?;
    let up = judge::up(&project, "real")?;
    assert_eq!(up.code, 0, "{up}");
    let expected = files(&project, "real")?;
    fs::remove_dir_all(project.path("real"))?;

    let done = run(&project, &["upgrade", "--confirm"], 0)?;
    assert_eq!(verdict(&done), "upgrade: clean");
    let found = files(&project, "drizzle")?;
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    let differs = |it: &&String| !text_differences(&expected[*it], &found[*it]).is_empty();
    assert_eq!(found.keys().filter(differs).collect::<Vec<_>>(), differing, "{name}");
    for migrator in judge::Migrator::ALL {
        let migrated = judge::migrate(&project, migrator, &project.database)?;
        assert!(migrated.did_nothing(), "{name}: {} {:?}", migrated.run, migrated.changes);
    }
    Ok(())
}

#[test]
fn a_postgres_history_of_others_is_upgraded_as_up_does_it() -> Result {
    as_up("ai-chatbot", Example::BookstorePostgres, &[])
}

#[test]
fn homarr_of_postgres_is_upgraded_as_up_does_it() -> Result {
    as_up("homarr-postgresql", Example::BookstorePostgres, &[])
}

#[test]
fn racona_is_upgraded_as_up_does_it() -> Result {
    as_up("racona-initsql/drizzle", Example::BookstorePostgres, &[])
}

#[test]
fn a_sqlite_history_of_others_is_upgraded_as_up_does_it() -> Result {
    // A tag was renamed by hand: `up` takes the snapshot with the number of the tag, which is another
    // migration's and older; ours takes the one of the entry.
    let renamed = "20260714143833_puzzling_bloodstrike/snapshot.json";
    as_up("vibesdk-d1", Example::BookstoreSqlite, &[renamed])?;
    if std::env::var_os("RAINGAUGE_FULL").is_some() {
        as_up("homarr-sqlite", Example::BookstoreSqlite, &[])?;
    }
    Ok(())
}
