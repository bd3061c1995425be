//! Queries for what changed in the server's catalogs: see [`super::series`].

use std::fmt::Write;

/// Catalogs whose rows can be named elsewhere, or change what all rows mean: new rows name nothing that was there.
const GROWING: [(&str, &str); 5] = [
    ("pg_proc", "pg_proc r"),
    (
        // Without row types, which are part of their relations, and without arrays.
        "pg_type",
        "pg_type r left join pg_class c on c.oid = r.typrelid where (r.typrelid = 0 or c.relkind = 'c') \
         and not exists (select from pg_type e where e.typarray = r.oid)",
    ),
    ("pg_enum", "pg_enum r"),
    ("pg_range", "pg_range r"),
    ("constraints of domains", "pg_constraint r where r.contypid <> 0"),
];

/// Catalogs of which any change is a reason to read everything.
const FIXED: [(&str, &str); 32] = [
    ("system relations", "pg_class r where r.oid < 16384"),
    ("system columns", "pg_attribute r where r.attrelid < 16384"),
    ("members of extensions", "pg_depend r where r.refclassid = 'pg_extension'::regclass"),
    ("pg_namespace", "pg_namespace r"),
    ("pg_description", "pg_description r"),
    ("pg_init_privs", "pg_init_privs r"),
    ("pg_extension", "pg_extension r"),
    ("pg_aggregate", "pg_aggregate r"),
    ("pg_operator", "pg_operator r"),
    ("pg_opclass", "pg_opclass r"),
    ("pg_opfamily", "pg_opfamily r"),
    ("pg_amop", "pg_amop r"),
    ("pg_amproc", "pg_amproc r"),
    ("pg_am", "pg_am r"),
    ("pg_cast", "pg_cast r"),
    ("pg_transform", "pg_transform r"),
    ("pg_conversion", "pg_conversion r"),
    ("pg_language", "pg_language r"),
    ("pg_ts_parser", "pg_ts_parser r"),
    ("pg_ts_template", "pg_ts_template r"),
    ("pg_ts_dict", "pg_ts_dict r"),
    ("pg_ts_config", "pg_ts_config r"),
    ("pg_ts_config_map", "pg_ts_config_map r"),
    ("pg_statistic_ext", "pg_statistic_ext r"),
    ("pg_collation", "pg_collation r"),
    ("pg_foreign_data_wrapper", "pg_foreign_data_wrapper r"),
    ("pg_foreign_server", "pg_foreign_server r"),
    ("pg_event_trigger", "pg_event_trigger r"),
    ("pg_publication", "pg_publication r"),
    ("pg_publication_rel", "pg_publication_rel r"),
    ("pg_default_acl", "pg_default_acl r"),
    ("pg_seclabel", "pg_seclabel r"),
];

/// What has no stamps that anybody may read, or is shared with other databases: rows, each as a text. A
/// subscription is never the same, so that databases that have one are always read in full.
const TEXTS: [(&str, &str); 5] = [
    ("who reads", "select current_user || ' ' || session_user"),
    ("pg_roles", "select concat_ws(' ', r.oid, r.rolname, r.rolsuper) from pg_roles r"),
    ("pg_tablespace", "select concat_ws(' ', r.oid, r.spcname) from pg_tablespace r"),
    ("pg_user_mappings", "select r::text from pg_user_mappings r"),
    (
        "pg_subscription",
        "select clock_timestamp()::text from pg_subscription r \
         where r.subdbid = (select oid from pg_database where datname = current_database())",
    ),
];

/// Rows of relations: the oid of the relation, one of its indexes or its toast table, and the alias of the row.
const UNITS: [(&str, &str); 13] = [
    ("r.oid", "pg_class r where r.oid >= 16384"),
    ("r.attrelid", "pg_attribute r where r.attrelid >= 16384 and r.attnum > 0"),
    ("r.adrelid", "pg_attrdef r"),
    ("r.conrelid", "pg_constraint r where r.conrelid <> 0"),
    ("r.indrelid", "pg_index r where r.indrelid >= 16384"),
    ("r.tgrelid", "pg_trigger r where r.tgrelid >= 16384"),
    ("r.ev_class", "pg_rewrite r where r.ev_class >= 16384"),
    ("r.polrelid", "pg_policy r"),
    ("r.inhrelid", "pg_inherits r"),
    ("r.seqrelid", "pg_sequence r"),
    ("r.ftrelid", "pg_foreign_table r"),
    // Whose a sequence is, said of both: no other row changes with it.
    (
        "r.objid",
        "pg_sequence s join pg_depend r on r.classid = 'pg_class'::regclass and r.objid = s.seqrelid \
         where r.refclassid = 'pg_class'::regclass and r.deptype in ('a', 'i')",
    ),
    (
        "r.refobjid",
        "pg_sequence s join pg_depend r on r.classid = 'pg_class'::regclass and r.objid = s.seqrelid \
         where r.refclassid = 'pg_class'::regclass and r.deptype in ('a', 'i')",
    ),
];

