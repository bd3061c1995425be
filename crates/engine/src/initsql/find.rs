//! Finds the project's `init.sql`, in the order in which its container runs the files.
//!
//! What the user names wins; then what compose files and Dockerfiles put into
//! `/docker-entrypoint-initdb.d`; then the usual places.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use raingauge_schema::Dialect;

use super::Mount;
use super::compose;
use super::containers::{Container, chosen, containers};
use super::dockerfile::INIT_FOLDER;
use crate::report::Finding;
use crate::{Error, Result};

/// Where to look, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The project's folder.
    pub root: &'a Path,
    /// Files and folders that the user named, in their order.
    pub given: &'a [PathBuf],
    pub dialect: Dialect,
    /// Live's name, which tells one of several containers.
    pub database: &'a str,
}

/// Which rule found the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The user named them.
    Given,
    /// A service of a compose file mounts or builds them in.
    Compose { file: String, service: String },
    /// A Dockerfile copies them.
    Dockerfile(String),
    /// They are where such files usually are.
    UsualPlace(String),
    /// There are none.
    Nowhere,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("named with `--init-sql`"),
            Self::Compose { file, service } => write!(f, "service `{service}` of `{file}`"),
            Self::Dockerfile(file) => write!(f, "copied by `{file}`"),
            Self::UsualPlace(path) => write!(f, "found at `{path}`, a usual place"),
            Self::Nowhere => f.write_str("no init.sql found"),
        }
    }
}

/// The files, in the order in which they run.
#[derive(Clone, Debug)]
pub struct Found {
    pub root: PathBuf,
    pub source: Source,
    pub files: Vec<PathBuf>,
    /// What the container sees where, for includes.
    pub mounts: Vec<Mount>,
    /// The container's environment.
    pub environment: BTreeMap<String, String>,
    pub findings: Vec<Finding>,
}

impl Found {
    /// The database that the container makes at its first start, if a container is known.
    pub fn container_database(&self) -> Option<&str> {
        let value =
            |it: &str| self.environment.get(it).map(String::as_str).filter(|it| !it.is_empty());
        value("POSTGRES_DB").or_else(|| value("POSTGRES_USER"))
    }

    /// How messages name a file: from the project's folder on.
    pub fn label(&self, path: &Path) -> String {
        label(&self.root, path)
    }
}

