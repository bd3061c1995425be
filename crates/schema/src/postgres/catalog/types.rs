//! Queries for types of every sort.

use super::Query;

/// Arrays and multiranges come with their type and are not listed.
pub(super) const TYPES: Query = Query {
    sql: r"
select case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'c' then 'composite type'
                      when 'r' then 'range type' else 'base type' end,
       json_build_array(n.nspname, t.typname), pg_get_userbyid(t.typowner), {comment pg_type t},
       {acl T t.typacl t.typowner},
       (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
       case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end,
       case when t.typtype = 'd' then t.typnotnull::text end,
       case when t.typdefaultbin is null then t.typdefault else pg_get_expr(t.typdefaultbin, 0) end,
       case when t.typtype = 'd' and t.typcollation <> b.typcollation then t.typcollation::regcollation::text end,
       (select json_object_agg(case k.contype when 'n' then 'not null name' else 'check ' || k.conname end,
                               case k.contype when 'n' then k.conname else pg_get_expr(k.conbin, 0) end
                               || case when k.convalidated then '' else ' NOT VALID' end)
        from pg_constraint k where k.contypid = t.oid and (k.contype = 'c' {since 18 or k.contype = 'n' else})),
       case when t.typtype = 'c' then (
            select string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
                              || case when a.attcollation <> y.typcollation
                                 then ' COLLATE ' || a.attcollation::regcollation::text else '' end,
                              ', ' order by a.attnum)
            from pg_attribute a join pg_type y on y.oid = a.atttypid
            where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped) end,
       r.subtype, r.opclass, r.collation, r.canonical, r.difference, r.multirange
from pg_type t
join pg_namespace n on n.oid = t.typnamespace
left join pg_type b on b.oid = t.typbasetype
left join pg_class c on c.oid = t.typrelid
left join (
    select g.rngtypid, format_type(g.rngsubtype, null) as subtype,
           json_build_array(json_build_array(n.nspname, o.opcname)) as opclass,
           case when g.rngcollation <> s.typcollation then g.rngcollation::regcollation::text end as collation,
           nullif(g.rngcanonical::oid, 0)::regproc::text as canonical,
           nullif(g.rngsubdiff::oid, 0)::regproc::text as difference,
           {since 14 format_type(g.rngmultitypid, null) else null} as multirange
    from pg_range g join pg_type s on s.oid = g.rngsubtype
    join pg_opclass o on o.oid = g.rngsubopc join pg_namespace n on n.oid = o.opcnamespace
) r on r.rngtypid = t.oid
where t.typtype in ('e', 'd', 'c', 'r') and (t.typtype <> 'c' or c.relkind = 'c')
  and t.typisdefined and {user} and {own pg_type t}",
    attributes: &[
        "values",
        "type",
        "not null",
        "default",
        "collation",
        "*",
        "columns",
        "subtype",
        "subtype operator class[]",
        "subtype collation",
        "canonical",
        "subtype difference",
        "multirange type",
    ],
};

/// What is not defined yet is a shell: a name, to which nothing else is known.
pub(super) const BASE_TYPES: Query = Query {
    sql: r"
select 'base type', json_build_array(n.nspname, t.typname), pg_get_userbyid(t.typowner), {comment pg_type t},
       {acl T t.typacl t.typowner},
       case when not t.typisdefined then 'true' end,
       b.input, b.output, b.receive, b.send, b.modifier_input, b.modifier_output, b.analyze, b.subscript,
       b.typlen, b.by_value, b.alignment, b.storage, b.typcategory, b.preferred, b.typdelim, b.element, b.typdefault,
       b.collatable
from pg_type t
join pg_namespace n on n.oid = t.typnamespace
left join (
    select x.oid, x.typinput::text as input, x.typoutput::text as output,
           nullif(x.typreceive::oid, 0)::regproc::text as receive, nullif(x.typsend::oid, 0)::regproc::text as send,
           nullif(x.typmodin::oid, 0)::regproc::text as modifier_input,
           nullif(x.typmodout::oid, 0)::regproc::text as modifier_output,
           nullif(x.typanalyze::oid, 0)::regproc::text as analyze,
           {since 14 nullif(x.typsubscript::oid, 0)::regproc::text else null} as subscript,
           case x.typlen when -1 then 'variable' else x.typlen::text end as typlen,
           x.typbyval::text as by_value,
           case x.typalign when 'c' then 'char' when 's' then 'int2' when 'i' then 'int4' else 'double' end as alignment,
           case x.typstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end as storage,
           x.typcategory, case when x.typispreferred then 'true' end as preferred, x.typdelim,
           case when x.typelem <> 0 then format_type(x.typelem, null) end as element,
           x.typdefault, case when x.typcollation <> 0 then 'true' end as collatable
    from pg_type x where x.typisdefined
) b on b.oid = t.oid
where (t.typtype = 'b' or not t.typisdefined)
  and not exists (select from pg_type e where e.typarray = t.oid) and {user} and {own pg_type t}",
    attributes: &[
        "shell",
        "input",
        "output",
        "receive",
        "send",
        "modifier input",
        "modifier output",
        "analyze",
        "subscript",
        "length",
        "passed by value",
        "alignment",
        "storage",
        "category",
        "preferred",
        "delimiter",
        "element",
        "default",
        "collatable",
    ],
};

/// Comments on the constraints of domains, which are attributes of the domain.
pub(super) const DOMAIN_COMMENTS: Query = Query {
    sql: r"
select 'about check', json_build_array(n.nspname, t.typname, k.conname), null, {comment pg_constraint k}, null
from pg_constraint k
join pg_type t on t.oid = k.contypid
join pg_namespace n on n.oid = t.typnamespace
where k.contype = 'c' and {user} and {own pg_type t}",
    attributes: &[],
};
