//! `pg_get_indexdef` after `USING` → attributes.
//!
//! The text is the server's own, so its form is known:
//! `method (keys) [INCLUDE (…)] [NULLS NOT DISTINCT] [WITH (…)] [WHERE …]`.

/// The names of the attributes that a definition of the known form has.
pub(super) const NAMES: [&str; 6] =
    ["method", "columns", "include", "nulls not distinct", "with", "where"];

/// Attributes of an index: `method`, `columns`, `include`, `nulls not distinct`, `with`, `where`. A
/// text of another form stays whole, as `definition`.
pub(super) fn attributes(definition: &str) -> Vec<(String, String)> {
    split(definition).unwrap_or_else(|| vec![named("definition", definition)])
}

fn named(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn split(definition: &str) -> Option<Vec<(String, String)>> {
    let (method, rest) = definition.split_once(" (")?;
    let (keys, mut rest) = until_closed(rest)?;
    let mut attributes = vec![named("method", method), named("columns", keys)];
    if let Some(after) = rest.strip_prefix(" INCLUDE (") {
        let (columns, after) = until_closed(after)?;
        attributes.push(named("include", columns));
        rest = after;
    }
    if let Some(after) = rest.strip_prefix(" NULLS NOT DISTINCT") {
        attributes.push(named("nulls not distinct", "true"));
        rest = after;
    }
    if let Some(after) = rest.strip_prefix(" WITH (") {
        let (options, after) = until_closed(after)?;
        let mut options: Vec<_> = options.split(", ").collect();
        options.sort_unstable();
        attributes.push(named("with", &options.join(", ")));
        rest = after;
    }
    if let Some(condition) = rest.strip_prefix(" WHERE ") {
        attributes.push(named("where", condition));
        rest = "";
    }
    rest.is_empty().then_some(attributes)
}

/// What stands before the parenthesis that closes an open one, and what behind it. Parentheses in
/// names and literals do not count; doubled quotes close and open again, which comes to the same.
fn until_closed(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0usize;
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(definition: &str, expected: &str) {
        let parts: Vec<_> = attributes(definition)
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(parts.join(" | "), expected);
    }

    #[test]
    fn a_definition_falls_into_its_clauses() {
        check("btree (isbn)", "method=btree | columns=isbn");
        check(
            "btree (lower(title) DESC, \"a)b\" text_pattern_ops) INCLUDE (c, d) NULLS NOT DISTINCT \
             WITH (fillfactor='50', deduplicate_items='off') WHERE (x = ') WHERE'::text)",
            "method=btree | columns=lower(title) DESC, \"a)b\" text_pattern_ops | include=c, d \
             | nulls not distinct=true | with=deduplicate_items='off', fillfactor='50' \
             | where=(x = ') WHERE'::text)",
        );
    }

    #[test]
    fn an_unknown_form_stays_whole() {
        check("btree (a) SOMETHING NEW", "definition=btree (a) SOMETHING NEW");
    }
}
