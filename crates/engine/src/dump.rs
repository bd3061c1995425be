//! The engine's own dump of a database's structure: the second witness of every proof.

use std::process::Stdio;

use crate::client::{self, ProgramSource};
use crate::connect::dsn::PgTarget;
use crate::connect::{Dsn, Session, SqlError};
use crate::ledger::LedgerName;
use crate::{Error, Result};

/// The structure as the engine itself prints it, without ledgers, owners and anything that belongs to
/// the moment, so that two dumps can be compared as texts.
///
/// # Errors
/// If `pg_dump` is missing, too old or fails, or the catalog cannot be read.
pub fn schema_dump(
    session: &mut Session,
    dsn: &Dsn,
    ledgers: &[LedgerName],
    client: Option<&ProgramSource>,
) -> Result<String> {
    match (session, dsn) {
        (Session::Postgres(session), Dsn::Postgres(target)) => {
            let major = session.identity()?.major;
            // Only what exists may be excluded by name.
            let existing = crate::ledger::find_in_postgres(session, ledgers).map_err(unreadable)?;
            pg_dump(target, major, &existing, client)
        }
        (session, _) => sqlite_schema(session, ledgers).map_err(unreadable),
    }
}

fn pg_dump(
    target: &PgTarget,
    server_major: u32,
    ledgers: &[LedgerName],
    client: Option<&ProgramSource>,
) -> Result<String> {
    let program = client::find("pg_dump", server_major, client)?;
    let mut command = program.command(target);
    command.args(["--schema-only", "--no-owner", "--encoding=UTF8"]);
    for ledger in ledgers {
        command.arg(format!("--exclude-table={}", ledger.quoted()));
    }
    command.stdin(Stdio::null());
    let failed = || Error::new("pg-dump-failed", "`pg_dump` could not dump the structure");
    let output = command.output().map_err(|cause| failed().caused_by(cause))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(failed().caused_by(said).next(
            "nothing was changed; connect as a role that may read every table's definition",
        ));
    }
    let text = String::from_utf8(output.stdout).map_err(|cause| failed().caused_by(cause))?;
    Ok(normalised(&text, ledgers))
}

/// Without the lines that differ from dump to dump: versions, the random word of `\restrict`, and the
/// schema that holds only the ledger.
fn normalised(dump: &str, ledgers: &[LedgerName]) -> String {
    let is_ledger_schema = |line: &str| {
        ledgers.iter().any(|it| {
            line == format!("CREATE SCHEMA {};", it.schema)
                || line == format!("-- Name: {}; Type: SCHEMA; Schema: -; Owner: -", it.schema)
        })
    };
    let kept = dump.lines().filter(|line| {
        !line.starts_with("-- Dumped ")
            && !line.starts_with("\\restrict ")
            && !line.starts_with("\\unrestrict ")
            && !is_ledger_schema(line)
    });
    let mut text = String::new();
    let mut blank = 0;
    for line in kept {
        // What was left out leaves empty lines and empty comments behind.
        if line.trim().is_empty() || line == "--" {
            blank += 1;
            continue;
        }
        if 0 < blank {
            text.push('\n');
        }
        blank = 0;
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn sqlite_schema(session: &mut Session, ledgers: &[LedgerName]) -> Result<String, SqlError> {
    let rows = session.rows(
        "SELECT type, name, tbl_name, sql FROM main.sqlite_schema \
         WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name",
    )?;
    let is_kept = |row: &&Vec<Option<String>>| {
        let table = row.get(2).cloned().flatten().unwrap_or_default();
        !ledgers.iter().any(|it| it.table == table)
    };
    let text = |row: &Vec<Option<String>>| {
        let sql = row.get(3).cloned().flatten().unwrap_or_default();
        let head: Vec<_> = row.iter().take(2).flatten().map(String::as_str).collect();
        format!("-- {}\n{sql};\n", head.join(" "))
    };
    Ok(rows.iter().filter(is_kept).map(text).collect())
}

fn unreadable(cause: SqlError) -> Error {
    Error::new("catalog-unreadable", "cannot read the catalog").caused_by(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_with_and_without_a_ledger_is_the_same_text() {
        let ledger = LedgerName { schema: "drizzle".into(), table: "__drizzle_migrations".into() };
        let plain = "--\n-- PostgreSQL database dump\n--\n\n-- Dumped by pg_dump version 15\n\nSET a = 0;\n\nCREATE TABLE public.t (\n    a integer\n);\n";
        let with = "--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n\n-- Dumped by pg_dump version 15.1\n\nSET a = 0;\n\n--\n-- Name: drizzle; Type: SCHEMA; Schema: -; Owner: -\n--\n\nCREATE SCHEMA drizzle;\n\n\nCREATE TABLE public.t (\n    a integer\n);\n";
        assert_eq!(normalised(plain, std::slice::from_ref(&ledger)), normalised(with, &[ledger]));
    }
}
