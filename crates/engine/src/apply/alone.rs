//! The row tripwire of MySQL for a statement that commits by itself: nothing can be taken back, and no transaction keeps
//! other writers out of what is read before and after.
//!
//! Of the tables that it may take rows from, those columns are compared that it has no reason to change. If they are
//! others then, the server's own numbers tell whether another session changed or deleted any row meanwhile: only if
//! none did, it was the statement.

use raingauge_schema::plan::Hazard;
use raingauge_schema::steps::Placed;
use raingauge_schema::{Catalog, Dialect, Kind, ObjectId, Pair};

use super::tripwire::Named;
use super::turn::{Turn, Workplace};
use crate::connect::{MySqlSession, Session};
use crate::digest::TableDigest;
use crate::digest::mysql::{aside, of_columns, tables};
use crate::midway::store::STEPS;
use crate::{Error, Result};

/// How many rows all sessions changed and deleted, and how many of them this one.
const WRITTEN: [&str; 2] = ["GLOBAL", "SESSION"];

/// The tables that a statement may take rows from, before it runs.
pub(super) struct Looked {
    named: Named,
    /// Which tables: all where it is not understood.
    subject: Subject,
    before: Vec<TableDigest>,
    by_others: Option<i64>,
    line: usize,
}

enum Subject {
    All,
    These(Vec<String>),
}

impl Subject {
    fn of(hazards: &[Hazard], sql: &str) -> Self {
        let first = sql.trim_start().to_ascii_lowercase();
        let is_of_rights = ["grant", "revoke"].iter().any(|it| first.starts_with(it));
        if hazards.contains(&Hazard::NotUnderstood) && !is_of_rights {
            return Self::All;
        }
        let mut these: Vec<_> = hazards.iter().filter_map(table).collect();
        these.sort();
        these.dedup();
        Self::These(these)
    }

    fn holds(&self, table: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(these) => these.iter().any(|it| it.eq_ignore_ascii_case(table)),
        }
    }
}

impl Looked {
    /// Reads what is there.
    pub(super) fn at(
        work: &mut Workplace<'_>,
        turn: &Turn<'_>,
        statement: &Placed,
    ) -> Result<Self> {
        let hazards = Dialect::MySql.hazards(&statement.sql);
        let subject = Subject::of(&hazards, &statement.sql);
        let ledger = work.site.project.ledger.table.clone();
        let named = Named::new(&hazards, &work.plan.allowed, ledger);
        let mut looked =
            Self { named, subject, before: Vec::new(), by_others: None, line: statement.line };
        looked.by_others = looked.by_others_now(work);
        looked.before = looked.read(work, turn, &statement.sql)?;
        Ok(looked)
    }

    /// The tables as they are now, each without the columns that may be others afterwards.
    fn read(
        &self,
        work: &mut Workplace<'_>,
        turn: &Turn<'_>,
        sql: &str,
    ) -> Result<Vec<TableDigest>> {
        if matches!(&self.subject, Subject::These(these) if these.is_empty()) {
            return Ok(Vec::new());
        }
        let rehearsed = work.plan.rehearsals.get(&turn.at);
        let rehearsed = rehearsed.map(|it| Pair { from: &it.from, to: &it.to });
        // Names that move from one column to another say nothing of values.
        let renames = sql.to_ascii_lowercase().contains("rename");
        let Session::MySql(session) = &mut work.session else { return Ok(Vec::new()) };
        aside(session, |session| self.digests(session, rehearsed.filter(|_| !renames)))
    }

    fn digests(
        &self,
        session: &mut MySqlSession,
        rehearsed: Option<Pair<&Catalog>>,
    ) -> Result<Vec<TableDigest>> {
        let is_own = |it: &str| it == self.named.ledger || it == STEPS;
        let mut found = Vec::new();
        for table in tables(session)? {
            let name = table.name.clone();
            if table.is_sequence || is_own(&name) || !self.subject.holds(&name) {
                continue;
            }
            let may_change = self.named.updated(&name);
            let digest = of_columns(session, table, |column| {
                let path = format!("{name}.{}", column.name);
                let stays = rehearsed.is_some_and(|it| is_same(it, &name, &column.name));
                stays && !may_change && !column.is_generated && !self.named.updated(&path)
            })?;
            found.push(digest);
        }
        Ok(found)
    }

