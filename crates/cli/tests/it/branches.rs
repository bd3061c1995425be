//! Two git branches that change the same thing: no merge is clean then, whatever their snapshots look like.

use std::fs;
use std::time::Duration;

use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Example, Project, Result, Run, judge};
use serde_json::{Value, json};

use crate::run::{binary, run};

const SCHEMA: &str = "src/db/schema.ts";
const JOURNAL: &str = "drizzle/meta/_journal.json";
const LATER: &str = "drizzle/0002_branch_2.sql";

fn title(example: Example) -> &'static str {
    match example {
        Example::BookstorePostgres => "title: varchar(\"title\", { length: 200 }).notNull(),",
        Example::BookstoreSqlite => "title: text(\"title\").notNull(),",
    }
}

/// The declared title with another column beside it.
fn beside_title(example: Example, column: &str) -> String {
    let column = match example {
        Example::BookstorePostgres => format!("{column}: varchar(\"{column}\", {{ length: 90 }}),"),
        Example::BookstoreSqlite => format!("{column}: text(\"{column}\"),"),
    };
    format!("{}\n    {column}", title(example))
}

/// What a branch makes of a piece of the declared schema, and how it generates its migration.
struct Branch {
    piece: [String; 2],
    rename: Option<&'static str>,
}

impl Branch {
    fn adding(example: Example, column: &str) -> Self {
        Self { piece: [title(example).to_owned(), beside_title(example, column)], rename: None }
    }

    fn renaming(name: &str, rename: &'static str) -> Self {
        let piece = ["published_on", name].map(|it| format!("publishedOn: text(\"{it}\")"));
        Self { piece, rename: Some(rename) }
    }
}

/// A project of 0.x whose journal has both branches, as git leaves it when the journal is merged by hand.
fn merged(example: Example, branches: [Branch; 2]) -> Result<Project> {
    let project = Project::new(example, Age::Empty)?;
    run(&project, &["generate", "--name", "first"], 0)?;
    let (schema, journal) = (project.read(SCHEMA)?, project.read(JOURNAL)?);
    let mut merged: Value = serde_json::from_str(&journal)?;
    let mut files = Vec::new();
    for (at, branch) in (1..).zip(branches) {
        project.edit(SCHEMA, &branch.piece[0], &branch.piece[1])?;
        let rename = branch.rename.map(|it| ["--rename", it]);
        let generate =
            [vec!["generate", "--name", "branch"], rename.iter().flatten().copied().collect()];
        run(&project, &generate.concat(), 0)?;
        let mut entry =
            serde_json::from_str::<Value>(&project.read(JOURNAL)?)?["entries"][1].clone();
        let sql = format!("drizzle/{}.sql", entry["tag"].as_str().expect("it has a tag"));
        let snapshot = "drizzle/meta/0001_snapshot.json";
        files.push((format!("drizzle/000{at}_branch_{at}.sql"), project.read(&sql)?));
        files.push((format!("drizzle/meta/000{at}_snapshot.json"), project.read(snapshot)?));
        fs::remove_file(project.path(&sql))?;
        fs::remove_file(project.path(snapshot))?;
        (entry["idx"], entry["tag"]) = (json!(at), json!(format!("000{at}_branch_{at}")));
        entry["when"] = json!(entry["when"].as_i64().expect("it has a time") + at);
        merged["entries"].as_array_mut().expect("it has entries").push(entry);
        project.write(JOURNAL, &journal)?;
        project.write(SCHEMA, &schema)?;
    }
    for (path, text) in &files {
        project.write(path, text)?;
    }
    project.write(JOURNAL, &serde_json::to_string_pretty(&merged)?)?;
    Ok(project)
}

/// `--fix` refuses, says what the engine says, and writes nothing.
#[track_caller]
fn refused(project: &Project, says: &str) -> Result {
    let before = project.files()?;
    let refused = run(project, &["validate", "--fix", "--confirm"], 1)?;
    assert!(refused.stdout.contains("error[merge-contradiction]"), "{refused}");
    assert!(refused.stdout.contains("0002_branch_2") && refused.stdout.contains(says), "{refused}");
    assert_eq!(file_differences(&before, &project.files()?), [""; 0]);
    Ok(())
}

