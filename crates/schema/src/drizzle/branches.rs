//! Branches of a history of Drizzle 1.0: where they end, what they say together, and what two of them both
//! changed, so that one after the other they fail, or only what the second one says is left.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::chain::EntitySnapshot;
use super::entities::{Altered, Changes, Entities, EntityType, Link, Row, Source, type_of};

/// The snapshots of a history that none follows, the newest first. Those of `history` stand in their order.
pub fn ends<'a>(history: &[&'a EntitySnapshot]) -> Vec<&'a EntitySnapshot> {
    let is_followed = |id: &String| history.iter().any(|it| it.prev_ids.contains(id));
    history.iter().rev().filter(|it| !is_followed(&it.id)).copied().collect()
}

/// What the ends of a history say together: all that was changed on any branch since they parted. It is no file's,
/// so that it has no id; its `prev_ids` are what a snapshot after it follows. `None` where branches contradict
/// one another.
pub fn merged(history: &[&EntitySnapshot]) -> Option<EntitySnapshot> {
    let ends = ends(history);
    let (first, others) = ends.split_first()?;
    if others.is_empty() {
        return Some((*first).clone());
    }
    let of_each: Vec<_> = ends.iter().map(|it| ancestors(history, it)).collect();
    let is_common =
        |it: &&&EntitySnapshot| of_each.iter().all(|known| known.contains(&it.id.as_str()));
    let base = history.iter().rev().find(is_common).map(|it| &it.entities);
    let nothing = Entities::new(first.format.types);
    let base = base.unwrap_or(&nothing);
    let types = first.format.types;
    let mut pairs = ends
        .iter()
        .enumerate()
        .flat_map(|(at, it)| ends.iter().skip(at + 1).map(move |other| (it, other)));
    if pairs
        .any(|(it, other)| !contradictions(types, base, [&it.entities, &other.entities]).is_empty())
    {
        return None;
    }
    let mut entities = first.entities.clone();
    for other in others {
        for delta in base.deltas(&other.entities) {
            entities.apply(&delta).ok()?;
        }
    }
    let prev_ids = ends.iter().map(|it| it.id.clone()).collect();
    Some(EntitySnapshot {
        format: first.format,
        id: String::new(),
        prev_ids,
        entities,
        renames: Vec::new(),
    })
}

/// The ids that lead to a snapshot, its own included.
fn ancestors<'a>(history: &[&'a EntitySnapshot], end: &'a EntitySnapshot) -> Vec<&'a str> {
    let (mut found, mut open) = (Vec::new(), vec![end.id.as_str()]);
    while let Some(id) = open.pop() {
        if found.contains(&id) {
            continue;
        }
        found.push(id);
        let before = history.iter().filter(|it| it.id == id).flat_map(|it| &it.prev_ids);
        open.extend(before.map(String::as_str));
    }
    found
}

/// The things on which two branches contradict each other, each once: `+ columns public.a.x` for one that both
/// create, `-` for one that is gone in one of them, `~` for one that both change. What is inside a thing that is
/// named already is left out. Two that change other fields of a row, or one field in the same way, get on.
pub(super) fn contradictions(
    types: &'static [EntityType],
    base: &Entities,
    branches: [&Entities; 2],
) -> Vec<String> {
    let [one, other] = branches.map(|it| base.changes(it));
    let key = |row: &Row| base.full_key(row);
    let mut found: BTreeMap<String, (char, &Row)> = BTreeMap::new();
    for (sign, rows, others) in
        [('+', &one.created, &other.created), ('-', &one.dropped, &other.dropped)]
    {
        let others: BTreeSet<_> = others.iter().map(key).collect();
        let both = rows.iter().filter(|it| others.contains(&key(it)));
        found.extend(both.map(|it| (key(it), (sign, it))));
    }
    for it in &one.altered {
        let twin = other.altered.iter().find(|twin| key(&twin.from) == key(&it.from));
        if twin.is_some_and(|twin| differs(it, twin)) {
            found.insert(key(&it.from), ('~', &it.from));
        }
    }
    for (drops, needs) in [(&one, &other), (&other, &one)] {
        let needed = drops.dropped.iter().filter(|it| is_needed(types, base, it, needs));
        found.extend(needed.map(|it| (key(it), ('-', it))));
    }
    let is_outermost = |row: &Row| {
        let mut outer = found.values().filter(|it| ["schemas", "tables"].contains(&type_of(it.1)));
        !outer.any(|it| is_inside(types, row, it.1))
    };
    found.values().filter(|it| is_outermost(it.1)).map(|it| line(it.0, it.1)).collect()
}

