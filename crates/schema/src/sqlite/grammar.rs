//! What SQLite spells in several ways, and what of it Drizzle can express.

use sqlite3_parser::ast::{Type, TypeSize};
use sqlite3_parser::lexer::Scanner;
use sqlite3_parser::lexer::sql::{TokenType, Tokenizer};

use crate::catalog::{Kind, Object};
use crate::pair::Pair;

/// Whether drizzle-orm 0.x can express this object, or this attribute of it.
///
/// It cannot express constraints that are UNIQUE without an index of their own (its `.unique()` is a
/// unique index), nor collations, conflict clauses, deferred checking or table options.
pub fn drizzle_expresses(object: &Object, attribute: Option<&str>) -> bool {
    let kind = matches!(
        object.id.kind,
        Kind::Table
            | Kind::Column
            | Kind::PrimaryKey
            | Kind::ForeignKey
            | Kind::Check
            | Kind::Index
            | Kind::View
    );
    let carried = matches!(
        attribute,
        Some(
            "position"
                | "without rowid"
                | "strict"
                | "collation"
                | "conflict"
                | "not null conflict"
                | "deferrable"
                | "match"
                | "name"
                | "on insert"
        )
    );
    kind && !carried && object.get("virtual").is_none()
}

/// Why two values of an attribute mean the same although they are spelled differently; `None` if they
/// do not.
///
/// Outside STRICT tables only a type's affinity has a meaning, and only `integer` in a primary key is
/// more than its affinity. A constant default is stored as the column's affinity makes it. See
/// <https://sqlite.org/datatype3.html#determination_of_column_affinity>.
pub fn equivalent(
    objects: Pair<&Object>,
    attribute: &str,
    values: Pair<Option<&str>>,
) -> Option<&'static str> {
    let (from, to) = (values.from?, values.to?);
    let is_rowid = |it: &Object| it.get("rowid").is_some();
    let affinity_of = |it: &Object| affinity(it.get("type").unwrap_or_default());
    if objects.from.id.kind != Kind::Column {
        return None;
    }
    let same = match attribute {
        "type" => is_rowid(objects.from) == is_rowid(objects.to) && affinity(from) == affinity(to),
        "default" => {
            let affinity = affinity_of(objects.from);
            affinity == affinity_of(objects.to)
                && stored(from, affinity).is_some_and(|it| stored(to, affinity) == Some(it))
        }
        _ => false,
    };
    let why = if attribute == "type" {
        "SQLite stores both alike: a type is only an affinity"
    } else {
        "the same value as the column stores it"
    };
    same.then_some(why)
}

/// What a constant becomes in a column of this affinity; nothing for what is no constant, or where
/// SQLite's own conversion would have to be known.
fn stored(literal: &str, affinity: &str) -> Option<String> {
    let literal = literal.replace("- ", "-");
    // `true` and `false` are other words for numbers.
    let literal = match literal.as_str() {
        "true" => "1".to_owned(),
        "false" => "0".to_owned(),
        _ => literal,
    };
    let text = literal.strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
    let value = text.unwrap_or(&literal);
    let is_number = value.parse::<i64>().is_ok() || value.parse::<f64>().is_ok_and(f64::is_finite);
    match affinity {
        "integer" | "numeric" | "real" if is_number => {
            value.parse::<f64>().ok().map(|it| it.to_string())
        }
        "text" => {
            text.map(str::to_owned).or_else(|| value.parse::<i64>().ok().map(|it| it.to_string()))
        }
        _ => None,
    }
}

/// The affinity that a declared type gives its column.
pub fn affinity(declared: &str) -> &'static str {
    let declared = declared.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|it| declared.contains(it));
    if has(&["int"]) {
        "integer"
    } else if has(&["char", "clob", "text"]) {
        "text"
    } else if declared.is_empty() || has(&["blob"]) {
        "blob"
    } else if has(&["real", "floa", "doub"]) {
        "real"
    } else {
        "numeric"
    }
}

/// An identifier in double quotes.
pub fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in single quotes.
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An identifier without its quotes, of whichever of the four kinds.
pub(super) fn unquote(name: &str) -> String {
    let mut inner = name.chars();
    let (first, last) = (inner.next(), inner.next_back());
    let inner = inner.as_str();
    match (first, last) {
        (Some('"'), Some('"')) => inner.replace("\"\"", "\""),
        (Some('`'), Some('`')) => inner.replace("``", "`"),
        (Some('\''), Some('\'')) => inner.replace("''", "'"),
        (Some('['), Some(']')) => inner.to_owned(),
        _ => name.to_owned(),
    }
}