#[test]
fn a_column_that_both_branches_add_is_no_clean_merge_until_one_file_leaves_it_to_the_other()
-> Result {
    for example in Example::ALL {
        let both = ["subtitle"; 2].map(|it| Branch::adding(example, it));
        let project = merged(example, both)?;
        refused(&project, "subtitle")?;
        project.write(LATER, "SELECT 1;")?;
        run(&project, &["validate", "--fix", "--confirm"], 0)?;
        project.edit(SCHEMA, title(example), &beside_title(example, "subtitle"))?;
        run(&project, &["validate", "--offline"], 0)?;
        let generated = judge::generate(&project)?;
        assert!(generated.found_nothing(), "{generated:#?}");
    }
    Ok(())
}

/// The snapshots alone say that both new names are there: nothing in them is in two ways.
#[test]
fn a_column_that_the_branches_give_two_names_is_no_clean_merge() -> Result {
    let both = [
        Branch::renaming("printed_on", "books.published_on:printed_on"),
        Branch::renaming("sold_since", "books.published_on:sold_since"),
    ];
    let project = merged(Example::BookstoreSqlite, both)?;
    refused(&project, "no such column")
}

/// A project of 1.0 with a folder for each branch, both after the first.
fn forked(columns: [&str; 2]) -> Result<Project> {
    let example = Example::BookstoreSqlite;
    let project = Project::with_drizzle_1(example, Age::Empty)?;
    assert!(!judge::generate(&project)?.found_nothing());
    let (schema, first) = (project.read(SCHEMA)?, folders(&project)?);
    let aside = project.path("aside");
    fs::create_dir(&aside)?;
    for column in columns {
        // The name of a folder has whole seconds.
        std::thread::sleep(Duration::from_millis(1100));
        project.edit(SCHEMA, title(example), &beside_title(example, column))?;
        assert!(!judge::generate(&project)?.found_nothing());
        for name in folders(&project)?.into_iter().filter(|it| !first.contains(it)) {
            fs::rename(project.path("drizzle").join(&name), aside.join(&name))?;
        }
        project.write(SCHEMA, &schema)?;
    }
    for entry in fs::read_dir(&aside)? {
        let entry = entry?;
        fs::rename(entry.path(), project.path("drizzle").join(entry.file_name()))?;
    }
    Ok(project)
}

fn folders(project: &Project) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(project.path("drizzle"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

#[track_caller]
fn says(project: &Project, arguments: &[&str], code: &str) -> Result<Run> {
    let said = binary().run(&project.root, arguments)?;
    assert_eq!(said.code, 1, "{said}");
    assert!(said.stdout.contains(&format!("error[{code}]")), "{said}");
    Ok(said)
}

#[test]
fn folders_of_two_branches_that_add_the_same_column_contradict_each_other_as_the_kit_says() -> Result
{
    let project = forked(["subtitle"; 2])?;
    let checked = judge::check(&project)?;
    assert_ne!(checked.code, 0, "{checked}");
    for command in [["validate", "--offline"].as_slice(), &["generate"]] {
        let said = says(&project, command, "merge-contradiction")?;
        assert!(said.stdout.contains("+ columns books.subtitle"), "{said}");
        assert!(said.stdout.contains(&folders(&project)?[2]), "the later one: {said}");
    }
    Ok(())
}

#[test]
fn folders_of_two_branches_that_get_on_are_one_history() -> Result {
    let project = forked(["subtitle", "blurb"])?;
    let checked = judge::check(&project)?;
    assert_eq!(checked.code, 0, "{checked}");
    let said = binary().run(&project.root, &["validate", "--offline"])?;
    assert!(!said.stdout.contains("merge-contradiction"), "{said}");
    let example = Example::BookstoreSqlite;
    for column in ["subtitle", "blurb"] {
        project.edit(SCHEMA, title(example), &beside_title(example, column))?;
    }
    let said = run(&project, &["generate"], 0)?;
    assert!(said.stdout.contains("nothing to write"), "{said}");
    let judged = judge::generate(&project)?;
    assert!(judged.found_nothing(), "{judged:#?}");
    Ok(())
}
