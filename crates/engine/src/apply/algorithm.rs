//! How MySQL and MariaDB carry out the changes of the structure that are pending: at once, in the table, or by
//! copying it.
//!
//! That depends on flavour, version, the table and everything else that the statement does, so it is not foretold but
//! tried: in scratch each statement is sent with the gentlest `ALGORITHM` and `LOCK` that the server takes.

use std::collections::BTreeMap;

use raingauge_schema::steps::{Placed, statements, steps};
use raingauge_schema::token::Cursor;
use raingauge_schema::{Catalog, Dialect, Kind, mysql};

use crate::Result;
use crate::connect::Session;
use crate::facts::Facts;
use crate::report::{Finding, Section};
use crate::side;
use crate::site::Site;

/// More pending migrations than this are not tried one by one.
const MANY: usize = 50;

/// How a statement was carried out, the gentlest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Instant,
    InPlace,
    InPlaceShared,
    Copy,
}

impl Way {
    const GENTLE: [Self; 3] = [Self::Instant, Self::InPlace, Self::InPlaceShared];

    /// What makes the server refuse any other way; options of an `ALTER TABLE` follow a comma.
    fn clause(self, comma: &str) -> String {
        match self {
            Self::Instant => format!("{comma} ALGORITHM=INSTANT"),
            Self::InPlace => format!("{comma} ALGORITHM=INPLACE{comma} LOCK=NONE"),
            Self::InPlaceShared => format!("{comma} ALGORITHM=INPLACE{comma} LOCK=SHARED"),
            Self::Copy => String::new(),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Instant => "INSTANT",
            Self::InPlace => "INPLACE, LOCK=NONE",
            Self::InPlaceShared => "INPLACE, LOCK=SHARED",
            Self::Copy => "COPY",
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Instant | Self::InPlace => "others read and write",
            Self::InPlaceShared | Self::Copy => "others read, writers wait",
        }
    }
}

/// One row per pending statement that changes a table of live; absent where there is none, and for other engines.
/// What copies a table is a finding besides.
///
/// # Errors
/// If scratch cannot be had.
pub fn section(
    site: &mut Site,
    facts: &Facts,
    pending: &[usize],
    findings: &mut Vec<Finding>,
) -> Result<Option<Section>> {
    let columns = &["statement", "table", "lock", "meanwhile", "rows"];
    let mut section =
        Section::new("locks", "what is locked, and what others can do meanwhile", columns);
    if site.dialect() != Dialect::MySql
        || MANY < pending.len()
        || !concerns(site, &facts.live, pending)
    {
        return Ok(None);
    }
    let Some(first) = pending.first() else { return Ok(None) };
    let rows = estimates(&mut site.live);
    let mut rebuilt = side::rebuild(site, &facts.live, facts.prerequisites.as_ref(), *first)?;
    for at in pending {
        let migration = &site.project.history.migrations[*at];
        let n_done = n_done(facts, *at, &migration.sql);
        let all = statements(Dialect::MySql, &migration.sql).unwrap_or_default();
        for (index, statement) in all.into_iter().enumerate() {
            let Some(way) = run(&mut rebuilt.database.session, &statement) else {
                // The rehearsal has said why.
                return Ok((!section.rows.is_empty()).then_some(section));
            };
            let Some(table) = changed(&statement.sql).filter(|_| n_done <= index) else { continue };
            let Some(n) = rows.get(&table) else { continue };
            let place = format!("{}:{}", migration.file_name(), statement.line);
            if way == Way::Copy {
                let message = format!(
                    "is copied while writers wait: line {} of `{}`",
                    statement.line,
                    migration.file_name()
                );
                findings.push(Finding::warning("rewrites-table", table.clone(), message));
            }
            section.push([
                place,
                table,
                way.words().to_owned(),
                way.meaning().to_owned(),
                n.clone(),
            ]);
        }
    }
    Ok((!section.rows.is_empty()).then_some(section))
}

