//! Finds the schema files that a configuration's patterns mean, in Drizzle Kit's order.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, glob_with};

/// The files of all patterns: each pattern's matches sorted, folders by the names of their files.
///
/// # Errors
/// A sentence about the pattern that cannot be understood.
pub(crate) fn schema_files(root: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, String> {
    let mut files: Vec<PathBuf> = Vec::new();
    for pattern in patterns {
        for found in matches(root, pattern)? {
            for file in files_of(&found) {
                if !files.contains(&file) {
                    files.push(file);
                }
            }
        }
    }
    Ok(files)
}

fn matches(root: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    if ["!(", "+(", "@(", "?(", "*("].iter().any(|it| pattern.contains(it)) {
        return Err(format!(
            "`{pattern}`: patterns with alternatives in parentheses are not supported"
        ));
    }
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let base = glob::Pattern::escape(&root.to_string_lossy());
    let mut found = Vec::new();
    for alternative in alternatives(pattern) {
        let plain = alternative.strip_prefix("./").unwrap_or(&alternative);
        let absolute =
            if plain.starts_with('/') { plain.to_owned() } else { format!("{base}/{plain}") };
        let paths = glob_with(&absolute, options).map_err(|it| format!("`{pattern}`: {it}"))?;
        found.extend(paths.flatten());
    }
    found.sort_by(|a, b| compare_names(&a.to_string_lossy(), &b.to_string_lossy()));
    found.dedup();
    Ok(found)
}

/// The file itself, or the files directly in the folder; links to folders are passed over.
fn files_of(path: &Path) -> Vec<PathBuf> {
    let is_folder = |it: &Path| fs::symlink_metadata(it).is_ok_and(|it| it.is_dir());
    if !is_folder(path) {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|it| it.path()).filter(|it| !is_folder(it)).collect();
    files.sort();
    files
}

/// `a{b,c}d` as `abd` and `acd`; braces may be nested.
fn alternatives(pattern: &str) -> Vec<String> {
    let Some((head, rest)) = pattern.split_once('{') else { return vec![pattern.to_owned()] };
    let mut depth = 0_usize;
    let mut parts = vec![String::new()];
    let mut tail = None;
    for (at, character) in rest.char_indices() {
        match character {
            '}' if depth == 0 => {
                tail = rest.get(at + 1..);
                break;
            }
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    let Some(tail) = tail.filter(|_| parts.len() > 1) else { return vec![pattern.to_owned()] };
    parts.iter().flat_map(|it| alternatives(&format!("{head}{it}{tail}"))).collect()
}

/// The order of `localeCompare(…, "en")`, by which the kit's glob sorts: punctuation, digits, letters
/// without regard to case, and lower case first where nothing else differs.
fn compare_names(a: &str, b: &str) -> Ordering {
    let primary = |text: &str| text.chars().map(weight).collect::<Vec<_>>();
    let upper = |text: &str| text.chars().map(char::is_uppercase).collect::<Vec<_>>();
    primary(a).cmp(&primary(b)).then_with(|| upper(a).cmp(&upper(b))).then_with(|| a.cmp(b))
}

fn weight(character: char) -> (u8, u32) {
    const PUNCTUATION: &str = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";
    if let Some(at) = PUNCTUATION.chars().position(|it| it == character) {
        return (0, u32::try_from(at).unwrap_or(u32::MAX));
    }
    let lower = character.to_lowercase().next().unwrap_or(character);
    (if lower.is_ascii_digit() { 1 } else { 2 }, u32::from(lower))
}

#[cfg(test)]
mod tests {
    use super::{alternatives, compare_names};

    #[test]
    fn braces_are_expanded() {
        assert_eq!(alternatives("a/{b,c{d,e}}.ts"), ["a/b.ts", "a/cd.ts", "a/ce.ts"]);
        assert_eq!(alternatives("a/{b}.ts"), ["a/{b}.ts"]);
    }

    #[test]
    fn names_are_in_the_order_of_the_english_locale() {
        let mut names = ["b.ts", "B.ts", "a-b.ts", "a_b.ts", "a.ts", "A1.ts", "ab.ts", "a/b.ts"];
        names.sort_by(|a, b| compare_names(a, b));
        // As `names.sort((a, b) => a.localeCompare(b, "en"))` sorts in Node 20.
        assert_eq!(names, ["a_b.ts", "a-b.ts", "a.ts", "a/b.ts", "A1.ts", "ab.ts", "b.ts", "B.ts"]);
    }
}
