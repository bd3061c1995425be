//! Live → what a Drizzle schema would say of it: the content of a baseline's snapshot.
//!
//! Where `schema.ts` declares what live has, its spelling is taken ([`present`]), so that the real
//! `drizzle-kit generate` finds nothing; without a `schema.ts` the catalog is described ([`describe`]).

mod lent;

use super::grammar::literal;
use super::schema::{
    Check, Column, DefaultValue, ForeignKey, Generated, Index, IndexColumn, PrimaryKey, Schema,
    Table,
};
use super::token::tokens;
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::compare::{AttributeDifference, Equivalence};
use crate::pair::Pair;
use crate::token::Token;

pub use lent::with_names_of;

/// The built catalog as it has to be compared with live. The server makes an index for a foreign key that finds
/// none, and calls it after the key or after its first column; nobody declares it, and another one does as well.
pub fn settle(schema: &Schema, live: &Catalog, built: &Catalog) -> (Catalog, Vec<Equivalence>) {
    let is_declared = |index: &Object| {
        let [table, name] = index.id.path.as_slice() else { return true };
        let tables = schema.tables.iter().filter(|it| it.name == *table);
        tables.into_iter().any(|it| {
            it.indexes.iter().any(|it| it.name == *name)
                || it.uniques.iter().any(|it| it.name == *name)
        })
    };
    let own = built
        .of_kind(Kind::Index)
        .filter(|it| live.get(&it.id).is_none() && is_for_key(it, built) && !is_declared(it));
    let (mut settled, mut equivalent, mut gone) = (built.clone(), Vec::new(), Vec::new());
    for index in own {
        let Some(other) = serving(index, live) else { continue };
        gone.push(index.id.clone());
        if settled.get(&other.id).is_none() && is_for_key(other, live) {
            settled.insert(other.clone());
        }
        let values = Pair { from: Some(other.id.to_string()), to: Some(index.id.to_string()) };
        equivalent.push(Equivalence {
            id: other.id.clone(),
            attribute: AttributeDifference { name: "name".to_owned(), values },
            why: "the server makes an index for a foreign key where there is none yet, whatever it is called",
        });
    }
    (settled.filtered(|it| !gone.contains(&it.id)), equivalent)
}

/// Whether an index is over exactly the columns of a foreign key of its table.
fn is_for_key(index: &Object, catalog: &Catalog) -> bool {
    let is_plain = index.get("unique") == Some("false") && index.get("kind").is_none();
    let columns = index.get("columns");
    let mut keys = catalog.of_kind(Kind::ForeignKey);
    is_plain
        && keys
            .any(|it| it.id.path.first() == index.id.path.first() && it.get("columns") == columns)
}

/// An index or key of live's table that begins with the same columns.
fn serving<'a>(index: &Object, live: &'a Catalog) -> Option<&'a Object> {
    let columns = index.get("columns")?;
    let begins = |it: &&Object| {
        let rest = it.get("columns").and_then(|it| it.strip_prefix(columns));
        it.get("kind").is_none() && rest.is_some_and(|it| it.is_empty() || it.starts_with(','))
    };
    let of_table = |kind| {
        live.of_kind(kind).filter(|it: &&Object| it.id.path.first() == index.id.path.first())
    };
    let mut all = of_table(Kind::Index).chain(of_table(Kind::PrimaryKey));
    let exact = of_table(Kind::Index).find(|it| it.get("columns") == Some(columns));
    exact.or_else(|| all.find(begins))
}

/// The part of a declared schema that live has. Whether what both have is equal is for the comparison
/// of catalogs to say, before this is used.
pub fn present(schema: &Schema, live: &Catalog) -> Schema {
    let has = |kind: Kind, path: &[&String]| {
        live.get(&ObjectId::new(kind, path.iter().copied())).is_some()
    };
    let mut kept = schema.clone();
    kept.tables.retain(|it| has(Kind::Table, &[&it.name]));
    for table in &mut kept.tables {
        table.columns.retain(|it| has(Kind::Column, &[&table.name, &it.name]));
        table.indexes.retain(|it| has(Kind::Index, &[&table.name, &it.name]));
        table.uniques.retain(|it| has(Kind::Index, &[&table.name, &it.name]));
    }
    kept.views.retain(|it| it.existing || has(Kind::View, &[&it.name]));
    kept
}

