//! The upgrade, tried: its files are read back and replayed, its names are given in a scratch ledger, and
//! the rules of 1.0 say what would run.

use std::fs;
use std::path::Path;

use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::layout::{snapshot_path, sql_path};
use raingauge_schema::drizzle::ledger::{CreatedAt, LedgerRow, creation};
use raingauge_schema::{Dialect, Pair, compare};

use super::Upgrade;
use crate::check::ledger::standing;
use crate::connect::{Session, SqlError};
use crate::facts::Facts;
use crate::findings::differences;
use crate::history::History;
use crate::ledger::{self, Ledger, LedgerName};
use crate::report::{Finding, Severity};
use crate::site::Site;
use crate::{Error, Result, side};

/// What is not as it has to be after the upgrade, and the history as it is then.
pub(super) fn rehearse(
    site: &mut Site,
    facts: &Facts,
    upgrade: &Upgrade,
) -> Result<(Vec<Finding>, History)> {
    let folder = tempfile::tempdir().map_err(unwritable)?;
    let later = match upgrade.moves.is_empty() {
        true => site.project.history.clone(),
        false => written(site, upgrade, folder.path())?,
    };
    let mut findings: Vec<_> = later.findings.iter().filter(|it| is_error(it)).cloned().collect();
    findings.extend(unread(site, &later, upgrade));
    let ledger = named(site, facts, upgrade)?;
    let after = standing(site.dialect(), &later, ledger.as_ref(), site.setting.now);
    findings.extend(after.findings.iter().filter(|it| is_error(it)).cloned());
    if after.pending != facts.standing.pending || after.recorded != facts.standing.recorded {
        let finding = Finding::error(
            "upgrade-differs",
            "ledger",
            "1.0 would not run what 0.x would run; nothing was written",
        );
        let words = |what: &str, it: &[usize]| format!("{what}: {it:?}");
        findings.push(
            finding
                .evidence(words("pending for 0.x, by position", &facts.standing.pending))
                .evidence(words("pending for 1.0", &after.pending)),
        );
    }
    findings.extend(other_build(site, facts, later.clone())?);
    Ok((findings, later))
}

/// The files as they will be, read by the code that reads every history.
fn written(site: &Site, upgrade: &Upgrade, folder: &Path) -> Result<History> {
    for it in &upgrade.moves {
        let sql = (sql_path(Generation::V1, &it.folder), &it.sql);
        let snapshot = (snapshot_path(Generation::V1, &it.folder), &it.snapshot);
        for (path, text) in [sql, snapshot] {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(unwritable)?;
            fs::write(path, text).map_err(unwritable)?;
        }
    }
    History::read(folder, site.dialect(), Some(Generation::V1))
}

/// Snapshots that say other things once they are read than they were meant to say.
fn unread(site: &Site, later: &History, upgrade: &Upgrade) -> Vec<Finding> {
    let texts: Vec<_> = later.migrations.iter().filter_map(|it| it.snapshot.as_deref()).collect();
    let read = AnySnapshot::read_history(site.dialect(), Generation::V1, &texts);
    let differs = |(it, read): &(&super::Move, _)| match read {
        Ok(read) => !it.state.changed_rows(read).is_empty(),
        Err(_) => true,
    };
    let wrong = upgrade.moves.iter().zip(read).filter(differs);
    wrong
        .map(|(it, _)| {
            let message = "has a snapshot that 1.0 would read otherwise; nothing was written";
            Finding::error("upgrade-differs", it.tag.clone(), message)
                .next("report this with the snapshot of the migration")
        })
        .collect()
}

/// The ledger after the upgrade, made and changed in scratch.
fn named(site: &mut Site, facts: &Facts, upgrade: &Upgrade) -> Result<Option<Ledger>> {
    let name = site.project.ledger.clone();
    let Some(takeover) = &upgrade.takeover else {
        return Ok(facts.ledgers.iter().find(|it| it.name == name).cloned());
    };
    let mut scratch = site.scratch.create("upgrade")?;
    let rows: Vec<_> = takeover.rows.iter().map(|it| it.0.clone()).collect();
    tried_in(&mut scratch.session, &name, &rows, &takeover.statements)
        .map(Some)
        .map_err(scratch_broken)
}

pub(crate) fn scratch_broken(cause: SqlError) -> Error {
    Error::new("scratch-broken", "the ledger cannot be changed in scratch").caused_by(cause)
}

/// A ledger of 0.x with these rows, made in scratch, after these statements.
pub(crate) fn tried_in<'a>(
    session: &mut Session,
    name: &LedgerName,
    rows: &[LedgerRow],
    statements: impl IntoIterator<Item = &'a String>,
) -> std::result::Result<Ledger, SqlError> {
    let dialect = session.dialect();
    for sql in creation(dialect, Generation::V0, &name.schema, &name.table) {
        session.run(&sql)?;
    }
    for row in rows {
        session.run(&inserted(dialect, name, row))?;
    }
    statements.into_iter().try_for_each(|it| session.run(it))?;
    ledger::read(session, name)
}

fn inserted(dialect: Dialect, name: &LedgerName, row: &LedgerRow) -> String {
    let literal = |text: &str| dialect.quote_literal(text);
    let when = match &row.created_at {
        CreatedAt::Millis(it) => it.to_string(),
        CreatedAt::Real(it) => it.to_string(),
        CreatedAt::Text(it) => literal(it),
        CreatedAt::Null | CreatedAt::Blob => "NULL".to_owned(),
    };
    let (columns, values) = match row.id {
        Some(id) => ("id, ", format!("{id}, ")),
        None => ("", String::new()),
    };
    let hash = literal(&row.hash);
    format!(
        "INSERT INTO {} ({columns}hash, created_at) VALUES ({values}{hash}, {when})",
        name.quoted_in(dialect)
    )
}

/// A new database, built from the new files, has to be what the old ones build.
fn other_build(site: &mut Site, facts: &Facts, later: History) -> Result<Vec<Finding>> {
    let n = later.migrations.len();
    let earlier = std::mem::replace(&mut site.project.history, later);
    let prerequisites = facts.prerequisites.as_ref();
    let built = side::history(site, &facts.live, prerequisites, &|at| at == n);
    site.project.history = earlier;
    let (states, told) = built?;
    let mut findings: Vec<_> = told.into_iter().filter(is_error).collect();
    let end = facts.states.get(facts.states.n_ran());
    if let (Some(from), Some(to)) = (end, states.get(n)) {
        let comparison = compare(Pair { from, to });
        if !comparison.is_equal() {
            let finding = Finding::error(
                "upgrade-differs",
                "history",
                "the folders do not build what the journal's files build; nothing was written",
            );
            findings.push(differences(finding, &comparison));
        }
    }
    Ok(findings)
}

fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

pub(crate) fn unwritable(cause: std::io::Error) -> Error {
    Error::new("scratch-broken", "cannot write the new files to a temporary folder")
        .caused_by(cause)
}
