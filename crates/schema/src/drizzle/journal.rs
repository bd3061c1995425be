//! `meta/_journal.json`: which migrations a folder of the 0.x layout has, and in which order.
//!
//! Reading says where a broken file is broken; writing gives the bytes that drizzle-kit 0.31 writes.

use serde::{Deserialize, Serialize};

use super::javascript;
use super::snapshot::{JsonError, parse_json};
use crate::Dialect;

/// The journal's own version; the same for every dialect.
pub const JOURNAL_VERSION: &str = "7";

/// The journal of a migrations folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    pub version: String,
    pub dialect: String,
    /// In the order in which the migrator applies them.
    pub entries: Vec<Entry>,
}

/// One migration of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub idx: u32,
    /// The version of the snapshot format.
    pub version: String,
    /// When it was generated, in milliseconds; becomes `created_at` of the ledger row.
    pub when: i64,
    /// The name of the SQL file without its extension.
    pub tag: String,
    pub breakpoints: bool,
}

/// Why a journal cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error("the journal is not one that drizzle-kit 0.x writes: {message}")]
    Malformed { message: String },
}

impl JournalError {
    /// The stable code for reports.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json(it) => it.code(),
            Self::Malformed { .. } => "journal-malformed",
        }
    }
}

/// Something in a journal that Drizzle would stumble over or silently pass by. The numbers are
/// positions in [`Journal::entries`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Irregularity {
    /// The journal belongs to another dialect.
    Dialect {
        found: String,
    },
    /// The journal's version is not [`JOURNAL_VERSION`].
    JournalVersion {
        found: String,
    },
    /// An entry's version is not that of the dialect's snapshots.
    EntryVersion {
        entry: usize,
        found: String,
    },
    /// `when` is not greater than that of the entry before: a database that has the entry before
    /// never gets this one.
    WhenNotIncreasing {
        entry: usize,
    },
    /// `when` is greater, but by less than a second: `drizzle-kit up` to 1.0 refuses it.
    WhenWithinSecond {
        entry: usize,
    },
    RepeatedTag {
        entry: usize,
        first: usize,
    },
    RepeatedIdx {
        entry: usize,
        first: usize,
    },
}

impl Journal {
    /// A journal without entries.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            version: JOURNAL_VERSION.to_owned(),
            dialect: dialect.drizzle_name().to_owned(),
            entries: Vec::new(),
        }
    }

    /// Reads a journal as strictly as Drizzle does.
    ///
    /// # Errors
    /// When the text is not JSON (a byte order mark included, which breaks Drizzle too) or a field
    /// is missing or of another type.
    pub fn read(json: &str) -> Result<Self, JournalError> {
        let value = parse_json(json)?;
        serde_json::from_value(value)
            .map_err(|error| JournalError::Malformed { message: error.to_string() })
    }

    /// The bytes that `drizzle-kit generate` writes: two spaces, no trailing newline.
    pub fn write(&self) -> String {
        javascript::pretty(self)
    }

    /// The form on one line that drizzle-kit writes when it creates the folder.
    pub fn write_compact(&self) -> String {
        javascript::compact(self)
    }

    /// The `idx` that the next entry gets.
    pub fn next_idx(&self) -> u32 {
        self.entries.last().map_or(0, |it| it.idx + 1)
    }

    /// Appends a migration with the next `idx` and gives its entry.
    pub fn append(&mut self, dialect: Dialect, tag: &str, when: i64) -> &mut Entry {
        let entry = Entry {
            idx: self.next_idx(),
            version: snapshot_version(dialect).to_owned(),
            when,
            tag: tag.to_owned(),
            breakpoints: true,
        };
        self.entries.push(entry);
        self.entries.last_mut().expect("an entry was just pushed")
    }

    /// All that Drizzle would stumble over, in the order of the file.
    pub fn irregularities(&self, dialect: Dialect) -> Vec<Irregularity> {
        let mut found = Vec::new();
        if self.dialect != dialect.drizzle_name() {
            found.push(Irregularity::Dialect { found: self.dialect.clone() });
        }
        if self.version != JOURNAL_VERSION {
            found.push(Irregularity::JournalVersion { found: self.version.clone() });
        }
        for index in 0..self.entries.len() {
            self.push_irregularities(index, dialect, &mut found);
        }
        found
    }

    fn push_irregularities(&self, entry: usize, dialect: Dialect, into: &mut Vec<Irregularity>) {
        let (before, it) = (&self.entries[..entry], &self.entries[entry]);
        if it.version != snapshot_version(dialect) {
            into.push(Irregularity::EntryVersion { entry, found: it.version.clone() });
        }
        match before.iter().map(|it| it.when).max() {
            Some(newest) if it.when <= newest => {
                into.push(Irregularity::WhenNotIncreasing { entry });
            }
            Some(newest) if it.when.saturating_sub(newest) < 1000 => {
                into.push(Irregularity::WhenWithinSecond { entry });
            }
            Some(_) | None => {}
        }
        if let Some(first) = before.iter().position(|other| other.tag == it.tag) {
            into.push(Irregularity::RepeatedTag { entry, first });
        }
        if let Some(first) = before.iter().position(|other| other.idx == it.idx) {
            into.push(Irregularity::RepeatedIdx { entry, first });
        }
    }
}