    /// Compares, and gives what is to be told.
    ///
    /// # Errors
    /// `rows-lost` or `rows-changed` if it was certainly the statement.
    pub(super) fn compare(
        self,
        work: &mut Workplace<'_>,
        turn: &Turn<'_>,
        sql: &str,
    ) -> Result<Vec<String>> {
        let after = self.read(work, turn, sql)?;
        let is_alone = self.by_others.is_some() && self.by_others == self.by_others_now(work);
        let mut told = Vec::new();
        for before in &self.before {
            let name = &before.name.table;
            let Some(after) = after.iter().find(|it| it.name == before.name) else { continue };
            let (n_before, n_after) = (before.n_rows, after.n_rows);
            let code = if n_after < n_before && !self.named.deleted(name) {
                "rows-lost"
            } else if n_after == n_before && after.digest != before.digest {
                "rows-changed"
            } else {
                told.push(format!("count `{name}`: {n_before} rows before, {n_after} after"));
                continue;
            };
            let what = match code {
                "rows-lost" => format!("`{name}` had {n_before} rows and has {n_after}"),
                _ => format!("values in the {n_before} rows of `{name}` have changed"),
            };
            if is_alone {
                return Err(self.unexplained(work, turn, code, &what));
            }
            told.push(format!(
                "{what} since before line {}; other sessions wrote meanwhile, and it cannot be told whose change it is",
                self.line
            ));
        }
        Ok(told)
    }

    /// Nothing can be rolled back any more: it stops the run, and is said.
    fn unexplained(
        &self,
        work: &Workplace<'_>,
        turn: &Turn<'_>,
        code: &'static str,
        what: &str,
    ) -> Error {
        let place = format!("{}:{}", turn.migration.path.display(), self.line);
        let message = format!(
            "{what}, although `{place}` does not name it as one to lose or change any; MySQL commits such a statement by itself, so nothing was rolled back, and no other session changed rows meanwhile"
        );
        let error =
            Error::new(code, message).after(format!("line {} of {}", self.line, turn.tag()));
        work.with_backup(error)
    }

    /// How many rows others have changed and deleted since the server began; `None` where it does not say.
    fn by_others_now(&self, work: &mut Workplace<'_>) -> Option<i64> {
        let Session::MySql(session) = &mut work.session else { return None };
        let [all, own] = WRITTEN.map(|scope| {
            let sql = format!(
                "SHOW {scope} STATUS WHERE Variable_name IN ('Handler_delete', 'Handler_update')"
            );
            let rows = session.rows(&sql).ok()?;
            let numbers = rows.into_iter().filter_map(|it| it.into_iter().nth(1).flatten());
            let numbers: Vec<i64> = numbers.filter_map(|it| it.parse().ok()).collect();
            (numbers.len() == 2).then(|| numbers.iter().sum::<i64>())
        });
        Some(all? - own?)
    }
}

/// Whether a column is there before and after, with the same type.
fn is_same(rehearsed: Pair<&Catalog>, table: &str, column: &str) -> bool {
    let id = ObjectId::new(Kind::Column, [table, column]);
    let kind = |it: &Catalog| it.get(&id).and_then(|it| it.get("type").map(str::to_owned));
    let (from, to) = (kind(rehearsed.from), kind(rehearsed.to));
    from.is_some() && from == to
}

/// The table of a hazard that stays.
fn table(hazard: &Hazard) -> Option<String> {
    let name = match hazard {
        Hazard::DeletesData(name) => name,
        Hazard::RewritesTable(table) => return Some(table.clone()),
        Hazard::NotTransactional | Hazard::NotUnderstood => return None,
    };
    let (verb, name) = name.split_once(':')?;
    match name.split_once('.') {
        Some((table, _)) => Some(table.to_owned()),
        None if verb == "drop" => None,
        None => Some(name.to_owned()),
    }
}
