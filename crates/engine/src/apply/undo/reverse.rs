//! The statements that lead back, found in scratch and proven there.
//!
//! Where the migration only added, what it added is dropped; in which order, the engine itself says, since
//! a drop without `CASCADE` fails as long as something depends on the object. Where it changed something,
//! the differ goes from its snapshot to the one before.

use std::path::PathBuf;

use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::migration::join;
use raingauge_schema::{Catalog, Comparison, Dialect, Object, Pair, compare};

use super::change;
use crate::apply::turn::pieces;
use crate::connect::Session;
use crate::facts::Facts;
use crate::findings::folded;
use crate::history::{History, Migration};
use crate::report::Finding;
use crate::site::Site;
use crate::{Result, replay, side};

/// What was tried in scratch.
#[derive(Debug)]
pub(super) struct Rehearsal {
    /// The catalogs around the migration.
    pub(super) before: Catalog,
    pub(super) after: Catalog,
    /// What ran, in this order.
    pub(super) statements: Vec<String>,
    /// What is not yet as before then (`from` what they led to); equal if they lead back.
    pub(super) remaining: Comparison,
}

impl Rehearsal {
    /// What the migration changed.
    pub(super) fn change(&self) -> Comparison {
        change(&self.before, &self.after)
    }

    /// The migration with the statements that lead back in place of its own.
    pub(super) fn migration(&self, original: &Migration) -> Migration {
        Migration {
            sql: join(self.statements.iter().map(String::as_str), true),
            path: PathBuf::from(format!("the way back of {}", original.entry.tag)),
            snapshot: None,
            ..original.clone()
        }
    }
}

/// Builds the state after the migration, as live is, and tries to lead it back.
///
/// # Errors
/// If scratch cannot be had. The inner error says why the state cannot be built.
pub(super) fn rehearse(
    site: &mut Site,
    facts: &Facts,
    at: usize,
) -> Result<Result<Rehearsal, Box<Finding>>> {
    let mut rebuilt = side::rebuild(site, &facts.live, facts.prerequisites.as_ref(), at)?;
    if let Some(finding) = rebuilt.stopped {
        return Ok(Err(Box::new(finding)));
    }
    let session = &mut rebuilt.database.session;
    let before = site.catalog_of(session)?;
    let history = &site.project.history;
    if let Err(error) = replay::migration(session, &history.migrations[at], &mut |_| ()) {
        let what = "cannot be replayed on an empty database";
        return Ok(Err(Box::new(error.finding("history-broken", what))));
    }
    let after = site.catalog_of(session)?;
    let mut trial = Trial { dialect: site.dialect(), session, ran: Vec::new() };
    trial.lead_back(&change(&before, &after), &differ(site.dialect(), history, at));
    let statements = trial.ran;
    let now = site.catalog_of(&mut rebuilt.database.session)?;
    let remaining = compare(Pair { from: &now, to: &before });
    Ok(Ok(Rehearsal { before, after, statements, remaining }))
}

/// What the differ writes from the migration's snapshot to the one before it; nothing if it cannot.
fn differ(dialect: Dialect, history: &History, at: usize) -> Vec<String> {
    let files: Option<Vec<_>> =
        history.migrations.iter().take(at + 1).map(|it| it.snapshot.as_deref()).collect();
    let Some(files) = files else { return Vec::new() };
    let mut states = AnySnapshot::read_history(dialect, history.generation, &files);
    let (Some(Ok(after)), Some(Ok(before))) = (states.pop(), states.pop()) else {
        return Vec::new();
    };
    let difference = after.difference_to(&before);
    if !difference.not_expressed.is_empty() {
        return Vec::new();
    }
    let pieces = difference.statements.iter().flat_map(|it| pieces(&it.sql));
    pieces.map(|it| it.sql.trim().to_owned()).collect()
}

struct Trial<'a> {
    dialect: Dialect,
    session: &'a mut Session,
    ran: Vec<String>,
}

impl Trial<'_> {
    fn lead_back(&mut self, change: &Comparison, differ: &[String]) {
        let only_adds = change.n_differences() == change.only_to.len();
        let ids = folded(change.only_to.iter().map(|it| &it.id));
        let added: Vec<_> = change.only_to.iter().filter(|it| ids.contains(&&it.id)).collect();
        if only_adds {
            self.drop_all(&added);
            return;
        }
        let carried = |it: &&&Object| !self.dialect.expresses(it, None);
        let carried: Vec<_> = added.iter().filter(carried).copied().collect();
        let rest = self.drop_all(&carried);
        for sql in differ {
            if !self.runs(sql) {
                return;
            }
        }
        self.drop_all(&rest);
    }

    /// Drops what can be dropped, as often as that lets something else be dropped; gives the rest.
    fn drop_all<'o>(&mut self, objects: &[&'o Object]) -> Vec<&'o Object> {
        let mut left = objects.to_vec();
        loop {
            let n = left.len();
            let dialect = self.dialect;
            left.retain(|it| dialect.removal(it).is_none_or(|sql| !self.runs(&sql)));
            if left.len() == n {
                return left;
            }
        }
    }

    fn runs(&mut self, sql: &str) -> bool {
        let runs = self.session.run(sql).is_ok();
        if runs {
            self.ran.push(sql.to_owned());
        }
        runs
    }
}
