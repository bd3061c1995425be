//! What can be asked for: one file per command, a setting in, a report out.

mod analyze;
mod backup;
mod diff;
mod execute;
mod fix;
mod generate;
mod init;
mod live;
mod migrate;
mod reconcile;
mod restore;
mod status;
mod undo;
mod upgrade;
mod upgrade_undo;
mod validate;

pub use analyze::analyze;
pub use backup::{BackupRequest, backup_create, backup_list, backup_verify};
pub use diff::{DiffRequest, Diffed, diff};
pub use execute::{Mandate, execute};
pub use fix::fix;
pub use generate::{GenerateRequest, generate};
pub use init::init;
pub use live::analyze_live;
pub use migrate::{MigrateRequest, migrate};
pub use reconcile::reconcile;
pub use restore::{SwapRequest, TablesRequest, restore, restore_tables, swap};
pub use status::status;
pub use undo::undo;
pub use upgrade::upgrade;
pub use upgrade_undo::upgrade_undo;
pub use validate::{Scrutiny, validate};
