//! How a PostgreSQL column changes: the part of `diff` that looks into columns.
//!
//! Follows `preparePgAlterColumns` of drizzle-kit 0.31.11 (`src/jsonStatements.ts`).

use serde_json::Value;

use crate::pair::Pair;
use crate::postgres::snapshot::{Column, Snapshot};

/// What changes in a column; the columns say from what to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alteration {
    SetPrimaryKey,
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
}

/// Enums need a cast of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeKind {
    Enum,
    Other,
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
pub(super) fn not_alterable(columns: Pair<&Column>) -> Vec<&'static str> {
    let Pair { from, to } = columns;
    let parts = [
        ("stops being the primary key", from.primary_key && !to.primary_key),
        ("changes its generated expression", from.generated != to.generated),
        ("renames the sequence of its identity", renames_sequence(columns)),
        (
            "changes to the type of the same name in another schema",
            from.r#type == to.r#type && from.type_schema != to.type_schema,
        ),
    ];
    parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect()
}

fn renames_sequence(columns: Pair<&Column>) -> bool {
    let name = |column: &Column| column.identity.as_ref().map(|it| it.sequence.name.clone());
    match (name(columns.from), name(columns.to)) {
        (Some(from), Some(to)) => from != to,
        (None, _) | (_, None) => false,
    }
}

/// The alterations of a column in drizzle-kit's order (`preparePgAlterColumns`).
pub(super) fn alterations(columns: Pair<&Column>, snapshots: Pair<&Snapshot>) -> Vec<Alteration> {
    let Pair { from, to } = columns;
    let kind = |column: &Column, snapshot: &Snapshot| {
        let base = column.r#type.split('[').next().unwrap_or_default();
        let schema = column.type_schema.as_deref().unwrap_or_default();
        match snapshot.enums.contains_key(&format!("{schema}.{base}")) {
            true => TypeKind::Enum,
            false => TypeKind::Other,
        }
    };
    let set_type = (from.r#type != to.r#type).then(|| Alteration::SetType {
        from: kind(from, snapshots.from),
        to: kind(to, snapshots.to),
    });
    let is_set = set_type.is_some_and(|it| it.sets_default(columns));
    let default = match &to.default {
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
    // An identity needs NOT NULL, so it comes after it and goes before it.
    let last = match identity {
        Some(Alteration::DropIdentity) => [identity, not_null],
        _ => [not_null, identity],
    };
    [set_type, default].into_iter().chain(last).flatten().collect()
}

impl Alteration {
    /// Whether the change of type sets the default again. drizzle-kit asks JavaScript whether the
    /// default is true.
    pub(crate) fn sets_default(self, columns: Pair<&Column>) -> bool {
        match &columns.to.default {
            _ if !matches!(self, Self::SetType { .. }) => false,
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Number(it)) => it.as_f64() != Some(0.0),
            Some(Value::String(it)) => !it.is_empty(),
            Some(Value::Bool(true) | Value::Array(_) | Value::Object(_)) => true,
        }
    }
}
