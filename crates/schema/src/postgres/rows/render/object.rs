//! Everything that is no table and stands on none, and policies, as SQL.

use serde_json::{Map, Value};

use super::super::diff::{Change, EnumValue};
use super::super::{Enum, Policy, Role, Sequence, View};
use super::{deleting, dotted, harmless, literal, qualified, quote};
use crate::drizzle::javascript;
use crate::pair::Pair;
use crate::plan::Statement;
use crate::postgres::render::closed;
use crate::postgres::render::sequence::{Bounds, Move, moved};

#[expect(clippy::wildcard_enum_match_arm, reason = "the caller's match names every change")]
pub(super) fn render(change: &Change) -> Vec<Statement> {
    let sql = match change {
        Change::CreateSchema(it) => format!("CREATE SCHEMA {};\n", quote(&it.name)),
        Change::DropSchema(it) => format!("DROP SCHEMA {};\n", quote(&it.name)),
        Change::CreateEnum(it) => create_enum(it),
        Change::AddEnumValue { to, value } => add_enum_value(to, value),
        Change::DropEnum(it) => format!("DROP TYPE {};", qualified(&it.schema, &it.name)),
        Change::CreateSequence(it) => {
            format!("CREATE SEQUENCE {}{};", with_schema(it), options(it))
        }
        Change::AlterSequence(it) => return harmless(alter_sequence(it)),
        Change::DropSequence(it) => {
            let sql = format!("DROP SEQUENCE {};", with_schema(it));
            return vec![deleting(sql, &dotted(&it.schema, &[&it.name]))];
        }
        Change::CreateRole(it) => create_role(it),
        Change::AlterRole(it) => alter_role(it),
        Change::DropRole(it) => format!("DROP ROLE {};", quote(&it.name)),
        Change::CreateView(it) => create_view(it),
        Change::AlterView(it) => return harmless(alter_view(it)),
        Change::DropView(it) => {
            format!("DROP {} {};", kind_of(it), qualified(&it.schema, &it.name))
        }
        Change::CreatePolicy(it) => create_policy(it),
        Change::DropPolicy(it) => drop_policy(it),
        Change::ReplacePolicy(it) => return harmless(vec![drop_policy(it), create_policy(it)]),
        Change::AlterPolicy(it) => {
            let (name, table) = (quote(&it.name), qualified(&it.schema, &it.table));
            format!("ALTER POLICY {name} ON {table} TO {}{};", roles(it), conditions(it))
        }
        // Tables and what stands on them are rendered by the caller.
        _ => return Vec::new(),
    };
    vec![Statement::harmless(sql)]
}

pub(super) fn create_enum(it: &Enum) -> String {
    let values: Vec<_> = it.values.iter().map(|it| literal(it)).collect();
    format!("CREATE TYPE {} AS ENUM({});", qualified(&it.schema, &it.name), values.join(", "))
}

fn add_enum_value(it: &Enum, value: &EnumValue) -> String {
    let name = qualified(&it.schema, &it.name);
    let before = value.before.as_ref().map(|it| format!(" BEFORE {}", literal(it)));
    format!("ALTER TYPE {name} ADD VALUE {}{};", literal(&value.value), before.unwrap_or_default())
}

/// The kit names `public` here.
fn with_schema(it: &Sequence) -> String {
    format!("{}.{}", quote(&it.schema), quote(&it.name))
}

fn options(it: &Sequence) -> String {
    let option = |name: &str, value: &Option<String>| {
        let value = value.as_deref().filter(|it| !it.is_empty());
        value.map(|it| format!(" {name} {it}")).unwrap_or_default()
    };
    let cache = it.cache_size.as_ref().filter(|it| **it != 0).map(javascript::text);
    [
        option("INCREMENT BY", &it.increment_by),
        option("MINVALUE", &it.min_value),
        option("MAXVALUE", &it.max_value),
        option("START WITH", &it.start_with),
        option("CACHE", &cache),
        (if it.cycle == Some(true) { " CYCLE" } else { "" }).to_owned(),
    ]
    .concat()
}

