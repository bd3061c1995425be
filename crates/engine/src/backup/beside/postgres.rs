//! PostgreSQL: a schema of their own, filled with the rows as `pg_restore` writes them.
//!
//! Only the rows of the wanted tables are read from the archive, and no scratch server is needed.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use raingauge_schema::postgres::grammar::{quote_ident, quote_literal};
use raingauge_schema::{Catalog, Kind, Object, ObjectId};

use super::super::postgres::Running;
use super::super::{archive, postgres_messages as messages};
use super::{Copy, Filling, refused};
use crate::client::{self, Program};
use crate::connect::Session;
use crate::connect::dsn::PgTarget;
use crate::digest::{TableDigest, TableName};
use crate::progress::Progress;
use crate::{Error, Result};

/// How many bytes of rows are sent at a time.
const CHUNK: usize = 1 << 16;

/// A schema that is not there yet, and the names in it: a table's own, unless two share it.
pub(super) fn names(
    live: &mut Session,
    stamp: &str,
    tables: Vec<TableDigest>,
) -> Result<(String, Vec<Copy>)> {
    let taken = live.rows("SELECT nspname FROM pg_catalog.pg_namespace").map_err(refused)?;
    let taken: Vec<_> = taken.into_iter().flatten().flatten().collect();
    let numbered = (2..).map(|n| format!("{stamp}_{n}"));
    let mut candidates = std::iter::once(stamp.to_owned()).chain(numbered);
    let place = candidates.find(|it| !taken.contains(it)).expect("numbers do not end");
    let names: Vec<_> = tables.iter().map(|it| it.name.table.clone()).collect();
    let copy = |table: TableDigest| {
        let is_shared = 1 < names.iter().filter(|it| **it == table.name.table).count();
        let TableName { schema, table: name } = &table.name;
        let name = if is_shared { format!("{schema}_{name}") } else { name.clone() };
        Copy { to: TableName::new(&place, name), table }
    };
    let copies = tables.into_iter().map(copy).collect();
    Ok((place, copies))
}

/// Makes the schema with its tables, and fills them.
pub(super) fn fill(
    live: &mut Session,
    filling: &Filling<'_>,
    progress: &mut dyn Progress,
) -> Result<()> {
    let major = live.identity()?.major;
    let program = client::find("pg_restore", major, filling.client)?;
    // As `pg_restore` sets it for what it sends.
    let begin = "BEGIN; SET LOCAL xmloption = content; CREATE SCHEMA";
    live.run(&format!("{begin} {}", quote_ident(&filling.beside.place))).map_err(refused)?;
    for copy in &filling.beside.copies {
        live.run(&create(filling.catalog, copy)).map_err(refused)?;
        fill_one(live, &program, filling, copy)?;
        progress.boundary("restore/table-filled");
    }
    Ok(())
}

/// The table with its columns, in their order in the backup.
fn create(catalog: &Catalog, copy: &Copy) -> String {
    let TableName { schema, table } = &copy.table.name;
    let id = ObjectId::new(Kind::Table, [schema, table]);
    let mut columns: Vec<_> = catalog.inside(&id).filter(|it| it.id.kind == Kind::Column).collect();
    let position = |it: &&Object| it.get("position").and_then(|it| it.parse::<u32>().ok());
    columns.sort_by_key(position);
    let columns: Vec<_> = columns.into_iter().map(column).collect();
    format!("CREATE TABLE {} ({})", copy.to.quoted(), columns.join(", "))
}

fn column(column: &Object) -> String {
    let kind = column.get("type").unwrap_or("text");
    let mut parts = vec![quote_ident(column.id.name()), kind.to_owned()];
    if let Some(collation) = column.get("collation") {
        let path = collation.splitn(2, '.').map(|it| quote_ident(it.trim_matches('"')));
        parts.push(format!("COLLATE {}", path.collect::<Vec<_>>().join(".")));
    }
    if let Some(expression) = column.get("generated") {
        let kind = column.get("generated kind").unwrap_or("stored");
        parts.push(format!("GENERATED ALWAYS AS ({expression}) {kind}"));
    }
    parts.join(" ")
}

