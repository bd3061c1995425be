//! Names in a migrations folder: which layout it has, and how drizzle-kit names new files.

use serde::{Deserialize, Serialize};

use super::Generation;
use super::folder::{MIGRATION_FILE, SNAPSHOT_FILE};
use super::journal::Entry;

/// Which of Drizzle's layouts a migrations folder has. Paths are as they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// No migrations. SQL files in the folder itself without a journal do not count: Drizzle does
    /// not see them either.
    Empty,
    /// 0.x: `meta/_journal.json` with `<tag>.sql` files.
    Journal,
    /// 1.0: one folder per migration, with `migration.sql` and `snapshot.json`.
    Folders { folders: Vec<String> },
    /// Both: no version of Drizzle understands it as meant.
    Mixed { folders: Vec<String> },
}

/// The path of the journal below the migrations folder.
pub const JOURNAL_PATH: &str = "meta/_journal.json";

impl Layout {
    /// Whose layout it is; nobody's where there are no migrations, or both.
    pub fn generation(&self) -> Option<Generation> {
        match self {
            Self::Journal => Some(Generation::V0),
            Self::Folders { .. } => Some(Generation::V1),
            Self::Empty | Self::Mixed { .. } => None,
        }
    }

    /// Recognises the layout from paths relative to the migrations folder, with `/`.
    pub fn of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut journal, mut folders) = (false, Vec::new());
        for path in paths {
            match path.split_once('/') {
                Some(_) if path == JOURNAL_PATH => journal = true,
                Some((folder, "migration.sql" | "snapshot.json"))
                    if folder != "meta" && !folders.iter().any(|it| it == folder) =>
                {
                    folders.push(folder.to_owned());
                }
                Some(_) | None => {}
            }
        }
        folders.sort();
        match (journal, folders.is_empty()) {
            (false, true) => Self::Empty,
            (true, true) => Self::Journal,
            (false, false) => Self::Folders { folders },
            (true, false) => Self::Mixed { folders },
        }
    }
}

/// `migrations.prefix` of the configuration: how file names begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prefix {
    #[default]
    Index,
    Timestamp,
    Supabase,
    Unix,
    None,
}

/// The clock at the time of generating, which some prefixes need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// UTC as `YYYYMMDDHHMMSS`.
    pub stamp: String,
    /// Seconds since 1970.
    pub unix: i64,
}

impl Prefix {
    /// The text before the first `_` of a new migration's tag.
    pub fn text(self, idx: u32, now: &Moment) -> String {
        match self {
            Self::Index => format!("{idx:04}"),
            Self::Timestamp | Self::Supabase => now.stamp.clone(),
            Self::Unix => now.unix.to_string(),
            Self::None => String::new(),
        }
    }

    /// The tag of a new migration: its SQL file's name without the extension.
    pub fn tag(self, idx: u32, now: &Moment, name: &str) -> String {
        format!("{}_{name}", self.text(idx, now))
    }
}

/// The path of a migration's SQL file.
pub fn sql_path(generation: Generation, tag: &str) -> String {
    match generation {
        Generation::V0 => format!("{tag}.sql"),
        Generation::V1 => format!("{tag}/{MIGRATION_FILE}"),
    }
}

/// The path of the snapshot that belongs to a tag.
pub fn snapshot_path(generation: Generation, tag: &str) -> String {
    match generation {
        Generation::V0 => {
            let prefix = tag.split('_').next().unwrap_or_default();
            format!("meta/{prefix}_snapshot.json")
        }
        Generation::V1 => format!("{tag}/{SNAPSHOT_FILE}"),
    }
}

/// The tag of a new migration of 1.0, which is the name of its folder.
pub fn folder_tag(now: &Moment, name: &str) -> String {
    format!("{}_{name}", now.stamp)
}

