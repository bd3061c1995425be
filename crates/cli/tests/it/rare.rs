//! Findings that few projects ever get: each with the smallest project that earns it.

use std::fs;

use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Example, Project, Result};

use crate::generate::masked;
use crate::lost::{Drizzle, project, snapshots};
use crate::run::{binary, run};
use crate::upgrade::{ONE, history, overlay};

const SCHEMA: &str = "src/db/schema.ts";

/// Runs a command that has to end with this code and to say this, and to leave the files alone.
#[track_caller]
fn says(project: &Project, arguments: &[&str], code: i32, finding: &str) -> Result<String> {
    let before = project.files()?;
    let said = binary().run(&project.root, arguments)?;
    assert_eq!(said.code, code, "{said}");
    let text = format!("{}{}", said.stdout, said.stderr);
    assert!(text.contains(finding), "no `{finding}`: {said}");
    assert_eq!(file_differences(&before, &project.files()?), [""; 0]);
    Ok(text)
}

#[test]
fn a_breakpoint_inside_a_block_comment_is_told() -> Result {
    let cut = "/* one\n--> statement-breakpoint\ntwo */\nCREATE VIEW one AS SELECT 1 AS a;";
    let example = Example::BookstoreSqlite;
    let project = history(example, &[(ONE.0, ONE.1, cut)])?;
    let said = says(&project, &["validate", "--offline"], 1, "error[comment-cut]")?;
    assert!(said.contains("0000_one.sql:1"), "{said}");
    let whole = cut.replace("/* one\n", "").replace("two */\n", "");
    let whole = format!("/* one\ntwo */\nSELECT 1;\n{whole}");
    let project = history(example, &[(ONE.0, ONE.1, &whole)])?;
    let said = binary().run(&project.root, &["validate", "--offline"])?;
    assert!(!said.stdout.contains("comment-cut"), "{said}");
    Ok(())
}

#[test]
fn a_journal_that_drizzle_kit_never_writes_is_refused() -> Result {
    let project = history(Example::BookstoreSqlite, &[ONE])?;
    project.write("drizzle/meta/_journal.json", "{ \"version\": \"7\", \"entries\": \"none\" }")?;
    says(&project, &["validate", "--offline"], 1, "journal-malformed")?;
    says(&project, &["generate"], 1, "journal-malformed")?;
    Ok(())
}

#[test]
fn the_ledger_of_another_tool_in_live_is_told() -> Result {
    for example in Example::ALL {
        let project = history(example, &[ONE])?;
        project.database.sql("CREATE TABLE _prisma_migrations (id varchar(36))")?;
        let said = says(&project, &["analyze"], 1, "info[ledger-foreign]")?;
        assert!(said.contains("Prisma") && said.contains("_prisma_migrations"), "{said}");
    }
    Ok(())
}

#[test]
fn a_snapshot_of_1_0_whose_parent_is_gone_is_told() -> Result {
    let project = project(Example::BookstorePostgres, Drizzle::One, 1)?;
    let all = snapshots(&project)?;
    let text = project.read(&all[0])?;
    let first: serde_json::Value = serde_json::from_str(&text)?;
    let id = first["id"].as_str().expect("it has an id");
    let other = "00000000-0000-4000-8000-000000000009";
    project.write(&all[1], &project.read(&all[1])?.replace(id, other))?;
    says(&project, &["generate"], 1, "snapshot-parent")?;
    Ok(())
}

#[test]
fn a_snapshot_that_the_engine_refuses_is_no_witness_of_a_lost_one() -> Result {
    let project = project(Example::BookstorePostgres, Drizzle::Zero, 2)?;
    let all = snapshots(&project)?;
    fs::remove_file(project.path(&all[1]))?;
    let next = project.read(&all[2])?.replace("varchar(90)", "no_such_type");
    project.write(&all[2], &next)?;
    let said = says(&project, &["validate", "--fix", "--confirm"], 1, "snapshot-unbuildable")?;
    assert!(said.contains("no_such_type"), "{said}");
    Ok(())
}

#[test]
fn t18_two_equal_files_of_one_second_are_not_upgraded() -> Result {
    let twins = [("0000_one", ONE.1, "SELECT 1;"), ("0001_two", ONE.1 + 100, "SELECT 1;")];
    let project = history(Example::BookstorePostgres, &twins)?;
    run(&project, &["migrate"], 0)?;
    project.install_drizzle_1()?;
    let said = says(&project, &["upgrade", "--confirm"], 1, "error[upgrade-order]")?;
    assert!(said.contains("0001_two"), "{said}");
    Ok(())
}