fn bounds(it: &Sequence) -> Bounds<'_> {
    Bounds {
        min: it.min_value.as_deref(),
        max: it.max_value.as_deref(),
        start: it.start_with.as_deref(),
    }
}

fn alter_sequence(sequences: &Pair<Sequence>) -> Vec<String> {
    let Pair { from, to } = sequences;
    let name = qualified(&to.schema, &to.name);
    let alter = |more: &str| format!("ALTER SEQUENCE {name}{}{more};", options(to));
    match moved(&name, Pair { from: bounds(from), to: bounds(to) }) {
        Some(Move::Before(first)) => vec![first, alter("")],
        Some(Move::Within(clause)) => vec![alter(&clause)],
        None => vec![alter("")],
    }
}

fn create_role(it: &Role) -> String {
    let flag = |set: Option<bool>, word: &str| {
        if set == Some(true) { format!(" {word}") } else { String::new() }
    };
    let limit = it.conn_limit.filter(|it| *it != -1);
    let with = [
        flag(it.superuser, "SUPERUSER"),
        flag(it.create_db, "CREATEDB"),
        flag(it.create_role, "CREATEROLE"),
        (if it.inherit == Some(true) { "" } else { " NOINHERIT" }).to_owned(),
        flag(it.can_login, "LOGIN"),
        flag(it.replication, "REPLICATION"),
        flag(it.bypass_rls, "BYPASSRLS"),
        limit.map(|it| format!(" CONNECTION LIMIT {it}")).unwrap_or_default(),
        it.password.as_ref().map(|it| format!(" PASSWORD {}", literal(it))).unwrap_or_default(),
        it.valid_until.as_ref().map(|it| format!(" VALID UNTIL '{it}'")).unwrap_or_default(),
    ]
    .concat();
    let with = if with.is_empty() { with } else { format!(" WITH{with}") };
    format!("CREATE ROLE {}{with};", quote(&it.name))
}

fn alter_role(roles: &Pair<Role>) -> String {
    let Pair { from, to } = roles;
    let flag = |from: Option<bool>, to: Option<bool>, word: &str| match (from == to, to) {
        (true, _) => String::new(),
        (false, Some(true)) => format!(" {word}"),
        (false, _) => format!(" NO{word}"),
    };
    let limit = (from.conn_limit != to.conn_limit).then(|| to.conn_limit.unwrap_or(-1));
    let password = to.password.as_ref().map_or_else(|| "NULL".to_owned(), |it| literal(it));
    let password = (from.password != to.password).then_some(password);
    let until = to.valid_until.as_deref().unwrap_or("infinity");
    let until = (from.valid_until != to.valid_until).then_some(until);
    let with = [
        flag(from.superuser, to.superuser, "SUPERUSER"),
        flag(from.create_db, to.create_db, "CREATEDB"),
        flag(from.create_role, to.create_role, "CREATEROLE"),
        flag(from.inherit, to.inherit, "INHERIT"),
        flag(from.can_login, to.can_login, "LOGIN"),
        flag(from.replication, to.replication, "REPLICATION"),
        flag(from.bypass_rls, to.bypass_rls, "BYPASSRLS"),
        limit.map(|it| format!(" CONNECTION LIMIT {it}")).unwrap_or_default(),
        password.map(|it| format!(" PASSWORD {it}")).unwrap_or_default(),
        until.map(|it| format!(" VALID UNTIL '{it}'")).unwrap_or_default(),
    ]
    .concat();
    format!("ALTER ROLE {} WITH{with};", quote(&to.name))
}

fn kind_of(it: &View) -> &'static str {
    if it.materialized { "MATERIALIZED VIEW" } else { "VIEW" }
}

