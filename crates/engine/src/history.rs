//! The migrations folder as it is on disk.
//!
//! Reading never fails because of what the files say: what is wrong with them is in
//! [`History::findings`], so that `validate` can tell all of it at once.

mod folders;

use std::fs;
use std::path::{Path, PathBuf};

use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::folder::MIGRATION_FILE;
use raingauge_schema::drizzle::journal::{Entry, Journal};
use raingauge_schema::drizzle::layout::{JOURNAL_PATH, Layout, paired_snapshots, sql_path};
use raingauge_schema::drizzle::ledger::Applicable;
use raingauge_schema::drizzle::migration::{Flaw, flaws, hash};
use raingauge_schema::{Dialect, Fingerprint};

use crate::check::history::conflict;
use crate::check::history::journal::irregularities;
use crate::check::history::orphans::orphan;
use crate::check::history::statements::flawed;
use crate::report::{Affected, Finding};
use crate::{Error, Result};

/// A migrations folder.
#[derive(Clone, Debug)]
pub struct History {
    /// The `out` folder of the configuration.
    pub folder: PathBuf,
    pub layout: Layout,
    /// By whose rules it is read and written: those of the installed Drizzle, else of its layout.
    pub generation: Generation,
    /// Absent when there is none (1.0 has none), or when it cannot be read (then a finding says so).
    pub journal: Option<Journal>,
    /// In the order in which the migrator applies them; only those whose file exists.
    pub migrations: Vec<Migration>,
    /// What is wrong with the files, whatever the database says.
    pub findings: Vec<Finding>,
}

/// One migration of the history.
#[derive(Clone, Debug)]
pub struct Migration {
    /// Its journal entry; of a folder, what a journal would say of it, with the folder's name for the tag.
    pub entry: Entry,
    pub path: PathBuf,
    pub sql: String,
    /// Of the exact bytes.
    pub hash: Fingerprint,
    /// The snapshot's text, if the file is there.
    pub snapshot: Option<String>,
}

impl Migration {
    /// The file with its statements, as people call it: `0000_init.sql`, `20261122112828_init/migration.sql`.
    pub fn file_name(&self) -> String {
        let tag = &self.entry.tag;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        if name == MIGRATION_FILE {
            sql_path(Generation::V1, tag)
        } else {
            sql_path(Generation::V0, tag)
        }
    }
}

impl History {
    /// Reads the folder; a missing one is an empty history. `installed` is the generation of the
    /// installed Drizzle, if it is known.
    ///
    /// # Errors
    /// If a file cannot be read, or is not UTF-8; `out-is-a-file` if a file is where the folder, or one above
    /// it, has to be.
    pub fn read(folder: &Path, dialect: Dialect, installed: Option<Generation>) -> Result<Self> {
        refuse_file(folder)?;
        let paths = list(folder)?;
        let layout = Layout::of(paths.iter().map(String::as_str));
        let mut history = Self {
            folder: folder.to_owned(),
            generation: installed.or(layout.generation()).unwrap_or_default(),
            layout,
            journal: None,
            migrations: Vec::new(),
            findings: Vec::new(),
        };
        history.refuse_other_layouts();
        match history.layout.clone() {
            Layout::Journal => history.read_journal(dialect)?,
            Layout::Folders { folders } => history.read_folders(folders, dialect)?,
            Layout::Empty | Layout::Mixed { .. } => {}
        }
        history.find_orphans(&paths, dialect)?;
        Ok(history)
    }

    /// Whether there is no migration at all.
    pub fn is_empty(&self) -> bool {
        self.journal.as_ref().is_none_or(|it| it.entries.is_empty())
            && !matches!(self.layout, Layout::Folders { .. } | Layout::Mixed { .. })
    }

    /// What the migrator looks at, migration by migration.
    pub fn applicable(&self) -> Vec<Applicable> {
        let one = |it: &Migration| Applicable {
            when: it.entry.when,
            hash: it.hash.clone(),
            name: it.entry.tag.clone(),
        };
        self.migrations.iter().map(one).collect()
    }

    /// The hash of everything in the folder that a plan rests on.
    pub fn fingerprint(&self) -> Fingerprint {
        let journal = self.journal.as_ref().map(Journal::write).unwrap_or_default();
        // A database may have had them in another order, which changes no file.
        let mut migrations: Vec<_> = self.migrations.iter().collect();
        migrations.sort_by(|a, b| a.entry.tag.cmp(&b.entry.tag));
        let each = migrations.into_iter().flat_map(|it| {
            [it.entry.tag.as_str(), it.hash.as_str(), it.snapshot.as_deref().unwrap_or_default()]
        });
        Fingerprint::of_parts(std::iter::once(journal.as_str()).chain(each))
    }

