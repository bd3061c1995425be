//! What makes the objects of a database, in the engine's own words and order.

use std::collections::BTreeSet;

use raingauge_schema::{Kind, ObjectId};

use crate::connect::{Session, SqlError};
use crate::dump::Dump;
use crate::ledger::LedgerName;

/// One statement, with the object that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Without its semicolon.
    pub sql: String,
    /// What `pg_dump` calls the kind, or SQLite's word.
    pub kind: String,
    /// As `pg_dump` names it: `books books_pkey` for what is inside a table.
    pub name: String,
    /// Empty or `-` for what is in no schema.
    schema: String,
}

impl Piece {
    /// Whether it may be about an object. More than one piece is, and a piece may be about others, too.
    pub fn is_about(&self, id: &ObjectId) -> bool {
        let name = one_line(id.name());
        if self.schema.is_empty() {
            return self.name == id.name();
        }
        match id.kind {
            Kind::DefaultPrivilege => return self.kind == "DEFAULT ACL",
            // These have the types that they are for in their names, which `pg_dump` writes otherwise.
            Kind::Operator => {
                let own = name.split_once('(').map_or(name.as_str(), |it| it.0);
                return self.kind == "OPERATOR" && self.name == own;
            }
            Kind::Cast => return self.kind == "CAST",
            Kind::OperatorClass | Kind::OperatorFamily => {
                let own = name.rsplit_once(" using ").map_or(name.as_str(), |it| it.0);
                return self.name == own;
            }
            _ => {}
        }
        let path = id.path.as_slice();
        let path = match id.kind {
            // A comment is on something, which stands behind the word for what it is.
            Kind::Comment | Kind::Grant | Kind::SecurityLabel => path.get(1..).unwrap_or_default(),
            _ => path,
        };
        let in_schema = self.schema == "-"
            || path.len() == 1
            || path.first().is_some_and(|it| one_line(it) == self.schema);
        // These are named by the index alone.
        let has_table = id.kind != Kind::Index && self.kind != "INDEX ATTACH";
        let named = match path {
            [_, table, _] if has_table => self.name.contains(&one_line(table)),
            _ => true,
        };
        let own = path.last().map(|it| one_line(it)).unwrap_or_default();
        let is_inside = path.len() == 3;
        // What comes with the statements of the table itself: a column, a check, a setting.
        let of_table = is_inside && path.get(1).is_some_and(|it| one_line(it) == self.name);
        in_schema && named && (self.name.contains(&own) || of_table)
    }
}

/// `pg_dump` puts names on one line.
fn one_line(name: &str) -> String {
    name.replace(['\n', '\r'], " ")
}

/// The pieces of PostgreSQL's dump, whoever owns what. Grants are left out, because a catalog says better
/// what they are; so is what somebody else than the owner granted.
pub fn of_dump(dump: &Dump) -> Vec<Piece> {
    let (mut pieces, mut settings) = (Vec::new(), Vec::<(String, String)>::new());
    let mut is_another = false;
    for dumped in &dump.statements {
        let sql = dumped.sql.as_str();
        if let Some(role) = sql.strip_prefix("SET SESSION AUTHORIZATION ") {
            is_another = role != "DEFAULT";
        } else if sql == "RESET SESSION AUTHORIZATION" {
            is_another = false;
        } else if let Some((name, value)) =
            sql.strip_prefix("SET ").and_then(|it| it.split_once(" = "))
        {
            settings.retain(|it| it.0 != name);
            let is_usual = match name {
                "default_tablespace" => value == "''",
                "default_table_access_method" => value == "heap",
                _ => true,
            };
            if !is_usual {
                settings.push((name.to_owned(), value.to_owned()));
            }
        } else if !is_another && !is_left_out(sql) {
            pieces.push(Piece {
                sql: with_settings(sql, &settings),
                kind: dumped.entry.kind.clone(),
                name: dumped.entry.name.clone(),
                schema: dumped.entry.schema.clone(),
            });
        }
    }
    pieces
}