pub(super) fn label(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// Finds the files.
///
/// # Errors
/// If a file or folder that the user named is not there, or a folder cannot be read.
pub fn find(search: &Search<'_>) -> Result<Found> {
    let mut findings = Vec::new();
    let containers = match search.dialect {
        Dialect::Postgres => containers(search.root, &mut findings),
        Dialect::MySql | Dialect::Sqlite => Vec::new(),
    };
    if !search.given.is_empty() {
        return given(search, &containers);
    }
    if let Some(container) = chosen(containers, search, &mut findings) {
        return from_container(search, container, findings);
    }
    let ambiguous = findings.iter().any(|it| it.code == "init-sql-ambiguous");
    let places = if ambiguous { Vec::new() } else { usual_places(search.root) };
    let Some((place, others)) = places.split_first() else {
        return Ok(found(search, Source::Nowhere, findings));
    };
    let source = Source::UsualPlace(label(search.root, place));
    let mut found = found(search, source, findings);
    found.add_path(place)?;
    if !others.is_empty() {
        found.findings.push(unused(search.root, place, others));
    }
    Ok(found)
}

fn found(search: &Search<'_>, source: Source, findings: Vec<Finding>) -> Found {
    Found {
        root: search.root.to_owned(),
        source,
        files: Vec::new(),
        mounts: Vec::new(),
        environment: BTreeMap::new(),
        findings,
    }
}

fn given(search: &Search<'_>, containers: &[Container]) -> Result<Found> {
    let mut found = found(search, Source::Given, Vec::new());
    for path in search.given {
        let path = compose::joined(search.root, &path.to_string_lossy());
        if !path.exists() {
            let message = format!("there is no `{}`", found.label(&path));
            return Err(Error::new("init-sql-missing", message).next(
                "check the path given with `--init-sql`; it counts from the project's folder",
            ));
        }
        found.add_path(&path)?;
    }
    let holds = |it: &&Container| it.scripts().values().any(|it| found.files.contains(it));
    if let Some(container) = containers.iter().find(holds) {
        found.mounts.clone_from(&container.mounts);
        found.environment.clone_from(&container.environment);
    }
    Ok(found)
}

impl Found {
    /// Adds a file, or the files of a folder as the container's start script takes them.
    fn add_path(&mut self, path: &Path) -> Result<()> {
        if path.is_dir() {
            let names = names_in(path).map_err(|it| {
                let message = format!("cannot read the folder `{}`", self.label(path));
                Error::new("init-sql-unreadable", message).caused_by(it)
            })?;
            self.add_scripts(names.into_iter().map(|it| (it.clone(), path.join(it))).collect());
        } else {
            self.files.push(path.to_owned());
        }
        Ok(())
    }

    /// Adds files by the names that the container sees. They run in the order of the bytes of their
    /// names.
    fn add_scripts(&mut self, scripts: BTreeMap<String, PathBuf>) {
        let mut run = Vec::new();
        for (name, path) in scripts.into_iter().filter(|(_, it)| !it.is_dir()) {
            let is = |ending: &str| name.ends_with(ending);
            if is(".sql") || is(".sql.gz") {
                run.push(name);
                self.files.push(path);
            } else if is(".sh") || is(".sql.xz") || is(".sql.zst") {
                self.findings.push(skipped(&self.label(&path)));
            }
        }
        self.findings.extend(depends_on_locale(&run));
    }
}

fn skipped(file: &str) -> Finding {
    let why = if file.ends_with(".sh") { "it is a shell script" } else { "it is compressed" };
    let message = format!("`{file}` runs when the container starts, but not here, because {why}");
    Finding::warning("init-script-skipped", file, message)
        .next("write its SQL to a file and name all files with `--init-sql`, in their order")
}

/// Images sort the names by their own locale; where that matters, it is said.
fn depends_on_locale(names: &[String]) -> Option<Finding> {
    let key = |it: &&String| -> Vec<(u8, char)> {
        let class = |it: char| if it.is_alphabetic() { 2 } else { u8::from(it.is_numeric()) };
        it.to_lowercase().chars().map(|it| (class(it), it)).collect()
    };
    let mut other: Vec<_> = names.iter().collect();
    other.sort_by_key(key);
    let message = "the order of the files depends on the locale of the image; they are taken in the \
                   order of bytes";
    (!other.into_iter().eq(names)).then(|| {
        let finding = Finding::info("init-sql-order", &names[0], message);
        let finding = names.iter().fold(finding, |finding, it| finding.evidence(it));
        finding.next("name the files with `--init-sql`, in their order")
    })
}

pub(super) fn names_in(folder: &Path) -> std::io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?;
    let name = |it: fs::DirEntry| it.file_name().to_string_lossy().into_owned();
    let mut names: Vec<_> = entries.filter_map(|it| it.ok().map(name)).collect();
    names.retain(|it| !it.starts_with('.'));
    names.sort();
    Ok(names)
}

fn from_container(
    search: &Search<'_>,
    container: Container,
    findings: Vec<Finding>,
) -> Result<Found> {
    let mut found = found(search, container.source.clone(), findings);
    let is_init = |it: &&Mount| it.container.starts_with(INIT_FOLDER) && !it.host.exists();
    for mount in container.mounts.iter().filter(is_init) {
        let file = found.label(&mount.host);
        let message = format!("`{file}` is mounted into the container, but is not there");
        found.findings.push(Finding::warning("init-sql-missing", file, message));
    }
    let present = container.scripts().into_iter().filter(|(_, it)| it.exists());
    found.add_scripts(present.collect());
    found.mounts = container.mounts;
    found.environment = container.environment;
    Ok(found)
}

fn usual_places(root: &Path) -> Vec<PathBuf> {
    let places = [
        "init.sql",
        "db/init.sql",
        "database/init.sql",
        "sql/init.sql",
        "docker/init.sql",
        "docker/db/init.sql",
        "docker/postgres/init.sql",
        "postgres/init.sql",
        "scripts/init.sql",
        "scripts/db/init.sql",
        "src/db/init.sql",
        "packages/db/init.sql",
        "packages/database/init.sql",
        "docker-entrypoint-initdb.d",
        "docker/docker-entrypoint-initdb.d",
        "initdb",
        "initdb.d",
        "db/initdb",
        "docker/initdb",
        "docker/initdb.d",
    ];
    places.into_iter().map(|it| root.join(it)).filter(|it| it.exists()).collect()
}

fn unused(root: &Path, used: &Path, others: &[PathBuf]) -> Finding {
    let message =
        format!("only `{}` is used of several that could be the init.sql", label(root, used));
    let finding = Finding::info("init-sql-others", label(root, used), message);
    let finding = others.iter().fold(finding, |it, other| it.evidence(label(root, other)));
    finding.next("name the files with `--init-sql PATH`, in their order")
}
