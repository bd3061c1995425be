//! The program `age`, which encrypts to public keys and decrypts with secret ones: <https://age-encryption.org>.
//!
//! A program and not a library, as `pg_dump` is: whoever has a key has the program that made it, it knows
//! every kind of key, plug-ins included, and secret keys never enter our process.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use super::super::postgres::Running;
use crate::{Error, Result};

const PROGRAM: &str = "age";

/// What the payload is cut into, and what each part gets in addition:
/// <https://github.com/C2SP/C2SP/blob/main/age.md#payload>.
const CHUNK: u64 = 64 << 10;
const TAG: u64 = 16;
const NONCE: u64 = 16;

/// Public keys; whoever has the secret part of one can read what is encrypted to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients(Vec<String>);

impl Recipients {
    /// Reads what `--encrypt-to` gives: public keys (`age1…`, `ssh-…`), and files with one in each line.
    /// Paths are relative to `root`.
    ///
    /// # Errors
    /// `recipient-invalid` for anything else; a secret key is not repeated.
    pub fn parse(given: &[String], root: &Path) -> Result<Self> {
        let mut keys = Vec::new();
        for given in given {
            if is_key(given) || is_secret(given) {
                keys.push(given.trim().to_owned());
                continue;
            }
            let path = root.join(given);
            let text = std::fs::read_to_string(&path).map_err(|cause| {
                let message = format!("`{given}` is neither a public key nor a file of them");
                invalid(message).caused_by(cause)
            })?;
            let lines = text.lines().map(str::trim);
            keys.extend(
                lines.filter(|it| !it.is_empty() && !it.starts_with('#')).map(str::to_owned),
            );
        }
        if keys.iter().any(|it| is_secret(it)) {
            return Err(invalid("a secret key was given where a public one belongs".to_owned()));
        }
        match keys.iter().find(|it| !is_key(it)) {
            Some(other) => Err(invalid(format!("`{other}` is no public key"))),
            None if keys.is_empty() && !given.is_empty() => {
                Err(invalid("there is no public key in the file".to_owned()))
            }
            None => Ok(Self(keys)),
        }
    }

    /// Whether there are none, so that nothing is encrypted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys.
    pub(super) fn names(&self) -> &[String] {
        &self.0
    }

    /// Asks `age` whether it can encrypt to all of them, before anything is begun.
    ///
    /// # Errors
    /// `age-missing` if there is no such program, `recipient-invalid` if it refuses a key.
    pub fn check(&self) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let nowhere = tempfile::tempfile().map_err(failed)?;
        Encrypting::start(self, nowhere)?.finish(Ok(()))
    }
}

fn is_key(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("age1") || text.starts_with("ssh-")
}

fn is_secret(text: &str) -> bool {
    text.trim().to_ascii_uppercase().starts_with("AGE-SECRET-KEY-")
        || text.trim().to_ascii_uppercase().starts_with("AGE-PLUGIN-")
}

fn invalid(message: String) -> Error {
    Error::new("recipient-invalid", message)
        .next("`age-keygen -o FILE` makes a key and prints its public part, `age1…`")
}

/// A running encryption. What is written to its input comes out in the file.
pub(super) struct Encrypting {
    running: Running,
    input: Option<ChildStdin>,
}

impl Encrypting {
    pub(super) fn start(recipients: &Recipients, to: File) -> Result<Self> {
        let mut command = Command::new(PROGRAM);
        command.arg("--encrypt").stdin(Stdio::piped()).stdout(to);
        for key in &recipients.0 {
            command.args(["--recipient", key]);
        }
        let mut running = start(command)?;
        let input = running.stdin();
        Ok(Self { running, input })
    }

    /// Where the plain text goes.
    pub(super) fn input(&mut self) -> &mut ChildStdin {
        self.input.as_mut().expect("the input is open until `finish`")
    }

    /// Ends the input and waits. What `age` says goes before what went wrong with writing to it.
    pub(super) fn finish(mut self, written: io::Result<()>) -> Result<()> {
        let written = match written {
            Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
                // Stopped first: closing the input would make a whole file of half of it.
                drop(self.running);
                return Err(failed(cause));
            }
            other => other,
        };
        drop(self.input.take());
        let finished = self.running.finish()?;
        if finished.status.success() {
            return written.map_err(failed);
        }
        let code =
            if finished.said.contains("recipient") { "recipient-invalid" } else { "age-failed" };
        Err(Error::new(code, "`age` could not encrypt").caused_by(finished.said.trim().to_owned()))
    }
}

/// A running decryption.
pub(super) struct Decrypting {
    running: Running,
    output: Option<ChildStdout>,
}

impl Decrypting {
    pub(super) fn start(archive: &Path, identities: &[PathBuf]) -> Result<Self> {
        let mut command = Command::new(PROGRAM);
        command.arg("--decrypt").stdin(Stdio::null()).stdout(Stdio::piped());
        for identity in identities {
            command.arg("--identity").arg(identity);
        }
        command.arg("--").arg(archive);
        let mut running = start(command)?;
        let output = running.stdout();
        Ok(Self { running, output })
    }

