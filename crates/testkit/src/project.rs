//! A copy of an example with its database: what a test lets raingauge loose on.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::database::{Database, text_differences};
use crate::failure::{Doing, Result};
use crate::node;
use crate::postgres::Postgres;
use crate::sqlite::SqliteDatabase;

/// An example of the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Example {
    BookstorePostgres,
    BookstoreSqlite,
}

impl Example {
    pub const ALL: [Self; 2] = [Self::BookstorePostgres, Self::BookstoreSqlite];

    /// The name of its shared npm packages.
    pub fn name(self) -> &'static str {
        match self {
            Self::BookstorePostgres => "bookstore-postgres",
            Self::BookstoreSqlite => "bookstore-sqlite",
        }
    }

    /// Its folder in the repository.
    pub fn folder(self) -> PathBuf {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        match self {
            Self::BookstorePostgres => examples.join("bookstore/postgres"),
            Self::BookstoreSqlite => examples.join("bookstore/sqlite"),
        }
    }
}

/// The name of the npm packages of Drizzle 1.0, for both examples.
pub const DRIZZLE_1: &str = "drizzle-1";

/// The name of the npm packages of Drizzle 0.x with the driver of MySQL; those of 1.0 have it.
pub const MYSQL_0: &str = "mysql-0";

/// How much has happened to a project's database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// It is empty (SQLite: there is no file).
    Empty,
    /// `db/init.sql` has run.
    Seeded,
    /// `lived.sql` has run too.
    Lived,
}

/// A Drizzle project on disk and the database that its `.env` names.
#[derive(Debug)]
pub struct Project {
    pub root: PathBuf,
    pub database: Database,
    _temporary: Option<TempDir>,
}

impl Project {
    /// A copy of an example in a temporary folder, with a database of its own.
    ///
    /// # Errors
    /// If the npm packages or the server are missing, or a script fails.
    pub fn new(example: Example, age: Age) -> Result<Self> {
        Self::copy_of(&example.folder(), example, age)
    }

