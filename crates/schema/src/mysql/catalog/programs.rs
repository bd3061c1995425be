//! Views, sequences, routines, triggers and events → objects.
//!
//! Whoever defined a program owns it: a rebuilt database's programs belong to whoever rebuilt it. The SQL
//! mode and the collations under which it was made are part of what it does.

use std::collections::BTreeMap;

use super::text::{Cursor, without_database};
use super::{TextRow, show};
use crate::catalog::{Kind, Object, ObjectId};
use crate::mysql::token::tokens;
use crate::token::{Scanner, TokenKind};

/// What has to be asked for its text.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    Table {
        name: String,
    },
    View {
        name: String,
    },
    Sequence {
        name: String,
    },
    /// `word` is what the server calls it: `FUNCTION`, `PACKAGE BODY`.
    Routine {
        name: String,
        word: String,
    },
    /// For its body: rows of sets show its literals without what escapes a quote (MySQL) or anything (MariaDB).
    Trigger {
        table: String,
        name: String,
    },
    /// As of triggers.
    Event {
        name: String,
    },
}

impl Subject {
    pub(super) fn statement(&self) -> String {
        match self {
            Self::Table { name } => show("table", name),
            Self::View { name } => show("view", name),
            Self::Sequence { name } => show("sequence", name),
            Self::Routine { name, word } => show(&word.to_lowercase(), name),
            Self::Trigger { name, .. } => show("trigger", name),
            Self::Event { name } => show("event", name),
        }
    }

    pub(super) fn id(&self) -> ObjectId {
        match self {
            Self::Table { name } => ObjectId::new(Kind::Table, [name]),
            Self::View { name } => ObjectId::new(Kind::View, [name]),
            Self::Sequence { name } => ObjectId::new(Kind::Sequence, [name]),
            Self::Routine { name, word } => match word.as_str() {
                "FUNCTION" => ObjectId::new(Kind::Function, [name]),
                "PROCEDURE" => ObjectId::new(Kind::Procedure, [name]),
                other => ObjectId::new(Kind::Other, [&other.to_lowercase(), name]),
            },
            Self::Trigger { table, name } => ObjectId::new(Kind::Trigger, [table, name]),
            Self::Event { name } => ObjectId::new(Kind::Event, [name]),
        }
    }

    /// The right without which its text stays hidden.
    pub(super) fn right(&self) -> &'static str {
        match self {
            Self::Table { .. } | Self::Sequence { .. } => "SELECT",
            Self::View { .. } => "SELECT, SHOW VIEW",
            Self::Routine { .. } => "ALTER ROUTINE",
            Self::Trigger { .. } => "TRIGGER",
            Self::Event { .. } => "EVENT",
        }
    }
}

/// Whether an object is a table's, or inside one, or about one.
pub(super) fn is_of_table(id: &ObjectId) -> bool {
    if matches!(id.kind, Kind::Comment | Kind::Grant) {
        let word = id.path.first().map(String::as_str);
        return matches!(word, Some("table" | "column" | "index"));
    }
    let keys = matches!(id.kind, Kind::PrimaryKey | Kind::Index | Kind::ForeignKey | Kind::Check);
    keys || matches!(id.kind, Kind::Table | Kind::Column | Kind::Trigger)
}

/// A view, of the row of `show create view`.
pub(super) fn view(name: &str, check: Option<&str>, row: TextRow, database: &str) -> Object {
    let mut values = row.into_iter().skip(1);
    let mut next = || values.next().flatten();
    let text = without_database(&next().unwrap_or_default(), database);
    let (client, connection) = (next(), next());
    let object = Object::new(Kind::View, [name])
        .with_some("client charset", client)
        .with_some("connection collation", connection);
    match read_view(&text) {
        Some((owner, algorithm, security, columns, definition)) => {
            let option = check.map(str::to_lowercase).filter(|it| !it.is_empty() && it != "none");
            let ending =
                option.as_ref().map(|it| format!(" WITH {} CHECK OPTION", it.to_uppercase()));
            let bare = ending.as_ref().and_then(|it| definition.strip_suffix(it.as_str()));
            let definition = bare.unwrap_or(definition).to_owned();
            let object = Object { owner: Some(owner), ..object };
            object
                .with("algorithm", algorithm)
                .with("security", security)
                .with_some("columns", columns)
                .with("definition", definition)
                .with_some("check option", option)
        }
        None => object.with("definition", text),
    }
}

