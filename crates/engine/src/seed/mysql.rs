//! The SQL of seed rows in MySQL and MariaDB.
//!
//! Every value arrives with a letter in front that says how it has to be written: as a number, as a text, as
//! bytes. Texts that a session could read in another way than they are meant are written in hexadecimal digits.

use raingauge_schema::catalog::{Catalog, Kind, Object, ObjectId};
use raingauge_schema::mysql::catalog::triggers_again;
use raingauge_schema::mysql::grammar::quote_ident;

use super::switches::Switches;
use super::{BREAKPOINT, SeedTable};

/// How values of a type are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Number,
    /// Printed with all its digits only as a double.
    Float,
    Bytes,
    Text,
}

const NUMBERS: [&str; 8] =
    ["tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "double", "bit"];

const BYTES: [&str; 17] = [
    "binary",
    "varbinary",
    "tinyblob",
    "blob",
    "mediumblob",
    "longblob",
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
    "geomcollection",
    "vector",
    "varvector",
];

fn class(sql_type: &str) -> Class {
    let end = sql_type.find(|it: char| !it.is_ascii_alphanumeric()).unwrap_or(sql_type.len());
    match sql_type.get(..end).unwrap_or_default() {
        "float" => Class::Float,
        it if NUMBERS.contains(&it) => Class::Number,
        it if BYTES.contains(&it) => Class::Bytes,
        _ => Class::Text,
    }
}

fn table_name(id: &ObjectId) -> String {
    quote_ident(id.name())
}

/// The value of a column in the form in which it is compared.
fn value(table: &SeedTable, at: usize) -> String {
    let column = &table.columns[at];
    let name = quote_ident(&column.name);
    match class(&column.sql_type) {
        // Bits are a number only where one is asked for.
        Class::Number if column.sql_type.starts_with("bit") => format!("({name} + 0)"),
        Class::Number => name,
        Class::Float => format!("({name} + 0e0)"),
        Class::Bytes => format!("hex({name})"),
        Class::Text => format!("convert({name} using utf8mb4)"),
    }
}

pub(super) fn select(table: &SeedTable) -> String {
    let values = (0..table.columns.len()).map(|at| {
        let letter = match class(&table.columns[at].sql_type) {
            Class::Number | Class::Float => 'n',
            Class::Bytes => 'x',
            Class::Text => 's',
        };
        format!("concat('{letter}', {})", value(table, at))
    });
    format!("SELECT {} FROM {}", values.collect::<Vec<_>>().join(", "), table_name(&table.id))
}

pub(super) fn count(table: &SeedTable) -> String {
    format!("SELECT count(*) FROM {}", table_name(&table.id))
}

pub(super) fn literal(value: Option<String>) -> String {
    let Some(value) = value else { return "NULL".to_owned() };
    if let Some(number) = value.strip_prefix('n') {
        return number.to_owned();
    }
    if let Some(digits) = value.strip_prefix('x') {
        return format!("x'{digits}'");
    }
    text(value.strip_prefix('s').unwrap_or(&value))
}

/// A backslash means what the session's mode says, and a line end may be changed on the way.
fn text(text: &str) -> String {
    let is_plain = text.chars().all(|it| it != '\\' && (!it.is_control() || it == '\n'));
    if is_plain && !text.contains(BREAKPOINT) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let digits: String = text.bytes().map(|it| format!("{it:02X}")).collect();
    format!("_utf8mb4 x'{digits}'")
}

/// The rows of live with these keys.
pub(super) fn select_by_key(table: &SeedTable, keys: &[Vec<String>]) -> String {
    let names: Vec<_> =
        table.key_columns().iter().map(|at| quote_ident(&table.columns[*at].name)).collect();
    let keys: Vec<_> = keys.iter().map(|it| format!("({})", it.join(", "))).collect();
    format!("{} WHERE ({}) IN ({})", select(table), names.join(", "), keys.join(", "))
}

/// How often live has this row.
pub(super) fn count_equal(table: &SeedTable, row: &[String]) -> String {
    let equal = table.stable_columns().into_iter().map(|at| {
        let (value, literal) = (value(table, at), row[at].as_str());
        match class(&table.columns[at].sql_type) {
            Class::Number | Class::Float => format!("{value} <=> {literal}"),
            Class::Bytes => format!("{value} <=> {}", literal.strip_prefix('x').unwrap_or(literal)),
            Class::Text => format!("{value} COLLATE utf8mb4_bin <=> {literal}"),
        }
    });
    let condition = std::iter::once("true".to_owned()).chain(equal).collect::<Vec<_>>();
    format!("{} WHERE {}", count(table), condition.join(" AND "))
}

/// One statement that inserts rows and leaves alone what is there already.
pub(super) fn insert(table: &SeedTable, columns: &[usize], rows: &[&Vec<String>]) -> String {
    let name = table_name(&table.id);
    let names: Vec<_> = columns.iter().map(|at| quote_ident(&table.columns[*at].name)).collect();
    let values = |row: &Vec<String>| {
        columns.iter().map(|at| row[*at].clone()).collect::<Vec<_>>().join(", ")
    };
    let Some(key) = table.key.first() else {
        // Without a key only an empty table tells that the rows are not there yet.
        let selects: Vec<_> = rows.iter().map(|it| format!("\tSELECT {}", values(it))).collect();
        // The names of a derived table's columns are those of its first row, and have to differ.
        let aliases =
            columns.iter().zip(&names).map(|(at, it)| format!("{} AS {it}", rows[0][*at]));
        let first = format!("\tSELECT {}", aliases.collect::<Vec<_>>().join(", "));
        let selects = std::iter::once(first).chain(selects.into_iter().skip(1));
        return format!(
            "INSERT INTO {name} ({})\nSELECT * FROM (\n{}\n) AS seed\nWHERE NOT EXISTS (SELECT 1 FROM {name});",
            names.join(", "),
            selects.collect::<Vec<_>>().join("\n\tUNION ALL\n")
        );
    };
    // `IGNORE` would let in rows that do not fit.
    let key = quote_ident(&table.columns[*key].name);
    let rows: Vec<_> = rows.iter().map(|it| format!("\t({})", values(it))).collect();
    format!(
        "INSERT INTO {name} ({}) VALUES\n{}\nON DUPLICATE KEY UPDATE {key} = {name}.{key};",
        names.join(", "),
        rows.join(",\n")
    )
}

/// What the rows need around them: a zero that stays one, times of one time zone, no checks of keys where rows point to
/// rows that come later, no triggers.
pub(super) fn switches(catalog: &Catalog, tables: &[SeedTable], is_cyclic: bool) -> Switches {
    let mut switches = Switches::default();
    if tables.is_empty() {
        return switches;
    }
    let mut settings =
        vec![("sql_mode", "'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO'"), ("time_zone", "'+00:00'")];
    if is_cyclic {
        settings.push(("foreign_key_checks", "0"));
    }
    let set =
        settings.iter().map(|(it, value)| format!("@raingauge_{it} = @@{it}, {it} = {value}"));
    switches.before.push(format!("SET {};", set.collect::<Vec<_>>().join(", ")));
    let back = settings.iter().map(|(it, _)| format!("{it} = @raingauge_{it}"));
    switches.after.push(format!("SET {};", back.collect::<Vec<_>>().join(", ")));
    let fires = |it: &&Object| {
        let table = it.id.path.first();
        it.get("event").is_some_and(|it| it.contains("insert"))
            && tables.iter().any(|seed| Some(seed.id.name()) == table.map(String::as_str))
    };
    let mut triggers: Vec<&Object> = catalog.of_kind(Kind::Trigger).filter(fires).collect();
    for trigger in &triggers {
        switches.before.push(format!("DROP TRIGGER {};", quote_ident(trigger.id.name())));
    }
    triggers.sort_by_key(|it| n_before(it, catalog));
    let again = triggers_again(catalog, &triggers, false);
    switches.after.extend(again.into_iter().map(|it| it.trim_end_matches(';').to_owned() + ";"));
    switches
}

/// How many triggers run before this one for the same event.
fn n_before(trigger: &Object, catalog: &Catalog) -> usize {
    let (mut n, mut at) = (0, trigger);
    while let Some(before) = at.get("follows") {
        let path = [at.id.path[0].as_str(), before];
        let Some(found) = catalog.get(&ObjectId::new(Kind::Trigger, path)) else { break };
        (n, at) = (n + 1, found);
    }
    n
}

/// The sequences of MariaDB that were used: what comes after all values that they may have given, the first, the step.
pub(super) fn select_sequence(sequence: &ObjectId) -> String {
    format!("SELECT next_not_cached_value, start_value, increment FROM {}", table_name(sequence))
}

/// A statement that moves a sequence past the seeds, and never back.
pub(super) fn advance(sequence: &ObjectId, value: i64) -> String {
    format!("DO SETVAL({}, {value});", table_name(sequence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_a_session_may_read_otherwise_is_in_digits() {
        let check = |value: &str, expected: &str| {
            assert_eq!(literal(Some(value.to_owned())), expected);
        };
        check("sit's", "'it''s'");
        check("sa\\b", "_utf8mb4 x'615C62'");
        check("sa\r\n", "_utf8mb4 x'610D0A'");
        check("s", "''");
        check("n-1.50", "-1.50");
        check("x00FF", "x'00FF'");
        check("x", "x''");
        assert_eq!(literal(None), "NULL");
        assert!(!text("a --> statement-breakpoint").contains(BREAKPOINT));
    }
}