    /// Whether the folder has other files now than when it was read.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn has_changed(&self, dialect: Dialect) -> Result<bool> {
        let now = Self::read(&self.folder, dialect, Some(self.generation))?;
        Ok(now.fingerprint() != self.fingerprint() || now.layout != self.layout)
    }

    /// The tags of the migrations that are there now, without a look into their files.
    ///
    /// # Errors
    /// If the folder or the journal cannot be read.
    pub fn tags_on_disk(&self) -> Result<Vec<String>> {
        match self.generation {
            Generation::V0 => {
                let path = self.folder.join(JOURNAL_PATH);
                let text = if path.exists() { read_text(&path)? } else { return Ok(Vec::new()) };
                let entries = Journal::read(&text).map(|it| it.entries).unwrap_or_default();
                Ok(entries.into_iter().map(|it| it.tag).collect())
            }
            Generation::V1 => self.folder_tags(),
        }
    }

    fn refuse_other_layouts(&mut self) {
        let subject = self.folder.display().to_string();
        let (finding, folders) = match (&self.layout, self.generation) {
            (Layout::Folders { folders }, Generation::V0) => (
                Finding::error(
                    "layout-folders",
                    subject,
                    "has the folder layout of Drizzle 1.0, and the project has Drizzle 0.x, which does not see these folders: it would begin a second history beside them; nothing was changed",
                )
                .next("install the drizzle-orm and drizzle-kit 1.0 that wrote them"),
                folders.as_slice(),
            ),
            (Layout::Journal, Generation::V1) => (
                Finding::error(
                    "layout-journal",
                    subject,
                    "has the journal layout of Drizzle 0.x, and the project has Drizzle 1.0, which refuses it until it is taken over; nothing was changed",
                )
                .next("to stay on 0.x: install drizzle-orm 0.45 and drizzle-kit 0.31")
                .next("to go to 1.0: raingauge upgrade"),
                &[][..],
            ),
            (Layout::Mixed { folders }, _) => (
                Finding::error(
                    "layout-mixed",
                    subject,
                    "has a journal (Drizzle 0.x) and migration folders (1.0) at once; no version of Drizzle reads both",
                )
                .next("find out which of the two the application runs, and move the other one out of the folder"),
                folders.as_slice(),
            ),
            (Layout::Empty, _)
            | (Layout::Journal, Generation::V0)
            | (Layout::Folders { .. }, Generation::V1) => return,
        };
        self.findings.push(folders.iter().fold(finding, |it, name| it.evidence(name.as_str())));
    }

    fn read_journal(&mut self, dialect: Dialect) -> Result<()> {
        let path = self.folder.join(JOURNAL_PATH);
        let text = read_text(&path)?;
        let journal = match Journal::read(&text) {
            Ok(journal) => journal,
            Err(error) => {
                let unreadable = || {
                    Finding::error(error.code(), path.display().to_string(), error.to_string())
                        .affects(Affected::Both)
                        .next("restore the file from version control")
                };
                self.findings.push(conflict(&path, &text).unwrap_or_else(unreadable));
                return Ok(());
            }
        };
        self.findings.extend(irregularities(&journal, dialect, &path, &text));
        let names = meta_names(&self.folder)?;
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let snapshots = paired_snapshots(&journal.entries, &names);
        for (entry, snapshot) in journal.entries.iter().zip(snapshots) {
            self.read_migration(entry, snapshot.as_deref(), dialect)?;
        }
        self.journal = Some(journal);
        Ok(())
    }

    fn read_migration(
        &mut self,
        entry: &Entry,
        snapshot: Option<&str>,
        dialect: Dialect,
    ) -> Result<()> {
        let path = self.folder.join(sql_path(Generation::V0, &entry.tag));
        if !path.exists() {
            self.findings.push(
                Finding::error(
                    "migration-missing",
                    path.display().to_string(),
                    "is listed in the journal, but the file does not exist; the migrator stops before it runs anything",
                )
                .affects(Affected::Both)
                .next("restore the file from version control"),
            );
            return Ok(());
        }
        let snapshot = snapshot.map(|it| read_text(&self.folder.join("meta").join(it)));
        let snapshot = snapshot.transpose()?;
        self.add(dialect, path, entry.clone(), snapshot)
    }

    /// Adds the migration with these statements, and tells what is wrong with them.
    fn add(
        &mut self,
        dialect: Dialect,
        path: PathBuf,
        entry: Entry,
        snapshot: Option<String>,
    ) -> Result<()> {
        let sql = read_text(&path)?;
        let told = |it: &Flaw| flawed(it, &path, &sql, dialect);
        self.findings.extend(flaws(&sql, dialect).iter().filter_map(told));
        let hash = hash(sql.as_bytes());
        self.migrations.push(Migration { entry, path, sql, hash, snapshot });
        Ok(())
    }

    /// T17: a file that no journal lists never runs, and listing it later may run it on live data.
    fn find_orphans(&mut self, paths: &[String], dialect: Dialect) -> Result<()> {
        let listed = |name: &str| {
            self.journal.as_ref().is_some_and(|it| {
                it.entries.iter().any(|entry| sql_path(Generation::V0, &entry.tag) == name)
            })
        };
        let is_sql = |path: &&String| {
            !path.contains('/')
                && Path::new(path).extension().is_some_and(|it| it.eq_ignore_ascii_case("sql"))
        };
        let orphans: Vec<_> = paths.iter().filter(is_sql).filter(|it| !listed(it)).collect();
        for path in orphans {
            let path = self.folder.join(path);
            let sql = read_text(&path)?;
            self.findings.push(orphan(&path, &sql, dialect, self.generation));
        }
        Ok(())
    }
}

