//! Queries for what does not belong to a table: extensions, foreign servers, replication, privileges,
//! and the kinds that are only named.

use super::Query;

pub(super) const EXTENSIONS: Query = Query {
    sql: r"
select 'extension', json_build_array(e.extname), pg_get_userbyid(e.extowner), {comment pg_extension e}, null,
       e.extversion, n.nspname
from pg_extension e join pg_namespace n on n.oid = e.extnamespace",
    attributes: &["version", "schema"],
};

pub(super) const STATISTICS: Query = Query {
    sql: r"
select 'statistics', json_build_array(n.nspname, s.stxname), pg_get_userbyid(s.stxowner), {comment pg_statistic_ext s}, null,
       pg_get_statisticsobjdef(s.oid),
       {since 13 case when s.stxstattarget >= 0 then s.stxstattarget end else null}
from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
where {user} and {own pg_statistic_ext s}",
    attributes: &["definition", "statistics target"],
};

/// The names of some columns changed with versions 15 and 17, hence the detour through JSON.
pub(super) const COLLATIONS: Query = Query {
    sql: r"
select 'collation', json_build_array(n.nspname, c.collname), pg_get_userbyid(c.collowner), {comment pg_collation c}, null,
       case c.collprovider when 'i' then 'icu' when 'b' then 'builtin' when 'c' then 'libc' else 'default' end,
       coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate),
       c.collctype, to_jsonb(c) ->> 'collicurules',
       case when not c.collisdeterministic then 'false' end
from pg_collation c join pg_namespace n on n.oid = c.collnamespace
where {user} and {own pg_collation c}",
    attributes: &["provider", "locale", "ctype", "rules", "deterministic"],
};

pub(super) const FOREIGN_SERVERS: Query = Query {
    sql: r"
select 'foreign server', json_build_array(s.srvname), pg_get_userbyid(s.srvowner), {comment pg_foreign_server s},
       {acl S s.srvacl s.srvowner},
       w.fdwname, s.srvtype, s.srvversion, {options s.srvoptions}
from pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = s.srvfdw
where {own pg_foreign_server s}",
    attributes: &["wrapper", "type", "version", "fdw options[]"],
};

pub(super) const PUBLICATIONS: Query = Query {
    sql: r"
select 'publication', json_build_array(p.pubname), pg_get_userbyid(p.pubowner), {comment pg_publication p}, null,
       p.puballtables::text,
       concat_ws(', ', case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end,
                 case when p.pubdelete then 'delete' end, case when p.pubtruncate then 'truncate' end),
       {since 13 case when p.pubviaroot then 'true' end else null},
       (select string_agg(quote_ident(n.nspname) || '.' || quote_ident(c.relname)
               {since 15 || coalesce(' (' || (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
                            where a.attrelid = r.prrelid and a.attnum = any (r.prattrs)) || ')', '')
                         || coalesce(' where ' || pg_get_expr(r.prqual, r.prrelid), '') else},
               ', ' order by n.nspname, c.relname)
        from pg_publication_rel r join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace
        where r.prpubid = p.oid),
       {since 15 (select string_agg(quote_ident(n.nspname), ', ' order by n.nspname)
                  from pg_publication_namespace r join pg_namespace n on n.oid = r.pnnspid where r.pnpubid = p.oid) else null}
from pg_publication p",
    attributes: &["all tables", "operations", "via root", "tables", "schemas"],
};

/// Where a subscription connects to, with its password, is never read.
pub(super) const SUBSCRIPTIONS: Query = Query {
    sql: r"
select 'subscription', json_build_array(s.subname), pg_get_userbyid(s.subowner), {comment pg_subscription s}, null,
       s.subenabled::text, s.subslotname, array_to_json(s.subpublications)
from pg_subscription s
where s.subdbid = (select oid from pg_database where datname = current_database())",
    attributes: &["enabled", "slot", "publications[]"],
};

pub(super) const DEFAULT_PRIVILEGES: Query = Query {
    sql: r"
select 'default privilege',
       json_build_array(pg_get_userbyid(d.defaclrole), coalesce(n.nspname, ''),
            case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
                 when 'T' then 'types' when 'n' then 'schemas' else 'large objects' end),
       null, null, null,
       (select string_agg(privileges, '; ' order by privileges) from (
            select case x.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(x.grantee)) end || ': '
                   || string_agg(lower(x.privilege_type) || case when x.is_grantable then '*' else '' end, ', '
                                 order by x.privilege_type) as privileges
            from aclexplode(d.defaclacl) x group by x.grantee) g)
