//! `cargo xtask tidy`: the rules of the repository that no other tool knows.
//!
//! Each file holds one kind of rule as plain functions from texts to problems: [`edges`] (which
//! crate may use what), [`files`] (heads, sizes, names), [`dialects`] (same files, strangers to each
//! other), [`codes`] (every code is in the manual), [`provoked`] (and in a test). Only this file touches the disk.

mod codes;
mod dialects;
mod edges;
mod files;
mod provoked;

use std::fs;
use std::path::Path;

use raingauge_testkit::{Failure, Result};

use crate::process::{metadata, root};

/// One Rust file of the repository.
#[derive(Clone, Debug)]
struct Source {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// The lines before the unit tests; all of them in a file that has none.
    fn product(&self) -> impl Iterator<Item = &str> {
        let lines: Vec<&str> = self.text.lines().collect();
        let is_start = |it: &[&str]| it[0] == "#[cfg(test)]" && it[1].starts_with("mod tests");
        let n_lines = lines.windows(2).position(is_start).unwrap_or(lines.len());
        lines.into_iter().take(n_lines)
    }

    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.name() == "tests.rs"
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Checks every rule, and lists all problems at once.
pub(crate) fn run() -> Result {
    let sources = sources()?;
    let mut problems = edges::problems(&metadata()?);
    problems.extend(edges::too_many_packages(&fs::read_to_string(root().join("Cargo.lock"))?));
    problems.extend(files::problems(&sources));
    problems.extend(dialects::problems(&sources));
    match manual()? {
        Some(manual) => {
            problems.extend(codes::problems(&sources, &manual));
            problems.extend(provoked::problems(&sources, &manual));
        }
        None => {
            println!("skipped: codes in the manual, because there is no {}", MANUAL.join(" or "));
        }
    }
    if problems.is_empty() {
        println!("tidy: {} files", sources.len());
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} of tidy's rules are broken\n  {}",
        problems.len(),
        problems.join("\n  ")
    )))
}

const MANUAL: [&str; 2] = ["docs/errors.md", "docs/findings.md"];

/// The pages that list the codes, as one text; nothing as long as there are none.
fn manual() -> Result<Option<String>> {
    let pages: Vec<_> = MANUAL.iter().map(|it| root().join(it)).filter(|it| it.exists()).collect();
    if pages.is_empty() {
        return Ok(None);
    }
    Ok(Some(pages.iter().map(fs::read_to_string).collect::<Result<Vec<_>, _>>()?.join("\n")))
}

fn sources() -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for folder in ["crates", "xtask"] {
        collect(&root().join(folder), &mut sources)?;
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn collect(folder: &Path, sources: &mut Vec<Source>) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, sources)?;
        } else if path.extension().is_some_and(|it| it == "rs") {
            let relative = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
            sources.push(Source { path: relative, text: fs::read_to_string(&path)? });
        }
    }
    Ok(())
}

#[cfg(test)]
fn source(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}
