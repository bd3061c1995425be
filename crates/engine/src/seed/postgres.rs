//! The SQL of seed rows in PostgreSQL.

use raingauge_schema::catalog::ObjectId;
use raingauge_schema::postgres::grammar::{quote_ident, quote_literal};

use super::SeedTable;

pub(super) fn table_name(id: &ObjectId) -> String {
    id.path.iter().map(|it| quote_ident(it)).collect::<Vec<_>>().join(".")
}

pub(super) fn select(id: &ObjectId, columns: &[&str]) -> String {
    let values: Vec<_> = columns.iter().map(|it| format!("{}::text", quote_ident(it))).collect();
    // The order of insertion is the best pairing for rows without a stable key.
    format!("SELECT {} FROM {} ORDER BY tableoid, ctid", values.join(", "), table_name(id))
}

/// Text that comes back from `::text` as a literal of unknown type: the column gives it its type.
pub(super) fn literal(value: Option<String>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |it| quote_literal(&it))
}

/// The rows of live with these keys. Literals stay untyped, so that the key's index is used.
pub(super) fn select_by_key(table: &SeedTable, keys: &[Vec<String>]) -> String {
    let values: Vec<_> =
        table.columns.iter().map(|it| format!("{}::text", quote_ident(&it.name))).collect();
    let names: Vec<_> =
        table.key_columns().iter().map(|at| quote_ident(&table.columns[*at].name)).collect();
    let keys: Vec<_> = keys.iter().map(|it| format!("({})", it.join(", "))).collect();
    format!(
        "SELECT {} FROM {} WHERE ({}) IN ({})",
        values.join(", "),
        table_name(&table.id),
        names.join(", "),
        keys.join(", ")
    )
}

/// How often live has this row.
pub(super) fn count_equal(table: &SeedTable, row: &[String]) -> String {
    let equal = table.stable_columns().into_iter().map(|at| {
        let column = &table.columns[at];
        format!(
            "{} IS NOT DISTINCT FROM {}::{}",
            quote_ident(&column.name),
            row[at],
            column.sql_type
        )
    });
    let condition = equal.collect::<Vec<_>>().join(" AND ");
    format!("SELECT count(*) FROM {} WHERE {condition}", table_name(&table.id))
}

/// One statement that inserts rows and leaves alone what is there already.
pub(super) fn insert(table: &SeedTable, columns: &[usize], rows: &[&Vec<String>]) -> String {
    let name = table_name(&table.id);
    let names: Vec<_> = columns.iter().map(|at| quote_ident(&table.columns[*at].name)).collect();
    let names = names.join(", ");
    if !table.key.is_empty() {
        let values = value_rows(columns, rows, |_, literal| literal.to_owned());
        return format!(
            "INSERT INTO {name} ({names}) OVERRIDING SYSTEM VALUE VALUES\n{values}\nON CONFLICT DO NOTHING;"
        );
    }
    // Without a key only an empty table tells that the rows are not there yet. A list of rows in a
    // subquery has no target columns, so every literal says its type.
    let typed = |at: usize, literal: &str| format!("{literal}::{}", table.columns[at].sql_type);
    let values = value_rows(columns, rows, typed);
    format!(
        "INSERT INTO {name} ({names})\nSELECT * FROM (VALUES\n{values}\n) AS seed\nWHERE NOT EXISTS (SELECT FROM {name});"
    )
}

fn value_rows(
    columns: &[usize],
    rows: &[&Vec<String>],
    spell: impl Fn(usize, &str) -> String,
) -> String {
    let row = |row: &&Vec<String>| {
        let values: Vec<_> = columns.iter().map(|at| spell(*at, &row[*at])).collect();
        format!("\t({})", values.join(", "))
    };
    rows.iter().map(row).collect::<Vec<_>>().join(",\n")
}

/// The states of the sequences that were used: name, last value, and the greatest value of the column
/// that owns it.
pub(super) const SEQUENCES: &str = "\
    SELECT quote_ident(s.schemaname) || '.' || quote_ident(s.sequencename), s.last_value, \
        quote_ident(n.nspname) || '.' || quote_ident(t.relname), quote_ident(a.attname) \
    FROM pg_catalog.pg_sequences s \
    JOIN pg_catalog.pg_class c ON c.oid = (quote_ident(s.schemaname) || '.' || quote_ident(s.sequencename))::regclass \
    LEFT JOIN pg_catalog.pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass \
        AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') \
    LEFT JOIN pg_catalog.pg_class t ON t.oid = d.refobjid \
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid \
    WHERE s.increment_by > 0 ORDER BY 1";

/// A statement that moves a sequence past the seeds, and never back.
pub(super) fn advance(sequence: &str, value: i64) -> String {
    let literal = quote_literal(sequence);
    format!(
        "SELECT pg_catalog.setval({literal}, GREATEST({value}, (SELECT last_value FROM {sequence})));"
    )
}
