//! What the project's own drizzle-kit makes of the schema.

use serde::Deserialize;
use serde_json::Value;

use crate::error::LoadError;
use crate::sandbox::Outcome;

/// The answer of drizzle-kit's programmatic interface (`drizzle-kit/api` of 0.31; `drizzle-kit/api-postgres`,
/// `payload/mysql` and `payload/sqlite` of 1.0).
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Judgement {
    /// The snapshot of the schema, with an id of its own. 1.0 leaves out the footprints.
    pub snapshot: Value,
    /// What it would run to get there from the snapshot that it was given.
    pub statements: Vec<String>,
}

impl Judgement {
    pub(crate) fn from_outcome(outcome: &Outcome) -> Result<Self, LoadError> {
        serde_json::from_str(&outcome.json)
            .map_err(|it| LoadError::Rejected { message: format!("drizzle-kit's answer: {it}") })
    }
}
