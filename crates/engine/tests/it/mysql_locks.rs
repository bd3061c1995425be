//! T35 on MySQL and MariaDB: one runner at a time, and whoever waits is told for whom.

use std::time::{Duration, Instant};

use raingauge_engine::connect::Dsn;
use raingauge_engine::lock::Lock;
use raingauge_schema::Dialect;
use raingauge_testkit::Result;
use raingauge_testkit::mysql::servers;

fn dsn(url: &str) -> Dsn {
    Dsn::parse_in(url, Dialect::MySql, &Default::default()).expect("the address is one")
}

#[test]
fn t35_a_second_runner_waits_for_the_named_lock_and_is_refused_with_the_owner() -> Result {
    for server in servers() {
        // The longest name that a database may have.
        let (one, other) = (server.database(&"l".repeat(50))?, server.database("lock")?);
        let (one, other) = (dsn(&server.url(&one.name)), dsn(&server.url(&other.name)));
        let first = Lock::acquire(&one, Duration::ZERO).expect("nobody holds it");
        let _elsewhere = Lock::acquire(&other, Duration::ZERO).expect("it is of one database");
        let since = Instant::now();
        let wait = Duration::from_millis(300);
        let refusal = Lock::acquire(&one, wait).expect_err("somebody holds it");
        assert!(wait <= since.elapsed(), "{:?}", since.elapsed());
        assert_eq!((refusal.code, refusal.exit_code()), ("lock-held", 1));
        assert!(refusal.message.contains("of `app` from 127.0.0.1"), "{refusal}");
        drop(first);
        Lock::acquire(&one, Duration::from_secs(5)).expect("it goes with its connection");
    }
    Ok(())
}
