//! What the connected account cannot see, by what `show grants` says of it, and what nobody can.

use super::text::Cursor;
use crate::catalog::{Object, Unseen};
use crate::mysql::grammar::quote_ident;
use crate::mysql::token::tokens;
use crate::token::{Token, TokenKind};

/// Attributes that hold expressions.
const EXPRESSIONS: [&str; 5] = ["default", "generated", "check", "expression", "columns"];

/// What stays hidden without any of these rights on the whole database.
struct Need {
    what: &'static str,
    rights: &'static [&'static str],
}

const NEEDS: [Need; 4] = [
    Need { what: "tables on which nothing is granted", rights: &["SELECT"] },
    Need { what: "triggers", rights: &["TRIGGER"] },
    Need { what: "events", rights: &["EVENT"] },
    Need {
        what: "routines on which nothing is granted",
        rights: &["EXECUTE", "ALTER ROUTINE", "SHOW_ROUTINE", "SHOW CREATE ROUTINE"],
    },
];

/// What the account does not see of the database. `lines` are those of `show grants`.
pub(super) fn missing(lines: &[String], database: &str, role: &str) -> Vec<Unseen> {
    let of = |word| -> Vec<_> { lines.iter().flat_map(|it| rights(it, word, database)).collect() };
    let (held, revoked) = (of("grant"), of("revoke"));
    let is_among = |rights: &[String], right: &str| {
        rights.iter().any(|it| it == right || it == "ALL PRIVILEGES" || it == "ALL")
    };
    let has = |right: &str| is_among(&held, right) && !is_among(&revoked, right);
    let lacking = NEEDS.iter().filter(|it| !it.rights.iter().any(|right| has(right)));
    lacking
        .map(|it| Unseen {
            what: it.what.to_owned(),
            why: format!("`{role}` has no {} on all of `{database}`", it.rights[0]),
            grant: Some(grant(it.rights[0], database, role)),
        })
        .collect()
}

/// Those of some rights that the account does not hold on the whole database, by the lines of `show grants`. Nothing is
/// said of one that has roles, whose rights the lines do not show.
pub fn lacking<'a>(lines: &[String], database: &str, wanted: &[&'a str]) -> Vec<&'a str> {
    if lines.iter().any(|it| it.starts_with("GRANT `")) {
        return Vec::new();
    }
    let of = |word| -> Vec<_> { lines.iter().flat_map(|it| rights(it, word, database)).collect() };
    let (held, revoked) = (of("grant"), of("revoke"));
    let is_among = |rights: &[String], right: &str| {
        rights.iter().any(|it| it == right || it == "ALL PRIVILEGES" || it == "ALL")
    };
    wanted.iter().copied().filter(|it| !is_among(&held, it) || is_among(&revoked, it)).collect()
}

/// Those of some rights that the account holds on nothing in the database, by the lines of `show grants`.
pub fn held_nowhere<'a>(lines: &[String], database: &str, wanted: &[&'a str]) -> Vec<&'a str> {
    let holds = |right: &str| {
        lines.iter().any(|line| {
            let Ok(tokens) = tokens(line) else { return true };
            let mut cursor = Cursor::new(line, &tokens);
            let Ok(rights) = cursor.until(|it| it.is_word("on")) else { return false };
            let _ = cursor.eat("on");
            let covers = cursor.eat_symbol('*')
                || cursor.name().is_ok_and(|pattern| is_like(database, &pattern));
            covers && rights.to_uppercase().contains(right)
        })
    };
    let lacks = lacking(lines, database, wanted).into_iter();
    lacks.filter(|it| !holds(it)).collect()
}

