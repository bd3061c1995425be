//! Rows of `information_schema` and texts of `SHOW CREATE` → catalog.
//!
//! [`script`] is one text of set-based queries, the same whatever the number of tables; [`Assembly`]
//! then says which objects it needs the text of. Those cost one statement each, because nothing else
//! tells prefixes, parsers, options and how an expression is spelled, and go out many at a time. A table
//! whose statement `statement` cannot say again letter for letter keeps it whole, as `definition`.

mod column;
mod create;
mod keys;
mod programs;
mod queries;
mod rebuild;
mod rights;
mod statement;
mod table;
mod text;

pub use create::create;
pub use queries::script;
pub use rebuild::{
    naming_their_database, program_again, programs_again, rebuilding, table_again, tables_in_order,
    triggers_again, without_defaults,
};
pub use rights::{grant, held_nowhere, lacking, needed};
pub use statement::{create_table, definition};
pub use text::without_database;

use std::collections::BTreeMap;

use self::programs::Subject;
use self::table::{Context, Effective};
use super::grammar::quote_ident;
use crate::catalog::{Catalog, Kind, Object, ObjectId, Unseen};

/// Whose server it is: one dialect, two ways to print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    MySql,
    MariaDb,
}

impl Flavour {
    /// As its makers write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::MySql => "MySQL",
            Self::MariaDb => "MariaDB",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        [Self::MySql, Self::MariaDb].into_iter().find(|it| it.name() == name)
    }
}

/// A server, as its `version()` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    pub flavour: Flavour,
    /// `[10, 11, 14]`.
    pub version: [u32; 3],
}

impl Server {
    /// Reads what `version()` returns: `8.4.3`, `10.11.14-MariaDB-0+deb12u2`, `5.5.5-10.6.1-MariaDB`.
    pub fn of(text: &str) -> Self {
        let is_maria = text.contains("MariaDB");
        let text = if is_maria { text.strip_prefix("5.5.5-").unwrap_or(text) } else { text };
        let mut numbers = text.split(|it: char| !it.is_ascii_digit()).map(|it| it.parse().ok());
        let mut next = || numbers.next().flatten().unwrap_or(0);
        let flavour = if is_maria { Flavour::MariaDb } else { Flavour::MySql };
        Self { flavour, version: [next(), next(), next()] }
    }

    /// The oldest versions whose catalog the queries can read.
    pub fn is_supported(self) -> bool {
        match self.flavour {
            Flavour::MySql => [8, 0, 16] <= self.version,
            Flavour::MariaDb => [10, 5, 0] <= self.version,
        }
    }
}

/// One row of text values; `None` is NULL.
pub type TextRow = Vec<Option<String>>;

/// Why the rows are not what the queries return.
#[derive(Debug, thiserror::Error)]
#[error("unexpected row from the catalog: {0}")]
pub struct UnexpectedRow(String);

/// How lines of `show grants` begin.
const RIGHTS: [&str; 3] = ["GRANT ", "REVOKE ", "SET DEFAULT ROLE "];

/// Makes a catalog out of the rows of [`script`] and of the statements that it then asks for.
#[derive(Debug)]
pub struct Assembly {
    server: Server,
    database: String,
    objects: Vec<Object>,
    surroundings: Vec<Object>,
    unseen: Vec<Unseen>,
    effective: BTreeMap<String, Effective>,
    checks_of_views: BTreeMap<String, String>,
    last_triggers: BTreeMap<String, String>,
    grants: BTreeMap<Vec<String>, Vec<String>>,
    rights: Vec<String>,
    role: String,
    subjects: Vec<Subject>,
    texts: BTreeMap<usize, TextRow>,
}

impl Assembly {
    /// An empty one, for a database of this name.
    pub fn new(server: Server, database: &str) -> Self {
        Self {
            server,
            database: database.to_owned(),
            objects: Vec::new(),
            surroundings: Vec::new(),
            unseen: Vec::new(),
            effective: BTreeMap::new(),
            checks_of_views: BTreeMap::new(),
            last_triggers: BTreeMap::new(),
            grants: BTreeMap::new(),
            rights: Vec::new(),
            role: String::new(),
            subjects: Vec::new(),
            texts: BTreeMap::new(),
        }
    }

