//! What `drizzle.config.*` says, with the defaults of the installed Drizzle Kit filled in.

use std::fmt;
use std::path::{Path, PathBuf};

use raingauge_schema::drizzle::Generation;
use serde_json::{Map, Value};

use crate::error::LoadError;
use crate::sandbox::Runtime;

/// A Drizzle configuration. `Debug` shows no credentials.
#[derive(Clone)]
pub struct Config {
    /// The file that it was read from.
    pub path: PathBuf,
    /// Whose rules it was read by.
    pub generation: Generation,
    /// What has evaluated it; never [`Runtime::Auto`].
    pub runtime: Runtime,
    /// `postgresql`, `sqlite`, `turso`, `mysql` …
    pub dialect: String,
    pub driver: Option<String>,
    /// Patterns of schema files as written; relative ones start at the project's folder.
    pub schema: Vec<String>,
    /// The migrations folder as written.
    pub out: String,
    /// `snake_case` or `camelCase`; absent where the installed Drizzle ignores it.
    pub casing: Option<String>,
    /// Patterns of table names, `!` before those to leave out; empty means all.
    pub tables_filter: Vec<String>,
    /// Schemas that Drizzle looks at in a database: names for 0.x (`public` unless said), patterns for
    /// 1.0. Absent means all but the system's, which only 1.0 has.
    pub schema_filter: Option<Vec<String>>,
    pub extensions_filters: Vec<String>,
    pub breakpoints: bool,
    pub migrations_table: Option<String>,
    pub migrations_schema: Option<String>,
    /// `index`, `timestamp`, `supabase`, `unix` or `none`; absent on 1.0, which ignores it.
    pub migrations_prefix: Option<String>,
    /// `entities`, which says whether roles are managed.
    pub entities: Value,
    /// `dbCredentials`, of two contradicting forms the one that Drizzle Kit takes: secret.
    pub credentials: Value,
    /// What it says and the installed Drizzle does not hear.
    pub ignored: Vec<Ignored>,
}

/// A setting without effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// As the file spells it: `casing`, `migrations.prefix`.
    pub setting: &'static str,
    pub value: String,
}

const DIALECTS_0: [&str; 6] = ["postgresql", "mysql", "sqlite", "turso", "singlestore", "gel"];
const DIALECTS_1: [&str; 8] =
    ["postgresql", "mysql", "sqlite", "turso", "singlestore", "mssql", "cockroach", "duckdb"];
const DRIVERS_0: [&str; 5] = ["d1-http", "expo", "durable-sqlite", "aws-data-api", "pglite"];
const DRIVERS_1: [&str; 7] =
    ["d1-http", "expo", "durable-sqlite", "aws-data-api", "pglite", "sqlite-cloud", "dsql"];
const CASINGS: [&str; 2] = ["snake_case", "camelCase"];
const PREFIXES: [&str; 5] = ["index", "timestamp", "supabase", "unix", "none"];

impl Config {
    /// What holds for a schema file that no configuration speaks of.
    pub fn for_schema(file: &Path, dialect: &str) -> Self {
        Self {
            path: file.to_owned(),
            generation: Generation::default(),
            runtime: Runtime::Embedded,
            dialect: dialect.to_owned(),
            driver: None,
            schema: vec![file.display().to_string()],
            out: "drizzle".to_owned(),
            casing: None,
            tables_filter: Vec::new(),
            schema_filter: None,
            extensions_filters: Vec::new(),
            breakpoints: true,
            migrations_table: None,
            migrations_schema: None,
            migrations_prefix: None,
            entities: Value::Null,
            credentials: Value::Null,
            ignored: Vec::new(),
        }
    }

    /// Reads the configuration out of the object that the file exports.
    pub(crate) fn from_json(
        path: &Path,
        generation: Generation,
        content: &Value,
    ) -> Result<Self, LoadError> {
        let invalid = |message: String| LoadError::ConfigInvalid { path: path.to_owned(), message };
        let object = content.as_object().ok_or_else(|| invalid("it is not an object".into()))?;
        Self::read(path, generation, object).map_err(invalid)
    }

