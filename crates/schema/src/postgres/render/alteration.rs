//! What gives an object of a catalog an attribute of another one, where the rows stay.
//!
//! What a catalog says is written by the server with every name in its schema, so it can be sent back as
//! it is. Whether a way works, only a server can tell: a cast may be missing, a view may be in the way.

mod column;

use std::collections::BTreeSet;

use super::about::{address, undotted};
use crate::catalog::{Kind, Object, ObjectId};
use crate::pair::Pair;
use crate::postgres::grammar::{quote_ident, quote_literal};
use crate::postgres::token::tokens;
use crate::token::TokenKind;

/// Statements that belong together.
pub type Way = Vec<String>;

/// The ways to give `objects.from` the `attribute` of `objects.to`, the best first; none where only a new
/// object has it.
#[expect(clippy::wildcard_enum_match_arm, reason = "other kinds are made anew")]
pub fn alterations(objects: Pair<&Object>, attribute: &str) -> Vec<Way> {
    match objects.to.id.kind {
        Kind::Table => table(objects, attribute),
        Kind::Column => column::alterations(objects, attribute),
        Kind::Sequence => sequence(objects, attribute),
        Kind::Enum if attribute == "values" => values(objects).into_iter().collect(),
        Kind::Domain => one(domain(objects, attribute)),
        Kind::Extension => one(extension(objects.to, attribute)),
        Kind::Trigger if attribute == "enabled" => one(Some(enabled(objects.to))),
        Kind::PrimaryKey | Kind::Unique | Kind::ForeignKey | Kind::Exclusion
            if attribute == "disabled" =>
        {
            vec![guarding(objects.to)]
        }
        Kind::Check | Kind::ForeignKey if attribute == "not valid" => {
            one(validated(objects.to, attribute))
        }
        _ => Vec::new(),
    }
}

/// What moves a type out of the way of a new one of its name; columns keep the old one until they are
/// given the new one.
#[expect(clippy::wildcard_enum_match_arm, reason = "only types are set aside")]
pub fn set_aside(object: &Object) -> Option<String> {
    let word = match object.id.kind {
        Kind::Domain => "DOMAIN",
        Kind::Enum | Kind::CompositeType | Kind::RangeType => "TYPE",
        _ => return None,
    };
    // The server cuts what is longer than 63 bytes, and then it would be the same name.
    let mut aside = object.id.name().to_owned();
    while 63 < aside.len() + "__old".len() {
        aside.pop();
    }
    aside += "__old";
    Some(format!("ALTER {word} {} RENAME TO {};", quoted(&object.id.path), quote_ident(&aside)))
}

fn one(statement: Option<String>) -> Vec<Way> {
    statement.map(|it| vec![vec![it]]).unwrap_or_default()
}

fn quoted(path: &[String]) -> String {
    path.iter().map(|it| quote_ident(it)).collect::<Vec<_>>().join(".")
}

/// What holds something: its table.
fn parent(id: &ObjectId) -> String {
    quoted(id.path.split_last().map_or(&[], |it| it.1))
}

fn table(objects: Pair<&Object>, attribute: &str) -> Vec<Way> {
    let name = quoted(&objects.to.id.path);
    let (from, to) = (objects.from.get(attribute), objects.to.get(attribute));
    let alter = |action: String| one(Some(format!("ALTER TABLE {name} {action};")));
    let word = |it: &str| it.to_owned();
    match attribute {
        "row security" if to == Some("true") => alter(word("ENABLE ROW LEVEL SECURITY")),
        "row security" => alter(word("DISABLE ROW LEVEL SECURITY")),
        "force row security" if to.is_some() => alter(word("FORCE ROW LEVEL SECURITY")),
        "force row security" => alter(word("NO FORCE ROW LEVEL SECURITY")),
        "options" => options(&format!("ALTER TABLE {name}"), "", Pair { from, to }),
        "toast options" => options(&format!("ALTER TABLE {name}"), "toast.", Pair { from, to }),
        "persistence" if to.is_some() => alter(word("SET UNLOGGED")),
        "persistence" => alter(word("SET LOGGED")),
        "replica identity" => match to {
            None => alter(word("REPLICA IDENTITY DEFAULT")),
            Some("index") => Vec::new(),
            Some(other) => alter(format!("REPLICA IDENTITY {}", other.to_uppercase())),
        },
        "access method" => {
            alter(format!("SET ACCESS METHOD {}", quote_ident(to.unwrap_or("heap"))))
        }
        "tablespace" => {
            alter(format!("SET TABLESPACE {}", quote_ident(to.unwrap_or("pg_default"))))
        }
        "partition of" | "partition bound" => {
            let parents = from_parents(objects.from.get("partition of"));
            let detach = |it| format!("ALTER TABLE {it} DETACH PARTITION {name};");
            parents.into_iter().map(|it| vec![detach(it)]).collect()
        }
        "inherits" => inherits(&name, Pair { from, to }),
        _ => Vec::new(),
    }
}

