//! Small projects in a temporary folder, with the real drizzle-orm linked in.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

mod cases;
mod config;
mod errors;
mod escapes;
mod features;
mod generations;
mod imports;
mod judge;
mod limits;
mod monorepos;
mod mysql;
mod nesting;
mod order;
mod patterns;
mod postgres;
mod project;
mod runtimes;
mod spoilt;
mod sqlite;
mod suite;
mod yarn;