/// Sends what `pg_restore` prints of one table's rows to its copy.
fn fill_one(
    live: &mut Session,
    program: &Program,
    filling: &Filling<'_>,
    copy: &Copy,
) -> Result<()> {
    let backup = &filling.beside.backup;
    let TableName { schema, table } = &copy.table.name;
    let mut command = program.command(&PgTarget::default());
    command.args(["--data-only", "--file=-"]);
    command.arg(format!("--schema={schema}")).arg(format!("--table={table}"));
    archive::read(&mut command, program, &backup.path, archive::Reading::Text)?;
    command.stdout(Stdio::piped());
    let mut running = Running::start(command)?;
    let stdout = running.stdout().expect("it is a pipe");
    let mut rows = Rows { lines: BufReader::new(stdout), end: End::Missing };
    if let Some(columns) = rows.columns()? {
        // The archive is in the encoding of the database that it is of.
        let encoding = backup.manifest.settings.get("encoding").map_or("UTF8", String::as_str);
        let encoding = quote_literal(encoding);
        let to = copy.to.quoted();
        let statement = format!("COPY {to} {columns} FROM stdin (ENCODING {encoding})");
        let Session::Postgres(session) = live else { return Err(cut_off(&copy.table.name)) };
        session.copy_from(&statement, || rows.chunk()).map_err(refused)?;
        if rows.end == End::Missing {
            return Err(cut_off(&copy.table.name));
        }
    }
    std::io::copy(&mut rows.lines, &mut std::io::sink()).map_err(unreadable)?;
    messages::check_restore(&running.finish()?)
}

/// The rows of one table in what `pg_restore` prints: what stands between `COPY …` and `\.`.
struct Rows<R> {
    lines: BufReader<R>,
    end: End,
}

/// Whether all rows have been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Missing,
    Seen,
}

impl<R: std::io::Read> Rows<R> {
    /// Reads up to the rows and returns their columns, in parentheses; nothing if there are no rows at all.
    fn columns(&mut self) -> Result<Option<String>> {
        let mut statement = Vec::new();
        loop {
            let mut line = Vec::new();
            if self.lines.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
                return Ok(None);
            }
            // A name may break a line.
            if !statement.is_empty() || line.starts_with(b"COPY ") {
                statement.extend(line);
            }
            if statement.ends_with(b" FROM stdin;\n") {
                return Ok(Some(columns_of(&String::from_utf8_lossy(&statement))));
            }
        }
    }

    /// The next rows, as many as make a chunk; nothing after the last one.
    fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut chunk = Vec::new();
        while self.end == End::Missing && chunk.len() < CHUNK {
            let start = chunk.len();
            if self.lines.read_until(b'\n', &mut chunk).ok()? == 0 {
                break;
            }
            if chunk[start..] == *b"\\.\n" {
                chunk.truncate(start);
                self.end = End::Seen;
            }
        }
        (!chunk.is_empty()).then_some(chunk)
    }
}

/// The list of columns of a `COPY` statement; a table without columns has none.
fn columns_of(statement: &str) -> String {
    let mut is_quoted = false;
    let starts = |it: char| {
        is_quoted ^= it == '"';
        !is_quoted && it == '('
    };
    let Some(at) = statement.find(starts) else { return String::new() };
    let rest = statement.get(at..).unwrap_or_default();
    rest.trim_end_matches(" FROM stdin;\n").to_owned()
}

fn cut_off(table: &TableName) -> Error {
    Error::new(
        "restore-failed",
        format!("the rows of `{table}` end in the middle; live is as before"),
    )
    .next("use another backup: `raingauge backup list` shows them")
}

fn unreadable(cause: std::io::Error) -> Error {
    Error::new("restore-failed", "cannot read what `pg_restore` prints").caused_by(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, columns: Option<&str>, rows: &[&str], end: End) {
        let mut all = Rows { lines: BufReader::new(text.as_bytes()), end: End::Missing };
        assert_eq!(all.columns().unwrap().as_deref(), columns);
        let found = all.chunk().map(|it| String::from_utf8(it).unwrap()).unwrap_or_default();
        assert_eq!(found, rows.concat());
        assert_eq!(all.end, end);
    }

    #[test]
    fn rows_stand_between_copy_and_its_end() {
        check(
            "-- Data for Name: b\nSET x = 1;\n\nCOPY public.b (id, \"a (b\") FROM stdin;\n1\tCOPY x\n\\\\.\n\\.\n\n--\n",
            Some("(id, \"a (b\")"),
            &["1\tCOPY x\n", "\\\\.\n"],
            End::Seen,
        );
        check("COPY \"a (\nb\".\"c\"\"(\" (d) FROM stdin;\n\\.\n", Some("(d)"), &[], End::Seen);
        check("COPY public.nothing  FROM stdin;\n\n\\.\n", Some(""), &["\n"], End::Seen);
        check("SET x = 1;\n", None, &[], End::Missing);
        check("COPY a (b) FROM stdin;\n1\n2", Some("(b)"), &["1\n2"], End::Missing);
    }

    #[test]
    fn a_collation_is_a_path_of_names() {
        let object = |collation: &str| {
            Object::new(Kind::Column, ["s", "t", "a"])
                .with("type", "text")
                .with("collation", collation)
        };
        assert_eq!(column(&object("pg_catalog.C")), "\"a\" text COLLATE \"pg_catalog\".\"C\"");
        let icu = column(&object("pg_catalog.\"de-x-icu\""));
        assert_eq!(icu, "\"a\" text COLLATE \"pg_catalog\".\"de-x-icu\"");
    }
}
