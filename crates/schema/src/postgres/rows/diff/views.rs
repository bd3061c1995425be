//! Views: dropped and created where their query differs, altered where only options do.

use super::super::View;
use super::{Change, Sides, typed};
use crate::pair::Pair;
use crate::rename::NameKind;

/// Views that differ in what counts, with whether they have to be made again.
fn altered(sides: &Sides<'_>) -> Vec<(Pair<View>, bool)> {
    let altered = sides.altered::<View>("views");
    let meant = altered.filter_map(|(views, mut fields)| {
        if views.from.using.as_deref() == Some("heap") && views.to.using.is_none() {
            fields.retain(|it| it != "using");
        }
        let again = fields.iter().any(|it| it == "definition" || it == "materialized");
        (!fields.is_empty()).then_some((views, again))
    });
    meant.collect()
}

/// Views that are dropped and created: those that differ, and those that read them, which PostgreSQL does
/// not let stand meanwhile. drizzle-kit forgets them.
fn again(sides: &Sides<'_>) -> Vec<Pair<View>> {
    let altered = altered(sides);
    let mut again: Vec<_> = altered.iter().filter(|it| it.1).map(|it| it.0.clone()).collect();
    let old: Vec<View> = sides.from.of("views").map(typed).collect();
    let kept = sides.to.of("views").map(typed::<View>);
    let mut kept: Vec<Pair<View>> = kept
        .filter_map(|to| {
            let from = old.iter().find(|it| it.schema == to.schema && it.name == to.name)?;
            Some(Pair { from: from.clone(), to })
        })
        .filter(|it| !again.contains(it))
        .collect();
    while let Some(index) =
        kept.iter().position(|it| again.iter().any(|on| reads(&it.from, &on.from)))
    {
        again.push(kept.remove(index));
    }
    again
}

/// Views that go, those that read others first, then those that change.
pub(super) fn dropped(sides: &Sides<'_>) -> Vec<Change> {
    let again = again(sides);
    let gone = sides.dropped("views").chain(again.iter().map(|it| it.from.clone())).collect();
    let gone = sorted(gone, |it, other| reads(other, it)).into_iter().map(Change::DropView);
    let mut steps: Vec<_> = gone.collect();
    steps.extend(sides.renamed(NameKind::View));
    steps.extend(sides.moved(NameKind::View));
    let others = altered(sides).into_iter().map(|it| it.0).filter(|it| !again.contains(it));
    steps.extend(others.map(Change::AlterView));
    steps
}

/// New views and those that are made again, each after the ones that it reads.
pub(super) fn created(sides: &Sides<'_>) -> Vec<Change> {
    let views = sides.created("views").chain(again(sides).into_iter().map(|it| it.to)).collect();
    sorted(views, reads).into_iter().map(Change::CreateView).collect()
}

/// Whether a view names another, as far as its text says.
fn reads(view: &View, other: &View) -> bool {
    let name = match other.schema.as_str() {
        "public" => format!("\"{}\"", other.name),
        schema => format!("\"{schema}\".\"{}\"", other.name),
    };
    view != other && view.definition.as_deref().is_some_and(|it| it.contains(&name))
}

/// Puts views after those that they need.
fn sorted(mut views: Vec<View>, needs: impl Fn(&View, &View) -> bool) -> Vec<View> {
    let mut sorted = Vec::with_capacity(views.len());
    while !views.is_empty() {
        let waits = |it: &View| views.iter().any(|other| needs(it, other));
        let at = views.iter().position(|it| !waits(it)).unwrap_or(0);
        sorted.push(views.remove(at));
    }
    sorted
}
