//! What `diff` prints for MySQL and MariaDB leads from one database to the other.

use std::sync::Arc;

use raingauge_engine::connect::Dsn;
use raingauge_engine::setting::ScratchChoice;
use raingauge_schema::Dialect;
use raingauge_testkit::mysql::{MySql, MySqlDatabase, Vendor, servers};

use crate::mysql_catalog::{everything, read};
use crate::mysql_flips::statements;
use crate::postgres_flips::differences;
use crate::property::pairs::{Outcome, Place, led};

/// Two databases of each block: what stands above the line is in both, what stands below in one of them.
const PAIRS: &str = include_str!("sql/mysql_pairs.sql");
const MYSQL_PAIRS: &str = include_str!("sql/mysql_only_pairs.sql");
const MARIADB_PAIRS: &str = include_str!("sql/mariadb_only_pairs.sql");

pub(crate) fn place(database: &MySqlDatabase) -> Place {
    let address = database.server.url(&database.name);
    let dsn = Dsn::parse(&address, Dialect::MySql).unwrap();
    Place { dsn, address, scratch: ScratchChoice::Url(database.server.url("")) }
}

/// Leads one database to the other, which then have one structure, also for the server's own dump program.
fn check(from: &MySqlDatabase, to: &MySqlDatabase, what: &str) {
    let vendor = from.server.vendor;
    match led(&place(from), &place(to), Dialect::MySql) {
        Ok(Outcome::Led) => {}
        other => panic!("{vendor:?}: {what}: {other:#?}"),
    }
    assert_eq!(differences(&read(from), &read(to)), Vec::<String>::new(), "{vendor:?}: {what}");
}

/// The blocks that hold for a flavour: what both have, and what one has more.
fn pairs(vendor: Vendor) -> Vec<(String, String)> {
    let own = match vendor {
        Vendor::MySql => MYSQL_PAIRS,
        Vendor::MariaDb => MARIADB_PAIRS,
    };
    let blocks = PAIRS.split("\n\n").chain(own.split("\n\n")).filter(|it| it.contains("-- then"));
    let halves = blocks.map(|it| it.split_once("-- then\n").expect("a line parts them"));
    halves.map(|(both, more)| (both.to_owned(), format!("{more}\n"))).collect()
}

#[test]
fn what_differs_in_every_way_is_led_there_and_back() {
    for server in servers() {
        let all = pairs(server.vendor);
        let is_full = std::env::var_os("RAINGAUGE_FULL").is_some();
        let together = |it: &dyn Fn(&(String, String)) -> String| all.iter().map(it).collect();
        let whole: (String, String) = (together(&|it| it.0.clone()), together(&|it| it.1.clone()));
        let rounds = if is_full { [vec![whole], all].concat() } else { vec![whole] };
        for (both, more) in rounds {
            let (from, to) = (server.database("from").unwrap(), server.database("to").unwrap());
            from.sql(&format!("set names utf8mb4;\n{both}")).unwrap();
            to.sql(&format!("set names utf8mb4;\n{both}\n{more}")).unwrap();
            let kept = server.database("kept").unwrap();
            kept.sql(&format!("set names utf8mb4;\n{both}")).unwrap();
            check(&from, &to, &more);
            check(&from, &kept, &format!("back: {more}"));
        }
    }
}

/// Leads an empty database to one with everything, and that to where every flip leads.
pub(crate) fn comes_from_nothing_and_goes_everywhere(server: &Arc<MySql>) {
    let (empty, from, to) =
        (server.database("empty").unwrap(), everything(server), everything(server));
    check(&empty, &from, "from nothing");
    for sql in statements(server.release) {
        to.sql(&sql).unwrap();
    }
    check(&from, &to, "every flip");
}

#[test]
fn a_database_with_everything_comes_from_nothing_and_goes_where_every_flip_leads() {
    for server in servers() {
        comes_from_nothing_and_goes_everywhere(&server);
    }
}

#[test]
fn what_no_statement_does_safely_is_told_by_name() {
    let both = "create table t (a int, v int as (a + 1) virtual, primary key (a));";
    for server in servers() {
        for more in
            ["alter table t drop column v, add column v int", "alter table t engine = memory"]
        {
            let (from, to) = (server.database("from").unwrap(), server.database("to").unwrap());
            from.sql(both).unwrap();
            // Its engine keeps no virtual columns.
            let column = if more.contains("memory") { "alter table t drop column v;" } else { "" };
            from.sql(column).unwrap();
            to.sql(&format!("{both}{column}{more}")).unwrap();
            let outcome = led(&place(&from), &place(&to), Dialect::MySql);
            assert_eq!(outcome, Ok(Outcome::Told), "{:?}: {more}", server.vendor);
        }
    }
}
