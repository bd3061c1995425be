//! One migration at a time: in a transaction with its ledger row, or in the steps that it asks for.
//!
//! What is committed says so itself: the ledger's row, or the note in the ledger's comment
//! ([`crate::midway`]), is written by the transaction that it speaks of. So whoever comes after a crash
//! knows, and nothing is done twice.

use std::path::PathBuf;
use std::time::Instant;

use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::migration::{Chunk, split};
use raingauge_schema::steps::{Placed, Step as Part, Steps, steps};
use raingauge_schema::{Dialect, Pair};

use super::failure;
use super::ledger::Target;
use super::migrate::{MigratePlan, already_recorded, stale};
use super::pace::Pace;
use super::tripwire::{Named, Tripwire};
use super::undo::carry::Removal;
use super::watch::{Watch, run_and_tell};
use crate::connect::{Access, Session, SqlError};
use crate::history::Migration;
use crate::initsql::opening;
use crate::ledger::{self, NewRow};
use crate::lock::mysql::begin_work;
use crate::midway::{Comment, Note};
use crate::position::ProvenPosition;
use crate::progress::Progress;
use crate::report::{Step, StepState};
use crate::site::Site;
use crate::{Error, Result};

/// Where migrations are applied, and how.
pub(super) struct Workplace<'a> {
    pub(super) site: &'a Site,
    pub(super) plan: &'a MigratePlan,
    pub(super) pace: Pace,
    /// Where live stood when the work began: nothing is written to a database that stands nowhere.
    pub(super) from: ProvenPosition,
    pub(super) session: Session,
    pub(super) watch: Option<Watch>,
    /// Where live was saved before the run, if it had to be.
    pub(super) backup: Option<PathBuf>,
    /// Whether the ledger stands, committed, with the columns that this history's rows take.
    pub(super) is_ledger_ready: bool,
}

/// One migration of a plan, whose turn it is.
pub(super) struct Turn<'a> {
    pub(super) dialect: Dialect,
    pub(super) at: usize,
    pub(super) migration: &'a Migration,
    /// What is left as it was if a statement fails.
    pub(super) otherwise: String,
    /// Tables without transactions that it works on.
    pub(super) unprotected: &'a [String],
    /// Whether it is applied or taken back, as the names of moments have it: `migrate`, `undo`.
    pub(super) stage: &'static str,
}

/// What the last statement of a transaction records.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// The whole migration.
    Row,
    /// The whole migration, which was noted step by step before.
    RowAndNoNote(Note),
    /// So much of it.
    Note(Note),
    /// Nothing any more: the migration is taken back.
    NoRow(Box<Removal>),
}

impl Ending {
    /// Whether the ledger has to stand for it.
    fn makes_ledger(&self) -> bool {
        !matches!(self, Self::NoRow(_))
    }
}

/// What one transaction does.
pub(super) struct Batch<'a> {
    pub(super) statements: &'a [Placed],
    pub(super) ending: Ending,
    /// The name of the moment before its commit.
    pub(super) boundary: String,
}

impl Workplace<'_> {
    /// Makes ready what no transaction can hold: the settings of the session, and the ledger, which MySQL would
    /// commit half a migration for.
    pub(super) fn prepare(&mut self) -> Result<()> {
        let Session::MySql(session) = &mut self.session else { return Ok(()) };
        let unready = |cause| {
            let message = format!(
                "cannot make the ledger `{}`; no migration was begun",
                self.site.project.ledger
            );
            Error::new("ledger-unwritable", message).caused_by(cause)
        };
        session.run(&self.pace.settings_of_mysql()).map_err(unready)?;
        make_ledger(self.site, &mut self.session).map_err(unready)?;
        self.is_ledger_ready = true;
        Ok(())
    }

    /// The error with what was saved before, for what cannot be rolled back.
    pub(super) fn with_backup(&self, error: Error) -> Error {
        match &self.backup {
            Some(path) => error
                .next(format!("what live was before this run is in the verified backup `{}`", path.display()))
                .next("compare with it: `raingauge restore BACKUP --to URL` makes a new database of it, `--tables NAME` restores single tables beside the live ones"),
            None => error.next("no backup was taken, since no statement was expected to lose anything; compare with the newest one: raingauge backup list"),
        }
    }

    /// Lets somebody look on, if one connection can see what another one does.
    pub(super) fn watch_itself(&mut self) {
        self.watch = Watch::of(&mut self.session);
    }
}

