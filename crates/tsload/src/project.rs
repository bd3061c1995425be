//! A Drizzle project on disk: its configuration, its packages, its declared schema.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::config::Config;
use crate::declared::Declared;
use crate::dotenv;
use crate::error::LoadError;
use crate::patterns::schema_files;
use crate::sandbox::{Job, Task, run};

/// The names under which a configuration is looked for; Drizzle Kit's own come first.
const CONFIG_NAMES: [&str; 7] = [
    "drizzle.config.ts",
    "drizzle.config.js",
    "drizzle.config.json",
    "drizzle.config.mts",
    "drizzle.config.mjs",
    "drizzle.config.cts",
    "drizzle.config.cjs",
];

const DEFAULT_TIME: Duration = Duration::from_secs(30);

/// A folder in which `drizzle-kit` would be run, and the environment it would be run with.
#[derive(Clone)]
pub struct Project {
    root: PathBuf,
    env: BTreeMap<String, String>,
    time: Duration,
}

/// Versions of the installed packages, as their `package.json` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    pub drizzle_orm: Option<String>,
    pub drizzle_kit: Option<String>,
}

impl Project {
    /// The project in the folder `root`. A `.env` file in it fills in what `env` does not have.
    pub fn new(root: PathBuf, env: BTreeMap<String, String>) -> Self {
        let root = fs::canonicalize(&root).unwrap_or(root);
        let file = fs::read_to_string(root.join(".env")).unwrap_or_default();
        let mut all = dotenv::parse(&file);
        all.extend(env);
        Self { root, env: all, time: DEFAULT_TIME }
    }

    /// The project with another limit than 30 seconds on each evaluation of its files.
    #[must_use]
    pub fn with_time_limit(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    /// Reads the configuration at `path`, or the one that lies in the project's folder.
    ///
    /// # Errors
    /// If there is none, it cannot be evaluated, or it is not a Drizzle configuration.
    pub fn config(&self, path: Option<&Path>) -> Result<Config, LoadError> {
        let path = match path {
            Some(path) => self.root.join(path),
            None => self.find_config()?,
        };
        let shown = path.strip_prefix(&self.root).unwrap_or(&path).to_owned();
        if path.extension().is_some_and(|it| it == "json") {
            let unreadable = |source| LoadError::Unreadable { path: shown.clone(), source };
            let text = fs::read_to_string(&path).map_err(unreadable)?;
            let invalid = |it: serde_json::Error| LoadError::ConfigInvalid {
                path: shown.clone(),
                message: it.to_string(),
            };
            return Config::from_json(&shown, &serde_json::from_str(&text).map_err(invalid)?);
        }
        let path = fs::canonicalize(&path)
            .map_err(|source| LoadError::Unreadable { path: shown.clone(), source })?;
        let outcome = run(self.job(vec![path], Task::Config))?;
        let content: Value = serde_json::from_str(&outcome.json).unwrap_or_default();
        Config::from_json(&shown, &content)
    }

    fn find_config(&self) -> Result<PathBuf, LoadError> {
        let found = CONFIG_NAMES.iter().map(|it| self.root.join(it)).find(|it| it.is_file());
        found.ok_or_else(|| LoadError::ConfigMissing { root: self.root.clone() })
    }

    fn job(&self, files: Vec<PathBuf>, task: Task) -> Job {
        Job { root: self.root.clone(), env: self.env.clone(), time: self.time, files, task }
    }

    /// The versions of drizzle-orm and drizzle-kit that the project's folder sees.
    pub fn versions(&self) -> Versions {
        let version = |package: &str| {
            let file = format!("node_modules/{package}/package.json");
            let text =
                self.root.ancestors().find_map(|it| fs::read_to_string(it.join(&file)).ok())?;
            let content: Value = serde_json::from_str(&text).ok()?;
            content.get("version").and_then(Value::as_str).map(str::to_owned)
        };
        Versions { drizzle_orm: version("drizzle-orm"), drizzle_kit: version("drizzle-kit") }
    }

    /// Evaluates the schema files; `None` if the configuration names none or they do not exist.
    ///
    /// # Errors
    /// If a file cannot be evaluated or declares what Drizzle refuses.
    pub fn declared(&self, config: &Config) -> Result<Option<Declared>, LoadError> {
        let invalid = |message| LoadError::ConfigInvalid { path: config.path.clone(), message };
        let files = schema_files(&self.root, &config.schema).map_err(invalid)?;
        if files.is_empty() {
            return Ok(None);
        }
        if !matches!(config.dialect.as_str(), "postgresql" | "sqlite" | "turso") {
            return Err(LoadError::DialectUnsupported { dialect: config.dialect.clone() });
        }
        let files: Vec<PathBuf> =
            files.iter().map(|it| fs::canonicalize(it).unwrap_or_else(|_| it.clone())).collect();
        let task = Task::Schema { dialect: config.dialect.clone(), casing: config.casing.clone() };
        let outcome = run(self.job(files.clone(), task))?;
        Declared::from_outcome(&config.dialect, &files, &outcome).map(Some)
    }
}
