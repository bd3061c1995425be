//! What pending migrations do to rows, told before anything runs.
//!
//! The dialects' `hazard` modules read the statements; what only the catalogs of the rehearsal can
//! tell is added here.

use std::collections::BTreeMap;

use raingauge_schema::drizzle::migration::split;
use raingauge_schema::plan::Hazard;
use raingauge_schema::sqlite::rebuild::{Effects, effects};
use raingauge_schema::steps::{Step, Steps, statements, steps};
use raingauge_schema::{Catalog, Dialect, Pair};

use super::{cascade, engines, rebuild, retype};
use crate::facts::Facts;
use crate::history::Migration;
use crate::report::Finding;
use crate::side::States;
use crate::site::Site;

/// The findings about migrations of the history, before anything is planned for them.
pub(crate) fn risks(
    site: &Site,
    facts: &Facts,
    positions: &[usize],
    allowed: &[String],
) -> Vec<Finding> {
    let mut found = findings(&hazards(site, facts, positions), allowed);
    let migrations = &site.project.history.migrations;
    found.extend(positions.iter().filter_map(|at| in_steps(site.dialect(), &migrations[*at])));
    for at in positions {
        let (migration, tag) = (&migrations[*at], &migrations[*at].entry.tag);
        found.extend(engines::findings(tag, &engines::unprotected(site, facts, *at), allowed));
        let Some(rehearsed) = rehearsed(&facts.states, *at) else { continue };
        found.extend(match site.dialect() {
            Dialect::Sqlite => rebuild::findings(tag, &effects_of(migration), rehearsed, allowed),
            Dialect::Postgres => cascade::findings(tag, &migration.sql, rehearsed, allowed),
            // MySQL neither rebuilds tables behind one's back nor drops what others depend on.
            Dialect::MySql => Vec::new(),
        });
    }
    found
}

/// The tables without transactions that migrations work on, by position.
pub(super) fn unprotected(
    site: &Site,
    facts: &Facts,
    positions: &[usize],
) -> BTreeMap<usize, Vec<String>> {
    let of = |at: &usize| {
        let found = engines::unprotected(site, facts, *at).into_iter().map(|it| it.table);
        (*at, found.collect::<Vec<_>>())
    };
    positions.iter().map(of).filter(|it| !it.1.is_empty()).collect()
}

/// T37, T38: that a migration is not one transaction, or cannot be run at all.
fn in_steps(dialect: Dialect, migration: &Migration) -> Option<Finding> {
    let tag = migration.entry.tag.clone();
    match steps(dialect, &migration.sql) {
        Steps::Whole if dialect == Dialect::MySql && statements(dialect, &migration.sql).is_none() => {
            let message = "cannot be cut into its statements, each of which MySQL commits by itself; nothing was changed";
            Some(Finding::error("not-transactional", tag, message).next("correct the migration: `raingauge validate --offline` names the line"))
        }
        Steps::Whole => None,
        Steps::Several(steps) => {
            let first = |it: &&Step| matches!(it, Step::Alone(_));
            let line = steps.iter().find(first).or(steps.get(1)).map(Step::line)?;
            let n = steps.len();
            if dialect == Dialect::MySql {
                // That is how each of them is there.
                let message = format!("its {n} steps are committed one by one, as MySQL does with every change of the structure: if one fails, those before it stay, and Drizzle's own migrator begins with the first one again");
                return (1 < n).then(|| Finding::info("runs-in-steps", tag, message));
            }
            let finding = Finding::warning(
                "runs-in-steps",
                tag,
                format!("is no single transaction (line {line}): its {n} steps are committed one by one, and if one fails, those before it stay; Drizzle's own migrator cannot run it"),
            );
            Some(finding)
        }
        Steps::Impossible(statement) => Some(
            Finding::error(
                "not-transactional",
                tag,
                format!("has a statement on line {} that cannot run inside a transaction, and whose effect nobody can prove; nothing was changed", statement.line),
            )
            .evidence(statement.sql)
            .next("take it out of the migration and run it by hand"),
        ),
    }
}

/// The catalogs before and after a migration in scratch, if it got that far.
pub(super) fn rehearsed(states: &States, at: usize) -> Option<Pair<&Catalog>> {
    Some(Pair { from: states.get(at)?, to: states.get(at + 1)? })
}

