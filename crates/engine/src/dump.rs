//! The engine's own dump of a database's structure: the second witness of every proof.

mod mysql;

use std::process::Stdio;

use raingauge_schema::postgres::grammar::quote_literal;
use raingauge_schema::postgres::split::split;
use raingauge_schema::script::{PieceKind, SplitError};

use crate::client::{self, ProgramSource};
use crate::connect::dsn::PgTarget;
use crate::connect::{Dsn, PgSession, Session, SqlError};
use crate::ledger::LedgerName;
use crate::{Error, Result};

/// The structure as the engine itself prints it, without ledgers and anything that belongs to the
/// moment, so that two dumps can be compared as texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dump {
    /// The engine's own statements in the engine's order, letter for letter.
    pub statements: Vec<Dumped>,
}

/// One statement of a dump, without the comments before it and without its semicolon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dumped {
    pub sql: String,
    /// What the engine says above it.
    pub entry: Entry,
}

/// What `pg_dump` writes above the statements of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    /// `TABLE`, `ACL`, `COMMENT` …; empty for settings.
    pub kind: String,
    /// `-` for what is in no schema.
    pub schema: String,
    /// Whose it is; for privileges, whose the object is that they are on.
    pub owner: Option<String>,
}

impl Dump {
    /// Cuts what `pg_dump -s` prints, and leaves out those of `schemas` in which nothing is: they held
    /// a ledger that was left out.
    ///
    /// # Errors
    /// If it cannot be cut into statements.
    pub fn parse(dump: &str, schemas: &[&str]) -> Result<Self, SplitError> {
        let pieces = split(dump)?;
        let mut entry = Entry::default();
        let mut statements = Vec::new();
        for piece in pieces.iter().filter(|it| it.kind != PieceKind::Command) {
            if let Some(next) = Entry::above(&piece.sql) {
                entry = next;
            }
            let sql = without_comments(&piece.sql).trim_end().to_owned();
            // A setting stands behind one object but is for the next.
            let is_setting = sql.starts_with("SET ") && !sql.starts_with("SET SESSION AUTH");
            let entry = if is_setting { Entry::default() } else { entry.clone() };
            statements.push(Dumped { sql, entry });
        }
        let is_empty = |schema: &str| statements.iter().all(|it| it.entry.schema != schema);
        let gone: Vec<_> =
            schemas.iter().copied().filter(|it| *it != "public" && is_empty(it)).collect();
        statements
            .retain(|it| !it.sql.is_empty() && !gone.iter().any(|gone| it.entry.is_schema(gone)));
        Ok(Self { statements })
    }

    /// All of it as one script.
    pub fn text(&self) -> String {
        self.statements.iter().map(|it| format!("{};\n\n", it.sql)).collect()
    }
}

impl Entry {
    /// Reads `-- Name: books; Type: TABLE; Schema: public; Owner: app` among the comments before a
    /// statement.
    fn above(statement: &str) -> Option<Self> {
        let comments = statement.lines().take_while(|it| it.starts_with("--") || it.is_empty());
        let line = comments.filter_map(|it| it.strip_prefix("-- Name: ")).last()?;
        let (name, rest) = line.rsplit_once("; Type: ")?;
        let (kind, rest) = rest.split_once("; Schema: ")?;
        let (schema, owner) = rest.split_once("; Owner:")?;
        let owner = owner.trim_start();
        let owner = owner.split_once("; Tablespace: ").map_or(owner, |it| it.0);
        Some(Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            schema: schema.to_owned(),
            owner: Some(owner).filter(|it| !it.is_empty() && *it != "-").map(str::to_owned),
        })
    }

    /// Whether it makes this schema, or is a comment or grant on it.
    fn is_schema(&self, schema: &str) -> bool {
        self.name == schema && self.kind == "SCHEMA"
            || self.name == format!("SCHEMA {schema}") && self.schema == "-"
    }
}

