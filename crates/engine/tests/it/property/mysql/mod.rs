//! Random databases of MySQL and MariaDB: what their catalog says again is what the server prints, their baseline
//! rebuilds them, and one change shows in one object.
//!
//! `world` a database and its tables · `programs` views, routines, triggers, events · `change` single changes. A
//! definition commits by itself, so each change is compared with what the one before it left.

mod change;
mod programs;
mod world;

use std::sync::Arc;

use raingauge_engine::baseline::from_mysql;
use raingauge_engine::client::ProgramSource;
use raingauge_engine::connect::{Access, Dsn, Session};
use raingauge_engine::dump::schema_dump;
use raingauge_engine::replay;
use raingauge_schema::drizzle::migration::join;
use raingauge_schema::mysql::catalog::create_table;
use raingauge_schema::{Catalog, Dialect, Kind};
use raingauge_testkit::database::text_differences;
use raingauge_testkit::mysql::{MySql, MySqlDatabase, Vendor};

use super::{differences, none_is_wrong, seeds, shown};
use crate::mysql_catalog::{read, session};
use world::World;

fn dsn(database: &MySqlDatabase) -> Dsn {
    let url = database.server.socket_url(&database.name);
    Dsn::parse(&url, Dialect::MySql).unwrap()
}

fn open(database: &MySqlDatabase) -> Session {
    Session::open(&dsn(database), Access::ReadWrite).unwrap()
}

/// The server of a vendor; none where it cannot be had, which is printed.
fn server(vendor: Vendor) -> Option<Arc<MySql>> {
    let server = MySql::shared(vendor);
    server.inspect_err(|it| println!("skipped: {vendor:?}: {it}")).ok()
}

/// A random database, said again and rebuilt; what is wrong with that.
pub(crate) fn rebuilt(server: &Arc<MySql>, seed: u64) -> Result<(), String> {
    let live = server.database("property").unwrap();
    let mut session = open(&live);
    let world = World::build(&mut session, server.vendor, seed);
    let made = world.made.join(";\n");
    if std::env::var_os("RAINGAUGE_SEED").is_some() {
        println!(
            "{made};\n-- {} statements, refused:\n{}",
            world.made.len(),
            world.refused.join("\n")
        );
    }
    rebuild(&live).map_err(|it| format!("{:?} seed {seed}: {it}\n\n{made};\n", server.vendor))
}

/// Every table's statement, made of the catalog's objects, is what the server prints.
fn said_again(database: &MySqlDatabase, catalog: &Catalog) -> Result<(), String> {
    let mut session = session(database);
    for table in catalog.of_kind(Kind::Table) {
        let sql = format!("show create table {}", world::q(table.id.name()));
        let printed = session.rows(&sql).unwrap().remove(0).remove(1).unwrap();
        let printed = printed.replace(&format!("`{}`.", database.name), "");
        if table.get("definition").is_some() {
            return Err(format!("not understood: {printed}"));
        }
        let said = create_table(catalog, &table.id).unwrap_or_default();
        if said != printed {
            return Err(text_differences(&printed, &said).join("\n"));
        }
    }
    Ok(())
}

/// Rebuilds a database from its baseline and compares the two twice.
pub(crate) fn rebuild(live: &MySqlDatabase) -> Result<(), String> {
    let before = read(live);
    if !before.unseen.is_empty() {
        return Err(format!("{:?}", before.unseen));
    }
    said_again(live, &before)?;
    let baseline = from_mysql(&before, false);
    if !baseline.findings.is_empty() {
        return Err(format!("{:?}", baseline.findings));
    }
    let closed: Vec<_> = baseline.statements.iter().map(|it| format!("{it};\n")).collect();
    let file = join(closed.iter().map(String::as_str), true);
    let fresh = live.server.database("rebuilt").unwrap();
    if let Err(error) = replay::file(&mut open(&fresh), "baseline", &file) {
        return Err(format!("{error}: {}\n{file}", error.statement));
    }
    let after = read(&fresh);
    if before.fingerprint() != after.fingerprint() {
        return Err(shown(&before, &after));
    }
    let changed = text_differences(&printed(live), &printed(&fresh));
    match changed.is_empty() {
        true => Ok(()),
        false => Err(format!("the dumps differ:\n{}", changed.join("\n"))),
    }
}

/// What the server's own dump program prints, as every proof compares it.
fn printed(database: &MySqlDatabase) -> String {
    let client = database.server.release.client_folder().unwrap().map(ProgramSource::Folder);
    let dsn = dsn(database);
    let mut reader = Session::open(&dsn, Access::ReadOnly).unwrap();
    schema_dump(&mut reader, &dsn, &[], client.as_ref()).unwrap().text()
}

fn all_are_rebuilt(vendor: Vendor) {
    let Some(server) = server(vendor) else { return };
    let seeds = seeds(3, 250);
    let mut wrong = Vec::new();
    for seed in &seeds {
        if let Err(text) = rebuilt(&server, *seed) {
            println!("{text}");
            wrong.push(text);
        }
        if seed.is_multiple_of(50) {
            println!("{seed} databases, {} wrong", wrong.len());
        }
    }
    none_is_wrong(&wrong, seeds.len());
}

#[test]
fn the_baseline_of_a_random_mariadb_database_rebuilds_it() {
    all_are_rebuilt(Vendor::MariaDb);
}

#[test]
fn the_baseline_of_a_random_mysql_database_rebuilds_it() {
    all_are_rebuilt(Vendor::MySql);
}

/// Changes to one database, one after the other; those that show elsewhere than where they belong.
fn changed(server: &Arc<MySql>, seed: u64, n: usize) -> (usize, Vec<String>) {
    let live = server.database("property").unwrap();
    let mut session = open(&live);
    let mut world = World::build(&mut session, server.vendor, seed);
    let mut before = read(&live);
    let (mut tried, mut wrong) = (0, Vec::new());
    for _ in 0..n * 4 {
        let Some((sql, expected)) = world.change().filter(|_| tried < n) else { continue };
        if !world.make(&sql) {
            continue;
        }
        tried += 1;
        let after = read(&live);
        let mut found = differences(&before, &after);
        found.sort();
        if found != [expected.clone()] {
            let all = world.made.join(";\n");
            let text = shown(&before, &after);
            wrong.push(format!(
                "{:?} seed {seed}: {sql}\n expected {expected}\n found {found:?}\n{text}\n\n{all};\n",
                server.vendor
            ));
        }
        assert_eq!(found.is_empty(), before.fingerprint() == after.fingerprint(), "{sql}");
        before = after;
    }
    (tried, wrong)
}

fn all_changes_show(vendor: Vendor) {
    let Some(server) = server(vendor) else { return };
    let (mut tried, mut wrong) = (0, Vec::new());
    for seed in seeds(1, 50) {
        let (n, more) = changed(&server, seed, 20);
        tried += n;
        more.iter().for_each(|it| println!("{it}"));
        wrong.extend(more);
    }
    println!("{tried} changes");
    none_is_wrong(&wrong, tried);
}

#[test]
fn a_random_change_of_mariadb_shows_in_one_object() {
    all_changes_show(Vendor::MariaDb);
}

#[test]
fn a_random_change_of_mysql_shows_in_one_object() {
    all_changes_show(Vendor::MySql);
}
