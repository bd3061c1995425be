//! Fresh servers kept in the user's cache folder, so that `initdb` need not run for each.
//!
//! A template is one tar file, named after all that it depends on. The account that runs the servers
//! packs and unpacks it: this process, which may be root, never follows what that account has put into
//! a folder, and only opens the one file. Whatever is wrong with a template or its folder, there is
//! none, and `initdb` runs.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, Seek};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use raingauge_schema::fingerprint::hex;
use sha2::{Digest, Sha256};

const SUFFIX: &str = ".tar";

/// A template that nobody has used for so long is of no use.
const KEPT: Duration = Duration::from_hours(60 * 24);

/// Where the template of one kind of server is, or would be.
#[derive(Debug)]
pub(super) struct Template {
    path: PathBuf,
    /// What the names of this server's templates begin with, whatever its exact version.
    prefix: String,
}

impl Template {
    /// The place for servers of this program made with these options; nothing if the cache folder
    /// is not ours alone to write, or the program does not say its version.
    pub(super) fn of(cache: &Path, program: &Path, options: &[String]) -> Option<Self> {
        let folder = private_folder(&cache.join("scratch"))?;
        let version = version_of(program)?;
        let program = fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
        let kind = format!("{}\n{}", program.display(), options.join("\n"));
        let prefix = format!("{}-", digest(&kind));
        let path = folder.join(format!("{prefix}{}{SUFFIX}", digest(&version)));
        Some(Self { path, prefix })
    }

    /// Unpacks the template: `tar` gets it as its input. Returns whether there was one and all went well.
    pub(super) fn unpack(&self, tar: &mut Command) -> bool {
        let Ok(file) = File::open(&self.path) else { return false };
        if !file.metadata().is_ok_and(|it| it.is_file() && is_ours_alone(&it)) {
            return false;
        }
        // Only for the question which templates are still in use.
        let _ = file.set_modified(SystemTime::now());
        tar.args(["-x", "-f", "-"]).stdin(file);
        succeeds(tar)
    }

    /// Packs a fresh server's data as the new template: `tar` gets the file as its output. A template
    /// gets its name when it is complete and on disk; who comes later replaces it by an equal one.
    pub(super) fn pack(&self, tar: &mut Command) {
        let _ = self.try_pack(tar);
        self.remove_stale();
    }

    fn try_pack(&self, tar: &mut Command) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::Builder::new().prefix("new-").tempfile_in(folder)?;
        tar.args(["-c", "-f", "-", "data"]).stdout(file.reopen()?);
        if succeeds(tar) && 0 < file.seek(io::SeekFrom::End(0))? {
            file.as_file().sync_all()?;
            file.persist(&self.path)?;
        }
        Ok(())
    }

    /// Removes the template, which has turned out to be no good.
    pub(super) fn discard(&self) {
        let _ = fs::remove_file(&self.path);
    }

    /// Removes what was made for an earlier version of the same programs, and what is not used any more.
    fn remove_stale(&self) {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_old = entry
                .metadata()
                .and_then(|it| it.modified())
                .is_ok_and(|it| SystemTime::now().duration_since(it).is_ok_and(|age| KEPT < age));
            let is_superseded = entry.path() != self.path
                && entry.file_name().to_string_lossy().starts_with(&self.prefix);
            if is_old || is_superseded {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// The user number of this process, told by whom its files belong to.
pub(super) fn own_uid() -> io::Result<u32> {
    tempfile::tempfile().and_then(|it| it.metadata()).map(|it| it.uid())
}

/// The folder, made if it is missing, if nobody else can write into it.
fn private_folder(folder: &Path) -> Option<PathBuf> {
    // Root may work with the home folder of somebody else, where it should leave nothing.
    let nearest = folder.ancestors().find(|it| it.exists())?;
    if !is_ours(&fs::metadata(nearest).ok()?) {
        return None;
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder).ok()?;
    let metadata = fs::metadata(folder).ok()?;
    (metadata.is_dir() && is_ours_alone(&metadata)).then(|| folder.to_owned())
}

fn is_ours_alone(metadata: &Metadata) -> bool {
    metadata.mode() & 0o022 == 0 && is_ours(metadata)
}

fn is_ours(metadata: &Metadata) -> bool {
    own_uid().is_ok_and(|it| it == metadata.uid())
}

/// Exactly what the server says of its version, so that an upgrade makes a new template.
pub(super) fn version_of(program: &Path) -> Option<String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().ok().filter(|it| it.status.success())?;
    String::from_utf8(output.stdout).ok()
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text)[..8])
}

