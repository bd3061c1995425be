//! What reads a column and stands in the way when it is dropped or gets another type.

use crate::pair::Pair;
use crate::postgres::snapshot::{Policy, Snapshot, Table, View};
use crate::postgres::token::tokens;

/// Something that keeps a table's column as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    View,
    Policy,
    Generated,
    /// A check, a condition or expression of an index, a foreign key: part of the table.
    Part,
}

/// What stays and reads a column, in words. Where a text cannot be read, it counts.
pub(super) fn readers(
    snapshots: Pair<&Snapshot>,
    table: &Table,
    column: &str,
    counts: impl Fn(Reader) -> bool,
) -> Vec<String> {
    let mut found = Vec::new();
    if counts(Reader::View) {
        let kept = |key: &String, it: &View| {
            let old = snapshots.from.views.get(key);
            old.is_some_and(|old| {
                old.definition == it.definition && old.materialized == it.materialized
            })
        };
        let views = snapshots.to.views.iter().filter(|(key, it)| kept(key, it)).map(|it| it.1);
        let reads = |it: &&View| {
            let definition = it.definition.as_deref().unwrap_or_default();
            mentions(definition, &table.name) && mentions(definition, column)
        };
        found.extend(views.filter(reads).map(|it| format!("view `{}.{}`", it.schema, it.name)));
    }
    if counts(Reader::Policy) {
        let linked = snapshots.from.policies.values().filter(|it| is_on(it, table));
        let reads = |it: &&Policy| {
            [&it.using, &it.with_check].into_iter().flatten().any(|it| mentions(it, column))
        };
        let policies = old(snapshots, table).into_iter().flat_map(|it| it.policies.values());
        found
            .extend(policies.chain(linked).filter(reads).map(|it| format!("policy `{}`", it.name)));
    }
    if counts(Reader::Generated) {
        let kept = old(snapshots, table).into_iter().flat_map(|it| it.columns.values());
        let generated = kept.filter(|it| it.name != column);
        let reads = generated
            .filter(|it| it.generated.as_ref().is_some_and(|it| mentions(&it.r#as, column)));
        found.extend(reads.map(|it| format!("column `{}`", it.name)));
    }
    if counts(Reader::Part) {
        found.extend(parts(snapshots, table, column));
    }
    found
}

fn parts(snapshots: Pair<&Snapshot>, table: &Table, column: &str) -> Vec<String> {
    let Some(old) = old(snapshots, table) else { return Vec::new() };
    let kept = |key: &String| old.check_constraints.get(key) == table.check_constraints.get(key);
    let checks =
        table.check_constraints.iter().filter(|(key, it)| kept(key) && mentions(&it.value, column));
    let checks = checks.map(|it| format!("check `{}`", it.1.name));
    let indexes = table.indexes.iter().filter(|(key, it)| {
        let texts = it.columns.iter().filter(|it| it.is_expression()).map(|it| it.expression());
        let mut texts = texts.chain(it.condition.as_deref());
        old.indexes.contains_key(*key) && texts.any(|it| mentions(it, column))
    });
    let indexes = indexes.map(|it| format!("index `{}`", it.1.name));
    let named = |names: &[String]| names.iter().any(|it| it == column);
    let keys = snapshots.to.tables.values().flat_map(|it| it.foreign_keys.values());
    let keys = keys.filter(|it| {
        (it.table_from == table.name && named(&it.columns_from))
            || (it.table_to == table.name && named(&it.columns_to))
    });
    let keys = keys.map(|it| format!("foreign key `{}`", it.name));
    checks.chain(indexes).chain(keys).collect()
}

fn old<'a>(snapshots: Pair<&'a Snapshot>, table: &Table) -> Option<&'a Table> {
    let same = |it: &&Table| it.name == table.name && it.schema == table.schema;
    snapshots.from.tables.values().find(same)
}

fn is_on(policy: &Policy, table: &Table) -> bool {
    policy.on.as_deref().is_some_and(|it| mentions(it, &table.name))
}

/// Whether a name stands in a text.
pub(in crate::postgres) fn mentions(text: &str, name: &str) -> bool {
    let is_name = |it: Option<String>| it.is_some_and(|it| it.eq_ignore_ascii_case(name));
    tokens(text).map_or(true, |it| it.iter().any(|it| is_name(it.identifier())))
}
