//! The lines of `SHOW CREATE TABLE` that define keys and constraints → objects.

use super::column::engine_option;
use super::text::{Cursor, Unreadable, quoted_names};
use crate::catalog::{Kind, Object};
use crate::mysql::grammar::quote_ident;
use crate::token::TokenKind;

/// An index, a foreign key or a check as its line says it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) object: Object,
    pub(super) comment: Option<String>,
}

/// Reads the line of an index.
pub(super) fn index(table: &str, cursor: &mut Cursor<'_, '_>) -> Result<Line, Unreadable> {
    let object = if cursor.eat("primary key") {
        Object::new(Kind::PrimaryKey, [table, "PRIMARY"])
    } else {
        let is_unique = cursor.eat("unique");
        let kinds = ["fulltext", "spatial", "vector"];
        let kind = kinds.into_iter().find(|it| cursor.eat(it));
        cursor.expect("key")?;
        Object::new(Kind::Index, [table, &cursor.name()?])
            .with("unique", is_unique.to_string())
            .with_some("kind", kind)
    };
    let object = object.with("columns", cursor.group()?);
    let mut line = Line { object, comment: None };
    loop {
        if cursor.is_done() {
            return Ok(line);
        }
        read_option(&mut line, cursor)?;
    }
}

fn read_option(line: &mut Line, cursor: &mut Cursor<'_, '_>) -> Result<(), Unreadable> {
    let attributes = &mut line.object.attributes;
    if cursor.eat("using") {
        attributes.insert("method", cursor.take()?.text.to_lowercase());
    } else if cursor.eat("key_block_size") {
        cursor.eat_symbol('=');
        attributes.insert("key block size", cursor.take()?.text);
    } else if cursor.eat("with parser") {
        attributes.insert("parser", cursor.name()?);
    } else if cursor.eat("comment") {
        line.comment = Some(cursor.literal()?);
    } else if cursor.eat("invisible") {
        attributes.insert("invisible", "true");
    } else if cursor.eat("ignored") {
        attributes.insert("ignored", "true");
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

/// Reads the line of a foreign key or a check.
pub(super) fn constraint(table: &str, cursor: &mut Cursor<'_, '_>) -> Result<Object, Unreadable> {
    cursor.expect("constraint")?;
    let name = cursor.name()?;
    if cursor.eat("check") {
        let object = Object::new(Kind::Check, [table, &name]).with("expression", cursor.group()?);
        let is_enforced = !cursor.eat("not enforced");
        return match cursor.is_done() {
            true => Ok(object.with("enforced", is_enforced.to_string())),
            false => Err(cursor.unexpected()),
        };
    }
    cursor.expect("foreign key")?;
    foreign_key(Object::new(Kind::ForeignKey, [table, &name]), cursor)
}

fn foreign_key(object: Object, cursor: &mut Cursor<'_, '_>) -> Result<Object, Unreadable> {
    let columns = names(cursor)?;
    cursor.expect("references")?;
    let mut target = quote_ident(&cursor.name()?);
    if cursor.eat_symbol('.') {
        target = format!("{target}.{}", quote_ident(&cursor.name()?));
    }
    let mut object = object
        .with("columns", columns)
        .with("references", target)
        .with("references columns", names(cursor)?);
    while !cursor.is_done() {
        let attribute = match () {
            () if cursor.eat("on delete") => "on delete",
            () if cursor.eat("on update") => "on update",
            () => return Err(cursor.unexpected()),
        };
        object = object.with(attribute, action(cursor)?);
    }
    Ok(object)
}

fn action(cursor: &mut Cursor<'_, '_>) -> Result<String, Unreadable> {
    let first = cursor.take()?.text.to_lowercase();
    Ok(match first.as_str() {
        "set" | "no" => format!("{first} {}", cursor.take()?.text.to_lowercase()),
        _ => first,
    })
}

/// The names between parentheses that come next.
fn names(cursor: &mut Cursor<'_, '_>) -> Result<String, Unreadable> {
    let mut names = Vec::new();
    for part in cursor.list()? {
        match part {
            [name] if name.kind == TokenKind::Quoted => names.extend(name.identifier()),
            _ => return Err(cursor.unexpected()),
        }
    }
    Ok(quoted_names(&names))
}
