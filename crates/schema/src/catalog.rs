//! What an engine knows of a database's structure, as facts: objects with named attributes.
//!
//! A catalog is deliberately flat. It has to hold *everything* the engine knows, managed by Drizzle
//! or not, so that equality means equality; the typed entities that Drizzle can express are a
//! projection of it and live in the dialect folders (`postgres::schema`, `sqlite::schema`). Every
//! value is text in the engine's own canonical spelling. The readers in `postgres::catalog` and
//! `sqlite::catalog` fill it; [`crate::compare()`] compares two of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fingerprint::Fingerprint;

/// What sort of thing an object is. One vocabulary for all engines, in report order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Extension,
    Schema,
    Role,
    Language,
    AccessMethod,
    Enum,
    Domain,
    CompositeType,
    RangeType,
    BaseType,
    Collation,
    Conversion,
    Cast,
    Transform,
    Operator,
    OperatorFamily,
    OperatorClass,
    TextSearchParser,
    TextSearchTemplate,
    TextSearchDictionary,
    TextSearchConfiguration,
    Sequence,
    Table,
    Column,
    PrimaryKey,
    Unique,
    ForeignKey,
    Check,
    Exclusion,
    NotNull,
    Index,
    Statistics,
    View,
    MaterializedView,
    Rule,
    Function,
    Procedure,
    Aggregate,
    Trigger,
    EventTrigger,
    Event,
    Policy,
    ForeignDataWrapper,
    ForeignServer,
    UserMapping,
    ForeignTable,
    Publication,
    Subscription,
    Comment,
    Grant,
    DefaultPrivilege,
    SecurityLabel,
    /// The database itself; only in [`Catalog::surroundings`].
    Database,
    /// A setting of the server; only in [`Catalog::surroundings`].
    Parameter,
    /// What the reader does not know; its `kind` attribute says what the engine calls it.
    Other,
}

impl Kind {
    /// Every kind, in report order.
    pub const ALL: [Self; 55] = [
        Self::Extension,
        Self::Schema,
        Self::Role,
        Self::Language,
        Self::AccessMethod,
        Self::Enum,
        Self::Domain,
        Self::CompositeType,
        Self::RangeType,
        Self::BaseType,
        Self::Collation,
        Self::Conversion,
        Self::Cast,
        Self::Transform,
        Self::Operator,
        Self::OperatorFamily,
        Self::OperatorClass,
        Self::TextSearchParser,
        Self::TextSearchTemplate,
        Self::TextSearchDictionary,
        Self::TextSearchConfiguration,
        Self::Sequence,
        Self::Table,
        Self::Column,
        Self::PrimaryKey,
        Self::Unique,
        Self::ForeignKey,
        Self::Check,
        Self::Exclusion,
        Self::NotNull,
        Self::Index,
        Self::Statistics,
        Self::View,
        Self::MaterializedView,
        Self::Rule,
        Self::Function,
        Self::Procedure,
        Self::Aggregate,
        Self::Trigger,
        Self::EventTrigger,
        Self::Event,
        Self::Policy,
        Self::ForeignDataWrapper,
        Self::ForeignServer,
        Self::UserMapping,
        Self::ForeignTable,
        Self::Publication,
        Self::Subscription,
        Self::Comment,
        Self::Grant,
        Self::DefaultPrivilege,
        Self::SecurityLabel,
        Self::Database,
        Self::Parameter,
        Self::Other,
    ];

