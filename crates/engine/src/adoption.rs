//! The plan of an adoption: which files and which ledger rows prove live's position.
//!
//! [`plan`] decides the course, writes the files in memory and tries them in scratch; nothing is
//! written anywhere else. `reconcile` carries the plan out.

use std::collections::BTreeMap;

use raingauge_schema::dialect::{AnySchema, AnySnapshot};
use raingauge_schema::drizzle::migration::{hash, join};
use raingauge_schema::drizzle::snapshot::{Generation, SnapshotIds};
use raingauge_schema::{Fingerprint, Kind};

use crate::baseline::live::of_live;
use crate::certificate::Evidence;
use crate::check::{adoption as check, declared, rights};
use crate::choice::{self, Agreed};
use crate::facts::{DeclaredSide, Facts, Scope};
use crate::filters::Filters;
use crate::ledger;
use crate::mend::{
    MENDED, Mend, Mending, NAMED, is_explained, mending, mending_with_times, naming, positions,
    retimed,
};
use crate::position::{Inside, ProvenPosition, Shown};
use crate::progress::Progress;
use crate::proof;
use crate::report::{Finding, Severity};
use crate::seed::TableState;

use crate::site::Site;
use crate::{Error, Result};

/// What is to be written, and what was found on the way.
#[derive(Debug)]
pub struct Planning {
    /// Absent when there is nothing to write, or when findings forbid it.
    pub adoption: Option<Adoption>,
    pub findings: Vec<Finding>,
}

/// Files and ledger rows that belong together.
#[derive(Debug)]
pub struct Adoption {
    /// New migrations, in order; none when an existing history is only recorded.
    pub migrations: Vec<NewMigration>,
    /// Migrations of the existing history that live is proven to have had, and that are recorded.
    pub recorded: Shown,
    /// Rows of the ledger that are changed, so that it says what live is.
    pub mends: Vec<Mend>,
    /// T04: times of the journal that change, by position.
    pub times: BTreeMap<usize, i64>,
    /// The catalog that the plan rests on; when live has another one, the plan is stale.
    pub live: Fingerprint,
    /// The ledger that the plan rests on; another runner may have recorded more meanwhile.
    pub ledger: Fingerprint,
    /// The hash of everything that the plan says and rests on, the time of writing left out.
    pub plan: Fingerprint,
    /// For the certificate; absent when the two witnesses do not agree on an existing history.
    pub evidence: Option<Evidence>,
}

/// A migration to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMigration {
    /// `baseline`, `seed` or `follow_up`: the tag without its prefix.
    pub name: &'static str,
    pub sql: String,
    pub snapshot: String,
    /// Whether live already is as if it had run: then it is recorded and never runs here.
    pub in_effect: bool,
    pub n_statements: usize,
}

/// Which way an adoption goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// The ledger records exactly what live is.
    Adopted,
    /// Live was made by nobody's migration: baseline, seed, follow-up.
    Baseline,
    /// Live equals a replay up to here, but the ledger says less.
    Record(ProvenPosition),
    /// There is nothing to adopt; `migrate` builds live.
    Fresh,
    Refused,
}

/// Decides which way to go, with the reasons for a refusal.
pub fn course(facts: &Facts, site: &Site) -> (Course, Vec<Finding>) {
    let history = &site.project.history;
    let recorded = facts.standing.recorded.len();
    let is_prefix = facts.standing.recorded.iter().copied().eq(0..recorded);
    let nothing_happened = recorded == 0 && facts.live.of_kind(Kind::Table).next().is_none();
    if history.is_empty() && recorded == 0 {
        return (Course::Baseline, Vec::new());
    }
    if facts.position.within.is_some() {
        // It is pending, and `migrate` knows where to go on.
        return (Course::Adopted, Vec::new());
    }
    match facts.position.at() {
        Some(at) if at == recorded && is_prefix && (0 < at || nothing_happened) => {
            (if at == 0 { Course::Fresh } else { Course::Adopted }, Vec::new())
        }
        Some(at) if recorded < at && is_prefix => {
            match ambiguous(facts, site, &(recorded..at).collect::<Vec<_>>()) {
                Some(finding) => (Course::Refused, vec![finding]),
                None => (facts.position.proven.map_or(Course::Refused, Course::Record), Vec::new()),
            }
        }
        Some(_) | None => (Course::Refused, vec![off_course(facts, recorded)]),
    }
}

