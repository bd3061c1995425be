//! The extensions of a baseline: in live's version, and from a server that has them.

use std::collections::BTreeMap;

use raingauge_schema::postgres::grammar::quote_literal;
use raingauge_schema::postgres::token::tokens;
use raingauge_schema::token::Cursor;
use raingauge_schema::{Catalog, Kind};

use super::Baseline;
use crate::connect::{Session, SqlError};
use crate::report::Finding;

/// What a server offers of one extension.
#[derive(Debug, Default)]
struct Offer {
    default: Option<String>,
    /// Every version, and whether a role that is no superuser may create it.
    versions: BTreeMap<String, bool>,
}

/// Whether live has extensions that a new database has not by itself.
pub(crate) fn any(live: &Catalog) -> bool {
    live.of_kind(Kind::Extension).any(|it| it.id.name() != "plpgsql")
}

/// Pins every extension to live's version where the server of `scratch` would take another one, and
/// finds what it cannot offer at all.
///
/// # Errors
/// If scratch cannot be asked.
pub(crate) fn fit(
    baseline: &mut Baseline,
    live: &Catalog,
    scratch: &mut Session,
) -> Result<(), SqlError> {
    let offers = offers(scratch)?;
    for extension in live.of_kind(Kind::Extension).filter(|it| it.id.name() != "plpgsql") {
        let (name, version) = (extension.id.name(), extension.get("version").unwrap_or_default());
        baseline.extensions.insert(name.to_owned(), version.to_owned());
        let Some(offer) = offers.get(name) else {
            baseline.findings.push(unavailable(name));
            continue;
        };
        match offer.versions.get(version) {
            None => baseline.findings.push(other_version(name, version, offer)),
            Some(_) if offer.default.as_deref() == Some(version) => {}
            Some(_) => pin(&mut baseline.statements, name, version),
        }
        if offer.versions.get(version) == Some(&false) {
            baseline.privileged.push(extension.id.to_string());
        }
    }
    Ok(())
}

fn offers(scratch: &mut Session) -> Result<BTreeMap<String, Offer>, SqlError> {
    let rows = scratch.rows(
        "select v.name, v.version, a.default_version, \
                not v.superuser or coalesce((pg_catalog.to_jsonb(v) ->> 'trusted')::boolean, false) \
         from pg_catalog.pg_available_extension_versions v \
         join pg_catalog.pg_available_extensions a on a.name = v.name",
    )?;
    let mut offers: BTreeMap<String, Offer> = BTreeMap::new();
    for row in rows {
        let [Some(name), Some(version), default, trusted] = row.as_slice() else { continue };
        let offer = offers.entry(name.clone()).or_default();
        offer.default.clone_from(default);
        offer.versions.insert(version.clone(), trusted.as_deref() == Some("t"));
    }
    Ok(offers)
}

/// `pg_dump` leaves the version to the server.
fn pin(statements: &mut [String], name: &str, version: &str) {
    let makes = |sql: &str| {
        let tokens = tokens(sql).unwrap_or_default();
        let mut it = Cursor::new(&tokens);
        it.eat("create extension if not exists")
            && it.bump().and_then(raingauge_schema::token::Token::identifier).as_deref()
                == Some(name)
    };
    if let Some(statement) = statements.iter_mut().find(|it| makes(it)) {
        statement.push_str(" VERSION ");
        statement.push_str(&quote_literal(version));
    }
}

const INSTALL: &str = "install its package on the machine of the scratch server, or name a server that has it: `--scratch URL`";

fn unavailable(name: &str) -> Finding {
    Finding::error(
        "extension-unavailable",
        format!("extension {name}"),
        "is not installed on the scratch server, so nobody can try whether the baseline rebuilds live; nothing was written",
    )
    .next(INSTALL)
}

fn other_version(name: &str, version: &str, offer: &Offer) -> Finding {
    let versions: Vec<_> = offer.versions.keys().map(String::as_str).collect();
    Finding::error(
        "extension-version",
        format!("extension {name}"),
        format!("has version {version} in live, which the scratch server does not offer; nothing was written"),
    )
    .evidence(format!("offered: {}", versions.join(", ")))
    .next(INSTALL)
}
