//! The built binary against real databases, with the real drizzle-kit as the judge.
//!
//! `bookstore` (the whole adoption) → `reports` (what is printed) → `terminal` (questions) → `init` →
//! `live` (the database alone) → `majors` (other versions of PostgreSQL) → `configuration` (where it is) →
//! `corpus` (other people's projects) → `doctor` (what is wrong with their folders) → `edited` (SQL or
//! snapshot, after `generate`) → `fix` (and repaired) → `branches` (merged, or not) → `lost` (snapshots made again) → `generate` (the next
//! migration) → `diff` (any two sides) → `mysql` (all of that without a database) → `mysql_live`, `mysql_diff`,
//! `mysql_position`, `mysql_migrate`, `mysql_adopt`, `mysql_corpus` (and with one) → `mysql_swap` (a copy takes its place) → `mysql_releases` (of other versions) → `refusals` and `fence` (what it does not do) → `wild`
//! (ledgers as they are out there) → `obstacles` (what stands in the way) → `states` (what is told before) →
//! `rare` (what few projects ever get) → `runtimes` (what runs the
//! project's files). [`run`] is how each of them calls the binary.

#![expect(clippy::print_stdout, reason = "a test that skips says why")]

mod agreed;
mod ahead;
mod backup;
mod beside;
mod bookstore;
mod branches;
mod certificate;
mod commit;
mod compare;
mod configuration;
mod corpus;
mod crash;
mod diff;
mod doctor;
mod edited;
mod expo;
mod fence;
mod fix;
mod folders;
mod foresee;
mod generate;
mod hints;
mod init;
mod live;
mod load;
mod lost;
mod majors;
mod migrate;
mod mysql;
mod mysql_adopt;
mod mysql_backup;
mod mysql_corpus;
mod mysql_diff;
mod mysql_live;
mod mysql_migrate;
mod mysql_position;
mod mysql_releases;
mod mysql_swap;
mod mysql_tripwire;
mod mysql_upgrade;
mod obstacles;
mod outcome;
mod position;
mod prerequisites;
mod rare;
mod refusals;
mod reports;
mod run;
mod runtimes;
mod second_database;
mod second_opinion;
mod states;
mod steps;
mod swap;
mod terminal;
mod tripwire;
mod undo;
mod upgrade;
mod wild;
