//! A restored copy takes live's place, counted first, with the old database kept.

use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::project::Age;
use raingauge_testkit::{Database, Example, Project, Result};

use crate::run::{binary, run, verdict};

/// A lived-in project with a backup, a copy restored from it, and what users did since.
struct Rolled {
    project: Project,
    copy: Database,
    backup: String,
}

/// What users did after the backup: one row new, one edited, one deleted.
const SINCE: &str = "INSERT INTO books (title, author, isbn) VALUES ('Since', 'Me', '9780000000002'); \
    UPDATE books SET title = 'Edited since' WHERE isbn = '9780802133908'; \
    DELETE FROM books WHERE isbn = '9780156027601';";

fn rolled(example: Example) -> Result<Rolled> {
    let project = Project::new(example, Age::Lived)?;
    run(&project, &["backup"], 0)?;
    let list = run(&project, &["backup", "list"], 0)?;
    let name = |it: &str| it.split_whitespace().find(|it| it.contains("Z-")).map(str::to_owned);
    let backup = list.stdout.lines().find_map(name).unwrap_or_default();
    let copy = match &project.database {
        Database::Postgres(_) => project.database.sibling("copy")?,
        Database::Sqlite(it) => {
            project.database.named(&it.path.with_file_name("copy.sqlite").display().to_string())
        }
    };
    run(&project, &["restore", &backup, "--to", &copy.url()], 0)?;
    project.database.sql(SINCE)?;
    Ok(Rolled { project, copy, backup })
}

impl Rolled {
    fn swap<'a>(&'a self, url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&["restore", self.backup.as_str(), "--to", url, "--swap"], more].concat()
    }
}

fn t63_rows_since_the_backup_are_counted_and_kept(example: Example) -> Result {
    let rolled = rolled(example)?;
    let Rolled { project, copy, .. } = &rolled;
    let (live, restored) = (project.database.state()?, copy.state()?);
    let url = copy.url();
    let shown = run(project, &rolled.swap(&url, &[]), 1)?;
    let row = shown.stdout.lines().find(|it| it.contains("books") && it.trim().ends_with(" 2"));
    let counts: Vec<_> = row.unwrap_or_default().split_whitespace().skip(1).collect();
    assert_eq!(counts, ["2", "2"], "{shown}");
    assert!(shown.stdout.contains("warning[rows-since-backup] 2 rows"), "{shown}");
    assert_eq!(live.differences(&project.database.state()?), [""; 0]);
    assert_eq!(restored.differences(&copy.state()?), [""; 0]);

    let swapped = run(project, &rolled.swap(&url, &["--confirm"]), 0)?;
    assert_eq!(verdict(&swapped), "restore: clean", "{swapped}");
    assert_eq!(restored.differences(&project.database.state()?), [""; 0]);
    let kept = swapped.stdout.lines().find_map(|it| it.split_once("keep live as "));
    let kept = kept.map(|it| it.1.trim().to_owned()).unwrap_or_default();
    let kept = project.database.named(&kept);
    assert_eq!(live.differences(&kept.state()?), [""; 0]);
    run(project, &["status"], 0)?;
    Ok(())
}

#[test]
fn t63_rows_since_the_backup_are_counted_and_kept_on_sqlite() -> Result {
    t63_rows_since_the_backup_are_counted_and_kept(Example::BookstoreSqlite)
}

#[test]
fn t63_rows_since_the_backup_are_counted_and_kept_on_postgres() -> Result {
    t63_rows_since_the_backup_are_counted_and_kept(Example::BookstorePostgres)
}

