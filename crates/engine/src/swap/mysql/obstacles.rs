//! Why a copy cannot take live's place on this server, found before anything is touched.

use raingauge_schema::mysql::catalog::{Flavour, grant, lacking};
use raingauge_schema::mysql::grammar::quote_literal;
use raingauge_schema::{Catalog, Kind, Pair};

use super::ROUTINES;
use super::record::HIDDEN;
use crate::connect::{MySqlSession, SqlError};
use crate::{Error, Result};

/// The first release of MariaDB that gives several tables other names at one instant, or none.
const FIRST_ATOMIC: [u32; 3] = [10, 6, 0];

/// Engines that keep a table's rows in the table, wherever it goes.
const MOVABLE: [&str; 7] = ["InnoDB", "MyISAM", "Aria", "MEMORY", "ARCHIVE", "CSV", "ROCKSDB"];

/// What a table takes to get another name, and to be read: <https://dev.mysql.com/doc/refman/8.4/en/rename-table.html>.
const RIGHTS: [&str; 5] = ["SELECT", "INSERT", "CREATE", "ALTER", "DROP"];

/// What programs take besides.
const RIGHTS_OF_PROGRAMS: [(&[Kind], &[&str]); 4] = [
    (&[Kind::Trigger], &["TRIGGER"]),
    (&[Kind::View], &["CREATE VIEW", "SHOW VIEW"]),
    (&[Kind::Event], &["EVENT"]),
    (&[Kind::Function, Kind::Procedure, Kind::Other], &["CREATE ROUTINE", "ALTER ROUTINE"]),
];

/// Why not, with what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    pub why: String,
    pub next: Option<String>,
}

impl Obstacle {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), next: None }
    }
}

/// Everything that is in the way. `names` are live's and the copy's, `kept` the one under which live would stay.
pub(super) fn find(
    session: &mut MySqlSession,
    names: Pair<&str>,
    kept: &str,
    catalogs: Pair<&Catalog>,
) -> Result<Vec<Obstacle>> {
    let mut found = Vec::new();
    let server = session.server();
    if server.flavour == Flavour::MariaDb && server.version < FIRST_ATOMIC {
        found.push(Obstacle::new(
            "MariaDB before 10.6 may stop between two of several tables that get other names",
        ));
    }
    found.extend(capitals(session, names).map_err(unreadable)?);
    for unseen in [&catalogs.from.unseen, &catalogs.to.unseen].into_iter().flatten() {
        let why = format!("the account cannot see {}: {}", unseen.what, unseen.why);
        found.push(Obstacle { why, next: unseen.grant.clone() });
    }
    found.extend(tables(session, names).map_err(unreadable)?);
    found.extend(keys_of_others(session, names).map_err(unreadable)?);
    found.extend(granted_routines(session, names.from, catalogs));
    found.extend(rights(session, [names.from, names.to, kept], catalogs).map_err(unreadable)?);
    Ok(found)
}

/// Names that the server spells otherwise than the addresses do.
fn capitals(session: &mut MySqlSession, names: Pair<&str>) -> Result<Option<Obstacle>, SqlError> {
    let folds = !session.rows("select 1 where @@lower_case_table_names <> 0")?.is_empty();
    let odd = [names.from, names.to].into_iter().find(|it| it.to_lowercase() != **it);
    Ok(odd.filter(|_| folds).map(|it| Obstacle {
        why: format!("the server does not tell capitals apart, and the address says `{it}`"),
        next: Some("write the names of both databases in small letters".to_owned()),
    }))
}

/// Tables that cannot be moved, and names that are taken.
fn tables(session: &mut MySqlSession, names: Pair<&str>) -> Result<Vec<Obstacle>, SqlError> {
    let engines: Vec<_> = MOVABLE.iter().map(|it| quote_literal(it)).collect();
    let sql = format!(
        "select table_schema, table_name, coalesce(engine, 'none that the server knows'), \
            table_name like '{}%' from information_schema.tables \
         where table_schema in ({}, {}) and table_type in ('BASE TABLE', 'SYSTEM VERSIONED') \
            and (coalesce(engine, '') not in ({}) or table_name like '{0}%') order by 1, 2",
        HIDDEN.replace('_', "\\_"),
        quote_literal(names.from),
        quote_literal(names.to),
        engines.join(", ")
    );
    let obstacle = |row: Vec<Option<String>>| {
        let mut values = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || values.next().unwrap_or_default();
        let (database, table, engine) = (next(), next(), next());
        Obstacle::new(match next().as_str() {
            "1" => format!("`{database}`.`{table}` has a name that a swap uses meanwhile"),
            _ => format!(
                "`{database}`.`{table}` is of the engine {engine}, whose rows may lie elsewhere"
            ),
        })
    };
    Ok(session.rows(&sql)?.into_iter().map(obstacle).collect())
}

