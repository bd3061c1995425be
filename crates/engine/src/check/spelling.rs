//! What people and tools write into the ledger's `hash` where Drizzle writes the sha256 of a file.

use md5::{Digest, Md5};
use raingauge_schema::drizzle::ledger::LedgerRow;
use raingauge_schema::drizzle::migration::hash;

use crate::history::{History, Migration};

/// How a row names its migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// The tag, with or without `.sql`.
    Tag,
    Md5,
    /// The sha256 of the file with other line endings.
    LineEndings,
    /// Nothing, as the migrators of Expo and Durable Objects write it.
    Empty,
    /// No hash at all.
    Nonsense,
}

impl Spelling {
    /// The words for what stands in the column.
    pub fn words(self) -> &'static str {
        match self {
            Self::Tag => "the migration's tag",
            Self::Md5 => "the file's md5",
            Self::LineEndings => "the hash of the file with other line endings",
            Self::Empty => "nothing",
            Self::Nonsense => "what is no hash",
        }
    }
}

/// The migration that a row's hash names in another way than Drizzle does.
pub fn named(row: &LedgerRow, history: &History) -> Option<(usize, Spelling)> {
    let all = history.migrations.iter().enumerate();
    all.filter_map(|(at, it)| Some((at, names(row, it)?))).next()
}

/// What stands in the column of a row whose time tells the migration; `None` where it looks like a hash.
pub fn oddity(row: &LedgerRow, migration: &Migration) -> Option<Spelling> {
    if let Some(spelling) = names(row, migration) {
        return Some(spelling);
    }
    if row.hash.is_empty() {
        return Some(Spelling::Empty);
    }
    let is_hash = row.hash.len() == 64 && row.hash.bytes().all(|it| it.is_ascii_hexdigit());
    (!is_hash).then_some(Spelling::Nonsense)
}

fn names(row: &LedgerRow, migration: &Migration) -> Option<Spelling> {
    let (found, tag) = (row.hash.trim(), &migration.entry.tag);
    if found == tag || found.strip_suffix(".sql") == Some(tag) {
        return Some(Spelling::Tag);
    }
    let digest = Md5::digest(migration.sql.as_bytes());
    let md5: String = digest.iter().map(|it| format!("{it:02x}")).collect();
    if found.eq_ignore_ascii_case(&md5) {
        return Some(Spelling::Md5);
    }
    let unix = migration.sql.replace("\r\n", "\n");
    let endings = [unix.replace('\n', "\r\n"), unix];
    let is_ending = |it: &String| *it != migration.sql && hash(it.as_bytes()).as_str() == found;
    endings.iter().any(is_ending).then_some(Spelling::LineEndings)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use raingauge_schema::Dialect;
    use raingauge_schema::drizzle::journal::Journal;
    use raingauge_schema::drizzle::ledger::CreatedAt;

    use super::*;

    #[track_caller]
    fn check(found: &str, expected: Option<Spelling>) {
        let mut journal = Journal::new(Dialect::Sqlite);
        let entry = journal.append(Dialect::Sqlite, "0000_a", 1000).clone();
        let sql = "select 1;\nselect 2;\n".to_owned();
        let hash = hash(sql.as_bytes());
        let migration = Migration { entry, path: PathBuf::new(), sql, hash, snapshot: None };
        let row =
            LedgerRow { id: None, hash: found.to_owned(), created_at: CreatedAt::Null, name: None };
        assert_eq!(oddity(&row, &migration), expected, "{found}");
    }

    #[test]
    fn t10_a_hash_of_other_line_endings_is_told_from_one_of_an_edited_file() {
        let crlf = hash(b"select 1;\r\nselect 2;\r\n");
        check(crlf.as_str(), Some(Spelling::LineEndings));
        check(hash(b"select 3;\n").as_str(), None);
        check(hash(b"select 1;\nselect 2;\n").as_str(), None);
    }

    #[test]
    fn what_stands_in_place_of_a_hash_is_recognised() {
        check("0000_a", Some(Spelling::Tag));
        check("0000_a.sql", Some(Spelling::Tag));
        check("f7fe1b29d22f1ae1d02d3d5ef6dd2b07", Some(Spelling::Nonsense));
        check("", Some(Spelling::Empty));
        check("done", Some(Spelling::Nonsense));
    }
}
