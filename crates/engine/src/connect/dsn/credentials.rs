//! `dbCredentials` of a Drizzle configuration → settings.

use serde_json::Value;

use super::settings::Settings;
use super::{invalid, text};
use crate::Result;

/// Reads `{ url, ssl }` or `{ host, port, user, password, database, ssl }`.
pub(super) fn settings(credentials: &Value) -> Result<Settings> {
    let text_of = |name: &str| credentials.get(name).and_then(Value::as_str);
    let mut settings = match text_of("url") {
        Some(url) => text::settings(url.trim())?,
        None => {
            let mut settings = Settings::default();
            for (name, keyword) in [("host", "host"), ("database", "dbname")] {
                let value = text_of(name).ok_or_else(|| {
                    invalid(format!("`dbCredentials` has neither `url` nor `{name}`"))
                })?;
                settings.say(keyword, value);
            }
            settings
        }
    };
    for name in ["user", "password", "port"] {
        match credentials.get(name) {
            Some(Value::String(text)) => settings.say(name, text),
            Some(Value::Number(number)) => settings.say(name, &number.to_string()),
            _ => {}
        }
    }
    if let Some(ssl) = credentials.get("ssl") {
        set_ssl(&mut settings, ssl)?;
    }
    Ok(settings)
}

/// What node-postgres and drizzle-kit take: a switch, a word, or the options of Node's TLS.
fn set_ssl(settings: &mut Settings, ssl: &Value) -> Result<()> {
    match ssl {
        Value::Bool(on) => settings.say("ssl", if *on { "true" } else { "false" }),
        Value::String(mode) => settings.say("sslmode", mode),
        Value::Object(options) => {
            let verify = options.get("rejectUnauthorized").and_then(Value::as_bool) != Some(false);
            settings.say("sslmode", if verify { "verify-full" } else { "require" });
            for (name, keyword) in [("ca", "sslrootcert"), ("cert", "sslcert"), ("key", "sslkey")] {
                // Who verifies nobody needs nobody to trust.
                if let Some(pem) =
                    options.get(name).and_then(pem).filter(|_| verify || name != "ca")
                {
                    settings.keep(keyword, &pem)?;
                }
            }
        }
        Value::Null | Value::Number(_) | Value::Array(_) => {}
    }
    Ok(())
}

/// A certificate as text, as a list of texts, or as the bytes of a file.
fn pem(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => {
            let each: Option<Vec<_>> = list.iter().map(pem).collect();
            Some(each?.join("\n"))
        }
        // How `JSON.stringify` writes a Buffer.
        Value::Object(buffer) => {
            let bytes = buffer.get("data")?.as_array()?.iter();
            let bytes: Option<Vec<_>> =
                bytes.map(|it| it.as_u64().and_then(|it| u8::try_from(it).ok())).collect();
            String::from_utf8(bytes?).ok()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
