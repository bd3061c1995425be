//! What of live is to be changed, because somebody said so by name.

use raingauge_schema::compare::ObjectDifference;
use raingauge_schema::dialect::AnySchema;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::sqlite::rebuild::effects;
use raingauge_schema::{Catalog, Dialect, ObjectId, Pair};

use super::{Cause, Choice};
use crate::connect::Session;
use crate::facts::DeclaredSide;

/// The differences that the follow-up takes away.
#[derive(Clone, Debug, Default)]
pub struct Agreed {
    differs: Vec<ObjectDifference>,
    renamed: Vec<Pair<ObjectId>>,
    /// The statements that give other names.
    renames: Vec<String>,
    /// What goes with a table of SQLite that is built anew.
    attached: Vec<Attached>,
}

/// A trigger or an index of SQLite.
#[derive(Clone, Debug)]
struct Attached {
    table: String,
    name: String,
    sql: String,
}

impl Agreed {
    /// Nothing yet, with what live has to be made again where a table is built anew.
    pub fn none(live: &mut Session, declared: &DeclaredSide) -> Self {
        let Session::Sqlite(_) = live else { return Self::default() };
        let sql = "SELECT tbl_name, name, sql FROM sqlite_schema \
            WHERE type IN ('trigger', 'index') AND sql IS NOT NULL ORDER BY type, name";
        let attached = live.rows(sql).unwrap_or_default().into_iter().filter_map(|row| {
            let mut values = row.into_iter().flatten();
            Some(Attached { table: values.next()?, name: values.next()?, sql: values.next()? })
        });
        // What schema.ts declares is made by its own statements.
        let is_declared = |it: &Attached| {
            let is_trigger = it.sql.trim_start().to_ascii_uppercase().starts_with("CREATE TRIGGER");
            let mut undeclared = declared.comparison.only_from.iter();
            !is_trigger && !undeclared.any(|object| object.id.name() == it.name)
        };
        let attached = attached.filter(|it| !is_declared(it));
        Self { attached: attached.collect(), ..Self::default() }
    }

    /// Takes one more.
    pub fn add(&mut self, choice: &Choice, dialect: Dialect) {
        match &choice.cause {
            Cause::Differs(it) => self.differs.push(it.clone()),
            Cause::Renamed(it) => {
                self.renamed.push(it.clone());
                let n = match dialect {
                    Dialect::Postgres | Dialect::MySql => choice.statements.len(),
                    // Under its new name it is one that live lacks, which the difference makes.
                    Dialect::Sqlite => 1,
                };
                self.renames.extend(choice.statements.iter().take(n).cloned());
            }
            // The follow-up makes it anyway.
            Cause::Missing(_) => {}
        }
    }

    /// What of the declared schema live has, with these differences as live has them.
    pub fn kept(&self, schema: &AnySchema, live: &Catalog, generation: Generation) -> AnySchema {
        let back = self.renamed.iter().map(|it| Pair { from: it.to.clone(), to: it.from.clone() });
        let back: Vec<_> = back.collect();
        let differs: Vec<_> = self.differs.iter().collect();
        schema.named_as(&back).as_live_has(live, &differs).present_in(live, generation)
    }

    /// The same once the statements for names have run.
    pub fn renamed(
        &self,
        schema: &AnySchema,
        live: &Catalog,
        (generation, dialect): (Generation, Dialect),
    ) -> AnySchema {
        match dialect {
            Dialect::Postgres | Dialect::MySql => {
                self.kept(schema, live, generation).named_as(&self.renamed)
            }
            Dialect::Sqlite => {
                let differs: Vec<_> = self.differs.iter().collect();
                schema.as_live_has(live, &differs).present_in(live, generation)
            }
        }
    }

    /// Whether anything gets another name.
    pub fn renames(&self) -> bool {
        !self.renames.is_empty()
    }

    /// All statements of the follow-up: names first, then the changes, then what they took along.
    pub fn around(&self, changes: Vec<String>) -> Vec<String> {
        let mut all = self.renames.clone();
        all.extend(changes);
        if self.attached.is_empty() || self.differs.is_empty() && self.renamed.is_empty() {
            return all;
        }
        let effects = effects(all.iter().map(String::as_str));
        let is_gone = |it: &&Attached| {
            let quoted = format!("`{}`", it.name);
            effects.rebuild(&it.table).is_some()
                && !effects.dropped.iter().any(|name| name.eq_ignore_ascii_case(&it.name))
                && !all.iter().any(|sql| sql.starts_with("CREATE") && sql.contains(&quoted))
        };
        let again: Vec<_> =
            self.attached.iter().filter(is_gone).map(|it| format!("{};", it.sql)).collect();
        all.extend(again);
        all
    }
}