/// What the statements of a SQLite migration name.
pub(super) fn effects_of(migration: &Migration) -> Effects {
    effects(split(&migration.sql).iter().map(|it| it.sql))
}

/// The hazards of each migration with its tag, each once.
pub(super) fn hazards(site: &Site, facts: &Facts, positions: &[usize]) -> Vec<(String, Hazard)> {
    let mut found: Vec<(String, Hazard)> = Vec::new();
    for at in positions {
        let migration = &site.project.history.migrations[*at];
        let mut own = of_migration(site.dialect(), migration, rehearsed(&facts.states, *at));
        if let (Dialect::Sqlite, None, Some(before)) =
            (site.dialect(), rehearsed(&facts.states, *at), facts.states.get(*at))
        {
            own.extend(rebuild::hazards(&effects_of(migration), before));
        }
        found.extend(own.into_iter().map(|it| (migration.entry.tag.clone(), it)));
    }
    found.sort();
    found.dedup();
    found
}

/// The hazards of one migration, by its statements and by the catalogs around it where they are known.
pub(super) fn of_migration(
    dialect: Dialect,
    migration: &Migration,
    rehearsed: Option<Pair<&Catalog>>,
) -> Vec<Hazard> {
    let chunks = split(&migration.sql);
    let pieces: Vec<_> = chunks.iter().map(|it| it.sql).collect();
    of_statements(dialect, &pieces, rehearsed)
}

/// The hazards of statements that run together, by what they say and by the catalogs around them.
pub(crate) fn of_statements(
    dialect: Dialect,
    pieces: &[&str],
    rehearsed: Option<Pair<&Catalog>>,
) -> Vec<Hazard> {
    let mut found = dialect.hazards_of_migration(pieces);
    let Some(rehearsed) = rehearsed else { return found };
    if dialect == Dialect::Sqlite {
        found.extend(rebuild::hazards(&effects(pieces.iter().copied()), rehearsed.from));
    }
    // A spelled cast says what becomes of a value, whatever the types are.
    let spells_a_cast = |it: &&&str| retype::computes_values(it);
    let casts: Vec<_> =
        pieces.iter().filter(spells_a_cast).flat_map(|it| dialect.hazards(it)).collect();
    found.retain(|it| casts.contains(it) || !retype::only_widens(it, rehearsed));
    found
}

/// Whether a migration writes rows of tables that were there before it. What a rebuild copies was there.
pub(super) fn writes_rows(
    dialect: Dialect,
    migration: &Migration,
    rehearsed: Pair<&Catalog>,
) -> bool {
    match dialect {
        Dialect::Postgres | Dialect::MySql => dialect.writes_rows(&migration.sql),
        Dialect::Sqlite => {
            let writes = |it: &Hazard| match it {
                Hazard::DeletesData(name) => !name.starts_with("drop:"),
                Hazard::NotUnderstood => true,
                Hazard::RewritesTable(_) | Hazard::NotTransactional => false,
            };
            !effects_of(migration).inserted.is_empty()
                || of_migration(dialect, migration, Some(rehearsed)).iter().any(writes)
        }
    }
}

fn findings(hazards: &[(String, Hazard)], allowed: &[String]) -> Vec<Finding> {
    let one = |(tag, hazard): &(String, Hazard)| {
        match hazard {
            Hazard::DeletesData(name) if allowed.contains(name) => None,
            Hazard::DeletesData(name) => Some(
                Finding::error(
                    "deletion-not-allowed",
                    tag.clone(),
                    format!("deletes data: {name}; nothing was changed"),
                )
                .next(format!("if that is meant: `--allow {name}`")),
            ),
            Hazard::RewritesTable(_) => {
                Some(Finding::warning("rewrites-table", tag.clone(), hazard.to_string()))
            }
            // What runs in steps is told of the migration as a whole.
            Hazard::NotTransactional => None,
            Hazard::NotUnderstood => Some(Finding::warning(
                "not-understood",
                tag.clone(),
                "has a statement whose effects on rows are not known; a verified backup is taken first",
            )),
        }
    };
    hazards.iter().filter_map(one).collect()
}
