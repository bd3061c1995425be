//! init.sql: found, expanded, fenced in and run.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "what the tests share stands outside of them, and says why a test is skipped"
)]

pub(crate) mod corpus;
mod expand;
mod fence;
mod find;
pub(crate) mod replay;

use std::fs;
use std::path::Path;

use raingauge_engine::initsql::{self, Expansion, Found, Item, Search};
use raingauge_engine::report::Finding;
use raingauge_schema::Dialect;

/// Writes the files of a project.
pub(super) fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

pub(super) fn found_in(root: &Path, given: &[&str]) -> Found {
    let given: Vec<_> = given.iter().map(Into::into).collect();
    let search = Search { root, given: &given, dialect: Dialect::Postgres, database: "shop" };
    initsql::find(&search).unwrap()
}

/// The files as scripts of one project, `init.sql` first.
pub(super) fn expanded(files: &[(&str, &str)], dialect: Dialect) -> Expansion {
    let folder = project(files);
    initsql::expand(&found_in(folder.path(), &[files[0].0]), dialect).unwrap()
}

/// `place: text <rows>`, or `place: → database` for a change of the database.
pub(super) fn shown(items: &[Item]) -> Vec<String> {
    let show = |it: &Item| match it {
        Item::Statement(it) => {
            let rows = it.piece.copy_data.as_ref().map(|it| format!(" <{it}>")).unwrap_or_default();
            format!("{}: {}{rows}", it.place(), it.piece.sql)
        }
        Item::Connect { database, server, at } => {
            let server = server.as_ref().map(|it| format!(" on {it}")).unwrap_or_default();
            format!("{}: → {}{server}", at.place(), database.as_deref().unwrap_or("same"))
        }
    };
    items.iter().map(show).collect()
}

/// `code subject`, in order.
pub(super) fn codes(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|it| format!("{} {}", it.code, it.subject)).collect()
}
