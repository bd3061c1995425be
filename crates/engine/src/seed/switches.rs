//! What is switched off while the seeds go in, and on again afterwards.
//!
//! The seeds are the rows as they were when init.sql had ended, with everything that triggers and rules
//! had made of them; they must not do it again. Foreign keys in a cycle wait for the last row.

use std::collections::BTreeSet;

use raingauge_schema::catalog::{Catalog, Kind, Object, ObjectId};
use raingauge_schema::postgres::grammar::quote_ident;
use raingauge_schema::sqlite::grammar as sqlite;

use super::shape::table_of;
use super::{SeedTable, mysql, order, postgres};
use crate::connect::{Session, SqlError};

/// Statements before the seeds and after them; the database ends as it began.
#[derive(Debug, Default)]
pub(super) struct Switches {
    pub(super) before: Vec<String>,
    pub(super) after: Vec<String>,
}

impl Switches {
    /// What these tables of live need.
    pub(super) fn of(
        live: &mut Session,
        catalog: &Catalog,
        tables: &[SeedTable],
    ) -> Result<Self, SqlError> {
        let forward = order::forward_keys(tables, catalog);
        match live {
            Session::Postgres(_) => Ok(Self::of_postgres(catalog, tables, &forward)),
            Session::MySql(_) => {
                // Their keys are checked row by row.
                let refers_to_itself = |it: &SeedTable| order::refers_to_itself(it, catalog);
                let is_cyclic = !forward.is_empty() || tables.iter().any(refers_to_itself);
                Ok(mysql::switches(catalog, tables, is_cyclic))
            }
            Session::Sqlite(_) => Self::of_sqlite(live, tables, !forward.is_empty()),
        }
    }

    fn of_postgres(catalog: &Catalog, tables: &[SeedTable], forward: &[&Object]) -> Self {
        let mut switches = Self::default();
        for key in forward {
            switches.defer(key);
        }
        let family = with_partitions(catalog, tables);
        for inherited in [false, true] {
            let runs = [Kind::Trigger, Kind::Rule].into_iter().flat_map(|it| catalog.of_kind(it));
            let runs = runs.filter(|it| it.get("inherited").is_some() == inherited);
            for it in runs.filter(|it| family.contains(&table_of(&it.id))) {
                switches.silence(it);
            }
        }
        if !switches.after.is_empty() {
            // A table cannot be altered while checks of its rows are still to come.
            switches.after.insert(0, "SET CONSTRAINTS ALL IMMEDIATE;".to_owned());
        }
        switches
    }

    /// Lets a foreign key wait until all rows are there.
    fn defer(&mut self, key: &Object) {
        let usual = match key.get("deferrable") {
            None => "NOT DEFERRABLE",
            Some("deferrable") => "DEFERRABLE INITIALLY IMMEDIATE",
            Some(_) => return,
        };
        let table = postgres::table_name(&table_of(&key.id));
        let alter = format!("ALTER TABLE {table} ALTER CONSTRAINT {}", quote_ident(key.id.name()));
        self.before.push(format!("{alter} DEFERRABLE INITIALLY DEFERRED;"));
        self.after.push(format!("{alter} {usual};"));
    }

    /// Switches a trigger or rule off, and back to what it was. A partition's copy of a trigger follows
    /// the original, so only one that differs from it needs words.
    fn silence(&mut self, it: &Object) {
        let is_copy = it.get("inherited").is_some();
        let usual = match it.get("enabled") {
            None if is_copy => return,
            None => "ENABLE",
            Some("always") => "ENABLE ALWAYS",
            Some("replica") if is_copy => "ENABLE REPLICA",
            Some("disabled") if is_copy => "DISABLE",
            Some(_) => return,
        };
        let table = postgres::table_name(&table_of(&it.id));
        let kind = if it.id.kind == Kind::Rule { "RULE" } else { "TRIGGER" };
        let name = quote_ident(it.id.name());
        self.before.push(format!("ALTER TABLE {table} DISABLE {kind} {name};"));
        self.after.push(format!("ALTER TABLE {table} {usual} {kind} {name};"));
    }

    /// SQLite has no switch for triggers: they go, and come back as live has them.
    fn of_sqlite(
        live: &mut Session,
        tables: &[SeedTable],
        in_cycle: bool,
    ) -> Result<Self, SqlError> {
        let mut switches = Self::default();
        if in_cycle {
            switches.before.push("PRAGMA defer_foreign_keys = ON;".to_owned());
        }
        let names: Vec<_> = tables.iter().map(|it| sqlite::quote_literal(it.id.name())).collect();
        let triggers = live.rows(&format!(
            "SELECT s.name, s.sql FROM main.sqlite_schema AS s WHERE s.type = 'trigger' \
             AND s.tbl_name COLLATE NOCASE IN ({}) ORDER BY s.name",
            names.join(", ")
        ))?;
        for row in triggers {
            let [Some(name), Some(sql)] = row.as_slice() else { continue };
            switches.before.push(format!("DROP TRIGGER {};", sqlite::quote_ident(name)));
            switches.after.push(format!("{};", sql.trim_end().trim_end_matches(';')));
        }
        Ok(switches)
    }
}

/// The tables and all partitions below them, where the rows really go.
fn with_partitions(catalog: &Catalog, tables: &[SeedTable]) -> BTreeSet<ObjectId> {
    let mut family: BTreeSet<ObjectId> = tables.iter().map(|it| it.id.clone()).collect();
    loop {
        let names: BTreeSet<String> = family.iter().map(ObjectId::dotted).collect();
        let below = catalog
            .of_kind(Kind::Table)
            .filter(|it| it.get("partition of").is_some_and(|parent| names.contains(parent)));
        let before = family.len();
        family.extend(below.map(|it| it.id.clone()));
        if family.len() == before {
            return family;
        }
    }
}
