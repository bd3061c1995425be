//! What a SQLite migration may not do to rows behind its author's back.
//!
//! SQLite changes a table by building it anew, and with foreign keys enforced the drop of the old one
//! deletes or empties what refers to it, without any trace in `foreign_key_check` (T46, T47). So the
//! pragma of such a migration, which has no effect inside a transaction, is run before it, and the
//! rows before and after are compared inside of it, before anything is committed.

use std::collections::BTreeMap;

use raingauge_schema::sqlite::split::split;
use raingauge_schema::sqlite::token::tokens;
use raingauge_schema::token::{Cursor, Token};

use crate::connect::{SqlError, SqliteSession};
use crate::digest::{Digest, TableName, sqlite};
use crate::ledger::LedgerName;

/// What a migration's text says about tables.
#[derive(Debug, Default)]
pub(crate) struct Speech {
    /// Tables that it builds anew: made under another name, filled, dropped and renamed.
    pub(crate) rebuilt: Vec<String>,
    /// Whether it asks for foreign keys not to be enforced.
    pub(crate) without_foreign_keys: bool,
    /// Every name in it.
    named: Vec<String>,
}

/// The rows of a database as far as their loss can be told.
#[derive(Debug)]
pub(super) struct Witness {
    tables: BTreeMap<String, TableWitness>,
    /// Indexes and triggers, with their table.
    dependents: Vec<(String, String)>,
    /// How many rows refer to nothing, by table and key.
    violations: BTreeMap<String, usize>,
}

#[derive(Debug, PartialEq)]
struct TableWitness {
    n_rows: u64,
    columns: BTreeMap<String, ColumnWitness>,
}

#[derive(Debug, PartialEq)]
struct ColumnWitness {
    kind: String,
    n_values: u64,
    /// How many values are the column's own name.
    n_own_name: u64,
    digest: Digest,
}

impl Speech {
    /// Reads a migration.
    pub(crate) fn of(sql: &str) -> Self {
        let mut speech = Self::default();
        let (mut made, mut filled, mut dropped) = (Vec::new(), Vec::new(), Vec::new());
        for piece in split(sql).unwrap_or_default() {
            let Ok(tokens) = tokens(&piece.sql) else { continue };
            speech.named.extend(tokens.iter().filter_map(Token::identifier));
            speech.without_foreign_keys |= is_foreign_keys(&tokens)
                && tokens.iter().any(|it| {
                    ["off", "0", "false", "no"].contains(&&*it.text.to_ascii_lowercase())
                });
            let mut it = Cursor::new(&tokens);
            if it.eat("create table") {
                made.push(name(&mut it));
            } else if it.eat("insert into") {
                filled.push(name(&mut it));
            } else if it.eat("drop table") {
                dropped.push(name(&mut it));
            } else if it.eat("alter table") {
                let from = name(&mut it);
                let to = if it.eat("rename to") { name(&mut it) } else { continue };
                if made.contains(&from) && filled.contains(&from) && dropped.contains(&to) {
                    speech.rebuilt.push(to);
                }
            }
        }
        speech
    }

    /// What has to run before the transaction.
    pub(crate) fn pragma(&self) -> &'static str {
        if self.without_foreign_keys {
            "PRAGMA foreign_keys = OFF"
        } else {
            "PRAGMA foreign_keys = ON"
        }
    }

    fn names(&self, name: &str) -> bool {
        self.named.iter().any(|it| it.eq_ignore_ascii_case(name))
    }

    fn rebuilds(&self, name: &str) -> bool {
        self.rebuilt.iter().any(|it| it.eq_ignore_ascii_case(name))
    }
}

fn name(it: &mut Cursor<'_, '_>) -> String {
    it.eat("if exists");
    it.eat("if not exists");
    it.name(Token::identifier).pop().unwrap_or_default()
}

