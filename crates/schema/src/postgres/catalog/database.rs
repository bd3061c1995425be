//! Queries for what is changed on objects of others (extensions, the system), for security labels, for
//! what surrounds the structure, and for what the role cannot see.

use super::Query;

/// Grants on members of extensions and on what every database has, where they differ from those that
/// the extension or `initdb` gave.
pub(super) const CHANGED_GRANTS: Query = Query {
    sql: r"
select 'about ' || case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table'
                                  when 'S' then 'sequence' else 'table' end,
       json_build_array(n.nspname, c.relname), pg_get_userbyid(c.relowner), null,
       case when c.relkind = 'S' then {changed s c.relacl c.relowner} else {changed r c.relacl c.relowner} end
from pg_class c join pg_namespace n on n.oid = c.relnamespace {initial pg_class c}
where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relacl is distinct from i.initprivs
  and (n.nspname = 'pg_catalog' or {member pg_class c})
union all
select 'about column', json_build_array(n.nspname, c.relname, a.attname), pg_get_userbyid(c.relowner), null,
       {changed c a.attacl c.relowner}
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
left join pg_init_privs i on i.objoid = c.oid and i.classoid = 'pg_class'::regclass and i.objsubid = a.attnum
where not a.attisdropped and a.attacl is distinct from i.initprivs
  and (n.nspname = 'pg_catalog' or {member pg_class c})
union all
select 'about ' || case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
       json_build_array(n.nspname, p.proname || '(' || oidvectortypes(p.proargtypes) || ')'), pg_get_userbyid(p.proowner),
       null, {changed f p.proacl p.proowner}
from pg_proc p join pg_namespace n on n.oid = p.pronamespace {initial pg_proc p}
where p.proacl is distinct from i.initprivs and (n.nspname = 'pg_catalog' or {member pg_proc p})
union all
select 'about ' || case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'c' then 'composite type'
                                  when 'r' then 'range type' else 'base type' end,
       json_build_array(n.nspname, t.typname), pg_get_userbyid(t.typowner), null, {changed T t.typacl t.typowner}
from pg_type t join pg_namespace n on n.oid = t.typnamespace {initial pg_type t}
where t.typacl is distinct from i.initprivs and (n.nspname = 'pg_catalog' or {member pg_type t})
union all
select 'about schema', json_build_array(n.nspname), pg_get_userbyid(n.nspowner), null, {changed n n.nspacl n.nspowner}
from pg_namespace n {initial pg_namespace n}
where n.nspacl is distinct from i.initprivs and (n.nspname = 'pg_catalog' or {member pg_namespace n})
union all
select 'about language', json_build_array(l.lanname), pg_get_userbyid(l.lanowner), null, {changed l l.lanacl l.lanowner}
from pg_language l {initial pg_language l}
where l.lanacl is distinct from i.initprivs and (not l.lanispl or {member pg_language l})
union all
select 'about foreign data wrapper', json_build_array(w.fdwname), pg_get_userbyid(w.fdwowner), null,
       {changed F w.fdwacl w.fdwowner}
from pg_foreign_data_wrapper w {initial pg_foreign_data_wrapper w}
where w.fdwacl is distinct from i.initprivs and {member pg_foreign_data_wrapper w}
union all
select 'about foreign server', json_build_array(s.srvname), pg_get_userbyid(s.srvowner), null,
       {changed S s.srvacl s.srvowner}
from pg_foreign_server s {initial pg_foreign_server s}
where s.srvacl is distinct from i.initprivs and {member pg_foreign_server s}",
    attributes: &[],
};

/// Labels on everything but large objects, whose kind and path are those of the engine's address.
pub(super) const SECURITY_LABELS: Query = Query {
    sql: r"
select 'security label on',
       to_json(case when t.oid is not null then array[case t.typtype when 'e' then 'enum' when 'd' then 'domain'
                         when 'c' then 'composite type' when 'r' then 'range type' else 'base type' end,
                         tn.nspname, t.typname]
                    when p.oid is not null then array[a.type, pn.nspname,
                         p.proname || '(' || oidvectortypes(p.proargtypes) || ')']
                    else array[case when l.objsubid <> 0 then 'column' else a.type end] || a.object_names end
               || l.provider),
       null, null, null, l.label
from pg_seclabel l
cross join lateral pg_identify_object_as_address(l.classoid, l.objoid, l.objsubid) a (type, object_names, object_args)
left join pg_type t on l.classoid = 'pg_type'::regclass and t.oid = l.objoid
left join pg_namespace tn on tn.oid = t.typnamespace
left join pg_proc p on l.classoid = 'pg_proc'::regclass and p.oid = l.objoid
left join pg_namespace pn on pn.oid = p.pronamespace
where l.classoid <> 'pg_largeobject'::regclass",
    attributes: &["label"],
};

