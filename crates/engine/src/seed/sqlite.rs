//! The SQL of seed rows in SQLite.

use raingauge_schema::catalog::ObjectId;
use raingauge_schema::sqlite::grammar::quote_ident;

use super::SeedTable;

pub(super) fn table_name(id: &ObjectId) -> String {
    quote_ident(id.name())
}

/// `quote()` prints every value as the literal that makes it, type included.
pub(super) fn select(id: &ObjectId, columns: &[&str]) -> String {
    let values: Vec<_> = columns.iter().map(|it| format!("quote({})", quote_ident(it))).collect();
    format!("SELECT {} FROM {}", values.join(", "), table_name(id))
}

pub(super) fn literal(value: Option<String>) -> String {
    value.unwrap_or_else(|| "NULL".to_owned())
}

/// The rows of live with these keys.
pub(super) fn select_by_key(table: &SeedTable, keys: &[Vec<String>]) -> String {
    let columns: Vec<_> = table.columns.iter().map(|it| it.name.as_str()).collect();
    let names: Vec<_> =
        table.key_columns().iter().map(|at| quote_ident(&table.columns[*at].name)).collect();
    let keys: Vec<_> = keys.iter().map(|it| format!("({})", it.join(", "))).collect();
    let select = select(&table.id, &columns);
    format!("{select} WHERE ({}) IN (VALUES {})", names.join(", "), keys.join(", "))
}

/// How often live has this row.
pub(super) fn count_equal(table: &SeedTable, row: &[String]) -> String {
    let equal = table.stable_columns().into_iter();
    let equal = equal.map(|at| format!("{} IS {}", quote_ident(&table.columns[at].name), row[at]));
    let condition = equal.collect::<Vec<_>>().join(" AND ");
    format!("SELECT count(*) FROM {} WHERE {condition}", table_name(&table.id))
}

/// One statement that inserts rows and leaves alone what is there already.
pub(super) fn insert(table: &SeedTable, columns: &[usize], rows: &[&Vec<String>]) -> String {
    let name = table_name(&table.id);
    let names: Vec<_> = columns.iter().map(|at| quote_ident(&table.columns[*at].name)).collect();
    let names = names.join(", ");
    let row = |row: &&Vec<String>| {
        let values: Vec<_> = columns.iter().map(|at| row[*at].as_str()).collect();
        format!("\t({})", values.join(", "))
    };
    let values = rows.iter().map(row).collect::<Vec<_>>().join(",\n");
    if table.key.is_empty() {
        // Without a key only an empty table tells that the rows are not there yet.
        return format!(
            "INSERT INTO {name} ({names})\nSELECT * FROM (VALUES\n{values}\n)\nWHERE NOT EXISTS (SELECT 1 FROM {name});"
        );
    }
    format!("INSERT INTO {name} ({names}) VALUES\n{values}\nON CONFLICT DO NOTHING;")
}
