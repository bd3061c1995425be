//! Snapshots that are lost, made again: what drizzle-kit would have written after a migration.
//!
//! A replay in scratch says what the migration left behind ([`workshop`]), the snapshots around it and
//! `schema.ts` say what of that Drizzle manages and how it is spelled ([`witness`]). What comes of it is
//! built in scratch and has to be what the replay left; otherwise there is none, and a finding says why.

mod witness;
mod workshop;

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::snapshot::SnapshotIds;
use raingauge_schema::{Catalog, Comparison, Dialect, Kind, ObjectId, Pair};

use crate::findings;
use crate::progress::Progress;
use crate::project::Project;
use crate::replay::ReplayError;
use crate::report::{Affected, Finding};
use crate::scratch::Scratch;
use crate::setting::Setting;
use witness::{Doubt, Doubts, Said, Witnesses, uniques};
use workshop::Workshop;

/// What is looked for, and what is known.
#[derive(Debug)]
pub struct Search<'a> {
    pub project: &'a Project,
    pub setting: &'a Setting,
    pub scratch: &'a mut Scratch,
    /// Snapshots by the position of their migration.
    pub known: &'a BTreeMap<usize, AnySnapshot>,
    /// Positions of migrations whose snapshot is to be made.
    pub lost: &'a [usize],
}

/// The snapshots that are looked for, by position; their ids stand for nothing yet.
///
/// # Errors
/// A finding that says what a snapshot cannot say, or why the history cannot be replayed.
pub fn made_again(
    search: Search<'_>,
    progress: &mut dyn Progress,
) -> Result<BTreeMap<usize, AnySnapshot>, Box<Finding>> {
    let Search { project, setting, scratch, known, lost } = search;
    let mut workshop = Workshop::new(project, setting, scratch);
    progress.begin("replaying the history in scratch");
    let states = workshop.states(&wanted(project, known, lost))?;
    let mut told = known.clone();
    let mut made = BTreeMap::new();
    let mut last: Option<Said> = None;
    for at in lost {
        progress.begin(&format!("making the snapshot of {} again", tag(project, *at)));
        let before = match last.take_if(|_| 0 < *at && made.contains_key(&(at - 1))) {
            Some(said) => said,
            None => before(&mut workshop, &told, *at)?,
        };
        let later = later(&mut workshop, known, *at)?;
        let witnesses = Witnesses {
            dialect: project.dialect,
            before: &before,
            before_was: &states[at],
            after_is: &states[&(at + 1)],
            later: later.as_ref().map(|(n, said)| (said, &states[n])),
        };
        let said = assemble(&mut workshop, &witnesses, *at)?;
        told.insert(*at, said.snapshot.clone());
        made.insert(*at, said.snapshot.clone());
        last = Some(said);
    }
    Ok(made)
}

/// The statement at which a replay of the first `n` migrations ends; `None` if all of them run.
///
/// # Errors
/// A finding that says why nothing can be replayed.
pub fn refused_in(
    (project, setting): (&Project, &Setting),
    scratch: &mut Scratch,
    n: usize,
    progress: &mut dyn Progress,
) -> Result<Option<ReplayError>, Box<Finding>> {
    let mut workshop = Workshop::new(project, setting, scratch);
    progress.begin("replaying the history in scratch");
    Ok(workshop.states_or_error(&BTreeSet::from([n]))?.err())
}

fn tag(project: &Project, at: usize) -> &str {
    project.history.migrations.get(at).map_or("", |it| it.entry.tag.as_str())
}

/// Numbers of migrations after which the catalog is needed.
fn wanted(
    project: &Project,
    known: &BTreeMap<usize, AnySnapshot>,
    lost: &[usize],
) -> BTreeSet<usize> {
    let mut wanted = BTreeSet::new();
    for at in lost {
        wanted.extend([*at, at + 1]);
        let later = known.range(at + 1..).next().map(|it| it.0 + 1);
        let at_end = project.declared.is_some().then_some(project.history.migrations.len());
        wanted.extend(later.or(at_end));
    }
    wanted
}

/// What the snapshot before says.
fn before(
    workshop: &mut Workshop<'_>,
    told: &BTreeMap<usize, AnySnapshot>,
    at: usize,
) -> Result<Said, Box<Finding>> {
    let project = workshop.project();
    let generation = project.history.generation;
    let snapshot = match at.checked_sub(1) {
        None => AnySnapshot::empty(project.dialect, generation),
        Some(before) => told.get(&before).cloned().ok_or_else(|| {
            Box::new(refusal(project, at, "the snapshot before it is not known either"))
        })?,
    };
    let catalog = workshop.build(&snapshot, at)?;
    Ok(Said { snapshot, catalog, schema: None })
}