from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace",
    attributes: &["privileges"],
};

/// Kinds that are only named, not described.
pub(super) const OTHERS: Query = Query {
    sql: r"
select 'object', case o.schema when '' then json_build_array(o.kind, o.name)
       else json_build_array(o.kind, o.schema, o.name) end, null, null, null, o.kind
from (
    select 'operator' as kind, n.nspname as schema,
           p.oprname || '(' || format_type(p.oprleft, null) || ', ' || format_type(p.oprright, null) || ')' as name
    from pg_operator p join pg_namespace n on n.oid = p.oprnamespace where {user} and {own pg_operator p}
    union all
    select 'operator class', n.nspname, p.opcname || ' using ' || a.amname
    from pg_opclass p join pg_am a on a.oid = p.opcmethod join pg_namespace n on n.oid = p.opcnamespace
    where {user} and {own pg_opclass p}
    union all
    select 'operator family', n.nspname, p.opfname || ' using ' || a.amname
    from pg_opfamily p join pg_am a on a.oid = p.opfmethod join pg_namespace n on n.oid = p.opfnamespace
    where {user} and {own pg_opfamily p}
    union all
    select 'text search configuration', n.nspname, p.cfgname
    from pg_ts_config p join pg_namespace n on n.oid = p.cfgnamespace where {user} and {own pg_ts_config p}
    union all
    select 'text search dictionary', n.nspname, p.dictname
    from pg_ts_dict p join pg_namespace n on n.oid = p.dictnamespace where {user} and {own pg_ts_dict p}
    union all
    select 'text search parser', n.nspname, p.prsname
    from pg_ts_parser p join pg_namespace n on n.oid = p.prsnamespace where {user} and {own pg_ts_parser p}
    union all
    select 'text search template', n.nspname, p.tmplname
    from pg_ts_template p join pg_namespace n on n.oid = p.tmplnamespace where {user} and {own pg_ts_template p}
    union all
    select 'conversion', n.nspname, p.conname
    from pg_conversion p join pg_namespace n on n.oid = p.connamespace where {user} and {own pg_conversion p}
    union all
    select 'shell type', n.nspname, p.typname
    from pg_type p join pg_namespace n on n.oid = p.typnamespace
    where not p.typisdefined and {user} and {own pg_type p}
    union all
    select 'cast', '', format_type(p.castsource, null) || ' as ' || format_type(p.casttarget, null)
    from pg_cast p where p.oid >= 16384 and {own pg_cast p} and {explicit pg_cast p}
    union all
    select 'language', '', p.lanname from pg_language p where p.oid >= 16384 and {own pg_language p}
    union all
    select 'transform', '', format_type(p.trftype, null) || ' for ' || l.lanname
    from pg_transform p join pg_language l on l.oid = p.trflang where p.oid >= 16384 and {own pg_transform p}
    union all
    select 'access method', '', p.amname from pg_am p where p.oid >= 16384 and {own pg_am p}
    union all
    select 'foreign data wrapper', '', p.fdwname from pg_foreign_data_wrapper p where {own pg_foreign_data_wrapper p}
    union all
    select 'user mapping', '', coalesce(pg_get_userbyid(nullif(p.umuser, 0)), 'public') || ' on ' || p.srvname
    from pg_user_mappings p
) o",
    attributes: &["kind"],
};

/// What, why, and what an administrator can grant. The catalog itself is readable for everybody; rows
/// are not.
pub(super) const UNSEEN: &str = r"
select 'contents of schema ' || n.nspname,
       'role ' || current_user || ' has no USAGE on schema ' || n.nspname,
       'GRANT USAGE ON SCHEMA ' || quote_ident(n.nspname) || ' TO ' || quote_ident(current_user)
from pg_namespace n
where {user} and {own pg_namespace n} and not has_schema_privilege(n.oid, 'USAGE')
union all
select 'rows of table ' || n.nspname || '.' || c.relname,
       'role ' || current_user || ' has no SELECT on table ' || n.nspname || '.' || c.relname,
       'GRANT SELECT ON ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) || ' TO ' || quote_ident(current_user)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and {user} and {own pg_class c} and not has_table_privilege(c.oid, 'SELECT')
union all
select 'some rows of table ' || n.nspname || '.' || c.relname,
       'row security of table ' || n.nspname || '.' || c.relname || ' applies to role ' || current_user, null
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and c.relrowsecurity and {user} and {own pg_class c}
  and has_table_privilege(c.oid, 'SELECT') and row_security_active(c.oid)
order by 1";
