//! What of a MySQL statement would leave the database that the session is in: told from its words.
//!
//! On MySQL every statement can name every database, so a scratch database that shares its server with
//! live is only as safe as what is sent to it. [`super::MySqlSession::confine`] asks here before it sends
//! anything; `initsql` asks to say it in time.

use raingauge_schema::mysql::token::tokens;
use raingauge_schema::token::{Cursor, Token, TokenKind, has_words};

/// How a statement leaves its database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// Changes to another database.
    Use(String),
    CreateDatabase(String),
    DropDatabase(String),
    /// Settings of a database as a whole.
    Database,
    /// What all databases of the server share.
    Server(&'static str),
    /// Files and programs of the machine, or other servers.
    Beyond(&'static str),
}

const ACCOUNTS: &str = "accounts belong to the whole server";
const SETTINGS: &str = "it changes the whole server";
const FILES: &str = "it reads or writes files, or loads programs, on the server's machine";
const NETWORK: &str = "it connects to other servers";
const OPAQUE: &str = "it runs text that it puts together itself, which may reach anything";
const QUOTING: &str = "it changes how texts and names are told from each other";

/// Databases that tell of the others. Nothing can be written there.
const TELLING: [&str; 2] = ["information_schema", "performance_schema"];

/// The first way in which the statements of a text leave their database, apart from names. What cannot be
/// read is refused by the server, too.
pub(crate) fn leaving(sql: &str) -> Option<Leaving> {
    let tokens = tokens(sql).ok()?;
    let statements = tokens.split(|it| it.is_symbol(';'));
    let found = statements.filter_map(of_statement).max_by_key(rank);
    found.or_else(|| anywhere(&tokens))
}

fn rank(leaving: &Leaving) -> u8 {
    match leaving {
        Leaving::Use(_) | Leaving::CreateDatabase(_) => 0,
        Leaving::Database | Leaving::DropDatabase(_) => 1,
        Leaving::Server(_) => 2,
        Leaving::Beyond(_) => 3,
    }
}

/// The first of these databases that a text names in front of something else.
pub(crate) fn named<'a>(sql: &str, databases: &'a [String]) -> Option<&'a str> {
    let tokens = tokens(sql).ok()?;
    let qualifiers = tokens.windows(2).filter(|it| it[1].is_symbol('.'));
    let names: Vec<_> = qualifiers.filter_map(|it| name(&it[0])).collect();
    let is_named = |it: &&String| names.contains(&it.to_lowercase());
    let others = databases.iter().filter(|it| !TELLING.contains(&it.to_lowercase().as_str()));
    others.into_iter().find(is_named).map(String::as_str)
}

/// The text without the names of these databases in front of others; nothing where none stands there, or where one may
/// be an alias. What a program does keeps its text.
pub(crate) fn unqualified(sql: &str, databases: &[String]) -> Option<String> {
    let mut tokens = tokens(sql).ok()?;
    tokens.truncate(head(&tokens));
    let is_live = |at: usize| {
        let is_name = matches!(tokens[at].kind, TokenKind::Word | TokenKind::Quoted);
        let is_part = 0 < at && tokens[at - 1].is_symbol('.');
        let is = |it: String| databases.iter().any(|name| name.to_lowercase() == it);
        is_name && !is_part && name(&tokens[at]).is_some_and(is)
    };
    let is_point = |at: usize| tokens.get(at).is_some_and(|it| it.is_symbol('.'));
    let named: Vec<_> = (0..tokens.len()).filter(|at| is_live(*at)).collect();
    if named.is_empty() || !named.iter().all(|at| is_point(at + 1)) {
        return None;
    }
    let (mut text, mut from) = (String::new(), 0);
    for at in named {
        text.push_str(sql.get(from..tokens[at].start)?);
        from = tokens[at + 1].end();
    }
    text.push_str(sql.get(from..)?);
    Some(text)
}

