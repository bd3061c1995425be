//! The snapshot files of Drizzle 1.0. Some hold all rows; PostgreSQL's hold them once, and after that
//! what each migration changes, so that a state is known only with the files before it.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::branches::{contradictions, line};
use super::entities::{Delta, Entities, EntityType, Row, type_of};
use super::javascript;
use super::names;
use super::shape::Misfit;
use super::snapshot::{JsonError, ORIGIN, SnapshotError, SnapshotIds, parse_json};
use crate::catalog::{Kind, ObjectId};
use crate::postgres::adopt::stored;
use crate::rename::{NameKind, Named, Path, Rename};

/// How a dialect's files look.
#[derive(Debug, PartialEq)]
pub struct EntityFormat {
    pub dialect: &'static str,
    /// The version that is written.
    pub version: &'static str,
    /// Versions of the previews, which hold all rows and are read.
    pub older: &'static [&'static str],
    pub types: &'static [EntityType],
    /// Whether files after the first hold what changed.
    pub has_deltas: bool,
    /// What drizzle-kit can rename.
    pub renames: &'static [NameKind],
    /// Whether a file says what was renamed on the way to it.
    pub notes_renames: bool,
    /// What stands before the rows in a file of `drizzle-kit up`, in its order.
    pub upgraded_header: [&'static str; 4],
}

/// A state of a schema, at its place in the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct EntitySnapshot {
    pub format: &'static EntityFormat,
    /// Empty for what several ends of a history say together ([`super::branches`]): it is no file's.
    pub id: String,
    /// Several after a merge.
    pub prev_ids: Vec<String>,
    pub entities: Entities,
    /// The renames that led here, in words; only SQLite's files say them.
    pub renames: Vec<String>,
}

impl EntitySnapshot {
    /// Rows at a place of the chain.
    pub fn new(format: &'static EntityFormat, entities: Entities, ids: &SnapshotIds) -> Self {
        let SnapshotIds { id, prev_id } = ids.clone();
        Self { format, id, prev_ids: vec![prev_id], entities, renames: Vec::new() }
    }

    /// What stands before the first snapshot: nothing.
    pub fn empty(format: &'static EntityFormat) -> Self {
        let entities = Entities::new(format.types);
        Self { format, id: ORIGIN.to_owned(), prev_ids: Vec::new(), entities, renames: Vec::new() }
    }

    /// What the next snapshot follows.
    pub fn next_prev_ids(&self) -> Vec<String> {
        if self.id.is_empty() { self.prev_ids.clone() } else { vec![self.id.clone()] }
    }

    /// Whether the file says everything by itself.
    fn is_whole(&self) -> bool {
        !self.format.has_deltas || self.prev_ids.iter().all(|it| it == ORIGIN)
    }

    /// The same after `previous`: what the schema does not name keeps the name that it has there.
    #[must_use]
    pub fn settled_after(&self, previous: &Self) -> Self {
        let mut settled = self.clone();
        for named in self.format.types.iter().filter(|it| it.has_implicit_names()) {
            settled.take_names(named, previous);
        }
        settled
    }

    fn take_names(&mut self, named: &EntityType, previous: &Self) {
        let rows: Vec<_> = self.entities.shared(named.name).cloned().collect();
        let mut of_table: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
        for row in &rows {
            of_table.entry(table_of(row)).or_default().push(row);
        }
        let mut taken: Vec<(&Row, &Value)> = Vec::new();
        for old in previous.entities.of(named.name).filter(|it| it["nameExplicit"] == false) {
            let is_alike = |it: &&Row| {
                let mut fields = named.fields.iter().filter(|it| it.0 != "name");
                fields.all(|(field, _)| it[*field] == old[*field])
            };
            let beside = of_table.get(&table_of(old)).into_iter().flatten().copied();
            let alike: Vec<_> = beside.filter(is_alike).collect();
            let [new] = alike[..] else { continue };
            let earlier = taken.iter().rev().find(|it| std::ptr::eq(it.0, new));
            let current = earlier.map_or(&new["name"], |it| it.1);
            if *current == old["name"] {
                continue;
            }
            let mut row = new.clone();
            row.insert("name".to_owned(), current.clone());
            let name = [("name".to_owned(), old["name"].clone())].into_iter().collect();
            // Where another has the name already, it stays as it is.
            if self.entities.set(&self.entities.full_key(&row), &name).is_ok() {
                taken.push((new, &old["name"]));
            }
        }
    }

