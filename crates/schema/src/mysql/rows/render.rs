//! Changes of rows as SQL, in the words of drizzle-kit 1.0.0-rc.5 (`src/dialects/mysql/convertor.ts`).
//!
//! The text is the kit's, byte for byte, except where the kit's text fails or does not say what the
//! schema says; `cases/known-differences.md` lists those.

use super::super::grammar::{default_value, quote_ident as quote};
use super::super::render::rename;
use super::diff::{Change, Diff, FullTable};
use super::{Column, ForeignKey, Index, IndexColumn, View};
use crate::plan::{Hazard, Statement};

/// The statements of a whole diff, in order.
pub(super) fn statements(diff: &Diff) -> Vec<Statement> {
    diff.changes.iter().flat_map(render).collect()
}

/// The statements of one change.
pub(super) fn render(change: &Change) -> Vec<Statement> {
    let sql = match change {
        Change::CreateTable(it) => create_table(it),
        Change::DropForeignKey { key, with_index } => return drop_foreign_key(key, *with_index),
        Change::DropTable(name) => {
            return vec![deleting(format!("DROP TABLE {};", quote(name)), name)];
        }
        Change::Rename(it) => rename(it),
        Change::DropView(name) => format!("DROP VIEW {};", quote(name)),
        Change::AlterView(it) => view("ALTER", it, it.definition.clone()),
        Change::DropCheck(it) => alter(&it.table, &format!("DROP CONSTRAINT {}", quote(&it.name))),
        Change::DropIndex(it) => format!("DROP INDEX {} ON {};", quote(&it.name), quote(&it.table)),
        Change::DropPrimaryKey(table) => alter(table, "DROP PRIMARY KEY"),
        Change::AlterColumn { columns, becomes_key } => {
            let retyped = columns.from.r#type != columns.to.r#type;
            return vec![alter_column(&columns.to, *becomes_key, retyped)];
        }
        Change::RecreateColumn { columns, is_key } => {
            let added = Statement::harmless(add_column(&columns.to, *is_key));
            return vec![drop_column(&columns.from), added];
        }
        Change::AddColumn { column, is_key } => add_column(column, *is_key),
        Change::AddPrimaryKey(it) => {
            alter(&it.table, &format!("ADD PRIMARY KEY ({})", listed(&it.columns)))
        }
        Change::CreateIndex(it) => create_index(it),
        Change::AddForeignKey(it) => {
            alter(&it.table, &format!("ADD {}{}", foreign_key(it), actions(it)))
        }
        Change::AddCheck(it) => {
            alter(&it.table, &format!("ADD CONSTRAINT {} CHECK ({})", quote(&it.name), it.value))
        }
        Change::DropColumn(it) => return vec![drop_column(it)],
        Change::CreateView { view: it, replace } => {
            let word = if *replace { "CREATE OR REPLACE" } else { "CREATE" };
            view(word, it, format!("({})", it.definition))
        }
    };
    vec![Statement::harmless(sql)]
}

fn listed(names: &[String]) -> String {
    names.iter().map(|it| quote(it)).collect::<Vec<_>>().join(",")
}

fn parts(columns: &[IndexColumn]) -> String {
    let part = |it: &IndexColumn| match it.is_expression {
        true => it.value.clone(),
        false => quote(&it.value),
    };
    columns.iter().map(part).collect::<Vec<_>>().join(",")
}

fn alter(table: &str, action: &str) -> String {
    format!("ALTER TABLE {} {action};", quote(table))
}

fn deleting(sql: String, object: &str) -> Statement {
    Statement { sql, hazards: vec![Hazard::DeletesData(format!("drop:{object}"))] }
}

fn create_table(it: &FullTable) -> String {
    let single = it.key.as_ref().filter(|it| it.columns.len() == 1);
    let is_key = |column: &Column| single.is_some_and(|it| it.columns[0] == column.name);
    let columns = it.columns.iter().map(|it| column(it, is_key(it)));
    let key = it.key.iter().filter(|it| it.columns.len() > 1);
    let key = key.map(|it| format!("CONSTRAINT PRIMARY KEY({})", listed(&it.columns)));
    let uniques = it
        .uniques
        .iter()
        .map(|it| format!("CONSTRAINT {} UNIQUE INDEX({})", quote(&it.name), parts(&it.columns)));
    // The kit forgets the actions here.
    let keys = it.foreign_keys.iter().map(|it| format!("{}{}", foreign_key(it), actions(it)));
    let checks = it.checks.iter();
    let checks = checks.map(|it| format!("CONSTRAINT {} CHECK({})", quote(&it.name), it.value));
    let all = columns.chain(key).chain(uniques).chain(keys).chain(checks);
    let body: Vec<_> = all.map(|it| format!("\t{it}")).collect();
    format!("CREATE TABLE {} (\n{}\n);\n", quote(&it.name), body.join(",\n"))
}

/// The clauses of a column, which the kit puts in another order for each kind of statement.
struct Clauses {
    sql_type: String,
    generated: String,
    default: String,
    on_update: String,
}

