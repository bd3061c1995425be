//! The proof of a plan: its files are run on an empty database, as the migrator will run them on every
//! new one, and the result is compared with live.
//!
//! Two independent witnesses have to agree that the baseline rebuilds live: our catalog and the
//! engine's own dump.

use raingauge_schema::sqlite::adopt::is_constraint_now;
use raingauge_schema::{Catalog, Dialect, Fingerprint, Kind, Object, Pair, compare};

use crate::adoption::NewMigration;
use crate::baseline::refusal;
use crate::baseline::roles::without_owners;
use crate::certificate::{CatalogRecord, Dump, Evidence, Replay};
use crate::connect::{Access, Session};
use crate::facts::Facts;
use crate::report::Finding;
use crate::scratch::ScratchDatabase;
use crate::side::{Init, Prerequisites};
use crate::site::Site;
use crate::{Result, dump, findings, replay, seed, side};

/// What trying a plan has shown.
#[derive(Debug)]
pub struct Proof {
    /// What is not as it has to be.
    pub findings: Vec<Finding>,
    /// Present when there are no findings and both witnesses agreed.
    pub evidence: Option<Evidence>,
}

/// Runs the migrations on an empty database and says what is not as it has to be.
///
/// # Errors
/// If scratch cannot be had, or the engine's dump fails.
pub fn prove(site: &mut Site, facts: &mut Facts, migrations: &[NewMigration]) -> Result<Proof> {
    let mut witnessed = None;
    let findings = attempt(site, facts, migrations, &mut witnessed)?;
    let n = migrations.iter().filter(|it| it.in_effect).count();
    let evidence = witnessed.filter(|_| findings.is_empty());
    let evidence = evidence.map(|it| it.evidence(site, facts, n, Vec::new()));
    Ok(Proof { findings, evidence })
}

/// The evidence that live is what the first `n` migrations of its history build. Catalogs have said so
/// already; here the engine's own dump is asked too.
///
/// # Errors
/// If scratch cannot be had, or the engine's dump fails.
pub fn prove_position(site: &mut Site, facts: &Facts, n: usize) -> Result<Proof> {
    let mut rebuilt = side::rebuild(site, &facts.live, facts.prerequisites.as_ref(), n)?;
    let mut witnessed = None;
    let findings = match rebuilt.stopped {
        Some(finding) => vec![finding],
        None => equal_structure(site, facts, &mut rebuilt.database, &mut witnessed)?,
    };
    let schemas = rebuilt.prerequisites.iter().map(|it| format!("schema {it}"));
    let scripts = facts.prerequisites.iter().flat_map(Prerequisites::lines);
    let prerequisites = schemas.chain(scripts).collect();
    let evidence = witnessed.map(|it| it.evidence(site, facts, n, prerequisites));
    let withheld = findings.into_iter().map(|it| {
        let finding = Finding::warning(
            "certificate-withheld",
            "certificate",
            "none is written: the engine's own dump of live is not that of a replay, although the catalogs are equal",
        );
        it.evidence.into_iter().fold(finding, Finding::evidence)
    });
    Ok(Proof { findings: withheld.collect(), evidence })
}

/// What both witnesses said when they agreed.
struct Witnessed {
    catalog: Fingerprint,
    dump: Fingerprint,
    scratch: String,
    client: String,
}

impl Witnessed {
    fn evidence(
        self,
        site: &Site,
        facts: &Facts,
        n: usize,
        prerequisites: Vec<String>,
    ) -> Evidence {
        let ledger = facts.ledgers.iter().find(|it| it.name == site.project.ledger);
        Evidence {
            live: CatalogRecord::of(&facts.live),
            replay: Replay { migrations: n, prerequisites, fingerprint: self.catalog },
            dump: Dump { live: self.dump.clone(), rebuilt: self.dump },
            scratch: self.scratch,
            client: self.client,
            rows: ledger.map(|it| it.rows.clone()).unwrap_or_default(),
        }
    }
}