    /// What it has that stands by itself: schemas, enums, tables, sequences, views, roles.
    pub fn objects(&self) -> Vec<ObjectId> {
        self.entities.all().filter_map(standing).collect()
    }

    /// Adds an object, with all that is inside it, as another snapshot says it.
    pub fn take(&mut self, wanted: &ObjectId, from: &Self) {
        let is_inside = |row: &Row| {
            let table = ["schema", "table"].into_iter().filter_map(|it| row.get(it)?.as_str());
            row.contains_key("table") && ObjectId::new(Kind::Table, table.map(stored)) == *wanted
        };
        let is_part = |it: &&Row| standing(it).as_ref() == Some(wanted) || is_inside(it);
        for row in from.entities.all().filter(is_part) {
            // What is there already is taken once.
            let _twice = self.entities.add(row.clone());
        }
    }

    /// Adds the unique constraints that another snapshot has of a table.
    pub fn take_uniques(&mut self, table: &ObjectId, from: &Self) {
        let place = |row: &Row| {
            let names = ["schema", "table"].into_iter().filter_map(|it| row.get(it)?.as_str());
            ObjectId::new(Kind::Table, names.map(stored))
        };
        for row in from.entities.of("uniques").filter(|it| place(it) == *table) {
            // What is there already is taken once.
            let _twice = self.entities.add(row.clone());
        }
    }

    /// Lets another snapshot say what is inside a table that both have.
    pub fn take_part(&mut self, part: &ObjectId, from: &Self) {
        let said = from.entities.all().find(|it| inside(it).as_ref() == Some(part));
        let here = self.entities.all().find(|it| inside(it).as_ref() == Some(part));
        if let (Some(said), Some(here)) = (said, here) {
            let (key, said) = (self.entities.full_key(here), said.clone());
            // Both have one key.
            let _same = self.entities.set(&key, &said);
        }
    }

    /// The rows that change on the way to another snapshot, one line each. Whether a schema gives a name
    /// changes nothing in a database, and neither does how an index was built.
    pub fn changed_rows(&self, to: &Self) -> Vec<String> {
        let silent = ["nameExplicit", "concurrently"];
        let changes = self.entities.changes(&to.settled_after(self).entities);
        let altered = changes.altered.iter().filter_map(|it| {
            let fields = it.fields.iter().map(String::as_str).filter(|it| !silent.contains(it));
            let fields: Vec<_> = fields.collect();
            let line = || format!("{} ({})", line('~', &it.to), fields.join(", "));
            (!fields.is_empty()).then(line)
        });
        let dropped = changes.dropped.iter().map(|it| line('-', it));
        let created = changes.created.iter().map(|it| line('+', it));
        dropped.chain(created).chain(altered).collect()
    }

    /// What two snapshots that follow this one both changed, so that the migrations of both cannot run one
    /// after the other, or one of them is lost.
    pub fn contradictions(&self, one: &Self, other: &Self) -> Vec<String> {
        let branches = [one.settled_after(self).entities, other.settled_after(self).entities];
        contradictions(self.format.types, &self.entities, branches.each_ref())
    }

    /// The bytes of the file that `generate` writes after `previous`.
    pub fn write_after(&self, previous: &Self) -> String {
        self.write_after_renames(previous, &[])
    }

    /// The same where some of `previous` got other names. Footprints, which the kit reads only to find
    /// conflicts of branches, are left empty.
    pub fn write_after_renames(&self, previous: &Self, renames: &[Rename]) -> String {
        let (mut renamed, mut deltas) = (previous.clone(), Vec::new());
        for rename in renames {
            deltas.extend(names::rename(&mut renamed.entities, rename));
        }
        let mut settled = self.settled_after(&renamed);
        if self.format.notes_renames {
            settled.renames.extend(renames.iter().map(in_words));
        }
        let others = || renamed.entities.deltas(&settled.entities);
        settled.file(|| deltas.into_iter().chain(others()).map(|it| it.write()).collect())
    }

