//! The same promises on other release series of MySQL and MariaDB than those that all tests use.

use raingauge_testkit::mysql::Release;

use crate::backup::mysql::everything_comes_back;
use crate::mysql_catalog::{check_statements, everything, real_schemas_are_said_again};
use crate::mysql_diff::comes_from_nothing_and_goes_everywhere;
use crate::mysql_flips::wrong_flips;
use crate::property::mysql::{rebuild, rebuilt};

#[test]
fn every_release_says_everything_again_and_is_rebuilt_from_its_baseline() {
    let is_full = std::env::var_os("RAINGAUGE_FULL").is_some();
    for server in Release::matrix() {
        let release = format!("{:?} {}", server.vendor, server.release.series);
        println!("{release}");
        let live = everything(&server);
        assert!(10 < check_statements(&live), "{release}");
        rebuild(&live).unwrap_or_else(|it| panic!("{release}: {it}"));
        let wrong = wrong_flips(&server);
        assert!(wrong.is_empty(), "{release}: {}:\n{}", wrong.len(), wrong.join("\n"));
        real_schemas_are_said_again(&server);
        for seed in 0..if is_full { 25 } else { 1 } {
            rebuilt(&server, seed).unwrap_or_else(|it| panic!("{release}: {it}"));
        }
    }
}

#[test]
fn every_release_is_led_everywhere_and_backed_up_with_everything() {
    for server in Release::matrix() {
        println!("{:?} {}", server.vendor, server.release.series);
        comes_from_nothing_and_goes_everywhere(&server);
        everything_comes_back(&server);
    }
}
