//! The certificate: what was proven when a database was adopted, as a file that can be checked again.
//!
//! `document` what stands in it and how the file is written and read · `record` a catalog as
//! fingerprints · `issue` makes it when an adoption is carried out · `check` holds it against files,
//! ledger, live and a new replay. `docs/certificate.schema.json` is made from [`Certificate`].

mod check;
mod document;
mod issue;
mod record;

pub use check::{Check, check, check_files, refuse_other_database};
pub use document::{
    Certificate, Dump, FORMAT, FileRecord, HistoryRecord, LedgerRecord, LeftOut, MigrationRecord,
    Replay, RowRecord, Subject, Versions, schema,
};
pub use issue::Evidence;
pub(crate) use issue::{Issue, exist, folder, issue, path};
pub use record::{CatalogRecord, ClassRecord};