fn is_left_out(sql: &str) -> bool {
    let words = ["SET ", "SELECT pg_catalog.set_config(", "GRANT ", "REVOKE ", "RESET "];
    words.iter().any(|it| sql.starts_with(it))
}

/// A table that is to stand elsewhere is made between two settings.
fn with_settings(sql: &str, settings: &[(String, String)]) -> String {
    if settings.is_empty() || !(sql.starts_with("CREATE TABLE") || sql.contains("INDEX")) {
        return sql.to_owned();
    }
    let before: String = settings.iter().map(|it| format!("SET {} = {};\n", it.0, it.1)).collect();
    let after: String = settings.iter().map(|it| format!(";\nRESET {}", it.0)).collect();
    format!("{before}{sql}{after}")
}

/// What SQLite keeps as the texts of its objects, tables first.
///
/// # Errors
/// If the file cannot be read.
pub fn of_sqlite(session: &mut Session, ledgers: &[LedgerName]) -> Result<Vec<Piece>, SqlError> {
    const QUERY: &str = "\
        SELECT s.type, s.name, s.tbl_name, s.sql FROM main.sqlite_schema AS s \
        LEFT JOIN pragma_table_list AS l ON l.schema = 'main' AND l.name = s.name \
        WHERE s.sql IS NOT NULL AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
            AND coalesce(l.type, '') <> 'shadow' \
        ORDER BY CASE s.type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, s.rowid";
    let mut pieces = Vec::new();
    for row in session.rows(QUERY)? {
        let [Some(kind), Some(name), Some(table), Some(sql)] = row.as_slice() else { continue };
        if !ledgers.iter().any(|it| it.table == *table) {
            let (kind, name, sql) = (kind.clone(), name.clone(), sql.trim().to_owned());
            pieces.push(Piece { sql, kind, name, schema: String::new() });
        }
    }
    Ok(pieces)
}

/// The texts, to see which of another side's a side has, too.
pub fn texts(pieces: &[Piece]) -> BTreeSet<&str> {
    pieces.iter().map(|it| it.sql.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(piece: [&str; 3], kind: Kind, path: &str) -> bool {
        let [kind_of, name, schema] = piece.map(str::to_owned);
        let piece = Piece { sql: String::new(), kind: kind_of, name, schema };
        piece.is_about(&ObjectId::new(kind, path.split('/')))
    }

    #[test]
    fn a_piece_is_about_its_object_and_what_is_inside() {
        let key = ["CONSTRAINT", "books books_pkey", "public"];
        assert!(about(key, Kind::PrimaryKey, "public/books/books_pkey"));
        assert!(!about(key, Kind::PrimaryKey, "shop/books/books_pkey"));
        assert!(!about(key, Kind::PrimaryKey, "public/shelves/books_pkey"));
        assert!(about(["INDEX", "by_note", "public"], Kind::Index, "public/books/by_note"));
        assert!(about(["TABLE", "books", "public"], Kind::Check, "public/books/positive"));
        assert!(about(
            ["FUNCTION", "area(integer, text)", "public"],
            Kind::Function,
            "public/area(integer, text)"
        ));
        assert!(!about(
            ["FUNCTION", "area(text)", "public"],
            Kind::Function,
            "public/area(integer)"
        ));
        assert!(about(["SCHEMA", "shop", "-"], Kind::Schema, "shop"));
        assert!(about(["TABLE", "two lines", "public"], Kind::Table, "public/two\nlines"));
        let attached = ["INDEX ATTACH", "by_year", "public"];
        assert!(about(attached, Kind::PrimaryKey, "public/books/by_year"));
        assert!(about(
            ["COMMENT", "COLUMN books.note", "public"],
            Kind::Comment,
            "column/public/books/note"
        ));
    }
}
