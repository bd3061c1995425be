//! Catalogs of one database, one after the other: what changed since the last one is read, the rest is kept.
//!
//! The server stamps each row of its catalogs with the transaction that wrote it. Whatever changes, some row has
//! a stamp that none had before, or there are fewer rows: so the number of rows and the sum of their stamps tell
//! whether anything changed, per *unit* (a relation, with all that is inside it) and per system catalog. A
//! changed unit is read again, with those units whose texts name it, as the server's dependencies tell. Anything
//! that may be named where no dependency says so (a new name, an altered type or function, another role) makes the
//! series read everything, which is the rule; what is read in part is the exception that is understood.
//!
//! Nobody else may work in the database, and each reading needs a transaction of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use super::stamps::{AROUND, changes};
use super::{
    Catalog, Object, QUERIES, Query, Reader, SETTINGS, TextRow, UnexpectedRow, expand, read_row,
    without_ledgers,
};

/// The number of a query with the unit that it was asked about; unit 0 for what lies in none.
type Part = (usize, u32);

/// Reads the catalogs of one database, one after the other.
///
/// For each: send [`Self::begin`], hand the rows to [`Self::take`], and go on with what that returns until it returns
/// nothing; then there is a [`Self::catalog`]. After an error a new series has to begin.
#[derive(Debug)]
pub struct Series {
    reader: Reader,
    /// Tells the prepared statements of several series in one session apart.
    number: usize,
    awaited: Awaited,
    is_prepared: bool,
    /// How many units there were when the server planned the statements.
    n_planned: usize,
    known: Option<Stamps>,
    parts: BTreeMap<Part, Vec<Arc<Object>>>,
}

/// What the next rows are.
#[derive(Debug)]
enum Awaited {
    Changes,
    Around(Changed),
    Objects(Changed),
}

/// What has to be read again.
#[derive(Clone, Debug, Default)]
struct Changed {
    everything: bool,
    units: BTreeSet<u32>,
    /// What lies in no unit.
    others: bool,
}

/// What the server said of its catalogs' rows.
#[derive(Debug, Default)]
struct Stamps {
    /// The first transaction that none of them can be of.
    next: String,
    /// Number of rows and sum of stamps, per system catalog.
    catalogs: BTreeMap<String, (i128, i128)>,
    units: BTreeMap<u32, Unit>,
}

#[derive(Debug, PartialEq, Eq)]
struct Unit {
    /// Kind, schema and name.
    name: String,
    rows: (i128, i128),
}

impl Unit {
    /// A composite type is no relation to anybody who asks, and named by others.
    fn is_type(&self) -> bool {
        self.name.starts_with("c ")
    }
}

impl Series {
    /// A series that has read nothing; `number` is one that no other series in the session has.
    pub fn new(reader: Reader, number: usize) -> Self {
        Self {
            reader,
            number,
            awaited: Awaited::Changes,
            is_prepared: false,
            n_planned: 0,
            known: None,
            parts: BTreeMap::new(),
        }
    }

    /// The statements that ask what changed.
    pub fn begin(&mut self) -> String {
        let mut sql = SETTINGS.to_owned();
        // Which of several values is sent makes no difference to the best plan.
        sql.push_str("set local plan_cache_mode = force_generic_plan;\n");
        if !self.is_prepared {
            sql.push_str(&self.prepare());
            self.is_prepared = true;
        }
        let n_units = self.known.as_ref().map_or(0, |it| it.units.len());
        if 2 * self.n_planned < n_units {
            sql.push_str("discard plans;\n");
            self.n_planned = n_units.max(50);
        }
        self.awaited = Awaited::Changes;
        let next = self.known.as_ref().map_or("3", |it| &it.next);
        sql + &self.execute("changes", &format!("('{next}')"))
    }

    /// Takes all rows of what was sent last; returns what to send next.
    ///
    /// # Errors
    /// If they are not what was asked for.
    pub fn take(&mut self, rows: Vec<TextRow>) -> Result<Option<String>, UnexpectedRow> {
        match std::mem::replace(&mut self.awaited, Awaited::Changes) {
            Awaited::Changes => {
                let changed = self.changed(rows)?;
                if changed.everything || changed.units.is_empty() {
                    return Ok(self.read(changed));
                }
                let sql = self.execute("around", &list(&changed.units));
                self.awaited = Awaited::Around(changed);
                Ok(Some(sql))
            }
            Awaited::Around(mut changed) => {
                for row in rows {
                    match row.first().and_then(|it| it.as_deref()) {
                        None => changed.others = true,
                        Some("extension") => changed.everything = true,
                        Some(unit) => {
                            changed.units.insert(number(unit)?);
                        }
                    }
                }
                Ok(self.read(changed))
            }
            Awaited::Objects(changed) => {
                self.forget(&changed);
                for row in rows {
                    self.keep(row)?;
                }
                Ok(None)
            }
        }
    }

    /// What was read, with the tables that `ledgers` name left out. Unseen things and surroundings are not in it.
    pub fn catalog(&self, ledgers: &[[&str; 2]]) -> Catalog {
        let objects = self.parts.values().flatten().cloned().collect();
        Catalog::of_shared(without_ledgers(objects, ledgers))
    }