fn from_parents(list: Option<&str>) -> Vec<String> {
    list.map(|it| it.split(", ").map(|it| quoted(&undotted(it))).collect()).unwrap_or_default()
}

fn inherits(name: &str, values: Pair<Option<&str>>) -> Vec<Way> {
    let (from, to) = (from_parents(values.from), from_parents(values.to));
    let gone = from.iter().map(|it| format!("ALTER TABLE {name} NO INHERIT {it};"));
    let new = to.iter().map(|it| format!("ALTER TABLE {name} INHERIT {it};"));
    vec![gone.chain(new).collect()]
}

/// `fillfactor=70, autovacuum_enabled=false` as what sets and resets it. An option that cannot be read so
/// is left alone.
fn options(head: &str, prefix: &str, values: Pair<Option<&str>>) -> Vec<Way> {
    let each = |list: Option<&str>| -> Vec<(String, String)> {
        let parts = list.map(|it| it.split(", ").collect::<Vec<_>>()).unwrap_or_default();
        let pairs = parts.into_iter().filter_map(|it| it.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let (from, to) = (each(values.from), each(values.to));
    let kept: BTreeSet<_> = to.iter().map(|it| it.0.as_str()).collect();
    let gone = from.iter().filter(|it| !kept.contains(it.0.as_str()));
    let gone: Vec<_> = gone.map(|it| format!("{prefix}{}", it.0)).collect();
    let new = to.iter().filter(|it| !from.contains(it));
    let new: Vec<_> =
        new.map(|it| format!("{prefix}{} = {}", it.0, quote_literal(&it.1))).collect();
    let mut way = Way::new();
    if !gone.is_empty() {
        way.push(format!("{head} RESET ({});", gone.join(", ")));
    }
    if !new.is_empty() {
        way.push(format!("{head} SET ({});", new.join(", ")));
    }
    if way.is_empty() { Vec::new() } else { vec![way] }
}

fn sequence(objects: Pair<&Object>, attribute: &str) -> Vec<Way> {
    let (name, to) = (quoted(&objects.to.id.path), objects.to);
    match attribute {
        "type" | "start" | "increment" | "min" | "max" | "cache" | "cycle" => {
            let plain = format!("ALTER SEQUENCE {name}{}", numbers(to));
            let restarted = format!("{plain} RESTART;");
            vec![vec![format!("{plain};")], vec![restarted]]
        }
        "persistence" => {
            let word = if to.get(attribute).is_some() { "UNLOGGED" } else { "LOGGED" };
            one(Some(format!("ALTER SEQUENCE {name} SET {word};")))
        }
        "owned by" => {
            let owner = to.get(attribute).map_or("NONE".to_owned(), |it| quoted(&undotted(it)));
            one(Some(format!("ALTER SEQUENCE {name} OWNED BY {owner};")))
        }
        _ => Vec::new(),
    }
}

fn numbers(to: &Object) -> String {
    let parts = [
        (" AS ", "type"),
        (" INCREMENT BY ", "increment"),
        (" MINVALUE ", "min"),
        (" MAXVALUE ", "max"),
        (" START WITH ", "start"),
        (" CACHE ", "cache"),
    ];
    let said = parts.iter().filter_map(|(words, name)| Some(format!("{words}{}", to.get(name)?)));
    let cycle = if to.get("cycle") == Some("true") { " CYCLE" } else { " NO CYCLE" };
    said.chain([cycle.to_owned()]).collect()
}

/// The labels that an enum lacks, each behind the one that it follows. `None` where a label goes or
/// changes its place: no statement does that.
fn values(objects: Pair<&Object>) -> Option<Way> {
    let labels = |it: &Object| -> Option<Vec<String>> {
        let tokens = tokens(it.get("values").unwrap_or_default()).ok()?;
        let texts = tokens.iter().filter(|it| it.kind == TokenKind::Text);
        Some(texts.map(|it| it.text.to_owned()).collect())
    };
    let (mut have, to) = (labels(objects.from)?.into_iter().peekable(), labels(objects.to)?);
    let name = quoted(&objects.to.id.path);
    let first = have.peek().cloned();
    let (mut way, mut before): (Way, Option<&String>) = (Vec::new(), None);
    for label in &to {
        if have.peek() == Some(label) {
            have.next();
        } else {
            let place = match (before, &first) {
                (Some(before), _) => format!(" AFTER {before}"),
                (None, Some(first)) => format!(" BEFORE {first}"),
                (None, None) => String::new(),
            };
            way.push(format!("ALTER TYPE {name} ADD VALUE {label}{place};"));
        }
        before = Some(label);
    }
    have.next().is_none().then_some(way)
}

fn domain(objects: Pair<&Object>, attribute: &str) -> Option<String> {
    let head = format!("ALTER DOMAIN {}", quoted(&objects.to.id.path));
    let (from, to) = (objects.from.get(attribute), objects.to.get(attribute));
    let action = match (attribute, to) {
        ("default", Some(to)) => format!("SET DEFAULT {to}"),
        ("default", None) => "DROP DEFAULT".to_owned(),
        ("not null", Some("true")) => "SET NOT NULL".to_owned(),
        ("not null", _) => "DROP NOT NULL".to_owned(),
        (check, to) => {
            let name = quote_ident(check.strip_prefix("check ")?);
            match (from, to) {
                (Some(from), Some(to)) if from.strip_suffix(" NOT VALID") == Some(to) => {
                    format!("VALIDATE CONSTRAINT {name}")
                }
                // A constraint that says something else is dropped first and added in the next round.
                (Some(_), _) => format!("DROP CONSTRAINT {name}"),
                (None, Some(to)) => match to.strip_suffix(" NOT VALID") {
                    Some(to) => format!("ADD CONSTRAINT {name} CHECK ({to}) NOT VALID"),
                    None => format!("ADD CONSTRAINT {name} CHECK ({to})"),
                },
                (None, None) => return None,
            }
        }
    };
    Some(format!("{head} {action};"))
}

fn extension(to: &Object, attribute: &str) -> Option<String> {
    let (name, value) = (quote_ident(to.id.name()), to.get(attribute)?);
    match attribute {
        "version" => Some(format!("ALTER EXTENSION {name} UPDATE TO {};", quote_literal(value))),
        "schema" => Some(format!("ALTER EXTENSION {name} SET SCHEMA {};", quote_ident(value))),
        _ => None,
    }
}

fn enabled(to: &Object) -> String {
    let word = match to.get("enabled") {
        Some("disabled") => "DISABLE",
        Some("replica") => "ENABLE REPLICA",
        Some("always") => "ENABLE ALWAYS",
        _ => "ENABLE",
    };
    format!("ALTER TABLE {} {word} TRIGGER {};", parent(&to.id), quote_ident(to.id.name()))
}

/// The triggers of a constraint have no names of their own: those of its table are set together, and then the
/// table's own ones to what they are to be.
fn guarding(to: &Object) -> Way {
    let own = parent(&to.id);
    if to.get("disabled").is_some() {
        return vec![format!("ALTER TABLE {own} DISABLE TRIGGER ALL;")];
    }
    let other = to.get("references").map(|it| quoted(&undotted(it))).filter(|it| *it != own);
    let tables = [Some(own), other].into_iter().flatten();
    tables.map(|it| format!("ALTER TABLE {it} ENABLE TRIGGER ALL;")).collect()
}

fn validated(to: &Object, attribute: &str) -> Option<String> {
    let is_valid = to.get(attribute).is_none();
    is_valid.then(|| {
        let (table, name) = (parent(&to.id), quote_ident(to.id.name()));
        format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name};")
    })
}

/// What adds a part to a table that is there: a column, or a check, for which the engine's own dump has no
/// statement beside that of the table.
#[expect(clippy::wildcard_enum_match_arm, reason = "other parts have statements of their own")]
pub fn addition(part: &Object) -> Option<String> {
    let is_own = part.get("inherited").is_none() && part.get("of") != Some("view");
    match part.id.kind {
        Kind::Column if is_own => Some(column::addition(part)),
        Kind::Check if is_own => {
            let (table, name) = (parent(&part.id), quote_ident(part.id.name()));
            let expression = part.get("expression")?;
            let inherit = if part.get("no inherit").is_some() { " NO INHERIT" } else { "" };
            let valid = if part.get("not valid").is_some() { " NOT VALID" } else { "" };
            Some(format!(
                "ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({expression}){inherit}{valid};"
            ))
        }
        _ => None,
    }
}

/// What gives a thing inside a table, or a sequence, another name.
#[expect(clippy::wildcard_enum_match_arm, reason = "only a few kinds have a mere name")]
pub fn renaming(from: &ObjectId, to: &str) -> Option<String> {
    let to = quote_ident(to);
    match from.kind {
        Kind::Index => {
            let (schema, name) = (from.path.first()?, from.path.last()?);
            let (schema, name) = (quote_ident(schema), quote_ident(name));
            Some(format!("ALTER INDEX {schema}.{name} RENAME TO {to};"))
        }
        Kind::Sequence => {
            Some(format!("ALTER {} RENAME TO {to};", address(from.kind, &from.path)?))
        }
        Kind::PrimaryKey
        | Kind::Unique
        | Kind::ForeignKey
        | Kind::Check
        | Kind::Exclusion
        | Kind::NotNull => {
            let name = quote_ident(from.name());
            Some(format!("ALTER TABLE {} RENAME CONSTRAINT {name} TO {to};", parent(from)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from: &Object, to: &Object, attribute: &str, expected: &[&str]) {
        let ways = alterations(Pair { from, to }, attribute);
        assert_eq!(ways.first().cloned().unwrap_or_default(), expected);
    }

    #[test]
    fn labels_of_an_enum_are_added_at_their_place_and_nothing_else_is_tried() {
        let mood = |values| Object::new(Kind::Enum, ["public", "mood"]).with("values", values);
        let (to, sql) = ("'a', 'b', 'it''s'", "ALTER TYPE \"public\".\"mood\" ADD VALUE");
        let all = [format!("{sql} 'a' BEFORE 'b';"), format!("{sql} 'it''s' AFTER 'b';")];
        check(&mood("'b'"), &mood(to), "values", &[&all[0], &all[1]]);
        check(&mood("'b', 'a'"), &mood(to), "values", &[]);
        check(&mood("'a', 'c'"), &mood(to), "values", &[]);
    }

    #[test]
    fn a_type_that_is_set_aside_keeps_within_the_length_of_names() {
        let name = "ö".repeat(31);
        let sql = set_aside(&Object::new(Kind::Enum, ["public", &name])).unwrap();
        let expected = format!("RENAME TO \"{}__old\";", "ö".repeat(29));
        assert!(sql.ends_with(&expected), "{sql}");
    }

    #[test]
    fn options_are_set_and_what_is_not_said_any_more_is_reset() {
        let table =
            |options| Object::new(Kind::Table, ["public", "t"]).with_some("options", options);
        let (from, to) = (table(Some("fillfactor=70, a=b")), table(Some("a=c")));
        let head = "ALTER TABLE \"public\".\"t\"";
        let expected = [format!("{head} RESET (fillfactor);"), format!("{head} SET (a = 'c');")];
        check(&from, &to, "options", &[&expected[0], &expected[1]]);
    }

    #[test]
    fn a_partition_is_detached_from_its_parent_whatever_that_is_called() {
        let from = Object::new(Kind::Table, ["public", "p"])
            .with("partition of", "public.\"Odd.Name\"")
            .with("partition bound", "DEFAULT");
        let to = Object::new(Kind::Table, ["public", "p"]);
        let sql = "ALTER TABLE \"public\".\"Odd.Name\" DETACH PARTITION \"public\".\"p\";";
        check(&from, &to, "partition of", &[sql]);
    }
}
