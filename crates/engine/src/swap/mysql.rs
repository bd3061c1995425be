//! MySQL and MariaDB: tables change their databases.
//!
//! No database gets another name there, and only tables go from one to another, those with triggers not even that.
//! So (1) a new database gets all of live's programs, on empty tables, and they have to come out the same: what cannot be
//! made again is known before anything is touched; (2) live's tables leave it at one instant, those with triggers under
//! names that nobody knows, from where they follow without them; (3) they are read once more; (4) the copy's tables
//! with triggers come into live under such names and get them there; (5) all of them appear at one instant; (6) what is left of
//! programs follows on both sides, and both catalogs are compared.
//!
//! Until (5) a swap that fails or is cut off is taken back, after it is finished. Where each table is says how far it got;
//! `record` holds what was there before, `server` each kind of change, `obstacles` what cannot be carried.

pub(super) mod obstacles;
mod record;
mod server;

use std::time::Duration;

use raingauge_schema::mysql::grammar::quote_ident;
use raingauge_schema::{Catalog, Kind, Pair};

pub use self::obstacles::Obstacle;
use self::record::{HIDDEN, PROGRAMS, Record, Whose, programs, quoted, sleeping};
use self::server::{Move, Places, Server};
use super::{Intent, Resumed, SwapPlan, in_use, stale};
use crate::connect::dsn::mysql::MySqlTarget;
use crate::connect::{Access, Dsn, MySqlSession, Session};
use crate::lock::mysql::{Purpose, holder};
use crate::progress::{Progress, Silent};
use crate::run::Run;
use crate::{Error, Result, digest, introspect};

/// The longest name that the server takes, in characters: <https://dev.mysql.com/doc/refman/8.4/en/identifier-length.html>.
const MAX_NAME: usize = 64;

/// What does not stand on a table.
const ROUTINES: [Kind; 3] = [Kind::Other, Kind::Function, Kind::Procedure];

/// `bookstore_before_20260102t030405z`, cut where the server would refuse it; in small letters, which every server keeps.
pub(super) fn kept_name(database: &str, stamp: &str) -> String {
    let ending = format!("_before_{}", stamp.to_lowercase());
    let begin = database.chars().take(MAX_NAME - ending.chars().count());
    begin.collect::<String>() + &ending
}

/// Where a server is, without who asks it.
pub(super) fn place(target: &MySqlTarget) -> String {
    match &target.socket {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", target.host, target.port),
    }
}

/// The catalogs of both databases.
pub(super) fn catalogs(live: &mut Session, copy: &Dsn) -> Result<Pair<Catalog>> {
    let mut copy = Session::open(copy, Access::ReadOnly)?;
    Ok(Pair { from: introspect::catalog(live, &[])?, to: introspect::catalog(&mut copy, &[])? })
}

/// What cannot be carried; see [`obstacles::find`].
pub(super) fn obstacles(
    live: &mut MySqlSession,
    copy: &MySqlTarget,
    kept: &str,
    catalogs: Pair<&Catalog>,
) -> Result<Vec<Obstacle>> {
    let target = live.target().clone();
    if place(&target) != place(copy) {
        let why = "the copy is on another server, from which no table comes to live's";
        return Ok(vec![Obstacle::new(why)]);
    }
    let names = Pair { from: target.database.as_str(), to: copy.database.as_str() };
    obstacles::find(live, names, kept, catalogs)
}

/// Gives the tables of `copy` the names of those of `live`.
pub(super) fn swap(
    live: &MySqlTarget,
    plan: &SwapPlan,
    run: &mut Run,
    progress: &mut dyn Progress,
) -> Result<()> {
    let Some(catalogs) = plan.catalogs.as_deref() else { return Err(stale()) };
    let intent = super::intent_of(run)?;
    let record = Record::of(&intent, catalogs.clone());
    let mut server = Server::open(live, record, false)?;
    server.refuse_others()?;
    server.refuse_stale()?;
    server.record.write(run.folder())?;
    let done = server.change(plan, run, intent, progress);
    let moves = server.moves;
    let is_given = match &done {
        Ok(()) => true,
        Err(_) => server.is_given().unwrap_or(false),
    };
    if is_given {
        let finished = done.and_then(|()| server.finish(progress));
        return finished.map_err(|it| unfinished(it, &server.record));
    }
    // Another session: the first one may be what failed.
    let record = server.record;
    drop(server.session);
    let Err(mut error) = done else { return Ok(()) };
    let taken_back = Server::open(live, record, moves).and_then(|mut it| it.put_back(progress));
    match taken_back {
        Ok(()) => {
            // Refusals say so already.
            let is_failure = error.code == "swap-failed";
            error.message.push_str(if is_failure {
                "; everything is as it was before"
            } else {
                ""
            });
            Err(error)
        }
        Err(cause) => Err(stuck(&error, plan, cause)),
    }
}

