//! A Drizzle project on disk: its configuration, its packages, its declared schema.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use raingauge_schema::drizzle::Generation;
use serde_json::Value;

use crate::config::Config;
use crate::declared::Declared;
use crate::dotenv;
use crate::error::LoadError;
use crate::judgement::Judgement;
use crate::patterns::{is_script, schema_files};
use crate::sandbox::{Case, Job, Runtime, Task, Underway, Worker, run};
use crate::versions::Versions;

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
    runtime: Runtime,
}

impl Project {
    /// The project in the folder `root`. A `.env` file in it fills in what `env` does not have.
    pub fn new(root: PathBuf, env: BTreeMap<String, String>) -> Self {
        let root = fs::canonicalize(&root).unwrap_or(root);
        let env = dotenv::load(&root, env);
        Self { root, env, time: DEFAULT_TIME, runtime: Runtime::default() }
    }

    /// The project with another limit than 30 seconds on each evaluation of its files.
    #[must_use]
    pub fn with_time_limit(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    /// The project with its files evaluated by something else than the embedded engine.
    #[must_use]
    pub fn with_runtime(self, runtime: Runtime) -> Self {
        Self { runtime, ..self }
    }

    /// The environment that the project's files see: the caller's, filled up from `.env`.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.env
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
        let path = fs::canonicalize(&path)
            .map_err(|source| LoadError::Unreadable { path: shown.clone(), source })?;
        let (content, runtime) = self.config_content(&path, &shown)?;
        let generation = Versions::seen_from(&self.anchors(&path)).generation();
        let config = Config::from_json(&shown, generation, &content)?;
        Ok(Config { runtime, ..config })
    }

    fn config_content(&self, path: &Path, shown: &Path) -> Result<(Value, Runtime), LoadError> {
        if path.extension().is_none_or(|it| it != "json") {
            let outcome = run(self.job(vec![path.to_owned()], Task::Config))?;
            let content = serde_json::from_str(&outcome.json).unwrap_or_default();
            return Ok((content, outcome.runtime));
        }
        let unreadable = |source| LoadError::Unreadable { path: shown.to_owned(), source };
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let content = serde_json::from_str(text.trim_start_matches('\u{feff}'));
        let invalid = |it: serde_json::Error| LoadError::ConfigInvalid {
            path: shown.to_owned(),
            message: it.to_string(),
        };
        Ok((content.map_err(invalid)?, Runtime::Embedded))
    }

    fn find_config(&self) -> Result<PathBuf, LoadError> {
        let found = CONFIG_NAMES.iter().map(|it| self.root.join(it)).find(|it| it.is_file());
        found.ok_or_else(|| LoadError::ConfigMissing { root: self.root.clone() })
    }

    /// Where packages are looked for: in a monorepo, the configuration's package may have its own.
    fn anchors(&self, config: &Path) -> Vec<PathBuf> {
        let folder = self.root.join(config).parent().map(Path::to_owned);
        [Some(self.root.clone()), folder].into_iter().flatten().collect()
    }

    fn job(&self, files: Vec<PathBuf>, task: Task) -> Job {
        let (root, env) = (self.root.clone(), self.env.clone());
        Job { root, env, time: self.time, files, task, runtime: self.runtime }
    }

    /// The versions of drizzle-orm and drizzle-kit that the project sees: from its folder, from its
    /// configuration, or from its schema files.
    pub fn versions(&self, config: &Config) -> Versions {
        let mut folders = self.anchors(&config.path);
        folders.extend(
            self.schema_files(config).iter().filter_map(|it| it.parent()).map(Path::to_owned),
        );
        Versions::seen_from(&folders)
    }

    fn schema_files(&self, config: &Config) -> Vec<PathBuf> {
        schema_files(&self.root, &config.schema, config.generation == Generation::V1)
    }