/// Definer, algorithm, security, columns, query.
fn read_view(text: &str) -> Option<(String, String, String, Option<String>, &str)> {
    let tokens = tokens(text).ok()?;
    let mut cursor = Cursor::new(text, &tokens);
    cursor.expect("create algorithm").ok()?;
    cursor.eat_symbol('=').then_some(())?;
    let algorithm = cursor.take().ok()?.text.to_lowercase();
    cursor.expect("definer").ok()?;
    cursor.eat_symbol('=').then_some(())?;
    let mut definer = cursor.name().ok()?;
    if cursor.eat_symbol('@') {
        definer = format!("{definer}@{}", cursor.name().ok()?);
    }
    cursor.expect("sql security").ok()?;
    let security = cursor.take().ok()?.text.to_lowercase();
    cursor.expect("view").ok()?;
    cursor.name().ok()?;
    let columns = cursor.group().ok().map(str::to_owned);
    cursor.expect("as").ok()?;
    Some((definer, algorithm, security, columns, cursor.rest()))
}

/// A sequence of MariaDB, of the row of `show create sequence`. Where it stands is no structure.
pub(super) fn sequence(name: &str, row: TextRow) -> Object {
    let text = row.into_iter().nth(1).flatten().unwrap_or_default();
    let object = Object::new(Kind::Sequence, [name]);
    read_sequence(object.clone(), &text).unwrap_or_else(|| object.with("definition", text))
}

fn read_sequence(mut object: Object, text: &str) -> Option<Object> {
    let tokens = tokens(text).ok()?;
    let mut cursor = Cursor::new(text, &tokens);
    cursor.expect("create sequence").ok()?;
    cursor.name().ok()?;
    while !cursor.is_done() {
        let (attribute, value) = match () {
            () if cursor.eat("as") => {
                let ends = |it: &crate::token::Token<'_>| it.is_word("start");
                ("type", cursor.until(ends).ok()?.to_owned())
            }
            () if cursor.eat("start with") => ("start", signed(&mut cursor)?),
            () if cursor.eat("minvalue") => ("min", signed(&mut cursor)?),
            () if cursor.eat("maxvalue") => ("max", signed(&mut cursor)?),
            () if cursor.eat("increment by") => ("increment", signed(&mut cursor)?),
            () if cursor.eat("cache") => ("cache", signed(&mut cursor)?),
            () if cursor.eat("nocache") => ("cache", "0".to_owned()),
            () if cursor.eat("nocycle") => ("cycle", "false".to_owned()),
            () if cursor.eat("cycle") => ("cycle", "true".to_owned()),
            () if cursor.eat("engine") => {
                cursor.eat_symbol('=').then_some(())?;
                ("engine", cursor.take().ok()?.text.to_owned())
            }
            () => return None,
        };
        object = object.with(attribute, value);
    }
    Some(object)
}

fn signed(cursor: &mut Cursor<'_, '_>) -> Option<String> {
    let sign = if cursor.eat_symbol('-') { "-" } else { "" };
    let token = cursor.take().ok().filter(|it| it.kind == TokenKind::Number)?;
    Some(format!("{sign}{}", token.text))
}

/// A routine, of the row of `show create function` and its like. `None` if the server hides the text.
pub(super) fn routine(subject: &Subject, row: TextRow) -> Option<Object> {
    let mut values = row.into_iter().skip(1);
    let mut next = || values.next().flatten();
    let (mode, text) = (next(), next()?);
    let (owner, definition) = without_definer(&text);
    let id = subject.id();
    let object = Object { owner, ..Object::new(id.kind, id.path) };
    Some(
        object
            .with("definition", definition)
            .with_some("sql mode", mode)
            .with_some("client charset", next())
            .with_some("connection collation", next())
            .with_some("database collation", next()),
    )
}

