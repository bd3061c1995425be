//! T66: whether the server that answers is the one that is meant, as far as its port tells.

use std::path::Path;

use raingauge_schema::Unseen;

use crate::connect::dsn::PgTarget;
use crate::connect::pooler::{Link, other_address};
use crate::connect::{Dsn, Session};
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

/// Parameters of the address that nobody here knows. A wrong name of a right one looks the same.
pub fn ignored_parameters(dsn: &Dsn) -> Option<Finding> {
    let ignored = match dsn {
        Dsn::Postgres(target) => &target.remarks.ignored,
        Dsn::MySql(target) => &target.ignored,
        Dsn::Sqlite(_) => return None,
    };
    // Only what looks like a name is repeated: a password with an unescaped `?` may have ended up here.
    let is_name = |it: &&String| it.chars().all(|it| it.is_ascii_lowercase() || it == '_');
    let names: Vec<_> = ignored.iter().filter(is_name).map(|it| format!("`{it}`")).collect();
    let what = if names.is_empty() { "with other names".to_owned() } else { names.join(", ") };
    let finding = Finding::warning(
        "url-parameter-ignored",
        dsn.to_string(),
        format!("has parameters that raingauge does not know and did not use: {what}"),
    );
    let finding = finding.next("correct the name, or leave it: other programs may read it");
    (!ignored.is_empty()).then_some(finding)
}

/// T36: what a transaction pooler keeps from us.
pub fn behind_pooler(session: &Session) -> Option<Unseen> {
    let Session::Postgres(session) = session else { return None };
    let Link::Shared(how) = session.link() else { return None };
    Some(Unseen {
        what: "what `pg_dump` and schema.ts tell of live".to_owned(),
        why: format!(
            "{} is a pooler in transaction mode ({how}), and a dump through it would leave its settings in other programs' sessions; {}",
            session.target(),
            other_address(session.target())
        ),
        grant: None,
    })
}

fn assumed(dsn: &Dsn) -> Option<&PgTarget> {
    match dsn {
        Dsn::Postgres(target) if target.port_assumed => Some(target),
        Dsn::Postgres(_) | Dsn::MySql(_) | Dsn::Sqlite(_) => None,
    }
}
