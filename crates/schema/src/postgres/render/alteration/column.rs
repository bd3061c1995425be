//! What changes a column, and what adds one.

use std::fmt::Write;

use super::{Way, one, options, parent, quoted};
use crate::catalog::{Object, ObjectId};
use crate::pair::Pair;
use crate::postgres::grammar::quote_ident;
use crate::postgres::render::about::undotted;

/// As the ways of any object.
pub(super) fn alterations(objects: Pair<&Object>, attribute: &str) -> Vec<Way> {
    let head = head(&objects.to.id);
    let (from, to) = (objects.from.get(attribute), objects.to.get(attribute));
    let alter = |action: &str| one(Some(format!("{head} {action};")));
    match attribute {
        "type" | "collation" => retyped(objects, &head),
        "not null" if to == Some("true") => alter("SET NOT NULL"),
        "not null" => alter("DROP NOT NULL"),
        "default" => match to {
            Some(to) => alter(&format!("SET DEFAULT {to}")),
            None => alter("DROP DEFAULT"),
        },
        "generated" | "generated kind" => computed(objects, &head),
        "identity" => identity(objects, &head),
        "storage" => alter(&format!("SET STORAGE {}", storage(objects.to))),
        "compression" => alter(&format!("SET COMPRESSION {}", to.unwrap_or("default"))),
        "statistics target" => alter(&format!("SET STATISTICS {}", to.unwrap_or("-1"))),
        "options" => options(&head, "", Pair { from, to }),
        _ => Vec::new(),
    }
}

fn head(id: &ObjectId) -> String {
    format!("ALTER TABLE {} ALTER COLUMN {}", parent(id), quote_ident(id.name()))
}

fn type_of(column: &Object) -> String {
    let collation = column.get("collation").map(|it| format!(" COLLATE {}", quoted(&undotted(it))));
    format!("{}{}", column.get("type").unwrap_or_default(), collation.unwrap_or_default())
}

/// First as the server casts by itself, then as it casts when asked, then without a default that it cannot cast, then by the text
/// of the values.
fn retyped(objects: Pair<&Object>, head: &str) -> Vec<Way> {
    let (name, kind) =
        (quote_ident(objects.to.id.name()), objects.to.get("type").unwrap_or_default());
    let set = format!("{head} SET DATA TYPE {}", type_of(objects.to));
    if objects.from.get("generated").is_some() {
        return one(Some(format!("{set};")));
    }
    let text = if kind.ends_with("[]") { "text[]" } else { "text" };
    let cast = format!("{set} USING {name}::{kind};");
    let by_text = format!("{set} USING {name}::{text}::{kind};");
    let undefaulted = format!("{head} DROP DEFAULT;");
    let mut ways = vec![vec![format!("{set};")], vec![cast.clone()], vec![by_text.clone()]];
    if objects.from.get("default").is_some() {
        ways.push(vec![undefaulted.clone(), cast]);
        ways.push(vec![undefaulted, by_text]);
    }
    ways
}

/// A column that is computed has no values of its own; one that gets to be computed loses them.
fn computed(objects: Pair<&Object>, head: &str) -> Vec<Way> {
    let (from, to) = (objects.from.get("generated"), objects.to.get("generated"));
    let table = parent(&objects.to.id);
    let column = quote_ident(objects.to.id.name());
    let gone = format!("ALTER TABLE {table} DROP COLUMN {column};");
    let anew = vec![gone, addition(objects.to)];
    match (from, to) {
        (Some(_), None) => vec![vec![format!("{head} DROP EXPRESSION;")], anew],
        _ => vec![anew],
    }
}

fn identity(objects: Pair<&Object>, head: &str) -> Vec<Way> {
    let word = |it: &str| it.to_uppercase();
    match (objects.from.get("identity"), objects.to.get("identity")) {
        (None, Some(to)) => {
            let add =
                format!("{head} ADD GENERATED {} AS IDENTITY{};", word(to), counting(objects.to));
            vec![vec![add.clone()], vec![format!("{head} DROP DEFAULT;"), add]]
        }
        (_, Some(to)) => one(Some(format!("{head} SET GENERATED {};", word(to)))),
        (_, None) => one(Some(format!("{head} DROP IDENTITY;"))),
    }
}

