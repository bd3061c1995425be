//! Where statements are tried: a copy of the first side, on which those that work stay.
//!
//! The engine says best in which order things can be made and dropped: what comes too early fails and is
//! tried again. What cannot be dropped because something depends on it shows what that is when it is
//! dropped with everything, in a transaction that is taken back. Without a copy every statement is taken for one
//! that works, in the order in which it is given.

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::{Catalog, Comparison, Dialect, Kind, Object, ObjectId, Pair};

use super::piece::Piece;
use crate::connect::{Session, SqlError};
use crate::findings::folded;
use crate::ledger::LedgerName;
use crate::{Result, introspect};

/// What is different by now.
pub(super) struct Round<'a> {
    pub(super) catalogs: Pair<&'a Catalog>,
    pub(super) difference: &'a Comparison,
}

impl<'a> Round<'a> {
    /// What both sides have, but not alike.
    pub(super) fn differing(&self) -> impl Iterator<Item = Pair<&'a Object>> {
        let Pair { from, to } = self.catalogs;
        let difference = self.difference;
        let both = |id| Some(Pair { from: from.get(id)?, to: to.get(id)? });
        difference.differs.iter().filter_map(move |it| both(&it.id))
    }

    /// What only the first side has; what lies in a table that goes, goes with it.
    pub(super) fn surplus(&self) -> Vec<&'a Object> {
        let only = &self.difference.only_from;
        let ids: BTreeSet<_> = folded(only.iter().map(|it| &it.id)).into_iter().collect();
        only.iter().filter(|it| ids.contains(&it.id)).collect()
    }
}

/// The copy, and what ran there.
pub(super) struct Workshop<'a> {
    pub(super) dialect: Dialect,
    /// Absent where nothing can be tried.
    pub(super) session: Option<&'a mut Session>,
    pub(super) ledgers: &'a [LedgerName],
    /// The pieces of the second side, in the engine's order.
    pub(super) pieces: &'a [Piece],
    /// The texts of the first side's pieces.
    pub(super) known: BTreeSet<&'a str>,
    /// Whether the columns of a table have to stand in the same order.
    pub(super) order_counts: bool,
    /// What worked, in this order; each of them one or several statements that belong together.
    pub(super) steps: Vec<Vec<String>>,
    /// What was dropped on the way, and has to be made again.
    pub(super) dropped: BTreeSet<ObjectId>,
    /// What came with something else that was made, in this round.
    pub(super) made: BTreeSet<ObjectId>,
    /// Why statements did not work, in the latest round.
    pub(super) refused: BTreeMap<String, String>,
}

