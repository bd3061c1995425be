//! Masks passwords in code frames and messages before they leave this crate.

use std::collections::BTreeMap;

/// Words after which a quoted text is taken for a secret.
const SECRET_NAMES: [&str; 5] = ["password", "token", "secret", "apikey", "api_key"];

/// The text with passwords in URLs and quoted secrets replaced by stars of the same length.
pub(crate) fn redact(text: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    mask_url_passwords(&mut characters);
    mask_named_secrets(&mut characters);
    characters.into_iter().collect()
}

/// The text without the values of variables whose names say that they are secret.
pub(crate) fn redact_variables(text: &str, env: &BTreeMap<String, String>) -> String {
    let is_secret = |name: &str| {
        let name = name.to_lowercase();
        name.contains("key") || SECRET_NAMES.iter().any(|it| name.contains(it))
    };
    // Shorter values would hit words that are no secret.
    let secrets = env.iter().filter(|(name, value)| is_secret(name) && 4 < value.len());
    secrets.fold(redact(text), |text, (_, value)| text.replace(value.as_str(), "***"))
}

/// `scheme://user:password@host`: what stands between the colon and the last `@` of the authority.
fn mask_url_passwords(characters: &mut [char]) {
    let mut start = 0;
    while let Some(found) = find(characters, start, "://") {
        start = found + 3;
        let end = characters[start..]
            .iter()
            .position(|it| it.is_whitespace() || matches!(it, '"' | '\'' | '`'))
            .map_or(characters.len(), |it| start + it);
        let authority = &characters[start..end];
        let Some(at) = authority.iter().rposition(|it| *it == '@') else { continue };
        if let Some(colon) = authority[..at].iter().position(|it| *it == ':') {
            characters[start + colon + 1..start + at].fill('*');
        }
    }
}

/// `password: "…"`, `authToken = '…'`: the quoted text after the name.
fn mask_named_secrets(characters: &mut [char]) {
    for name in SECRET_NAMES {
        let mut start = 0;
        while let Some(found) = find(characters, start, name) {
            start = found + name.len();
            let is_gap =
                |it: &char| it.is_whitespace() || matches!(it, ':' | '=' | '?' | '|' | '"' | '\'');
            let gap = characters[start..].iter().take_while(|it| is_gap(it)).count();
            let sign = (start..start + gap).find(|it| matches!(characters[*it], ':' | '='));
            let is_quote = |it: &usize| matches!(characters.get(*it), Some('"' | '\'' | '`'));
            let open = sign.and_then(|sign| (sign..=start + gap).find(is_quote));
            let Some(open) = open else { continue };
            let quote = characters[open];
            let length = characters[open + 1..]
                .iter()
                .take_while(|it| **it != quote && **it != '\n')
                .count();
            characters[open + 1..open + 1 + length].fill('*');
        }
    }
}

/// The first place at or after `start` where `word` stands, in any case.
fn find(characters: &[char], start: usize, word: &str) -> Option<usize> {
    let word: Vec<char> = word.chars().collect();
    let rest = characters.get(start..)?;
    let equal = |window: &[char]| window.iter().zip(&word).all(|(a, b)| a.eq_ignore_ascii_case(b));
    rest.windows(word.len()).position(equal).map(|it| start + it)
}

#[cfg(test)]
mod tests {
    use super::{redact, redact_variables};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(redact(text), expected);
    }

    #[test]
    fn a_password_in_a_url_is_masked() {
        check("url: \"postgres://me:p@ss@host/db\",", "url: \"postgres://me:****@host/db\",");
        check("see https://orm.drizzle.team/docs", "see https://orm.drizzle.team/docs");
    }

    #[test]
    fn values_of_secret_variables_are_masked() {
        let env = [("DB_PASSWORD", "geheim"), ("HOST", "example"), ("API_KEY", "abc")];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let masked = redact_variables("no geheim at example for abc", &env);
        assert_eq!(masked, "no *** at example for abc");
    }

    #[test]
    fn a_quoted_secret_is_masked() {
        check("password: 'abc', user: 'me'", "password: '***', user: 'me'");
        check("authToken: env.T ?? \"abc\"", "authToken: env.T ?? \"abc\"");
        check("PASSWORD = `abc`", "PASSWORD = `***`");
        check("{\"password\": \"abc\"}", "{\"password\": \"***\"}");
        check(
            "password: varchar(\"password\", { length: 3 })",
            "password: varchar(\"password\", { length: 3 })",
        );
    }
}
