//! Queries for schemas, tables and what is inside tables.

use super::Query;

pub(super) const SCHEMAS: Query = Query {
    sql: r"
select 'schema', json_build_array(n.nspname), pg_get_userbyid(n.nspowner), {comment pg_namespace n},
       {acl n n.nspacl n.nspowner}
from pg_namespace n
where {user} and {own pg_namespace n}",
    attributes: &[],
};

pub(super) const TABLES: Query = Query {
    sql: r"
select case c.relkind when 'v' then 'view' when 'm' then 'materialized view'
                      when 'f' then 'foreign table' else 'table' end,
       json_build_array(n.nspname, c.relname), pg_get_userbyid(c.relowner), {comment pg_class c},
       {acl r c.relacl c.relowner},
       case when c.relkind in ('r', 'p') then c.relrowsecurity::text end,
       case when c.relforcerowsecurity then 'true' end,
       case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end,
       case when c.relispartition then p.parents end,
       case when c.relispartition then pg_get_expr(c.relpartbound, c.oid) end,
       case when not c.relispartition then p.parents end,
       case c.relpersistence when 'u' then 'unlogged' end,
       {options c.reloptions}, {options t.reloptions},
       case case when c.relkind in ('r', 'p', 'm') then c.relreplident end when 'n' then 'nothing' when 'f' then 'full' when 'i' then 'index' end,
       case when c.relkind = 'p' then a.amname else nullif(a.amname, 'heap') end, s.spcname,
       case when c.reloftype <> 0 then format_type(c.reloftype, null) end,
       case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
       f.srvname, f.ftoptions, p.detaching
       {unit}
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_class t on t.oid = c.reltoastrelid
left join pg_am a on a.oid = c.relam
left join pg_tablespace s on s.oid = c.reltablespace
left join (select i.inhrelid, json_agg(json_build_array(pn.nspname, pc.relname) order by i.inhseqno) as parents,
                  {since 14 case when bool_or(i.inhdetachpending) then 'true' end else null} as detaching
           from pg_inherits i join pg_class pc on pc.oid = i.inhparent
           join pg_namespace pn on pn.oid = pc.relnamespace
           where true {these i.inhrelid}
           group by i.inhrelid) p on p.inhrelid = c.oid
left join (select ft.ftrelid, fs.srvname, {options ft.ftoptions} as ftoptions
           from pg_foreign_table ft join pg_foreign_server fs on fs.oid = ft.ftserver) f
       on f.ftrelid = c.oid
where c.relkind in ('r', 'p', 'v', 'm', 'f') and {user} and {own pg_class c} {these c.oid}",
    attributes: &[
        "row security",
        "force row security",
        "partition by",
        "partition of[]",
        "partition bound",
        "inherits[]",
        "persistence",
        "options[]",
        "toast options[]",
        "replica identity",
        "access method",
        "tablespace",
        "of type",
        "definition",
        "server",
        "fdw options[]",
        "detach pending",
    ],
};

