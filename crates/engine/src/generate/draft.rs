//! Statements and snapshot of the next migration, before anything has a name.

use std::collections::BTreeSet;

use raingauge_schema::Dialect;
use raingauge_schema::dialect::{AnySchema, AnySnapshot};
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::migration::{CUSTOM_FILE, join};
use raingauge_schema::drizzle::snapshot::SnapshotIds;
use raingauge_schema::plan::{Hazard, Statement};
use raingauge_schema::rename::{Hints, NameKind, Named, Path, Question, Rename, settle, spelled};

use super::Stand;
use crate::adoption::snapshot_id;
use crate::apply::retype::{computes_values, widens};
use crate::{Error, Result};

/// The next migration without its name.
#[derive(Debug)]
pub struct Draft {
    /// Each with what has to be known of it.
    pub statements: Vec<(String, Vec<Hazard>)>,
    /// What has to be known of all together.
    pub hazards: Vec<Hazard>,
    pub renames: Vec<Rename>,
    pub sql: String,
    pub snapshot: String,
}

/// Why there is no migration yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsettled {
    pub questions: Vec<Question>,
    /// What was said and fits nothing.
    pub unused: Vec<String>,
    /// What was said and fits several things.
    pub ambiguous: Vec<String>,
    /// Changes that no statement makes.
    pub not_expressed: Vec<String>,
}

/// What leads from the last snapshot to the schema; no statements where nothing does.
///
/// # Errors
/// If drizzle-kit of this generation cannot write the schema either.
pub fn draft(
    stand: &Stand,
    schema: &AnySchema,
    hints: &Hints,
    way: &Way,
) -> Result<std::result::Result<Draft, Unsettled>> {
    let from = &stand.state;
    let mut to = state(schema, from, stand.id())?;
    let settled = settle(from, &to, hints);
    let difference = from.difference_by(&settled.renames, &to);
    let unsettled = Unsettled {
        questions: settled.questions,
        unused: settled.unused,
        ambiguous: settled.ambiguous,
        not_expressed: difference.not_expressed,
    };
    if unsettled != Unsettled::default() {
        return Ok(Err(unsettled));
    }
    let statements = match way.is_safe {
        true => way.dialect.online(difference.statements.clone()).unwrap_or(difference.statements),
        false => difference.statements,
    };
    // What stands outside of a transaction has to be sent alone.
    let sql = join(statements.iter().map(|it| it.sql.as_str()), way.breakpoints || way.is_safe);
    to.set_id(snapshot_id(stand.id(), &sql));
    let left_out = left_out(from, &to, &settled.renames);
    let (mut statements, mut hazards) = with_hazards(way.dialect, statements);
    let only_widened = only_widened(from, &to, &settled.renames, &statements);
    hazards.retain(|it| !only_widened.contains(it));
    statements.iter_mut().for_each(|it| it.1.retain(|it| !only_widened.contains(it)));
    hazards.extend(left_out.into_iter().filter(|it| !hazards.contains(it)).collect::<Vec<_>>());
    Ok(Ok(Draft {
        hazards,
        statements,
        snapshot: to.write_after_renames(from, &settled.renames),
        renames: settled.renames,
        sql,
    }))
}

/// The columns that go while their tables stay. A rebuild of SQLite copies the others, and no statement names these.
fn left_out(from: &AnySnapshot, to: &AnySnapshot, renames: &[Rename]) -> Vec<Hazard> {
    let mut renamed = from.clone();
    renames.iter().for_each(|it| renamed.rename(it));
    let names = |kind| to.names(kind).into_iter().collect::<BTreeSet<_>>();
    let (tables, columns) = (names(NameKind::Table), names(NameKind::Column));
    let stays =
        |column: &Path| column.split_last().is_some_and(|(_, table)| tables.contains(table));
    let gone = renamed.names(NameKind::Column);
    let gone = gone.into_iter().filter(|it| stays(it) && !columns.contains(it));
    gone.map(|it| Hazard::DeletesData(format!("drop:{}", spelled(&it)))).collect()
}

/// The new types that hold every value of the old ones, where no statement computes other values. The statements
/// name the new types alone.
fn only_widened(
    from: &AnySnapshot,
    to: &AnySnapshot,
    renames: &[Rename],
    statements: &[(String, Vec<Hazard>)],
) -> BTreeSet<Hazard> {
    let mut renamed = from.clone();
    renames.iter().for_each(|it| renamed.rename(it));
    let before = renamed.column_types();
    let after = to.column_types().into_iter();
    let widened = after.filter(|(column, to)| before.get(column).is_some_and(|it| widens(it, to)));
    let widened = widened.map(|it| Hazard::DeletesData(format!("retype:{}", spelled(&it.0))));
    let computed = statements.iter().filter(|it| computes_values(&it.0)).flat_map(|it| &it.1);
    let computed: Vec<_> = computed.collect();
    widened.filter(|it| !computed.contains(&it)).collect()
}

/// The statements with what has to be known of each, and of all together.
fn with_hazards(
    dialect: Dialect,
    statements: Vec<Statement>,
) -> (Vec<(String, Vec<Hazard>)>, Vec<Hazard>) {
    // `MODIFY COLUMN` says all of a column again, whatever changes: only the snapshots tell what does.
    if dialect == Dialect::MySql {
        let all: BTreeSet<_> = statements.iter().flat_map(|it| it.hazards.clone()).collect();
        let each = statements.into_iter().map(|it| (it.sql, it.hazards)).collect();
        return (each, all.into_iter().collect());
    }
    let texts: Vec<_> = statements.iter().map(|it| it.sql.as_str()).collect();
    let all = dialect.hazards_of_migration(&texts);
    let each = |it: Statement| {
        let mut hazards = dialect.hazards(&it.sql);
        // What a rebuild drops it has copied before.
        hazards.retain(|it| all.contains(it));
        (it.sql, hazards)
    };
    (statements.into_iter().map(each).collect(), all)
}

/// How a migration is written.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    pub dialect: Dialect,
    pub breakpoints: bool,
    /// Whether others are to go on reading and writing meanwhile.
    pub is_safe: bool,
}

impl Draft {
    /// A migration whose statements a person writes.
    ///
    /// # Errors
    /// If drizzle-kit does not read the last snapshot.
    pub fn custom(stand: &Stand, dialect: Dialect, n_before: usize) -> Result<Self> {
        let id = snapshot_id(stand.id(), &format!("custom {n_before}"));
        let snapshot = match stand.state.generation() {
            Generation::V0 => dialect.custom_snapshot(stand.file.as_deref(), &id),
            Generation::V1 => stand.state.write_custom(&id),
        };
        Ok(Self {
            statements: Vec::new(),
            hazards: Vec::new(),
            renames: Vec::new(),
            sql: CUSTOM_FILE.to_owned(),
            snapshot: snapshot.map_err(unwritable)?,
        })
    }
}

fn state(schema: &AnySchema, like: &AnySnapshot, after: &str) -> Result<AnySnapshot> {
    let ids = SnapshotIds { id: String::new(), prev_id: after.to_owned() };
    let mut state = schema.snapshot(like.generation(), &ids).map_err(unwritable)?;
    if like.id().is_empty() {
        state.follow(like);
    }
    Ok(state)
}

fn unwritable(cause: raingauge_schema::drizzle::snapshot::SnapshotError) -> Error {
    Error::new(cause.code(), "cannot write the snapshot of `schema.ts`").caused_by(cause)
}