/// How many words come before what a program does; all of them where none is made.
fn head(tokens: &[Token<'_>]) -> usize {
    /// Among so many first words a statement says what it makes.
    const FIRST: usize = 16;
    let makes = |word| tokens.iter().take(FIRST).position(|it| it.is_word(word));
    let from = |at: usize, ends: &dyn Fn(&Token<'_>) -> bool| {
        tokens.iter().skip(at).position(ends).map_or(0, |it| at + it)
    };
    if !tokens.first().is_some_and(|it| it.is_word("create")) {
        return tokens.len();
    }
    if let Some(at) = makes("trigger") {
        return from(at, &|it| it.is_word("row"));
    }
    if let Some(at) = makes("event") {
        return from(at, &|it| it.is_word("do"));
    }
    match makes("procedure").or_else(|| makes("function")).or_else(|| makes("package")) {
        Some(at) => from(at, &|it| it.is_symbol('(')),
        None => tokens.len(),
    }
}

/// A name in whichever quotes: with `ANSI_QUOTES` double ones hold names.
fn name(token: &Token<'_>) -> Option<String> {
    let text = match token.kind {
        TokenKind::Text => token.text.trim_matches('"').replace("\"\"", "\""),
        TokenKind::Number => token.text.to_owned(),
        _ => token.identifier()?,
    };
    Some(text.to_lowercase())
}

fn of_statement(tokens: &[Token<'_>]) -> Option<Leaving> {
    let mut it = Cursor::new(tokens);
    let first = it.bump()?.text.to_ascii_lowercase();
    let server = |why| Some(Leaving::Server(why));
    match first.as_str() {
        "use" => Some(Leaving::Use(next_name(&mut it))),
        "create" => of_create(it),
        "alter" | "drop" => of_change(it, first == "drop"),
        "grant" | "revoke" => server(ACCOUNTS),
        "rename" if it.sees("user") => server(ACCOUNTS),
        "set" => of_set(it.rest()),
        "load" => Some(Leaving::Beyond(FILES)),
        "install" | "uninstall" | "import" | "clone" => Some(Leaving::Beyond(FILES)),
        "change" => Some(Leaving::Beyond(NETWORK)),
        "prepare" => server(OPAQUE),
        "execute" if it.sees("immediate") => server(OPAQUE),
        "flush" | "reset" | "purge" | "kill" | "shutdown" | "restart" | "binlog" | "backup"
        | "cache" => server(SETTINGS),
        "start" | "stop"
            if it.eat_any(&["slave", "replica", "group_replication", "all"]).is_some() =>
        {
            server(SETTINGS)
        }
        "lock" if it.sees("instance") => server(SETTINGS),
        _ => None,
    }
}

fn of_create(mut it: Cursor<'_, '_>) -> Option<Leaving> {
    it.eat("or replace");
    if it.eat_any(&["database", "schema"]).is_some() {
        return Some(Leaving::CreateDatabase(next_name(&mut it)));
    }
    if it.eat_any(&["user", "role"]).is_some() {
        return Some(Leaving::Server(ACCOUNTS));
    }
    if it.eat_any(&["tablespace", "undo", "logfile"]).is_some() {
        return Some(Leaving::Beyond(FILES));
    }
    if it.eat("server") {
        return Some(Leaving::Beyond(NETWORK));
    }
    (it.eat("spatial reference")).then_some(Leaving::Server(SETTINGS))
}

fn of_change(mut it: Cursor<'_, '_>, drops: bool) -> Option<Leaving> {
    if it.eat_any(&["database", "schema"]).is_some() {
        // Without a name it is the session's own; both words cannot be names.
        if !drops && (it.clone().eat("character set") || it.sees("collate")) {
            return None;
        }
        it.eat("if exists");
        let name = next_name(&mut it);
        return Some(if drops { Leaving::DropDatabase(name) } else { Leaving::Database });
    }
    if it.eat_any(&["user", "role"]).is_some() {
        return Some(Leaving::Server(ACCOUNTS));
    }
    let shared = ["tablespace", "undo", "logfile", "server", "instance", "resource", "spatial"];
    it.eat_any(&shared).map(|_| Leaving::Server(SETTINGS))
}

/// `SET GLOBAL`, `SET @@persist.…`, `SET PASSWORD`, wherever in the list it stands.
fn of_set(tokens: &[Token<'_>]) -> Option<Leaving> {
    let is = |it: &Token<'_>, words: &[&str]| words.iter().any(|word| it.is_word(word));
    let of_all = ["global", "persist", "persist_only"];
    let first = tokens.first()?;
    if is(first, &["password", "role"]) || first.is_word("default") {
        return Some(Leaving::Server(ACCOUNTS));
    }
    let begins = tokens.split(|it| it.is_symbol(',')).filter_map(|it| it.first());
    let by_mark = tokens
        .windows(3)
        .filter(|it| it[0].is_symbol('@') && it[1].is_symbol('@'))
        .filter(|it| is(&it[2], &of_all));
    // `@OLD = @@global.x` only reads: what is set stands before the sign.
    let sets = by_mark.into_iter().any(|it| {
        let at = tokens.iter().position(|token| token.start == it[0].start).unwrap_or_default();
        at == 0 || tokens[at - 1].is_symbol(',')
    });
    let words_of_all = begins.into_iter().any(|it| is(it, &of_all));
    (sets || words_of_all).then_some(Leaving::Server(SETTINGS))
}

/// What leaves wherever it stands.
fn anywhere(tokens: &[Token<'_>]) -> Option<Leaving> {
    let calls = tokens.windows(2).filter(|it| it[1].is_symbol('(')).map(|it| &it[0]);
    let reads_file = calls.into_iter().any(|it| it.is_word("load_file"));
    let has = |words| has_words(tokens, words);
    let places = ["into outfile", "into dumpfile", "data directory", "index directory"];
    if reads_file || has("soname") || places.into_iter().any(has) {
        return Some(Leaving::Beyond(FILES));
    }
    let engines = ["federated", "federatedx", "connect", "spider", "s3"];
    let named = tokens.windows(3).filter(|it| it[0].is_word("engine")).map(|it| &it[1..]);
    let is_remote = |it: &[Token<'_>]| {
        it.iter().filter_map(name).any(|it| engines.contains(&it.trim_matches('\'')))
    };
    if named.into_iter().any(is_remote) {
        return Some(Leaving::Beyond(NETWORK));
    }
    let speaks = |word: &str| tokens.iter().any(|it| it.text.to_lowercase().contains(word));
    (speaks("no_backslash_escapes")).then_some(Leaving::Server(QUOTING))
}

fn next_name(it: &mut Cursor<'_, '_>) -> String {
    it.eat("if not exists");
    it.peek().and_then(Token::identifier).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_databases_share_is_told_from_what_is_one_databases_own() {
        for (sql, expected) in [
            ("CREATE TABLE t (a int)", None),
            ("SET NAMES utf8mb4", None),
            ("/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */", None),
            ("SET @old = @@GLOBAL.time_zone", None),
            ("create user a", Some(Leaving::Server(ACCOUNTS))),
            ("select 1; /*!50003 GRANT ALL ON *.* TO a */", Some(Leaving::Server(ACCOUNTS))),
            ("SET SESSION x = 1, GLOBAL y = 2", Some(Leaving::Server(SETTINGS))),
            ("SET @@persist.y = 2", Some(Leaving::Server(SETTINGS))),
            ("SET @@session.sql_mode = 'NO_BACKSLASH_ESCAPES'", Some(Leaving::Server(QUOTING))),
            ("create procedure p() begin flush tables; end", None),
            ("begin; flush tables; end", Some(Leaving::Server(SETTINGS))),
            ("PREPARE s FROM @x", Some(Leaving::Server(OPAQUE))),
            ("SELECT 1 INTO OUTFILE '/tmp/x'", Some(Leaving::Beyond(FILES))),
            ("CREATE TABLE t (a int) ENGINE=FEDERATED", Some(Leaving::Beyond(NETWORK))),
            ("CREATE FUNCTION f RETURNS STRING SONAME 'x.so'", Some(Leaving::Beyond(FILES))),
            ("ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_bin", None),
            ("ALTER DATABASE `character` CHARACTER SET latin1", Some(Leaving::Database)),
            ("ALTER DATABASE shop COLLATE latin1_bin", Some(Leaving::Database)),
            ("DROP SCHEMA IF EXISTS `shop`", Some(Leaving::DropDatabase("shop".into()))),
            (
                "/*!32312 CREATE DATABASE IF NOT EXISTS `a b` */",
                Some(Leaving::CreateDatabase("a b".into())),
            ),
            ("use `shop`", Some(Leaving::Use("shop".into()))),
        ] {
            assert_eq!(leaving(sql), expected, "{sql}");
        }
    }

    #[test]
    fn a_name_in_front_of_a_point_is_taken_away_where_it_is_surely_the_databases() {
        let of = |sql: &str| unqualified(sql, &["Shop".to_owned()]);
        let text = "insert into `shop`.`t` select shop.u.a, 'shop.x' from SHOP . u";
        let expected = "insert into `t` select u.a, 'shop.x' from  u";
        assert_eq!(of(text).as_deref(), Some(expected));
        for sql in [
            "insert into t values (1)",
            "select shop.a from t as shop",
            "select x.shop.a from x.shop",
            "create trigger tr before insert on t for each row delete from shop.t",
        ] {
            assert_eq!(of(sql), None, "{sql}");
        }
        let text = "create definer=a@b trigger shop.x before insert on shop.t for each row delete from shop.t";
        let expected =
            "create definer=a@b trigger x before insert on t for each row delete from shop.t";
        assert_eq!(of(text).as_deref(), Some(expected));
        let text = "create procedure `shop`.p() select * from shop.t";
        assert_eq!(of(text).as_deref(), Some("create procedure p() select * from shop.t"));
    }

    #[test]
    fn another_database_is_named_in_front_of_a_dot_in_whichever_quotes() {
        let others = ["Shop".to_owned(), "information_schema".to_owned()];
        for sql in [
            "DROP TABLE shop.t",
            "insert into `SHOP` . `t` select 1",
            "create view v as select * from a join \"shop\".b",
            "create trigger x before insert on t for each row begin delete from shop.t; end",
            "select shop.f(1)",
            "/*!50003 drop table shop.t */",
        ] {
            assert_eq!(named(sql, &others), Some("Shop"), "{sql}");
        }
        for sql in [
            "drop table shop",
            "select 'shop.t', a.shop from a -- shop.t",
            "select * from information_schema.tables",
        ] {
            assert_eq!(named(sql, &others), None, "{sql}");
        }
    }
}
