//! Reads the digests of a whole database and prints how many rows they are of: what the evidence of a
//! backup costs, alone.

use std::io::{self, Write};

use raingauge_engine::connect::{Access, Dsn, Session};
use raingauge_engine::digest;
use raingauge_schema::Dialect;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("name the address of a database")?;
    let dialect = match url.split_once("://") {
        Some(("postgres" | "postgresql", _)) => Dialect::Postgres,
        Some(("mysql" | "mariadb", _)) => Dialect::MySql,
        _ => Dialect::Sqlite,
    };
    let mut session = Session::open(&Dsn::parse(&url, dialect)?, Access::ReadOnly)?;
    let contents = digest::contents(&mut session)?;
    Ok(writeln!(io::stdout(), "{} rows", contents.n_rows())?)
}
