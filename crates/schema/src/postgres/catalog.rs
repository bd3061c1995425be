//! Rows of `pg_catalog` → catalog.
//!
//! [`script`] is one text of set-based queries, the same whatever the number of tables; [`assemble`]
//! makes objects of what it returns. Nothing runs here. Each query returns five fixed columns (kind,
//! path, owner, comment, privileges) and then the attributes that it lists, `NULL` for absent.

mod grants;
mod index;
mod programs;
mod relations;
mod server;

use serde_json::Value;

use crate::catalog::{Catalog, Kind, Object, ObjectId, Unseen};
use crate::fingerprint::Fingerprint;

/// The oldest major version whose catalog the queries can read.
pub const OLDEST_MAJOR: u32 = 13;

/// One query with the names of the attributes that it returns after the fixed columns.
///
/// A name that ends in `[]` marks a JSON list of names or paths; `*` a JSON object of attributes.
struct Query {
    sql: &'static str,
    attributes: &'static [&'static str],
}

const QUERIES: [Query; 20] = [
    relations::SCHEMAS,
    relations::TABLES,
    relations::COLUMNS,
    relations::CONSTRAINTS,
    relations::INDEXES,
    relations::SEQUENCES,
    programs::TYPES,
    programs::ROUTINES,
    programs::TRIGGERS,
    programs::RULES,
    programs::POLICIES,
    programs::EVENT_TRIGGERS,
    server::EXTENSIONS,
    server::STATISTICS,
    server::COLLATIONS,
    server::FOREIGN_SERVERS,
    server::PUBLICATIONS,
    server::SUBSCRIPTIONS,
    server::DEFAULT_PRIVILEGES,
    server::OTHERS,
];

/// Why the rows are not what the queries return.
#[derive(Debug, thiserror::Error)]
#[error("unexpected row from the catalog: {0}")]
pub struct UnexpectedRow(String);

/// One row of text values; `None` is NULL.
pub type TextRow = Vec<Option<String>>;

/// The queries that read everything, for one snapshot. They rely on an empty search path, so that the
/// server writes every name with its schema.
pub fn script(major: u32) -> String {
    let queries = QUERIES.iter().map(|it| it.sql).chain([server::UNSEEN]).enumerate();
    queries
        .map(|(n, sql)| format!("select '{n}', q.* from ({}\n) q;\n", expand(sql, major)))
        .collect()
}

/// Makes the catalog out of all rows of [`script`]. The tables that `ledgers` names by schema and table
/// are left out with everything that belongs to them, and so are schemas of theirs that hold nothing
/// else.
///
/// # Errors
/// If a row is not one of these queries'.
pub fn assemble(
    rows: impl IntoIterator<Item = TextRow>,
    ledgers: &[[&str; 2]],
) -> Result<Catalog, UnexpectedRow> {
    let (mut objects, mut unseen) = (Vec::new(), Vec::new());
    for row in rows {
        let n: usize = match row.first() {
            Some(Some(n)) => n.parse().map_err(|_| UnexpectedRow(n.clone()))?,
            _ => return Err(UnexpectedRow("no number".to_owned())),
        };
        match QUERIES.get(n) {
            Some(query) => read_row(query, row, &mut objects)?,
            None => unseen.extend(read_unseen(row)),
        }
    }
    let mut catalog = Catalog::new(without_ledgers(objects, ledgers));
    unseen.retain(|it: &Unseen| !ledgers.iter().any(|ledger| it.what.ends_with(&ledger.join("."))));
    catalog.unseen = unseen;
    Ok(catalog)
}

fn read_row(query: &Query, row: TextRow, objects: &mut Vec<Object>) -> Result<(), UnexpectedRow> {
    let mut values = row.into_iter().skip(1);
    let mut next = || values.next().flatten();
    let kind = kind_of(&next().unwrap_or_default())?;
    let path: Vec<String> = parse(&next().unwrap_or_default())?;
    let (owner, comment, privileges) = (next(), next(), next());
    let mut object = Object { owner, ..Object::new(kind, path) };
    for (name, value) in query.attributes.iter().zip(values) {
        if let Some(value) = value {
            set(&mut object, name, value)?;
        }
    }
    if let Some(comment) = comment {
        let path = std::iter::once(kind.word().to_owned()).chain(object.id.path.iter().cloned());
        objects.push(Object::new(Kind::Comment, path).with("text", comment));
    }
    if let Some(privileges) = privileges {
        objects.extend(grants::of(&object.id, &parse(&privileges)?));
    }
    objects.push(object);
    Ok(())
}

