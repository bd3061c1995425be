//! Queries for types and for everything that runs: functions, triggers, rules, policies.

use super::Query;

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
       (select json_object_agg('check ' || k.conname,
                               pg_get_expr(k.conbin, 0) || case when k.convalidated then '' else ' NOT VALID' end)
        from pg_constraint k where k.contypid = t.oid and k.contype = 'c'),
       case when t.typtype = 'c' then (
            select string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
                              || case when a.attcollation <> y.typcollation
                                 then ' COLLATE ' || a.attcollation::regcollation::text else '' end,
                              ', ' order by a.attnum)
            from pg_attribute a join pg_type y on y.oid = a.atttypid
            where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped) end,
       format_type(r.rngsubtype, null), o.opcname,
       case when r.rngcollation <> 0 then r.rngcollation::regcollation::text end,
       nullif(r.rngcanonical::oid, 0)::regproc::text, nullif(r.rngsubdiff::oid, 0)::regproc::text,
       case when t.typtype = 'b' then concat_ws(' ', t.typinput::text, t.typoutput::text,
            nullif(t.typreceive::oid, 0)::regproc::text, nullif(t.typsend::oid, 0)::regproc::text, t.typlen, t.typbyval,
            t.typalign, t.typstorage, t.typcategory, t.typdelim) end
from pg_type t
join pg_namespace n on n.oid = t.typnamespace
left join pg_type b on b.oid = t.typbasetype
left join pg_range r on r.rngtypid = t.oid
left join pg_opclass o on o.oid = r.rngsubopc
left join pg_class c on c.oid = t.typrelid
where t.typtype in ('e', 'd', 'c', 'r', 'b') and (t.typtype <> 'c' or c.relkind = 'c')
  and t.typisdefined and not exists (select from pg_type e where e.typarray = t.oid)
  and {user} and {own pg_type t}",
    attributes: &[
        "values",
        "type",
        "not null",
        "default",
        "collation",
        "*",
        "columns",
        "subtype",
        "subtype operator class",
        "subtype collation",
        "canonical",
        "subtype difference",
        "definition",
    ],
};

/// The path ends with the types of the input arguments, which is what tells overloads apart. The
/// constructors that come with a range type are part of that.
pub(super) const ROUTINES: Query = Query {
    sql: r"
select case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
       json_build_array(n.nspname, p.proname || '(' || oidvectortypes(p.proargtypes) || ')'),
       pg_get_userbyid(p.proowner), {comment pg_proc p}, {acl f p.proacl p.proowner},
       case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end,
       case when p.prokind = 'a' then pg_get_function_arguments(p.oid) end,
       case when p.prokind = 'a' then pg_get_function_result(p.oid) end,
       a.aggtransfn::text, format_type(a.aggtranstype, null), a.agginitval,
       nullif(a.aggfinalfn::oid, 0)::regproc::text, nullif(a.aggcombinefn::oid, 0)::regproc::text,
       nullif(a.aggsortop, 0)::regoperator::text,
       case when a.aggfnoid is not null then concat_ws(' ', a.aggkind, a.aggnumdirectargs, a.aggtransspace, a.aggfinalextra,
            a.aggfinalmodify, a.aggserialfn::text, a.aggdeserialfn::text, a.aggmtransfn::text, a.aggminvtransfn::text,
            a.aggmfinalfn::text, format_type(a.aggmtranstype, null), a.aggminitval, p.proparallel, p.provolatile) end
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
left join pg_aggregate a on a.aggfnoid = p.oid
where {user} and {own pg_proc p} and {explicit pg_proc p}",
    attributes: &[
        "definition",
        "arguments",
        "result",
        "transition function",
        "state type",
        "initial value",
        "final function",
        "combine function",
        "sort operator",
        "details",
    ],
};

pub(super) const TRIGGERS: Query = Query {
    sql: r"
select 'trigger', json_build_array(n.nspname, c.relname, t.tgname), null, {comment pg_trigger t}, null,
       {part_of}, pg_get_triggerdef(t.oid), {enabled t.tgenabled},
       {since 13 case when t.tgparentid <> 0 then 'true' end else null}
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace
where not t.tgisinternal and {user} and {own pg_class c} and {own pg_trigger t}",
    attributes: &["of", "definition", "enabled", "inherited"],
};

pub(super) const RULES: Query = Query {
    sql: r"
select 'rule', json_build_array(n.nspname, c.relname, r.rulename), null, {comment pg_rewrite r}, null,
       {part_of}, pg_get_ruledef(r.oid), {enabled r.ev_enabled}
from pg_rewrite r
join pg_class c on c.oid = r.ev_class
join pg_namespace n on n.oid = c.relnamespace
where r.rulename <> '_RETURN' and {user} and {own pg_class c}",
    attributes: &["of", "definition", "enabled"],
};

pub(super) const POLICIES: Query = Query {
    sql: r"
select 'policy', json_build_array(n.nspname, c.relname, p.polname), null, {comment pg_policy p}, null,
       {part_of},
       case when p.polpermissive then 'permissive' else 'restrictive' end,
       case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
       (select json_agg(case u.role when 0 then 'public' else pg_get_userbyid(u.role) end
                        order by case u.role when 0 then 'public' else pg_get_userbyid(u.role) end)
        from unnest(p.polroles) u (role)),
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
from pg_policy p
join pg_class c on c.oid = p.polrelid
join pg_namespace n on n.oid = c.relnamespace
where {user} and {own pg_class c}",
    attributes: &["of", "as", "for", "to[]", "using", "with check"],
};

pub(super) const EVENT_TRIGGERS: Query = Query {
    sql: r"
select 'event trigger', json_build_array(e.evtname), pg_get_userbyid(e.evtowner), {comment pg_event_trigger e}, null,
       e.evtevent, e.evtfoid::regproc::text, {enabled e.evtenabled},
       case when e.evttags is not null then array_to_json(e.evttags) end
from pg_event_trigger e
where {own pg_event_trigger e}",
    attributes: &["event", "function", "enabled", "tags[]"],
};
