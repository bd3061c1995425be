//! Views: dropped and created where their query differs, altered where only options do.

use serde_json::Value;

use super::{Change, Diff, Dropped, Split, split};
use crate::pair::Pair;
use crate::postgres::snapshot::{Snapshot, View};

/// What `ALTER VIEW` changes.
#[derive(Clone, Debug, PartialEq)]
pub enum ViewAlteration<'a> {
    Set(Vec<(&'a str, &'a Value)>),
    Reset(Vec<&'a str>),
    Tablespace(&'a str),
    AccessMethod(&'a str),
}

pub(super) fn views<'a>(snapshots: Pair<&'a Snapshot>, diff: &mut Diff<'a>) {
    let Split { dropped, created, kept } = split(&snapshots.from.views, &snapshots.to.views);
    let created = created.into_iter().filter(|it| !it.is_existing);
    diff.changes.extend(created.map(Change::CreateView));
    let drop = |view: &'a View| Change::DropView(Dropped { view, materialized: view.materialized });
    diff.changes.extend(dropped.into_iter().filter(|it| !it.is_existing).map(drop));
    let kept: Vec<_> = kept.into_iter().filter(|it| !it.to.is_existing).collect();
    let again = made_again(&kept);
    for views in kept {
        let Pair { from, to } = views;
        if again.contains(&to) {
            diff.changes.push(drop(from));
            diff.changes.push(Change::CreateView(to));
        } else {
            let alterations = alterations(views).into_iter();
            diff.changes
                .extend(alterations.map(|alteration| Change::AlterView { view: to, alteration }));
        }
    }
}

/// The views that are dropped and created, with those that read them. drizzle-kit is silent where a plain
/// view becomes a materialized one, or the other way.
fn made_again<'a>(kept: &[Pair<&'a View>]) -> Vec<&'a View> {
    let differs = |it: &&Pair<&View>| {
        let Pair { from, to } = it;
        from.is_existing || from.definition != to.definition || from.materialized != to.materialized
    };
    let mut again: Vec<_> = kept.iter().filter(differs).map(|it| it.to).collect();
    loop {
        let reads =
            |view: &&View| !again.contains(view) && again.iter().any(|it| view_reads(view, it));
        let Some(next) = kept.iter().map(|it| it.to).find(reads) else { return again };
        again.push(next);
    }
}

/// Whether a view names another, as far as its text says.
fn view_reads(view: &View, other: &View) -> bool {
    let name = match other.schema.as_str() {
        "" | "public" => format!("\"{}\"", other.name),
        schema => format!("\"{schema}\".\"{}\"", other.name),
    };
    view.definition.as_deref().is_some_and(|it| it.contains(&name))
}

/// Creates views after those that they read, and drops them before. drizzle-kit 0.31 takes them as they
/// come.
pub(super) fn in_order(changes: Vec<Change<'_>>) -> Vec<Change<'_>> {
    let created = |it: &Change<'_>| matches!(it, Change::CreateView(_));
    let dropped = |it: &Change<'_>| matches!(it, Change::DropView(_));
    let changes = sorted(changes, created, view_reads);
    sorted(changes, dropped, |a, b| view_reads(b, a))
}

/// Sorts the changes of one kind, which stand together, so that each comes after those that it needs.
fn sorted<'a>(
    changes: Vec<Change<'a>>,
    is: impl Fn(&Change<'a>) -> bool,
    needs: impl Fn(&View, &View) -> bool,
) -> Vec<Change<'a>> {
    let Some(start) = changes.iter().position(&is) else { return changes };
    let (mut rest, mut others): (Vec<_>, Vec<_>) = changes.into_iter().partition(&is);
    let mut block = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let waits = |it: &Change<'a>| {
            let mut pairs = rest.iter().filter_map(|other| view_of(it).zip(view_of(other)));
            pairs.any(|(it, other)| it != other && needs(it, other))
        };
        let at = rest.iter().position(|it| !waits(it)).unwrap_or(0);
        block.push(rest.remove(at));
    }
    others.splice(start..start, block);
    others
}

fn view_of<'a>(change: &Change<'a>) -> Option<&'a View> {
    if let Change::CreateView(it) = change {
        return Some(it);
    }
    let Change::DropView(it) = change else { return None };
    Some(it.view)
}

fn alterations<'a>(views: Pair<&'a View>) -> Vec<ViewAlteration<'a>> {
    let Pair { from, to } = views;
    let given = |view: &View, key: &str| view.with.as_ref().and_then(|it| it.get(key)).cloned();
    let set = |is: &dyn Fn(&str, &Value) -> bool| -> Vec<_> {
        to.options().filter(|(key, value)| is(key, value)).collect()
    };
    let added = set(&|key, _| given(from, key).is_none());
    let changed = set(&|key, value| given(from, key).is_some_and(|it| it != *value));
    let reset: Vec<_> =
        from.options().map(|it| it.0).filter(|key| given(to, key).is_none()).collect();
    let mut all = Vec::new();
    all.extend((!added.is_empty()).then_some(ViewAlteration::Set(added)));
    all.extend((!reset.is_empty()).then_some(ViewAlteration::Reset(reset)));
    all.extend((!changed.is_empty()).then_some(ViewAlteration::Set(changed)));
    if from.tablespace != to.tablespace {
        let place = to.tablespace.as_deref().unwrap_or("pg_default");
        all.push(ViewAlteration::Tablespace(place));
    }
    if from.using != to.using {
        all.push(ViewAlteration::AccessMethod(to.using.as_deref().unwrap_or("heap")));
    }
    all
}