/// T20: a catalog says nothing of rows. A migration that writes some may have run, or its structure
/// may have come from somewhere else without them. The seed migration can be told: it inserts what
/// init.sql inserted. For others a person has to vouch, by name.
fn ambiguous(facts: &Facts, site: &Site, candidates: &[usize]) -> Option<Finding> {
    let migrations = &site.project.history.migrations;
    let is_vouched = |tag: &str| site.setting.allow.contains(&format!("record:{tag}"));
    let unprovable: Vec<_> = candidates
        .iter()
        .map(|it| &migrations[*it])
        .filter(|it| site.dialect().writes_rows(&it.sql))
        .filter(|it| !has_run_as_init_sql(facts, &it.sql) && !is_vouched(&it.entry.tag))
        .filter(|it| !is_recorded_elsewhere(facts, site, &it.entry.tag))
        .collect();
    if unprovable.is_empty() {
        return None;
    }
    let finding = Finding::error(
        "position-ambiguous",
        "history",
        "live's structure equals the replay, but some migrations also write rows, and nobody can tell from a catalog whether those were written; nothing was recorded",
    );
    let finding =
        unprovable.iter().fold(finding, |it, migration| it.evidence(migration.entry.tag.clone()));
    let finding = match facts.scope {
        Scope::All => finding,
        Scope::Declared | Scope::History => {
            finding.next("raingauge analyze: also knows the rows that init.sql inserted")
        }
    };
    Some(unprovable.iter().fold(finding, |it, migration| {
        it.next(format!(
            "if live has the rows that it writes: raingauge reconcile --allow record:{}",
            migration.entry.tag
        ))
    }))
}

/// Whether another runner has recorded the migration: each of them writes its row with what it applies.
fn is_recorded_elsewhere(facts: &Facts, site: &Site, tag: &str) -> bool {
    let history = &site.project.history;
    let others = facts.ledgers.iter().filter(|it| it.name != site.project.ledger);
    let positions = others.filter_map(|it| positions(history, &it.rows)).flatten();
    let wrangler = facts.wrangler.iter().flat_map(|it| it.positions.iter().copied());
    positions.chain(wrangler).any(|at| history.migrations[at].entry.tag == tag)
}

/// Whether a migration is, letter for letter, what init.sql inserts, and live still has such rows in
/// every table that it fills.
fn has_run_as_init_sql(facts: &Facts, sql: &str) -> bool {
    facts.init.as_ref().is_some_and(|init| {
        let still_there = |it: &TableState| 0 < it.n_unchanged + it.edited.len();
        [true, false].iter().any(|it| file(&init.seed_file.statements, *it) == sql)
            && !init.states.is_empty()
            && init.states.iter().all(|it| it.as_ref().is_some_and(still_there))
    })
}

/// Live is at no point of its history, or not where the ledger says.
fn off_course(facts: &Facts, recorded: usize) -> Finding {
    let position = &facts.position;
    let tags: Vec<_> = position.effects.iter().map(|it| it.tag.as_str()).collect();
    let name = |at: usize| match at {
        0 => "the empty database".to_owned(),
        at => tags.get(at - 1).map_or(String::new(), |it| format!("`{it}`")),
    };
    let finding = if let Some(inside) = &position.inside {
        return partly_applied(facts, inside);
    } else if let Some(at) = position.at() {
        Finding::error(
            "ledger-ahead",
            "ledger",
            format!(
                "records {recorded} migrations, but live equals a replay up to {}: recorded effects are missing",
                name(at)
            ),
        )
    } else if recorded == 0 {
        Finding::error(
            "position-unknown",
            "live",
            format!(
                "equals its history at no point; nearest is {}. Nothing was recorded, and a baseline beside an existing history would replace it",
                name(position.nearest)
            ),
        )
    } else {
        Finding::error(
            "drift",
            "live",
            format!("is not what its history builds up to {}", name(recorded)),
        )
    };
    let is_drift = finding.code == "drift";
    let finding = crate::findings::differences(finding, &position.differences);
    if is_drift {
        return finding
            .next("if it is to stay: write the migration that does it (declare it in schema.ts and `raingauge generate`, or `raingauge generate --custom` for what Drizzle cannot express); `raingauge reconcile --confirm` then only records it, because live has it already")
            .next("if it is not: undo it in live, then raingauge validate");
    }
    finding.next("raingauge analyze: shows what of each migration is in effect, object by object")
}