fn attempt(
    site: &mut Site,
    facts: &Facts,
    migrations: &[NewMigration],
    witnessed: &mut Option<Witnessed>,
) -> Result<Vec<Finding>> {
    let bare = prove_on(site, facts, migrations, None, witnessed)?;
    match &facts.prerequisites {
        // What is to be run before the history must not be in its way.
        Some(it) if bare.is_empty() => {
            let findings = prove_on(site, facts, migrations, Some(it), witnessed)?;
            let after = format!("after {}", it.source);
            Ok(findings.into_iter().map(|it| it.evidence(after.clone())).collect())
        }
        _ => Ok(bare),
    }
}

fn prove_on(
    site: &mut Site,
    facts: &Facts,
    migrations: &[NewMigration],
    prerequisites: Option<&Prerequisites>,
    witnessed: &mut Option<Witnessed>,
) -> Result<Vec<Finding>> {
    let mut fresh = site.scratch.create("proof")?;
    if let Some(Err(error)) = prerequisites.map(|it| it.run(&mut fresh.session)) {
        return Ok(vec![replay::broken_init(&error, "cannot be run on an empty database")]);
    }
    for migration in migrations {
        if let Err(error) = replay::file(&mut fresh.session, migration.name, &migration.sql) {
            if let Some(finding) = refusal::of_replay(&error) {
                return Ok(vec![finding]);
            }
            let what = "cannot be run on an empty database; nothing was written";
            let next = match migration.name {
                "seed" => {
                    "live's structure refuses a row of init.sql (see the statement): let init.sql insert rows that fit live as it is now"
                }
                _ => {
                    "look at the statement and at what it needs that the files before it do not make"
                }
            };
            return Ok(vec![error.finding("replay-failed", what).next(next)]);
        }
        let findings = match migration.name {
            "baseline" => equal_structure(site, facts, &mut fresh, witnessed)?,
            "seed" => match &facts.init {
                Some(init) => {
                    let changed = same_structure(site, facts, &mut fresh)?;
                    equal_seeds(&fresh, init)?.into_iter().chain(changed).collect()
                }
                None => Vec::new(),
            },
            _ => Vec::new(),
        };
        if !findings.is_empty() {
            return Ok(findings);
        }
        fresh.pass_on()?;
    }
    let expected = site.catalog_of(&mut fresh.session)?;
    let Some(declared) = &facts.declared else { return Ok(Vec::new()) };
    if let Some(finding) = lost(site.dialect(), &facts.live, &expected) {
        return Ok(vec![finding]);
    }
    let mut comparison = declared.schema.compare(&expected, &declared.catalog);
    // What schema.ts does not speak of was looked at before, and is carried.
    comparison.only_from.clear();
    comparison
        .renamed
        .retain(|it| site.dialect() == Dialect::Postgres || it.from.kind == Kind::Index);
    if comparison.is_equal() {
        return Ok(Vec::new());
    }
    let finding = Finding::error(
        "follow-up-differs",
        "schema.ts",
        "the follow-up migration does not lead to what schema.ts declares; nothing was written",
    );
    Ok(vec![findings::differences(finding, &comparison)])
}

/// T49: a table that is made anew has only what its snapshot says; what live has beyond that would be gone.
fn lost(dialect: Dialect, live: &Catalog, after: &Catalog) -> Option<Finding> {
    let mut comparison = compare(Pair { from: live, to: after });
    // What schema.ts speaks of is compared with it, and order and labels are nobody's.
    let is_lost = |object: &Object, attribute: &str| {
        !["position", "name"].contains(&attribute) && !dialect.expresses(object, Some(attribute))
    };
    comparison.differs.retain_mut(|it| {
        let object = live.get(&it.id);
        it.attributes.retain(|lost| object.is_some_and(|it| is_lost(it, &lost.name)));
        !it.attributes.is_empty()
    });
    comparison.only_from.retain(|it| !is_constraint_now(it, after));
    if comparison.only_from.is_empty() && comparison.differs.is_empty() {
        return None;
    }
    let finding = Finding::error(
        "follow-up-loses",
        "schema.ts",
        "asks for a change that makes a table anew, and the new one would not have what schema.ts does not declare of it; nothing was written",
    );
    let gone = comparison.only_from.iter().map(|it| format!("lost: {}", it.id));
    let changed = comparison.differs.iter().flat_map(|it| {
        it.attributes.iter().map(move |lost| format!("lost: {} of {}", lost.name, it.id))
    });
    let finding = gone.chain(changed).fold(finding, Finding::evidence);
    Some(finding.next("declare it as live has it now, and make the change later, in a migration of your own that also makes these again"))
}

