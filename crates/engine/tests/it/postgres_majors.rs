//! The same promises on every major version that can be had here.

use raingauge_engine::connect::{Access, Dsn, Session};
use raingauge_engine::introspect;
use raingauge_schema::{Catalog, Dialect};
use raingauge_testkit::majors;

use crate::postgres_catalog::{EVERYTHING, ledger};

/// The part of a script that servers of this version know: what stands between a line `-- since 14` and
/// the next line `-- end` is for that version and later ones.
fn known_to(major: u32, script: &str) -> String {
    let mut since = 0;
    let mut known = String::new();
    for line in script.lines() {
        match line.strip_prefix("-- since ") {
            Some(version) => since = version.parse().unwrap(),
            None if line == "-- end" => since = 0,
            None if since <= major => known = known + line + "\n",
            None => {}
        }
    }
    known
}

fn everything(major: u32) -> String {
    known_to(major, EVERYTHING) + &known_to(major, include_str!("sql/newer.sql"))
}

fn read(dsn: &str) -> Catalog {
    let dsn = Dsn::parse(dsn, Dialect::Postgres).unwrap();
    let mut session = Session::open(&dsn, Access::ReadOnly).unwrap();
    introspect::catalog(&mut session, &[ledger()]).unwrap()
}

#[test]
fn every_version_reads_everything_with_a_stable_fingerprint() {
    for server in majors::matrix() {
        let [one, other] = ["one", "other"].map(|it| server.database(it).unwrap());
        for it in [&one, &other] {
            it.sql(&everything(server.major)).unwrap();
        }
        let (one, other) = (read(&one.url()), read(&other.url()));
        assert_eq!(one.fingerprint(), other.fingerprint(), "PostgreSQL {}", server.major);
        println!("PostgreSQL {}: {} objects", server.major, one.objects().count());
    }
}
