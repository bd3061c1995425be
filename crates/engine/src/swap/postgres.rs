//! PostgreSQL: databases change their names.
//!
//! Live gives its name away first and is read once more under the new one, which nobody knows: no row
//! can be written between the count and the swap.

use super::{Intent, SwapPlan, in_use, stale};
use crate::connect::dsn::PgTarget;
use crate::connect::{Access, Dsn, Session, SqlError};
use crate::progress::Progress;
use crate::{Error, Result, digest};

/// The longest name that the server takes, in bytes:
/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>.
const MAX_NAME: usize = 63;

/// Settings of a database, its owner and its grants belong to the name that applications use.
const SETTINGS: &str = "SELECT format('ALTER DATABASE %I OWNER TO %I', @copy, \
        pg_get_userbyid(datdba)) FROM pg_database WHERE datname = @live \
    UNION ALL SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', @copy, datconnlimit) \
        FROM pg_database WHERE datname = @live \
    UNION ALL SELECT CASE WHEN s.setrole = 0 THEN format('ALTER DATABASE %I', @copy) \
            ELSE format('ALTER ROLE %I IN DATABASE %I', pg_get_userbyid(s.setrole), @copy) END \
        || format(' SET %I TO ', split_part(c, '=', 1)) \
        || CASE WHEN split_part(c, '=', 1) IN ('search_path', 'temp_tablespaces', \
            'session_preload_libraries', 'local_preload_libraries') \
            THEN substr(c, strpos(c, '=') + 1) ELSE quote_literal(substr(c, strpos(c, '=') + 1)) END \
        FROM pg_db_role_setting s, unnest(s.setconfig) c \
        WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = @live) \
    UNION ALL SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', @copy) \
        FROM pg_database WHERE datname = @live AND datacl IS NOT NULL \
    UNION ALL SELECT format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, @copy, \
            CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, \
            CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) \
        FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = @live \
            AND a.grantee <> d.datdba";

/// `bookstore_before_20260102T030405Z`, cut where the server would cut it.
pub(super) fn kept_name(database: &str, stamp: &str) -> String {
    let ending = format!("_before_{stamp}");
    let mut name = database.to_owned();
    while MAX_NAME < name.len() + ending.len() {
        name.pop();
    }
    name + &ending
}

/// Gives `copy` the name of `live`.
pub(super) fn swap(
    live: &PgTarget,
    copy: &PgTarget,
    plan: &SwapPlan,
    progress: &mut dyn Progress,
) -> Result<()> {
    let mut session = beside(live)?;
    refuse_others(&mut session, &[&live.database, &copy.database])?;
    let settings = settings(&mut session, live, copy)?;
    rename(&mut session, &live.database, &plan.kept)?;
    progress.boundary("swap/live-renamed");
    let swapped = take_place(&mut session, live, copy, plan, &settings);
    progress.boundary("swap/renamed");
    swapped.map_err(|error| take_back(&mut session, live, plan, error))
}

/// What has to happen while nothing has live's name.
fn take_place(
    session: &mut Session,
    live: &PgTarget,
    copy: &PgTarget,
    plan: &SwapPlan,
    settings: &[String],
) -> Result<()> {
    let kept = Dsn::Postgres(live.with_database(&plan.kept));
    let now = digest::contents(&mut Session::open(&kept, Access::ReadOnly)?)?;
    if now != plan.live {
        return Err(stale());
    }
    for statement in settings {
        session.run(statement).map_err(|cause| refused(statement, cause))?;
    }
    rename(session, &copy.database, &live.database)
}

fn take_back(session: &mut Session, live: &PgTarget, plan: &SwapPlan, error: Error) -> Error {
    match rename(session, &plan.kept, &live.database) {
        Ok(()) => error,
        Err(cause) => error
            .after(format!("gave `{}` the name `{}`", live.database, plan.kept))
            .next(format!("as its owner: {}", rename_sql(&plan.kept, &live.database)))
            .caused_by(cause),
    }
}

/// Gives live its name back after a crash; says whether there was anything to do.
pub(super) fn undo(live: &PgTarget, intent: &Intent) -> Result<bool> {
    let mut session = beside(live)?;
    let exists = |session: &mut Session, name: &str| {
        let sql = format!("SELECT FROM pg_catalog.pg_database WHERE datname = {}", literal(name));
        session.rows(&sql).map(|it| !it.is_empty()).map_err(|it| refused(&sql, it))
    };
    if exists(&mut session, &intent.live)? || !exists(&mut session, &intent.kept)? {
        return Ok(false);
    }
    rename(&mut session, &intent.kept, &intent.live)?;
    Ok(true)
}

/// A session on the same server that is in nobody's way.
fn beside(live: &PgTarget) -> Result<Session> {
    let open = |name| Session::open(&Dsn::Postgres(live.with_database(name)), Access::ReadWrite);
    open("postgres").or_else(|error| open("template1").map_err(|_| error))
}

fn refuse_others(session: &mut Session, databases: &[&str]) -> Result<()> {
    let names: Vec<_> = databases.iter().map(|it| literal(it)).collect();
    let sql = format!(
        "SELECT coalesce(usename, '?') || ' (' || coalesce(nullif(application_name, ''), 'pid ' || pid) \
         || ') in ' || datname FROM pg_catalog.pg_stat_activity WHERE datname IN ({}) \
         AND pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend' ORDER BY 1",
        names.join(", ")
    );
    // Our own sessions have just been closed, and the server may not have noticed yet.
    let mut others = Vec::new();
    for _ in 0..20 {
        let rows = session.rows(&sql).map_err(|cause| refused(&sql, cause))?;
        others = rows.into_iter().flatten().flatten().collect();
        if others.is_empty() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Err(in_use(&others.join(", ")))
}

fn settings(session: &mut Session, live: &PgTarget, copy: &PgTarget) -> Result<Vec<String>> {
    let sql = SETTINGS
        .replace("@copy", &literal(&copy.database))
        .replace("@live", &literal(&live.database));
    let rows =
        session.rows(&sql).map_err(|cause| refused("the settings of the database", cause))?;
    Ok(rows.into_iter().flatten().flatten().collect())
}

fn rename(session: &mut Session, from: &str, to: &str) -> Result<()> {
    let sql = rename_sql(from, to);
    session.run(&sql).map_err(|cause| {
        // object_in_use.
        if cause.state == "55006" { in_use(&cause.message) } else { refused(&sql, cause) }
    })
}

fn rename_sql(from: &str, to: &str) -> String {
    let quoted = |it: &str| format!("\"{}\"", it.replace('"', "\"\""));
    format!("ALTER DATABASE {} RENAME TO {}", quoted(from), quoted(to))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn refused(what: &str, cause: SqlError) -> Error {
    Error::new("swap-failed", format!("the server refused: {what}"))
        .caused_by(cause)
        .next("connect as the owner of both databases, with CREATEDB, or as a superuser")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_name_fits_and_is_cut_between_characters() {
        assert_eq!(kept_name("shop", "20260102T030405Z"), "shop_before_20260102T030405Z");
        let long = kept_name(&"ü".repeat(31), "20260102T030405Z");
        assert!(long.len() <= MAX_NAME && long.ends_with("ü_before_20260102T030405Z"), "{long}");
    }
}