/// The snapshot format of drizzle-kit 0.31.
pub fn snapshot_version(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "7",
        Dialect::MySql => "5",
        Dialect::Sqlite => "6",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(whens: &[i64]) -> Journal {
        let mut journal = Journal::new(Dialect::Postgres);
        for (index, when) in whens.iter().enumerate() {
            journal.append(Dialect::Postgres, &format!("{index:04}_step"), *when);
        }
        journal
    }

    #[test]
    fn an_empty_journal_is_written_on_one_line_when_the_folder_is_created() {
        assert_eq!(
            Journal::new(Dialect::Sqlite).write_compact(),
            r#"{"version":"7","dialect":"sqlite","entries":[]}"#
        );
    }

    #[test]
    fn a_written_journal_reads_back_and_has_no_trailing_newline() {
        let journal = journal(&[1000, 2000]);
        let json = journal.write();
        assert!(json.starts_with("{\n  \"version\": \"7\",\n  \"dialect\": \"postgresql\",\n"));
        assert!(json.ends_with("      \"breakpoints\": true\n    }\n  ]\n}"));
        assert_eq!(Journal::read(&json), Ok(journal));
    }

    #[test]
    fn a_byte_order_mark_is_named_and_not_skipped() {
        let error = Journal::read("\u{feff}{}").unwrap_err();
        assert_eq!(error.code(), "byte-order-mark");
    }

    #[test]
    fn broken_json_is_located() {
        let error = Journal::read("{\n  \"version\": \"7\",,\n}").unwrap_err();
        let JournalError::Json(JsonError::Syntax { line, .. }) = error else { panic!("{error}") };
        assert_eq!(line, 2);
    }

    #[test]
    fn a_missing_field_is_named() {
        let error = Journal::read(r#"{"version":"7","entries":[]}"#).unwrap_err();
        assert!(error.to_string().contains("`dialect`"), "{error}");
    }

    #[test]
    fn a_regular_journal_has_no_irregularities() {
        assert_eq!(journal(&[1000, 2000, 4000]).irregularities(Dialect::Postgres), []);
    }

    #[test]
    fn t05_an_entry_older_than_one_before_is_found_even_across_entries() {
        use Irregularity::{WhenNotIncreasing, WhenWithinSecond};
        let found = journal(&[1000, 5000, 2000, 3000, 5500]).irregularities(Dialect::Postgres);
        let expected = [
            WhenNotIncreasing { entry: 2 },
            WhenNotIncreasing { entry: 3 },
            WhenWithinSecond { entry: 4 },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn repetitions_and_foreign_versions_are_found() {
        let mut journal = journal(&[1000, 2000]);
        journal.entries[1].tag = journal.entries[0].tag.clone();
        journal.entries[1].idx = 0;
        let found = journal.irregularities(Dialect::Sqlite);
        let entry_version = |entry| Irregularity::EntryVersion { entry, found: "7".to_owned() };
        let expected = [
            Irregularity::Dialect { found: "postgresql".to_owned() },
            entry_version(0),
            entry_version(1),
            Irregularity::RepeatedTag { entry: 1, first: 0 },
            Irregularity::RepeatedIdx { entry: 1, first: 0 },
        ];
        assert_eq!(found, expected);
    }
}