    fn read(
        path: &Path,
        generation: Generation,
        object: &Map<String, Value>,
    ) -> Result<Self, String> {
        let fields = Fields { object };
        let empty = Map::new();
        let migrations = match fields.get("migrations") {
            None => &empty,
            Some(it) => it.as_object().ok_or("`migrations` is not an object")?,
        };
        let migrations = Fields { object: migrations };
        let (dialects, drivers): (&[&str], &[&str]) = match generation {
            Generation::V0 => (&DIALECTS_0, &DRIVERS_0),
            Generation::V1 => (&DIALECTS_1, &DRIVERS_1),
        };
        let mut config = Self {
            path: path.to_owned(),
            generation,
            runtime: Runtime::Embedded,
            dialect: fields.one_of("dialect", dialects)?.ok_or("`dialect` is missing")?,
            driver: fields.one_of("driver", drivers)?,
            schema: fields.texts("schema")?.unwrap_or_default(),
            out: fields
                .text("out")?
                .filter(|it| !it.is_empty())
                .unwrap_or_else(|| "drizzle".into()),
            casing: None,
            tables_filter: fields.texts("tablesFilter")?.unwrap_or_default(),
            schema_filter: fields.texts("schemaFilter")?,
            extensions_filters: fields.texts("extensionsFilters")?.unwrap_or_default(),
            breakpoints: fields.flag("breakpoints")?.unwrap_or(true),
            migrations_table: migrations.text("table")?,
            migrations_schema: migrations.text("schema")?,
            migrations_prefix: None,
            entities: object.get("entities").cloned().unwrap_or_default(),
            credentials: credentials(object, generation),
            ignored: Vec::new(),
        };
        match generation {
            Generation::V0 => {
                config.schema_filter.get_or_insert_with(|| vec!["public".to_owned()]);
                config.casing = fields.one_of("casing", &CASINGS)?;
                config.migrations_prefix = migrations.one_of("prefix", &PREFIXES)?;
            }
            Generation::V1 => {
                let unheard = [("casing", fields.get("casing"))];
                let unheard = unheard.into_iter().chain([(
                    "migrations.prefix",
                    // What it does anyway need not be said.
                    migrations.get("prefix").filter(|it| !matches!(it.as_str(), Some("timestamp"))),
                )]);
                let ignored = |(setting, value): (_, Option<&Value>)| {
                    Some(Ignored { setting, value: value?.as_str().unwrap_or("…").to_owned() })
                };
                config.ignored = unheard.filter_map(ignored).collect();
            }
        }
        Ok(config)
    }
}

/// Of an address and its parts, 0.x takes the parts and 1.0 the address.
fn credentials(object: &Map<String, Value>, generation: Generation) -> Value {
    let mut credentials = object.get("dbCredentials").cloned().unwrap_or_default();
    let Some(fields) = credentials.as_object_mut() else { return Value::Null };
    let is_given =
        |name: &str| fields.get(name).and_then(Value::as_str).is_some_and(|it| !it.is_empty());
    if is_given("url") && is_given("host") && is_given("database") {
        let lost: &[&str] = match generation {
            Generation::V0 => &["url"],
            Generation::V1 => &["host", "port", "user", "password", "database", "ssl"],
        };
        lost.iter().for_each(|it| drop(fields.shift_remove(*it)));
    }
    credentials
}

struct Fields<'a> {
    object: &'a Map<String, Value>,
}

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.object.get(name).filter(|it| !it.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<String>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value
            .as_str()
            .map(|it| Some(it.to_owned()))
            .ok_or_else(|| format!("`{name}` is not a text"))
    }

    fn texts(&self, name: &str) -> Result<Option<Vec<String>>, String> {
        let wrong = || format!("`{name}` is neither a text nor a list of texts");
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(vec![text.clone()])),
            Some(Value::Array(items)) => items
                .iter()
                .map(|it| it.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .map(Some)
                .ok_or_else(wrong),
            Some(_) => Err(wrong()),
        }
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| format!("`{name}` is neither true nor false"))
    }

    fn one_of(&self, name: &str, known: &[&str]) -> Result<Option<String>, String> {
        let value = self.text(name)?;
        match &value {
            Some(it) if !known.contains(&it.as_str()) => {
                Err(format!("`{name}` is `{it}`, not one of `{}`", known.join("`, `")))
            }
            _ => Ok(value),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("path", &self.path)
            .field("generation", &self.generation)
            .field("dialect", &self.dialect)
            .field("schema", &self.schema)
            .field("out", &self.out)
            .field("casing", &self.casing)
            .field("migrations_table", &self.migrations_table)
            .field("migrations_schema", &self.migrations_schema)
            .field("credentials", &"[secret]")
            .finish_non_exhaustive()
    }
}