fn create_view(it: &View) -> String {
    let using = it.using.as_ref().map(|it| format!(" USING {}", quote(it)));
    let with = it.with.as_ref().map(|it| format!(" WITH ({})", set_options(it, None).join(", ")));
    let tablespace = it.tablespace.as_ref().map(|it| format!(" TABLESPACE {it}"));
    let no_data = if it.with_no_data == Some(true) { " WITH NO DATA" } else { "" };
    format!(
        "CREATE {} {}{}{}{} AS ({}){no_data};",
        kind_of(it),
        qualified(&it.schema, &it.name),
        using.unwrap_or_default(),
        with.unwrap_or_default(),
        tablespace.unwrap_or_default(),
        closed(it.definition.as_deref().unwrap_or_default())
    )
}

/// The options that are set and were not, or otherwise.
fn set_options(to: &Map<String, Value>, from: Option<&Map<String, Value>>) -> Vec<String> {
    let old = |key: &str| from.and_then(|it| it.get(key)).unwrap_or(&Value::Null);
    let set = to.iter().filter(|(key, value)| !value.is_null() && *value != old(key));
    set.map(|(key, value)| format!("{} = {}", snake_case(key), javascript::text(value))).collect()
}

fn alter_view(views: &Pair<View>) -> Vec<String> {
    let Pair { from, to } = views;
    let alter = |action: &str| {
        format!("ALTER {} {} {action};", kind_of(to), qualified(&to.schema, &to.name))
    };
    let empty = Map::new();
    let (old, new) = (from.with.as_ref().unwrap_or(&empty), to.with.as_ref().unwrap_or(&empty));
    let set = set_options(new, Some(old));
    let is_gone = |key: &str| new.get(key).is_none_or(Value::is_null);
    let reset = old.iter().filter(|(key, value)| !value.is_null() && is_gone(key));
    let reset: Vec<_> = reset.map(|(key, _)| snake_case(key)).collect();
    let mut statements = Vec::new();
    if !set.is_empty() {
        statements.push(alter(&format!("SET ({})", set.join(", "))));
    }
    if !reset.is_empty() {
        statements.push(alter(&format!("RESET ({})", reset.join(", "))));
    }
    if from.tablespace != to.tablespace {
        let name = to.tablespace.as_deref().filter(|it| !it.is_empty());
        statements.push(alter(&format!("SET TABLESPACE {}", quote(name.unwrap_or("pg_default")))));
    }
    let keeps_heap = from.using.as_deref() == Some("heap") && to.using.is_none();
    if from.using != to.using && !keeps_heap {
        let name = to.using.as_deref().unwrap_or("heap");
        statements.push(alter(&format!("SET ACCESS METHOD {}", quote(name))));
    }
    statements
}

fn snake_case(name: &str) -> String {
    let spelled = |it: char| match it.is_ascii_uppercase() {
        true => format!("_{}", it.to_ascii_lowercase()),
        false => it.to_string(),
    };
    name.chars().map(spelled).collect()
}

fn roles(it: &Policy) -> String {
    let role = |name: &String| match name.as_str() {
        "current_user" | "current_role" | "session_user" | "public" => name.clone(),
        name => quote(name),
    };
    it.roles.iter().map(role).collect::<Vec<_>>().join(", ")
}

fn conditions(it: &Policy) -> String {
    let part = |word: &str, condition: &Option<String>| {
        let condition = condition.as_deref().filter(|it| !it.is_empty());
        condition.map(|it| format!(" {word} ({})", closed(it))).unwrap_or_default()
    };
    format!("{}{}", part("USING", &it.using), part("WITH CHECK", &it.with_check))
}

fn create_policy(it: &Policy) -> String {
    format!(
        "CREATE POLICY {} ON {} AS {} FOR {} TO {}{};",
        quote(&it.name),
        qualified(&it.schema, &it.table),
        it.r#as.to_uppercase(),
        it.r#for.to_uppercase(),
        roles(it),
        conditions(it)
    )
}

pub(super) fn drop_policy(it: &Policy) -> String {
    format!("DROP POLICY {} ON {};", quote(&it.name), qualified(&it.schema, &it.table))
}
