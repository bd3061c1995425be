//! The text of `SHOW CREATE TABLE` → the table and all that is inside it.
//!
//! The text is the whole truth: prefixes, parsers, options of storage engines and the spelling of
//! expressions are nowhere else. Only which collation a column has in effect is not in it.

use std::collections::BTreeMap;

use super::statement::charset_clause;
use super::text::{Cursor, Unreadable, meaning, quoted_names, without_database};
use super::{Flavour, column, keys};
use crate::catalog::{Kind, Object};
use crate::mysql::token::tokens;
use crate::token::{Token, TokenKind};

/// What `information_schema` says of a table beside its text.
#[derive(Clone, Debug, Default)]
pub(super) struct Effective {
    /// The table's collation.
    pub(super) collation: Option<String>,
    /// Of each column.
    pub(super) columns: BTreeMap<String, EffectiveColumn>,
}

/// What `information_schema` says of a column beside its text.
#[derive(Clone, Debug, Default)]
pub(super) struct EffectiveColumn {
    pub(super) charset: Option<String>,
    pub(super) collation: Option<String>,
    /// MariaDB's alone: it does not print it.
    pub(super) srid: Option<String>,
}

/// The clause of a column's collation as it is printed, where that is not the one that the collations explain: MySQL
/// remembers that somebody wrote it, or that the table had another one. No statement brings all of these back; what
/// the collation is stands in `collation`.
pub(super) const CLAUSE: &str = "collation clause";

/// That a column of MariaDB says `INVISIBLE` behind its default, as newer servers print it.
pub(super) const HIDDEN_LAST: &str = "invisible last";

/// A table with all that is inside it.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) objects: Vec<Object>,
    /// The counter, the order of keys, and clauses of columns: what a rebuilt table need not have.
    pub(super) beside: Vec<Object>,
}

/// Which server's text is read, of which database.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) flavour: Flavour,
    pub(super) database: &'a str,
}

/// Reads a statement.
pub(super) fn read(
    text: &str,
    effective: &Effective,
    context: Context<'_>,
) -> Result<Parts, Unreadable> {
    let tokens = tokens(text)?;
    let mut cursor = Cursor::new(text, &tokens);
    cursor.expect("create table")?;
    let name = cursor.name()?;
    let parts = Parts::default();
    let mut reader =
        Reader { name: &name, effective, context, text, parts, is_collation_said: true };
    let mut table = Object::new(Kind::Table, [&name]);
    for line in cursor.list()? {
        reader.line(&mut table, line)?;
    }
    let counter = reader.options(&mut table, cursor)?;
    Ok(reader.finish(table, counter))
}

struct Reader<'a> {
    name: &'a str,
    effective: &'a Effective,
    context: Context<'a>,
    text: &'a str,
    parts: Parts,
    is_collation_said: bool,
}

