//! Where live stands inside a migration that runs in several steps.
//!
//! `apply` keeps a note in the database itself ([`store`] says where): it is written in the same
//! transaction as the step that it speaks of, and whoever comes next finds it, on whichever machine.
//! What has no transaction (an index that is built beside the traffic; on MySQL every change of the
//! structure) is noted before, and live's catalog decides afterwards: done, not done, or left half.

pub(crate) mod store;

use std::thread::sleep;
use std::time::{Duration, Instant};

use raingauge_schema::postgres::grammar::quote_literal;
use raingauge_schema::postgres::hazard::built_index;
use raingauge_schema::steps::{Step, Steps, fingerprint, steps};
use raingauge_schema::{Catalog, Dialect, Fingerprint, Kind, Object, ObjectId, Pair, compare};
use serde::{Deserialize, Serialize};

use crate::connect::{PgSession, Session, SqlError};
use crate::history::{History, Migration};
use crate::report::Finding;
use crate::side::States;
use crate::{Error, Result, findings};

/// The code of the finding that a migration stopped midway, and can go on.
pub const UNFINISHED: &str = "migration-unfinished";

/// The code of the finding that a migration is being taken back, and was not to the end.
pub const UNDOING: &str = "undo-unfinished";

/// How far a migration got, as the database says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Tells the note from a comment of the user's; the number is the format's.
    pub(crate) raingauge_steps: u32,
    pub tag: String,
    /// How many steps are committed.
    pub done: usize,
    /// The hash of their statements: the others may be corrected.
    pub text: Fingerprint,
    /// The process of the server in which the next step was begun, if that has no transaction.
    pub begun_by: Option<String>,
    /// What the comment was before.
    pub comment: Option<String>,
    /// How many statements lead back, if the migration is being taken back: then `done` counts those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way_back: Option<usize>,
}

/// Where live stands inside a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within {
    /// The migration's position in the history.
    pub at: usize,
    /// How many of its steps are in effect, and of how many.
    pub done: usize,
    pub of: usize,
    /// Indexes that a build was cut off from: invalid, and in nobody's use.
    pub leftovers: Vec<ObjectId>,
}

impl Note {
    /// The note that so many steps of a migration are committed.
    pub fn new(migration: &Migration, steps: &[Step], done: usize) -> Self {
        Self {
            raingauge_steps: 1,
            tag: migration.entry.tag.clone(),
            done,
            text: fingerprint(steps.get(..done).unwrap_or_default()),
            begun_by: None,
            comment: None,
            way_back: None,
        }
    }
}

/// The comment of a ledger: a note, or somebody's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comment {
    pub note: Option<Note>,
    /// The user's own words, also those that a note has moved aside.
    pub own: Option<String>,
}

/// Waits until the server has ended what a killed run had begun.
///
/// # Errors
/// A refusal `lock-held` if that takes longer than `wait`; or if the connection breaks.
pub fn wait_for_remains(session: &mut Session, note: &Note, wait: Duration) -> Result<()> {
    let (Session::Postgres(session), Some(process)) = (session, &note.begun_by) else {
        return Ok(());
    };
    let deadline = Instant::now() + wait;
    while is_alive(session, process)? {
        if deadline < Instant::now() {
            return Err(Error::refusal(
                "lock-held",
                format!("a statement of `{}` that an earlier run began still runs in server process {process}", note.tag),
            )
            .next("wait until it has ended, then run the command again; nothing was changed"));
        }
        sleep(Duration::from_millis(100).min(wait));
    }
    Ok(())
}

/// The process of the server with its start: numbers of processes are given again.
pub(crate) fn process(session: &mut PgSession) -> Result<String, SqlError> {
    let sql = "SELECT a.pid || ' of ' || a.backend_start FROM pg_catalog.pg_stat_activity a \
               WHERE a.pid = pg_catalog.pg_backend_pid()";
    Ok(session.rows(sql)?.into_iter().flatten().flatten().next().unwrap_or_default())
}

fn is_alive(session: &mut PgSession, process: &str) -> Result<bool> {
    let sql = format!(
        "SELECT 1 FROM pg_catalog.pg_stat_activity a WHERE a.pid || ' of ' || a.backend_start = {}",
        quote_literal(process)
    );
    let rows = session.rows(&sql).map_err(|cause| {
        Error::new("connect-failed", "cannot look at the server's processes").caused_by(cause)
    })?;
    Ok(!rows.is_empty())
}

