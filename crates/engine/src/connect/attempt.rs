//! Reaches one of the servers that an address names, as libpq does.
//!
//! Servers in order, each with or without encryption as `sslmode` says, until one answers that is of
//! the kind that was asked for.

use std::time::Duration;

use tokio::net::lookup_host;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::{ChannelBinding, SslMode, SslNegotiation};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::dsn::PgTarget;
use super::{refusal, tls};
use crate::{Error, Result};

/// How long to wait for a server that does not answer, unless `connect_timeout` says.
const PATIENCE: Duration = Duration::from_secs(10);

/// What `connect_timeout=0` means: for ever.
const FOR_EVER: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// A connection, and where it leads.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) client: Client,
    /// Moves bytes while the runtime runs; ends when the client is gone.
    pub(super) connection: JoinHandle<()>,
    /// The one server that answered.
    pub(super) target: PgTarget,
}

/// Whether an attempt is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Plain,
    Tls,
}

/// Connects to the first server of the target that answers and is of the kind that is asked for.
pub(super) async fn connect(target: &PgTarget) -> Result<Opened> {
    let wanted = target.parameter("target_session_attrs").unwrap_or("any");
    let mut failures = Vec::new();
    let mut last_resort = None;
    for place in target.places() {
        let server = target.at(&place);
        let fits = match connect_in_time(&server).await {
            Ok(opened) => has_kind(&opened, wanted).await.map(|it| (opened, it)),
            Err(error) => Err(error),
        };
        match fits {
            Ok((opened, true)) => return Ok(opened),
            Ok((opened, false)) if wanted == "prefer-standby" => {
                last_resort.get_or_insert(opened);
            }
            Ok((_, false)) => failures.push(refusal::other_kind(&server, wanted)),
            // Another server would ask for the same login.
            Err(error) if refusal::is_final(&error) => return Err(error),
            Err(error) => failures.push(error),
        }
    }
    last_resort.ok_or_else(|| refusal::of_all(failures))
}

/// How long to wait for each server.
fn patience(target: &PgTarget) -> Duration {
    match target.parameter("connect_timeout").and_then(|it| it.trim().parse::<i64>().ok()) {
        None => PATIENCE,
        Some(..=0) => FOR_EVER,
        // As libpq: less than two seconds cannot be told from none.
        Some(seconds) => Duration::from_secs(u64::try_from(seconds).unwrap_or(2).max(2)),
    }
}

async fn connect_in_time(target: &PgTarget) -> Result<Opened> {
    let patience = patience(target);
    let result = timeout(patience, connect_at(target)).await;
    result.unwrap_or_else(|_| {
        let why = format!("it did not answer within {} seconds", patience.as_secs());
        Err(refusal::unreachable(target, why))
    })
}

async fn connect_at(target: &PgTarget) -> Result<Opened> {
    if !target.is_socket() && target.parameter("hostaddr").is_none() {
        let found = lookup_host((target.host.as_str(), target.port)).await;
        found.map(drop).map_err(|it| refusal::host_unknown(target).caused_by(it))?;
    }
    let (first, second) = match target.sslmode.as_str() {
        _ if target.is_socket() => (Wire::Plain, None),
        "disable" => (Wire::Plain, None),
        "allow" => (Wire::Plain, Some(Wire::Tls)),
        "prefer" => (Wire::Tls, Some(Wire::Plain)),
        _ => (Wire::Tls, None),
    };
    let error = match try_once(target, first).await? {
        Ok(opened) => return Ok(opened),
        Err(error) => error,
    };
    let Some(second) = second.filter(|_| asks_for_other_wire(&error, first)) else {
        return Err(refusal::of(target, &error));
    };
    try_once(target, second).await?.map_err(|it| refusal::of(target, &it))
}

/// Whether the other wire may be let in where this one was not: `pg_hba.conf` tells them apart.
fn asks_for_other_wire(error: &tokio_postgres::Error, tried: Wire) -> bool {
    let refused = error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
    refused || tried == Wire::Tls && refusal::is_tls(error)
}

