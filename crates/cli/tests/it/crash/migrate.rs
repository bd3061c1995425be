//! `migrate`, killed, failing on live rows, and rebuilding tables that others refer to.

use std::time::{SystemTime, UNIX_EPOCH};

use raingauge_testkit::{Example, Result, Run};

use super::scene::{Scene, check, each};

/// A scene whose history is written and recorded, with the follow-up migration pending.
fn pending(example: Example) -> Result<Scene> {
    let scene = Scene::new(example)?;
    scene.crash(&["execute", "--confirm"], "execute/reconcile-done")?;
    Ok(scene)
}

/// A scene that is adopted, with one more migration applied.
fn with_migration(example: Example, sql: &str) -> Result<Scene> {
    let scene = pending(example)?;
    add_migration(&scene, "more", sql)?;
    scene.expect(&["migrate"], 0)?;
    Ok(scene)
}

/// Appends a migration as drizzle-kit does.
fn add_migration(scene: &Scene, name: &str, sql: &str) -> Result {
    let journal_path = "drizzle/meta/_journal.json";
    let mut journal: serde_json::Value = serde_json::from_str(&scene.project.read(journal_path)?)?;
    let entries = journal["entries"].as_array_mut().expect("a journal has entries");
    let (idx, last) = (entries.len(), entries.last().expect("it is adopted").clone());
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let when = u64::try_from(now)?.max(last["when"].as_u64().unwrap_or_default() + 1);
    let tag = format!("{idx:04}_{name}");
    entries.push(serde_json::json!({
        "idx": idx, "version": last["version"], "when": when, "tag": tag, "breakpoints": true
    }));
    scene.project.write(journal_path, &serde_json::to_string_pretty(&journal)?)?;
    let snapshot = scene.project.read(&format!("drizzle/meta/{:04}_snapshot.json", idx - 1))?;
    scene.project.write(&format!("drizzle/meta/{idx:04}_snapshot.json"), &snapshot)?;
    scene.project.write(&format!("drizzle/{tag}.sql"), sql)
}

fn killed_at_every_boundary(example: Example) -> Result {
    let boundaries = pending(example)?.boundaries(&["migrate"])?;
    let migrate: Vec<_> = boundaries.into_iter().filter(|it| it.starts_with("migrate/")).collect();
    assert!(3 <= migrate.len(), "{migrate:#?}");
    each(&migrate, |boundary| {
        let scene = pending(example)?;
        scene.crash(&["migrate"], boundary)?;
        scene.nothing_is_lost()?;
        scene.expect(&["migrate"], 0)?;
        // The ledger is equal to the journal, so every row is there exactly once.
        check(scene.is_adopted()?, || "not everything was applied".to_owned())?;
        scene.nothing_is_lost()?;
        scene.nothing_is_left_behind()
    })
}

#[test]
fn migrate_on_sqlite_can_be_killed_at_every_boundary() -> Result {
    killed_at_every_boundary(Example::BookstoreSqlite)
}

#[test]
fn migrate_on_postgres_can_be_killed_at_every_boundary() -> Result {
    killed_at_every_boundary(Example::BookstorePostgres)
}

const TWO_OF_ONE_AUTHOR: &str = "INSERT INTO books (title, author, isbn) VALUES
    ('Emma', 'Jane Austen', '9780141439587'), ('Persuasion', 'Jane Austen', '9780141439686')";

/// The follow-up cannot be applied: schema.ts wants one book per author, and live has two.
fn failing_follow_up(example: Example, state: &str) -> Result {
    let scene = Scene::new(example)?;
    let author = "author: text(\"author\").notNull()";
    scene.project.edit("src/db/schema.ts", author, &format!("{author}.unique()"))?;
    let second =
        "INSERT INTO books (title, author, isbn) VALUES ('Emma', 'Jane Austen', '9780141439587'),
                  ('Persuasion', 'Jane Austen', '9780141439686')";
    scene.project.database.sql(second)?;
    let rows = scene.project.database.rows("books")?;
    let refused = scene.expect(&["execute", "--confirm"], 1)?;
    assert!(refused.stdout.contains("rows-refuse"), "{refused}");
    let run = scene.expect(&["execute", "--confirm", "--allow", "try:follow_up"], 3)?;
    for part in ["0002_follow_up.sql:", state, "rolled back", "record 2 migrations"] {
        assert!(run.stderr.contains(part), "no `{part}`: {run}");
    }
    scene.files_and_ledger_agree()?;
    let told = scene.expect(&["migrate"], 1)?;
    assert!(told.stdout.contains("rows-refuse"), "{told}");
    let again = scene.expect(&["migrate", "--allow", "try:0002_follow_up"], 2)?;
    assert!(again.stderr.contains("migration-failed"), "{again}");
    assert_eq!(rows, scene.project.database.rows("books")?);
    assert!(!scene.is_adopted()?);
    scene.project.database.sql("DELETE FROM books WHERE title = 'Emma'")?;
    scene.expect(&["execute", "--confirm"], 0)?;
    assert!(scene.is_adopted()?);
    Ok(())
}