/// Splits ``CREATE DEFINER=`u`@`h` FUNCTION …``. What follows is the user's own text, with comments and
/// whatever else.
fn without_definer(text: &str) -> (Option<String>, String) {
    let whole = || (None, text.to_owned());
    let Some(rest) = text.strip_prefix("CREATE DEFINER=") else { return whole() };
    let mut scan = Scanner::new(rest);
    let skip = |scan: &mut Scanner<'_>| scan.skip_quoted(b'`', false, "name").is_ok();
    if scan.byte(0) != b'`' || !skip(&mut scan) {
        return whole();
    }
    if scan.byte(0) == b'@' {
        scan.skip(1);
        if !skip(&mut scan) {
            return whole();
        }
    }
    let names = tokens(scan.since(0)).unwrap_or_default();
    let names: Vec<_> = names.iter().filter_map(|it| it.identifier()).collect();
    (Some(names.join("@")), scan.rest().trim_start().to_owned())
}

/// The body of a trigger or an event, of the row of `show create trigger` and its like; as its maker wrote it.
pub(super) fn body(subject: &Subject, row: TextRow) -> Option<String> {
    let (at, words): (usize, &[&str]) = match subject {
        Subject::Trigger { .. } => (2, &["for", "each", "row"]),
        Subject::Event { .. } => (3, &["do"]),
        Subject::Table { .. }
        | Subject::View { .. }
        | Subject::Sequence { .. }
        | Subject::Routine { .. } => return None,
    };
    let text = row.into_iter().nth(at).flatten()?;
    let tokens = tokens(&text).ok()?;
    let is_it = |it: &[crate::token::Token<'_>]| {
        it.iter().zip(words).all(|(token, word)| token.is_word(word))
    };
    let head = tokens.windows(words.len()).position(is_it)? + words.len();
    let follows =
        tokens.get(head).is_some_and(|it| it.is_word("follows") || it.is_word("precedes"));
    let first = tokens.get(if follows { head + 2 } else { head })?;
    Some(text.get(first.start..)?.to_owned())
}

/// A trigger. Of those for the same event each one says which it follows.
pub(super) fn trigger(
    next: &mut impl FnMut() -> Option<String>,
    last: &mut BTreeMap<String, String>,
) -> Object {
    let (name, table, owner) = (next().unwrap_or_default(), next().unwrap_or_default(), next());
    let timing = next().unwrap_or_default().to_lowercase();
    let event = next().unwrap_or_default().to_lowercase();
    let before = last.insert(format!("{timing} {event} {table}"), name.clone());
    let object = Object { owner, ..Object::new(Kind::Trigger, [table, name]) };
    let object = object.with("timing", timing).with("event", event).with_some("follows", before);
    made(object, next)
}

/// The text of a program and the settings under which it was made.
fn made(object: Object, next: &mut impl FnMut() -> Option<String>) -> Object {
    object
        .with_some("definition", next())
        .with_some("sql mode", next())
        .with_some("client charset", next())
        .with_some("connection collation", next())
        .with_some("database collation", next())
}

/// An event, and its comment if it has one.
pub(super) fn event(next: &mut impl FnMut() -> Option<String>) -> Vec<Object> {
    let (name, owner) = (next().unwrap_or_default(), next());
    let object = Object { owner, ..Object::new(Kind::Event, [&name]) };
    let object = made(object, next)
        .with_some("time zone", next())
        .with_some("at", next())
        .with_some("every", next().zip(next()).map(|(n, unit)| format!("{n} {unit}")));
    let object = object
        .with_some("starts", next())
        .with_some("ends", next())
        .with_some("status", next().map(|it| it.to_lowercase()))
        .with_some("on completion", next().map(|it| it.to_lowercase()));
    let comment = next().filter(|it| !it.is_empty());
    let path = [Kind::Event.word(), &name];
    let comment = comment.map(|it| Object::new(Kind::Comment, path).with("text", it));
    std::iter::once(object).chain(comment).collect()
}
