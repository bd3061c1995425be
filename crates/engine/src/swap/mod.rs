//! A restored copy takes live's place, and live stays under another name.
//!
//! Reading order: [`plan()`] (the copy equals the backup; what live has had since) → [`carry_out`] (nobody
//! else is connected, live is what was counted, the names change). `postgres` renames databases, `sqlite`
//! files, `mysql` all tables, since no database gets another name there; where that cannot be done ([`obstacles`]),
//! [`count`] is all that is honest. A swap that was cut off is taken back or finished by the next one: [`resume`].

mod mysql;
mod postgres;
mod sqlite;

use std::path::Path;
use std::time::Duration;

use raingauge_schema::{Catalog, Fingerprint, Pair};
use serde::{Deserialize, Serialize};

pub use self::mysql::Obstacle;
use crate::backup::{self, Backup};
use crate::connect::{Access, Dsn, Session};
use crate::consent::Consent;
use crate::digest::{self, Changes, Contents};
use crate::lock::Lock;
use crate::progress::Progress;
use crate::run::{Phase, Run};
use crate::site::Site;
use crate::{Error, Result};

/// The command's name in the records of runs.
const COMMAND: &str = "swap";

/// How long another run is waited for.
const WAIT: Duration = Duration::from_secs(30);

/// What a swap would do.
#[derive(Debug)]
pub struct SwapPlan {
    /// The rows that only live has (`from`) or only the copy (`to`).
    pub changes: Vec<Changes>,
    /// The name under which live stays.
    pub kept: String,
    /// The hash of both databases' contents and of the names.
    pub plan: Fingerprint,
    /// What live held when the plan was made.
    live: Contents,
    copy: Dsn,
    /// MySQL: what both databases were, which says how to make their programs again.
    catalogs: Option<Box<Pair<Catalog>>>,
}

/// What became of a swap that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// There was none, or it had changed nothing.
    Nothing,
    TakenBack,
    /// The copy has live's place, and live is kept under this name.
    Finished {
        kept: String,
    },
}

/// What has to be known to take an interrupted swap back.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Intent {
    live: String,
    kept: String,
    copy: String,
    /// SQLite: how live kept its journal before the swap.
    #[serde(default)]
    journal_mode: Option<String>,
    /// MySQL: where the server is; one project may have databases of one name on two.
    #[serde(default)]
    place: Option<String>,
    /// MySQL: whether tables may have left live.
    #[serde(default)]
    moves: bool,
}

/// What live has had since a backup, beside a copy that was restored from it.
#[derive(Debug)]
pub struct Count {
    /// The rows that only live has (`from`) or only the copy (`to`).
    pub changes: Vec<Changes>,
    live: Contents,
    restored: Contents,
}

/// Counts, one by one, the rows that live has had since the backup; the copy has to be what the backup holds.
///
/// # Errors
/// `restore-differs` if the copy is not what was backed up, `swap-elsewhere` if it is live itself or does not lie
/// beside it, or if a database cannot be read.
pub fn count(site: &mut Site, backup: &Backup, copy: &Dsn) -> Result<Count> {
    refuse_elsewhere(&site.dsn, copy)?;
    let restored = backup::compare(backup, copy)?;
    let live = digest::contents(&mut site.live)?;
    let mut session = Session::open(copy, Access::ReadOnly)?;
    let sessions = Pair { from: &mut site.live, to: &mut session };
    let changes = digest::changes(sessions, Pair { from: &live, to: &restored })?;
    Ok(Count { changes, live, restored })
}

/// Why a copy cannot take live's place, although it may be used in its stead. Only MySQL and MariaDB know such reasons.
///
/// # Errors
/// `swap-elsewhere` as [`count`], or if a catalog cannot be read.
pub fn obstacles(site: &mut Site, copy: &Dsn) -> Result<Vec<Obstacle>> {
    refuse_elsewhere(&site.dsn, copy)?;
    let catalogs = catalogs(site, copy)?;
    obstacles_of(site, copy, catalogs.as_deref())
}

fn obstacles_of(
    site: &mut Site,
    copy: &Dsn,
    catalogs: Option<&Pair<Catalog>>,
) -> Result<Vec<Obstacle>> {
    let kept = kept_name(site);
    let Some(Pair { from, to }) = catalogs else { return Ok(Vec::new()) };
    match (&mut site.live, copy) {
        (Session::MySql(live), Dsn::MySql(copy)) => {
            mysql::obstacles(live, copy, &kept, Pair { from, to })
        }
        _ => Ok(Vec::new()),
    }
}