/// A migration without a transaction, or by hand, got so far.
fn partly_applied(facts: &Facts, inside: &Inside) -> Finding {
    let tag = facts.position.effects.get(inside.at).map(|it| it.tag.clone()).unwrap_or_default();
    let finding = Finding::error(
        "migration-partly-applied",
        tag.clone(),
        format!("{} are in effect, and nothing of the rest; nothing was changed", inside.words()),
    );
    let finding = match inside.done.as_slice() {
        [_, _, ..] => finding.evidence(
            "statements in between only write rows, which nobody can tell from a catalog",
        ),
        _ => finding,
    };
    finding
        .next(format!("run the statements of `{tag}` from line {} on by hand, then `raingauge reconcile`: it records the migration where live proves to have it", inside.next_line))
        .next("or undo those that are in effect, then `raingauge migrate`")
}

/// Makes the plan. Refusals are findings; the adoption is absent then.
///
/// # Errors
/// If the engine's dump fails or scratch cannot be had.
pub fn plan(site: &mut Site, facts: &mut Facts, progress: &mut dyn Progress) -> Result<Planning> {
    let (course, findings) = course(facts, site);
    let mut planning = Planning { adoption: None, findings };
    if !facts.live.unseen.is_empty() {
        // T22: a plan from what a role happens to see would take the rest for absent.
        return Ok(planning);
    }
    if let Some(fault) = mendable(site, facts) {
        mend_course(site, facts, &mut planning, fault, progress)?;
        return Ok(planning);
    }
    match course {
        Course::Adopted | Course::Fresh | Course::Refused => {}
        Course::Record(proven) => {
            let at = proven.at();
            planning.findings.extend(missing_rights(facts));
            let missing = facts.standing.recorded.len()..at;
            let recorded = proven.shows(missing, &facts.position.effects);
            progress.begin("proving the position in scratch");
            let proof = proof::prove_position(site, facts, at)?;
            planning.findings.extend(proof.findings);
            let adoption = finish(site, facts, Vec::new(), recorded);
            planning.adoption = Some(Adoption { evidence: proof.evidence, ..adoption });
        }
        Course::Baseline => baseline_course(site, facts, &mut planning, progress)?,
    }
    let is_error = |it: &Finding| it.severity == Severity::Error;
    if planning.findings.iter().any(is_error) || facts.findings.iter().any(is_error) {
        planning.adoption = None;
    }
    Ok(planning)
}

/// A ledger with faults, and the place where a replay equals live all the same.
struct Fault {
    proven: ProvenPosition,
    mending: Mending,
    times: BTreeMap<usize, i64>,
}

