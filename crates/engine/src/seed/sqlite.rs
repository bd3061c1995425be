//! The SQL of seed rows in SQLite.

use raingauge_schema::catalog::ObjectId;
use raingauge_schema::sqlite::grammar::quote_ident;

use super::{BREAKPOINT, SeedTable};

fn table_name(id: &ObjectId) -> String {
    quote_ident(id.name())
}

/// T48: a name in double quotes that is no column would be a text, unless it says whose column it is.
fn column_name(table: &SeedTable, at: usize) -> String {
    format!("{}.{}", table_name(&table.id), quote_ident(&table.columns[at].name))
}

/// `quote()` prints every value as the literal that makes it, type included; only a text ends for it at
/// the first NUL.
fn quoted(name: &str) -> String {
    format!(
        "CASE WHEN typeof({name}) = 'text' \
              AND (instr({name}, char(0)) > 0 OR instr({name}, '{BREAKPOINT}') > 0) \
         THEN 'CAST(x''' || hex({name}) || ''' AS TEXT)' ELSE quote({name}) END"
    )
}

pub(super) fn select(table: &SeedTable) -> String {
    let values = (0..table.columns.len()).map(|at| quoted(&column_name(table, at)));
    format!("SELECT {} FROM {}", values.collect::<Vec<_>>().join(", "), table_name(&table.id))
}

pub(super) fn count(table: &SeedTable) -> String {
    format!("SELECT count(*) FROM {}", table_name(&table.id))
}

pub(super) fn literal(value: Option<String>) -> String {
    value.unwrap_or_else(|| "NULL".to_owned())
}

/// The rows of live with these keys.
pub(super) fn select_by_key(table: &SeedTable, keys: &[Vec<String>]) -> String {
    let names: Vec<_> = table.key_columns().iter().map(|at| column_name(table, *at)).collect();
    let keys: Vec<_> = keys.iter().map(|it| format!("({})", it.join(", "))).collect();
    format!("{} WHERE ({}) IN (VALUES {})", select(table), names.join(", "), keys.join(", "))
}

/// How often live has this row.
pub(super) fn count_equal(table: &SeedTable, row: &[String]) -> String {
    let equal = table.stable_columns().into_iter();
    let equal = equal.map(|at| format!("{} IS {}", column_name(table, at), row[at]));
    let condition = std::iter::once("1".to_owned()).chain(equal).collect::<Vec<_>>();
    format!("{} WHERE {}", count(table), condition.join(" AND "))
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
