//! The projects that the tests write.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use raingauge_schema::{mysql, postgres, sqlite};
use raingauge_tsload::{Config, Declared, DeclaredSchema, LoadError, Project};
use tempfile::TempDir;

pub(crate) const POSTGRES_CONFIG: &str = r#"import { defineConfig } from "drizzle-kit";
export default defineConfig({ dialect: "postgresql", schema: "./schema.ts" });
"#;

pub(crate) const SQLITE_CONFIG: &str = r#"export default { dialect: "sqlite", schema: "./schema.ts" };
"#;

pub(crate) const MYSQL_CONFIG: &str = r#"export default { dialect: "mysql", schema: "./schema.ts" };
"#;

/// The packages of each drizzle-orm that is loaded, by their names in `tests/packages`.
pub(crate) const GENERATIONS: [&str; 5] =
    ["drizzle-orm-0.30", "drizzle-orm-0.36", "drizzle-orm-0.40", LATEST, NEXT];
pub(crate) const LATEST: &str = "drizzle-orm";
pub(crate) const NEXT: &str = "drizzle-orm-1.0";

/// What `cargo xtask install` has installed from `tests/packages`: below the target folder, wherever
/// that is.
fn installed_packages() -> PathBuf {
    installed("schemas")
}

/// What has been installed under this name.
pub(crate) fn installed(name: &str) -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    let folders = binary.ancestors().map(|it| it.join("testkit").join(name).join("node_modules"));
    let missing = "the npm packages are not installed: run `cargo xtask install`";
    folders.into_iter().find(|it| it.is_dir()).expect(missing)
}

/// A project on disk, removed with this value.
pub(crate) struct Fixture {
    folder: TempDir,
    env: BTreeMap<String, String>,
}

impl Fixture {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        Self::with_orm(LATEST, files)
    }

    /// With another drizzle-orm than the latest one of 0.x.
    pub(crate) fn with_orm(orm: &str, files: &[(&str, &str)]) -> Self {
        let fixture = Self::without_packages(files);
        fixture.install(orm, "node_modules");
        fixture
    }

    /// Links the packages into a folder of the project, the one of that name as `drizzle-orm`.
    pub(crate) fn install(&self, orm: &str, folder: &str) {
        let modules = installed_packages();
        fs::create_dir_all(self.path(folder)).unwrap();
        for entry in fs::read_dir(&modules).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            let from = if name == LATEST { modules.join(orm) } else { entry.path() };
            let _ = std::os::unix::fs::symlink(from, self.path(folder).join(name));
        }
    }

    pub(crate) fn without_packages(files: &[(&str, &str)]) -> Self {
        let fixture = Self { folder: TempDir::new().unwrap(), env: BTreeMap::new() };
        for (name, text) in files {
            fixture.write(name, text);
        }
        fixture
    }

    /// A PostgreSQL project with one schema file, and more files next to it.
    pub(crate) fn postgres(schema: &str, others: &[(&str, &str)]) -> Self {
        let files = [("drizzle.config.ts", POSTGRES_CONFIG), ("schema.ts", schema)];
        Self::new(&[&files, others].concat())
    }

    pub(crate) fn sqlite(schema: &str) -> Self {
        Self::new(&[("drizzle.config.ts", SQLITE_CONFIG), ("schema.ts", schema)])
    }

    pub(crate) fn mysql(schema: &str) -> Self {
        Self::new(&[("drizzle.config.ts", MYSQL_CONFIG), ("schema.ts", schema)])
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
            .with_time_limit(Duration::from_secs(60))
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
            other => panic!("another dialect: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn mysql_schema(&self) -> mysql::schema::Schema {
        match self.declared().unwrap_or_else(|it| panic!("{it}")).expect("schema files").schema {
            DeclaredSchema::Mysql(schema) => schema,
            other => panic!("another dialect: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn sqlite_schema(&self) -> sqlite::schema::Schema {
        match self.declared().unwrap_or_else(|it| panic!("{it}")).expect("schema files").schema {
            DeclaredSchema::Sqlite(schema) => schema,
            other => panic!("another dialect: {other:?}"),
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
