//! Tests against real servers and files. One binary, one module per subject.

mod backup;
mod initsql;
mod postgres_catalog;
mod postgres_dump;
mod postgres_flips;
mod postgres_scratch;
mod postgres_session;
