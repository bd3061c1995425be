//! `generate`: the next migration, beside what the real drizzle-kit of both generations writes and finds.

use std::collections::BTreeMap;

use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Example, Project, Result, Run, judge};
use serde_json::Value;

use crate::run::{binary, run, verdict};

const SCHEMA: &str = "src/db/schema.ts";

/// Both engines under both generations.
const PLACES: [(Example, u8); 4] = [
    (Example::BookstorePostgres, 0),
    (Example::BookstorePostgres, 1),
    (Example::BookstoreSqlite, 0),
    (Example::BookstoreSqlite, 1),
];

/// An empty project with an empty database.
pub(crate) fn project((example, generation): (Example, u8)) -> Result<Project> {
    let project = Project::new(example, Age::Empty)?;
    if generation == 1 {
        project.install_drizzle_1()?;
    }
    for gone in ["db/init.sql", "lived.sql", "docker-compose.yml"] {
        std::fs::remove_file(project.path(gone))?;
    }
    Ok(project)
}

/// Writes a `schema.ts` whose tables are the same words for both engines.
pub(crate) fn declare(project: &Project, example: Example, tables: &str) -> Result {
    let (core, table) = match example {
        Example::BookstorePostgres => ("pg-core", "pgTable"),
        Example::BookstoreSqlite => ("sqlite-core", "sqliteTable"),
    };
    let head =
        format!("import {{ {table} as table, integer, text, index }} from \"drizzle-orm/{core}\";");
    project.write(SCHEMA, &format!("{head}\n{tables}\n"))
}

pub(crate) const USERS: &str = r#"export const users = table("users", { id: integer("id").primaryKey(), name: text("name") });"#;

/// The column has another name, and something new refers to the table.
const RENAMED: &str = r#"export const users = table("users", { id: integer("id").primaryKey(), full_name: text("full_name") });
export const posts = table("posts", { id: integer("id").primaryKey(), author: integer("author").references(() => users.id), body: text("body").notNull().default("") }, (t) => [index("posts_author").on(t.author)]);"#;

/// As [`RENAMED`], with the old name of the column.
pub(crate) const GROWN: &str = r#"export const users = table("users", { id: integer("id").primaryKey(), name: text("name") });
export const posts = table("posts", { id: integer("id").primaryKey(), author: integer("author").references(() => users.id), body: text("body").notNull().default("") }, (t) => [index("posts_author").on(t.author)]);"#;

/// What both files and the database have to be after a migration.
#[track_caller]
fn the_real_ones_agree(project: &Project) -> Result {
    let judged = judge::generate(project)?;
    assert!(judged.found_nothing(), "the kit found {:?}\n{}", judged.files, judged.run);
    run(project, &["migrate", "--confirm"], 0)?;
    let fresh = judge::fresh_build(project, judge::Migrator::Programmatic)?;
    assert!(fresh.migrated.succeeded, "{}", fresh.migrated.run);
    assert_eq!(fresh.database.schema()?, project.database.schema()?);
    let again = judge::migrate(project, judge::Migrator::Programmatic, &project.database)?;
    assert!(again.did_nothing(), "{:?}", again.changes);
    run(project, &["validate"], 0)?;
    Ok(())
}

/// Columns of types that have a length.
fn sized(project: &Project, title: u32, price: &str) -> Result {
    let columns = format!(
        "title: varchar(\"title\", {{ length: {title} }}), price: numeric(\"price\", {{ {price} }})"
    );
    let head = "import { pgTable, integer, numeric, varchar } from \"drizzle-orm/pg-core\";";
    let id = "id: integer(\"id\").primaryKey()";
    project.write(
        SCHEMA,
        &format!("{head}\nexport const books = pgTable(\"books\", {{ {id}, {columns} }});\n"),
    )
}

#[test]
fn a_type_that_makes_room_is_no_cut_and_one_that_takes_it_is() -> Result {
    for generation in [0, 1] {
        let project = project((Example::BookstorePostgres, generation))?;
        sized(&project, 20, "precision: 10, scale: 2")?;
        run(&project, &["generate"], 0)?;
        sized(&project, 200, "precision: 12, scale: 2")?;
        let wider = run(&project, &["generate", "--format", "json"], 0)?;
        let report = wider.json()?;
        let n_statements = report["sections"]["statements"].as_array().map(Vec::len);
        assert_eq!(
            (n_statements, report["findings"].as_array()),
            (Some(2), Some(&vec![])),
            "{wider}"
        );
        sized(&project, 30, "precision: 12, scale: 1")?;
        let narrower = run(&project, &["generate"], 0)?;
        for said in ["retype:books.title", "retype:books.price", "cut or rounded"] {
            assert!(narrower.stdout.contains(said), "no `{said}`: {narrower}");
        }
    }
    Ok(())
}