/// The structure as the engine itself prints it.
///
/// # Errors
/// If the dump program is missing, too old or fails, or the catalog cannot be read.
pub fn schema_dump(
    session: &mut Session,
    dsn: &Dsn,
    ledgers: &[LedgerName],
    client: Option<&ProgramSource>,
) -> Result<Dump> {
    match (session, dsn) {
        (Session::Postgres(session), Dsn::Postgres(target)) => {
            session.refuse_shared()?;
            let major = session.identity()?.major;
            // Only what exists may be excluded by name.
            let existing = crate::ledger::find_in_postgres(session, ledgers).map_err(unreadable)?;
            let mut excluded: Vec<_> = existing.iter().map(LedgerName::quoted).collect();
            for ledger in &existing {
                excluded.extend(sequences_of(session, ledger).map_err(unreadable)?);
            }
            let dump = pg_dump(target, major, &excluded, client)?;
            let schemas: Vec<_> = ledgers.iter().map(|it| it.schema.as_str()).collect();
            Dump::parse(&dump, &schemas).map_err(|it| failed().caused_by(it))
        }
        (Session::MySql(session), Dsn::MySql(target)) => {
            mysql::structure(session, target, ledgers, client)
        }
        (session, _) => sqlite_schema(session, ledgers).map_err(unreadable),
    }
}

/// The version of what writes these dumps: of the dump program, or of SQLite.
///
/// # Errors
/// If the dump program is missing or too old.
pub fn witness(session: &mut Session, client: Option<&ProgramSource>) -> Result<String> {
    let identity = session.identity()?;
    match session {
        Session::Postgres(_) => Ok(client::find("pg_dump", identity.major, client)?.version()),
        Session::MySql(session) => {
            Ok(client::mysql::find(client::mysql::Role::Dump, session.server(), client)?.shown())
        }
        Session::Sqlite(_) => Ok(identity.engine),
    }
}

/// The sequences of a ledger's columns, as SQL names. `pg_dump` would keep them without their table.
fn sequences_of(session: &mut PgSession, ledger: &LedgerName) -> Result<Vec<String>, SqlError> {
    let sql = format!(
        "select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(s.relname) \
         from pg_catalog.pg_depend d \
         join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S' \
         join pg_catalog.pg_namespace n on n.oid = s.relnamespace \
         where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
         and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype in ('a', 'i') \
         and d.refobjid = {}::pg_catalog.regclass order by 1",
        quote_literal(&ledger.quoted())
    );
    Ok(session.rows(&sql)?.into_iter().flatten().flatten().collect())
}

fn pg_dump(
    target: &PgTarget,
    server_major: u32,
    excluded: &[String],
    client: Option<&ProgramSource>,
) -> Result<String> {
    let program = client::find("pg_dump", server_major, client)?;
    let mut command = program.command(target);
    command.args(["--schema-only", "--encoding=UTF8", "--lock-wait-timeout=30s"]);
    command.args(excluded.iter().map(|it| format!("--exclude-table={it}")));
    command.stdin(Stdio::null());
    let output = command.output().map_err(|cause| failed().caused_by(cause))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(failed().caused_by(said).next(
            "nothing was changed; connect as a role that may read every table, since `pg_dump` locks each while it reads",
        ));
    }
    String::from_utf8(output.stdout).map_err(|cause| failed().caused_by(cause))
}

fn failed() -> Error {
    Error::new("pg-dump-failed", "`pg_dump` could not dump the structure")
}

/// A statement without the comments before it; those inside it are its own.
fn without_comments(mut sql: &str) -> &str {
    loop {
        sql = sql.trim_start();
        match sql.strip_prefix("--") {
            Some(comment) => sql = comment.split_once('\n').map_or("", |it| it.1),
            None => return sql,
        }
    }
}

