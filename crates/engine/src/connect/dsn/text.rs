//! URLs and libpq's key-value strings → settings.

use super::settings::Settings;
use super::{decode, invalid};
use crate::{Error, Result};

/// Reads either form.
pub(super) fn settings(text: &str) -> Result<Settings> {
    match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => url(scheme, rest),
        _ if text.contains('=') && !text.contains("://") => key_values(text),
        _ => Err(invalid("the database URL has no `postgresql://` in front")),
    }
}

fn is_scheme(text: &str) -> bool {
    text.chars().all(|it| it.is_ascii_alphanumeric() || it == '+')
}

fn url(scheme: &str, rest: &str) -> Result<Settings> {
    if !matches!(scheme, "postgres" | "postgresql") {
        return Err(Error::new(
            "url-wrong-engine",
            format!("the config says PostgreSQL but the database URL begins with `{scheme}://`"),
        )
        .next("correct `dialect` in drizzle.config, or the URL"));
    }
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = before.split_once('/').unwrap_or((before, ""));
    let mut settings = Settings::default();
    // The last `@` ends the login: passwords with an unescaped `@` are common and unambiguous.
    let places = match authority.rsplit_once('@') {
        Some((login, places)) => {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            settings.say("user", &decode(user)?);
            settings.say("password", &decode(password)?);
            places
        }
        None => authority,
    };
    set_places(&mut settings, places)?;
    settings.say("dbname", &decode(database)?);
    for pair in query.split('&').filter(|it| !it.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        settings.say(&decode(name)?, &decode(value)?);
    }
    Ok(settings)
}

/// `h`, `h:1`, `[::1]:1`, `h:1,i:2`: two lists, as libpq's own keywords have them.
fn set_places(settings: &mut Settings, places: &str) -> Result<()> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for place in places.split(',') {
        let (host, port) = match place.strip_prefix('[').and_then(|it| it.split_once(']')) {
            Some((host, after)) => (host, after.strip_prefix(':').unwrap_or_default()),
            None => place.rsplit_once(':').unwrap_or((place, "")),
        };
        hosts.push(decode(host)?);
        ports.push(port);
    }
    settings.say("host", &hosts.join(","));
    if ports.iter().any(|it| !it.is_empty()) {
        settings.say("port", &ports.join(","));
    }
    Ok(())
}

/// `host=h dbname='my db'`: blanks around `=` and between pairs, quotes, and backslashes for both.
fn key_values(text: &str) -> Result<Settings> {
    let broken = || {
        invalid("the connection string is not a list of `name=value`")
            .next("quote a value that has blanks: `dbname='my db'`")
    };
    let mut settings = Settings::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or_else(broken)?;
        let name = name.trim_end();
        if name.is_empty() || !name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_') {
            return Err(broken());
        }
        let (value, after) = value(after.trim_start()).ok_or_else(broken)?;
        settings.say(name, &value);
        rest = after.trim_start();
    }
    Ok(settings)
}

/// The first value of a text, and what stands behind it. `None` if a quote is not closed.
fn value(text: &str) -> Option<(String, &str)> {
    let (text, is_quoted) = match text.strip_prefix('\'') {
        Some(after) => (after, true),
        None => (text, false),
    };
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(it) = chars.next() {
        match it {
            '\\' => value.extend(chars.next()),
            '\'' if is_quoted => return Some((value, chars.as_str())),
            it if it.is_whitespace() && !is_quoted => return Some((value, chars.as_str())),
            it => value.push(it),
        }
    }
    (!is_quoted).then_some((value, ""))
}
