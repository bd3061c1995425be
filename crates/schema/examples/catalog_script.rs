//! Prints the catalog queries for a major version of PostgreSQL, to be run with psql: what the server
//! has to do in any case.

use std::io::{self, Write};

use raingauge_schema::postgres::catalog::{OLDEST_MAJOR, Reader, script};

fn main() -> io::Result<()> {
    let major = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(OLDEST_MAJOR);
    let reader = Reader { major, sees_subscriptions: true };
    let begin = "begin isolation level repeatable read, read only;\nset local search_path = '';";
    writeln!(io::stdout(), "{begin}\n{}rollback;", script(reader))
}