#[test]
fn a_follow_up_that_fails_on_sqlites_rows_is_rolled_back_and_told() -> Result {
    failing_follow_up(Example::BookstoreSqlite, "2067")
}

#[test]
fn a_follow_up_that_fails_on_postgres_rows_is_rolled_back_and_told() -> Result {
    failing_follow_up(Example::BookstorePostgres, "23505")
}

fn second_of_two_fails(example: Example) -> Result {
    let scene = pending(example)?;
    scene.expect(&["migrate"], 0)?;
    add_migration(&scene, "shelves", "CREATE TABLE shelves (id integer PRIMARY KEY);")?;
    let sql = "CREATE TABLE rooms (id integer PRIMARY KEY);--> statement-breakpoint\n\n\
               CREATE UNIQUE INDEX one_book ON books (author);";
    add_migration(&scene, "rooms", sql)?;
    scene.project.database.sql(TWO_OF_ONE_AUTHOR)?;
    let rows = scene.project.database.rows("books")?;
    scene.expect(&["migrate"], 1)?;
    let run = scene.expect(&["migrate", "--allow", "try:0004_rooms"], 3)?;
    for part in ["0004_rooms.sql:3", "apply 0003_shelves", "rolled back", "raingauge migrate"] {
        assert!(run.stderr.contains(part), "no `{part}`: {run}");
    }
    let tables = scene.project.database.tables()?.join(" ");
    assert!(tables.contains("shelves") && !tables.contains("rooms"), "{tables}");
    scene
        .project
        .write("drizzle/0004_rooms.sql", "CREATE TABLE rooms (id integer PRIMARY KEY);")?;
    scene.expect(&["migrate"], 0)?;
    assert!(scene.is_adopted()?);
    assert_eq!(rows, scene.project.database.rows("books")?);
    Ok(())
}

#[test]
fn on_sqlite_the_migrations_before_a_failing_one_stay_and_are_named() -> Result {
    second_of_two_fails(Example::BookstoreSqlite)
}

#[test]
fn on_postgres_the_migrations_before_a_failing_one_stay_and_are_named() -> Result {
    second_of_two_fails(Example::BookstorePostgres)
}

/// A table that others refer to, with rows, a trigger and an index.
fn parents(on_delete: &str) -> Result<Scene> {
    let sql = format!(
        "CREATE TABLE parents (id integer PRIMARY KEY NOT NULL, name text);--> statement-breakpoint
CREATE TABLE children (id integer PRIMARY KEY, parent integer REFERENCES parents(id) ON DELETE {on_delete});"
    );
    let scene = with_migration(Example::BookstoreSqlite, &sql)?;
    scene.project.database.sql(
        "INSERT INTO parents VALUES (1, 'a'), (2, 'b'); INSERT INTO children VALUES (1, 1), (2, 1), (3, 2)",
    )?;
    Ok(scene)
}

/// As drizzle-kit 0.31 rebuilds a table; `selected` is what the new columns are filled with.
fn rebuild(pragma: bool, selected: &str) -> String {
    let mut pieces = vec![
        "CREATE TABLE `__new_parents` (`id` integer PRIMARY KEY NOT NULL, `name` text NOT NULL, `note` text);".to_owned(),
        format!("INSERT INTO `__new_parents`(\"id\", \"name\", \"note\") SELECT {selected} FROM `parents`;"),
        "DROP TABLE `parents`;".to_owned(),
        "ALTER TABLE `__new_parents` RENAME TO `parents`;".to_owned(),
    ];
    if pragma {
        pieces.insert(0, "PRAGMA foreign_keys=OFF;".to_owned());
        pieces.push("PRAGMA foreign_keys=ON;".to_owned());
    }
    pieces.join("--> statement-breakpoint\n")
}

