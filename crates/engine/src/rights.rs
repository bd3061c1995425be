//! What the connected role may do with live.

use std::collections::BTreeSet;

use raingauge_schema::postgres::grammar::{quote_ident, quote_literal};

use crate::connect::{PgSession, Session, SqlError};
use crate::ledger::LedgerName;
use crate::site::Site;
use crate::{Error, Result};

/// What the connected role may do with live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    pub role: String,
    /// Roles whose objects it may not alter.
    pub strangers: BTreeSet<String>,
    /// Schemas in which it may not create anything.
    pub closed_schemas: BTreeSet<String>,
    /// What would let it write the ledger, if it cannot.
    pub ledger_grant: Option<String>,
}

impl Rights {
    /// Asks live. SQLite has no roles.
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn read(site: &mut Site) -> Result<Option<Self>> {
        let ledger = site.project.ledger.clone();
        match &mut site.live {
            Session::Sqlite(_) => Ok(None),
            Session::Postgres(session) => Self::of(session, &ledger).map(Some).map_err(|cause| {
                Error::new("catalog-unreadable", "cannot read what the role may do")
                    .caused_by(cause)
            }),
        }
    }

    fn of(session: &mut PgSession, ledger: &LedgerName) -> Result<Self, SqlError> {
        // Altering needs the rights of the owner, not just membership: this is what USAGE asks.
        let strangers = names(
            session,
            "select rolname from pg_catalog.pg_roles \
             where not pg_catalog.pg_has_role(current_user, oid, 'USAGE')",
        )?;
        let closed_schemas = names(
            session,
            "select nspname from pg_catalog.pg_namespace \
             where not pg_catalog.has_schema_privilege(oid, 'CREATE')",
        )?;
        let own = session.rows("select current_user, pg_catalog.current_database()")?;
        let mut own = own.into_iter().flatten().flatten();
        let role = own.next().unwrap_or_default();
        let database = own.next().unwrap_or_default();
        let missing = missing_for_ledger(session, ledger)?;
        let what = match missing.as_deref() {
            Some("database") => Some(format!("CREATE ON DATABASE {}", quote_ident(&database))),
            Some("schema") => {
                Some(format!("USAGE, CREATE ON SCHEMA {}", quote_ident(&ledger.schema)))
            }
            Some(_) => Some(format!("SELECT, INSERT ON {}", ledger.quoted())),
            None => None,
        };
        let ledger_grant = what.map(|it| format!("GRANT {it} TO {}", quote_ident(&role)));
        Ok(Self { role, strangers, closed_schemas, ledger_grant })
    }
}

/// `CREATE SCHEMA IF NOT EXISTS`, with which every migrator begins, needs the right even where there
/// is nothing to create.
fn missing_for_ledger(
    session: &mut PgSession,
    ledger: &LedgerName,
) -> Result<Option<String>, SqlError> {
    let sql = format!(
        "select case \
           when not pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') \
             then 'database' \
           when c.oid is not null and not (pg_catalog.has_table_privilege(c.oid, 'SELECT') \
             and pg_catalog.has_table_privilege(c.oid, 'INSERT')) then 'table' \
           when c.oid is null and n.oid is not null \
             and not pg_catalog.has_schema_privilege(n.oid, 'CREATE') then 'schema' end \
         from (select 1) one \
         left join pg_catalog.pg_namespace n on n.nspname = {} \
         left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = {}",
        quote_literal(&ledger.schema),
        quote_literal(&ledger.table)
    );
    Ok(session.rows(&sql)?.into_iter().flatten().flatten().next())
}

fn names(session: &mut PgSession, sql: &str) -> Result<BTreeSet<String>, SqlError> {
    Ok(session.rows(sql)?.into_iter().flatten().flatten().collect())
}