    /// The file that `drizzle-kit up` makes of a snapshot of 0.x after `previous`, with the state that
    /// 1.0 reads from it. `renames` are those that 0.x noted, which 1.0 keeps where files are whole.
    pub fn upgraded_after(&self, previous: &Self, renames: Vec<String>) -> (String, Self) {
        if !self.format.has_deltas {
            return (self.whole_upgraded(renames), self.clone());
        }
        if self.is_whole() {
            return (self.file(Vec::new), self.clone());
        }
        // The kit compares as `generate` does, and then puts back the names that this has lent.
        let settled = self.settled_after(previous);
        let mut end = self.clone();
        for key in self.entities.of("pks") {
            let is_default = key["name"].as_str().and_then(|it| it.strip_suffix("_pkey"))
                == key["table"].as_str();
            let is_same = |it: &&Row| it["schema"] == key["schema"] && it["table"] == key["table"];
            let kept = settled.entities.of("pks").find(is_same);
            if let (true, false, Some(kept)) = (is_default, key["nameExplicit"] == true, kept) {
                let name = [("name".to_owned(), kept["name"].clone())].into_iter().collect();
                let _taken = end.entities.set(&self.entities.full_key(key), &name);
            }
        }
        let mut deltas = previous.entities.deltas(&settled.entities);
        deltas.extend(settled.entities.deltas(&end.entities));
        let text = end.file(|| deltas.iter().map(Delta::write).collect());
        (text, end)
    }

    /// The file that leads from `previous` here and gives what has no name of its own the names that it
    /// has in `named`, in the form of [`Self::upgraded_after`], with the state that 1.0 reads from it.
    pub fn respelled_after(
        &self,
        previous: &Self,
        named: &Self,
        renames: Vec<String>,
    ) -> (String, Self) {
        let end = Self {
            id: named.id.clone(),
            prev_ids: named.prev_ids.clone(),
            ..self.settled_after(named)
        };
        if !self.format.has_deltas {
            return (end.whole_upgraded(renames), end);
        }
        let deltas = || previous.entities.deltas(&end.entities);
        let text = end.file(|| deltas().iter().map(Delta::write).collect());
        (text, end)
    }

    /// A file that says everything, with its keys in the order of `up`.
    fn whole_upgraded(&self, renames: Vec<String>) -> String {
        let header = json!({
            "version": self.format.version, "dialect": self.format.dialect, "id": self.id,
            "prevIds": self.prev_ids,
        });
        let ordered = self.format.upgraded_header.map(|it| (it.to_owned(), header[it].clone()));
        let mut file: Map<_, _> = ordered.into_iter().collect();
        file.insert("ddl".to_owned(), Value::from_iter(self.entities.all().cloned()));
        file.insert("renames".to_owned(), renames.into());
        javascript::pretty(&file)
    }

    /// The bytes of the file that `generate --custom` writes after this state.
    pub fn write_custom(&self, id: &str) -> String {
        let (prev_ids, renames) = (self.next_prev_ids(), Vec::new());
        let custom = Self { id: id.to_owned(), prev_ids, renames, ..self.clone() };
        let text = custom.file(Vec::new);
        if self.format.has_deltas {
            return text;
        }
        // The kit puts the ids first there.
        let whole = serde_json::from_str::<Map<String, Value>>(&text).unwrap_or_default();
        let mut ids = Map::new();
        let (first, rest): (Vec<_>, Vec<_>) =
            whole.into_iter().partition(|it| it.0 == "id" || it.0 == "prevIds");
        ids.extend(first.into_iter().chain(rest));
        javascript::pretty(&ids)
    }

    fn file(&self, deltas: impl FnOnce() -> Vec<Value>) -> String {
        let EntityFormat { version, dialect, .. } = self.format;
        let rows = || Value::from_iter(self.entities.all().cloned());
        let header = json!({
            "version": version, "dialect": dialect, "id": self.id, "prevIds": self.prev_ids,
        });
        let mut file = Map::new();
        if self.format.has_deltas {
            let kind = if self.is_whole() { "base" } else { "diff" };
            file.insert("type".to_owned(), kind.into());
        }
        file.extend(header.as_object().cloned().unwrap_or_default());
        if !self.format.has_deltas {
            file.insert("ddl".to_owned(), rows());
            file.insert("renames".to_owned(), json!(self.renames));
        } else {
            file.insert("footprints".to_owned(), json!([]));
            match self.is_whole() {
                true => file.insert("ddl".to_owned(), rows()),
                false => file.insert("deltas".to_owned(), deltas().into()),
            };
        }
        javascript::pretty(&file)
    }
}

impl Named for EntitySnapshot {
    fn names(&self, kind: NameKind) -> Vec<Path> {
        match self.format.renames.contains(&kind) {
            true => names::names(&self.entities, kind),
            false => Vec::new(),
        }
    }

    fn rename(&mut self, rename: &Rename) {
        // Nothing is also an answer: what has no row keeps its name.
        let _delta = names::rename(&mut self.entities, rename);
    }
}

/// `people.n->people.k`: the column of a renamed table under the table's new name.
fn in_words(rename: &Rename) -> String {
    format!("{}->{}", rename.from.join("."), rename.to.join("."))
}

