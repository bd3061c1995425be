//! PostgreSQL columns as SQL: the part of `render` that looks into columns.

use super::default::default;
use super::sequence::{Bounds, Move, moved};
use super::{alter_table, deleting, literal, options, qualified, quote};
use crate::pair::Pair;
use crate::plan::{Hazard, Statement};
use crate::postgres::diff::alter::{Alteration, TypeKind, has_default, integer_of, needs_using};
use crate::postgres::diff::named;
use crate::postgres::snapshot::{Column, Identity, Sequence, Table};

/// A column within `CREATE TABLE`.
pub(super) fn create_column(table: &Table, it: &Column) -> String {
    let not_null = it.not_null && it.identity.is_none();
    column(table, it, not_null)
}

/// The statement that adds a column.
pub(super) fn add_column(table: &Table, it: &Column) -> String {
    alter_table(table, &format!("ADD COLUMN {}", column(table, it, it.not_null)))
}

fn column(table: &Table, it: &Column, not_null: bool) -> String {
    let generated = it.generated.as_ref();
    let generated = generated.map(|it| format!(" GENERATED ALWAYS AS ({}) STORED", it.r#as));
    let default = it.default.as_ref().map(|_| format!(" DEFAULT {}", default(it)));
    let identity = it.identity.as_ref().map(|it| identity(table, it));
    [
        format!("{} {}", quote(&it.name), type_name(it)),
        (if it.primary_key { " PRIMARY KEY" } else { "" }).to_owned(),
        default.unwrap_or_default(),
        generated.unwrap_or_default(),
        (if not_null { " NOT NULL" } else { "" }).to_owned(),
        identity.unwrap_or_default(),
    ]
    .concat()
}

fn identity(table: &Table, it: &Identity) -> String {
    let kind = if it.r#type == "always" { "ALWAYS" } else { "BY DEFAULT" };
    let name = qualified(&table.schema, &it.sequence.name);
    let options = options(&it.sequence);
    format!(" GENERATED {kind} AS IDENTITY (sequence name {name}{options})")
}

/// The types that drizzle-kit does not quote, by their beginnings (`parseType`).
pub(in crate::postgres) const NATIVE_TYPES: &[&str] = &[
    "uuid",
    "smallint",
    "integer",
    "bigint",
    "boolean",
    "text",
    "varchar",
    "serial",
    "bigserial",
    "decimal",
    "numeric",
    "real",
    "json",
    "jsonb",
    "time",
    "date",
    "interval",
    "double precision",
    "char",
    "vector",
    "geometry",
    "halfvec",
    "sparsevec",
    "bit",
];

/// drizzle-kit also takes an enum for a native type when its name begins like one; then only names
/// that need neither a schema nor quotes come out right.
fn type_name(column: &Column) -> String {
    let (base, dimensions) = without_dimensions(&column.r#type);
    let schema = column.type_schema.as_deref();
    let is_plain = |name: &str| {
        name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
    };
    let is_native = NATIVE_TYPES.iter().any(|it| column.r#type.starts_with(it));
    let needs_no_quotes = schema.is_none_or(|schema| schema == "public" && is_plain(&base));
    if is_native && needs_no_quotes {
        return format!("{base}{dimensions}");
    }
    // drizzle-kit quotes what is more than a name, too: `varbit(8)`.
    if schema.is_none() && !base.chars().all(|it| it.is_alphanumeric() || it == '_') {
        return format!("{base}{dimensions}");
    }
    let schema = schema.filter(|it| *it != "public").unwrap_or_default();
    format!("{}{dimensions}", qualified(schema, &base))
}

/// Takes `[]` and `[3]` out of a type.
fn without_dimensions(sql_type: &str) -> (String, String) {
    let (mut base, mut dimensions) = (String::new(), String::new());
    let mut parts = sql_type.split('[');
    base.push_str(parts.next().unwrap_or_default());
    for part in parts {
        match part.split_once(']') {
            Some((size, rest)) if size.chars().all(|it| it.is_ascii_digit()) => {
                dimensions.extend(["[", size, "]"]);
                base.push_str(rest);
            }
            Some(_) | None => base.extend(["[", part]),
        }
    }
    (base, dimensions)
}

/// The statements of one alteration.
pub(super) fn alter_column(
    table: &Table,
    columns: Pair<&Column>,
    alteration: Alteration,
) -> Vec<Statement> {
    let to = columns.to;
    let name = quote(&to.name);
    let one = |action: String| {
        let sql = alter_table(table, &format!("ALTER COLUMN {name} {action}"));
        vec![Statement::harmless(sql)]
    };
    match alteration {
        Alteration::SetPrimaryKey => {
            vec![Statement::harmless(alter_table(table, &format!("ADD PRIMARY KEY ({name})")))]
        }
        Alteration::DropPrimaryKey => {
            let key = quote(&format!("{}_pkey", table.name));
            vec![Statement::harmless(alter_table(table, &format!("DROP CONSTRAINT {key}")))]
        }
        Alteration::SetType { from, to } => set_type(table, columns, Pair { from, to }),
        Alteration::SetDefault => one(format!("SET DEFAULT {}", default(to))),
        Alteration::DropDefault => one("DROP DEFAULT".to_owned()),
        Alteration::SetNotNull => one("SET NOT NULL".to_owned()),
        Alteration::DropNotNull => one("DROP NOT NULL".to_owned()),
        Alteration::AddIdentity => {
            let identity = to.identity.as_ref().map(|it| identity(table, it));
            one(format!("ADD{}", identity.unwrap_or_default()))
        }
        Alteration::ChangeIdentity => change_identity(table, columns),
        Alteration::DropIdentity => one("DROP IDENTITY".to_owned()),
        Alteration::SetGenerated => set_generated(table, to),
        Alteration::DropGenerated => one("DROP EXPRESSION".to_owned()),
        Alteration::BecomeSerial => become_serial(table, columns),
        Alteration::StopSerial => stop_serial(table, columns),
        Alteration::ResizeSerial => resize_serial(table, to),
    }
}

fn set_generated(table: &Table, to: &Column) -> Vec<Statement> {
    // The kit's lower case.
    let sql = alter_table(table, &format!("drop column {}", quote(&to.name)));
    let object = format!("{}.{}", named(table), to.name);
    vec![deleting(sql, object), Statement::harmless(add_column(table, to))]
}

pub(super) fn enum_to_text(table: &Table, it: &Column) -> Vec<Statement> {
    let name = quote(&it.name);
    let action = |action: String| alter_table(table, &format!("ALTER COLUMN {name} {action}"));
    let rewrite = Statement {
        sql: action("SET DATA TYPE text".to_owned()),
        hazards: vec![Hazard::RewritesTable(named(table))],
    };
    let default = has_default(it).then(|| action(format!("SET DEFAULT {}::text", default(it))));
    [rewrite].into_iter().chain(default.map(Statement::harmless)).collect()
}

pub(super) fn text_to_enum(table: &Table, it: &Column) -> Vec<Statement> {
    let (name, type_name) = (quote(&it.name), qualified_type_name(it));
    let action = |action: String| alter_table(table, &format!("ALTER COLUMN {name} {action}"));
    let default =
        has_default(it).then(|| action(format!("SET DEFAULT {}::{type_name}", default(it))));
    let rewrite = Statement {
        sql: action(format!("SET DATA TYPE {type_name} USING {name}::{type_name}")),
        hazards: vec![Hazard::RewritesTable(named(table))],
    };
    default.map(Statement::harmless).into_iter().chain([rewrite]).collect()
}

/// The sequence that PostgreSQL makes for a serial.
fn sequence_name(table: &Table, column: &str) -> String {
    qualified(&table.schema, &format!("{}_{column}_seq", table.name))
}

fn become_serial(table: &Table, columns: Pair<&Column>) -> Vec<Statement> {
    let Pair { from, to } = columns;
    let (name, sequence) = (quote(&to.name), sequence_name(table, &to.name));
    let integer = integer_of(&to.r#type).unwrap_or("integer");
    let action = |action: &str| alter_table(table, &format!("ALTER COLUMN {name} {action}"));
    let drop = from.default.as_ref().map(|_| action("DROP DEFAULT")).map(Statement::harmless);
    let retype = (from.r#type != integer).then(|| retyped(table, &to.name, integer));
    let text = literal(&sequence);
    let table_name = qualified(&table.schema, &table.name);
    let rest = [
        format!("CREATE SEQUENCE {sequence} AS {integer};"),
        format!("ALTER SEQUENCE {sequence} OWNED BY {table_name}.{name};"),
        action(&format!("SET DEFAULT nextval({text}::regclass)")),
        // The rows that are there keep their numbers to themselves.
        format!("SELECT setval({text}, max({name})) FROM {table_name} HAVING max({name}) > 0;"),
    ];
    drop.into_iter().chain(retype).chain(rest.map(Statement::harmless)).collect()
}

fn stop_serial(table: &Table, columns: Pair<&Column>) -> Vec<Statement> {
    let Pair { from, to } = columns;
    let sequence = sequence_name(table, &to.name);
    let drop = alter_table(table, &format!("ALTER COLUMN {} DROP DEFAULT", quote(&to.name)));
    let retype = (integer_of(&from.r#type) != Some(&to.r#type))
        .then(|| retyped(table, &to.name, &type_name(to)));
    let object = format!("{}_{}_seq", named(table), to.name);
    [Statement::harmless(drop), deleting(format!("DROP SEQUENCE {sequence};"), object)]
        .into_iter()
        .chain(retype)
        .collect()
}

fn resize_serial(table: &Table, to: &Column) -> Vec<Statement> {
    let integer = integer_of(&to.r#type).unwrap_or("integer");
    let sequence = sequence_name(table, &to.name);
    let resize = Statement::harmless(format!("ALTER SEQUENCE {sequence} AS {integer};"));
    vec![retyped(table, &to.name, integer), resize]
}

fn retyped(table: &Table, column: &str, sql_type: &str) -> Statement {
    let name = quote(column);
    let action = format!("ALTER COLUMN {name} SET DATA TYPE {sql_type} USING {name}::{sql_type}");
    Statement {
        sql: alter_table(table, &action),
        hazards: vec![Hazard::RewritesTable(named(table))],
    }
}

fn set_type(table: &Table, columns: Pair<&Column>, kinds: Pair<TypeKind>) -> Vec<Statement> {
    let to = columns.to;
    let (name, type_name) = (quote(&to.name), qualified_type_name(to));
    let action = |action: &str| alter_table(table, &format!("ALTER COLUMN {name} {action}"));
    let alteration = Alteration::SetType { from: kinds.from, to: kinds.to };
    let needs_using = needs_using(columns, alteration);
    let becomes_array = to.r#type.contains('[') && !columns.from.r#type.contains('[');
    let using = match (kinds.from, kinds.to) {
        (_, TypeKind::Other) if !needs_using => String::new(),
        (_, TypeKind::Other) if becomes_array => {
            format!(" USING CASE WHEN {name} IS NOT NULL THEN ARRAY[{name}]::{type_name} END")
        }
        (_, TypeKind::Other) | (TypeKind::Other, TypeKind::Enum) => {
            format!(" USING {name}::{type_name}")
        }
        (TypeKind::Enum, TypeKind::Enum) => format!(" USING {name}::text::{type_name}"),
    };
    let rewrite = Statement {
        sql: action(&format!("SET DATA TYPE {type_name}{using}")),
        hazards: vec![Hazard::RewritesTable(named(table))],
    };
    if !alteration.sets_default(columns) {
        return vec![rewrite];
    }
    let plain = Statement::harmless(action(&format!("SET DEFAULT {}", default(to))));
    let drop = Statement::harmless(action("DROP DEFAULT"));
    match (kinds.from, kinds.to) {
        // drizzle-kit leaves the old default, of which PostgreSQL cannot tell what it becomes.
        (_, TypeKind::Other) if needs_using && columns.from.default.is_some() => {
            vec![drop, rewrite, plain]
        }
        (_, TypeKind::Other) => vec![rewrite, plain],
        (TypeKind::Other, TypeKind::Enum) => {
            let cast = action(&format!("SET DEFAULT {}::{type_name}", default(to)));
            vec![Statement::harmless(cast), rewrite]
        }
        (TypeKind::Enum, TypeKind::Enum) => vec![drop, rewrite, plain],
    }
}

/// In alterations the kit names the schema of an enum even where it is `public`.
fn qualified_type_name(column: &Column) -> String {
    let name = type_name(column);
    match column.type_schema.as_deref() {
        Some("public") if name.starts_with('"') => format!("\"public\".{name}"),
        Some(_) | None => name,
    }
}

fn change_identity(table: &Table, columns: Pair<&Column>) -> Vec<Statement> {
    let name = quote(&columns.to.name);
    let alter = |actions: &str| alter_table(table, &format!("ALTER COLUMN {name} {actions}"));
    let actions = identity_changes(columns);
    let sequence = |it: &Column| it.identity.as_ref().map(|it| it.sequence.clone());
    let moved = sequence(columns.from).zip(sequence(columns.to)).and_then(|(from, to)| {
        moved(&qualified(&table.schema, &from.name), Pair { from: bounds(&from), to: bounds(&to) })
    });
    let sql = match moved {
        // One by one, as drizzle-kit has it, each would have to fit the others as they were.
        Some(Move::Before(first)) => vec![first, alter(&actions.join(" "))],
        Some(Move::Within(clause)) => vec![alter(&(actions.join(" ") + &clause))],
        None => actions.iter().map(|it| alter(it)).collect(),
    };
    sql.into_iter().map(Statement::harmless).collect()
}

pub(super) fn bounds(it: &Sequence) -> Bounds<'_> {
    Bounds {
        min: it.min_value.as_deref(),
        max: it.max_value.as_deref(),
        start: it.start_with.as_deref(),
    }
}

fn identity_changes(columns: Pair<&Column>) -> Vec<String> {
    let (Some(from), Some(to)) = (&columns.from.identity, &columns.to.identity) else {
        return Vec::new();
    };
    let kind = if to.r#type == "always" { "ALWAYS" } else { "BY DEFAULT" };
    let kind = (from.r#type != to.r#type).then(|| format!("SET GENERATED {kind}"));
    let (from, to) = (&from.sequence, &to.sequence);
    let option = |name: &str, from: &Option<String>, to: &Option<String>| {
        let to = to.as_ref().filter(|_| from != to)?;
        Some(format!("SET {name} {to}"))
    };
    let cycle = if to.cycle == Some(true) { "SET CYCLE" } else { "SET NO CYCLE" };
    let cycle =
        (from.cycle.unwrap_or_default() != to.cycle.unwrap_or_default()).then(|| cycle.to_owned());
    [
        kind,
        option("MINVALUE", &from.min_value, &to.min_value),
        option("MAXVALUE", &from.max_value, &to.max_value),
        option("INCREMENT BY", &from.increment, &to.increment),
        option("START WITH", &from.start_with, &to.start_with),
        option("CACHE", &from.cache, &to.cache),
        cycle,
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check_type(column: Value, expected: &str) {
        let mut full = json!({ "name": "c", "primaryKey": false, "notNull": false });
        for (key, value) in column.as_object().unwrap() {
            full[key] = value.clone();
        }
        let column: Column = serde_json::from_value(full).unwrap();
        assert_eq!(type_name(&column), expected);
    }

    #[test]
    fn only_types_that_the_kit_knows_stay_unquoted() {
        check_type(
            json!({ "type": "timestamp (3) with time zone" }),
            "timestamp (3) with time zone",
        );
        check_type(json!({ "type": "varchar(5)[3][]" }), "varchar(5)[3][]");
        check_type(json!({ "type": "citext[]" }), "\"citext\"[]");
        check_type(json!({ "type": "varbit(8)[]" }), "varbit(8)[]");
        check_type(json!({ "type": "mood", "typeSchema": "public" }), "\"mood\"");
        check_type(json!({ "type": "mood[]", "typeSchema": "app" }), "\"app\".\"mood\"[]");
    }

    #[test]
    fn an_enum_that_is_named_like_a_native_type_keeps_its_schema() {
        check_type(json!({ "type": "text_kind", "typeSchema": "public" }), "text_kind");
        check_type(json!({ "type": "text_kind", "typeSchema": "app" }), "\"app\".\"text_kind\"");
        check_type(json!({ "type": "dateKind", "typeSchema": "public" }), "\"dateKind\"");
    }
}
