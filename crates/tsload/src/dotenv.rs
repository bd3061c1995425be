//! Reads `.env` files as the `dotenv` package does: names, quotes, comments, escapes; no expansion.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The environment filled up from the `.env` file in the folder, or from the one that
/// `DOTENV_CONFIG_PATH` names.
pub(crate) fn load(root: &Path, env: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let setting = |name: &str| env.get(name).map(String::as_str);
    let file = root.join(setting("DOTENV_CONFIG_PATH").unwrap_or(".env"));
    let overrides = setting("DOTENV_CONFIG_OVERRIDE").is_some_and(|it| !it.is_empty());
    let from_file = parse(&fs::read_to_string(file).unwrap_or_default());
    let (mut all, stronger) = if overrides { (env, from_file) } else { (from_file, env) };
    all.extend(stronger);
    all
}

/// The variables that the text assigns; of several assignments to one name the last counts.
pub(crate) fn parse(text: &str) -> BTreeMap<String, String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut variables = BTreeMap::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(&text);
    while !rest.is_empty() {
        let Some((name, after)) = assignment(rest) else {
            rest = after_line(rest);
            continue;
        };
        let (value, after) = value(after);
        variables.insert(name.to_owned(), value);
        rest = after_line(after);
    }
    variables
}

fn after_line(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, rest)| rest)
}

/// `export NAME =` or `NAME: ` at the start of a line, and what follows it.
fn assignment(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches([' ', '\t']);
    let text = match text.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start_matches([' ', '\t']),
        _ => text,
    };
    let after = text.trim_start_matches(|it: char| it.is_alphanumeric() || "_.-".contains(it));
    let name = text.strip_suffix(after).filter(|it| !it.is_empty())?;
    let after_gap = after.trim_start_matches([' ', '\t']);
    let rest = match after_gap.strip_prefix('=') {
        Some(rest) => rest,
        None => after.strip_prefix(':').filter(|it| it.starts_with([' ', '\t']))?,
    };
    Some((name, rest))
}

/// The value at the start of the text, and what follows it.
fn value(text: &str) -> (String, &str) {
    let trimmed = text.trim_start_matches([' ', '\t']);
    for quote in ['"', '\'', '`'] {
        if let Some((inner, after)) = quoted(trimmed, quote) {
            let plain = inner.to_owned();
            let escaped = || inner.replace("\\n", "\n").replace("\\r", "\r");
            return (if quote == '"' { escaped() } else { plain }, after);
        }
    }
    let line = trimmed.split('\n').next().unwrap_or_default();
    let uncommented = line.split('#').next().unwrap_or_default().trim();
    let stripped = ['"', '\'', '`']
        .iter()
        .find_map(|it| uncommented.strip_prefix(*it)?.strip_suffix(*it))
        .unwrap_or(uncommented);
    (stripped.to_owned(), trimmed)
}

/// The text between two quotes, which may span lines; a backslash keeps a quote inside.
fn quoted(text: &str, quote: char) -> Option<(&str, &str)> {
    let inner = text.strip_prefix(quote)?;
    let mut escaped = false;
    for (at, character) in inner.char_indices() {
        if character == quote && !escaped {
            let (value, after) = inner.split_at_checked(at)?;
            return Some((value, after.strip_prefix(quote)?));
        }
        escaped = character == '\\' && !escaped;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = parse(text);
        let found: Vec<_> =
            found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn plain_values_lose_comments_and_spaces() {
        check(
            "# c\nA=1 # x\n B = two words \nexport C=3\nD: 4\nE=\n",
            &[("A", "1"), ("B", "two words"), ("C", "3"), ("D", "4"), ("E", "")],
        );
    }

    #[test]
    fn quotes_keep_hashes_and_line_breaks() {
        check(
            "A=\"a#b\\nc\" # x\nB='a\\nb'\nC=\"one\ntwo\"\nD=`it's`\n",
            &[("A", "a#b\nc"), ("B", "a\\nb"), ("C", "one\ntwo"), ("D", "it's")],
        );
    }

    #[test]
    fn variables_are_not_expanded() {
        check(
            "A=$B\r\nU=postgres://me:p=w@h/db?x=1\r\n",
            &[("A", "$B"), ("U", "postgres://me:p=w@h/db?x=1")],
        );
    }
}
