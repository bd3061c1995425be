//! PostgreSQL's own programs: missing, too old, or somewhere else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use raingauge_testkit::project::Age;
use raingauge_testkit::{Database, Example, Postgres, Project, Result};

use super::refuses;

fn bookstore() -> Result<(Project, Arc<Postgres>)> {
    let project = Project::new(Example::BookstorePostgres, Age::Lived)?;
    let Database::Postgres(it) = &project.database else { unreachable!("it is PostgreSQL") };
    let server = Arc::clone(&it.server);
    Ok((project, server))
}

/// The real program, which says that it is of another version.
fn disguise(folder: &Path, program: &Path, version: &str) -> Result {
    let name = program.file_name().expect("a program has a name");
    let path = folder.join(name);
    fs::write(
        &path,
        format!(
            "#!/bin/sh\nif [ \"$1\" = --version ]; then echo '{} (PostgreSQL) {version}'; exit; fi\n\
             exec '{}' \"$@\"\n",
            name.display(),
            program.display()
        ),
    )?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

#[test]
fn without_pg_dump_nothing_is_written_and_the_package_is_named() -> Result {
    let (project, server) = bookstore()?;
    let empty = tempfile::tempdir()?;
    let folder = empty.path().display().to_string();
    for command in [&["execute", "--confirm"][..], &["reconcile"], &["backup"]] {
        let command: Vec<_> = command.iter().copied().chain(["--pg-client", &folder]).collect();
        let refusal = refuses(&project, &command, 2, "pg-dump-missing")?;
        refusal.says(&format!("postgresql-client-{}", server.major));
    }
    let command = ["backup", "--pg-client", "/no/such/program exec -i db"];
    refuses(&project, &command, 2, "pg-dump-missing")?;
    Ok(())
}

#[test]
fn a_pg_dump_older_than_the_server_is_refused_and_the_package_is_named() -> Result {
    let (project, server) = bookstore()?;
    let folder = tempfile::tempdir()?;
    disguise(folder.path(), &server.bin.join("pg_dump"), "12.0")?;
    let path = folder.path().display().to_string();
    for command in [&["execute", "--confirm"][..], &["backup"]] {
        let command: Vec<_> = command.iter().copied().chain(["--pg-client", &path]).collect();
        let refusal = refuses(&project, &command, 2, "pg-dump-too-old")?;
        refusal.says(&format!("postgresql-client-{}", server.major));
    }
    Ok(())
}

#[test]
fn a_folder_and_the_beginning_of_a_command_are_both_a_pg_client() -> Result {
    let (project, server) = bookstore()?;
    let folder = tempfile::tempdir()?;
    for program in ["pg_dump", "pg_restore"] {
        symlink(server.bin.join(program), folder.path().join(program))?;
    }
    for client in [folder.path().display().to_string(), "env FOO=1".to_owned()] {
        crate::run::run(&project, &["backup", "--pg-client", &client], 0)?;
        refuses(&project, &["reconcile", "--pg-client", &client], 1, "consent-needed")?;
    }
    Ok(())
}
