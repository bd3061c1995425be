//! The online form of statements: others go on reading and writing while they run.
//!
//! An index is built concurrently; a foreign key or a check is added without looking at the rows and then
//! validated; NOT NULL rests on a check that was validated; a unique constraint takes over an index; an
//! enum gets its value alone. What a transaction would spoil stands between a `COMMIT` and a `BEGIN` of
//! its own, which drizzle-orm's migrators take as well. In the end the catalog is the same.

use crate::Fingerprint;
use crate::plan::{Hazard, Statement};
use crate::postgres::token::{identifier, tokens};
use crate::token::{Cursor, Token};

use super::quote;

/// One statement, and where it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// With others in a transaction.
    Inside(String),
    /// In no transaction.
    Outside(String),
    /// In a transaction that begins with it.
    After(String),
}

/// The same statements in their online form. What a migration creates itself nobody uses yet, and stays as
/// it is.
pub fn online(statements: Vec<Statement>) -> Vec<Statement> {
    let texts: Vec<_> = statements.iter().map(|it| it.sql.clone()).collect();
    let created: Vec<_> = texts.iter().filter_map(|it| created_table(it)).collect();
    let mut all = Vec::new();
    let mut is_open = true;
    for statement in statements {
        let Some(parts) = parts(&statement.sql, &created) else {
            begin(&mut all, &mut is_open);
            all.push(statement);
            continue;
        };
        for part in parts {
            match part {
                Part::Inside(sql) => {
                    begin(&mut all, &mut is_open);
                    all.push(Statement::harmless(sql));
                }
                Part::Outside(sql) => {
                    commit(&mut all, &mut is_open);
                    let hazards = vec![Hazard::NotTransactional];
                    all.push(Statement { sql, hazards });
                }
                Part::After(sql) => {
                    commit(&mut all, &mut is_open);
                    begin(&mut all, &mut is_open);
                    all.push(Statement::harmless(sql));
                }
            }
        }
    }
    // The migrator's own commit ends what is open.
    begin(&mut all, &mut is_open);
    all
}

/// Ends the transaction, unless nothing has happened in it.
fn commit(all: &mut Vec<Statement>, is_open: &mut bool) {
    if !*is_open {
        return;
    }
    *is_open = false;
    match all.last() {
        Some(it) if it.sql == BEGIN => drop(all.pop()),
        _ => all.push(Statement::harmless(COMMIT)),
    }
}

fn begin(all: &mut Vec<Statement>, is_open: &mut bool) {
    if !*is_open {
        *is_open = true;
        all.push(Statement::harmless(BEGIN));
    }
}

const COMMIT: &str = "COMMIT;";
const BEGIN: &str = "BEGIN;";

/// The table of a `CREATE TABLE`, as it is spelled.
fn created_table(sql: &str) -> Option<Vec<String>> {
    let tokens = tokens(sql).ok()?;
    let mut it = Cursor::new(&tokens);
    it.eat("create table").then(|| it.name(identifier))
}

/// The online form of a statement; nothing where it has none.
fn parts(sql: &str, created: &[Vec<String>]) -> Option<Vec<Part>> {
    let tokens = tokens(sql).ok()?;
    let mut it = Cursor::new(&tokens);
    if it.eat("create") {
        return index(sql, it, created);
    }
    if it.eat("alter type") {
        it.name(identifier);
        return it.eat("add value").then(|| vec![Part::Outside(sql.to_owned())]);
    }
    if !it.eat("alter table") {
        return None;
    }
    let start = it.rest().first()?.start;
    let name = it.name(identifier);
    if created.contains(&name) {
        return None;
    }
    let end = it.rest().first()?.start;
    let table = sql.get(start..end)?.trim_end();
    if it.eat("add constraint") {
        return constraint(sql, it, table);
    }
    if it.eat("alter column") {
        let column = it.name(identifier).pop()?;
        return (it.eat("set not null") && is_end(&it)).then(|| not_null(table, &column));
    }
    None
}

fn is_end(it: &Cursor<'_, '_>) -> bool {
    it.rest().iter().all(|it| it.is_symbol(';'))
}

fn index(sql: &str, mut it: Cursor<'_, '_>, created: &[Vec<String>]) -> Option<Vec<Part>> {
    it.eat("unique");
    if !it.eat("index") || it.sees("concurrently") {
        return None;
    }
    let at = it.rest().first()?.start;
    it.name(identifier);
    if !it.eat("on") || created.contains(&it.name(identifier)) {
        return None;
    }
    let (before, after) = (sql.get(..at)?, sql.get(at..)?);
    Some(vec![Part::Outside(format!("{before}CONCURRENTLY {after}"))])
}

fn constraint(sql: &str, mut it: Cursor<'_, '_>, table: &str) -> Option<Vec<Part>> {
    let name = quote(&it.name(identifier).pop()?);
    let validate = || Part::After(format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name};"));
    if it.sees("foreign") || it.sees("check") {
        let statement = sql.trim_end().trim_end_matches(';');
        return Some(vec![Part::Inside(format!("{statement} NOT VALID;")), validate()]);
    }
    if !it.eat("unique") {
        return None;
    }
    let distinct = if it.eat("nulls not distinct") { " NULLS NOT DISTINCT" } else { "" };
    let columns = columns(sql, it.rest())?;
    Some(vec![
        Part::Outside(format!(
            "CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} {columns}{distinct};"
        )),
        Part::Inside(format!(
            "ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name};"
        )),
    ])
}

