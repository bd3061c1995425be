//! The last snapshot beside what the migrations build: which of them somebody edited.
//!
//! drizzle-kit compares `schema.ts` with the snapshot and never looks at the SQL again, so it says that
//! nothing changed where a new database lacks a column. Only what Drizzle can express counts, and what
//! migrations make beside Drizzle (an index, a table of their own) is nobody's mistake.

use std::collections::BTreeSet;

use raingauge_schema::compare::AttributeDifference;
use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::migration::split;
use raingauge_schema::{Catalog, Comparison, Dialect, Kind, Object, ObjectId, Pair};

use crate::findings::differences_of;
use crate::history::{History, Migration};
use crate::initsql::excerpt;
use crate::report::{Affected, Finding};

/// What the three of them say.
#[derive(Clone, Copy, Debug)]
pub struct Three<'a> {
    pub history: &'a History,
    pub dialect: Dialect,
    /// What the last snapshot builds.
    pub snapshot: &'a Catalog,
    /// From the replay to the snapshot.
    pub comparison: &'a Comparison,
    pub declared: Declared<'a>,
}

/// What `schema.ts` says of it.
#[derive(Clone, Copy, Debug)]
pub enum Declared<'a> {
    /// The same as the last snapshot.
    AsSnapshot,
    /// Something else: from the replay to `schema.ts`.
    Otherwise(&'a Comparison),
    Unknown,
}

const SIDES: Pair<&str> = Pair { from: "the migrations", to: "the snapshot" };

/// Where the migrations do not build what the last snapshot says.
pub fn built(three: Three<'_>) -> Option<Finding> {
    let comparison = counted(three.comparison, three.snapshot);
    if comparison.is_equal() {
        return None;
    }
    let subject = three.history.folder.display().to_string();
    if is_about_actions(&comparison) {
        let message = "builds foreign keys without the actions that its last snapshot says: drizzle-kit leaves them out where it adds a column in SQLite";
        let finding = Finding::warning("snapshot-differs", subject, message)
            .affects(Affected::Both)
            .next("to have them: rebuild the table in a migration of its own, raingauge generate --custom");
        return Some(differences_of(finding, &comparison, SIDES));
    }
    let finding = match three.declared {
        Declared::AsSnapshot => Finding::error(
            "snapshot-not-built",
            subject,
            "does not build what its last snapshot and `schema.ts` say: SQL was edited after `generate`, or a migration was taken out; drizzle-kit sees none of it",
        )
        .affects(Affected::Both)
        .next("restore the SQL from version control, or write what is missing: raingauge generate --custom"),
        Declared::Otherwise(declared) if counted(declared, three.snapshot).is_equal() => Finding::error(
            "snapshot-edited",
            subject,
            "builds what `schema.ts` declares, and its last snapshot says something else: it was edited by hand, or is another migration's; the next `generate` writes what databases already have",
        )
        .affects(Affected::Kit)
        .next("restore the snapshot from version control; or take its file away, then raingauge validate --fix"),
        Declared::Otherwise(_) | Declared::Unknown => Finding::error(
            "snapshot-differs",
            subject,
            "does not build what its last snapshot says: SQL or snapshot was edited after `generate`",
        )
        .affects(Affected::Both)
        .next("compare both with version control; what the migrations build is what every new database gets"),
    };
    let finding = differences_of(finding, &comparison, SIDES);
    let tables = tables(&comparison);
    let unwritten = unwritten(three.history, three.dialect, &tables).into_iter();
    Some(unwritten.take(MAX_UNWRITTEN).fold(finding, Finding::evidence))
}

/// How many statements are told of those that the kit would have written.
const MAX_UNWRITTEN: usize = 10;

/// The differences that are somebody's mistake.
fn counted(comparison: &Comparison, snapshot: &Catalog) -> Comparison {
    let mut counted = comparison.clone();
    // Migrations may make more than Drizzle knows of; but a column that it does not know of in a table
    // that it does is in the way of the one that `schema.ts` will declare.
    let is_column =
        |it: &Object| it.id.kind == Kind::Column && table_of(&it.id, snapshot).is_some();
    counted.only_from.retain(is_column);
    // Kits before 0.31 sorted the columns of a key; in a snapshot they were as declared.
    counted
        .differs
        .retain(|it| it.id.kind != Kind::PrimaryKey || !it.attributes.iter().all(is_order));
    counted
}

fn is_order(attribute: &AttributeDifference) -> bool {
    let sorted = |value: &Option<String>| {
        let value = value.as_deref().unwrap_or_default();
        value.split(", ").map(str::to_owned).collect::<BTreeSet<_>>()
    };
    attribute.name == "columns" && sorted(&attribute.values.from) == sorted(&attribute.values.to)
}

/// Whether nothing differs but what happens to rows that refer to others.
fn is_about_actions(comparison: &Comparison) -> bool {
    let is_action =
        |it: &AttributeDifference| ["on delete", "on update"].contains(&it.name.as_str());
    let mut differs = comparison.differs.iter();
    comparison.n_differences() == comparison.differs.len()
        && differs.all(|it| it.id.kind == Kind::ForeignKey && it.attributes.iter().all(is_action))
}

/// The table that an object is in.
fn table_of(id: &ObjectId, catalog: &Catalog) -> Option<ObjectId> {
    let table = ObjectId::new(Kind::Table, id.path.split_last()?.1);
    catalog.get(&table).map(|_| table)
}

/// The names of the tables and of whatever else differs.
fn tables(comparison: &Comparison) -> BTreeSet<String> {
    let objects = comparison.only_from.iter().chain(&comparison.only_to).map(|it| &it.id);
    let differing = comparison.differs.iter().map(|it| &it.id);
    let renamed = comparison.renamed.iter().map(|it| &it.from);
    let ids = objects.chain(differing).chain(renamed);
    let part = |it: &ObjectId| match it.kind {
        Kind::Table | Kind::Enum | Kind::View | Kind::MaterializedView | Kind::Sequence => {
            Some(it.name().to_owned())
        }
        _ => it.path.iter().rev().nth(1).cloned(),
    };
    ids.filter_map(part).collect()
}

/// Statements about these that drizzle-kit would have written between two snapshots, and that the
/// migration's file does not have.
fn unwritten(history: &History, dialect: Dialect, names: &BTreeSet<String>) -> Vec<String> {
    let with: Vec<&Migration> =
        history.migrations.iter().filter(|it| it.snapshot.is_some()).collect();
    let files: Vec<_> = with.iter().filter_map(|it| it.snapshot.as_deref()).collect();
    let states = AnySnapshot::read_history(dialect, history.generation, &files);
    let mut before = Some(AnySnapshot::empty(dialect, history.generation));
    let mut lines = Vec::new();
    for (migration, state) in with.iter().zip(states) {
        let after = state.ok();
        if let (Some(before), Some(after)) = (&before, &after) {
            let has: BTreeSet<_> = split(&migration.sql).iter().map(|it| plain(it.sql)).collect();
            let wanted = before.difference_to(after).statements;
            let about = |sql: &str| names.iter().any(|it| sql.contains(it.as_str()));
            let lacking =
                wanted.iter().filter(|it| about(&it.sql) && !has.contains(&plain(&it.sql)));
            lines.extend(lacking.map(|it| {
                format!("{} does not have: {}", migration.file_name(), excerpt(&it.sql))
            }));
        }
        before = after;
    }
    lines
}

fn plain(sql: &str) -> String {
    let words: Vec<_> = sql.split_whitespace().collect();
    words.join(" ").trim_end_matches(';').to_owned()
}
