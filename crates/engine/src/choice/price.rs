//! What it costs to change live: who waits, how many rows are read or written, and which rows are in the way.

use std::collections::BTreeMap;

use raingauge_schema::compare::AttributeDifference;
use raingauge_schema::plan::Hazard;
use raingauge_schema::{Catalog, Dialect, Kind, ObjectId, Pair};

use super::{Cause, Choice};
use crate::apply::foresee::{Rule, count, rules};
use crate::apply::{locks, retype};
use crate::connect::Session;
use crate::digest::TableName;
use crate::facts::DeclaredSide;
use crate::site::Site;

/// The price of one change of live.
#[derive(Clone, Debug, Default)]
pub(super) struct Price {
    /// Statements, locks and rows, line by line.
    pub(super) lines: Vec<String>,
    /// The rows that are in the way, with the query that finds them.
    pub(super) misfits: Vec<(String, String)>,
    /// What `--allow` has to name besides, because values may be cut.
    pub(super) deletions: Vec<String>,
}

/// What is asked of live once for all choices.
pub(super) struct Pricing<'a> {
    dialect: Dialect,
    sides: Pair<&'a Catalog>,
    rows: BTreeMap<String, String>,
    rules: Vec<Rule>,
}

impl<'a> Pricing<'a> {
    pub(super) fn of(site: &mut Site, declared: &'a DeclaredSide, live: &'a Catalog) -> Self {
        let dialect = site.dialect();
        let sides = Pair { from: live, to: &declared.catalog };
        let rules = rules(dialect, sides, live);
        let rows = match dialect {
            Dialect::Postgres => locks::estimates(&mut site.live),
            Dialect::Sqlite | Dialect::MySql => BTreeMap::new(),
        };
        Self { dialect, sides, rows, rules }
    }

    pub(super) fn price(&self, session: &mut Session, choice: &Choice) -> Price {
        let mut price = Price::default();
        price.lines.extend(choice.statements.iter().map(|it| in_one_line(it)));
        price.lines.extend(by_name(choice));
        price.lines.extend(self.locks(session, choice));
        self.values(session, choice, &mut price);
        price.deletions = self.deletions(choice);
        price
    }

    fn locks(&self, session: &mut Session, choice: &Choice) -> Vec<String> {
        match self.dialect {
            Dialect::Postgres => choice.statements.iter().flat_map(|it| self.lock(it)).collect(),
            Dialect::MySql => Vec::new(),
            Dialect::Sqlite => {
                let Some((_, path)) = choice.id().path.split_last() else { return Vec::new() };
                let table = path.join(".");
                let name = TableName::new("", table.as_str()).quoted();
                let n = count(session, &format!("SELECT count(*) FROM {name}"));
                let rows = n.map_or("an unknown number of".to_owned(), |it| it.to_string());
                let is_rebuilt = choice.statements.iter().any(|it| it.contains("`__new_"));
                let work = if is_rebuilt { "copied into a new table" } else { "read" };
                vec![format!(
                    "{rows} rows of `{table}` are {work}; until the commit nobody else writes to the file"
                )]
            }
        }
    }

    fn lock(&self, sql: &str) -> Vec<String> {
        let hazards = self.dialect.hazards(sql);
        let one = |lock: raingauge_schema::plan::TableLock| {
            let n = self.rows.get(&lock.table).map_or("not known", String::as_str);
            let is_rewritten = hazards.contains(&Hazard::RewritesTable(lock.table.clone()));
            let work = match (is_rewritten, sql.contains("SET NOT NULL")) {
                (true, _) => ", all written anew",
                (false, true) => ", all read",
                (false, false) => "",
            };
            format!(
                "locks `{}` ({}: {}), rows: {n}{work}",
                lock.table,
                lock.mode,
                lock.mode.meaning()
            )
        };
        raingauge_schema::postgres::hazard::locks(sql).into_iter().map(one).collect()
    }

    /// Whether live's rows take the change: counted, never guessed.
    fn values(&self, session: &mut Session, choice: &Choice, price: &mut Price) {
        let new_type = match (&choice.cause, self.dialect) {
            (Cause::Differs(it), Dialect::Postgres) if it.id.kind == Kind::Column => {
                it.attributes.iter().find(|it| it.name == "type")
            }
            _ => None,
        };
        let mut n_asked = 0;
        let own = self.rules.iter().filter(|it| it.id == *choice.id());
        for rule in own.filter(|it| new_type.is_none() || !it.is_of_type) {
            n_asked += 1;
            match count(session, &rule.query) {
                Some(0) => {}
                Some(n) => price.misfits.push((format!("{n} {}", rule.what), rule.query.clone())),
                None => price.lines.push(format!("could not be counted: {}", rule.query)),
            }
        }
        if let Some(query) = new_type.and_then(|it| there_and_back(choice.id(), it)) {
            n_asked += 1;
            match session.rows(&query).map(|it| it.into_iter().flatten().flatten().next()) {
                Ok(Some(n)) if n == "0" => {}
                Ok(n) => {
                    let n = n.unwrap_or_else(|| "an unknown number of".to_owned());
                    price.misfits.push((format!("{n} values are others after the cast"), query));
                }
                Err(error) => {
                    let what = format!("a value cannot be cast (SQLSTATE {})", error.state);
                    price.misfits.push((what, query));
                }
            }
        }
        if 0 < n_asked && price.misfits.is_empty() {
            price.lines.push("every row of live fits".to_owned());
        }
    }

    fn deletions(&self, choice: &Choice) -> Vec<String> {
        let pieces: Vec<_> = choice.statements.iter().map(String::as_str).collect();
        let spells_a_cast = pieces.iter().any(|it| retype::computes_values(it));
        let one = |it: Hazard| {
            let is_wider = !spells_a_cast && retype::only_widens(&it, self.sides);
            match it {
                Hazard::DeletesData(name) if !is_wider => Some(name),
                Hazard::DeletesData(_)
                | Hazard::RewritesTable(_)
                | Hazard::NotTransactional
                | Hazard::NotUnderstood => None,
            }
        };
        self.dialect.hazards_of_migration(&pieces).into_iter().filter_map(one).collect()
    }
}

/// A statement as it would run; a long one, as the rebuild of a wide table, is cut.
fn in_one_line(sql: &str) -> String {
    const MOST: usize = 400;
    let words = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = words.chars().take(MOST).collect();
    let rest = if cut.len() < words.len() { "…" } else { "" };
    format!("SQL: {cut}{rest}")
}

/// Who else calls a constraint by its name.
fn by_name(choice: &Choice) -> Option<String> {
    let Cause::Renamed(pair) = &choice.cause else { return None };
    matches!(pair.from.kind, Kind::Unique | Kind::PrimaryKey).then(|| {
        let name = pair.from.name();
        format!("code that says ON CONFLICT ON CONSTRAINT {name} has to say the new name then")
    })
}

/// How many values are not the same after they were cast to the new type and back.
fn there_and_back(column: &ObjectId, kind: &AttributeDifference) -> Option<String> {
    let [schema, table, name] = column.path.as_slice() else { return None };
    let (from, to) = (kind.values.from.as_deref()?, kind.values.to.as_deref()?);
    let table = TableName::new(schema.as_str(), table.as_str()).quoted();
    let name = TableName::new("", name.as_str()).quoted();
    // As texts, since not every type can be compared.
    Some(format!(
        "SELECT count(*) FROM {table} WHERE CAST({name} AS text) IS DISTINCT FROM CAST(CAST(CAST({name} AS {to}) AS {from}) AS text)"
    ))
}
