//! Live and `schema.ts`: what differs and stops an adoption, what is only another spelling, and what is
//! none of Drizzle's business.

use raingauge_schema::compare::{Equivalence, ObjectDifference};
use raingauge_schema::postgres::grammar::quote_ident;
use raingauge_schema::{Catalog, Dialect, Kind, Object, ObjectId, Pair};

use super::enums::labels_differ;
use super::names::{name_differences, possible_renames};
use crate::facts::DeclaredSide;
use crate::findings::{self, LIVE_AND_DECLARED};
use crate::report::Finding;

/// T07: a declared table that live has must be the same table.
pub fn declared_matches(dialect: Dialect, declared: &DeclaredSide, live: &Catalog) -> Vec<Finding> {
    let comparison = &declared.comparison;
    let sides = Pair { from: live, to: &declared.catalog };
    let mut findings: Vec<Finding> =
        comparison.differs.iter().flat_map(|it| differs(it, sides)).collect();
    findings.extend(name_differences(dialect, comparison, live));
    let declared_table = |it: &&Object| {
        declared
            .catalog
            .of_kind(Kind::Table)
            .any(|table| it.id.is_inside(&table.id) || it.id == table.id)
    };
    for object in comparison.only_from.iter().filter(declared_table) {
        findings.push(
            unique_made_otherwise(object, declared).unwrap_or_else(|| undeclared_part(object)),
        );
    }
    for object in &comparison.only_to {
        findings.extend(unusable_column(object, live));
    }
    findings.extend(possible_renames(dialect, comparison));
    findings
}

/// What is good to know and needs nothing to be done: other spellings, and what Drizzle never touches.
pub fn told(declared: &DeclaredSide) -> Vec<Finding> {
    [equivalent(&declared.comparison.equivalent), unmanaged(declared)]
        .into_iter()
        .flatten()
        .collect()
}

fn differs(it: &ObjectDifference, sides: Pair<&Catalog>) -> Vec<Finding> {
    if let Some(findings) = labels_differ(it) {
        return findings;
    }
    let (message, next) = words(it, sides);
    let finding = Finding::error("schema-differs", it.id.to_string(), message);
    let finding = it.attributes.iter().fold(finding, |finding, attribute| {
        finding.evidence(findings::both_values(attribute, LIVE_AND_DECLARED))
    });
    vec![next.into_iter().fold(finding, Finding::next)]
}

/// What a difference means, and what helps, safest first.
fn words(it: &ObjectDifference, sides: Pair<&Catalog>) -> (String, Vec<String>) {
    let objects = Pair { from: sides.from.get(&it.id), to: sides.to.get(&it.id) };
    if let (Kind::Column, Some(from), Some(to)) = (it.id.kind, objects.from, objects.to) {
        let counters = Pair { from: counter(from), to: counter(to) };
        if let Some(words) = counter_words(&it.id, from, counters) {
            return words;
        }
    }
    let message = "is not in live what schema.ts declares; a baseline over the difference would hide it from every later `generate`";
    let next = "change schema.ts to what live has; change live later, with a migration";
    (message.to_owned(), vec![next.to_owned()])
}

/// How a column gets its numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counter {
    None,
    Identity,
    /// A default that counts, with a sequence that belongs to the column.
    Serial,
    /// A default that counts, with a sequence that stands by itself.
    Sequence,
}

fn counter(column: &Object) -> Counter {
    let counts = column.get("default").is_some_and(|it| it.starts_with("nextval("));
    match (column.get("identity"), column.get("serial")) {
        (Some(_), _) => Counter::Identity,
        (None, Some(_)) => Counter::Serial,
        (None, None) if counts => Counter::Sequence,
        (None, None) => Counter::None,
    }
}

fn counter_words(
    id: &ObjectId,
    live: &Object,
    counters: Pair<Counter>,
) -> Option<(String, Vec<String>)> {
    let (message, next) = match (counters.from, counters.to) {
        (Counter::Serial, Counter::Identity) => (
            "is a `serial` in live (an integer with a default and a sequence) and an identity column in schema.ts; both count, but they are two things: INSERT … OVERRIDING and every later ALTER tell them apart",
            vec!["declare `serial`, `bigserial` or `smallserial` in schema.ts, as live has it; make it an identity later, with a migration of your own".to_owned()],
        ),
        (Counter::Identity, Counter::Serial) => (
            "is an identity column in live and a `serial` in schema.ts (an integer with a default and a sequence); both count, but they are two things: INSERT … OVERRIDING and every later ALTER tell them apart",
            vec![format!(
                "declare it in schema.ts as live has it: integer().{}()",
                match live.get("identity") {
                    Some("always") => "generatedAlwaysAsIdentity",
                    _ => "generatedByDefaultAsIdentity",
                }
            )],
        ),
        (Counter::Sequence, Counter::Serial) => {
            let (table, column) = id.path.split_last().map(|(name, table)| (table, name))?;
            let table = table.iter().map(|it| quote_ident(it)).collect::<Vec<_>>().join(".");
            let sequence = live.get("default")?.split('\'').nth(1)?.to_owned();
            (
                "counts in live with a sequence that does not belong to it; a `serial`, as schema.ts declares, has one of its own, which goes when the column goes",
                vec![
                    format!("in live, which changes no row: ALTER SEQUENCE {sequence} OWNED BY {table}.{}; then it is a serial", quote_ident(column)),
                    "or declare it in schema.ts as live has it: integer().default(sql`nextval(…)`), with pgSequence for the sequence".to_owned(),
                ],
            )
        }
        _ => return None,
    };
    Some((message.to_owned(), next))
}