fn mendable(site: &Site, facts: &Facts) -> Option<Fault> {
    let errors = facts.findings.iter().filter(|it| it.severity == Severity::Error);
    let codes: Vec<_> = errors.map(|it| it.code).collect();
    let proven = facts.position.proven?;
    let at = proven.at();
    let history = &site.project.history;
    if history.generation == Generation::V1 {
        let ledger = facts.ledgers.iter().find(|it| it.name == site.project.ledger)?;
        let is_mended = ledger.generation == Generation::V1
            && !codes.is_empty()
            && codes.iter().all(|it| NAMED.contains(it));
        let mending = is_mended.then(|| naming(history, &ledger.rows, at)).flatten()?;
        return Some(Fault { proven, mending, times: BTreeMap::new() });
    }
    if codes.is_empty() || !codes.iter().all(|it| MENDED.contains(it)) {
        return None;
    }
    let settles = |it: &ledger::Ledger| {
        it.name == site.project.ledger
            || it.generation == history.generation && is_explained(history, &it.rows, at)
    };
    if codes.contains(&"ledger-second") && !facts.ledgers.iter().all(settles) {
        return None;
    }
    let ledger = facts.ledgers.iter().find(|it| it.name == site.project.ledger);
    let rows = ledger.map(|it| it.rows.as_slice()).unwrap_or_default();
    let dialect = site.dialect();
    if codes.iter().any(|it| it.starts_with("when-")) {
        let times = retimed(history, site.setting.now.as_millisecond())?;
        let mending = mending_with_times(dialect, (history, &times), rows, at)?;
        return Some(Fault { proven, mending, times });
    }
    Some(Fault { proven, mending: mending(dialect, history, rows, at)?, times: BTreeMap::new() })
}

fn mend_course(
    site: &mut Site,
    facts: &Facts,
    planning: &mut Planning,
    Fault { proven, mending, times }: Fault,
    progress: &mut dyn Progress,
) -> Result<()> {
    planning.findings.retain(|it| !MENDED.contains(&it.code));
    planning.findings.extend(missing_rights(facts));
    planning.findings.extend(ambiguous(facts, site, &mending.missing));
    if planning.findings.iter().any(|it| it.severity == Severity::Error) {
        return Ok(());
    }
    progress.begin("proving the position in scratch");
    let proof = proof::prove_position(site, facts, proven.at())?;
    let missing = proven.shows(mending.missing, &facts.position.effects);
    let adoption = finish(site, facts, Vec::new(), missing);
    let words: Vec<_> = mending.mends.iter().map(|it| format!("{it:?}")).collect();
    let words = words.into_iter().chain(times.iter().map(|it| format!("{it:?}")));
    let words: Vec<_> = words.collect();
    let parts = std::iter::once(adoption.plan.as_str()).chain(words.iter().map(String::as_str));
    let plan = Fingerprint::of_parts(parts);
    planning
        .findings
        .extend(proof.findings.into_iter().filter(|it| it.severity == Severity::Error));
    // A certificate says which rows were written; these were there before.
    planning.adoption =
        Some(Adoption { mends: mending.mends, times, plan, evidence: None, ..adoption });
    Ok(())
}

fn baseline_course(
    site: &mut Site,
    facts: &mut Facts,
    planning: &mut Planning,
    progress: &mut dyn Progress,
) -> Result<()> {
    refusals(site, facts, &mut planning.findings);
    let agreed = choice::offer(site, facts, &mut planning.findings);
    planning.findings.extend(missing_rights(facts));
    if planning.findings.iter().any(|it| it.severity == Severity::Error) {
        return Ok(());
    }
    progress.begin("writing the baseline");
    let baseline = of_live(site, facts)?;
    planning.findings.extend(baseline.findings.iter().cloned());
    if baseline.findings.iter().any(|it| it.severity == Severity::Error) {
        // What cannot be carried is not tried either: it may hold a secret that an error would show.
        return Ok(());
    }
    let mut migrations = Vec::new();
    let has_breakpoints = site.project.has_breakpoints();
    let sql = file(&baseline.statements, has_breakpoints);
    let mut stage = baseline_stage(site, facts, (&sql, &agreed))?;
    migrations.push(NewMigration {
        name: "baseline",
        sql,
        snapshot: stage.write(),
        in_effect: true,
        n_statements: baseline.statements.len(),
    });
    migrations.extend(seed_migration(facts, &mut stage, has_breakpoints)?);
    let declared = facts.declared.as_ref();
    let start = start(site, facts, (&stage, &agreed))?;
    let way = Way { agreed: &agreed, start: &start, has_breakpoints };
    migrations.extend(follow_up(declared, &stage, &way, &mut planning.findings)?);
    progress.begin("proving the baseline in scratch");
    let proof = proof::prove(site, facts, &migrations)?;
    planning.findings.extend(proof.findings);
    let adoption = finish(site, facts, migrations, Shown::default());
    planning.adoption = Some(Adoption { evidence: proof.evidence, ..adoption });
    Ok(())
}