/// Of views, which have the columns of their query, only what is said of the column itself; of
/// composite types, whose columns are an attribute, only comments.
/// The expressions are written before anything is sorted: as stored they are long.
pub(super) const COLUMNS: Query = Query {
    sql: r"
select case when c.relkind in ('r', 'p', 'f', 'm') or a.atthasdef then 'column' else 'about column' end,
       json_build_array(n.nspname, c.relname, a.attname), null, {comment pg_class c a.attnum},
       {acl c a.attacl c.relowner},
       {part_of},
       row_number() over (partition by a.attrelid order by a.attnum),
       format_type(a.atttypid, a.atttypmod),
       case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end,
       a.attnotnull::text,
       case when a.attgenerated = '' then d.expression end,
       case when a.attgenerated <> '' then d.expression end,
       case a.attgenerated when 's' then 'stored' when 'v' then 'virtual' end,
       case a.attidentity when 'a' then 'always' when 'd' then 'by default' end,
       case when q.deptype = 'a' and d.expression like 'nextval(%' then 'true' end,
       q.options,
       case when a.attcollation <> t.typcollation then l.collname end,
       case when a.attstorage <> t.typstorage then
            case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end end,
       {since 14 case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end else null},
       case when a.attstattarget >= 0 then a.attstattarget end,
       {options a.attoptions}, {options a.attfdwoptions},
       case when not a.attislocal then 'true' end
       {unit}
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_type t on t.oid = a.atttypid
left join (select x.adrelid, x.adnum, pg_get_expr(x.adbin, x.adrelid) as expression
           from pg_attrdef x where true {these x.adrelid} offset 0) d on d.adrelid = a.attrelid and d.adnum = a.attnum
left join (select co.oid, json_build_array(json_build_array(cn.nspname, co.collname)) as collname
           from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace) l on l.oid = a.attcollation
left join (select e.refobjid, e.refobjsubid, max(e.deptype) as deptype,
                  max(concat_ws(' ', 'as', format_type(s.seqtypid, null), 'start', s.seqstart, 'increment', s.seqincrement,
                                'min', s.seqmin, 'max', s.seqmax, 'cache', s.seqcache,
                                case when s.seqcycle then 'cycle' end)) as options
           from pg_depend e join pg_sequence s on s.seqrelid = e.objid
           where e.classid = 'pg_class'::regclass and e.refclassid = 'pg_class'::regclass
             and e.deptype in ('a', 'i') and e.refobjsubid > 0 {these e.refobjid}
           group by e.refobjid, e.refobjsubid) q on q.refobjid = a.attrelid and q.refobjsubid = a.attnum
where a.attnum > 0 and not a.attisdropped
  and (c.relkind in ('r', 'p', 'f', 'm')
       or c.relkind in ('v', 'c') and (a.atthasdef or a.attacl is not null
            or exists (select from pg_description x where x.classoid = 'pg_class'::regclass and x.objoid = a.attrelid
                       and x.objsubid = a.attnum)))
  and {user} and {own pg_class c} {these c.oid} {these a.attrelid}",
    attributes: &[
        "of",
        "position",
        "type",
        "base type",
        "not null",
        "default",
        "generated",
        "generated kind",
        "identity",
        "serial",
        "sequence options",
        "collation[]",
        "storage",
        "compression",
        "statistics target",
        "options[]",
        "fdw options[]",
        "inherited",
    ],
};

/// Copies of a foreign key that the engine makes for each partition are left out, as `pg_dump` does:
/// their names depend on the order of creation.
pub(super) const CONSTRAINTS: Query = Query {
    sql: r"
select case k.contype when 'p' then 'primary key' when 'u' then 'unique constraint' when 'f' then 'foreign key'
                      when 'c' then 'check' when 'x' then 'exclusion constraint' else 'not-null constraint' end,
       json_build_array(n.nspname, c.relname, k.conname), null, {comment pg_constraint k}, null,
       {part_of},
       {names k.conrelid k.conkey},
       case when k.contype = 'c' then pg_get_expr(k.conbin, k.conrelid) end,
       case when k.contype = 'x' then pg_get_constraintdef(k.oid) end,
       case when k.confrelid <> 0 then json_build_array(json_build_array(rn.nspname, rc.relname)) end,
       case when k.confrelid <> 0 then {names k.confrelid k.confkey} end,
       {action k.confupdtype}, {action k.confdeltype},
       {since 15 case when k.confdelsetcols is not null then (
            select json_agg(x.attname order by u.n) from unnest(k.confdelsetcols) with ordinality u (attnum, n)
            join pg_attribute x on x.attrelid = k.conrelid and x.attnum = u.attnum) end else null},
       case k.confmatchtype when 'f' then 'full' when 'p' then 'partial' end,
       case when k.condeferred then 'deferrable initially deferred' when k.condeferrable then 'deferrable' end,
       case when not k.convalidated then 'true' end,
       {since 18 case when not k.conenforced then 'true' end else null},
       {since 18 case when k.conperiod then 'true' end else null},
       case when k.contype in ('c', 'n') and k.connoinherit then 'true' end,
       case when not k.conislocal or k.conparentid <> 0 then 'true' end,
       case when g.conid is not null then 'true' end,
       case when i.indnatts > i.indnkeyatts then (
            select json_agg(x.attname order by x.attnum) from pg_attribute x
            where x.attrelid = i.indexrelid and x.attnum > i.indnkeyatts) end,
       {since 15 case when i.indnullsnotdistinct then 'true' end else null},
       {options ic.reloptions}, s.spcname,
       case when i.indisreplident then 'true' end, case when i.indisclustered then 'true' end,
       case when not i.indisvalid then 'true' end, {targets i.indexrelid}
       {unit}
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
left join pg_class rc on rc.oid = k.confrelid
left join pg_namespace rn on rn.oid = rc.relnamespace
left join pg_index i on i.indexrelid = k.conindid and k.contype in ('p', 'u', 'x')
left join pg_class ic on ic.oid = i.indexrelid
left join pg_tablespace s on s.oid = ic.reltablespace
left join (select distinct tgconstraint as conid from pg_trigger where tgisinternal and tgenabled = 'D') g on g.conid = k.oid
where k.contype in ('p', 'u', 'f', 'c', 'x', 'n') and not (k.contype = 'f' and k.conparentid <> 0)
  and {user} and {own pg_class c} {these k.conrelid}",
    attributes: &[
        "of",
        "columns[]",
        "expression",
        "definition",
        "references[]",
        "references columns[]",
        "on update",
        "on delete",
        "on delete columns[]",
        "match",
        "deferrable",
        "not valid",
        "not enforced",
        "period",
        "no inherit",
        "inherited",
        "disabled",
        "include[]",
        "nulls not distinct",
        "options[]",
        "tablespace",
        "replica identity",
        "clustered",
        "invalid",
        "statistics target[]",
    ],
};

