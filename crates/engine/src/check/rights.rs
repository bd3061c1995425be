//! T34: whether the connected role may alter what an adoption puts into Drizzle's care.
//!
//! Everything of an adoption may succeed for a role that owns nothing, until the first migration alters
//! a table. So it is asked before anything is written.

use raingauge_schema::{Kind, Object};

use crate::facts::Facts;
use crate::report::Finding;
use crate::rights::Rights;

/// How many objects are shown; the rest is counted.
const MAX_SHOWN: usize = 20;

/// What the role lacks.
pub fn missing_rights(rights: &Rights, facts: &Facts) -> Vec<Finding> {
    let found = [not_owner(rights, facts), not_creatable(rights, facts), no_ledger(rights)];
    found.into_iter().flatten().collect()
}

fn not_owner(rights: &Rights, facts: &Facts) -> Option<Finding> {
    let is_managed = |it: &&Object| {
        matches!(it.id.kind, Kind::Table | Kind::Enum | Kind::View | Kind::MaterializedView)
            && facts.declared.as_ref().is_none_or(|declared| declared.catalog.get(&it.id).is_some())
    };
    let foreign = |it: &Object| it.owner.clone().filter(|owner| rights.strangers.contains(owner));
    let managed = facts.live.objects().filter(is_managed);
    let objects: Vec<_> = managed.filter_map(|it| Some((it, foreign(it)?))).collect();
    let (_, owner) = objects.first()?;
    let finding = Finding::error(
        "not-owner",
        format!("role {}", rights.role),
        "is neither the owner of these nor a member of the owner, so every later migration that alters them would fail; nothing was changed",
    )
    .next(format!("connect as `{owner}`, or as a role that is a member of it"));
    let shown = objects.iter().take(MAX_SHOWN);
    let finding = shown.fold(finding, |it, (object, owner)| {
        it.evidence(format!("{} belongs to `{owner}`", object.id))
    });
    Some(match objects.len().saturating_sub(MAX_SHOWN) {
        0 => finding,
        more => finding.evidence(format!("… and {more} more")),
    })
}

/// New tables need a place.
fn not_creatable(rights: &Rights, facts: &Facts) -> Option<Finding> {
    let declared = facts.declared.as_ref()?;
    let new = declared.comparison.only_to.iter().filter(|it| it.id.kind == Kind::Table);
    let schema = |it: &Object| it.id.path.first().cloned();
    let mut schemas: Vec<_> =
        new.filter_map(schema).filter(|it| rights.closed_schemas.contains(it)).collect();
    schemas.dedup();
    let first = schemas.first()?;
    let finding = Finding::error(
        "schema-not-creatable",
        format!("role {}", rights.role),
        format!(
            "may not create tables in schema `{first}`, but schema.ts declares new ones there; nothing was changed"
        ),
    );
    Some(schemas.iter().fold(finding, |it, schema| {
        it.next(format!(
            "as an administrator: GRANT CREATE ON SCHEMA \"{schema}\" TO \"{}\"",
            rights.role
        ))
    }))
}

fn no_ledger(rights: &Rights) -> Option<Finding> {
    let grant = rights.ledger_grant.as_ref()?;
    let finding = Finding::error(
        "ledger-not-writable",
        format!("role {}", rights.role),
        "may not create or write the ledger, which Drizzle's own `migrate` needs as well; nothing was changed",
    );
    Some(finding.next(format!("as an administrator: {grant}")))
}