impl Turn<'_> {
    pub(super) fn tag(&self) -> &str {
        &self.migration.entry.tag
    }

    /// What the migration names as tables to lose rows or values. `None` if it only makes new objects,
    /// and nothing looks on that could do more.
    fn named(&self, work: &Workplace<'_>) -> Option<Named> {
        let own = work.plan.hazards.iter().filter(|it| it.0 == *self.tag()).map(|it| &it.1);
        let own: Vec<_> = own.collect();
        let ledger = work.site.project.ledger.table.clone();
        let sets_off =
            work.plan.has_event_triggers || work.site.dialect().writes_rows(&self.migration.sql);
        let is_watched = !own.is_empty() || sets_off;
        is_watched.then(|| Named::new(own, &work.plan.allowed, ledger))
    }

    pub(super) fn failed(&self, statement: &Placed, cause: SqlError) -> Error {
        let about = (self.dialect, self.migration);
        if self.unprotected.is_empty() {
            return failure::failed(about, statement, &self.otherwise, cause);
        }
        let tables = self.unprotected.join("`, `");
        let state = format!(
            "{}, but what it did to `{tables}`, whose engine has no transactions, stays",
            self.otherwise
        );
        let done = format!("perhaps changes of `{tables}` by {}", self.tag());
        failure::failed(about, statement, &state, cause).after(done)
    }
}

/// Applies one migration; gives what is to be told of it.
///
/// # Errors
/// If a statement fails; [`Error::done`] names the steps that were committed before.
pub(super) fn apply(
    work: &mut Workplace<'_>,
    at: usize,
    progress: &mut dyn Progress,
) -> Result<Vec<Step>> {
    if at < work.from.at() {
        // Live is proven to have had it.
        return Err(stale());
    }
    let migration = &work.site.project.history.migrations[at];
    let since = Instant::now();
    let otherwise = "the migration was rolled back".to_owned();
    let unprotected = work.plan.unprotected.get(&at).map_or(&[][..], Vec::as_slice);
    let turn = Turn {
        dialect: work.site.dialect(),
        at,
        migration,
        otherwise,
        unprotected,
        stage: "migrate",
    };
    let (n_statements, notes) = match steps(work.site.dialect(), &migration.sql) {
        Steps::Several(parts) if let Session::Sqlite(_) = work.session => {
            sqlite_parts(work, &turn, &parts, progress)?
        }
        Steps::Several(parts) => super::steps::apply(work, turn, &parts, progress)?,
        Steps::Whole | Steps::Impossible(_) => {
            let statements = pieces(&migration.sql);
            let boundary = format!("migrate/{}/applied", turn.tag());
            let batch = Batch { statements: &statements, ending: Ending::Row, boundary };
            (statements.len(), together(work, &turn, &batch, progress)?)
        }
    };
    let name = format!("apply {}", migration.entry.tag);
    let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
    let applied = Step { n_statements, millis, ..Step::new(name, StepState::Done) };
    let told = notes.into_iter().map(|it| Step::new(it, StepState::Done));
    Ok([applied].into_iter().chain(told).collect())
}

/// The pieces of a migration file.
pub(super) fn pieces(sql: &str) -> Vec<Placed> {
    let placed = |it: Chunk<'_>| Placed { sql: it.sql.to_owned(), line: it.line };
    split(sql).into_iter().map(placed).collect()
}

