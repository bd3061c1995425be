//! `migrate` on MySQL and MariaDB, which commit every change of the structure by itself: what is pending runs
//! statement by statement, and a run that fails or dies is gone on with from where live proves to stand.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use raingauge_testkit::judge::{self, Migrator};
use raingauge_testkit::mysql::{MySql, MySqlDatabase, Vendor, servers};
use raingauge_testkit::{Project, Result, Run};

use crate::crash::is_full;
use crate::crash::scene::{check, each};
use crate::mysql::{declare, project};
use crate::mysql_live::SHOP;
use crate::mysql_position::{begun, history};
use crate::run::binary;
use crate::steps::says;

/// A table with rows, as the first migration makes it.
const BOOKS: &str =
    "CREATE TABLE `books` (`id` int NOT NULL PRIMARY KEY, `title` varchar(100), `isbn` int);";

/// Changes of the structure with rows in between: four statements that commit by themselves, two that do not.
const MORE: &str =
    "CREATE TABLE `notes` (`id` int NOT NULL PRIMARY KEY, `book` int);--> statement-breakpoint
INSERT INTO `notes` SELECT `id`, `id` FROM `books`;--> statement-breakpoint
INSERT INTO `notes` VALUES (90, NULL);--> statement-breakpoint
ALTER TABLE `books` ADD COLUMN `shelf` varchar(10) NOT NULL DEFAULT 'A';--> statement-breakpoint
CREATE INDEX `books_shelf` ON `books` (`shelf`);--> statement-breakpoint
ALTER TABLE `notes` ADD CONSTRAINT `notes_book` FOREIGN KEY (`book`) REFERENCES `books` (`id`);";

/// A project with a journal of these migrations.
pub(crate) fn of_migrations(migrations: &[(&str, &str)]) -> Result<Project> {
    let project = project(0, SHOP)?;
    write_history(&project, migrations)?;
    Ok(project)
}

pub(crate) fn write_history(project: &Project, migrations: &[(&str, &str)]) -> Result {
    let entry = |(idx, (tag, _)): (u64, &(&str, &str))| {
        let when = 1_767_225_600_000 + idx * 100_000;
        serde_json::json!({ "idx": idx, "version": "5", "when": when, "tag": tag, "breakpoints": true })
    };
    let entries: Vec<_> = (0..).zip(migrations).map(entry).collect();
    let journal = serde_json::json!({ "version": "7", "dialect": "mysql", "entries": entries });
    project.write("drizzle/meta/_journal.json", &serde_json::to_string_pretty(&journal)?)?;
    migrations.iter().try_for_each(|(tag, sql)| project.write(&format!("drizzle/{tag}.sql"), sql))
}

/// A project whose database has `books` with two rows, and a second migration pending.
fn with_pending(database: &MySqlDatabase, sql: &str) -> Result<Project> {
    let project = of_migrations(&[("0000_books", BOOKS)])?;
    expect(&project, database, &[], 0)?;
    database.sql("INSERT INTO books VALUES (1, 'Emma', 7), (2, 'Pnin', 7)")?;
    write_history(&project, &[("0000_books", BOOKS), ("0001_more", sql)])?;
    Ok(project)
}

pub(crate) fn migrate(project: &Project, database: &MySqlDatabase, more: &[&str]) -> Result<Run> {
    let url = database.server.url(&database.name);
    binary().run(&project.root, &[&["migrate", "--url", &url], more].concat())
}

#[track_caller]
fn expect(project: &Project, database: &MySqlDatabase, more: &[&str], code: i32) -> Result<Run> {
    let run = migrate(project, database, more)?;
    assert_eq!(run.code, code, "{:?} {run}", database.server.vendor);
    Ok(run)
}

fn value(database: &MySqlDatabase, query: &str) -> Result<String> {
    Ok(database.sql(query)?.trim_end().to_owned())
}

/// Everything of [`MORE`] is there once, and nothing of how it came to be.
fn is_applied_once(project: &Project, database: &MySqlDatabase) -> Result {
    for (query, expected) in [
        ("SELECT count(*), sum(id) FROM notes", "3\t93"),
        ("SELECT count(shelf), sum(id) FROM books", "2\t3"),
        ("SELECT created_at FROM __drizzle_migrations ORDER BY id", "1767225600000\n1767225700000"),
        ("SHOW TABLES LIKE '%raingauge%'", ""),
    ] {
        let found = value(database, query)?;
        check(found == expected, || format!("{query}: {found}"))?;
    }
    let url = database.server.url(&database.name);
    let status = binary().run(&project.root, &["status", "--url", &url])?;
    check(status.code == 0 && status.stdout.contains("2 recorded, 0 pending"), || {
        status.to_string()
    })
}

