//! What MySQL spells in several ways, and what of it Drizzle can express.

use super::token::tokens;
use crate::catalog::{Kind, Object};
use crate::pair::Pair;
use crate::token::{Token, TokenKind};

/// Lets a session read `timestamp` as Drizzle means it: without it, MariaDB before 10.10 makes such a column NOT NULL
/// with the current time as its default, and there is no other way to declare one that may be NULL.
pub const NULLABLE_TIMESTAMPS: &str = "SET SESSION explicit_defaults_for_timestamp = 1";

/// Attributes of the catalog that Drizzle cannot express; and so are the options of storage engines and the
/// periods of tables.
const CARRIED: [&str; 42] = [
    "autoextend size",
    "avg row length",
    "charset",
    "checksum",
    "client charset",
    "collation",
    "column format",
    "compressed",
    "compression",
    "connection",
    "connection collation",
    "data directory",
    "delay key write",
    "encryption",
    "enforced",
    "engine",
    "engine attribute",
    "ignored",
    "index directory",
    "insert method",
    "invisible",
    "key block size",
    "max rows",
    "min rows",
    "pack keys",
    "page checksum",
    "parser",
    "partitions",
    "position",
    "row format",
    "secondary engine",
    "secondary engine attribute",
    "srid",
    "stats auto recalc",
    "stats persistent",
    "stats sample pages",
    "storage",
    "system versioning",
    "tablespace",
    "transactional",
    "union",
    "unversioned",
];

/// Whether drizzle-orm 0.x can express this object, or this attribute of it.
///
/// It cannot express triggers, routines, events and partitions, nor a table's engine, character set and
/// comment.
pub fn drizzle_expresses(object: &Object, attribute: Option<&str>) -> bool {
    let kind = matches!(
        object.id.kind,
        Kind::Table
            | Kind::Column
            | Kind::PrimaryKey
            | Kind::Unique
            | Kind::ForeignKey
            | Kind::Check
            | Kind::Index
            | Kind::View
    );
    let carried = attribute.is_some_and(|it| {
        CARRIED.contains(&it) || it.starts_with("option ") || it.starts_with("period ")
    });
    kind && !carried
}

/// Why two values of an attribute mean the same although they are spelled differently; `None` if they
/// do not.
pub fn equivalent(
    objects: Pair<&Object>,
    attribute: &str,
    values: Pair<Option<&str>>,
) -> Option<&'static str> {
    let is_action = objects.from.id.kind == Kind::ForeignKey && attribute.starts_with("on ");
    let refuses = |it: Option<&str>| matches!(it, None | Some("no action" | "restrict"));
    if is_action && refuses(values.from) && refuses(values.to) {
        return Some(
            "the server checks at once, whether it is called `no action`, `restrict` or nothing",
        );
    }
    let moments = values.from.and_then(digits_of_now).zip(values.to.and_then(digits_of_now));
    if matches!(attribute, "default" | "on update") && moments.is_some_and(|it| it.0 == it.1) {
        return Some("the row gets the time of its statement, whichever way that is said");
    }
    let sql_type = objects.from.get("type").unwrap_or_default();
    let constant = |it: Option<&str>| it.and_then(|it| constant(it, sql_type));
    let constants = constant(values.from).zip(constant(values.to));
    if attribute == "default" && constants.is_some_and(|it| it.0 == it.1) {
        return Some("the same value");
    }
    let is_expression = EXPRESSIONS.contains(&attribute);
    let both = is_expression.then(|| values.from.zip(values.to)).flatten();
    let (from, to) = both.map(|(from, to)| (without_introducers(from), without_introducers(to)))?;
    (from.is_some() && from == to)
        .then_some("MySQL names the character set of a literal anew with each change of the table")
}