fn set(object: &mut Object, name: &str, value: String) -> Result<(), UnexpectedRow> {
    let attributes = &mut object.attributes;
    if name == "*" {
        let more: serde_json::Map<String, Value> = parse(&value)?;
        let text = |it: Value| it.as_str().map(str::to_owned);
        attributes.extend(more.into_iter().filter_map(|(name, it)| Some((name, text(it)?))));
    } else if name == "fdw options[]" {
        let options: Vec<String> = parse(&value)?;
        let shown: Vec<_> = options.iter().map(|it| without_secret(it)).collect();
        attributes.insert("fdw options".to_owned(), shown.join(", "));
    } else if let Some(name) = name.strip_suffix("[]") {
        attributes.insert(
            name.to_owned(),
            parse::<Vec<Value>>(&value)?.iter().map(listed).collect::<Vec<_>>().join(", "),
        );
    } else if name == "definition" && object.id.kind == Kind::Index {
        attributes.extend(index::attributes(&value));
    } else {
        attributes.insert(name.to_owned(), value);
    }
    Ok(())
}

/// An element of a list: a name, or the path of an object.
fn listed(value: &Value) -> String {
    match value {
        Value::Array(path) => {
            let parts = path.iter().map(|it| it.as_str().unwrap_or_default());
            ObjectId::new(Kind::Other, parts).dotted()
        }
        Value::String(text) if text.contains('=') || text.contains(' ') => text.clone(),
        Value::String(name) => ObjectId::new(Kind::Other, [name]).dotted(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// An option of a foreign server or table, secrets as their hash.
fn without_secret(option: &str) -> String {
    let (name, value) = option.split_once('=').unwrap_or((option, ""));
    let lower = name.to_lowercase();
    let is_secret =
        ["pass", "secret", "key", "token", "credential"].iter().any(|it| lower.contains(it));
    if is_secret {
        return format!("{name}=(sha256 {})", Fingerprint::of_bytes(value.as_bytes()).short());
    }
    option.to_owned()
}

fn read_unseen(row: TextRow) -> Option<Unseen> {
    let mut values = row.into_iter().skip(1);
    let mut next = || values.next().flatten();
    Some(Unseen { what: next()?, why: next()?, grant: next() })
}

fn parse<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, UnexpectedRow> {
    serde_json::from_str(json).map_err(|_| UnexpectedRow(json.to_owned()))
}

fn kind_of(word: &str) -> Result<Kind, UnexpectedRow> {
    const KINDS: [Kind; 35] = [
        Kind::Extension,
        Kind::Schema,
        Kind::Enum,
        Kind::Domain,
        Kind::CompositeType,
        Kind::RangeType,
        Kind::BaseType,
        Kind::Collation,
        Kind::Sequence,
        Kind::Table,
        Kind::Column,
        Kind::PrimaryKey,
        Kind::Unique,
        Kind::ForeignKey,
        Kind::Check,
        Kind::Exclusion,
        Kind::NotNull,
        Kind::Index,
        Kind::Statistics,
        Kind::View,
        Kind::MaterializedView,
        Kind::Rule,
        Kind::Function,
        Kind::Procedure,
        Kind::Aggregate,
        Kind::Trigger,
        Kind::EventTrigger,
        Kind::Policy,
        Kind::ForeignServer,
        Kind::ForeignTable,
        Kind::Publication,
        Kind::Subscription,
        Kind::DefaultPrivilege,
        Kind::Role,
        Kind::Other,
    ];
    KINDS.into_iter().find(|it| it.word() == word).ok_or_else(|| UnexpectedRow(word.to_owned()))
}

fn without_ledgers(mut objects: Vec<Object>, ledgers: &[[&str; 2]]) -> Vec<Object> {
    // Its own sequence goes with it.
    let mut gone: Vec<Vec<String>> = Vec::new();
    for ledger in ledgers {
        let id = ObjectId::new(Kind::Table, *ledger);
        let prefix = format!("{}.", id.dotted());
        gone.push(id.path);
        let owned = objects.iter().filter(|it| {
            it.id.kind == Kind::Sequence
                && it.get("owned by").is_some_and(|column| column.starts_with(&prefix))
        });
        gone.extend(owned.map(|it| it.id.path.clone()));
    }
    objects.retain(|it| !gone.iter().any(|path| subject(&it.id).starts_with(path)));
    for [schema, _] in ledgers {
        let path = [(*schema).to_owned()];
        // What is inside the schema has a longer path than the schema, its comment and its grants.
        let holds = |it: &Object| {
            let subject = subject(&it.id);
            let is_grant = it.id.kind == Kind::Grant && subject.len() == 2;
            subject.starts_with(&path)
                && subject.len() > 1
                && !(is_grant && is_about_schema(&it.id))
        };
        if *schema != "public" && !objects.iter().any(holds) {
            objects.retain(|it| {
                let is_schema = it.id.kind == Kind::Schema || is_about_schema(&it.id);
                !(is_schema && subject(&it.id).starts_with(&path))
            });
        }
    }
    objects
}

fn is_about_schema(id: &ObjectId) -> bool {
    is_about_other(id) && id.path.first().is_some_and(|it| it == Kind::Schema.word())
}

/// The path of what an object is or is about: a comment's and a grant's target.
fn subject(id: &ObjectId) -> &[String] {
    let is_prefixed = is_about_other(id) || id.kind == Kind::Other;
    if is_prefixed { id.path.get(1..).unwrap_or_default() } else { &id.path }
}

fn is_about_other(id: &ObjectId) -> bool {
    id.kind == Kind::Comment || id.kind == Kind::Grant
}

/// Replaces what the queries have in common and what depends on the server's version.
fn expand(sql: &str, major: u32) -> String {
    let mut expanded = String::new();
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once('{') {
        let (inside, behind) = after.split_once('}').expect("braces in queries are closed");
        expanded.push_str(before);
        expanded.push_str(&expand_one(inside, major));
        rest = behind;
    }
    expanded + rest
}

fn expand_one(inside: &str, major: u32) -> String {
    let (word, arguments) = inside.split_once(' ').unwrap_or((inside, ""));
    let words: Vec<&str> = arguments.split_whitespace().collect();
    match (word, words.as_slice()) {
        ("user", _) => "n.nspname <> 'information_schema' and n.nspname !~ '^pg_'".to_owned(),
        ("own", [class, alias]) => format!(
            "not exists (select from pg_depend x where x.classid = '{class}'::regclass \
             and x.objid = {alias}.oid and x.deptype = 'e')"
        ),
        ("explicit", [class, alias]) => format!(
            "not exists (select from pg_depend x where x.classid = '{class}'::regclass \
             and x.objid = {alias}.oid and x.deptype = 'i')"
        ),
        ("comment", [class, alias, column @ ..]) => format!(
            "(select x.description from pg_description x where x.objoid = {alias}.oid \
             and x.classoid = '{class}'::regclass and x.objsubid = {})",
            column.first().unwrap_or(&"0")
        ),
        ("acl", [kind, acl, owner]) => grants::query(kind, acl, owner),
        ("part_of", _) => "case when c.relispartition then 'partition' when c.relkind = 'f' \
             then 'foreign table' when c.relkind in ('v', 'm') then 'view' end"
            .to_owned(),
        ("names", [table, keys]) => format!(
            "(select json_agg(x.attname order by u.n) from unnest({keys}) with ordinality u (attnum, n) \
             join pg_attribute x on x.attrelid = {table} and x.attnum = u.attnum)"
        ),
        ("options", [list]) => format!("(select json_agg(x order by x) from unnest({list}) x)"),
        ("action", [letter]) => format!(
            "case {letter} when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade' \
             when 'n' then 'set null' when 'd' then 'set default' end"
        ),
        ("enabled", [letter]) => format!(
            "case {letter} when 'D' then 'disabled' when 'R' then 'replica' when 'A' then 'always' end"
        ),
        ("since", [version, ..]) => {
            let body = arguments.strip_prefix(version).unwrap_or_default();
            let (new, old) = body.rsplit_once(" else").expect("both versions are given");
            let is_new = version.parse().is_ok_and(|it: u32| major >= it);
            if is_new { new } else { old }.to_owned()
        }
        _ => unreachable!("no such abbreviation: {inside}"),
    }
}

#[cfg(test)]
mod tests;