/// The catalog as a Drizzle schema, as far as Drizzle can say it. Of a view it would have to say every column's
/// type, which no catalog does.
pub fn describe(live: &Catalog) -> Schema {
    let tables = live.of_kind(Kind::Table).filter(|it| it.get("definition").is_none());
    Schema { tables: tables.map(|it| table(live, it)).collect(), views: Vec::new() }
}

fn table(live: &Catalog, table: &Object) -> Table {
    let inside = |kind: Kind| {
        let mut objects: Vec<&Object> =
            live.inside(&table.id).filter(|it| it.id.kind == kind).collect();
        objects.sort_by_key(|it| it.get("position").and_then(|it| it.parse::<u32>().ok()));
        objects
    };
    let name = table.id.name();
    let key: Vec<String> =
        inside(Kind::PrimaryKey).iter().flat_map(|it| names(it, "columns")).collect();
    // Full texts and places have indexes that Drizzle has no words for.
    let indexes = inside(Kind::Index).into_iter().filter(|it| it.get("kind").is_none());
    Table {
        name: name.to_owned(),
        schema: None,
        columns: inside(Kind::Column).into_iter().map(|it| column(it, &key)).collect(),
        indexes: indexes.map(index).collect(),
        foreign_keys: inside(Kind::ForeignKey).into_iter().map(foreign_key).collect(),
        primary_keys: composite_key(name, &key),
        uniques: Vec::new(),
        checks: inside(Kind::Check).into_iter().map(check).collect(),
    }
}

fn column(column: &Object, key: &[String]) -> Column {
    let name = column.id.name();
    let on_update = column.get("on update").unwrap_or_default();
    let generated = column.get("generated").map(|expression| Generated {
        expression: format!("({expression})"),
        kind: column.get("generated kind").unwrap_or("virtual").to_owned(),
    });
    let sql_type = sql_type(column.get("type").unwrap_or_default());
    let default = column.get("default").filter(|it| *it != "NULL").map(|it| default(it, &sql_type));
    Column {
        name: name.to_owned(),
        sql_type,
        enum_values: None,
        primary_key: matches!(key, [only] if only == name),
        not_null: column.get("not null") == Some("true"),
        auto_increment: column.get("auto increment").is_some(),
        on_update_now: !on_update.is_empty(),
        on_update_now_fsp: on_update.chars().find_map(|it| it.to_digit(10)),
        char_set: None,
        collation: None,
        generated,
        default,
    }
}

/// As drizzle-orm spells it: without the width in which whole numbers were once shown.
fn sql_type(text: &str) -> String {
    if text == "tinyint(1)" {
        return "boolean".to_owned();
    }
    let Some((name, rest)) = text.split_once('(') else { return text.to_owned() };
    match name.ends_with("int") {
        true => format!("{name}{}", rest.split_once(')').map_or("", |it| it.1)),
        false => text.to_owned(),
    }
}

/// As `schema.ts` would say it: a value where the server shows one, else SQL.
fn default(text: &str, sql_type: &str) -> DefaultValue {
    let is_now = |it: &str| {
        let it = it.to_ascii_lowercase();
        it == "current_timestamp" || it == "current_timestamp()"
    };
    // As `.defaultNow()` is written.
    if is_now(text) {
        return DefaultValue::Sql("(now())".to_owned());
    }
    value(text, sql_type).unwrap_or_else(|| DefaultValue::Sql(text.to_owned()))
}

