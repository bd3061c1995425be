//! Entries of the journal: what Drizzle would stumble over, and what somebody typed by hand.

use std::collections::BTreeMap;
use std::path::Path;

use raingauge_schema::Dialect;
use raingauge_schema::drizzle::journal::{Entry, Irregularity, Journal};

use super::{Folder, line_of};
use crate::report::{Affected, Finding, Severity};

/// drizzle-kit stamps milliseconds; a clock shows a whole second once in a thousand times.
const WHOLE_SECOND: i64 = 1000;

/// Before that, there was no drizzle-kit: such a time is one in seconds, or invented.
const FIRST_KIT: i64 = 1_600_000_000_000;

/// All irregularities as findings; `text` is the file's. What is only information is told once for all
/// entries that it holds of.
pub fn irregularities(
    journal: &Journal,
    dialect: Dialect,
    path: &Path,
    text: &str,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for it in journal.irregularities(dialect) {
        let finding = irregular(&it, journal, path, text);
        let first = findings.iter_mut().find(|it| it.code == finding.code);
        match first.filter(|_| finding.severity == Severity::Info) {
            Some(first) => first.evidence.push(finding.message),
            None => findings.push(finding),
        }
    }
    findings
}

fn irregular(it: &Irregularity, journal: &Journal, path: &Path, text: &str) -> Finding {
    let tag = |entry: usize| journal.entries.get(entry).map_or("", |it| it.tag.as_str());
    let at = |entry: usize| place(path, text, tag(entry));
    let advice =
        "compare with version control; the journal has to say what the databases have recorded";
    let error =
        |code, subject, message: String| Finding::error(code, subject, message).next(advice);
    match it {
        Irregularity::Dialect { found } => error(
            "journal-dialect",
            place(path, text, "\"dialect\""),
            format!("belongs to dialect `{found}`, not to the one of `drizzle.config.ts`"),
        )
        .affects(Affected::Both),
        Irregularity::JournalVersion { found } => Finding::info(
            "journal-version",
            place(path, text, "\"version\""),
            format!("was begun by another drizzle-kit: it has version `{found}`, which no tool reads"),
        )
        .affects(Affected::Kit),
        Irregularity::EntryVersion { entry, found } => Finding::info(
            "journal-entry-version",
            at(*entry),
            format!("was written by another drizzle-kit: snapshot version `{found}`"),
        )
        .affects(Affected::Kit),
        Irregularity::WhenNotIncreasing { entry } => error(
            "when-not-increasing",
            at(*entry),
            format!("`{}` is not newer than the entries before it: a database that has those never gets this one, and `migrate` answers with success", tag(*entry)),
        )
        .affects(Affected::Upgraded),
        Irregularity::WhenWithinSecond { entry } => Finding::info(
            "when-within-second",
            at(*entry),
            format!("`{}` is less than a second newer than the entry before it; Drizzle 1.0 cannot take over such a history", tag(*entry)),
        )
        .affects(Affected::Kit),
        Irregularity::RepeatedTag { entry, first } => error(
            "journal-repeated",
            at(*entry),
            format!("`{}` is listed twice, as entries {first} and {entry}", tag(*entry)),
        )
        .affects(Affected::Both),
        Irregularity::RepeatedIdx { entry, first } => error(
            "journal-repeated",
            at(*entry),
            format!("`{}` has the same idx as `{}`", tag(*entry), tag(*first)),
        )
        .affects(Affected::Kit),
    }
}

/// What only a look at all entries tells.
pub(super) fn entries(folder: &Folder<'_>) -> Vec<Finding> {
    let Some(journal) = &folder.history.journal else { return Vec::new() };
    let file = folder.meta.iter().find(|it| it.name == "_journal.json");
    let path = folder.history.folder.join("meta/_journal.json");
    let text = file.and_then(|it| it.text.as_deref()).unwrap_or_default();
    let mut findings = misnumbered(journal, &path, text);
    findings.extend(typed_by_hand(journal, &path, text));
    findings
}

