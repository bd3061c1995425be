//! What stands in the way of a run: files that are no files, settings that no tool follows, a ledger that
//! takes no row, programs that are half there. Each is told by its code, and nothing is half done.

use std::fs;
use std::process::Command;

use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Database, Example, Project, Result, Run};

use crate::run::{binary, run};
use crate::steps::{adopted, says, with_pending};
use crate::tripwire::Paused;
use crate::upgrade::{ONE, history};

const CONFIG: &str = "drizzle.config.ts";
const DIALECT: &str = "dialect: \"sqlite\",";
const SQLITE: Example = Example::BookstoreSqlite;
const POSTGRES: Example = Example::BookstorePostgres;

/// A command that could not run: it ends with 2 and this code, and the files are as they were.
#[track_caller]
fn stops(project: &Project, arguments: &[&str], code: &str) -> Result<Run> {
    let before = project.files()?;
    let stopped = run(project, arguments, 2)?;
    says(&stopped, &[&format!("error[{code}]")]);
    let mut changes = file_differences(&before, &project.files()?);
    changes.retain(|it| !it.contains(".raingauge/"));
    assert_eq!(changes, [""; 0], "{stopped}");
    Ok(stopped)
}

/// A folder where a file has to be.
fn folder_at(project: &Project, path: &str) -> Result {
    let path = project.path(path);
    if path.is_file() {
        fs::remove_file(&path)?;
    }
    Ok(fs::create_dir_all(path)?)
}

#[test]
fn arguments_that_contradict_each_other_take_no_backup() -> Result {
    let project = Project::new(SQLITE, Age::Seeded)?;
    let both = ["backup", "create", "--verify", "none", "--keep-last", "1"];
    stops(&project, &both, "arguments-invalid")?;
    assert!(!project.path(".raingauge").exists());
    Ok(())
}

#[test]
fn a_folder_that_is_gone_is_told() -> Result {
    let folder = tempfile::tempdir()?;
    let gone = folder.path().join("gone");
    fs::create_dir(&gone)?;
    let mut command = Command::new("sh");
    command.args(["-c", "rmdir \"$PWD\" && exec \"$0\" status", env!("CARGO_BIN_EXE_raingauge")]);
    let stopped = Run::of(command.current_dir(&gone))?;
    assert_eq!(stopped.code, 2, "{stopped}");
    says(&stopped, &["folder-unreadable"]);
    Ok(())
}

#[test]
fn files_that_cannot_be_read_are_named() -> Result {
    let project = history(SQLITE, &[ONE])?;
    fs::write(project.path("drizzle/meta/0000_snapshot.json"), [b'{', 0xff, b'}'])?;
    says(&stops(&project, &["validate", "--offline"], "not-utf8")?, &["0000_snapshot.json"]);
    let project = history(SQLITE, &[ONE])?;
    folder_at(&project, "drizzle/0000_one.sql")?;
    says(&stops(&project, &["validate", "--offline"], "file-unreadable")?, &["0000_one.sql"]);
    Ok(())
}

#[test]
fn init_writes_nothing_beside_files_that_it_cannot_read() -> Result {
    let project = Project::new(SQLITE, Age::Empty)?;
    let (init, package) = (["init", "--confirm"], project.read("package.json")?);
    project.write("package.json", "[]")?;
    stops(&project, &init, "package-json-invalid")?;
    project.write("package.json", &package)?;
    folder_at(&project, ".gitattributes")?;
    stops(&project, &init, "file-unreadable")?;
    Ok(())
}

#[test]
fn generate_stops_before_names_that_the_kit_does_not_find_again_and_times_that_are_none() -> Result
{
    let project = history(SQLITE, &[ONE])?;
    let generate = ["generate", "--custom", "--name", "next"];
    project.edit(CONFIG, DIALECT, &format!("{DIALECT} migrations: {{ prefix: \"none\" }},"))?;
    stops(&project, &generate, "prefix-unsupported")?;
    project.edit(CONFIG, "prefix: \"none\"", "prefix: \"timestamp\"")?;
    let far = i64::MAX - 5000;
    project.edit("drizzle/meta/_journal.json", &ONE.1.to_string(), &far.to_string())?;
    stops(&project, &generate, "clock-invalid")?;
    Ok(())
}

#[test]
fn without_a_schema_file_nothing_says_what_comes_next() -> Result {
    let project = adopted(SQLITE)?;
    stops(&project, &["generate"], "schema-missing")?;
    run(&project, &["generate", "--custom", "--name", "own"], 0)?;
    Ok(())
}

