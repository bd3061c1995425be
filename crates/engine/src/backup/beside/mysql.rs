//! MySQL and MariaDB: a database of their own, filled from the backup's dump.
//!
//! What is made is there at once, since no transaction holds it. So the copies are made and compared in a
//! database whose name says that they are unfinished, and move all at once when they are equal. A run that is
//! killed leaves that one, and the next takes another.

use raingauge_schema::mysql::grammar::quote_ident;

use super::super::{Backup, mysql};
use super::{Copy, Filling, differing};
use crate::connect::dsn::mysql::MySqlTarget;
use crate::connect::{Access, Dsn, MySqlSession, Session, SqlError};
use crate::digest::{self, TableDigest, TableName};
use crate::leftover::{self, Leftover};
use crate::progress::Progress;
use crate::{Error, Result};

/// What stands behind the name until all is equal.
const UNFINISHED: &str = "_unfinished";

/// A database that is not there yet.
pub(super) fn names(
    live: &mut Session,
    stamp: &str,
    tables: Vec<TableDigest>,
) -> Result<(String, Vec<Copy>)> {
    let sql = "select lower(schema_name) from information_schema.schemata";
    let taken = live.rows(sql).map_err(|it| refused("databases", it))?;
    let taken: Vec<_> = taken.into_iter().flatten().flatten().collect();
    let numbered = (2..).map(|n| format!("{stamp}_{n}"));
    let mut candidates = std::iter::once(stamp.to_owned()).chain(numbered);
    let is_free =
        |it: &String| !taken.contains(it) && !taken.contains(&format!("{it}{UNFINISHED}"));
    let place = candidates.find(is_free).expect("numbers do not end");
    let copy = |table: TableDigest| Copy { to: TableName::new(&place, &table.name.table), table };
    let copies = tables.into_iter().map(copy).collect();
    Ok((place, copies))
}

/// Makes the database with its tables, fills and compares them, and only then gives it its name.
pub(super) fn fill(
    live: &MySqlTarget,
    filling: &Filling<'_>,
    progress: &mut dyn Progress,
) -> Result<()> {
    let Filling { beside, client, .. } = *filling;
    let Backup { path, manifest } = &beside.backup;
    let unfinished = format!("{}{UNFINISHED}", beside.place);
    let admin = live.with_database("");
    let mut session = MySqlSession::open(&admin, Access::ReadWrite)?;
    let make = mysql::create_database(&unfinished, &manifest.settings);
    let ((), _made) = leftover::make(|| session.run(&make), |()| database(&admin, &unfinished))
        .map_err(|it| not_allowed(it, &beside.place))?;
    let tables: Vec<_> = beside.copies.iter().map(|it| it.table.name.table.clone()).collect();
    let to = live.with_database(&unfinished);
    let loading = mysql::Loading { folder: path, manifest, client };
    let filled = mysql::load_tables(&loading, &to, &tables).and_then(|()| {
        progress.boundary("restore/table-filled");
        progress.begin("comparing the copies");
        compare(&to, &beside.copies)?;
        progress.boundary("restore/tables-proven");
        put_in_place(&mut session, beside.place.as_str(), &tables, &manifest.settings)
    });
    // Empty by now, or of no use.
    let gone = session.run(&format!("drop database if exists {}", quote_ident(&unfinished)));
    filled?;
    gone.map_err(|it| refused("the end", it))?;
    progress.boundary("restore/tables-in-place");
    Ok(())
}

fn compare(to: &MySqlTarget, copies: &[Copy]) -> Result<()> {
    let mut session = MySqlSession::open(to, Access::ReadOnly)?;
    let names: Vec<_> = copies.iter().map(|it| it.table.name.clone()).collect();
    differing(copies, &digest::mysql::digests(&mut session, &names)?)
}

fn database(admin: &MySqlTarget, name: &str) -> Leftover {
    Leftover::Database {
        admin: Box::new(Dsn::MySql(Box::new(admin.clone()))),
        name: name.to_owned(),
    }
}

/// All tables move at once, and the database stays that they move to; or a signal comes first, and neither happens.
fn put_in_place(
    session: &mut MySqlSession,
    place: &str,
    tables: &[String],
    settings: &std::collections::BTreeMap<String, String>,
) -> Result<()> {
    let make = mysql::create_database(place, settings);
    let admin = session.target().clone();
    let ((), made) = leftover::make(|| session.run(&make), |()| database(&admin, place))
        .map_err(|it| not_allowed(it, place))?;
    let (from, to) = (quote_ident(&format!("{place}{UNFINISHED}")), quote_ident(place));
    let moves = tables.iter().map(|it| {
        let table = quote_ident(it);
        format!("{from}.{table} to {to}.{table}")
    });
    let rename = format!("rename table {}", moves.collect::<Vec<_>>().join(", "));
    made.settle(|| session.run(&rename)).map_err(|cause| {
        let _ = session.run(&format!("drop database if exists {to}"));
        refused("their names", cause)
    })
}

fn refused(what: &str, cause: SqlError) -> Error {
    let message = format!("the server refused the copies ({what}); live is as before");
    Error::new("restore-failed", message).caused_by(cause)
}

fn not_allowed(cause: SqlError, place: &str) -> Error {
    let message = format!("cannot make a database `{place}` for the copies; live is as before");
    Error::new("restore-failed", message)
        .caused_by(cause)
        .next("give the account all rights on databases of such a name: `GRANT ALL ON `restored\\_%`.* TO …`")
}