#[test]
fn files_that_another_runner_applies_are_not_upgraded() -> Result {
    let project = history(Example::BookstoreSqlite, &[ONE])?;
    run(&project, &["migrate"], 0)?;
    project.install_drizzle_1()?;
    let bundle = "drizzle/migrations.js";
    let wrangler = "[[d1_databases]]\nbinding = \"DB\"\ndatabase_name = \"shop\"\nmigrations_dir = \"drizzle\"\n";
    for (path, text) in [(bundle, "export default {};\n"), ("wrangler.toml", wrangler)] {
        project.write(path, text)?;
        says(&project, &["upgrade", "--confirm"], 1, "error[upgrade-other-runner]")?;
        fs::remove_file(project.path(path))?;
    }
    run(&project, &["upgrade", "--confirm"], 0)?;
    Ok(())
}

#[test]
fn what_1_0_would_generate_after_the_upgrade_is_told_before() -> Result {
    let project = history(Example::BookstoreSqlite, &[ONE])?;
    project.edit("drizzle.config.ts", "  out:", "  schema: \"./src/db/schema.ts\",\n  out:")?;
    project.write(
        SCHEMA,
        "import { integer, sqliteTable } from \"drizzle-orm/sqlite-core\";\n\
         export const extra = sqliteTable(\"extra\", { id: integer(\"id\").primaryKey() });\n",
    )?;
    run(&project, &["migrate"], 0)?;
    overlay(&project, &history(Example::BookstoreSqlite, &[ONE])?)?;
    project.install_drizzle_1()?;
    let done = run(&project, &["upgrade", "--confirm"], 0)?;
    assert!(done.stdout.contains("warning[upgrade-residual] schema.ts"), "{done}");
    assert!(done.stdout.contains("CREATE TABLE `extra`"), "{done}");
    let found = raingauge_testkit::judge::generate(&project)?;
    assert!(!found.found_nothing(), "{}", found.run);
    Ok(())
}

