//! Why a baseline does not run or does not rebuild live, told by kind: what is missing where it was
//! tried, and what PostgreSQL's dump cannot say.

use std::collections::BTreeSet;

use raingauge_schema::{Comparison, Kind};

use crate::findings;
use crate::replay::ReplayError;
use crate::report::Finding;

/// What the engine says of a statement that only a superuser, or a member of some role, may run.
const DENIED: &str = "42501";

/// What it says of a file that is not on its machine.
const NO_FILE: &str = "58P01";

/// The finding for a statement that scratch lacks something for; nothing for other failures.
pub(crate) fn of_replay(error: &ReplayError) -> Option<Finding> {
    let statement = error.statement.as_str();
    let state = error.source.state.as_str();
    let begins = |words: &str| statement.starts_with(words);
    let (code, what, next) = if begins("CREATE EXTENSION") {
        (
            "extension-unavailable",
            "needs an extension that the scratch server does not have",
            "install its package on the machine of the scratch server, or name a server that has it: `--scratch URL`",
        )
    } else if begins("SET LOCAL default_tablespace") {
        (
            "tablespace-missing",
            "puts something into a tablespace that the scratch server does not have, and a new database's server would need it too",
            "name a server that has the tablespace: `--scratch URL`; or move what is in it to the default tablespace first",
        )
    } else if begins("SET LOCAL default_table_access_method") {
        (
            "access-method-missing",
            "uses a table access method that the scratch server does not have",
            "name a server that has it: `--scratch URL`",
        )
    } else if state == NO_FILE {
        (
            "library-missing",
            "needs a library on the server's machine that the scratch server does not have",
            "install it there, or name a server that has it: `--scratch URL`",
        )
    } else if state == DENIED {
        (
            "scratch-denied",
            "may not be run by the role of the scratch server",
            "name a server for scratch where the role may do that, a superuser for example: `--scratch URL`",
        )
    } else {
        return None;
    };
    Some(error.finding(code, &format!("{what}; nothing was written")).next(next))
}

/// The finding for a rebuilt database that differs only in what a dump cannot say.
pub(crate) fn of_difference(comparison: &Comparison) -> Option<Finding> {
    let others = comparison.n_differences() - comparison.differs.len();
    let is_order = |it: &raingauge_schema::compare::ObjectDifference| {
        it.id.kind == Kind::Column && it.attributes.iter().all(|it| it.name == "position")
    };
    if others == 0 && comparison.differs.iter().all(is_order) {
        let finding = Finding::error(
            "column-order",
            tables(comparison),
            "inherits columns that stand elsewhere than a new table would have them, which no statement can make; nothing was written",
        );
        return Some(findings::differences(finding, comparison).next(
            "make the table anew with the columns of its parent first, and copy its rows; then analyze again",
        ));
    }
    let is_invalid = |it: &raingauge_schema::Object| {
        it.id.kind == Kind::Index && it.get("invalid") == Some("true")
    };
    let all_invalid =
        !comparison.only_from.is_empty() && comparison.only_from.iter().all(is_invalid);
    if comparison.n_differences() == comparison.only_from.len() && all_invalid {
        let finding = Finding::error(
            "index-invalid",
            "baseline",
            "has no place for invalid indexes, which a build that failed has left in live; nothing was written",
        );
        return Some(comparison.only_from.iter().fold(finding, |finding, it| {
            finding
                .evidence(it.id.to_string())
                .next(format!("finish it: REINDEX INDEX CONCURRENTLY {}", index_name(it)))
        }));
    }
    None
}

/// The tables of the columns that differ.
fn tables(comparison: &Comparison) -> String {
    let table = |path: &[String]| path.iter().take(2).cloned().collect::<Vec<_>>().join(".");
    let tables: BTreeSet<_> = comparison.differs.iter().map(|it| table(&it.id.path)).collect();
    format!("table {}", tables.into_iter().collect::<Vec<_>>().join(", "))
}

/// Schema and name of an index, whose path has its table in the middle.
fn index_name(index: &raingauge_schema::Object) -> String {
    use raingauge_schema::postgres::grammar::quote_ident;
    let schema = index.id.path.first().map_or("", String::as_str);
    format!("{}.{}", quote_ident(schema), quote_ident(index.id.name()))
}
