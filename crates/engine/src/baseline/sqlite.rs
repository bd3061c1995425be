//! Baseline statements out of `sqlite_schema`.

use super::Baseline;
use crate::connect::{Session, SqlError};
use crate::ledger::LedgerName;

/// Tables first, then what refers to them, each kind in its order of creation. Tables that belong to
/// a virtual table come with it.
const QUERY: &str = "\
    SELECT s.tbl_name, s.sql FROM main.sqlite_schema AS s \
    LEFT JOIN pragma_table_list AS l ON l.schema = 'main' AND l.name = s.name \
    WHERE s.sql IS NOT NULL AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
        AND coalesce(l.type, '') <> 'shadow' \
    ORDER BY CASE s.type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, s.rowid";

pub(super) fn statements(
    session: &mut Session,
    ledgers: &[LedgerName],
) -> Result<Baseline, SqlError> {
    let mut baseline = Baseline::default();
    for row in session.rows(QUERY)? {
        let [Some(table), Some(sql)] = row.as_slice() else { continue };
        if !ledgers.iter().any(|it| it.table == *table) {
            baseline.statements.push(sql.trim().to_owned());
        }
    }
    Ok(baseline)
}
