//! Where a MySQL or MariaDB database stands in its history, and whether everything fits: `status`, `validate`.

use raingauge_testkit::mysql::{MySqlDatabase, servers};
use raingauge_testkit::{Project, Result, Run};

use crate::mysql::{declare, project};
use crate::mysql_live::{SHOP, grown};
use crate::run::{binary, verdict};

/// One migration: its name, what runs it, and the time that the ledger holds.
pub(crate) struct Applied {
    pub(crate) name: String,
    pub(crate) sql: String,
    pub(crate) when: String,
}

/// A project with two migrations, of which the database has had the first.
pub(crate) fn begun(database: &MySqlDatabase, generation: u8) -> Result<Project> {
    let project = project(generation, SHOP)?;
    generate(&project, "first")?;
    migrate(&project, database)?;
    // Two folders of one second would have one stamp.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    declare(&project, &grown())?;
    generate(&project, "second")?;
    Ok(project)
}

pub(crate) fn generate(project: &Project, name: &str) -> Result {
    binary().run(&project.root, &["generate", "--name", name])?.success().map(drop)
}

fn at(project: &Project, url: &str, command: &str) -> Result<Run> {
    let before = project.files()?;
    let run = binary().run(&project.root, &[command, "--url", url])?;
    assert_eq!(project.files()?, before, "something was written");
    Ok(run)
}

pub(crate) fn history(project: &Project) -> Result<Vec<Applied>> {
    let Ok(journal) = project.read("drizzle/meta/_journal.json") else {
        let files = project.files()?.into_iter().map(|it| it.0);
        let mut files: Vec<_> = files.filter(|it| it.ends_with("/migration.sql")).collect();
        files.sort();
        let one = |file: &String| {
            let name = file.split('/').nth(1).unwrap_or_default().to_owned();
            let stamp: String = name.chars().take(14).collect();
            let when = format!("timestampdiff(second, '1970-01-01', '{stamp}') * 1000");
            Ok(Applied { sql: project.read(file)?, name, when })
        };
        return files.iter().map(one).collect();
    };
    let journal: serde_json::Value = serde_json::from_str(&journal)?;
    let one = |entry: &serde_json::Value| {
        let name = entry["tag"].as_str().unwrap_or_default().to_owned();
        let sql = project.read(&format!("drizzle/{name}.sql"))?;
        Ok(Applied { name, sql, when: entry["when"].to_string() })
    };
    journal["entries"].as_array().into_iter().flatten().map(one).collect()
}

/// Runs what the ledger does not have, as both generations of the migrator do.
fn migrate(project: &Project, database: &MySqlDatabase) -> Result {
    let history = history(project)?;
    let is_flat = project.read("drizzle/meta/_journal.json").is_ok();
    let more =
        if is_flat { "" } else { ", name text, applied_at timestamp default current_timestamp" };
    database.sql(&format!(
        "create table if not exists __drizzle_migrations \
         (id serial primary key, hash text not null, created_at bigint{more})"
    ))?;
    let n = database.sql("select count(*) from __drizzle_migrations")?.trim().parse()?;
    for it in history.iter().skip(n) {
        run_all(database, it.sql.split("--> statement-breakpoint"))?;
        let hex: String = it.sql.bytes().map(|it| format!("{it:02x}")).collect();
        let (columns, name) = match is_flat {
            true => ("", String::new()),
            false => (", name", format!(", '{}'", it.name)),
        };
        database.sql(&format!(
            "insert into __drizzle_migrations (hash, created_at{columns}) \
             values (sha2(X'{hex}', 256), {}{name})",
            it.when
        ))?;
    }
    Ok(())
}

/// Runs pieces in a session like those of mysql2.
pub(crate) fn run_all<'a>(
    database: &MySqlDatabase,
    pieces: impl Iterator<Item = &'a str>,
) -> Result {
    let own = "SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci";
    pieces.into_iter().try_for_each(|it| database.sql(&format!("{own};\n{it}")).map(drop))
}

#[test]
fn status_says_where_live_stands_and_validate_that_everything_fits() -> Result {
    for server in servers() {
        for generation in [0, 1] {
            let database = server.database("position")?;
            let project = begun(&database, generation)?;
            let url = server.url(&database.name);
            let told = at(&project, &url, "status")?;
            assert_eq!(told.code, 0, "{:?} {told}", server.vendor);
            assert!(told.stdout.contains("_second"), "{told}");
            assert!(told.stdout.contains("next: raingauge migrate"), "{told}");
            let open = at(&project, &url, "validate")?;
            assert!(open.code == 1 && open.stdout.contains("error[pending]"), "{open}");
            migrate(&project, &database)?;
            for command in ["status", "validate"] {
                let clean = at(&project, &url, command)?;
                assert_eq!(verdict(&clean), format!("{command}: clean"), "{clean}");
            }
            database.sql("alter table books add column extra int")?;
            let drifted = at(&project, &url, "validate")?;
            assert_eq!(drifted.code, 1, "{drifted}");
            assert!(drifted.stdout.contains("error[drift]"), "{drifted}");
            assert!(drifted.stdout.contains("books.extra"), "{drifted}");
        }
    }
    Ok(())
}

#[test]
fn t43_a_migration_that_failed_between_two_statements_is_told_with_its_place() -> Result {
    for server in servers() {
        let database = server.database("between")?;
        let project = begun(&database, 0)?;
        let second = history(&project)?.pop().expect("there are two").sql;
        let pieces: Vec<_> = second.split("--> statement-breakpoint").collect();
        assert!(3 < pieces.len(), "{second}");
        // What the server commits by itself stays when the next statement fails.
        for n in 1..=2 {
            run_all(&database, pieces[n - 1..n].iter().copied())?;
            let told = at(&project, &server.url(&database.name), "status")?;
            assert_eq!(told.code, 0, "{:?} {told}", server.vendor);
            assert!(told.stdout.contains("warning[migration-unfinished]"), "{told}");
            assert!(told.stdout.contains(&format!("up to step {n} of")), "{told}");
            let blank = pieces[n].chars().take_while(|it| it.is_whitespace());
            let n_before = pieces[..n].concat().matches('\n').count();
            let line = 1 + n_before + blank.filter(|it| *it == '\n').count();
            assert!(
                told.stdout.contains(&format!("from there (line {line})")),
                "{line} {second} {told}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_ledger_that_says_less_than_live_is_and_an_empty_database_are_told() -> Result {
    for server in servers() {
        let database = server.database("ledger")?;
        let project = begun(&database, 0)?;
        let url = server.url(&database.name);
        migrate(&project, &database)?;
        database.sql("delete from __drizzle_migrations where id = 2")?;
        let behind = at(&project, &url, "status")?;
        assert!(behind.code == 1 && behind.stdout.contains("error[ledger-behind]"), "{behind}");
        let empty = server.database("empty")?;
        let fresh = at(&project, &server.url(&empty.name), "status")?;
        assert_eq!(fresh.code, 0, "{fresh}");
        assert!(fresh.stdout.contains("_first") && fresh.stdout.contains("_second"), "{fresh}");
    }
    Ok(())
}
