//! PostgreSQL changes as SQL, in the words of drizzle-kit 0.31.11 (`src/sqlgenerator.ts`).
//!
//! The text is the kit's, byte for byte, except where the kit's text fails or does not say what the
//! schema says; `cases/known-differences.md` lists those.

pub mod about;
pub mod alteration;
pub(super) mod column;
mod default;
pub mod online;
pub mod removal;
mod rename;
pub(super) mod sequence;

use serde_json::Value;

use self::column::{add_column, alter_column, create_column};
use self::sequence::Move;
use super::diff::enums::EnumColumn;
use super::diff::views::ViewAlteration;
use super::diff::{Change, Diff, Dropped, named};
use super::snapshot::{
    Check, Column, Enum, ForeignKey, Index, IndexColumn, Policy, PrimaryKey, Role, Sequence, Table,
    Unique, View,
};
use crate::drizzle::javascript;
use crate::order::without_repeats;
use crate::pair::Pair;
use crate::plan::{Hazard, Statement};
use crate::postgres::token::tokens;
use crate::token::Token;

/// The statements of a whole diff, in order.
pub fn statements(diff: &Diff<'_>) -> Vec<Statement> {
    without_repeats(diff.changes.iter().flat_map(render).collect())
}

/// The statements of one change.
pub fn render(change: &Change<'_>) -> Vec<Statement> {
    let sql = match change {
        Change::Rename(it) => rename::renamed(*it),
        Change::Move(it) => rename::moved(*it),
        Change::CreateSchema(name) => format!("CREATE SCHEMA {};\n", quote(name)),
        Change::CreateEnum(it) => create_enum(it),
        Change::AddEnumValue { to, value, before } => add_enum_value(to, value, *before),
        Change::CreateSequence(it) => {
            format!("CREATE SEQUENCE {}{};", qualified(&it.schema, &it.name), options(it))
        }
        Change::AlterSequence(it) => return alter_sequence(*it),
        Change::DropRole(it) => format!("DROP ROLE {};", quote(&it.name)),
        Change::CreateRole(it) => create_role(it),
        Change::AlterRole(it) => alter_role(it),
        Change::CreateTable(it) => return create_table(it),
        Change::EnableRls(it) => enable_rls(it),
        Change::DisableRls(it) => alter_table(it, "DISABLE ROW LEVEL SECURITY"),
        Change::DropView(it) => drop_view(*it),
        Change::AlterView { view, alteration } => alter_view(view, alteration),
        Change::DropTable(it) => return drop_table(it),
        Change::DropUnique { table, unique } => drop_constraint(table, &unique.name),
        Change::DropCheck { table, check } => drop_constraint(table, &check.name),
        Change::DropForeignKey { table, key } => {
            format!("{}\n", drop_constraint(table, &key.name))
        }
        Change::RebuildEnum { to, columns } => return rebuild_enum(to, columns),
        Change::DropIndex { table, index } => {
            format!("DROP INDEX {};", qualified(&table.schema, &index.name))
        }
        Change::DropPrimaryKey { table, key } => drop_constraint(table, &key.name),
        Change::AlterColumn { table, columns, alteration } => {
            return alter_column(table, *columns, *alteration);
        }
        Change::AddPrimaryKey { table, key } => add_primary_key(table, key),
        Change::AddColumn { table, column } => add_column(table, column),
        Change::AddForeignKey { table, key, .. } => add_foreign_key(table, key),
        Change::CreateIndex { table, index, .. } => create_index(table, index),
        Change::DropColumn { table, column } => return drop_column(table, column),
        Change::ReplacePrimaryKey { table, keys } => return replace_primary_key(table, *keys),
        Change::AddUnique { table, unique } => {
            alter_table(table, &format!("ADD {}", self::unique(unique)))
        }
        Change::AddCheck { table, check } => {
            alter_table(table, &format!("ADD {}", self::check(check)))
        }
        Change::CreateView(it) => create_view(it),
        Change::DropPolicy { table, policy } => drop_policy(policy, &table_name(table)),
        Change::CreatePolicy { table, policy } => create_policy(policy, &table_name(table)),
        Change::AlterPolicy { table, policies } => alter_policy(*policies, &table_name(table)),
        Change::DropLinkedPolicy(it) => drop_policy(it, linked_table(it)),
        Change::CreateLinkedPolicy(it) => create_policy(it, linked_table(it)),
        Change::AlterLinkedPolicy(it) => alter_policy(*it, linked_table(it.to)),
        Change::DropEnum(it) => format!("DROP TYPE {};", qualified(&it.schema, &it.name)),
        Change::DropSequence(it) => return drop_sequence(it),
        Change::DropSchema(name) => format!("DROP SCHEMA {};\n", quote(name)),
    };
    vec![Statement::harmless(sql)]
}

