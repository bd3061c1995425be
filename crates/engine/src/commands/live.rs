//! `analyze --live`: the database alone, without a project, without scratch.

use std::collections::BTreeMap;
use std::ops::Range;

use raingauge_schema::{Catalog, Dialect, Fingerprint};

use crate::connect::{Access, Dsn, Session};
use crate::facts::{kept_whole, unseen};
use crate::ledger::{self, LedgerName};
use crate::progress::Progress;
use crate::project::Project;
use crate::report::{Report, Section};
use crate::setting::Setting;
use crate::site::{describe, one_server};
use crate::{Error, Result, introspect};

/// Says what is in the database, and what the role cannot see of it. Writes nothing, and asks the
/// project only where the database is, if the setting does not say it.
///
/// # Errors
/// If nothing says where the database is, or it cannot be reached.
pub fn analyze_live(setting: &Setting, progress: &mut dyn Progress) -> Result<Report> {
    let (dsn, ledger) = target(setting)?;
    let dsn = one_server(dsn)?;
    let mut live = Session::open(&dsn, Access::ReadOnly)?;
    let identity = live.identity()?.of(&dsn);
    let mut ledgers = ledger::find(&mut live, &ledger).map_err(|cause| {
        Error::new("catalog-unreadable", "cannot look for the ledger").caused_by(cause)
    })?;
    ledgers.push(ledger);
    progress.begin("reading the live catalog");
    let catalog = introspect::catalog(&mut live, &ledgers)?;
    let mut report = describe("analyze", &dsn, &identity, &live);
    report.sections.push(objects(dsn.dialect(), &catalog));
    report.findings.extend(unseen(&catalog));
    report.findings.extend(kept_whole(&catalog));
    Ok(report)
}

/// Where live is, and which table is its ledger.
fn target(setting: &Setting) -> Result<(Dsn, LedgerName)> {
    let Some(url) = setting.url.as_ref() else {
        let project = Project::load(setting)?;
        return Ok((project.target(setting)?, project.ledger));
    };
    // `host=… dbname=…` is an address too.
    let is_pairs = url.contains('=');
    let otherwise = if is_pairs { Dialect::Postgres } else { Dialect::Sqlite };
    let dialect = Dsn::engine_of(url).unwrap_or(otherwise);
    let dsn = Dsn::parse_in(url, dialect, &setting.env)?.within(&setting.root);
    Ok((dsn, LedgerName::usual(dialect)))
}

/// How many objects of each kind there are, how many of them Drizzle can express, and their hash.
fn objects(dialect: Dialect, catalog: &Catalog) -> Section {
    let mut section = Section::new(
        "objects",
        "what is in the database",
        &["kind", "number", "in Drizzle's words", "fingerprint"],
    );
    let mut kinds: BTreeMap<_, (usize, usize, Range<usize>)> = BTreeMap::new();
    let mut each = Vec::with_capacity(catalog.len());
    // Objects come kind by kind.
    for (at, object) in catalog.objects().enumerate() {
        let new = || (0, 0, at..at);
        let (n, n_expressed, range) = kinds.entry(object.id.kind).or_insert_with(new);
        *n += 1;
        *n_expressed += usize::from(dialect.expresses(object, None));
        range.end = at + 1;
        each.push(object.fingerprint());
    }
    let hash =
        |of: &[Fingerprint]| Fingerprint::of_parts(of.iter().map(Fingerprint::as_str)).short();
    for (kind, (n, n_expressed, range)) in kinds {
        let (n, n_expressed) = (n.to_string(), n_expressed.to_string());
        section.push([kind.word().to_owned(), n, n_expressed, hash(&each[range])]);
    }
    section.push(["everything", &catalog.len().to_string(), "", &hash(&each)]);
    section
}
