//! What a MySQL statement may do to data, told from its words.
//!
//! `token` → `split` → `hazard`. What is not known to keep every row is not understood.

mod alter_table;

use std::collections::BTreeSet;

use super::split::split;
use super::token::tokens;
use crate::plan::Hazard;
use crate::script::{Piece, PieceKind};
use crate::steps::Bound;
use crate::token::{Cursor, Token, has_words, split_at_commas};

/// The hazards of one or more statements, each once, those that delete first.
pub fn hazards(sql: &str) -> Vec<Hazard> {
    let Ok(pieces) = split(sql) else { return vec![Hazard::NotUnderstood] };
    let of_piece = |it: &Piece| match (it.kind, tokens(&it.sql)) {
        (PieceKind::Statement, Ok(tokens)) => of_statement(&tokens),
        (PieceKind::Fragment | PieceKind::Command, _) | (_, Err(_)) => vec![Hazard::NotUnderstood],
    };
    pieces.iter().flat_map(of_piece).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What a statement asks of the transaction around it. MySQL commits before and after every change of the
/// structure, whoever began a transaction.
pub fn bound(sql: &str) -> Bound {
    let Ok(tokens) = tokens(sql) else { return Bound::Inside };
    let mut it = Cursor::new(&tokens);
    let Some(first) = it.bump() else { return Bound::Inside };
    match first.text.to_ascii_lowercase().as_str() {
        "begin" | "commit" => Bound::Cut,
        "start" if it.sees("transaction") => Bound::Cut,
        "rollback" if !has_words(it.rest(), "to") => Bound::Impossible,
        "create" | "drop" if it.sees("temporary") => Bound::Inside,
        "create" | "alter" | "drop" | "rename" | "truncate" | "analyze" | "optimize" | "repair"
        | "grant" | "revoke" => Bound::Alone,
        // A transaction takes its place: under such a lock no other table could be written to.
        "lock" | "unlock" => Bound::Omitted,
        _ => Bound::Inside,
    }
}

fn of_statement(tokens: &[Token<'_>]) -> Vec<Hazard> {
    let mut it = Cursor::new(tokens);
    let Some(first) = it.bump() else { return Vec::new() };
    match first.text.to_ascii_lowercase().as_str() {
        "create" => of_create(it),
        "alter" => of_alter(it),
        "drop" => of_drop(it),
        "truncate" => {
            it.eat("table");
            deletes("delete", &object(&mut it))
        }
        "delete" => of_delete(it),
        "update" => of_update(it),
        "insert" => of_insert(it),
        "replace" => {
            modifiers(&mut it);
            it.eat("into");
            deletes("update", &object(&mut it))
        }
        "with" => of_with(tokens),
        "set" => of_set(&it),
        "rename" if it.eat("table") => Vec::new(),
        "analyze" | "optimize" => Vec::new(),
        "begin" | "start" | "commit" | "rollback" | "savepoint" | "release" | "lock" | "unlock" => {
            vec![Hazard::NotTransactional]
        }
        _ => vec![Hazard::NotUnderstood],
    }
}

fn deletes(verb: &str, name: &str) -> Vec<Hazard> {
    match name {
        "" => vec![Hazard::NotUnderstood],
        name => vec![Hazard::DeletesData(format!("{verb}:{name}"))],
    }
}

fn object(it: &mut Cursor<'_, '_>) -> String {
    it.name(Token::identifier).join(".")
}

/// Words that say how urgent a statement is, and none what it does.
fn modifiers(it: &mut Cursor<'_, '_>) {
    let words = ["low_priority", "high_priority", "delayed", "quick", "ignore"];
    while it.eat_any(&words).is_some() {}
}

/// `OR REPLACE` drops what has the name; only tables hold rows.
fn of_create(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    let replaces = it.eat("or replace");
    while it.eat_any(&["temporary", "unique", "fulltext", "spatial"]).is_some() {}
    if it.eat("table") {
        it.eat("if not exists");
        let table = object(&mut it);
        return if replaces { deletes("drop", &table) } else { Vec::new() };
    }
    let words =
        ["index", "view", "trigger", "procedure", "function", "event", "sequence", "package"];
    let adds = it.rest().iter().any(|token| words.iter().any(|word| token.is_word(word)));
    let adds = adds || it.eat_any(&["database", "schema"]).is_some();
    if adds { Vec::new() } else { vec![Hazard::NotUnderstood] }
}

fn of_alter(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    it.eat("online");
    let ignores = it.eat("ignore");
    if it.eat("table") {
        it.eat("if exists");
        let table = object(&mut it);
        let actions = split_at_commas(it.rest()).into_iter();
        let mut found: Vec<_> =
            actions.flat_map(|action| alter_table::action(&table, action)).collect();
        if ignores {
            // Rows that do not fit go without a word.
            found.extend(deletes("delete", &table));
        }
        return found;
    }
    let words = ["view", "event", "procedure", "function", "sequence", "database"];
    let holds_none = it.rest().iter().any(|token| words.iter().any(|word| token.is_word(word)));
    if holds_none { Vec::new() } else { vec![Hazard::NotUnderstood] }
}

fn of_drop(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    let is_temporary = it.eat("temporary");
    if it.eat_any(&["table", "tables"]).is_some() {
        it.eat("if exists");
        if is_temporary {
            return Vec::new();
        }
        let names = split_at_commas(it.rest()).into_iter();
        return names.flat_map(|name| deletes("drop", &object(&mut Cursor::new(name)))).collect();
    }
    if it.eat("sequence") {
        // How far it has counted.
        it.eat("if exists");
        return deletes("drop", &object(&mut it));
    }
    let words = ["index", "view", "trigger", "procedure", "function", "event", "package"];
    if it.eat_any(&words).is_some() { Vec::new() } else { vec![Hazard::NotUnderstood] }
}

/// `DELETE FROM t`, and `DELETE t, u FROM …`, which takes rows of several tables.
fn of_delete(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    modifiers(&mut it);
    if it.eat("from") {
        return deletes("delete", &object(&mut it));
    }
    let end = it.rest().iter().position(|token| token.is_word("from"));
    let Some(names) = end.and_then(|end| it.rest().get(..end)) else {
        return vec![Hazard::NotUnderstood];
    };
    let names = split_at_commas(names).into_iter();
    names.flat_map(|name| deletes("delete", &object(&mut Cursor::new(name)))).collect()
}

/// An update of several tables says which only by its columns.
fn of_update(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    modifiers(&mut it);
    let end = it.rest().iter().position(|token| token.is_word("set")).unwrap_or_default();
    let tables = it.rest().get(..end).unwrap_or_default();
    let is_joined = tables.iter().any(|it| it.is_word("join") || it.is_symbol(','));
    let mut found = deletes("update", &object(&mut it));
    found.extend(is_joined.then_some(Hazard::NotUnderstood));
    found
}

fn of_insert(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    modifiers(&mut it);
    it.eat("into");
    let name = object(&mut it);
    if has_words(it.rest(), "on duplicate key update") && !leaves_alone(it.rest()) {
        deletes("update", &name)
    } else {
        Vec::new()
    }
}

/// Whether what follows `ON DUPLICATE KEY UPDATE` gives one column its own value: that says *do nothing*.
fn leaves_alone(tokens: &[Token<'_>]) -> bool {
    let words = ["on", "duplicate", "key", "update"];
    let is_it = |it: &[Token<'_>]| it.iter().zip(words).all(|(token, word)| token.is_word(word));
    let Some(at) = tokens.windows(words.len()).rposition(is_it) else { return false };
    match tokens.get(at + words.len()..).unwrap_or_default() {
        [column, equals, .., value] if equals.is_symbol('=') => {
            let n_between = tokens.len() - at - words.len() - 3;
            let is_qualified = n_between == 2 && tokens[tokens.len() - 2].is_symbol('.');
            (n_between == 0 || is_qualified)
                && column.identifier().is_some()
                && column.identifier() == value.identifier()
        }
        _ => false,
    }
}

/// Parts with names are queries; the statement that follows them may change rows.
fn of_with(tokens: &[Token<'_>]) -> Vec<Hazard> {
    let mut depth = 0_usize;
    let main = tokens.iter().skip(1).position(|it| {
        match it.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let verbs = ["delete", "update", "insert", "replace", "select", "values"];
        depth == 0 && verbs.iter().any(|verb| it.is_word(verb))
    });
    let main = main.and_then(|it| tokens.get(it + 1..)).unwrap_or_default();
    if main.is_empty() { vec![Hazard::NotUnderstood] } else { of_statement(main) }
}

/// What is set for the session ends with it.
fn of_set(it: &Cursor<'_, '_>) -> Vec<Hazard> {
    let lasting = ["global", "persist", "persist_only", "password", "role", "default"];
    let is_lasting = |token: &Token<'_>| lasting.iter().any(|word| token.is_word(word));
    let first = it.rest().iter().find(|it| !it.is_symbol('@'));
    if first.is_none_or(is_lasting) { vec![Hazard::NotUnderstood] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let shown = hazards(sql).into_iter().map(|it| match it {
            Hazard::DeletesData(object) => object,
            Hazard::RewritesTable(table) => format!("rewrites {table}"),
            Hazard::NotTransactional => "alone".to_owned(),
            Hazard::NotUnderstood => "?".to_owned(),
        });
        assert_eq!(shown.collect::<Vec<_>>().join(" "), expected, "{sql}");
    }

    #[test]
    fn what_only_adds_has_no_hazard() {
        for sql in [
            "CREATE TABLE `t` (`a` int REFERENCES b ON DELETE cascade);",
            "create trigger x after delete on t for each row begin delete from u; end",
            "create or replace algorithm = merge view v as select 1",
            "create unique index i on t (a)",
            "alter table t add column a text default ('drop'), add index (a)",
            "ALTER TABLE `t` ADD CONSTRAINT `u` UNIQUE(`a`);",
            "alter table t drop index i, drop primary key, drop foreign key f, drop constraint c, drop check c",
            "alter table t rename column a to b, rename to u, rename index i to j",
            "alter table t alter a set default 1, alter column b drop default",
            "rename table a to b",
            "insert ignore into t select * from u",
            "with u as (select 1) insert into t select * from u",
            "drop index i on t",
            "drop temporary table t",
            "set foreign_key_checks = 0; set @@session.sql_mode = ''; set @a = 1",
            "/*!40101 SET NAMES utf8 */",
        ] {
            check(sql, "");
        }
    }

    #[test]
    fn what_deletes_is_named() {
        check("DROP TABLE IF EXISTS `t`, u", "drop:t drop:u");
        check("/*!50000 drop table t */", "drop:t");
        check("create or replace table t (a int)", "drop:t");
        check("alter table `a b` drop column `c``d`, drop e", "drop:a b.c`d drop:a b.e");
        check("alter table t modify column a int not null", "retype:t.a");
        check("alter table t change a b int", "retype:t.a");
        check("alter table t convert to character set utf8mb4", "retype:t rewrites t");
        check("alter table t engine = InnoDB", "rewrites t");
        check("alter table t drop partition p", "delete:t");
        check("alter ignore table t add unique (a)", "delete:t");
        check("truncate t", "delete:t");
        check("delete low_priority from t", "delete:t");
        check("delete a, b from a join b on a.i = b.i", "delete:a delete:b");
        check("update ignore Orders set a = 1", "update:Orders");
        check("update a join b on a.i = b.i set b.c = 1", "update:a ?");
        check("replace t values (1)", "update:t");
        check("insert into t values (1) on duplicate key update b = 1", "update:t");
        check("insert into t values (1) on duplicate key update b = a", "update:t");
        check("insert into t values (1) on duplicate key update b = b, c = 1", "update:t");
        check("insert into t values (1) on duplicate key update `b` = `t`.`b`", "");
        check("with u as (select 1) delete from t", "delete:t");
    }

    #[test]
    fn anything_else_is_not_understood() {
        for sql in [
            "select 1",
            "drop database d",
            "set global max_connections = 1",
            "call p()",
            "load data infile 'x' into table t",
            "select 'x",
            "delimiter //",
            "alter table t exchange partition p with table u",
        ] {
            check(sql, "?");
        }
        check("begin; savepoint a; commit", "alone");
    }

    #[test]
    fn every_change_of_the_structure_commits_by_itself() {
        assert_eq!(bound("ALTER TABLE t ADD a int"), Bound::Alone);
        assert_eq!(bound("create temporary table t (a int)"), Bound::Inside);
        assert_eq!(bound("insert into t values (1)"), Bound::Inside);
        assert_eq!(bound("start transaction"), Bound::Cut);
        assert_eq!(bound("lock tables t write"), Bound::Omitted);
        assert_eq!(bound("rollback"), Bound::Impossible);
        assert_eq!(bound("rollback to a"), Bound::Inside);
    }
}
