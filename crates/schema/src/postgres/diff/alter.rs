//! How a PostgreSQL column changes: the part of `diff` that looks into columns.
//!
//! Follows `preparePgAlterColumns` of drizzle-kit 0.31.11 (`src/jsonStatements.ts`).

use serde_json::Value;

use super::cast::is_automatic;
use crate::pair::Pair;
use crate::postgres::snapshot::{Column, Snapshot};

/// What changes in a column; the columns say from what to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alteration {
    SetPrimaryKey,
    /// drizzle-kit asks for the name of the key; it is the one that PostgreSQL gives.
    DropPrimaryKey,
    /// The default is set again with the type where [`Alteration::sets_default`] says so.
    SetType {
        from: TypeKind,
        to: TypeKind,
    },
    SetDefault,
    DropDefault,
    SetNotNull,
    DropNotNull,
    AddIdentity,
    ChangeIdentity,
    DropIdentity,
    /// The column is dropped and added again.
    SetGenerated,
    DropGenerated,
    /// A serial is an integer with a sequence of its own; `ALTER TABLE` knows no such type.
    BecomeSerial,
    StopSerial,
    /// From one size to another.
    ResizeSerial,
}

/// Enums need a cast of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeKind {
    Enum,
    Other,
}

/// The integer type under a serial.
pub(crate) fn integer_of(serial: &str) -> Option<&'static str> {
    match serial {
        "serial" => Some("integer"),
        "bigserial" => Some("bigint"),
        "smallserial" => Some("smallint"),
        _ => None,
    }
}

/// Whether two columns are different to drizzle-kit.
pub(crate) fn differs(columns: Pair<&Column>) -> bool {
    columns.from != columns.to
}

/// Whether the types differ, but by a space only. drizzle-kit then passes over the column, whatever
/// else differs.
pub(crate) fn differs_by_a_space(columns: Pair<&Column>) -> bool {
    let (from, to) = (&columns.from.r#type, &columns.to.r#type);
    from != to && from.replacen(" (", "(", 1) == to.replacen(" (", "(", 1)
}

/// What of a column differs in a way for which there is no alteration.
pub(super) fn not_alterable(columns: Pair<&Column>) -> Option<&'static str> {
    renames_sequence(columns).then_some("renames the sequence of its identity")
}

fn renames_sequence(columns: Pair<&Column>) -> bool {
    let name = |column: &Column| column.identity.as_ref().map(|it| it.sequence.name.clone());
    match (name(columns.from), name(columns.to)) {
        (Some(from), Some(to)) => from != to,
        (None, _) | (_, None) => false,
    }
}

/// Whether the column has to be dropped and added again.
pub(super) fn becomes_generated(columns: Pair<&Column>) -> bool {
    let Pair { from, to } = columns;
    to.generated.is_some() && from.generated != to.generated
}

/// The alterations of a column in drizzle-kit's order (`preparePgAlterColumns`).
pub(super) fn alterations(columns: Pair<&Column>, snapshots: Pair<&Snapshot>) -> Vec<Alteration> {
    let Pair { from, to } = columns;
    if becomes_generated(columns) {
        // Whatever else differs comes with the new column. drizzle-kit alters the old one first.
        return vec![Alteration::SetGenerated];
    }
    let set_type = retyped(columns, snapshots);
    let is_set = set_type.is_some_and(|it| it.sets_default(columns));
    let default = match &to.default {
        _ if set_type == Some(Alteration::BecomeSerial) => None,
        _ if from.default == to.default || is_set => None,
        Some(_) => Some(Alteration::SetDefault),
        None => Some(Alteration::DropDefault),
    };
    let not_null = match to.not_null {
        it if it == from.not_null => None,
        true => Some(Alteration::SetNotNull),
        false => Some(Alteration::DropNotNull),
    };
    let identity = match (&from.identity, &to.identity) {
        (from, to) if from == to => None,
        (None, _) => Some(Alteration::AddIdentity),
        (Some(_), Some(_)) => Some(Alteration::ChangeIdentity),
        (Some(_), None) => Some(Alteration::DropIdentity),
    };
    // A default of the old type cannot stay while the type changes.
    let first = match set_type {
        Some(it) if is_in_the_way(it, columns) => [default, set_type],
        _ => [set_type, default],
    };
    // An identity needs NOT NULL, so it comes after it and goes before it.
    let last = match identity {
        Some(Alteration::DropIdentity) => [identity, not_null],
        _ => [not_null, identity],
    };
    // No default is set on a column that is generated still.
    let generated = (from.generated != to.generated).then_some(Alteration::DropGenerated);
    let (before, after) = if to.default.is_some() { (generated, None) } else { (None, generated) };
    let unkeyed = (from.primary_key && !to.primary_key).then_some(Alteration::DropPrimaryKey);
    [unkeyed, before].into_iter().chain(first).chain(last).chain([after]).flatten().collect()
}

