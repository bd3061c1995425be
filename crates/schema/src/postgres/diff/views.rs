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
    for views in kept.into_iter().filter(|it| !it.to.is_existing) {
        let Pair { from, to } = views;
        // drizzle-kit is silent where a plain view becomes a materialized one, or the other way.
        if from.is_existing
            || from.definition != to.definition
            || from.materialized != to.materialized
        {
            diff.changes.push(drop(from));
            diff.changes.push(Change::CreateView(to));
        } else {
            let alterations = alterations(views).into_iter();
            diff.changes
                .extend(alterations.map(|alteration| Change::AlterView { view: to, alteration }));
        }
    }
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
