//! `DO` blocks: those that only guard statements by a condition do what the statements do.

use super::{calls_only, changes_rows, hazards, of_statement};
use crate::plan::Hazard;
use crate::postgres::token::{literal, tokens};
use crate::token::{Cursor, Token};

pub(super) fn of_do(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    it.eat("language plpgsql");
    let body = it.bump().and_then(literal);
    it.eat("language plpgsql");
    match body {
        Some(body) if it.rest().is_empty() => of_body(&body),
        _ => vec![Hazard::NotUnderstood],
    }
}

fn of_body(body: &str) -> Vec<Hazard> {
    let Ok(tokens) = tokens(body) else { return vec![Hazard::NotUnderstood] };
    let mut depth = 0_usize;
    let statements = tokens.split(|it| {
        match it.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && it.is_symbol(';')
    });
    statements.flat_map(|it| of_part(Cursor::new(it))).collect()
}

/// A statement of the block with what stands before it: `BEGIN IF … THEN GRANT …`.
fn of_part(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    while it.eat("begin") || it.eat("else") || it.eat("exception") || skip_condition(&mut it) {}
    let rest = it.rest();
    if it.eat("null") || it.eat("raise") || rest.is_empty() {
        return Vec::new();
    }
    if it.eat("end") {
        it.eat("if");
        return if it.rest().is_empty() { Vec::new() } else { vec![Hazard::NotUnderstood] };
    }
    if it.eat("execute") {
        return match it.rest() {
            [only] => literal(only).map_or(vec![Hazard::NotUnderstood], |it| hazards(&it)),
            _ => vec![Hazard::NotUnderstood],
        };
    }
    of_statement(rest)
}

fn skip_condition(it: &mut Cursor<'_, '_>) -> bool {
    let mut ahead = it.clone();
    if ahead.eat_any(&["if", "elsif", "elseif", "when"]).is_none() {
        return false;
    }
    let rest = ahead.rest();
    let Some(length) = rest.iter().position(|it| it.is_word("then")) else { return false };
    let condition: &[Token<'_>] = &rest[..length];
    let known = ["exists", "not", "in", "and", "or", "where", "any", "to_regclass", "to_regtype"];
    if !calls_only(condition, &known) || changes_rows(condition) {
        return false;
    }
    for _ in 0..=length {
        ahead.bump();
    }
    *it = ahead;
    true
}
