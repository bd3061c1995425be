//! Queries for text search: parsers, templates, dictionaries, configurations.

use super::Query;

pub(super) const PARSERS: Query = Query {
    sql: r"
select 'text search parser', json_build_array(n.nspname, p.prsname), null, {comment pg_ts_parser p}, null,
       p.prsstart::text, p.prstoken::text, p.prsend::text, p.prslextype::text, nullif(p.prsheadline::oid, 0)::regproc::text
from pg_ts_parser p join pg_namespace n on n.oid = p.prsnamespace
where {user} and {own pg_ts_parser p}",
    attributes: &["start", "next token", "end", "token types", "headline"],
};

pub(super) const TEMPLATES: Query = Query {
    sql: r"
select 'text search template', json_build_array(n.nspname, t.tmplname), null, {comment pg_ts_template t}, null,
       nullif(t.tmplinit::oid, 0)::regproc::text, t.tmpllexize::text
from pg_ts_template t join pg_namespace n on n.oid = t.tmplnamespace
where {user} and {own pg_ts_template t}",
    attributes: &["init", "lexize"],
};

pub(super) const DICTIONARIES: Query = Query {
    sql: r"
select 'text search dictionary', json_build_array(n.nspname, d.dictname), pg_get_userbyid(d.dictowner),
       {comment pg_ts_dict d}, null,
       json_build_array(json_build_array(tn.nspname, t.tmplname)), d.dictinitoption
from pg_ts_dict d
join pg_namespace n on n.oid = d.dictnamespace
join pg_ts_template t on t.oid = d.dicttemplate
join pg_namespace tn on tn.oid = t.tmplnamespace
where {user} and {own pg_ts_dict d}",
    attributes: &["template[]", "options"],
};

/// One attribute per sort of token: the dictionaries that look at it, in their order.
pub(super) const CONFIGURATIONS: Query = Query {
    sql: r"
select 'text search configuration', json_build_array(n.nspname, c.cfgname), pg_get_userbyid(c.cfgowner),
       {comment pg_ts_config c}, null,
       json_build_array(json_build_array(pn.nspname, p.prsname)),
       (select json_object_agg('mapping ' || m.alias, m.dictionaries)
        from (select t.alias, string_agg(x.mapdict::regdictionary::text, ', ' order by x.mapseqno) as dictionaries
              from pg_ts_config_map x join ts_token_type(c.cfgparser) t on t.tokid = x.maptokentype
              where x.mapcfg = c.oid group by t.alias) m)
from pg_ts_config c
join pg_namespace n on n.oid = c.cfgnamespace
join pg_ts_parser p on p.oid = c.cfgparser
join pg_namespace pn on pn.oid = p.prsnamespace
where {user} and {own pg_ts_config c}",
    attributes: &["parser[]", "*"],
};