/// The table that a row is in.
fn table_of(row: &Row) -> Option<&str> {
    row.get("table").and_then(Value::as_str)
}

/// What a row is, if it is inside a table.
fn inside(row: &Row) -> Option<ObjectId> {
    let kind = match type_of(row) {
        "columns" => Kind::Column,
        "indexes" => Kind::Index,
        "fks" => Kind::ForeignKey,
        "uniques" => Kind::Unique,
        "checks" => Kind::Check,
        _ => return None,
    };
    row.get("table")?;
    let names = ["schema", "table", "name"].into_iter().filter_map(|it| row.get(it)?.as_str());
    Some(ObjectId::new(kind, names.map(stored)))
}

/// What a row is, if it stands by itself.
fn standing(row: &Row) -> Option<ObjectId> {
    let kind = match type_of(row) {
        "schemas" => Kind::Schema,
        "enums" => Kind::Enum,
        "tables" => Kind::Table,
        "sequences" => Kind::Sequence,
        "roles" => Kind::Role,
        "views" if row.get("materialized") == Some(&Value::Bool(true)) => Kind::MaterializedView,
        "views" => Kind::View,
        _ => return None,
    };
    let names = ["schema", "name"].into_iter().filter_map(|it| row.get(it)?.as_str());
    Some(ObjectId::new(kind, names.map(stored)))
}

/// Reads the snapshot files of a history, in the order of its folders.
///
/// Each is what stands after its migration, or why that is not known.
pub fn read(
    format: &'static EntityFormat,
    files: &[&str],
) -> Vec<Result<EntitySnapshot, SnapshotError>> {
    let parsed: Vec<_> = files.iter().map(|it| File::parse(format, it)).collect();
    let known = parsed.iter().filter_map(|it| it.as_ref().ok());
    let known: IndexMap<&str, &File> = known.map(|it| (it.id.as_str(), it)).collect();
    let mut chain = Chain { files: &known, states: IndexMap::new() };
    let state = |file: &Result<File, SnapshotError>| {
        let file = file.as_ref().map_err(Clone::clone)?;
        let entities = chain.state(file)?;
        chain.states.insert(file.id.clone(), entities.clone());
        let (id, prev_ids) = (file.id.clone(), file.prev_ids.clone());
        Ok(EntitySnapshot { format, id, prev_ids, entities, renames: file.renames.clone() })
    };
    parsed.iter().map(state).collect()
}

/// What one file says.
struct File {
    id: String,
    prev_ids: Vec<String>,
    renames: Vec<String>,
    content: Content,
}

enum Content {
    Whole(Entities),
    Deltas(Vec<Delta>),
}