async fn try_once(target: &PgTarget, wire: Wire) -> Result<Result<Opened, tokio_postgres::Error>> {
    let config = config(target, wire)?;
    let target = target.clone();
    Ok(match wire {
        Wire::Plain => config.connect(NoTls).await.map(|(client, connection)| {
            let connection = tokio::spawn(async { drop(connection.await) });
            Opened { client, connection, target }
        }),
        Wire::Tls => {
            let connector = tls::connector(&target)?;
            config.connect(connector).await.map(|(client, connection)| {
                let connection = tokio::spawn(async { drop(connection.await) });
                Opened { client, connection, target }
            })
        }
    })
}

fn config(target: &PgTarget, wire: Wire) -> Result<Config> {
    let mut config = Config::new();
    if target.is_socket() {
        config.host_path(&target.host);
    } else {
        config.host(&target.host);
    }
    if let Some(address) = target.parameter("hostaddr").and_then(|it| it.parse().ok()) {
        config.hostaddr(address);
    }
    config.port(target.port).connect_timeout(patience(target));
    config.application_name(target.parameter("application_name").unwrap_or("raingauge"));
    if !target.user.is_empty() {
        config.user(&target.user);
    }
    if let Some(password) = &target.password {
        config.password(password);
    }
    if !target.database.is_empty() {
        config.dbname(&target.database);
    }
    if let Some(options) = target.parameter("options") {
        config.options(options);
    }
    set_keepalives(&mut config, target);
    config.channel_binding(channel_binding(target, wire)?);
    config.ssl_mode(match wire {
        Wire::Plain => SslMode::Disable,
        Wire::Tls => SslMode::Require,
    });
    if target.parameter("sslnegotiation") == Some("direct") {
        config.ssl_negotiation(SslNegotiation::Direct);
    }
    Ok(config)
}

fn channel_binding(target: &PgTarget, wire: Wire) -> Result<ChannelBinding> {
    match (target.parameter("channel_binding"), wire) {
        (Some("disable"), _) => Ok(ChannelBinding::Disable),
        (Some("require"), Wire::Tls) => Ok(ChannelBinding::Require),
        (Some("require"), Wire::Plain) => Err(refusal::no_channel(target)),
        _ => Ok(ChannelBinding::Prefer),
    }
}

fn set_keepalives(config: &mut Config, target: &PgTarget) {
    let number = |name: &str| target.parameter(name)?.trim().parse::<u64>().ok();
    config.keepalives(number("keepalives") != Some(0));
    if let Some(seconds) = number("keepalives_idle").filter(|it| 0 < *it) {
        config.keepalives_idle(Duration::from_secs(seconds));
    }
    if let Some(seconds) = number("keepalives_interval").filter(|it| 0 < *it) {
        config.keepalives_interval(Duration::from_secs(seconds));
    }
    if let Some(n) = number("keepalives_count").and_then(|it| u32::try_from(it).ok()) {
        config.keepalives_retries(n);
    }
    if let Some(millis) = number("tcp_user_timeout").filter(|it| 0 < *it) {
        config.tcp_user_timeout(Duration::from_millis(millis));
    }
}

/// Whether the server is of the kind that `target_session_attrs` asks for.
async fn has_kind(opened: &Opened, wanted: &str) -> Result<bool> {
    let sql = match wanted {
        "read-write" | "read-only" => {
            "select pg_catalog.current_setting('transaction_read_only') = 'on'"
        }
        "primary" | "standby" | "prefer-standby" => "select pg_catalog.pg_is_in_recovery()",
        _ => return Ok(true),
    };
    let messages = opened.client.simple_query(sql).await;
    let messages = messages.map_err(|it| refusal::of(&opened.target, &it))?;
    let says_yes = messages.iter().any(|it| match it {
        SimpleQueryMessage::Row(row) => row.get(0) == Some("t"),
        _ => false,
    });
    Ok(says_yes != matches!(wanted, "read-write" | "primary"))
}

/// A second connection to the server that a first one has found.
pub(super) async fn connect_again(target: &PgTarget) -> Result<Opened, Error> {
    connect_in_time(target).await
}