/// Finishes a swap that was cut off after the copy's tables had live's names, and takes any other back.
pub(super) fn resume(
    live: &MySqlTarget,
    run: &Run,
    intent: &Intent,
    progress: &mut dyn Progress,
) -> Result<Resumed> {
    let Some(record) = Record::read(run.folder(), intent)? else { return Ok(Resumed::Nothing) };
    let mut server = Server::open(live, record, intent.moves)?;
    if server.is_given()? {
        server.finish(progress).map_err(|it| unfinished(it, &server.record))?;
        return Ok(Resumed::Finished { kept: intent.kept.clone() });
    }
    server.put_back(progress).map_err(|it| {
        it.after(format!("began to give the tables of `{}` other names", intent.live)).next(AGAIN)
    })?;
    Ok(if server.has_changed { Resumed::TakenBack } else { Resumed::Nothing })
}

const AGAIN: &str = "run the same command again: it goes on where this one stopped";

fn unfinished(error: Error, record: &Record) -> Error {
    let done = format!(
        "the tables of `{}` have live's names, live's are in `{}`",
        record.copy, record.kept
    );
    error.after(done).next(AGAIN)
}

fn stuck(error: &Error, plan: &SwapPlan, cause: Error) -> Error {
    let message = format!("{}; and it could not be taken back: {}", error.message, cause.message);
    let causes = cause.causes().join(": ");
    Error::new("swap-failed", message)
        .after(format!("moved tables of live to `{}` or began to", plan.kept))
        .caused_by(if causes.is_empty() { error.causes().join(": ") } else { causes })
        .next(format!(
            "look into `{}`: live's tables are there, or under names that begin with `{HIDDEN}`",
            plan.kept
        ))
        .next(AGAIN)
}

impl Server {
    /// Everything up to the instant at which the copy's tables have live's names.
    fn change(
        &mut self,
        plan: &SwapPlan,
        run: &mut Run,
        intent: Intent,
        progress: &mut dyn Progress,
    ) -> Result<()> {
        self.rehearse_all()?;
        progress.boundary("swap/rehearsed");
        let intent = Intent { moves: true, ..intent };
        run.intend(serde_json::to_value(intent).expect("an intent has only text"))?;
        self.moves = true;
        self.stop_programs()?;
        progress.boundary("swap/programs-stopped");
        self.vacate(progress)?;
        self.refuse_changed_rows(plan)?;
        progress.boundary("swap/live-counted");
        self.move_in(progress)?;
        let moves = self.moves_to_live()?;
        self.rename(&moves)?;
        progress.boundary("swap/renamed");
        Ok(())
    }

    /// Makes the database that keeps live, with its programs; those of both sides have to come out the same there.
    fn rehearse_all(&mut self) -> Result<()> {
        self.make_kept()?;
        let impossible = |error: Error| {
            let causes = error.causes().join(": ");
            let made = Error::refusal(
                "swap-impossible",
                format!("{}; nothing was changed", error.message),
            );
            let made = if causes.is_empty() { made } else { made.caused_by(causes) };
            made.next(
                "connect with an account that may make everything again in the name of its owner",
            )
            .next("or give the applications the address of the copy")
        };
        let kept = self.record.kept_programs();
        let of_copy = sleeping(programs(&self.record.of_copy, &PROGRAMS));
        let is_known = of_copy.objects().all(|it| kept.get(&it.id) == Some(it));
        if !is_known {
            self.rehearse(Whose::Copy, &of_copy).map_err(impossible)?;
            let kept = self.record.kept.clone();
            self.settle(&kept, &Catalog::default(), &PROGRAMS)?;
            self.drop_stubs()?;
        }
        self.rehearse(Whose::Live, &kept).map_err(impossible)?;
        self.drop_stubs()
    }

