//! Merges that nobody finished: the markers of `git` in a file.

use std::path::Path;

use crate::report::{Affected, Finding};

/// The finding that a file still has the markers of a merge conflict, if it has all three of them.
pub fn conflict(path: &Path, text: &str) -> Option<Finding> {
    let begins = |mark: &str| text.lines().position(|it| it.starts_with(mark));
    let line = begins("<<<<<<< ")?;
    begins("=======").zip(begins(">>>>>>> "))?;
    Some(
        Finding::error(
            "conflict-markers",
            format!("{}:{}", path.display(), line + 1),
            "has the markers of a merge conflict that nobody resolved",
        )
        .affects(Affected::Both)
        .next("resolve the conflict: keep the migrations of both branches, the later one with a newer `when`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_is_located_and_a_line_of_equals_signs_is_none() {
        let text = "{\n<<<<<<< HEAD\n  1\n=======\n  2\n>>>>>>> other\n}";
        let found = conflict(Path::new("a.json"), text).unwrap();
        assert_eq!((found.code, found.subject.as_str()), ("conflict-markers", "a.json:2"));
        assert_eq!(conflict(Path::new("a.sql"), "-- a\n=======\nselect 1"), None);
    }
}
