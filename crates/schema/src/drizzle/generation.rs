//! The two Drizzles, which differ in what they read and write.

use serde::{Deserialize, Serialize};

/// Which of the two Drizzles reads and writes a file or a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Generation {
    /// drizzle-orm 0.x with drizzle-kit 0.x: a journal beside the files.
    #[default]
    V0,
    /// drizzle-orm and drizzle-kit 1.0, with their previews: a folder for each migration.
    V1,
}

impl Generation {
    /// That of a package, by its version: `0.45.4`, `1.0.0-rc.5`.
    pub fn of(version: &str) -> Option<Self> {
        match version.split('.').next()?.parse::<u32>().ok()? {
            0 => Some(Self::V0),
            1.. => Some(Self::V1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_belongs_to_the_generation_that_it_previews() {
        let of = ["0.45.4", "1.0.0-rc.5", "1.0.0-beta.2-9c9ab4e", "2.1.0", "latest"];
        let (zero, one) = (Some(Generation::V0), Some(Generation::V1));
        assert_eq!(of.map(Generation::of), [zero, one, one, one, None]);
    }
}
