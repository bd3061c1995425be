//! The plan of an upgrade from Drizzle 0.x to 1.0: which folders take the place of the journal's files,
//! and which name each row of the ledger gets.
//!
//! `files` makes the folders in memory as `drizzle-kit up` does, `rehearsal` tries them; nothing is
//! written anywhere else. [`crate::apply::upgrade`] carries the plan out.

mod files;
pub(crate) mod rehearsal;

use raingauge_schema::Fingerprint;
use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::ledger::{Applicable, CreatedAt, LedgerRow};
use raingauge_schema::drizzle::named_ledger::{taken_over, takeover};

use crate::certificate::{self, Evidence};
use crate::facts::Facts;
use crate::history::History;
use crate::ledger::{self, Ledger};
use crate::progress::Progress;
use crate::report::{Finding, Severity};
use crate::site::Site;
use crate::{Error, Result, proof};

/// What is to be written, and what was found on the way.
#[derive(Debug)]
pub struct Planning {
    pub upgrade: Option<Upgrade>,
    pub findings: Vec<Finding>,
}

/// Folders and names that belong together.
#[derive(Debug)]
pub struct Upgrade {
    /// In the order of the history; none where the files are upgraded already.
    pub moves: Vec<Move>,
    /// The files that go, relative to the migrations folder, the journal first.
    pub removals: Vec<String>,
    /// What the ledger gets; absent where it is upgraded already, or where there is none.
    pub takeover: Option<Takeover>,
    /// For a certificate of the new files, where the project has one of the old ones.
    pub certified: Option<Certified>,
    /// The catalog that the plan rests on.
    pub live: Fingerprint,
    /// The ledger that the plan rests on.
    pub ledger: Fingerprint,
    /// The hash of everything that the plan says and rests on.
    pub plan: Fingerprint,
}

/// One migration on its way from the journal into a folder of its own.
#[derive(Clone, Debug)]
pub struct Move {
    /// Its tag in the journal.
    pub tag: String,
    /// The name of the folder.
    pub folder: String,
    pub sql: String,
    pub snapshot: String,
    /// What 1.0 reads from the snapshot.
    state: AnySnapshot,
}

/// What a certificate of the new files says.
#[derive(Clone, Debug)]
pub struct Certified {
    pub evidence: Evidence,
    /// The history as it is after the upgrade.
    pub history: History,
}

/// The names of a ledger's rows.
#[derive(Clone, Debug)]
pub struct Takeover {
    /// Each row with the folder that it records.
    pub rows: Vec<(LedgerRow, String)>,
    /// What 1.0's own migrator would send.
    pub statements: Vec<String>,
}

/// Makes the plan. Refusals are findings; the upgrade is absent then.
///
/// # Errors
/// If a file cannot be read, or scratch cannot be had.
pub fn plan(site: &mut Site, facts: &Facts, progress: &mut dyn Progress) -> Result<Planning> {
    let mut planning = Planning { upgrade: None, findings: Vec::new() };
    let is_refused = |it: &Planning| it.findings.iter().any(|it| it.severity == Severity::Error);
    let history = &site.project.history;
    let (moves, removals) = match history.generation {
        Generation::V0 => match files::moves(site, facts, &mut planning.findings)? {
            Some(moves) => {
                let removals = files::removals(&site.project.history, &mut planning.findings)?;
                (moves, removals)
            }
            None => return Ok(planning),
        },
        Generation::V1 => (Vec::new(), Vec::new()),
    };
    let applicable = match history.generation {
        Generation::V0 => applicable(&moves),
        Generation::V1 => history.applicable(),
    };
    let ledger = facts.ledgers.iter().find(|it| it.name == site.project.ledger);
    let takeover = names(site, &applicable, ledger, &mut planning.findings);
    if is_refused(&planning) {
        return Ok(planning);
    }
    let upgrade = finish(site, facts, (moves, removals), takeover);
    progress.begin("rehearsing the upgrade in scratch");
    let (findings, later) = rehearsal::rehearse(site, facts, &upgrade)?;
    planning.findings.extend(findings);
    if !is_refused(&planning) {
        let certified = match upgrade.moves.is_empty() {
            true => None,
            false => certified(site, facts, later, &mut planning.findings)?,
        };
        planning.upgrade = Some(Upgrade { certified, ..upgrade });
    }
    Ok(planning)
}

