//! What `drizzle.config.*` says, with Drizzle Kit's defaults filled in.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::LoadError;

/// A Drizzle configuration. `Debug` shows no credentials.
#[derive(Clone)]
pub struct Config {
    /// The file that it was read from.
    pub path: PathBuf,
    /// `postgresql`, `sqlite`, `turso`, `mysql` …
    pub dialect: String,
    pub driver: Option<String>,
    /// Patterns of schema files as written; relative ones start at the project's folder.
    pub schema: Vec<String>,
    /// The migrations folder as written.
    pub out: String,
    /// `snake_case` or `camelCase`.
    pub casing: Option<String>,
    pub tables_filter: Vec<String>,
    pub schema_filter: Vec<String>,
    pub extensions_filters: Vec<String>,
    pub breakpoints: bool,
    pub migrations_table: Option<String>,
    pub migrations_schema: Option<String>,
    pub migrations_prefix: Option<String>,
    /// `entities`, which says whether roles are managed.
    pub entities: Value,
    /// `dbCredentials`: secret.
    pub credentials: Value,
}

const DIALECTS: [&str; 9] = [
    "postgresql",
    "mysql",
    "sqlite",
    "turso",
    "singlestore",
    "gel",
    "mssql",
    "cockroach",
    "duckdb",
];

impl Config {
    /// Reads the configuration out of the object that the file exports.
    pub(crate) fn from_json(path: &Path, content: &Value) -> Result<Self, LoadError> {
        let invalid = |message: String| LoadError::ConfigInvalid { path: path.to_owned(), message };
        let Some(object) = content.as_object() else {
            return Err(invalid("it is not an object".to_owned()));
        };
        let fields = Fields { object };
        let dialect = fields.text("dialect").map_err(invalid)?;
        let dialect = dialect.ok_or_else(|| invalid("`dialect` is missing".to_owned()))?;
        if !DIALECTS.contains(&dialect.as_str()) {
            return Err(invalid(format!("`dialect` is `{dialect}`, which Drizzle does not know")));
        }
        let empty = Map::new();
        let migrations = object.get("migrations").and_then(Value::as_object).unwrap_or(&empty);
        let migrations = Fields { object: migrations };
        let schema_filter = fields.texts("schemaFilter").map_err(invalid)?;
        let read = || -> Result<Self, String> {
            Ok(Self {
                path: path.to_owned(),
                dialect,
                driver: fields.text("driver")?,
                schema: fields.texts("schema")?.unwrap_or_default(),
                out: fields.text("out")?.unwrap_or_else(|| "drizzle".to_owned()),
                casing: fields.one_of("casing", &["snake_case", "camelCase"])?,
                tables_filter: fields.texts("tablesFilter")?.unwrap_or_default(),
                schema_filter: schema_filter.unwrap_or_else(|| vec!["public".to_owned()]),
                extensions_filters: fields.texts("extensionsFilters")?.unwrap_or_default(),
                breakpoints: fields.flag("breakpoints")?.unwrap_or(true),
                migrations_table: migrations.text("table")?,
                migrations_schema: migrations.text("schema")?,
                migrations_prefix: migrations.text("prefix")?,
                entities: object.get("entities").cloned().unwrap_or_default(),
                credentials: object.get("dbCredentials").cloned().unwrap_or_default(),
            })
        };
        read().map_err(invalid)
    }
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
        match value.as_deref().is_none_or(|it| known.contains(&it)) {
            true => Ok(value),
            false => Err(format!("`{name}` is not one of `{}`", known.join("`, `"))),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("path", &self.path)
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