/// Foreign keys of other databases: they would follow live's tables and not their names.
fn keys_of_others(
    session: &mut MySqlSession,
    names: Pair<&str>,
) -> Result<Vec<Obstacle>, SqlError> {
    let sql = format!(
        "select distinct table_schema, table_name, constraint_name, referenced_table_schema, referenced_table_name \
         from information_schema.key_column_usage where referenced_table_schema in ({}, {}) \
            and table_schema <> referenced_table_schema order by 1, 2, 3",
        quote_literal(names.from),
        quote_literal(names.to)
    );
    let obstacle = |row: Vec<Option<String>>| {
        let values: Vec<_> = row.into_iter().map(Option::unwrap_or_default).collect();
        let [schema, table, name, to_schema, to_table] = values.as_slice() else {
            return Obstacle::new("a foreign key of another database");
        };
        Obstacle::new(format!(
            "the foreign key `{name}` of `{schema}`.`{table}` would go on pointing at the old rows of \
             `{to_schema}`.`{to_table}`"
        ))
    };
    Ok(session.rows(&sql)?.into_iter().map(obstacle).collect())
}

/// Routines that are to be made anew, on which somebody has rights: the server drops these with them.
fn granted_routines(
    session: &mut MySqlSession,
    live: &str,
    catalogs: Pair<&Catalog>,
) -> Vec<Obstacle> {
    let all = ROUTINES.iter().flat_map(|it| catalogs.from.of_kind(*it));
    let changed = all.filter(|it| catalogs.to.get(&it.id) != Some(it));
    let names: Vec<_> = changed.map(|it| quote_literal(it.id.name())).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let sql = format!(
        "select distinct routine_name from mysql.procs_priv where db = {} and routine_name in ({}) order by 1",
        quote_literal(live),
        names.join(", ")
    );
    let Ok(rows) = session.rows(&sql) else {
        let why = "routines differ, and the account may not read who has rights on them";
        let next = Some("as an administrator: GRANT SELECT ON `mysql`.`procs_priv`".to_owned());
        return vec![Obstacle { why: why.to_owned(), next }];
    };
    let obstacle = |name: String| Obstacle {
        why: format!(
            "the routine `{name}` is not that of the backup, and the rights on it would go with it"
        ),
        next: Some(format!("make `{name}` what the backup has, or take these rights away first")),
    };
    rows.into_iter().flatten().flatten().map(obstacle).collect()
}

fn rights(
    session: &mut MySqlSession,
    [live, copy, kept_now]: [&str; 3],
    catalogs: Pair<&Catalog>,
) -> Result<Vec<Obstacle>, SqlError> {
    let role = session.rows("select current_user()")?.into_iter().flatten().flatten().next();
    let lines = session.rows("show grants")?.into_iter();
    let lines: Vec<_> = lines.filter_map(|it| it.into_iter().next().flatten()).collect();
    let has = |kind: &Kind| {
        [catalogs.from, catalogs.to].into_iter().any(|it| it.of_kind(*kind).next().is_some())
    };
    let of_programs = RIGHTS_OF_PROGRAMS.iter().filter(|it| it.0.iter().any(has));
    let wanted: Vec<_> = RIGHTS.iter().chain(of_programs.flat_map(|it| it.1)).copied().collect();
    let role = role.unwrap_or_default();
    let obstacle = |database: &str, on: &str| {
        let lacks = lacking(&lines, database, &wanted).join(", ");
        (!lacks.is_empty()).then(|| Obstacle {
            why: format!("`{role}` has no {lacks} on all of `{on}`"),
            next: Some(format!("as an administrator: {}", grant(&lacks, on, &role))),
        })
    };
    // Each swap keeps live under another name.
    let kept = format!("{}\\_before\\_%", live.replace('_', "\\_"));
    let all = [(live, live), (copy, copy), (kept_now, kept.as_str())];
    Ok(all.into_iter().filter_map(|it| obstacle(it.0, it.1)).collect())
}

fn unreadable(cause: SqlError) -> Error {
    Error::new("catalog-unreadable", "cannot read what stands in the way of a swap")
        .caused_by(cause)
}