/// The rights without which a statement fails.
pub fn needed(sql: &str) -> Vec<&'static str> {
    let Ok(tokens) = tokens(sql) else { return Vec::new() };
    let has = |word: &str| tokens.iter().any(|it| it.is_word(word));
    let word = |at: usize| tokens.get(at).map(|it| it.text.to_ascii_lowercase());
    let verb = word(0).unwrap_or_default();
    // Words that may stand before what is made.
    let kinds = ["table", "index", "view", "trigger", "procedure", "function", "event", "sequence"];
    let kind = tokens.iter().skip(1).find(|it| kinds.iter().any(|kind| it.is_word(kind)));
    let kind = kind.map(|it| it.text.to_ascii_lowercase()).unwrap_or_default();
    let mut found = match (verb.as_str(), kind.as_str()) {
        ("create" | "drop", "table") if word(1).as_deref() == Some("temporary") => Vec::new(),
        ("create", "table" | "sequence") => vec!["CREATE"],
        ("drop", "table" | "view" | "sequence") | ("truncate", _) => vec!["DROP"],
        ("create" | "drop", "index") => vec!["INDEX"],
        ("create" | "alter", "view") => vec!["CREATE VIEW"],
        ("create" | "drop", "trigger") => vec!["TRIGGER"],
        ("create", "procedure" | "function") => vec!["CREATE ROUTINE"],
        ("drop" | "alter", "procedure" | "function") => vec!["ALTER ROUTINE"],
        ("create" | "drop" | "alter", "event") => vec!["EVENT"],
        ("alter", "table" | "sequence") => vec!["ALTER"],
        ("rename", "table") => vec!["ALTER", "DROP", "CREATE", "INSERT"],
        ("insert", _) if has("duplicate") => vec!["INSERT", "UPDATE"],
        ("insert", _) => vec!["INSERT"],
        ("replace", _) => vec!["INSERT", "DELETE"],
        ("update", _) => vec!["UPDATE"],
        ("delete", _) => vec!["DELETE"],
        ("call", _) => vec!["EXECUTE"],
        _ => Vec::new(),
    };
    let replaces = verb == "create" && word(1).as_deref() == Some("or");
    found.extend((replaces && kind != "trigger").then_some("DROP"));
    found.extend(
        (verb == "alter" && kind == "table" && has("partition") && has("drop")).then_some("DROP"),
    );
    found
}

/// The rights on the whole database in a line of `show grants` that begins with `word`.
fn rights(line: &str, word: &str, database: &str) -> Vec<String> {
    let Ok(tokens) = tokens(line) else { return Vec::new() };
    let mut cursor = Cursor::new(line, &tokens);
    if !cursor.eat(word) {
        return Vec::new();
    }
    let Ok(rights) = cursor.until(|it| it.is_word("on")) else { return Vec::new() };
    if !cursor.eat("on") {
        return Vec::new();
    }
    let covers =
        cursor.eat_symbol('*') || cursor.name().is_ok_and(|pattern| is_like(database, &pattern));
    let is_whole = cursor.eat_symbol('.') && cursor.eat_symbol('*');
    match covers && is_whole {
        true => rights.split(',').map(|it| it.trim().to_uppercase()).collect(),
        false => Vec::new(),
    }
}

/// Whether a name is like a pattern: `_` is any character, `%` are any, after `\` they are themselves.
fn is_like(name: &str, pattern: &str) -> bool {
    let mut chars = pattern.chars();
    let mut rest = name.chars();
    match chars.next() {
        None => name.is_empty(),
        Some('%') => {
            let mut ends = name.char_indices().map(|it| it.0).chain([name.len()]);
            ends.any(|at| is_like(name.get(at..).unwrap_or_default(), chars.as_str()))
        }
        Some('_') => rest.next().is_some() && is_like(rest.as_str(), chars.as_str()),
        Some('\\') => chars.next() == rest.next() && is_like(rest.as_str(), chars.as_str()),
        Some(it) => rest.next() == Some(it) && is_like(rest.as_str(), chars.as_str()),
    }
}

/// The statement that gives an account a right on the whole database.
pub fn grant(right: &str, database: &str, role: &str) -> String {
    let (user, host) = role.rsplit_once('@').unwrap_or((role, "%"));
    let quoted = |it: &str| format!("'{}'", it.replace('\'', "''"));
    format!("GRANT {right} ON {}.* TO {}@{}", quote_ident(database), quoted(user), quoted(host))
}

