//! What a reconcile or an upgrade is about to write: all of it, so that its record is enough to finish or to undo.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use raingauge_schema::Fingerprint;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::journal::{Entry, Journal};
use raingauge_schema::drizzle::layout::{
    JOURNAL_PATH, Moment, Prefix, folder_tag, snapshot_path, sql_path,
};
use serde::{Deserialize, Serialize};

use super::reconcile::UNDO;
use super::removal::{self, Removal, Retitling};
use crate::adoption::{Adoption, NewMigration};
use crate::certificate::{self, Evidence, Issue};
use crate::files::{remove_unfinished, write_whole};
use crate::history::History;
use crate::ledger::{LedgerName, NewRow};
use crate::mend::{Mend, with_times};
use crate::progress::Progress;
use crate::report::Artefact;
use crate::site::Site;
use crate::upgrade::{Certified, Takeover, Upgrade};
use crate::{Error, Result};

/// How far apart the times of two migrations are: Drizzle 1.0 tells them apart by whole seconds.
const STEP_MILLIS: i64 = 1000;

/// Everything that a run writes, so that it can be finished or undone from its record alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Intent {
    plan: Fingerprint,
    /// The database and the migrations folder that were agreed to.
    target: String,
    folder: PathBuf,
    /// Live's catalog when the plan was made.
    pub(super) live: Fingerprint,
    pub(super) ledger: LedgerName,
    pub(super) files: Vec<IntendedFile>,
    pub(super) rows: Vec<IntendedRow>,
    #[serde(default)]
    pub(super) mends: Vec<Mend>,
    /// Folders that have to be made, relative to the migrations folder, outer ones first.
    folders: Vec<String>,
    /// The folder of certificates, if it has to be made.
    #[serde(default)]
    folders_beside: Vec<PathBuf>,
    /// Which command writes.
    #[serde(default = "reconcile")]
    pub(super) command: String,
    #[serde(default)]
    pub(super) removals: Vec<Removal>,
    #[serde(default)]
    pub(super) retitling: Option<Retitling>,
    /// The ledger's rows when the plan was made; absent but for an upgrade.
    #[serde(default)]
    pub(super) ledger_rows: Option<Fingerprint>,
}

