//! What the dump program of MySQL or MariaDB prints of a database's structure.
//!
//! Left out is what belongs to the moment or to the server: counters, whose a program is, and the name of the
//! database where the server puts it in front of names.

use std::process::Stdio;

use raingauge_schema::mysql::catalog::{Flavour, without_database};
use raingauge_schema::mysql::grammar::quote_ident;
use raingauge_schema::mysql::token::tokens;
use raingauge_schema::token::{Cursor, Token};

use super::{Dump, Dumped, Entry};
use crate::client::ProgramSource;
use crate::client::mysql::{Call, Role, find};
use crate::connect::MySqlSession;
use crate::connect::dsn::mysql::MySqlTarget;
use crate::ledger::LedgerName;
use crate::midway::store::STEPS;
use crate::{Error, Result};

/// What begins the name of whose a program is.
const DEFINER: &str = "DEFINER=";

/// What stands before the part of a trigger that says what it is.
const TRIGGER: &str = "/*!50017 */ /*!50003 ";

/// The structure without the tables that are ledgers.
pub(super) fn structure(
    session: &mut MySqlSession,
    target: &MySqlTarget,
    ledgers: &[LedgerName],
    client: Option<&ProgramSource>,
) -> Result<Dump> {
    let server = session.server();
    let program = find(Role::Dump, server, client)?;
    let is_encrypted = session.is_encrypted();
    let Call { mut command, private } = program.call(target, is_encrypted)?;
    command.args([
        "--no-data",
        "--routines",
        "--events",
        "--triggers",
        "--skip-comments",
        "--skip-lock-tables",
        "--no-tablespaces",
        "--default-character-set=utf8mb4",
    ]);
    if server.flavour == Flavour::MySql {
        command.args(["--set-gtid-purged=OFF", "--column-statistics=0"]);
    }
    let database = &target.database;
    let ledgers = ledgers.iter().map(|it| it.table.as_str()).chain([STEPS]);
    command.args(ledgers.map(|it| format!("--ignore-table={database}.{it}")));
    let output = command.arg("--").arg(database).stdin(Stdio::null()).output();
    drop(private);
    let output = output.map_err(|cause| failed().caused_by(cause))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(failed().caused_by(said).next(
            "nothing was changed; connect as an account that sees all of the database: SELECT, SHOW VIEW, TRIGGER and EVENT on it",
        ));
    }
    // A default may hold bytes that are no text; both dumps show them alike.
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let usual = usual_collations(session)?;
    let settled = |it: &str| without_usual_collation(settled(it, database), &usual) + "\n";
    let sql: String = text.lines().map(settled).collect();
    let sql = with_heads(&sql);
    Ok(Dump { statements: vec![Dumped { sql, entry: Entry::default() }] })
}

fn settled(line: &str, database: &str) -> String {
    let alter = format!("ALTER DATABASE {} ", quote_ident(database));
    let line = match line.strip_prefix(&alter) {
        Some(rest) => format!("ALTER DATABASE {rest}"),
        None => line.to_owned(),
    };
    let is_view = line.starts_with("/*!50001 ");
    let is_sequence = line.starts_with("  `") && line.contains("nextval(");
    let line = if is_view || is_sequence { without_database(&line, database) } else { line };
    let line = if line.starts_with(") ENGINE") { without_counter(&line) } else { line };
    without_definers(&line)
}

/// How a column's collation is printed where it is the one that its character set has by itself, in two ways. MySQL leaves it out
/// where the table had another character set when the column was made.
fn usual_collations(session: &mut MySqlSession) -> Result<Vec<[String; 2]>> {
    if session.server().flavour == Flavour::MariaDb {
        return Ok(Vec::new());
    }
    let query = "select character_set_name, collation_name from information_schema.collations \
                 where is_default = 'Yes'";
    let rows = session.rows(query).map_err(|cause| failed().caused_by(cause))?;
    let clauses = rows.into_iter().filter_map(|row| {
        let [charset, collation] = <[Option<String>; 2]>::try_from(row).ok()?;
        let short = format!(" CHARACTER SET {}", charset?);
        Some([format!("{short} COLLATE {}", collation?), short])
    });
    Ok(clauses.collect())
}

fn without_usual_collation(line: String, usual: &[[String; 2]]) -> String {
    let is_whole = |rest: &str| !rest.starts_with(|it: char| it.is_alphanumeric() || it == '_');
    let parts = usual.iter().filter(|_| line.starts_with("  `")).find_map(|[long, short]| {
        let (before, rest) = line.split_once(long)?;
        is_whole(rest).then(|| [before, short, rest].concat())
    });
    parts.unwrap_or(line)
}

