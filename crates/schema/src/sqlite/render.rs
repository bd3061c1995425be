//! SQLite changes as SQL, in the words of drizzle-kit 0.31.11 (`src/sqlgenerator.ts`).
//!
//! The text is the kit's, byte for byte, except where the kit's text fails or does not say what the
//! schema says; `cases/known-differences.md` lists those.

pub mod alteration;
pub mod removal;

use super::diff::{Change, Diff, IndexOn};
use super::snapshot::{Check, Column, ForeignKey, Table};
use super::token::tokens;
use crate::drizzle::javascript;
use crate::pair::Pair;
use crate::plan::{Hazard, Statement};
use crate::rename::Rename;
use crate::token::{Token, TokenKind};

/// The statements of a whole diff, in order. drizzle-kit drops repeated statements, which leaves the
/// foreign keys on for all rebuilds but the first.
pub fn statements(diff: &Diff<'_>) -> Vec<Statement> {
    diff.changes.iter().flat_map(render).collect()
}

/// The statements of one change.
pub fn render(change: &Change<'_>) -> Vec<Statement> {
    let sql = match change {
        Change::CreateTable(it) => create_table(&it.name, it),
        Change::DropTable(it) => return vec![drop_table(it)],
        Change::Rename(it) => rename(it),
        Change::DropIndex(it) => format!("DROP INDEX {};", quote(&it.name)),
        Change::RebuildTable(tables) => return rebuild(*tables),
        Change::ReplaceColumn { table, column } => {
            let add = Statement::harmless(add_column(table, column, None));
            return vec![drop_column(table, column), add];
        }
        Change::AddColumn { table, column, references } => add_column(table, column, *references),
        Change::CreateIndex(it) => create_index(it),
        Change::DropColumn { table, column } => return vec![drop_column(table, column)],
        Change::DropView(it) => format!("DROP VIEW {};", quote(&it.name)),
        Change::CreateView(it) => {
            let definition = it.definition.as_deref().unwrap_or_default();
            format!("CREATE VIEW {} AS {definition};", quote(&it.name))
        }
    };
    vec![Statement::harmless(sql)]
}

fn rename(it: &Rename) -> String {
    match (&it.from[..], &it.to[..]) {
        ([table, old], [.., new]) => {
            let (old, new) = (double_quoted(old), double_quoted(new));
            format!("ALTER TABLE {} RENAME COLUMN {old} TO {new};", quote(table))
        }
        _ => format!("ALTER TABLE {} RENAME TO {};", quote(it.old_name()), quote(it.new_name())),
    }
}

/// An identifier. drizzle-kit does not escape backticks inside.
fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn double_quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn listed(names: &[String], separator: &str) -> String {
    names.iter().map(|it| quote(it)).collect::<Vec<_>>().join(separator)
}

fn create_table(name: &str, it: &Table) -> String {
    let columns = it.columns.values().map(column);
    let keys = it.composite_primary_keys.values();
    let keys = keys.map(|it| format!("PRIMARY KEY({})", listed(&it.columns, ", ")));
    let references = it.foreign_keys.values().map(foreign_key);
    let uniques = it.unique_constraints.values();
    let uniques =
        uniques.map(|it| format!("CONSTRAINT {} UNIQUE({})", it.name, listed(&it.columns, ",")));
    let checks = it.check_constraints.values().map(check);
    let parts = columns.chain(keys).chain(references).chain(uniques).chain(checks);
    let body: Vec<_> = parts.map(|it| format!("\t{it}")).collect();
    format!("CREATE TABLE {} (\n{}\n);\n", quote(name), body.join(",\n"))
}

