//! Tests against real servers and files. One binary, one module per subject.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests may fail loudly, and say why they skip"
)]

mod backup;
mod baseline;
mod initsql;
mod mysql_catalog;
mod mysql_diff;
mod mysql_digest;
mod mysql_flips;
mod mysql_locks;
mod mysql_releases;
mod mysql_scratch;
mod mysql_session;
mod oracle;
mod postgres_catalog;
mod postgres_certificates;
mod postgres_data;
mod postgres_dump;
mod postgres_flips;
mod postgres_locks;
mod postgres_majors;
mod postgres_pooler;
mod postgres_scratch;
mod postgres_session;
mod postgres_stable;
mod postgres_tls;
mod property;
mod seeds;