    /// The word for people, as in `table public.books`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Extension => "extension",
            Self::Schema => "schema",
            Self::Role => "role",
            Self::Language => "language",
            Self::AccessMethod => "access method",
            Self::Enum => "enum",
            Self::Domain => "domain",
            Self::CompositeType => "composite type",
            Self::RangeType => "range type",
            Self::BaseType => "base type",
            Self::Collation => "collation",
            Self::Conversion => "conversion",
            Self::Cast => "cast",
            Self::Transform => "transform",
            Self::Operator => "operator",
            Self::OperatorFamily => "operator family",
            Self::OperatorClass => "operator class",
            Self::TextSearchParser => "text search parser",
            Self::TextSearchTemplate => "text search template",
            Self::TextSearchDictionary => "text search dictionary",
            Self::TextSearchConfiguration => "text search configuration",
            Self::Sequence => "sequence",
            Self::Table => "table",
            Self::Column => "column",
            Self::PrimaryKey => "primary key",
            Self::Unique => "unique constraint",
            Self::ForeignKey => "foreign key",
            Self::Check => "check",
            Self::Exclusion => "exclusion constraint",
            Self::NotNull => "not-null constraint",
            Self::Index => "index",
            Self::Statistics => "statistics",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::Rule => "rule",
            Self::Function => "function",
            Self::Procedure => "procedure",
            Self::Aggregate => "aggregate",
            Self::Trigger => "trigger",
            Self::EventTrigger => "event trigger",
            Self::Event => "event",
            Self::Policy => "policy",
            Self::ForeignDataWrapper => "foreign data wrapper",
            Self::ForeignServer => "foreign server",
            Self::UserMapping => "user mapping",
            Self::ForeignTable => "foreign table",
            Self::Publication => "publication",
            Self::Subscription => "subscription",
            Self::Comment => "comment on",
            Self::Grant => "grant on",
            Self::DefaultPrivilege => "default privilege",
            Self::SecurityLabel => "security label on",
            Self::Database => "database",
            Self::Parameter => "parameter",
            Self::Other => "object",
        }
    }
}

/// The identity of an object: its kind and its path, outermost name first.
///
/// Things inside a table (columns, constraints, indexes, triggers, policies) have the table's path
/// plus their own name. A comment has the path of its target with the target's kind word in front; a
/// grant also ends with the grantee, a security label with its provider.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId {
    pub kind: Kind,
    pub path: Vec<String>,
}

impl ObjectId {
    /// An identity from its parts.
    pub fn new<S: Into<String>>(kind: Kind, path: impl IntoIterator<Item = S>) -> Self {
        Self { kind, path: path.into_iter().map(Into::into).collect() }
    }

    /// The path with dots, parts quoted where they need it: `public.books.price`.
    pub fn dotted(&self) -> String {
        self.path.iter().map(|it| quote_if_needed(it)).collect::<Vec<_>>().join(".")
    }

    /// The last part of the path: the object's own name.
    pub fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// Whether `self` lies inside `table` (a column, constraint, index, trigger … of it).
    pub fn is_inside(&self, table: &Self) -> bool {
        self.path.len() == table.path.len() + 1 && self.path.starts_with(&table.path)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.word(), self.dotted())
    }
}

fn quote_if_needed(name: &str) -> String {
    let plain = name.chars().all(|it| it.is_alphanumeric() || "_$() ,".contains(it));
    if plain && !name.is_empty() {
        name.to_owned()
    } else {
        // Doubled as in SQL, so that no two paths look the same.
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// One object with everything the engine says about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    pub id: ObjectId,
    /// Who owns it. Not part of the fingerprint: a rebuilt database belongs to whoever rebuilt it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Attribute name to value, both in canonical spelling. Absent and empty are different.
    pub attributes: Attributes,
}

/// Attributes by name, in the order of their names.
///
/// A list, because an object has few of them and a catalog has very many objects: a map would take ten
/// times the memory. Names that the code knows are not copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(Cow<'static, str>, String)>);

impl Attributes {
    /// Sets an attribute.
    pub fn insert(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        match self.find(&name) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).ok().map(|at| self.0[at].1.as_str())
    }

    /// Takes an attribute away; returns its value.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        self.find(name).ok().map(|at| self.0.remove(at).1)
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    /// The names, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|it| it.0.as_ref())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives back the memory that more attributes would have taken.
    pub(crate) fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|it| it.0.as_ref().cmp(name))
    }
}

impl<N: Into<Cow<'static, str>>, V: Into<String>> Extend<(N, V)> for Attributes {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, more: I) {
        for (name, value) in more {
            self.insert(name, value);
        }
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = BTreeMap::<String, String>::deserialize(deserializer)?;
        let mut attributes = Self::default();
        attributes.extend(map);
        Ok(attributes)
    }
}

impl Object {
    /// An object without attributes yet.
    pub fn new<S: Into<String>>(kind: Kind, path: impl IntoIterator<Item = S>) -> Self {
        Self { id: ObjectId::new(kind, path), owner: None, attributes: Attributes::default() }
    }