impl Clauses {
    fn of(it: &Column) -> Self {
        let clause = |words: &str, it: &Option<String>| {
            it.as_ref().filter(|it| !it.is_empty()).map(|it| format!(" {words} {it}"))
        };
        let char_set = clause("CHARACTER SET", &it.char_set).unwrap_or_default();
        let collation = clause("COLLATE", &it.collation).unwrap_or_default();
        let generated = it
            .generated
            .as_ref()
            .map(|it| format!(" GENERATED ALWAYS AS ({}) {}", it.r#as, it.r#type.to_uppercase()));
        let digits = it.on_update_now_fsp.filter(|it| *it != 0).map(|it| format!("({it})"));
        let on_update = format!(" ON UPDATE CURRENT_TIMESTAMP{}", digits.unwrap_or_default());
        Self {
            sql_type: format!("{}{char_set}{collation}", it.r#type),
            generated: generated.unwrap_or_default(),
            default: it
                .default
                .as_ref()
                .map(|value| format!(" DEFAULT {}", default_value(&it.r#type, value)))
                .unwrap_or_default(),
            on_update: if it.on_update_now { on_update } else { String::new() },
        }
    }
}

fn when(is: bool, clause: &'static str) -> &'static str {
    if is { clause } else { "" }
}

fn column(it: &Column, is_key: bool) -> String {
    let Clauses { sql_type, generated, default, on_update } = Clauses::of(it);
    let increment = when(it.auto_increment && it.r#type != "serial", " AUTO_INCREMENT");
    let key = when(is_key, " PRIMARY KEY");
    let not_null = when(it.not_null && !is_key, " NOT NULL");
    let name = quote(&it.name);
    format!("{name} {sql_type}{increment}{key}{generated}{not_null}{default}{on_update}")
}

/// A column as `ADD` and `MODIFY COLUMN` have it.
fn altered(it: &Column, is_key: bool) -> String {
    let Clauses { sql_type, generated, default, on_update } = Clauses::of(it);
    let increment = when(it.auto_increment, " AUTO_INCREMENT");
    let key = when(is_key, " PRIMARY KEY");
    let not_null = when(it.not_null, " NOT NULL");
    let name = quote(&it.name);
    format!("{name} {sql_type}{key}{increment}{default}{generated}{not_null}{on_update}")
}

fn add_column(it: &Column, is_key: bool) -> String {
    alter(&it.table, &format!("ADD {}", altered(it, is_key)))
}

fn alter_column(it: &Column, becomes_key: bool, retyped: bool) -> Statement {
    let hazard = Hazard::DeletesData(format!("retype:{}.{}", it.table, it.name));
    let sql = alter(&it.table, &format!("MODIFY COLUMN {}", altered(it, becomes_key)));
    Statement { sql, hazards: Vec::from_iter(retyped.then_some(hazard)) }
}

fn drop_column(it: &Column) -> Statement {
    let sql = alter(&it.table, &format!("DROP COLUMN {}", quote(&it.name)));
    match it.generated.as_ref().is_some_and(|it| it.r#type == "virtual") {
        true => Statement::harmless(sql),
        false => deleting(sql, &format!("{}.{}", it.table, it.name)),
    }
}

fn create_index(it: &Index) -> String {
    let kind = if it.is_unique { "UNIQUE INDEX" } else { "INDEX" };
    let (name, table) = (quote(&it.name), quote(&it.table));
    format!("CREATE {kind} {name} ON {table} ({});", parts(&it.columns))
}

fn foreign_key(it: &ForeignKey) -> String {
    format!(
        "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {}({})",
        quote(&it.name),
        listed(&it.columns),
        quote(&it.table_to),
        listed(&it.columns_to)
    )
}

fn actions(it: &ForeignKey) -> String {
    let action = |event: &str, action: &Option<String>| match action.as_deref() {
        None | Some("NO ACTION") => String::new(),
        Some(action) => format!(" ON {event} {action}"),
    };
    format!("{}{}", action("DELETE", &it.on_delete), action("UPDATE", &it.on_update))
}

/// The index that MySQL made for the key goes with it.
fn drop_foreign_key(it: &ForeignKey, with_index: bool) -> Vec<Statement> {
    let key = alter(&it.table, &format!("DROP CONSTRAINT {}", quote(&it.name)));
    let index = format!("DROP INDEX {} ON {}", quote(&it.name), quote(&it.table));
    let index = with_index.then(|| Statement::harmless(index));
    [Statement::harmless(key)].into_iter().chain(index).collect()
}

fn view(word: &str, it: &View, definition: String) -> String {
    let option = it.with_check_option.as_ref();
    let option = option.map(|it| format!(" WITH {it} CHECK OPTION")).unwrap_or_default();
    format!(
        "{word} ALGORITHM = {} SQL SECURITY {} VIEW {} AS {definition}{option};",
        it.algorithm,
        it.sql_security,
        quote(&it.name)
    )
}
