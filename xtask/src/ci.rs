//! `cargo xtask ci`: everything that a change has to pass, the quick checks first.

use std::time::Instant;

use raingauge_testkit::Result;

use crate::process::{cargo, show_and_run};
use crate::test::TestArgs;
use crate::{test, tidy};

/// Runs all checks and stops at the first that fails. The tests come last, so that the end of the
/// output is the summary of the test runner.
pub(crate) fn run() -> Result {
    let mut times = Vec::new();
    let mut timed = |name: &str, check: &dyn Fn() -> Result| {
        println!("== {name}");
        let since = Instant::now();
        let result = check();
        times.push(format!("{name} {:.0} s", since.elapsed().as_secs_f32()));
        result
    };
    timed("fmt", &|| show_and_run(&mut cargo(&["fmt", "--all", "--check"])))?;
    timed("tidy", &tidy::run)?;
    timed("clippy", &|| {
        let lints = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        show_and_run(&mut cargo(&lints))
    })?;
    timed("doc", &|| {
        let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--document-private-items"]);
        // Private items are documented too, so links to them are as good as any.
        let flags = "-D warnings -A rustdoc::private_intra_doc_links";
        show_and_run(doc.env("RUSTDOCFLAGS", flags))
    })?;
    timed("build", &|| show_and_run(&mut cargo(&["build", "--workspace", "--all-targets"])))?;
    println!("== times so far: {}", times.join(", "));
    println!("== test");
    test::run(&TestArgs::default())
}
