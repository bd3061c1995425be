//! Which Drizzle is installed, found as Node finds it.

use std::fs;
use std::path::{Path, PathBuf};

use raingauge_schema::drizzle::Generation;
use serde::Deserialize;

use crate::plugnplay::PlugNPlay;

/// Versions of the installed packages, as their `package.json` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    pub drizzle_orm: Option<String>,
    pub drizzle_kit: Option<String>,
}

/// Nothing else of it is kept: drizzle-orm's names thousands of files.
#[derive(Deserialize)]
struct Package {
    version: Option<String>,
}

impl Versions {
    /// The versions that the first of the folders sees which sees any.
    pub(crate) fn seen_from(folders: &[PathBuf]) -> Self {
        let yarn = folders.iter().find_map(|it| PlugNPlay::seen_from(it).ok().flatten());
        let find = |package| {
            let found = folders.iter().find_map(|it| version(it, package));
            found.or_else(|| {
                folders.iter().find_map(|it| version_of_yarn(yarn.as_ref()?, it, package))
            })
        };
        Self { drizzle_orm: find("drizzle-orm"), drizzle_kit: find("drizzle-kit") }
    }

    /// The kit's generation, as it reads and writes the files; the library's if there is no kit.
    pub fn generation(&self) -> Generation {
        let version = self.drizzle_kit.as_deref().or(self.drizzle_orm.as_deref());
        version.and_then(Generation::of).unwrap_or_default()
    }
}

fn version(folder: &Path, package: &str) -> Option<String> {
    let file = format!("node_modules/{package}/package.json");
    let text = folder.ancestors().find_map(|it| fs::read(it.join(&file)).ok())?;
    version_in(&text)
}

fn version_of_yarn(yarn: &PlugNPlay, folder: &Path, package: &str) -> Option<String> {
    version_in(&yarn.read_at(&yarn.package(folder, package)?.join("package.json"))?)
}

fn version_in(package: &[u8]) -> Option<String> {
    serde_json::from_slice::<Package>(package).ok()?.version
}
