//! `raingauge upgrade` of MySQL and MariaDB, which commit every change of the ledger's form by itself: beside the
//! real `drizzle-kit up`, judged by the real Drizzle 1.0, killed, and taken back.

use std::fs;

use raingauge_testkit::database::text_differences;
use raingauge_testkit::judge;
use raingauge_testkit::mysql::{MySqlDatabase, Vendor, servers};
use raingauge_testkit::project::file_differences;
use raingauge_testkit::{Project, Result, Run};

use crate::crash::is_full;
use crate::crash::scene::{check, each};
use crate::mysql::{declare, project};
use crate::mysql_adopt::{self, run, run_with};
use crate::mysql_live::SHOP;
use crate::run::{binary, verdict};
use crate::steps::says;
use crate::upgrade::{copy, files};

const CONFIG: &str = r#"import { defineConfig } from "drizzle-kit";
export default defineConfig({ dialect: "mysql", schema: "./src/db/schema.ts", out: "./drizzle", dbCredentials: { url: process.env.DATABASE_URL! } });
"#;

/// What comes with the second migration; 1.0 spells some of it otherwise than 0.x.
const SHELVES: &str = r#"export const shelves = mysqlTable("shelves", {
  id: int("id").autoincrement().primaryKey(),
  word: varchar("word", { length: 40 }).default("it's").unique(),
  width: decimal("width", { precision: 6, scale: 2 }).default("1.50"),
  meta: json("meta").default({ a: [1, 2] }),
  above: int("above"),
});
"#;