fn value(text: &str, sql_type: &str) -> Option<DefaultValue> {
    let said = literal(text).unwrap_or_else(|| text.to_owned());
    let word = sql_type.split(|it: char| it.is_whitespace() || it == '(').next()?;
    let number = || serde_json::from_str(&said).ok().filter(serde_json::Value::is_number);
    Some(match word {
        "boolean" if said == "0" || said == "1" => DefaultValue::Json((said == "1").into()),
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "float" | "double" => {
            DefaultValue::Json(number()?)
        }
        // Drizzle 0.x does not escape what the server would.
        _ if literal(text).is_none() || said.contains('\\') => return None,
        "char" | "varchar" | "enum" | "decimal" | "date" | "datetime" | "timestamp" | "time" => {
            DefaultValue::Text(said)
        }
        _ => return None,
    })
}

fn composite_key(table: &str, columns: &[String]) -> Vec<PrimaryKey> {
    if columns.len() < 2 {
        return Vec::new();
    }
    let name = format!("{table}_{}_pk", columns.join("_"));
    vec![PrimaryKey { name, name_explicit: false, columns: columns.to_vec() }]
}

fn index(index: &Object) -> Index {
    let list = index.get("columns").unwrap_or_default();
    let tokens = tokens(list).unwrap_or_default();
    let parts = at_commas(&tokens).map(|part| match part {
        [name] => {
            IndexColumn { expression: name.identifier().unwrap_or_default(), is_expression: false }
        }
        // A prefix, an order, an expression.
        _ => {
            let (start, end) = (part.first().map(|it| it.start), part.last().map(Token::end));
            let said = start.zip(end).and_then(|(start, end)| list.get(start..end));
            IndexColumn { expression: said.unwrap_or_default().to_owned(), is_expression: true }
        }
    });
    Index {
        name: index.id.name().to_owned(),
        name_explicit: true,
        columns: parts.collect(),
        unique: index.get("unique") == Some("true"),
        using: index.get("method").map(str::to_owned),
        algorithm: None,
        lock: None,
    }
}

