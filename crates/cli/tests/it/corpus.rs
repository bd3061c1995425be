//! Projects of other people, read through `RAINGAUGE_CORPUS`: without it these tests say so and end.

pub(crate) mod replayed;

use std::path::{Path, PathBuf};

use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Example, Project, Result, Run, judge};
use tempfile::TempDir;

use crate::run::{run, verdict};

/// A folder of the corpus, or nothing, with the reason printed.
pub(crate) fn corpus(name: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("RAINGAUGE_CORPUS") else {
        println!("skipped: RAINGAUGE_CORPUS does not name a folder with the corpus");
        return None;
    };
    let folder = Path::new(&root).join(name);
    assert!(folder.is_dir(), "the corpus has no {name}");
    Some(folder)
}

/// A project of one engine with a config without `schema`, and nothing else.
pub(crate) fn bare_project(example: Example) -> Result<(Project, TempDir)> {
    let folder = tempfile::tempdir()?;
    let dialect = if example == Example::BookstoreSqlite { "sqlite" } else { "postgresql" };
    let config = format!(
        "export default {{\n  dialect: \"{dialect}\",\n  out: \"./drizzle\",\n  \
         dbCredentials: {{ url: process.env.DATABASE_URL! }},\n}};\n"
    );
    std::fs::write(folder.path().join("drizzle.config.ts"), config)?;
    std::fs::write(folder.path().join("package.json"), "{ \"type\": \"module\" }\n")?;
    Ok((Project::copy_of(folder.path(), example, Age::Empty)?, folder))
}

/// Live as `init.sql` makes it, and the Drizzle folder that was generated later, from nothing.
fn racona(corpus: &Path) -> Result<(Project, TempDir)> {
    let (project, folder) = bare_project(Example::BookstorePostgres)?;
    let init = std::fs::read_to_string(corpus.join("init.sql"))?;
    let is_foreign = |it: &&str| it.contains("postgres-json-schema");
    let lines: Vec<_> = init.lines().filter(|it| !is_foreign(it)).collect();
    project.write("init.sql", &(lines.join("\n") + "\n"))?;
    project.load("init.sql")?;
    for entry in std::fs::read_dir(corpus.join("drizzle"))?.flatten() {
        if entry.path().is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            project.write(&format!("drizzle/{name}"), &std::fs::read_to_string(entry.path())?)?;
        }
    }
    for entry in std::fs::read_dir(corpus.join("drizzle/meta"))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        project.write(&format!("drizzle/meta/{name}"), &std::fs::read_to_string(entry.path())?)?;
    }
    Ok((project, folder))
}

#[test]
fn racona_is_told_object_by_object_and_not_baselined_over() -> Result {
    let Some(corpus) = corpus("racona-initsql") else { return Ok(()) };
    let (project, _folder) = racona(&corpus)?;
    let before = (project.files()?, project.database.state()?);
    let analyzed = run(&project, &["analyze"], 1)?;
    assert!(analyzed.stdout.contains("[history-needs-schema]"), "{analyzed}");
    assert!(!analyzed.stdout.contains("[history-broken]"), "{analyzed}");
    let json = run(&project, &["analyze", "--format", "json"], 1)?.json()?;
    let effects = json["sections"]["effects"].as_array().expect("it has effects");
    assert_eq!(effects.len(), 8);
    assert_eq!(effects[0]["migration"], "0000_magical_sue_storm");
    assert_eq!(effects[0]["extent"], "partial");
    let told: String = effects.iter().filter_map(|it| it["objects"].as_str()).collect();
    let missing = [
        "admin_config",
        "ai_agent_configs",
        "ai_avatars",
        "ai_provider_configs",
        "ai_providers",
        "user_avatar_configs",
    ];
    for table in missing {
        assert!(told.contains(&format!("missing table platform.{table}")), "{table}: {told}");
    }
    assert!(told.contains("present table auth.accounts\n"), "{told}");
    assert!(told.contains("dropped table platform.usage_metrics"), "created, and dropped later");
    for arguments in [&["reconcile", "--confirm"][..], &["execute", "--confirm"]] {
        let refused = run(&project, arguments, 1)?;
        assert_eq!(verdict(&refused), format!("{}: refused", arguments[0]));
        assert!(refused.stdout.contains("error[position-unknown] live"), "{refused}");
    }
    assert_eq!(file_differences(&before.0, &project.files()?), [""; 0]);
    assert_eq!(before.1.differences(&project.database.state()?), [""; 0]);
    Ok(())
}

/// Adopts a database that nobody declared, and lets the real kit judge its history.
fn adopt(project: &Project, arguments: &[&str]) -> Result<Run> {
    let before = project.database.state()?;
    let adopted = run(project, &[&["execute", "--confirm"], arguments].concat(), 0)?;
    for (table, rows) in &before.rows {
        assert_eq!(project.database.state()?.rows.get(table), Some(rows), "{table}");
    }
    let verdict = judge::history_verdict(project, None)?;
    assert!(verdict.is_good(), "{verdict}");
    Ok(adopted)
}

#[test]
fn chinook_on_sqlite_is_adopted_without_a_schema_ts() -> Result {
    let Some(corpus) = corpus("chinook") else { return Ok(()) };
    let (project, _folder) = bare_project(Example::BookstoreSqlite)?;
    let script = std::fs::read_to_string(corpus.join("Chinook_Sqlite_AutoIncrementPKs.sql"))?;
    project.database.sql(&script)?;
    adopt(&project, &[])?;
    assert!(!project.path("drizzle/0001_seed.sql").exists());
    Ok(())
}

/// A script without the lines that make a database of their own and go there.
fn without_database(script: &str) -> String {
    let own = ["DROP DATABASE", "CREATE DATABASE", "\\c "];
    let stays = |it: &&str| !own.iter().any(|word| it.starts_with(word));
    script.lines().filter(stays).collect::<Vec<_>>().join("\n") + "\n"
}

fn chinook_postgres(corpus: &Path, file: &str) -> Result<(Project, TempDir, String)> {
    let (project, folder) = bare_project(Example::BookstorePostgres)?;
    let script = std::fs::read_to_string(corpus.join(file))?;
    project.database.sql(&without_database(&script))?;
    Ok((project, folder, script))
}

#[test]
fn chinook_on_postgres_is_adopted_without_a_schema_ts() -> Result {
    let Some(corpus) = corpus("chinook") else { return Ok(()) };
    for file in ["Chinook_PostgreSql_SerialPKs.sql", "Chinook_PostgreSql_AutoIncrementPKs.sql"] {
        let (project, _folder, _) = chinook_postgres(&corpus, file)?;
        adopt(&project, &[])?;
    }
    Ok(())
}

#[test]
fn chinooks_own_script_is_its_init_sql_and_stays_in_scratch() -> Result {
    let Some(corpus) = corpus("chinook") else { return Ok(()) };
    let file = "Chinook_PostgreSql_SerialPKs.sql";
    let (project, _folder, script) = chinook_postgres(&corpus, file)?;
    project.write("chinook.sql", &script)?;
    let databases = "SELECT count(*) FROM pg_database WHERE datname LIKE 'chinook%'";
    let before = project.database.value(databases)?;
    adopt(&project, &["--init-sql", "chinook.sql"])?;
    assert_eq!(project.database.value(databases)?, before);
    assert!(project.path("drizzle/0001_seed.sql").exists());
    let fresh = judge::fresh_build(&project, judge::Migrator::Kit)?;
    for table in project.database.tables()? {
        assert_eq!(fresh.database.rows(&table)?, project.database.rows(&table)?, "{table}");
    }
    Ok(())
}