/// What the next snapshot that is known says; without one, what `schema.ts` declares, if it can be built.
fn later(
    workshop: &mut Workshop<'_>,
    known: &BTreeMap<usize, AnySnapshot>,
    at: usize,
) -> Result<Option<(usize, Said)>, Box<Finding>> {
    if let Some((next, snapshot)) = known.range(at + 1..).next() {
        let catalog = workshop.build(snapshot, next + 1)?;
        return Ok(Some((next + 1, Said { snapshot: snapshot.clone(), catalog, schema: None })));
    }
    let project = workshop.project();
    let (Some(schema), n) = (&project.declared, project.history.migrations.len()) else {
        return Ok(None);
    };
    let ids = SnapshotIds::after(None, "");
    let Ok(snapshot) = schema.snapshot(project.history.generation, &ids) else { return Ok(None) };
    let Ok(catalog) = workshop.build(&snapshot, n) else { return Ok(None) };
    Ok(Some((n, Said { snapshot, catalog, schema: Some(schema.clone()) })))
}

/// The snapshot as the witnesses spell it; what turns out to be wrong in that is described anew.
fn assemble(
    workshop: &mut Workshop<'_>,
    witnesses: &Witnesses<'_>,
    at: usize,
) -> Result<Said, Box<Finding>> {
    let project = workshop.project();
    let (dialect, generation) = (project.dialect, project.history.generation);
    let managed = witnesses.managed().map_err(|id| {
        let why = format!("it makes {id}, and neither a later snapshot nor `schema.ts` says whether Drizzle manages that");
        Box::new(refusal(project, at, &why))
    })?;
    let mut doubts = Doubts::new();
    loop {
        let sources = witnesses.sources(&managed, generation);
        let Some(sources) = sources else {
            return Err(Box::new(refusal(project, at, "drizzle-kit cannot write such a schema")));
        };
        let snapshot = sources.snapshot(AnySnapshot::empty(dialect, generation), &doubts);
        let catalog = workshop.build(&snapshot, at + 1)?;
        let comparison = dialect.compare_managed(Pair { from: &managed, to: &catalog });
        let (has, wants) = (uniques(&catalog), uniques(&managed));
        let is_told_apart = dialect == Dialect::Sqlite && has != wants;
        if comparison.is_equal() && !is_told_apart {
            return Ok(Said { snapshot, catalog, schema: None });
        }
        let mut wrong = wrong(&comparison, &managed);
        wrong.extend(has.symmetric_difference(&wants).map(|it| standing(it, &managed)));
        let is_final = |it: &ObjectId| doubts.get(it) == Some(&Doubt::Parts);
        if wrong.iter().all(is_final) {
            let finding =
                refusal(project, at, "a snapshot cannot say all that the migrations make");
            return Err(Box::new(findings::differences_of(finding, &comparison, SIDES)));
        }
        for id in wrong {
            let doubt = if doubts.contains_key(&id) { Doubt::Parts } else { Doubt::Whole };
            doubts.insert(id, doubt);
        }
    }
}

/// What the two sides of a proof are called.
const SIDES: Pair<&str> = Pair { from: "the replay", to: "the snapshot" };

/// The tables, and whatever else stands by itself, in which something differs.
fn wrong(comparison: &Comparison, managed: &Catalog) -> BTreeSet<ObjectId> {
    let ids = comparison.only_from.iter().chain(&comparison.only_to).map(|it| it.id.clone());
    let ids = ids.chain(comparison.differs.iter().map(|it| it.id.clone()));
    let ids = ids.chain(comparison.renamed.iter().map(|it| it.from.clone()));
    let ids = ids.chain(comparison.ambiguous.iter().flat_map(|it| it.from.iter().cloned()));
    ids.map(|it| standing(&it, managed)).collect()
}

/// The table that an object is in, or the object itself.
fn standing(id: &ObjectId, catalog: &Catalog) -> ObjectId {
    let table = id.path.split_last().map(|(_, path)| ObjectId::new(Kind::Table, path));
    table.filter(|it| catalog.get(it).is_some()).unwrap_or_else(|| id.clone())
}

fn refusal(project: &Project, at: usize, why: &str) -> Finding {
    let path = project.history.migrations.get(at).map(|it| it.path.display().to_string());
    let message = format!(
        "its snapshot cannot be made again from a replay: {why}; the snapshot was left as it is"
    );
    Finding::error("snapshot-unrebuildable", path.unwrap_or_default(), message)
        .affects(Affected::Kit)
        .next(match project.history.generation {
            Generation::V0 => "restore the snapshot from version control",
            Generation::V1 => "restore `snapshot.json` from version control",
        })
}
