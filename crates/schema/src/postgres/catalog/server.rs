//! Queries for what does not belong to a table: extensions, statistics, collations, foreign servers,
//! replication, default privileges.

use super::Query;

/// Members are no objects of their own; which they are is said by sort, with a hash where they are many.
/// What others put on a member is said too, since no dump has it.
pub(super) const EXTENSIONS: Query = Query {
    sql: r"
select 'extension', json_build_array(e.extname), pg_get_userbyid(e.extowner), {comment pg_extension e}, null,
       e.extversion, n.nspname,
       (select json_object_agg('members: ' || m.type, m.members)
        from (select i.type, case when count(*) <= 10 then string_agg(i.identity, ', ' order by i.identity {c})
                             else count(*) || ' (sha256 ' || left(encode(sha256(convert_to(
                                  string_agg(i.identity, ', ' order by i.identity {c}), 'UTF8')), 'hex'), 12) || ')' end as members
              from pg_depend d cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) i
              where d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
              group by i.type) m),
       (select json_agg(json_build_array(tn.nspname, c.relname) order by tn.nspname, c.relname)
        from pg_class c join pg_namespace tn on tn.oid = c.relnamespace
        where c.relrowsecurity and {member_of c e}),
       (select json_agg(x.line order by x.line {c}) from (
            select 'index ' || i.indexrelid::regclass as line from pg_index i join pg_class c on c.oid = i.indrelid
            where c.relkind in ('r', 'p', 'm') and {member_of c e}
            union all
            select 'trigger ' || quote_ident(t.tgname) || ' on ' || t.tgrelid::regclass from pg_trigger t
            join pg_class c on c.oid = t.tgrelid where not t.tgisinternal and {member_of c e}
            union all
            select 'rule ' || quote_ident(r.rulename) || ' on ' || r.ev_class::regclass from pg_rewrite r
            join pg_class c on c.oid = r.ev_class where r.rulename <> '_RETURN' and {member_of c e}) x)
from pg_extension e join pg_namespace n on n.oid = e.extnamespace",
    attributes: &["version", "schema", "*", "row security of[]", "on its tables[]"],
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
where c.collencoding in (-1, (select d.encoding from pg_database d where d.datname = current_database()))
  and {user} and {own pg_collation c}",
    attributes: &["provider", "locale", "ctype", "rules", "deterministic"],
};

pub(super) const FOREIGN_DATA_WRAPPERS: Query = Query {
    sql: r"
select 'foreign data wrapper', json_build_array(w.fdwname), pg_get_userbyid(w.fdwowner),
       {comment pg_foreign_data_wrapper w}, {acl F w.fdwacl w.fdwowner},
       nullif(w.fdwhandler, 0)::regproc::text, nullif(w.fdwvalidator, 0)::regproc::text, {options w.fdwoptions}
from pg_foreign_data_wrapper w
where {own pg_foreign_data_wrapper w}",
    attributes: &["handler", "validator", "fdw options[]"],
};

/// The options, passwords among them, are never shown as they are.
pub(super) const USER_MAPPINGS: Query = Query {
    sql: r"
select 'user mapping', json_build_array(m.srvname, m.usename), null, null, null, {options m.umoptions}
from pg_user_mappings m",
    attributes: &["fdw options[]"],
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
                  from pg_publication_namespace r join pg_namespace n on n.oid = r.pnnspid where r.pnpubid = p.oid) else null},
       {since 18 case p.pubgencols when 's' then 'stored' end else null}
from pg_publication p
where {own pg_publication p}",
    attributes: &["all tables", "operations", "via root", "tables", "schemas", "generated columns"],
};

/// Where a subscription connects to, with its password, is never read.
pub(super) const SUBSCRIPTIONS: Query = Query {
    sql: r"
select 'subscription', json_build_array(s.subname), pg_get_userbyid(s.subowner),
       {sees_subscriptions {comment pg_subscription s} else null}, null,
       s.subenabled::text, s.subslotname, {options s.subpublications}, 
       {sees_subscriptions nullif(s.subsynccommit, 'off') else null},
       {since 14 case when s.subbinary then 'true' end else null},
       {since 14 nullif(case s.substream::text when 't' then 'true' when 'p' then 'parallel' when 'f' then 'false'
                        else s.substream::text end, 'false') else null},
       {since 15 case when s.subtwophasestate <> 'd' then 'true' end else null},
       {since 15 case when s.subdisableonerr then 'true' end else null},
       {since 16 case when not s.subpasswordrequired then 'true' end else null},
       {since 16 case when s.subrunasowner then 'true' end else null},
       {since 16 nullif(s.suborigin, 'any') else null},
       {since 17 case when s.subfailover then 'true' end else null}
from pg_subscription s
where s.subdbid = (select oid from pg_database where datname = current_database())",
    attributes: &[
        "enabled",
        "slot",
        "publications[]",
        "synchronous commit",
        "binary",
        "streaming",
        "two-phase",
        "disable on error",
        "without password",
        "run as owner",
        "origin",
        "failover",
    ],
};

/// Of one role, in one schema or in all, for one sort of object. Global ones replace what the engine
/// gives by itself, so that all of them are listed.
pub(super) const DEFAULT_PRIVILEGES: Query = Query {
    sql: r"
select 'default privilege',
       json_build_array(pg_get_userbyid(d.defaclrole), coalesce(n.nspname, ''),
            case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
                 when 'T' then 'types' when 'n' then 'schemas' else 'large objects' end),
       null, null, null,
       (select string_agg(privileges, '; ' order by privileges {c}) from (
            select case x.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(x.grantee)) end || ': '
                   || string_agg(lower(x.privilege_type {c}) || case when x.is_grantable then '*' else '' end, ', '
                                 order by x.privilege_type {c}) as privileges
            from aclexplode(d.defaclacl) x group by x.grantee) g)
from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace",
    attributes: &["privileges"],
};
