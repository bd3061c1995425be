//! Backups in an object store: S3, and what speaks as it does.
//!
//! A backup is there if its manifest is: it goes up last, after everything else has been read back and
//! compared, and it goes first when a backup is removed. `client` makes the requests.

mod client;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Component, Path};

use jiff::{SignedDuration, Timestamp};
use raingauge_schema::fingerprint::hex;
use sha2::{Digest as _, Sha256};

use self::client::Client;
use super::folder::{create_file, create_private};
use super::manifest::{Manifest, Source};
use super::retention::{Retention, going};
use super::space::{self, Need};
use super::sums;
use super::{Backup, Readable};
use crate::leftover::{self, Leftover};
use crate::progress::{Progress, watch};
use crate::{Error, Result};

const MANIFEST: &str = "manifest.json";

/// What addresses of objects begin with.
const SCHEME: &str = "s3://";

/// After so long an upload that has no manifest is nobody's any more.
const ABANDONED: SignedDuration = SignedDuration::from_hours(24);

/// A place for backups in an object store: `s3://bucket/prefix`.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    bucket: String,
    /// Empty, or with a `/` at its end.
    prefix: String,
}

/// A backup in a store.
#[derive(Clone, Debug)]
pub struct Stored {
    /// `s3://bucket/prefix/20260102T030405Z-bookstore`.
    pub address: String,
    pub name: String,
    pub manifest: Manifest,
}

/// What a store holds.
#[derive(Debug, Default)]
pub struct Stock {
    /// Oldest first.
    pub backups: Vec<Stored>,
    /// Uploads that go on or were cut off, and manifests that cannot be read: address and reason.
    pub unreadable: Vec<(String, Error)>,
}

/// Objects that are on their way up; without their manifest they are worth nothing.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    client: Client,
    folder: String,
}

impl Upload {
    /// Removes what is up so far, and lets nothing follow.
    pub(crate) fn remove(&self) {
        self.client.stop();
        let _ = remove_below(&self.client, &self.folder);
    }
}

/// Whether this is the address of something in an object store.
pub fn is_address(text: &Path) -> bool {
    text.to_str().is_some_and(|it| it.starts_with(SCHEME))
}