#[test]
fn a_script_that_is_not_what_its_name_says_is_no_init_sql() -> Result {
    let project = Project::new(SQLITE, Age::Seeded)?;
    project.write("dump.sql.gz", "CREATE TABLE a (b)")?;
    let analyze = ["analyze", "--init-sql", "dump.sql.gz"];
    says(&stops(&project, &analyze, "init-sql-unreadable")?, &["dump.sql.gz"]);
    Ok(())
}

#[test]
fn a_snapshot_that_drizzle_does_not_read_is_no_side() -> Result {
    let project = history(SQLITE, &[ONE])?;
    let path = "drizzle/meta/0000_snapshot.json";
    project.edit(path, "\"tables\": {", "\"tables\": 1, \"t\": {")?;
    says(&stops(&project, &["diff", path, "drizzle"], "snapshot-unreadable")?, &[path]);
    Ok(())
}

#[test]
fn a_run_that_cannot_write_its_record_does_not_begin() -> Result {
    let rows = ("0001_rows", ONE.1 + 60_000, "UPDATE one SET a = 1;");
    let project = history(SQLITE, &[ONE, rows])?;
    let fix = ["validate", "--fix", "--confirm"];
    fs::remove_file(project.path("drizzle/meta/0001_snapshot.json"))?;
    project.write(".raingauge", "a file")?;
    stops(&project, &fix, "run-unwritable")?;
    stops(&project, &["generate", "--custom", "--name", "own"], "file-unwritable")?;
    fs::remove_file(project.path(".raingauge"))?;
    folder_at(&project, ".raingauge/files.lock")?;
    stops(&project, &fix, "lock-failed")?;
    fs::remove_dir(project.path(".raingauge/files.lock"))?;
    run(&project, &fix, 0)?;
    Ok(())
}

#[test]
fn a_backup_without_a_place_is_none() -> Result {
    let project = Project::new(SQLITE, Age::Seeded)?;
    project.write(".raingauge/backups", "a file")?;
    stops(&project, &["backup", "create"], "backup-unwritable")?;
    Ok(())
}

#[test]
fn a_backup_that_nobody_restored_says_so_and_one_that_restores_to_something_else_too() -> Result {
    let project = Project::new(SQLITE, Age::Seeded)?;
    let taken = run(&project, &["backup", "create", "--verify", "none"], 0)?;
    says(&taken, &["warning[backup-unverified]"]);
    let folder =
        fs::read_dir(project.path(".raingauge/backups"))?.next().expect("there is one")?.path();
    let name = folder.file_name().expect("it has a name").to_string_lossy().into_owned();
    // Somebody who also corrects the checksums: only a restore notices.
    let manifest = folder.join("manifest.json");
    let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&manifest)?)?;
    tamper(&mut value);
    fs::write(&manifest, serde_json::to_vec_pretty(&value)?)?;
    let mut sums = Command::new("sh");
    let resum = "sed -i '/  manifest.json$/d' SHA256SUMS && sha256sum manifest.json >> SHA256SUMS && sort -k2 -o SHA256SUMS SHA256SUMS";
    Run::of(sums.args(["-c", resum]).current_dir(&folder))?.success()?;
    let verified = run(&project, &["backup", "verify", &name], 1)?;
    says(&verified, &["error[backup-differs]", "books"]);
    Ok(())
}

/// Another digest for the rows of one table.
fn tamper(manifest: &mut serde_json::Value) {
    let tables = manifest["contents"]["tables"].as_array_mut().into_iter().flatten();
    for table in tables.filter(|it| it["table"] == "books") {
        table["digest"] = serde_json::Value::String("7".repeat(32));
    }
}

#[test]
fn a_ledger_that_takes_no_row_takes_no_migration_either() -> Result {
    let project = with_pending(SQLITE, "CREATE TABLE notes (id integer);")?;
    project.database.sql(
        "CREATE TRIGGER full BEFORE INSERT ON __drizzle_migrations
         BEGIN SELECT RAISE(ABORT, 'no more rows'); END",
    )?;
    let state = project.database.state()?;
    says(&stops(&project, &["migrate"], "ledger-unwritable")?, &["no more rows", "rolled back"]);
    assert_eq!(state.differences(&project.database.state()?), [""; 0]);
    Ok(())
}

