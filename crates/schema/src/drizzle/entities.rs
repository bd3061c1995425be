//! Snapshots of Drizzle 1.0: a schema as flat rows, one for each entity.
//!
//! A row says which type of entity it is; the type says which fields it has, which of them are its key
//! and which point at other rows. The dialects list their types. `chain` reads and writes the files.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};

use super::javascript::compact;
use super::shape::Misfit;

/// One entity, `entityType` last.
pub type Row = Map<String, Value>;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    Text,
    Flag,
    Number,
    Texts,
    OneOf(&'static [&'static str]),
    /// An object with these fields, or null.
    Object(Fields),
    /// A list of objects with these fields.
    Objects(Fields),
    /// That, or null.
    Or(&'static Self),
}

/// Fields in the order in which they are written.
pub type Fields = &'static [(&'static str, Form)];

/// One type of entity.
#[derive(Debug, PartialEq)]
pub struct EntityType {
    /// As `entityType` says it, in the plural.
    pub name: &'static str,
    pub fields: Fields,
    /// The fields whose values no other row of the type has together.
    pub key: &'static [&'static str],
    pub links: &'static [Link],
}

/// Fields that hold the key of a row of another type, so that they follow when it is renamed.
#[derive(Debug, PartialEq)]
pub struct Link {
    pub to: &'static str,
    /// The field there, and where its value is here.
    pub fields: &'static [(&'static str, Source)],
}

/// Where a link's value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    Field(&'static str),
    /// Each text of a list.
    Texts(&'static str),
    /// The `value` of each object of a list that is no expression.
    Values(&'static str),
}

/// What a migration changes in the rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    Create(Row),
    Drop(String),
    Alter { key: String, set: Row },
    Rename { key: String, set: Row },
}

/// Two rows with one key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two of its {entity} have the key {key}")]
pub struct Clash {
    pub entity: String,
    pub key: String,
}

/// All rows of a schema: types in the order of the format, rows of a type as they were added.
#[derive(Clone, Debug, PartialEq)]
pub struct Entities {
    types: &'static [EntityType],
    rows: Vec<Rows>,
}

/// Rows of one type by their keys. States of a history have most of them in common.
type Rows = IndexMap<String, Arc<Row>>;

/// What differs between two sets of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    pub created: Vec<Row>,
    pub dropped: Vec<Row>,
    pub altered: Vec<Altered>,
}

/// One row on both sides, with the fields that differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Altered {
    pub from: Row,
    pub to: Row,
    pub fields: Vec<String>,
}

/// A value as a row of a type.
pub fn row(entity_type: &str, value: &impl Serialize) -> Row {
    let value = serde_json::to_value(value).expect("plain data always serializes");
    let mut row = value.as_object().cloned().unwrap_or_default();
    row.insert("entityType".to_owned(), entity_type.into());
    row
}

/// The name of a row's type.
pub fn type_of(row: &Row) -> &str {
    row.get("entityType").and_then(Value::as_str).unwrap_or_default()
}

impl EntityType {
    /// The key of a row as the files spell it.
    pub fn key_of(&self, row: &Row) -> String {
        let value = |field: &&str| row.get(*field).cloned().unwrap_or(Value::Null);
        compact(&self.key.iter().map(value).collect::<Vec<_>>())
    }

    /// Whether rows say if the schema gave them their name.
    pub fn has_implicit_names(&self) -> bool {
        self.fields.iter().any(|it| it.0 == "nameExplicit")
    }

    /// The row with its fields in order, if it has exactly those of its type.
    fn fit(&self, mut row: Row) -> Result<Row, Misfit> {
        check_fields(&row, self.fields, Some("entityType"))?;
        // There are thousands of rows, and one that grows takes room for twice its fields.
        let mut fitted = Row::with_capacity(self.fields.len() + 1);
        for (key, _) in self.fields {
            fitted.extend(row.get_mut(*key).map(|it| ((*key).to_owned(), it.take())));
        }
        fitted.insert("entityType".to_owned(), self.name.into());
        Ok(fitted)
    }
}