/// The snapshot of each entry, among the names of the files in `meta/`. Where two tags have the same
/// prefix, only one can have the file of that name; the other one's is named after its `idx`.
pub fn paired_snapshots(entries: &[Entry], names: &[&str]) -> Vec<Option<String>> {
    let mut pairs = vec![None; entries.len()];
    let by_tag = |it: &Entry| {
        let prefix = it.tag.split('_').next().unwrap_or_default();
        let agrees = prefix.parse::<u64>().is_ok_and(|number| number == u64::from(it.idx));
        (format!("{prefix}_snapshot.json"), agrees || 6 < prefix.len())
    };
    for may_disagree in [false, true] {
        for (at, entry) in entries.iter().enumerate() {
            let (name, agrees) = by_tag(entry);
            let candidates =
                [Some(name), may_disagree.then(|| format!("{:04}_snapshot.json", entry.idx))];
            if pairs[at].is_some() || !(agrees || may_disagree) {
                continue;
            }
            let is_free =
                |it: &String| names.contains(&it.as_str()) && !pairs.contains(&Some(it.clone()));
            pairs[at] = candidates.into_iter().flatten().find(is_free);
        }
    }
    pairs
}

/// The snapshots among paths relative to the migrations folder, in the order in which drizzle-kit
/// reads them: the last one is the previous snapshot.
pub fn snapshots<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let seen = |path: &&str| {
        path.strip_prefix("meta/").is_some_and(|name| !name.starts_with('_') && !name.contains('/'))
    };
    let mut snapshots: Vec<_> = paths.into_iter().filter(seen).collect();
    snapshots.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
    snapshots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dialect;
    use crate::drizzle::journal::Journal;

    #[test]
    fn a_layout_is_recognised_by_its_files() {
        let folders = || vec!["20260101000000_a".to_owned()];
        let one = "20260101000000_a/migration.sql";
        assert_eq!(Layout::of([]), Layout::Empty);
        assert_eq!(Layout::of(["schema.ts", "0000_a.sql"]), Layout::Empty);
        assert_eq!(Layout::of(["0000_a.sql", "meta/_journal.json"]), Layout::Journal);
        assert_eq!(Layout::of([one, "schema.ts"]), Layout::Folders { folders: folders() });
        assert_eq!(Layout::of([one, "meta/_journal.json"]), Layout::Mixed { folders: folders() });
    }

    #[test]
    fn prefixes_are_those_of_the_kit() {
        let now = Moment { stamp: "20261122113628".to_owned(), unix: 1_795_347_388 };
        let tags = [Prefix::Index, Prefix::Timestamp, Prefix::Unix, Prefix::None]
            .map(|it| it.tag(7, &now, "init"));
        assert_eq!(tags, ["0007_init", "20261122113628_init", "1795347388_init", "_init"]);
        assert_eq!(Prefix::Index.tag(12_345, &now, "x"), "12345_x");
    }

    #[test]
    fn a_snapshot_is_named_after_the_prefix_of_the_tag() {
        let path = |tag| snapshot_path(Generation::V0, tag);
        assert_eq!(path("0003_many_under_scores"), "meta/0003_snapshot.json");
        assert_eq!(path("_none"), "meta/_snapshot.json");
    }

    #[test]
    fn of_two_tags_with_one_prefix_each_has_its_own_snapshot() {
        let mut journal = Journal::new(Dialect::Sqlite);
        let tags = ["0000_a", "0001_b", "0001_c", "20260101000000_d", "0004_e"];
        for (when, tag) in (1000..).zip(tags) {
            journal.append(Dialect::Sqlite, tag, when);
        }
        let names =
            ["0000_", "0001_", "0002_", "20260101000000_"].map(|it| format!("{it}snapshot.json"));
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let pairs = paired_snapshots(&journal.entries, &names);
        let pairs: Vec<_> = pairs.iter().map(Option::as_deref).collect();
        let expected = [Some(names[0]), Some(names[1]), Some(names[2]), Some(names[3]), None];
        assert_eq!(pairs, expected);
    }

    #[test]
    fn snapshots_without_a_prefix_are_not_seen_and_the_others_sort_as_text() {
        let paths = [
            "meta/_journal.json",
            "meta/0010_snapshot.json",
            "meta/0009_snapshot.json",
            "meta/_snapshot.json",
            "0009_a.sql",
        ];
        assert_eq!(snapshots(paths), ["meta/0009_snapshot.json", "meta/0010_snapshot.json"]);
    }
}