    /// As [`Self::new`], with Drizzle 1.0 installed instead of 0.x.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_drizzle_1(example: Example, age: Age) -> Result<Self> {
        let project = Self::new(example, age)?;
        project.install_drizzle_1()?;
        Ok(project)
    }

    /// Installs Drizzle 1.0 in place of what is there.
    ///
    /// # Errors
    /// If the npm packages are missing.
    pub fn install_drizzle_1(&self) -> Result {
        let link = self.root.join("node_modules");
        fs::remove_file(&link)?;
        Ok(symlink(node::modules(DRIZZLE_1)?, link)?)
    }

    /// Installs the Drizzle 0.x of an example in place of what is there.
    ///
    /// # Errors
    /// If the npm packages are missing.
    pub fn install_drizzle_0(&self, example: Example) -> Result {
        let link = self.root.join("node_modules");
        fs::remove_file(&link)?;
        Ok(symlink(node::modules(example.name())?, link)?)
    }

    /// Installs Drizzle 0.x with the driver of MySQL in place of what is there.
    ///
    /// # Errors
    /// If the npm packages are missing.
    pub fn install_mysql_0(&self) -> Result {
        let link = self.root.join("node_modules");
        fs::remove_file(&link)?;
        Ok(symlink(node::modules(MYSQL_0)?, link)?)
    }

    /// Where `cargo xtask install` finds the lock file of [`MYSQL_0`].
    pub fn mysql_0_packages() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("npm").join(MYSQL_0)
    }

    /// Where `cargo xtask install` finds the lock file of [`DRIZZLE_1`].
    pub fn drizzle_1_packages() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("npm").join(DRIZZLE_1)
    }

    /// A copy of any folder with the npm packages of an example and a database of its engine.
    ///
    /// # Errors
    /// If the npm packages or the server are missing, or a script fails.
    pub fn copy_of(folder: &Path, packages: Example, age: Age) -> Result<Self> {
        let temporary = tempfile::Builder::new().prefix("raingauge-project-").tempdir()?;
        let root = temporary.path().canonicalize()?;
        let database = match packages {
            Example::BookstorePostgres => Postgres::shared()?.database("bookstore")?,
            Example::BookstoreSqlite => {
                Database::Sqlite(SqliteDatabase::at(root.join("data/bookstore.db"))?)
            }
        };
        let project = Self { root, database, _temporary: Some(temporary) };
        project.set_up(folder, packages, age)?;
        Ok(project)
    }

    /// A copy of the PostgreSQL bookstore in a temporary folder, with a database on this server.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn on(server: &Arc<Postgres>, age: Age) -> Result<Self> {
        let temporary = tempfile::Builder::new().prefix("raingauge-project-").tempdir()?;
        let root = temporary.path().canonicalize()?;
        let database = server.database("bookstore")?;
        let project = Self { root, database, _temporary: Some(temporary) };
        let example = Example::BookstorePostgres;
        project.set_up(&example.folder(), example, age)?;
        Ok(project)
    }

    /// A copy of an example at `root`, which stays. `server` is for PostgreSQL alone.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn at(root: &Path, example: Example, server: Option<&Arc<Postgres>>) -> Result<Self> {
        fs::create_dir_all(root)?;
        let root = root.canonicalize()?;
        let database = match server {
            Some(server) => server.database("bookstore")?,
            None => Database::Sqlite(SqliteDatabase::at(root.join("data/bookstore.db"))?),
        };
        let project = Self { root, database, _temporary: None };
        project.set_up(&example.folder(), example, Age::Lived)?;
        Ok(project)
    }

    fn set_up(&self, folder: &Path, packages: Example, age: Age) -> Result {
        copy_folder(folder, &self.root)?;
        self.link_packages(packages)?;
        self.write(".env", &format!("DATABASE_URL={}\n", self.database.url()))?;
        let scripts: &[&str] = match age {
            Age::Empty => &[],
            Age::Seeded => &["db/init.sql"],
            Age::Lived => &["db/init.sql", "lived.sql"],
        };
        scripts.iter().try_for_each(|it| self.load(it))
    }

    fn link_packages(&self, packages: Example) -> Result {
        let link = self.root.join("node_modules");
        Ok(symlink(node::modules(packages.name())?, link)?)
    }

    /// The absolute path of a file in the project.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The text of a file in the project.
    ///
    /// # Errors
    /// If there is none.
    pub fn read(&self, relative: &str) -> Result<String> {
        fs::read_to_string(self.path(relative)).doing(|| format!("cannot read {relative}"))
    }

    /// Writes a file in the project, with the folders above it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, relative: &str, text: &str) -> Result {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("a file is in a folder"))?;
        fs::write(&path, text).doing(|| format!("cannot write {relative}"))
    }

    /// Replaces one piece of a file, which has to be there.
    ///
    /// # Errors
    /// If it is not.
    pub fn edit(&self, relative: &str, from: &str, to: &str) -> Result {
        let text = self.read(relative)?;
        if !text.contains(from) {
            return Err(crate::Failure::new(format!("{relative} does not contain `{from}`")));
        }
        self.write(relative, &text.replacen(from, to, 1))
    }

    /// Takes away `schema.ts`, and its name out of the configuration.
    ///
    /// # Errors
    /// If either is not there.
    pub fn forget_schema(&self) -> Result {
        fs::remove_file(self.path("src/db/schema.ts"))?;
        self.edit("drizzle.config.ts", "schema: \"./src/db/schema.ts\",", "")
    }

    /// Runs a script of the project in its database.
    ///
    /// # Errors
    /// At the first statement that fails.
    pub fn load(&self, relative: &str) -> Result {
        self.database.sql(&self.read(relative)?).doing(|| relative.to_owned())?;
        Ok(())
    }

    /// Every file of the project by its relative path, without packages and database files.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn files(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut files = BTreeMap::new();
        collect_files(&self.root, &self.root, &mut files)?;
        Ok(files)
    }
}

/// What happened to files between two looks: `new`, `gone` or `changed` and the path, one each.
pub fn file_differences(
    from: &BTreeMap<String, Vec<u8>>,
    to: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let gone = from.keys().filter(|it| !to.contains_key(*it)).map(|it| format!("gone {it}"));
    let rest = to.iter().filter_map(|(path, bytes)| match from.get(path) {
        None => Some(format!("new {path}")),
        Some(before) if before != bytes => {
            let text = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
            let lines = text_differences(&text(before), &text(bytes));
            Some(format!("changed {path}: {}", lines.join("; ")))
        }
        Some(_) => None,
    });
    gone.chain(rest).collect()
}

/// What a copy of a project leaves out, and what does not count as a file of it.
const LEFT_OUT: [&str; 4] = ["node_modules", "data", ".env", ".git"];

fn copy_folder(from: &Path, to: &Path) -> Result {
    fs::create_dir_all(to)?;
    let entries = fs::read_dir(from).doing(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        if LEFT_OUT.iter().any(|it| entry.file_name() == *it) {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn collect_files(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if ["node_modules", "data", ".git"].iter().any(|it| name == *it) {
            continue;
        }
        if path.is_dir() {
            collect_files(root, &path, files)?;
        } else {
            let relative = path.strip_prefix(root).expect("it was found below the root");
            files.insert(relative.display().to_string(), fs::read(&path)?);
        }
    }
    Ok(())
}
