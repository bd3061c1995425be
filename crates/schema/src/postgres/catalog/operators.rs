//! Queries for what extends the engine: operators and their classes, casts, transforms, conversions,
//! languages, access methods.

use super::Query;

/// An operator that only another one names, and that nobody has made yet, is left out.
pub(super) const OPERATORS: Query = Query {
    sql: r"
select 'operator',
       json_build_array(n.nspname, o.oprname || '(' || format_type(o.oprleft, null) || ', '
                                   || format_type(o.oprright, null) || ')'),
       pg_get_userbyid(o.oprowner), {comment pg_operator o}, null,
       o.oprcode::regprocedure::text, format_type(o.oprresult, null),
       nullif(o.oprcom, 0)::regoperator::text, nullif(o.oprnegate, 0)::regoperator::text,
       nullif(o.oprrest::oid, 0)::regproc::text, nullif(o.oprjoin::oid, 0)::regproc::text,
       case when o.oprcanhash then 'true' end, case when o.oprcanmerge then 'true' end
from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
where o.oprcode <> 0 and {user} and {own pg_operator o}",
    attributes: &[
        "function",
        "result",
        "commutator",
        "negator",
        "restrict",
        "join",
        "hashes",
        "merges",
    ],
};

pub(super) const OPERATOR_CLASSES: Query = Query {
    sql: r"
select 'operator class', json_build_array(n.nspname, o.opcname || ' using ' || m.amname),
       pg_get_userbyid(o.opcowner), {comment pg_opclass o}, null,
       format_type(o.opcintype, null), case when o.opckeytype <> 0 then format_type(o.opckeytype, null) end,
       case when o.opcdefault then 'true' end, json_build_array(json_build_array(fn.nspname, f.opfname)),
       {family_operators pg_opclass o}, {family_functions pg_opclass o}
from pg_opclass o
join pg_namespace n on n.oid = o.opcnamespace
join pg_am m on m.oid = o.opcmethod
join pg_opfamily f on f.oid = o.opcfamily
join pg_namespace fn on fn.oid = f.opfnamespace
where {user} and {own pg_opclass o}",
    attributes: &["type", "storage type", "default", "family[]", "operators[]", "functions[]"],
};

/// With the operators and functions that belong to none of the family's classes.
pub(super) const OPERATOR_FAMILIES: Query = Query {
    sql: r"
select 'operator family', json_build_array(n.nspname, o.opfname || ' using ' || m.amname),
       pg_get_userbyid(o.opfowner), {comment pg_opfamily o}, null,
       {family_operators pg_opfamily o}, {family_functions pg_opfamily o}
from pg_opfamily o
join pg_namespace n on n.oid = o.opfnamespace
join pg_am m on m.oid = o.opfmethod
where {user} and {own pg_opfamily o}",
    attributes: &["operators[]", "functions[]"],
};

pub(super) const CASTS: Query = Query {
    sql: r"
select 'cast', json_build_array(format_type(c.castsource, null) || ' as ' || format_type(c.casttarget, null)),
       null, {comment pg_cast c}, null,
       case c.castmethod when 'f' then c.castfunc::regprocedure::text when 'i' then 'inout' else 'binary' end,
       case c.castcontext when 'e' then 'explicit' when 'a' then 'assignment' else 'implicit' end
from pg_cast c
where {made c} and {own pg_cast c} and {explicit pg_cast c}",
    attributes: &["with", "context"],
};

pub(super) const TRANSFORMS: Query = Query {
    sql: r"
select 'transform', json_build_array(format_type(t.trftype, null) || ' for ' || l.lanname),
       null, {comment pg_transform t}, null,
       nullif(t.trffromsql::oid, 0)::regprocedure::text, nullif(t.trftosql::oid, 0)::regprocedure::text
from pg_transform t join pg_language l on l.oid = t.trflang
where {own pg_transform t}",
    attributes: &["from sql", "to sql"],
};

pub(super) const CONVERSIONS: Query = Query {
    sql: r"
select 'conversion', json_build_array(n.nspname, c.conname), pg_get_userbyid(c.conowner), {comment pg_conversion c}, null,
       pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc::text,
       case when c.condefault then 'true' end
from pg_conversion c join pg_namespace n on n.oid = c.connamespace
where {user} and {own pg_conversion c}",
    attributes: &["from", "to", "function", "default"],
};

pub(super) const LANGUAGES: Query = Query {
    sql: r"
select 'language', json_build_array(l.lanname), pg_get_userbyid(l.lanowner), {comment pg_language l},
       {acl l l.lanacl l.lanowner},
       l.lanpltrusted::text, nullif(l.lanplcallfoid, 0)::regproc::text, nullif(l.laninline, 0)::regproc::text,
       nullif(l.lanvalidator, 0)::regproc::text
from pg_language l
where l.lanispl and {own pg_language l}",
    attributes: &["trusted", "handler", "inline", "validator"],
};

pub(super) const ACCESS_METHODS: Query = Query {
    sql: r"
select 'access method', json_build_array(a.amname), null, {comment pg_am a}, null,
       case a.amtype when 't' then 'table' else 'index' end, a.amhandler::text
from pg_am a
where {made a} and {own pg_am a}",
    attributes: &["type", "handler"],
};
