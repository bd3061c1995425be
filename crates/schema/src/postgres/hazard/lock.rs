//! Which lock a statement takes on which table, as the server's manual and the server itself say.

use super::super::split::split;
use super::super::token::tokens;
use super::{object, object_after_only};
use crate::plan::{LockMode, TableLock};
use crate::token::{Cursor, Token, has_words, split_at_commas};

/// The locks that one or more statements take on tables that are there before them, the strongest of each
/// table. Names in `public` are given without it. What only reads is left out.
pub fn locks(sql: &str) -> Vec<TableLock> {
    let mut found: Vec<TableLock> = Vec::new();
    for piece in split(sql).unwrap_or_default() {
        for lock in tokens(&piece.sql).map(|it| of_statement(&it)).unwrap_or_default() {
            match found.iter_mut().find(|it| it.table == lock.table) {
                Some(same) => same.mode = same.mode.max(lock.mode),
                None if lock.table.is_empty() => {}
                None => found.push(lock),
            }
        }
    }
    found
}

fn of_statement(tokens: &[Token<'_>]) -> Vec<TableLock> {
    let mut it = Cursor::new(tokens);
    let Some(first) = it.bump() else { return Vec::new() };
    match first.text.to_ascii_lowercase().as_str() {
        "alter" if it.eat("table") => of_alter_table(it),
        "alter" | "drop" if it.eat_any(&["policy", "trigger", "rule"]).is_some() => {
            one(after_on(it), LockMode::AccessExclusive)
        }
        "create" => of_create(it),
        "drop" if it.eat("table") => {
            it.eat("if exists");
            let name = |tokens: &[Token<'_>]| object(&mut Cursor::new(tokens));
            let names = split_at_commas(it.rest()).into_iter().map(name);
            names.flat_map(|it| one(it, LockMode::AccessExclusive)).collect()
        }
        "truncate" => {
            it.eat("table");
            let name = |tokens: &[Token<'_>]| object_after_only(&mut Cursor::new(tokens));
            let names = split_at_commas(it.rest()).into_iter().map(name);
            names.flat_map(|it| one(it, LockMode::AccessExclusive)).collect()
        }
        "update" => one(object_after_only(&mut it), LockMode::RowExclusive),
        "delete" if it.eat("from") => one(object_after_only(&mut it), LockMode::RowExclusive),
        "insert" if it.eat("into") => one(object(&mut it), LockMode::RowExclusive),
        "cluster" => one(object(&mut it), LockMode::AccessExclusive),
        "comment" if it.eat("on table") => one(object(&mut it), LockMode::ShareUpdateExclusive),
        _ => Vec::new(),
    }
}

fn one(table: String, mode: LockMode) -> Vec<TableLock> {
    vec![TableLock { table, mode }]
}

/// The name behind `ON`.
fn after_on(it: Cursor<'_, '_>) -> String {
    let rest = it.rest();
    let on = rest.iter().position(|it| it.is_word("on")).map_or(rest.len(), |at| at + 1);
    object_after_only(&mut Cursor::new(&rest[on..]))
}

fn of_create(mut it: Cursor<'_, '_>) -> Vec<TableLock> {
    it.eat("or replace");
    while it.eat_any(&["unique", "constraint", "temporary", "temp", "unlogged"]).is_some() {}
    if it.eat("index") {
        let mode = match it.eat("concurrently") {
            true => LockMode::ShareUpdateExclusive,
            false => LockMode::Share,
        };
        return one(after_on(it), mode);
    }
    if it.eat("trigger") {
        return one(after_on(it), LockMode::ShareRowExclusive);
    }
    if it.eat("policy") {
        return one(after_on(it), LockMode::AccessExclusive);
    }
    if it.eat("table") { referenced(it.rest()) } else { Vec::new() }
}

/// The tables that foreign keys refer to: each gets a trigger.
fn referenced(tokens: &[Token<'_>]) -> Vec<TableLock> {
    let starts = tokens.iter().enumerate().filter(|it| it.1.is_word("references")).map(|it| it.0);
    let name = |at: usize| object(&mut Cursor::new(&tokens[at + 1..]));
    starts.flat_map(|at| one(name(at), LockMode::ShareRowExclusive)).collect()
}

fn of_alter_table(mut it: Cursor<'_, '_>) -> Vec<TableLock> {
    it.eat("if exists");
    let table = object_after_only(&mut it);
    it.eat_symbol('*');
    let actions = split_at_commas(it.rest());
    let mode = actions.iter().map(|it| of_action(it)).max().unwrap_or(LockMode::AccessExclusive);
    let mut locks = one(table, mode);
    locks.extend(actions.iter().flat_map(|it| referenced(it)));
    locks.extend(actions.iter().flat_map(|it| partition(it)));
    locks
}

/// The table that becomes a partition, or is none any more.
fn partition(action: &[Token<'_>]) -> Vec<TableLock> {
    let mut it = Cursor::new(action);
    match it.eat_any(&["attach partition", "detach partition"]) {
        Some(_) => one(object(&mut it), LockMode::AccessExclusive),
        None => Vec::new(),
    }
}

fn of_action(action: &[Token<'_>]) -> LockMode {
    let mut it = Cursor::new(action);
    let is_key = has_words(action, "foreign key") && it.sees("add");
    let beside = ["validate constraint", "cluster on", "set without cluster", "attach partition"];
    if is_key || it.eat_any(&["enable trigger", "disable trigger"]).is_some() {
        LockMode::ShareRowExclusive
    } else if it.eat_any(&beside).is_some() || has_words(action, "set statistics") {
        LockMode::ShareUpdateExclusive
    } else {
        LockMode::AccessExclusive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let lock = |it: TableLock| format!("{} {}", it.table, it.mode);
        assert_eq!(
            locks(sql).into_iter().map(lock).collect::<Vec<_>>().join(", "),
            expected,
            "{sql}"
        );
    }

    #[test]
    fn the_strongest_lock_of_each_table_is_told() {
        check("alter table a add column b int", "a ACCESS EXCLUSIVE");
        check("create index i on only shop.a (b)", "shop.a SHARE");
        check("create unique index concurrently i on a (b)", "a SHARE UPDATE EXCLUSIVE");
        check(
            "alter table a add constraint k foreign key (b) references public.p (id)",
            "a SHARE ROW EXCLUSIVE, p SHARE ROW EXCLUSIVE",
        );
        check(
            "alter table a validate constraint k; alter table a drop column b",
            "a ACCESS EXCLUSIVE",
        );
        check("create table c (p int references p)", "p SHARE ROW EXCLUSIVE");
        check(
            "alter table a attach partition b for values in (1)",
            "a SHARE UPDATE EXCLUSIVE, b ACCESS EXCLUSIVE",
        );
        check("insert into a values (1); update a set b = 1", "a ROW EXCLUSIVE");
        check("drop table if exists a, b", "a ACCESS EXCLUSIVE, b ACCESS EXCLUSIVE");
        check("create view v as select 1", "");
    }
}