fn retyped(columns: Pair<&Column>, snapshots: Pair<&Snapshot>) -> Option<Alteration> {
    let Pair { from, to } = columns;
    let kind = |column: &Column, snapshot: &Snapshot| {
        let base = column.r#type.split('[').next().unwrap_or_default();
        let schema = column.type_schema.as_deref().unwrap_or_default();
        match snapshot.enums.contains_key(&format!("{schema}.{base}")) {
            true => TypeKind::Enum,
            false => TypeKind::Other,
        }
    };
    let kinds = Pair { from: kind(from, snapshots.from), to: kind(to, snapshots.to) };
    // drizzle-kit does not see that a type of the same name is another schema's.
    let is_moved = from.type_schema != to.type_schema
        && kinds == (Pair { from: TypeKind::Enum, to: TypeKind::Enum });
    if from.r#type == to.r#type && !is_moved {
        return None;
    }
    Some(match (integer_of(&from.r#type), integer_of(&to.r#type)) {
        (Some(_), Some(_)) => Alteration::ResizeSerial,
        (None, Some(_)) => Alteration::BecomeSerial,
        (Some(_), None) => Alteration::StopSerial,
        (None, None) => Alteration::SetType { from: kinds.from, to: kinds.to },
    })
}

/// Whether the old default has to go before the type changes. Where it is set again, the change of
/// type sees to it.
fn is_in_the_way(set_type: Alteration, columns: Pair<&Column>) -> bool {
    let Pair { from, to } = columns;
    matches!(set_type, Alteration::SetType { .. })
        && to.default.is_none()
        && from.default.is_some()
        && needs_using(columns, set_type)
}

/// Whether PostgreSQL has to be told how the values get the new type.
pub(crate) fn needs_using(columns: Pair<&Column>, set_type: Alteration) -> bool {
    match set_type {
        Alteration::SetType { to: TypeKind::Enum, .. } => true,
        Alteration::SetType { to: TypeKind::Other, .. } => {
            !is_automatic(&columns.from.r#type, &columns.to.r#type)
        }
        Alteration::SetPrimaryKey
        | Alteration::DropPrimaryKey
        | Alteration::SetDefault
        | Alteration::DropDefault
        | Alteration::SetNotNull
        | Alteration::DropNotNull
        | Alteration::AddIdentity
        | Alteration::ChangeIdentity
        | Alteration::DropIdentity
        | Alteration::SetGenerated
        | Alteration::DropGenerated
        | Alteration::BecomeSerial
        | Alteration::StopSerial
        | Alteration::ResizeSerial => false,
    }
}

impl Alteration {
    /// Whether the change of type sets the default again.
    pub(crate) fn sets_default(self, columns: Pair<&Column>) -> bool {
        matches!(self, Self::SetType { .. }) && has_default(columns.to)
    }
}

/// Whether there is a default that counts. drizzle-kit asks JavaScript whether it is true.
pub(crate) fn has_default(it: &Column) -> bool {
    match &it.default {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Number(it)) => it.as_f64() != Some(0.0),
        Some(Value::String(it)) => !it.is_empty(),
        Some(Value::Bool(true) | Value::Array(_) | Value::Object(_)) => true,
    }
}
