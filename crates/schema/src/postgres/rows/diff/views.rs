//! Views: dropped and created where their query differs, altered where only options do.

use super::super::View;
use super::{Change, Sides};
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

/// Views that go, then those that change.
pub(super) fn dropped(sides: &Sides<'_>) -> Vec<Change> {
    let mut steps: Vec<_> = sides.dropped("views").map(Change::DropView).collect();
    steps.extend(sides.renamed(NameKind::View));
    steps.extend(sides.moved(NameKind::View));
    let altered = altered(sides);
    let again = altered.iter().filter(|it| it.1).map(|it| it.0.from.clone());
    steps.extend(again.map(Change::DropView));
    let others = altered.into_iter().filter(|it| !it.1);
    steps.extend(others.map(|it| Change::AlterView(it.0)));
    steps
}

/// New views and those that are made again, each after the ones that it reads.
pub(super) fn created(sides: &Sides<'_>) -> Vec<Change> {
    let again = altered(sides).into_iter().filter(|it| it.1).map(|it| it.0.to);
    let views: Vec<View> = sides.created("views").chain(again).collect();
    let mut sorted: Vec<usize> = Vec::new();
    for index in 0..views.len() {
        visit(&views, index, &mut Vec::new(), &mut sorted);
    }
    sorted.into_iter().map(|it| Change::CreateView(views[it].clone())).collect()
}

fn visit(views: &[View], index: usize, open: &mut Vec<usize>, sorted: &mut Vec<usize>) {
    if open.contains(&index) || sorted.contains(&index) {
        return;
    }
    open.push(index);
    let definition = views[index].definition.as_deref().unwrap_or_default();
    for (other, view) in views.iter().enumerate() {
        let name = match view.schema.as_str() {
            "public" => format!("\"{}\"", view.name),
            schema => format!("\"{schema}\".\"{}\"", view.name),
        };
        if definition.contains(&name) {
            visit(views, other, open, sorted);
        }
    }
    sorted.push(index);
}