/// Whether a statement is one that has no effect inside a transaction.
pub(crate) fn is_foreign_keys(tokens: &[Token<'_>]) -> bool {
    let mut it = Cursor::new(tokens);
    it.eat("pragma") && it.eat("foreign_keys")
}

impl Witness {
    /// Reads the rows of everything but the ledger.
    pub(super) fn of(session: &mut SqliteSession, ledger: &LedgerName) -> Result<Self, SqlError> {
        let names = session.rows(TABLES)?.into_iter().flatten().flatten();
        let mut tables = BTreeMap::new();
        for name in names.filter(|it| *it != ledger.table).collect::<Vec<_>>() {
            let witness = table(session, &name)?;
            tables.insert(name, witness);
        }
        let dependents = session.rows(DEPENDENTS)?.into_iter().filter_map(|row| {
            let mut values = row.into_iter().flatten();
            Some((values.next()?, values.next()?))
        });
        let dependents = dependents.collect();
        let mut violations = BTreeMap::new();
        for row in session.rows("SELECT \"table\", fkid FROM pragma_foreign_key_check")? {
            let key: Vec<String> = row.into_iter().flatten().collect();
            *violations.entry(key.join(", key ")).or_default() += 1;
        }
        Ok(Self { tables, dependents, violations })
    }

    /// What was lost on the way to `after` without the migration having said so, one line each.
    pub(super) fn losses(&self, after: &Self, speech: &Speech) -> Vec<String> {
        let mut losses = Vec::new();
        for (name, from) in &self.tables {
            match after.tables.get(name) {
                Some(to) if speech.rebuilds(name) => losses.extend(rebuilt_losses(name, from, to)),
                Some(to) if !speech.names(name) && from != to => {
                    losses.push(format!(
                        "`{name}`, which the migration does not name, had {} rows and has {}, or others",
                        from.n_rows, to.n_rows
                    ));
                }
                Some(to) if !speech.names(name) || from.n_rows <= to.n_rows => {}
                None if !speech.names(name) => losses.push(format!("`{name}` is gone")),
                // A statement that deletes was consented to by name.
                Some(_) | None => {}
            }
        }
        let is_lost = |it: &&(String, String)| {
            speech.rebuilds(&it.1) && !after.dependents.contains(it) && !speech.names(&it.0)
        };
        let lost = self.dependents.iter().filter(is_lost);
        losses.extend(lost.map(|(name, table)| {
            format!("`{name}` went with the old `{table}` and was not made again")
        }));
        for (key, n) in &after.violations {
            if self.violations.get(key).copied().unwrap_or_default() < *n {
                losses.push(format!("{n} rows of {key} refer to nothing"));
            }
        }
        losses
    }
}

fn rebuilt_losses(name: &str, from: &TableWitness, to: &TableWitness) -> Vec<String> {
    if from.n_rows != to.n_rows {
        return vec![format!("`{name}` had {} rows and has {}", from.n_rows, to.n_rows)];
    }
    let mut losses = Vec::new();
    for (column, from) in &from.columns {
        match to.columns.get(column) {
            None => losses.push(format!("`{name}`.`{column}` is gone")),
            Some(to) if to.n_values < from.n_values => losses.push(format!(
                "`{name}`.`{column}` had {} values and has {}",
                from.n_values, to.n_values
            )),
            // Another type may store the same value in another form.
            Some(to) if to.kind == from.kind && *to != *from => {
                losses.push(format!("`{name}`.`{column}` has other values"));
            }
            Some(_) => {}
        }
    }
    // T48: a quoted name that is no column is a text to SQLite.
    let is_text = |it: &(&String, &ColumnWitness)| {
        !from.columns.contains_key(it.0) && 0 < it.1.n_own_name && it.1.n_own_name == to.n_rows
    };
    losses.extend(to.columns.iter().filter(is_text).map(|(column, _)| {
        format!(
            "`{name}`.`{column}` has its own name in every row, so it was copied from no column"
        )
    }));
    losses
}

fn table(session: &mut SqliteSession, name: &str) -> Result<TableWitness, SqlError> {
    let quoted = TableName::new("", name).quoted();
    let list = format!("SELECT name, type FROM pragma_table_info({})", literal(name));
    let mut witness = TableWitness { n_rows: 0, columns: BTreeMap::new() };
    for row in session.rows(&list)? {
        let mut values = row.into_iter().flatten();
        let (Some(column), kind) = (values.next(), values.next().unwrap_or_default()) else {
            continue;
        };
        let select = format!("SELECT {} FROM {quoted}", TableName::new("", &column).quoted());
        let (n_rows, digest) = sqlite::digest_of(session.connection(), &select)?;
        let (own, text) = (TableName::new("", &column).quoted(), literal(&column));
        let count = format!("SELECT count({own}), total({own} = {text}) FROM {quoted}");
        let counts: Vec<u64> = session.rows(&count)?.iter().flatten().map(number).collect();
        let n_values = counts.first().copied().unwrap_or_default();
        let n_own_name = counts.get(1).copied().unwrap_or_default();
        witness.n_rows = n_rows;
        witness.columns.insert(column, ColumnWitness { kind, n_values, n_own_name, digest });
    }
    Ok(witness)
}

/// `total` gives a real number.
fn number(text: &Option<String>) -> u64 {
    let whole = text.as_deref().and_then(|it| it.split('.').next());
    whole.and_then(|it| it.parse().ok()).unwrap_or_default()
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

const TABLES: &str = "SELECT name FROM pragma_table_list \
     WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

const DEPENDENTS: &str = "SELECT name, tbl_name FROM sqlite_schema \
     WHERE type IN ('index', 'trigger') AND sql IS NOT NULL";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rebuild_is_recognised_by_its_four_steps() {
        let speech = Speech::of(
            "PRAGMA foreign_keys=OFF;CREATE TABLE `__new_t` (a);INSERT INTO `__new_t`(a) SELECT a FROM `t`;\
             DROP TABLE `t`;ALTER TABLE `__new_t` RENAME TO `t`;PRAGMA foreign_keys=ON;",
        );
        assert_eq!(speech.rebuilt, ["t"]);
        assert!(speech.without_foreign_keys);
        let speech = Speech::of("CREATE TABLE n (a); DROP TABLE t; ALTER TABLE n RENAME TO t");
        assert!(speech.rebuilt.is_empty() && !speech.without_foreign_keys);
    }
}