fn without_counter(line: &str) -> String {
    let words = line.split(' ').filter(|it| {
        let number = it.strip_prefix("AUTO_INCREMENT=");
        !number.is_some_and(|it| it.chars().all(|it| it.is_ascii_digit()))
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Under the mode `ANSI_QUOTES` the names of whose a program is stand in double quotes.
fn without_definers(line: &str) -> String {
    ['`', '"'].into_iter().fold(line.to_owned(), |line, quote| {
        let begin = format!("{DEFINER}{quote}");
        let mut parts = line.split(&begin);
        let first = parts.next().unwrap_or_default().to_owned();
        // A name in quotes, `@`, and another.
        let behind =
            |it: &str| it.splitn(4, quote).nth(3).unwrap_or_default().trim_start().to_owned();
        parts.fold(first, |text, it| text + &behind(it))
    })
}

/// The text with the heads of triggers in one spelling: MariaDB prints them as they were typed.
fn with_heads(sql: &str) -> String {
    let mut parts = sql.split(TRIGGER);
    let first = parts.next().unwrap_or_default().to_owned();
    let settled = |it: &str| with_head(it).unwrap_or_else(|| it.to_owned());
    parts.fold(first, |text, it| text + TRIGGER + &settled(it))
}

fn with_head(statement: &str) -> Option<String> {
    const END: &str = "for each row";
    let at = statement.to_ascii_lowercase().find(END)?;
    let (head, body) = statement.split_at_checked(at + END.len())?;
    let tokens = tokens(head).ok()?;
    let mut it = Cursor::new(&tokens);
    if !it.eat("trigger") {
        return None;
    }
    it.eat("if not exists");
    let name = it.name(Token::identifier).pop()?;
    let mut what = Vec::new();
    while !it.sees("on") {
        what.push(it.bump()?.text.to_ascii_uppercase());
    }
    it.bump();
    let table = it.name(Token::identifier).pop()?;
    Some(format!(
        "TRIGGER {} {} ON {} FOR EACH ROW {}",
        quote_ident(&name),
        what.join(" "),
        quote_ident(&table),
        body.trim_start()
    ))
}

fn failed() -> Error {
    Error::new("dump-failed", "the dump program could not print the structure")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_is_the_same_however_its_head_was_typed() {
        let head = |it: &str| with_heads(&format!("x;;\n/*!50003 CREATE*/ {TRIGGER}{it} */;;\n"));
        let usual = head("TRIGGER `trim` BEFORE INSERT ON `t` FOR EACH ROW set @a = 1");
        for typed in [
            "trigger  trim\nbefore insert on t for each row set @a = 1",
            "TRIGGER if not exists `app`.trim /* now */ Before Insert On app.`t` For Each Row\n set @a = 1",
        ] {
            assert_eq!(head(typed), usual);
        }
        assert_ne!(head("trigger trim after insert on t for each row set @a = 1"), usual);
        assert_ne!(head("trigger trim before insert on t for each row SET @a = 1"), usual);
    }

    #[test]
    fn the_collation_that_a_character_set_has_by_itself_may_be_said_or_not() {
        let usual = [[" CHARACTER SET latin1 COLLATE latin1_swedish_ci", " CHARACTER SET latin1"]];
        let usual = usual.map(|it| it.map(str::to_owned));
        let settled = |it: &str| without_usual_collation(it.to_owned(), &usual);
        let short = "  `a` text CHARACTER SET latin1,";
        assert_eq!(settled("  `a` text CHARACTER SET latin1 COLLATE latin1_swedish_ci,"), short);
        assert_eq!(settled(short), short);
        for other in [
            "  `a` text CHARACTER SET latin1 COLLATE latin1_bin,",
            "  `a` text CHARACTER SET latin1 COLLATE latin1_swedish_ci2,",
            ") CHARACTER SET latin1 COLLATE latin1_swedish_ci;",
        ] {
            assert_eq!(settled(other), other);
        }
    }

    #[test]
    fn what_belongs_to_the_moment_or_the_server_is_left_out() {
        for (line, expected) in [
            (
                ") ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COMMENT='AUTO_INCREMENT=x';",
                ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='AUTO_INCREMENT=x';",
            ),
            (
                "/*!50003 CREATE*/ /*!50017 DEFINER=`app`@`%`*/ /*!50003 TRIGGER t BEFORE INSERT",
                "/*!50003 CREATE*/ /*!50017 */ /*!50003 TRIGGER t BEFORE INSERT",
            ),
            ("CREATE DEFINER=`a`@`b` PROCEDURE `p`()", "CREATE PROCEDURE `p`()"),
            (r#"CREATE DEFINER="a"@"b" PROCEDURE "p"()"#, r#"CREATE PROCEDURE "p"()"#),
            (
                "ALTER DATABASE `app` CHARACTER SET latin1 ;",
                "ALTER DATABASE CHARACTER SET latin1 ;",
            ),
            ("  `a` int DEFAULT nextval(`app`.`s`),", "  `a` int DEFAULT nextval(`s`),"),
            ("  `a` varchar(9) DEFAULT '`app`.`s`',", "  `a` varchar(9) DEFAULT '`app`.`s`',"),
            (
                "/*!50001 VIEW `v` AS select `app`.`f`(1) AS `x` */;",
                "/*!50001 VIEW `v` AS select `f`(1) AS `x` */;",
            ),
        ] {
            assert_eq!(settled(line, "app"), expected);
        }
    }
}
