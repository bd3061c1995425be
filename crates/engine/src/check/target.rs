//! T66: whether the server that answers is the one that is meant, as far as its port tells.

use std::path::Path;

use crate::connect::Dsn;
use crate::connect::dsn::PgTarget;
use crate::initsql::published;
use crate::report::Finding;
use crate::{Error, Result};

/// Nobody named a port, so whichever server has the usual one answers.
pub fn port_assumed(dsn: &Dsn) -> Option<Finding> {
    let target = assumed(dsn)?;
    let finding = Finding::warning(
        "port-assumed",
        dsn.to_string(),
        format!(
            "no port was given, so {} was assumed, and whichever server listens there answers",
            target.port
        ),
    );
    Some(finding.next("compare what the report says of the database with the one that you mean, then write the port into the configuration"))
}

/// Refuses to ask a server of this machine on the assumed port when the project's compose files put
/// PostgreSQL on another one.
///
/// # Errors
/// A refusal `port-mismatch`.
pub fn refuse_other_port(dsn: &Dsn, root: &Path) -> Result<()> {
    let Some(target) = assumed(dsn).filter(|it| it.is_local() && !it.is_socket()) else {
        return Ok(());
    };
    let published = published(root);
    let Some(first) = published.first() else { return Ok(()) };
    if published.iter().any(|it| it.port == target.port) {
        return Ok(());
    }
    Err(Error::refusal(
        "port-mismatch",
        format!(
            "no port was given, so {} was assumed, but service `{}` of `{}` puts PostgreSQL on port {}; nothing was asked or changed",
            target.port, first.service, first.file, first.port
        ),
    )
    .next(format!("write the port of the database that you mean into its URL or `dbCredentials`: {} or {}", first.port, target.port)))
}

fn assumed(dsn: &Dsn) -> Option<&PgTarget> {
    match dsn {
        Dsn::Postgres(target) if target.port_assumed => Some(target),
        Dsn::Postgres(_) | Dsn::Sqlite(_) => None,
    }
}
