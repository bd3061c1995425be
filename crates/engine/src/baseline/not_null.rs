//! What `pg_dump` does not say of not-null constraints, which have names since version 18.
//!
//! It leaves out a name that the server would choose by itself. The server chooses another one where a
//! table of the same schema that is made earlier has a constraint of that name, as a table made with
//! `LIKE` has from its model.

use crate::connect::{PgSession, SqlError};

/// Earlier versions note no not-null constraints of tables.
const QUERY: &str = "\
    select pg_catalog.format('DO $raingauge$
DECLARE
	chosen name;
BEGIN
	SELECT k.conname INTO chosen FROM pg_catalog.pg_constraint k
	JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
	WHERE k.contype = ''n'' AND k.conrelid = %1$L::pg_catalog.regclass AND a.attname = %2$L AND k.conname <> %3$L;
	IF FOUND THEN
		EXECUTE pg_catalog.format(''ALTER TABLE %%s RENAME CONSTRAINT %%I TO %%I'', %1$L, chosen, %3$L);
	END IF;
END
$raingauge$', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), a.attname, k.conname) \
    from pg_catalog.pg_constraint k \
    join pg_catalog.pg_class c on c.oid = k.conrelid \
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1] \
    where k.contype = 'n' and k.conname = c.relname || '_' || a.attname || '_not_null' \
      and exists (select from pg_catalog.pg_constraint o where o.connamespace = k.connamespace \
                  and o.conname = k.conname and o.conrelid <> k.conrelid) \
    order by n.nspname, c.relname, a.attnum";

/// The statements that have to follow those of `pg_dump`.
///
/// # Errors
/// If the connection breaks.
pub(super) fn unsaid(session: &mut PgSession) -> Result<Vec<String>, SqlError> {
    Ok(session.rows(QUERY)?.into_iter().flatten().flatten().collect())
}
