//! Everything that commands decide on, read in one go: live, ledger, history, init.sql, `schema.ts`.
//!
//! Each side is built in scratch and read with the reader that reads live. Reading changes nothing
//! anywhere but in scratch.

use std::collections::BTreeSet;

use raingauge_schema::dialect::AnySchema;
use raingauge_schema::drizzle::migration::split;
use raingauge_schema::drizzle::snapshot::{Generation, SnapshotIds};
use raingauge_schema::{Catalog, Comparison, mysql};

use crate::check;
use crate::check::ledger::wrangler::Wrangler;
use crate::check::ledger::{Standing, other_ledgers};
use crate::check::target::behind_pooler;
use crate::connect::SqlError;
use crate::history::History;
use crate::late;
use crate::ledger::{self, Ledger};
use crate::midway::{self, Comment, Note};
use crate::position::{Effect, Extent, Inside, Position, ProvenPosition, locate};
use crate::progress::Progress;
use crate::report::{Finding, Severity};
use crate::rights::Rights;
use crate::side::{self, Init, Prerequisites, States, Wanted};
use crate::site::Site;
use crate::{Error, Result};

/// Everything that commands decide on.
#[derive(Debug)]
pub struct Facts {
    /// What was looked at.
    pub scope: Scope,
    pub live: Catalog,
    pub ledgers: Vec<Ledger>,
    pub standing: Standing,
    /// Catalogs after migrations, the empty one first: all of them, or those that live's position and
    /// what is pending need.
    pub states: States,
    /// The comment of the ledger, in which a migration is noted that stopped midway.
    pub comment: Comment,
    /// What wrangler has recorded, if it has.
    pub wrangler: Option<Wrangler>,
    pub position: Position,
    /// What a new database needs before the history, if init.sql is that and nothing else.
    pub prerequisites: Option<Prerequisites>,
    pub init: Option<Init>,
    pub declared: Option<DeclaredSide>,
    /// What the role may do; absent where there are no roles.
    pub rights: Option<Rights>,
    pub findings: Vec<Finding>,
}

/// The declared schema, as the engine understands it.
#[derive(Debug)]
pub struct DeclaredSide {
    pub schema: AnySchema,
    pub catalog: Catalog,
    /// What Drizzle can express, `from` live `to` declared.
    pub comparison: Comparison,
}

/// Which sides to build, besides live, ledger and history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Only where live stands in its history.
    History,
    /// `schema.ts` too.
    Declared,
    /// `schema.ts` and init.sql too.
    All,
}