/// SQLite does everything in one transaction; what cannot be in one (`VACUUM`) changes nothing that
/// anybody sees, and comes after it.
fn sqlite_parts(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    parts: &[Part],
    progress: &mut dyn Progress,
) -> Result<(usize, Vec<String>)> {
    let (inside, after): (Vec<_>, Vec<_>) =
        parts.iter().partition(|it| matches!(it, Part::Together(_)));
    let inside: Vec<_> = inside.iter().flat_map(|it| it.statements()).cloned().collect();
    let boundary = format!("migrate/{}/applied", turn.tag());
    let batch = Batch { statements: &inside, ending: Ending::Row, boundary };
    let mut notes = together(work, turn, &batch, progress)?;
    for statement in after.iter().flat_map(|it| it.statements()) {
        if let Err(cause) = work.session.run(&statement.sql) {
            notes.push(format!("`{}` was left out: {cause}", statement.sql));
        }
    }
    Ok((inside.len() + after.len(), notes))
}

/// Runs statements in one transaction, which also records that they ran. While a lock is in the way it
/// is taken back and tried again.
///
/// # Errors
/// If a statement fails or rows are lost; nothing of the transaction stays.
pub(super) fn together(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    batch: &Batch<'_>,
    progress: &mut dyn Progress,
) -> Result<Vec<String>> {
    let mut attempts = work.pace.attempts();
    let mut doubts = false;
    loop {
        let error = match attempt(work, turn, batch, (doubts, progress)) {
            Ok(notes) => return Ok(notes),
            Err(error) => error,
        };
        if !doubts && ["rows-lost", "rows-changed"].contains(&error.code) {
            // It was rolled back. Before it is said to lose rows, every value is compared.
            doubts = matches!(work.session, Session::Postgres(_));
            if doubts {
                progress.begin(&format!("{}: comparing every row", turn.tag()));
                continue;
            }
        }
        let blockers = work.watch.as_ref().map(Watch::take_blockers).unwrap_or_default();
        let Some(pause) = attempts.after(&error) else { return Err(blocked(error, &blockers)) };
        progress.begin(&waiting(turn.tag(), &blockers));
        std::thread::sleep(pause);
    }
}

/// What is told while others are in the way.
pub(super) fn waiting(tag: &str, blockers: &[String]) -> String {
    match blockers.first() {
        Some(blocker) => format!("{tag} waits for {blocker}"),
        None => format!("{tag} waits for other sessions"),
    }
}

/// The error with who was in the way.
pub(super) fn blocked(error: Error, blockers: &[String]) -> Error {
    blockers.iter().fold(error, |it, blocker| it.next(format!("wait for, or end: {blocker}")))
}

fn attempt(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    batch: &Batch<'_>,
    (doubts, progress): (bool, &mut dyn Progress),
) -> Result<Vec<String>> {
    let at_start = |cause| turn.failed(&Placed { sql: String::new(), line: 1 }, cause);
    // A row of its own takes none.
    let is_empty = batch.statements.is_empty() && turn.dialect == Dialect::MySql;
    let named = if is_empty { None } else { turn.named(work) };
    let mut tripwire = Tripwire::prepare(&mut work.session, named, doubts).map_err(at_start)?;
    work.session.run(&tripwire.begin(&work.pace)).map_err(|cause| {
        // A part of the text may have begun a transaction.
        let _ = work.session.run("ROLLBACK");
        at_start(cause)
    })?;
    let result = inside(work, turn, batch, &mut tripwire, progress);
    progress.boundary(&batch.boundary);
    let notes = result.inspect_err(|_| drop(work.session.run("ROLLBACK")))?;
    match work.session.run("COMMIT") {
        Ok(()) => {}
        Err(cause) if work.session.run("ROLLBACK").is_ok() => return Err(at_start(cause)),
        Err(cause) => after_lost_commit(work, turn, &batch.ending, cause)?,
    }
    work.is_ledger_ready |= batch.ending.makes_ledger();
    Ok(notes)
}