/// Whatever is to be written into the folder would find a file in its way.
fn refuse_file(folder: &Path) -> Result<()> {
    let Some(file) = folder.ancestors().find(|it| it.is_file()) else { return Ok(()) };
    let message = format!(
        "`out` of the configuration is `{}`, but `{}` is a file; nothing was changed",
        folder.display(),
        file.display()
    );
    Err(Error::new("out-is-a-file", message).next("name a folder in `out`"))
}

/// The names of the files in `meta/`.
fn meta_names(folder: &Path) -> Result<Vec<String>> {
    let files = entries(&folder.join("meta"))?.into_iter();
    Ok(files.filter(|(_, path)| path.is_file()).map(|(name, _)| name).collect())
}

/// All files below the folder as relative paths with `/`, two levels deep, sorted.
fn list(folder: &Path) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for (name, path) in entries(folder)? {
        if path.is_dir() {
            let inner = entries(&path)?;
            paths.extend(inner.into_iter().map(|(inner, _)| format!("{name}/{inner}")));
        } else {
            paths.push(name);
        }
    }
    paths.sort();
    Ok(paths)
}

fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let list = fs::read_dir(folder).map_err(|cause| unreadable(folder, cause))?;
    let named =
        list.map(|it| it.map(|it| (it.file_name().to_string_lossy().into_owned(), it.path())));
    named.collect::<std::io::Result<_>>().map_err(|cause| unreadable(folder, cause))
}

fn read_text(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|cause| unreadable(path, cause))?;
    String::from_utf8(bytes).map_err(|cause| {
        Error::new("not-utf8", format!("`{}` is not UTF-8", path.display())).caused_by(cause).next(
            "restore the file from version control; the migrator would read it as something else",
        )
    })
}

fn unreadable(path: &Path, cause: std::io::Error) -> Error {
    Error::new("file-unreadable", format!("cannot read `{}`", path.display())).caused_by(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, path: &str, text: &str) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn journal(tags: &[(&str, i64)]) -> String {
        let mut journal = Journal::new(Dialect::Postgres);
        for (tag, when) in tags {
            journal.append(Dialect::Postgres, tag, *when);
        }
        journal.write()
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        check_as(None, files, expected);
    }

    #[track_caller]
    fn check_as(installed: Option<Generation>, files: &[(&str, &str)], expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            write(folder.path(), path, text);
        }
        let history = History::read(folder.path(), Dialect::Postgres, installed).unwrap();
        let codes: Vec<_> = history.findings.iter().map(|it| it.code).collect();
        assert_eq!(codes, expected);
    }

    #[test]
    fn a_healthy_folder_is_silent_and_a_missing_one_is_empty() {
        check(
            &[("meta/_journal.json", &journal(&[("0000_a", 1000)])), ("0000_a.sql", "select 1")],
            &[],
        );
        let history = History::read(Path::new("does/not/exist"), Dialect::Postgres, None).unwrap();
        assert!(history.is_empty() && history.findings.is_empty());
    }

    #[test]
    fn t17_a_file_outside_the_journal_is_told() {
        check(
            &[
                ("meta/_journal.json", &journal(&[("0000_a", 1000)])),
                ("0000_a.sql", "select 1"),
                ("0001_b.sql", "drop table users"),
            ],
            &["migration-orphan"],
        );
    }

    #[test]
    fn a_missing_file_is_an_error() {
        check(&[("meta/_journal.json", &journal(&[("0000_a", 1000)]))], &["migration-missing"]);
    }

    #[test]
    fn t09_a_commented_out_baseline_is_an_error() {
        let pulled = "-- Current sql file was generated after introspecting the database\n-- If you want to run this migration please uncomment this code before executing migrations\n/*\nCREATE TABLE t (a int);\n*/";
        check(
            &[("meta/_journal.json", &journal(&[("0000_a", 1000)])), ("0000_a.sql", pulled)],
            &["baseline-commented-out"],
        );
    }

    #[test]
    fn a_layout_that_the_installed_drizzle_does_not_read_is_refused_with_the_reason() {
        let folder = ("20260101000000_a/migration.sql", "select 1");
        let snapshot = ("20260101000000_a/snapshot.json", "{}");
        let empty = journal(&[]);
        let journal = ("meta/_journal.json", empty.as_str());
        let (zero, one) = (Some(Generation::V0), Some(Generation::V1));
        check_as(zero, &[folder, snapshot], &["layout-folders"]);
        check_as(one, &[journal], &["layout-journal"]);
        for installed in [None, zero, one] {
            check_as(installed, &[folder, snapshot, journal], &["layout-mixed"]);
        }
        check_as(None, &[folder, snapshot], &[]);
        check_as(None, &[journal], &[]);
    }

    #[test]
    fn a_broken_journal_is_a_finding() {
        check(&[("meta/_journal.json", "{")], &["not-json"]);
    }
}
