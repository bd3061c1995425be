//! T36: what stands between us and the server, and whether a session is still a session there.
//!
//! A pooler in transaction mode gives each transaction to any of its server sessions. Locks and
//! settings then stay with a session that somebody else uses next, so nothing may be left behind and
//! nothing can be relied on.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::join;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::time::timeout;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_postgres::{Client, SimpleQueryMessage};

use super::attempt::{self, Opened};
use super::dsn::PgTarget;
use crate::{Error, Result};

/// What stands between a session here and one of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Nothing: the process that answered the login answers the queries.
    Direct,
    /// Something that keeps one server session for each session here.
    Relayed,
    /// A pooler that hands a server session to whoever asks next. Says how that was found out.
    Shared(String),
}

impl Link {
    /// Whether each transaction may end up in another session of the server.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(_))
    }
}

/// How often two clients are compared. A pooler that takes the session used last is found out at
/// once, one that goes round at the second or third look.
const N_ROUNDS: usize = 3;

/// How long a query of the examination may take. One that waits for a free session of the pool does
/// not end by itself.
const PATIENCE: Duration = Duration::from_secs(5);

const WHO: &str = "select pg_catalog.pg_backend_pid()";

/// Finds out what stands in between. It leaves nothing behind, wherever it ends up.
pub(super) async fn examine(opened: &Opened) -> Result<Link> {
    let Some(own) = ask(&opened.client, WHO).await.ok().flatten() else {
        // Somebody who cannot say who they are is none of the poolers.
        return Ok(Link::Direct);
    };
    if announced(&opened.client).await == own.parse().ok() {
        return Ok(Link::Direct);
    }
    let other = match attempt::connect_again(&opened.target).await {
        Ok(other) => other,
        Err(cause) => {
            return Ok(Link::Shared(format!(
                "a proxy answers, and does not let a second connection in that could tell more: {cause}"
            )));
        }
    };
    for _ in 0..N_ROUNDS {
        let how = compare(&opened.client, &other.client).await;
        // It may still be in the transaction that kept a server session.
        let ended = ask(&other.client, "rollback").await;
        if let Some(how) = how.or(ended.err()) {
            return Ok(Link::Shared(how));
        }
    }
    Ok(match known_pooler(&opened.target) {
        Some((name, _)) => Link::Shared(format!("the address is {name}'s")),
        None => Link::Relayed,
    })
}

/// One round: who serves each client, while the other is busy or idle.
async fn compare(first: &Client, second: &Client) -> Option<String> {
    let shared = |it: &str| Some(format!("two connections were served by server process {it}"));
    let unclear = |it: &str| Some(format!("a proxy answers that would not say more: {it}"));
    let one = match ask(first, WHO).await {
        Ok(Some(one)) => one,
        Ok(None) => return None,
        Err(said) => return unclear(&said),
    };
    // The transaction keeps a server session from everybody else.
    let two = match ask(second, &format!("begin; {WHO}")).await {
        Ok(two) => two?,
        Err(said) => return Some(format!("no transaction can be opened: {said}")),
    };
    if one == two {
        return shared(&one);
    }
    let again = ask(first, WHO).await;
    if let Err(said) = ask(second, "rollback").await {
        return unclear(&said);
    }
    match again {
        Ok(again) if again.as_ref() == Some(&one) => {}
        Ok(_) => return Some("one connection was served by two server processes".to_owned()),
        Err(said) => return unclear(&said),
    }
    // Now the other way round, so that it does not matter which session is taken first.
    match (ask(first, WHO).await, ask(second, WHO).await) {
        (Ok(Some(it)), Ok(Some(other))) if it == one && other == two => None,
        (Ok(_), Ok(_)) => Some("one connection was served by two server processes".to_owned()),
        (Err(said), _) | (_, Err(said)) => unclear(&said),
    }
}