    /// Where the plain text comes from. Its end alone does not mean that it is whole: see `finish`.
    pub(super) fn output(&mut self) -> &mut ChildStdout {
        self.output.as_mut().expect("the output is open until `finish`")
    }

    /// Waits for the end, which says whether what was read is authentic and whole.
    pub(super) fn finish(mut self, read: io::Result<()>) -> Result<()> {
        drop(self.output.take());
        let finished = self.running.finish()?;
        let not_decrypted = |cause: String| {
            Error::new("backup-not-decrypted", "the backup could not be decrypted")
                .caused_by(cause)
                .next("name the file with the right secret key with `--identity FILE`")
        };
        match read {
            _ if !finished.status.success() && !finished.said.trim().is_empty() => {
                Err(not_decrypted(finished.said.trim().to_owned()))
            }
            Ok(()) if finished.status.success() => Ok(()),
            Ok(()) => Err(not_decrypted(finished.status.to_string())),
            Err(cause) => Err(not_decrypted(cause.to_string())),
        }
    }
}

fn start(command: Command) -> Result<Running> {
    Running::start(command).map_err(|error| {
        let is_missing = error.causes().iter().any(|it| it.contains("No such file"));
        if !is_missing {
            return error;
        }
        Error::new("age-missing", "found no `age`, which encrypts and decrypts backups")
            .next("install it: `apt install age`, `brew install age` or https://age-encryption.org")
    })
}

fn failed(cause: io::Error) -> Error {
    Error::new("age-failed", "the backup could not be encrypted").caused_by(cause)
}

/// Whether a file has the form of something encrypted with age, with a part for each recipient and exactly
/// as much payload as `plain` bytes take. Tells a cut-off file, and one that holds nothing, without a key.
///
/// # Errors
/// `backup-not-verified` if it has another form.
pub(super) fn check_form(path: &Path, plain: u64, n_recipients: usize) -> Result<()> {
    let wrong = |why: String| {
        Error::new("backup-not-verified", format!("`age` wrote something unexpected: {why}"))
    };
    let unreadable = |cause: io::Error| wrong("it cannot be read".to_owned()).caused_by(cause);
    let file = File::open(path).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    let (header, stanzas) = header(BufReader::new(file)).map_err(unreadable)?;
    let chunks = plain.div_ceil(CHUNK).max(1);
    let expected = header + NONCE + plain + TAG * chunks;
    // A plug-in may write more than one part for a recipient.
    if bytes == expected && n_recipients <= stanzas {
        return Ok(());
    }
    Err(wrong(format!(
        "{bytes} bytes for {stanzas} recipients instead of {expected} for {n_recipients}"
    )))
}

/// The length of the header and the number of its recipients.
fn header(mut file: impl BufRead) -> io::Result<(u64, usize)> {
    let (mut bytes, mut stanzas) = (0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let n = file.by_ref().take(4096).read_until(b'\n', &mut line)?;
        bytes += n as u64;
        match line.as_slice() {
            _ if n == 0 || line.last() != Some(&b'\n') => {
                return Err(io::Error::other("its header does not end"));
            }
            it if it.starts_with(b"--- ") => return Ok((bytes, stanzas)),
            it if it.starts_with(b"-> ") => stanzas += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_keys_or_files_of_them_and_a_secret_key_is_never_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let file = "# the team\n\nage1one\nssh-ed25519 AAAA someone\n";
        std::fs::write(folder.path().join("team.txt"), file).unwrap();
        std::fs::write(folder.path().join("secret.txt"), "AGE-SECRET-KEY-1HUSH\n").unwrap();
        std::fs::write(folder.path().join("empty.txt"), "# nobody\n").unwrap();
        let parse = |it: &[&str]| {
            let given: Vec<_> = it.iter().map(|it| (*it).to_owned()).collect();
            Recipients::parse(&given, folder.path())
        };
        let both = parse(&["age1zero", "team.txt"]).unwrap();
        assert_eq!(both.names(), ["age1zero", "age1one", "ssh-ed25519 AAAA someone"]);
        assert!(parse(&[]).unwrap().is_empty());
        for wrong in ["AGE-SECRET-KEY-1HUSH", "secret.txt", "empty.txt", "missing.txt"] {
            let error = parse(&[wrong]).unwrap_err();
            assert_eq!(error.code, "recipient-invalid");
            assert!(!format!("{error:?}").contains("HUSH"), "{error:?}");
        }
    }

    #[test]
    fn the_header_of_an_encrypted_file_is_measured() {
        let text =
            b"age-encryption.org/v1\n-> X25519 abc\nbody\n-> ssh-rsa abc\nbody\n--- mac\n\0\xff";
        assert_eq!(header(&text[..]).unwrap(), (text.len() as u64 - 2, 2));
        assert!(header(&b"age-encryption.org/v1\n-> X25519 abc\n"[..]).is_err());
    }
}