#[test]
fn what_the_name_carries_stays_with_it() -> Result {
    let rolled = rolled(Example::BookstorePostgres)?;
    let name = rolled.project.database.value("SELECT current_database()")?;
    rolled.project.database.sql(&format!(
        "ALTER DATABASE \"{name}\" SET search_path = \"$user\", public, drizzle; \
         ALTER DATABASE \"{name}\" SET \"app.note\" = 'it''s'; \
         ALTER ROLE postgres IN DATABASE \"{name}\" SET work_mem = '7MB'; \
         REVOKE CONNECT ON DATABASE \"{name}\" FROM PUBLIC; \
         ALTER DATABASE \"{name}\" CONNECTION LIMIT 77"
    ))?;
    let facts = "SELECT (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(datacl) a), datconnlimit, (SELECT string_agg(setrole || ':' || setconfig::text, ' ' \
        ORDER BY setrole) FROM pg_db_role_setting s WHERE s.setdatabase = d.oid) \
        FROM pg_database d WHERE datname = current_database()";
    let before = rolled.project.database.value(facts)?;
    assert!(before.contains("7MB") && before.contains("77"), "{before}");
    run(&rolled.project, &rolled.swap(&rolled.copy.url(), &["--confirm"]), 0)?;
    assert_eq!(rolled.project.database.value(facts)?, before);
    Ok(())
}

#[test]
fn nothing_is_swapped_under_somebodys_connection() -> Result {
    let rolled = rolled(Example::BookstorePostgres)?;
    let live = rolled.project.database.state()?;
    let Database::Postgres(database) = &rolled.project.database else { return Ok(()) };
    let mut other = database.server.client("psql");
    other.args(["-X", "-q", "-d"]).arg(database.server.socket_url(&database.name));
    let mut other = other.args(["-c", "select pg_sleep(60)"]).stdout(Stdio::null()).spawn()?;
    let connected = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'select pg_sleep%'";
    while rolled.project.database.value(connected)? == "0" {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let refused = run(&rolled.project, &rolled.swap(&rolled.copy.url(), &["--confirm"]), 1)?;
    assert!(refused.stderr.contains("target-in-use"), "{refused}");
    assert!(refused.stderr.contains("psql"), "who is connected is said: {refused}");
    other.kill()?;
    other.wait()?;
    assert_eq!(live.differences(&rolled.project.database.state()?), [""; 0]);
    Ok(())
}

#[test]
fn a_role_that_may_rename_no_database_leaves_live_its_name() -> Result {
    let rolled = rolled(Example::BookstorePostgres)?;
    let (Database::Postgres(live), Database::Postgres(copy)) =
        (&rolled.project.database, &rolled.copy)
    else {
        return Ok(());
    };
    let role = format!("keeper_{}", live.name);
    rolled.project.database.sql(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}';
         GRANT pg_read_all_data, pg_read_all_stats, pg_signal_backend TO {role};
         ALTER DATABASE {} OWNER TO {role}; ALTER DATABASE {} OWNER TO {role}",
        live.name, copy.name
    ))?;
    let state = rolled.project.database.state()?;
    let urls = [&rolled.project.database, &rolled.copy].map(|it| it.url_as(&role, PASSWORD));
    let swap = rolled.swap(&urls[1], &["--confirm", "--url", &urls[0]]);
    let refused = run(&rolled.project, &swap, 2)?;
    assert!(refused.stderr.contains("error[swap-failed]"), "{refused}");
    assert!(refused.stderr.contains("permission denied to rename database"), "{refused}");
    assert_eq!(state.differences(&rolled.project.database.state()?), [""; 0]);
    Ok(())
}

#[test]
fn nothing_is_swapped_while_another_process_has_the_file() -> Result {
    let rolled = rolled(Example::BookstoreSqlite)?;
    let path = rolled.project.database.url();
    let path = path.trim_start_matches("file:").to_owned();
    let live = rolled.project.database.state()?;
    // Idle: it holds no lock of SQLite's, only the file.
    let mut other = std::process::Command::new("sh");
    let mut other = other.args(["-c", "exec 3<>\"$1\"; sleep 60", "sh", &path]).spawn()?;
    std::thread::sleep(std::time::Duration::from_millis(300));
    let refused = run(&rolled.project, &rolled.swap(&rolled.copy.url(), &["--confirm"]), 1)?;
    assert!(refused.stderr.contains("target-in-use"), "{refused}");
    other.kill()?;
    other.wait()?;
    assert_eq!(live.differences(&rolled.project.database.state()?), [""; 0]);
    Ok(())
}

