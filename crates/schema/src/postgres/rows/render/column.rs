//! Columns as SQL, and the enum types that they have.

use serde_json::Value;

use super::super::diff::{ColumnChange, ColumnOfEnum, Whole};
use super::super::{Column, Enum, Identity};
use super::object::create_enum;
use super::{alter_table, deleting, dotted, literal, qualified, quote};
use crate::drizzle::javascript;
use crate::pair::Pair;
use crate::plan::Statement;
use crate::postgres::diff::cast::is_automatic;
use crate::postgres::render::column::NATIVE_TYPES;
use crate::postgres::render::sequence::{Bounds, Move, moved};
use crate::postgres::token::tokens;
use crate::token::TokenKind;

/// A column in `CREATE TABLE`.
pub(super) fn create(it: &Column, table: &Whole) -> String {
    let key = table.key.as_ref();
    let default_name = format!("{}_pkey", it.table);
    let is_key =
        key.is_some_and(|key| key.columns == [it.name.clone()] && key.name == default_name);
    let in_key = key.is_some_and(|key| key.columns.contains(&it.name));
    let not_null = it.not_null && it.identity.is_none() && !in_key && !is_serial(&it.r#type);
    let unique = table.uniques.iter().find(|unique| unique.columns == [it.name.clone()]);
    let unique = unique.map(|unique| {
        let name = unique.name_explicit.then(|| format!("CONSTRAINT {} ", quote(&unique.name)));
        let nulls = if unique.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
        format!(" {}UNIQUE{nulls}", name.unwrap_or_default())
    });
    [
        format!("{} {}{}", quote(&it.name), type_name(it), brackets(it)),
        (if is_key { " PRIMARY KEY" } else { "" }).to_owned(),
        default_clause(it),
        generated_clause(it),
        (if not_null { " NOT NULL" } else { "" }).to_owned(),
        unique.unwrap_or_default(),
        identity_clause(it),
    ]
    .concat()
}

/// `ADD COLUMN`.
pub(super) fn add(it: &Column, is_key: bool, in_key: bool) -> String {
    // drizzle-kit leaves out NOT NULL for generated columns, too, which does not come by itself.
    let fills_itself = it.identity.is_some() || is_serial(&it.r#type);
    let not_null = it.not_null && !fills_itself && !in_key;
    let column = [
        format!("ADD COLUMN {} {}{}", quote(&it.name), type_name(it), brackets(it)),
        (if is_key { " PRIMARY KEY" } else { "" }).to_owned(),
        default_clause(it),
        generated_clause(it),
        (if not_null { " NOT NULL" } else { "" }).to_owned(),
        identity_clause(it),
    ];
    alter_table(&it.schema, &it.table, &column.concat())
}

/// `DROP COLUMN`.
pub(super) fn drop(it: &Column) -> Statement {
    let sql = alter_table(&it.schema, &it.table, &format!("DROP COLUMN {}", quote(&it.name)));
    deleting(sql, &dotted(&it.schema, &[&it.table, &it.name]))
}

fn is_serial(sql_type: &str) -> bool {
    ["serial", "bigserial", "smallserial"].contains(&sql_type.to_lowercase().as_str())
}

/// What a serial column really holds.
fn integer_of(sql_type: &str) -> &str {
    match sql_type {
        "smallserial" => "smallint",
        "serial" => "int",
        "bigserial" => "bigint",
        other => other,
    }
}

/// The type of the element; native types are not quoted.
fn type_name(it: &Column) -> String {
    match it.type_schema.as_deref() {
        None => it.r#type.clone(),
        Some(schema) => qualified(schema, &it.r#type),
    }
}

fn brackets(it: &Column) -> String {
    "[]".repeat(it.dimensions)
}

/// The default with the cast that its type needs.
fn default_of(it: &Column, default: &str) -> String {
    match it.type_schema.as_deref() {
        Some(schema) => {
            // The kit names one dimension only.
            let brackets = if it.dimensions > 0 { "[]" } else { "" };
            format!("{default}::{}{brackets}", qualified(schema, &it.r#type))
        }
        None if it.dimensions > 0 => format!("{default}::{}[]", it.r#type),
        None if is_bare(it, default) => literal(default),
        None => default.to_owned(),
    }
}

/// Whether a default was meant as a value and stands there without quotes, as drizzle-kit 1.0 writes
/// those of custom types. A bare name is no default, and a literal fits every type.
fn is_bare(it: &Column, default: &str) -> bool {
    const WORDS: [&str; 12] = [
        "null",
        "true",
        "false",
        "user",
        "current_user",
        "current_role",
        "current_catalog",
        "current_schema",
        "session_user",
        "current_date",
        "current_time",
        "current_timestamp",
    ];
    let is_native = NATIVE_TYPES.iter().any(|native| it.r#type.starts_with(native));
    let is_local = default.to_ascii_lowercase().starts_with("local");
    match tokens(default).as_deref() {
        Ok([it]) if it.kind == TokenKind::Word => {
            !is_local && !WORDS.iter().any(|word| it.is_word(word))
        }
        Ok([it]) if it.kind == TokenKind::Number => !is_native,
        _ => false,
    }
}

fn default_clause(it: &Column) -> String {
    let default = it.default.as_deref().filter(|it| !it.is_empty());
    default.map(|default| format!(" DEFAULT {}", default_of(it, default))).unwrap_or_default()
}

fn generated_clause(it: &Column) -> String {
    let generated = it.generated.as_ref();
    generated.map(|it| format!(" GENERATED ALWAYS AS ({}) STORED", it.r#as)).unwrap_or_default()
}

fn identity_clause(it: &Column) -> String {
    let identity = it.identity.as_ref();
    identity.map(|identity| format!(" {}", generated_as(it, identity))).unwrap_or_default()
}

fn kind_of(it: &Identity) -> &'static str {
    if it.r#type == "always" { "ALWAYS" } else { "BY DEFAULT" }
}

fn generated_as(column: &Column, it: &Identity) -> String {
    let option = |name: &str, value: &Option<String>| {
        let value = value.as_deref().filter(|it| !it.is_empty());
        value.map(|it| format!(" {name} {it}")).unwrap_or_default()
    };
    let cache = it.cache.as_ref().filter(|it| **it != 0).map(javascript::text);
    format!(
        "GENERATED {} AS IDENTITY (sequence name {}{}{}{}{}{}{})",
        kind_of(it),
        qualified(&column.schema, &it.name),
        option("INCREMENT BY", &it.increment),
        option("MINVALUE", &it.min_value),
        option("MAXVALUE", &it.max_value),
        option("START WITH", &it.start_with),
        option("CACHE", &cache),
        if it.cycle == Some(true) { " CYCLE" } else { "" }
    )
}

/// `ALTER COLUMN`, once for each thing that differs.
pub(super) fn alter(change: &ColumnChange) -> Vec<String> {
    let to = &change.to;
    let mut statements = Vec::new();
    let alter = |action: &str| {
        alter_table(&to.schema, &to.table, &format!("ALTER COLUMN {} {action}", quote(&to.name)))
    };
    if change.has("generated") && to.generated.is_none() {
        statements.push(alter("DROP EXPRESSION"));
    }
    let retyped = change.has("type") || change.has("typeSchema") || change.has("dimensions");
    // drizzle-kit leaves a default where PostgreSQL cannot tell what becomes of it.
    let is_automatic = is_automatic(&change.from.r#type, &to.r#type)
        || is_serial(&to.r#type)
        || is_serial(&change.from.r#type);
    let moves_default = retyped
        && (change.is_enum || change.was_enum || change.has("dimensions") || !is_automatic)
        && change.from.default.is_some();
    let set_default = |default: &str| alter(&format!("SET DEFAULT {}", default_of(to, default)));
    if moves_default {
        statements.push(alter("DROP DEFAULT"));
    }
    if retyped {
        statements.extend(set_type(change, &alter));
        let default = to.default.as_deref().filter(|_| moves_default);
        statements.extend(default.map(set_default));
    }
    if change.has("default") && !moves_default {
        let default = to.default.as_deref().filter(|it| !it.is_empty());
        statements.push(default.map_or_else(|| alter("DROP DEFAULT"), set_default));
    }
    if change.has("identity") {
        statements.extend(alter_identity(change, &alter));
    }
    let by_identity = to.not_null && change.has("identity") && to.identity.is_some();
    if change.has("notNull") && !by_identity {
        statements.push(alter(if to.not_null { "SET NOT NULL" } else { "DROP NOT NULL" }));
    }
    statements
}

fn set_type(change: &ColumnChange, alter: &impl Fn(&str) -> String) -> Vec<String> {
    let ColumnChange { from, to, is_enum, was_enum, .. } = change;
    let (was_serial, to_serial) = (is_serial(&from.r#type), is_serial(&to.r#type));
    let mut statements = Vec::new();
    let name = format!("{}_{}_seq", to.table, to.name);
    let sequence = qualified(&to.schema, &name);
    if was_serial && !to_serial {
        statements.push(alter("DROP DEFAULT"));
        statements.push(format!("DROP SEQUENCE {sequence};"));
    }
    if to_serial && !was_serial {
        let plain = dotted(&to.schema, &[&name]);
        statements.push(format!("CREATE SEQUENCE {sequence} AS {};", integer_of(&to.r#type)));
        let default = alter(&format!("SET DEFAULT nextval('{plain}')"));
        statements.push(default.trim_end_matches(';').to_owned());
        let owner = format!("{}.{}.{}", quote(&to.schema), quote(&to.table), quote(&to.name));
        statements.push(format!("ALTER SEQUENCE {sequence} OWNED BY {owner};"));
        // The rows that are there keep their numbers to themselves; drizzle-kit forgets them.
        let (table, column) = (qualified(&to.schema, &to.table), quote(&to.name));
        let highest = format!("max({column}::bigint)");
        let sequence = literal(&sequence);
        statements.push(format!(
            "SELECT setval({sequence}, {highest}) FROM {table} HAVING {highest} > 0;"
        ));
    }
    let through_text = if *was_enum && *is_enum { "text::" } else { "" };
    let brackets = brackets(to);
    let schema = to.type_schema.as_deref().filter(|it| *it != "public");
    let target = match (schema, is_enum) {
        (Some(schema), _) => format!("{}.{}", quote(schema), quote(&to.r#type)),
        (None, true) => quote(&to.r#type),
        (None, false) => integer_of(&to.r#type).to_owned(),
    };
    let cast = if *is_enum { target.clone() } else { integer_of(&to.r#type).to_owned() };
    let using = format!(" USING {}::{through_text}{cast}{brackets}", quote(&to.name));
    let using = if to.generated.is_some() { String::new() } else { using };
    statements.push(alter(&format!("SET DATA TYPE {target}{brackets}{using}")));
    if was_serial && to_serial {
        // drizzle-kit leaves the sequence as small as it was.
        statements.push(format!("ALTER SEQUENCE {sequence} AS {};", integer_of(&to.r#type)));
    }
    statements
}

fn alter_identity(change: &ColumnChange, alter: &impl Fn(&str) -> String) -> Vec<String> {
    let to = &change.to;
    let (from, new) = match (&change.from.identity, &to.identity) {
        (None, Some(new)) => {
            let add = alter(&format!("ADD {}", generated_as(to, new)));
            let set = is_serial(&change.from.r#type).then(|| {
                let table = qualified(&to.schema, &to.table);
                format!(
                    "SELECT setval('{}'::regclass, (SELECT COALESCE(MAX(id), 1) FROM {table}), false);",
                    new.name
                )
            });
            return [add].into_iter().chain(set).collect();
        }
        (_, None) => return vec![alter("DROP IDENTITY")],
        (Some(from), Some(new)) => (from, new),
    };
    let mut actions = Vec::new();
    if from.r#type != new.r#type {
        actions.push(format!("SET GENERATED {}", kind_of(new)));
    }
    let text = |it: &Option<String>| it.clone().unwrap_or_else(|| "null".to_owned());
    let cache = |it: &Option<Value>| it.as_ref().map(javascript::text);
    for (name, from, new) in [
        ("MINVALUE", &from.min_value, &new.min_value),
        ("MAXVALUE", &from.max_value, &new.max_value),
        ("INCREMENT BY", &from.increment, &new.increment),
        ("START WITH", &from.start_with, &new.start_with),
        ("CACHE", &cache(&from.cache), &cache(&new.cache)),
    ] {
        if from != new {
            actions.push(format!("SET {name} {}", text(new)));
        }
    }
    if from.cycle != new.cycle {
        let cycle = if new.cycle == Some(true) { "CYCLE" } else { "NO CYCLE" };
        actions.push(format!("SET {cycle}"));
    }
    let bounds = Pair { from: bounds(from), to: bounds(new) };
    match moved(&qualified(&to.schema, &from.name), bounds) {
        // One by one, as drizzle-kit has it, each would have to fit the others as they were.
        Some(Move::Before(first)) => vec![first, alter(&actions.join(" "))],
        Some(Move::Within(clause)) => vec![alter(&(actions.join(" ") + &clause))],
        None => actions.iter().map(|it| alter(it)).collect(),
    }
}

fn bounds(it: &Identity) -> Bounds<'_> {
    Bounds {
        min: it.min_value.as_deref(),
        max: it.max_value.as_deref(),
        start: it.start_with.as_deref(),
    }
}

/// Builds an enum type anew: its columns hold text meanwhile.
pub(super) fn rebuild_enum(to: &Enum, columns: &[ColumnOfEnum]) -> Vec<String> {
    let mut statements = Vec::new();
    let alter = |it: &Column, action: &str| {
        alter_table(&it.schema, &it.table, &format!("ALTER COLUMN {} {action}", quote(&it.name)))
    };
    for ColumnOfEnum { from, default } in columns {
        statements.push(alter(from, &format!("SET DATA TYPE text{}", brackets(from))));
        statements.extend(default.from.as_ref().map(|_| alter(from, "DROP DEFAULT")));
    }
    let name = qualified(&to.schema, &to.name);
    statements.push(format!("DROP TYPE {name};"));
    statements.push(create_enum(to));
    for ColumnOfEnum { from, default } in columns {
        let target = format!("{name}{}", brackets(from));
        let using = format!("USING {}::{target}", quote(&from.name));
        statements.push(alter(from, &format!("SET DATA TYPE {target} {using}")));
        let default = default.to.as_deref();
        let set = default.map(|it| alter(from, &format!("SET DEFAULT {}", default_of(from, it))));
        statements.extend(set);
    }
    statements
}
