//! The state of live's data: how many rows, sequences behind their columns, rows without parents.
//!
//! Checks of data are apart from reading the catalog: they cost a query per sequence, or a scan, so
//! only `analyze` makes them.

use raingauge_schema::catalog::{Catalog, Kind};
use raingauge_schema::postgres::grammar::quote_ident;

use crate::connect::{MySqlSession, PgSession, Session, SqlError, SqliteSession};
use crate::report::{Finding, Section};

/// The size of each table, and what is wrong with its rows.
///
/// # Errors
/// If the connection breaks.
pub fn state(
    session: &mut Session,
    catalog: &Catalog,
) -> Result<(Section, Vec<Finding>), SqlError> {
    let mut section = Section::new("tables", "rows", &["table", "rows"]);
    let findings = match session {
        Session::Postgres(session) => {
            estimate_rows(session, &mut section)?;
            sequences_behind(session)?
        }
        Session::MySql(session) => {
            estimate_mysql_rows(session, &mut section)?;
            Vec::new()
        }
        Session::Sqlite(session) => {
            count_rows(session, catalog, &mut section)?;
            orphans(session)?
        }
    };
    Ok((section, findings))
}

/// The planner's estimate: a count would scan every table.
fn estimate_rows(session: &mut PgSession, section: &mut Section) -> Result<(), SqlError> {
    let rows = session.rows(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), \
            case when pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
                and pg_catalog.has_table_privilege(c.oid, 'SELECT') \
                and not pg_catalog.row_security_active(c.oid) \
              then 'about ' || greatest(c.reltuples, s.n_live_tup, 0)::bigint else 'unknown' end \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid \
         WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' \
         ORDER BY 1",
    )?;
    for row in rows {
        if let [Some(table), Some(estimate)] = row.as_slice() {
            section.push([table.clone(), estimate.clone()]);
        }
    }
    Ok(())
}

/// The storage engine's estimate. A table's counter is never behind its rows: the server moves it.
fn estimate_mysql_rows(session: &mut MySqlSession, section: &mut Section) -> Result<(), SqlError> {
    let rows = session.rows(
        "select table_name, table_rows from information_schema.tables \
         where table_schema = database() and table_type in ('BASE TABLE', 'SYSTEM VERSIONED') order by 1",
    )?;
    for row in rows {
        let mut values = row.into_iter();
        let (table, n) = (values.next().flatten().unwrap_or_default(), values.next().flatten());
        section.push([table, n.map_or("unknown".to_owned(), |it| format!("about {it}"))]);
    }
    Ok(())
}

fn count_rows(
    session: &mut SqliteSession,
    catalog: &Catalog,
    section: &mut Section,
) -> Result<(), SqlError> {
    for table in catalog.of_kind(Kind::Table) {
        let sql = format!("SELECT count(*) FROM {}", quote_ident(table.id.name()));
        let rows = session.rows(&sql)?;
        let count = rows.into_iter().flatten().flatten().next().unwrap_or_default();
        section.push([table.id.dotted(), count]);
    }
    Ok(())
}

/// T31: explicit ids leave the sequence behind, and the next insert hits a duplicate key.
fn sequences_behind(session: &mut PgSession) -> Result<Vec<Finding>, SqlError> {
    let owned = session.rows(
        "SELECT quote_ident(s.schemaname) || '.' || quote_ident(s.sequencename), coalesce(s.last_value, 0), \
            quote_ident(n.nspname) || '.' || quote_ident(t.relname), quote_ident(a.attname) \
         FROM pg_catalog.pg_sequences s \
         JOIN pg_catalog.pg_namespace sn ON sn.nspname = s.schemaname \
         JOIN pg_catalog.pg_class c ON c.relnamespace = sn.oid AND c.relname = s.sequencename \
         JOIN pg_catalog.pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass \
            AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') \
         JOIN pg_catalog.pg_class t ON t.oid = d.refobjid \
         JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid \
         WHERE s.increment_by > 0 AND pg_catalog.has_schema_privilege(sn.oid, 'USAGE') \
            AND pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE') \
            AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
            AND pg_catalog.has_table_privilege(t.oid, 'SELECT') \
            AND NOT pg_catalog.row_security_active(t.oid) ORDER BY 1",
    )?;
    let mut findings: Vec<_> = sequences_unseen(session)?.into_iter().collect();
    for row in owned {
        let [Some(sequence), Some(last), Some(table), Some(column)] = row.as_slice() else {
            continue;
        };
        let rows = session
            .rows(&format!("SELECT max({column}) FROM {table} HAVING max({column}) > {last}"))?;
        let Some(greatest) = rows.into_iter().flatten().flatten().next() else { continue };
        findings.push(
            Finding::warning(
                "sequence-behind",
                format!("sequence {sequence}"),
                format!("stands at {last}, but {table}.{column} already has {greatest}: the next insert that takes its default fails on a duplicate"),
            )
            .next(format!("SELECT setval('{sequence}', {greatest});")),
        );
    }
    Ok(findings)
}

