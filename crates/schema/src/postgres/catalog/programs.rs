//! Queries for everything that runs: functions, aggregates, triggers, rules, policies.

use super::Query;

/// The path ends with the types of the input arguments, which is what tells overloads apart. The
/// constructors that come with a range type are part of that.
pub(super) const ROUTINES: Query = Query {
    sql: r"
select case p.prokind when 'p' then 'procedure' else 'function' end,
       json_build_array(n.nspname, p.proname || '(' || oidvectortypes(p.proargtypes) || ')'),
       pg_get_userbyid(p.proowner), {comment pg_proc p}, {acl f p.proacl p.proowner},
       l.lanname, pg_get_function_arguments(p.oid),
       case when p.prokind <> 'p' then pg_get_function_result(p.oid) end,
       {since 14 coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) else p.prosrc}, p.probin,
       case when p.prokind <> 'p' then
            case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end end,
       case when p.proisstrict then 'true' end, case when p.prosecdef then 'definer' end,
       case when p.proleakproof then 'true' end,
       case p.proparallel when 's' then 'safe' when 'r' then 'restricted' end,
       case when p.prokind <> 'p' then p.procost end, nullif(p.prorows, 0),
       nullif(p.prosupport::oid, 0)::regproc::text, case when p.prokind = 'w' then 'true' end,
       {options p.proconfig},
       (select json_agg(format_type(x, null) order by format_type(x, null) {c}) from unnest(p.protrftypes) x)
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
join pg_language l on l.oid = p.prolang
where p.prokind <> 'a' and {user} and {own pg_proc p} and {explicit pg_proc p}",
    attributes: &[
        "language",
        "arguments",
        "result",
        "body",
        "library",
        "volatility",
        "strict",
        "security",
        "leakproof",
        "parallel",
        "cost",
        "rows",
        "support",
        "window",
        "settings[]",
        "transforms[]",
    ],
};

/// What a function shows to the planner is fixed for an aggregate, so that only `parallel` is read.
pub(super) const AGGREGATES: Query = Query {
    sql: r"
select 'aggregate', json_build_array(n.nspname, p.proname || '(' || oidvectortypes(p.proargtypes) || ')'),
       pg_get_userbyid(p.proowner), {comment pg_proc p}, {acl f p.proacl p.proowner},
       case a.aggkind when 'o' then 'ordered set' when 'h' then 'hypothetical set' end,
       pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
       case p.proparallel when 's' then 'safe' when 'r' then 'restricted' end,
       a.aggtransfn::text, format_type(a.aggtranstype, null), nullif(a.aggtransspace, 0), a.agginitval,
       nullif(a.aggfinalfn::oid, 0)::regproc::text, case when a.aggfinalextra then 'true' end,
       {modifies a.aggfinalmodify}, nullif(a.aggcombinefn::oid, 0)::regproc::text,
       nullif(a.aggserialfn::oid, 0)::regproc::text, nullif(a.aggdeserialfn::oid, 0)::regproc::text,
       nullif(a.aggmtransfn::oid, 0)::regproc::text, nullif(a.aggminvtransfn::oid, 0)::regproc::text,
       case when a.aggmtranstype <> 0 then format_type(a.aggmtranstype, null) end, nullif(a.aggmtransspace, 0),
       a.aggminitval, nullif(a.aggmfinalfn::oid, 0)::regproc::text, case when a.aggmfinalextra then 'true' end,
       case when a.aggmtransfn::oid <> 0 then {modifies a.aggmfinalmodify} end,
       nullif(a.aggsortop, 0)::regoperator::text
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
join pg_aggregate a on a.aggfnoid = p.oid
where {user} and {own pg_proc p}",
    attributes: &[
        "sort",
        "arguments",
        "result",
        "parallel",
        "transition function",
        "state type",
        "state size",
        "initial value",
        "final function",
        "final extra",
        "final modify",
        "combine function",
        "serial function",
        "deserial function",
        "moving transition function",
        "moving inverse function",
        "moving state type",
        "moving state size",
        "moving initial value",
        "moving final function",
        "moving final extra",
        "moving final modify",
        "sort operator",
    ],
};

/// Copies of a trigger on partitions are marked as inherited; the triggers behind foreign keys are part
/// of those.
pub(super) const TRIGGERS: Query = Query {
    sql: r"
select 'trigger', json_build_array(n.nspname, c.relname, t.tgname), null, {comment pg_trigger t}, null,
       {part_of}, pg_get_triggerdef(t.oid), {enabled t.tgenabled},
       case when t.tgparentid <> 0 then 'true' end
       {unit}
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace
where (not t.tgisinternal
       or t.tgparentid <> 0 and not exists (select from pg_constraint k where k.oid = t.tgconstraint and k.contype <> 't'))
  and {user} and {own pg_class c} and {own pg_trigger t} {these t.tgrelid}",
    attributes: &["of", "definition", "enabled", "inherited"],
};

pub(super) const RULES: Query = Query {
    sql: r"
select 'rule', json_build_array(n.nspname, c.relname, r.rulename), null, {comment pg_rewrite r}, null,
       {part_of}, pg_get_ruledef(r.oid), {enabled r.ev_enabled}
       {unit}
from pg_rewrite r
join pg_class c on c.oid = r.ev_class
join pg_namespace n on n.oid = c.relnamespace
where r.rulename <> '_RETURN' and {user} and {own pg_class c} {these r.ev_class}",
    attributes: &["of", "definition", "enabled"],
};

/// Those on tables of extensions too, since no extension makes them.
pub(super) const POLICIES: Query = Query {
    sql: r"
select 'policy', json_build_array(n.nspname, c.relname, p.polname), null, {comment pg_policy p}, null,
       {part_of},
       case when p.polpermissive then 'permissive' else 'restrictive' end,
       case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
       (select json_agg(case u.role when 0 then 'public' else pg_get_userbyid(u.role) end
                        order by case u.role when 0 then 'public' else pg_get_userbyid(u.role) end {c})
        from unnest(p.polroles) u (role)),
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
       {unit}
from pg_policy p
join pg_class c on c.oid = p.polrelid
join pg_namespace n on n.oid = c.relnamespace
where {user} and {own pg_policy p} {these p.polrelid}",
    attributes: &["of", "as", "for", "to[]", "using", "with check"],
};

pub(super) const EVENT_TRIGGERS: Query = Query {
    sql: r"
select 'event trigger', json_build_array(e.evtname), pg_get_userbyid(e.evtowner), {comment pg_event_trigger e}, null,
       e.evtevent, e.evtfoid::regproc::text, {enabled e.evtenabled},
       {options e.evttags}
from pg_event_trigger e
where {own pg_event_trigger e}",
    attributes: &["event", "function", "enabled", "tags[]"],
};
