//! Live's baseline as it is going to be written: fitted to what its server has and to what a new
//! database has before it.

use std::collections::BTreeSet;

use raingauge_schema::Dialect;
use raingauge_schema::postgres::token::{identifier, tokens};
use raingauge_schema::token::Cursor;

use super::{Baseline, extensions, privilege};
use crate::connect::{Session, SqlError};
use crate::facts::Facts;
use crate::report::Finding;
use crate::site::Site;
use crate::{Error, Result, side};

/// The baseline of live, with what has to be said of it.
///
/// # Errors
/// If the engine's dump fails, or live or scratch cannot be asked.
pub(crate) fn of_live(site: &mut Site, facts: &Facts) -> Result<Baseline> {
    let mut baseline = side::live_baseline(site)?;
    if site.dialect() != Dialect::Postgres {
        return Ok(baseline);
    }
    let unreadable = |cause: SqlError| {
        Error::new("catalog-unreadable", "cannot read what the baseline needs").caused_by(cause)
    };
    if extensions::any(&facts.live) {
        let mut scratch = site.scratch.create("extensions")?;
        extensions::fit(&mut baseline, &facts.live, &mut scratch.session).map_err(unreadable)?;
    }
    if facts.prerequisites.is_some() {
        tolerate_schemas(&mut baseline);
    }
    refresh(&mut baseline, &mut site.live).map_err(unreadable)?;
    let allow = site.setting.allow.clone();
    let privileged = privilege::finding(&baseline, &mut site.live, &allow).map_err(unreadable)?;
    baseline.findings.extend(privileged);
    baseline.findings.extend(needs(&baseline));
    Ok(baseline)
}

/// The schemas may be there already where the prerequisites have run.
fn tolerate_schemas(baseline: &mut Baseline) {
    for statement in &mut baseline.statements {
        if let Some(name) = statement.strip_prefix("CREATE SCHEMA ") {
            *statement = format!("CREATE SCHEMA IF NOT EXISTS {name}");
        }
    }
}

/// `pg_dump -s` leaves materialized views unpopulated, and then nobody can read them. Those that live
/// has populated are populated, before event triggers look on.
fn refresh(baseline: &mut Baseline, live: &mut Session) -> Result<(), SqlError> {
    let sql = "select schemaname, matviewname from pg_catalog.pg_matviews where ispopulated";
    let rows = live.rows(sql)?.into_iter();
    let populated: BTreeSet<Vec<String>> =
        rows.map(|it| it.into_iter().flatten().collect()).collect();
    let made = baseline.statements.iter().filter_map(|statement| {
        let tokens = tokens(statement).ok()?;
        let mut it = Cursor::new(&tokens);
        it.eat("create materialized view").then(|| it.name(identifier))
    });
    let refreshes: Vec<_> = made
        .filter(|it| populated.contains(it))
        .map(|name| {
            let quoted = name.iter().map(|it| raingauge_schema::postgres::grammar::quote_ident(it));
            format!("REFRESH MATERIALIZED VIEW {}", quoted.collect::<Vec<_>>().join("."))
        })
        .collect();
    let ends = |it: &String| it.starts_with("CREATE EVENT TRIGGER ") || it.ends_with(" TO DEFAULT");
    let tail = baseline.statements.iter().rev().take_while(|it| ends(it)).count();
    let first_trigger =
        baseline.statements.iter().position(|it| it.starts_with("CREATE EVENT TRIGGER "));
    let at = first_trigger.unwrap_or(baseline.statements.len() - tail);
    baseline.statements.splice(at..at, refreshes);
    Ok(())
}

/// What a new database's server has to have before the baseline can run there, or for all of it.
fn needs(baseline: &Baseline) -> Option<Finding> {
    let extensions = baseline.extensions.iter().map(|(name, version)| {
        format!("extension {name}, version {version} in live: its package on the server")
    });
    let roles = baseline.roles.iter().map(|it| format!("role {it}: has to exist"));
    let others = baseline.grantees.difference(&baseline.roles);
    let others =
        others.map(|it| format!("role {it}: where it is missing, what it may do is left out"));
    let lines: Vec<_> = extensions.chain(roles).chain(others).collect();
    if lines.is_empty() {
        return None;
    }
    let finding = Finding::info(
        "prerequisites",
        "baseline",
        "rests on what belongs to the server and not to the database; the server of a new database has to have it beforehand",
    );
    Some(lines.into_iter().fold(finding, Finding::evidence))
}