impl Reader<'_> {
    fn line(&mut self, table: &mut Object, line: &[Token<'_>]) -> Result<(), Unreadable> {
        let mut cursor = Cursor::new(self.text, line);
        let first = line.first().map(|it| it.text.to_ascii_lowercase()).unwrap_or_default();
        match first.as_str() {
            it if it.starts_with('`') => self.column(&mut cursor),
            "constraint" => {
                let object = keys::constraint(self.name, &mut cursor)?;
                self.parts.objects.push(object);
                Ok(())
            }
            "period" => {
                cursor.expect("period for")?;
                let is_system = cursor.peek(0).is_some_and(|it| it.is_word("system_time"));
                let name =
                    if is_system { "system_time".to_owned() } else { cursor.clone().name()? };
                cursor.take()?;
                let name = format!("period {name}");
                table.attributes.insert(name, cursor.group()?);
                Ok(())
            }
            _ => {
                let line = keys::index(self.name, &mut cursor)?;
                self.commented(line.object, line.comment);
                Ok(())
            }
        }
    }

    fn column(&mut self, cursor: &mut Cursor<'_, '_>) -> Result<(), Unreadable> {
        let name = cursor.name()?;
        let n = self.parts.objects.iter().filter(|it| it.id.kind == Kind::Column).count();
        let object =
            Object::new(Kind::Column, [self.name, &name]).with("position", (n + 1).to_string());
        let mut line = column::read(object, cursor)?;
        if let Some(known) = self.effective.columns.get(&name) {
            line.object = line
                .object
                .with_some("charset", known.charset.clone())
                .with_some("collation", known.collation.clone())
                .with_some("srid", known.srid.clone());
        }
        line.object = line.object.with(CLAUSE, line.clause);
        for attribute in ["default", "generated", "check"] {
            if let Some(text) = line.object.attributes.remove(attribute) {
                let text = without_database(&text, self.context.database);
                line.object.attributes.insert(attribute, text);
            }
        }
        self.commented(line.object, line.comment);
        Ok(())
    }

    fn commented(&mut self, object: Object, comment: Option<String>) {
        let word = object.id.kind.word().to_owned();
        let path = std::iter::once(word).chain(object.id.path.iter().cloned());
        let comment = comment.map(|it| Object::new(Kind::Comment, path).with("text", it));
        self.parts.objects.push(object);
        self.parts.objects.extend(comment);
    }

    /// Reads what stands behind the parentheses; returns the counter, which is no structure.
    fn options(
        &mut self,
        table: &mut Object,
        mut cursor: Cursor<'_, '_>,
    ) -> Result<Option<String>, Unreadable> {
        let (mut counter, mut comment) = (None, None);
        while !cursor.is_done() {
            if cursor.clone().eat("partition by") {
                let start = self.text.len() - cursor.rest().len();
                table.attributes.insert("partitions", with_mark(self.text, start));
                break;
            }
            if cursor.eat("with system versioning") {
                table.attributes.insert("system versioning", "true");
            } else if cursor.eat("tablespace") {
                table.attributes.insert("tablespace", cursor.name()?);
            } else {
                let (name, value) = option(&mut cursor)?;
                match name.as_str() {
                    "auto_increment" => counter = Some(value),
                    "comment" => comment = Some(meaning(&value)),
                    _ => table.attributes.insert(attribute_name(&name), value),
                }
            }
        }
        let said = table.get("collation").is_some();
        if let Some(collation) = self.effective.collation.as_ref().filter(|_| !said) {
            table.attributes.insert("collation", collation.clone());
            self.is_collation_said = false;
        }
        if let Some(text) = comment {
            let object = Object::new(Kind::Comment, ["table", self.name]).with("text", text);
            self.parts.objects.push(object);
        }
        Ok(counter)
    }

    fn finish(mut self, table: Object, counter: Option<String>) -> Parts {
        let names = |kinds: &[Kind]| {
            let objects = self.parts.objects.iter().filter(|it| kinds.contains(&it.id.kind));
            let names: Vec<_> = objects.map(|it| it.id.name().to_owned()).collect();
            (!names.is_empty()).then(|| quoted_names(&names))
        };
        let is_unsaid = !self.is_collation_said;
        let beside = Object::new(Kind::Table, [self.name])
            .with_some("auto increment", counter)
            .with_some("collation unsaid", is_unsaid.then_some("true"))
            .with_some("order of keys", names(&[Kind::Index]))
            .with_some("order of foreign keys", names(&[Kind::ForeignKey]))
            .with_some("order of checks", names(&[Kind::Check]));
        if !beside.attributes.is_empty() {
            self.parts.beside.push(beside);
        }
        let flavour = self.context.flavour;
        for column in self.parts.objects.iter_mut().filter(|it| it.id.kind == Kind::Column) {
            let explained = charset_clause(flavour, column, &table, is_unsaid);
            let written = column.attributes.remove(CLAUSE).filter(|it| *it != explained);
            let hidden = column.attributes.remove(HIDDEN_LAST);
            let beside = Object::new(Kind::Column, [self.name, column.id.name()])
                .with_some(CLAUSE, written)
                .with_some(HIDDEN_LAST, hidden.filter(|_| flavour == Flavour::MariaDb));
            if !beside.attributes.is_empty() {
                self.parts.beside.push(beside);
            }
        }
        self.parts.objects.push(table);
        self.parts
    }
}

/// The text from there on, with the mark of a conditional comment that stands in front: `/*!50100 `.
fn with_mark(text: &str, start: usize) -> &str {
    let before = text.get(..start).unwrap_or_default();
    let mark = before.rfind("/*!").filter(|&at| {
        before.get(at + 3..).is_some_and(|it| it.trim_end().bytes().all(|it| it.is_ascii_digit()))
    });
    text.get(mark.unwrap_or(start)..).unwrap_or_default().trim()
}

/// `NAME=value`, where the name has up to two words, or is a storage engine's in backticks.
fn option(cursor: &mut Cursor<'_, '_>) -> Result<(String, String), Unreadable> {
    if let Ok(option) = column::engine_option(cursor) {
        return Ok(option);
    }
    let mut name = cursor.take()?.text.to_lowercase();
    if !cursor.eat_symbol('=') {
        name = format!("{name} {}", cursor.take()?.text.to_lowercase());
        if !cursor.eat_symbol('=') {
            return Err(cursor.unexpected());
        }
    }
    let value = match cursor.peek(0) {
        Some(token) if token.is_symbol('(') => format!("({})", cursor.group()?),
        _ => cursor.take()?.text.to_owned(),
    };
    Ok((name, value))
}

/// The attribute's name for an option: `row format` for `ROW_FORMAT`.
fn attribute_name(option: &str) -> String {
    match option {
        "default charset" => "charset".to_owned(),
        "collate" => "collation".to_owned(),
        of_engine if of_engine.starts_with("option ") => of_engine.to_owned(),
        other => other.replace('_', " "),
    }
}

/// The text without the counter, which is no structure.
pub(super) fn without_counter(text: &str) -> String {
    let Ok(tokens) = tokens(text) else { return text.to_owned() };
    let counter = tokens.windows(3).rfind(|it| {
        it[0].is_word("auto_increment") && it[1].is_symbol('=') && it[2].kind == TokenKind::Number
    });
    let Some([name, _, number]) = counter else { return text.to_owned() };
    let before = text.get(..name.start).unwrap_or_default().trim_end();
    format!("{before}{}", text.get(number.end()..).unwrap_or_default())
}