    /// Evaluates the schema files; `None` if the configuration names none or they do not exist.
    ///
    /// # Errors
    /// If a file cannot be evaluated or declares what Drizzle refuses.
    pub fn declared(&self, config: &Config) -> Result<Option<Declared>, LoadError> {
        let ahead = Ahead { project: self.clone(), worker: Worker::start(None)? };
        ahead.begin(config)?.end()
    }

    /// Starts getting ready to evaluate the schema, in a thread of its own, while the caller reads the
    /// configuration.
    ///
    /// # Errors
    /// If there can be no further thread.
    pub fn ahead(&self) -> Result<Ahead, LoadError> {
        let is_embedded = matches!(self.runtime, Runtime::Embedded | Runtime::Auto);
        let surroundings = is_embedded.then(|| (self.root.clone(), self.env.clone()));
        Ok(Ahead { project: self.clone(), worker: Worker::start(surroundings)? })
    }

    /// Asks the project's own drizzle-kit for its snapshot of the schema, and for its statements from the
    /// snapshot `previous`, or from nothing; `None` if there is no schema.
    ///
    /// # Errors
    /// If a file cannot be evaluated, or the kit is missing or refuses the schema: it does so, among
    /// others, where it would ask whether something was renamed.
    pub fn judged(
        &self,
        config: &Config,
        previous: Option<&str>,
    ) -> Result<Option<Judgement>, LoadError> {
        let Some(files) = self.code_files(config)? else { return Ok(None) };
        let case = Case {
            dialect: config.dialect.clone(),
            casing: config.casing.clone(),
            is_next: config.generation == Generation::V1,
            previous: previous.map(str::to_owned),
        };
        Judgement::from_outcome(&run(self.job(files, Task::Judge(case)))?).map(Some)
    }

    /// The schema files by their real paths; `None` if there are none.
    fn code_files(&self, config: &Config) -> Result<Option<Vec<PathBuf>>, LoadError> {
        let files = self.schema_files(config);
        if files.is_empty() {
            return Ok(None);
        }
        if !matches!(config.dialect.as_str(), "mysql" | "postgresql" | "sqlite" | "turso") {
            return Err(LoadError::DialectUnsupported { dialect: config.dialect.clone() });
        }
        if let Some(file) =
            files.iter().find(|it| !is_script(it) && it.extension().is_none_or(|it| it != "json"))
        {
            let path = file.strip_prefix(&self.root).unwrap_or(file).to_owned();
            return Err(LoadError::NotCode { path });
        }
        let real = |it: PathBuf| fs::canonicalize(&it).unwrap_or(it);
        Ok(Some(files.into_iter().map(real).collect()))
    }
}

/// A thread that gets ready to evaluate a project's schema.
pub struct Ahead {
    project: Project,
    worker: Worker,
}

impl Ahead {
    /// Begins with the schema files that the configuration names.
    ///
    /// # Errors
    /// If what it names is no schema.
    pub fn begin(self, config: &Config) -> Result<Loading, LoadError> {
        let dialect = config.dialect.clone();
        let Some(files) = self.project.code_files(config)? else {
            return Ok(Loading { dialect, files: Vec::new(), underway: None });
        };
        let task = Task::Schema { dialect: dialect.clone(), casing: config.casing.clone() };
        let underway = Some(self.worker.begin(self.project.job(files.clone(), task)));
        Ok(Loading { dialect, files, underway })
    }
}

/// A schema that is being evaluated.
pub struct Loading {
    dialect: String,
    files: Vec<PathBuf>,
    underway: Option<Underway>,
}

impl Loading {
    /// Waits for what [`Project::declared`] returns.
    ///
    /// # Errors
    /// As for [`Project::declared`].
    pub fn end(self) -> Result<Option<Declared>, LoadError> {
        let Some(underway) = self.underway else { return Ok(None) };
        Declared::from_outcome(&self.dialect, &self.files, &underway.end()?).map(Some)
    }
}
