//! Reads the catalog of a MySQL or MariaDB database: one round trip for what sets tell, then one for each
//! few hundred texts.
//!
//! The server has no snapshot of its catalog. What vanishes between the two reads shows as an error about
//! an object that is not there, and then everything is read once more.

use raingauge_schema::Catalog;
use raingauge_schema::mysql::catalog::{Assembly, script};

use super::unreadable;
use crate::connect::mysql::MySqlSession;
use crate::{Error, Result};

/// How many statements go out together.
const TOGETHER: usize = 200;

/// How often a database that changes meanwhile is read.
const ATTEMPTS: usize = 3;

/// No such table, view, routine or sequence.
const VANISHED: [&str; 5] = ["1146", "1305", "1347", "4091", "4031"];

/// The account may not see it, or it is broken and the server cannot print it.
const HIDDEN: [&str; 6] = ["1142", "1143", "1227", "1356", "1370", "1419"];

/// The catalog without the tables that `ledgers` names.
///
/// # Errors
/// If the connection breaks, the server is too old, or the database changes all the time. What the account
/// may not see is in [`Catalog::unseen`].
pub fn catalog(session: &mut MySqlSession, ledgers: &[&str]) -> Result<Catalog> {
    let server = session.server();
    if !server.is_supported() {
        let version = server.version.map(|it| it.to_string()).join(".");
        return Err(Error::new(
            "mysql-too-old",
            format!(
                "the server is {} {version}; raingauge reads MySQL 8.0.16 and MariaDB 10.5 and later",
                server.flavour.name()
            ),
        )
        .next("move the database to a supported version first"));
    }
    for _ in 0..ATTEMPTS {
        if let Some(catalog) = attempt(session, ledgers)? {
            return Ok(catalog);
        }
    }
    Err(unreadable().next(
        "objects vanish while they are read: wait until the structure of the database is at rest",
    ))
}

/// Reads everything once. `None` if something vanished meanwhile.
fn attempt(session: &mut MySqlSession, ledgers: &[&str]) -> Result<Option<Catalog>> {
    let rows = session.rows("select database()").map_err(|it| unreadable().caused_by(it))?;
    let Some(database) = rows.into_iter().flatten().flatten().next() else {
        return Err(Error::new("mysql-database-missing", "the database URL names no database")
            .next("write it as `mysql://user:password@host:3306/database`"));
    };
    let mut assembly = Assembly::new(session.server(), &database);
    let mut outcome = Ok(());
    let sent = session.each_row(&script(session.server()), |_, row| {
        if outcome.is_ok() {
            outcome = assembly.push(row);
        }
    });
    sent.map_err(|it| unreadable().caused_by(it))?;
    outcome.map_err(|it| unreadable().caused_by(it))?;
    match read_texts(session, &mut assembly)? {
        true => Ok(Some(assembly.finish(ledgers))),
        false => Ok(None),
    }
}

/// Asks for all texts. A statement that is refused ends what was sent together; the rest goes out anew.
fn read_texts(session: &mut MySqlSession, assembly: &mut Assembly) -> Result<bool> {
    let statements = assembly.statements();
    let mut from = 0;
    while from < statements.len() {
        let together = statements.iter().skip(from).take(TOGETHER);
        let sent: Vec<_> = together.map(String::as_str).collect();
        let mut n_read = 0;
        let outcome = session.each_text(&sent.join(";\n"), |n, row| {
            n_read = n + 1;
            assembly.push_text(from + n, row);
        });
        from += n_read;
        match outcome {
            Ok(()) => {}
            Err(error) if VANISHED.contains(&error.state.as_str()) => return Ok(false),
            Err(error) if HIDDEN.contains(&error.state.as_str()) => {
                assembly.refuse_text(from, &error.message);
                from += 1;
            }
            Err(error) => return Err(unreadable().caused_by(error)),
        }
    }
    Ok(true)
}
