//! Backups that only the holders of a key can read.
//!
//! A sealed backup is a whole ordinary one, packed into one archive and encrypted with age, and beside it
//! what has to be known without a key: a manifest without contents, hashes, `restore.sh`. Reading order:
//! [`Keys`] → `seal` (pack, encrypt, prove) → [`unseal`] (decrypt into a private folder, open that).
//! `pack` is the archive, `age` the program that encrypts.

mod age;
mod pack;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

pub use age::Recipients;
use raingauge_schema::fingerprint::hex;
use sha2::{Digest as _, Sha256};

use super::folder::{Partial, create_file, unwritable};
use super::manifest::{Decryption, Encryption, Manifest};
use super::space::{self, Need};
use super::{Backup, sums};
use crate::leftover::{self, Leftover, Registered};
use crate::progress::Progress;
use crate::{Error, Result};

/// The name of the encrypted archive.
pub(super) const ARCHIVE: &str = "backup.tar.age";

/// Who may read backups, and what opens those that exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Nobody: backups are not encrypted.
    pub recipients: Recipients,
    /// Files with secret keys. They are age's to read, not ours.
    pub identities: Vec<PathBuf>,
}

/// A backup whose files can be read: itself, or what was decrypted from it, which goes with this value.
#[derive(Debug)]
pub struct Readable {
    backup: Backup,
    _folders: Vec<Passing>,
}

/// A folder that goes with its value, and on a signal.
type Passing = (tempfile::TempDir, Registered);

impl From<Backup> for Readable {
    fn from(backup: Backup) -> Self {
        Self { backup, _folders: Vec::new() }
    }
}

impl Readable {
    /// A backup that lies in a folder which is not to stay.
    pub(super) fn passing(backup: Backup, folder: Passing) -> Self {
        Self { backup, _folders: vec![folder] }
    }

    /// The backup with all that it holds.
    pub fn backup(&self) -> &Backup {
        &self.backup
    }
}

/// Makes a sealed backup of the whole ordinary one that lies in `partial`, and returns what may be known
/// of it without a key.
///
/// Every byte that goes into the encryption is compared on its way with the hashes of what was proven. What
/// comes out is decrypted and compared too if a key is at hand; if none is, its form and length are.
pub(super) fn seal(
    partial: &Partial,
    manifest: &Manifest,
    keys: &Keys,
    progress: &mut dyn Progress,
) -> Result<Manifest> {
    progress.begin("encrypting the backup");
    let plain = partial.set_aside()?;
    let path = partial.path().join(ARCHIVE);
    let archive = create_file(&path).map_err(|cause| unwritable(&path, cause))?;
    let mut encrypting = age::Encrypting::start(&keys.recipients, archive)?;
    let sums = sums::listed(&plain)?;
    let mut packed = Measured::new(encrypting.input());
    let written = pack::write(&plain, &sums, &mut packed, progress);
    let packed = packed.measure();
    encrypting.finish(written)?;
    progress.boundary("backup/encrypted");
    let decryption = prove(&path, &packed, keys, progress)?;
    std::fs::remove_dir_all(&plain).map_err(|cause| unwritable(&plain, cause))?;
    let recipients = keys.recipients.names().to_vec();
    Ok(manifest.without_contents(Encryption { recipients, decryption }))
}

/// Proves that the archive is what was packed, as far as the keys at hand allow.
fn prove(
    path: &Path,
    packed: &Measure,
    keys: &Keys,
    progress: &mut dyn Progress,
) -> Result<Decryption> {
    age::check_form(path, packed.bytes, keys.recipients.names().len())?;
    if keys.identities.is_empty() {
        return Ok(Decryption::Unproven);
    }
    progress.begin("decrypting the backup again");
    let mut decrypting = age::Decrypting::start(path, &keys.identities)?;
    let mut sink = Measured::new(io::sink());
    let read = io::copy(&mut decrypting.output(), &mut sink);
    decrypting.finish(read.map(drop))?;
    let found = sink.measure();
    if found == *packed {
        return Ok(Decryption::Compared);
    }
    let message = format!(
        "the encrypted backup was decrypted again and is not what was encrypted: {} bytes instead of {}; \
         it was not kept",
        found.bytes, packed.bytes
    );
    Err(Error::refusal("backup-not-verified", message)
        .next("run `raingauge backup` again; live was only read"))
}