/// drizzle-kit names the snapshot after the file's number, and runners that go by file names (wrangler)
/// apply the file in another place of the order.
fn misnumbered(journal: &Journal, path: &Path, text: &str) -> Vec<Finding> {
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in &journal.entries {
        files.entry(prefix(entry)).or_default().push(&entry.tag);
    }
    let is_wrong = |it: &&Entry| index(it).is_some_and(|number| number != it.idx);
    let wrong = journal.entries.iter().filter(is_wrong);
    wrong
        .map(|it| {
            let message = format!("`{}` has idx {}, not the number in its name", it.tag, it.idx);
            let finding = Finding::warning("tag-idx-mismatch", place(path, text, &it.tag), message)
                .affects(Affected::Kit)
                .evidence("runners that go by file names, such as wrangler, apply it in another place than Drizzle does");
            let others = files.get(prefix(it)).into_iter().flatten().filter(|tag| **tag != it.tag);
            others
                .fold(finding, |finding, tag| finding.evidence(format!("`{tag}` has the same number")))
                .next("leave it if it is released; otherwise raingauge validate --fix")
        })
        .collect()
}

/// A `when` that no clock gave: one wrong digit, and a database skips or repeats it.
fn typed_by_hand(journal: &Journal, path: &Path, text: &str) -> Option<Finding> {
    let is_typed = |it: &&Entry| it.when % WHOLE_SECOND == 0 || it.when < FIRST_KIT;
    let typed: Vec<_> = journal.entries.iter().filter(is_typed).collect();
    let first = typed.first()?;
    let finding = Finding::info(
        "when-typed",
        place(path, text, &first.tag),
        "has times that look typed by hand; what counts is only that each is newer than the one before it",
    )
    .affects(Affected::Upgraded);
    Some(typed.iter().fold(finding, |it, entry| {
        let line = line_of(text, &format!("\"{}\"", entry.tag)).unwrap_or_default();
        it.evidence(format!("line {line}: `{}` {}", entry.tag, entry.when))
    }))
}

fn prefix(entry: &Entry) -> &str {
    entry.tag.split('_').next().unwrap_or_default()
}

/// The number in a tag with the prefix `index`; times are longer.
fn index(entry: &Entry) -> Option<u32> {
    let prefix = prefix(entry);
    if (4..=6).contains(&prefix.len()) { prefix.parse().ok() } else { None }
}

fn place(path: &Path, text: &str, what: &str) -> String {
    match line_of(text, what) {
        Some(line) => format!("{}:{line}", path.display()),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(entries: &[(u32, &str, i64)]) -> Journal {
        let mut journal = Journal::new(Dialect::Sqlite);
        for (idx, tag, when) in entries {
            journal.append(Dialect::Sqlite, tag, *when).idx = *idx;
        }
        journal
    }

    #[test]
    fn a_number_that_is_not_the_idx_is_found_with_its_line_and_its_twin() {
        let journal = journal(&[
            (0, "0000_a", 1_700_000_000_001),
            (1, "0000_b", 1_700_000_100_001),
            (2, "20260101000000_c", 1_700_000_200_001),
        ]);
        let found = misnumbered(&journal, Path::new("j"), &journal.write());
        let [found] = &found[..] else { panic!("{found:#?}") };
        assert_eq!(found.subject, "j:16");
        assert!(found.evidence.contains(&"`0000_a` has the same number".to_owned()), "{found:#?}");
    }

    #[test]
    fn a_time_that_no_clock_gave_is_found() {
        let tags = |entries| {
            let journal = journal(entries);
            let found = typed_by_hand(&journal, Path::new("j"), &journal.write());
            found.map(|it| it.evidence).unwrap_or_default()
        };
        assert_eq!(tags(&[(0, "0000_a", 1_775_400_000_001)]), [""; 0]);
        let typed = tags(&[(0, "0000_a", 1_775_400_000_000), (1, "0001_b", 1_775_400_001)]);
        assert_eq!(typed, ["line 9: `0000_a` 1775400000000", "line 16: `0001_b` 1775400001"]);
    }
}
