//! Which crate may use what: `cli → engine → tsload → schema`, and nothing backwards.

use serde_json::Value;

/// What one of our crates may use.
struct Rule {
    crate_name: &'static str,
    /// Our own crates that it may use.
    own: &'static [&'static str],
    /// The rest of what it may use.
    foreign: Foreign,
}

enum Foreign {
    /// Nothing but these.
    Only(&'static [&'static str]),
    /// Anything but these.
    Not(&'static [&'static [&'static str]]),
}

const DRIVERS: &[&str] =
    &["rusqlite", "tokio", "tokio-postgres", "tokio-postgres-rustls", "rustls", "mysql_async"];
const TERMINAL: &[&str] =
    &["anstream", "clap", "cliclack", "comfy-table", "indicatif", "owo-colors", "textwrap"];
const JAVASCRIPT: &[&str] = &["oxc", "oxc_resolver", "oxc_sourcemap", "rquickjs"];

const RULES: &[Rule] = &[
    Rule {
        crate_name: "raingauge-schema",
        own: &[],
        foreign: Foreign::Only(&[
            "indexmap",
            "serde",
            "serde_json",
            "sha2",
            "sqlite3-parser",
            "thiserror",
        ]),
    },
    Rule {
        crate_name: "raingauge-tsload",
        own: &["raingauge-schema"],
        foreign: Foreign::Not(&[DRIVERS, TERMINAL]),
    },
    Rule {
        crate_name: "raingauge-engine",
        own: &["raingauge-schema", "raingauge-tsload"],
        // `textwrap` only breaks lines of text reports; it knows no terminal.
        foreign: Foreign::Not(&[
            &["anstream", "clap", "cliclack", "indicatif", "owo-colors"],
            JAVASCRIPT,
        ]),
    },
    Rule {
        crate_name: "raingauge",
        own: &["raingauge-engine"],
        foreign: Foreign::Not(&[DRIVERS, JAVASCRIPT]),
    },
    Rule { crate_name: "raingauge-testkit", own: &[], foreign: Foreign::Not(&[]) },
    Rule { crate_name: "xtask", own: &["raingauge-testkit"], foreign: Foreign::Not(&[]) },
];

/// Every crate may use it in its tests.
const TESTKIT: &str = "raingauge-testkit";

/// Drivers and a JavaScript engine bring much with them; more than this needs a decision.
const MAX_PACKAGES: usize = 400;

/// Uses that the table does not allow, and crates that it does not know.
pub(super) fn problems(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages.flat_map(problems_of).collect()
}

fn problems_of(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let Some(rule) = RULES.iter().find(|it| it.crate_name == name) else {
        return vec![format!("{name}: xtask/src/tidy/edges.rs does not say what it may use")];
    };
    let uses = package["dependencies"].as_array().into_iter().flatten();
    let forbidden = uses.filter_map(|it| {
        let used = it["name"].as_str().unwrap_or_default();
        let allowed =
            if it["kind"].is_null() { allows(rule, used) } else { allows_in_tests(rule, used) };
        (!allowed).then(|| format!("{name} may not use {used}; see xtask/src/tidy/edges.rs"))
    });
    forbidden.collect()
}

fn allows(rule: &Rule, used: &str) -> bool {
    if is_ours(used) {
        return rule.own.contains(&used);
    }
    match rule.foreign {
        Foreign::Only(list) => list.contains(&used),
        Foreign::Not(lists) => !lists.iter().any(|it| it.contains(&used)),
    }
}

fn allows_in_tests(rule: &Rule, used: &str) -> bool {
    !is_ours(used) || used == TESTKIT || rule.own.contains(&used)
}

fn is_ours(name: &str) -> bool {
    RULES.iter().any(|it| it.crate_name == name)
}

/// Whether the lock file has more packages than was decided.
pub(super) fn too_many_packages(lock: &str) -> Option<String> {
    let n_packages = lock.lines().filter(|it| *it == "[[package]]").count();
    (n_packages > MAX_PACKAGES).then(|| {
        format!("Cargo.lock: {n_packages} packages, {MAX_PACKAGES} were decided; see xtask/src/tidy/edges.rs")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, used: &str, kind: Option<&str>, expected: &[&str]) {
        let dependency = serde_json::json!({ "name": used, "kind": kind });
        let package = serde_json::json!({ "name": name, "dependencies": [dependency] });
        assert_eq!(problems(&serde_json::json!({ "packages": [package] })), expected);
    }

    #[test]
    fn the_pure_crate_uses_nothing_that_is_not_listed() {
        check("raingauge-schema", "serde", None, &[]);
        let no = "raingauge-schema may not use tempfile; see xtask/src/tidy/edges.rs";
        check("raingauge-schema", "tempfile", None, &[no]);
        check("raingauge-schema", "tempfile", Some("dev"), &[]);
    }

    #[test]
    fn the_binary_uses_the_engine_alone() {
        check("raingauge", "raingauge-engine", None, &[]);
        let no = "raingauge may not use raingauge-schema; see xtask/src/tidy/edges.rs";
        check("raingauge", "raingauge-schema", None, &[no]);
        let no = "raingauge may not use rusqlite; see xtask/src/tidy/edges.rs";
        check("raingauge", "rusqlite", None, &[no]);
    }

    #[test]
    fn the_engine_knows_no_terminal_and_nobody_looks_backwards() {
        let no = "raingauge-engine may not use clap; see xtask/src/tidy/edges.rs";
        check("raingauge-engine", "clap", None, &[no]);
        let no = "raingauge-tsload may not use raingauge-engine; see xtask/src/tidy/edges.rs";
        check("raingauge-tsload", "raingauge-engine", None, &[no]);
    }

    #[test]
    fn the_testkit_is_for_tests() {
        check("raingauge-engine", "raingauge-testkit", Some("dev"), &[]);
        let no = "raingauge-engine may not use raingauge-testkit; see xtask/src/tidy/edges.rs";
        check("raingauge-engine", "raingauge-testkit", None, &[no]);
    }

    #[test]
    fn a_new_crate_needs_a_rule() {
        let no = "newcomer: xtask/src/tidy/edges.rs does not say what it may use";
        check("newcomer", "serde", None, &[no]);
    }

    #[test]
    fn the_number_of_packages_is_limited() {
        assert_eq!(too_many_packages(&"[[package]]\n".repeat(MAX_PACKAGES)), None);
        assert!(too_many_packages(&"[[package]]\n".repeat(MAX_PACKAGES + 1)).is_some());
    }
}