impl Entities {
    /// No rows.
    pub fn new(types: &'static [EntityType]) -> Self {
        Self { types, rows: types.iter().map(|_| IndexMap::new()).collect() }
    }

    /// Adds a row of a file.
    ///
    /// # Errors
    /// If its type does not allow it, or another row has its key.
    pub fn read(&mut self, value: Value) -> Result<(), Misfit> {
        let row = self.fit(value)?;
        self.add(row).map_err(|it| misfit(&it.to_string()))
    }

    /// The value as a row with its fields in order.
    ///
    /// # Errors
    /// If its type is unknown or does not have these fields.
    pub fn fit(&self, value: Value) -> Result<Row, Misfit> {
        let Value::Object(row) = value else { return Err(misfit("expected an object")) };
        let found = self.types.iter().find(|it| it.name == type_of(&row));
        found.ok_or_else(|| misfit("expected a known `entityType`"))?.fit(row)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// If another row has its key.
    pub fn add(&mut self, row: Row) -> Result<(), Clash> {
        self.add_shared(Arc::new(row))
    }

    fn add_shared(&mut self, row: Arc<Row>) -> Result<(), Clash> {
        let Some(index) = self.index(type_of(&row)) else { return Ok(()) };
        let key = self.types[index].key_of(&row);
        if self.rows[index].contains_key(&key) {
            return Err(Clash { entity: type_of(&row).to_owned(), key });
        }
        self.rows[index].insert(key, row);
        Ok(())
    }

    /// All rows.
    pub fn all(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().flat_map(IndexMap::values).map(Arc::as_ref)
    }

    /// The rows of a type.
    pub fn of(&self, entity: &str) -> impl Iterator<Item = &Row> {
        self.shared(entity).map(Arc::as_ref)
    }

    /// The same, to be kept while others change.
    pub(super) fn shared(&self, entity: &str) -> impl Iterator<Item = &Arc<Row>> {
        self.index(entity).into_iter().flat_map(|it| self.rows[it].values())
    }

    /// The key with its type, as deltas name a row.
    pub fn full_key(&self, row: &Row) -> String {
        let key = self.index(type_of(row)).map(|it| self.types[it].key_of(row));
        format!("{}\0{}", type_of(row), key.unwrap_or_default())
    }

    /// What has to change to get from these rows to others.
    pub fn changes(&self, to: &Self) -> Changes {
        let mut changes = Changes::default();
        for (index, rows) in self.rows.iter().enumerate() {
            let others = &to.rows[index];
            for (key, from) in rows {
                let Some(to) = others.get(key) else {
                    changes.dropped.push(Row::clone(from));
                    continue;
                };
                if Arc::ptr_eq(from, to) {
                    continue;
                }
                let differs = |it: &&(&str, Form)| from.get(it.0) != to.get(it.0);
                let fields = self.types[index].fields.iter().filter(differs);
                let fields: Vec<_> = fields.map(|it| it.0.to_owned()).collect();
                if !fields.is_empty() {
                    let (from, to) = (Row::clone(from), Row::clone(to));
                    changes.altered.push(Altered { from, to, fields });
                }
            }
            let created = others.iter().filter(|it| !rows.contains_key(it.0));
            changes.created.extend(created.map(|it| Row::clone(it.1)));
        }
        changes
    }

    /// The changes as a file says them.
    pub fn deltas(&self, to: &Self) -> Vec<Delta> {
        let Changes { created, dropped, altered } = self.changes(to);
        let created = created.into_iter().map(Delta::Create);
        let dropped = dropped.iter().map(|it| Delta::Drop(self.full_key(it)));
        let altered = altered.into_iter().map(|it| Delta::Alter {
            key: self.full_key(&it.to),
            set: it.fields.iter().map(|field| (field.clone(), it.to[field].clone())).collect(),
        });
        created.chain(dropped).chain(altered).collect()
    }

    /// Makes one change.
    ///
    /// # Errors
    /// If two rows would have one key.
    pub fn apply(&mut self, delta: &Delta) -> Result<(), Clash> {
        match delta {
            Delta::Create(row) => {
                let there = self.place(&self.full_key(row));
                let there = there.and_then(|(index, key)| self.rows[index].get(&key));
                if there.map(Arc::as_ref) == Some(row) { Ok(()) } else { self.add(row.clone()) }
            }
            Delta::Drop(key) => {
                if let Some((index, key)) = self.place(key) {
                    self.rows[index].shift_remove(&key);
                }
                Ok(())
            }
            Delta::Alter { key, set } | Delta::Rename { key, set } => self.set(key, set),
        }
    }

    /// Changes fields of a row. Rows that point at it follow where its key changes.
    ///
    /// # Errors
    /// If two rows would have one key; nothing has changed then.
    pub fn set(&mut self, full_key: &str, set: &Row) -> Result<(), Clash> {
        let Some((index, key)) = self.place(full_key) else { return Ok(()) };
        let Some(old) = self.rows[index].get(&key).map(|it| Row::clone(it)) else { return Ok(()) };
        let mut new = old.clone();
        for (field, value) in set {
            if let Some(it) = new.get_mut(field) {
                *it = value.clone();
            }
        }
        if self.types[index].key_of(&new) == key {
            self.rows[index].insert(key, Arc::new(new));
            return Ok(());
        }
        let mut renamed = vec![(index, old, new.clone())];
        let mut rows = self.rows.clone();
        rows[index].insert(key, Arc::new(new));
        while let Some((index, old, new)) = renamed.pop() {
            if self.types[index].key_of(&old) != self.types[index].key_of(&new) {
                renamed.extend(self.relocate(&mut rows, index, (&old, &new)));
            }
        }
        self.rows = self.with_new_keys(rows)?;
        Ok(())
    }

    /// Lets all rows follow that point at a renamed one, and says which.
    fn relocate(
        &self,
        rows: &mut [Rows],
        target: usize,
        (old, new): (&Row, &Row),
    ) -> Vec<(usize, Row, Row)> {
        let mut moved = Vec::new();
        for (index, bucket) in rows.iter_mut().enumerate() {
            let links = self.types[index].links.iter();
            let links: Vec<_> = links.filter(|it| it.to == self.types[target].name).collect();
            if links.is_empty() {
                continue;
            }
            for row in bucket.values_mut() {
                let mut after = Row::clone(row);
                for link in &links {
                    link.follow(&mut after, old, new);
                }
                if after != **row {
                    moved.push((index, Row::clone(row), after.clone()));
                    *row = Arc::new(after);
                }
            }
        }
        moved
    }

    fn with_new_keys(&self, rows: Vec<Rows>) -> Result<Vec<Rows>, Clash> {
        let mut entities = Self::new(self.types);
        for row in rows.into_iter().flat_map(IndexMap::into_values) {
            entities.add_shared(row)?;
        }
        Ok(entities.rows)
    }

    fn index(&self, entity: &str) -> Option<usize> {
        self.types.iter().position(|it| it.name == entity)
    }

    fn place(&self, full_key: &str) -> Option<(usize, String)> {
        let (entity, key) = full_key.split_once('\0')?;
        Some((self.index(entity)?, key.to_owned()))
    }
}

impl Link {
    /// Puts the new key where the old one is.
    fn follow(&self, row: &mut Row, old: &Row, new: &Row) {
        let fits = |(there, source): &(&str, Source)| match source {
            Source::Field(here) => row.get(*here) == old.get(*there),
            Source::Texts(_) | Source::Values(_) => true,
        };
        if !self.fields.iter().all(fits) {
            return;
        }
        let lists = |it: &&(&str, Source)| !matches!(it.1, Source::Field(_));
        let list = self.fields.iter().find(lists);
        if list.is_some_and(|(there, source)| !source.replace(row, &old[*there], &new[*there])) {
            return;
        }
        for (there, source) in self.fields {
            if let Source::Field(here) = source {
                row.insert((*here).to_owned(), new[*there].clone());
            }
        }
    }
}

impl Source {
    /// Whether the list had the value.
    fn replace(self, row: &mut Row, old: &Value, new: &Value) -> bool {
        let (Self::Field(field) | Self::Texts(field) | Self::Values(field)) = self;
        let mut found = false;
        for item in row.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten() {
            let item = match self {
                Self::Values(_) if item["isExpression"] == true => continue,
                Self::Values(_) => &mut item["value"],
                Self::Field(_) | Self::Texts(_) => item,
            };
            if item == old {
                *item = new.clone();
                found = true;
            }
        }
        found
    }
}

impl Delta {
    /// The delta as a file has it.
    pub fn write(&self) -> Value {
        match self {
            Self::Create(row) => serde_json::json!({ "op": "create", "row": row }),
            Self::Drop(key) => serde_json::json!({ "op": "drop", "key": key }),
            Self::Alter { key, set } => {
                serde_json::json!({ "op": "alter", "key": key, "set": set })
            }
            Self::Rename { key, set } => {
                serde_json::json!({ "op": "rename", "key": key, "set": set })
            }
        }
    }

