//! Adoptions made by hand: the judge accepts the right one and finds what is wrong with others.

use raingauge_testkit::judge::{generate, verdict};
use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result, Run};
use sha2::{Digest, Sha256};

/// Adopts an example as a patient person would: the kit's own first migration is split into what is
/// there and what is new, and the former is recorded as applied.
fn adopt(example: Example) -> Result<Project> {
    let project = Project::new(example, Age::Lived)?;
    let schema = project.read("src/db/schema.ts")?;
    let (books, users) =
        schema.split_at(schema.find("export const users").expect("schema.ts has users"));
    project.write("src/db/schema.ts", books)?;
    assert_eq!(generate(&project)?.files.len(), 3);
    // The kit cannot write the domain, the trigger and so on, but init.sql has them all.
    let init = project.read("db/init.sql")?;
    let (structure, seeds) = init.split_at(init.find("INSERT INTO").expect("init.sql has seeds"));
    project.write("drizzle/0000_judge.sql", &pieces(example, structure))?;
    custom_migration(&project, "0001_seed", seeds)?;
    project.write("src/db/schema.ts", &format!("{books}{users}"))?;
    assert_eq!(generate(&project)?.files.len(), 3);
    project.database.sql(&ledger(example))?;
    record(&project, "0000_judge")?;
    record(&project, "0001_seed")?;
    apply(&project, "0002_judge")?;
    Ok(project)
}

/// Migrations of libSQL take one statement per piece; those of PostgreSQL do not care.
fn pieces(example: Example, script: &str) -> String {
    match example {
        Example::BookstorePostgres => script.to_owned(),
        Example::BookstoreSqlite => script
            .trim_end()
            .replace(";\n\n", ";\n--> statement-breakpoint\n")
            .replace(";\nCREATE INDEX", ";\n--> statement-breakpoint\nCREATE INDEX"),
    }
}

fn custom_migration(project: &Project, name: &str, script: &str) -> Result {
    let mut kit = raingauge_testkit::node::command(&project.root);
    kit.args([
        "node_modules/drizzle-kit/bin.cjs",
        "generate",
        "--custom",
        "--name",
        name.trim_start_matches("0001_"),
    ]);
    Run::of(&mut kit)?.success()?;
    project.write(&format!("drizzle/{name}.sql"), script)
}

fn ledger(example: Example) -> String {
    let columns = "hash text NOT NULL, created_at";
    match example {
        Example::BookstorePostgres => format!(
            "CREATE SCHEMA drizzle;
             CREATE TABLE drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, {columns} bigint)"
        ),
        Example::BookstoreSqlite => {
            format!(
                "CREATE TABLE \"__drizzle_migrations\" ( id SERIAL PRIMARY KEY, {columns} numeric )"
            )
        }
    }
}

fn record(project: &Project, name: &str) -> Result {
    let journal: serde_json::Value =
        serde_json::from_str(&project.read("drizzle/meta/_journal.json")?)?;
    let mut entries = journal["entries"].as_array().into_iter().flatten();
    let entry = entries.find(|it| it["tag"] == name).expect("the journal has it");
    let bytes = Sha256::digest(project.read(&format!("drizzle/{name}.sql"))?);
    let hash: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
    let table = if project.database.url().starts_with("file:") { "" } else { "drizzle." };
    let insert = format!(
        "INSERT INTO {table}__drizzle_migrations (hash, created_at) VALUES ('{hash}', {})",
        entry["when"]
    );
    project.database.sql(&insert)?;
    Ok(())
}

fn apply(project: &Project, name: &str) -> Result {
    project.load(&format!("drizzle/{name}.sql"))?;
    record(project, name)
}

#[test]
fn a_right_adoption_is_accepted() -> Result {
    for example in Example::ALL {
        let project = adopt(example)?;
        let verdict = verdict(&project, Some("db/init.sql"))?;
        assert!(verdict.is_good(), "{verdict}");
    }
    Ok(())
}

/// Adopts, spoils something, and expects that the judge says no to certain questions.
#[track_caller]
fn spoilt(example: Example, spoil: impl FnOnce(&Project) -> Result, bad: &[&str]) -> Result {
    let project = adopt(example)?;
    spoil(&project)?;
    let verdict = verdict(&project, Some("db/init.sql"))?;
    let found: Vec<String> = verdict.bad().iter().map(|&it| it.to_owned()).collect();
    for expected in bad {
        assert!(found.iter().any(|it| it.contains(expected)), "`{expected}` not in\n{verdict}");
    }
    assert_eq!(verdict.is_good(), bad.is_empty(), "{verdict}");
    Ok(())
}

#[test]
fn a_baseline_without_the_trigger_is_noticed() -> Result {
    let spoil = |it: &Project| it.edit("drizzle/0000_judge.sql", "BEFORE UPDATE", "BEFORE INSERT");
    spoilt(Example::BookstorePostgres, spoil, &["has the same structure", "has the same ledger"])
}

#[test]
fn a_baseline_with_another_default_is_noticed() -> Result {
    let spoil = |it: &Project| it.edit("drizzle/0000_judge.sql", "'paperback'", "'ebook'");
    spoilt(Example::BookstoreSqlite, spoil, &["has the same structure", "has the same ledger"])
}

#[test]
fn a_commented_baseline_is_noticed() -> Result {
    let spoil = |it: &Project| {
        let script = it.read("drizzle/0000_judge.sql")?;
        it.write("drizzle/0000_judge.sql", &format!("/*\n{script}\n*/"))
    };
    spoilt(Example::BookstorePostgres, spoil, &["builds an empty database"])
}

#[test]
fn a_seed_migration_that_was_not_recorded_is_noticed() -> Result {
    // Drizzle looks at the newest row alone, so the newest rows have to be missing.
    let spoil = |it: &Project| {
        it.database.sql("DELETE FROM drizzle.__drizzle_migrations WHERE id > 1")?;
        Ok(())
    };
    let bad = ["drizzle-kit migrate applies nothing", "migrate() of drizzle-orm applies nothing"];
    spoilt(Example::BookstorePostgres, spoil, &bad)
}

#[test]
fn seeds_that_leave_the_sequence_behind_are_noticed() -> Result {
    let spoil = |it: &Project| {
        let script =
            "INSERT INTO books (id, title, author, isbn) VALUES (9, 't', 'a', '9780000000000');";
        it.write("drizzle/0001_seed.sql", &(it.read("drizzle/0001_seed.sql")? + script))
    };
    spoilt(Example::BookstorePostgres, spoil, &["seed rows and no others", "takes new rows"])
}

#[test]
fn a_snapshot_that_forgets_a_column_is_noticed() -> Result {
    let spoil =
        |it: &Project| it.edit("src/db/schema.ts", "    author: text(\"author\").notNull(),\n", "");
    spoilt(Example::BookstoreSqlite, spoil, &["generate finds no changes"])
}
