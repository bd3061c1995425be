//! What a statement asks of the transaction around it.

use crate::postgres::token::{identifier, literal, tokens};
use crate::steps::Bound;
use crate::token::{Cursor, Token, TokenKind, has_words};

/// What the server would say about it inside a transaction.
pub fn bound(sql: &str) -> Bound {
    let Ok(tokens) = tokens(sql) else { return Bound::Inside };
    let mut it = Cursor::new(&tokens);
    let Some(first) = it.bump() else { return Bound::Inside };
    let concurrently = || has_words(&tokens, "concurrently");
    match first.text.to_ascii_lowercase().as_str() {
        "begin" => Bound::Cut,
        "start" if it.eat("transaction") => Bound::Cut,
        "commit" | "end" if !it.sees("prepared") => Bound::Cut,
        "rollback" if has_words(it.rest(), "to") => Bound::Inside,
        "commit" | "rollback" | "abort" => Bound::Impossible,
        "prepare" if it.eat("transaction") => Bound::Impossible,
        "vacuum" => Bound::Alone,
        "create" if it.eat_any(&["database", "tablespace", "subscription"]).is_some() => {
            Bound::Impossible
        }
        "create" if is_index(it.clone()) && concurrently() => Bound::Alone,
        "drop" if it.eat_any(&["database", "tablespace", "subscription"]).is_some() => {
            Bound::Impossible
        }
        "drop" if it.eat("index concurrently") => Bound::Alone,
        "reindex" if concurrently() || it.eat("schema") => Bound::Alone,
        "reindex" if it.eat_any(&["database", "system"]).is_some() => Bound::Impossible,
        "alter" => of_alter(it, concurrently()),
        _ => Bound::Inside,
    }
}

fn is_index(mut it: Cursor<'_, '_>) -> bool {
    it.eat("unique");
    it.eat("index")
}

fn of_alter(mut it: Cursor<'_, '_>, concurrently: bool) -> Bound {
    if it.eat("system") {
        return Bound::Impossible;
    }
    if it.eat("table") {
        let detaches = concurrently && has_words(it.rest(), "detach partition");
        return if detaches { Bound::Alone } else { Bound::Inside };
    }
    if it.eat("type") && has_words(it.rest(), "add value") {
        let value = it.rest().iter().find(|it| it.kind == TokenKind::Text).map(content);
        return value.map_or(Bound::Inside, Bound::AddsValue);
    }
    Bound::Inside
}

/// What stands between the quotes of a text, as it is spelled there.
fn content(text: &Token<'_>) -> String {
    let spelled = text.text.trim_start_matches(['e', 'E']).trim_matches('\'');
    if spelled.is_empty() { literal(text).unwrap_or_default() } else { spelled.to_owned() }
}

/// An index that a statement builds beside the traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltIndex {
    pub name: String,
    /// The table with the schema, if it is spelled.
    pub table: Vec<String>,
}

/// The index of `CREATE INDEX CONCURRENTLY`, if it has a name.
pub fn built_index(sql: &str) -> Option<BuiltIndex> {
    let tokens = tokens(sql).ok()?;
    let mut it = Cursor::new(&tokens);
    if !it.eat("create") {
        return None;
    }
    it.eat("unique");
    if !it.eat("index concurrently") {
        return None;
    }
    it.eat("if not exists");
    if it.sees("on") {
        return None;
    }
    let name = it.name(identifier).pop()?;
    if !it.eat("on") {
        return None;
    }
    it.eat("only");
    Some(BuiltIndex { name, table: it.name(identifier) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t40_the_index_that_a_failed_build_would_leave_is_known_by_name() {
        let index = |sql| built_index(sql).map(|it| format!("{} {}", it.table.join("."), it.name));
        let quoted = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"I x\" ON ONLY s.\"T\" USING btree (a)";
        assert_eq!(index(quoted).unwrap(), "s.T I x");
        assert_eq!(index("create index concurrently i on t (a)").unwrap(), "t i");
        assert_eq!(index("create index concurrently on t (a)"), None);
        assert_eq!(index("create index i on t (a)"), None);
    }
}