    /// Takes down what would run or show something wrong meanwhile: triggers and events of the copy; events of live, and
    /// its views that the copy has otherwise.
    fn stop_programs(&mut self) -> Result<()> {
        let (live, copy) = (self.record.live.clone(), self.record.copy.clone());
        self.settle(&copy, &Catalog::default(), &[Kind::Trigger, Kind::Event])?;
        let of_copy = &self.record.of_copy;
        let stays = programs(&self.record.of_live, &[Kind::View, Kind::Event]).filtered(|it| {
            let is_awake = it.id.kind == Kind::Event && it.get("status") != Some("disabled");
            !is_awake && of_copy.get(&it.id) == Some(it)
        });
        self.settle(&live, &stays, &[Kind::View, Kind::Event])
    }

    /// Live's tables leave it at one instant.
    fn vacate(&mut self, progress: &mut dyn Progress) -> Result<()> {
        let Record { live, kept, .. } = &self.record;
        let moves = self.record.tables(Whose::Live).into_iter().map(|(name, hidden)| {
            let is_held = self.record.has_triggers(Whose::Live, &name);
            let to = if is_held { quoted(live, &hidden) } else { quoted(kept, &name) };
            (quoted(live, &name), to)
        });
        let moves: Vec<Move> = moves.collect();
        self.rename(&moves)?;
        progress.boundary("swap/live-renamed");
        let live = self.record.live.clone();
        let (places, is_hidden) = (self.places()?, |it: &&str| !it.starts_with(HIDDEN));
        if places.within(&live).find(is_hidden).is_some() {
            return Err(stale());
        }
        self.settle(&live, &Catalog::default(), &[Kind::Trigger])?;
        progress.boundary("swap/live-bare");
        let kept = self.record.kept.clone();
        let hidden = self.record.tables(Whose::Live).into_iter();
        let hidden = hidden.filter(|it| places.has(&live, &it.1));
        let moves: Vec<Move> =
            hidden.map(|it| (quoted(&live, &it.1), quoted(&kept, &it.0))).collect();
        self.rename(&moves)?;
        progress.boundary("swap/live-kept");
        Ok(())
    }

    /// Live as it is now, where nobody looks for it, has to be what was counted.
    fn refuse_changed_rows(&mut self, plan: &SwapPlan) -> Result<()> {
        let kept = self.record.kept.clone();
        self.enter(&kept)?;
        let now = digest::mysql::contents(&mut self.session, &mut Silent)?;
        // Counters are no rows, and MySQL forgets what a statement that failed has taken of one.
        if now.tables == plan.live.tables { Ok(()) } else { Err(stale()) }
    }

    /// Brings into live, under names that nobody knows, the copy's tables that have triggers, and makes these there;
    /// and its sequences and routines.
    fn move_in(&mut self, progress: &mut dyn Progress) -> Result<()> {
        let (live, copy) = (self.record.live.clone(), self.record.copy.clone());
        let (mut moves, mut n_hidden) = (Vec::new(), 0);
        for (name, hidden) in self.record.tables(Whose::Copy) {
            let is_sequence = self.record.is_sequence(Whose::Copy, &name);
            let is_detour = self.record.has_triggers(Whose::Copy, &name)
                || self.record.counts_elsewhere(Whose::Copy, &name);
            if is_sequence || is_detour {
                let to = if is_sequence { &name } else { &hidden };
                moves.push((quoted(&copy, &name), quoted(&live, to)));
                n_hidden += 1;
            }
        }
        self.rename(&moves)?;
        progress.boundary("swap/copy-moved");
        if 0 < n_hidden {
            self.repoint(&live, &copy)?;
            let triggers = self.placed_triggers(Whose::Copy)?;
            self.settle(&live, &triggers, &[Kind::Trigger])?;
        }
        let routines = programs(&self.record.of_copy, &ROUTINES);
        self.settle(&live, &routines, &ROUTINES)?;
        progress.boundary("swap/copy-ready");
        Ok(())
    }

