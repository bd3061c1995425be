//! MySQL changes as SQL, in the words of drizzle-kit 0.31.11 (`src/sqlgenerator.ts`).
//!
//! The text is the kit's, byte for byte, except where the kit's text fails or does not say what the
//! schema says; `cases/known-differences.md` lists those.

pub mod alteration;
pub mod online;
pub mod removal;

use super::diff::{Change, Diff, Modification, UniqueOn};
use super::grammar::{default_value, quote_ident as quote};
use super::snapshot::{Check, Column, ForeignKey, PrimaryKey, Table, View};
use crate::drizzle::javascript;
use crate::pair::Pair;
use crate::plan::{Hazard, Statement};
use crate::rename::Rename;

/// The statements of a whole diff, in order; drizzle-kit writes equal statements once.
pub fn statements(diff: &Diff<'_>) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    for statement in diff.changes.iter().flat_map(render) {
        if statements.iter().all(|it| it.sql != statement.sql) {
            statements.push(statement);
        }
    }
    statements
}

/// The statements of one change.
pub fn render(change: &Change<'_>) -> Vec<Statement> {
    let sql = match change {
        Change::CreateTable { table, uniques } => create_table(table, uniques),
        Change::DropTable(it) => {
            return vec![deleting(format!("DROP TABLE {};", quote(&it.name)), &it.name)];
        }
        Change::Rename(it) => rename(it),
        Change::DropView(it) => format!("DROP VIEW {};", quote(&it.name)),
        Change::AlterView(it) => alter_view(it),
        Change::DropUnique { table, name } => alter(table, &format!("DROP INDEX {}", quote(name))),
        Change::DropIndex { table, name } => {
            format!("DROP INDEX {} ON {};", quote(name), quote(table))
        }
        Change::DropCheck { table, name } => {
            alter(table, &format!("DROP CONSTRAINT {}", quote(name)))
        }
        Change::DropForeignKey { table, name } => {
            format!("{}\n", alter(table, &format!("DROP FOREIGN KEY {}", quote(name))))
        }
        Change::DropPrimaryKey { table } => alter(table, "DROP PRIMARY KEY"),
        Change::ModifyColumn { table, columns, modification } => {
            return modify_column(table, *columns, *modification);
        }
        Change::AddPrimaryKey { table, key } => {
            alter(table, &format!("ADD PRIMARY KEY({})", listed(&key.columns)))
        }
        Change::AddColumn { table, column, key } => add_column(table, column, *key),
        Change::AddUnique { table, unique } => alter(table, &format!("ADD {}", constraint(unique))),
        Change::AddForeignKey(it) => add_foreign_key(it),
        Change::CreateIndex { table, index, expressions } => {
            let (name, table) = (quote(&index.name), quote(table));
            format!("CREATE INDEX {name} ON {table} ({});", parts(&index.columns, expressions))
        }
        Change::AddCheck { table, check } => add_check(table, check),
        Change::DropColumn { table, column } => {
            return vec![drop_column(table, column)];
        }
        Change::ReplacePrimaryKey { table, key } => {
            alter(table, &format!("DROP PRIMARY KEY, ADD PRIMARY KEY({})", listed(&key.columns)))
        }
        Change::CreateView { view, replace } => create_view(view, *replace),
    };
    vec![Statement::harmless(sql)]
}

/// Of a table or a view, or of a column.
pub(super) fn rename(it: &Rename) -> String {
    let (old, new) = (quote(it.old_name()), quote(it.new_name()));
    match &it.from[..] {
        [table, _] => alter(table, &format!("RENAME COLUMN {old} TO {new}")),
        _ => format!("RENAME TABLE {old} TO {new};"),
    }
}

fn listed(names: &[String]) -> String {
    names.iter().map(|it| quote(it)).collect::<Vec<_>>().join(",")
}

fn parts(columns: &[String], expressions: &[&str]) -> String {
    let part = |it: &String| match expressions.contains(&it.as_str()) {
        true => it.clone(),
        false => quote(it),
    };
    columns.iter().map(part).collect::<Vec<_>>().join(",")
}

fn alter(table: &str, action: &str) -> String {
    format!("ALTER TABLE {} {action};", quote(table))
}

fn deleting(sql: String, object: &str) -> Statement {
    Statement { sql, hazards: vec![Hazard::DeletesData(format!("drop:{object}"))] }
}

