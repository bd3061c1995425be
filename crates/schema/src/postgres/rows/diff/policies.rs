//! Policies, and row security where they come and go.

use super::super::{Policy, Table};
use super::{Change, Sides, typed};
use crate::drizzle::entities::Entities;
use crate::pair::Pair;

/// The tables whose row security changes, as they become.
pub(super) fn row_security(sides: &Sides<'_>) -> Vec<Table> {
    let mut tables: Vec<Table> = sides.altered("tables").map(|it| it.0.to).collect();
    let find = |entities: &Entities, it: &Policy| {
        let mut tables = entities.of("tables").map(typed::<Table>);
        tables.find(|table| table.schema == it.schema && table.name == it.table)
    };
    let is_there = |tables: &[Table], it: &Policy| {
        tables.iter().any(|table| table.schema == it.schema && table.name == it.table)
    };
    for it in sides.dropped::<Policy>("policies") {
        let (Some(old), Some(new)) = (find(sides.from, &it), find(sides.to, &it)) else { continue };
        if !has_policies(sides.to, &it) && !old.is_rls_enabled && !is_there(&tables, &it) {
            tables.push(Table { is_rls_enabled: false, ..new });
        }
    }
    for it in sides.created::<Policy>("policies") {
        let Some(new) = find(sides.to, &it) else { continue };
        let is_first = !has_policies(sides.from, &it) && !sides.is_created(&it.schema, &it.table);
        if is_first && !new.is_rls_enabled && !is_there(&tables, &it) {
            tables.push(Table { is_rls_enabled: true, ..new });
        }
    }
    tables
}

fn has_policies(entities: &Entities, of: &Policy) -> bool {
    let mut policies = entities.of("policies").map(typed::<Policy>);
    policies.any(|it| it.schema == of.schema && it.table == of.table)
}

pub(super) fn changes(sides: &Sides<'_>) -> Vec<Change> {
    let mut steps: Vec<_> = sides.created("policies").map(Change::CreatePolicy).collect();
    for (policies, mut fields) in sides.altered::<Policy>("policies") {
        let Pair { from, to } = policies;
        if let (Some(a), Some(b)) = (&from.with_check, &to.with_check)
            && (*a == format!("({b})") || *b == format!("({a})"))
        {
            fields.retain(|it| it != "withCheck");
        }
        let has = |field: &str| fields.iter().any(|it| it == field);
        // ALTER POLICY cannot take a condition away.
        let loses = (from.using.is_some() && to.using.is_none())
            || (from.with_check.is_some() && to.with_check.is_none());
        if has("for") || has("as") || loses {
            steps.push(Change::ReplacePolicy(to));
        } else if !fields.is_empty() {
            steps.push(Change::AlterPolicy(to));
        }
    }
    steps
}