    fn prepare(&self) -> String {
        let number = self.number;
        let mut sql = String::new();
        let mut prepare = |name: &str, parameters: &str, text: &str| {
            let _ = writeln!(sql, "prepare raingauge_{number}_{name}{parameters} as {text};");
        };
        prepare("changes", "(xid)", &changes(self.reader.major));
        prepare("around", "(oid[])", AROUND);
        for (n, query) in QUERIES.iter().enumerate() {
            let of =
                |text: &str| format!("select '{n}', q.* from ({}\n) q", expand(text, self.reader));
            prepare(&n.to_string(), "", &of(&query.sql.replace("{unit}", ", c.oid")));
            if has_units(query) {
                prepare(&format!("these_{n}"), "(oid[])", &of(&narrowed(query.sql)));
            }
        }
        sql
    }

    fn execute(&self, name: &str, parameters: &str) -> String {
        format!("execute raingauge_{}_{name}{parameters};\n", self.number)
    }

    fn changed(&mut self, rows: Vec<TextRow>) -> Result<Changed, UnexpectedRow> {
        let mut changed = Changed { everything: self.known.is_none(), ..Changed::default() };
        let before = self.known.take().unwrap_or_default();
        let mut now = Stamps::default();
        for row in rows {
            let text = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
            let sum = |at: usize| -> Result<i128, UnexpectedRow> {
                let text = text(at);
                if text.is_empty() { Ok(0) } else { number(&text) }
            };
            let name = text(1);
            match text(0).as_str() {
                "next" => now.next = name,
                "unit" => {
                    let unit = Unit { name: text(2), rows: (sum(3)?, sum(4)?) };
                    now.units.insert(number(&name)?, unit);
                }
                policy => {
                    let (old, new) = ((sum(2)?, sum(3)?), (sum(4)?, sum(5)?));
                    let is_intact = before.catalogs.get(&name) == Some(&old);
                    changed.everything |= !is_intact || policy == "fixed" && new.0 > 0;
                    changed.others |= new.0 > 0;
                    now.catalogs.insert(name, (old.0 + new.0, old.1 + new.1));
                }
            }
        }
        changed.see(&before.units, &now.units);
        self.known = Some(now);
        Ok(changed)
    }

    fn read(&mut self, changed: Changed) -> Option<String> {
        let mut sql = String::new();
        for (n, query) in QUERIES.iter().enumerate() {
            match (has_units(query), changed.everything) {
                (true, false) if changed.units.is_empty() => {}
                (true, false) => {
                    sql.push_str(&self.execute(&format!("these_{n}"), &list(&changed.units)));
                }
                (false, false) if !changed.others => {}
                (false, false) | (_, true) => sql.push_str(&self.execute(&n.to_string(), "")),
            }
        }
        if sql.is_empty() {
            // Nothing to read, but perhaps something to forget.
            self.forget(&changed);
            return None;
        }
        self.awaited = Awaited::Objects(changed);
        Some(sql)
    }

    /// Forgets what is read again, and what is gone.
    fn forget(&mut self, changed: &Changed) {
        let units = self.known.as_ref().map(|it| &it.units);
        self.parts.retain(|(_, unit), _| {
            let is_there = *unit == 0 || units.is_some_and(|it| it.contains_key(unit));
            let is_read = match unit {
                0 => changed.others,
                unit => changed.units.contains(unit),
            };
            is_there && !is_read && !changed.everything
        });
    }

    fn keep(&mut self, mut row: TextRow) -> Result<(), UnexpectedRow> {
        let n: usize = number(row.first().and_then(|it| it.as_deref()).unwrap_or_default())?;
        let query = QUERIES.get(n).ok_or_else(|| UnexpectedRow(n.to_string()))?;
        let unit = match has_units(query) {
            true => number(&row.pop().flatten().unwrap_or_default())?,
            false => 0,
        };
        let mut objects = Vec::new();
        read_row(query, row, &mut objects)?;
        self.parts.entry((n, unit)).or_default().extend(objects.into_iter().map(Arc::new));
        Ok(())
    }
}

impl Changed {
    /// What became of the units.
    fn see(&mut self, before: &BTreeMap<u32, Unit>, now: &BTreeMap<u32, Unit>) {
        for (oid, unit) in now {
            match before.get(oid) {
                Some(old) if old == unit => {}
                // Others may say the name, or what the type is made of.
                Some(old) if old.name != unit.name || unit.is_type() => self.everything = true,
                None if unit.is_type() => self.others = true,
                _ => {
                    self.units.insert(*oid);
                }
            }
        }
        let is_gone = |it: &(&u32, &Unit)| !now.contains_key(it.0) && it.1.is_type();
        self.everything |= before.iter().any(|it| is_gone(&it));
    }
}

fn has_units(query: &Query) -> bool {
    query.sql.contains("{unit}")
}

/// A query of some units alone.
fn narrowed(sql: &str) -> String {
    let mut parts = sql.split("{these ");
    let mut narrowed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (column, rest) = part.split_once('}').unwrap_or((part, ""));
        let _ = write!(narrowed, "and {column} = any ($1){rest}");
    }
    narrowed.replace("{unit}", ", c.oid")
}

fn list(units: &BTreeSet<u32>) -> String {
    let each: Vec<_> = units.iter().map(ToString::to_string).collect();
    format!("('{{{}}}')", each.join(","))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, UnexpectedRow> {
    text.parse().map_err(|_| UnexpectedRow(text.to_owned()))
}
