//! T17: SQL files that no journal lists. None of them ever runs; listing one may run it on live data.

use std::path::Path;

use raingauge_schema::drizzle::Generation;
use raingauge_schema::{Dialect, plan::Hazard};

use super::statements::placed;
use crate::initsql::excerpt;
use crate::report::{Affected, Finding};

/// The finding for one such file, what it would destroy first.
pub fn orphan(path: &Path, sql: &str, dialect: Dialect, generation: Generation) -> Finding {
    let statements = placed(sql, dialect);
    let destructive = statements.iter().flat_map(|it| {
        let named = |hazard| match hazard {
            Hazard::DeletesData(name) => Some(name),
            Hazard::RewritesTable(_) | Hazard::NotTransactional | Hazard::NotUnderstood => None,
        };
        let names = dialect.hazards(&it.sql).into_iter().filter_map(named);
        names.map(|name| format!("line {}: {} ({name})", it.line, excerpt(&it.sql)))
    });
    let destructive: Vec<_> = destructive.collect();
    let what = match generation {
        Generation::V0 => "is not in the journal, so no migrator ever runs it",
        Generation::V1 => "is in no folder of its own, so no migrator ever runs it",
    };
    let what = match destructive.len() {
        0 => what.to_owned(),
        _ => format!("{what}; if somebody lists it, it deletes data"),
    };
    let finding = Finding::warning("migration-orphan", path.display().to_string(), what)
        .affects(Affected::Both);
    let n_others = statements.len().saturating_sub(destructive.len());
    let finding = destructive.into_iter().fold(finding, Finding::evidence);
    let finding = match n_others {
        0 => finding,
        1 => finding.evidence("1 statement that deletes nothing"),
        n => finding.evidence(format!("{n} statements that delete nothing")),
    };
    finding.next(
        "read what it does before anything else; move it out of the folder if it is not meant to run",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t17_what_an_orphan_would_delete_is_shown_first_with_its_line() {
        let sql = "CREATE TABLE a (b int);\n--> statement-breakpoint\nDROP TABLE payments;\n";
        for dialect in [Dialect::Postgres, Dialect::Sqlite] {
            let found = orphan(Path::new("0001_b.sql"), sql, dialect, Generation::V0);
            assert_eq!(
                found.evidence,
                ["line 3: DROP TABLE payments (drop:payments)", "1 statement that deletes nothing"]
            );
        }
    }
}