fn succeeds(command: &mut Command) -> bool {
    command.stderr(Stdio::null()).status().is_ok_and(|it| it.success())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder with programs that say this version.
    fn programs(version: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        say(folder.path(), version);
        folder
    }

    fn say(folder: &Path, version: &str) {
        let program = folder.join("postgres");
        fs::write(&program, format!("#!/bin/sh\necho '{version}'\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn tar(folder: &Path) -> Command {
        let mut tar = Command::new("tar");
        tar.current_dir(folder);
        tar
    }

    /// A fresh server's data, for what is asked here.
    fn fresh() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("data/PG_VERSION"), "15\n").unwrap();
        folder
    }

    fn unpacks(template: &Template) -> bool {
        let folder = tempfile::tempdir().unwrap();
        template.unpack(&mut tar(folder.path())) && folder.path().join("data/PG_VERSION").exists()
    }

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder.join("scratch")).unwrap().count()
    }

    #[test]
    fn a_template_holds_until_the_server_says_another_version() {
        let (cache, bin) = (tempfile::tempdir().unwrap(), programs("15.17"));
        let program = bin.path().join("postgres");
        let of = || Template::of(cache.path(), &program, &["-U x".to_owned()]).unwrap();
        assert!(!unpacks(&of()));
        of().pack(&mut tar(fresh().path()));
        assert!(unpacks(&of()));
        let other = Template::of(cache.path(), &program, &["-U y".to_owned()]).unwrap();
        assert!(!unpacks(&other));
        say(bin.path(), "15.18");
        assert!(!unpacks(&of()));
        of().pack(&mut tar(fresh().path()));
        assert!(unpacks(&of()));
        assert_eq!(entries(cache.path()), 1, "the one for 15.17 is still there");
    }

    #[test]
    fn what_others_could_have_written_is_not_used() {
        let (cache, bin) = (tempfile::tempdir().unwrap(), programs("15.18"));
        let program = bin.path().join("postgres");
        let of = || Template::of(cache.path(), &program, &[]);
        let template = of().unwrap();
        template.pack(&mut tar(fresh().path()));
        let allow = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        allow(&template.path, 0o620);
        assert!(!unpacks(&template));
        allow(&template.path, 0o600);
        assert!(unpacks(&template));
        allow(template.path.parent().unwrap(), 0o702);
        assert!(of().is_none());
    }

    #[test]
    fn a_failed_packing_leaves_nothing() {
        let (cache, bin) = (tempfile::tempdir().unwrap(), programs("15.18"));
        let template = Template::of(cache.path(), &bin.path().join("postgres"), &[]).unwrap();
        let empty = tempfile::tempdir().unwrap();
        template.pack(&mut tar(empty.path()));
        assert_eq!(entries(cache.path()), 0);
        assert!(!unpacks(&template));
    }

    #[test]
    fn a_cache_folder_that_cannot_be_made_is_none() {
        let bin = programs("15.18");
        let file = tempfile::NamedTempFile::new().unwrap();
        let program = bin.path().join("postgres");
        assert!(Template::of(file.path(), &program, &[]).is_none());
        assert!(Template::of(Path::new("/proc/nothing"), &program, &[]).is_none());
    }
}
