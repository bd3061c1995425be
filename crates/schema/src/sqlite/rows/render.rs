//! Changes of rows as SQL, in the words of drizzle-kit 1.0.0-rc.5
//! (`src/dialects/sqlite/convertor.ts`).
//!
//! The text is the kit's, byte for byte, except where the kit's text fails or does not say what the
//! schema says; `cases/known-differences.md` lists those.

use super::diff::{Change, Whole};
use super::{Check, Column, ForeignKey, Index, Key};
use crate::pair::Pair;
use crate::plan::{Hazard, Statement};
use crate::rename::Rename;
use crate::sqlite::render::default_value;

/// The statements of all changes, in order.
pub(super) fn statements(changes: &[Change]) -> Vec<Statement> {
    changes.iter().flat_map(render).collect()
}

fn render(change: &Change) -> Vec<Statement> {
    let sql = match change {
        Change::CreateTable(it) => create_table(&it.name, it),
        Change::Rename(it) => rename(it),
        Change::AddColumn { column, key } => add_column(column, key.as_ref()),
        Change::ReplaceColumn { column, key } => {
            let add = Statement::harmless(add_column(column, key.as_ref()));
            return vec![drop_column(column), add];
        }
        Change::RebuildTable(tables) => return rebuild(tables),
        Change::DropIndex(it) => format!("DROP INDEX IF EXISTS {};", quote(&it.name)),
        Change::CreateIndex(it) => create_index(it),
        Change::DropTable(it) => return vec![drop_table(&it.name)],
        Change::DropColumn(it) => return vec![drop_column(it)],
        Change::DropView(it) => format!("DROP VIEW {};", quote(&it.name)),
        Change::CreateView(it) => {
            let definition = it.definition.as_deref().unwrap_or_default();
            format!("CREATE VIEW {} AS {definition};", quote(&it.name))
        }
    };
    vec![Statement::harmless(sql)]
}

fn rename(it: &Rename) -> String {
    let (old, new) = (quote(it.old_name()), quote(it.new_name()));
    match &it.from[..] {
        [table, _] => format!("ALTER TABLE {} RENAME COLUMN {old} TO {new};", quote(table)),
        _ => format!("ALTER TABLE {old} RENAME TO {new};"),
    }
}

/// An identifier. drizzle-kit does not escape backticks inside.
fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn listed(names: &[String], separator: &str) -> String {
    names.iter().map(|it| quote(it)).collect::<Vec<_>>().join(separator)
}

fn deleting(sql: String, object: &str) -> Statement {
    Statement { sql, hazards: vec![Hazard::DeletesData(format!("drop:{object}"))] }
}

fn drop_table(name: &str) -> Statement {
    deleting(format!("DROP TABLE {};", quote(name)), name)
}

fn drop_column(it: &Column) -> Statement {
    let sql = format!("ALTER TABLE {} DROP COLUMN {};", quote(&it.table), quote(&it.name));
    deleting(sql, &format!("{}.{}", it.table, it.name))
}

fn create_table(name: &str, it: &Whole) -> String {
    let mut parts: Vec<_> = it.columns.iter().map(|column| create_column(column, it)).collect();
    let key = it.key.as_ref().filter(|it| it.columns.len() > 1 || it.name_explicit);
    parts.extend(key.map(|it| {
        format!("CONSTRAINT {} PRIMARY KEY({})", quote(&it.name), listed(&it.columns, ", "))
    }));
    parts.extend(it.references.iter().map(foreign_key));
    let uniques = it.uniques.iter().filter(|it| it.columns.len() > 1);
    parts.extend(
        uniques.map(|it| {
            format!("CONSTRAINT {} UNIQUE({})", quote(&it.name), listed(&it.columns, ","))
        }),
    );
    parts.extend(it.checks.iter().map(check));
    let body: Vec<_> = parts.iter().map(|it| format!("\t{it}")).collect();
    format!("CREATE TABLE {} (\n{}\n);\n", quote(name), body.join(",\n"))
}