/// What is proven of live before the upgrade holds after it: the files run the same statements.
fn certified(
    site: &mut Site,
    facts: &Facts,
    later: History,
    findings: &mut Vec<Finding>,
) -> Result<Option<Certified>> {
    let n = facts.standing.recorded.len();
    let has_any = certificate::exist(&site.project).map_err(|cause| {
        Error::new("file-unreadable", "cannot read the folder of certificates").caused_by(cause)
    })?;
    if n == 0 || !has_any {
        return Ok(None);
    }
    let proof = proof::prove_position(site, facts, n)?;
    findings.extend(proof.findings);
    Ok(proof.evidence.map(|evidence| Certified { evidence, history: later }))
}

fn applicable(moves: &[Move]) -> Vec<Applicable> {
    use raingauge_schema::drizzle::{folder::millis, migration::hash};
    let one = |it: &Move| Applicable {
        when: millis(&it.folder).unwrap_or_default(),
        hash: hash(it.sql.as_bytes()),
        name: it.folder.clone(),
    };
    moves.iter().map(one).collect()
}

/// The names that 1.0 gives to the rows; a row that it cannot explain would stop it for good.
fn names(
    site: &Site,
    applicable: &[Applicable],
    ledger: Option<&Ledger>,
    findings: &mut Vec<Finding>,
) -> Option<Takeover> {
    let ledger = ledger.filter(|it| it.generation == Generation::V0)?;
    let mut rows: Vec<(LedgerRow, String)> = Vec::new();
    for row in &ledger.rows {
        let name = taken_over(applicable, row).map(|at| applicable[at].name.clone());
        match name {
            Some(name) if rows.iter().all(|it| it.1 != name) => rows.push((row.clone(), name)),
            found => findings.push(unnamed(row, found.as_deref())),
        }
    }
    let names: Vec<&str> = rows.iter().map(|it| it.1.as_str()).collect();
    let only_rows: Vec<_> = rows.iter().map(|it| it.0.clone()).collect();
    let table = ledger.name.quoted_in(site.dialect());
    let statements = takeover(site.dialect(), &table, &only_rows, &names);
    Some(Takeover { rows, statements })
}

fn unnamed(row: &LedgerRow, taken: Option<&str>) -> Finding {
    let when = match &row.created_at {
        CreatedAt::Millis(it) => it.to_string(),
        other => format!("{other:?}"),
    };
    let message = match taken {
        None => "would stop 1.0: no migration has its second, and no file its hash".to_owned(),
        Some(name) => format!("and another row would both get the name `{name}`"),
    };
    let hash: String = row.hash.chars().take(12).collect();
    Finding::error("upgrade-row", format!("ledger row {hash}…"), message)
        .evidence(format!("`created_at`: {when}"))
        .next("with Drizzle 0.x installed: raingauge reconcile, which shows what the ledger has to say")
}

fn finish(
    site: &Site,
    facts: &Facts,
    (moves, removals): (Vec<Move>, Vec<String>),
    takeover: Option<Takeover>,
) -> Upgrade {
    let live = facts.live.fingerprint();
    let history = site.project.history.fingerprint();
    let ledger =
        ledger::fingerprint(facts.ledgers.iter().find(|it| it.name == site.project.ledger));
    let target = site.dsn.to_string();
    let folder = site.project.history.folder.display().to_string();
    let name = site.project.ledger.to_string();
    let parts = [live.as_str(), history.as_str(), ledger.as_str(), &target, &folder, &name]
        .into_iter()
        .chain(moves.iter().flat_map(|it| [it.folder.as_str(), &it.sql, &it.snapshot]))
        .chain(removals.iter().map(String::as_str))
        .chain(takeover.iter().flat_map(|it| it.statements.iter().map(String::as_str)));
    let plan = Fingerprint::of_parts(parts);
    Upgrade { moves, removals, takeover, certified: None, live, ledger, plan }
}
