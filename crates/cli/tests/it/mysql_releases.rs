//! Databases of other release series of MySQL and MariaDB than those that all tests use.

use raingauge_testkit::Result;
use raingauge_testkit::mysql::{Release, Vendor};

use crate::crash::is_full;
use crate::{mysql_adopt, mysql_backup, mysql_corpus, mysql_migrate, mysql_swap};

#[test]
fn every_release_is_adopted_and_the_real_kit_finds_everything_in_order() -> Result {
    for server in Release::matrix() {
        println!("{:?} {}", server.vendor, server.release.series);
        let usual = u8::from(server.vendor == Vendor::MySql);
        let generations = if is_full() { vec![0, 1] } else { vec![usual] };
        for generation in generations {
            mysql_adopt::is_taken_all_the_way(&server, generation)?;
        }
        if is_full() {
            mysql_corpus::adopt_script_on(&server, usual, "sakila", "mysql-sakila-schema.sql")?;
        }
    }
    Ok(())
}

#[test]
fn a_backup_of_every_release_comes_back_with_its_own_programs_and_takes_live_s_place() -> Result {
    for server in Release::matrix() {
        println!("{:?} {}", server.vendor, server.release.series);
        mysql_backup::comes_back(&server)?;
        mysql_backup::is_restored_by_its_script(&server)?;
        mysql_swap::takes_live_s_place(&server)?;
    }
    Ok(())
}

#[test]
fn t43_a_migration_that_fails_on_any_release_is_gone_on_with() -> Result {
    for server in Release::matrix() {
        println!("{:?} {}", server.vendor, server.release.series);
        mysql_migrate::fails_and_is_gone_on_with(&server)?;
    }
    Ok(())
}
