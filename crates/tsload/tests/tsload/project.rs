//! The projects that the tests write.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use raingauge_schema::{postgres, sqlite};
use raingauge_tsload::{Config, Declared, DeclaredSchema, LoadError, Project};
use tempfile::TempDir;

pub(crate) const POSTGRES_CONFIG: &str = r#"import { defineConfig } from "drizzle-kit";
export default defineConfig({ dialect: "postgresql", schema: "./schema.ts" });
"#;

pub(crate) const SQLITE_CONFIG: &str = r#"export default { dialect: "sqlite", schema: "./schema.ts" };
"#;

/// A project on disk, removed with this value.
pub(crate) struct Fixture {
    folder: TempDir,
    env: BTreeMap<String, String>,
}

impl Fixture {
    /// Writes the files; `None` (and a word why) if there is no drizzle-orm to link.
    pub(crate) fn new(files: &[(&str, &str)]) -> Option<Self> {
        let Some(modules) = std::env::var_os("RAINGAUGE_TEST_NODE_MODULES") else {
            println!("skipped: RAINGAUGE_TEST_NODE_MODULES is not set");
            return None;
        };
        let fixture = Self::without_packages(files);
        std::os::unix::fs::symlink(PathBuf::from(modules), fixture.path("node_modules")).unwrap();
        Some(fixture)
    }

    pub(crate) fn without_packages(files: &[(&str, &str)]) -> Self {
        let fixture = Self { folder: TempDir::new().unwrap(), env: BTreeMap::new() };
        for (name, text) in files {
            fixture.write(name, text);
        }
        fixture
    }

    /// A PostgreSQL project with one schema file, and more files next to it.
    pub(crate) fn postgres(schema: &str, others: &[(&str, &str)]) -> Option<Self> {
        let files = [("drizzle.config.ts", POSTGRES_CONFIG), ("schema.ts", schema)];
        Self::new(&[&files, others].concat())
    }

    pub(crate) fn sqlite(schema: &str) -> Option<Self> {
        Self::new(&[("drizzle.config.ts", SQLITE_CONFIG), ("schema.ts", schema)])
    }

    pub(crate) fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn project(&self) -> Project {
        Project::new(self.root().to_owned(), self.env.clone())
            .with_time_limit(Duration::from_secs(20))
    }

    pub(crate) fn config(&self) -> Result<Config, LoadError> {
        self.project().config(None)
    }

    pub(crate) fn declared(&self) -> Result<Option<Declared>, LoadError> {
        let project = self.project();
        project.declared(&project.config(None)?)
    }

    #[track_caller]
    pub(crate) fn postgres_schema(&self) -> postgres::schema::Schema {
        match self.declared().unwrap_or_else(|it| panic!("{it}")).expect("schema files").schema {
            DeclaredSchema::Postgres(schema) => schema,
            DeclaredSchema::Sqlite(_) => panic!("a SQLite schema"),
        }
    }

    #[track_caller]
    pub(crate) fn sqlite_schema(&self) -> sqlite::schema::Schema {
        match self.declared().unwrap_or_else(|it| panic!("{it}")).expect("schema files").schema {
            DeclaredSchema::Sqlite(schema) => schema,
            DeclaredSchema::Postgres(_) => panic!("a PostgreSQL schema"),
        }
    }

    #[track_caller]
    pub(crate) fn error(&self) -> LoadError {
        match self.declared() {
            Ok(_) => panic!("the project loads"),
            Err(error) => error,
        }
    }
}

/// The names of tables, in order.
pub(crate) fn table_names(schema: &postgres::schema::Schema) -> Vec<&str> {
    schema.tables.iter().map(|it| it.name.as_str()).collect()
}