fn refusals(site: &Site, facts: &Facts, findings: &mut Vec<Finding>) {
    let declared_tables = site.project.declared.as_ref().map(|it| it.tables()).unwrap_or_default();
    findings.extend(check::right_database(facts, &declared_tables, &site.identity.database));
    if let Some(declared) = &facts.declared {
        findings.extend(declared::declared_matches(site.dialect(), declared, &facts.live));
        findings.extend(declared::told(declared));
    }
    if site.project.declared.is_none() {
        findings.extend(Filters::of(&site.project.config, site.dialect()).left_out(&facts.live));
    }
    if let Some(init) = &facts.init {
        let found = check::half_initialised(init, &facts.live);
        // A person may know that what is missing was added to the scripts later, or removed on purpose.
        let is_vouched = |it: &Finding| site.setting.allow.iter().any(|name| name == it.code);
        findings.extend(found.into_iter().map(|it| {
            let severity = if is_vouched(&it) { Severity::Warning } else { it.severity };
            Finding { severity, ..it }
        }));
    }
    let empty = facts.states.get(0);
    findings
        .extend(empty.into_iter().flat_map(|it| check::carried(site.dialect(), &facts.live, it)));
}

fn missing_rights(facts: &Facts) -> Vec<Finding> {
    facts.rights.as_ref().map(|it| rights::missing_rights(it, facts)).unwrap_or_default()
}

/// What live has, in the spelling of `schema.ts` where there is one.
fn baseline_stage(
    site: &Site,
    facts: &Facts,
    (sql, agreed): (&str, &Agreed),
) -> Result<AnySnapshot> {
    let generation = site.project.history.generation;
    let schema = match &facts.declared {
        Some(declared) => agreed.kept(&declared.schema, &facts.live, generation),
        None => {
            let filters = Filters::of(&site.project.config, site.dialect());
            site.dialect().describe(&filters.managed(&facts.live))
        }
    };
    let ids = SnapshotIds::after(None, snapshot_id("baseline", sql));
    snapshot(&schema, generation, &ids)
}

/// Where the follow-up's changes begin: what live has, under the names that it gets first.
fn start(
    site: &Site,
    facts: &Facts,
    (stage, agreed): (&AnySnapshot, &Agreed),
) -> Result<AnySnapshot> {
    match &facts.declared {
        Some(declared) if agreed.renames() => {
            let generation = site.project.history.generation;
            let (schema, dialect) = (&declared.schema, site.dialect());
            let schema = agreed.renamed(schema, &facts.live, (generation, dialect));
            snapshot(&schema, generation, &SnapshotIds::after(None, stage.id()))
        }
        Some(_) | None => Ok(stage.clone()),
    }
}

fn snapshot(schema: &AnySchema, generation: Generation, ids: &SnapshotIds) -> Result<AnySnapshot> {
    schema.snapshot(generation, ids).map_err(|cause| {
        Error::new("snapshot-unwritable", "cannot write the snapshot").caused_by(cause)
    })
}

/// The rows of init.sql; the stage moves on, with the same schema.
fn seed_migration(
    facts: &Facts,
    stage: &mut AnySnapshot,
    has_breakpoints: bool,
) -> Result<Option<NewMigration>> {
    let Some(init) = facts.init.as_ref().filter(|it| !it.seeds.is_empty()) else { return Ok(None) };
    let sql = file(&init.seed_file.statements, has_breakpoints);
    let id = snapshot_id("seed", &sql);
    let snapshot = stage.write_custom(&id).map_err(|cause| {
        Error::new("snapshot-unwritable", "cannot write the seed's snapshot").caused_by(cause)
    })?;
    *stage = stage.with_ids(&SnapshotIds::after(Some(stage.id()), id));
    let n_statements = init.seed_file.statements.len();
    Ok(Some(NewMigration { name: "seed", sql, snapshot, in_effect: true, n_statements }))
}