#[test]
fn a_write_ahead_log_goes_with_its_file_and_stays_live_s_way() -> Result {
    let rolled = rolled(Example::BookstoreSqlite)?;
    let live = &rolled.project.database;
    live.sql("PRAGMA journal_mode = wal")?;
    let url = rolled.copy.url();
    let confirmed = rolled.swap(&url, &["--confirm"]);
    let crash = binary().env("RAINGAUGE_CRASH_AT", "swap/live-renamed");
    assert!(crash.run(&rolled.project.root, &confirmed)?.code != 0);
    run(&rolled.project, &rolled.swap(&url, &[]), 1)?;
    assert_eq!(live.value("PRAGMA journal_mode")?, "wal", "as before the swap that was cut off");

    // The copy's newest pages stand in its log only, and say what the backup says.
    rolled.copy.sql("PRAGMA journal_mode = wal")?;
    let Database::Sqlite(copy) = &rolled.copy else { return Ok(()) };
    let expected = rolled.copy.state()?;
    let sql = "PRAGMA wal_autocheckpoint = 0; CREATE TABLE x (a); DROP TABLE x;";
    let reader = rusqlite::Connection::open(&copy.path).map_err(std::io::Error::other)?;
    reader.execute_batch(sql).map_err(std::io::Error::other)?;
    let refused = run(&rolled.project, &confirmed, 1)?;
    assert!(refused.stderr.contains("target-in-use"), "{refused}");
    drop(reader);
    run(&rolled.project, &confirmed, 0)?;
    assert_eq!(expected.differences(&live.state()?), [""; 0]);
    Ok(())
}

#[test]
fn a_copy_that_is_not_what_was_backed_up_takes_nobodys_place() -> Result {
    for example in Example::ALL {
        let rolled = rolled(example)?;
        rolled.copy.sql("UPDATE books SET title = 'tampered' WHERE isbn = '9780156027601'")?;
        let live = rolled.project.database.state()?;
        let refused = run(&rolled.project, &rolled.swap(&rolled.copy.url(), &["--confirm"]), 2)?;
        assert!(refused.stderr.contains("restore-differs"), "{refused}");
        assert_eq!(live.differences(&rolled.project.database.state()?), [""; 0]);
    }
    Ok(())
}

/// Killed between any two steps, live has its rows under its name again after the next attempt.
#[test]
fn a_swap_that_was_killed_is_taken_back_or_done() -> Result {
    for example in Example::ALL {
        for boundary in ["swap/begun", "swap/live-renamed", "swap/renamed"] {
            let rolled = rolled(example)?;
            let (live, copy) = (rolled.project.database.state()?, rolled.copy.state()?);
            let url = rolled.copy.url();
            let confirmed = rolled.swap(&url, &["--confirm"]);
            let killed = binary()
                .env("RAINGAUGE_CRASH_AT", boundary)
                .run(&rolled.project.root, &confirmed)?;
            assert!(killed.code != 0, "{boundary}: {killed}");
            let next = binary().run(&rolled.project.root, &rolled.swap(&url, &[]))?;
            let now = rolled.project.database.state()?;
            let is_live = live.differences(&now).is_empty();
            let is_copy = copy.differences(&now).is_empty();
            assert!(is_live != is_copy, "{boundary}: {next}");
            assert_eq!(is_copy, boundary == "swap/renamed", "{boundary}: {next}");
            if let Database::Sqlite(it) = &rolled.project.database {
                let links = std::fs::metadata(&it.path)?.nlink();
                assert_eq!(links, 1, "{boundary}: two names of one file have two journals");
            }
        }
    }
    Ok(())
}