    /// What is left to do until all of the copy's tables have live's names.
    fn moves_to_live(&mut self) -> Result<Vec<Move>> {
        let places = self.places()?;
        let Record { live, copy, .. } = &self.record;
        let from = |(name, hidden): &(String, String)| match () {
            () if places.has(live, hidden) => Some((quoted(live, hidden), quoted(live, name))),
            () if places.has(copy, name) => Some((quoted(copy, name), quoted(live, name))),
            () => None,
        };
        Ok(self.record.tables(Whose::Copy).iter().filter_map(from).collect())
    }

    /// Whether a table of the copy has live's name by now.
    fn is_given(&mut self) -> Result<bool> {
        let places = self.places()?;
        let all = self.record.tables(Whose::Copy);
        Ok(self.moves
            && all.iter().any(|it| {
                self.is_copys(&places, it) && !self.record.is_sequence(Whose::Copy, &it.0)
            }))
    }

    /// Whether what has a table's name in live came from the copy.
    fn is_copys(&self, places: &Places, (name, hidden): &(String, String)) -> bool {
        let Record { live, kept, copy, .. } = &self.record;
        let is_live_gone = places.has(kept, name)
            || !self.record.tables(Whose::Live).iter().any(|it| it.0 == *name);
        let has_come = !places.has(copy, name) && !places.has(live, hidden);
        places.has(live, name) && has_come && is_live_gone
    }

    /// What the copy's tables and live's still lack, once they are where they belong; both are compared with what they were.
    fn finish(&mut self, progress: &mut dyn Progress) -> Result<()> {
        let moves = self.moves_to_live()?;
        self.rename(&moves)?;
        let Record { live, kept, copy, .. } = &self.record;
        let (live, kept, copy) = (live.clone(), kept.clone(), copy.clone());
        let of_copy = programs(&self.record.of_copy, &PROGRAMS);
        self.settle(&live, &of_copy, &PROGRAMS)?;
        progress.boundary("swap/programs-made");
        self.repoint(&kept, &live)?;
        let kept_programs = self.record.kept_programs();
        self.settle(&kept, &kept_programs, &PROGRAMS)?;
        progress.boundary("swap/kept-whole");
        let of_copy = self.record.of_copy.clone();
        self.prove(&live, &of_copy)?;
        let of_live = sleeping(self.record.of_live.clone());
        self.prove(&kept, &of_live)?;
        self.dissolve(&copy)?;
        progress.boundary("swap/copy-gone");
        Ok(())
    }

    /// Makes everything as it was before, from wherever the swap stopped short of giving the copy's tables live's names.
    fn put_back(&mut self, progress: &mut dyn Progress) -> Result<()> {
        let Record { live, kept, copy, .. } = &self.record;
        let (live, kept, copy) = (live.clone(), kept.clone(), copy.clone());
        if self.moves {
            let triggers = self.placed_triggers(Whose::Live)?;
            self.settle(&live, &triggers, &[Kind::Trigger])?;
            self.give_back_copy()?;
            progress.boundary("swap/copy-back");
            self.give_back_live(progress)?;
            progress.boundary("swap/live-back");
            let of_live = programs(&self.record.of_live, &PROGRAMS);
            self.settle(&live, &of_live, &PROGRAMS)?;
            let of_copy = programs(&self.record.of_copy, &PROGRAMS);
            if self.exists(&copy)? {
                self.settle(&copy, &of_copy, &PROGRAMS)?;
            }
            let of_live = self.record.of_live.clone();
            self.prove(&live, &of_live)?;
        }
        self.dissolve(&kept)
    }