/// A row for people.
pub(super) fn line(sign: char, row: &Row) -> String {
    let place = ["schema", "table", "name"].iter().filter_map(|it| row.get(*it)?.as_str());
    format!("{sign} {} {}", type_of(row), place.collect::<Vec<_>>().join("."))
}

/// Whether two changes of a row leave another value in one field.
fn differs(one: &Altered, other: &Altered) -> bool {
    one.fields.iter().any(|it| other.fields.contains(it) && one.to.get(it) != other.to.get(it))
}

/// Whether a branch still does something to a row, or to what rests on it.
fn is_needed(
    types: &'static [EntityType],
    base: &Entities,
    dropped: &Row,
    changes: &Changes,
) -> bool {
    let is_same = |it: &Altered| base.full_key(&it.from) == base.full_key(dropped);
    let altered = changes.altered.iter().map(|it| &it.to);
    changes.altered.iter().any(is_same)
        || changes.created.iter().chain(altered).any(|it| is_inside(types, it, dropped))
}

/// Whether a row points at another one.
fn is_inside(types: &'static [EntityType], row: &Row, other: &Row) -> bool {
    let links = types.iter().filter(|it| it.name == type_of(row)).flat_map(|it| it.links);
    links.filter(|it| it.to == type_of(other)).any(|it| points_at(it, row, other))
}

fn points_at(link: &Link, row: &Row, other: &Row) -> bool {
    link.fields.iter().all(|(there, source)| {
        let wanted = other.get(*there);
        match source {
            Source::Field(here) => row.get(*here) == wanted,
            Source::Texts(here) => items(row, here).any(|it| Some(it) == wanted),
            Source::Values(here) => {
                items(row, here).any(|it| it["isExpression"] != true && it.get("value") == wanted)
            }
        }
    })
}