impl Facts {
    /// Reads all sides of a scope. What is wrong is in `findings`; only what cannot be read is an error.
    ///
    /// # Errors
    /// If a connection breaks, or scratch cannot be had.
    pub fn gather(site: &mut Site, scope: Scope, progress: &mut dyn Progress) -> Result<Self> {
        progress.begin("reading the live catalog");
        let (mut live, (ledgers, comment)) = read_together(site)?;
        live.unseen.extend(behind_pooler(&site.live));
        let mut findings = site.project.history.findings.clone();
        findings.extend(site.project.findings.iter().cloned());
        let n_before = findings.len();
        let (standing, late) = late::settled(site, &ledgers);
        findings.extend(standing.findings.iter().cloned());

        progress.begin("replaying the history in scratch");
        let mut prerequisites = side::prerequisites(site)?;
        let note = comment.note.as_ref();
        let wrangler = site.wrangler_names()?.map(|it| Wrangler::of(&it, &site.project.history));
        // Where Drizzle has recorded nothing, wrangler's word is a better place to begin than none.
        let by_wrangler = wrangler.as_ref().filter(|_| standing.recorded.is_empty());
        let by_wrangler: Vec<_> =
            by_wrangler.and_then(Wrangler::prefix).map_or(Vec::new(), |it| (0..it).collect());
        let recorded = if by_wrangler.is_empty() { &standing.recorded } else { &by_wrangler };
        let known = Known { scope, live: &live, note, recorded };
        let mut replayed = replay(site, prerequisites.as_ref(), &known)?;
        let has_history = !site.project.history.is_empty();
        if prerequisites.is_some() && replayed.position.proven.is_none() && has_history {
            // A history may do without them, and a database may have been made without them.
            let bare = replay(site, None, &known)?;
            if bare.position.proven.is_some() {
                (replayed, prerequisites) = (bare, None);
            }
        }
        let Replayed { states, mut position, findings: told } = replayed;
        let (history, proven) = (&site.project.history, position.proven.map(|it| it.at()));
        let other = other_ledgers(check::ledger::Ledgers {
            configured: &site.project.ledger,
            all: &ledgers,
            history,
            standing: &standing,
            proven,
            vouched: site.vouches("ledger-second"),
        });
        findings.splice(n_before..n_before, other);
        findings.extend(wrangler.as_ref().map(|it| it.finding(history, proven)));
        findings.extend(told);
        if position.proven.is_none() {
            progress.begin("looking between the statements of migrations");
            position.inside = inside(site, prerequisites.as_ref(), &live, &position)?;
        }
        explain_skipped(&mut findings, &position);
        explain_pending(&mut findings, &standing.pending, &site.project.history);
        if let Some(late) = late {
            findings.extend(late.told(site, &live, prerequisites.as_ref(), &states)?);
        }
        findings.extend(prerequisites.as_ref().map(prepares));

        let init = if scope == Scope::All {
            progress.begin("building init.sql in scratch");
            side::init(site, &live, &mut findings)?
        } else {
            None
        };
        // The engine's dump, which gives the types that schema.ts rests on, needs to see everything.
        let declared = if scope == Scope::History || !live.unseen.is_empty() {
            None
        } else {
            progress.begin("building schema.ts in scratch");
            declared(site, &live, &mut findings)?
        };
        findings.extend(unseen(&live));
        findings.extend(kept_whole(&live));
        findings.extend(check::surroundings::surroundings(&live));
        findings.extend(check::history::systems::foreign_ledgers(&live));
        let rights = Rights::read(site)?;
        Ok(Self {
            scope,
            live,
            ledgers,
            standing,
            states,
            comment,
            wrangler,
            position,
            prerequisites,
            init,
            declared,
            rights,
            findings,
        })
    }

    /// The codes of findings that forbid a write.
    pub fn blocking(&self) -> Vec<&'static str> {
        self.findings.iter().filter(|it| it.severity == Severity::Error).map(|it| it.code).collect()
    }
}

/// The history, built anew, and where live stands in it.
struct Replayed {
    states: States,
    position: Position,
    findings: Vec<Finding>,
}

/// What the replay is compared with.
struct Known<'a> {
    scope: Scope,
    live: &'a Catalog,
    note: Option<&'a Note>,
    recorded: &'a [usize],
}

/// Where the ledger says that live is, few states are enough to prove it. Anywhere else, and for a whole
/// analysis, all of them are read.
fn replay(
    site: &mut Site,
    prerequisites: Option<&Prerequisites>,
    known: &Known<'_>,
) -> Result<Replayed> {
    let n_recorded = known.recorded.len();
    let is_prefix = known.recorded.iter().copied().eq(0..n_recorded);
    if known.scope != Scope::All && is_prefix {
        let few = needed(site, n_recorded);
        let replayed = replay_reading(site, prerequisites, known, &|at| few.contains(&at))?;
        let position = &replayed.position;
        let is_there = position.at() == Some(n_recorded) || position.within.is_some();
        if is_there || replayed.states.are_all_read() {
            return Ok(replayed);
        }
    }
    replay_reading(site, prerequisites, known, &|_| true)
}

