//! SQLite addresses: paths and the URLs that libsql's and better-sqlite3's users write.

use std::path::PathBuf;

use super::{SqliteTarget, decode, invalid};
use crate::{Error, Result};

/// Reads a path or URL of a file.
pub(super) fn parse(text: &str) -> Result<SqliteTarget> {
    let (path, is_url) = match text.split_once(':') {
        Some(("file", rest)) => (sqlite_url_path(rest)?, true),
        Some(("sqlite" | "sqlite3", rest)) => (sqlite_url_path(rest)?, true),
        Some(("libsql" | "http" | "https" | "ws" | "wss", _)) => {
            return Err(Error::new(
                "url-remote-sqlite",
                "the database URL names a remote SQLite server, which raingauge cannot read yet",
            )
            .next("name the database's file with `--url file:path`"));
        }
        Some((scheme, rest)) if rest.starts_with("//") => {
            return Err(Error::new(
                "url-wrong-engine",
                format!("the config says SQLite but the database URL begins with `{scheme}://`"),
            )
            .next("correct `dialect` in drizzle.config, or the URL"));
        }
        _ => (text.to_owned(), false),
    };
    let bare = if is_url { path.split('?').next().unwrap_or_default() } else { path.as_str() };
    if bare.is_empty() || bare == ":memory:" || path.contains("mode=memory") {
        return Err(Error::new(
            "url-in-memory",
            "the database URL names a database in memory, which nobody else can see",
        )
        .next("name the database's file with `--url file:path`"));
    }
    let path = if is_url { decode(bare)? } else { bare.to_owned() };
    Ok(SqliteTarget { path: PathBuf::from(path) })
}

/// The path behind `file:` or `sqlite:`: `a.db`, `/a.db`, `//localhost/a.db`, `///a.db`, `//a.db`.
fn sqlite_url_path(rest: &str) -> Result<String> {
    let Some(after) = rest.strip_prefix("//") else { return Ok(rest.to_owned()) };
    match after.split_once('/') {
        Some(("" | "localhost", path)) => Ok(format!("/{path}")),
        // `sqlite://./a.db` and `file://a.db` are common although no standard has them.
        Some((first, _)) if !first.starts_with('.') => {
            Err(invalid(format!("the database URL names the host `{first}`, but SQLite is a file")))
        }
        _ => Ok(after.to_owned()),
    }
}
