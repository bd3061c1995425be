//! Rows of `pg_catalog` → catalog.
//!
//! [`script`] is one text of set-based queries, the same whatever the number of tables; [`Assembly`]
//! makes objects of what it returns. Nothing runs here. Each query returns five fixed columns (kind,
//! path, owner, comment, privileges) and then the attributes that it lists, `NULL` for absent.

mod database;
mod grants;
mod index;
mod operators;
mod programs;
mod relations;
mod search;
mod secrets;
mod series;
mod server;
mod stamps;
mod types;

pub use secrets::holds_secret;
pub use series::Series;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::catalog::{Catalog, Kind, Object, ObjectId, Unseen};

/// The oldest major version whose catalog the queries can read.
pub const OLDEST_MAJOR: u32 = 13;

/// One query with the names of the attributes that it returns after the fixed columns.
///
/// A name that ends in `[]` marks a JSON list of names or paths; `*` a JSON object of attributes. A kind
/// with `about` in front makes no object: the row has only a comment or grants for it.
struct Query {
    sql: &'static str,
    attributes: &'static [&'static str],
}

const QUERIES: [Query; 39] = [
    relations::SCHEMAS,
    relations::TABLES,
    relations::COLUMNS,
    relations::CONSTRAINTS,
    relations::INDEXES,
    relations::SEQUENCES,
    relations::INDEX_COMMENTS,
    types::TYPES,
    types::BASE_TYPES,
    types::DOMAIN_COMMENTS,
    programs::ROUTINES,
    programs::AGGREGATES,
    programs::TRIGGERS,
    programs::RULES,
    programs::POLICIES,
    programs::EVENT_TRIGGERS,
    operators::OPERATORS,
    operators::OPERATOR_CLASSES,
    operators::OPERATOR_FAMILIES,
    operators::CASTS,
    operators::TRANSFORMS,
    operators::CONVERSIONS,
    operators::LANGUAGES,
    operators::ACCESS_METHODS,
    search::PARSERS,
    search::TEMPLATES,
    search::DICTIONARIES,
    search::CONFIGURATIONS,
    server::EXTENSIONS,
    server::STATISTICS,
    server::COLLATIONS,
    server::FOREIGN_DATA_WRAPPERS,
    server::FOREIGN_SERVERS,
    server::USER_MAPPINGS,
    server::PUBLICATIONS,
    server::SUBSCRIPTIONS,
    server::DEFAULT_PRIVILEGES,
    database::CHANGED_GRANTS,
    database::SECURITY_LABELS,
];

/// What ends in [`Catalog::surroundings`].
const SURROUNDINGS: [Query; 2] = [database::DATABASE, database::PARAMETERS];

/// Why the rows are not what the queries return.
#[derive(Debug, thiserror::Error)]
#[error("unexpected row from the catalog: {0}")]
pub struct UnexpectedRow(String);

/// One row of text values; `None` is NULL.
pub type TextRow = Vec<Option<String>>;

/// Compiling these queries and starting workers for them takes the server longer than running them.
const SETTINGS: &str = "set local jit = off;\nset local max_parallel_workers_per_gather = 0;\n";

/// Who reads the catalog, as far as the queries depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The server's major version.
    pub major: u32,
    /// Before 14, roles without rights of their own read only some columns of `pg_subscription`.
    pub sees_subscriptions: bool,
}

/// The queries that read everything, for one snapshot. They rely on an empty search path, so that the
/// server writes every name with its schema.
pub fn script(reader: Reader) -> String {
    let queries = QUERIES.iter().chain(&SURROUNDINGS).map(|it| it.sql).chain([database::UNSEEN]);
    let numbered = queries
        .enumerate()
        .map(|(n, sql)| format!("select '{n}', q.* from ({}\n) q;\n", expand(sql, reader)));
    std::iter::once(SETTINGS.to_owned()).chain(numbered).collect()
}

/// The names of all attributes that objects can have, without those that contain a name of the database's
/// (`check price_positive`).
pub fn attributes() -> BTreeSet<&'static str> {
    let names = QUERIES.iter().flat_map(|it| it.attributes.iter().copied());
    names.filter(|it| *it != "*").map(|it| it.trim_end_matches("[]")).chain(index::NAMES).collect()
}

/// Makes a catalog out of the rows of [`script`], one after the other, so that nobody has to hold them
/// all.
#[derive(Debug, Default)]
pub struct Assembly {
    objects: Vec<Object>,
    surroundings: Vec<Object>,
    unseen: Vec<Unseen>,
}

