//! The online form of statements: others go on reading and writing while they run.
//!
//! The server carries a change out in the way that the statement names, or refuses it and changes nothing: none
//! that looks harmless keeps writers waiting. What MySQL and MariaDB do not both do online stays as it is.

use crate::mysql::token::tokens;
use crate::plan::Statement;
use crate::token::{Cursor, Token, split_at_commas};

/// Only what the server knows of the table changes.
const AT_ONCE: &str = "ALGORITHM=INSTANT";

/// In the table, or in an index beside it.
const IN_PLACE: [&str; 2] = ["ALGORITHM=INPLACE", "LOCK=NONE"];

/// The same statements in their online form. What a migration creates itself nobody uses yet, and stays as
/// it is.
pub fn online(statements: Vec<Statement>) -> Vec<Statement> {
    let created: Vec<_> = statements.iter().filter_map(|it| created_table(&it.sql)).collect();
    let one = |it: Statement| match clause(&it.sql, &created) {
        Some(clause) => {
            let (body, end) = match it.sql.strip_suffix(';') {
                Some(body) => (body, ";"),
                None => (it.sql.as_str(), ""),
            };
            Statement { sql: format!("{body}{clause}{end}"), hazards: it.hazards }
        }
        None => it,
    };
    statements.into_iter().map(one).collect()
}

fn created_table(sql: &str) -> Option<String> {
    let tokens = tokens(sql).ok()?;
    let mut it = Cursor::new(&tokens);
    it.eat("create table").then(|| it.name(Token::identifier).pop())?
}

/// What is to stand behind a statement; nothing where it has no online form.
fn clause(sql: &str, created: &[String]) -> Option<String> {
    let tokens = tokens(sql).ok()?;
    let mut it = Cursor::new(&tokens);
    if it.eat("alter table") {
        let table = it.name(Token::identifier).pop()?;
        let actions = split_at_commas(it.rest());
        let [action] = actions.as_slice() else { return None };
        let options = of_action(action).filter(|_| !created.contains(&table))?;
        return Some(options.iter().map(|it| format!(", {it}")).collect());
    }
    let is_index = it.eat("create index") || it.eat("create unique index") || it.eat("drop index");
    let on = it.rest().iter().position(|it| it.is_word("on")).filter(|_| is_index)?;
    let mut it = Cursor::new(it.rest().get(on + 1..)?);
    let table = it.name(Token::identifier).pop()?;
    (!created.contains(&table)).then(|| IN_PLACE.iter().map(|it| format!(" {it}")).collect())
}

fn of_action(action: &[Token<'_>]) -> Option<&'static [&'static str]> {
    let mut it = Cursor::new(action);
    let first = it.bump()?.text.to_ascii_lowercase();
    match first.as_str() {
        "add" => of_addition(it),
        "drop" => {
            let takes_part = ["primary", "constraint", "check", "partition"];
            let rests = takes_part.iter().any(|word| it.sees(word));
            (!rests).then_some(&IN_PLACE)
        }
        "rename" if it.sees("column") || it.sees("index") => Some(&IN_PLACE),
        "alter" => Some(&[AT_ONCE]),
        _ => None,
    }
}

fn of_addition(mut it: Cursor<'_, '_>) -> Option<&'static [&'static str]> {
    if it.eat("constraint") {
        it.name(Token::identifier);
        return it.sees("unique").then_some(&IN_PLACE);
    }
    if ["index", "key", "unique"].iter().any(|word| it.sees(word)) {
        return Some(&IN_PLACE);
    }
    let others = ["primary", "foreign", "check", "fulltext", "spatial", "partition", "period"];
    if others.iter().any(|word| it.sees(word)) {
        return None;
    }
    // A column, which may bring a key, a check or values of its own.
    let brings = [
        "auto_increment",
        "unique",
        "primary",
        "references",
        "check",
        "generated",
        "as",
        "key",
        "first",
        "after",
    ];
    let is_bare = !it.rest().iter().any(|it| brings.iter().any(|word| it.is_word(word)));
    is_bare.then_some(&[AT_ONCE])
}

#[cfg(test)]
mod tests {
    use super::online;
    use crate::plan::Statement;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let done = online(vec![
            Statement::harmless("CREATE TABLE `own` (`a` int);"),
            Statement::harmless(sql),
        ]);
        assert_eq!(done[1].sql, expected);
    }

    #[test]
    fn what_both_servers_do_online_says_so() {
        for (sql, options) in [
            ("ALTER TABLE `t` ADD `a` boolean DEFAULT false NOT NULL", ", ALGORITHM=INSTANT"),
            ("ALTER TABLE `t` ADD COLUMN `unique` int", ", ALGORITHM=INSTANT"),
            ("ALTER TABLE `t` ALTER COLUMN `a` SET DEFAULT 1", ", ALGORITHM=INSTANT"),
            ("ALTER TABLE `t` ADD CONSTRAINT `u` UNIQUE(`a`)", ", ALGORITHM=INPLACE, LOCK=NONE"),
            ("ALTER TABLE `t` DROP COLUMN `a`", ", ALGORITHM=INPLACE, LOCK=NONE"),
            ("ALTER TABLE `t` DROP FOREIGN KEY `f`", ", ALGORITHM=INPLACE, LOCK=NONE"),
            ("ALTER TABLE `t` RENAME COLUMN `a` TO `b`", ", ALGORITHM=INPLACE, LOCK=NONE"),
            ("CREATE UNIQUE INDEX `i` ON `t` (`a`)", " ALGORITHM=INPLACE LOCK=NONE"),
            ("DROP INDEX `i` ON `t`", " ALGORITHM=INPLACE LOCK=NONE"),
        ] {
            check(&format!("{sql};"), &format!("{sql}{options};"));
        }
    }

    #[test]
    fn anything_else_stays_as_it_is() {
        for sql in [
            "ALTER TABLE `t` ADD `a` int AUTO_INCREMENT PRIMARY KEY;",
            "ALTER TABLE `t` ADD `b` int GENERATED ALWAYS AS (`a` + 1) STORED;",
            "ALTER TABLE `t` ADD CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `u`(`a`);",
            "ALTER TABLE `t` ADD CONSTRAINT `c` CHECK (`a` > 0);",
            "ALTER TABLE `t` MODIFY COLUMN `a` bigint;",
            "ALTER TABLE `t` DROP PRIMARY KEY;",
            "ALTER TABLE `own` ADD `a` int;",
            "CREATE INDEX `i` ON `own` (`a`);",
            "RENAME TABLE `t` TO `u`;",
            "CREATE VIEW `v` AS SELECT 1;",
        ] {
            check(sql, sql);
        }
    }
}
