//! Everything that commands decide on, read in one go: live, ledger, history, init.sql, `schema.ts`.
//!
//! Each side is built in scratch and read with the reader that reads live. Reading changes nothing
//! anywhere but in scratch.

use raingauge_schema::dialect::{AnySchema, AnySnapshot};
use raingauge_schema::drizzle::snapshot::SnapshotIds;
use raingauge_schema::{Catalog, Comparison};

use crate::check;
use crate::check::ledger::{Standing, other_ledgers, standing};
use crate::check::target::behind_pooler;
use crate::connect::SqlError;
use crate::ledger::{self, Ledger};
use crate::position::{Position, locate};
use crate::progress::Progress;
use crate::report::{Finding, Severity};
use crate::rights::Rights;
use crate::side::{self, Init, Prerequisites};
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
    /// Catalogs after each migration, the empty one first; only the empty one without a history.
    pub states: Vec<Catalog>,
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
    pub snapshot: AnySnapshot,
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
        let (mut live, ledgers) = read_together(site)?;
        live.unseen.extend(behind_pooler(&site.live));
        let mut findings = site.project.history.findings.clone();
        findings.extend(site.project.findings.iter().cloned());
        findings.extend(other_ledgers(&site.project.ledger, &ledgers));
        let configured = ledgers.iter().find(|it| it.name == site.project.ledger);
        let standing =
            standing(site.dialect(), &site.project.history, configured, site.setting.now);
        findings.extend(standing.findings.iter().cloned());

        progress.begin("replaying the history in scratch");
        let mut prerequisites = side::prerequisites(site)?;
        let n_recorded = standing.recorded.len();
        let mut replayed = replay(site, &live, prerequisites.as_ref(), n_recorded)?;
        let has_history = !site.project.history.is_empty();
        if prerequisites.is_some() && replayed.position.proven.is_none() && has_history {
            // A history may do without them, and a database may have been made without them.
            let bare = replay(site, &live, None, n_recorded)?;
            if bare.position.proven.is_some() {
                (replayed, prerequisites) = (bare, None);
            }
        }
        let Replayed { states, position, findings: told } = replayed;
        findings.extend(told);
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
        findings.extend(check::surroundings::surroundings(&live));
        let rights = Rights::read(site)?;
        Ok(Self {
            scope,
            live,
            ledgers,
            standing,
            states,
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
    states: Vec<Catalog>,
    position: Position,
    findings: Vec<Finding>,
}

fn replay(
    site: &mut Site,
    live: &Catalog,
    prerequisites: Option<&Prerequisites>,
    n_recorded: usize,
) -> Result<Replayed> {
    let mut findings = Vec::new();
    let states = side::history(site, live, prerequisites, &mut findings)?;
    let tags: Vec<_> =
        site.project.history.migrations.iter().map(|it| it.entry.tag.clone()).collect();
    let tags = &tags[..tags.len().min(states.len() - 1)];
    let position = locate(live, &states, tags, n_recorded);
    Ok(Replayed { states, position, findings })
}

/// T35: the catalog and the ledgers of the same moment, although other runners are at work. A migration
/// and its row are committed together, so ledgers that are the same before and after the catalog was
/// read belong to it.
fn read_together(site: &mut Site) -> Result<(Catalog, Vec<Ledger>)> {
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

fn read_ledgers(site: &mut Site) -> Result<Vec<Ledger>> {
    site.find_ledgers()?;
    let names = site.ledgers.clone();
    names
        .iter()
        .map(|name| {
            ledger::read(&mut site.live, name).map_err(|cause: SqlError| {
                Error::new("ledger-unreadable", format!("cannot read the ledger `{name}`"))
                    .caused_by(cause)
                    .next("connect as a role that may read it; without it nobody knows what was applied")
            })
        })
        .collect()
}

fn declared(
    site: &mut Site,
    live: &Catalog,
    findings: &mut Vec<Finding>,
) -> Result<Option<DeclaredSide>> {
    let Some(schema) = site.project.declared.clone() else { return Ok(None) };
    // The ids stand for nothing yet: they are given when a snapshot is written.
    let snapshot = match schema.snapshot(&SnapshotIds::after(None, "")) {
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
    Ok(Some(DeclaredSide { schema, snapshot, catalog, comparison }))
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