fn catalogs(site: &mut Site, copy: &Dsn) -> Result<Option<Box<Pair<Catalog>>>> {
    match copy {
        Dsn::MySql(_) => mysql::catalogs(&mut site.live, copy).map(|it| Some(Box::new(it))),
        Dsn::Postgres(_) | Dsn::Sqlite(_) => Ok(None),
    }
}

fn kept_name(site: &Site) -> String {
    let stamp = site.setting.now.strftime("%Y%m%dT%H%M%SZ").to_string();
    match &site.dsn {
        Dsn::Postgres(target) => postgres::kept_name(&target.database, &stamp),
        Dsn::MySql(target) => mysql::kept_name(&target.database, &stamp),
        Dsn::Sqlite(target) => sqlite::kept_path(&target.path, &stamp),
    }
}

/// Plans a swap by what [`count`] says. Writes nothing.
///
/// # Errors
/// As [`count`]; `swap-impossible` with the first of the [`obstacles`].
pub fn plan(site: &mut Site, backup: &Backup, copy: &Dsn) -> Result<SwapPlan> {
    refuse_elsewhere(&site.dsn, copy)?;
    let catalogs = catalogs(site, copy)?;
    if let Some(it) = obstacles_of(site, copy, catalogs.as_deref())?.into_iter().next() {
        return Err(Error::refusal("swap-impossible", format!("{}; nothing was changed", it.why)));
    }
    let Count { changes, live, restored } = count(site, backup, copy)?;
    let contents = serde_json::to_string(&[&live, &restored]).expect("contents have text keys");
    let structure = catalogs.iter().flat_map(|it| [it.from.fingerprint(), it.to.fingerprint()]);
    let structure: Vec<_> = structure.map(|it| it.as_str().to_owned()).collect();
    let parts = [vec![site.dsn.to_string(), copy.to_string(), contents], structure].concat();
    let plan = Fingerprint::of_parts(parts.iter().map(String::as_str));
    let kept = kept_name(site);
    Ok(SwapPlan { changes, kept, plan, live, copy: copy.clone(), catalogs })
}

fn refuse_elsewhere(live: &Dsn, copy: &Dsn) -> Result<()> {
    let is_beside = match (live, copy) {
        (Dsn::Postgres(live), Dsn::Postgres(copy)) => {
            (&live.host, live.port) == (&copy.host, copy.port) && live.database != copy.database
        }
        (Dsn::Sqlite(live), Dsn::Sqlite(copy)) => {
            live.path.parent() == copy.path.parent() && live.path != copy.path
        }
        // Applications can be given another address, so it may be anywhere else.
        (Dsn::MySql(live), Dsn::MySql(copy)) => {
            mysql::place(live) != mysql::place(copy) || live.database != copy.database
        }
        _ => false,
    };
    if is_beside {
        return Ok(());
    }
    Err(Error::refusal(
        "swap-elsewhere",
        format!(
            "{copy} does not lie beside {live}, so it cannot take its name; nothing was changed"
        ),
    )
    .next("restore into another database of the same server, or another file of the same folder"))
}

/// Gives the copy live's name. Live keeps its rows under [`SwapPlan::kept`].
///
/// # Errors
/// `target-in-use` if anybody else is connected, `plan-stale` if live is not what was counted any more;
/// then everything is as before.
pub fn carry_out(
    mut site: Site,
    plan: &SwapPlan,
    consent: &Consent,
    progress: &mut dyn Progress,
) -> Result<()> {
    if *consent.plan() != plan.plan {
        return Err(stale());
    }
    let lock = Lock::acquire(&site.dsn, WAIT)?;
    let journal_mode = match &mut site.live {
        Session::Sqlite(session) => Some(sqlite::journal_mode(session, None)?),
        Session::Postgres(_) | Session::MySql(_) => None,
    };
    let (live, copy) = (name(&site.dsn), name(&plan.copy));
    let place = place(&site.dsn);
    let intent = Intent { live, kept: plan.kept.clone(), copy, journal_mode, place, moves: false };
    let intent = serde_json::to_value(intent).expect("an intent has only text");
    let (root, dsn, now) = (site.project.root.clone(), site.dsn.clone(), site.setting.now);
    let mut run = Run::begin(&root, COMMAND, now, intent)?;
    // Our own sessions would be in the way of the new names.
    drop(site);
    progress.begin("giving the copy live's name");
    run.enter(Phase::Changing)?;
    progress.boundary("swap/begun");
    let swapped = match (&dsn, &plan.copy) {
        (Dsn::Postgres(live), Dsn::Postgres(copy)) => {
            // It stands in the database that is to be renamed.
            drop(lock);
            postgres::swap(live, copy, plan, progress)
        }
        (Dsn::MySql(live), Dsn::MySql(_)) => mysql::swap(live, plan, &mut run, progress),
        (Dsn::Sqlite(live), Dsn::Sqlite(copy)) => sqlite::swap(live, copy, plan, progress),
        _ => unreachable!("the plan refuses databases of two engines"),
    };
    // Whichever way it ended: a failed swap has been taken back, or says that it could not.
    if swapped.as_ref().err().is_none_or(|it| it.done.is_empty()) {
        run.enter(Phase::Finished)?;
    }
    swapped
}