fn sqlite_schema(session: &mut Session, ledgers: &[LedgerName]) -> Result<Dump, SqlError> {
    let rows = session.rows(
        "SELECT type, name, tbl_name, sql FROM main.sqlite_schema \
         WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name",
    )?;
    let is_kept = |row: &&Vec<Option<String>>| {
        let table = row.get(2).cloned().flatten().unwrap_or_default();
        !ledgers.iter().any(|it| it.table == table)
    };
    let dumped = |row: &Vec<Option<String>>| {
        let sql = row.get(3).cloned().flatten().unwrap_or_default();
        let head: Vec<_> = row.iter().take(2).flatten().map(String::as_str).collect();
        Dumped { sql: format!("-- {}\n{sql}", head.join(" ")), entry: Entry::default() }
    };
    Ok(Dump { statements: rows.iter().filter(is_kept).map(dumped).collect() })
}

fn unreadable(cause: SqlError) -> Error {
    Error::new("catalog-unreadable", "cannot read the catalog").caused_by(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "--\n-- PostgreSQL database dump\n--\n\n-- Dumped by pg_dump version 15\n\n\
        SET a = 0;\n\n--\n-- Name: t; Type: TABLE; Schema: public; Owner: -\n--\n\nCREATE TABLE public.t (\n    a integer\n);\n\n\n\
        --\n-- PostgreSQL database dump complete\n--\n";

    const LEDGER: &str = "--\n-- Name: drizzle; Type: SCHEMA; Schema: -; Owner: -\n--\n\nCREATE SCHEMA drizzle;\n\n\n\
        --\n-- Name: SCHEMA drizzle; Type: ACL; Schema: -; Owner: -\n--\n\nGRANT USAGE ON SCHEMA drizzle TO app;\n\n\n";

    #[track_caller]
    fn check(dump: &str, expected: &str) {
        assert_eq!(Dump::parse(dump, &["drizzle"]).unwrap().text(), expected);
    }

    #[test]
    fn a_dump_with_and_without_a_ledger_is_the_same_text() {
        let expected = "SET a = 0;\n\nCREATE TABLE public.t (\n    a integer\n);\n\n";
        check(PLAIN, expected);
        check(
            &format!("\\restrict x\n{LEDGER}{PLAIN}\\unrestrict x\n").replace("SET a = 0;", ""),
            "CREATE TABLE public.t (\n    a integer\n);\n\n",
        );
        check(&PLAIN.replace("version 15", "version 15.1"), expected);
    }

    #[test]
    fn a_schema_that_holds_more_than_the_ledger_stays() {
        let more = "-- Name: mine; Type: TABLE; Schema: drizzle; Owner: -\n\nCREATE TABLE drizzle.mine ();\n";
        check(
            &format!("{LEDGER}{more}"),
            "CREATE SCHEMA drizzle;\n\nGRANT USAGE ON SCHEMA drizzle TO app;\n\nCREATE TABLE drizzle.mine ();\n\n",
        );
    }

    #[test]
    fn the_body_of_a_function_stays_letter_for_letter() {
        let function = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n--\n-- Dumped by hand\n\n\nselect 1;\n$$;\n\n";
        check(
            &format!(
                "--\n-- Name: f(); Type: FUNCTION; Schema: public; Owner: -\n--\n\n{function}"
            ),
            function,
        );
    }

    #[test]
    fn the_owner_is_read_above_a_statement_and_nowhere_else() {
        let dump = "--\n-- Name: f(); Type: FUNCTION; Schema: public; Owner: app\n--\n\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n-- Name: g; Type: ACL; Schema: x; Owner: eve\nselect 1;\n$$;\nSET a = 0;\n";
        let dump = Dump::parse(dump, &[]).unwrap();
        let owners: Vec<_> = dump.statements.iter().map(|it| it.entry.owner.as_deref()).collect();
        assert_eq!(owners, [Some("app"), None]);
        let entry = Entry::above(
            "-- Name: t; Type: TABLE; Schema: public; Owner: a; b; Tablespace: fast\n--\n\nCREATE",
        )
        .unwrap();
        assert_eq!(entry.owner.as_deref(), Some("a; b"));
    }
}
