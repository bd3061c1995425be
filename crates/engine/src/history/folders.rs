//! The folder layout of Drizzle 1.0: which folders the migrator runs, in which order, and what of that
//! drizzle-kit sees otherwise.

use raingauge_schema::Dialect;
use raingauge_schema::drizzle::folder::{
    MIGRATION_FILE, SNAPSHOT_FILE, locale_order, millis, stamp,
};
use raingauge_schema::drizzle::journal::Entry;
use raingauge_schema::drizzle::snapshot::version_of;

use super::{History, entries, read_text};
use crate::Result;
use crate::report::{Affected, Finding};

impl History {
    /// Reads the folders as the migrator does: those with a `migration.sql`, in the order of their names.
    pub(super) fn read_folders(
        &mut self,
        mut folders: Vec<String>,
        dialect: Dialect,
    ) -> Result<()> {
        // The kit's order is that of the text.
        self.findings.extend(names(&folders));
        folders.sort_by(|a, b| locale_order(a, b));
        for folder in folders {
            self.read_folder(folder, dialect)?;
        }
        Ok(())
    }

    /// The folders that the migrator would run now, in its order.
    pub(super) fn folder_tags(&self) -> Result<Vec<String>> {
        let folders = entries(&self.folder)?.into_iter();
        let mut tags: Vec<_> =
            folders.filter(|it| it.1.join(MIGRATION_FILE).exists()).map(|it| it.0).collect();
        tags.sort_by(|a, b| locale_order(a, b));
        Ok(tags)
    }

    fn read_folder(&mut self, folder: String, dialect: Dialect) -> Result<()> {
        let path = self.folder.join(&folder).join(MIGRATION_FILE);
        let snapshot_file = self.folder.join(&folder).join(SNAPSHOT_FILE);
        if !path.exists() {
            self.findings.push(
                Finding::error(
                    "migration-missing",
                    path.display().to_string(),
                    "does not exist, although there is a snapshot beside its place: drizzle-kit takes the migration for made, and no migrator runs it",
                )
                .affects(Affected::Both)
                .next("restore the file from version control"),
            );
            return Ok(());
        }
        let snapshot = if snapshot_file.exists() { Some(read_text(&snapshot_file)?) } else { None };
        let entry = Entry {
            idx: u32::try_from(self.migrations.len()).unwrap_or(u32::MAX),
            version: snapshot.as_deref().and_then(version_of).unwrap_or_default(),
            when: millis(&folder).unwrap_or_default(),
            tag: folder,
            breakpoints: true,
        };
        self.add(dialect, path, entry, snapshot)
    }
}

/// What is wrong with the names of folders, which are sorted as text.
fn names(folders: &[String]) -> Vec<Finding> {
    let mut findings: Vec<_> = folders
        .iter()
        .filter(|it| stamp(it).is_none())
        .map(|it| {
            let message = match millis(it) {
                None => "does not begin with a time, so the migrator fails when it records it",
                Some(_) => "does not begin with the fourteen digits of a time, so nobody can say when its turn is",
            };
            Finding::error("folder-name", it.clone(), message)
                .affects(Affected::Both)
                .next("give it a name such as `20261122112828_init`, if no database has recorded it")
        })
        .collect();
    for pair in folders.windows(2) {
        let is_same_second = millis(&pair[0]).is_some() && millis(&pair[0]) == millis(&pair[1]);
        if locale_order(&pair[0], &pair[1]).is_gt() {
            findings.push(
                Finding::error(
                    "folder-order",
                    pair[1].clone(),
                    format!(
                        "comes after `{}` for drizzle-kit and before it for the migrator",
                        pair[0]
                    ),
                )
                .affects(Affected::Both)
                .next("give one of them a later time in its name, before it is applied anywhere"),
            );
        } else if is_same_second {
            let message = format!(
                "has the same time as `{}`: only the rest of the names says which comes first",
                pair[0]
            );
            findings.push(
                Finding::warning("folder-same-second", pair[1].clone(), message)
                    .affects(Affected::Fresh),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::fs;

    use raingauge_schema::drizzle::Generation;

    use super::*;

    /// A history with these folders, all of them whole.
    fn history(folders: &[&str]) -> (tempfile::TempDir, History) {
        let root = tempfile::tempdir().unwrap();
        for folder in folders {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(MIGRATION_FILE), "select 1").unwrap();
            fs::write(folder.join(SNAPSHOT_FILE), r#"{"version":"8"}"#).unwrap();
        }
        let history = History::read(root.path(), Dialect::Postgres, Some(Generation::V1)).unwrap();
        (root, history)
    }

    #[track_caller]
    fn check(folders: &[&str], order: &[&str], codes: &[&str]) {
        let (_root, history) = history(folders);
        let tags: Vec<_> = history.migrations.iter().map(|it| it.entry.tag.as_str()).collect();
        assert_eq!(tags, order);
        let found: Vec<_> = history.findings.iter().map(|it| it.code).collect();
        assert_eq!(found, codes);
    }

    #[test]
    fn a_healthy_folder_is_silent_and_its_times_are_those_of_the_names() {
        let names = ["20261122112828_one", "20261122112829_two"];
        check(&names, &names, &[]);
        let (_root, history) = history(&names);
        let [one, two] = &history.migrations[..] else { panic!("two migrations") };
        assert_eq!((one.entry.when, two.entry.when), (1_795_346_908_000, 1_795_346_909_000));
        assert_eq!(one.entry.version, "8");
    }

    #[test]
    fn t18_two_folders_of_one_second_are_told() {
        let names = ["20261122112828_a", "20261122112828_b"];
        check(&names, &names, &["folder-same-second"]);
    }

    #[test]
    fn folders_that_kit_and_migrator_sort_in_two_ways_are_an_error() {
        let names = ["20261122112828_B", "20261122112828_a"];
        check(&names, &["20261122112828_a", "20261122112828_B"], &["folder-order"]);
    }

    #[test]
    fn a_folder_without_a_time_is_an_error() {
        check(&["0000_init", "first"], &["0000_init", "first"], &["folder-name", "folder-name"]);
    }

    #[test]
    fn a_snapshot_without_its_migration_is_an_error_and_runs_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("20261122112828_one");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(SNAPSHOT_FILE), "{}").unwrap();
        let history = History::read(root.path(), Dialect::Sqlite, None).unwrap();
        assert!(history.migrations.is_empty());
        assert_eq!(history.findings[0].code, "migration-missing");
    }
}
