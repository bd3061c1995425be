//! Brings an existing database under Drizzle migrations, proves it, and moves it on safely.
//!
//! Everything here returns data: a [`report::Report`] or an [`Error`]. Nothing prints, prompts or
//! reads the environment; the command line does that. Reading order: [`commands`] (what can be asked
//! for) → [`site`] and [`facts`] (everything that is read) → [`adoption`] and [`proof`] (the plan, tried
//! in scratch) → [`apply`] (what writes to live).

pub mod adoption;
pub mod apply;
pub mod backup;
pub mod baseline;
pub mod certificate;
pub mod check;
pub mod choice;
pub mod client;
pub mod commands;
pub mod connect;
pub mod consent;
pub mod counsel;
pub mod data;
pub mod diff;
pub mod digest;
pub mod dump;
pub mod error;
pub mod facts;
pub mod files;
pub mod filters;
pub mod findings;
pub mod generate;
pub mod guide;
pub mod history;
pub mod initsql;
pub mod introspect;
pub mod late;
pub mod ledger;
pub mod leftover;
pub mod lock;
pub mod lost;
pub mod mend;
pub mod meta;
pub mod midway;
pub mod position;
pub mod progress;
pub mod project;
pub mod proof;
pub mod protection;
pub mod rechain;
pub mod repair;
pub mod replay;
pub mod report;
pub mod rights;
pub mod run;
pub mod scratch;
pub mod seed;
pub mod setting;
pub mod side;
pub mod site;
pub mod swap;
pub mod upgrade;

pub use error::{Error, Result};
pub use raingauge_schema::Dialect;