fn column(it: &Column) -> String {
    [
        format!("{} {}", quote(&it.name), it.r#type),
        (if it.primary_key { " PRIMARY KEY" } else { "" }).to_owned(),
        (if it.autoincrement { " AUTOINCREMENT" } else { "" }).to_owned(),
        value(it),
    ]
    .concat()
}

/// Default, generated expression and nullability.
fn value(it: &Column) -> String {
    let default = it.default.as_ref();
    let default = default.map(|it| format!(" DEFAULT {}", default_value(&javascript::text(it))));
    let generated = it
        .generated
        .as_ref()
        .map(|it| format!(" GENERATED ALWAYS AS {} {}", it.r#as, it.r#type.to_uppercase()));
    let not_null = if it.not_null { " NOT NULL" } else { "" };
    format!("{}{}{not_null}", default.unwrap_or_default(), generated.unwrap_or_default())
}

/// A default as SQLite takes it: drizzle-kit puts texts between quotes as they are, and expressions
/// without parentheses.
pub(in crate::sqlite) fn default_value(text: &str) -> String {
    let inner = text.strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
    let Ok(tokens) = tokens(text) else {
        return inner.map_or_else(|| text.to_owned(), literal);
    };
    let is_sign = |it: &Token<'_>| it.is_symbol('-') || it.is_symbol('+');
    match tokens.as_slice() {
        [] | [_] => text.to_owned(),
        _ if text.parse::<f64>().is_ok() => text.to_owned(),
        [sign, _] if is_sign(sign) => text.to_owned(),
        [first, .., last] if first.is_symbol('(') && last.is_symbol(')') => text.to_owned(),
        [first, ..] if first.kind == TokenKind::Text && first.text.starts_with('\'') => {
            // What goes on after the first literal as a word was meant to be in it.
            let goes_on = tokens.get(1).is_some_and(|it| {
                it.start == first.end() && matches!(it.kind, TokenKind::Word | TokenKind::Number)
            });
            match inner.filter(|_| goes_on) {
                Some(inner) => literal(inner),
                None => format!("({text})"),
            }
        }
        _ => format!("({text})"),
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn foreign_key(it: &ForeignKey) -> String {
    format!(
        "FOREIGN KEY ({}) REFERENCES {}({}){}{}",
        listed(&it.columns_from, ","),
        quote(&it.table_to),
        listed(&it.columns_to, ","),
        action("UPDATE", it.on_update.as_deref()),
        action("DELETE", it.on_delete.as_deref())
    )
}

fn action(event: &str, action: Option<&str>) -> String {
    match action {
        None | Some("") => String::new(),
        Some(action) => format!(" ON {event} {action}"),
    }
}

fn check(it: &Check) -> String {
    format!("CONSTRAINT {} CHECK({})", double_quoted(&it.name), it.value)
}

fn drop_table(it: &Table) -> Statement {
    deleting(format!("DROP TABLE {};", quote(&it.name)), &it.name)
}

fn drop_column(table: &Table, it: &Column) -> Statement {
    let sql = format!("ALTER TABLE {} DROP COLUMN {};", quote(&table.name), quote(&it.name));
    deleting(sql, &format!("{}.{}", table.name, it.name))
}

fn deleting(sql: String, object: &str) -> Statement {
    Statement { sql, hazards: vec![Hazard::DeletesData(format!("drop:{object}"))] }
}

fn add_column(table: &Table, it: &Column, references: Option<&ForeignKey>) -> String {
    let key = if it.primary_key { " PRIMARY KEY" } else { "" };
    format!(
        "ALTER TABLE {} ADD {} {}{key}{}{};",
        quote(&table.name),
        quote(&it.name),
        it.r#type,
        value(it),
        references.map(added_reference).unwrap_or_default()
    )
}

/// drizzle-kit neither quotes here nor says what happens on deletion; the first is kept where it
/// does no harm.
fn added_reference(it: &ForeignKey) -> String {
    let name = |name: &String| if is_plain(name) { name.clone() } else { quote(name) };
    let columns: Vec<_> = it.columns_to.iter().map(name).collect();
    let said = |it: &Option<String>| it.clone().filter(|it| it != "no action");
    format!(
        " REFERENCES {}({}){}{}",
        name(&it.table_to),
        columns.join(","),
        action("UPDATE", said(&it.on_update).as_deref()),
        action("DELETE", said(&it.on_delete).as_deref())
    )
}

/// Whether a name is certainly no keyword and needs no quotes.
fn is_plain(name: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "add",
        "all",
        "alter",
        "and",
        "as",
        "autoincrement",
        "between",
        "case",
        "check",
        "collate",
        "commit",
        "constraint",
        "create",
        "default",
        "deferrable",
        "delete",
        "distinct",
        "drop",
        "else",
        "escape",
        "except",
        "exists",
        "foreign",
        "from",
        "group",
        "having",
        "in",
        "index",
        "insert",
        "intersect",
        "into",
        "is",
        "isnull",
        "join",
        "limit",
        "not",
        "nothing",
        "notnull",
        "null",
        "on",
        "or",
        "order",
        "primary",
        "references",
        "returning",
        "select",
        "set",
        "table",
        "then",
        "to",
        "transaction",
        "union",
        "unique",
        "update",
        "using",
        "values",
        "when",
        "where",
    ];
    let letters = |it: char| it.is_ascii_alphanumeric() || it == '_';
    name.chars().all(letters)
        && !name.starts_with(|it: char| it.is_ascii_digit())
        && !KEYWORDS.contains(&name.to_lowercase().as_str())
}

fn create_index(it: &IndexOn<'_>) -> String {
    let kind = if it.index.is_unique { "UNIQUE INDEX" } else { "INDEX" };
    let part = |part: &String| match it.expressions.contains(&part.as_str()) {
        true => part.clone(),
        false => quote(part),
    };
    let parts: Vec<_> = it.index.columns.iter().map(part).collect();
    let condition = it.index.condition.as_deref().filter(|it| !it.is_empty());
    let condition = condition.map(|it| format!(" WHERE {it}")).unwrap_or_default();
    let (name, table) = (quote(&it.index.name), quote(&it.table.name));
    format!("CREATE {kind} {name} ON {table} ({}){condition};", parts.join(","))
}

fn rebuild(tables: Pair<&Table>) -> Vec<Statement> {
    let Pair { from, to } = tables;
    let new_name = format!("__new_{}", to.name);
    let (old, new) = (quote(&to.name), quote(&new_name));
    // drizzle-kit also copies what the old table does not have, or what SQLite computes.
    let copied = to.columns.values().filter(|it| it.generated.is_none());
    let copied = copied.filter(|it| from.columns.contains_key(&it.name));
    let columns: Vec<_> = copied.map(|it| double_quoted(&it.name)).collect();
    let columns = columns.join(", ");
    let lost = from.columns.keys().filter(|it| !to.columns.contains_key(*it));
    let lost = lost.map(|it| Hazard::DeletesData(format!("drop:{}.{it}", to.name)));
    let rewrites = vec![Hazard::RewritesTable(to.name.clone())];
    let copy = format!("INSERT INTO {new}({columns}) SELECT {columns} FROM {old};");
    vec![
        Statement::harmless("PRAGMA foreign_keys=OFF;"),
        Statement::harmless(create_table(&new_name, &with_name_in_checks(to, &new_name))),
        Statement { sql: copy, hazards: rewrites },
        Statement { sql: format!("DROP TABLE {old};"), hazards: lost.collect() },
        Statement::harmless(format!("ALTER TABLE {new} RENAME TO {old};")),
        Statement::harmless("PRAGMA foreign_keys=ON;"),
    ]
}

/// Checks name their table, so they have to name the new one until it is renamed.
fn with_name_in_checks(table: &Table, new_name: &str) -> Table {
    let mut table = table.clone();
    for check in table.check_constraints.values_mut() {
        for (open, close) in [("\"", "\"."), ("`", "`."), ("", "."), ("'", "'.")] {
            let old = format!("{open}{}{close}", table.name);
            check.value = check.value.replace(&old, &format!("{open}{new_name}{close}"));
        }
    }
    table
}