fn children(scene: &Scene) -> Result<String> {
    scene.project.database.value("SELECT count(*), count(parent) FROM children")
}

/// A migration that is refused because of what it would lose, and has done nothing.
fn refused(scene: &Scene, sql: &str, reason: &str) -> Result<Run> {
    let state = scene.project.database.state()?;
    add_migration(scene, "rebuild", sql)?;
    let run = scene.expect(&["migrate", "--format", "json"], 1)?;
    assert!(run.stdout.contains("\"rebuild-drops\""), "{run}");
    assert!(run.stdout.contains(reason), "no `{reason}`: {run}");
    assert_eq!(state.differences(&scene.project.database.state()?), [""; 0]);
    Ok(run)
}

#[test]
fn t46_a_rebuild_keeps_the_rows_that_would_be_deleted_with_their_parents() -> Result {
    let scene = parents("CASCADE")?;
    add_migration(&scene, "rebuild", &rebuild(true, "\"id\", \"name\", NULL"))?;
    scene.expect(&["migrate"], 0)?;
    assert_eq!(children(&scene)?, "3|3");
    assert!(scene.is_adopted()?);
    scene.nothing_is_lost()
}

#[test]
fn t46_a_rebuild_that_does_not_switch_foreign_keys_off_keeps_them_too() -> Result {
    let scene = parents("CASCADE")?;
    add_migration(&scene, "rebuild", &rebuild(false, "\"id\", \"name\", NULL"))?;
    scene.expect(&["migrate"], 0)?;
    assert_eq!(children(&scene)?, "3|3");
    scene.nothing_is_lost()
}

#[test]
fn t47_a_rebuild_keeps_the_references_that_would_be_emptied() -> Result {
    let scene = parents("SET NULL")?;
    add_migration(&scene, "rebuild", &rebuild(true, "\"id\", \"name\", NULL"))?;
    scene.expect(&["migrate"], 0)?;
    assert_eq!(children(&scene)?, "3|3");
    let scene = parents("SET NULL")?;
    add_migration(&scene, "rebuild", &rebuild(false, "\"id\", \"name\", NULL"))?;
    scene.expect(&["migrate"], 0)?;
    assert_eq!(children(&scene)?, "3|3");
    Ok(())
}

#[test]
fn t48_a_column_that_is_copied_from_no_column_is_rolled_back() -> Result {
    let scene = parents("CASCADE")?;
    add_migration(&scene, "rebuild", &rebuild(true, "\"id\", \"name\", \"note\""))?;
    // Builds of SQLite without texts in double quotes refuse it themselves.
    let run = scene.run(&["migrate", "--format", "json"])?;
    assert_ne!(run.code, 0, "{run}");
    assert_eq!(scene.project.database.value("SELECT group_concat(name) FROM parents")?, "a,b");
    assert_eq!(
        scene.project.database.value("SELECT count(*) FROM pragma_table_info('parents')")?,
        "2"
    );
    Ok(())
}

#[test]
fn t49_a_rebuild_that_forgets_a_trigger_is_rolled_back() -> Result {
    let scene = parents("CASCADE")?;
    let trigger = "CREATE TRIGGER shout AFTER UPDATE ON parents BEGIN UPDATE children SET parent = parent; END;";
    add_migration(&scene, "trigger", trigger)?;
    scene.expect(&["migrate"], 0)?;
    refused(&scene, &rebuild(true, "\"id\", \"name\", NULL"), "`shout`")?;
    Ok(())
}

#[test]
fn t49_a_view_that_blocks_the_rename_leaves_the_table_under_its_name() -> Result {
    let scene = parents("CASCADE")?;
    add_migration(&scene, "view", "CREATE VIEW names AS SELECT name FROM parents;")?;
    scene.expect(&["migrate"], 0)?;
    let state = scene.project.database.state()?;
    add_migration(&scene, "rebuild", &rebuild(true, "\"id\", \"name\", NULL"))?;
    let run = scene.run(&["migrate"])?;
    assert_ne!(run.code, 0, "{run}");
    assert_eq!(state.differences(&scene.project.database.state()?), [""; 0]);
    Ok(())
}
