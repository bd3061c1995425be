//! One file per command: arguments in, one library call, a report out.

pub(crate) mod analyze;
pub(crate) mod backup;
pub(crate) mod diff;
pub(crate) mod execute;
pub(crate) mod generate;
pub(crate) mod init;
pub(crate) mod migrate;
pub(crate) mod reconcile;
pub(crate) mod restore;
pub(crate) mod status;
pub(crate) mod upgrade;
pub(crate) mod validate;
