//! What the connected role may do with live.

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::mysql::catalog;
use raingauge_schema::postgres::grammar::{quote_ident, quote_literal};

use crate::connect::{MySqlSession, PgSession, Session, SqlError};
use crate::ledger::LedgerName;
use crate::site::Site;
use crate::{Error, Result};

/// What the connected role may do with live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    pub role: String,
    pub database: String,
    /// Roles whose objects it may not alter, and whether each is a superuser.
    pub strangers: BTreeMap<String, bool>,
    /// Schemas in which it may not create anything.
    pub closed_schemas: BTreeSet<String>,
    /// Whether it may create schemas.
    pub creates_schemas: bool,
    /// What would let it write the ledger, if it cannot.
    pub ledger_grant: Option<String>,
    /// What it may not do on the whole database, where objects have no owners; and what would let it.
    pub lacking: Option<(String, String)>,
    /// What `show grants` says, where objects have no owners.
    pub granted: Vec<String>,
    /// Why nobody can write, if that is so.
    pub read_only: Option<ReadOnly>,
}

/// Why a server takes no writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadOnly {
    /// It follows another server.
    Standby,
    /// `default_transaction_read_only` is on. Holds what turns it off, if it is not the server's own
    /// configuration.
    Setting(Option<String>),
}

impl Rights {
    /// Asks live. SQLite has no roles.
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn read(site: &mut Site) -> Result<Option<Self>> {
        let ledger = site.project.ledger.clone();
        let read = match &mut site.live {
            Session::Sqlite(_) => return Ok(None),
            Session::MySql(session) => Self::of_mysql(session),
            Session::Postgres(session) => Self::of(session, &ledger),
        };
        read.map(Some).map_err(|cause| {
            Error::new("catalog-unreadable", "cannot read what the role may do").caused_by(cause)
        })
    }

    fn of(session: &mut PgSession, ledger: &LedgerName) -> Result<Self, SqlError> {
        let mut rights = Self::default();
        for row in session.rows(LISTS)? {
            match row.as_slice() {
                [Some(list), Some(name), more] if list == "stranger" => {
                    rights.strangers.insert(name.clone(), more.as_deref() == Some("true"));
                }
                [Some(_), Some(name), _] => drop(rights.closed_schemas.insert(name.clone())),
                _ => {}
            }
        }
        let facts = session.rows(&facts(ledger))?;
        let mut facts = facts.into_iter().flatten();
        let mut next = || facts.next().flatten();
        rights.role = next().unwrap_or_default();
        rights.database = next().unwrap_or_default();
        rights.creates_schemas = next().as_deref() == Some("t");
        let missing = next();
        let is_standby = next().as_deref() == Some("t");
        rights.read_only = match (is_standby, next().as_deref(), next().as_deref()) {
            (true, ..) => Some(ReadOnly::Standby),
            (false, Some("on"), from) => Some(ReadOnly::Setting(rights.turn_off(from))),
            (false, ..) => None,
        };
        rights.ledger_grant = missing.map(|it| rights.grant_for_ledger(&it, ledger));
        Ok(rights)
    }

    /// An account has rights on a database. Without these no ledger can be made, or no later migration can run.
    fn of_mysql(session: &mut MySqlSession) -> Result<Self, SqlError> {
        const NEEDED: [&str; 6] = ["SELECT", "INSERT", "CREATE", "ALTER", "INDEX", "REFERENCES"];
        let mut names = session.rows("select current_user(), database()")?.into_iter().flatten();
        let mut next = || names.next().flatten().unwrap_or_default();
        let (role, database) = (next(), next());
        let lines = session.rows("show grants")?.into_iter();
        let lines: Vec<_> = lines.filter_map(|it| it.into_iter().next().flatten()).collect();
        let lacks = catalog::lacking(&lines, &database, &NEEDED).join(", ");
        let grant = catalog::grant(&lacks, &database, &role);
        let is_closed = !session.rows("select 1 where @@global.read_only = 1")?.is_empty();
        // What lets an account write all the same.
        let exempt = ["SUPER", "CONNECTION_ADMIN", "READ_ONLY ADMIN", "READ ONLY ADMIN"];
        let is_exempt = catalog::lacking(&lines, &database, &exempt).len() < exempt.len();
        Ok(Self {
            role,
            database,
            creates_schemas: true,
            lacking: (!lacks.is_empty()).then_some((lacks, grant)),
            granted: lines,
            read_only: (is_closed && !is_exempt).then_some(ReadOnly::Standby),
            ..Self::default()
        })
    }

