//! Why nobody let us in: name, network, encryption, login or database, each with a code of its own.

use tokio_postgres::error::{DbError, SqlState};

use super::dsn::PgTarget;
use super::postgres::cause_chain;
use crate::Error;

/// Whether no other server of the same address can help: it would ask for the same login.
pub(super) fn is_final(error: &Error) -> bool {
    matches!(
        error.code,
        "postgres-login-failed" | "postgres-database-missing" | "postgres-database-denied"
    )
}

/// The one error of several servers, the first one's with what the others said.
pub(super) fn of_all(failures: Vec<Error>) -> Error {
    let several = 1 < failures.len();
    let others: Vec<_> = failures
        .iter()
        .map(|it| [vec![it.message.clone()], it.causes()].concat().join(": "))
        .collect();
    let first = failures.into_iter().next().expect("there is always one server");
    if several { first.caused_by(others.join("\n")) } else { first }
}

/// A server that answers, but is not of the kind that `target_session_attrs` asks for.
pub(super) fn other_kind(target: &PgTarget, wanted: &str) -> Error {
    Error::new(
        "postgres-other-kind",
        format!("the server at {target} is not `{wanted}`, which `target_session_attrs` asks for"),
    )
    .next("name all servers of the cluster in the URL: `postgresql://user@host1:5432,host2:5432/database`")
}

/// The connection is not encrypted, so there is no channel to bind to.
pub(super) fn no_channel(target: &PgTarget) -> Error {
    Error::new(
        "postgres-tls",
        format!("`channel_binding=require` needs an encrypted connection to {target}"),
    )
    .next("write `sslmode=require` or `sslmode=verify-full`")
}

/// The name means nothing here.
pub(super) fn host_unknown(target: &PgTarget) -> Error {
    let PgTarget { host, port, .. } = target;
    Error::new("postgres-host-unknown", format!("the host `{host}` (port {port}) is not known"))
        .next("check the host in the database URL; inside Docker, names of other containers differ from those on the host")
}

/// Nobody answers.
pub(super) fn unreachable(target: &PgTarget, why: impl Into<String>) -> Error {
    let assumed = if target.port_assumed { " (no port was given, 5432 was assumed)" } else { "" };
    let why = why.into();
    let error = Error::new(
        "postgres-unreachable",
        format!("no PostgreSQL server answers at {target}{assumed}"),
    );
    let error = match target.host.starts_with("db.") && target.host.ends_with(".supabase.co") {
        true => error.next("Supabase's direct host has an IPv6 address only: from an IPv4 network use the session pooler's URL (`…pooler.supabase.com:5432`)"),
        false => error,
    };
    error.caused_by(why)
        .next("check that the server runs and that host and port are right, for example with `pg_isready`")
}

/// Whether encryption is what failed.
pub(super) fn is_tls(error: &tokio_postgres::Error) -> bool {
    // The library keeps the kind of its errors to itself. With TLS 1.3 the server says only at the first
    // read what it thinks of our certificate.
    let text = cause_chain(error);
    error.as_db_error().is_none() && (text.contains("TLS") || text.contains("fatal alert"))
}

/// What an attempt's error means.
pub(super) fn of(target: &PgTarget, error: &tokio_postgres::Error) -> Error {
    if let Some(said) = error.as_db_error() {
        return refused(target, said);
    }
    let cause = cause_chain(error);
    if cause.contains("channel binding") || cause.contains("SCRAM-SHA-256-PLUS") {
        return login_failed(target, cause)
            .next("the server cannot bind the login to the encrypted channel; leave `channel_binding=require` out only if its operator says so");
    }
    if is_tls(error) {
        return no_tls(target, cause);
    }
    if cause.contains("password missing") {
        let why = match &target.remarks.password {
            Some(note) => format!("the server asks for a password, the URL has none, and {note}"),
            None => "the server asks for a password and the URL has none".to_owned(),
        };
        return login_failed(target, why).next(
            "a password may also come from PGPASSWORD or from the password file `~/.pgpass`",
        );
    }
    if cause.starts_with("authentication error") {
        return login_failed(target, cause);
    }
    if cause.starts_with("unexpected message") || cause.starts_with("error parsing") {
        return unreachable(
            target,
            format!("something else than PostgreSQL answers there: {cause}"),
        );
    }
    unreachable(target, cause)
}