/// A UNIQUE constraint here, a unique index there: they hold the same, but each has statements that
/// the other does not answer to.
fn unique_made_otherwise(object: &Object, declared: &DeclaredSide) -> Option<Finding> {
    let other = declared.comparison.only_to.iter().find(|it| {
        let kinds = [object.id.kind, it.id.kind];
        let is_unique =
            |it: &Object| it.id.kind == Kind::Unique || it.get("unique") == Some("true");
        (kinds == [Kind::Index, Kind::Unique] || kinds == [Kind::Unique, Kind::Index])
            && is_unique(object)
            && is_unique(it)
            && object.id.path.split_last().map(|it| it.1) == it.id.path.split_last().map(|it| it.1)
            && object.get("columns") == it.get("columns")
            && object.get("where").is_none()
            && it.get("where").is_none()
    })?;
    let name = object.id.name();
    let declaration = match object.id.kind {
        Kind::Index => format!("uniqueIndex(\"{name}\").on(…) in place of unique"),
        _ => format!(".unique(\"{name}\") or unique(\"{name}\").on(…) in place of uniqueIndex"),
    };
    let message = format!(
        "is {} in live and {} in schema.ts (`{}`); both keep the same rows out, but a foreign key and ON CONFLICT ON CONSTRAINT need the constraint, and ALTER TABLE does not find an index",
        a(object.id.kind),
        a(other.id.kind),
        other.id.name()
    );
    Some(
        Finding::error("schema-differs", object.id.to_string(), message)
            .evidence(format!("({})", object.get("columns").unwrap_or_default()))
            .next(format!("declare it in schema.ts as live has it: {declaration}")),
    )
}

fn a(kind: Kind) -> &'static str {
    if kind == Kind::Index { "a unique index" } else { "a UNIQUE constraint" }
}

fn undeclared_part(object: &Object) -> Finding {
    let subject = object.id.to_string();
    if matches!(object.id.kind, Kind::Column | Kind::PrimaryKey | Kind::Table) {
        return Finding::error(
            "schema-differs",
            subject,
            "is in live, but schema.ts declares its table without it",
        )
        .next("declare it in schema.ts; remove it from live later, with a migration");
    }
    Finding::warning("undeclared", subject, "is in live, but schema.ts declares its table without it; it is carried in the baseline, and Drizzle does not know of it")
        .next("declare it in schema.ts to have Drizzle manage it")
}

/// A column that must have a value cannot be added to rows that have none.
fn unusable_column(object: &Object, live: &Catalog) -> Option<Finding> {
    let table =
        ObjectId::new(Kind::Table, object.id.path.iter().take(object.id.path.len() - 1).cloned());
    let fills_itself =
        ["default", "generated", "identity"].iter().any(|it| object.get(it).is_some());
    let applies = object.id.kind == Kind::Column
        && object.get("not null") == Some("true")
        && !fills_itself
        && live.get(&table).is_some();
    applies.then(|| {
        Finding::error(
            "column-needs-default",
            object.id.to_string(),
            "is declared NOT NULL without a default, but live's table has no such column: its rows would have no value for it",
        )
        .next("give it a default in schema.ts, or declare it nullable until its values are filled in")
    })
}

fn equivalent(equivalent: &[Equivalence]) -> Option<Finding> {
    if equivalent.is_empty() {
        return None;
    }
    let finding = Finding::info(
        "equivalent",
        "schema.ts",
        "says these in other words than live, with the same effect; nothing has to be done, and files take the words of schema.ts",
    );
    Some(equivalent.iter().fold(finding, |finding, it| {
        let values = findings::both_values(&it.attribute, LIVE_AND_DECLARED);
        finding.evidence(format!("{}: {values} ({})", it.id, it.why))
    }))
}

/// T28: what live has and `schema.ts` does not declare, other applications' tables among it. It stays
/// as it is, and no migration ever names it.
fn unmanaged(declared: &DeclaredSide) -> Option<Finding> {
    let names: Vec<_> = declared
        .comparison
        .only_from
        .iter()
        .filter(|it| is_top(it) && declared.catalog.get(&it.id).is_none())
        .map(|it| it.id.to_string())
        .collect();
    if names.is_empty() {
        return None;
    }
    let finding = Finding::info(
        "unmanaged",
        "schema.ts",
        "does not declare these; they stay in live as they are, are carried in the baseline and left out of the snapshot, so neither raingauge nor `drizzle-kit generate` ever drops them. `drizzle-kit push` would propose to: it compares with the database itself",
    );
    Some(names.into_iter().fold(finding, Finding::evidence))
}

/// What stands by itself: parts of tables, and sequences of columns, go with their tables.
fn is_top(object: &Object) -> bool {
    match object.id.kind {
        Kind::Sequence => object.get("owned by").is_none(),
        kind => matches!(
            kind,
            Kind::Schema | Kind::Enum | Kind::Table | Kind::View | Kind::MaterializedView
        ),
    }
}
