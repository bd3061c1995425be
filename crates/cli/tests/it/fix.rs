//! `validate --fix` on folders that drizzle-kit stumbles over, with the real kit as the judge afterwards.

use std::fs;

use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Example, Project, Result, judge};
use serde_json::{Value, json};

use crate::run::run;

const SCHEMA: &str = "src/db/schema.ts";
const JOURNAL: &str = "drizzle/meta/_journal.json";

/// The declared title, and the columns after it.
fn with_columns(example: Example, columns: &[&str]) -> (String, String) {
    let declare = |name: &str, more: &str| match example {
        Example::BookstorePostgres => {
            format!("{name}: varchar(\"{name}\", {{ length: 200 }}){more},")
        }
        Example::BookstoreSqlite => format!("{name}: text(\"{name}\"){more},"),
    };
    let title = declare("title", ".notNull()");
    let columns: Vec<_> = columns.iter().map(|it| declare(it, "")).collect();
    (title.clone(), format!("{title}\n    {}", columns.join("\n    ")))
}

/// A project whose first migration the kit has just written.
fn generated(example: Example) -> Result<Project> {
    let project = Project::new(example, Age::Empty)?;
    assert!(!judge::generate(&project)?.found_nothing());
    Ok(project)
}

fn journal(project: &Project) -> Result<Value> {
    Ok(serde_json::from_str(&project.read(JOURNAL)?)?)
}

fn write_journal(project: &Project, journal: &Value) -> Result {
    project.write(JOURNAL, &serde_json::to_string_pretty(journal)?)
}

/// What `validate --offline` finds: codes of warnings and errors.
fn found(project: &Project) -> Result<Vec<String>> {
    let run = crate::run::binary()
        .run(&project.root, &["validate", "--offline", "--format", "json"])?
        .json()?;
    let findings = run["findings"].as_array().into_iter().flatten();
    let bad = findings.filter(|it| it["severity"] != "info");
    let mut codes: Vec<_> = bad.filter_map(|it| Some(it["code"].as_str()?.to_owned())).collect();
    codes.sort();
    codes.dedup();
    Ok(codes)
}

/// Shows the repair without writing, makes it, and then neither we nor the kit find anything.
#[track_caller]
fn fixed(project: &Project, expected: &[&str]) -> Result {
    assert_eq!(found(project)?, expected);
    let before = project.files()?;
    let shown = run(project, &["validate", "--fix"], 1)?;
    assert!(shown.stdout.contains("[consent-needed]"), "{shown}");
    assert_eq!(file_differences(&before, &project.files()?), [""; 0]);
    run(project, &["validate", "--fix", "--confirm"], 0)?;
    assert_eq!(found(project)?, [""; 0]);
    let again = run(project, &["validate", "--fix"], 0)?;
    assert!(again.stdout.contains("nothing that can be repaired"), "{again}");
    let generated = judge::generate(project)?;
    assert!(generated.found_nothing(), "{generated:#?}");
    Ok(())
}

#[test]
fn a_data_migration_without_a_snapshot_and_one_with_a_copied_one_are_chained() -> Result {
    for example in Example::ALL {
        let project = generated(example)?;
        let mut journal = journal(&project)?;
        let first = journal["entries"][0].clone();
        let when = first["when"].as_i64().expect("it has a time");
        journal["entries"][0]["when"] = json!(when - 90_003);
        for (at, tag) in [(1, "0001_data"), (2, "0002_more")] {
            project.write(&format!("drizzle/{tag}.sql"), "UPDATE books SET stock = 1;")?;
            let mut entry = first.clone();
            entry["idx"] = json!(at);
            entry["tag"] = json!(tag);
            entry["when"] = json!(when - 90_003 + at * 5001);
            journal["entries"].as_array_mut().expect("it has entries").push(entry);
        }
        write_journal(&project, &journal)?;
        project.write(
            "drizzle/meta/0002_snapshot.json",
            &project.read("drizzle/meta/0000_snapshot.json")?,
        )?;
        fixed(&project, &["snapshot-collision", "snapshot-copied", "snapshot-missing"])?;
    }
    Ok(())
}

/// What the kit wrote for one branch: the tag, the SQL and the snapshot; taken out of the folder again.
fn branch(project: &Project, example: Example, column: &str) -> Result<(Value, String, String)> {
    let (schema, before) = (project.read(SCHEMA)?, project.read(JOURNAL)?);
    let (from, to) = with_columns(example, &[column]);
    project.edit(SCHEMA, &from, &to)?;
    assert!(!judge::generate(project)?.found_nothing());
    let entry = journal(project)?["entries"][1].clone();
    let sql = format!("drizzle/{}.sql", entry["tag"].as_str().expect("it has a tag"));
    // The kit names both alike in tests.
    let texts = (project.read(&sql)?, project.read("drizzle/meta/0001_snapshot.json")?);
    fs::remove_file(project.path(&sql))?;
    fs::remove_file(project.path("drizzle/meta/0001_snapshot.json"))?;
    project.write(JOURNAL, &before)?;
    project.write(SCHEMA, &schema)?;
    Ok((entry, texts.0, texts.1))
}

#[test]
fn the_snapshots_of_two_branches_are_merged_and_the_later_one_gets_its_number() -> Result {
    for example in Example::ALL {
        let project = generated(example)?;
        let branches =
            [branch(&project, example, "subtitle")?, branch(&project, example, "blurb")?];
        let mut journal = journal(&project)?;
        for (at, (entry, sql, snapshot)) in (1..).zip(&branches) {
            let mut entry = entry.clone();
            let tag = format!("0001_branch_{at}");
            project.write(&format!("drizzle/{tag}.sql"), sql)?;
            entry["tag"] = json!(tag);
            project.write(&format!("drizzle/meta/000{at}_snapshot.json"), snapshot)?;
            entry["idx"] = json!(at);
            journal["entries"].as_array_mut().expect("it has entries").push(entry);
        }
        write_journal(&project, &journal)?;
        let (from, to) = with_columns(example, &["subtitle", "blurb"]);
        project.edit(SCHEMA, &from, &to)?;
        let expected = ["schema-ahead", "snapshot-collision", "tag-idx-mismatch"];
        fixed(&project, &expected)?;
        let later = project.read(JOURNAL)?;
        assert!(later.contains("\"tag\": \"0002_"), "{later}");
    }
    Ok(())
}
