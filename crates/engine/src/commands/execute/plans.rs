//! What `execute` would do from here on, and the hash that a consent to all of it names.

use raingauge_schema::Fingerprint;

use crate::Result;
use crate::adoption::{Planning, file_hash, plan};
use crate::apply::migrate::{self, MigratePlan};
use crate::apply::risks::risks;
use crate::apply::{foresee, locks};
use crate::facts::Facts;
use crate::progress::Progress;
use crate::report::{Section, Severity};
use crate::site::Site;

/// What is planned at this moment.
pub(super) struct Plans {
    pub(super) planning: Planning,
    pub(super) migrate: MigratePlan,
    /// Migrations of the history that become pending once others are recorded.
    pub(super) later: Vec<usize>,
    /// What they lock, and how many rows that holds up.
    pub(super) locks: Option<Section>,
}

impl Plans {
    pub(super) fn make(
        site: &mut Site,
        facts: &mut Facts,
        progress: &mut dyn Progress,
    ) -> Result<Self> {
        let mut planning = plan(site, facts, progress)?;
        let mut migrate = migrate::plan(site, facts, &site.setting.allow);
        let later = match &planning.adoption {
            Some(adoption) => {
                let mut later = facts.standing.pending.clone();
                later.retain(|it| adoption.recorded.positions().all(|at| at != *it));
                later
            }
            None => Vec::new(),
        };
        planning.findings.extend(risks(site, facts, &later, &site.setting.allow));
        let locks = match (later.as_slice(), migrate.pending.as_slice()) {
            ([], []) => None,
            ([], pending) => {
                progress.begin("looking whether live's rows fit");
                migrate.findings.extend(foresee::rows(site, facts, pending));
                locks::section(site, pending)
            }
            (later, _) => {
                progress.begin("looking whether live's rows fit");
                planning.findings.extend(foresee::rows(site, facts, later));
                locks::section(site, later)
            }
        };
        Ok(Self { planning, migrate, later, locks })
    }

    /// The hashes of the migrations that live gets from here on, in order.
    pub(super) fn files_to_apply(&self, site: &Site) -> Vec<Fingerprint> {
        let existing = |at: &usize| site.project.history.migrations[*at].hash.clone();
        let Some(adoption) = &self.planning.adoption else {
            return self.migrate.pending.iter().map(existing).collect();
        };
        let new = adoption.migrations.iter().filter(|it| !it.in_effect).map(file_hash);
        self.later.iter().map(existing).chain(new).collect()
    }

    /// The hash of the whole sequence from here on.
    pub(super) fn sequence(&self, site: &Site) -> Fingerprint {
        let adoption =
            self.planning.adoption.as_ref().map(|it| it.plan.as_str()).unwrap_or_default();
        let later = self.later.iter().map(|at| &site.project.history.migrations[*at]);
        let later = later.flat_map(|it| [it.entry.tag.as_str(), it.hash.as_str()]);
        let parts = ["execute", adoption, self.migrate.plan.as_str()];
        Fingerprint::of_parts(parts.into_iter().chain(later))
    }

    pub(super) fn blocking(&self, facts: &Facts) -> Vec<&'static str> {
        // While an adoption is planned there is nothing to migrate yet.
        let migrate =
            if self.planning.adoption.is_some() { &[][..] } else { &self.migrate.findings[..] };
        let all = facts.findings.iter().chain(&self.planning.findings).chain(migrate);
        all.filter(|it| it.severity == Severity::Error).map(|it| it.code).collect()
    }
}
