//! The SQL of seed rows in PostgreSQL.

use raingauge_schema::catalog::ObjectId;
use raingauge_schema::postgres::grammar::{quote_ident, quote_literal};

use super::{BREAKPOINT, SeedTable};

pub(super) fn table_name(id: &ObjectId) -> String {
    id.path.iter().map(|it| quote_ident(it)).collect::<Vec<_>>().join(".")
}

/// The table as a query reads it: without the rows of those that inherit from it.
fn source(table: &SeedTable) -> String {
    let only = if table.has_heirs { "ONLY " } else { "" };
    format!("{only}{}", table_name(&table.id))
}

/// The values of all columns as text.
fn texts(table: &SeedTable) -> String {
    let values = table.columns.iter().map(|it| format!("{}::text", quote_ident(&it.name)));
    values.collect::<Vec<_>>().join(", ")
}

pub(super) fn select(table: &SeedTable) -> String {
    // The order of insertion is the best pairing for rows without a stable key.
    format!("SELECT {} FROM {} ORDER BY tableoid, ctid", texts(table), source(table))
}

pub(super) fn count(table: &SeedTable) -> String {
    format!("SELECT count(*) FROM {}", source(table))
}

/// Text that comes back from `::text` as a literal of unknown type: the column gives it its type.
pub(super) fn literal(value: Option<String>) -> String {
    let Some(value) = value else { return "NULL".to_owned() };
    if value.contains(BREAKPOINT) {
        let escaped = value.replace('\\', "\\\\").replace('\'', "''").replace("-->", "--\\x3e");
        return format!("E'{escaped}'");
    }
    quote_literal(&value)
}

/// The rows of live with these keys. Literals stay untyped, so that the key's index is used.
pub(super) fn select_by_key(table: &SeedTable, keys: &[Vec<String>]) -> String {
    let names: Vec<_> =
        table.key_columns().iter().map(|at| quote_ident(&table.columns[*at].name)).collect();
    let keys: Vec<_> = keys.iter().map(|it| format!("({})", it.join(", "))).collect();
    format!(
        "SELECT {} FROM {} WHERE ({}) IN ({})",
        texts(table),
        source(table),
        names.join(", "),
        keys.join(", ")
    )
}

/// How often live has this row. Compared as text, since some types (json, point) know no equality.
pub(super) fn count_equal(table: &SeedTable, row: &[String]) -> String {
    let equal = table.stable_columns().into_iter().map(|at| {
        format!("{}::text IS NOT DISTINCT FROM {}", quote_ident(&table.columns[at].name), row[at])
    });
    let condition = std::iter::once("true".to_owned()).chain(equal).collect::<Vec<_>>();
    format!("{} WHERE {}", count(table), condition.join(" AND "))
}

/// The rows as the types of the columns print them.
pub(super) fn respell(table: &SeedTable) -> String {
    let columns: Vec<usize> = (0..table.columns.len()).collect();
    let rows: Vec<&Vec<String>> = table.rows.iter().collect();
    let typed = |at: usize, literal: &str| format!("{literal}::{}", table.columns[at].sql_type);
    let values = value_rows(&columns, &rows, typed);
    let names: Vec<_> = columns.iter().map(|at| format!("c{at}")).collect();
    let texts: Vec<_> = names.iter().map(|it| format!("{it}::text")).collect();
    format!("SELECT {} FROM (VALUES\n{values}\n) AS seed ({})", texts.join(", "), names.join(", "))
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
        "INSERT INTO {name} ({names}) OVERRIDING SYSTEM VALUE\nSELECT * FROM (VALUES\n{values}\n) AS seed\nWHERE NOT EXISTS (SELECT FROM {});",
        source(table)
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

/// The states of the sequences that were used: schema, name, last value, and the column that owns it as
/// schema, table, name.
pub(super) const SEQUENCES: &str = "\
    SELECT s.schemaname, s.sequencename, s.last_value, n.nspname, t.relname, a.attname \
    FROM pg_catalog.pg_sequences s \
    JOIN pg_catalog.pg_class c ON c.oid = (quote_ident(s.schemaname) || '.' || quote_ident(s.sequencename))::regclass \
    LEFT JOIN pg_catalog.pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass \
        AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') \
    LEFT JOIN pg_catalog.pg_class t ON t.oid = d.refobjid \
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid \
    WHERE s.increment_by > 0 ORDER BY 1, 2";

/// The materialized views of live that show rows and read one of the tables, those first that others
/// read: schema, name. The tables are a list of literals.
pub(super) fn select_readers(tables: &str) -> String {
    format!(
        "WITH RECURSIVE reads (view, source) AS (\
            SELECT DISTINCT r.ev_class, d.refobjid FROM pg_catalog.pg_rewrite r \
            JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid \
                AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class), \
        readers (view, depth) AS (\
            SELECT view, 1 FROM reads WHERE source IN (SELECT pg_catalog.to_regclass(t) FROM unnest(ARRAY[{tables}]) AS t) \
            UNION SELECT reads.view, depth + 1 FROM reads JOIN readers ON reads.source = readers.view) \
        SELECT n.nspname, c.relname FROM readers JOIN pg_catalog.pg_class c ON c.oid = readers.view \
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
        WHERE c.relkind = 'm' AND c.relispopulated GROUP BY 1, 2 ORDER BY max(depth), 1, 2"
    )
}

/// The greatest value of a column, given as schema, table, name.
pub(super) fn select_greatest(column: &[&str]) -> String {
    let quoted: Vec<_> = column.iter().map(|it| quote_ident(it)).collect();
    let (name, table) = quoted.split_last().expect("a column has a name");
    format!("SELECT max({name}) FROM {}", table.join("."))
}

/// A statement that moves a sequence past the seeds, and never back.
pub(super) fn advance(sequence: &ObjectId, value: i64) -> String {
    let name = table_name(sequence);
    let literal = quote_literal(&name);
    format!(
        "SELECT pg_catalog.setval({literal}, GREATEST({value}, (SELECT last_value FROM {name})));"
    )
}
