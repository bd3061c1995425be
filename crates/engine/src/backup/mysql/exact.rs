//! Rows that `mysqldump` cannot write: it prints a FLOAT with six digits, of which there are nine, and a zero
//! below zero as a number that has no sign. We write the rows of such tables ourselves, in the same snapshot.

use std::io::Write;

use raingauge_schema::mysql::grammar::quote_ident;

use super::dump_failed;
use super::lines::Failure;
use crate::Result;
use crate::connect::{MySqlSession, TextRow};
use crate::digest;
use crate::digest::mysql::row::{Column, Table};

/// How many bytes of rows one statement has at least.
const PER_STATEMENT: usize = 1 << 20;

/// The tables in which at least one row would come back with another value.
pub(super) fn tables(session: &mut MySqlSession) -> Result<Vec<Table>> {
    let mut found = Vec::new();
    for table in digest::mysql::tables(session)? {
        let parts: Vec<_> = table.columns.iter().filter_map(loses).collect();
        if parts.is_empty() {
            continue;
        }
        let (rows, all) = (table.all_rows(), parts.join(" or "));
        let sql = format!("select exists(select 1 from {rows} where {all})");
        let rows = session.rows(&sql).map_err(dump_failed)?;
        if rows.into_iter().flatten().flatten().any(|it| it == "1") {
            found.push(table);
        }
    }
    Ok(found)
}

/// The condition under which a column's text is not its value.
fn loses(column: &Column) -> Option<String> {
    let name = quote_ident(&column.name);
    let text = format!("cast({name} as char)");
    if column.is_generated {
        return None;
    }
    match column.kind.as_str() {
        "float" => Some(format!("cast({text} as float) <> {name} or {text} = '-0'")),
        "double" => Some(format!("{text} = '-0'")),
        _ => None,
    }
}

/// Writes all rows of a table as statements that give every value back.
pub(super) fn write(
    session: &mut MySqlSession,
    table: &Table,
    to: &mut impl Write,
) -> Result<(), Failure> {
    let columns = || table.columns.iter().filter(|it| !it.is_generated);
    let period = || table.hidden_period().map(str::to_owned);
    let names: Vec<_> = columns().map(|it| quote_ident(&it.name)).chain(period()).collect();
    let times = period().map(|it| format!("concat('''', {it}, '''')"));
    let values: Vec<_> = columns().map(literal).chain(times).collect();
    let sql = format!("select {} from {}", values.join(", "), table.all_rows());
    let begin = format!("INSERT INTO {} ({}) VALUES ", table.quoted(), names.join(", "));
    let (mut statement, mut outcome) = (String::new(), Ok(()));
    let sent = session.each_row(&sql, |_, row| {
        statement.push_str(if statement.is_empty() { &begin } else { ",\n" });
        push(&mut statement, &row);
        if PER_STATEMENT <= statement.len() && outcome.is_ok() {
            outcome = end(&mut statement, to);
        }
    });
    sent.map_err(|it| Failure::Rows(dump_failed(it)))?;
    outcome.and_then(|()| end(&mut statement, to)).map_err(Failure::Write)
}

fn push(statement: &mut String, row: &TextRow) {
    let values = row.iter().map(|it| it.as_deref().unwrap_or("NULL"));
    statement.push('(');
    statement.push_str(&values.collect::<Vec<_>>().join(","));
    statement.push(')');
}

fn end(statement: &mut String, to: &mut impl Write) -> std::io::Result<()> {
    if !statement.is_empty() {
        statement.push_str(";\n");
        to.write_all(statement.as_bytes())?;
        statement.clear();
    }
    Ok(())
}

/// An expression whose text is a literal of the column's value.
fn literal(column: &Column) -> String {
    let name = quote_ident(&column.name);
    match column.kind.as_str() {
        "float" => format!("concat('''', cast({name} as double), '''')"),
        // Bytes are no JSON.
        "json" => format!("concat('_utf8mb4 x''', hex(cast({name} as char)), '''')"),
        _ if column.is_numbered() => format!("cast({name} as unsigned)"),
        _ if column.is_bytes() => format!("concat('x''', hex(cast({name} as binary)), '''')"),
        _ => format!("concat('''', {name}, '''')"),
    }
}
