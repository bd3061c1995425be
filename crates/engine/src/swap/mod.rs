//! A restored copy takes live's place, and live stays under another name.
//!
//! Reading order: [`plan()`] (the copy equals the backup; what live has had since) → [`carry_out`] (nobody
//! else is connected, live is what was counted, the names change). `postgres` renames databases, `sqlite`
//! files; MySQL and MariaDB rename no database, so there [`count`] is all that can be done honestly. A swap that
//! was cut off is taken back by the next one: [`undo_interrupted`].

mod postgres;
mod sqlite;

use raingauge_schema::{Fingerprint, Pair};
use serde::{Deserialize, Serialize};

use crate::backup::{self, Backup};
use crate::connect::dsn::mysql::MySqlTarget;
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
}

/// What has to be known to take an interrupted swap back.
#[derive(Debug, Serialize, Deserialize)]
struct Intent {
    live: String,
    kept: String,
    copy: String,
    /// SQLite: how live kept its journal before the swap.
    #[serde(default)]
    journal_mode: Option<String>,
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

/// Plans a swap by what [`count`] says. Writes nothing.
///
/// # Errors
/// As [`count`]; `swap-impossible` for MySQL and MariaDB.
pub fn plan(site: &mut Site, backup: &Backup, copy: &Dsn) -> Result<SwapPlan> {
    let stamp = site.setting.now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let kept = match &site.dsn {
        Dsn::Postgres(target) => postgres::kept_name(&target.database, &stamp),
        Dsn::MySql(_) => return Err(Error::refusal("swap-impossible", IMPOSSIBLE)),
        Dsn::Sqlite(target) => sqlite::kept_path(&target.path, &stamp),
    };
    let Count { changes, live, restored } = count(site, backup, copy)?;
    let contents = serde_json::to_string(&[&live, &restored]).expect("contents have text keys");
    let parts = [site.dsn.to_string(), copy.to_string(), contents];
    let plan = Fingerprint::of_parts(parts.iter().map(String::as_str));
    Ok(SwapPlan { changes, kept, plan, live, copy: copy.clone() })
}

/// Why a copy cannot take live's name on MySQL and MariaDB.
pub(crate) const IMPOSSIBLE: &str = "the server cannot give a database another name: tables can be moved one by one, but views, \
    routines and events cannot, and a table with triggers is refused; nothing was changed";

fn refuse_elsewhere(live: &Dsn, copy: &Dsn) -> Result<()> {
    let is_beside = match (live, copy) {
        (Dsn::Postgres(live), Dsn::Postgres(copy)) => {
            (&live.host, live.port) == (&copy.host, copy.port) && live.database != copy.database
        }
        (Dsn::Sqlite(live), Dsn::Sqlite(copy)) => {
            live.path.parent() == copy.path.parent() && live.path != copy.path
        }
        // Applications are given another address there, so it may be anywhere else.
        (Dsn::MySql(live), Dsn::MySql(copy)) => {
            let place = |it: &MySqlTarget| (it.socket.clone(), it.host.clone(), it.port);
            place(live) != place(copy) || live.database != copy.database
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
    let lock = Lock::acquire(&site.dsn, std::time::Duration::from_secs(30))?;
    let journal_mode = match &mut site.live {
        Session::Sqlite(session) => Some(sqlite::journal_mode(session, None)?),
        Session::Postgres(_) | Session::MySql(_) => None,
    };
    let (live, copy) = (name(&site.dsn), name(&plan.copy));
    let intent = Intent { live, kept: plan.kept.clone(), copy, journal_mode };
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
        (Dsn::Sqlite(live), Dsn::Sqlite(copy)) => sqlite::swap(live, copy, plan, progress),
        _ => unreachable!("the plan refuses databases of two engines"),
    };
    // Whichever way it ended: a failed swap has been taken back, or says that it could not.
    if swapped.as_ref().err().is_none_or(|it| it.done.is_empty()) {
        run.enter(Phase::Finished)?;
    }
    swapped
}

/// Takes back a swap that was cut off before live's name had its database again.
///
/// # Errors
/// If the server or folder cannot be reached; what is left then can be taken back later.
pub fn undo_interrupted(root: &std::path::Path, dsn: &Dsn) -> Result<bool> {
    let mut undone = false;
    for mut run in Run::interrupted(root, COMMAND)? {
        let intent: Intent = serde_json::from_value(run.intent.clone()).map_err(|cause| {
            Error::new("run-unreadable", "cannot read the record of an interrupted swap")
                .caused_by(cause)
        })?;
        if intent.live != name(dsn) {
            continue;
        }
        match dsn {
            Dsn::Postgres(target) => undone |= postgres::undo(target, &intent)?,
            // Nothing was begun there.
            Dsn::MySql(_) => {}
            Dsn::Sqlite(target) => undone |= sqlite::undo(target, &intent)?,
        }
        run.enter(Phase::Finished)?;
    }
    Ok(undone)
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