/// The codes of all findings that are errors, and the report.
fn errors(project: &Project, arguments: &[&str]) -> Result<(Vec<String>, Value)> {
    let arguments = [arguments, &["--format", "json"]].concat();
    let report = run(project, &arguments, 1)?.json()?;
    let findings = report["findings"].as_array().into_iter().flatten();
    let errors = findings.filter(|it| it["severity"] == "error");
    let codes = errors.filter_map(|it| Some(it["code"].as_str()?.to_owned())).collect();
    Ok((codes, report))
}

fn unchanged_by(project: &Project, run: impl FnOnce() -> Result) -> Result {
    let before = project.files()?;
    run()?;
    assert_eq!(file_differences(&before, &project.files()?), Vec::<String>::new());
    Ok(())
}

#[test]
fn two_migrations_with_a_rename_are_what_both_real_kits_and_migrators_take() -> Result {
    for place in PLACES {
        let (project, example) = (project(place)?, place.0);
        declare(&project, example, USERS)?;
        let first = run(&project, &["generate", "--name", "first"], 0)?;
        assert_eq!(verdict(&first), "generate: clean");
        assert!(first.stdout.contains("first-migration"), "{first}");
        the_real_ones_agree(&project)?;
        project.database.sql("INSERT INTO users (id, name) VALUES (1, 'Ada');")?;
        declare(&project, example, RENAMED)?;
        // Drizzle 1.0 tells folders apart by seconds, and the next one is a second later whatever the clock says.
        let rename = ["generate", "--name", "second", "--rename", "users.name:full_name"];
        let second = run(&project, &rename, 0)?;
        assert!(second.stdout.contains("users.full_name"), "{second}");
        the_real_ones_agree(&project)?;
        assert_eq!(project.database.value("SELECT full_name FROM users")?, "Ada");
        unchanged_by(&project, || {
            let nothing = run(&project, &["generate"], 0)?;
            assert!(nothing.stdout.contains("nothing to write"), "{nothing}");
            Ok(())
        })?;
    }
    Ok(())
}

/// Two folders of one second would have one stamp, and the real kit does not look.
pub(crate) fn wait_for_another_stamp((_, generation): (Example, u8)) {
    if generation == 1 {
        std::thread::sleep(std::time::Duration::from_millis(1100));
    }
}

/// Files without what is random or a time: ids, `when`, the stamps of folders.
pub(crate) fn masked(project: &Project) -> Result<BTreeMap<String, String>> {
    let files = project.files()?.into_iter();
    let ours = files.filter(|it| it.0.starts_with("drizzle/"));
    let mut masked = BTreeMap::new();
    for (path, bytes) in ours {
        let mut text = String::from_utf8(bytes)?;
        if path.ends_with(".json") {
            let value: Value = serde_json::from_str(&text)?;
            let ids = ["id", "prevId"].into_iter().filter_map(|it| value[it].as_str());
            let ids = ids
                .chain(value["prevIds"].as_array().into_iter().flatten().filter_map(Value::as_str));
            for id in ids.filter(|it| !it.starts_with("00000000-")) {
                text = text.replace(id, "ID");
            }
            for entry in value["entries"].as_array().into_iter().flatten() {
                text = text.replace(&entry["when"].to_string(), "WHEN");
            }
            // The footprints of 1.0 serve only to find branches that contradict one another.
            if let Some(at) = text.find("\"footprints\"") {
                let end = ["\"ddl\"", "\"deltas\""].iter().find_map(|it| text.find(it));
                text.replace_range(at..end.unwrap_or(text.len()), "");
            }
        }
        let stamp: String = path.chars().skip("drizzle/".len()).take(14).collect();
        let is_stamp = stamp.chars().all(|it| it.is_ascii_digit());
        let path = if is_stamp { path.replace(&stamp, "STAMP") } else { path };
        masked.insert(path, text);
    }
    Ok(masked)
}