const TWO_BOOKS: &str = "import { integer, sqliteTable, text } from \"drizzle-orm/sqlite-core\";
export const a = sqliteTable(\"books\", { id: integer(\"id\") });
export const b = sqliteTable(\"books\", { id: integer(\"id\"), title: text(\"title\") });
export { b as c };
";

/// 0.x forgets the first one without a word; 1.0 stops, and so do we.
#[test]
fn of_two_tables_with_one_name_none_is_forgotten_without_a_word() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Empty)?;
    project.write(SCHEMA, TWO_BOOKS)?;
    let generated = run(&project, &["generate", "--name", "first"], 0)?;
    assert!(generated.stdout.contains("warning[declared-twice]"), "{generated}");
    assert!(generated.stdout.contains("the table books twice"), "{generated}");
    assert!(raingauge_testkit::judge::generate(&project)?.found_nothing(), "the kit sees one, too");
    let told = says(&project, &["validate", "--offline"], 0, "warning[declared-twice]")?;
    assert!(told.contains("schema.ts declares each thing once"), "{told}");
    // Twice the same thing is nothing that could be lost.
    let twin = TWO_BOOKS
        .replace("{ id: integer(\"id\") }", "{ id: integer(\"id\"), title: text(\"title\") }");
    project.write(SCHEMA, &twin)?;
    let quiet = run(&project, &["validate", "--offline"], 0)?;
    assert!(!quiet.stdout.contains("declared-twice"), "{quiet}");

    let next = Project::with_drizzle_1(Example::BookstoreSqlite, Age::Empty)?;
    next.write(SCHEMA, TWO_BOOKS)?;
    let said = says(&next, &["generate"], 2, "error[schema-rejected]")?;
    assert!(said.contains("the table `books` is declared twice"), "{said}");
    let generated = raingauge_testkit::judge::generate(&next)?;
    assert_eq!(generated.files, [""; 0], "the kit writes nothing either: {}", generated.run);
    let columns = "import { integer, sqliteTable } from \"drizzle-orm/sqlite-core\";
export const a = sqliteTable(\"a\", { id: integer(\"id\"), other: integer(\"id\") });\n";
    next.write(SCHEMA, columns)?;
    let said = says(&next, &["generate"], 2, "error[schema-rejected]")?;
    assert!(said.contains("the column `a.id` is declared twice"), "{said}");
    Ok(())
}

#[test]
fn a_snapshot_of_1_0_that_makes_a_column_again_is_told() -> Result {
    let project = project(Example::BookstorePostgres, Drizzle::One, 1)?;
    let all = snapshots(&project)?;
    project.edit(&all[1], "\"name\": \"subtitle\"", "\"name\": \"isbn\"")?;
    says(&project, &["validate", "--offline"], 1, "error[snapshot-clash]")?;
    Ok(())
}

#[test]
fn what_is_beside_the_snapshots_stays_where_it_is_in_an_upgrade_and_disturbs_nobody() -> Result {
    let project = history(Example::BookstoreSqlite, &[ONE])?;
    run(&project, &["migrate"], 0)?;
    project.write("drizzle/meta/_notes.md", "mine")?;
    project.install_drizzle_1()?;
    let done = run(&project, &["upgrade", "--confirm"], 0)?;
    assert!(done.stdout.contains("info[upgrade-left] meta/_notes.md"), "{done}");
    assert_eq!(project.read("drizzle/meta/_notes.md")?, "mine");
    run(&project, &["status"], 0)?;
    let migrated = raingauge_testkit::judge::migrate(
        &project,
        raingauge_testkit::judge::Migrator::Kit,
        &project.database,
    )?;
    assert!(migrated.did_nothing(), "{} {:?}", migrated.run, migrated.changes);
    Ok(())
}

#[test]
fn a_row_that_is_there_twice_is_not_upgraded() -> Result {
    for example in Example::ALL {
        let project = history(example, &[ONE])?;
        run(&project, &["migrate"], 0)?;
        let ledger = match example {
            Example::BookstorePostgres => "drizzle.__drizzle_migrations",
            Example::BookstoreSqlite => "__drizzle_migrations",
        };
        project.database.sql(&format!(
            "INSERT INTO {ledger} (hash, created_at) SELECT hash, created_at FROM {ledger}"
        ))?;
        project.install_drizzle_1()?;
        says(&project, &["upgrade", "--confirm"], 1, "ledger-repeated")?;
    }
    Ok(())
}

/// Whether the real kit of 1.0 writes a migration, and we do, or neither does; what both write is the same.
fn as_the_kit(example: Example, schema: &str, is_written: bool) -> Result {
    let (ours, theirs) = (
        Project::with_drizzle_1(example, Age::Empty)?,
        Project::with_drizzle_1(example, Age::Empty)?,
    );
    for project in [&ours, &theirs] {
        project.write(SCHEMA, schema)?;
    }
    let judged = raingauge_testkit::judge::generate(&theirs)?;
    assert_eq!(!judged.files.is_empty(), is_written, "{schema}: {}", judged.run);
    if is_written {
        run(&ours, &["generate", "--name", "judge"], 0)?;
        assert_eq!(masked(&ours)?, masked(&theirs)?, "{schema}");
    } else {
        says(&ours, &["generate", "--name", "judge"], 2, "error[schema-rejected]")?;
    }
    Ok(())
}

#[test]
fn what_is_declared_twice_is_refused_where_the_kit_of_1_0_refuses_it() -> Result {
    let postgres =
        "import { foreignKey, index, integer, pgTable, unique } from \"drizzle-orm/pg-core\";\n";
    let sqlite = "import { index, integer, sqliteTable } from \"drizzle-orm/sqlite-core\";\n";
    let table = |columns: &str, rest: &str| {
        format!(
            "{postgres}export const o = pgTable(\"o\", {{ id: integer(\"id\").primaryKey() }});\nexport const t = pgTable(\"t\", {{ {columns} }}, (t) => [{rest}]);\n"
        )
    };
    let example = Example::BookstorePostgres;
    let twice = "foreignKey({ columns: [t.a], foreignColumns: [o.id] })";
    as_the_kit(example, &table("a: integer(\"a\").references(() => o.id)", twice), false)?;
    // The one of the column is passed over.
    as_the_kit(example, &table("a: integer(\"a\").unique(\"x\")", "unique(\"y\").on(t.a)"), true)?;
    as_the_kit(example, &table("a: integer(\"a\").unique()", "unique().on(t.a)"), true)?;
    let both = ["t", "u"].map(|it| {
        format!("export const {it} = sqliteTable(\"{it}\", {{ a: integer(\"a\") }}, (t) => [index(\"i\").on(t.a)]);\n")
    });
    as_the_kit(Example::BookstoreSqlite, &format!("{sqlite}{}", both.concat()), false)
}

#[test]
fn a_folder_below_a_file_is_told_as_that() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Empty)?;
    project.edit("drizzle.config.ts", "./drizzle", "./README.md/drizzle")?;
    for arguments in [&["generate"][..], &["validate", "--offline"], &["execute", "--confirm"]] {
        let said = says(&project, arguments, 2, "error[out-is-a-file]")?;
        assert!(said.contains("README.md` is a file"), "{said}");
    }
    Ok(())
}