impl Workshop<'_> {
    /// What the copy has by now.
    pub(super) fn catalog(&mut self) -> Result<Option<Catalog>> {
        let ledgers = self.ledgers;
        self.session.as_deref_mut().map(|it| introspect::catalog(it, ledgers)).transpose()
    }

    /// Runs one statement; whether it worked.
    pub(super) fn runs(&mut self, sql: &str) -> bool {
        self.runs_all(&[sql.to_owned()])
    }

    /// Runs statements that belong together, all or none of them; where each of them commits by itself, those
    /// that worked are a step, too.
    pub(super) fn runs_all(&mut self, statements: &[String]) -> bool {
        if statements.is_empty() {
            return false;
        }
        if self.dialect == Dialect::MySql {
            return self.runs_in_turn(statements);
        }
        if let Some(session) = self.session.as_deref_mut()
            && let Err((sql, error)) = attempt(session, statements)
        {
            let detail = error.detail.map(|it| format!(" ({it})")).unwrap_or_default();
            self.refused.insert(sql, format!("{}{detail}", error.message));
            return false;
        }
        self.steps.push(statements.to_vec());
        true
    }

    /// Runs statements one by one. After one that does not work, only those are run that put settings back.
    fn runs_in_turn(&mut self, statements: &[String]) -> bool {
        let is_setting = |it: &str| it.starts_with("SET ") || it.starts_with("ALTER DATABASE ");
        let (mut done, mut all_work) = (Vec::new(), true);
        for sql in statements.iter().filter(|it| !it.is_empty()) {
            if !all_work && !is_setting(sql) {
                continue;
            }
            let ran = self.session.as_deref_mut().map_or(Ok(()), |it| it.run(sql));
            match ran {
                Ok(()) => done.push(sql.clone()),
                Err(error) => {
                    self.refused.insert(sql.clone(), error.message);
                    all_work = false;
                }
            }
        }
        if done.iter().any(|it| !is_setting(it)) {
            self.steps.push(done);
        }
        all_work
    }

    /// The first of these ways that works.
    pub(super) fn runs_one(&mut self, ways: &[Vec<String>]) -> bool {
        ways.iter().any(|it| self.runs_all(it))
    }

    /// Drops what can be dropped, as often as that lets something else be dropped.
    pub(super) fn drop_all(&mut self, objects: &[&Object]) {
        let mut left = objects.to_vec();
        loop {
            let n = left.len();
            left.retain(|it| !self.drops(it));
            if left.len() == n || left.is_empty() {
                return;
            }
        }
    }

    /// Drops an object without anything that depends on it; whether it did.
    pub(super) fn drops(&mut self, object: &Object) -> bool {
        let gone = self.dialect.removal(object).is_some_and(|it| self.runs(&it));
        if gone {
            self.dropped.insert(object.id.clone());
        }
        gone
    }

    /// Drops an object, and before it what depends on it, if all of that has no rows of its own.
    pub(super) fn displaces(&mut self, object: &Object, now: &Catalog) -> Result<bool> {
        if self.drops(object) {
            return Ok(true);
        }
        let Some(sql) = self.dialect.removal(object) else { return Ok(false) };
        let vanished = self.vanished(&sql, now)?;
        let others: Vec<_> =
            vanished.into_iter().filter(|it| !belongs(&it.id, &object.id)).collect();
        if !others.iter().all(is_replaceable) {
            return Ok(false);
        }
        self.drop_all(&others.iter().collect::<Vec<_>>());
        Ok(self.drops(object) || self.drops_with_functions(object, &others))
    }

    /// A base type and the functions that read and write its values need each other: neither goes alone. What goes
    /// with them has been looked at before.
    fn drops_with_functions(&mut self, object: &Object, others: &[Object]) -> bool {
        let is_base = object.id.kind == Kind::BaseType;
        let removal = self.dialect.removal(object).filter(|_| is_base);
        let gone = removal.is_some_and(|it| self.runs(&cascade(&it)));
        if gone {
            let others = others.iter().map(|it| it.id.clone());
            self.dropped.extend(others.chain([object.id.clone()]));
        }
        gone
    }

    /// What would go with an object, by what its removal with `CASCADE` leaves.
    pub(super) fn vanished(&mut self, removal: &str, now: &Catalog) -> Result<Vec<Object>> {
        let ledgers = self.ledgers;
        let Some(session) =
            self.session.as_deref_mut().filter(|_| self.dialect == Dialect::Postgres)
        else {
            return Ok(Vec::new());
        };
        let tried = session.run("BEGIN").and_then(|()| session.run(&cascade(removal)));
        let after = match tried {
            Ok(()) => Some(introspect::catalog_within(session, ledgers)),
            Err(_) => None,
        };
        // A connection that is gone is noticed by whatever comes next.
        let _ = session.run("ROLLBACK");
        let Some(after) = after.transpose()? else { return Ok(Vec::new()) };
        Ok(now.objects().filter(|it| after.get(&it.id).is_none()).cloned().collect())
    }
}

/// The removal with all that depends on the object.
fn cascade(removal: &str) -> String {
    format!("{} CASCADE;", removal.trim_end_matches(';'))
}

/// Whether something goes with an object by itself: it lies inside, or is said about it.
fn belongs(id: &ObjectId, object: &ObjectId) -> bool {
    let path = match super::view::subject(id) {
        Some(subject) => subject.path,
        None => id.path.clone(),
    };
    id == object
        || object.kind == Kind::Table && path.starts_with(&object.path)
        || super::view::subject(id).is_some()
}

/// Whether an object has no rows of its own, so that it can be made again.
pub(super) fn is_replaceable(object: &Object) -> bool {
    match object.id.kind {
        Kind::PrimaryKey
        | Kind::Unique
        | Kind::ForeignKey
        | Kind::Check
        | Kind::Exclusion
        | Kind::Index
        | Kind::Statistics
        | Kind::View
        | Kind::MaterializedView
        | Kind::Rule
        | Kind::Function
        | Kind::Procedure
        | Kind::Aggregate
        | Kind::Trigger
        | Kind::EventTrigger
        | Kind::Policy
        | Kind::Collation
        | Kind::Conversion
        | Kind::Operator
        | Kind::Cast
        | Kind::DefaultPrivilege
        | Kind::Publication
        | Kind::ForeignTable
        | Kind::ForeignServer
        | Kind::TextSearchParser
        | Kind::TextSearchTemplate
        | Kind::TextSearchDictionary
        | Kind::TextSearchConfiguration => true,
        // What is computed is computed again.
        Kind::Column => object.get("generated").is_some() || is_of_view(object),
        _ => false,
    }
}

fn is_of_view(column: &Object) -> bool {
    column.get("of") == Some("view")
}

/// Runs statements one by one; several of them in a transaction. With the one that failed, if one did.
fn attempt(
    session: &mut Session,
    statements: &[String],
) -> std::result::Result<(), (String, SqlError)> {
    if let [sql] = statements {
        return session.run(sql).map_err(|it| (sql.clone(), it));
    }
    session.run("BEGIN").map_err(|it| ("BEGIN".to_owned(), it))?;
    for sql in statements {
        if let Err(error) = session.run(sql) {
            let _ = session.run("ROLLBACK");
            return Err((sql.clone(), error));
        }
    }
    session.run("COMMIT").map_err(|it| ("COMMIT".to_owned(), it))
}
