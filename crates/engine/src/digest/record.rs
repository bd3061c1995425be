//! One text for one row of a PostgreSQL table: two rows that differ never have the same.
//!
//! `ROW(…)::text` says it too, but looks at each byte for what it has to quote, at almost twice the price.
//! Here values stand one after the other, and each says where it ends:
//!
//! - *plain* values (numbers, times, JSON …) at the separator, which no text of their types can hold;
//! - free text by its length in bytes, written before it; whatever stands last, at the end;
//! - several values of other types together as `ROW(…)::text`.
//!
//! A NULL is left out, and then the text begins with a parenthesis and a letter for every column, `t` where
//! it is NULL. Neither a plain value nor a length begins with a parenthesis.

use serde::Deserialize;

/// The server's functions take up to a hundred arguments.
const MAX_ARGUMENTS: usize = 90;

/// Types whose texts hold no control characters and do not begin with a parenthesis. JSON has to escape the
/// separator.
const PLAIN: &str = "'{bool, bytea, int2, int4, int8, oid, float4, float8, numeric, json, jsonb, uuid, date, \
    time, timetz, timestamp, timestamptz, interval, inet, cidr, macaddr, macaddr8, bit, varbit}'::regtype[]";

/// Types whose texts can be anything, and whose length is known without looking at them.
const FREE: &str = "'{text, varchar, bpchar}'::regtype[]";

/// How the text of a value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    Plain,
    Free,
    Other,
}

/// A column: how its values end, and its name in quotes.
#[derive(Debug, Deserialize)]
pub(super) struct Column(Form, String);

/// A subquery for the columns of the table `c` as JSON, in the order of their names: a restored child of an
/// inheritance tree may have them in another.
pub(super) fn columns_query() -> String {
    format!(
        "(SELECT json_agg(json_build_array(CASE WHEN a.atttypid = ANY ({FREE}) THEN 'free' \
             WHEN a.atttypid = ANY ({PLAIN}) \
                 OR t.typcategory = 'A' AND t.typlen = -1 AND t.typelem = ANY ({PLAIN}) THEN 'plain' \
             ELSE 'other' END, quote_ident(a.attname)) ORDER BY a.attname COLLATE \"C\") \
         FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
         WHERE a.attrelid = c.oid AND 0 < a.attnum AND NOT a.attisdropped)"
    )
}

/// The expression for the text of a row with these columns.
pub(super) fn text(columns: &[Column]) -> String {
    let of = |form: Form| -> Vec<String> {
        columns.iter().filter(|it| it.0 == form).map(|it| it.1.clone()).collect()
    };
    let (plain, mut free, mut others) = (of(Form::Plain), of(Form::Free), of(Form::Other));
    if plain.is_empty() && free.is_empty() {
        return format!("ROW({})::text", others.join(", "));
    }
    let last = match others.len() {
        // Alone it could begin with a parenthesis.
        0 if plain.is_empty() && free.len() == 1 => None,
        0 => free.pop(),
        1 => others.pop(),
        _ => Some(format!("ROW({})::text", others.join(", "))),
    };
    let free = free.into_iter().flat_map(|it| [format!("octet_length({it})"), it]);
    joined(std::iter::once(nulls(columns)).chain(plain).chain(free).chain(last).collect())
}

/// Nothing, or which of the columns are NULL. A composite of NULLs is none.
fn nulls(columns: &[Column]) -> String {
    let names: Vec<_> = columns.iter().map(|it| it.1.as_str()).collect();
    let chunks = |part: &dyn Fn(&[&str]) -> String| -> Vec<String> {
        names.chunks(MAX_ARGUMENTS).map(part).collect()
    };
    let n_nulls = chunks(&|it| format!("num_nulls({})", it.join(", ")));
    let letters = chunks(&|names| {
        let each = names.iter().map(|it| format!("{it} IS NOT DISTINCT FROM NULL"));
        format!("concat({})", each.collect::<Vec<_>>().join(", "))
    });
    format!("CASE WHEN 0 < {} THEN concat('(', {}) END", n_nulls.join(" + "), letters.join(", "))
}

/// All that is not NULL, with separators between.
fn joined(values: Vec<String>) -> String {
    if values.len() <= MAX_ARGUMENTS {
        return format!("concat_ws(E'\\x1f', {})", values.join(", "));
    }
    joined(values.chunks(MAX_ARGUMENTS).map(|it| joined(it.to_vec())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(columns: &str, expected: &str) {
        let columns: Vec<Column> = serde_json::from_str(columns).unwrap();
        let text = text(&columns);
        let values = text.split_once("END, ").map_or(text.as_str(), |it| it.1);
        assert_eq!(values, expected);
    }

    #[test]
    fn every_value_says_where_it_ends() {
        check(r#"[["plain","a"],["plain","b"]]"#, "a, b)");
        check(r#"[["free","a"],["plain","b"]]"#, "b, a)");
        check(r#"[["free","a"],["free","b"]]"#, "octet_length(a), a, b)");
        check(r#"[["free","a"]]"#, "octet_length(a), a)");
        check(r#"[["free","a"],["other","b"]]"#, "octet_length(a), a, b)");
        check(r#"[["other","a"],["other","b"],["plain","c"]]"#, "c, ROW(a, b)::text)");
        check(r#"[["other","a"]]"#, "ROW(a)::text");
        check("[]", "ROW()::text");
    }
}
