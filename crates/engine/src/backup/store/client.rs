//! The requests of S3, as far as backups need them: `rusty-s3` signs and parses, `ureq` sends.
//!
//! Signatures stand in the addresses of requests, so no address is ever part of a message.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rusty_s3::actions::{CreateMultipartUpload, ListObjectsV2, S3Action};
use rusty_s3::{Bucket, Credentials, UrlStyle};
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, SendBody};
use url::Url;

use crate::{Error, Result};

/// How long a signature holds: until a request has begun, not until it has ended.
const VALID: Duration = Duration::from_secs(3600);

/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// How often a request is made that may find a server busy.
const ATTEMPTS: u32 = 4;

/// Larger files go up in parts. A single request carries 5 GiB at most, and there are 10,000 parts:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.
const PART: u64 = 64 << 20;
const MAX_PARTS: u64 = 10_000;

/// Talks to one bucket.
#[derive(Clone, Debug)]
pub(super) struct Client {
    agent: Agent,
    bucket: Bucket,
    credentials: Credentials,
    part: u64,
    /// How many bytes went up or came down.
    moved: Arc<AtomicU64>,
    /// Set when the process is about to end: nothing is written any more.
    stopped: Arc<AtomicBool>,
}

/// What stands below a prefix.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Key and time of each object.
    pub(super) objects: Vec<(String, String)>,
    /// What comes before the next `/`.
    pub(super) folders: Vec<String>,
}

