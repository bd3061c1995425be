//! What gives a table of a SQLite catalog another form, where the rows stay.
//!
//! SQLite adds a column at the end, and nothing more; any other change builds the table anew, out of the
//! text that makes the wanted one, and copies the rows.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::super::grammar::quote_ident;
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::pair::Pair;
use crate::plan::Hazard;

/// The statement that adds a column at the end of a table. `None` where SQLite adds none of that sort.
pub fn addition(column: &Object) -> Option<String> {
    let (table, name) = (column.id.path.first()?, column.id.name());
    let mut sql = format!("ALTER TABLE {} ADD COLUMN {}", quote_ident(table), quote_ident(name));
    let kind = column.get("type").unwrap_or_default();
    if !kind.is_empty() {
        let _ = write!(sql, " {kind}");
    }
    if let Some(collation) = column.get("collation") {
        let _ = write!(sql, " COLLATE {}", quote_ident(collation));
    }
    match (column.get("generated"), column.get("generated kind")) {
        (Some(expression), Some("virtual")) => {
            let _ = write!(sql, " GENERATED ALWAYS AS ({expression}) VIRTUAL");
        }
        (Some(_), _) => return None,
        (None, _) => {}
    }
    if let Some(default) = column.get("default") {
        let _ = write!(sql, " DEFAULT {default}");
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

/// The statements that build a table anew, in one transaction: `text` is what makes the wanted one.
///
/// The columns that both have are copied; how far AUTOINCREMENT has counted is kept. Where a row does not
/// fit, everything is rolled back, the new name of the old table included: whoever goes on nevertheless finds
/// nothing of that name to drop.
pub fn rebuild(table: &ObjectId, catalogs: Pair<&Catalog>, text: &str) -> Vec<String> {
    let old = set_aside(table);
    let columns = |catalog: &Catalog| -> BTreeSet<String> {
        let inside = catalog.inside(table).filter(|it| it.id.kind == Kind::Column);
        let stored = inside.filter(|it| it.get("generated").is_none());
        stored.map(|it| it.id.name().to_owned()).collect()
    };
    let both: Vec<_> = columns(catalogs.from)
        .intersection(&columns(catalogs.to))
        .map(|it| quote_ident(it))
        .collect();
    let (name, quoted_old) = (quote_ident(table.name()), quote_ident(&old));
    let mut statements =
        vec![format!("ALTER TABLE {name} RENAME TO {quoted_old};"), format!("{text};")];
    if !both.is_empty() {
        let list = both.join(", ");
        statements.push(format!(
            "INSERT OR ROLLBACK INTO {name} ({list}) SELECT {list} FROM {quoted_old};"
        ));
    }
    statements.extend(counted(table, catalogs, &old));
    statements.push(format!("DROP TABLE {quoted_old};"));
    statements
}

/// What a table is called while a new one takes its place.
fn set_aside(table: &ObjectId) -> String {
    format!("__old_{}", table.name())
}

/// The risks of statements of [`rebuild`], if they are such: the columns that are not copied.
pub fn hazards_of_rebuild(statements: &[String], catalogs: Pair<&Catalog>) -> Option<Vec<Hazard>> {
    let last = statements.last()?;
    let is_it = |it: &&Object| *last == format!("DROP TABLE {};", quote_ident(&set_aside(&it.id)));
    let table = &catalogs.from.of_kind(Kind::Table).find(is_it)?.id;
    let columns = catalogs.from.inside(table).filter(|it| it.id.kind == Kind::Column);
    let is_lost = |it: &&Object| {
        let kept = catalogs.to.get(&it.id).is_some_and(|it| it.get("generated").is_none());
        !kept && it.get("generated").is_none()
    };
    let lost = columns
        .filter(is_lost)
        .map(|it| Hazard::DeletesData(format!("drop:{}.{}", table.name(), it.id.name())));
    Some(lost.chain([Hazard::RewritesTable(table.name().to_owned())]).collect())
}

fn counted(table: &ObjectId, catalogs: Pair<&Catalog>, old: &str) -> Vec<String> {
    let counts = |catalog: &Catalog| {
        let mut inside = catalog.inside(table);
        inside.any(|it| it.get("autoincrement") == Some("true"))
    };
    if !counts(catalogs.from) || !counts(catalogs.to) {
        return Vec::new();
    }
    let literal = |it: &str| format!("'{}'", it.replace('\'', "''"));
    let (name, old) = (literal(table.name()), literal(old));
    vec![
        format!("DELETE FROM sqlite_sequence WHERE name = {name};"),
        format!(
            "INSERT INTO sqlite_sequence (name, seq) SELECT {name}, seq FROM sqlite_sequence WHERE name = {old};"
        ),
    ]
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
        let all = rebuild(&id, Pair { from: &from, to: &to }, text);
        let expected = [
            "ALTER TABLE \"my t\" RENAME TO \"__old_my t\";",
            "CREATE TABLE `my t` (id integer primary key autoincrement, new text);",
            "INSERT OR ROLLBACK INTO \"my t\" (\"id\") SELECT \"id\" FROM \"__old_my t\";",
            "DELETE FROM sqlite_sequence WHERE name = 'my t';",
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'my t', seq FROM sqlite_sequence WHERE name = '__old_my t';",
            "DROP TABLE \"__old_my t\";",
        ];
        assert_eq!(all, expected);
        let hazards = hazards_of_rebuild(&all, Pair { from: &from, to: &to });
        let lost = Hazard::DeletesData("drop:my t.old".to_owned());
        assert_eq!(hazards, Some(vec![lost, Hazard::RewritesTable("my t".to_owned())]));
        let plain = table(&["id"], false);
        assert_eq!(rebuild(&id, Pair { from: &plain, to: &to }, text).len(), 4);
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