/// How many digits of a second the time of the statement has, if that is what a text says: Drizzle's
/// `.defaultNow()` writes an expression, `(now())`, which MySQL keeps apart from `CURRENT_TIMESTAMP`.
fn digits_of_now(text: &str) -> Option<u32> {
    let tokens = tokens(text).ok()?;
    let inner = match tokens.as_slice() {
        [open, inner @ .., close] if open.is_symbol('(') && close.is_symbol(')') => inner,
        all => all,
    };
    let is_now = |it: &Token<'_>| {
        ["now", "current_timestamp", "localtime", "localtimestamp"]
            .iter()
            .any(|word| it.is_word(word))
    };
    match inner {
        [name] if is_now(name) && !name.is_word("now") => Some(0),
        [name, open, close] if is_now(name) && open.is_symbol('(') && close.is_symbol(')') => {
            Some(0)
        }
        [name, open, digits, close]
            if is_now(name) && open.is_symbol('(') && close.is_symbol(')') =>
        {
            digits.text.parse().ok()
        }
        _ => None,
    }
}

/// The value of a default that is a number or a text, in parentheses or not; that of a column of numbers without
/// zeros that say nothing.
fn constant(text: &str, sql_type: &str) -> Option<String> {
    let tokens = tokens(text).ok()?;
    let inner = match tokens.as_slice() {
        [open, inner @ .., close] if open.is_symbol('(') && close.is_symbol(')') => inner,
        all => all,
    };
    // MySQL puts the character set in front of a text that stands in an expression.
    let is_set = |it: &Token<'_>| it.kind == TokenKind::Word && it.text.starts_with('_');
    let inner = match inner {
        [set, it] if is_set(set) && is_plain_text(it) => &inner[1..],
        all => all,
    };
    let (first, last) = (inner.first()?, inner.last()?);
    let said = text.get(first.start..last.end())?;
    let is_number = |it: &str| it.chars().all(|it| it.is_ascii_digit() || it == '.');
    let value = match inner {
        [it] if it.kind == TokenKind::Text => literal(said)?,
        _ if is_number(said.strip_prefix('-').unwrap_or(said)) => said.to_owned(),
        _ => return None,
    };
    let types = ["tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double"];
    if !types.iter().any(|it| sql_type.starts_with(it)) {
        return Some(value);
    }
    let (sign, digits) = value.strip_prefix('-').map_or(("", value.as_str()), |it| ("-", it));
    if !is_number(digits) {
        return None;
    }
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
    let sign = if whole.is_empty() && part.is_empty() { "" } else { sign };
    Some(format!("{sign}{whole}.{part}"))
}

/// Attributes that hold expressions.
const EXPRESSIONS: [&str; 5] = ["default", "generated", "check", "expression", "columns"];

/// The words of an expression without the names of character sets in front of ASCII literals: those mean
/// the same in each. `None` if it cannot be read.
fn without_introducers(expression: &str) -> Option<Vec<&str>> {
    let tokens = tokens(expression).ok()?;
    let is_dropped = |at: usize| {
        tokens[at].kind == TokenKind::Word
            && tokens[at].text.starts_with('_')
            && tokens.get(at + 1).is_some_and(is_plain_text)
    };
    Some((0..tokens.len()).filter(|&at| !is_dropped(at)).map(|at| tokens[at].text).collect())
}

/// A text that is the same in every character set. A `?` may stand for what a set does not have.
fn is_plain_text(it: &Token<'_>) -> bool {
    it.kind == TokenKind::Text && it.text.is_ascii() && !it.text.contains('?')
}

