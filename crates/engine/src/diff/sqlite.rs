//! What is tried on a SQLite database to make it another one.
//!
//! Views, triggers and indexes have no rows: they are dropped and made again. A table gets a column at its
//! end, or loses one, or is built anew out of the text of the other side.

use std::collections::BTreeSet;

use raingauge_schema::compare::ObjectDifference;
use raingauge_schema::sqlite::render::alteration::{addition, rebuild};
use raingauge_schema::{Catalog, Kind, Object, ObjectId, Pair};

use super::piece::Piece;
use super::workshop::{Round, Workshop};

/// Drops, changes and makes what one look at the differences says.
pub(super) fn round(shop: &mut Workshop<'_>, round: &Round<'_>) {
    let (tables, light): (Vec<_>, Vec<_>) = round
        .surplus()
        .into_iter()
        .filter(|it| is_alone(it.id.kind) || it.id.kind == Kind::Table)
        .partition(|it| it.id.kind == Kind::Table);
    let remade = round.differing().map(|it| it.from).filter(|it| is_alone(it.id.kind));
    let renamed = renamed(round).from.into_iter().filter_map(|it| round.catalogs.from.get(it));
    shop.drop_all(&light.into_iter().chain(remade).chain(renamed).collect::<Vec<_>>());
    shop.drop_all(&tables);
    for table in changed(round) {
        change(shop, round, &table);
    }
    let missing = missing(shop, round);
    let mut pieces: Vec<_> = shop.pieces.iter().filter(|it| is_one_of(it, &missing)).collect();
    loop {
        let n = shop.steps.len();
        pieces.retain(|it| !shop.runs(&format!("{};", it.sql)));
        if shop.steps.len() == n {
            break;
        }
    }
}

fn is_alone(kind: Kind) -> bool {
    matches!(kind, Kind::View | Kind::Trigger | Kind::Index)
}

/// What only has another name: no statement gives it that.
fn renamed<'a>(round: &Round<'a>) -> Pair<Vec<&'a ObjectId>> {
    let it = round.difference;
    let one = it.renamed.iter();
    let from = one.clone().map(|it| &it.from).chain(it.ambiguous.iter().flat_map(|it| &it.from));
    let to = one.map(|it| &it.to).chain(it.ambiguous.iter().flat_map(|it| &it.to));
    let alone = |it: &&ObjectId| is_alone(it.kind);
    Pair { from: from.filter(alone).collect(), to: to.filter(alone).collect() }
}

fn is_one_of(piece: &Piece, missing: &BTreeSet<ObjectId>) -> bool {
    missing.iter().any(|it| piece.kind == it.kind.word() && piece.is_about(it))
}

/// What is to be made: what the other side has more, and what went on the way.
fn missing(shop: &mut Workshop<'_>, round: &Round<'_>) -> BTreeSet<ObjectId> {
    let mut missing: BTreeSet<_> = std::mem::take(&mut shop.dropped);
    missing.retain(|it| round.catalogs.to.get(it).is_some());
    let is_whole = |it: &&Object| is_alone(it.id.kind) || it.id.kind == Kind::Table;
    missing.extend(round.difference.only_to.iter().filter(is_whole).map(|it| it.id.clone()));
    missing.extend(renamed(round).to.into_iter().cloned());
    missing
}

/// The tables that both sides have, with something different inside.
fn changed(round: &Round<'_>) -> Vec<ObjectId> {
    let it = round.difference;
    let only = it.only_from.iter().chain(&it.only_to).map(|it| &it.id);
    let renamed = it.renamed.iter().map(|it| &it.from);
    let ambiguous = it.ambiguous.iter().flat_map(|it| it.from.iter().chain(&it.to));
    let all = only.chain(it.differs.iter().map(|it| &it.id)).chain(renamed).chain(ambiguous);
    let of = all.filter(|it| !is_alone(it.kind)).filter_map(|it| it.path.first());
    let tables: BTreeSet<_> = of.map(|it| ObjectId::new(Kind::Table, [it])).collect();
    let both = |it: &ObjectId| {
        round.catalogs.from.get(it).is_some() && round.catalogs.to.get(it).is_some()
    };
    tables.into_iter().filter(both).collect()
}

fn change(shop: &mut Workshop<'_>, round: &Round<'_>, table: &ObjectId) {
    let is_virtual = |it: &Catalog| it.get(table).is_some_and(|it| it.get("virtual").is_some());
    if is_virtual(round.catalogs.from) || is_virtual(round.catalogs.to) {
        // Its rows are where its module keeps them.
        return;
    }
    if adds_or_drops_columns(shop, round, table) {
        return;
    }
    let piece = shop.pieces.iter().find(|it| it.kind == "table" && it.name == table.name());
    let Some(piece) = piece else { return };
    let statements = rebuild(table, round.catalogs, &piece.sql);
    if shop.runs_all(&statements) {
        // They went with the old table.
        let inside = round.catalogs.from.inside(table).filter(|it| is_alone(it.id.kind));
        let wanted = inside.filter(|it| round.catalogs.to.get(&it.id).is_some());
        shop.dropped.extend(wanted.map(|it| it.id.clone()));
        let kept = round.catalogs.from.inside(table).filter(|it| it.id.kind == Kind::Trigger);
        shop.dropped.extend(kept.map(|it| it.id.clone()));
    }
}

/// Whether new columns at the end, or columns that go, are all that is different in a table, and SQLite
/// does that where the rows are.
fn adds_or_drops_columns(shop: &mut Workshop<'_>, round: &Round<'_>, table: &ObjectId) -> bool {
    let it = round.difference;
    let is_in = |id: &ObjectId| id.is_inside(table) && !is_alone(id.kind);
    let is_moved = |it: &ObjectDifference| it.attributes.iter().all(|it| it.name == "position");
    let differs = it.differs.iter().filter(|it| it.id == *table || is_in(&it.id));
    let named = it.renamed.iter().map(|it| &it.from);
    let mut named = named.chain(it.ambiguous.iter().flat_map(|it| it.from.iter().chain(&it.to)));
    if !differs.clone().all(is_moved) || named.any(is_in) {
        return false;
    }
    let inside =
        |all: &[Object]| all.iter().filter(|it| is_in(&it.id)).cloned().collect::<Vec<_>>();
    let (gone, mut new) = (inside(&it.only_from), inside(&it.only_to));
    new.sort_by_key(place);
    let are_columns = gone.iter().chain(&new).all(|it| it.id.kind == Kind::Column);
    if !are_columns || gone.is_empty() && new.is_empty() {
        return false;
    }
    let mut then: Vec<_> = columns(round.catalogs.from, table);
    then.retain(|it| !gone.iter().any(|gone| gone.id.name() == it));
    then.extend(new.iter().map(|it| it.id.name().to_owned()));
    if shop.order_counts && then != columns(round.catalogs.to, table) {
        return false;
    }
    let additions: Option<Vec<_>> = new.iter().map(addition).collect();
    let removals: Option<Vec<_>> = gone.iter().map(|it| shop.dialect.removal(it)).collect();
    let (Some(additions), Some(removals)) = (additions, removals) else { return false };
    shop.runs_all(&[removals, additions].concat())
}

/// The columns of a table, in their order.
fn columns(catalog: &Catalog, table: &ObjectId) -> Vec<String> {
    let mut all: Vec<_> = catalog.inside(table).filter(|it| it.id.kind == Kind::Column).collect();
    all.sort_by_key(|it| place(it));
    all.into_iter().map(|it| it.id.name().to_owned()).collect()
}

fn place(column: &Object) -> Option<usize> {
    column.get("position").and_then(|it| it.parse().ok())
}