/// What is known of a history and of live, and what the database notes.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    pub dialect: Dialect,
    pub history: &'a History,
    pub live: &'a Catalog,
    pub states: &'a States,
    pub note: Option<&'a Note>,
}

/// Finds live between two steps of the first migration that is not recorded; `n_recorded` are.
///
/// # Errors
/// The finding that says why nobody can go on from where the migration stopped.
pub fn find(evidence: &Evidence<'_>, n_recorded: usize) -> Result<Option<Within>, Box<Finding>> {
    if let Some(finding) = evidence.note.and_then(undoing) {
        return Err(Box::new(finding));
    }
    let Some(migration) = evidence.history.migrations.get(n_recorded) else { return Ok(None) };
    let note = evidence.note;
    if let Some(note) = note.filter(|it| it.tag != migration.entry.tag) {
        return Err(Box::new(unexpected(note, migration)));
    }
    let steps = match steps(evidence.dialect, &migration.sql) {
        Steps::Several(steps) => steps,
        Steps::Whole | Steps::Impossible(_) => match note {
            Some(note) => return Err(Box::new(edited(note, migration))),
            None => return Ok(None),
        },
    };
    let Some(all) = evidence.states_of(n_recorded, &steps) else { return Ok(None) };
    let inside = Inside { evidence, migration, steps: &steps, all };
    let found = match note {
        Some(note) => Some(inside.as_noted(note)?),
        None => inside.as_seen()?,
    };
    Ok(found.map(|(done, leftovers)| Within { at: n_recorded, done, of: steps.len(), leftovers }))
}

impl<'a> Evidence<'a> {
    /// The catalogs before the migration, after each of its steps.
    fn states_of(&self, at: usize, steps: &[Step]) -> Option<Vec<&'a Catalog>> {
        let mut all = vec![self.states.get(at)?];
        // A single step has nothing in between; its row in the ledger still comes after it.
        if 1 < steps.len() {
            all.extend(self.states.midway.get(&at)?);
        }
        all.push(self.states.get(at + 1)?);
        Some(all)
    }
}

struct Inside<'a> {
    evidence: &'a Evidence<'a>,
    migration: &'a Migration,
    steps: &'a [Step],
    /// One more than there are steps.
    all: Vec<&'a Catalog>,
}

type Found = (usize, Vec<ObjectId>);

impl Inside<'_> {
    fn as_noted(&self, note: &Note) -> Result<Found, Box<Finding>> {
        let done = self.steps.get(..note.done).filter(|it| fingerprint(it) == note.text);
        if done.is_none() {
            return Err(Box::new(edited(note, self.migration)));
        }
        let next = note.begun_by.as_ref().map(|_| note.done + 1);
        let candidates: Vec<_> = [Some(note.done), next].into_iter().flatten().collect();
        let exact = candidates.iter().find(|it| self.is_at(**it)).map(|it| (*it, Vec::new()));
        let found = exact.or_else(|| self.with_leftovers(note.done));
        found.ok_or_else(|| {
            let finding = Finding::error(
                "unfinished-differs",
                self.migration.entry.tag.clone(),
                format!("stopped after step {} of {}, and live is not what that leaves; nothing is run on top of it", note.done, self.steps.len()),
            );
            let state = self.all.get(note.done).copied().unwrap_or(self.evidence.live);
            let comparison = compare(Pair { from: self.evidence.live, to: state });
            Box::new(findings::differences(finding, &comparison).next("undo in live what differs, then raingauge migrate"))
        })
    }

    fn as_seen(&self) -> Result<Option<Found>, Box<Finding>> {
        let is_at = |it: &usize| self.is_at(*it);
        if is_at(&0) || is_at(&self.steps.len()) {
            return Ok(None);
        }
        let Some(done) = (0..self.steps.len()).rev().find(is_at) else {
            return Ok((0..self.steps.len()).find_map(|it| self.with_leftovers(it)));
        };
        let writes =
            |it: &Step| it.statements().iter().any(|it| self.evidence.dialect.writes_rows(&it.sql));
        if self.steps[..done].iter().any(writes) {
            return Err(Box::new(self.ambiguous(done)));
        }
        Ok(Some((done, Vec::new())))
    }

    fn is_at(&self, done: usize) -> bool {
        self.all.get(done).is_some_and(|it| it.fingerprint() == self.evidence.live.fingerprint())
    }

    /// T40: live as before a step, but for the invalid indexes that its failure leaves.
    fn with_leftovers(&self, done: usize) -> Option<Found> {
        let Step::Alone(statement) = self.steps.get(done)? else { return None };
        let leftovers = leftovers(self.evidence.live, &statement.sql);
        let without = |it: &Catalog| it.filtered(|it| !leftovers.contains(&it.id)).fingerprint();
        let is_same = without(self.evidence.live) == without(self.all.get(done)?);
        (!leftovers.is_empty() && is_same).then_some((done, leftovers))
    }

    fn ambiguous(&self, done: usize) -> Finding {
        Finding::error(
            "position-ambiguous",
            self.migration.entry.tag.clone(),
            format!("live is as after its step {done} of {}, which nobody noted; steps before it write rows, and nobody can tell from a catalog whether those were written; nothing was changed", self.steps.len()),
        )
        .next("look whether live has these rows; then run what is missing by hand, and `raingauge reconcile`")
    }
}