impl Store {
    /// Opens a place by its address; the environment names the server and the credentials.
    ///
    /// # Errors
    /// `store-invalid` for what is no address, `store-credentials-missing` without credentials.
    pub fn open(address: &str, env: &BTreeMap<String, String>) -> Result<Self> {
        let rest = address.strip_prefix(SCHEME).unwrap_or_default().trim_end_matches('/');
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_plain = |it: &str| !it.is_empty() && it != "." && it != "..";
        if bucket.is_empty() || !(prefix.is_empty() || prefix.split('/').all(is_plain)) {
            let message = format!("`{address}` is not the address of a place for backups");
            return Err(Error::new("store-invalid", message).next("write `s3://BUCKET/PREFIX`"));
        }
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { client: Client::new(bucket, env)?, bucket: bucket.to_owned(), prefix })
    }

    /// Opens the place of one backup, and says the backup's name.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_backup(address: &str, env: &BTreeMap<String, String>) -> Result<(Self, String)> {
        let (place, name) = address.trim_end_matches('/').rsplit_once('/').unwrap_or_default();
        Ok((Self::open(place, env)?, name.to_owned()))
    }

    /// The same with files above this size sent in parts; S3 wants 5 MiB at least.
    #[must_use]
    pub fn with_parts_of(self, bytes: u64) -> Self {
        Self { client: self.client.with_parts_of(bytes), ..self }
    }

    /// Copies a backup into the store: whole, read back and compared, or not at all.
    ///
    /// # Errors
    /// `backup-damaged` if what comes back is not what went up, `store-failed` if the store does not do its
    /// part; then nothing of it is left there, as far as the store can still be reached.
    pub fn put(&self, backup: &Backup, progress: &mut dyn Progress) -> Result<Stored> {
        progress.begin("copying the backup to the object store");
        let name = self.free_name(backup)?;
        let folder = format!("{}{name}/", self.prefix);
        let upload = Upload { client: self.client.clone(), folder: folder.clone() };
        let known = |it: &Upload| Leftover::Upload(Box::new(it.clone()));
        let (upload, registered) = leftover::make(|| Ok::<_, Error>(upload), known)?;
        // Up, and back to be compared.
        let (total, before) = (2 * backup.manifest.bytes(), self.client.moved());
        let moved = || self.client.moved() - before;
        let sent = watch(progress, total, moved, || self.send(backup, &folder)).and_then(|()| {
            progress.boundary("store/uploaded");
            // The name: it happens whole, or a signal comes first and it does not happen.
            registered.settle(|| self.send_file(backup, &folder, MANIFEST, None))
        });
        if let Err(error) = sent {
            let _ = remove_below(&upload.client, &folder);
            return Err(error);
        }
        progress.boundary("store/published");
        Ok(Stored { address: self.address(&name), name, manifest: backup.manifest.clone() })
    }

    /// Sends and reads back everything but the manifest.
    fn send(&self, backup: &Backup, folder: &str) -> Result<()> {
        let listed = sums::listed(&backup.path)?;
        for (path, hash) in listed.iter().filter(|it| it.0 != MANIFEST) {
            self.send_file(backup, folder, path, Some(hash))?;
        }
        self.send_file(backup, folder, sums::NAME, None)
    }

    /// Sends one file and reads it back.
    fn send_file(
        &self,
        backup: &Backup,
        folder: &str,
        path: &str,
        hash: Option<&str>,
    ) -> Result<()> {
        let (key, file) = (format!("{folder}{path}"), backup.path.join(path));
        self.client.put(&key, &file)?;
        let expected = match hash {
            Some(it) => it.to_owned(),
            None => sums::hash(&file).map_err(|cause| unreadable(&file, cause))?,
        };
        let mut hasher = Hasher(Sha256::new());
        if let Some(mut body) = self.client.get(&key)? {
            io::copy(&mut body, &mut hasher).map_err(|cause| broken(&key, cause))?;
        }
        if hex(&hasher.0.finalize()) == expected {
            return Ok(());
        }
        let message = format!("`{path}` came back from the object store as something else");
        Err(Error::refusal("backup-damaged", message)
            .next("run it again; the backup on this machine is as it was"))
    }

    /// The backup's name, or with a number if the store has one of that name.
    fn free_name(&self, backup: &Backup) -> Result<String> {
        let name = backup.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let taken = self.client.list(&self.prefix, false)?.folders;
        let is_free = |it: &String| !taken.contains(&format!("{}{it}/", self.prefix));
        let mut names =
            std::iter::once(name.clone()).chain((2..).map(|n: u32| format!("{name}-{n}")));
        Ok(names.find(is_free).expect("there is always a next number"))
    }

    fn address(&self, name: &str) -> String {
        format!("{SCHEME}{}/{}{name}", self.bucket, self.prefix)
    }

    /// Lists the backups of the store.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn list(&self) -> Result<Stock> {
        let mut stock = Stock::default();
        for folder in self.client.list(&self.prefix, false)?.folders {
            let name = folder.strip_prefix(&self.prefix).unwrap_or(&folder);
            let name = name.trim_end_matches('/').to_owned();
            let address = self.address(&name);
            match self.manifest(&folder) {
                Ok(manifest) => stock.backups.push(Stored { address, name, manifest }),
                Err(error) => stock.unreadable.push((address, error)),
            }
        }
        stock
            .backups
            .sort_by(|a, b| (a.manifest.taken_at, &a.name).cmp(&(b.manifest.taken_at, &b.name)));
        Ok(stock)
    }

    fn manifest(&self, folder: &str) -> Result<Manifest> {
        let key = format!("{folder}{MANIFEST}");
        let Some(mut body) = self.client.get(&key)? else {
            let message = "has no manifest: it is on its way up, or that was cut off";
            return Err(Error::new("backup-incomplete", message));
        };
        let mut text = Vec::new();
        body.read_to_end(&mut text).map_err(|cause| broken(&key, cause))?;
        Manifest::parse(&text, Path::new(&key))
    }

    /// Brings a backup into a private temporary folder, which goes with the value.
    ///
    /// # Errors
    /// `backup-missing` if there is none of that name, `backup-damaged` if a file is missing or another one.
    pub fn fetch(&self, name: &str, progress: &mut dyn Progress) -> Result<Readable> {
        progress.begin("fetching the backup from the object store");
        let folder = format!("{}{name}/", self.prefix);
        let manifest = self.manifest(&folder).map_err(|error| {
            if error.code != "backup-incomplete" {
                return error;
            }
            let message = format!("there is no backup `{}`", self.address(name));
            let place = self.address("");
            Error::new("backup-missing", message)
                .next(format!("raingauge backup list {}", place.trim_end_matches('/')))
        })?;
        let total = manifest.bytes();
        space::refuse_short(&[Need {
            place: std::env::temp_dir(),
            bytes: total,
            what: "the fetched backup",
        }])?;
        let make = || tempfile::Builder::new().prefix("raingauge-fetched-").tempdir();
        let here = leftover::make(make, |it| Leftover::Folder(it.path().to_owned()))
            .map_err(|cause| unreadable(&std::env::temp_dir(), cause))?;
        let before = self.client.moved();
        let moved = || self.client.moved() - before;
        watch(progress, total, moved, || self.bring_all(&folder, here.0.path()))?;
        let backup = Backup::open(here.0.path())?;
        backup.check()?;
        Ok(Readable::passing(backup, here))
    }

    fn bring_all(&self, folder: &str, to: &Path) -> Result<()> {
        self.bring(folder, sums::NAME, to)?;
        sums::listed(to)?.iter().try_for_each(|(path, _)| self.bring(folder, path, to))
    }

    /// Brings one file below `to`.
    fn bring(&self, folder: &str, path: &str, to: &Path) -> Result<()> {
        let key = format!("{folder}{path}");
        let is_plain = Path::new(path).components().all(|it| matches!(it, Component::Normal(_)));
        let body = if is_plain { self.client.get(&key)? } else { None };
        let Some(mut body) = body else {
            let message = format!("`{path}` of the backup is not in the object store");
            return Err(Error::refusal("backup-damaged", message)
                .next("use another backup: `raingauge backup list` shows them"));
        };
        let file = to.join(path);
        let written = create_private(file.parent().unwrap_or(to)).and_then(|()| create_file(&file));
        let mut written = written.map_err(|cause| super::folder::unwritable(&file, cause))?;
        io::copy(&mut body, &mut written).map(drop).map_err(|cause| broken(&key, cause))
    }

    /// Removes the backups of one database that no rule keeps, and uploads that were cut off long ago.
    ///
    /// `proven` is the name of a verified backup that has just been put there and read back: it, and what is
    /// newer, always stays.
    ///
    /// # Errors
    /// If the store cannot be read or does not remove something; those before it are gone then.
    pub fn prune(
        &self,
        source: &Source,
        proven: &str,
        retention: Retention,
        now: Timestamp,
    ) -> Result<Vec<String>> {
        let mut removed = Vec::new();
        if retention.keeps_everything() {
            return Ok(removed);
        }
        let stock = self.list()?;
        let mut of_source = stock.backups;
        of_source.retain(|it| it.manifest.source.is_same_database(source));
        let is_proven = |it: &Stored| it.name == proven && it.manifest.verified.is_some();
        let Some(newest) = of_source.iter().position(is_proven) else { return Ok(removed) };
        let manifests: Vec<_> = of_source.iter().map(|it| &it.manifest).collect();
        for at in going(&manifests, newest, retention, now) {
            self.remove(&of_source[at].name)?;
            removed.push(of_source[at].address.clone());
        }
        for (address, _) in stock.unreadable.iter().filter(|it| it.1.code == "backup-incomplete") {
            let name = address.rsplit('/').next().unwrap_or_default();
            if self.is_abandoned(name, now)? {
                self.remove(name)?;
                removed.push(address.clone());
            }
        }
        Ok(removed)
    }

    /// Takes the name away first: a backup exists whole or not at all.
    fn remove(&self, name: &str) -> Result<()> {
        let folder = format!("{}{name}/", self.prefix);
        self.client.delete(&format!("{folder}{MANIFEST}"))?;
        remove_below(&self.client, &folder)
    }

    fn is_abandoned(&self, name: &str, now: Timestamp) -> Result<bool> {
        let objects = self.client.list(&format!("{}{name}/", self.prefix), true)?.objects;
        let is_old = |(_, time): &(String, String)| {
            time.parse::<Timestamp>().is_ok_and(|it| ABANDONED < now.duration_since(it))
        };
        Ok(objects.iter().all(is_old))
    }
}

fn remove_below(client: &Client, folder: &str) -> Result<()> {
    let mut objects = client.list(folder, true)?.objects;
    // Its manifest first, if there is one: what is whole is not seen half.
    objects.sort_by_key(|it| !it.0.ends_with(MANIFEST));
    objects.iter().try_for_each(|(key, _)| client.delete(key))
}

struct Hasher(Sha256);

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unreadable(path: &Path, cause: io::Error) -> Error {
    Error::new("backup-unreadable", format!("cannot read `{}`", path.display())).caused_by(cause)
}

fn broken(key: &str, cause: io::Error) -> Error {
    Error::new("store-failed", format!("`{key}` did not arrive whole from the object store"))
        .caused_by(cause)
        .next("run it again")
}