/// How the follow-up gets to `schema.ts`.
struct Way<'a> {
    agreed: &'a Agreed,
    start: &'a AnySnapshot,
    has_breakpoints: bool,
}

/// What `schema.ts` declares and live does not have yet: the first ordinary migration.
fn follow_up(
    declared: Option<&DeclaredSide>,
    stage: &AnySnapshot,
    way: &Way<'_>,
    findings: &mut Vec<Finding>,
) -> Result<Option<NewMigration>> {
    let Some(declared) = declared else { return Ok(None) };
    let ids = SnapshotIds::after(Some(stage.id()), "");
    let mut state = snapshot(&declared.schema, stage.generation(), &ids)?;
    let difference = way.start.difference_to(&state);
    for what in &difference.not_expressed {
        findings.push(Finding::error("change-not-expressed", "schema.ts", what.clone()));
    }
    let statements =
        way.agreed.around(difference.statements.into_iter().map(|it| it.sql).collect());
    if statements.is_empty() {
        return Ok(None);
    }
    let sql = join(statements.iter().map(String::as_str), way.has_breakpoints);
    state.set_id(snapshot_id("follow_up", &sql));
    let snapshot = state.write_after(stage);
    let n_statements = statements.len();
    Ok(Some(NewMigration { name: "follow_up", sql, snapshot, in_effect: false, n_statements }))
}

fn finish(site: &Site, facts: &Facts, migrations: Vec<NewMigration>, recorded: Shown) -> Adoption {
    let live = facts.live.fingerprint();
    let history = site.project.history.fingerprint();
    let ledger =
        ledger::fingerprint(facts.ledgers.iter().find(|it| it.name == site.project.ledger));
    let target = site.dsn.to_string();
    let folder = site.project.history.folder.display().to_string();
    let name = site.project.ledger.to_string();
    let positions: Vec<_> = recorded.positions().map(|it| it.to_string()).collect();
    let parts = [live.as_str(), history.as_str(), ledger.as_str(), &target, &folder, &name]
        .into_iter()
        .chain(migrations.iter().flat_map(|it| [it.name, it.sql.as_str(), it.snapshot.as_str()]))
        .chain(positions.iter().map(String::as_str));
    let plan = Fingerprint::of_parts(parts);
    let (mends, times) = (Vec::new(), BTreeMap::new());
    Adoption { migrations, recorded, mends, times, live, ledger, plan, evidence: None }
}

/// Statements as a migration file; each ends with its semicolon.
fn file(statements: &[String], has_breakpoints: bool) -> String {
    let closed: Vec<_> = statements
        .iter()
        .map(|it| if it.ends_with(';') { format!("{it}\n") } else { format!("{it};\n") })
        .collect();
    join(closed.iter().map(String::as_str), has_breakpoints)
}

/// An id with the form of a random UUID, made from the content: the same plan has the same ids.
pub(crate) fn snapshot_id(name: &str, sql: &str) -> String {
    let digits = Fingerprint::of_parts([name, sql]);
    let digit = |at: usize| digits.as_str().chars().nth(at).unwrap_or('0');
    let part = |from: usize, to: usize| (from..to).map(digit).collect::<String>();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

/// The hash that the ledger records for a new migration.
pub fn file_hash(migration: &NewMigration) -> Fingerprint {
    hash(migration.sql.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_id_looks_random_and_is_the_same_for_the_same_content() {
        let id = snapshot_id("seed", "select 1");
        assert_eq!(id, snapshot_id("seed", "select 1"));
        assert_ne!(id, snapshot_id("seed", "select 2"));
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    }

    #[test]
    fn a_file_has_one_statement_per_piece_and_no_trailing_breakpoint() {
        let statements =
            ["create table t (a int)", "create view v as select 1;"].map(str::to_owned);
        assert_eq!(
            file(&statements, true),
            "create table t (a int);\n--> statement-breakpoint\ncreate view v as select 1;\n"
        );
        assert_eq!(
            file(&statements, false),
            "create table t (a int);\n\ncreate view v as select 1;\n"
        );
    }
}