#[test]
fn a_ledger_without_its_columns_is_unreadable_and_not_empty() -> Result {
    let project = with_pending(SQLITE, "CREATE TABLE notes (id integer);")?;
    project
        .database
        .sql("DROP TABLE __drizzle_migrations; CREATE TABLE __drizzle_migrations (a)")?;
    let state = project.database.state()?;
    for command in [["status"].as_slice(), &["migrate"], &["execute", "--confirm"]] {
        stops(&project, command, "ledger-unreadable")?;
    }
    assert_eq!(state.differences(&project.database.state()?), [""; 0]);
    Ok(())
}

#[test]
fn what_somebody_else_makes_while_a_migration_runs_is_told_at_the_end() -> Result {
    let project = with_pending(SQLITE, "CREATE TABLE notes (id integer);")?;
    let paused = Paused::with(&project, &["migrate"], "migrate/0001_more/committed")?;
    project.database.sql("CREATE TABLE meanwhile (id integer)")?;
    let (code, said) = paused.said()?;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("outcome-differs") && said.contains("0001_more"), "{said}");
    Ok(())
}

#[test]
fn a_copy_in_another_folder_takes_nobodys_place() -> Result {
    let project = Project::new(SQLITE, Age::Seeded)?;
    run(&project, &["backup", "create"], 0)?;
    let entry = fs::read_dir(project.path(".raingauge/backups"))?.next().expect("there is one")?;
    let name = entry.file_name().to_string_lossy().into_owned();
    let copy = project.path("elsewhere.db").display().to_string();
    run(&project, &["restore", &name, "--to", &copy], 0)?;
    let state = project.database.state()?;
    let refused = run(&project, &["restore", &name, "--to", &copy, "--swap", "--confirm"], 1)?;
    says(&refused, &["error[swap-elsewhere]"]);
    assert_eq!(state.differences(&project.database.state()?), [""; 0]);
    Ok(())
}

#[test]
fn t32_half_of_the_client_programs_are_none() -> Result {
    let project = Project::new(POSTGRES, Age::Seeded)?;
    let Database::Postgres(database) = &project.database else { unreachable!("it is PostgreSQL") };
    let half = tempfile::tempdir()?;
    let dump = half.path().join("pg_dump");
    std::os::unix::fs::symlink(database.server.bin.join("pg_dump"), &dump)?;
    let client = half.path().display().to_string();
    stops(&project, &["backup", "create", "--pg-client", &client], "pg-restore-missing")?;
    Ok(())
}

/// Found, asked for its version, and gone when it is needed.
#[test]
fn t32_a_client_program_that_does_not_start_is_told() -> Result {
    let project = Project::new(POSTGRES, Age::Seeded)?;
    let Database::Postgres(database) = &project.database else { unreachable!("it is PostgreSQL") };
    let (folder, bin) = (tempfile::tempdir()?, database.server.bin.display());
    let dump = folder.path().join("pg_dump");
    fs::write(&dump, format!("#!/bin/sh\n{bin}/pg_dump --version\nrm \"$0\"\n"))?;
    fs::set_permissions(&dump, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    std::os::unix::fs::symlink(format!("{bin}/pg_restore"), folder.path().join("pg_restore"))?;
    let client = folder.path().display().to_string();
    stops(&project, &["backup", "create", "--pg-client", &client], "client-failed")?;
    Ok(())
}

#[test]
fn a_server_without_room_for_another_connection_is_busy_and_one_that_says_something_else_is_quoted()
-> Result {
    let project = Project::new(POSTGRES, Age::Empty)?;
    let Database::Postgres(database) = &project.database else { unreachable!("it is PostgreSQL") };
    let role = format!("crowd_{}", database.name);
    project
        .database
        .sql(&format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 0"))?;
    let url = project.database.url_as(&role, PASSWORD);
    stops(&project, &["status", "--url", &url], "postgres-busy")?;
    project.database.sql(&format!("DROP ROLE {role}"))?;
    let url = format!("{}?options=-c%20no_such_setting%3D1", project.database.url());
    says(&stops(&project, &["status", "--url", &url], "connect-failed")?, &["no_such_setting"]);
    Ok(())
}

#[test]
fn what_an_address_says_in_vain_and_a_history_that_is_not_there_are_told() -> Result {
    let project = Project::new(POSTGRES, Age::Seeded)?;
    let url = format!("{}?colour=blue", project.database.url());
    says(&run(&project, &["status", "--url", &url], 0)?, &["warning[not-adopted]"]);
    let told = binary().run(&project.root, &["analyze", "--url", &url])?;
    says(&told, &["warning[url-parameter-ignored]", "colour"]);
    Ok(())
}
