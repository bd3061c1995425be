//! The order of statements. Changes are found one entity kind after the other; here they get the
//! order in which they run.
//!
//! drizzle-kit 0.31 has no dependency graph: it has a fixed order of statement kinds. Each dialect
//! gives that order as its phases.

use crate::plan::Statement;

/// Puts changes in the order of their phases. Within a phase they stay as they were found.
pub fn in_phases<C, P: Ord>(mut changes: Vec<C>, phase: impl Fn(&C) -> P) -> Vec<C> {
    changes.sort_by_key(phase);
    changes
}

/// Drops statements whose text has occurred before, as drizzle-kit does.
pub fn without_repeats(statements: Vec<Statement>) -> Vec<Statement> {
    let mut unique: Vec<Statement> = Vec::with_capacity(statements.len());
    for statement in statements {
        if !unique.iter().any(|it| it.sql == statement.sql) {
            unique.push(statement);
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_a_phase_keep_the_order_in_which_they_were_found() {
        assert_eq!(
            in_phases(vec!["b2", "a2", "b1", "a1"], |it| it.chars().next()),
            ["a2", "a1", "b2", "b1"]
        );
    }

    #[test]
    fn a_repeated_statement_runs_once_where_it_came_first() {
        let statements = ["a", "b", "a"].map(Statement::harmless).to_vec();
        let texts: Vec<_> = without_repeats(statements).into_iter().map(|it| it.sql).collect();
        assert_eq!(texts, ["a", "b"]);
    }
}