    /// Takes the next row of [`script`].
    ///
    /// # Errors
    /// If it is not one of these queries'.
    pub fn push(&mut self, row: TextRow) -> Result<(), UnexpectedRow> {
        let mut values = row.into_iter();
        let tag = values.next().flatten().unwrap_or_default();
        let mut next = || values.next().flatten();
        match tag.as_str() {
            "database" => self.database_row(&mut next),
            "table" => self.table_row(&mut next),
            "column" => self.column_row(&mut next),
            "srid" => self.srid_row(&mut next),
            "view" => {
                let name = next().unwrap_or_default();
                self.checks_of_views.insert(name, next().unwrap_or_default());
            }
            "routine" => {
                let (name, word) = (next().unwrap_or_default(), next().unwrap_or_default());
                self.subjects.push(Subject::Routine { name, word });
            }
            "trigger" => {
                let trigger = programs::trigger(&mut next, &mut self.last_triggers);
                let table = trigger.id.path.first().cloned().unwrap_or_default();
                let name = trigger.id.name().to_owned();
                self.subjects.push(Subject::Trigger { table, name });
                self.objects.push(trigger);
            }
            "event" => {
                let objects = programs::event(&mut next);
                let name = objects.first().map(|it| it.id.name().to_owned()).unwrap_or_default();
                self.subjects.push(Subject::Event { name });
                self.objects.extend(objects);
            }
            "grant" => self.grant_row(&mut next),
            "role" => self.role = next().unwrap_or_default(),
            // What `show grants` returns has one value, and no tag.
            _ if RIGHTS.iter().any(|it| tag.starts_with(it)) => self.rights.push(tag),
            _ => return Err(UnexpectedRow(tag.chars().take(12).collect())),
        }
        Ok(())
    }

    /// The statements that return the texts of objects, in the order in which [`Self::push_text`] and
    /// [`Self::refuse_text`] count them.
    pub fn statements(&self) -> Vec<String> {
        self.subjects.iter().map(Subject::statement).collect()
    }

    /// Takes what a statement returned.
    pub fn push_text(&mut self, n: usize, row: TextRow) {
        self.texts.insert(n, row);
    }

    /// Takes note that the server refused a statement.
    pub fn refuse_text(&mut self, n: usize, why: &str) {
        let Some(subject) = self.subjects.get(n) else { return };
        self.unseen.push(Unseen {
            what: format!("what {} is made of", subject.id()),
            why: why.to_owned(),
            grant: Some(grant(subject.right(), &self.database, &self.role)),
        });
        let id = subject.id();
        if !self.objects.iter().any(|it| it.id == id) {
            self.objects.push(Object::new(id.kind, id.path));
        }
    }

    /// The catalog. The tables that `ledgers` names are left out with everything inside them.
    pub fn finish(mut self, ledgers: &[&str]) -> Catalog {
        for (n, row) in std::mem::take(&mut self.texts) {
            self.read_text(n, row);
        }
        self.surroundings.extend(queries::grants(std::mem::take(&mut self.grants)));
        self.unseen.extend(rights::missing(&self.rights, &self.database, &self.role));
        let is_ledgers = |it: &Object| {
            let is_about = matches!(it.id.kind, Kind::Comment | Kind::Grant);
            let table = it.id.path.get(usize::from(is_about));
            table.is_some_and(|table| ledgers.contains(&table.as_str()))
                && programs::is_of_table(&it.id)
        };
        self.objects.retain(|it| !is_ledgers(it));
        self.surroundings.retain(|it| !is_ledgers(it));
        let mut catalog = Catalog::new(self.objects);
        catalog.unseen = self.unseen;
        catalog.surroundings = self.surroundings;
        catalog
    }

    fn database_row(&mut self, next: &mut impl FnMut() -> Option<String>) {
        let version = self.server.version.map(|it| it.to_string()).join(".");
        let object = Object::new(Kind::Database, [&self.database])
            .with("flavour", self.server.flavour.name())
            .with("version", version)
            .with_some("charset", next())
            .with_some("collation", next())
            .with_some("comment", next().filter(|it| !it.is_empty()))
            .with_some("encryption", next());
        self.surroundings.push(object);
    }

