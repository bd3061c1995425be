//! What is tried on a PostgreSQL database to make it another one.
//!
//! First what changes an object where it is and what makes and drops objects; only where that does not
//! lead on, what stands in the way is dropped and made again.

use std::collections::BTreeSet;

use raingauge_schema::postgres::render::about;
use raingauge_schema::postgres::render::alteration::{addition, alterations, renaming, set_aside};
use raingauge_schema::{Kind, Object, ObjectId, Pair};

use super::piece::Piece;
use super::view::subject;
use super::workshop::{Round, Workshop, is_replaceable};
use crate::Result;

/// The ways to change an object where it is, with the type of a column before everything else.
fn ways(round: &Round<'_>, objects: Pair<&Object>) -> Vec<Vec<Vec<String>>> {
    let mut names: Vec<_> = attributes(round, objects.to).collect();
    names.sort_by_key(|it| *it != "type");
    let mut all: Vec<_> = names.iter().map(|it| alterations(objects, it)).collect();
    all.dedup();
    all.retain(|it| !it.is_empty());
    all
}

/// What of an object differs.
fn attributes<'a>(round: &Round<'a>, object: &Object) -> impl Iterator<Item = &'a str> {
    let differs = round.difference.differs.iter().find(|it| it.id == object.id);
    differs.into_iter().flat_map(|it| &it.attributes).map(|it| it.name.as_str())
}

fn can_change(objects: Pair<&Object>, attribute: &str) -> bool {
    !alterations(objects, attribute).is_empty()
}

/// What changes objects where they are, drops what is too much and makes what is missing.
pub(super) fn gentle(shop: &mut Workshop<'_>, round: &Round<'_>) {
    rename(shop, round);
    let (light, heavy): (Vec<_>, Vec<_>) =
        round.surplus().into_iter().partition(|it| is_replaceable(it));
    shop.drop_all(&light);
    let is_new = |it: &Pair<&Object>| {
        is_replaceable(it.to) && !is_replaced(it.to) && ways(round, *it).is_empty()
    };
    let remade: Vec<_> = round.differing().filter(is_new).map(|it| it.from).collect();
    shop.drop_all(&remade);
    let mut done: BTreeSet<Vec<String>> = BTreeSet::new();
    for objects in round.differing() {
        for ways in ways(round, objects) {
            // One statement may be for several objects.
            if !ways.iter().any(|it| done.contains(it)) && shop.runs_one(&ways) {
                done.extend(shop.steps.last().cloned());
            }
        }
    }
    make(shop, round);
    shop.drop_all(&heavy);
    say(shop, round);
}

/// What has `CREATE OR REPLACE`, which leaves everything that depends on it where it is.
fn is_replaced(object: &Object) -> bool {
    matches!(object.id.kind, Kind::View | Kind::Function | Kind::Procedure)
}

/// What drops more than has to go, to make it again.
///
/// # Errors
/// If the connection breaks.
pub(super) fn harsh(shop: &mut Workshop<'_>, round: &Round<'_>) -> Result<()> {
    let now = round.catalogs.from;
    for objects in round.differing() {
        if is_replaceable(objects.to) {
            shop.displaces(objects.from, now)?;
        } else if objects.to.id.kind == Kind::Column {
            force(shop, round, objects)?;
        } else if let Some(aside) = set_aside(objects.from)
            && !attributes(round, objects.to).all(|it| can_change(objects, it))
        {
            shop.runs(&aside);
        }
    }
    for object in round.surplus() {
        shop.displaces(object, now)?;
    }
    // Two names that were swapped, or several that say the same.
    let ambiguous = round.difference.ambiguous.iter().flat_map(|it| &it.from);
    for id in round.difference.renamed.iter().map(|it| &it.from).chain(ambiguous) {
        if let Some(object) = now.get(id) {
            shop.displaces(object, now)?;
        }
    }
    Ok(())
}

/// Changes a column after what reads it was dropped: first what the server does not let change beneath it,
/// then what it would build again by itself, but cannot.
fn force(shop: &mut Workshop<'_>, round: &Round<'_>, objects: Pair<&Object>) -> Result<()> {
    let all = ways(round, objects);
    let Some(removal) = shop.dialect.removal(objects.from) else { return Ok(()) };
    let blocked = |shop: &mut Workshop<'_>| {
        let left: Vec<_> = all.iter().filter(|ways| !shop.runs_one(ways)).collect();
        !left.is_empty()
    };
    if !blocked(shop) {
        return Ok(());
    }
    let dependents = shop.vanished(&removal, round.catalogs.from)?;
    let dependents: Vec<_> =
        dependents.iter().filter(|it| it.id != objects.from.id && is_replaceable(it)).collect();
    let reads = |it: &&&Object| {
        let readers = [Kind::View, Kind::MaterializedView, Kind::Rule, Kind::Policy, Kind::Trigger];
        readers.contains(&it.id.kind)
    };
    let (readers, others): (Vec<_>, Vec<_>) = dependents.into_iter().partition(|it| reads(&it));
    for group in [readers, others] {
        if group.is_empty() {
            continue;
        }
        shop.drop_all(&group);
        if !blocked(shop) {
            return Ok(());
        }
    }
    Ok(())
}

fn rename(shop: &mut Workshop<'_>, round: &Round<'_>) {
    let pairs = round.difference.renamed.iter().map(|it| (&it.from, &it.to));
    let ambiguous = round.difference.ambiguous.iter().flat_map(|it| it.from.iter().zip(&it.to));
    for (from, to) in pairs.chain(ambiguous).filter(|it| it.0 != it.1) {
        if let Some(sql) = renaming(from, to.name()) {
            shop.runs(&sql);
        }
    }
    // Of several that say the same, those that nobody needs go.
    for it in &round.difference.ambiguous {
        let surplus = it.from.iter().skip(it.to.len());
        let surplus: Vec<_> = surplus.filter_map(|it| round.catalogs.from.get(it)).collect();
        shop.drop_all(&surplus);
    }
}

