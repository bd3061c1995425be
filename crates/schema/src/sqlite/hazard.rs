//! What a SQLite statement may do to data, told from its words.
//!
//! `token` → `split` → `hazard`. What is not known to keep every row is not understood.

use std::collections::BTreeSet;

use super::rebuild::effects;
use super::split::split;
use super::token::tokens;
use crate::plan::Hazard;
use crate::script::{Piece, PieceKind};
use crate::steps::Bound;
use crate::token::{Cursor, Token, has_words};

/// The hazards of a whole migration, given as the pieces that are sent one by one.
///
/// SQLite rebuilds a table to change it. That is no deletion but a rewrite; whether every value is
/// copied, only the columns of the old table can tell.
pub fn of_migration(pieces: &[&str]) -> Vec<Hazard> {
    let mut found: BTreeSet<_> = pieces.iter().flat_map(|it| hazards(it)).collect();
    for rebuild in effects(pieces.iter().copied()).rebuilds {
        let table = &rebuild.table;
        let drops_it = |name: &str| {
            name.strip_prefix("drop:").is_some_and(|it| it.eq_ignore_ascii_case(table))
        };
        let is_its_drop = |it: &Hazard| matches!(it, Hazard::DeletesData(name) if drops_it(name));
        found.retain(|it| !is_its_drop(it));
        found.insert(Hazard::RewritesTable(rebuild.table));
    }
    found.into_iter().collect()
}

