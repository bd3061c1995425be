//! Migrations that came late: a branch was merged whose folder is older than one that ran already.
//!
//! Drizzle 1.0 goes by names, so it runs such a folder after those that ran, while a new database gets it
//! in the order of the names. Everything here is proven in the order of this database; what a new one
//! becomes is built beside it and compared.

use raingauge_schema::drizzle::Generation;
use raingauge_schema::{Catalog, Pair, compare};

use crate::Result;
use crate::check::ledger::{Standing, standing};
use crate::findings::differences;
use crate::history::Migration;
use crate::ledger::Ledger;
use crate::report::{Finding, Severity};
use crate::side::{self, Prerequisites, States};
use crate::site::Site;

/// The finding that a migration runs here after one with a later name.
pub const LATE: &str = "migration-late";

/// A history in the order in which this database has it.
#[derive(Debug)]
pub struct Late {
    /// In the order of their names.
    by_name: Vec<Migration>,
    /// The tags of those that run here after one with a later name.
    tags: Vec<String>,
}

/// What the ledger says; the site's history is brought into the order in which this database has had its
/// migrations and will get the others, if that is another one than that of the names.
pub fn settled(site: &mut Site, ledgers: &[Ledger]) -> (Standing, Option<Late>) {
    let look = |site: &Site| {
        let configured = ledgers.iter().find(|it| it.name == site.project.ledger);
        standing(site.dialect(), &site.project.history, configured, site.setting.now)
    };
    let found = look(site);
    let n = site.project.history.migrations.len();
    let rest = (0..n).filter(|at| !found.recorded.contains(at));
    let order: Vec<usize> = found.ran.iter().copied().chain(rest).collect();
    let is_sound = found.findings.iter().all(|it| it.severity != Severity::Error);
    let is_other = order.len() == n && !order.iter().copied().eq(0..n);
    if site.project.history.generation != Generation::V1 || !is_sound || !is_other {
        return (found, None);
    }
    let by_name = std::mem::take(&mut site.project.history.migrations);
    let is_late =
        |it: &usize| order.iter().take_while(|other| *other != it).any(|other| it < other);
    let late = order.iter().filter(|it| is_late(it));
    let tags = late.map(|at| by_name[*at].entry.tag.clone()).collect();
    site.project.history.migrations = order.iter().map(|at| by_name[*at].clone()).collect();
    (look(site), Some(Late { by_name, tags }))
}

impl Late {
    /// What is to be said of them: that they are late, and whether a new database becomes another one.
    ///
    /// # Errors
    /// If scratch cannot be had.
    pub fn told(
        self,
        site: &mut Site,
        live: &Catalog,
        before: Option<&Prerequisites>,
        states: &States,
    ) -> Result<Vec<Finding>> {
        let n = self.by_name.len();
        let late = self.tags.iter().map(|tag| {
            Finding::info(
                LATE,
                tag.clone(),
                "has an older time than a migration that ran here before it; Drizzle 1.0 goes by names, so here it runs after that one, and in a new database before it",
            )
        });
        let mut findings: Vec<_> = late.collect();
        let here = std::mem::replace(&mut site.project.history.migrations, self.by_name);
        let built = side::history(site, live, before, &|at| at == n);
        site.project.history.migrations = here;
        let (new, stopped) = built?;
        findings.extend(stopped.into_iter().filter(|it| it.severity == Severity::Error));
        let end = states.get(states.n_ran()).filter(|_| states.n_ran() == n);
        if let (Some(from), Some(to)) = (end, new.get(n)) {
            let comparison = compare(Pair { from, to });
            if !comparison.is_equal() {
                findings.push(order_matters(&self.tags, &comparison));
            }
        }
        Ok(findings)
    }
}

fn order_matters(tags: &[String], comparison: &raingauge_schema::Comparison) -> Finding {
    let finding = Finding::error(
        "migration-order",
        tags.join(", "),
        "leads to another database in the order of the names than after what ran here already, so a new database would be another one than this",
    );
    differences(finding, comparison)
        .next("give the folder a later time than that of the newest, if it has run in no database")
}