/// A history of 0.x with two migrations, `n` of them applied, and 1.0 that was just installed.
fn applied(database: &MySqlDatabase, n: usize) -> Result<Project> {
    let project = project(0, SHOP)?;
    project.install_mysql_0()?;
    project.write("drizzle.config.ts", CONFIG)?;
    project.write(".env", &format!("DATABASE_URL={}\n", database.server.url(&database.name)))?;
    for (at, (name, tables)) in
        [("first", SHOP.to_owned()), ("second", format!("{SHOP}{SHELVES}"))].iter().enumerate()
    {
        declare(&project, tables)?;
        binary().run(&project.root, &["generate", "--name", name])?.success()?;
        if at < n {
            binary().run(&project.root, &["migrate"])?.success()?;
        }
        if at == 0 {
            // 1.0 tells migrations apart by whole seconds.
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
    }
    project.install_drizzle_1()?;
    Ok(project)
}

fn ledger(database: &MySqlDatabase) -> Result<String> {
    database.sql("SHOW CREATE TABLE __drizzle_migrations; SELECT * FROM __drizzle_migrations")
}

/// What is in the project, but for runs and backups.
fn history(project: &Project) -> Result<std::collections::BTreeMap<String, Vec<u8>>> {
    let mut files = project.files()?;
    files.retain(|path, _| !path.starts_with(".raingauge"));
    Ok(files)
}

#[test]
fn the_files_are_those_of_up_and_drizzle_1_0_finds_all_in_order() -> Result {
    for server in servers() {
        let database = server.database("upgraded")?;
        let project = applied(&database, 2)?;
        copy(&project, "real")?;
        let up = judge::mysql::up(&project, "real", &database)?;
        assert_eq!(up.code, 0, "{up}");
        let expected = files(&project, "real")?;
        fs::remove_dir_all(project.path("real"))?;

        let (before, rows) = (history(&project)?, database.dump(&[])?);
        let plan = run(&project, &server, &["upgrade"], 1)?;
        says(&plan, &["consent-needed", "0001_second.sql", "a row gets the name"]);
        assert_eq!(file_differences(&before, &history(&project)?), [""; 0]);
        assert_eq!(database.dump(&[])?, rows);

        let done = run(&project, &server, &["upgrade", "--confirm"], 0)?;
        assert_eq!(verdict(&done), "upgrade: clean");
        let found = files(&project, "drizzle")?;
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        let last = expected.keys().rfind(|it| it.ends_with("snapshot.json"));
        for (name, text) in expected.iter().filter(|it| Some(it.0) != last) {
            let lines = text_differences(text, &found[name]);
            assert!(lines.is_empty(), "{name}: {lines:#?}");
        }
        as_of_1_0(&project, &database)?;
        assert_eq!(verdict(&run(&project, &server, &["validate"], 0)?), "validate: clean");
        let again = run(&project, &server, &["upgrade"], 0)?;
        says(&again, &["nothing to upgrade"]);
    }
    Ok(())
}

/// The real 1.0 finds nothing to do. A ledger that was taken over keeps the times of 0.x.
fn finds_nothing(project: &Project, database: &MySqlDatabase, tables: &[&str]) -> Result {
    for answer in &judge::mysql::verdict(project, database, tables)?.answers {
        let is_good = answer.problems.is_empty() || answer.what.ends_with("the same ledger");
        assert!(is_good, "{:?} {answer}", database.server.vendor);
    }
    Ok(())
}

/// The real 1.0 finds nothing to do, and its own ledger of a new database has the same form.
fn as_of_1_0(project: &Project, database: &MySqlDatabase) -> Result {
    finds_nothing(project, database, &[])?;
    let fresh = database.server.database("fresh")?;
    judge::mysql::migrate(project, judge::Migrator::Programmatic, &fresh)?.success()?;
    for asked in [
        "SHOW CREATE TABLE __drizzle_migrations",
        "SELECT id, hash, name FROM __drizzle_migrations",
    ] {
        let without_counter = |text: String| text.replace(" AUTO_INCREMENT=3", "");
        assert_eq!(without_counter(database.sql(asked)?), without_counter(fresh.sql(asked)?));
    }
    let stamped = "SELECT count(*) FROM __drizzle_migrations WHERE applied_at IS NOT NULL";
    assert_eq!(database.sql(stamped)?.trim(), "0");
    Ok(())
}

#[test]
fn an_adopted_database_is_upgraded_and_its_certificate_holds() -> Result {
    for server in servers() {
        let database = server.database("adopted")?;
        let project = mysql_adopt::lived(&database, 0, mysql_adopt::SCHEMA)?;
        run(&project, &server, &["execute", "--confirm"], 0)?;
        project.install_drizzle_1()?;
        run(&project, &server, &["upgrade", "--confirm"], 0)?;
        finds_nothing(&project, &database, &["authors", "books"])?;
        let mut names = fs::read_dir(project.path("raingauge"))?
            .map(|it| Ok(it?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<Vec<_>>>()?;
        names.sort();
        let newest = format!("raingauge/{}", names[1]);
        run(&project, &server, &["validate", "--certificate", &newest], 0)?;
    }
    Ok(())
}

#[test]
fn t05_what_is_pending_stays_pending_for_1_0() -> Result {
    for server in servers() {
        let database = server.database("pending")?;
        let project = applied(&database, 1)?;
        run(&project, &server, &["upgrade", "--confirm"], 0)?;
        let status = run(&project, &server, &["status"], 0)?;
        says(&status, &["2 migrations, 1 recorded, 1 pending"]);
        judge::mysql::migrate(&project, judge::Migrator::Kit, &database)?.success()?;
        assert_eq!(database.sql("SELECT count(*) FROM shelves")?.trim(), "0");
    }
    Ok(())
}

/// Folders with their names in the ledger, and nothing of the journal.
fn is_upgraded(project: &Project, database: &MySqlDatabase) -> Result<bool> {
    let named = "SELECT count(*) FROM __drizzle_migrations WHERE name IS NOT NULL";
    let is_named = database.sql(named).is_ok_and(|it| it.trim() == "2");
    Ok(is_named && !project.path("drizzle/meta").exists())
}

#[test]
fn it_can_be_killed_at_every_boundary_and_1_0_never_sees_a_ledger_without_names() -> Result {
    for server in servers() {
        let database = server.database("traced")?;
        let project = applied(&database, 2)?;
        let tracing = binary().env("RAINGAUGE_TRACE_BOUNDARIES", "1");
        let traced = run_with(&tracing, &project, &server, &["upgrade", "--confirm"])?;
        assert_eq!(traced.code, 0, "{traced}");
        let names = traced.stderr.lines().filter_map(|it| it.strip_prefix("boundary "));
        let all: Vec<_> = names.filter(|it| it.starts_with("upgrade/")).collect();
        assert!(10 <= all.len(), "{all:#?}");
        let sampled = match server.vendor {
            Vendor::MariaDb => ["rows-inserted", "removed-0"],
            Vendor::MySql => ["changing", "removed-4"],
        };
        let is_sampled = |it: &&&str| is_full() || sampled.iter().any(|end| it.ends_with(end));
        let cases: Vec<_> = all.iter().filter(is_sampled).map(|it| (*it).to_owned()).collect();
        assert!(2 <= cases.len(), "{cases:#?}");
        each(&cases, |boundary| killed(&server.database("killed")?, boundary))?;
    }
    Ok(())
}

fn killed(database: &MySqlDatabase, boundary: &str) -> Result {
    let (project, server) = (applied(database, 2)?, &database.server);
    let dying = binary().env("RAINGAUGE_CRASH_AT", boundary);
    let died = run_with(&dying, &project, server, &["upgrade", "--confirm"])?;
    check(died.code == -6, || format!("did not die: {died}"))?;
    // Whatever runs now takes the ledger over or leaves it: it has all its names, or no column for them.
    let unnamed = database.sql("SELECT count(*) FROM __drizzle_migrations WHERE name IS NULL");
    check(unnamed.is_err() || unnamed.is_ok_and(|it| it.trim() == "0"), || "unnamed".to_owned())?;
    let finish: &[&str] = match is_upgraded(&project, database)? {
        true => &["upgrade"],
        false if project.path("drizzle/meta/_journal.json").exists() => &["upgrade", "--confirm"],
        false => &["upgrade", "--resume"],
    };
    let finished = run_with(&binary(), &project, server, finish)?;
    let refused = finished.stderr.contains("raingauge upgrade --resume");
    check(finished.code == 0 || refused, || finished.to_string())?;
    run_with(&binary(), &project, server, &["upgrade", "--resume"])?.success()?;
    check(is_upgraded(&project, database)?, || "not upgraded".to_owned())?;
    check(!ledger(database)?.contains("raingauge_"), || "something is left".to_owned())?;
    run_with(&binary(), &project, server, &["validate"])?.success()?;
    let before = database.dump(&["--skip-extended-insert"])?;
    judge::mysql::migrate(&project, judge::Migrator::Kit, database)?.success()?;
    check(database.dump(&["--skip-extended-insert"])? == before, || "it ran something".to_owned())
}

#[test]
fn the_journal_comes_back_where_live_changed_before_the_resume() -> Result {
    for server in servers() {
        let database = server.database("changed")?;
        let project = applied(&database, 2)?;
        let (files, rows) = (history(&project)?, ledger(&database)?);
        let dying = binary().env("RAINGAUGE_CRASH_AT", "upgrade/removed-1");
        let died = run_with(&dying, &project, &server, &["upgrade", "--confirm"])?;
        assert_eq!(died.code, -6, "{died}");
        database.sql("CREATE TABLE another (id int)")?;
        let resumed = run(&project, &server, &["upgrade", "--resume"], 0)?;
        says(&resumed, &["undo the interrupted run"]);
        assert_eq!(file_differences(&files, &history(&project)?), [""; 0]);
        assert_eq!(ledger(&database)?, rows);
    }
    Ok(())
}

#[test]
fn an_account_that_may_not_lock_the_ledger_changes_nothing() -> Result {
    for server in servers() {
        let database = server.database("held")?;
        let project = applied(&database, 2)?;
        let (files, rows) = (history(&project)?, ledger(&database)?);
        let account = format!("few_{}", std::process::id());
        server.sql(
            "mysql",
            &format!(
                "CREATE USER {account}@'%' IDENTIFIED BY 'x'; GRANT ALL ON *.* TO {account}@'%'; \
                 REVOKE LOCK TABLES ON *.* FROM {account}@'%'"
            ),
        )?;
        let url = server.url_as(&account, "x", &database.name);
        let refused = run(&project, &server, &["upgrade", "--confirm", "--url", &url], 2)?;
        says(&refused, &["error[ledger-unwritable]", "nothing was changed", "LOCK TABLES"]);
        assert_eq!(file_differences(&files, &history(&project)?), [""; 0]);
        assert_eq!(ledger(&database)?, rows);
        server.sql("mysql", &format!("DROP USER {account}@'%'"))?;
    }
    Ok(())
}

fn undone(project: &Project, database: &MySqlDatabase, code: i32) -> Result<Run> {
    run(project, &database.server, &["upgrade", "--undo", "--confirm"], code)
}

#[test]
fn undo_brings_files_and_ledger_back_and_0_x_goes_on_as_before() -> Result {
    for server in servers() {
        let database = server.database("undone")?;
        let project = applied(&database, 2)?;
        let (files, rows, dump) = (history(&project)?, ledger(&database)?, database.dump(&[])?);
        run(&project, &server, &["upgrade", "--confirm"], 0)?;
        let shown = run(&project, &server, &["upgrade", "--undo"], 1)?;
        says(&shown, &["consent-needed", "meta/_journal.json", "comes back"]);
        assert!(is_upgraded(&project, &database)?);

        database.sql("UPDATE __drizzle_migrations SET created_at = created_at + 1 WHERE id = 2")?;
        says(&undone(&project, &database, 1)?, &["error[upgrade-moved-on] ledger"]);
        assert!(is_upgraded(&project, &database)?);
        database.sql("UPDATE __drizzle_migrations SET created_at = created_at - 1 WHERE id = 2")?;

        undone(&project, &database, 0)?;
        assert_eq!(file_differences(&files, &history(&project)?), [""; 0]);
        assert_eq!((ledger(&database)?, database.dump(&[])?), (rows, dump.clone()));
        project.install_mysql_0()?;
        run(&project, &server, &["validate"], 0)?;
        judge::mysql::migrate(&project, judge::Migrator::Kit, &database)?.success()?;
        assert_eq!(database.dump(&[])?, dump);
    }
    Ok(())
}