impl Assembly {
    /// Takes the next row.
    ///
    /// # Errors
    /// If it is not one of these queries'.
    pub fn push(&mut self, row: TextRow) -> Result<(), UnexpectedRow> {
        let n: usize = match row.first() {
            Some(Some(n)) => n.parse().map_err(|_| UnexpectedRow(n.clone()))?,
            _ => return Err(UnexpectedRow("no number".to_owned())),
        };
        match (QUERIES.get(n), SURROUNDINGS.get(n.wrapping_sub(QUERIES.len()))) {
            (Some(query), _) => read_row(query, row, &mut self.objects),
            (None, Some(query)) => read_row(query, row, &mut self.surroundings),
            (None, None) => {
                self.unseen.extend(read_unseen(row));
                Ok(())
            }
        }
    }

    /// The catalog. The tables that `ledgers` names by schema and table are left out with everything
    /// that belongs to them, and so are schemas of theirs that hold nothing else.
    pub fn finish(mut self, ledgers: &[[&str; 2]]) -> Catalog {
        let objects = self.objects.into_iter().map(Arc::new).collect();
        let mut catalog = Catalog::of_shared(without_ledgers(objects, ledgers));
        self.unseen.retain(|it| !ledgers.iter().any(|ledger| it.what.ends_with(&ledger.join("."))));
        catalog.unseen = self.unseen;
        catalog.surroundings = self.surroundings;
        catalog
    }
}

fn read_row(query: &Query, row: TextRow, objects: &mut Vec<Object>) -> Result<(), UnexpectedRow> {
    let mut values = row.into_iter().skip(1);
    let mut next = || values.next().flatten();
    let word = next().unwrap_or_default();
    let about = word.strip_prefix("about ");
    let kind = kind_of(about.unwrap_or(&word))?;
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
    object.attributes.shrink();
    if about.is_none() {
        objects.push(object);
    }
    Ok(())
}

