//! What wrangler has recorded of a history, beside where live stands in it.

use std::collections::BTreeSet;

use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::layout::sql_path;

use super::tag;
use crate::findings::with_lines;
use crate::history::History;
use crate::report::{Affected, Finding};

/// The migrations that wrangler has applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrangler {
    pub positions: BTreeSet<usize>,
    /// Names of files that the history does not have.
    pub unknown: Vec<String>,
}

impl Wrangler {
    /// Matches the names of `d1_migrations` with the files of a history.
    pub fn of(names: &[String], history: &History) -> Self {
        let mut wrangler = Self::default();
        for name in names {
            let is = |tag: &str| {
                *name == sql_path(Generation::V0, tag) || *name == sql_path(Generation::V1, tag)
            };
            match history.migrations.iter().position(|it| is(&it.entry.tag)) {
                Some(at) => drop(wrangler.positions.insert(at)),
                None => wrangler.unknown.push(name.clone()),
            }
        }
        wrangler
    }

    /// How many migrations it has applied, if those are the first of the history.
    pub fn prefix(&self) -> Option<usize> {
        let n = self.positions.len();
        self.positions.iter().copied().eq(0..n).then_some(n)
    }

    /// What it means; `proven` is the number of migrations up to which a replay equals live.
    pub fn finding(&self, history: &History, proven: Option<usize>) -> Finding {
        let (n, all) = (self.positions.len(), history.migrations.len());
        let says = format!("wrangler has recorded {n} of the {all} migrations of this history");
        let subject = "table d1_migrations";
        let finding = match proven {
            Some(at) if self.prefix() == Some(at) && self.unknown.is_empty() => {
                Finding::info("ledger-wrangler", subject, format!("{says}, and a replay of those equals live; Drizzle does not read it"))
                    .next("let only one of the two apply migrations from now on; to let Drizzle: raingauge reconcile")
            }
            Some(at) => Finding::warning("ledger-wrangler", subject, format!("{says}, but live equals a replay of the first {at}"))
                .next("believe the replay: raingauge analyze shows what of each migration is in effect"),
            None => Finding::warning("ledger-wrangler", subject, format!("{says}, and a replay of those is not what live is"))
                .next("raingauge analyze: shows what of each migration is in effect"),
        };
        let missing = (0..all).filter(|it| !self.positions.contains(it));
        let missing = missing.map(|it| format!("not recorded: `{}`", tag(history, it)));
        let unknown = self.unknown.iter().map(|it| format!("in no history: `{it}`"));
        with_lines(finding.affects(Affected::Upgraded), unknown.chain(missing).collect())
    }
}