fn equal_structure(
    site: &mut Site,
    facts: &Facts,
    fresh: &mut ScratchDatabase,
    witnessed: &mut Option<Witnessed>,
) -> Result<Vec<Finding>> {
    let rebuilt = site.catalog_of(&mut fresh.session)?;
    let comparison = compare(Pair { from: &facts.live, to: &rebuilt });
    if let Some(finding) = refusal::of_difference(&comparison).filter(|_| !comparison.is_equal()) {
        return Ok(vec![finding]);
    }
    if !comparison.is_equal() {
        let finding = Finding::error(
            "baseline-differs",
            "baseline",
            "does not rebuild live; nothing was written",
        );
        return Ok(vec![findings::differences(finding, &comparison)]);
    }
    let (names, client) = (site.ledger_names(), site.client());
    let live = dump::schema_dump(&mut site.live, &site.dsn, &names, client.as_ref())?;
    let again = dump::schema_dump(&mut fresh.session, &fresh.dsn, &names, client.as_ref())?;
    let certified = Fingerprint::of_bytes(without_owners(again.clone()).text().as_bytes());
    let (live, again) = (site.owned(live).text(), site.owned(again).text());
    if live == again {
        *witnessed = Some(Witnessed {
            catalog: rebuilt.fingerprint(),
            dump: certified,
            scratch: fresh.session.identity()?.engine,
            client: dump::witness(&mut site.live, client.as_ref())?,
        });
        return Ok(Vec::new());
    }
    let finding = Finding::error(
        "baseline-dump-differs",
        "baseline",
        "rebuilds a database whose own dump differs from live's; nothing was written",
    );
    let changed = similar::TextDiff::from_lines(&live, &again);
    let lines = changed.iter_all_changes().filter(|it| it.tag() != similar::ChangeTag::Equal);
    Ok(vec![lines.take(40).fold(finding, |it, line| {
        it.evidence(format!("{}{}", line.tag(), line.value().trim_end()))
    })])
}

/// The seed migration switches triggers and checks off and on; everything has to be as it was.
fn same_structure(
    site: &Site,
    facts: &Facts,
    fresh: &mut ScratchDatabase,
) -> Result<Option<Finding>> {
    let after = site.catalog_of(&mut fresh.session)?;
    let comparison = compare(Pair { from: &facts.live, to: &after });
    if comparison.is_equal() {
        return Ok(None);
    }
    let finding = Finding::error(
        "seed-changes-structure",
        "seed",
        "leaves a database whose structure differs from live's; nothing was written",
    )
    .next(
        "look at the triggers and foreign keys named here, and report this with their definitions",
    );
    Ok(Some(findings::differences(finding, &comparison)))
}

/// T30: the rows that init.sql inserts have to be in every new database, volatile values aside.
fn equal_seeds(fresh: &ScratchDatabase, init: &Init) -> Result<Vec<Finding>> {
    // Values have to print as they did when the seeds were read.
    let mut session = Session::open(&fresh.dsn, Access::ReadOnly)?;
    let unequal = init.seeds.iter().filter_map(|table| {
        let evidence = match seed::difference(&mut session, table) {
            Ok(None) => return None,
            Ok(Some((wanted, found))) => {
                format!("init.sql inserts {wanted} rows, the migrations {found}")
            }
            Err(error) => error.to_string(),
        };
        let message = "a new database built from the seed migration has other rows than init.sql inserts; nothing was written";
        let finding = Finding::error("seed-replay-differs", table.id.to_string(), message);
        Some(finding.evidence(evidence).next(
            "look in live's table for what changes rows as they go in (another type, a trigger on another table), and let init.sql insert the rows as that leaves them",
        ))
    });
    Ok(unequal.collect())
}
