//! Options and settings that may hold a secret: shown as their hash.

use crate::catalog::Kind;
use crate::fingerprint::Fingerprint;

/// Parts of names whose values nobody should see.
const TELLING: [&str; 8] =
    ["pass", "pwd", "secret", "key", "token", "credential", "auth", "signature"];

/// Options of a user mapping that say who, not how.
const NAMES: [&str; 4] = ["user", "username", "user_name", "password_required"];

/// `name=value` with the value as its hash, if it is a secret by its name or contains a password. Of a
/// user mapping nothing is shown but who it is.
pub(super) fn hidden(kind: Kind, option: &str) -> String {
    let (name, value) = option.split_once('=').unwrap_or((option, ""));
    if holds_secret(kind, option) {
        return format!("{name}=(sha256 {})", Fingerprint::of_bytes(value.as_bytes()).short());
    }
    option.to_owned()
}

/// Whether `name=value`, an option of foreign data, may be a secret.
pub fn holds_secret(kind: Kind, option: &str) -> bool {
    let (name, value) = option.split_once('=').unwrap_or((option, ""));
    let lower = name.to_lowercase();
    if kind == Kind::UserMapping {
        !NAMES.contains(&lower.as_str())
    } else {
        TELLING.iter().any(|it| lower.contains(it)) || contains_password(&value.to_lowercase())
    }
}

/// Whether a value is an address with a password, or a list of settings with one.
fn contains_password(value: &str) -> bool {
    let in_address = value
        .split_once("://")
        .and_then(|(_, rest)| rest.split('/').next()?.rsplit_once('@'))
        .is_some_and(|(login, _)| login.contains(':'));
    in_address || ["password", "passwd", "pwd"].iter().any(|it| value.contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_foreign_servers_are_hashed() {
        let hidden = |option: &str| hidden(Kind::ForeignServer, option);
        assert_eq!(hidden("host=db"), "host=db");
        assert_eq!(hidden("url=https://host:80/a@b"), "url=https://host:80/a@b");
        for option in
            ["password=s3cr3t", "connection=host=a password=s3cr3t", "url=mysql://u:s3cr3t@h"]
        {
            assert!(!hidden(option).contains("s3cr3t"), "{}", hidden(option));
        }
        assert_ne!(hidden("password=a"), hidden("password=b"));
    }

    #[test]
    fn of_a_user_mapping_only_the_user_is_shown() {
        assert_eq!(hidden(Kind::UserMapping, "user=u"), "user=u");
        assert!(!hidden(Kind::UserMapping, "anything=s3cr3t").contains("s3cr3t"));
    }
}