/// How many statements of a migration are in effect already.
fn n_done(facts: &Facts, at: usize, sql: &str) -> usize {
    let within = facts.position.within.as_ref().filter(|it| it.at == at);
    let steps = steps(Dialect::MySql, sql);
    let all = steps.several().unwrap_or_default();
    let done = all.iter().take(within.map_or(0, |it| it.done));
    done.map(|it| it.statements().len()).sum()
}

/// Whether a pending statement changes a table that live has.
fn concerns(site: &Site, live: &Catalog, pending: &[usize]) -> bool {
    let of = |at: &usize| {
        let sql = &site.project.history.migrations[*at].sql;
        statements(Dialect::MySql, sql).unwrap_or_default()
    };
    let is_of_live =
        |name: &String| live.of_kind(Kind::Table).any(|it| it.id.name() == name.as_str());
    pending.iter().flat_map(of).filter_map(|it| changed(&it.sql)).any(|it| is_of_live(&it))
}

/// Runs a statement in the gentlest way that it takes; `None` if it fails.
fn run(session: &mut Session, statement: &Placed) -> Option<Way> {
    if let Some(comma) = separator(&statement.sql) {
        let sql = statement.sql.trim().trim_end_matches(';');
        for way in Way::GENTLE {
            if session.run(&format!("{sql}{}", way.clause(comma))).is_ok() {
                return Some(way);
            }
        }
    }
    session.run(&statement.sql).ok().map(|()| Way::Copy)
}

/// What stands before an option that says how, if the statement takes one.
fn separator(sql: &str) -> Option<&'static str> {
    let tokens = mysql::token::tokens(sql).ok()?;
    let says_itself = tokens.iter().any(|it| it.is_word("algorithm") || it.is_word("lock"));
    let mut it = Cursor::new(&tokens);
    let first = it.bump()?.text.to_ascii_lowercase();
    changed(sql).filter(|_| !says_itself)?;
    Some(if first == "alter" { "," } else { "" })
}

/// The table that a statement changes: one of `ALTER TABLE`, `CREATE INDEX`, `DROP INDEX`.
fn changed(sql: &str) -> Option<String> {
    let tokens = mysql::token::tokens(sql).ok()?;
    let mut it = Cursor::new(&tokens);
    let first = it.bump()?.text.to_ascii_lowercase();
    match first.as_str() {
        "alter" => {
            it.eat_any(&["online", "ignore"]);
            if !it.eat("table") {
                return None;
            }
            it.eat("if exists");
        }
        "create" | "drop" => {
            it.eat("or replace");
            while it.eat_any(&["unique", "fulltext", "spatial"]).is_some() {}
            if !it.eat("index") {
                return None;
            }
            let on = it.rest().iter().position(|it| it.is_word("on"))?;
            it = Cursor::new(it.rest().get(on + 1..)?);
        }
        _ => return None,
    }
    it.name(raingauge_schema::token::Token::identifier).pop()
}

/// What the server's statistics say of the tables.
fn estimates(live: &mut Session) -> BTreeMap<String, String> {
    let sql = "SELECT table_name, concat('about ', table_rows) FROM information_schema.tables \
               WHERE table_schema = database() AND table_rows IS NOT NULL";
    let pair = |row: Vec<Option<String>>| {
        let mut values = row.into_iter().flatten();
        Some((values.next()?, values.next()?))
    };
    live.rows(sql).unwrap_or_default().into_iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::{changed, separator};

    #[test]
    fn the_table_that_a_statement_changes_is_named_and_how_an_option_follows() {
        for (sql, table, comma) in [
            ("ALTER TABLE `books` ADD COLUMN `a` int", Some("books"), Some(",")),
            ("create unique index i on books (a)", Some("books"), Some("")),
            ("DROP INDEX `i` ON `books`;", Some("books"), Some("")),
            ("alter table books add column a int, algorithm=instant", Some("books"), None),
            ("CREATE TABLE `books` (`a` int)", None, None),
            ("INSERT INTO books VALUES (1)", None, None),
        ] {
            assert_eq!(changed(sql).as_deref(), table, "{sql}");
            assert_eq!(separator(sql), comma, "{sql}");
        }
    }
}
