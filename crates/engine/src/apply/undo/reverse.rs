//! The statements that lead back, found in scratch and proven there.
//!
//! Where the migration only added, what it added is dropped; in which order, the engine itself says, since
//! a drop without `CASCADE` fails as long as something depends on the object. Where it changed something,
//! the differ goes from its snapshot to the one before. MySQL commits each statement by itself, so there the
//! states between them are kept: whoever is cut off in one is found by it.

use std::path::PathBuf;

use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::migration::join;
use raingauge_schema::steps::{Step, fingerprint, statements};
use raingauge_schema::{Catalog, Comparison, Dialect, Kind, Object, Pair, compare};

use super::change;
use crate::apply::turn::pieces;
use crate::connect::Session;
use crate::facts::Facts;
use crate::findings::{differences, folded};
use crate::history::{History, Migration};
use crate::ledger::LedgerName;
use crate::midway::Note;
use crate::report::Finding;
use crate::site::Site;
use crate::{Result, introspect, replay, side};

/// What was tried in scratch.
#[derive(Debug)]
pub(super) struct Rehearsal {
    /// The catalogs around the migration.
    pub(super) before: Catalog,
    pub(super) after: Catalog,
    /// What ran, in this order.
    pub(super) statements: Vec<String>,
    /// MySQL: the catalog after each of them.
    between: Vec<Catalog>,
    /// What is not yet as before then (`from` what they led to); equal if they lead back.
    pub(super) remaining: Comparison,
}

impl Rehearsal {
    /// What the migration changed.
    pub(super) fn change(&self) -> Comparison {
        change(&self.before, &self.after)
    }

    /// The catalogs around the way back.
    pub(super) fn turned(&self) -> Pair<&Catalog> {
        Pair { from: &self.after, to: &self.before }
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

    /// How many statements of the way back are in effect in live, which a run left that was cut off.
    ///
    /// # Errors
    /// The finding that says why nobody can go on from there.
    pub(super) fn reached(
        &self,
        original: &Migration,
        note: &Note,
        live: &Catalog,
    ) -> Result<usize, Box<Finding>> {
        let tag = original.entry.tag.as_str();
        let steps = steps(&self.migration(original));
        if steps.get(..note.done).is_none_or(|it| fingerprint(it) != note.text) {
            let message = format!(
                "was taken back by {} other statements than those that lead back now; nothing is run on top of them",
                note.done
            );
            return Err(Box::new(Finding::error("unfinished-edited", tag, message).next(
                "bring back the migration as it was when it was to be taken back, then raingauge migrate --undo",
            )));
        }
        let next = note.begun_by.as_ref().map(|_| note.done + 1);
        let is_at = |done: &usize| {
            self.state(*done).is_some_and(|it| it.fingerprint() == live.fingerprint())
        };
        [Some(note.done), next].into_iter().flatten().find(is_at).ok_or_else(|| {
            let message = format!(
                "was being taken back, and live is not what {} statements of the way back leave; nothing is run on top of it",
                note.done
            );
            let finding = Finding::error("unfinished-differs", tag, message);
            let state = self.state(note.done).unwrap_or(&self.after);
            let comparison = compare(Pair { from: live, to: state });
            let finding = differences(finding, &comparison);
            Box::new(finding.next("undo in live what differs, then raingauge migrate --undo"))
        })
    }

    /// The catalog after so many statements of the way back.
    fn state(&self, done: usize) -> Option<&Catalog> {
        done.checked_sub(1).map_or(Some(&self.after), |it| self.between.get(it))
    }
}

/// The statements of a way back where each of them is committed by itself.
pub(super) fn steps(way_back: &Migration) -> Vec<Step> {
    pieces(&way_back.sql).into_iter().map(Step::Alone).collect()
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
    let (dialect, ledgers) = (site.dialect(), site.ledger_names());
    let ledgers = ledgers.as_slice();
    let mut trial = Trial { dialect, session, ledgers, ran: Vec::new(), between: Ok(Vec::new()) };
    trial.lead_back(&change(&before, &after), &differ(dialect, history, at));
    let (statements, between) = (trial.ran, trial.between?);
    let now = site.catalog_of(&mut rebuilt.database.session)?;
    let remaining = compare(Pair { from: &now, to: &before });
    Ok(Ok(Rehearsal { before, after, statements, between, remaining }))
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
    let cut = |sql: &str| match dialect {
        // Each is committed by itself.
        Dialect::MySql => statements(dialect, sql).unwrap_or_default(),
        Dialect::Postgres | Dialect::Sqlite => pieces(sql),
    };
    let pieces = difference.statements.iter().flat_map(|it| cut(&it.sql));
    pieces.map(|it| it.sql.trim().to_owned()).collect()
}

struct Trial<'a> {
    dialect: Dialect,
    session: &'a mut Session,
    ledgers: &'a [LedgerName],
    ran: Vec<String>,
    between: Result<Vec<Catalog>>,
}

impl Trial<'_> {
    fn lead_back(&mut self, change: &Comparison, differ: &[String]) {
        let only_adds = change.n_differences() == change.only_to.len();
        let ids = folded(change.only_to.iter().map(|it| &it.id));
        let mut added: Vec<_> = change.only_to.iter().filter(|it| ids.contains(&&it.id)).collect();
        if self.dialect == Dialect::MySql {
            added.sort_by_key(|it| rank(it.id.kind));
        }
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
            self.look();
        }
        runs
    }

    fn look(&mut self) {
        if let (Dialect::MySql, Ok(between)) = (self.dialect, &mut self.between) {
            match introspect::catalog(self.session, self.ledgers) {
                Ok(catalog) => between.push(catalog),
                Err(error) => self.between = Err(error),
            }
        }
    }
}

/// MySQL lets a table go from under views and programs, which fail from then on, and takes a column out of
/// an index: what is left of a unique one may not fit live's rows. So the dependent objects go first.
#[expect(clippy::wildcard_enum_match_arm, reason = "programs depend on all else, in any order")]
fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::ForeignKey => 1,
        Kind::Check => 2,
        Kind::Index | Kind::Unique => 3,
        Kind::PrimaryKey => 4,
        Kind::Column => 5,
        Kind::Table => 6,
        Kind::Sequence => 7,
        _ => 0,
    }
}