impl File {
    fn parse(format: &'static EntityFormat, json: &str) -> Result<Self, SnapshotError> {
        let (value, rows) = head_and_rows(json)?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let dialect = text("dialect");
        if dialect != format.dialect && !dialect.is_empty() {
            return Err(SnapshotError::Dialect { found: dialect, expected: format.dialect });
        }
        let version = text("version");
        if version != format.version && !format.older.contains(&version.as_str()) {
            let expected = format.version;
            return Err(SnapshotError::Version { found: version, expected, kit: "1.0" });
        }
        let misfit = |key: &str, problem: &str| Misfit {
            path: vec![key.to_owned()],
            problem: problem.to_owned(),
        };
        let id = value["id"].as_str().ok_or_else(|| misfit("id", "expected a text"))?.to_owned();
        let prev_ids = value["prevIds"].as_array();
        let prev_ids = prev_ids.ok_or_else(|| misfit("prevIds", "expected a list"))?;
        let prev_ids = prev_ids.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let has_deltas = format.has_deltas && version == format.version;
        if has_deltas && !value["footprints"].is_array() {
            return Err(misfit("footprints", "expected a list").into());
        }
        let content = match (has_deltas, value["type"].as_str()) {
            (true, Some("diff")) => Content::Deltas(deltas(format, &value["deltas"])?),
            (true, Some("base")) | (false, _) => Content::Whole(whole(format, json, rows)?),
            (true, _) => return Err(misfit("type", "expected one of base, diff").into()),
        };
        let renames = value["renames"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let renames = renames.map(str::to_owned).collect();
        Ok(Self { id, prev_ids, renames, content })
    }
}

/// All of a file but its rows, and the text of these: as values they take many times the room.
fn head_and_rows(json: &str) -> Result<(Value, Option<&RawValue>), JsonError> {
    if !json.trim_start().starts_with('{') {
        return Ok((parse_json(json)?, None));
    }
    let mut fields: IndexMap<String, &RawValue> = parse_json(json)?;
    let rows = fields.shift_remove("ddl");
    let read = |(key, text): (String, &RawValue)| Ok((key, in_file(json, text)?));
    Ok((Value::Object(fields.into_iter().map(read).collect::<Result<_, JsonError>>()?), rows))
}

/// A part of a file; what is wrong with it is told with its place in the file.
fn in_file(json: &str, part: &RawValue) -> Result<Value, JsonError> {
    parse_json(part.get()).map_err(|error| parse_json::<Value>(json).err().unwrap_or(error))
}

/// The rows of a file, read one by one.
fn whole(
    format: &EntityFormat,
    json: &str,
    rows: Option<&RawValue>,
) -> Result<Entities, SnapshotError> {
    let rows: Option<Vec<&RawValue>> = rows.and_then(|it| parse_json(it.get()).ok());
    let no_list = || Misfit { path: vec!["ddl".to_owned()], problem: "expected a list".to_owned() };
    let mut entities = Entities::new(format.types);
    for (index, text) in rows.ok_or_else(no_list)?.into_iter().enumerate() {
        let read = entities.read(in_file(json, text)?);
        read.map_err(|it| it.under(&index.to_string()).under("ddl"))?;
    }
    Ok(entities)
}

fn deltas(format: &EntityFormat, value: &Value) -> Result<Vec<Delta>, Misfit> {
    let entities = Entities::new(format.types);
    let items = value.as_array().ok_or_else(|| Misfit {
        path: vec!["deltas".to_owned()],
        problem: "expected a list".to_owned(),
    })?;
    let read = |(index, it): (usize, &Value)| {
        let delta = Delta::read(it, &entities);
        delta.map_err(|it| it.under(&index.to_string()).under("deltas"))
    };
    items.iter().enumerate().map(read).collect()
}

/// The files of a history by their ids.
struct Chain<'a> {
    files: &'a IndexMap<&'a str, &'a File>,
    /// What is known already.
    states: IndexMap<String, Entities>,
}

impl<'a> Chain<'a> {
    /// The rows after a file: from the whole one on the way over first parents, then each change.
    fn state(&self, file: &'a File) -> Result<Entities, SnapshotError> {
        let (mut way, mut at) = (Vec::new(), file);
        let mut entities = loop {
            if let Some(known) = self.states.get(&at.id) {
                break known.clone();
            }
            match &at.content {
                Content::Whole(entities) => break entities.clone(),
                Content::Deltas(deltas) => way.push((at, deltas)),
            }
            let parent = at.prev_ids.first().map_or(ORIGIN, String::as_str);
            let is_round = way.iter().any(|it| it.0.id == parent);
            at = match self.files.get(parent) {
                Some(it) if !is_round => it,
                _ => return Err(SnapshotError::Parent(parent.to_owned())),
            };
        };
        for (file, deltas) in way.into_iter().rev() {
            self.apply_other_parents(&mut entities, file)?;
            apply(&mut entities, deltas)?;
        }
        Ok(entities)
    }

    /// A merge has what all its parents have.
    fn apply_other_parents(
        &self,
        entities: &mut Entities,
        file: &File,
    ) -> Result<(), SnapshotError> {
        let Some((first, others)) = file.prev_ids.split_first() else { return Ok(()) };
        if others.is_empty() {
            return Ok(());
        }
        let mut seen = self.ancestors(std::slice::from_ref(first));
        let others = self.ancestors(others);
        seen.retain(|it| it != ORIGIN);
        for (id, other) in self.files {
            let is_other = others.iter().any(|it| it == id) && !seen.iter().any(|it| it == id);
            if let (true, Content::Deltas(deltas)) = (is_other, &other.content) {
                apply(entities, deltas)?;
            }
        }
        Ok(())
    }

    fn ancestors(&self, ids: &[String]) -> Vec<String> {
        let (mut found, mut open) = (Vec::new(), ids.to_vec());
        while let Some(id) = open.pop() {
            if found.contains(&id) {
                continue;
            }
            open.extend(self.files.get(id.as_str()).into_iter().flat_map(|it| it.prev_ids.clone()));
            found.push(id);
        }
        found
    }
}

fn apply(entities: &mut Entities, deltas: &[Delta]) -> Result<(), SnapshotError> {
    for delta in deltas {
        entities.apply(delta)?;
    }
    Ok(())
}