fn create_column(it: &Column, table: &Whole) -> String {
    let is_of = |key: &&Key| key.columns == [it.name.clone()];
    let key = table.key.as_ref().filter(is_of);
    let is_integer = it.r#type.to_lowercase().starts_with("int");
    let not_null = it.not_null && !(key.is_some() && is_integer);
    let unique = table.uniques.iter().find(is_of).map(|it| match it.name_explicit {
        true => format!(" CONSTRAINT {} UNIQUE", quote(&it.name)),
        false => " UNIQUE".to_owned(),
    });
    let default = it.default.as_deref().filter(|it| !it.is_empty());
    [
        format!("{} {}", quote(&it.name), it.r#type),
        (if key.is_some_and(|it| !it.name_explicit) { " PRIMARY KEY" } else { "" }).to_owned(),
        (if it.autoincrement == Some(true) { " AUTOINCREMENT" } else { "" }).to_owned(),
        default.map(|it| format!(" DEFAULT {}", default_value(it))).unwrap_or_default(),
        generated(it),
        (if not_null { " NOT NULL" } else { "" }).to_owned(),
        unique.unwrap_or_default(),
    ]
    .concat()
}

fn generated(it: &Column) -> String {
    let generated = it.generated.as_ref();
    let clause = generated
        .map(|it| format!(" GENERATED ALWAYS AS {} {}", it.r#as, it.r#type.to_uppercase()));
    clause.unwrap_or_default()
}

fn actions(it: &ForeignKey) -> String {
    let action = |event: &str, action: &str| match action {
        "" | "NO ACTION" => String::new(),
        action => format!(" ON {event} {action}"),
    };
    format!("{}{}", action("UPDATE", &it.on_update), action("DELETE", &it.on_delete))
}

fn foreign_key(it: &ForeignKey) -> String {
    format!(
        "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {}({}){}",
        quote(&it.name),
        listed(&it.columns, ","),
        quote(&it.table_to),
        listed(&it.columns_to, ","),
        actions(it)
    )
}

fn check(it: &Check) -> String {
    format!("CONSTRAINT \"{}\" CHECK({})", it.name.replace('"', "\"\""), it.value)
}

fn add_column(it: &Column, key: Option<&ForeignKey>) -> String {
    let default = it.default.as_ref().map(|it| format!(" DEFAULT {}", default_value(it)));
    let not_null = if it.not_null { " NOT NULL" } else { "" };
    let reference = key.map(|key| {
        let name = key.name_explicit.then(|| format!(" CONSTRAINT {}", quote(&key.name)));
        let columns: Vec<_> = key.columns_to.iter().map(|it| bare(it)).collect();
        format!(
            "{} REFERENCES {}({}){}",
            name.unwrap_or_default(),
            bare(&key.table_to),
            columns.join(","),
            actions(key)
        )
    });
    format!(
        "ALTER TABLE {} ADD {} {}{}{}{not_null}{};",
        quote(&it.table),
        quote(&it.name),
        it.r#type,
        default.unwrap_or_default(),
        generated(it),
        reference.unwrap_or_default()
    )
}

/// The kit does not quote names here; those that need it are.
fn bare(name: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '_';
    match name.chars().all(is_plain) && !name.starts_with(|it: char| it.is_ascii_digit()) {
        true => name.to_owned(),
        false => quote(name),
    }
}

fn create_index(it: &Index) -> String {
    let kind = if it.is_unique { "UNIQUE INDEX" } else { "INDEX" };
    let column = |it: &super::IndexColumn| match it.is_expression {
        true => it.value.clone(),
        false => quote(&it.value),
    };
    let columns: Vec<_> = it.columns.iter().map(column).collect();
    let condition = it.condition.as_ref().map(|it| format!(" WHERE {it}")).unwrap_or_default();
    let (name, table) = (quote(&it.name), quote(&it.table));
    format!("CREATE {kind} {name} ON {table} ({}){condition};", columns.join(","))
}

/// A new table takes the rows and the place of the old one.
fn rebuild(tables: &Pair<Whole>) -> Vec<Statement> {
    let Pair { from, to } = tables;
    let new = format!("__new_{}", to.name);
    let is_kept = |column: &&Column| {
        let now = to.columns.iter().find(|it| it.name == column.name);
        now.is_some_and(|it| it.generated.is_none())
    };
    let kept: Vec<_> = from.columns.iter().filter(is_kept).map(|it| quote(&it.name)).collect();
    let kept = kept.join(", ");
    let lost = from.columns.iter().filter(|it| it.generated.is_none());
    let lost = lost.filter(|column| !to.columns.iter().any(|it| it.name == column.name));
    let hazards =
        lost.map(|it| Hazard::DeletesData(format!("drop:{}.{}", to.name, it.name))).collect();
    let drop = format!("DROP TABLE {};", quote(&to.name));
    vec![
        Statement::harmless("PRAGMA foreign_keys=OFF;"),
        Statement::harmless(create_table(&new, to)),
        Statement::harmless(format!(
            "INSERT INTO {}({kept}) SELECT {kept} FROM {};",
            quote(&new),
            quote(&to.name)
        )),
        Statement { sql: drop, hazards },
        Statement::harmless(format!("ALTER TABLE {} RENAME TO {};", quote(&new), quote(&to.name))),
        Statement::harmless("PRAGMA foreign_keys=ON;"),
    ]
}
