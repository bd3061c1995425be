//! Dialects have the same files, so that a folder listing is the support matrix, and do not know
//! each other.

use std::collections::BTreeSet;

use super::Source;

const FOLDER: &str = "crates/schema/src/";
const DIALECTS: [&str; 3] = ["mysql", "postgres", "sqlite"];

/// Files that only some dialects need, and why.
const EXTRA: &[(&str, &str)] = &[
    // SQLite has no `ALTER` for most changes and rebuilds the table instead.
    ("sqlite", "rebuild.rs"),
    // SQLite's catalog is the text of its statements, which has to be parsed; PostgreSQL's are rows.
    ("sqlite", "catalog.rs"),
];

/// What reads a database.
const LIVE: &[&str] = &["catalog.rs"];

/// Dialects that are declared and written, and cannot be connected to.
const WITHOUT_LIVE: &[&str] = &["mysql"];

/// Files that one dialect lacks, and dialects that name another.
pub(super) fn problems(sources: &[Source]) -> Vec<String> {
    let mut problems = missing_files(sources);
    problems.extend(sources.iter().flat_map(foreign_names));
    problems
}

fn missing_files(sources: &[Source]) -> Vec<String> {
    let present: Vec<(&str, BTreeSet<&str>)> = DIALECTS
        .iter()
        .map(|&dialect| (dialect, files_of(dialect, sources)))
        .filter(|(_, files)| !files.is_empty())
        .collect();
    let expected: BTreeSet<&str> = present
        .iter()
        .flat_map(|(dialect, files)| files.iter().map(|&it| (*dialect, it)))
        .filter(|it| !EXTRA.contains(it))
        .map(|it| it.1)
        .collect();
    let lacks = |dialect: &str, files: &BTreeSet<&str>| -> Vec<String> {
        let may_lack = |it: &&&str| WITHOUT_LIVE.contains(&dialect) && LIVE.contains(*it);
        let missing = expected.difference(files).filter(|it| !may_lack(it));
        missing
            .map(|it| format!("{FOLDER}{dialect}: has no {it}, which another dialect has"))
            .collect()
    };
    present.iter().flat_map(|(dialect, files)| lacks(dialect, files)).collect()
}

/// The names of a dialect's files; a folder counts as a file of its name.
fn files_of<'a>(dialect: &str, sources: &'a [Source]) -> BTreeSet<&'a str> {
    let inside = sources.iter().filter_map(|it| {
        let inside = it.path.strip_prefix(FOLDER)?.strip_prefix(dialect)?.strip_prefix('/')?;
        (!inside.contains('/')).then_some(inside)
    });
    inside.collect()
}

fn foreign_names(source: &Source) -> Vec<String> {
    let dialect = source.path.strip_prefix(FOLDER).and_then(|it| it.split('/').next());
    let Some(dialect) = dialect.filter(|it| DIALECTS.contains(it)) else { return Vec::new() };
    let others = DIALECTS.iter().filter(|&it| *it != dialect);
    let named = others.filter(|it| {
        let paths = [format!("crate::{it}"), format!("super::{it}"), format!("{it}::")];
        source.product().any(|line| paths.iter().any(|path| line.contains(path)))
    });
    named.map(|it| format!("{}: names {it}; what both need belongs outside", source.path)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let at = |path: &str| format!("{FOLDER}{path}");
        let sources: Vec<_> = files.iter().map(|(path, text)| source(&at(path), text)).collect();
        assert_eq!(problems(&sources), expected);
    }

    #[test]
    fn dialects_have_the_same_files() {
        check(&[("postgres/diff.rs", ""), ("sqlite/diff.rs", "")], &[]);
        let no = "crates/schema/src/sqlite: has no render.rs, which another dialect has";
        check(
            &[("postgres/diff.rs", ""), ("postgres/render.rs", ""), ("sqlite/diff.rs", "")],
            &[no],
        );
    }

    #[test]
    fn a_dialect_that_is_not_there_lacks_nothing_and_rebuilds_are_for_sqlite() {
        check(&[("postgres/diff.rs", ""), ("sqlite/diff.rs", ""), ("sqlite/rebuild.rs", "")], &[]);
    }

    #[test]
    fn a_dialect_without_a_live_side_lacks_what_reads_one_and_nothing_else() {
        let postgres = [("postgres/catalog.rs", ""), ("postgres/diff.rs", "")];
        let no = "crates/schema/src/mysql: has no diff.rs, which another dialect has";
        check(
            &[&postgres[..], &[("mysql/schema.rs", ""), ("postgres/schema.rs", "")]].concat(),
            &[no],
        );
        let no = "crates/schema/src/sqlite: has no catalog.rs, which another dialect has";
        check(&[&postgres[..], &[("sqlite/diff.rs", "")]].concat(), &[no]);
    }

    #[test]
    fn dialects_do_not_name_each_other() {
        let no = "crates/schema/src/sqlite/diff.rs: names postgres; what both need belongs outside";
        let sqlite = ("sqlite/diff.rs", "use crate::postgres::grammar;");
        check(&[sqlite, ("postgres/diff.rs", "//! Unlike sqlite, this …")], &[no]);
    }
}