/// A declared type in lower case, its size without spaces.
pub(super) fn canonical_type(it: &Type<'_>) -> String {
    let name = it.name.split_whitespace().map(unquote).collect::<Vec<_>>().join(" ").to_lowercase();
    match &it.size {
        Some(TypeSize::MaxSize(size)) => format!("{name}({size})"),
        Some(TypeSize::TypeSize(size, scale)) => format!("{name}({size},{scale})"),
        None => name,
    }
}

/// SQL text with one spelling: tokens separated by one space, comments left out, plain identifiers
/// and keywords in lower case, other identifiers in double quotes.
pub(super) fn canonical(sql: &str) -> String {
    tokens(sql).map_or_else(|| sql.to_owned(), |it| it.join(" "))
}

/// An expression inside `table`: as [`canonical`], without the table's own name before columns and
/// without parentheses around the whole.
pub(super) fn canonical_expression(sql: &str, table: &str) -> String {
    let Some(mut tokens) = tokens(sql) else { return sql.to_owned() };
    let own = spell_identifier(table);
    while let Some(at) = tokens.windows(2).position(|it| it[0] == own && it[1] == ".") {
        tokens.drain(at..at + 2);
    }
    while is_wrapped(&tokens) {
        tokens.remove(0);
        tokens.pop();
    }
    tokens.join(" ")
}

/// Whether the first parenthesis closes only at the very end.
fn is_wrapped(tokens: &[String]) -> bool {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return 0 < at && at + 1 == tokens.len();
        }
    }
    false
}

fn tokens(sql: &str) -> Option<Vec<String>> {
    let mut scanner = Scanner::new(Tokenizer::new());
    let mut tokens = Vec::new();
    while let (_, Some((token, kind)), _) = scanner.scan(sql.as_bytes()).ok()? {
        let text = std::str::from_utf8(token).ok()?;
        tokens.push(if kind == TokenType::TK_STRING {
            text.to_owned()
        } else if kind == TokenType::TK_BLOB {
            // The tokenizer strips the marks of a blob.
            format!("x'{}'", text.to_lowercase())
        } else if kind == TokenType::TK_ID {
            spell_identifier(&unquote(text))
        } else {
            text.to_lowercase()
        });
    }
    Some(tokens)
}

/// Names compare without case in SQLite, so the canonical spelling is lower case.
pub fn spell_identifier(name: &str) -> String {
    let name = name.to_lowercase();
    let plain = name.chars().all(|it| it.is_alphanumeric() || it == '_')
        && name.chars().next().is_some_and(|it| !it.is_numeric());
    if plain { name } else { quote_ident(&name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        assert_eq!(canonical_expression(sql, "books"), expected);
    }

    #[test]
    fn one_spelling_per_expression() {
        check("((\"books\".\"stock\" >= 0))", "stock >= 0");
        check("`Stock`>=0 AND [a b] <> 'It''s'", "stock >= 0 and \"a b\" <> 'It''s'");
        check("(a) + (b)", "( a ) + ( b )");
        check("x'AB' || 'x'", "x'ab' || 'x'");
        check("CURRENT_TIMESTAMP", "current_timestamp");
    }

    #[test]
    fn a_constant_default_is_compared_as_the_column_stores_it() {
        let column = |default: &str, sql_type: &str| {
            Object::new(Kind::Column, ["t", "a"]).with("type", sql_type).with("default", default)
        };
        for (from, to, sql_type, expected) in [
            ("0", "'0'", "numeric", true),
            ("0", "'0'", "text", true),
            ("0", "'0'", "blob", false),
            ("1.50", "'1.5'", "numeric", true),
            ("'a'", "'b'", "text", false),
            ("'0'", "'0.0'", "text", false),
            ("- 1", "-1", "integer", true),
            ("1", "true", "integer", true),
            ("'1'", "true", "numeric", true),
            ("0", "true", "integer", false),
        ] {
            let (from, to) = (column(from, sql_type), column(to, sql_type));
            let values = Pair { from: from.get("default"), to: to.get("default") };
            let found = equivalent(Pair { from: &from, to: &to }, "default", values);
            assert_eq!(found.is_some(), expected, "{values:?} in {sql_type}");
        }
    }

    #[test]
    fn affinity_follows_the_manual() {
        for (declared, expected) in [
            ("VARCHAR(20)", "text"),
            ("bigint", "integer"),
            ("", "blob"),
            ("DOUBLE PRECISION", "real"),
            ("decimal(10,2)", "numeric"),
        ] {
            assert_eq!(affinity(declared), expected);
        }
    }
}