    /// Reads a delta.
    ///
    /// # Errors
    /// If it is none that Drizzle writes.
    pub fn read(value: &Value, entities: &Entities) -> Result<Self, Misfit> {
        let key = || {
            let key = value["key"].as_str().filter(|it| it.contains('\0'));
            key.map(str::to_owned).ok_or_else(|| misfit("expected a key").under("key"))
        };
        let set = || {
            let set = value["set"].as_object().cloned();
            set.ok_or_else(|| misfit("expected an object").under("set"))
        };
        match value["op"].as_str() {
            Some("create") => {
                let row = entities.fit(value["row"].clone());
                Ok(Self::Create(row.map_err(|it| it.under("row"))?))
            }
            Some("drop") => Ok(Self::Drop(key()?)),
            Some("alter") => Ok(Self::Alter { key: key()?, set: set()? }),
            Some("rename") => Ok(Self::Rename { key: key()?, set: set()? }),
            _ => Err(misfit("expected one of create, drop, alter, rename").under("op")),
        }
    }
}

fn misfit(problem: &str) -> Misfit {
    Misfit { path: Vec::new(), problem: problem.to_owned() }
}

fn check_fields(object: &Row, fields: Fields, besides: Option<&str>) -> Result<(), Misfit> {
    let is_known = |key: &str| fields.iter().any(|it| it.0 == key) || besides == Some(key);
    if let Some(key) = object.keys().find(|it| !is_known(it)) {
        return Err(misfit(&format!("unknown key `{key}`")));
    }
    for (key, form) in fields {
        let value = object.get(*key).ok_or_else(|| misfit("expected a value").under(key))?;
        form.check(value).map_err(|it| it.under(key))?;
    }
    Ok(())
}

impl Form {
    fn check(self, value: &Value) -> Result<(), Misfit> {
        let expect = |fits: bool, what: &str| {
            if fits { Ok(()) } else { Err(misfit(&format!("expected {what}"))) }
        };
        match self {
            Self::Or(_) | Self::Object(_) if value.is_null() => Ok(()),
            Self::Or(form) => form.check(value),
            Self::Text => expect(value.is_string(), "a text"),
            Self::Flag => expect(value.is_boolean(), "true or false"),
            Self::Number => expect(value.is_number(), "a number"),
            Self::Texts => {
                let all = value.as_array().is_some_and(|it| it.iter().all(Value::is_string));
                expect(all, "a list of texts")
            }
            Self::OneOf(texts) => {
                let fits = value.as_str().is_some_and(|it| texts.contains(&it));
                expect(fits, &format!("one of {}", texts.join(", ")))
            }
            Self::Object(fields) => {
                let object = value.as_object().ok_or_else(|| misfit("expected an object"))?;
                check_fields(object, fields, None)
            }
            Self::Objects(fields) => {
                let items = value.as_array().ok_or_else(|| misfit("expected a list"))?;
                for (index, item) in items.iter().enumerate() {
                    Self::Object(fields).check(item).map_err(|it| it.under(&index.to_string()))?;
                }
                Ok(())
            }
        }
    }
}
