//! The statements that lead from one side to the other.
//!
//! They are found on a copy of the first side, round by round, until nothing differs any more. Then the
//! script as it is printed runs on another copy, from its beginning.

use std::collections::BTreeMap;

use raingauge_schema::plan::Hazard;
use raingauge_schema::sqlite::render::alteration::hazards_of_rebuild;
use raingauge_schema::{Catalog, Comparison, Dialect, Kind, Pair};

use super::build::{Builder, Side};
use super::view::View;
use super::workshop::{Round, Workshop};
use super::{mysql, piece, postgres, sqlite};
use crate::Result;
use crate::apply::risks;
use crate::connect::Session;
use crate::progress::Progress;

/// How many looks at what differs lead to the end or nowhere.
const ROUNDS: usize = 60;

/// What has to be reached, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Goal<'a> {
    pub view: &'a View,
    pub sides: Pair<&'a Side>,
}

/// Statements that belong together, with their risks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub statements: Vec<String>,
    pub hazards: Vec<Hazard>,
}

/// What trying the statements has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    /// Run on a copy of the first side, they give the second.
    Proven,
    /// They could not be tried, for this reason.
    NotTried(String),
    /// They could be tried, and do not lead to the second side.
    Failed(String),
}

/// The statements, and how far they lead.
#[derive(Clone, Debug)]
pub struct Way {
    pub steps: Vec<Step>,
    /// What is still different after them; equal if they lead to the end.
    pub remaining: Comparison,
    /// What the engine said of statements that would have gone further, by statement.
    pub refused: BTreeMap<String, String>,
    pub trial: Trial,
}

impl Way {
    /// The statements with the settings that they need, one by one.
    pub fn statements(&self, dialect: Dialect) -> Vec<&str> {
        self.settings(dialect).iter().copied().chain(self.own()).collect()
    }

    /// What has to be set before the steps, where they need it.
    pub fn settings(&self, dialect: Dialect) -> &'static [&'static str] {
        let needs = match dialect {
            Dialect::Postgres => has_body as fn(&str) -> bool,
            Dialect::Sqlite => drops_table,
            Dialect::MySql => |_: &str| true,
        };
        if self.own().any(needs) { settings(dialect) } else { &[] }
    }

    fn own(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().flat_map(|it| it.statements.iter().map(String::as_str))
    }

    /// Whether everything that differs is in the statements.
    pub fn is_complete(&self) -> bool {
        self.remaining.is_equal() && !matches!(self.trial, Trial::Failed(_))
    }
}

fn settings(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        // A body may speak of what comes later.
        Dialect::Postgres => &["SET check_function_bodies = false;"],
        // A value that does not fit fails its statement instead of being cut, a row without its parent, too; what is
        // quoted means the same in every session.
        Dialect::MySql => &[
            "SET NAMES utf8mb4;",
            "SET sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', foreign_key_checks = 1;",
        ],
        // Rows that refer to those of a table that is dropped must not go with it, and what reads a table need
        // not be right in the moment in which it has no name.
        Dialect::Sqlite => &["PRAGMA foreign_keys = OFF;", "PRAGMA legacy_alter_table = ON;"],
    }
}

fn has_body(sql: &str) -> bool {
    let rest = sql.strip_prefix("CREATE ").unwrap_or_default();
    let rest = rest.strip_prefix("OR REPLACE ").unwrap_or(rest);
    ["FUNCTION", "PROCEDURE"].iter().any(|it| rest.starts_with(it))
}

fn drops_table(sql: &str) -> bool {
    sql.starts_with("DROP TABLE")
}

/// Finds the statements, and tries them. Neither side is written to.
///
/// # Errors
/// If scratch breaks, or a side cannot be read.
pub fn lead(goal: Goal<'_>, builder: &mut Builder<'_>, progress: &mut dyn Progress) -> Result<Way> {
    let to = goal.view.goal(&goal.sides.to.catalog);
    progress.begin("looking for the statements in scratch");
    let copy = builder.copy(goal.sides.from)?;
    let (mut copy, obstacle) = match copy {
        Ok(copy) => (Some(copy), None),
        Err(why) => (None, Some(why)),
    };
    let session = copy.as_mut().map(|it| &mut it.session);
    let mut shop = Workshop {
        dialect: goal.view.dialect,
        session,
        ledgers: builder.ledgers(),
        pieces: &goal.sides.to.pieces,
        known: piece::texts(&goal.sides.from.pieces),
        order_counts: !goal.view.is_managed,
        steps: Vec::new(),
        dropped: std::collections::BTreeSet::new(),
        made: std::collections::BTreeSet::new(),
        refused: BTreeMap::new(),
    };
    prepare(&mut shop);
    let remaining = search(&mut shop, goal, &to)?;
    let (steps, refused) = (std::mem::take(&mut shop.steps), std::mem::take(&mut shop.refused));
    drop(shop);
    drop(copy);
    let sides = Pair { from: &goal.sides.from.catalog, to: &goal.sides.to.catalog };
    let steps = steps.into_iter().map(|it| step(goal.view.dialect, it, sides)).collect();
    let trial = obstacle.map_or(Trial::Proven, Trial::NotTried);
    let mut way = Way { steps, remaining, refused, trial };
    if way.trial == Trial::Proven && way.remaining.is_equal() {
        progress.begin("trying the statements in scratch");
        way.trial = prove(&way, goal, &to, builder)?;
    }
    Ok(way)
}