/// The text of a list in parentheses.
fn columns<'a>(sql: &'a str, tokens: &[Token<'_>]) -> Option<&'a str> {
    let open = tokens.first().filter(|it| it.is_symbol('('))?;
    let close = tokens.iter().rfind(|it| it.is_symbol(')'))?;
    sql.get(open.start..close.end())
}

/// A column that a validated check keeps from being null is made NOT NULL without looking at the rows.
fn not_null(table: &str, column: &str) -> Vec<Part> {
    let digits: String = Fingerprint::of_parts([table, column]).as_str().chars().take(12).collect();
    let (name, column) = (quote(&format!("not_null_{digits}")), quote(column));
    vec![
        Part::Inside(format!(
            "ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID;"
        )),
        Part::After(format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name};")),
        Part::After(format!("ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;")),
        Part::Inside(format!("ALTER TABLE {table} DROP CONSTRAINT {name};")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(statements: &[&str], expected: &[&str]) {
        let statements = statements.iter().map(|it| Statement::harmless(*it)).collect();
        let found: Vec<_> = online(statements).into_iter().map(|it| it.sql).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_index_is_built_outside_of_the_transaction() {
        check(
            &["CREATE INDEX \"i\" ON \"t\" USING btree (\"a\");"],
            &["COMMIT;", "CREATE INDEX CONCURRENTLY \"i\" ON \"t\" USING btree (\"a\");", "BEGIN;"],
        );
        let twice = "CREATE UNIQUE INDEX CONCURRENTLY \"i\" ON \"s\".\"t\" (\"a\");";
        check(&[twice], &[twice]);
    }

    #[test]
    fn what_the_migration_creates_itself_stays_as_it_is() {
        let statements = [
            "CREATE TABLE \"s\".\"t\" (\n\t\"a\" integer\n);\n",
            "CREATE INDEX \"i\" ON \"s\".\"t\" (\"a\");",
            "ALTER TABLE \"s\".\"t\" ADD CONSTRAINT \"c\" CHECK (\"a\" > 0);",
            "ALTER TABLE \"u\" ADD COLUMN \"a\" integer;",
            "ALTER TABLE \"u\" ALTER COLUMN \"a\" DROP NOT NULL;",
        ];
        check(&statements, &statements);
    }

    #[test]
    fn a_key_and_a_check_are_validated_in_transactions_of_their_own() {
        check(
            &[
                "ALTER TABLE \"t\" ADD CONSTRAINT \"f\" FOREIGN KEY (\"a\") REFERENCES \"u\"(\"id\");",
                "ALTER TABLE \"t\" ADD CONSTRAINT \"c\" CHECK (\"a\" <> ';');",
            ],
            &[
                "ALTER TABLE \"t\" ADD CONSTRAINT \"f\" FOREIGN KEY (\"a\") REFERENCES \"u\"(\"id\") NOT VALID;",
                "COMMIT;",
                "BEGIN;",
                "ALTER TABLE \"t\" VALIDATE CONSTRAINT \"f\";",
                "ALTER TABLE \"t\" ADD CONSTRAINT \"c\" CHECK (\"a\" <> ';') NOT VALID;",
                "COMMIT;",
                "BEGIN;",
                "ALTER TABLE \"t\" VALIDATE CONSTRAINT \"c\";",
            ],
        );
    }

    #[test]
    fn a_unique_constraint_takes_over_an_index() {
        check(
            &["ALTER TABLE \"t\" ADD CONSTRAINT \"u\" UNIQUE NULLS NOT DISTINCT(\"a\",\"b\");"],
            &[
                "COMMIT;",
                "CREATE UNIQUE INDEX CONCURRENTLY \"u\" ON \"t\" (\"a\",\"b\") NULLS NOT DISTINCT;",
                "BEGIN;",
                "ALTER TABLE \"t\" ADD CONSTRAINT \"u\" UNIQUE USING INDEX \"u\";",
            ],
        );
    }

    #[test]
    fn not_null_rests_on_a_check_that_goes_again() {
        let statements =
            online(vec![Statement::harmless("ALTER TABLE \"t\" ALTER COLUMN \"a\" SET NOT NULL;")]);
        let texts: Vec<_> = statements.iter().map(|it| it.sql.as_str()).collect();
        assert!(texts[0].ends_with("CHECK (\"a\" IS NOT NULL) NOT VALID;"), "{}", texts[0]);
        assert!(texts[3].contains(" VALIDATE CONSTRAINT \"not_null_"), "{}", texts[3]);
        assert_eq!(texts[6], "ALTER TABLE \"t\" ALTER COLUMN \"a\" SET NOT NULL;");
        assert!(texts[7].contains(" DROP CONSTRAINT \"not_null_"), "{}", texts[7]);
        assert_eq!(texts.len(), 8);
    }

    #[test]
    fn two_indexes_stand_between_one_commit_and_one_begin() {
        check(
            &["CREATE INDEX i ON t (a);", "CREATE INDEX j ON t (b);", "DROP INDEX k;"],
            &[
                "COMMIT;",
                "CREATE INDEX CONCURRENTLY i ON t (a);",
                "CREATE INDEX CONCURRENTLY j ON t (b);",
                "BEGIN;",
                "DROP INDEX k;",
            ],
        );
        check(
            &["ALTER TYPE \"e\" ADD VALUE 'x';", "CREATE INDEX i ON t (a);"],
            &[
                "COMMIT;",
                "ALTER TYPE \"e\" ADD VALUE 'x';",
                "CREATE INDEX CONCURRENTLY i ON t (a);",
                "BEGIN;",
            ],
        );
    }
}