/// The only command that wrote before others did.
fn reconcile() -> String {
    "reconcile".to_owned()
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct IntendedFile {
    /// Relative to the migrations folder; absolute where it is not in it.
    path: String,
    content: String,
    /// What stood there before; absent when there was no file.
    before: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct IntendedRow {
    pub(super) hash: String,
    pub(super) when: i64,
    /// The name of the migration's folder; absent in a history of 0.x.
    #[serde(default)]
    pub(super) name: Option<String>,
}

impl IntendedRow {
    fn of(generation: Generation, entry: &Entry, hash: &Fingerprint) -> Self {
        let name = match generation {
            Generation::V0 => None,
            Generation::V1 => Some(entry.tag.clone()),
        };
        Self { hash: hash.as_str().to_owned(), when: entry.when, name }
    }

    pub(super) fn as_new(&self) -> NewRow<'_> {
        NewRow { hash: &self.hash, when: self.when, name: self.name.as_deref() }
    }
}

impl Intent {
    /// What carries a plan out, given the history on disk.
    pub(super) fn of(site: &Site, adoption: &Adoption) -> Result<Self> {
        let history = &site.project.history;
        let generation = history.generation;
        let mut intent = Self {
            plan: adoption.plan.clone(),
            target: site.dsn.to_string(),
            folder: history.folder.clone(),
            live: adoption.live.clone(),
            ledger: site.project.ledger.clone(),
            files: Vec::new(),
            rows: Vec::new(),
            mends: adoption.mends.clone(),
            folders: Vec::new(),
            folders_beside: Vec::new(),
            command: reconcile(),
            removals: Vec::new(),
            retitling: None,
            ledger_rows: None,
        };
        for at in adoption.recorded.positions() {
            let migration = &history.migrations[at];
            let mut entry = migration.entry.clone();
            entry.when = adoption.times.get(&at).copied().unwrap_or(entry.when);
            intent.rows.push(IntendedRow::of(generation, &entry, &migration.hash));
        }
        if !adoption.times.is_empty() {
            let journal = with_times(history, &adoption.times).journal.map(|it| it.write());
            intent.add_file(
                &history.folder,
                JOURNAL_PATH.to_owned(),
                journal.unwrap_or_default(),
            )?;
        }
        let entries = entries(site, adoption)?;
        for (migration, entry) in adoption.migrations.iter().zip(&entries) {
            intent.add_migration(history, entry, migration)?;
        }
        if generation == Generation::V0 && !entries.is_empty() {
            // The journal comes last: before it is there, Drizzle sees none of the other files.
            let journal = journal_with(site, &entries).write();
            intent.add_file(&history.folder, JOURNAL_PATH.to_owned(), journal)?;
        }
        intent.folders = intent.missing_folders();
        if let Some(evidence) = &adoption.evidence {
            intent.add_certificate(site, adoption, evidence, &entries)?;
        }
        Ok(intent)
    }

    /// What carries an upgrade out.
    pub(super) fn of_upgrade(site: &Site, upgrade: &Upgrade) -> Result<Self> {
        let folder = site.project.history.folder.clone();
        let removal =
            |path: &String| Removal::of(&folder, path).map_err(|_| in_the_way(&folder.join(path)));
        let retitled =
            |it: &Takeover| Retitling::new(upgrade.ledger.clone(), it.statements.clone());
        let mut intent = Self {
            plan: upgrade.plan.clone(),
            target: site.dsn.to_string(),
            live: upgrade.live.clone(),
            ledger: site.project.ledger.clone(),
            files: Vec::new(),
            rows: Vec::new(),
            mends: Vec::new(),
            folders: Vec::new(),
            folders_beside: Vec::new(),
            command: "upgrade".to_owned(),
            removals: upgrade.removals.iter().map(removal).collect::<Result<_>>()?,
            retitling: upgrade.takeover.as_ref().map(retitled),
            ledger_rows: Some(upgrade.ledger.clone()),
            folder: folder.clone(),
        };
        for it in &upgrade.moves {
            let snapshot = (snapshot_path(Generation::V1, &it.folder), &it.snapshot);
            let sql = (sql_path(Generation::V1, &it.folder), &it.sql);
            for (path, content) in [snapshot, sql] {
                intent.add_file(&folder, path, content.clone())?;
            }
        }
        intent.folders = intent.missing_folders();
        intent.add_upgraded_certificate(site, upgrade)?;
        Ok(intent)
    }

    /// What takes a finished upgrade back, and the hash of it: `live` is the catalog now, `names` the ledger's
    /// rows now with the statements that take their names away.
    pub(super) fn of_undo(
        done: &Self,
        live: &Fingerprint,
        names: Option<(Fingerprint, Vec<String>)>,
    ) -> Result<(Self, Fingerprint)> {
        let removal =
            |it: &IntendedFile| Removal { path: it.path.clone(), before: it.content.clone() };
        let mut intent = Self {
            plan: done.plan.clone(),
            live: live.clone(),
            files: Vec::new(),
            folders: Vec::new(),
            folders_beside: Vec::new(),
            command: UNDO.to_owned(),
            removals: done.files.iter().map(removal).collect(),
            retitling: names.map(|(before, statements)| Retitling::back(before, statements)),
            ledger_rows: None,
            ..done.clone()
        };
        // The journal went first and comes last: before it is there, Drizzle sees none of the other files.
        for it in done.removals.iter().rev() {
            intent.add_file(&done.folder, it.path.clone(), it.before.clone())?;
        }
        intent.folders = intent.missing_folders();
        let statements = intent.retitling.iter().flat_map(|it| &it.statements);
        let parts = [intent.target.as_str(), live.as_str()].into_iter();
        let parts = parts.chain(intent.retitling.iter().map(|it| it.before.as_str()));
        let parts = parts.chain(intent.written().flat_map(|it| [it.0, it.1]));
        let plan = Fingerprint::of_parts(parts.chain(statements.map(String::as_str)));
        intent.plan = plan.clone();
        Ok((intent, plan))
    }

    /// The files that it writes, by their paths, with what they say.
    pub(super) fn written(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|it| (it.path.as_str(), it.content.as_str()))
    }

    /// The paths of what it writes, and of what it takes away.
    pub(super) fn paths(&self) -> (Vec<String>, Vec<String>) {
        let written = self.files.iter().map(|it| it.path.clone()).collect();
        (written, self.removals.iter().map(|it| it.path.clone()).collect())
    }

    fn add_migration(
        &mut self,
        history: &History,
        entry: &Entry,
        migration: &NewMigration,
    ) -> Result<()> {
        let (generation, tag) = (history.generation, &entry.tag);
        let sql = (sql_path(generation, tag), &migration.sql);
        let snapshot = (snapshot_path(generation, tag), &migration.snapshot);
        let in_order = match generation {
            Generation::V0 => [sql, snapshot],
            // A migrator runs a folder as soon as its SQL is there.
            Generation::V1 => [snapshot, sql],
        };
        for (path, content) in in_order {
            self.add_file(&history.folder, path, content.clone())?;
        }
        if migration.in_effect {
            let hash = crate::adoption::file_hash(migration);
            self.rows.push(IntendedRow::of(generation, entry, &hash));
        }
        Ok(())
    }

    /// The folders that the files need and that are not there, outer ones first.
    fn missing_folders(&self) -> Vec<String> {
        let inner = self.files.iter().filter_map(|it| Some(it.path.rsplit_once('/')?.0.to_owned()));
        let mut folders: Vec<String> = std::iter::once(String::new()).chain(inner).collect();
        folders.sort();
        folders.dedup();
        folders.retain(|it| !self.folder.join(it).exists());
        folders
    }

    /// The certificate says what all the other files and rows are, so it is made after them, and written
    /// before the journal.
    fn add_certificate(
        &mut self,
        site: &Site,
        adoption: &Adoption,
        evidence: &Evidence,
        entries: &[Entry],
    ) -> Result<()> {
        let history = &site.project.history;
        let journal = journal_with(site, entries);
        let issue = Issue {
            plan: &adoption.plan,
            history,
            migrations: &adoption.migrations,
            evidence,
            journal: &journal,
            files: self.files.iter().map(|it| (it.path.as_str(), it.content.as_str())).collect(),
            rows: self.rows.iter().map(|it| (it.hash.as_str(), it.when)).collect(),
        };
        let on_disk = fs::read_to_string(history.folder.join(JOURNAL_PATH)).unwrap_or_default();
        let content = certificate::issue(site, &issue, &on_disk).write();
        self.add_beside(site, content)
    }

    /// The certificate of an upgrade: what was proven before it, with the files and names of 1.0.
    fn add_upgraded_certificate(&mut self, site: &Site, upgrade: &Upgrade) -> Result<()> {
        let Some(Certified { evidence, history }) = &upgrade.certified else { return Ok(()) };
        let mut journal = Journal::new(site.dialect());
        journal.entries.extend(history.migrations.iter().map(|it| it.entry.clone()));
        let issue = Issue {
            plan: &upgrade.plan,
            history,
            migrations: &[],
            evidence,
            journal: &journal,
            files: Vec::new(),
            rows: Vec::new(),
        };
        let content = certificate::issue(site, &issue, "").write();
        self.add_beside(site, content)
    }

    fn add_beside(&mut self, site: &Site, content: String) -> Result<()> {
        let path = certificate::path(site);
        if path.exists() {
            return Err(in_the_way(&path));
        }
        self.folders_beside.extend(path.parent().filter(|it| !it.exists()).map(Path::to_owned));
        let path = path.display().to_string();
        // Where there is no journal, a killed run finds all of it in its record all the same.
        let at = self.files.iter().position(|it| it.path == JOURNAL_PATH).unwrap_or(0);
        self.files.insert(at, IntendedFile { path, content, before: None });
        Ok(())
    }

    /// Folder and name of the certificate, if one is written.
    pub(super) fn certificate(&self) -> Option<String> {
        let path = self.files.iter().map(|it| Path::new(&it.path)).find(|it| it.is_absolute())?;
        let folder = path.parent()?.file_name()?;
        Some(Path::new(folder).join(path.file_name()?).display().to_string())
    }

    /// The journal is the one file that is there already and grows; any other belongs to somebody else.
    fn add_file(&mut self, folder: &Path, path: String, content: String) -> Result<()> {
        let target = folder.join(&path);
        let before = match fs::read_to_string(&target) {
            Ok(_) if path != JOURNAL_PATH => return Err(in_the_way(&target)),
            Ok(before) => Some(before),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(_) => return Err(in_the_way(&target)),
        };
        self.files.push(IntendedFile { path, content, before });
        Ok(())
    }

    /// Refuses if the run was about another database or another folder: nobody agreed to this one.
    pub(super) fn refuse_other_target(&self, site: &Site) -> Result<()> {
        let (target, folder) = (site.dsn.to_string(), &site.project.history.folder);
        if target == self.target && *folder == self.folder {
            return Ok(());
        }
        Err(Error::refusal(
            "run-of-another-target",
            format!(
                "the interrupted run was about `{}` and `{}`, not about `{target}` and `{}`; nothing was changed",
                self.target,
                self.folder.display(),
                folder.display()
            ),
        )
        .next("resume it with the same configuration and the same `--url`"))
    }

    /// Refuses if a file is neither what stood there nor what is to be written: it is somebody else's.
    pub(super) fn refuse_conflicts(&self, folder: &Path) -> Result<()> {
        for file in &self.files {
            let path = folder.join(&file.path);
            let is_ours = match fs::read(&path) {
                Ok(found) => {
                    let before = file.before.as_ref().map(String::as_bytes);
                    found == file.content.as_bytes() || Some(found.as_slice()) == before
                }
                Err(cause) => cause.kind() == io::ErrorKind::NotFound,
            };
            if !is_ours {
                return Err(in_the_way(&path));
            }
        }
        match self.removals.iter().find(|it| !it.is_ours(folder)) {
            Some(other) => Err(in_the_way(&other.path(folder))),
            None => Ok(()),
        }
    }

    /// Writes all files, each whole or not at all, and then takes away those that go.
    pub(super) fn write_files(
        &self,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Artefact>> {
        self.remove_unfinished(folder);
        let mut artefacts = Vec::new();
        for (at, file) in self.files.iter().enumerate() {
            let path = folder.join(&file.path);
            write_whole(&path, file.content.as_bytes())
                .map_err(|cause| unwritable(&path, cause))?;
            progress.boundary(&format!("{}/file-{at}", self.command));
            artefacts.push(Artefact {
                bytes: file.content.len() as u64,
                sha256: Fingerprint::of_bytes(file.content.as_bytes()).as_str().to_owned(),
                path,
            });
        }
        removal::remove_all(&self.removals, folder, (&self.command, progress))
            .map_err(|(path, cause)| unwritable(&path, cause))?;
        Ok(artefacts)
    }

    /// Takes away what this run wrote, and nothing else, the journal first; what it took away is back
    /// before that.
    pub(super) fn undo_files(&self, folder: &Path, progress: &mut dyn Progress) -> Result<()> {
        self.remove_unfinished(folder);
        removal::restore_all(&self.removals, folder, (&self.command, progress))
            .map_err(|(path, cause)| unwritable(&path, cause))?;
        for (at, file) in self.files.iter().enumerate().rev() {
            let path = folder.join(&file.path);
            if fs::read(&path).is_ok_and(|it| it == file.content.as_bytes()) {
                let result = match &file.before {
                    Some(before) => write_whole(&path, before.as_bytes()),
                    None => fs::remove_file(&path),
                };
                result.map_err(|cause| unwritable(&path, cause))?;
                progress.boundary(&format!("{}/undone-{at}", self.command));
            }
        }
        for made in self.folders.iter().rev() {
            // drizzle-kit stumbles over an empty `meta`. One that is not empty is somebody's, and stays.
            let _ = fs::remove_dir(folder.join(made));
        }
        for made in &self.folders_beside {
            let _ = fs::remove_dir(made);
        }
        Ok(())
    }

    /// What a killed run was just writing beside the files.
    fn remove_unfinished(&self, folder: &Path) {
        let mut folders: Vec<PathBuf> = self
            .files
            .iter()
            .filter_map(|it| Some(folder.join(&it.path).parent()?.into()))
            .collect();
        folders.sort();
        folders.dedup();
        folders.iter().for_each(|it| remove_unfinished(it));
    }
}

/// The names and times of a plan's new migrations.
fn entries(site: &Site, adoption: &Adoption) -> Result<Vec<Entry>> {
    let history = &site.project.history;
    let now = site.setting.now.as_millisecond();
    let now = match history.generation {
        Generation::V0 => now,
        // The name of a folder has whole seconds.
        Generation::V1 => now - now.rem_euclid(STEP_MILLIS),
    };
    let mut journal = journal_with(site, &[]);
    let n_before = journal.entries.len();
    for (migration, when) in adoption.migrations.iter().zip(whens(now, adoption.migrations.len())) {
        let moment = moment(when)?;
        let tag = match history.generation {
            Generation::V0 => prefix(site)?.tag(journal.next_idx(), &moment, migration.name),
            Generation::V1 => folder_tag(&moment, migration.name),
        };
        let entry = journal.append(site.dialect(), &tag, when);
        entry.breakpoints = site.project.has_breakpoints();
    }
    Ok(journal.entries.split_off(n_before))
}

/// The journal with these entries at its end; for folders, what a journal would say of them.
fn journal_with(site: &Site, new: &[Entry]) -> Journal {
    let history = &site.project.history;
    let mut journal = history.journal.clone().unwrap_or_else(|| {
        let mut journal = Journal::new(site.dialect());
        journal.entries.extend(history.migrations.iter().map(|it| it.entry.clone()));
        journal
    });
    journal.entries.extend(new.iter().cloned());
    journal
}

/// Times for `n` migrations: a second apart, the newest not later than now.
fn whens(now: i64, n: usize) -> Vec<i64> {
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    (0..n).map(|at| now - (n - 1 - at) * STEP_MILLIS).collect()
}

fn prefix(site: &Site) -> Result<Prefix> {
    match site.project.config.migrations_prefix.as_deref() {
        None | Some("index") => Ok(Prefix::Index),
        Some("timestamp") => Ok(Prefix::Timestamp),
        Some("supabase") => Ok(Prefix::Supabase),
        Some("unix") => Ok(Prefix::Unix),
        Some(other) => Err(Error::new(
            "prefix-unsupported",
            format!("`migrations.prefix` is `{other}`: drizzle-kit itself cannot find the snapshots of such a history again"),
        )
        .next("use `index` or `timestamp`")),
    }
}

/// A time as names of folders have it.
pub(crate) fn moment(when: i64) -> Result<Moment> {
    let time = jiff::Timestamp::from_millisecond(when).map_err(|cause| {
        Error::new("clock-invalid", "the clock is out of range").caused_by(cause)
    })?;
    Ok(Moment { stamp: time.strftime("%Y%m%d%H%M%S").to_string(), unix: time.as_second() })
}

fn in_the_way(path: &Path) -> Error {
    Error::refusal(
        "file-in-the-way",
        format!(
            "`{}` is not what raingauge found or wrote there; it was not overwritten",
            path.display()
        ),
    )
    .next("move it aside, then run the command again")
}

fn unwritable(path: &Path, cause: io::Error) -> Error {
    Error::new("file-unwritable", format!("cannot write `{}`", path.display()))
        .caused_by(cause)
        .next("make the migrations folder writable for this user, then run the command again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_a_second_apart_and_not_in_the_future() {
        assert_eq!(whens(10_000, 3), [8000, 9000, 10_000]);
    }
}
