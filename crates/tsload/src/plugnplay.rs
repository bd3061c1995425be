//! Packages that Yarn has installed without `node_modules`: its manifest `.pnp.cjs` says where they are, mostly
//! in archives.
//!
//! A path into an archive has the archive as one of its folders. A package with peers has a path of its own
//! for each set of them, with `__virtual__` in it, which stands for the same files.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use pnp::fs::{LruZipCache, VPath, VPathInfo, ZipCache, open_zip_via_read_p};
use pnp::{Manifest, Resolution};
use serde_json::Value;

const MANIFEST: &str = ".pnp.cjs";
/// Has the manifest's data where `pnpEnableInlining` is off.
const DATA: &str = ".pnp.data.json";
/// How many archives stay open.
const ARCHIVES: u64 = 50;

/// Yarn's installation, as its manifest says.
pub(crate) struct PlugNPlay {
    manifest: Manifest,
    /// Whether the data is in a file of its own, which the resolver does not look for.
    pub(crate) is_apart: bool,
    archives: LruZipCache<Vec<u8>>,
}

/// Where the bytes of a path are.
pub(crate) enum Located {
    Disk(PathBuf),
    Archived { archive: PathBuf, inner: String },
}

impl Located {
    /// A path without `__virtual__`.
    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Self::Disk(path) => path.clone(),
            Self::Archived { archive, inner } => archive.join(inner),
        }
    }
}

impl PlugNPlay {
    /// The installation that files in the folder see, if it is one of Yarn's. The error says why its
    /// manifest cannot be read.
    pub(crate) fn seen_from(folder: &Path) -> Result<Option<Self>, String> {
        let Some(path) = folder.ancestors().map(|it| it.join(MANIFEST)).find(|it| it.is_file())
        else {
            return Ok(None);
        };
        let is_apart = path.with_file_name(DATA).is_file();
        let read =
            || if is_apart { data_beside(&path) } else { pnp::load_pnp_manifest(&path).ok() };
        // It expects what Yarn always writes, and panics if that is not there.
        let manifest = catch_unwind(read).ok().flatten();
        let manifest = manifest
            .ok_or_else(|| format!("`{}` is not the manifest that Yarn writes", path.display()))?;
        let archives = LruZipCache::new(ARCHIVES, open_zip_via_read_p);
        Ok(Some(Self { manifest, is_apart, archives }))
    }

    /// The program that makes Node.js find these packages, and the one for its ES modules.
    pub(crate) fn hooks(&self) -> (PathBuf, Option<PathBuf>) {
        let loader = self.manifest.manifest_dir.join(".pnp.loader.mjs");
        (self.manifest.manifest_path.clone(), Some(loader).filter(|it| it.is_file()))
    }

    /// The folder of the package that files in `folder` see under this name.
    pub(crate) fn package(&self, folder: &Path, name: &str) -> Option<PathBuf> {
        let folder = folder.join("");
        match pnp::resolve_to_unqualified_via_manifest(&self.manifest, name, &folder) {
            Ok(Resolution::Resolved(path, _)) => Some(path),
            Ok(Resolution::Skipped) | Err(_) => None,
        }
    }

    /// How to ask for what `specifier` means in a folder without the manifest: from the package's own folder, by
    /// its own name if it says what it exports.
    pub(crate) fn inside(&self, folder: &Path, specifier: &str) -> Option<(PathBuf, String)> {
        let parent = folder.join("");
        let resolved =
            pnp::resolve_to_unqualified_via_manifest(&self.manifest, specifier, &parent).ok()?;
        let Resolution::Resolved(package, rest) = resolved else { return None };
        // The resolver wants it without the slash at its end.
        let package: PathBuf = package.components().collect();
        let content = self.read_at(&package.join("package.json"))?;
        let content: Value = serde_json::from_slice(&content).ok()?;
        let name = content.get("exports").and_then(|_| content.get("name")?.as_str());
        let request = match (name, rest) {
            (Some(name), Some(rest)) => format!("{name}/{rest}"),
            (Some(name), None) => name.to_owned(),
            (None, Some(rest)) => format!("./{rest}"),
            (None, None) => ".".to_owned(),
        };
        Some((package, request))
    }

    /// Where the bytes of an existing file or folder are, links followed.
    pub(crate) fn locate(&self, path: &Path) -> Option<Located> {
        match VPath::from(path).ok()? {
            VPath::Native(path) => path.canonicalize().ok().map(Located::Disk),
            VPath::Virtual(it) => it.physical_base_path().canonicalize().ok().map(Located::Disk),
            VPath::Zip(it) => {
                let archive = it.physical_base_path().canonicalize().ok()?;
                // A folder may be called so as well.
                if archive.is_dir() {
                    return archive.join(it.zip_path).canonicalize().ok().map(Located::Disk);
                }
                self.archives.file_type(&archive, &it.zip_path).ok()?;
                Some(Located::Archived { archive, inner: it.zip_path })
            }
        }
    }

    /// Whether it is a folder in an archive.
    pub(crate) fn is_folder(&self, archive: &Path, inner: &str) -> bool {
        let kind = self.archives.file_type(archive, inner);
        kind.is_ok_and(|it| it == pnp::fs::FileType::Directory)
    }

    /// The bytes of a file in an archive.
    pub(crate) fn read(&self, archive: &Path, inner: &str) -> Option<Vec<u8>> {
        self.archives.read(archive, inner).ok()
    }

    /// The bytes of a file that may be in an archive.
    pub(crate) fn read_at(&self, path: &Path) -> Option<Vec<u8>> {
        match self.locate(path)? {
            Located::Disk(path) => std::fs::read(path).ok(),
            Located::Archived { archive, inner } => self.read(&archive, &inner),
        }
    }
}

fn data_beside(path: &Path) -> Option<Manifest> {
    let data = std::fs::read(path.with_file_name(DATA)).ok()?;
    let mut manifest: Manifest = serde_json::from_slice(&data).ok()?;
    pnp::init_pnp_manifest(&mut manifest, path);
    Some(manifest)
}
