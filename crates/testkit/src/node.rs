//! Node.js and the npm packages of the examples, installed once and shared by all tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};

/// Where the packages are, if not below the target folder: a folder with `<example>/node_modules`.
pub const SHARED_MODULES: &str = "RAINGAUGE_TEST_NODE_MODULES";

/// The name of the packages that schemas in tests import, with every drizzle-orm that is loaded.
pub const SCHEMA_PACKAGES: &str = "schemas";

/// The name of the packages that run TypeScript beside Node.js: tsx and bun; with yarn, and a native addon.
pub const RUNTIMES: &str = "runtimes";

/// The name of the workspace that yarn has installed without `node_modules`.
pub const YARN_PROJECT: &str = "yarn-pnp";

/// Where `cargo xtask install` finds the lock file of [`RUNTIMES`].
pub fn runtimes_packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("npm").join(RUNTIMES)
}

/// The `node_modules` that `cargo xtask test` has installed for an example, or under another name.
///
/// # Errors
/// If it has not.
pub fn modules(example: &str) -> Result<PathBuf> {
    let inside = Path::new(example).join("node_modules");
    let found = roots().into_iter().map(|it| it.join(&inside)).find(|it| it.is_dir());
    found.ok_or_else(|| {
        Failure::new(format!(
            "the npm packages of `{example}` are not installed: run `cargo xtask test` once, or \
             `cargo xtask install` to install them without running tests"
        ))
    })
}

fn roots() -> Vec<PathBuf> {
    if let Some(root) = std::env::var_os(SHARED_MODULES) {
        return vec![root.into()];
    }
    // The test binary is somewhere below the target folder, wherever that is.
    let binary = std::env::current_exe().unwrap_or_default();
    binary.ancestors().skip(1).map(|it| it.join("testkit")).collect()
}

/// Node.js in a folder, with no settings from outside but `PATH`.
pub fn command(folder: &Path) -> Command {
    let mut node = Command::new("node");
    node.current_dir(folder).env_clear().env("HOME", std::env::temp_dir());
    node.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C.UTF-8");
    node.env("NO_COLOR", "1").env("TZ", "UTC");
    node
}