/// An identifier in backticks.
pub fn quote_ident(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text in single quotes.
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Whether a name stands in a text, as far as the text can be read.
pub(super) fn mentions(text: &str, name: &str) -> bool {
    let is_name = |it: Option<String>| it.is_some_and(|it| it.eq_ignore_ascii_case(name));
    !tokens(text).is_ok_and(|it| !it.iter().any(|it| is_name(it.identifier())))
}

/// Types that take no bare literal as a default.
const WITHOUT_LITERALS: [&str; 9] = [
    "blob",
    "json",
    "longblob",
    "longtext",
    "mediumblob",
    "mediumtext",
    "text",
    "tinyblob",
    "tinytext",
];

/// A default as the server takes it, where drizzle-kit spells it so that it refuses it, now or with the first
/// row. What reads as something else than the schema may mean is left as it is: the text may be the
/// user's own SQL.
pub(super) fn default_value(sql_type: &str, text: &str) -> String {
    let is_json = |it: &str| serde_json::from_str::<serde::de::IgnoredAny>(it).is_ok();
    let inner = text.strip_prefix("('").and_then(|it| it.strip_suffix("')"));
    if let Some(json) = inner.filter(|it| sql_type == "json" && is_json(it))
        && !read(json).is_some_and(|it| is_json(&it))
    {
        return format!("({})", quote_literal(json));
    }
    let inner = text.strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
    let literal = match inner {
        Some(inner) if read(inner).is_none() => quote_literal(&inner.replace("''", "'")),
        _ => text.to_owned(),
    };
    let is_bare = !text.starts_with('(') && !text.eq_ignore_ascii_case("null");
    match is_bare && WITHOUT_LITERALS.contains(&sql_type) {
        true => format!("({literal})"),
        false => literal,
    }
}

/// What the server reads where drizzle-kit 0.31 puts a text between quotes, if that is another text: it does not
/// escape backslashes. A text that would not end is put right ([`default_value`]).
pub(super) fn misread(text: &str) -> Option<String> {
    read(&text.replace('\'', "''")).filter(|it| it != text)
}

/// The text that a literal in single quotes stands for; nothing if it is none.
pub(super) fn literal(text: &str) -> Option<String> {
    read(text.strip_prefix('\'')?.strip_suffix('\'')?)
}

/// What the server reads between two quotes; nothing where it does not read up to the last one.
fn read(inner: &str) -> Option<String> {
    let (mut read, mut chars) = (String::new(), inner.chars());
    while let Some(it) = chars.next() {
        match it {
            '\\' => match chars.next()? {
                'n' => read.push('\n'),
                't' => read.push('\t'),
                'r' => read.push('\r'),
                'b' => read.push('\u{8}'),
                '0' => read.push('\0'),
                'Z' => read.push('\u{1a}'),
                it @ ('%' | '_') => read.extend(['\\', it]),
                it => read.push(it),
            },
            '\'' if chars.next() != Some('\'') => return None,
            it => read.push(it),
        }
    }
    Some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_that_the_server_cannot_read_is_spelled_so_that_it_can() {
        let check = |sql_type: &str, text: &str, expected: &str| {
            assert_eq!(default_value(sql_type, text), expected, "{sql_type} {text}");
        };
        check("char(5)", r"'\'", r"'\\'");
        check("char(5)", "'it''s'", "'it''s'");
        check("char(5)", r"'a\''b\'", r"'a\\''b\\'");
        // What the user wrote, and what the kit writes of `a\b`, look alike.
        check("char(5)", r"'a\b'", r"'a\b'");
        check("char(36)", "(uuid())", "(uuid())");
        check("int", "0", "0");
        check("tinytext", "'x'", "('x')");
        check("longtext", "NULL", "NULL");
        check("text", "('x')", "('x')");
        check("json", r#"('{"a":"it's"}')"#, r#"('{"a":"it''s"}')"#);
        check("json", r#"('{"a":"\n"}')"#, r#"('{"a":"\\n"}')"#);
        check("json", r#"('{"a":"it''s"}')"#, r#"('{"a":"it''s"}')"#);
        check("json", r#"('{"a":"\\n"}')"#, r#"('{"a":"\\n"}')"#);
        check("json", "(json_array())", "(json_array())");
    }

    #[test]
    fn a_backslash_that_0_31_does_not_escape_makes_another_text() {
        assert_eq!(misread(r"a\b"), Some("a\u{8}".to_owned()));
        assert_eq!(misread(r"it's\%"), None);
        assert_eq!(misread(r"c:\dir"), Some("c:dir".to_owned()));
        // It is spelled so that it ends.
        assert_eq!(misread("\\"), None);
    }

    #[test]
    fn the_time_of_a_statement_has_several_names_and_its_digits_count() {
        let column = Object::new(Kind::Column, ["t", "c"]);
        let is_same = |attribute: &str, from: &str, to: &str| {
            let values = Pair { from: Some(from), to: Some(to) };
            equivalent(Pair { from: &column, to: &column }, attribute, values).is_some()
        };
        assert!(is_same("default", "CURRENT_TIMESTAMP", "(now())"));
        assert!(is_same("default", "current_timestamp()", "CURRENT_TIMESTAMP"));
        assert!(is_same("on update", "CURRENT_TIMESTAMP(3)", "now(3)"));
        assert!(!is_same("default", "CURRENT_TIMESTAMP(3)", "(now())"));
        assert!(!is_same("default", "(now())", "(curdate())"));
        assert!(!is_same("comment", "(now())", "now()"));
    }

    #[test]
    fn a_constant_is_compared_by_its_value() {
        let is_same = |sql_type: &str, from: &str, to: &str| {
            let column = Object::new(Kind::Column, ["t", "c"]).with("type", sql_type);
            let values = Pair { from: Some(from), to: Some(to) };
            equivalent(Pair { from: &column, to: &column }, "default", values).is_some()
        };
        assert!(is_same("decimal(10,2)", "'0.00'", "(0.00)"));
        assert!(is_same("int", "'-7'", "-7.0"));
        assert!(is_same("varchar(9)", "'it''s'", r"('it\'s')"));
        assert!(is_same("varchar(9)", "'it''s'", r"(_utf8mb4'it\'s')"));
        assert!(is_same("tinyint(1)", "'0'", "(_utf8mb4'0')"));
        assert!(!is_same("varchar(9)", "'?'", "(_utf8mb4'?')"));
        assert!(!is_same("varchar(9)", "'1.0'", "'1.00'"));
        assert!(!is_same("int", "'7'", "'70'"));
        assert!(!is_same("int", "1", "(1 + 0)"));
    }

    #[test]
    fn what_a_foreign_key_does_about_nothing_has_three_names() {
        let key = Object::new(Kind::ForeignKey, ["t", "fk"]);
        let is_same = |attribute: &str, from: Option<&str>, to: Option<&str>| {
            equivalent(Pair { from: &key, to: &key }, attribute, Pair { from, to }).is_some()
        };
        assert!(is_same("on delete", None, Some("no action")));
        assert!(is_same("on update", Some("restrict"), Some("no action")));
        assert!(!is_same("on delete", None, Some("cascade")));
        assert!(!is_same("columns", None, Some("restrict")));
    }

    #[test]
    fn a_literal_may_name_another_character_set_if_it_is_ascii() {
        let check = Object::new(Kind::Check, ["t", "c"]);
        let is_same = |from: &str, to: &str| {
            let values = Pair { from: Some(from), to: Some(to) };
            equivalent(Pair { from: &check, to: &check }, "expression", values).is_some()
        };
        assert!(is_same(r"(`f` <> _latin1'it\'s')", r"(`f` <> _utf8mb4'it\'s')"));
        assert!(!is_same("(`f` <> _latin1'a')", "(`f` <> _utf8mb4'b')"));
        assert!(!is_same("(`f` <> _latin1'ä')", "(`f` <> _utf8mb4'ä')"));
        assert!(!is_same("(`f` <> _latin1'?')", "(`f` <> _utf8mb4'?')"));
    }

    #[test]
    fn what_is_quoted_is_one_token_and_ends_where_it_should() {
        for text in ["it's", "a\\", "\\'; drop table t; --", "`"] {
            for quoted in [quote_literal(text), quote_ident(text)] {
                assert_eq!(tokens(&quoted).unwrap().len(), 1, "{quoted}");
            }
        }
    }
}
