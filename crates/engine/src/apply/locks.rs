//! Which tables of live pending migrations lock, how, and how many rows they hold.

use std::collections::BTreeMap;

use raingauge_schema::drizzle::migration::split;
use raingauge_schema::plan::Hazard;
use raingauge_schema::postgres::hazard::{hazards, locks};

use crate::connect::Session;
use crate::report::Section;
use crate::site::Site;

/// One row per statement and table that live has; absent where there is none. SQLite has one lock, that of the
/// whole file, and a migration holds it.
pub fn section(site: &mut Site, pending: &[usize]) -> Option<Section> {
    let columns = &["statement", "table", "lock", "meanwhile", "rows"];
    let mut section =
        Section::new("locks", "what is locked, and what others can do meanwhile", columns);
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