/// The states at which live may stand between what is recorded and the end, and those before and after
/// each pending migration; of very many, only of those that do more than add.
fn needed(site: &Site, n_recorded: usize) -> BTreeSet<usize> {
    const MANY: usize = 50;
    let migrations = &site.project.history.migrations;
    let mut needed = BTreeSet::from([0, n_recorded, n_recorded + 1, migrations.len()]);
    let is_many = MANY < migrations.len().saturating_sub(n_recorded);
    for (at, migration) in migrations.iter().enumerate().skip(n_recorded) {
        let pieces: Vec<_> = split(&migration.sql).into_iter().map(|it| it.sql).collect();
        if !is_many || !site.dialect().hazards_of_migration(&pieces).is_empty() {
            needed.extend([at, at + 1]);
        }
    }
    needed
}

fn replay_reading(
    site: &mut Site,
    prerequisites: Option<&Prerequisites>,
    known: &Known<'_>,
    wanted: Wanted<'_>,
) -> Result<Replayed> {
    let (states, mut findings) = side::history(site, known.live, prerequisites, wanted)?;
    let (history, n_recorded) = (&site.project.history, known.recorded.len());
    let tags: Vec<_> = history.migrations.iter().map(|it| it.entry.tag.clone()).collect();
    let tags = &tags[..tags.len().min(states.n_ran())];
    let mut position = locate(known.live, &states, tags, n_recorded);
    let (dialect, live, note) = (site.dialect(), known.live, known.note);
    let evidence = midway::Evidence { dialect, history, live, states: &states, note };
    match midway::find(&evidence, n_recorded) {
        Ok(None) => {}
        Ok(Some(within)) => {
            findings.push(midway::told(&within, history, dialect));
            position.proven = Some(ProvenPosition::within(&within));
            position.within = Some(within);
        }
        Err(finding) => findings.push(*finding),
    }
    Ok(Replayed { states, position, findings })
}