/// Indexes that no constraint made. The definition begins after `USING`, so that it does not contain
/// the index's own name.
pub(super) const INDEXES: Query = Query {
    sql: r"
select 'index', json_build_array(n.nspname, c.relname, ic.relname), null, {comment pg_class ic}, null,
       {part_of},
       i.indisunique::text,
       substr(pg_get_indexdef(i.indexrelid),
              length('CREATE ' || case when i.indisunique then 'UNIQUE ' else '' end || 'INDEX ' || quote_ident(ic.relname)
                     || ' ON ' || case ic.relkind when 'I' then 'ONLY ' else '' end
                     || quote_ident(n.nspname) || '.' || quote_ident(c.relname) || ' USING ') + 1),
       s.spcname,
       case when i.indisreplident then 'true' end, case when i.indisclustered then 'true' end,
       case when not i.indisvalid then 'true' end,
       {targets i.indexrelid}, p.parent
       {unit}
from pg_index i
join pg_class ic on ic.oid = i.indexrelid
join pg_class c on c.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
left join pg_tablespace s on s.oid = ic.reltablespace
left join pg_constraint k on k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')
left join (select h.inhrelid, json_build_array(json_build_array(pn.nspname, pc.relname)) as parent
           from pg_inherits h join pg_class pc on pc.oid = h.inhparent
           join pg_namespace pn on pn.oid = pc.relnamespace) p on p.inhrelid = i.indexrelid
where k.oid is null and c.relkind in ('r', 'p', 'm') and {user} and {own pg_class c} {these i.indrelid}",
    attributes: &[
        "of",
        "unique",
        "definition",
        "tablespace",
        "replica identity",
        "clustered",
        "invalid",
        "statistics target[]",
        "partition of[]",
    ],
};

/// Comments on the indexes of constraints, which have their own beside those of the constraints.
pub(super) const INDEX_COMMENTS: Query = Query {
    sql: r"
select 'about index', json_build_array(n.nspname, c.relname, ic.relname), null, {comment pg_class ic}, null
       {unit}
from pg_constraint k
join pg_class ic on ic.oid = k.conindid
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
where k.contype in ('p', 'u', 'x') and {user} and {own pg_class c}
  and exists (select from pg_description x where x.classoid = 'pg_class'::regclass and x.objoid = ic.oid) {these k.conrelid}",
    attributes: &[],
};

/// What a sequence is, not how far it has counted.
pub(super) const SEQUENCES: Query = Query {
    sql: r"
select 'sequence', json_build_array(n.nspname, c.relname), pg_get_userbyid(c.relowner), {comment pg_class c},
       {acl s c.relacl c.relowner},
       format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle::text,
       case c.relpersistence when 'u' then 'unlogged' end,
       case d.deptype when 'i' then 'identity' when 'a' then 'serial' end,
       case when d.deptype is not null then json_build_array(json_build_array(tn.nspname, tc.relname, ta.attname)) end
       {unit}
from pg_sequence s
join pg_class c on c.oid = s.seqrelid
join pg_namespace n on n.oid = c.relnamespace
left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.objsubid = 0
     and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i')
left join pg_class tc on tc.oid = d.refobjid
left join pg_namespace tn on tn.oid = tc.relnamespace
left join pg_attribute ta on ta.attrelid = d.refobjid and ta.attnum = d.refobjsubid
where {user} and {own pg_class c} {these s.seqrelid}",
    attributes: &[
        "type",
        "start",
        "increment",
        "min",
        "max",
        "cache",
        "cycle",
        "persistence",
        "owned as",
        "owned by[]",
    ],
};