/// Makes what is missing: columns of tables that are there, and whatever the engine has pieces for; again
/// and again, since one may need the other.
fn make(shop: &mut Workshop<'_>, round: &Round<'_>) {
    let mut missing: BTreeSet<&ObjectId> =
        round.difference.only_to.iter().map(|it| &it.id).collect();
    missing
        .extend(round.difference.ambiguous.iter().flat_map(|it| it.to.iter().skip(it.from.len())));
    let dropped = shop.dropped.clone();
    missing.extend(dropped.iter().filter(|it| round.catalogs.to.get(it).is_some()));
    let differs: Vec<_> = round.difference.differs.iter().map(|it| &it.id).collect();
    let mut pieces: Vec<&Piece> = Vec::new();
    let unsayable = |it: &&&ObjectId| {
        let object = round.catalogs.to.get(it).filter(|it| it.id.kind == Kind::Comment);
        object.is_some_and(|it| about::comment(it, None).is_empty())
    };
    let unsayable: Vec<_> = missing.iter().chain(&differs).filter(unsayable).copied().collect();
    for piece in shop.pieces {
        // What can be said of an object is said when all is made.
        if piece.kind == "COMMENT" && !unsayable.iter().any(|it| piece.is_about(it)) {
            continue;
        }
        let is_new = !shop.known.contains(piece.sql.as_str());
        let is_missing = missing.iter().any(|it| piece.is_about(it));
        if is_missing || is_new && differs.iter().any(|it| piece.is_about(it)) {
            pieces.push(piece);
        }
    }
    let mut parts = new_parts(round, &missing);
    loop {
        let n = shop.steps.len();
        parts.retain(|it| !addition(it).is_some_and(|it| shop.runs(&it)));
        pieces.retain(|it| !shop.runs_one(&makings(it, &differs)));
        if shop.steps.len() == n || shop.session.is_none() {
            break;
        }
    }
    shop.dropped.clear();
}

/// The parts that tables lack which are there, columns first and in their order. What a table is to inherit it
/// has to have before it gets its parent.
fn new_parts(round: &Round<'_>, missing: &BTreeSet<&ObjectId>) -> Vec<Object> {
    let Pair { from: now, to } = round.catalogs;
    let table = |it: &Object| {
        let id = it.id.path.get(..2).map(|it| ObjectId::new(Kind::Table, it));
        id.and_then(|it| now.get(&it))
    };
    let parentless = |it: &Object| {
        table(it)
            .is_some_and(|it| ["partition of", "inherits"].iter().all(|at| it.get(at).is_none()))
    };
    let parts = missing.iter().filter_map(|it| to.get(it)).filter(|it| table(it).is_some());
    let mut parts: Vec<_> = parts.cloned().collect();
    for part in parts.iter_mut().filter(|it| parentless(it)) {
        part.attributes.remove("inherited");
    }
    let place = |it: &Object| it.get("position").and_then(|it| it.parse::<u32>().ok());
    parts.sort_by_cached_key(|it| (it.id.kind, table(it).map(|it| &it.id), place(it)));
    parts
}

/// A piece as it stands, and as what replaces something.
fn makings(piece: &Piece, differs: &[&ObjectId]) -> Vec<Vec<String>> {
    let sql = piece.sql.as_str();
    let closed = |it: String| vec![format!("{it};")];
    if let Some(filled) = sql.strip_suffix("WITH NO DATA") {
        return vec![closed(filled.trim_end().to_owned())];
    }
    let words = ["FUNCTION ", "PROCEDURE ", "VIEW ", "RULE ", "TRIGGER ", "AGGREGATE "];
    let rest =
        sql.strip_prefix("CREATE ").filter(|it| words.iter().any(|word| it.starts_with(word)));
    let Some(rest) = rest else { return vec![closed(sql.to_owned())] };
    let replacing = closed(format!("CREATE OR REPLACE {rest}"));
    match differs.iter().any(|it| piece.is_about(it)) {
        true => vec![replacing, closed(sql.to_owned())],
        false => vec![closed(sql.to_owned()), replacing],
    }
}

/// Comments and grants, which the catalog says in full.
fn say(shop: &mut Workshop<'_>, round: &Round<'_>) {
    let Pair { from: now, to } = round.catalogs;
    let surplus = round.difference.only_from.iter();
    // What is said about a thing goes with it.
    let stays = |it: &&Object| {
        let is_of_gone = |it: ObjectId| now.get(&it).is_some() && to.get(&it).is_none();
        !subject(&it.id).is_some_and(is_of_gone)
    };
    for object in surplus.filter(stays) {
        speak(shop, object, None, false);
    }
    for object in &round.difference.only_to {
        speak(shop, object, Some(object), true);
    }
    for objects in round.differing() {
        speak(shop, objects.to, Some(objects.to), false);
    }
}

fn speak(shop: &mut Workshop<'_>, object: &Object, to: Option<&Object>, is_new: bool) {
    match object.id.kind {
        Kind::Comment => {
            let text = to.map(|it| it.get("text").unwrap_or_default());
            let ways: Vec<_> =
                about::comment(object, text).into_iter().map(|it| vec![it]).collect();
            shop.runs_one(&ways);
        }
        Kind::Grant => {
            let Some(mut statements) = about::grants(object, to) else { return };
            let is_role = !["public", "(owner)"].contains(&object.id.name());
            if is_new && is_role && 1 < statements.len() {
                // Nothing was granted yet that would have to go.
                statements.remove(0);
            }
            shop.runs_all(&statements);
        }
        _ => {}
    }
}
