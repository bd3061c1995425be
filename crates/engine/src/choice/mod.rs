//! Differences between live and `schema.ts`, each with both ways out and what they cost.
//!
//! Live can be changed by the follow-up of its baseline: the baseline says what live has, and the follow-up leads to
//! `schema.ts`, rehearsed and protected as every migration. Or `schema.ts` can say what live has. Reading order: this
//! file (what a migration can change, and by which statements) → `agreed` (what is to be changed) → `price` (locks,
//! rows, values that do not fit) → `edit` (what `schema.ts` would say) → `offer` (findings).

mod agreed;
mod builder;
mod edit;
mod offer;
mod price;

use raingauge_schema::compare::ObjectDifference;
use raingauge_schema::drizzle::snapshot::{Generation, SnapshotIds};
use raingauge_schema::{Catalog, Dialect, Kind, Object, ObjectId, Pair};

pub use agreed::Agreed;
pub use offer::offer;

use crate::check::names::renaming;
use crate::facts::DeclaredSide;

/// A difference that a migration can take away.
#[derive(Clone, Debug)]
pub struct Choice {
    pub cause: Cause,
    /// The statements that make live what `schema.ts` says.
    pub statements: Vec<String>,
}

/// What differs.
#[derive(Clone, Debug)]
pub enum Cause {
    Differs(ObjectDifference),
    /// Only the name; `from` live's.
    Renamed(Pair<ObjectId>),
    /// `schema.ts` declares it, and live has the table without it.
    Missing(Box<Object>),
}

impl Choice {
    /// What it is about, as live calls it.
    pub fn id(&self) -> &ObjectId {
        match &self.cause {
            Cause::Differs(it) => &it.id,
            Cause::Renamed(it) => &it.from,
            Cause::Missing(it) => &it.id,
        }
    }

    /// What `--allow` takes to have live changed.
    pub fn name(&self) -> String {
        let dotted = self.id().path.join(".");
        format!("change:{}", dotted.strip_prefix("public.").unwrap_or(&dotted))
    }
}

/// All differences that a migration can take away, those that need no choice among them ([`Cause::Missing`]).
pub fn choices(
    (dialect, generation): (Dialect, Generation),
    declared: &DeclaredSide,
    live: &Catalog,
) -> Vec<Choice> {
    let comparison = &declared.comparison;
    let sides = Pair { from: live, to: &declared.catalog };
    let statements = |differs: &[_]| statements(declared, live, generation, differs);
    let base = statements(&[]).unwrap_or_default();
    let differs =
        comparison.differs.iter().filter(|it| is_changeable(it, sides)).filter_map(|it| {
            let own = statements(&[it])?;
            let own: Vec<_> = own.into_iter().filter(|it| !base.contains(it)).collect();
            (!own.is_empty()).then(|| Choice { cause: Cause::Differs(it.clone()), statements: own })
        });
    let is_swapped = |pair: &Pair<ObjectId>| {
        comparison.renamed.iter().any(|it| it.from == pair.to && it.to != it.from)
    };
    let renamed = comparison.renamed.iter().filter(|it| !is_swapped(it)).filter_map(|it| {
        let statements = rename(dialect, it, &base)?;
        Some(Choice { cause: Cause::Renamed(it.clone()), statements })
    });
    let missing = comparison.only_to.iter().filter(|it| is_addition(it, live)).filter_map(|it| {
        let quoted = ['"', '`'].map(|quote| format!("{quote}{}{quote}", it.id.name()));
        let makes = |sql: &&String| quoted.iter().any(|it| sql.contains(it));
        let statements = vec![base.iter().find(makes)?.clone()];
        Some(Choice { cause: Cause::Missing(Box::new(it.clone())), statements })
    });
    differs.chain(renamed).chain(missing).collect()
}

/// From what live has to what is declared, where some differences are kept in mind.
fn statements(
    declared: &DeclaredSide,
    live: &Catalog,
    generation: Generation,
    differs: &[&ObjectDifference],
) -> Option<Vec<String>> {
    let ids = SnapshotIds::after(None, "");
    let schema = declared.schema.as_live_has(live, differs).present_in(live, generation);
    let to = declared.schema.snapshot(generation, &ids).ok()?;
    let difference = schema.snapshot(generation, &ids).ok()?.difference_to(&to);
    let is_whole = difference.not_expressed.is_empty();
    is_whole.then(|| difference.statements.into_iter().map(|it| it.sql).collect())
}

/// PostgreSQL gives another name. SQLite has a statement for tables and columns alone: an index is made anew. On
/// MySQL nothing is changed yet.
fn rename(dialect: Dialect, pair: &Pair<ObjectId>, base: &[String]) -> Option<Vec<String>> {
    match dialect {
        Dialect::Postgres => return Some(vec![format!("{};", renaming(pair))]),
        Dialect::MySql => return None,
        Dialect::Sqlite => {}
    }
    let create = base.iter().find(|it| it.contains(&format!("`{}`", pair.to.name())))?;
    let drop = format!("DROP INDEX `{}`;", pair.from.name());
    (pair.from.kind == Kind::Index).then(|| vec![drop, create.clone()])
}

/// Whether a migration of the kit changes this and keeps the rows. Columns that count otherwise than declared are told
/// apart with words of their own, and a generated column would be made anew.
fn is_changeable(difference: &ObjectDifference, sides: Pair<&Catalog>) -> bool {
    let objects = [sides.from, sides.to].map(|it| it.get(&difference.id));
    let both = |is_so: &dyn Fn(&Object) -> bool| objects.iter().all(|it| it.is_some_and(is_so));
    let only =
        |known: &[&str]| difference.attributes.iter().all(|it| known.contains(&it.name.as_str()));
    match difference.id.kind {
        Kind::Column => {
            let counts = |it: &Object| {
                ["identity", "serial", "rowid"].iter().any(|name| it.get(name).is_some())
                    || it.get("default").is_some_and(|it| it.starts_with("nextval("))
            };
            only(&["identity"]) && both(&|it| it.get("identity").is_some())
                || only(&["type", "not null", "default"]) && both(&|it| !counts(it))
        }
        Kind::Index => both(&|it| it.get("definition").is_none()),
        Kind::ForeignKey | Kind::Unique | Kind::Check => true,
        Kind::Sequence => only(&["increment", "start", "min", "max", "cache", "cycle"]),
        Kind::View | Kind::MaterializedView => only(&["definition"]),
        Kind::Policy => only(&["as", "for", "to", "using", "with check"]),
        _ => false,
    }
}

/// A constraint or an index for a table that live has.
fn is_addition(object: &Object, live: &Catalog) -> bool {
    let kinds = [Kind::Index, Kind::Unique, Kind::PrimaryKey, Kind::ForeignKey, Kind::Check];
    let table = object.id.path.split_last().map(|it| it.1.iter().cloned());
    kinds.contains(&object.id.kind)
        && table.is_some_and(|it| live.get(&ObjectId::new(Kind::Table, it)).is_some())
}