/// `as integer start 1 … cycle` as the options of an identity.
fn counting(column: &Object) -> String {
    let Some(options) = column.get("sequence options") else { return String::new() };
    let words: Vec<_> = options.split_whitespace().collect();
    let after = |word: &str| {
        let at = words.iter().position(|it| *it == word)?;
        words.get(at + 1).copied()
    };
    let parts = [
        ("START WITH", "start"),
        ("INCREMENT BY", "increment"),
        ("MINVALUE", "min"),
        ("MAXVALUE", "max"),
        ("CACHE", "cache"),
    ];
    let mut said: Vec<_> =
        parts.iter().filter_map(|(sql, word)| Some(format!("{sql} {}", after(word)?))).collect();
    if words.contains(&"cycle") {
        said.push("CYCLE".to_owned());
    }
    format!(" ({})", said.join(" "))
}

fn storage(column: &Object) -> String {
    // What each type has by itself, since only version 16 knows a word for it.
    let usual = match column.get("type").unwrap_or_default() {
        it if it.starts_with("numeric") || it == "inet" || it == "cidr" => "MAIN",
        _ => "EXTENDED",
    };
    column.get("storage").map_or(usual.to_owned(), str::to_uppercase)
}

/// What adds a column to a table that is there.
pub(super) fn addition(column: &Object) -> String {
    let mut sql = format!(
        "ALTER TABLE {} ADD COLUMN {} {}",
        parent(&column.id),
        quote_ident(column.id.name()),
        type_of(column)
    );
    if let Some(expression) = column.get("generated") {
        let kind = column.get("generated kind").unwrap_or("stored").to_uppercase();
        let _ = write!(sql, " GENERATED ALWAYS AS ({expression}) {kind}");
    } else if let Some(identity) = column.get("identity") {
        let options = counting(column);
        let _ = write!(sql, " GENERATED {} AS IDENTITY{options}", identity.to_uppercase());
    } else if let Some(default) = column.get("default") {
        let _ = write!(sql, " DEFAULT {default}");
    }
    if column.get("not null") == Some("true") {
        sql += " NOT NULL";
    }
    sql + ";"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Kind;

    fn column() -> Object {
        Object::new(Kind::Column, ["public", "t", "my c"])
    }

    #[test]
    fn a_column_is_added_with_all_that_its_rows_need() {
        let it = column().with("type", "text").with("collation", "pg_catalog.C");
        let it = it.with("default", "'x'::text").with("not null", "true");
        assert_eq!(
            addition(&it),
            "ALTER TABLE \"public\".\"t\" ADD COLUMN \"my c\" text COLLATE \"pg_catalog\".\"C\" DEFAULT 'x'::text NOT NULL;"
        );
        let it = column()
            .with("type", "integer")
            .with("identity", "by default")
            .with("not null", "true");
        let it =
            it.with("sequence options", "as integer start 5 increment 2 min 1 max 9 cache 1 cycle");
        assert_eq!(
            addition(&it),
            "ALTER TABLE \"public\".\"t\" ADD COLUMN \"my c\" integer GENERATED BY DEFAULT AS IDENTITY (START WITH 5 INCREMENT BY 2 MINVALUE 1 MAXVALUE 9 CACHE 1 CYCLE) NOT NULL;"
        );
    }

    #[test]
    fn a_type_is_cast_first_and_a_default_goes_only_where_that_fails() {
        let (from, to) = (column().with("type", "text"), column().with("type", "integer"));
        let ways = |from: &Object| alterations(Pair { from, to: &to }, "type");
        let head = "ALTER TABLE \"public\".\"t\" ALTER COLUMN \"my c\"";
        let set = format!("{head} SET DATA TYPE integer");
        assert_eq!(ways(&from)[0], [format!("{set};")]);
        assert_eq!(ways(&from)[1], [format!("{set} USING \"my c\"::integer;")]);
        assert_eq!(ways(&from).len(), 3);
        let third = &ways(&from.clone().with("default", "'1'"))[3];
        assert_eq!(third[0], format!("{head} DROP DEFAULT;"));
    }
}
