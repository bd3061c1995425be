//! One line of `SHOW CREATE TABLE` that defines a column → its attributes.

use super::table::HIDDEN_LAST;
use super::text::{Cursor, Unreadable};
use crate::catalog::Object;
use crate::token::{Token, TokenKind};

/// Words that begin a clause behind a default, which may be any expression.
const CLAUSES: [&str; 12] = [
    "on",
    "auto_increment",
    "comment",
    "check",
    "without",
    "invisible",
    "not",
    "null",
    "storage",
    "column_format",
    "engine_attribute",
    "secondary_engine_attribute",
];

/// What MariaDB 11.8 prints before `INVISIBLE`, and 11.4 behind it.
const HIDDEN_BEHIND: [&str; 4] = ["default", "unversioned", "on update", "auto increment"];

/// A column as its line says it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) object: Object,
    pub(super) comment: Option<String>,
    /// The clauses of character set and collation as they stand there; empty if there are none.
    pub(super) clause: String,
}

/// Reads what stands behind the column's name.
pub(super) fn read(mut object: Object, cursor: &mut Cursor<'_, '_>) -> Result<Line, Unreadable> {
    object = object.with("type", type_of(cursor)?).with("not null", "false");
    let mut line = Line { object, comment: None, clause: String::new() };
    loop {
        if cursor.is_done() {
            return Ok(line);
        }
        read_clause(&mut line, cursor)?;
    }
}

/// The type with its length and its sign: `int(10) unsigned`, `enum('a','b')`.
fn type_of(cursor: &mut Cursor<'_, '_>) -> Result<String, Unreadable> {
    let mut text = cursor.take()?.text.to_owned();
    if cursor.peek(0).is_some_and(|it| it.is_symbol('(')) {
        text = format!("{text}({})", cursor.group()?);
    }
    for word in ["unsigned", "zerofill"] {
        if cursor.eat(word) {
            text = format!("{text} {word}");
        }
    }
    Ok(text)
}

fn read_clause(line: &mut Line, cursor: &mut Cursor<'_, '_>) -> Result<(), Unreadable> {
    let attributes = &mut line.object.attributes;
    if cursor.eat("character set") {
        line.clause = format!(" CHARACTER SET {}", cursor.take()?.text);
    } else if cursor.eat("collate") {
        line.clause = format!("{} COLLATE {}", line.clause, cursor.take()?.text);
    } else if cursor.eat("not null") {
        attributes.insert("not null", "true");
    } else if cursor.eat("null") {
        // Said of timestamps, because they once were NOT NULL where nothing was said.
    } else if cursor.eat("default") {
        attributes.insert("default", cursor.until(ends_default)?);
    } else if cursor.eat("on update") {
        attributes.insert("on update", cursor.until(ends_default)?);
    } else if cursor.eat("auto_increment") {
        attributes.insert("auto increment", "true");
    } else if cursor.eat("generated always as") {
        let (expression, kind) = generated(cursor)?;
        attributes.insert("generated kind", kind);
        if let Some(expression) = expression {
            attributes.insert("generated", expression);
        }
    } else if cursor.eat("comment") {
        line.comment = Some(cursor.literal()?);
    } else if cursor.eat("check") {
        attributes.insert("check", cursor.group()?);
    } else {
        return read_rare_clause(line, cursor);
    }
    Ok(())
}

fn read_rare_clause(line: &mut Line, cursor: &mut Cursor<'_, '_>) -> Result<(), Unreadable> {
    let attributes = &mut line.object.attributes;
    if cursor.eat("invisible") {
        if HIDDEN_BEHIND.iter().any(|it| attributes.get(it).is_some()) {
            attributes.insert(HIDDEN_LAST, "true");
        }
        attributes.insert("invisible", "true");
    } else if cursor.eat("without system versioning") {
        attributes.insert("unversioned", "true");
    } else if cursor.eat("compressed") {
        attributes.insert("compressed", "true");
    } else if cursor.eat("srid") {
        attributes.insert("srid", cursor.take()?.text);
    } else if cursor.eat("storage") {
        attributes.insert("storage", cursor.take()?.text.to_lowercase());
    } else if cursor.eat("column_format") {
        attributes.insert("column format", cursor.take()?.text.to_lowercase());
    } else if cursor.eat("engine_attribute") {
        attributes.insert("engine attribute", cursor.literal()?);
    } else if cursor.eat("secondary_engine_attribute") {
        attributes.insert("secondary engine attribute", cursor.literal()?);
    } else {
        let (name, value) = engine_option(cursor)?;
        attributes.insert(name, value);
    }
    Ok(())
}

/// An option that only a storage engine of MariaDB knows: `` `name`=value ``.
pub(super) fn engine_option(cursor: &mut Cursor<'_, '_>) -> Result<(String, String), Unreadable> {
    match cursor.peek(0) {
        Some(token) if token.kind == TokenKind::Quoted => {
            let name = format!("option {}", cursor.name()?);
            match cursor.eat_symbol('=') {
                true => Ok((name, cursor.take()?.text.to_owned())),
                false => Err(cursor.unexpected()),
            }
        }
        _ => Err(cursor.unexpected()),
    }
}

/// The expression of a generated column and how it is kept; no expression for the times between which
/// a row of a versioned table counts.
fn generated(cursor: &mut Cursor<'_, '_>) -> Result<(Option<String>, &'static str), Unreadable> {
    if cursor.eat("row start") {
        return Ok((None, "row start"));
    }
    if cursor.eat("row end") {
        return Ok((None, "row end"));
    }
    let expression = cursor.group()?.to_owned();
    match (cursor.eat("virtual"), cursor.eat("stored") || cursor.eat("persistent")) {
        (true, _) => Ok((Some(expression), "virtual")),
        (_, true) => Ok((Some(expression), "stored")),
        (false, false) => Err(cursor.unexpected()),
    }
}

fn ends_default(token: &Token<'_>) -> bool {
    match token.kind {
        TokenKind::Word => CLAUSES.iter().any(|it| token.is_word(it)),
        TokenKind::Quoted
        | TokenKind::Text
        | TokenKind::Number
        | TokenKind::Symbol
        | TokenKind::Comment => false,
    }
}