#[test]
fn what_is_pending_is_applied_and_recorded_and_a_second_run_does_nothing() -> Result {
    for server in servers() {
        for generation in [0, 1] {
            let database = server.database("migrate")?;
            let project = begun(&database, generation)?;
            let before = project.files()?;
            expect(&project, &database, &[], 0)?;
            let all = history(&project)?;
            let recorded = value(&database, "SELECT hash FROM __drizzle_migrations ORDER BY id")?;
            assert_eq!(recorded.lines().count(), all.len(), "{recorded}");
            let last =
                value(&database, "SELECT created_at FROM __drizzle_migrations WHERE id = 2")?;
            assert_eq!(last, value(&database, &format!("SELECT {}", all[1].when))?);
            let validate =
                binary().run(&project.root, &["validate", "--url", &server.url(&database.name)])?;
            assert_eq!(validate.code, 0, "{validate}");
            let again = expect(&project, &database, &[], 0)?;
            says(&again, &["nothing is pending"]);
            let after: BTreeSet<_> = project.files()?.into_keys().collect();
            assert_eq!(after, before.into_keys().collect(), "something was written");
        }
    }
    Ok(())
}

#[test]
fn the_real_migrators_find_nothing_to_do_and_would_have_written_the_same_rows() -> Result {
    for server in servers() {
        for (generation, name) in [(0, ""), (1, ", name")] {
            let project = begun(&server.database("begun")?, generation)?;
            if generation == 0 {
                project.install_mysql_0()?;
            }
            let (ours, theirs) = (server.database("ours")?, server.database("theirs")?);
            expect(&project, &ours, &[], 0)?;
            let before = ours.dump(&[])?;
            for database in [&ours, &theirs] {
                judge::mysql::migrate(&project, Migrator::Programmatic, database)?.success()?;
            }
            assert_eq!(ours.dump(&[])?, before, "{:?} {generation}", server.vendor);
            let rows =
                format!("SELECT id, hash, created_at{name} FROM __drizzle_migrations ORDER BY id");
            for asked in [rows.as_str(), "SHOW CREATE TABLE __drizzle_migrations"] {
                assert_eq!(value(&ours, asked)?, value(&theirs, asked)?, "{:?}", server.vendor);
            }
        }
    }
    Ok(())
}

/// Applies a migration whose last statement fails until the rows are mended.
pub(crate) fn fails_and_is_gone_on_with(server: &Arc<MySql>) -> Result {
    let database = server.database("t43")?;
    let sql = "ALTER TABLE `books` ADD COLUMN `name` varchar(20) NOT NULL;--> statement-breakpoint\n\
               UPDATE `books` SET `name` = concat('b', `id`);--> statement-breakpoint\n\
               ALTER TABLE `books` ADD CONSTRAINT `isbn` UNIQUE (`isbn`);";
    let project = with_pending(&database, sql)?;
    // The update has to be agreed to, and a deletion rests on a backup: without the update here.
    let sql = sql.replace(
        "UPDATE `books` SET `name` = concat('b', `id`)",
        "INSERT INTO `books` VALUES (3, 'Ada', 9, 'c')",
    );
    write_history(&project, &[("0000_books", BOOKS), ("0001_more", &sql)])?;
    let failed = expect(&project, &database, &[], 3)?;
    says(
        &failed,
        &[
            "error[migration-failed]",
            "0001_more.sql:3",
            "(1062)",
            "first 2 of the migration's 3 steps",
        ],
    );
    let status = binary().run(&project.root, &["status", "--url", &server.url(&database.name)])?;
    assert_eq!(status.code, 0, "{status}");
    says(&status, &["migration-unfinished", "up to step 2 of 3", "(line 3)"]);
    let again = expect(&project, &database, &[], 3)?;
    assert!(!again.stderr.contains("1060"), "{again}");
    database.sql("UPDATE books SET isbn = id")?;
    expect(&project, &database, &[], 0)?;
    assert_eq!(
        value(&database, "SELECT group_concat(id, isbn ORDER BY id) FROM books")?,
        "11,22,33"
    );
    assert_eq!(value(&database, "SELECT count(*) FROM __drizzle_migrations")?, "2");
    Ok(())
}