    fn table_row(&mut self, next: &mut impl FnMut() -> Option<String>) {
        let (name, kind) = (next().unwrap_or_default(), next().unwrap_or_default());
        self.effective.entry(name.clone()).or_default().collation = next();
        self.subjects.push(match kind.as_str() {
            "VIEW" => Subject::View { name },
            "SEQUENCE" => Subject::Sequence { name },
            _ => Subject::Table { name },
        });
    }

    fn column_row(&mut self, next: &mut impl FnMut() -> Option<String>) {
        let table = self.effective.entry(next().unwrap_or_default()).or_default();
        let column = table.columns.entry(next().unwrap_or_default()).or_default();
        (column.charset, column.collation) = (next(), next());
    }

    fn srid_row(&mut self, next: &mut impl FnMut() -> Option<String>) {
        let table = self.effective.entry(next().unwrap_or_default()).or_default();
        let column = table.columns.entry(next().unwrap_or_default()).or_default();
        column.srid = next().filter(|it| it != "0");
    }

    fn grant_row(&mut self, next: &mut impl FnMut() -> Option<String>) {
        let path: Vec<String> = (0..4).filter_map(|_| next()).filter(|it| !it.is_empty()).collect();
        let (privilege, grantable) = (next().unwrap_or_default().to_lowercase(), next());
        let star = if grantable.as_deref() == Some("YES") { "*" } else { "" };
        self.grants.entry(path).or_default().push(format!("{privilege}{star}"));
    }

    fn read_text(&mut self, n: usize, row: TextRow) {
        let Some(subject) = self.subjects.get(n).cloned() else { return };
        match &subject {
            Subject::Table { name } => {
                let text = row.into_iter().nth(1).flatten().unwrap_or_default();
                self.read_table(name, &text);
            }
            Subject::View { name } => {
                let check = self.checks_of_views.get(name).map(String::as_str);
                self.objects.push(programs::view(name, check, row, &self.database));
            }
            Subject::Sequence { name } => self.objects.push(programs::sequence(name, row)),
            Subject::Trigger { .. } | Subject::Event { .. } => {
                let body = programs::body(&subject, row);
                let id = subject.id();
                let object = self.objects.iter_mut().find(|it| it.id == id);
                if let Some((object, body)) = object.zip(body) {
                    object.attributes.insert("definition", body);
                }
            }
            Subject::Routine { .. } => match programs::routine(&subject, row) {
                Some(object) => self.objects.push(object),
                None => self.refuse_text(n, "the server shows its definition to others only"),
            },
        }
    }

    fn read_table(&mut self, name: &str, text: &str) {
        let nothing = Effective::default();
        let effective = self.effective.get(name).unwrap_or(&nothing);
        let context = Context { flavour: self.server.flavour, database: &self.database };
        let read = table::read(text, effective, context);
        let whole = Object::new(Kind::Table, [name]).with("definition", text);
        let Ok(parts) = read else { return self.objects.push(whole) };
        let rebuilt = statement::create_table_of(&parts, self.server.flavour);
        let is_same = rebuilt == without_database(text, &self.database);
        self.unseen.extend(parts.objects.iter().filter_map(rights::garbled));
        self.objects.extend(parts.objects);
        self.surroundings.extend(parts.beside);
        let table = self.objects.iter_mut().rfind(|it| it.id == whole.id);
        if let Some(table) = table.filter(|_| !is_same) {
            table.attributes.insert("definition", table::without_counter(text));
        }
    }
}

/// Tables of which something is not understood, so that their statement is compared as a whole.
pub fn not_understood(catalog: &Catalog) -> impl Iterator<Item = &ObjectId> {
    catalog.of_kind(Kind::Table).filter(|it| it.get("definition").is_some()).map(|it| &it.id)
}

/// The flavour of the server that a catalog was read from, as its surroundings say it.
pub fn flavour(catalog: &Catalog) -> Option<Flavour> {
    let mut databases = catalog.surroundings.iter().filter(|it| it.id.kind == Kind::Database);
    databases.find_map(|it| Flavour::of_name(it.get("flavour")?))
}

fn show(what: &str, name: &str) -> String {
    format!("show create {what} {}", quote_ident(name))
}

#[cfg(test)]
mod tests;