#[test]
fn the_files_are_those_that_the_real_kit_writes() -> Result {
    for place in PLACES {
        let (ours, theirs) = (project(place)?, project(place)?);
        for (name, tables) in [("judge", USERS), ("judge", GROWN)] {
            declare(&ours, place.0, tables)?;
            declare(&theirs, place.0, tables)?;
            run(&ours, &["generate", "--name", name], 0)?;
            assert!(!judge::generate(&theirs)?.found_nothing());
            wait_for_another_stamp(place);
        }
        let (ours, theirs) = (masked(&ours)?, masked(&theirs)?);
        assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
        for (path, text) in &theirs {
            assert_eq!(ours[path], *text, "{place:?} {path}");
        }
    }
    Ok(())
}

#[test]
fn t69_a_possible_rename_is_a_question_with_its_answers_and_nothing_is_written() -> Result {
    for place in PLACES {
        let (project, example) = (project(place)?, place.0);
        declare(&project, example, USERS)?;
        run(&project, &["generate", "--name", "first"], 0)?;
        declare(&project, example, RENAMED)?;
        unchanged_by(&project, || {
            let (codes, report) = errors(&project, &["generate"])?;
            assert_eq!(
                (codes, &report["verdict"]),
                (vec!["rename-open".to_owned()], &"refused".into())
            );
            let findings = report["findings"].as_array().expect("findings");
            let open = findings.iter().find(|it| it["code"] == "rename-open").expect("it is open");
            assert_eq!(
                open["next"][0],
                "raingauge generate --rename column:users.name:users.full_name"
            );
            assert_eq!(open["next"][1], "raingauge generate --create column:users.full_name");
            let (codes, _) = errors(&project, &["generate", "--rename", "users.nam:full_name"])?;
            assert_eq!(codes, ["rename-open", "rename-unused"]);
            let invalid = run(&project, &["generate", "--rename", "users"], 2)?;
            assert!(invalid.stderr.contains("rename-invalid"), "{invalid}");
            Ok(())
        })?;
        let hints =
            r#"[{"type":"create","kind":"column","entity":["public","users","full_name"]}]"#;
        project.write("hints.json", hints)?;
        let created = run(&project, &["generate", "--hints", "hints.json", "--name", "x"], 0)?;
        assert!(created.stdout.contains("deletes-data"), "{created}");
        assert!(created.stdout.contains("drop:users.name"), "{created}");
        let judged = judge::generate(&project)?;
        assert!(judged.found_nothing(), "{:?}", judged.files);
    }
    Ok(())
}

#[test]
fn a_person_at_a_terminal_chooses() -> Result {
    for (keys, expected) in [("\r", "ADD"), ("\x1b[B\r", "RENAME COLUMN")] {
        let place = (Example::BookstoreSqlite, 0);
        let project = project(place)?;
        declare(&project, place.0, USERS)?;
        run(&project, &["generate", "--name", "first"], 0)?;
        declare(&project, place.0, &RENAMED.lines().take(1).collect::<String>())?;
        let mut terminal = binary().terminal(&project.root, &["generate", "--name", "second"])?;
        terminal.expect("column `users.full_name` comes while one goes")?;
        terminal.press(keys)?;
        let run = terminal.finish()?;
        assert_eq!(run.code, 0, "{run}");
        let sql = project.read("drizzle/0001_second.sql")?;
        assert!(sql.contains(expected), "{sql}");
    }
    // Escape is no answer, and nothing is written.
    let place = (Example::BookstoreSqlite, 0);
    let project = project(place)?;
    declare(&project, place.0, USERS)?;
    run(&project, &["generate", "--name", "first"], 0)?;
    declare(&project, place.0, RENAMED)?;
    let mut terminal = binary().terminal(&project.root, &["generate"])?;
    terminal.expect("comes while one goes")?;
    terminal.press("\x1b")?;
    let run = terminal.finish()?;
    assert_eq!(run.code, 1, "{run}");
    assert!(!project.path("drizzle/meta/0001_snapshot.json").exists());
    Ok(())
}