/// The invalid indexes of live that a statement builds, or leaves when it fails.
fn leftovers(live: &Catalog, sql: &str) -> Vec<ObjectId> {
    let built = built_index(sql).map(|it| it.name);
    let words = sql.to_lowercase();
    let (reindexes, drops) = (words.contains("reindex"), words.contains("drop"));
    let is_of_statement = |it: &Object| {
        let name = it.id.name();
        let is_copy = ["_ccnew", "_ccold"]
            .iter()
            .any(|mark| name.trim_end_matches(|it: char| it.is_ascii_digit()).ends_with(mark));
        built.as_deref() == Some(name) || (reindexes && is_copy) || (drops && sql.contains(name))
    };
    let invalid = live.of_kind(Kind::Index).filter(|it| it.get("invalid").is_some());
    invalid.filter(|it| is_of_statement(it)).map(|it| it.id.clone()).collect()
}

/// Only the way back itself knows the states that it goes through.
fn undoing(note: &Note) -> Option<Finding> {
    let message = format!(
        "is being taken back: {} of {} statements of the way back are committed; nothing is run on top of it",
        note.done, note.way_back?
    );
    let finding = Finding::error(UNDOING, note.tag.clone(), message);
    Some(finding.next("raingauge migrate --undo: goes on with it; then it can be applied again"))
}

fn unexpected(note: &Note, migration: &Migration) -> Finding {
    Finding::error(
        "unfinished-unknown",
        note.tag.clone(),
        format!("stopped after its step {}, but the next migration is `{}`; nothing is run on top of it", note.done, migration.entry.tag),
    )
    .next("bring back the migration that was being applied, then raingauge migrate")
}

fn edited(note: &Note, migration: &Migration) -> Finding {
    Finding::error(
        "unfinished-edited",
        migration.entry.tag.clone(),
        format!("its first {} steps are committed, and have other statements in the file now; nothing is run on top of them", note.done),
    )
    .next("bring back the statements that were committed; those after them may be corrected")
}

/// What is told of a migration that stopped midway.
pub fn told(within: &Within, history: &History, dialect: Dialect) -> Finding {
    let migration = history.migrations.get(within.at);
    let tag = migration.map(|it| it.entry.tag.clone()).unwrap_or_default();
    let steps = migration.map_or(Steps::Whole, |it| steps(dialect, &it.sql));
    let next = steps.several().and_then(|it| it.get(within.done)).map(Step::line);
    let place = next.map_or(String::new(), |it| format!(" (line {it})"));
    let finding = Finding::warning(
        UNFINISHED,
        tag,
        format!(
            "is applied up to step {} of {}; `migrate` goes on from there{place}",
            within.done, within.of
        ),
    );
    let leftover =
        |it: &ObjectId| format!("index `{}` is invalid: its build was cut off", it.dotted());
    within.leftovers.iter().fold(finding, |it, id| it.evidence(leftover(id)))
}
