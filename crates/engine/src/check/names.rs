//! Names: things that are equal but for their name, that may have been renamed, or that PostgreSQL
//! would give one name.

use std::collections::BTreeMap;

use raingauge_schema::dialect::AnySchema;
use raingauge_schema::postgres::grammar::quote_ident;
use raingauge_schema::{Catalog, Comparison, Dialect, Kind, Object, ObjectId, Pair};

use crate::report::Finding;

/// What is equal in everything but the name, one finding each.
pub(super) fn name_differences(
    dialect: Dialect,
    comparison: &Comparison,
    live: &Catalog,
) -> Vec<Finding> {
    let is_swapped = |pair: &Pair<ObjectId>| {
        comparison.renamed.iter().any(|it| it.from == pair.to && it.to != it.from)
    };
    let one = |pair: &Pair<ObjectId>| {
        let finding = name_differs(dialect, pair, is_swapped(pair));
        live.get(&pair.from).and_then(structure).into_iter().fold(finding, Finding::evidence)
    };
    let renamed = comparison.renamed.iter().map(one);
    let ambiguous = comparison.ambiguous.iter().map(|it| name_ambiguous(dialect, it, live));
    renamed.chain(ambiguous).collect()
}

fn name_differs(dialect: Dialect, pair: &Pair<ObjectId>, is_swapped: bool) -> Finding {
    let subject = pair.from.to_string();
    let message = format!("is called `{}` in schema.ts; everything else is equal", pair.to.name());
    // SQLite has no statement that refers to a constraint by its name.
    if dialect == Dialect::Sqlite && pair.from.kind != Kind::Index {
        return Finding::info("name-differs", subject, message);
    }
    let message = if is_swapped {
        format!("{message}, and that is the name of another one in live: the names are swapped")
    } else {
        message
    };
    let finding = Finding::error("name-differs", subject, message)
        .next(format!("name it in schema.ts as live does: {}", naming(&pair.from)));
    let has_words = dialect == Dialect::MySql && pair.from.kind == Kind::Index;
    if has_words && !is_swapped {
        let table = pair.from.path.first().map_or("", String::as_str);
        let [table, from, to] =
            [table, pair.from.name(), pair.to.name()].map(|it| dialect.quote_ident(it));
        return finding.next(format!(
            "or rename it in live first: ALTER TABLE {table} RENAME INDEX {from} TO {to}"
        ));
    }
    if is_swapped || dialect != Dialect::Postgres {
        return finding.next("or give it the other name in live first");
    }
    finding.next(format!(
        "or rename it in live first, and in code that says ON CONFLICT ON CONSTRAINT: {}",
        renaming(pair)
    ))
}

fn name_ambiguous(dialect: Dialect, ids: &Pair<Vec<ObjectId>>, live: &Catalog) -> Finding {
    let names = |ids: &[ObjectId]| {
        ids.iter().map(|it| format!("`{}`", it.name())).collect::<Vec<_>>().join(", ")
    };
    let subject = ids.from.first().map(ToString::to_string).unwrap_or_default();
    let words = |n: usize| if n == 1 { "is".to_owned() } else { format!("are {n}") };
    let message = format!(
        "and its like have other names in schema.ts, and nothing tells which is which: in live there {} that are equal but for their names ({}), in schema.ts there {} ({})",
        words(ids.from.len()),
        names(&ids.from),
        words(ids.to.len()),
        names(&ids.to),
    );
    // Constraints of SQLite need no names.
    let is_label = dialect == Dialect::Sqlite
        && ids.from.len() == ids.to.len()
        && ids.from.iter().all(|it| it.kind != Kind::Index);
    if is_label {
        return Finding::info("name-ambiguous", subject, message);
    }
    let finding = Finding::error("name-ambiguous", subject, message);
    let first = ids.from.first().and_then(|it| live.get(it));
    let finding = first.and_then(structure).into_iter().fold(finding, Finding::evidence);
    let finding = finding.next(format!(
        "declare {} in schema.ts, with live's names: {}; since they are alike, either may have either name",
        if ids.from.len() == 1 { "it once".to_owned() } else { format!("all {}", ids.from.len()) },
        names(&ids.from)
    ));
    ids.from.iter().fold(finding, |it, id| it.next(naming(id)))
}