    fn grant_for_ledger(&self, missing: &str, ledger: &LedgerName) -> String {
        let what = match missing {
            "database" => format!("CREATE ON DATABASE {}", quote_ident(&self.database)),
            "schema" => format!("USAGE, CREATE ON SCHEMA {}", quote_ident(&ledger.schema)),
            _ => format!("SELECT, INSERT ON {}", ledger.quoted()),
        };
        format!("GRANT {what} TO {}", quote_ident(&self.role))
    }

    /// What turns `default_transaction_read_only` off where it was turned on.
    fn turn_off(&self, from: Option<&str>) -> Option<String> {
        let (role, database) = (quote_ident(&self.role), quote_ident(&self.database));
        let whose = match from? {
            "role in database" => format!("ROLE {role} IN DATABASE {database}"),
            "role" => format!("ROLE {role}"),
            "database" => format!("DATABASE {database}"),
            _ => return None,
        };
        Some(format!("ALTER {whose} SET default_transaction_read_only = off"))
    }
}

/// Altering needs the rights of the owner, not just membership: this is what USAGE asks.
const LISTS: &str = "select 'stranger', rolname::text, rolsuper::text from pg_catalog.pg_roles \
     where not pg_catalog.pg_has_role(current_user, oid, 'USAGE') \
     union all select 'closed', nspname::text, null from pg_catalog.pg_namespace \
     where not pg_catalog.has_schema_privilege(oid, 'CREATE')";

/// One row. `CREATE SCHEMA IF NOT EXISTS`, with which every migrator begins, needs the right even
/// where there is nothing to create. Our own session only reads, so that the setting of new sessions
/// is the one to look at.
fn facts(ledger: &LedgerName) -> String {
    format!(
        "select current_user, d.datname, pg_catalog.has_database_privilege(d.oid, 'CREATE'), \
         case when not pg_catalog.has_database_privilege(d.oid, 'CREATE') then 'database' \
           when c.oid is not null and not (pg_catalog.has_table_privilege(c.oid, 'SELECT') \
             and pg_catalog.has_table_privilege(c.oid, 'INSERT')) then 'table' \
           when c.oid is null and n.oid is not null \
             and not pg_catalog.has_schema_privilege(n.oid, 'CREATE') then 'schema' end, \
         pg_catalog.pg_is_in_recovery(), \
         (select reset_val from pg_catalog.pg_settings where name = 'default_transaction_read_only'), \
         (select case when s.setrole <> 0 and s.setdatabase <> 0 then 'role in database' \
                      when s.setrole <> 0 then 'role' else 'database' end \
          from pg_catalog.pg_db_role_setting s \
          where s.setdatabase in (0, d.oid) \
            and s.setrole in (0, (select oid from pg_catalog.pg_roles where rolname = session_user)) \
            and exists (select from pg_catalog.unnest(s.setconfig) it \
                        where it like 'default_transaction_read_only=%') \
          order by s.setrole = 0, s.setdatabase = 0 limit 1) \
         from pg_catalog.pg_database d \
         left join pg_catalog.pg_namespace n on n.nspname = {} \
         left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = {} \
         where d.datname = pg_catalog.current_database()",
        quote_literal(&ledger.schema),
        quote_literal(&ledger.table)
    )
}