/// What has a literal whose bytes are no text, or that the server prints as `?`: in a binary default of MariaDB, and behind the
/// name of a character set in an expression of MySQL, which keeps literals as the column has them.
pub(super) fn garbled(object: &Object) -> Option<Unseen> {
    let is_binary = object.get("type").is_some_and(|it| it.contains("binary"));
    let is_odd = |name: &str| {
        let Ok(tokens) = tokens(object.get(name).unwrap_or_default()) else { return false };
        let is_unclear =
            |it: &Token<'_>| it.kind == TokenKind::Text && it.text.contains(['?', '\u{FFFD}']);
        let is_converted = |it: &Token<'_>| {
            it.kind == TokenKind::Word && it.text.starts_with('_') && !it.text.starts_with("_utf8")
        };
        let is_bare = is_binary && tokens.first().is_some_and(is_unclear);
        is_bare || tokens.windows(2).any(|it| is_converted(&it[0]) && is_unclear(&it[1]))
    };
    let is_garbled = EXPRESSIONS.iter().any(|it| is_odd(it));
    is_garbled.then(|| Unseen {
        what: format!("a literal of {}", object.id),
        why: "it holds bytes that the server does not print as text".to_owned(),
        grant: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_says_which_rights_it_takes() {
        for (sql, expected) in [
            ("DROP TABLE `t`", "DROP"),
            ("create or replace view v as select 1", "CREATE VIEW DROP"),
            (
                "create definer = a@b trigger x after insert on t for each row delete from u",
                "TRIGGER",
            ),
            ("CREATE UNIQUE INDEX i ON t (a)", "INDEX"),
            ("alter table t add a int", "ALTER"),
            ("alter table t drop partition p", "ALTER DROP"),
            ("create temporary table t (a int)", ""),
            ("insert into t values (1) on duplicate key update a = 2", "INSERT UPDATE"),
            ("rename table a to b", "ALTER DROP CREATE INSERT"),
            ("set @a = 1", ""),
        ] {
            assert_eq!(needed(sql).join(" "), expected, "{sql}");
        }
    }

    #[test]
    fn a_right_on_one_table_may_be_enough() {
        let lines = ["GRANT ALTER, DROP ON `shop`.`a` TO `x`@`%`".to_owned()];
        assert_eq!(held_nowhere(&lines, "shop", &["DROP", "UPDATE"]), ["UPDATE"]);
        assert_eq!(held_nowhere(&lines, "other", &["DROP"]), ["DROP"]);
    }

    #[track_caller]
    fn check(lines: &[&str], expected: &[&str]) {
        let lines: Vec<_> = lines.iter().map(|it| (*it).to_owned()).collect();
        let found: Vec<_> =
            missing(&lines, "my_app", "u@%").into_iter().map(|it| it.what).collect();
        assert_eq!(found, expected);
    }

    const USAGE: &str = "GRANT USAGE ON *.* TO `u`@`%`";

    #[test]
    fn whoever_has_all_rights_sees_everything() {
        check(&["GRANT ALL PRIVILEGES ON *.* TO `u`@`%` WITH GRANT OPTION"], &[]);
        check(&[USAGE, r"GRANT ALL PRIVILEGES ON `my\_app`.* TO `u`@`%`"], &[]);
        check(&[USAGE, r"GRANT ALL PRIVILEGES ON `my%`.* TO `u`@`%`"], &[]);
    }

    #[test]
    fn rights_on_another_database_or_on_a_table_are_none() {
        let all: Vec<_> = NEEDS.iter().map(|it| it.what).collect();
        check(&[USAGE], &all);
        check(&[USAGE, r"GRANT ALL PRIVILEGES ON `my\_ap`.* TO `u`@`%`"], &all);
        check(&[USAGE, "GRANT SELECT, TRIGGER ON `my_app`.`t` TO `u`@`%`"], &all);
    }

    #[test]
    fn a_right_with_a_similar_name_is_another_one() {
        let line = "GRANT ALLOW_NONEXISTENT_DEFINER,SHOW_ROUTINE ON *.* TO `u`@`%`";
        check(&[line], &["tables on which nothing is granted", "triggers", "events"]);
    }

    #[test]
    fn what_is_revoked_of_a_global_right_is_not_held() {
        let all = "GRANT ALL PRIVILEGES ON *.* TO `u`@`%`";
        check(&[all, "REVOKE TRIGGER ON `my_app`.* FROM `u`@`%`"], &["triggers"]);
        check(&[all, "REVOKE TRIGGER ON `other`.* FROM `u`@`%`"], &[]);
    }

    #[test]
    fn what_an_account_may_not_do_is_told_unless_it_has_roles() {
        let of = |line: &str| {
            lacking(&[USAGE.to_owned(), line.to_owned()], "my_app", &["ALTER", "CREATE"])
        };
        assert_eq!(of("GRANT CREATE, INSERT ON `my_app`.* TO `u`@`%`"), ["ALTER"]);
        assert_eq!(of("GRANT CREATE, ALTER ON `my_app`.`t` TO `u`@`%`"), ["ALTER", "CREATE"]);
        assert!(of("GRANT ALL PRIVILEGES ON `my_app`.* TO `u`@`%`").is_empty());
        assert!(of("GRANT `deploy`@`%` TO `u`@`%`").is_empty());
    }

    #[test]
    fn each_missing_right_hides_something() {
        let rights = "GRANT SELECT, INSERT, EXECUTE, SHOW VIEW ON `my_app`.* TO `u`@`%`";
        check(&[rights], &["triggers", "events"]);
    }

    #[test]
    fn the_grant_names_the_account_and_the_database() {
        assert_eq!(grant("EVENT", "a`b", "o'k@h%"), "GRANT EVENT ON `a``b`.* TO 'o''k'@'h%'");
    }
}