#[test]
fn a_custom_migration_is_the_one_that_the_kit_writes() -> Result {
    for place in PLACES {
        let (ours, theirs) = (project(place)?, project(place)?);
        for it in [&ours, &theirs] {
            declare(it, place.0, USERS)?;
        }
        run(&ours, &["generate", "--name", "judge"], 0)?;
        assert!(!judge::generate(&theirs)?.found_nothing());
        wait_for_another_stamp(place);
        run(&ours, &["generate", "--custom", "--name", "rows"], 0)?;
        judge::generate_custom(&theirs, "rows")?;
        let (written, expected) = (masked(&ours)?, masked(&theirs)?);
        assert_eq!(written.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (path, text) in &expected {
            assert_eq!(written[path], *text, "{place:?} {path}");
        }
    }
    Ok(())
}

#[test]
fn a_broken_history_is_not_gone_on_with() -> Result {
    let project = project((Example::BookstoreSqlite, 0))?;
    declare(&project, Example::BookstoreSqlite, USERS)?;
    run(&project, &["generate", "--name", "first"], 0)?;
    declare(&project, Example::BookstoreSqlite, GROWN)?;
    project.edit("drizzle/meta/0000_snapshot.json", "\"tables\"", "\"tabels\"")?;
    unchanged_by(&project, || {
        let (codes, report) = errors(&project, &["generate"])?;
        assert_eq!(codes, ["snapshot-malformed"]);
        assert_eq!(report["verdict"], "refused");
        Ok(())
    })
}

fn killed_at(project: &Project, boundary: &str) -> Result<Run> {
    let binary = binary().env("RAINGAUGE_CRASH_AT", boundary);
    binary.run(&project.root, &["generate", "--name", "second"])
}

#[test]
fn killed_at_any_boundary_the_next_run_writes_one_sound_migration() -> Result {
    let generated = |place: (Example, u8)| {
        let project = project(place)?;
        declare(&project, place.0, USERS)?;
        run(&project, &["generate", "--name", "first"], 0)?;
        declare(&project, place.0, GROWN)?;
        Ok::<_, raingauge_testkit::Failure>(project)
    };
    for (place, boundaries) in [
        ((Example::BookstoreSqlite, 0), &["prepared", "file-0", "file-1", "file-2"][..]),
        ((Example::BookstoreSqlite, 1), &["prepared", "file-0", "file-1"]),
    ] {
        let whole = generated(place)?;
        run(&whole, &["generate", "--name", "second"], 0)?;
        let expected = masked(&whole)?;
        for boundary in boundaries {
            let project = generated(place)?;
            let killed = killed_at(&project, &format!("generate/{boundary}"))?;
            assert_ne!(killed.code, 0, "{boundary} was not reached: {killed}");
            run(&project, &["generate", "--name", "second"], 0)?;
            assert_eq!(masked(&project)?, expected, "{boundary}");
            run(&project, &["validate", "--offline"], 0)?;
        }
        the_real_ones_agree(&whole)?;
    }
    Ok(())
}

const BEFORE: &str = r#"import { pgTable, pgEnum, integer, text } from "drizzle-orm/pg-core";
export const mood = pgEnum("mood", ["calm", "glad"]);
export const users = pgTable("users", { id: integer("id").primaryKey(), name: text("name"), n: integer("n"), mood: mood("mood") });
export const posts = pgTable("posts", { id: integer("id").primaryKey(), author: integer("author") });
"#;

const AFTER: &str = r#"import { pgTable, pgEnum, integer, text, index, uniqueIndex, unique, check, foreignKey } from "drizzle-orm/pg-core";
import { sql } from "drizzle-orm";
export const mood = pgEnum("mood", ["calm", "sad", "glad"]);
export const users = pgTable("users", { id: integer("id").primaryKey(), name: text("name").notNull(), n: integer("n"), mood: mood("mood").default("sad") }, (t) => [
  index("users_name").on(t.name), unique("users_n").on(t.n, t.name), check("positive", sql`${t.n} > 0`)]);
export const posts = pgTable("posts", { id: integer("id").primaryKey(), author: integer("author"), body: text("body") }, (t) => [
  foreignKey({ name: "posts_author", columns: [t.author], foreignColumns: [users.id] }), uniqueIndex("posts_body").on(t.body)]);
export const tags = pgTable("tags", { id: integer("id").primaryKey(), post: integer("post").references(() => posts.id) }, (t) => [index("tags_post").on(t.post)]);
"#;

/// A database with rows, one migration before the end.
fn lived(generation: u8, arguments: &[&str]) -> Result<Project> {
    let project = project((Example::BookstorePostgres, generation))?;
    project.write(SCHEMA, BEFORE)?;
    run(&project, &["generate", "--name", "first"], 0)?;
    run(&project, &["migrate", "--confirm"], 0)?;
    project.database.sql(
        "INSERT INTO users VALUES (1, 'Ada', 1, 'calm'), (2, 'Bo', 2, NULL); INSERT INTO posts VALUES (1, 2);",
    )?;
    project.write(SCHEMA, AFTER)?;
    run(&project, &[&["generate", "--name", "second"], arguments].concat(), 0)?;
    Ok(project)
}

#[test]
fn the_online_form_ends_in_the_catalog_of_the_usual_one() -> Result {
    for generation in [0, 1] {
        let (usual, safe) = (lived(generation, &[])?, lived(generation, &["--safe"])?);
        let files = safe.files()?;
        let second = files.keys().rfind(|it| it.ends_with(".sql")).expect("a migration");
        let sql = safe.read(second)?;
        for form in [
            "CREATE INDEX CONCURRENTLY \"users_name\"",
            "CREATE UNIQUE INDEX CONCURRENTLY \"posts_body\"",
            "UNIQUE USING INDEX \"users_n\"",
            "VALIDATE CONSTRAINT \"posts_author\"",
            "VALIDATE CONSTRAINT \"positive\"",
            "\"name\" IS NOT NULL) NOT VALID",
        ] {
            assert!(sql.contains(form), "{form} is not in\n{sql}");
        }
        // Nobody uses yet what the migration creates itself.
        assert!(!sql.contains("CONCURRENTLY \"tags_post\""), "{sql}");
        // In the usual form the real migrators refuse the new value of the enum, which is used at once.
        run(&usual, &["migrate", "--confirm"], 0)?;
        the_real_ones_agree(&safe)?;
        assert_eq!(usual.database.schema()?, safe.database.schema()?);
        assert_eq!(usual.database.value("SELECT count(*) FROM users")?, "2");
        assert_eq!(safe.database.value("SELECT count(*) FROM users")?, "2");
    }
    Ok(())
}

#[test]
fn a_column_that_goes_in_a_rebuild_is_told_and_the_table_that_is_copied_is_not() -> Result {
    for generation in [0, 1] {
        let place = (Example::BookstoreSqlite, generation);
        let project = project(place)?;
        declare(&project, place.0, GROWN)?;
        run(&project, &["generate", "--name", "first"], 0)?;
        let after = GROWN.replace("name: text(\"name\") });", "});").replace(".default(\"\")", "");
        let after =
            after.replace("integer(\"id\").primaryKey(), });", "text(\"id\").primaryKey() });");
        declare(&project, place.0, &after)?;
        let second = run(&project, &["generate", "--name", "second"], 0)?;
        assert!(second.stdout.contains("DROP TABLE `users`"), "{second}");
        assert!(second.stdout.contains("warning[deletes-data] drop:users.name"), "{second}");
        assert!(!second.stdout.contains("(drop:users)"), "{second}");
    }
    Ok(())
}

/// drizzle-kit 0.31 forgets the rename and fills the column with a text, its own name.
#[test]
fn a_renamed_column_of_a_key_keeps_its_values() -> Result {
    for place in PLACES {
        let (project, example) = (project(place)?, place.0);
        let posts = |column: &str| {
            format!(
                "{USERS}\nexport const posts = table(\"posts\", {{ id: integer(\"id\").primaryKey(), {column}: integer(\"{column}\").references(() => users.id) }});"
            )
        };
        declare(&project, example, &posts("author"))?;
        run(&project, &["generate", "--name", "first"], 0)?;
        run(&project, &["migrate", "--confirm"], 0)?;
        project
            .database
            .sql("INSERT INTO users (id) VALUES (7); INSERT INTO posts VALUES (1, 7);")?;
        declare(&project, example, &posts("writer"))?;
        run(&project, &["generate", "--name", "b", "--rename", "posts.author:writer"], 0)?;
        the_real_ones_agree(&project)?;
        assert_eq!(project.database.value("SELECT writer FROM posts")?, "7");
    }
    Ok(())
}