#[test]
fn t43_a_statement_that_fails_is_gone_on_with_and_what_is_there_is_not_made_again() -> Result {
    for server in servers() {
        fails_and_is_gone_on_with(&server)?;
    }
    Ok(())
}

#[test]
fn t43_a_run_can_be_killed_at_every_statement_and_nothing_is_done_twice() -> Result {
    for server in servers() {
        let database = server.database("traced")?;
        let project = with_pending(&database, MORE)?;
        let url = server.url(&database.name);
        let traced = binary()
            .env("RAINGAUGE_TRACE_BOUNDARIES", "1")
            .run(&project.root, &["migrate", "--url", &url])?;
        assert_eq!(traced.code, 0, "{traced}");
        is_applied_once(&project, &database)?;
        let names = traced.stderr.lines().filter_map(|it| it.strip_prefix("boundary "));
        let is_of_run = |it: &&str| it.starts_with("migrate/") || it.starts_with("statement/");
        let all: Vec<_> = names.filter(is_of_run).map(str::to_owned).collect();
        assert!(18 <= all.len(), "{all:#?}");
        let sampled = match server.vendor {
            Vendor::MariaDb => ["step-1-ran", "step-2-applied"],
            Vendor::MySql => ["step-3-noted", "more/applied"],
        };
        let is_sampled = |it: &&String| is_full() || sampled.iter().any(|end| it.ends_with(end));
        let cases: Vec<_> = all.iter().filter(is_sampled).collect();
        assert!(2 <= cases.len(), "{cases:#?}");
        each(&cases, |boundary| {
            let database = server.database("killed")?;
            let project = with_pending(&database, MORE)?;
            let url = server.url(&database.name);
            let crash = binary()
                .env("RAINGAUGE_CRASH_AT", boundary)
                .run(&project.root, &["migrate", "--url", &url])?;
            check(crash.code == -6, || format!("did not die: {crash}"))?;
            let again = migrate(&project, &database, &[])?;
            check(again.code == 0, || again.to_string())?;
            is_applied_once(&project, &database)
        })?;
    }
    Ok(())
}

#[test]
fn t35_of_eight_runners_exactly_one_applies() -> Result {
    for server in servers() {
        let database = server.database("runners")?;
        let project = with_pending(&database, MORE)?;
        let url = server.url(&database.name);
        let runs: Vec<Run> = std::thread::scope(|scope| {
            let one = || binary().run(&project.root, &["migrate", "--url", &url]);
            let all: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
            all.into_iter()
                .map(|it| it.join().expect("a run does not panic"))
                .collect::<Result<_>>()
        })?;
        for run in &runs {
            assert_eq!(run.code, 0, "{:?} {run}", server.vendor);
        }
        let n = runs.iter().filter(|it| it.stdout.contains("apply 0001_more")).count();
        assert_eq!(n, 1, "{runs:#?}");
        is_applied_once(&project, &database)?;
    }
    Ok(())
}

#[test]
fn a_lock_that_another_session_holds_is_waited_for_shortly_and_its_owner_is_named() -> Result {
    for server in servers() {
        let database = server.database("blocked")?;
        let project = with_pending(&database, "ALTER TABLE `books` ADD COLUMN `shelf` int;")?;
        let (held, of) = (Arc::clone(&server), database.name.clone());
        let hold = "START TRANSACTION; SELECT count(*) FROM books; SELECT sleep(300)";
        let holder = std::thread::spawn(move || held.sql(&of, hold));
        let sleeps = format!(
            "SELECT id FROM information_schema.processlist WHERE db = '{}' AND info LIKE 'SELECT sleep%'",
            database.name
        );
        while value(&database, &sleeps)?.is_empty() {
            std::thread::sleep(Duration::from_millis(50));
        }
        let since = Instant::now();
        let refused = expect(&project, &database, &["--wait", "2"], 2)?;
        assert!(since.elapsed() < Duration::from_secs(200), "{:?}", since.elapsed());
        says(&refused, &["error[lock-timeout]", "(1205)", "wait for, or end: ", "of `root`"]);
        database.sql(&format!("KILL {}", value(&database, &sleeps)?))?;
        // It was cut off.
        let _ = holder.join().expect("it does not panic");
        expect(&project, &database, &[], 0)?;
        assert_eq!(value(&database, "SELECT count(shelf) FROM books")?, "0");
    }
    Ok(())
}

