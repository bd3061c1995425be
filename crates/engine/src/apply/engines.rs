//! Tables of MySQL whose engine has no transactions: what a migration does to them stays when it fails.

use raingauge_schema::script::Piece;
use raingauge_schema::{Catalog, Dialect, Kind, Object};

use crate::facts::Facts;
use crate::history::Migration;
use crate::report::Finding;
use crate::site::Site;

/// Engines that can take back what a transaction has done.
const TRANSACTIONAL: [&str; 4] = ["innodb", "rocksdb", "tokudb", "ndbcluster"];

/// A table that a migration works on, and its engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unprotected {
    pub(super) table: String,
    engine: String,
    /// It has another engine still.
    is_new: bool,
}

/// The tables without transactions that a migration works on.
pub(super) fn unprotected(site: &Site, facts: &Facts, at: usize) -> Vec<Unprotected> {
    if site.dialect() != Dialect::MySql {
        return Vec::new();
    }
    let migration = &site.project.history.migrations[at];
    let after = facts.states.get(at + 1);
    let tables = facts.live.of_kind(Kind::Table);
    tables.filter_map(|it| one(it, migration, &facts.live, after)).collect()
}

fn one(
    table: &Object,
    migration: &Migration,
    live: &Catalog,
    after: Option<&Catalog>,
) -> Option<Unprotected> {
    let name = table.id.name();
    let found = |engine: &str, is_new| {
        let (table, engine) = (name.to_owned(), engine.to_owned());
        Some(Unprotected { table, engine, is_new })
    };
    if let Some(engine) = without_transactions(table) {
        return works_on(migration, name, live).then(|| found(engine, false)).flatten();
    }
    let engine = without_transactions(after?.get(&table.id)?)?;
    found(engine, true)
}

/// The engine, if it has no transactions.
fn without_transactions(table: &Object) -> Option<&str> {
    let engine = table.get("engine")?;
    (!TRANSACTIONAL.contains(&engine.to_lowercase().as_str())).then_some(engine)
}

/// Whether a statement names the table, or a trigger does that a statement may set off. Dropping it is agreed to by
/// another name.
fn works_on(migration: &Migration, table: &str, live: &Catalog) -> bool {
    let dialect = Dialect::MySql;
    let Ok(pieces) = dialect.split(&migration.sql) else { return true };
    let names = |sql: &str| {
        let tokens = dialect.tokens(sql).unwrap_or_default();
        tokens.iter().any(|it| it.identifier().is_some_and(|it| it.eq_ignore_ascii_case(table)))
    };
    let drops = |it: &Piece| {
        let sql = it.sql.trim_start().to_ascii_lowercase();
        sql.starts_with("drop ") || sql.starts_with("create ")
    };
    let programs = [Kind::Trigger, Kind::Procedure, Kind::Function];
    let in_programs = || {
        programs
            .into_iter()
            .flat_map(|it| live.of_kind(it))
            .any(|it| it.get("definition").or_else(|| it.get("body")).is_none_or(&names))
    };
    pieces.iter().any(|it| !drops(it) && names(&it.sql))
        || dialect.writes_rows(&migration.sql) && in_programs()
}

/// T45: that it cannot be rolled back there, unless somebody agreed to that.
pub(super) fn findings(tag: &str, found: &[Unprotected], allowed: &[String]) -> Vec<Finding> {
    let is_open = |it: &&Unprotected| !allowed.contains(&format!("engine:{}", it.table));
    let finding = |it: &Unprotected| {
        let Unprotected { table, engine, is_new } = it;
        let message = match is_new {
            false => format!(
                "works on `{table}`, whose engine {engine} has no transactions: if it fails, what it did there stays; nothing was changed"
            ),
            true => format!(
                "gives `{table}` the engine {engine}, which has no transactions, and may keep no rows at all; nothing was changed"
            ),
        };
        Finding::error("engine-not-transactional", tag, message).next(format!(
            "if that is meant: `--allow engine:{table}`; a verified backup is taken first"
        ))
    };
    found.iter().filter(is_open).map(finding).collect()
}
