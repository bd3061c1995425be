//! Which tables of live pending migrations lock, how, and how many rows they hold.

use std::collections::BTreeMap;

use raingauge_schema::drizzle::migration::split;
use raingauge_schema::plan::Hazard;
use raingauge_schema::postgres::hazard::{hazards, locks};

use super::{foresee, risks};
use crate::connect::Session;
use crate::digest::TableName;
use crate::report::Section;
use crate::site::Site;

/// One row per statement and table that live has; absent where there is none. SQLite has one lock, that of the
/// whole file: one row for it, and one for each table that is built anew.
pub fn section(site: &mut Site, pending: &[usize]) -> Option<Section> {
    let columns = &["statement", "table", "lock", "meanwhile", "rows"];
    let mut section =
        Section::new("locks", "what is locked, and what others can do meanwhile", columns);
    if let Session::Sqlite(_) = &site.live {
        of_file(site, pending, &mut section);
        return (!section.rows.is_empty()).then_some(section);
    }
    let Session::Postgres(_) = &site.live else { return None };
    let rows = estimates(&mut site.live);
    for at in pending {
        let migration = &site.project.history.migrations[*at];
        for piece in split(&migration.sql) {
            let blank = piece.sql.chars().take_while(|it| it.is_whitespace());
            let line = piece.line + blank.filter(|it| *it == '\n').count();
            let place = format!("{}:{line}", migration.file_name());
            let found = hazards(piece.sql);
            for lock in locks(piece.sql) {
                let Some(n) = rows.get(&lock.table) else { continue };
                let is_rewritten = found.contains(&Hazard::RewritesTable(lock.table.clone()));
                let anew = if is_rewritten { ", written anew" } else { "" };
                let (mode, meanwhile) = (lock.mode.to_string(), lock.mode.meaning().to_owned());
                section.push([place.clone(), lock.table, mode, meanwhile, format!("{n}{anew}")]);
            }
        }
    }
    (!section.rows.is_empty()).then_some(section)
}

/// SQLite lets one write at a time. Beside a write-ahead log others go on reading; else they wait while the file itself is
/// written, at the end.
fn of_file(site: &mut Site, pending: &[usize], section: &mut Section) {
    let mode = site.live.rows("PRAGMA journal_mode").unwrap_or_default();
    let has_log = mode.into_iter().flatten().flatten().any(|it| it == "wal");
    let meanwhile = match has_log {
        true => "others read, writers wait",
        false => "writers wait, at its end readers too",
    };
    let (place, lock) = match pending {
        [] => return,
        [at] => (site.project.history.migrations[*at].file_name(), "until its commit"),
        _ => (format!("{} migrations", pending.len()), "each until its commit"),
    };
    section.push([&place, "the whole file", lock, meanwhile, ""]);
    for (table, places) in copied(site, pending) {
        let name = TableName::new("", table.as_str()).quoted();
        let n = foresee::count(&mut site.live, &format!("SELECT count(*) FROM {name}"));
        // One that an earlier migration makes has none yet.
        let Some(n) = n else { continue };
        section.push([places.join(", "), table, "copied".to_owned(), String::new(), n.to_string()]);
    }
}

/// The tables that are built anew, each with the files that do it.
fn copied(site: &Site, pending: &[usize]) -> BTreeMap<String, Vec<String>> {
    let mut copied: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for at in pending {
        let migration = &site.project.history.migrations[*at];
        for rebuild in risks::effects_of(migration).rebuilds {
            let places = copied.entry(rebuild.table).or_default();
            if places.last() != Some(&migration.file_name()) {
                places.push(migration.file_name());
            }
        }
    }
    copied
}

/// What the server's statistics say of the tables, by their names without `public`. They are estimates: a table
/// is not counted for them.
pub(crate) fn estimates(live: &mut Session) -> BTreeMap<String, String> {
    let sql = "SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname, \
            CASE WHEN 0 <= c.reltuples THEN 'about ' || c.reltuples::int8 \
                ELSE coalesce('about ' || nullif(pg_stat_get_live_tuples(c.oid), 0), 'not known') END \
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE c.relkind IN ('r', 'p', 'm', 'f')";
    let rows = live.rows(sql).unwrap_or_default();
    let pair = |row: Vec<Option<String>>| {
        let mut values = row.into_iter().flatten();
        Some((values.next()?, values.next()?))
    };
    rows.into_iter().filter_map(pair).collect()
}
