//! What gives a table of a SQLite catalog another form, where the rows stay.
//!
//! SQLite adds a column at the end, and nothing more; any other change builds the table anew, out of the
//! text that makes the wanted one, and copies the rows.

use std::collections::BTreeSet;

use super::super::grammar::quote_ident;
use super::super::token::tokens;
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::pair::Pair;

/// The statement that adds a column at the end of a table. `None` where SQLite adds none of that sort.
pub fn addition(column: &Object) -> Option<String> {
    let (table, name) = (column.id.path.first()?, column.id.name());
    let mut sql = format!("ALTER TABLE {} ADD COLUMN {}", quote_ident(table), quote_ident(name));
    let kind = column.get("type").unwrap_or_default();
    if !kind.is_empty() {
        sql += &format!(" {kind}");
    }
    if let Some(collation) = column.get("collation") {
        sql += &format!(" COLLATE {}", quote_ident(collation));
    }
    match (column.get("generated"), column.get("generated kind")) {
        (Some(expression), Some("virtual")) => {
            sql += &format!(" GENERATED ALWAYS AS ({expression}) VIRTUAL");
        }
        (Some(_), _) => return None,
        (None, _) => {}
    }
    if let Some(default) = column.get("default") {
        sql += &format!(" DEFAULT {default}");
    }
    if column.get("not null conflict").is_some() {
        return None;
    }
    if column.get("not null") == Some("true") {
        // Rows that are there need a value.
        column.get("default")?;
        sql += " NOT NULL";
    }
    Some(sql + ";")
}

/// The statements that build a table anew: `text` is what makes the wanted one. `None` if it is not the
/// text of a table.
///
/// The columns that both have are copied; how far AUTOINCREMENT has counted is kept.
pub fn rebuild(table: &ObjectId, catalogs: Pair<&Catalog>, text: &str) -> Option<Vec<String>> {
    let name = table.name();
    let new = format!("__new_{name}");
    let columns = |catalog: &Catalog| -> BTreeSet<String> {
        let inside = catalog.inside(table).filter(|it| it.id.kind == Kind::Column);
        let stored = inside.filter(|it| it.get("generated").is_none());
        stored.map(|it| it.id.name().to_owned()).collect()
    };
    let both: Vec<_> = columns(catalogs.from)
        .intersection(&columns(catalogs.to))
        .map(|it| quote_ident(it))
        .collect();
    let (quoted, quoted_new) = (quote_ident(name), quote_ident(&new));
    let mut statements = vec![format!("{};", renamed(text, &quoted_new)?)];
    if !both.is_empty() {
        let list = both.join(", ");
        statements.push(format!("INSERT INTO {quoted_new} ({list}) SELECT {list} FROM {quoted};"));
    }
    statements.extend(counted(table, catalogs, &new));
    statements.push(format!("DROP TABLE {quoted};"));
    statements.push(format!("ALTER TABLE {quoted_new} RENAME TO {quoted};"));
    Some(statements)
}

fn counted(table: &ObjectId, catalogs: Pair<&Catalog>, new: &str) -> Vec<String> {
    let counts = |catalog: &Catalog| {
        let mut inside = catalog.inside(table);
        inside.any(|it| it.get("autoincrement") == Some("true"))
    };
    if !counts(catalogs.from) || !counts(catalogs.to) {
        return Vec::new();
    }
    let literal = |it: &str| format!("'{}'", it.replace('\'', "''"));
    let (old, new) = (literal(table.name()), literal(new));
    vec![
        format!("DELETE FROM sqlite_sequence WHERE name = {new};"),
        format!(
            "INSERT INTO sqlite_sequence (name, seq) SELECT {new}, seq FROM sqlite_sequence WHERE name = {old};"
        ),
    ]
}

/// The text of a table under another name: SQLite keeps it as `CREATE TABLE name …`.
fn renamed(text: &str, name: &str) -> Option<String> {
    let tokens = tokens(text).ok()?;
    let [create, table, old, ..] = tokens.as_slice() else { return None };
    if !create.is_word("create") || !table.is_word("table") {
        return None;
    }
    Some(format!("{}{name}{}", text.get(..old.start)?, text.get(old.end()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&str], counts: bool) -> Catalog {
        let column = |it: &&str| Object::new(Kind::Column, ["my t", it]);
        let key = Object::new(Kind::PrimaryKey, ["my t", "primary key"])
            .with("autoincrement", counts.to_string());
        let table = Object::new(Kind::Table, ["my t"]);
        Catalog::new(columns.iter().map(column).chain([table, key]))
    }

    #[test]
    fn a_rebuild_copies_what_both_have_and_goes_on_counting() {
        let (from, to) = (table(&["id", "old"], true), table(&["id", "new"], true));
        let id = ObjectId::new(Kind::Table, ["my t"]);
        let text = "CREATE TABLE `my t` (id integer primary key autoincrement, new text)";
        let all = rebuild(&id, Pair { from: &from, to: &to }, text).unwrap();
        let expected = [
            "CREATE TABLE \"__new_my t\" (id integer primary key autoincrement, new text);",
            "INSERT INTO \"__new_my t\" (\"id\") SELECT \"id\" FROM \"my t\";",
            "DELETE FROM sqlite_sequence WHERE name = '__new_my t';",
            "INSERT INTO sqlite_sequence (name, seq) SELECT '__new_my t', seq FROM sqlite_sequence WHERE name = 'my t';",
            "DROP TABLE \"my t\";",
            "ALTER TABLE \"__new_my t\" RENAME TO \"my t\";",
        ];
        assert_eq!(all, expected);
        let plain = table(&["id"], false);
        let all = rebuild(&id, Pair { from: &plain, to: &to }, text).unwrap();
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn a_column_that_rows_have_no_value_for_is_not_added() {
        let column = Object::new(Kind::Column, ["t", "c"]).with("type", "integer");
        let sql = addition(&column.clone().with("default", "7").with("not null", "true"));
        let expected = "ALTER TABLE \"t\" ADD COLUMN \"c\" integer DEFAULT 7 NOT NULL;";
        assert_eq!(sql.as_deref(), Some(expected));
        assert_eq!(addition(&column.with("not null", "true")), None);
    }
}