#[test]
fn t45_rows_that_a_trigger_deletes_roll_the_statements_back() -> Result {
    const SETTING: &str =
        "CREATE TABLE `books` (`id` int NOT NULL PRIMARY KEY);--> statement-breakpoint
CREATE TABLE `notes` (`id` int NOT NULL PRIMARY KEY);--> statement-breakpoint
CREATE TRIGGER `sweeps` AFTER INSERT ON `books` FOR EACH ROW DELETE FROM `notes`;";
    const PENDING: &str = "CREATE TABLE `rooms` (`id` int);--> statement-breakpoint
INSERT INTO `rooms` VALUES (1);--> statement-breakpoint
INSERT INTO `books` VALUES (1);";
    for server in servers() {
        let database = server.database("trigger")?;
        let project = of_migrations(&[("0000_all", SETTING)])?;
        expect(&project, &database, &[], 0)?;
        database.sql("INSERT INTO notes VALUES (1), (2)")?;
        write_history(&project, &[("0000_all", SETTING), ("0001_more", PENDING)])?;
        let lost = expect(&project, &database, &[], 3)?;
        says(&lost, &["error[rows-lost]", "`notes` had 2 rows and would have 0", "step 1 of 2"]);
        let counts = "SELECT (SELECT count(*) FROM notes), (SELECT count(*) FROM books), (SELECT count(*) FROM rooms)";
        assert_eq!(value(&database, counts)?, "2\t0\t0");
        expect(&project, &database, &["--allow", "delete:notes"], 0)?;
        assert_eq!(value(&database, counts)?, "0\t1\t1");
    }
    Ok(())
}

#[test]
fn a_statement_that_takes_too_long_is_ended_and_gone_on_with() -> Result {
    for server in servers() {
        let database = server.database("slow")?;
        let sql = "CREATE TABLE `rooms` (`id` int);--> statement-breakpoint
INSERT INTO `rooms` SELECT sleep(`id` * 2) FROM `books`;";
        let project = with_pending(&database, sql)?;
        let since = Instant::now();
        let ended = expect(&project, &database, &["--statement-timeout", "1"], 3)?;
        says(&ended, &["was cancelled, or took too long (1317)", "0001_more.sql:2", "step 1 of 2"]);
        assert!(since.elapsed() < Duration::from_secs(200), "{:?}", since.elapsed());
        database.sql("UPDATE books SET id = 0 WHERE id = 1; DELETE FROM books WHERE id = 2")?;
        expect(&project, &database, &["--statement-timeout", "1"], 0)?;
        assert_eq!(value(&database, "SELECT count(*) FROM rooms")?, "1");
    }
    Ok(())
}

#[test]
fn how_each_change_locks_is_tried_in_scratch_and_what_only_makes_room_needs_no_name() -> Result {
    const PENDING: &str = "ALTER TABLE `books` ADD COLUMN `shelf` int;--> statement-breakpoint
CREATE INDEX `books_title` ON `books` (`title`);--> statement-breakpoint
ALTER TABLE `books` MODIFY COLUMN `isbn` bigint;--> statement-breakpoint
CREATE TABLE `rooms` (`id` int);--> statement-breakpoint
ALTER TABLE `rooms` ADD COLUMN `name` int;";
    for server in servers() {
        let database = server.database("ways")?;
        let project = with_pending(&database, PENDING)?;
        let url = server.url(&database.name);
        let json = ["status", "--format", "json", "--url", &url];
        let status = binary().run(&project.root, &json)?.success()?.json()?;
        let row = |it: &serde_json::Value| {
            let of = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
            format!("{} {}: {}; {}", of("statement"), of("table"), of("lock"), of("meanwhile"))
        };
        let rows: Vec<_> =
            status["sections"]["locks"].as_array().into_iter().flatten().map(row).collect();
        let expected = [
            "0001_more.sql:1 books: INSTANT; others read and write",
            "0001_more.sql:2 books: INPLACE, LOCK=NONE; others read and write",
            "0001_more.sql:3 books: COPY; others read, writers wait",
        ];
        assert_eq!(rows, expected, "{:?}", server.vendor);
        let done = expect(&project, &database, &[], 0)?;
        says(&done, &["warning[rewrites-table] books"]);
        for (sql, is_taken) in [
            ("ALTER TABLE books ADD COLUMN shelf2 int, ALGORITHM=INSTANT", true),
            ("ALTER TABLE books MODIFY COLUMN isbn int, ALGORITHM=INPLACE", false),
        ] {
            assert_eq!(database.sql(sql).is_ok(), is_taken, "{sql}");
        }
    }
    Ok(())
}

