//! The actions of `ALTER TABLE`.

use super::{deletes, not_transactional_if, object, object_after_only};
use crate::plan::Hazard;
use crate::postgres::token::identifier;
use crate::token::{Cursor, Token, has_words, split_at_commas};

pub(super) fn of_alter_table(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    it.eat("if exists");
    if it.sees("all") {
        return vec![Hazard::NotUnderstood];
    }
    let table = object_after_only(&mut it);
    it.eat_symbol('*');
    let actions = split_at_commas(it.rest());
    actions.into_iter().flat_map(|action| of_action(Cursor::new(action), &table)).collect()
}

fn of_action(mut it: Cursor<'_, '_>, table: &str) -> Vec<Hazard> {
    let harmless = [
        "rename",
        "validate constraint",
        "enable row level security",
        "force row level security",
        "attach partition",
        "owner to",
        "set schema",
        "replica identity",
        "inherit",
        "cluster on",
        "set without cluster",
    ];
    if it.eat("add") {
        of_add(it, table)
    } else if it.eat("drop") {
        of_drop(it, table)
    } else if it.eat("alter") {
        it.eat("column");
        let column = it.name(identifier).pop().unwrap_or_default();
        of_alter_column(it, table, &column)
    } else if it.eat_any(&harmless).is_some() {
        Vec::new()
    } else if it.eat("set") || it.eat("reset") {
        if it.eat_symbol('(') { Vec::new() } else { rewrites(table) }
    } else {
        let concurrently = has_words(it.rest(), "concurrently");
        [not_transactional_if(concurrently), vec![Hazard::NotUnderstood]].concat()
    }
}

fn rewrites(table: &str) -> Vec<Hazard> {
    vec![Hazard::RewritesTable(table.to_owned())]
}

fn of_add(mut it: Cursor<'_, '_>, table: &str) -> Vec<Hazard> {
    let constraints = ["constraint", "primary", "unique", "foreign", "check", "exclude"];
    if !it.eat("column") && it.eat_any(&constraints).is_some() {
        return Vec::new();
    }
    it.eat("if not exists");
    it.name(identifier);
    if computes_each_row(it.rest()) { rewrites(table) } else { Vec::new() }
}

/// Whether a new column's values differ from row to row, so that every row is written anew.
fn computes_each_row(column: &[Token<'_>]) -> bool {
    let serial = ["serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"];
    serial.iter().any(|it| column.first().is_some_and(|first| first.is_word(it)))
        || has_words(column, "generated")
        || column
            .iter()
            .position(|it| it.is_word("default"))
            .is_some_and(|it| calls_unknown(&column[it..]))
}

/// Whether a default calls what may answer differently for each row. A type with a length is no call.
fn calls_unknown(default: &[Token<'_>]) -> bool {
    let constant = [
        "now",
        "transaction_timestamp",
        "statement_timestamp",
        "current_timestamp",
        "localtimestamp",
    ];
    let next = ["references", "check", "constraint", "unique", "primary"];
    let is_next = |it: &Token<'_>| next.iter().any(|next| it.is_word(next));
    let default = default.split(is_next).next().unwrap_or_default();
    let is_call = |it: &[Token<'_>]| {
        !it[0].is_symbol(':')
            && !it[0].is_word("character")
            && it[2].is_symbol('(')
            && identifier(&it[1]).is_some_and(|name| !constant.contains(&name.as_str()))
    };
    default.windows(3).any(is_call)
}

fn of_drop(mut it: Cursor<'_, '_>, table: &str) -> Vec<Hazard> {
    let cascades = it.rest().last().is_some_and(|it| it.is_word("cascade"));
    let is_constraint = it.eat("constraint");
    it.eat("column");
    it.eat("if exists");
    let name = object(&mut it);
    if is_constraint && !cascades {
        return Vec::new();
    }
    deletes("drop", &format!("{table}.{name}"))
}

fn of_alter_column(mut it: Cursor<'_, '_>, table: &str, column: &str) -> Vec<Hazard> {
    let harmless = [
        "set default",
        "set not null",
        "set statistics",
        "set storage",
        "set compression",
        "set generated",
        "drop default",
        "drop not null",
        "drop identity",
        "drop expression",
        "add generated",
        "reset",
    ];
    if it.eat("type") || it.eat("set data type") {
        let mut found = rewrites(table);
        if !keeps_every_value(it) {
            found.extend(deletes("retype", &format!("{table}.{column}")));
        }
        found
    } else if it.eat("set expression") {
        rewrites(table)
    } else if it.eat_any(&harmless).is_some() || it.eat("set") && it.eat_symbol('(') {
        Vec::new()
    } else {
        vec![Hazard::NotUnderstood]
    }
}

/// Whether a column that gets this type keeps every value, whatever its type was: either the type
/// holds the text of any value, or the server itself refuses those that do not fit. A cast that is
/// spelled out cuts and rounds in silence, and so does the assignment to a type of fewer digits.
fn keeps_every_value(mut it: Cursor<'_, '_>) -> bool {
    let is_text = it.eat_any(&["text", "varchar", "character varying"]);
    match (is_text, it.rest()) {
        (Some("text" | "varchar" | "character varying"), []) => true,
        // A plain cast of a whole column: `USING "a"::text`.
        (Some("text"), [using, _, colon, second, target]) => {
            using.is_word("using")
                && colon.is_symbol(':')
                && second.is_symbol(':')
                && target.is_word("text")
        }
        _ => false,
    }
}