    /// The object with one attribute more.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.attributes.insert(name, value);
        self
    }

    /// The object with one attribute more, if there is a value.
    #[must_use]
    pub fn with_some(
        self,
        name: impl Into<Cow<'static, str>>,
        value: Option<impl Into<String>>,
    ) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)
    }

    /// The hash of the object's identity and attributes, owner left out.
    pub fn fingerprint(&self) -> Fingerprint {
        let head =
            std::iter::once(self.id.kind.word()).chain(self.id.path.iter().map(String::as_str));
        let body = self.attributes.iter().flat_map(|(name, value)| [name, value]);
        Fingerprint::of_parts(head.chain(std::iter::once("\0")).chain(body))
    }
}

/// Something that exists but that the connected role cannot read, or only in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// What cannot be seen, for people: `rows of table public.orders`.
    pub what: String,
    /// Why, for people: `role app has no USAGE on schema private`.
    pub why: String,
    /// The exact statement that an administrator may run to help.
    pub grant: Option<String>,
}

/// All objects of a database, the ledger left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// In the order of their identities, each once. Catalogs of one database at several times share what
    /// did not change between them.
    #[serde(serialize_with = "as_list", deserialize_with = "in_order")]
    objects: Vec<Arc<Object>>,
    /// What could not be seen. A catalog with such parts proves nothing about them.
    pub unseen: Vec<Unseen>,
    /// What belongs to the database as a whole or to its server: locale, settings, number of large
    /// objects, grants on the database and on parameters. Neither compared nor part of the
    /// fingerprint, because a rebuilt database is another one; here to be told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surroundings: Vec<Object>,
}

impl Catalog {
    /// A catalog of these objects. Of two with the same identity the later one stays.
    pub fn new(objects: impl IntoIterator<Item = Object>) -> Self {
        Self::of_shared(objects.into_iter().map(Arc::new).collect())
    }

    /// As [`Self::new`], of objects that other catalogs may have too.
    pub fn of_shared(objects: Vec<Arc<Object>>) -> Self {
        Self { objects: ordered(objects), unseen: Vec::new(), surroundings: Vec::new() }
    }

    /// Adds an object, or replaces the one with its identity.
    pub fn insert(&mut self, object: Object) {
        let object = Arc::new(object);
        match self.find(&object.id) {
            Ok(at) => self.objects[at] = object,
            Err(at) => self.objects.insert(at, object),
        }
    }

    /// The object with this identity.
    pub fn get(&self, id: &ObjectId) -> Option<&Object> {
        self.find(id).ok().map(|at| self.objects[at].as_ref())
    }

    fn find(&self, id: &ObjectId) -> Result<usize, usize> {
        self.objects.binary_search_by(|it| it.id.cmp(id))
    }

    /// All objects, ordered by identity.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().map(Arc::as_ref)
    }

    /// All objects of one kind, ordered by identity.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        let from = self.objects.partition_point(|it| it.id.kind < kind);
        let rest = self.objects[from..].iter().map(Arc::as_ref);
        rest.take_while(move |it| it.id.kind == kind)
    }

    /// The objects inside a table: columns, constraints, indexes, triggers, policies.
    pub fn inside<'a>(&'a self, table: &'a ObjectId) -> impl Iterator<Item = &'a Object> {
        // Objects come kind by kind, and within a kind those of one table are neighbours.
        let mut rest = self.objects.as_slice();
        let kinds = std::iter::from_fn(move || {
            let kind = rest.first()?.id.kind;
            let (of_kind, others) = rest.split_at(rest.partition_point(|it| it.id.kind == kind));
            rest = others;
            let from = of_kind.partition_point(|it| it.id.path < table.path);
            Some(of_kind[from..].iter().take_while(|it| it.id.path.starts_with(&table.path)))
        });
        kinds.flatten().map(Arc::as_ref).filter(|it| it.id.is_inside(table))
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is nothing in the database.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The catalog with only the objects that `keep` accepts.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&Object) -> bool) -> Self {
        let objects = self.objects.iter().filter(|it| keep(it)).cloned();
        Self {
            unseen: self.unseen.clone(),
            surroundings: self.surroundings.clone(),
            ..Self::of_shared(objects.collect())
        }
    }

    /// Whether both have the same objects with the same attributes, owners left out: whether the
    /// [`Self::fingerprint`]s are equal, without hashing anything.
    pub fn has_same_structure(&self, other: &Self) -> bool {
        let is_same = |(one, other): (&Arc<Object>, &Arc<Object>)| {
            Arc::ptr_eq(one, other) || one.id == other.id && one.attributes == other.attributes
        };
        self.len() == other.len() && self.objects.iter().zip(&other.objects).all(is_same)
    }

    /// The hash of all objects together.
    pub fn fingerprint(&self) -> Fingerprint {
        let each = self.objects().map(Object::fingerprint).collect::<Vec<_>>();
        Fingerprint::of_parts(each.iter().map(Fingerprint::as_str))
    }
}

