//! T25 for MySQL and MariaDB: one change shows in exactly the objects that it belongs to.

use std::collections::BTreeSet;
use std::sync::Arc;

use raingauge_testkit::mysql::{MySql, Release, Vendor, servers};

use crate::mysql_catalog::{check_statements, everything, read};
use crate::postgres_flips::differences;

const FLIPS: &str = include_str!("sql/mysql_flips.sql");
const MYSQL_FLIPS: &str = include_str!("sql/mysql_only_flips.sql");
const MARIADB_FLIPS: &str = include_str!("sql/mariadb_only_flips.sql");

/// The flips that hold for a flavour, with what each of them is expected to change.
fn flips(release: Release) -> impl Iterator<Item = &'static str> {
    let more = match release.vendor {
        Vendor::MySql => MYSQL_FLIPS,
        Vendor::MariaDb => MARIADB_FLIPS,
    };
    let blocks = FLIPS.split("\n\n").chain(more.split("\n\n"));
    // Older servers read `desc` in an index, and forget it.
    let forgets = release.vendor == Vendor::MariaDb && release.series == "10.6";
    blocks.filter(move |it| !(forgets && it.contains("-- since MariaDB 10.8")))
}

/// Their statements alone.
pub(crate) fn statements(release: Release) -> impl Iterator<Item = String> {
    let sql =
        |it: &str| it.lines().filter(|it| !it.starts_with("-- ")).collect::<Vec<_>>().join("\n");
    flips(release).map(move |it| format!("set names utf8mb4;\n{}", sql(it)))
}

/// Definitions commit by themselves here, so each flip is compared with what the one before it left.
#[test]
fn t25_every_flip_of_mysql_changes_exactly_what_it_belongs_to() {
    let wrong: Vec<_> = servers().iter().flat_map(wrong_flips).collect();
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The flips that show elsewhere than where they belong, on one server.
pub(crate) fn wrong_flips(server: &Arc<MySql>) -> Vec<String> {
    let mut wrong = Vec::new();
    let database = everything(server);
    let mut before = read(&database);
    for block in flips(server.release) {
        let (expected, sql): (Vec<_>, Vec<_>) = block.lines().partition(|it| it.starts_with("-- "));
        let expected = expected.iter().filter_map(|it| it.strip_prefix("-- "));
        let expected = expected.filter(|it| !it.starts_with("since "));
        let expected: BTreeSet<_> = expected.map(str::to_owned).collect();
        if let Err(failure) = database.sql(&format!("set names utf8mb4;\n{}", sql.join("\n"))) {
            wrong.push(format!("{:?}: {failure}", server.vendor));
            continue;
        }
        let after = read(&database);
        let found: BTreeSet<_> = differences(&before, &after).into_iter().collect();
        if found != expected {
            wrong.push(format!("{:?}: {block}\n  found {found:#?}", server.vendor));
        }
        let is_same = before.fingerprint() == after.fingerprint();
        assert_eq!(found.is_empty(), is_same, "{block}");
        before = after;
    }
    if wrong.is_empty() {
        check_statements(&database);
    }
    wrong
}