fn prepare(shop: &mut Workshop<'_>) {
    for setting in settings(shop.dialect) {
        // Where it fails the statements fail, and say why.
        let _ = shop.session.as_deref_mut().map(|it| it.run(setting));
    }
}

fn step(dialect: Dialect, statements: Vec<String>, sides: Pair<&Catalog>) -> Step {
    let pieces: Vec<_> = statements.iter().map(String::as_str).collect();
    let hazards = hazards_of_rebuild(&statements, sides)
        .filter(|_| dialect == Dialect::Sqlite)
        .unwrap_or_else(|| {
            let mut all = risks::of_statements(dialect, &pieces, Some(sides));
            all.retain(|it| !is_computed_again(it, sides));
            all
        });
    let statements = match (dialect, statements.len()) {
        // A shell may go on after a statement that failed.
        (Dialect::Sqlite, 2..) => {
            let begin = ["BEGIN;".to_owned()];
            begin.into_iter().chain(statements).chain(["COMMIT;".to_owned()]).collect()
        }
        _ => statements,
    };
    Step { statements, hazards }
}

/// Whether what goes was only computed, out of what stays or goes by itself.
fn is_computed_again(hazard: &Hazard, sides: Pair<&Catalog>) -> bool {
    let Hazard::DeletesData(name) = hazard else { return false };
    let Some(name) = name.strip_prefix("drop:") else { return false };
    let mut columns = sides.from.of_kind(Kind::Column);
    let column = columns.find(|it| it.id.path.join(".") == name);
    sides.from.surroundings.iter().any(|it| it.get("flavour").is_some())
        && column.is_some_and(|it| it.get("generated").is_some())
}

/// Leads on until nothing differs, or nothing leads on.
fn search(shop: &mut Workshop<'_>, goal: Goal<'_>, to: &Catalog) -> Result<Comparison> {
    let from = &goal.sides.from.catalog;
    // For each state how far it was tried to lead on from there, and how many steps led to it.
    let mut states: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut remaining = Comparison::default();
    for _ in 0..ROUNDS {
        let Some(now) = shop.catalog()? else {
            let difference = goal.view.compare(Pair { from, to });
            attempt(shop, &Round { catalogs: Pair { from, to }, difference: &difference }, 0)?;
            return Ok(Comparison::default());
        };
        let catalogs = Pair { from: &now, to };
        let difference = goal.view.compare(catalogs);
        let n = shop.steps.len();
        let (tried, first) = states.entry(now.fingerprint().as_str().to_owned()).or_insert((0, n));
        let level = *tried;
        *tried += 1;
        // What led back to where it was before is no step.
        shop.steps.truncate(*first);
        remaining = difference;
        if remaining.is_equal() || 1 < level {
            break;
        }
        if level == 0 || shop.dialect != Dialect::MySql {
            shop.refused.clear();
        }
        attempt(shop, &Round { catalogs, difference: &remaining }, level)?;
    }
    Ok(remaining)
}

fn attempt(shop: &mut Workshop<'_>, round: &Round<'_>, level: usize) -> Result<()> {
    match shop.dialect {
        Dialect::Postgres if level == 0 => postgres::gentle(shop, round),
        Dialect::Postgres => postgres::harsh(shop, round)?,
        Dialect::MySql if level == 0 => mysql::gentle(shop, round),
        Dialect::MySql => mysql::harsh(shop, round),
        Dialect::Sqlite => sqlite::round(shop, round),
    }
    Ok(())
}

/// Runs the statements on a copy that none of them has seen.
fn prove(way: &Way, goal: Goal<'_>, to: &Catalog, builder: &mut Builder<'_>) -> Result<Trial> {
    let mut fresh = match builder.copy(goal.sides.from)? {
        Ok(fresh) => fresh,
        Err(why) => return Ok(Trial::NotTried(why)),
    };
    if let Err((sql, message)) = run(&mut fresh.session, &way.statements(goal.view.dialect)) {
        return Ok(Trial::Failed(format!("{message}: {sql}")));
    }
    let now = crate::introspect::catalog(&mut fresh.session, builder.ledgers())?;
    let difference = goal.view.compare(Pair { from: &now, to });
    match difference.is_equal() {
        true => Ok(Trial::Proven),
        false => Ok(Trial::Failed(format!("{} objects still differ", difference.n_differences()))),
    }
}

fn run(session: &mut Session, statements: &[&str]) -> std::result::Result<(), (String, String)> {
    for sql in statements {
        session.run(sql).map_err(|it| ((*sql).to_owned(), it.message))?;
    }
    Ok(())
}