#[test]
fn the_safe_form_ends_in_the_catalog_of_the_usual_one() -> Result {
    for server in servers() {
        let mut ends = Vec::new();
        for form in [&[][..], &["--safe"]] {
            let database = server.database("safe")?;
            let project = project(0, SHOP)?;
            generate(&project, &["--name", "first"])?;
            expect(&project, &database, &[], 0)?;
            let born = "born: datetime(\"born\"),\n  died: datetime(\"died\"),";
            let by_kind = "(t.name), index(\"authors_kind\").on(t.kind)]";
            let more =
                SHOP.replace("born: datetime(\"born\"),", born).replace("(t.name)]", by_kind);
            declare(&project, &more)?;
            generate(&project, &[&["--name", "second"], form].concat())?;
            let sql = history(&project)?.pop().expect("there are two").sql;
            for clause in
                ["`died` datetime, ALGORITHM=INSTANT;", "(`kind`) ALGORITHM=INPLACE LOCK=NONE;"]
            {
                assert_eq!(sql.contains(clause), !form.is_empty(), "{sql}");
            }
            expect(&project, &database, &[], 0)?;
            ends.push(value(&database, "SHOW CREATE TABLE authors")?);
        }
        assert_eq!(ends[0], ends[1]);
    }
    Ok(())
}

fn generate(project: &Project, arguments: &[&str]) -> Result<Run> {
    binary().run(&project.root, &[&["generate"], arguments].concat())?.success()
}

#[test]
fn t46_rows_that_a_key_deletes_need_a_name_of_their_own_and_a_backup_is_taken_before() -> Result {
    const SETTING: &str = "CREATE TABLE `books` (`id` int NOT NULL PRIMARY KEY);--> statement-breakpoint
CREATE TABLE `notes` (`id` int NOT NULL PRIMARY KEY, `book` int, CONSTRAINT `of` FOREIGN KEY (`book`) REFERENCES `books` (`id`) ON DELETE CASCADE);";
    const PENDING: &str = "DELETE FROM `books` WHERE `id` = 1;";
    for server in servers() {
        let database = server.database("cascade")?;
        let project = of_migrations(&[("0000_all", SETTING)])?;
        expect(&project, &database, &[], 0)?;
        database
            .sql("INSERT INTO books VALUES (1), (2); INSERT INTO notes VALUES (1, 1), (2, 2)")?;
        write_history(&project, &[("0000_all", SETTING), ("0001_more", PENDING)])?;
        let counts = "SELECT (SELECT count(*) FROM books), (SELECT count(*) FROM notes)";
        let folder = server.release.client_folder()?.map(|it| it.display().to_string());
        let client: Vec<_> = folder.iter().flat_map(|it| ["--pg-client", it.as_str()]).collect();
        let books = [&["--allow", "delete:books"], &client[..]].concat();
        let lost = expect(&project, &database, &books, 1)?;
        says(&lost, &["error[rows-lost]", "`notes` had 2 rows and would have 1"]);
        assert_eq!(value(&database, counts)?, "2\t2");
        let allowed = [&books[..], &["--allow", "delete:notes"]].concat();
        let done = expect(&project, &database, &allowed, 0)?;
        says(&done, &["take and verify backup"]);
        assert_eq!(value(&database, counts)?, "1\t1");
    }
    Ok(())
}

#[test]
fn what_deletes_needs_a_name_and_nothing_runs_before() -> Result {
    for server in servers() {
        let database = server.database("deletes")?;
        let sql = "ALTER TABLE `books` ADD COLUMN `shelf` int;--> statement-breakpoint\nDELETE FROM `books` WHERE `id` = 1;";
        let project = with_pending(&database, sql)?;
        let refused = expect(&project, &database, &[], 1)?;
        says(&refused, &["error[deletion-not-allowed]", "--allow delete:books"]);
        assert_eq!(value(&database, "SELECT count(*) FROM books")?, "2");
        assert_eq!(value(&database, "SHOW COLUMNS FROM books LIKE 'shelf'")?, "");
    }
    Ok(())
}