fn set(object: &mut Object, name: &'static str, value: String) -> Result<(), UnexpectedRow> {
    let attributes = &mut object.attributes;
    if name == "*" {
        let more: serde_json::Map<String, Value> = parse(&value)?;
        let text = |it: Value| it.as_str().map(str::to_owned);
        attributes.extend(more.into_iter().filter_map(|(name, it)| Some((name, text(it)?))));
    } else if let "fdw options[]" | "settings[]" | "settings of roles[]" = name {
        let options: Vec<String> = parse(&value)?;
        let shown: Vec<_> = options.iter().map(|it| secrets::hidden(object.id.kind, it)).collect();
        let name = name.trim_end_matches("[]");
        object.attributes.insert(name, shown.join(", "));
    } else if let Some(name) = name.strip_suffix("[]") {
        attributes.insert(
            name,
            parse::<Vec<Value>>(&value)?.iter().map(listed).collect::<Vec<_>>().join(", "),
        );
    } else if name == "definition" && object.id.kind == Kind::Index {
        attributes.extend(index::attributes(&value));
    } else {
        attributes.insert(name, value);
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

fn read_unseen(row: TextRow) -> Option<Unseen> {
    let mut values = row.into_iter().skip(1);
    let mut next = || values.next().flatten();
    Some(Unseen { what: next()?, why: next()?, grant: next() })
}

fn parse<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, UnexpectedRow> {
    serde_json::from_str(json).map_err(|_| UnexpectedRow(json.to_owned()))
}

fn kind_of(word: &str) -> Result<Kind, UnexpectedRow> {
    Kind::ALL.into_iter().find(|it| it.word() == word).ok_or_else(|| UnexpectedRow(word.to_owned()))
}

fn without_ledgers(mut objects: Vec<Arc<Object>>, ledgers: &[[&str; 2]]) -> Vec<Arc<Object>> {
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
        let holds = |it: &Arc<Object>| {
            let subject = subject(&it.id);
            let is_grant = it.id.kind != Kind::Comment && subject.len() == 2;
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
    if is_about_other(id) { id.path.get(1..).unwrap_or_default() } else { &id.path }
}

fn is_about_other(id: &ObjectId) -> bool {
    matches!(id.kind, Kind::Comment | Kind::Grant | Kind::SecurityLabel)
}

/// Replaces what the queries have in common and what depends on the server's version.
fn expand(sql: &str, reader: Reader) -> String {
    let mut expanded = String::new();
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once('{') {
        let (inside, behind) = until_closed(after).expect("braces in queries are closed");
        expanded.push_str(before);
        expanded.push_str(&expand_one(inside, reader));
        rest = behind;
    }
    expanded + rest
}

/// What stands before the brace that closes an open one, and what behind it.
fn until_closed(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn expand_one(inside: &str, reader: Reader) -> String {
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
            "(select json_agg((select x.attname from pg_attribute x where x.attrelid = {table} and x.attnum = u.attnum) \
             order by u.n) from unnest({keys}) with ordinality u (attnum, n) where u.attnum <> 0)"
        ),
        ("options", [list]) => format!(
            "case when {list} is not null then (select json_agg(x order by x collate \"C\") from unnest({list}) x) end"
        ),
        // Whatever the collation of the database is.
        ("c", _) => "collate \"C\"".to_owned(),
        ("action", [letter]) => format!(
            "case {letter} when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade' \
             when 'n' then 'set null' when 'd' then 'set default' end"
        ),
        ("enabled", [letter]) => format!(
            "case {letter} when 'D' then 'disabled' when 'R' then 'replica' when 'A' then 'always' end"
        ),
        ("modifies", [letter]) => {
            format!("case {letter} when 's' then 'shareable' when 'w' then 'read-write' end")
        }
        ("targets", [index]) => format!(
            "(select json_agg(x.attnum || ' ' || x.attstattarget order by x.attnum) from pg_attribute x \
             where x.attrelid = {index} and x.attstattarget >= 0)"
        ),
        // What only a series asks for: see `series`.
        ("unit" | "these", _) => String::new(),
        // Made by somebody, not by initdb.
        ("made", [alias]) => format!("{alias}.oid >= 16384"),
        ("member", [class, alias]) => format!(
            "exists (select from pg_depend x where x.classid = '{class}'::regclass \
             and x.objid = {alias}.oid and x.deptype = 'e')"
        ),
        ("member_of", [alias, extension]) => format!(
            "exists (select from pg_depend x where x.classid = 'pg_class'::regclass and x.objid = {alias}.oid \
             and x.refclassid = 'pg_extension'::regclass and x.refobjid = {extension}.oid and x.deptype = 'e')"
        ),
        ("initial", [class, alias]) => format!(
            "left join pg_init_privs i on i.objoid = {alias}.oid and i.classoid = '{class}'::regclass \
             and i.objsubid = 0"
        ),
        ("changed", [kind, acl, owner]) => grants::changed(kind, acl, owner),
        ("family_operators", [class, alias]) => members_of_class(class, alias, OPERATOR_MEMBER),
        ("family_functions", [class, alias]) => members_of_class(class, alias, FUNCTION_MEMBER),
        ("since", [version, ..]) => {
            let body = arguments.strip_prefix(version).unwrap_or_default();
            let is_new = version.parse().is_ok_and(|it: u32| it <= reader.major);
            either(is_new, body, reader)
        }
        ("sees_subscriptions", _) => {
            either(14 <= reader.major || reader.sees_subscriptions, arguments, reader)
        }
        _ => unreachable!("no such abbreviation: {inside}"),
    }
}

/// What stands before `else` or behind it.
fn either(is_first: bool, body: &str, reader: Reader) -> String {
    let (first, second) = body.rsplit_once("else").expect("both versions are given");
    expand(if is_first { first } else { second }, reader)
}

/// Catalog and text of the operators of a class or family, in the alias `m`.
const OPERATOR_MEMBER: [&str; 2] = [
    "pg_amop",
    "m.amopstrategy || ' ' || m.amopopr::regoperator || coalesce(' for order by ' || (select quote_ident(sn.nspname) \
     || '.' || quote_ident(s.opfname) from pg_opfamily s join pg_namespace sn on sn.oid = s.opfnamespace \
     where s.oid = m.amopsortfamily), '')",
];

/// Catalog and text of the functions of a class or family, in the alias `m`.
const FUNCTION_MEMBER: [&str; 2] = [
    "pg_amproc",
    "m.amprocnum || ' (' || format_type(m.amproclefttype, null) || ', ' || format_type(m.amprocrighttype, null) \
     || ') ' || m.amproc::regprocedure",
];

/// The operators or functions that belong to a class or directly to a family.
fn members_of_class(class: &str, alias: &str, [members, text]: [&str; 2]) -> String {
    format!(
        "(select json_agg({text} order by ({text}) collate \"C\") from {members} m \
         join pg_depend x on x.classid = '{members}'::regclass and x.objid = m.oid \
         where x.refclassid = '{class}'::regclass and x.refobjid = {alias}.oid)"
    )
}

#[cfg(test)]
mod tests;