impl Client {
    /// A client by the variables that other programs of S3 read.
    pub(super) fn new(bucket: &str, env: &BTreeMap<String, String>) -> Result<Self> {
        let get = |names: &[&str]| {
            names.iter().find_map(|it| env.get(*it)).filter(|it| !it.is_empty()).cloned()
        };
        let region = get(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
        let region = region.unwrap_or_else(|| "us-east-1".to_owned());
        let given = get(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]);
        // Others than Amazon seldom have a name for each bucket.
        let style = if given.is_some() { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let endpoint = given.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let invalid = |cause: String| {
            Error::new(
                "store-invalid",
                format!("`{bucket}` at `{endpoint}` is no place for objects"),
            )
            .caused_by(cause)
            .next("`AWS_ENDPOINT_URL` is the address of the server, `https://HOST`")
        };
        let url = Url::parse(&endpoint).map_err(|it| invalid(it.to_string()))?;
        let bucket = Bucket::new(url, style, bucket.to_owned(), region)
            .map_err(|it| invalid(it.to_string()))?;
        let (Some(key), Some(secret)) =
            (get(&["AWS_ACCESS_KEY_ID"]), get(&["AWS_SECRET_ACCESS_KEY"]))
        else {
            let message = "the environment names no credentials for the object store";
            return Err(Error::new("store-credentials-missing", message)
                .next("set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`"));
        };
        let credentials = match get(&["AWS_SESSION_TOKEN"]) {
            Some(token) => Credentials::new_with_token(key, secret, token),
            None => Credentials::new(key, secret),
        };
        let agent = agent(get(&["AWS_CA_BUNDLE"]).as_deref())?;
        Ok(Self {
            agent,
            bucket,
            credentials,
            part: PART,
            moved: Arc::default(),
            stopped: Arc::default(),
        })
    }

    /// The same with another size of parts; S3 wants 5 MiB at least.
    pub(super) fn with_parts_of(self, part: u64) -> Self {
        Self { part, ..self }
    }

    /// Whether something of this key can be read, and it.
    pub(super) fn get(&self, key: &str) -> Result<Option<impl Read>> {
        let what = || format!("read `{key}`");
        let url = self.bucket.get_object(Some(&self.credentials), key).sign(VALID);
        let response = self.attempt(&what(), || self.agent.get(url.as_str()).call())?;
        match response.status().as_u16() {
            404 => Ok(None),
            _ => {
                let inner = succeeded(&what(), response)?.into_body().into_reader();
                Ok(Some(Counted { inner, moved: &self.moved }))
            }
        }
    }

    /// Writes a whole file, in parts if it is large.
    pub(super) fn put(&self, key: &str, path: &Path) -> Result<()> {
        let what = format!("write `{key}`");
        let unreadable = |cause: io::Error| {
            Error::new("backup-unreadable", format!("cannot read `{}`", path.display()))
                .caused_by(cause)
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        if self.part < bytes {
            return self.put_parts(key, &mut file, bytes);
        }
        let url = self.bucket.put_object(Some(&self.credentials), key).sign(VALID);
        self.send(&what, &url, &mut file, (0, bytes)).map(drop)
    }

    fn put_parts(&self, key: &str, file: &mut File, bytes: u64) -> Result<()> {
        let what = format!("write `{key}`");
        let (bucket, credentials) = (&self.bucket, Some(&self.credentials));
        let url = bucket.create_multipart_upload(credentials, key).sign(VALID);
        let begun = self.attempt(&what, || self.agent.post(url.as_str()).send_empty())?;
        let begun = text(&what, succeeded(&what, begun)?)?;
        let begun = CreateMultipartUpload::parse_response(&begun).map_err(|it| odd(&what, it))?;
        let id = begun.upload_id();
        let sent = self.send_parts(key, id, file, bytes).and_then(|tags| {
            let tags = tags.iter().map(String::as_str);
            let action = bucket.complete_multipart_upload(credentials, key, id, tags);
            let url = action.sign(VALID);
            let body = action.body();
            let ended = self.attempt(&what, || self.agent.post(url.as_str()).send(&body))?;
            // Amazon may say 200 and tell of a failure in the text.
            let said = text(&what, succeeded(&what, ended)?)?;
            if said.contains("<Error>") { Err(refused(&what, "200", &said)) } else { Ok(()) }
        });
        if sent.is_err() {
            let url = bucket.abort_multipart_upload(credentials, key, id).sign(VALID);
            let _ = self.agent.delete(url.as_str()).call();
        }
        sent
    }

    fn send_parts(&self, key: &str, id: &str, file: &mut File, bytes: u64) -> Result<Vec<String>> {
        let what = format!("write `{key}`");
        let part = self.part.max(bytes.div_ceil(MAX_PARTS));
        let mut tags = Vec::new();
        for (at, number) in (0..bytes).step_by(usize::try_from(part).unwrap_or(usize::MAX)).zip(1..)
        {
            let action = self.bucket.upload_part(Some(&self.credentials), key, number, id);
            let extent = (at, part.min(bytes - at));
            let response = self.send(&what, &action.sign(VALID), file, extent)?;
            let tag = response.headers().get("etag").and_then(|it| it.to_str().ok());
            tags.push(tag.ok_or_else(|| odd(&what, "a part without a tag"))?.to_owned());
        }
        Ok(tags)
    }

    /// Sends an extent of a file, its beginning and length.
    fn send(
        &self,
        what: &str,
        url: &Url,
        file: &mut File,
        extent: (u64, u64),
    ) -> Result<Response<Body>> {
        let (from, bytes) = extent;
        let response = self.attempt(what, || {
            if self.stopped.load(Ordering::SeqCst) {
                return Err(ureq::Error::Io(io::Error::other("the run ends")));
            }
            file.seek(SeekFrom::Start(from))?;
            let mut body = Counted { inner: file.by_ref().take(bytes), moved: &self.moved };
            let request = self.agent.put(url.as_str()).header("content-length", bytes.to_string());
            request.send(SendBody::from_reader(&mut body))
        })?;
        succeeded(what, response)
    }

    /// Removes an object; none of that name is as good.
    pub(super) fn delete(&self, key: &str) -> Result<()> {
        let what = format!("remove `{key}`");
        let url = self.bucket.delete_object(Some(&self.credentials), key).sign(VALID);
        let response = self.attempt(&what, || self.agent.delete(url.as_str()).call())?;
        if response.status().as_u16() == 404 {
            Ok(())
        } else {
            succeeded(&what, response).map(drop)
        }
    }

    /// What stands directly below a prefix that ends with `/` or is empty, or with `deep` all of it.
    pub(super) fn list(&self, prefix: &str, deep: bool) -> Result<Listing> {
        let what = format!("list `{prefix}`");
        let mut listing = Listing::default();
        let mut more: Option<String> = None;
        loop {
            let mut action = self.bucket.list_objects_v2(Some(&self.credentials));
            action.with_prefix(prefix);
            if !deep {
                action.with_delimiter("/");
            }
            if let Some(token) = more {
                action.with_continuation_token(token);
            }
            let url = action.sign(VALID);
            let response = self.attempt(&what, || self.agent.get(url.as_str()).call())?;
            let said = text(&what, succeeded(&what, response)?)?;
            let page = ListObjectsV2::parse_response(&said).map_err(|it| odd(&what, it))?;
            let objects = page.contents.into_iter().map(|it| (decoded(&it.key), it.last_modified));
            listing.objects.extend(objects);
            listing.folders.extend(page.common_prefixes.iter().map(|it| decoded(&it.prefix)));
            more = page.next_continuation_token.filter(|it| !it.is_empty());
            if more.is_none() {
                return Ok(listing);
            }
        }
    }

    /// How many bytes went up or came down so far, with all clones.
    pub(super) fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// From now on nothing is written, by any clone.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// Makes a request until the server is not too busy for it, or the attempts are used up.
    fn attempt(
        &self,
        what: &str,
        mut request: impl FnMut() -> Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>> {
        let mut pause = Duration::from_millis(200);
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            let answer = request();
            let is_busy = match &answer {
                Ok(response) => response.status().is_server_error(),
                Err(ureq::Error::Io(_) | ureq::Error::Timeout(_)) => {
                    !self.stopped.load(Ordering::SeqCst)
                }
                Err(_) => false,
            };
            if left == 0 || !is_busy {
                return answer.map_err(|cause| unreachable(what, &cause));
            }
            std::thread::sleep(pause);
            pause *= 3;
        }
    }
}

/// Counts what passes.
struct Counted<'a, R> {
    inner: R,
    moved: &'a AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.moved.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

fn agent(bundle: Option<&str>) -> Result<Agent> {
    let mut tls = TlsConfig::builder();
    if let Some(bundle) = bundle {
        let invalid =
            |why: &str| Error::new("store-invalid", format!("`AWS_CA_BUNDLE`, `{bundle}`, {why}"));
        let text = std::fs::read(bundle).map_err(|it| invalid("cannot be read").caused_by(it))?;
        let certificate = |it| match it {
            Ok(PemItem::Certificate(it)) => Some(it),
            _ => None,
        };
        let certificates: Vec<Certificate<'static>> =
            parse_pem(&text).filter_map(certificate).collect();
        if certificates.is_empty() {
            return Err(invalid("has no certificate in it"));
        }
        tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
    }
    let config = Agent::config_builder()
        .http_status_as_error(false)
        // A signature is for one server.
        .max_redirects(0)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_per_read(Some(SILENCE))
        .timeout_per_write(Some(SILENCE))
        .tls_config(tls.build());
    Ok(config.build().new_agent())
}

/// Keys are asked for in an encoding that XML can hold.
fn decoded(key: &str) -> String {
    percent_decode_str(&key.replace('+', "%20")).decode_utf8_lossy().into_owned()
}

fn succeeded(what: &str, response: Response<Body>) -> Result<Response<Body>> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status().to_string();
    let said = text(what, response).unwrap_or_default();
    Err(refused(what, &status, &said))
}

fn text(what: &str, mut response: Response<Body>) -> Result<String> {
    response.body_mut().read_to_string().map_err(|cause| unreachable(what, &cause))
}

fn refused(what: &str, status: &str, said: &str) -> Error {
    let code = said.split_once("<Code>").and_then(|it| it.1.split_once("</Code>")).map(|it| it.0);
    let error = Error::new("store-failed", format!("the object store refused to {what}"))
        .caused_by(code.map_or_else(|| status.to_owned(), |it| format!("{it} ({status})")));
    match code {
        Some("NoSuchBucket") => error.next("make the bucket first; raingauge makes none"),
        Some("SignatureDoesNotMatch" | "InvalidAccessKeyId" | "AccessDenied") => {
            error.next("check `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and what they may do")
        }
        Some("PermanentRedirect" | "AuthorizationHeaderMalformed") => {
            error.next("set `AWS_REGION` to the bucket's region")
        }
        _ => error,
    }
}

fn unreachable(what: &str, cause: &ureq::Error) -> Error {
    Error::new("store-failed", format!("cannot {what} in the object store"))
        .caused_by(cause.to_string())
        .next("check `AWS_ENDPOINT_URL`, then run it again")
}

fn odd(what: &str, cause: impl std::fmt::Display) -> Error {
    Error::new("store-failed", format!("the object store answered in an unknown form to: {what}"))
        .caused_by(cause.to_string())
}