fn no_tls(target: &PgTarget, cause: String) -> Error {
    let next = if cause.contains("does not support TLS") {
        "the server offers no encryption: ask its operator, or write `sslmode=disable` if the way to it is private"
    } else if cause.contains("Expired") {
        "the server's certificate has expired: its operator has to renew it"
    } else if cause.contains("NotValidForName") || cause.contains("not valid for name") {
        "the certificate is another host's: write the name that it is for into the URL, or `sslmode=verify-ca` if its operator says so"
    } else if ["UnknownIssuer", "BadSignature", "CaUsedAsEndEntity"]
        .iter()
        .any(|it| cause.contains(it))
    {
        "nobody who is trusted signed the certificate: `sslrootcert=FILE` names the operator's authority"
    } else if cause.contains("CertificateRequired") {
        "the server wants a certificate of yours: `sslcert=FILE` and `sslkey=FILE`"
    } else {
        "compare `sslmode`, `sslrootcert`, `sslcert` and `sslkey` with what the server's operator says"
    };
    Error::new(
        "postgres-tls",
        format!("no encrypted connection to {target} with sslmode `{}`", target.sslmode),
    )
    .caused_by(cause)
    .next(next)
}

fn login_failed(target: &PgTarget, why: impl Into<String>) -> Error {
    let user = match target.user.as_str() {
        "" => whoami::username().unwrap_or_default(),
        user => user.to_owned(),
    };
    Error::new("postgres-login-failed", format!("the server at {target} does not let `{user}` in"))
        .caused_by(why.into())
        .next("check user and password in the database URL; special characters must be percent-encoded")
}

/// What a server that answered did not like.
fn refused(target: &PgTarget, error: &DbError) -> Error {
    let said = error.message().to_owned();
    // Poolers say everything with the code of a protocol violation, or of an internal error.
    let is_about = |words: &[&str]| words.iter().any(|it| said.to_lowercase().contains(it));
    match *error.code() {
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION if is_about(&["client certificate"]) => {
            no_tls(target, format!("{said} (CertificateRequired)"))
        }
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION if is_about(&["no encryption"]) => {
            login_failed(target, said).next("the server may want encryption: `sslmode=require`")
        }
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            login_failed(target, said)
        }
        SqlState::INVALID_CATALOG_NAME => database_missing(target, said),
        SqlState::INSUFFICIENT_PRIVILEGE => database_denied(target, said),
        SqlState::TOO_MANY_CONNECTIONS => busy(target, said),
        SqlState::CANNOT_CONNECT_NOW => {
            Error::new("postgres-unreachable", format!("the server at {target} is not ready"))
                .caused_by(said)
                .next("try again when it has started")
        }
        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE => database_denied(target, said),
        _ if is_about(&["no such database"]) => database_missing(target, said),
        _ if is_about(&["tenant or user not found", "no such user", "endpoint id"]) => {
            login_failed(target, said).next("some hosts want more than a role: Supabase's pooler `postgres.<project>`, Neon's old clients `options=endpoint%3D<endpoint>`")
        }
        _ if is_about(&["too many", "no more connections"]) => busy(target, said),
        _ => Error::new("connect-failed", format!("cannot connect to {target}")).caused_by(said),
    }
}

fn database_missing(target: &PgTarget, said: String) -> Error {
    Error::new(
        "postgres-database-missing",
        format!("the server at {target} has no database `{}`", target.database),
    )
    .caused_by(said)
    .next("list the databases with `psql -l` and correct the URL, in case another server answers here")
}

fn database_denied(target: &PgTarget, said: String) -> Error {
    let quoted = |it: &str| raingauge_schema::postgres::grammar::quote_ident(it);
    let error = Error::new(
        "postgres-database-denied",
        format!(
            "the server at {target} does not open the database `{}` to this role",
            target.database
        ),
    )
    .caused_by(said);
    match (target.database.as_str(), target.user.as_str()) {
        ("", _) | (_, "") => error.next("as an administrator: GRANT CONNECT ON DATABASE"),
        (database, user) => error.next(format!(
            "as an administrator: GRANT CONNECT ON DATABASE {} TO {}",
            quoted(database),
            quoted(user)
        )),
    }
}

fn busy(target: &PgTarget, said: String) -> Error {
    Error::new("postgres-busy", format!("the server at {target} has no free connection"))
        .caused_by(said)
        .next("try again when other programs have closed theirs")
}