/// The statements between which live stands, if it is after some of those of a migration.
fn inside(
    site: &mut Site,
    prerequisites: Option<&Prerequisites>,
    live: &Catalog,
    position: &Position,
) -> Result<Option<Inside>> {
    /// A database that was cut off stands in one; more than a few are another history's.
    const MOST: usize = 3;
    for at in position.partial().take(MOST) {
        let states = side::between(site, live, prerequisites, at)?;
        if let Some(found) = Inside::find(live, at, &states) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// T05: which of live's differences come from a migration that was passed by.
fn explain_skipped(findings: &mut [Finding], position: &Position) {
    for finding in findings.iter_mut().filter(|it| it.code == "migration-skipped") {
        let effect = position.effects.iter().find(|it| it.tag == finding.subject);
        finding.evidence.extend(effect.and_then(consequence));
    }
}

/// What cannot be replayed and has not run here can still be written otherwise.
fn explain_pending(findings: &mut [Finding], pending: &[usize], history: &History) {
    let names: Vec<_> =
        pending.iter().map(|it| format!("{}:", history.migrations[*it].file_name())).collect();
    let is_pending = |it: &&mut Finding| names.iter().any(|name| it.subject.starts_with(name));
    for finding in findings.iter_mut().filter(|it| it.code == "history-broken").filter(is_pending) {
        finding.next = vec!["it is pending here, so it can still be corrected: edit it, or take it back, change `schema.ts` and run raingauge generate again; the rows that earlier migrations insert are there when it runs".to_owned()];
    }
}

fn consequence(effect: &Effect) -> Option<String> {
    let absent = crate::findings::folded(effect.absent.iter());
    let names: Vec<_> = absent.iter().map(ToString::to_string).collect();
    match effect.extent {
        Extent::NotProvable => None,
        Extent::All => Some("live has all its effects nevertheless".to_owned()),
        Extent::None | Extent::Partial => {
            Some(format!("for that reason live differs in {}", names.join(", ")))
        }
    }
}

/// T35: the catalog and the ledgers of the same moment, although other runners are at work. A migration
/// and its row are committed together, so ledgers that are the same before and after the catalog was
/// read belong to it.
fn read_together(site: &mut Site) -> Result<(Catalog, Recorded)> {
    /// More than anybody applies in the time of one reading.
    const ATTEMPTS: usize = 20;
    let mut before = read_ledgers(site)?;
    for _ in 0..ATTEMPTS {
        let live = site.catalog()?;
        let after = read_ledgers(site)?;
        if before == after {
            return Ok((live, after));
        }
        before = after;
    }
    Err(Error::refusal("live-changing", "the ledger changed every time that live was read").next(
        "wait until the other run has ended, then run the command again; nothing was changed",
    ))
}

/// What a database says of the migrations that ran in it.
type Recorded = (Vec<Ledger>, Comment);

fn read_ledgers(site: &mut Site) -> Result<Recorded> {
    site.find_ledgers()?;
    let names = site.ledgers.clone();
    let comment = Comment::read(&mut site.live, &site.project.ledger).map_err(|cause| {
        Error::new("ledger-unreadable", "cannot read the comment of the ledger").caused_by(cause)
    })?;
    let ledgers: Result<Vec<_>> = names
        .iter()
        .map(|name| {
            ledger::read(&mut site.live, name).map_err(|cause: SqlError| {
                Error::new("ledger-unreadable", format!("cannot read the ledger `{name}`"))
                    .caused_by(cause)
                    .next("connect as a role that may read it; without it nobody knows what was applied")
            })
        })
        .collect();
    Ok((ledgers?, comment))
}

fn declared(
    site: &mut Site,
    live: &Catalog,
    findings: &mut Vec<Finding>,
) -> Result<Option<DeclaredSide>> {
    let Some(schema) = site.project.declared.clone() else { return Ok(None) };
    let generation = site.project.history.generation;
    let schema = match generation {
        Generation::V0 => schema,
        Generation::V1 => schema.with_names_of(live),
    };
    let written = match generation {
        Generation::V0 => schema.clone(),
        Generation::V1 => schema.with_names_written(live),
    };
    // The ids stand for nothing: it is only built.
    let snapshot = match written.snapshot(generation, &SnapshotIds::after(None, "")) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            findings.push(Finding::error(error.code(), "schema.ts", error.to_string()));
            return Ok(None);
        }
    };
    let colliding = check::names::colliding_names(&schema);
    if !colliding.is_empty() {
        findings.extend(colliding);
        return Ok(None);
    }
    let Some(catalog) = side::declared(site, &snapshot, findings)? else { return Ok(None) };
    let comparison = schema.compare(live, &catalog);
    Ok(Some(DeclaredSide { schema, catalog, comparison }))
}

fn prepares(prerequisites: &Prerequisites) -> Finding {
    let finding = Finding::info(
        "init-sql-prerequisites",
        prerequisites.source.clone(),
        "only prepares a database; it stays what it is, and the history is built and proven on top of it: a new database needs it first",
    );
    prerequisites.lines().into_iter().fold(finding, Finding::evidence)
}

/// T22: what cannot be seen is unknown, and nothing may be concluded from its absence.
pub(crate) fn unseen(live: &Catalog) -> Vec<Finding> {
    let one = |it: &raingauge_schema::Unseen| {
        let finding = Finding::error("unseen", it.what.clone(), it.why.clone());
        match &it.grant {
            Some(grant) => finding.next(format!("as an administrator: {grant}")),
            None => finding,
        }
    };
    live.unseen.iter().map(one).collect()
}

/// Tables of MySQL whose statement says something that no object of the catalog stands for.
pub(crate) fn kept_whole(catalog: &Catalog) -> Vec<Finding> {
    if mysql::catalog::flavour(catalog).is_none() {
        return Vec::new();
    }
    let one = |it: &raingauge_schema::ObjectId| {
        let message = "its statement has parts that are not told from each other, so it is compared as a whole, letter for letter";
        Finding::warning("table-kept-whole", it.name(), message).next(
            "send the output of `SHOW CREATE TABLE` to the project, without what nobody may know",
        )
    };
    mysql::catalog::not_understood(catalog).map(one).collect()
}