fn inside(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    batch: &Batch<'_>,
    tripwire: &mut Tripwire,
    progress: &mut dyn Progress,
) -> Result<Vec<String>> {
    let at_start = |cause| turn.failed(&Placed { sql: String::new(), line: 1 }, cause);
    let removal = if let Ending::NoRow(it) = &batch.ending { Some(it) } else { None };
    removal.map_or(Ok(()), |it| it.lock(&mut work.session)).map_err(at_start)?;
    tripwire.lock(&mut work.session).map_err(at_start)?;
    // The whole ledger is read only where a row looks like this migration's.
    let is_recorded = looks_recorded(work, turn.migration).map_err(at_start)?
        && already_recorded(work.site, &mut work.session)?.contains(&turn.at);
    let session = &mut work.session;
    let is_counted = removal.map_or(Ok(true), |it| it.is_as_counted(session)).map_err(at_start)?;
    // What is taken back has to be recorded still, what is applied must not be yet.
    if is_recorded && removal.is_none() || !is_counted {
        return Err(stale());
    }
    let rehearsed = work.plan.rehearsals.get(&turn.at);
    let rehearsed = rehearsed.map(|it| Pair { from: &it.from, to: &it.to });
    tripwire.arm(session, turn.migration, rehearsed)?;
    send_all(work, turn, batch.statements, progress)?;
    let notes = tripwire.check(&mut work.session).map_err(|error| {
        // Something stays of what was done: that is what a backup is for.
        if error.done.is_empty() { error } else { work.with_backup(error) }
    })?;
    record(work, turn.migration, &batch.ending).map_err(|cause| {
        let name = &work.site.project.ledger;
        let message = format!("cannot record the migration in `{name}`; {}", turn.otherwise);
        Error::new("ledger-unwritable", message).caused_by(cause)
    })?;
    removal.map_or(Ok(()), |it| it.prove(work.site, &mut work.session, turn.at))?;
    Ok(notes)
}

/// Sends the statements one by one, and tells which.
fn send_all(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    statements: &[Placed],
    progress: &mut dyn Progress,
) -> Result<()> {
    let n = statements.len();
    for (index, statement) in statements.iter().enumerate() {
        let what = format!("{}, statement {} of {n}", turn.tag(), index + 1);
        progress.begin(&format!("{what}: {}", opening(&statement.sql)));
        let builds = matches!(work.session, Session::Postgres(_)) && may_build(&statement.sql);
        let sent = if builds {
            let told = (work.watch.as_ref(), what.as_str());
            run_and_tell(&mut work.session, &statement.sql, told, progress)
                .map_err(|cause| (statement.clone(), cause))
        } else if matches!(work.session, Session::MySql(_)) {
            super::statement::send(work, &statement.sql).map_err(|it| (statement.clone(), it))
        } else {
            send(&mut work.session, statement)
        };
        sent.map_err(|(part, cause)| turn.failed(&part, cause))?;
        progress.boundary(&format!("statement/{}/{}", turn.tag(), statement.line));
    }
    Ok(())
}

/// Whether a statement may build an index, which takes long and says how far it is.
fn may_build(sql: &str) -> bool {
    let sql = sql.to_ascii_lowercase();
    ["index", "constraint", "primary key", "unique"].iter().any(|it| sql.contains(it))
}

/// Whether somebody who takes no lock may have recorded the migration since the plan was made. Two
/// migrations may have the same statements, or the same second.
fn looks_recorded(work: &mut Workplace<'_>, migration: &Migration) -> Result<bool, SqlError> {
    let (session, name) = (&mut work.session, &work.site.project.ledger);
    if !work.is_ledger_ready && !ledger::find(session, name)?.contains(name) {
        return Ok(false);
    }
    let (hash, when) = (migration.hash.as_str(), migration.entry.when);
    let row = format!(
        "SELECT 1 FROM {} WHERE hash = '{hash}' AND created_at = {when} LIMIT 1",
        name.quoted_in(work.site.dialect())
    );
    Ok(!session.rows(&row)?.is_empty())
}

