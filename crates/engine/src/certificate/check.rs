//! Holds a certificate against what is there now: files, ledger, a new replay, live.
//!
//! What was certified stays true of the past when later migrations have run: then the certified ones are
//! replayed alone, and live is compared with the whole history, as `validate` does anyway.

use std::fs;

use raingauge_schema::Fingerprint;
use raingauge_schema::drizzle::journal::Journal;
use raingauge_schema::drizzle::layout::JOURNAL_PATH;

use super::document::{Certificate, FileRecord};
use super::issue::row;
use super::record::CatalogRecord;
use crate::baseline::roles::without_owners;
use crate::facts::Facts;
use crate::project::Project;
use crate::report::{Finding, Severity};
use crate::site::Site;
use crate::{Error, Result, dump, findings, side};

/// One check with what it found; an error among that means that it failed.
#[derive(Debug)]
pub struct Check {
    pub name: &'static str,
    pub findings: Vec<Finding>,
}

/// Checks everything that a certificate says.
///
/// # Errors
/// If scratch cannot be had or the engine's dump fails.
pub fn check(site: &mut Site, facts: &Facts, certificate: &Certificate) -> Result<Vec<Check>> {
    let mut checks = vec![check_files(&site.project, certificate)];
    checks.push(Check {
        name: "the ledger has the certified rows",
        findings: ledger(facts, certificate).into_iter().collect(),
    });
    let mut replay = Check { name: "a replay builds what was certified", findings: Vec::new() };
    if has_failed(&checks[0]) {
        // Other files would build something else, and that says nothing of the certified ones.
        replay.findings.push(not_replayed(certificate));
    } else {
        replay.findings = replayed(site, facts, certificate)?;
    }
    checks.push(replay);
    let mut live = Check { name: "live is what was certified", findings: Vec::new() };
    match facts.standing.recorded.len().saturating_sub(certificate.n_certified()) {
        0 => live.findings = live_differences(site, facts, certificate)?,
        n => live.findings.push(moved_on(certificate, n)),
    }
    checks.push(live);
    explain_versions(site, certificate, &mut checks);
    Ok(checks)
}

/// Refuses a certificate of another database: nothing that it says can hold for this one.
///
/// # Errors
/// A refusal `certificate-other-database`.
pub fn refuse_other_database(site: &Site, certificate: &Certificate) -> Result<()> {
    let (about, name) = (&certificate.database, &site.identity.database);
    let dialect = site.dialect().drizzle_name();
    if about.dialect == dialect && about.name == *name {
        return Ok(());
    }
    Err(Error::refusal(
        "certificate-other-database",
        format!(
            "the certificate is about the {} database `{}`, and this is the {dialect} database `{name}`; nothing was checked",
            about.dialect, about.name
        ),
    )
    .next("name the certified one with `--url`, or the certificate of this one with `--certificate`"))
}

/// Checks the files of the history alone; needs no database.
pub fn check_files(project: &Project, certificate: &Certificate) -> Check {
    let folder = &project.history.folder;
    let is_changed = |it: &&FileRecord| {
        let bytes = fs::read(folder.join(&it.path)).ok();
        let is_same = bytes.is_some_and(|bytes| Fingerprint::of_bytes(&bytes) == it.sha256);
        let has_grown = it.path == JOURNAL_PATH && has_only_grown(project, certificate);
        !is_same && !has_grown
    };
    let told = |it: &FileRecord| match fs::metadata(folder.join(&it.path)) {
        Ok(found) => format!("{}: {} bytes certified, {} found", it.path, it.bytes, found.len()),
        Err(_) => format!("{}: certified, and not there", it.path),
    };
    let changed: Vec<_> = certificate.history.files.iter().filter(is_changed).map(told).collect();
    let finding = Finding::error(
        "certificate-files-differ",
        folder.display().to_string(),
        "has other files than were certified",
    )
    .next("restore them from version control: databases have recorded what they were");
    let finding =
        (!changed.is_empty()).then(|| changed.into_iter().fold(finding, Finding::evidence));
    Check {
        name: "the history's files are those that were certified",
        findings: finding.into_iter().collect(),
    }
}

/// A journal to which later migrations were added says of the certified ones what it said then.
fn has_only_grown(project: &Project, certificate: &Certificate) -> bool {
    let n = certificate.history.migrations.len();
    let Some(journal) = project.history.journal.as_ref().filter(|it| n < it.entries.len()) else {
        return false;
    };
    let entries = journal.entries.iter().take(n).cloned().collect();
    let then = Journal { entries, ..journal.clone() };
    Fingerprint::of_bytes(then.write().as_bytes()) == certificate.history.entries
}

fn ledger(facts: &Facts, certificate: &Certificate) -> Option<Finding> {
    let certified = &certificate.ledger;
    let found = facts
        .ledgers
        .iter()
        .find(|it| it.name.schema == certified.schema && it.name.table == certified.table);
    let rows: Vec<_> = found.into_iter().flat_map(|it| &it.rows).map(row).collect();
    if rows.starts_with(&certified.rows) {
        return None;
    }
    let shown = |it: Option<&super::RowRecord>| match it {
        Some(row) => format!("{} {}", row.created_at.unwrap_or_default(), row.hash),
        None => "nothing".to_owned(),
    };
    let finding = Finding::error(
        "certificate-ledger-differs",
        "ledger",
        "does not begin with the rows that were certified",
    );
    let differing = certified.rows.iter().enumerate().filter(|(at, it)| rows.get(*at) != Some(*it));
    let finding = differing.fold(finding, |finding, (at, it)| {
        let found = shown(rows.get(at));
        finding.evidence(format!("row {}: {} certified, {found} found", at + 1, shown(Some(it))))
    });
    Some(finding.next("find out who wrote to the ledger; nothing was changed"))
}

