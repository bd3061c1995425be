//! Scripts to statements: the commands of `psql`, `mysql` and `sqlite3` carried out as they would be.
//!
//! `find` → `expand` → `fence`. Nothing is dropped silently: a command that is not known, or cannot be
//! carried out without a server or a shell, becomes a finding with its line.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use raingauge_schema::script::{Piece, SplitError};
use raingauge_schema::{Dialect, mysql, postgres, sqlite};

use super::find::Found;
use super::{Sourced, mysql_shell, on_host, psql, sqlite_shell};
use crate::report::Finding;
use crate::{Error, Result};

/// What the files come down to.
#[derive(Clone, Debug, Default)]
pub struct Expansion {
    pub pieces: Vec<Item>,
    pub findings: Vec<Finding>,
}

/// One thing that happens, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Statement(Sourced),
    /// The session changes to another database: what follows in this entry runs there.
    Connect {
        /// None keeps the database.
        database: Option<String>,
        /// A server that is named; the container's own server has no name.
        server: Option<String>,
        at: Sourced,
    },
}

/// Reads the files that were found and carries out what their shell would.
///
/// # Errors
/// If a file cannot be read, is not in UTF-8, or ends in the middle of something.
pub fn expand(found: &Found, dialect: Dialect) -> Result<Expansion> {
    let mut expander =
        Expander { found, dialect, entry: 0, open_files: Vec::new(), result: Expansion::default() };
    let variables: BTreeMap<_, _> = builtin_variables(found);
    for (entry, path) in found.files.iter().enumerate() {
        expander.entry = entry;
        let place = expander.place_of(path);
        match dialect {
            Dialect::Postgres => psql::run(&mut expander, place, variables.clone())?,
            Dialect::MySql => mysql_shell::run(&mut expander, place)?,
            Dialect::Sqlite => sqlite_shell::run(&mut expander, place)?,
        }
    }
    Ok(expander.result)
}

/// psql's own variables that scripts use, as the container's start script sets them.
fn builtin_variables(found: &Found) -> BTreeMap<String, String> {
    let database = found.container_database().map(|it| ("DBNAME".to_owned(), it.to_owned()));
    let user = found.environment.get("POSTGRES_USER").map(|it| ("USER".to_owned(), it.clone()));
    let stop = ("ON_ERROR_STOP".to_owned(), "1".to_owned());
    [Some(stop), database, user].into_iter().flatten().collect()
}

/// A file, on the machine and as a container sees it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) host: PathBuf,
    container: Option<PathBuf>,
}

/// What all shells share: files, and where the results go.
pub(super) struct Expander<'a> {
    pub(super) found: &'a Found,
    pub(super) dialect: Dialect,
    entry: usize,
    /// The files that include each other, outermost first.
    open_files: Vec<PathBuf>,
    result: Expansion,
}