/// Objects in the order of their identities; of two with the same identity the later one stays.
fn ordered(mut objects: Vec<Arc<Object>>) -> Vec<Arc<Object>> {
    objects.sort_by(|a, b| a.id.cmp(&b.id));
    objects.dedup_by(|later, earlier| {
        let is_same = later.id == earlier.id;
        if is_same {
            std::mem::swap(later, earlier);
        }
        is_same
    });
    objects
}

fn as_list<S: Serializer>(objects: &[Arc<Object>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(objects.iter().map(Arc::as_ref))
}

fn in_order<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Arc<Object>>, D::Error> {
    let objects = Vec::<Object>::deserialize(deserializer)?;
    Ok(ordered(objects.into_iter().map(Arc::new).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column() -> Object {
        Object::new(Kind::Column, ["public", "books", "price"]).with("type", "numeric(10,2)")
    }

    #[test]
    fn one_changed_attribute_changes_the_fingerprint_of_the_object_and_of_the_whole() {
        let (from, to) = (column(), column().with("not null", "true"));
        assert_ne!(from.fingerprint(), to.fingerprint());
        assert_ne!(Catalog::new([from]).fingerprint(), Catalog::new([to]).fingerprint());
    }

    #[test]
    fn creation_order_and_owner_do_not_change_the_fingerprint() {
        let table = Object::new(Kind::Table, ["public", "books"]);
        let mut owned = column();
        owned.owner = Some("app".into());
        let (from, to) = (Catalog::new([table.clone(), column()]), Catalog::new([owned, table]));
        assert_eq!(from.fingerprint(), to.fingerprint());
    }

    #[test]
    fn of_two_with_the_same_identity_the_later_one_stays() {
        let mut catalog = Catalog::new([column(), column().with("not null", "true")]);
        assert_eq!(catalog.objects().next().and_then(|it| it.get("not null")), Some("true"));
        catalog.insert(column());
        assert_eq!((catalog.len(), catalog.get(&column().id)), (1, Some(&column())));
    }

    #[test]
    fn inside_a_table_are_its_own_parts_and_no_namesakes() {
        let table = ObjectId::new(Kind::Table, ["public", "books"]);
        let catalog = Catalog::new([
            Object::new(Kind::Table, ["public", "books"]),
            column(),
            Object::new(Kind::Column, ["public", "book", "price"]),
            Object::new(Kind::Column, ["public", "books2", "price"]),
            Object::new(Kind::Check, ["public", "books", "positive"]),
            Object::new(Kind::Comment, ["table", "public", "books"]),
        ]);
        let inside: Vec<_> = catalog.inside(&table).map(|it| it.id.to_string()).collect();
        assert_eq!(inside, ["column public.books.price", "check public.books.positive"]);
    }

    #[test]
    fn attributes_are_in_the_order_of_their_names() {
        let object = column().with("position", "1").with("not null", "true").with("type", "text");
        let all: Vec<_> = object.attributes.iter().collect();
        assert_eq!(all, [("not null", "true"), ("position", "1"), ("type", "text")]);
    }

    #[test]
    fn a_catalog_survives_json() {
        let catalog = Catalog::new([column()]);
        let json = serde_json::to_string(&catalog).unwrap();
        assert_eq!(serde_json::from_str::<Catalog>(&json).unwrap(), catalog);
    }

    #[test]
    fn names_that_need_quotes_get_them() {
        let id = ObjectId::new(Kind::Table, ["public", "a.b"]);
        assert_eq!(id.to_string(), "table public.\"a.b\"");
        let id = ObjectId::new(Kind::Table, ["a\"", "b"]);
        assert_eq!(id.to_string(), "table \"a\"\"\".b");
    }
}
