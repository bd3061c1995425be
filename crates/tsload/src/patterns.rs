//! Finds the schema files that a configuration's patterns mean, in Drizzle Kit's order.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::segment::Segment;

/// What Drizzle Kit 1.0 takes for code; versions before it load whatever a pattern finds.
const SCRIPTS: [&str; 8] = ["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx"];

/// The files of all patterns: each pattern's matches sorted, folders by the names of their files.
pub(crate) fn schema_files(root: &Path, patterns: &[String], scripts_only: bool) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    let found = patterns.iter().flat_map(|it| matches(root, it)).flat_map(|it| files_of(&it));
    let is_wanted = |it: &PathBuf| !scripts_only || is_script(it);
    found.filter(|it| is_wanted(it) && seen.insert(it.clone())).collect()
}

/// Whether the file's name says that it is code.
pub(crate) fn is_script(path: &Path) -> bool {
    path.extension().and_then(|it| it.to_str()).is_some_and(|it| SCRIPTS.contains(&it))
}

fn matches(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for alternative in alternatives(pattern) {
        let base = if alternative.starts_with('/') { Path::new("/") } else { root };
        let segments: Vec<_> =
            alternative.split('/').filter(|it| !matches!(*it, "" | ".")).collect();
        collect(base, &segments, &mut found);
    }
    found.sort_by(|a, b| compare_names(&a.to_string_lossy(), &b.to_string_lossy()));
    found.dedup();
    found
}

/// Adds what the segments mean below the folder.
fn collect(folder: &Path, segments: &[&str], found: &mut Vec<PathBuf>) {
    let Some((segment, rest)) = segments.split_first() else {
        return found.push(folder.to_owned());
    };
    if *segment == "**" {
        collect(folder, rest, found);
        for (path, is_folder) in entries(folder, |it| !it.starts_with('.')) {
            match is_folder {
                true => collect(&path, segments, found),
                // Of files, only the last segment may take any.
                false if rest.is_empty() => found.push(path),
                false => {}
            }
        }
        return;
    }
    let segment = Segment::parse(segment);
    if let Some(name) = segment.literal() {
        let path = if name == ".." { parent(folder) } else { folder.join(name) };
        if path.exists() {
            collect(&path, rest, found);
        }
        return;
    }
    for (path, _) in entries(folder, |it| segment.matches(it)) {
        if rest.is_empty() || path.is_dir() {
            collect(&path, rest, found);
        }
    }
}

/// `..` of a path as it is written, as Node resolves it.
fn parent(folder: &Path) -> PathBuf {
    match folder.components().next_back() {
        Some(Component::Normal(_)) => folder.parent().unwrap_or(folder).to_owned(),
        _ => folder.join(".."),
    }
}

/// What lies in a folder under such a name, and whether it is a folder itself; a link is none.
fn entries(folder: &Path, fits: impl Fn(&str) -> bool) -> Vec<(PathBuf, bool)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let fitting = entries.filter(|it| fits(&it.file_name().to_string_lossy()));
    fitting.map(|it| (it.path(), it.file_type().is_ok_and(|it| it.is_dir()))).collect()
}

/// The file itself, or the files directly in the folder; links to folders count as files.
fn files_of(path: &Path) -> Vec<PathBuf> {
    if !fs::symlink_metadata(path).is_ok_and(|it| it.is_dir()) {
        return vec![path.to_owned()];
    }
    let files = entries(path, |_| true).into_iter().filter(|it| !it.1);
    let mut files: Vec<_> = files.map(|it| it.0).collect();
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
