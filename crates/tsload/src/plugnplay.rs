//! Packages that Yarn has installed without `node_modules`: its manifest `.pnp.cjs` says where they are, mostly
//! in archives.
//!
//! A path into an archive has the archive as one of its folders. A package with peers has a path of its own
//! for each set of them, with `__virtual__` in it, which stands for the same files.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use pnp::fs::{LruZipCache, VPath, VPathInfo, ZipCache, open_zip_via_read_p};
use pnp::{Manifest, Resolution};

const MANIFEST: &str = ".pnp.cjs";
/// How many archives stay open.
const ARCHIVES: u64 = 50;

/// Yarn's installation, as its manifest says.
pub(crate) struct PlugNPlay {
    manifest: Manifest,
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
        // It expects what Yarn always writes, and panics if that is not there.
        let manifest = catch_unwind(|| pnp::load_pnp_manifest(&path).ok()).ok().flatten();
        let manifest = manifest.ok_or_else(|| {
            format!(
                "`{}` is not the manifest that Yarn writes with `pnpEnableInlining: true`",
                path.display()
            )
        })?;
        let archives = LruZipCache::new(ARCHIVES, open_zip_via_read_p);
        Ok(Some(Self { manifest, archives }))
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
