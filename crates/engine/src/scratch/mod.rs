//! Throw-away databases of live's engine and major version, always removed.

use crate::Result;
use crate::connect::{Dsn, Session};

/// Makes scratch databases on one provider: a temp folder (SQLite), a server given by the user, an
/// ephemeral local server, or live's own server with consent.
#[derive(Debug)]
pub struct Scratch {}

/// One scratch database; dropping it removes it.
#[derive(Debug)]
pub struct ScratchDatabase {
    pub session: Session,
    pub dsn: Dsn,
}

impl Scratch {
    /// Makes an empty database. `purpose` is a short word for messages: `history`, `declared`.
    ///
    /// # Errors
    /// If the provider cannot make one.
    pub fn create(&mut self, _purpose: &str) -> Result<ScratchDatabase> {
        Err(crate::Error::new("scratch-unavailable", "no scratch server"))
    }
}