/// T22: the state of a sequence that the role may not read is unknown, which is not zero.
fn sequences_unseen(session: &mut PgSession) -> Result<Option<Finding>, SqlError> {
    let rows = session.rows(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), quote_ident(current_user) \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'S' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' \
            AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
                AND pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE')) ORDER BY 1",
    )?;
    let finding = Finding::warning(
        "sequence-unseen",
        "sequences",
        "some cannot be read, so whether they are behind their columns is unknown",
    );
    let each = rows.iter().filter_map(|row| match row.as_slice() {
        [Some(sequence), Some(role)] => Some((sequence, role)),
        _ => None,
    });
    let finding = each.fold(finding, |it, (sequence, role)| {
        it.evidence(sequence.clone())
            .next(format!("as an administrator: GRANT SELECT ON SEQUENCE {sequence} TO {role}"))
    });
    Ok((!rows.is_empty()).then_some(finding))
}

/// SQLite keeps rows whose parent is gone when foreign keys were not enforced.
fn orphans(session: &mut SqliteSession) -> Result<Vec<Finding>, SqlError> {
    if let Ok(rows) = session.rows(&format!("{ORPHANS} FROM pragma_foreign_key_check {OF_EACH}")) {
        return Ok(rows.into_iter().filter_map(orphan).collect());
    }
    // One key that SQLite cannot check is an error for all of them.
    let tables = session.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")?;
    let mut findings = Vec::new();
    for table in tables.into_iter().flatten().flatten() {
        let of_table = format!("pragma_foreign_key_check('{}')", table.replace('\'', "''"));
        match session.rows(&format!("{ORPHANS} FROM {of_table} {OF_EACH}")) {
            Ok(rows) => findings.extend(rows.into_iter().filter_map(orphan)),
            Err(error) => findings.push(unchecked(&table, &error)),
        }
    }
    Ok(findings)
}

const ORPHANS: &str = "SELECT \"table\", parent, count(*)";
const OF_EACH: &str = "GROUP BY 1, 2 ORDER BY 1, 2";

fn orphan(row: Vec<Option<String>>) -> Option<Finding> {
    let [Some(table), Some(parent), Some(count)] = row.as_slice() else { return None };
    let message = format!("has {count} rows whose parent in `{parent}` does not exist");
    Some(
        Finding::warning("orphan-rows", format!("table {table}"), message)
            .next(format!("PRAGMA foreign_key_check({table}); lists them")),
    )
}

fn unchecked(table: &str, error: &SqlError) -> Finding {
    let message = "has a foreign key that SQLite cannot check, so whether rows have lost their parent is unknown, and with foreign keys switched on every write to it fails";
    Finding::warning("orphans-unknown", format!("table {table}"), message)
        .evidence(error.message.clone())
        .next("let the key point at a primary key or at columns with a unique index")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::Access;
    use crate::connect::dsn::SqliteTarget;
    use crate::introspect;

    #[test]
    fn rows_without_a_parent_are_told_with_their_number() {
        let folder = tempfile::tempdir().unwrap();
        let target = SqliteTarget { path: folder.path().join("a.sqlite") };
        let mut session = Session::Sqlite(SqliteSession::open(&target, Access::Create).unwrap());
        session
            .run(
                "PRAGMA foreign_keys = OFF; CREATE TABLE p (id integer primary key); \
                 CREATE TABLE c (p integer references p); INSERT INTO c VALUES (1), (2)",
            )
            .unwrap();
        let catalog = introspect::catalog(&mut session, &[]).unwrap();
        let (section, findings) = state(&mut session, &catalog).unwrap();
        assert_eq!(section.rows, [["c", "2"], ["p", "0"]]);
        assert_eq!(findings[0].message, "has 2 rows whose parent in `p` does not exist");
    }
}