impl Expander<'_> {
    /// The pieces of a file. It counts as open until [`Expander::close`].
    pub(super) fn open(&mut self, place: &Place) -> Result<Vec<Piece>> {
        let label = self.found.label(&place.host);
        let text = read(&place.host, &label)?;
        let pieces = match self.dialect {
            Dialect::Postgres => postgres::split::split(&text),
            Dialect::MySql => mysql::split::split(&text),
            Dialect::Sqlite => sqlite::split::split(&text),
        };
        self.open_files.push(canonical(&place.host));
        pieces.map_err(|it| unfinished(&label, it))
    }

    /// The file is read to its end.
    pub(super) fn close(&mut self) {
        self.open_files.pop();
    }

    pub(super) fn sourced(&self, place: &Place, piece: Piece) -> Sourced {
        Sourced { file: self.found.label(&place.host), entry: self.entry, piece }
    }

    pub(super) fn emit(&mut self, item: Item) {
        self.result.pieces.push(item);
    }

    pub(super) fn report(&mut self, finding: Finding) {
        self.result.findings.push(finding);
    }

    /// Something of the shell that cannot be carried out here.
    pub(super) fn not_done(&mut self, at: &Sourced, why: &str) {
        let message = format!("`{}` is not carried out: {why}", at.excerpt());
        let finding = Finding::warning("init-sql-command", at.place(), message);
        self.report(finding.next(
            "write what it does as SQL into a file of its own and name that with `--init-sql`, or \
             compare with what live has",
        ));
    }

    /// A file that a command names and that is not there, or not on this machine.
    pub(super) fn missing(&mut self, at: &Sourced, file: &str) {
        let message = format!("`{}` names `{file}`, which is not there", at.excerpt());
        let finding = Finding::error("init-sql-include-missing", at.place(), message);
        self.report(finding.next("put the file there, or correct the path"));
    }

    /// The file that a command includes; reported if it is missing or open already.
    pub(super) fn included(
        &mut self,
        name: &str,
        from: &Place,
        relative: bool,
        at: &Sourced,
    ) -> Option<Place> {
        let Some(place) = self.resolve(name, from, relative) else {
            self.missing(at, name);
            return None;
        };
        if self.open_files.contains(&canonical(&place.host)) {
            let message = format!("`{}` includes a file that includes this one", at.excerpt());
            let finding = Finding::error("init-sql-include-cycle", at.place(), message);
            self.report(finding.next("remove one of the includes"));
            return None;
        }
        Some(place)
    }

    pub(super) fn place_of(&self, host: &Path) -> Place {
        let container = self.found.mounts.iter().find_map(|it| {
            let inside = host.strip_prefix(&it.host).ok()?;
            let whole = inside.as_os_str().is_empty();
            Some(if whole { it.container.clone() } else { it.container.join(inside) })
        });
        Place { host: host.to_owned(), container }
    }

    /// Finds a file that a script names. In a container, paths begin at its root; by hand, scripts
    /// run from the project's folder. `relative` ones begin where the script stands.
    pub(super) fn resolve(&self, file: &str, from: &Place, relative: bool) -> Option<Place> {
        let in_container =
            |base: &Path| on_host(&self.found.mounts, &super::compose::joined(base, file));
        let beside = |it: &Path| it.parent().unwrap_or(Path::new("/")).to_owned();
        let beside_container =
            from.container.as_deref().map(beside).and_then(|it| in_container(&it));
        let beside_host = Some(super::compose::joined(&beside(&from.host), file));
        let candidates = if relative {
            vec![beside_container, beside_host]
        } else {
            let in_project = Some(super::compose::joined(&self.found.root, file));
            vec![in_container(Path::new("/")), in_project, beside_container, beside_host]
        };
        let found = candidates.into_iter().flatten().find(|it| it.is_file())?;
        Some(self.place_of(&found))
    }
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The text of a script; `.gz` is unpacked.
pub(super) fn read(path: &Path, label: &str) -> Result<String> {
    let unreadable = |it: std::io::Error| {
        Error::new("init-sql-unreadable", format!("cannot read `{label}`")).caused_by(it)
    };
    let mut bytes = fs::read(path).map_err(unreadable)?;
    if path.extension().is_some_and(|it| it == "gz") {
        let mut unpacked = Vec::new();
        flate2::read::MultiGzDecoder::new(bytes.as_slice())
            .read_to_end(&mut unpacked)
            .map_err(unreadable)?;
        bytes = unpacked;
    }
    String::from_utf8(bytes).map_err(|it| {
        let at = it.utf8_error().valid_up_to();
        let line = 1 + it.as_bytes().iter().take(at).filter(|it| **it == b'\n').count();
        Error::new("init-sql-encoding", format!("`{label}` is not in UTF-8 from line {line} on"))
            .next(format!(
                "convert it, for example `iconv -f UTF-16 -t UTF-8 {label}` or `-f LATIN1`"
            ))
    })
}

fn unfinished(label: &str, error: SplitError) -> Error {
    Error::new("init-sql-unfinished", format!("`{label}:{}`: {}", error.line, error.message))
        .next("complete the file; it may have been cut off when it was copied")
}