/// What a constraint or index is, in one line.
fn structure(object: &Object) -> Option<String> {
    let get = |name: &str| object.get(name);
    match object.id.kind {
        Kind::ForeignKey => Some(format!(
            "({}) references {} ({})",
            get("columns")?,
            get("references")?,
            get("references columns")?
        )),
        Kind::Check => Some(format!("check ({})", get("expression")?)),
        _ => Some(format!("({})", get("columns")?)),
    }
}

/// How a schema.ts gives a thing its name.
fn naming(id: &ObjectId) -> String {
    let name = id.name();
    match id.kind {
        Kind::Unique => format!(".unique(\"{name}\") or unique(\"{name}\").on(…)"),
        Kind::ForeignKey => format!(
            "foreignKey({{ name: \"{name}\", columns: […], foreignColumns: […] }}) in place of .references(…)"
        ),
        Kind::PrimaryKey => {
            format!("primaryKey({{ name: \"{name}\", columns: […] }}) in place of .primaryKey()")
        }
        Kind::Check => format!("check(\"{name}\", sql`…`)"),
        _ => format!("index(\"{name}\").on(…), or uniqueIndex(\"{name}\").on(…)"),
    }
}

/// The statement that gives a thing of PostgreSQL its declared name.
pub fn renaming(pair: &Pair<ObjectId>) -> String {
    let path = |it: &[String]| it.iter().map(|it| quote_ident(it)).collect::<Vec<_>>().join(".");
    let Some((name, table)) = pair.from.path.split_last() else { return String::new() };
    let to = quote_ident(pair.to.name());
    if pair.from.kind == Kind::Index {
        let index = table.first().into_iter().chain([name]).cloned().collect::<Vec<_>>();
        return format!("ALTER INDEX {} RENAME TO {to}", path(&index));
    }
    format!("ALTER TABLE {} RENAME CONSTRAINT {} TO {to}", path(table), quote_ident(name))
}

/// Columns, tables and enums that live has and `schema.ts` does not declare, where `schema.ts` declares
/// one that is alike under another name. Nobody but a person knows whether it is the same one.
pub(super) fn possible_renames(dialect: Dialect, comparison: &Comparison) -> Vec<Finding> {
    let mut candidates: BTreeMap<&ObjectId, Vec<&ObjectId>> = BTreeMap::new();
    for pair in &comparison.alike {
        candidates.entry(&pair.from).or_default().push(&pair.to);
    }
    candidates.into_iter().map(|(from, to)| possible_rename(dialect, from, &to)).collect()
}

fn possible_rename(dialect: Dialect, from: &ObjectId, to: &[&ObjectId]) -> Finding {
    let what = from.kind.word();
    let names: Vec<_> = to.iter().map(|it| format!("`{}`", it.name())).collect();
    let message = format!(
        "is not declared in schema.ts, which has {} alike instead that live does not have: {}. It may be the same one under another name; nothing is assumed, and what schema.ts declares would be made new, without the old one's rows",
        if to.len() == 1 { format!("a {what}") } else { format!("{} of its kind", to.len()) },
        names.join(", "),
    );
    let constructor = match (from.kind, dialect) {
        (Kind::Table, Dialect::Postgres) => "pgTable",
        (Kind::Table, Dialect::MySql) => "mysqlTable",
        (Kind::Table, Dialect::Sqlite) => "sqliteTable",
        (Kind::Enum, _) => "pgEnum",
        _ => "the column's type",
    };
    let finding = Finding::warning("possible-rename", from.to_string(), message).next(format!(
        "if it is the same: give live's name to {constructor} in schema.ts (\"{}\" as the first argument), and rename it later, with a migration of your own",
        from.name()
    ));
    finding.next("if it is another one: declare both in schema.ts")
}

/// Declared names that PostgreSQL would cut to one and the same.
pub fn colliding_names(schema: &AnySchema) -> Vec<Finding> {
    let one = |it: raingauge_schema::postgres::adopt::Collision| {
        let finding = Finding::error(
            "names-collide",
            it.place,
            format!(
                "schema.ts gives {} names that differ only after the 63rd byte; PostgreSQL keeps no more than that, so all would be called `{}`, and only the first can be made",
                it.names.len(),
                it.stored
            ),
        );
        it.names.into_iter().fold(finding, Finding::evidence).next(
            "give them shorter names in schema.ts; what live already has under the cut name keeps it if that name is written out",
        )
    };
    schema.collisions().into_iter().map(one).collect()
}