/// The first value of the last row, or what went wrong.
async fn ask(client: &Client, sql: &str) -> Result<Option<String>, String> {
    let answer = timeout(PATIENCE, client.simple_query(sql)).await;
    let messages = match answer {
        Ok(Ok(messages)) => messages,
        Ok(Err(error)) => return Err(super::postgres::cause_chain(&error)),
        Err(_) => return Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
    };
    Ok(messages.iter().rev().find_map(|it| match it {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

/// The process that the login said would serve us, which a server never lies about. A pooler has to
/// invent one, because it does not know yet. The library gives it away only in what it would send to
/// cancel a query: length, code, process, key.
async fn announced(client: &Client) -> Option<i32> {
    let (ours, mut theirs) = duplex(64);
    let token = client.cancel_token();
    let sent = async move {
        let _ = token.cancel_query_raw(ours, Unencrypted).await;
    };
    let read = async move {
        let (mut head, mut rest) = ([0; 8], [0; 8]);
        theirs.read_exact(&mut head).await.ok()?;
        if head == SSL_REQUEST {
            theirs.write_all(b"S").await.ok()?;
            theirs.read_exact(&mut head).await.ok()?;
        }
        theirs.read_exact(&mut rest).await.ok()?;
        let [a, b, c, d, ..] = rest;
        Some(i32::from_be_bytes([a, b, c, d]))
    };
    join(sent, read).await.1
}

/// The question whether the other end encrypts.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Encryption for a stream that never leaves this process: none.
struct Unencrypted;

struct Inside(DuplexStream);

impl TlsConnect<DuplexStream> for Unencrypted {
    type Stream = Inside;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Inside>>;

    fn connect(self, stream: DuplexStream) -> Self::Future {
        std::future::ready(Ok(Inside(stream)))
    }
}

impl TlsStream for Inside {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Inside {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Inside {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Whose transaction pooler an address is, if it says so, and the address that works.
fn known_pooler(target: &PgTarget) -> Option<(&'static str, String)> {
    let host = target.host.to_lowercase();
    let with_port = |port: u16| PgTarget { port, ..target.at(&target.places()[0]) }.to_string();
    let ends = |it: &str| host.ends_with(it);
    if target.port == 6543 && (ends(".pooler.supabase.com") || ends(".supabase.co")) {
        return Some(("Supabase's transaction pooler", with_port(5432)));
    }
    if ends(".neon.tech") && host.split('.').next().is_some_and(|it| it.ends_with("-pooler")) {
        let direct = PgTarget { host: host.replacen("-pooler.", ".", 1), ..target.clone() };
        return Some(("Neon's pooler", direct.to_string()));
    }
    if ends(".postgres.database.azure.com") && target.port == 6432 {
        return Some(("Azure's PgBouncer", with_port(5432)));
    }
    if ends(".db.ondigitalocean.com") && target.port == 25061 {
        return Some(("DigitalOcean's pool", with_port(25060)));
    }
    None
}

/// The address that works instead of this pooler's, in words.
pub fn other_address(target: &PgTarget) -> String {
    match known_pooler(target) {
        Some((name, address)) => format!("in place of {name} use {address}"),
        None => "use the address of the server itself (PgBouncer listens on 6432, PostgreSQL on 5432), or a pool with `pool_mode = session`".to_owned(),
    }
}

/// Nothing is written through a shared link.
pub(super) fn refusal(target: &PgTarget, link: &Link) -> Error {
    let error = Error::refusal(
        "pooler",
        format!("{target} is a pooler in transaction mode, through which no lock can be held; nothing was changed"),
    )
    .next(other_address(target));
    match link {
        Link::Shared(how) => error.caused_by(how.clone()),
        Link::Direct | Link::Relayed => error,
    }
}

#[cfg(test)]
mod tests {
    use raingauge_schema::Dialect;

    use super::*;
    use crate::connect::Dsn;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        let Dsn::Postgres(target) = Dsn::parse(url, Dialect::Postgres).unwrap() else {
            panic!("not PostgreSQL")
        };
        let said = other_address(&target);
        assert!(said.contains(expected) && !said.contains("s3cret"), "{said}");
    }

    #[test]
    fn t36_the_address_that_works_is_named() {
        check(
            "postgres://postgres.ab:s3cret@aws-0-eu.pooler.supabase.com:6543/postgres",
            "postgresql://postgres.ab@aws-0-eu.pooler.supabase.com:5432/postgres",
        );
        check("postgres://u:s3cret@db.ab.supabase.co:6543/d", "u@db.ab.supabase.co:5432/d");
        check(
            "postgres://u:s3cret@ep-x-1-pooler.eu-central-1.aws.neon.tech/d?sslmode=require",
            "postgresql://u@ep-x-1.eu-central-1.aws.neon.tech:5432/d",
        );
        check("postgres://u@x.postgres.database.azure.com:6432/d", "azure.com:5432/d");
        check("postgres://u@localhost:6432/d", "pool_mode = session");
    }
}
