//! Where the note is kept of how far a migration got.
//!
//! PostgreSQL: in the comment of the ledger, which takes part in transactions. On MySQL no comment does: there it
//! is the row of a small table, which stands only while a migration is under way and is left out of every catalog.

use raingauge_schema::Dialect;
use raingauge_schema::postgres::grammar::quote_literal;

use super::{Comment, Note};
use crate::connect::{MySqlSession, Session, SqlError};
use crate::ledger::LedgerName;

/// The table of the note on MySQL.
pub(crate) const STEPS: &str = "__raingauge_steps";

/// No such table.
const MISSING: &str = "1146";

/// An account without the right to read.
const DENIED: &str = "1142";

impl Note {
    /// The statement that writes it.
    pub fn writing(&self, dialect: Dialect, ledger: &LedgerName) -> String {
        let text = serde_json::to_string(self).expect("a note has only text keys");
        if dialect == Dialect::MySql {
            // As bytes: how quotes are read depends on the server's settings.
            let bytes: String = text.bytes().map(|it| format!("{it:02x}")).collect();
            return format!("REPLACE INTO `{STEPS}` (`id`, `note`) VALUES (1, X'{bytes}')");
        }
        format!("COMMENT ON TABLE {} IS {}", ledger.quoted(), quote_literal(&text))
    }

    /// The statement that takes it away.
    pub fn removing(&self, dialect: Dialect, ledger: &LedgerName) -> String {
        if dialect == Dialect::MySql {
            return format!("DELETE FROM `{STEPS}`");
        }
        let before = self.comment.as_deref().map_or("NULL".to_owned(), quote_literal);
        format!("COMMENT ON TABLE {} IS {before}", ledger.quoted())
    }
}

impl Comment {
    /// Reads the note, or what else the ledger has for a comment; SQLite has none, and needs none.
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn read(session: &mut Session, ledger: &LedgerName) -> Result<Self, SqlError> {
        let text = match session {
            Session::Postgres(session) => {
                let name = quote_literal(&ledger.quoted());
                let sql = format!(
                    "SELECT pg_catalog.obj_description(pg_catalog.to_regclass({name})::oid, 'pg_class')"
                );
                session.rows(&sql)?.into_iter().flatten().flatten().next()
            }
            Session::MySql(session) => of_table(session)?,
            Session::Sqlite(_) => None,
        };
        Ok(match text.as_deref().map(serde_json::from_str::<Note>) {
            Some(Ok(note)) => Self { own: note.comment.clone(), note: Some(note) },
            Some(Err(_)) | None => Self { note: None, own: text },
        })
    }
}

fn of_table(session: &mut MySqlSession) -> Result<Option<String>, SqlError> {
    match session.rows(&format!("SELECT `note` FROM `{STEPS}`")) {
        Ok(rows) => Ok(rows.into_iter().flatten().flatten().next()),
        Err(error) if error.state == MISSING => Ok(None),
        // Whoever may not read it does not see all tables, and is told so when the catalog is read.
        Err(error) if error.state == DENIED => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the place for notes, where it is not there before the first one.
///
/// # Errors
/// If the server refuses.
pub(crate) fn prepare(session: &mut Session) -> Result<(), SqlError> {
    let Session::MySql(session) = session else { return Ok(()) };
    session.run(&format!(
        "CREATE TABLE IF NOT EXISTS `{STEPS}` (`id` int NOT NULL PRIMARY KEY, `note` longtext NOT NULL) \
         ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COMMENT = 'how far a migration got; raingauge removes it'"
    ))
}

/// Takes the place away again, unless it holds a note.
///
/// # Errors
/// If the server refuses.
pub(crate) fn clear(session: &mut Session) -> Result<(), SqlError> {
    let Session::MySql(session) = session else { return Ok(()) };
    let is_there = format!(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = '{STEPS}'"
    );
    if session.rows(&is_there)?.is_empty() || of_table(session)?.is_some() {
        return Ok(());
    }
    session.run(&format!("DROP TABLE IF EXISTS `{STEPS}`"))
}