fn items<'a>(row: &'a Row, field: &str) -> impl Iterator<Item = &'a Value> {
    row.get(field).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::entities::Form::{Text, Texts};
    use super::*;
    use crate::Dialect;
    use crate::drizzle::entities::row;

    const OF_TABLE: Link = Link { to: "tables", fields: &[("name", Source::Field("table"))] };
    const ON_COLUMNS: Link = Link {
        to: "columns",
        fields: &[("table", Source::Field("table")), ("name", Source::Texts("columns"))],
    };
    const TYPES: &[EntityType] = &[
        EntityType { name: "tables", fields: &[("name", Text)], key: &["name"], links: &[] },
        EntityType {
            name: "columns",
            fields: &[("type", Text), ("default", Text), ("table", Text), ("name", Text)],
            key: &["table", "name"],
            links: &[OF_TABLE],
        },
        EntityType {
            name: "indexes",
            fields: &[("columns", Texts), ("table", Text), ("name", Text)],
            key: &["name"],
            links: &[OF_TABLE, ON_COLUMNS],
        },
    ];

    /// `a` is a table, `a.x` a column, `a.x:int=1` with type and default, `a(x)` an index.
    fn entities(words: &str) -> Entities {
        let row = |word: &str| {
            if let Some((table, column)) = word.strip_suffix(')').and_then(|it| it.split_once('('))
            {
                return json!({ "entityType": "indexes", "columns": [column], "table": table, "name": format!("{table}_{column}") });
            }
            let Some((table, column)) = word.split_once('.') else {
                return json!({ "entityType": "tables", "name": word });
            };
            let (name, rest) = column.split_once(':').unwrap_or((column, "text="));
            let (kind, default) = rest.split_once('=').unwrap_or((rest, ""));
            json!({ "entityType": "columns", "type": kind, "default": default, "table": table, "name": name })
        };
        let mut entities = Entities::new(TYPES);
        words.split_whitespace().map(row).try_for_each(|it| entities.read(it)).unwrap();
        entities
    }

    #[track_caller]
    fn check(one: &str, other: &str, expected: &[&str]) {
        let base = entities("a a.x b b.y a(x)");
        let (one, other) = (entities(one), entities(other));
        assert_eq!(contradictions(TYPES, &base, [&one, &other]), expected);
        assert_eq!(contradictions(TYPES, &base, [&other, &one]), expected);
    }

    #[test]
    fn what_both_create_is_a_contradiction_also_where_it_is_the_same() {
        check("a a.x a.z b b.y a(x)", "a a.x a.z b b.y a(x)", &["+ columns a.z"]);
        check("a a.x b b.y a(x) c c.x", "a a.x b b.y a(x) c c.y", &["+ tables c"]);
    }

    #[test]
    fn what_both_drop_is_a_contradiction() {
        check("a a.x a(x)", "a a.x a(x)", &["- tables b"]);
        check("a a.x b b.y", "a a.x b b.y", &["- indexes a.a_x"]);
    }

    #[test]
    fn what_one_drops_and_the_other_still_uses_is_a_contradiction() {
        check("a a.x a(x)", "a a.x b b.y b.z a(x)", &["- tables b"]);
        check("a a.x b a(x)", "a a.x b b.y a(x) b(y)", &["- columns b.y"]);
        check("a a.x b a(x)", "a a.x b b.y:int a(x)", &["- columns b.y"]);
    }

    #[test]
    fn two_values_of_one_field_are_a_contradiction_and_one_in_both_is_none() {
        check("a a.x:int b b.y a(x)", "a a.x:real b b.y a(x)", &["~ columns a.x"]);
        check("a a.x:int b b.y a(x)", "a a.x:int b b.y a(x)", &[]);
        check("a a.x:text=1 b b.y a(x)", "a a.x:int b b.y a(x)", &[]);
    }

    #[test]
    fn branches_in_different_places_get_on() {
        check("a a.x a.z b b.y a(x)", "a a.x b b.y b.z", &[]);
        check("a a.x b b.y a(x) c c.x", "a a.x b b.y a(x) d d.x", &[]);
    }

    const FORMAT: Dialect = Dialect::Sqlite;

    /// A snapshot with these tables, each with its columns: `books: id title`.
    fn snapshot(id: &str, prev_ids: &[&str], tables: &[&str]) -> EntitySnapshot {
        let mut snapshot = EntitySnapshot::empty(FORMAT.entities());
        (snapshot.id, snapshot.prev_ids) =
            (id.to_owned(), prev_ids.iter().map(|it| (*it).to_owned()).collect());
        for table in tables {
            let (name, columns) = table.split_once(": ").unwrap();
            snapshot.entities.add(row("tables", &json!({ "name": name }))).unwrap();
            for column in columns.split(' ') {
                let (column, kind) = column.split_once('=').unwrap_or((column, "text"));
                let column = json!({
                    "table": name, "name": column, "type": kind, "notNull": false,
                    "autoincrement": false, "default": null, "generated": null,
                });
                snapshot.entities.add(row("columns", &column)).unwrap();
            }
        }
        snapshot
    }

    /// What two branches say together that part after `books: id`.
    fn together(one: &[&str], other: &[&str]) -> Option<Vec<String>> {
        let root = snapshot("root", &[], &["books: id"]);
        let (one, other) = (snapshot("one", &["root"], one), snapshot("other", &["root"], other));
        let merged = merged(&[&root, &one, &other])?;
        assert_eq!(merged.prev_ids, ["other", "one"]);
        let columns = merged.entities.of("columns");
        let mut columns: Vec<_> =
            columns.map(|it| format!("{}.{}", it["table"], it["name"]).replace('"', "")).collect();
        columns.sort();
        Some(columns)
    }

    #[test]
    fn branches_that_leave_each_other_alone_are_both_there() {
        let both = together(&["books: id a"], &["books: id b", "notes: id"]);
        assert_eq!(both.unwrap(), ["books.a", "books.b", "books.id", "notes.id"]);
    }

    #[test]
    fn branches_that_contradict_one_another_are_not_merged() {
        for (one, other) in [
            (&["books: id a"], &["books: id a=integer"]),
            (&["notes: id"], &["books: id a"]),
            (&["books: id=integer"], &["books: id=blob"]),
            (&["books: a"], &["books: id=integer"]),
            // The second one would fail.
            (&["books: id a"], &["books: id a"]),
        ] {
            assert_eq!(together(one, other), None, "{one:?} {other:?}");
            assert_eq!(together(other, one), None, "{other:?} {one:?}");
        }
    }

    #[test]
    fn a_history_that_was_merged_has_one_end() {
        let root = snapshot("root", &[], &["books: id"]);
        let one = snapshot("one", &["root"], &["books: id a"]);
        let other = snapshot("other", &["root"], &["books: id b"]);
        let merge = snapshot("merge", &["other", "one"], &["books: id a b"]);
        assert_eq!(merged(&[&root, &one, &other, &merge]).unwrap(), merge);
    }
}