fn create_table(it: &Table, uniques: &[UniqueOn<'_>]) -> String {
    let columns = it.columns.values().map(column);
    let key =
        it.composite_primary_keys.values().take(1).map(|it| {
            format!("CONSTRAINT {} PRIMARY KEY({})", quote(&it.name), listed(&it.columns))
        });
    let uniques = uniques.iter().map(constraint);
    let checks = it.check_constraint.values();
    let checks = checks.map(|it| format!("CONSTRAINT {} CHECK({})", quote(&it.name), it.value));
    let parts = columns.chain(key).chain(uniques).chain(checks);
    let body: Vec<_> = parts.map(|it| format!("\t{it}")).collect();
    format!("CREATE TABLE {} (\n{}\n);\n", quote(&it.name), body.join(",\n"))
}

fn constraint(it: &UniqueOn<'_>) -> String {
    format!("CONSTRAINT {} UNIQUE({})", quote(it.name), parts(it.columns, &it.expressions))
}

/// The clauses of a column, which the kit puts in another order for each kind of statement.
struct Clauses {
    increment: &'static str,
    generated: String,
    not_null: &'static str,
    default: String,
    on_update: &'static str,
}

impl Clauses {
    fn of(it: &Column) -> Self {
        let default = it.default.as_ref();
        let generated = it
            .generated
            .as_ref()
            .map(|it| format!(" GENERATED ALWAYS AS ({}) {}", it.r#as, it.r#type.to_uppercase()));
        let when = |is: bool, clause| if is { clause } else { "" };
        Self {
            increment: when(it.autoincrement == Some(true), " AUTO_INCREMENT"),
            generated: generated.unwrap_or_default(),
            not_null: when(it.not_null, " NOT NULL"),
            default: default
                .map(|value| default_value(&it.r#type, &javascript::text(value)))
                .map_or_else(String::new, |it| format!(" DEFAULT {it}")),
            on_update: when(it.on_update == Some(true), " ON UPDATE CURRENT_TIMESTAMP"),
        }
    }
}

fn column(it: &Column) -> String {
    let Clauses { increment, generated, not_null, default, on_update } = Clauses::of(it);
    let key = if it.primary_key { " PRIMARY KEY" } else { "" };
    let name = quote(&it.name);
    format!("{name} {}{increment}{key}{generated}{not_null}{default}{on_update}", it.r#type)
}

fn add_column(table: &str, it: &Column, of_table: Option<&PrimaryKey>) -> String {
    let Clauses { increment, generated, not_null, default, on_update } = Clauses::of(it);
    let key = if it.primary_key { " PRIMARY KEY" } else { "" };
    let (name, sql_type) = (quote(&it.name), &it.r#type);
    let added =
        format!("ADD {name} {sql_type}{key}{increment}{default}{generated}{not_null}{on_update}");
    let of_table = of_table.map(|it| format!(", ADD PRIMARY KEY({})", listed(&it.columns)));
    alter(table, &format!("{added}{}", of_table.unwrap_or_default()))
}

fn drop_column(table: &str, it: &Column) -> Statement {
    let sql = alter(table, &format!("DROP COLUMN {}", quote(&it.name)));
    if it.generated.as_ref().is_some_and(|it| it.r#type == "virtual") {
        return Statement::harmless(sql);
    }
    deleting(sql, &format!("{table}.{}", it.name))
}

fn modify_column(
    table: &str,
    columns: Pair<&Column>,
    modification: Modification,
) -> Vec<Statement> {
    let Pair { from, to } = columns;
    let is_virtual = |it: &Column| it.generated.as_ref().is_some_and(|it| it.r#type == "virtual");
    let is_replaced = modification == Modification::Regenerate
        || (modification == Modification::Generate && is_virtual(to))
        || (modification == Modification::Degenerate && is_virtual(from));
    if is_replaced {
        let mut dropped = drop_column(table, from);
        if modification == Modification::Regenerate {
            dropped.sql = dropped.sql.replacen("DROP COLUMN", "drop column", 1);
        }
        return vec![dropped, Statement::harmless(add_column(table, to, None))];
    }
    let Clauses { increment, generated, not_null, default, on_update } = Clauses::of(to);
    let (name, sql_type) = (quote(&to.name), &to.r#type);
    let modified = format!(
        "MODIFY COLUMN {name} {sql_type}{increment}{generated}{not_null}{default}{on_update}"
    );
    let retyped = Hazard::DeletesData(format!("retype:{table}.{}", to.name));
    let hazards = Vec::from_iter((modification == Modification::Type).then_some(retyped));
    vec![Statement { sql: alter(table, &modified), hazards }]
}

fn add_foreign_key(it: &ForeignKey) -> String {
    let action = |event: &str, action: &Option<String>| match action.as_deref() {
        None | Some("") => String::new(),
        Some(action) => format!(" ON {event} {action}"),
    };
    let key = format!(
        "ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {}({}){}{}",
        quote(&it.name),
        listed(&it.columns_from),
        quote(&it.table_to),
        listed(&it.columns_to),
        action("DELETE", &it.on_delete),
        action("UPDATE", &it.on_update)
    );
    alter(&it.table_from, &key)
}

fn add_check(table: &str, it: &Check) -> String {
    alter(table, &format!("ADD CONSTRAINT {} CHECK ({})", quote(&it.name), it.value))
}

fn check_option(it: &View) -> String {
    let option = it.with_check_option.as_ref();
    option.map(|it| format!("\nWITH {it} CHECK OPTION")).unwrap_or_default()
}

fn create_view(it: &View, replace: bool) -> String {
    format!(
        "CREATE {}ALGORITHM = {}\nSQL SECURITY {}\nVIEW {} AS ({}){};",
        if replace { "OR REPLACE " } else { "" },
        it.algorithm,
        it.sql_security,
        quote(&it.name),
        it.definition.as_deref().unwrap_or_default(),
        check_option(it)
    )
}

fn alter_view(it: &View) -> String {
    format!(
        "ALTER ALGORITHM = {}\nSQL SECURITY {}\nVIEW {} AS {}{};",
        it.algorithm,
        it.sql_security,
        quote(&it.name),
        it.definition.as_deref().unwrap_or_default(),
        check_option(it)
    )
}