/// The database itself. Its name is left out; how many large objects it has is said, since they are
/// data of no table.
pub(super) const DATABASE: Query = Query {
    sql: r#"
select 'database', json_build_array('(this)'), pg_get_userbyid(d.datdba), shobj_description(d.oid, 'pg_database'),
       {acl d d.datacl d.datdba},
       pg_encoding_to_char(d.encoding), d.datcollate, d.datctype,
       {since 15 case d.datlocprovider when 'i' then 'icu' when 'b' then 'builtin' when 'c' then 'libc' end else 'libc'},
       {since 15 {since 17 d.datlocale else d.daticulocale} else null},
       t.spcname, case when d.datconnlimit >= 0 then d.datconnlimit end, case when d.datistemplate then 'true' end,
       (select json_agg(x order by x collate "C") from pg_db_role_setting s, unnest(s.setconfig) x
        where s.setdatabase = d.oid and s.setrole = 0),
       (select json_agg(r.line order by r.line collate "C") from (
            select pg_get_userbyid(s.setrole) || ': ' || x as line from pg_db_role_setting s, unnest(s.setconfig) x
            where s.setdatabase = d.oid and s.setrole <> 0) r),
       (select json_agg(l.line order by l.line collate "C") from (
            select x.provider || ': ' || x.label as line from pg_shseclabel x
            where x.classoid = 'pg_database'::regclass and x.objoid = d.oid) l),
       nullif((select count(*) from pg_largeobject_metadata), 0)
from pg_database d join pg_tablespace t on t.oid = d.dattablespace
where d.datname = current_database()"#,
    attributes: &[
        "encoding",
        "collate",
        "ctype",
        "locale provider",
        "locale",
        "tablespace",
        "connection limit",
        "template",
        "settings[]",
        "settings of roles[]",
        "security labels[]",
        "large objects",
    ],
};

/// Who may change which setting of the server.
pub(super) const PARAMETERS: Query = Query {
    sql: r"
{since 15 select 'about parameter', json_build_array(p.parname), null, null, {acl p p.paracl 10::oid} from pg_parameter_acl p
 else select null, null, null, null, null where false}",
    attributes: &[],
};

/// What, why, and what an administrator can grant. The catalog itself is readable for everybody; rows
/// and the options of others' user mappings are not.
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
       'row security of table ' || n.nspname || '.' || c.relname || ' applies to role ' || current_user,
       'ALTER ROLE ' || quote_ident(current_user) || ' BYPASSRLS'
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and c.relrowsecurity and {user} and {own pg_class c}
  and has_table_privilege(c.oid, 'SELECT') and row_security_active(c.oid)
union all
select 'options of user mapping ' || m.srvname || '.' || m.usename,
       'role ' || current_user || ' may not read them: only a superuser, the role of the mapping with USAGE on the '
       || 'server, and for PUBLIC the owner of the server may', null
from pg_user_mappings m join pg_foreign_server s on s.oid = m.srvid
where m.umoptions is null and not (select r.rolsuper from pg_roles r where r.rolname = current_user)
  and not (m.umuser <> 0 and m.usename = current_user
           and (pg_has_role(s.srvowner, 'USAGE') or has_server_privilege(s.oid, 'USAGE')))
  and not (m.umuser = 0 and pg_has_role(s.srvowner, 'USAGE'))
union all
select 'comment and synchronous_commit of subscription ' || s.subname,
       'before PostgreSQL 14 role ' || current_user || ' may not read all of pg_subscription',
       'GRANT SELECT ON pg_catalog.pg_subscription TO ' || quote_ident(current_user)
from pg_subscription s
where {sees_subscriptions false else true}
  and s.subdbid = (select oid from pg_database where datname = current_database())
order by 1";