    fn give_back_copy(&mut self) -> Result<()> {
        let places = self.places()?;
        let Record { live, copy, .. } = &self.record;
        let (live, copy) = (live.clone(), copy.clone());
        let mut moves = Vec::new();
        for it in self.record.tables(Whose::Copy) {
            let is_sequence = self.record.is_sequence(Whose::Copy, &it.0);
            if places.has(&live, &it.1) {
                moves.push((quoted(&live, &it.1), quoted(&copy, &it.0)));
            } else if is_sequence && self.is_copys(&places, &it) {
                moves.push((quoted(&live, &it.0), quoted(&copy, &it.0)));
            }
        }
        self.rename(&moves)?;
        if moves.is_empty() { Ok(()) } else { self.repoint(&copy, &live) }
    }

    fn give_back_live(&mut self, progress: &mut dyn Progress) -> Result<()> {
        let (live, kept) = (self.record.live.clone(), self.record.kept.clone());
        let places = self.places()?;
        let all = self.record.tables(Whose::Live);
        let held = all.iter().filter(|it| self.record.has_triggers(Whose::Live, &it.0));
        let held = held.filter(|it| places.has(&kept, &it.0));
        let moves: Vec<Move> =
            held.map(|it| (quoted(&kept, &it.0), quoted(&live, &it.1))).collect();
        self.rename(&moves)?;
        progress.boundary("swap/live-on-its-way");
        let triggers = self.placed_triggers(Whose::Live)?;
        self.settle(&live, &triggers, &[Kind::Trigger])?;
        let places = self.places()?;
        let from = |(name, hidden): &(String, String)| match () {
            () if places.has(&live, hidden) => Some((quoted(&live, hidden), quoted(&live, name))),
            () if places.has(&kept, name) => Some((quoted(&kept, name), quoted(&live, name))),
            () => None,
        };
        let moves: Vec<Move> = all.iter().filter_map(from).collect();
        self.rename(&moves)
    }

    /// Nobody but this run may be connected to either database, as far as the account sees others.
    fn refuse_others(&mut self) -> Result<()> {
        let Record { live, copy, .. } = &self.record;
        let databases = [live.clone(), copy.clone()];
        let mut others = Vec::new();
        // Our own sessions have just been closed, and the server may not have noticed yet.
        for _ in 0..20 {
            others = self.others(&databases)?;
            if others.is_empty() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(in_use(&others.join(", ")))
    }

    fn others(&mut self, databases: &[String]) -> Result<Vec<String>> {
        let unreadable =
            |cause| Error::new("swap-failed", "cannot ask who is connected").caused_by(cause);
        let lock = holder(&mut self.session, Purpose::Runner).map_err(unreadable)?;
        let own = self.session.rows("select connection_id()").map_err(unreadable)?;
        let own: Vec<_> = own.into_iter().flatten().chain([lock]).flatten().collect();
        let shown = |row: Vec<Option<String>>| {
            let mut values = row.into_iter().map(Option::unwrap_or_default);
            let mut next = || values.next().unwrap_or_default();
            let (id, user, host, database) = (next(), next(), next(), next());
            let is_other = databases.contains(&database) && !own.contains(&id);
            is_other.then(|| {
                format!("{user} (connection {id} from {host}) in {}", quote_ident(&database))
            })
        };
        let rows = self.session.rows("show processlist").map_err(unreadable)?;
        Ok(rows.into_iter().filter_map(shown).collect())
    }

    /// Both databases still have to be what the plan was made for, and nobody has the name under which live stays.
    fn refuse_stale(&mut self) -> Result<()> {
        let kept = self.record.kept.clone();
        if self.exists(&kept)? {
            let message = format!("there is a database `{kept}` already; nothing was changed");
            return Err(Error::refusal("swap-failed", message)
                .next("run it again: the name has the time in it"));
        }
        for whose in [Whose::Live, Whose::Copy] {
            let database = self.record.home(whose).to_owned();
            let now = self.catalog(&database)?;
            if !now.objects().eq(self.record.catalog(whose).objects()) {
                return Err(stale());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_name_fits_and_is_cut_between_characters() {
        assert_eq!(kept_name("shop", "20260102T030405Z"), "shop_before_20260102t030405z");
        let long = kept_name(&"ü".repeat(64), "20260102T030405Z");
        assert_eq!(long.chars().count(), MAX_NAME);
        assert!(long.ends_with("ü_before_20260102t030405z"), "{long}");
    }
}
