//! A throw-away object store that speaks as S3 does: `s3rver` on Node.js.
//!
//! `s3rver` takes every signature of version 4 for right, so the script checks them before it:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>.
//! It stops when its standard input ends, so however the test process ends. Its objects are files of a
//! folder, in which a test may look and change things.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};

use tempfile::TempDir;

use crate::failure::{Failure, Result};
use crate::node;

/// The name of its npm packages.
pub const PACKAGES: &str = "s3";

/// The bucket that it has.
pub const BUCKET: &str = "backups";

/// What it takes for the secret of its access key.
pub const SECRET: &str = "nobody-else-says-this";

const SERVER: &str = r#"
const S3rver = require("s3rver");
const crypto = require("crypto");
const [directory, secret, fault] = process.argv.slice(1);
const server = new S3rver({
    address: "127.0.0.1", port: 0, silent: true, vhostBuckets: false, directory,
    configureBuckets: [{ name: "backups" }],
});
const hmac = (key, text) => crypto.createHmac("sha256", key).update(text).digest();
const isSigned = ctx => {
    const [path, query = ""] = ctx.req.url.split("?");
    const pairs = query.split("&").filter(it => !it.startsWith("X-Amz-Signature="));
    const canonical = pairs.map(it => (it.includes("=") ? it : it + "=")).sort().join("&");
    const [id, ...scope] = ctx.query["X-Amz-Credential"].split("/");
    const request = [ctx.method, path, canonical, `host:${ctx.get("host")}\n`, "host", "UNSIGNED-PAYLOAD"];
    const hash = crypto.createHash("sha256").update(request.join("\n")).digest("hex");
    const text = ["AWS4-HMAC-SHA256", ctx.query["X-Amz-Date"], scope.join("/"), hash].join("\n");
    const key = scope.reduce(hmac, "AWS4" + secret);
    return id === "S3RVER" && hmac(key, text).toString("hex") === ctx.query["X-Amz-Signature"];
};
server.middleware.unshift(async (ctx, next) => {
    if (isSigned(ctx)) return next();
    ctx.req.resume();
    ctx.status = 403;
    ctx.body = "<Error><Code>SignatureDoesNotMatch</Code></Error>";
});
if (fault) server.middleware.unshift(eval(fault));
server.run((error, address) => { if (error) throw error; console.log(address.port); });
process.stdin.on("end", () => process.exit()).resume();
"#;

/// A running server.
#[derive(Debug)]
pub struct S3 {
    pub port: u16,
    folder: TempDir,
    process: Child,
    /// Its end is the end of the server.
    _input: ChildStdin,
}

/// Where its lock file is.
pub fn packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("npm").join(PACKAGES)
}

impl S3 {
    /// A server that does what it should.
    ///
    /// # Errors
    /// If it is not installed or does not start.
    pub fn start() -> Result<Self> {
        Self::start_with("")
    }

    /// A server with a fault: a function of Koa's, `async (ctx, next) => { … }`, that every request goes
    /// through.
    ///
    /// # Errors
    /// If it is not installed or does not start.
    pub fn start_with(fault: &str) -> Result<Self> {
        let modules = node::modules(PACKAGES)?;
        let folder = tempfile::tempdir()?;
        let mut command = node::command(modules.parent().unwrap_or(&modules));
        // Its own logging library uses a function that Node.js warns of.
        command
            .args(["--no-deprecation", "--eval", SERVER])
            .arg(folder.path())
            .args([SECRET, fault]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let input = process.stdin.take().expect("stdin is piped");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout is piped")).read_line(&mut line)?;
        let port =
            line.trim().parse().map_err(|_| Failure::new("the object store does not start"))?;
        Ok(Self { port, folder, process, _input: input })
    }

    /// What a client has to find in its environment.
    pub fn env(&self) -> [(&'static str, String); 3] {
        [
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port)),
            ("AWS_ACCESS_KEY_ID", "S3RVER".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
        ]
    }

    /// The file with an object's bytes.
    pub fn file(&self, key: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(format!("{key}._S3rver_object"))
    }

    /// The keys of all objects, and of parts of unfinished ones.
    ///
    /// # Errors
    /// If the server's folder cannot be read.
    pub fn keys(&self) -> Result<Vec<String>> {
        let root = self.folder.path().join(BUCKET);
        let mut keys = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let key = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
                keys.extend(key.strip_suffix("._S3rver_object").map(str::to_owned));
            }
        }
        keys.sort();
        Ok(keys)
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