/// Takes back a swap that was cut off before live's name had its database again. On MySQL and MariaDB one that was cut
/// off later is finished.
///
/// # Errors
/// If the server or folder cannot be reached; what is left then can be resumed later.
pub fn resume(root: &Path, dsn: &Dsn, progress: &mut dyn Progress) -> Result<Resumed> {
    let mut resumed = Resumed::Nothing;
    if Run::interrupted(root, COMMAND)?.is_empty() {
        return Ok(resumed);
    }
    // Whoever holds it may be at work still. The others' locks stand in what gets another name.
    let _lock = match dsn {
        Dsn::MySql(_) => Some(Lock::acquire(dsn, WAIT)?),
        Dsn::Postgres(_) | Dsn::Sqlite(_) => None,
    };
    for mut run in Run::interrupted(root, COMMAND)? {
        let intent = intent_of(&run)?;
        if intent.live != name(dsn) || intent.place != place(dsn) {
            continue;
        }
        let taken_back = |it| if it { Resumed::TakenBack } else { Resumed::Nothing };
        let this = match dsn {
            Dsn::Postgres(target) => taken_back(postgres::undo(target, &intent)?),
            Dsn::MySql(target) => mysql::resume(target, &run, &intent, progress)?,
            Dsn::Sqlite(target) => taken_back(sqlite::undo(target, &intent)?),
        };
        run.enter(Phase::Finished)?;
        if this != Resumed::Nothing {
            resumed = this;
        }
    }
    Ok(resumed)
}

/// Refuses while tables of live may be somewhere else.
///
/// # Errors
/// A refusal `run-interrupted`.
pub(crate) fn refuse_unfinished(root: &Path) -> Result<()> {
    for run in Run::interrupted(root, COMMAND)? {
        let intent = intent_of(&run)?;
        if intent.moves {
            let Intent { live, kept, copy, .. } = intent;
            let message = format!(
                "a `restore --swap` of {} was interrupted; tables of `{live}` may be in `{kept}`",
                run.started
            );
            let next = format!("the same `raingauge restore … --to …/{copy} --swap` again");
            return Err(Error::refusal("run-interrupted", message).next(next));
        }
    }
    Ok(())
}

fn intent_of(run: &Run) -> Result<Intent> {
    serde_json::from_value(run.intent.clone()).map_err(|cause| {
        Error::new("run-unreadable", "cannot read the record of an interrupted swap")
            .caused_by(cause)
    })
}

/// Where the server is, for an engine on which databases share names.
fn place(dsn: &Dsn) -> Option<String> {
    match dsn {
        Dsn::MySql(target) => Some(mysql::place(target)),
        Dsn::Postgres(_) | Dsn::Sqlite(_) => None,
    }
}

fn name(dsn: &Dsn) -> String {
    match dsn {
        Dsn::Postgres(target) => target.database.clone(),
        Dsn::MySql(target) => target.database.clone(),
        Dsn::Sqlite(target) => target.path.display().to_string(),
    }
}

fn stale() -> Error {
    Error::refusal(
        "plan-stale",
        "rows of live changed after they were counted; nothing was changed, live has its name",
    )
    .next("stop what writes to live, then count again: the same command without `--confirm`")
}

fn in_use(who: &str) -> Error {
    Error::refusal("target-in-use", format!("others are connected; nothing was changed: {who}"))
        .next("stop the application, then run it again")
}
