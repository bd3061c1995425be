//! Named locks of MySQL and MariaDB: the server releases them when the connection ends that took them.
//!
//! The session that works holds one of its own: what a killed run began may go on in the server long after
//! its lock is gone, and nobody is to come in between.

use std::thread::sleep;
use std::time::{Duration, Instant};

use raingauge_schema::Fingerprint;
use raingauge_schema::mysql::grammar::quote_literal;

use super::held_by;
use crate::connect::dsn::mysql::MySqlTarget;
use crate::connect::{Access, MySqlSession, SqlError};
use crate::{Error, Result};

/// How long the server keeps a session that is idle, as the lock's is while another one works.
const STAYS: &str = "set session wait_timeout = 2147483";

/// What a lock keeps others from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Being a runner at all; on a connection of its own.
    Runner,
    /// Changing the database; on the connection that does.
    Work,
}

impl Purpose {
    /// One name for each database of the server, whatever its length. A name may have 64 characters.
    fn name(self, database: &str) -> String {
        let word = match self {
            Self::Runner => "raingauge",
            Self::Work => "raingauge_at_work",
        };
        let hash: String =
            Fingerprint::of_bytes(database.as_bytes()).as_str().chars().take(32).collect();
        format!("{word}:{hash}")
    }
}

/// Opens a session that holds the lock of runners.
pub(super) fn hold(target: &MySqlTarget, wait: Duration) -> Result<MySqlSession> {
    let mut session = MySqlSession::open(target, Access::ReadWrite)?;
    session.run(STAYS).map_err(broken)?;
    take(&mut session, Purpose::Runner, wait)?;
    Ok(session)
}

/// Makes a session one that changes the database: with the settings that mysql2 begins with, and nobody
/// else at work.
///
/// # Errors
/// As [`take`].
pub(crate) fn begin_work(session: &mut MySqlSession, wait: Duration) -> Result<()> {
    let names = "set names utf8mb4 collate utf8mb4_unicode_ci";
    session.run(&format!("{names}; {STAYS}")).map_err(broken)?;
    take(session, Purpose::Work, wait)
}

/// Takes the lock for a session, or waits for it, not longer than `wait`.
///
/// # Errors
/// A refusal `lock-held` that names the owner; or if the connection breaks.
fn take(session: &mut MySqlSession, purpose: Purpose, wait: Duration) -> Result<()> {
    until(session, purpose, wait, "get_lock({name}, 0)")
}

/// Waits until nobody holds the lock, not longer than `wait`.
///
/// # Errors
/// As [`take`].
pub(crate) fn wait_until_free(
    session: &mut MySqlSession,
    purpose: Purpose,
    wait: Duration,
) -> Result<()> {
    until(session, purpose, wait, "is_free_lock({name})")
}

fn until(session: &mut MySqlSession, purpose: Purpose, wait: Duration, asked: &str) -> Result<()> {
    let database = database(session).map_err(broken)?;
    let name = quote_literal(&purpose.name(&database));
    let attempt = format!("select {}", asked.replace("{name}", &name));
    let deadline = Instant::now() + wait;
    loop {
        if first(session, &attempt).map_err(broken)?.as_deref() == Some("1") {
            return Ok(());
        }
        if deadline < Instant::now() {
            let owner = owner(session, &name).unwrap_or_else(|| "another session".to_owned());
            return Err(held_by(&owner, wait));
        }
        sleep(Duration::from_millis(100).min(wait));
    }
}

/// The connection that holds the lock, by its number.
pub(crate) fn holder(
    session: &mut MySqlSession,
    purpose: Purpose,
) -> Result<Option<String>, SqlError> {
    let name = quote_literal(&purpose.name(&database(session)?));
    first(session, &format!("select is_used_lock({name})"))
}

/// The database as the server knows it: where it does not tell capitals apart, one name stands for all.
fn database(session: &mut MySqlSession) -> Result<String, SqlError> {
    let sql = "select if(@@lower_case_table_names = 0, database(), lower(database()))";
    Ok(first(session, sql)?.unwrap_or_default())
}

/// Who holds it. Without a grant for it, an account sees its own sessions alone.
fn owner(session: &mut MySqlSession, name: &str) -> Option<String> {
    let id = first(session, &format!("select is_used_lock({name})")).ok()??;
    let rows = session.rows("show processlist").unwrap_or_default();
    let row = rows.into_iter().find(|it| it.first().is_some_and(|it| *it == Some(id.clone())));
    let mut values = row.into_iter().flatten().skip(1);
    Some(match (values.next().flatten(), values.next().flatten()) {
        (Some(user), Some(host)) => format!("connection {id} of `{user}` from {host}"),
        _ => format!("connection {id}"),
    })
}

fn first(session: &mut MySqlSession, sql: &str) -> Result<Option<String>, SqlError> {
    Ok(session.rows(sql)?.into_iter().flatten().next().flatten())
}

fn broken(cause: SqlError) -> Error {
    Error::new("lock-failed", "cannot ask for the lock of the server").caused_by(cause)
}

#[cfg(test)]
mod tests {
    use super::Purpose;

    #[test]
    fn a_name_is_short_enough_and_of_one_database() {
        let name = |database: &str| Purpose::Work.name(database);
        assert!(name(&"d".repeat(64)).len() <= 64);
        assert_ne!(name("shop"), name("shop2"));
        assert_ne!(name("shop"), Purpose::Runner.name("shop"));
    }
}