/// Opens what a backup holds: a sealed one is decrypted into a private temporary folder.
///
/// # Errors
/// `backup-encrypted` if it is sealed and no key is given, `backup-not-decrypted` if none of them opens it,
/// `backup-damaged` if a file has changed or what is inside is not what the outside says.
pub fn unseal(
    sealed: Readable,
    identities: &[PathBuf],
    progress: &mut dyn Progress,
) -> Result<Readable> {
    let backup = &sealed.backup;
    let Some(encryption) = &backup.manifest.encryption else { return Ok(sealed) };
    if identities.is_empty() {
        return Err(locked(backup, encryption));
    }
    progress.begin("checking the backup's files");
    backup.check()?;
    let failed = |cause: io::Error| {
        Error::new("backup-not-decrypted", "cannot make a private folder for what is decrypted")
            .caused_by(cause)
    };
    // An archive is about as large as what is in it: nothing is compressed once more.
    let need = Need {
        place: std::env::temp_dir(),
        bytes: backup.manifest.bytes(),
        what: "the decrypted copy",
    };
    space::refuse_short(&[need])?;
    let make = || tempfile::Builder::new().prefix("raingauge-decrypted-").tempdir();
    let plain =
        leftover::make(make, |it| Leftover::Folder(it.path().to_owned())).map_err(failed)?;
    progress.begin("decrypting the backup");
    let mut decrypting = age::Decrypting::start(&backup.path.join(ARCHIVE), identities)?;
    let read =
        pack::read(&mut decrypting.output(), plain.0.path(), backup.manifest.bytes(), progress);
    decrypting.finish(read)?;
    progress.boundary("backup/decrypted");
    let inside = Backup::open(plain.0.path())?;
    refuse_other(backup, &inside, encryption)?;
    Ok(Readable::passing(inside, plain))
}

/// The outside is not encrypted, so anybody could have changed it, hashes included.
fn refuse_other(outside: &Backup, inside: &Backup, encryption: &Encryption) -> Result<()> {
    let mut expected = inside.manifest.without_contents(encryption.clone());
    expected.files.clone_from(&outside.manifest.files);
    if expected == outside.manifest {
        return Ok(());
    }
    let message = format!(
        "the manifest of `{}` does not say what the encrypted one inside says",
        outside.path.display()
    );
    Err(Error::refusal("backup-damaged", message)
        .next("use another backup: `raingauge backup list` shows them"))
}

fn locked(backup: &Backup, encryption: &Encryption) -> Error {
    let message = format!("`{}` is encrypted, and no key is given", backup.path.display());
    Error::new("backup-encrypted", message).next(format!(
        "name the file with the secret key of {} with `--identity FILE`",
        encryption.recipients.join(" or ")
    ))
}

/// How much passed, and its hash.
#[derive(Debug, PartialEq, Eq)]
struct Measure {
    bytes: u64,
    sha256: String,
}

/// Passes bytes on, or in, and measures them.
struct Measured<T> {
    inner: T,
    bytes: u64,
    hasher: Sha256,
}

impl<T> Measured<T> {
    fn new(inner: T) -> Self {
        Self { inner, bytes: 0, hasher: Sha256::new() }
    }

    fn measure(self) -> Measure {
        Measure { bytes: self.bytes, sha256: hex(&self.hasher.finalize()) }
    }

    fn count(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<T: Write> Write for Measured<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.count(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Measured<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.count(&buffer[..n]);
        Ok(n)
    }
}
