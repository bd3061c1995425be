//! What `pg_dump` does not say of a child table.
//!
//! A child takes over how its parent's columns are stored and compressed when it is made, and keeps its
//! own way when somebody changes the parent's later. `pg_dump` writes only what is not usual for a type:
//! a child with the usual way, made again after its parent, would get the parent's.

use crate::connect::{PgSession, SqlError};

/// Partitions are made alone and attached afterwards, so that only tables with `INHERITS` matter.
/// `attcompression` is there since version 14; the row as JSON has it or not.
const QUERY: &str = "\
    select distinct 'ALTER TABLE ONLY ' || pg_catalog.quote_ident(n.nspname) || '.' \
        || pg_catalog.quote_ident(k.relname) || ' ALTER COLUMN ' || pg_catalog.quote_ident(c.attname) || w.what \
    from pg_catalog.pg_inherits i \
    join pg_catalog.pg_class k on k.oid = i.inhrelid and k.relkind = 'r' and not k.relispartition \
    join pg_catalog.pg_namespace n on n.oid = k.relnamespace \
    join pg_catalog.pg_attribute c on c.attrelid = k.oid and c.attinhcount > 0 and not c.attisdropped \
    join pg_catalog.pg_attribute p on p.attrelid = i.inhparent and p.attname = c.attname \
    join pg_catalog.pg_type t on t.oid = c.atttypid \
    cross join lateral (values \
        (coalesce(pg_catalog.to_jsonb(c) ->> 'attcompression', '') = '' \
         and coalesce(pg_catalog.to_jsonb(p) ->> 'attcompression', '') <> '', ' SET COMPRESSION default'), \
        (c.attstorage = t.typstorage and p.attstorage <> t.typstorage, \
         ' SET STORAGE ' || case c.attstorage when 'p' then 'PLAIN' when 'e' then 'EXTERNAL' \
                                              when 'm' then 'MAIN' else 'EXTENDED' end) \
    ) w (is_lost, what) \
    where w.is_lost order by 1";

/// The statements that have to follow those of `pg_dump`.
///
/// # Errors
/// If the connection breaks.
pub(super) fn unsaid(session: &mut PgSession) -> Result<Vec<String>, SqlError> {
    Ok(session.rows(QUERY)?.into_iter().flatten().flatten().collect())
}