fn replayed(site: &mut Site, facts: &Facts, certificate: &Certificate) -> Result<Vec<Finding>> {
    let mut rebuilt =
        side::rebuild(site, &facts.live, facts.prerequisites.as_ref(), certificate.n_certified())?;
    if let Some(stopped) = rebuilt.stopped {
        return Ok(vec![stopped]);
    }
    let catalog = CatalogRecord::of(&site.catalog_of(&mut rebuilt.database.session)?);
    let mut found = Vec::new();
    let differences = certificate.live.differences(&catalog);
    if !differences.is_empty() || catalog.fingerprint != certificate.replay.fingerprint {
        let finding = Finding::error(
            "certificate-replay-differs",
            certificate.position(),
            "builds something else in scratch than was certified",
        );
        found.push(findings::with_lines(finding, differences));
    }
    let (names, client) = (site.ledger_names(), site.client());
    let (session, dsn) = (&mut rebuilt.database.session, &rebuilt.database.dsn);
    let text = without_owners(dump::schema_dump(session, dsn, &names, client.as_ref())?).text();
    if Fingerprint::of_bytes(text.as_bytes()) != certificate.dump.rebuilt {
        let message = "builds a database whose own dump is not the one that was certified";
        found.push(dump_differs(site, certificate, certificate.position(), message)?);
    }
    Ok(found)
}

fn live_differences(
    site: &mut Site,
    facts: &Facts,
    certificate: &Certificate,
) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let differences = certificate.live.differences(&CatalogRecord::of(&facts.live));
    if !differences.is_empty() {
        let finding =
            Finding::error("certificate-live-differs", "live", "is not what was certified")
                .next("raingauge analyze: shows what each object is and what its history says");
        found.push(findings::with_lines(finding, differences));
    }
    if !facts.live.unseen.is_empty() {
        // The dump needs to lock what cannot be seen; that is a finding of its own already.
        return Ok(found);
    }
    let (names, client) = (site.ledger_names(), site.client());
    let dump = dump::schema_dump(&mut site.live, &site.dsn, &names, client.as_ref())?;
    let text = without_owners(dump).text();
    if Fingerprint::of_bytes(text.as_bytes()) != certificate.dump.live {
        let message = "has an own dump that is not the one that was certified";
        found.push(dump_differs(site, certificate, "live", message)?);
    }
    Ok(found)
}

fn dump_differs(
    site: &mut Site,
    certificate: &Certificate,
    subject: &str,
    message: &str,
) -> Result<Finding> {
    let client = site.client();
    let now = dump::witness(&mut site.live, client.as_ref())?;
    let finding = Finding::error("certificate-dump-differs", subject, message);
    let then = &certificate.versions.client;
    Ok(if now == *then {
        finding
    } else {
        finding.evidence(format!("{then} wrote it then, {now} now; their texts may differ"))
    })
}

fn moved_on(certificate: &Certificate, n: usize) -> Finding {
    let migrations = if n == 1 { "1 migration".to_owned() } else { format!("{n} migrations") };
    Finding::info(
        "certificate-older",
        "history",
        format!(
            "has moved on by {migrations}; what the certificate proves is that the history up to `{}` rebuilds what live was on {}. Live of today is compared with the whole history",
            certificate.position(),
            certificate.written.strftime("%Y-%m-%d")
        ),
    )
}

fn not_replayed(certificate: &Certificate) -> Finding {
    Finding::error(
        "certificate-not-replayed",
        certificate.position(),
        "was not replayed, because the certified files are not there any more",
    )
    .next("restore them from version control, then run the command again")
}

/// Fingerprints and dumps of other versions need not be equal, so a difference may mean nothing else.
fn explain_versions(site: &Site, certificate: &Certificate, checks: &mut [Check]) {
    let then = &certificate.versions;
    let ours = env!("CARGO_PKG_VERSION");
    let major = |engine: &str| engine.split('.').next().unwrap_or_default().to_owned();
    let is_same = then.raingauge == ours && major(&then.live) == major(&site.identity.engine);
    let Some(last) = checks.last().filter(|_| !is_same).map(|it| it.name) else { return };
    let message = format!(
        "was written by raingauge {} on {}; this is raingauge {ours} on {}",
        then.raingauge, then.live, site.identity.engine
    );
    let witnesses =
        ["certificate-replay-differs", "certificate-live-differs", "certificate-dump-differs"];
    let differs = checks.iter().flat_map(|it| &it.findings).any(|it| witnesses.contains(&it.code));
    let finding = if differs {
        Finding::error(
            "certificate-other-version",
            "certificate",
            format!("{message}, and what two versions say of one database need not be equal"),
        )
        .next(format!(
            "check it with the one that wrote it: npx raingauge@{} validate --certificate …",
            then.raingauge
        ))
    } else {
        Finding::info(
            "certificate-other-version",
            "certificate",
            format!("{message}; all that was compared is equal nevertheless"),
        )
    };
    checks.iter_mut().filter(|it| it.name == last).for_each(|it| it.findings.push(finding.clone()));
}

fn has_failed(check: &Check) -> bool {
    check.findings.iter().any(|it| it.severity == Severity::Error)
}
