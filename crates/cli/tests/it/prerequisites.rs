//! An init.sql that only prepares a database stays what it is: the history is built on top of it.

use raingauge_testkit::judge::{self, Migrator};
use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result};

use crate::run::{run, verdict};

const INIT: &str = "\
-- what an administrator prepares
CREATE DATABASE shop;
\\c shop
CREATE EXTENSION IF NOT EXISTS citext;
CREATE SCHEMA shop;
DO $$ BEGIN CREATE ROLE pre_reader; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
GRANT USAGE ON SCHEMA shop TO pre_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO pre_reader;
";

const SCHEMA: &str = "\
import { pgSchema, serial, text } from \"drizzle-orm/pg-core\";
export const shop = pgSchema(\"shop\");
export const items = shop.table(\"items\", { id: serial().primaryKey(), name: text().notNull() });
";

const PUSHED: &str =
    "CREATE TABLE shop.items (id serial PRIMARY KEY NOT NULL, name text NOT NULL);";

/// The script without what makes a database of its own and goes there.
fn inside() -> String {
    INIT.replace("CREATE DATABASE shop;\n\\c shop\n", "")
}

/// A project whose database was prepared by init.sql and filled by `drizzle-kit push`.
fn pushed() -> Result<(Project, tempfile::TempDir)> {
    let folder = tempfile::tempdir()?;
    let config = "export default {\n  dialect: \"postgresql\",\n  schema: \"./schema.ts\",\n  out: \"./drizzle\",\n  \
         schemaFilter: [\"shop\"],\n  dbCredentials: { url: process.env.DATABASE_URL! },\n};\n";
    std::fs::write(folder.path().join("drizzle.config.ts"), config)?;
    std::fs::write(folder.path().join("package.json"), "{ \"type\": \"module\" }\n")?;
    std::fs::write(folder.path().join("schema.ts"), SCHEMA)?;
    std::fs::write(folder.path().join("init.sql"), INIT)?;
    let project = Project::copy_of(folder.path(), Example::BookstorePostgres, Age::Empty)?;
    project.database.sql(&inside())?;
    Ok((project, folder))
}

#[test]
fn what_push_made_gets_a_baseline_and_the_script_stays_a_prerequisite() -> Result {
    let (project, _folder) = pushed()?;
    project.database.sql(PUSHED)?;
    let analyzed = run(&project, &["analyze"], 1)?;
    assert!(analyzed.stdout.contains("prerequisites only"), "{analyzed}");
    assert!(analyzed.stdout.contains("info[init-sql-prerequisites]"), "{analyzed}");
    assert!(!analyzed.stdout.contains("table shop.items: only in live"), "{analyzed}");
    let adopted = run(&project, &["execute", "--confirm"], 0)?;
    assert_eq!(verdict(&adopted), "execute: clean");
    let generated = judge::generate(&project)?;
    assert!(generated.found_nothing(), "{generated:?}");
    // With and without the script before it, every migrator builds the same database.
    let live = project.database.schema()?;
    for prepared in [true, false] {
        for migrator in Migrator::ALL {
            let fresh = project.database.sibling("fresh")?;
            if prepared {
                fresh.sql(&inside())?;
            }
            let migrated = judge::migrate(&project, migrator, &fresh)?;
            assert!(migrated.succeeded, "{}", migrated.run);
            let differences =
                raingauge_testkit::database::text_differences(&live, &fresh.schema()?);
            assert_eq!(differences, [""; 0], "{} {prepared}", migrator.name());
        }
    }
    let again = run(&project, &["analyze"], 0)?;
    assert_eq!(verdict(&again), "analyze: clean");
    Ok(())
}

/// The first migration needs the extension and the schema that only the script makes.
#[test]
fn a_history_on_top_of_prerequisites_is_proven_with_them() -> Result {
    let (project, _folder) = pushed()?;
    let first =
        "CREATE TABLE shop.items (id serial PRIMARY KEY NOT NULL, name public.citext NOT NULL);\n";
    let journal = "{\"version\":\"7\",\"dialect\":\"postgresql\",\"entries\":[{\"idx\":0,\"version\":\"7\",\
        \"when\":1767225600000,\"tag\":\"0000_first\",\"breakpoints\":true}]}";
    project.write("drizzle/0000_first.sql", first)?;
    project.write("drizzle/meta/_journal.json", journal)?;
    let migrated = judge::migrate(&project, Migrator::Programmatic, &project.database)?;
    assert!(migrated.succeeded, "{}", migrated.run);
    let status = run(&project, &["status"], 0)?;
    assert_eq!(verdict(&status), "status: clean", "{status}");
    let analyzed = binary_says(&project)?;
    assert!(analyzed.contains("proven: 0000_first"), "{analyzed}");
    assert!(!analyzed.contains("[history-broken]"), "{analyzed}");
    Ok(())
}

/// The report of `analyze`, whatever it thinks of the project's missing snapshot.
fn binary_says(project: &Project) -> Result<String> {
    Ok(crate::run::binary().run(&project.root, &["analyze"])?.stdout)
}

#[test]
fn a_script_that_also_makes_a_table_is_no_prerequisite() -> Result {
    let (project, _folder) = pushed()?;
    project.write("init.sql", &format!("{}{PUSHED}\n", inside()))?;
    project.database.sql(PUSHED)?;
    let analyzed = run(&project, &["analyze"], 1)?;
    assert!(!analyzed.stdout.contains("prerequisites only"), "{analyzed}");
    Ok(())
}