/// The query for the stamps: the parameter is the first transaction that was not over at the last reading. Ages
/// count from the next transaction, so that they are turned round; what initdb wrote has none.
pub(super) fn changes(major: u32) -> String {
    let mut sql =
        "select 'next', pg_snapshot_xmax(pg_current_snapshot())::xid::text, null, null::text, null::text, null::text\n"
            .to_owned();
    let growing = GROWING.iter().map(|it| ("growing", it));
    let fixed = FIXED.iter().map(|it| ("fixed", it));
    let since_15 = ("fixed", &("pg_publication_namespace", "pg_publication_namespace r"));
    let later = (15 <= major).then_some(since_15);
    for (policy, (name, rows)) in growing.chain(fixed).chain(later) {
        let _ = writeln!(
            sql,
            "union all select '{policy}', '{name}', \
             (count(*) filter (where x.age > (select age($1))))::text, \
             (sum((select age('3'::xid))::int8 - x.age) filter (where x.age > (select age($1)) and x.age < 2147483647))::text, \
             (count(*) filter (where x.age <= (select age($1))))::text, \
             (sum((select age('3'::xid))::int8 - x.age) filter (where x.age <= (select age($1))))::text \
             from (select age(r.xmin) as age from {rows}) x"
        );
    }
    for (name, rows) in TEXTS {
        let _ = writeln!(
            sql,
            "union all select 'fixed', '{name}', count(*)::text, sum(hashtextextended(x.line, 0))::text, null, null \
             from ({rows}) x (line)"
        );
    }
    sql + &units()
}

fn units() -> String {
    let rows = UNITS.map(|(unit, rows)| format!("select {unit}, age(r.xmin) from {rows}"));
    format!(
        "union all select 'unit', k.oid::text, concat_ws(' ', k.relkind, k.relnamespace, k.relname), \
         x.n::text, ((select age('3'::xid))::int8 * x.n - x.ages)::text, null from (\
         select coalesce(i.indrelid, t.oid, y.oid) as oid, sum(y.n) as n, sum(y.ages) as ages from (\
         select z.oid, count(*) as n, sum(z.age) as ages from ({}) z (oid, age) group by z.oid) y \
         left join pg_index i on i.indexrelid = y.oid \
         left join pg_class t on t.reltoastrelid = y.oid and t.reltoastrelid <> 0 \
         group by 1) x join pg_class k on k.oid = x.oid",
        rows.join("\nunion all ")
    )
}

/// Units that name the given ones or their indexes, or that these name; `extension` where one belongs to an
/// extension, NULL for what lies in no unit.
pub(super) const AROUND: &str = "
with given (oid) as (
    select unnest($1) union select i.indexrelid from pg_index i where i.indrelid = any ($1))
select distinct (case d.classid
    when 'pg_class'::regclass then coalesce((select i.indrelid from pg_index i where i.indexrelid = d.objid), d.objid)
    when 'pg_constraint'::regclass then (select nullif(k.conrelid, 0) from pg_constraint k where k.oid = d.objid)
    when 'pg_rewrite'::regclass then (select r.ev_class from pg_rewrite r where r.oid = d.objid)
    when 'pg_trigger'::regclass then (select t.tgrelid from pg_trigger t where t.oid = d.objid)
    when 'pg_attrdef'::regclass then (select a.adrelid from pg_attrdef a where a.oid = d.objid)
    when 'pg_policy'::regclass then (select p.polrelid from pg_policy p where p.oid = d.objid)
    when 'pg_type'::regclass then (select nullif(t.typrelid, 0) from pg_type t where t.oid = d.objid)
    end)::text
from given g join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = g.oid
union
select case d.deptype when 'e' then 'extension' else d.refobjid::text end
from given g join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = g.oid
where d.deptype = 'e' or d.refclassid = 'pg_class'::regclass";
