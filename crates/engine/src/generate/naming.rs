//! What the next migration is called, and when it was made.

use std::time::Duration;

use raingauge_schema::Dialect;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::journal::{Entry, Journal};
use raingauge_schema::drizzle::layout::{Moment, Prefix, folder_tag};

use super::words::two_words;
use crate::project::Project;
use crate::{Error, Result};

/// How far apart the times of two migrations are: Drizzle 1.0 tells them apart by whole seconds.
const STEP_MILLIS: i64 = 1000;

/// The journal with the next migration at its end; for folders, what a journal would say of them.
#[derive(Debug)]
pub struct Named {
    pub journal: Journal,
    pub entry: Entry,
}

/// Names the next migration: as it was said, else by two words that `content` chooses.
///
/// # Errors
/// If the name is no part of a file's name, or the configured prefix is one that drizzle-kit itself
/// cannot find again.
pub fn named(project: &Project, name: Option<&str>, content: &str, now: i64) -> Result<Named> {
    let history = &project.history;
    let mut journal = history.journal.clone().unwrap_or_else(|| {
        let mut journal = Journal::new(project.dialect);
        journal.entries.extend(history.migrations.iter().map(|it| it.entry.clone()));
        journal
    });
    let name = match name {
        Some(name) => checked(name)?.to_owned(),
        None => two_words(content),
    };
    let newest = journal.entries.iter().map(|it| it.when).max();
    let when = next_moment(history.generation, newest, now);
    // After another one of the same second the clock catches up at once; what is ahead of it for longer,
    // an older migration was already.
    if let Ok(ahead @ 1..=1000) = u64::try_from(when - now) {
        std::thread::sleep(Duration::from_millis(ahead));
    }
    let moment = moment(when)?;
    let tag = match history.generation {
        Generation::V0 => prefix(project)?.tag(journal.next_idx(), &moment, &name),
        Generation::V1 => folder_tag(&moment, &name),
    };
    let breakpoints = project.config.breakpoints;
    let entry = append(&mut journal, project.dialect, &tag, when);
    entry.breakpoints = breakpoints;
    let entry = entry.clone();
    Ok(Named { journal, entry })
}

fn append<'a>(journal: &'a mut Journal, dialect: Dialect, tag: &str, when: i64) -> &'a mut Entry {
    journal.append(dialect, tag, when)
}

/// Now, or a second after the newest: what is not newer, a database that has the newest never gets.
fn next_moment(generation: Generation, newest: Option<i64>, now: i64) -> i64 {
    let now = match generation {
        Generation::V0 => now,
        // The name of a folder has whole seconds.
        Generation::V1 => now - now.rem_euclid(STEP_MILLIS),
    };
    newest.map_or(now, |it| now.max(it + STEP_MILLIS))
}

/// The name goes into a file's name as it is.
fn checked(name: &str) -> Result<&str> {
    let is_part = |it: char| it.is_alphanumeric() || matches!(it, '_' | '-' | '.');
    if !name.is_empty() && name.len() <= 100 && name.chars().all(is_part) && !name.starts_with('.')
    {
        return Ok(name);
    }
    Err(Error::new("name-invalid", format!("`{name}` cannot be part of a file's name"))
        .next("use letters, digits, `_` and `-`"))
}

/// How the names of a journal's files begin.
fn prefix(project: &Project) -> Result<Prefix> {
    match project.config.migrations_prefix.as_deref() {
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

fn moment(when: i64) -> Result<Moment> {
    let time = jiff::Timestamp::from_millisecond(when).map_err(|cause| {
        Error::new("clock-invalid", "the clock is out of range").caused_by(cause)
    })?;
    Ok(Moment { stamp: time.strftime("%Y%m%d%H%M%S").to_string(), unix: time.as_second() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t02_a_migration_is_newer_than_all_before_it_whatever_the_clock_says() {
        let at = |generation, newest, now| next_moment(generation, newest, now);
        assert_eq!(at(Generation::V0, None, 5_500), 5_500);
        assert_eq!(at(Generation::V0, Some(5_000), 5_500), 6_000);
        assert_eq!(at(Generation::V0, Some(90_000), 5_500), 91_000);
        assert_eq!(at(Generation::V1, Some(4_000), 5_999), 5_000);
        assert_eq!(at(Generation::V1, Some(5_000), 5_999), 6_000);
    }

    #[test]
    fn a_name_is_part_of_a_files_name_or_refused() {
        for name in ["init", "add_users", "v1.2-größer"] {
            assert_eq!(checked(name).unwrap(), name);
        }
        for name in ["", "a/b", "..", ".hidden", "a b", "a\\b", "a:b", "a\nb"] {
            assert_eq!(checked(name).unwrap_err().code, "name-invalid", "{name}");
        }
    }
}