/// An identifier. drizzle-kit does not escape quotes inside.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(super) fn qualified(schema: &str, name: &str) -> String {
    match schema {
        "" => quote(name),
        schema => format!("{}.{}", quote(schema), quote(name)),
    }
}

fn table_name(table: &Table) -> String {
    qualified(&table.schema, &table.name)
}

pub(super) fn alter_table(table: &Table, action: &str) -> String {
    format!("ALTER TABLE {} {action};", table_name(table))
}

fn listed(columns: &[String]) -> String {
    columns.iter().map(|it| quote(it)).collect::<Vec<_>>().join(",")
}

fn create_enum(it: &Enum) -> String {
    let values: Vec<_> = it.values.iter().map(|it| literal(it)).collect();
    format!("CREATE TYPE {} AS ENUM({});", qualified(&it.schema, &it.name), values.join(", "))
}

fn add_enum_value(it: &Enum, value: &str, before: Option<&str>) -> String {
    let name = qualified(&it.schema, &it.name);
    let before = before.map(|it| format!(" BEFORE {}", literal(it))).unwrap_or_default();
    format!("ALTER TYPE {name} ADD VALUE {}{before};", literal(value))
}

pub(super) fn options(it: &Sequence) -> String {
    let option = |name: &str, value: &Option<String>| match value.as_deref() {
        None | Some("") => String::new(),
        Some(value) => format!(" {name} {value}"),
    };
    [
        option("INCREMENT BY", &it.increment),
        option("MINVALUE", &it.min_value),
        option("MAXVALUE", &it.max_value),
        option("START WITH", &it.start_with),
        option("CACHE", &it.cache),
        (if it.cycle == Some(true) { " CYCLE" } else { "" }).to_owned(),
    ]
    .concat()
}