/// What stands between the commas outside parentheses.
fn at_commas<'t, 'a>(tokens: &'t [Token<'a>]) -> impl Iterator<Item = &'t [Token<'a>]> {
    let mut depth = 0_usize;
    let parts = tokens.split(move |it| {
        if it.is_symbol('(') {
            depth += 1;
        } else if it.is_symbol(')') {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && it.is_symbol(',')
    });
    parts.filter(|it| !it.is_empty())
}

fn foreign_key(key: &Object) -> ForeignKey {
    let action = |name: &str| key.get(name).unwrap_or("no action").to_owned();
    ForeignKey {
        name: key.id.name().to_owned(),
        name_explicit: true,
        name_lent: false,
        columns: names(key, "columns"),
        table_to: names(key, "references").pop().unwrap_or_default(),
        columns_to: names(key, "references columns"),
        on_delete: action("on delete"),
        on_update: action("on update"),
    }
}

fn check(check: &Object) -> Check {
    let value = check.get("expression").unwrap_or_default().to_owned();
    Check { name: check.id.name().to_owned(), value }
}

/// The names in backticks that an attribute lists.
fn names(object: &Object, attribute: &str) -> Vec<String> {
    let tokens = tokens(object.get(attribute).unwrap_or_default()).unwrap_or_default();
    let quoted = tokens.iter().filter(|it| it.text.starts_with('`'));
    quoted.filter_map(|it| it.identifier()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_that_a_foreign_key_brings_may_have_any_name() {
        let key = || Object::new(Kind::ForeignKey, ["t", "fk"]).with("columns", "`a`");
        let index = |name: &str, columns: &str| {
            Object::new(Kind::Index, ["t", name]).with("unique", "false").with("columns", columns)
        };
        let schema = Schema::default();
        let built = Catalog::new(vec![key(), index("fk", "`a`")]);
        let names = |live: Vec<Object>| -> Vec<String> {
            let (settled, _) = settle(&schema, &Catalog::new(live), &built);
            settled.of_kind(Kind::Index).map(|it| it.id.name().to_owned()).collect()
        };
        assert_eq!(names(vec![key(), index("a", "`a`")]), ["a"]);
        let wide = index("a_b", "`a`,`b`");
        assert!(names(vec![key(), wide]).is_empty());
        assert_eq!(names(vec![key(), index("ab", "`ab`")]), ["fk"]);
        assert_eq!(names(vec![key(), index("fk", "`a`")]), ["fk"]);
    }

    #[test]
    fn a_default_is_the_value_that_the_server_shows() {
        let check = |sql_type: &str, text: &str, expected: DefaultValue| {
            assert_eq!(default(text, sql_type), expected, "{sql_type} {text}");
        };
        let text = |it: &str| DefaultValue::Text(it.to_owned());
        let sql = |it: &str| DefaultValue::Sql(it.to_owned());
        check("varchar(9)", "'it''s'", text("it's"));
        check("enum('a','b')", "'a'", text("a"));
        check("varchar(9)", "'a\\\\b'", sql("'a\\\\b'"));
        check("boolean", "'1'", DefaultValue::Json(true.into()));
        check("int", "'-3'", DefaultValue::Json((-3).into()));
        check("bigint unsigned", "7", DefaultValue::Json(7.into()));
        check("decimal(5,2)", "'1.50'", text("1.50"));
        check("timestamp", "'1970-01-02 00:00:01'", text("1970-01-02 00:00:01"));
        check("varbinary(9)", "'ab'", sql("'ab'"));
        check("bit(3)", "b'101'", sql("b'101'"));
        check("varchar(36)", "(uuid())", sql("(uuid())"));
        check("varchar(36)", "uuid()", sql("uuid()"));
    }

    #[test]
    fn a_catalog_is_described_in_drizzles_words() {
        let column = |name: &str, sql_type: &str, position: &str| {
            Object::new(Kind::Column, ["t", name]).with("type", sql_type).with("position", position)
        };
        let objects = vec![
            Object::new(Kind::Table, ["t"]),
            column("id", "int(10) unsigned", "1")
                .with("not null", "true")
                .with("auto increment", "true"),
            column("is", "tinyint(1)", "2").with("default", "NULL"),
            column("at", "timestamp(3)", "3")
                .with("default", "current_timestamp()")
                .with("on update", "current_timestamp(3)"),
            Object::new(Kind::PrimaryKey, ["t", "PRIMARY"]).with("columns", "`id`"),
            Object::new(Kind::Index, ["t", "i"]).with("columns", "`is`,`at`(10) DESC,(`id` + 1)"),
            Object::new(Kind::Index, ["t", "f"]).with("columns", "`is`").with("kind", "fulltext"),
            Object::new(Kind::ForeignKey, ["t", "k"])
                .with("columns", "`id`")
                .with("references", "`a`.`b`")
                .with("references columns", "`x`"),
        ];
        let described = describe(&Catalog::new(objects));
        let [table] = described.tables.as_slice() else { panic!("one table") };
        let types: Vec<_> = table.columns.iter().map(|it| it.sql_type.as_str()).collect();
        assert_eq!(types, ["int unsigned", "boolean", "timestamp(3)"]);
        assert!(table.columns[0].primary_key && table.columns[0].auto_increment);
        assert_eq!(table.columns[1].default, None);
        assert_eq!(table.columns[2].default, Some(DefaultValue::Sql("(now())".to_owned())));
        assert_eq!(table.columns[2].on_update_now_fsp, Some(3));
        let [index] = table.indexes.as_slice() else { panic!("one index") };
        let parts: Vec<_> = index.columns.iter().map(|it| it.expression.as_str()).collect();
        assert_eq!(parts, ["is", "`at`(10) DESC", "(`id` + 1)"]);
        assert_eq!(table.foreign_keys[0].table_to, "b");
    }
}