/// Sends a piece as it is. An error comes with the part of it that failed.
fn send(session: &mut Session, piece: &Placed) -> Result<(), (Placed, SqlError)> {
    let statements = match session {
        Session::Postgres(_) | Session::MySql(_) => Vec::new(),
        Session::Sqlite(_) => {
            raingauge_schema::sqlite::split::split(&piece.sql).unwrap_or_default()
        }
    };
    if statements.is_empty() {
        return session.run(&piece.sql).map_err(|it| (piece.clone(), it));
    }
    statements.into_iter().try_for_each(|it| {
        let part = Placed { line: piece.line + it.line - 1, sql: it.sql };
        session.run(&part.sql).map_err(|cause| (part, cause))
    })
}

/// The connection broke while the commit was on its way: only the database knows. If it was carried out,
/// a new connection takes the place of the broken one.
fn after_lost_commit(
    work: &mut Workplace<'_>,
    turn: &Turn<'_>,
    ending: &Ending,
    cause: SqlError,
) -> Result<()> {
    let tag = turn.tag();
    let unknown = |cause: Error| {
        Error::new(
            "outcome-unknown",
            format!("the connection broke while `{tag}` was committed; it may be applied or not"),
        )
        .caused_by(cause)
        .next("raingauge migrate: looks, and goes on from there")
        .after(format!("perhaps {tag}"))
    };
    let mut session = Session::open_plain(&work.site.dsn, Access::Create).map_err(unknown)?;
    if let Session::MySql(session) = &mut session {
        begin_work(session, work.pace.wait).map_err(unknown)?;
        session.run(&work.pace.settings_of_mysql()).map_err(|it| {
            unknown(Error::new("connect-failed", "cannot set up a session").caused_by(it))
        })?;
    }
    let is_committed = match ending {
        Ending::Row | Ending::RowAndNoNote(_) => {
            already_recorded(work.site, &mut session).map_err(unknown)?.contains(&turn.at)
        }
        Ending::Note(note) => {
            let unreadable = |it| {
                unknown(
                    Error::new("ledger-unreadable", "cannot read the comment of the ledger")
                        .caused_by(it),
                )
            };
            let comment = Comment::read(&mut session, &work.site.project.ledger);
            comment.map_err(unreadable)?.note.as_ref() == Some(note)
        }
        Ending::NoRow(_) => {
            !already_recorded(work.site, &mut session).map_err(unknown)?.contains(&turn.at)
        }
    };
    if !is_committed {
        return Err(turn.failed(&Placed { sql: String::new(), line: 1 }, cause));
    }
    work.session = session;
    Ok(())
}

fn record(
    work: &mut Workplace<'_>,
    migration: &Migration,
    ending: &Ending,
) -> Result<(), SqlError> {
    let (site, session) = (work.site, &mut work.session);
    let name = &site.project.ledger;
    if ending.makes_ledger() && !work.is_ledger_ready {
        make_ledger(site, session)?;
    }
    let named = match site.project.history.generation {
        Generation::V0 => None,
        Generation::V1 => Some(migration.entry.tag.as_str()),
    };
    let row = NewRow { hash: migration.hash.as_str(), when: migration.entry.when, name: named };
    let row = ledger::record(site.dialect(), name, row);
    match ending {
        Ending::Row => session.run(&row),
        Ending::RowAndNoNote(note) => {
            session.run(&format!("{row};\n{}", note.removing(site.dialect(), name)))
        }
        Ending::Note(note) => session.run(&note.writing(site.dialect(), name)),
        Ending::NoRow(removal) => removal.unrecord(session, name),
    }
}

/// Makes the ledger if there is none, and takes one of 0.x over where 1.0 is installed.
pub(super) fn make_ledger(site: &Site, session: &mut Session) -> Result<(), SqlError> {
    let project = &site.project;
    Target { ledger: &project.ledger, history: &project.history }.prepare(session)
}