/// Builds a type anew that has fewer values or another order.
fn rebuild_enum(it: &Enum, columns: &[EnumColumn<'_>]) -> Vec<Statement> {
    let before = columns.iter().flat_map(|it| column::enum_to_text(it.table, it.column));
    let drop = format!("DROP TYPE {};", qualified(&it.schema, &it.name));
    let again = [drop, create_enum(it)].map(Statement::harmless);
    let after = columns.iter().flat_map(|it| column::text_to_enum(it.table, it.column));
    before.chain(again).chain(after).collect()
}

fn alter_sequence(sequences: Pair<&Sequence>) -> Vec<Statement> {
    let Pair { from, to } = sequences;
    let name = qualified(&to.schema, &to.name);
    let alter = |more: &str| format!("ALTER SEQUENCE {name}{}{more};", options(to));
    let bounds = Pair { from: column::bounds(from), to: column::bounds(to) };
    let sql = match sequence::moved(&name, bounds) {
        Some(Move::Before(first)) => vec![first, alter("")],
        Some(Move::Within(clause)) => vec![alter(&clause)],
        None => vec![alter("")],
    };
    sql.into_iter().map(Statement::harmless).collect()
}

fn create_role(it: &Role) -> String {
    let mut with = String::new();
    if it.create_db == Some(true) {
        with += " CREATEDB";
    }
    if it.create_role == Some(true) {
        with += " CREATEROLE";
    }
    if it.inherit != Some(true) {
        with += " NOINHERIT";
    }
    let with = if with.is_empty() { with } else { format!(" WITH{with}") };
    format!("CREATE ROLE {}{with};", quote(&it.name))
}

fn alter_role(it: &Role) -> String {
    let no = |option: Option<bool>| if option == Some(true) { "" } else { "NO" };
    format!(
        "ALTER ROLE {} WITH {}CREATEDB {}CREATEROLE {}INHERIT;",
        quote(&it.name),
        no(it.create_db),
        no(it.create_role),
        no(it.inherit)
    )
}

fn create_table(it: &Table) -> Vec<Statement> {
    let columns = it.columns.values().map(|column| create_column(it, column));
    let key = it.composite_primary_keys.values().next().map(primary_key);
    let uniques = it.unique_constraints.values().map(unique);
    let checks = it.check_constraints.values().map(check);
    let parts: Vec<_> = columns.chain(key).chain(uniques).chain(checks).collect();
    let body: Vec<_> = parts.iter().map(|it| format!("\t{it}")).collect();
    let create = format!("CREATE TABLE {} (\n{}\n);\n", table_name(it), body.join(",\n"));
    let mut statements = vec![Statement::harmless(create)];
    if it.is_rls_enabled || !it.policies.is_empty() {
        statements.push(Statement::harmless(enable_rls(it)));
    }
    statements
}

fn primary_key(it: &PrimaryKey) -> String {
    format!("CONSTRAINT {} PRIMARY KEY({})", quote(&it.name), listed(&it.columns))
}

/// A text that what follows is no part of, even where the text ends with a comment.
pub(super) fn closed(text: &str) -> String {
    let probe = format!("{text} end_of_text");
    let is_read = |it: Vec<Token<'_>>| it.last().is_some_and(|it| it.is_word("end_of_text"));
    let is_closed = !text.contains("--") || tokens(&probe).is_ok_and(is_read);
    format!("{text}{}", if is_closed { "" } else { "\n" })
}

fn unique(it: &Unique) -> String {
    let nulls = if it.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    format!("CONSTRAINT {} UNIQUE{nulls}({})", quote(&it.name), listed(&it.columns))
}

fn check(it: &Check) -> String {
    format!("CONSTRAINT {} CHECK ({})", quote(&it.name), closed(&it.value))
}

fn add_primary_key(table: &Table, it: &PrimaryKey) -> String {
    alter_table(table, &format!("ADD {}", primary_key(it)))
}

fn replace_primary_key(table: &Table, keys: Pair<&PrimaryKey>) -> Vec<Statement> {
    let drop = format!("{}\n", drop_constraint(table, &keys.from.name));
    vec![Statement::harmless(drop), Statement::harmless(add_primary_key(table, keys.to))]
}

fn drop_constraint(table: &Table, name: &str) -> String {
    alter_table(table, &format!("DROP CONSTRAINT {}", quote(name)))
}

fn enable_rls(table: &Table) -> String {
    alter_table(table, "ENABLE ROW LEVEL SECURITY")
}

fn drop_table(it: &Table) -> Vec<Statement> {
    let name = table_name(it);
    let policies = it.policies.values().map(|it| Statement::harmless(drop_policy(it, &name)));
    let drop = deleting(format!("DROP TABLE {name} CASCADE;"), named(it));
    policies.chain([drop]).collect()
}

fn drop_column(table: &Table, it: &Column) -> Vec<Statement> {
    let sql = alter_table(table, &format!("DROP COLUMN {}", quote(&it.name)));
    vec![deleting(sql, format!("{}.{}", named(table), it.name))]
}

/// The value of a sequence is data.
fn drop_sequence(it: &Sequence) -> Vec<Statement> {
    let sql = format!("DROP SEQUENCE {};", qualified(&it.schema, &it.name));
    let name = match it.schema.as_str() {
        "public" => it.name.clone(),
        schema => format!("{schema}.{}", it.name),
    };
    vec![deleting(sql, name)]
}

fn deleting(sql: String, object: String) -> Statement {
    Statement { sql, hazards: vec![Hazard::DeletesData(format!("drop:{object}"))] }
}

fn add_foreign_key(table: &Table, it: &ForeignKey) -> String {
    let action = |event: &str, action: &Option<String>| match action.as_deref() {
        None | Some("") => String::new(),
        Some(action) => format!(" ON {event} {action}"),
    };
    let target = qualified(it.schema_to.as_deref().unwrap_or("public"), &it.table_to);
    let constraint = format!(
        "ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {target}({}){}{}",
        quote(&it.name),
        listed(&it.columns_from),
        listed(&it.columns_to),
        action("DELETE", &it.on_delete),
        action("UPDATE", &it.on_update)
    );
    alter_table(table, &constraint)
}

fn create_index(table: &Table, it: &Index) -> String {
    let kind = if it.is_unique { "UNIQUE INDEX" } else { "INDEX" };
    let concurrently = if it.concurrently { " CONCURRENTLY" } else { "" };
    let columns: Vec<_> = it.columns.iter().map(index_column).collect();
    let parameter = |(key, value): (&String, &Value)| format!("{key}={}", javascript::text(value));
    let with: Vec<_> = it.with.iter().map(parameter).collect();
    let with = if with.is_empty() { String::new() } else { format!(" WITH ({})", with.join(",")) };
    let condition = it.condition.as_ref().map(|it| format!(" WHERE {it}")).unwrap_or_default();
    format!(
        "CREATE {kind}{concurrently} {} ON {} USING {} ({}){with}{condition};",
        quote(&it.name),
        table_name(table),
        it.method,
        columns.join(",")
    )
}

fn index_column(it: &IndexColumn) -> String {
    let (text, asc, nulls, opclass) = match it {
        IndexColumn::Expression(it) => (it.expression.clone(), it.asc, &it.nulls, &it.opclass),
        IndexColumn::Column(it) => (quote(&it.expression), it.asc, &it.nulls, &it.opclass),
    };
    let opclass = opclass.as_deref().filter(|it| !it.is_empty());
    let opclass = opclass.map(|it| format!(" {it}")).unwrap_or_default();
    let direction = if asc { "" } else { " DESC" };
    let nulls = match nulls.as_deref() {
        None => String::new(),
        Some("last") if asc => String::new(),
        Some(nulls) => format!(" NULLS {}", nulls.to_uppercase()),
    };
    format!("{text}{opclass}{direction}{nulls}")
}

fn create_view(it: &View) -> String {
    let kind = if it.materialized { "MATERIALIZED VIEW" } else { "VIEW" };
    let using = it.using.as_ref().map(|it| format!(" USING {}", quote(it)));
    let tablespace = it.tablespace.as_ref().map(|it| format!(" TABLESPACE {it}"));
    let no_data = if it.with_no_data == Some(true) { " WITH NO DATA" } else { "" };
    format!(
        "CREATE {kind} {}{}{}{} AS ({}){no_data};",
        qualified(&it.schema, &it.name),
        using.unwrap_or_default(),
        view_options(it),
        tablespace.unwrap_or_default(),
        closed(it.definition.as_deref().unwrap_or_default())
    )
}

fn view_options(it: &View) -> String {
    let options: Vec<_> = it.options().map(view_option).collect();
    if options.is_empty() { String::new() } else { format!(" WITH ({})", options.join(", ")) }
}

fn view_option((key, value): (&str, &Value)) -> String {
    format!("{} = {}", snake_case(key), javascript::text(value))
}

fn alter_view(it: &View, alteration: &ViewAlteration<'_>) -> String {
    let kind = if it.materialized { "MATERIALIZED VIEW" } else { "VIEW" };
    let action = match alteration {
        ViewAlteration::Set(options) => {
            let options: Vec<_> = options.iter().map(|it| view_option(*it)).collect();
            format!("SET ({})", options.join(", "))
        }
        ViewAlteration::Reset(options) => {
            let options: Vec<_> = options.iter().map(|it| snake_case(it)).collect();
            format!("RESET ({})", options.join(", "))
        }
        ViewAlteration::Tablespace(name) => format!("SET TABLESPACE {name}"),
        ViewAlteration::AccessMethod(name) => format!("SET ACCESS METHOD {}", quote(name)),
    };
    format!("ALTER {kind} {} {action};", qualified(&it.schema, &it.name))
}

fn snake_case(name: &str) -> String {
    let spelled = |it: char| match it.is_ascii_uppercase() {
        true => format!("_{}", it.to_ascii_lowercase()),
        false => it.to_string(),
    };
    name.chars().map(spelled).collect()
}

fn drop_view(it: Dropped<'_>) -> String {
    let kind = if it.materialized { "MATERIALIZED VIEW" } else { "VIEW" };
    format!("DROP {kind} {};", qualified(&it.view.schema, &it.view.name))
}

/// The quoted name of the table that a policy of its own belongs to.
fn linked_table(it: &Policy) -> &str {
    it.on.as_deref().unwrap_or_default()
}

fn create_policy(it: &Policy, table: &str) -> String {
    let role = |name: &String| match name.as_str() {
        "current_user" | "current_role" | "session_user" | "public" => name.clone(),
        name => quote(name),
    };
    let to: Vec<_> = it.to.iter().flatten().map(role).collect();
    format!(
        "CREATE POLICY {} ON {table} AS {} FOR {} TO {}{};",
        quote(&it.name),
        it.r#as.as_deref().unwrap_or("PERMISSIVE"),
        it.r#for.as_deref().unwrap_or("ALL"),
        if to.is_empty() { "public".to_owned() } else { to.join(", ") },
        conditions(it)
    )
}

fn conditions(it: &Policy) -> String {
    let part = |word: &str, condition: &Option<String>| match condition.as_deref() {
        None | Some("") => String::new(),
        Some(condition) => format!(" {word} ({})", closed(condition)),
    };
    format!("{}{}", part("USING", &it.using), part("WITH CHECK", &it.with_check))
}

fn alter_policy(policies: Pair<&Policy>, table: &str) -> String {
    let is_plain =
        |it: &str| it.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_');
    let role = |it: &String| if is_plain(it) { it.clone() } else { quote(it) };
    let to: Vec<_> = policies.to.to.iter().flatten().map(role).collect();
    let (name, conditions) = (quote(&policies.from.name), conditions(policies.to));
    format!("ALTER POLICY {name} ON {table} TO {}{conditions};", to.join(","))
}

fn drop_policy(it: &Policy, table: &str) -> String {
    format!("DROP POLICY {} ON {table} CASCADE;", quote(&it.name))
}