/// The hazards of one or more statements, each once, those that delete first.
pub fn hazards(sql: &str) -> Vec<Hazard> {
    let Ok(pieces) = split(sql) else { return vec![Hazard::NotUnderstood] };
    let of_piece = |it: &Piece| match (it.kind, tokens(&it.sql)) {
        (PieceKind::Statement, Ok(tokens)) => of_statement(&tokens),
        (PieceKind::Fragment | PieceKind::Command, _) | (_, Err(_)) => vec![Hazard::NotUnderstood],
    };
    pieces.iter().flat_map(of_piece).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What a statement asks of the transaction around it. Every change can be part of one, so a file that
/// brings its own runs in one of ours instead.
pub fn bound(sql: &str) -> Bound {
    let Ok(tokens) = tokens(sql) else { return Bound::Inside };
    let mut it = Cursor::new(&tokens);
    let Some(first) = it.bump() else { return Bound::Inside };
    match first.text.to_ascii_lowercase().as_str() {
        "begin" | "commit" | "end" => Bound::Omitted,
        "rollback" if !has_words(it.rest(), "to") => Bound::Impossible,
        "vacuum" if !it.sees("into") => Bound::Afterwards,
        "vacuum" => Bound::Impossible,
        _ => Bound::Inside,
    }
}

fn of_statement(tokens: &[Token<'_>]) -> Vec<Hazard> {
    let mut it = Cursor::new(tokens);
    let Some(first) = it.bump() else { return Vec::new() };
    match first.text.to_ascii_lowercase().as_str() {
        "create" => of_create(it),
        "alter" if it.eat("table") => of_alter_table(it),
        "drop" => of_drop(it),
        "delete" if it.eat("from") => deletes("delete", &object(&mut it)),
        "update" => of_update(it),
        "insert" => of_insert(it),
        "replace" if it.eat("into") => deletes("update", &object(&mut it)),
        "with" => of_with(tokens),
        "pragma" => of_pragma(it),
        "analyze" | "reindex" => Vec::new(),
        "begin" | "commit" | "end" | "rollback" | "savepoint" | "release" | "vacuum" => {
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

/// The next name, without `main`.
fn object(it: &mut Cursor<'_, '_>) -> String {
    let parts = it.name(Token::identifier);
    match parts.split_first() {
        Some((first, rest)) if first.eq_ignore_ascii_case("main") && !rest.is_empty() => {
            rest.join(".")
        }
        _ => parts.join("."),
    }
}

fn of_create(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    while it.eat_any(&["temp", "temporary", "unique", "virtual"]).is_some() {}
    let adds = it.eat_any(&["table", "index", "view", "trigger"]).is_some();
    if adds { Vec::new() } else { vec![Hazard::NotUnderstood] }
}

fn of_alter_table(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    let table = object(&mut it);
    if it.eat("drop") {
        it.eat("column");
        let column = object(&mut it);
        return deletes("drop", &format!("{table}.{column}"));
    }
    if it.eat("add") || it.eat("rename") { Vec::new() } else { vec![Hazard::NotUnderstood] }
}

fn of_drop(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    if it.eat("table") {
        it.eat("if exists");
        return deletes("drop", &object(&mut it));
    }
    let holds_none = it.eat_any(&["index", "view", "trigger"]).is_some();
    if holds_none { Vec::new() } else { vec![Hazard::NotUnderstood] }
}

fn of_update(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    if it.eat("or") {
        it.bump();
    }
    deletes("update", &object(&mut it))
}

/// `OR REPLACE` deletes the rows that stand in the way, `DO UPDATE` changes them.
fn of_insert(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    let replaces = it.eat("or replace");
    it.eat_any(&["or ignore", "or abort", "or fail", "or rollback"]);
    if !it.eat("into") {
        return vec![Hazard::NotUnderstood];
    }
    let name = object(&mut it);
    if replaces || has_words(it.rest(), "do update") {
        deletes("update", &name)
    } else {
        Vec::new()
    }
}

/// Parts with names are queries in SQLite; the statement that follows them may change rows.
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

/// Inside a transaction `foreign_keys` has no effect, and whoever applies a migration switches them off
/// before.
fn of_pragma(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    let checks = [
        "foreign_keys",
        "defer_foreign_keys",
        "foreign_key_check",
        "integrity_check",
        "quick_check",
        "optimize",
    ];
    if it.eat_any(&checks).is_some() { Vec::new() } else { vec![Hazard::NotUnderstood] }
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
            "create trigger x after delete on t begin delete from u; update v set a = 1; end",
            "create unique index i on t (a)",
            "create virtual table f using fts5(a)",
            "alter table t add column a text default 'drop'",
            "alter table `__new_t` rename to `t`",
            "insert or ignore into t select * from u on conflict do nothing",
            "with u as (select 1) insert into t select * from u",
            "drop index if exists i",
            "pragma defer_foreign_keys = on",
        ] {
            check(sql, "");
        }
    }

    #[test]
    fn what_deletes_is_named() {
        check("DROP TABLE IF EXISTS `t`", "drop:t");
        check("alter table [a b] drop column \"c\"\"d\"", "drop:a b.c\"d");
        check("delete from main.t", "delete:t");
        check("update or ignore Orders set a = 1", "update:Orders");
        check("replace into t values (1)", "update:t");
        check("insert or replace into t values (1)", "update:t");
        check("insert into t values (1) on conflict (a) do update set b = 1", "update:t");
        check("with u as (select 1) delete from t", "delete:t");
        check(
            "PRAGMA foreign_keys=OFF;CREATE TABLE __new_t (a);INSERT INTO __new_t SELECT a FROM t;DROP TABLE t;ALTER TABLE __new_t RENAME TO t;",
            "drop:t",
        );
    }

    #[test]
    fn a_rebuild_rewrites_and_any_other_drop_deletes() {
        let create = "CREATE TABLE `__new_t` (`a` int)";
        let copy = "INSERT INTO `__new_t`(\"a\") SELECT \"a\" FROM `T`;";
        let rest = "DROP TABLE `t`; ALTER TABLE `__new_t` RENAME TO `t`";
        let rewrites = Hazard::RewritesTable("t".to_owned());
        assert_eq!(of_migration(&[create, copy, rest]), std::slice::from_ref(&rewrites));
        let deletes = |it: &str| Hazard::DeletesData(it.to_owned());
        assert_eq!(of_migration(&[create, rest]), [deletes("drop:t")]);
        let more = of_migration(&[create, copy, rest, "drop table u"]);
        assert_eq!(more, [deletes("drop:u"), rewrites]);
    }

    #[test]
    fn anything_else_is_not_understood() {
        for sql in [
            "select 1",
            "attach 'x' as y",
            "pragma writable_schema = 1",
            "select 'x",
            ".read f",
            "with u as (select 1)",
        ] {
            check(sql, "?");
        }
        check("begin; vacuum; end", "alone");
    }
}
