//! Every Rust file says what it is, stays readable in one go, and has a name that says something.

use std::collections::BTreeSet;

use super::Source;

const MAX_LINES: usize = 600;

/// Names under which anything fits, so that nothing is found there.
const EMPTY_NAMES: &[&str] = &[
    "base", "common", "flavour", "handler", "helper", "helpers", "manager", "misc", "util", "utils",
];

/// Attributes that hide a test, or that let it pass for another reason.
const BANNED_ATTRIBUTES: [&str; 2] = ["ignore", "should_panic"];

/// Problems of single files, and of test files that nothing runs.
pub(super) fn problems(sources: &[Source]) -> Vec<String> {
    let single = |it| {
        [head(it), length(it), name(it), folder_module(it), attributes(it)].into_iter().flatten()
    };
    sources
        .iter()
        .flat_map(single)
        .chain(sources.iter().filter_map(|it| test(it, sources)))
        .collect()
}

fn head(source: &Source) -> Option<String> {
    let first = source.text.lines().next().unwrap_or_default();
    let says_something = first.strip_prefix("//! ").is_some_and(|it| it.trim().len() > 10);
    (!says_something)
        .then(|| format!("{}: the first line has to be `//!` and what it is", source.path))
}

fn length(source: &Source) -> Option<String> {
    let n_lines = source.product().count();
    let limit = format!("{}: {n_lines} lines without tests, {MAX_LINES} is the limit", source.path);
    (n_lines > MAX_LINES).then_some(limit)
}

fn name(source: &Source) -> Option<String> {
    let words = source.path.split('/').map(|it| it.strip_suffix(".rs").unwrap_or(it));
    let empty = words.into_iter().find(|it| EMPTY_NAMES.contains(it))?;
    Some(format!("{}: `{empty}` says nothing about what is in it", source.path))
}

fn folder_module(source: &Source) -> Option<String> {
    let declares =
        |it: &str| it.starts_with("mod ") || it.starts_with("pub mod ") || it.starts_with("pub(");
    let lonely = source.name() == "mod.rs" && !source.text.lines().any(declares);
    lonely.then(|| format!("{}: declares no modules, so it should be a file", source.path))
}

fn attributes(source: &Source) -> Option<String> {
    let begins = |line: &str, it: &str| line.trim_start().starts_with(&format!("#[{it}"));
    let found =
        BANNED_ATTRIBUTES.iter().find(|&it| source.text.lines().any(|line| begins(line, it)))?;
    Some(format!("{}: no `#[{found}]`; assert what it does today, with a FIXME", source.path))
}

/// A crate has one test program, a file or a folder in `tests`, and every file of it is run.
fn test(source: &Source, sources: &[Source]) -> Option<String> {
    let (of_crate, inside) = source.path.split_once("/tests/")?;
    // Unit tests may have folders of their own, below `src`.
    if of_crate.contains("/src") {
        return None;
    }
    let in_tests = |it: &'_ Source| -> Option<String> {
        let inside = it.path.strip_prefix(of_crate)?.strip_prefix("/tests/")?;
        Some(inside.split('/').next()?.to_owned())
    };
    let programs: BTreeSet<String> = sources.iter().filter_map(in_tests).collect();
    if programs.len() > 1 {
        return Some(format!("{}: {of_crate} has more than one test program", source.path));
    }
    let (program, file) = inside.split_once('/')?;
    let module = file.strip_suffix(".rs").filter(|it| *it != "main" && !it.contains('/'))?;
    let main = format!("{of_crate}/tests/{program}/main.rs");
    let text = sources.iter().find(|it| it.path == main).map(|it| it.text.as_str());
    let line = format!("mod {module};");
    let listed = text.is_some_and(|it| it.lines().any(|it| it == line));
    (!listed).then(|| format!("{}: not listed in {program}/main.rs, so it never runs", source.path))
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    const HEAD: &str = "//! What this file is about.\n";

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(problems(&[source(path, text)]), expected);
    }

    #[test]
    fn a_file_says_what_it_is() {
        check("crates/a/src/order.rs", HEAD, &[]);
        let no = "crates/a/src/order.rs: the first line has to be `//!` and what it is";
        check("crates/a/src/order.rs", "use std::fs;\n", &[no]);
        check("crates/a/src/order.rs", "//! todo\n", &[no]);
    }

    #[test]
    fn a_long_file_is_too_long_unless_it_is_long_by_its_tests() {
        let lines = |n: usize| "let _ = 0;\n".repeat(n);
        let no = "crates/a/src/order.rs: 601 lines without tests, 600 is the limit";
        check("crates/a/src/order.rs", &format!("{HEAD}{}", lines(600)), &[no]);
        check(
            "crates/a/src/order.rs",
            &format!("{HEAD}{}#[cfg(test)]\nmod tests {{\n{}", lines(9), lines(700)),
            &[],
        );
    }

    #[test]
    fn a_name_says_something() {
        let no = "crates/a/src/utils.rs: `utils` says nothing about what is in it";
        check("crates/a/src/utils.rs", HEAD, &[no]);
        let no = "crates/a/src/common/order.rs: `common` says nothing about what is in it";
        check("crates/a/src/common/order.rs", HEAD, &[no]);
    }

    #[test]
    fn a_folder_has_more_than_its_mod_file() {
        let no = "crates/a/src/order/mod.rs: declares no modules, so it should be a file";
        check("crates/a/src/order/mod.rs", HEAD, &[no]);
        check("crates/a/src/order/mod.rs", &format!("{HEAD}mod edge;\n"), &[]);
    }

    #[test]
    fn no_test_is_hidden() {
        let no = "crates/a/src/order.rs: no `#[ignore]`; assert what it does today, with a FIXME";
        let hidden = format!("{HEAD}    #{}\n", "[ignore]");
        check("crates/a/src/order.rs", &hidden, &[no]);
    }

    #[test]
    fn every_test_file_is_run() {
        let main = source("crates/a/tests/it/main.rs", &format!("{HEAD}mod one;\n"));
        let one = source("crates/a/tests/it/one.rs", HEAD);
        assert_eq!(problems(&[main.clone(), one]), Vec::<String>::new());
        let two = source("crates/a/tests/it/two.rs", HEAD);
        let no = "crates/a/tests/it/two.rs: not listed in it/main.rs, so it never runs";
        assert_eq!(problems(&[main, two]), [no]);
    }

    #[test]
    fn a_crate_has_one_test_program() {
        let main = |program| source(&format!("crates/a/tests/{program}/main.rs"), HEAD);
        assert_eq!(problems(&[main("one")]), Vec::<String>::new());
        let no =
            |it| format!("crates/a/tests/{it}/main.rs: crates/a has more than one test program");
        assert_eq!(problems(&[main("one"), main("two")]), [no("one"), no("two")]);
        check("crates/a/tests/alone.rs", HEAD, &[]);
        check("crates/a/src/order/tests/cases.rs", HEAD, &[]);
    }
}
