//! What a history builds, step by step: it is run in scratch, and read after each migration.
//!
//! [`super`] prepares the database and says what is wanted; here migrations run and states are read.

use std::collections::BTreeMap;

use raingauge_schema::{Catalog, Kind};

use crate::connect::Session;
use crate::history::Migration;
use crate::introspect::Series;
use crate::scratch::ScratchDatabase;
use crate::site::Site;
use crate::{Result, replay};

/// For migrations that run in several steps, by position: the catalogs after each step but the last.
pub type Midway = BTreeMap<usize, Vec<Catalog>>;

/// What a history builds, step by step.
#[derive(Debug, Default)]
pub struct States {
    /// After each migration that ran, the empty database first; absent where nobody wanted to know.
    pub after: Vec<Option<Catalog>>,
    pub midway: Midway,
}

impl States {
    /// The catalog after so many migrations, if they ran and it was read.
    pub fn get(&self, at: usize) -> Option<&Catalog> {
        self.after.get(at)?.as_ref()
    }

    /// The catalogs that were read, with the number of migrations that lead to each.
    pub fn read(&self) -> impl DoubleEndedIterator<Item = (usize, &Catalog)> {
        self.after.iter().enumerate().filter_map(|(at, it)| Some((at, it.as_ref()?)))
    }

    /// Whether all of them were read.
    pub fn are_all_read(&self) -> bool {
        self.after.iter().all(Option::is_some)
    }

    /// How many migrations ran.
    pub fn n_ran(&self) -> usize {
        self.after.len().saturating_sub(1)
    }
}

/// Which catalogs of a history to read: after so many migrations. Reading one takes as long as running
/// many migrations.
pub type Wanted<'a> = &'a dyn Fn(usize) -> bool;

/// A replay that ended early.
pub(super) struct Stopped<'a> {
    migration: &'a Migration,
    pub(super) error: replay::ReplayError,
    /// What scratch had until then.
    here: Catalog,
}

impl Stopped<'_> {
    /// The schemas that the migration names, live has, and scratch has not; only if the engine stopped
    /// because of one (3F000: invalid schema name).
    pub(super) fn missing_schemas(&self, live: &Catalog) -> Vec<String> {
        if self.error.source.state != "3F000" {
            return Vec::new();
        }
        let is_part = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
        let named = |it: &str| self.migration.sql.split(|it| !is_part(it)).any(|word| word == it);
        live.of_kind(Kind::Schema)
            .filter(|it| self.here.get(&it.id).is_none() && named(it.id.name()))
            .map(|it| it.id.name().to_owned())
            .collect()
    }
}

/// How a replay ended.
pub(super) enum Ended<'a> {
    AtTheEnd,
    Stopped(Box<Stopped<'a>>),
    /// A whole reading said something else than the series of readings.
    Misread,
}

/// Which states of a replay are looked at, and how.
pub(super) struct Look<'a> {
    wanted: Wanted<'a>,
    live: &'a Catalog,
    series: Series,
    /// Whether nothing that was read in part was found wrong.
    is_right: bool,
}

impl<'a> Look<'a> {
    pub(super) fn new(wanted: Wanted<'a>, n: usize, live: &'a Catalog, is_whole: bool) -> Self {
        /// Fewer readings take less time than it takes to prepare the next ones.
        const FEW: usize = 5;
        let n_wanted = (0..=n).filter(|it| wanted(*it)).count();
        let series = if is_whole || n_wanted < FEW { Series::whole() } else { Series::default() };
        Self { wanted, live, series, is_right: true }
    }

    /// The catalog as it is now. Where it equals live, something follows from it, so that it is confirmed.
    fn read(&mut self, site: &Site, session: &mut Session, is_last: bool) -> Result<Catalog> {
        let ledgers = site.ledger_names();
        let catalog = self.series.next(session, &ledgers)?;
        if is_last || catalog.has_same_structure(self.live) {
            self.is_right &= self.series.confirm(session, &ledgers, &catalog)?;
        }
        Ok(catalog)
    }
}

pub(super) fn replay_all<'a>(
    site: &'a Site,
    database: &mut ScratchDatabase,
    n: usize,
    mut look: Look<'_>,
) -> Result<(States, Ended<'a>)> {
    let after = vec![Some(look.read(site, &mut database.session, false)?)];
    let mut states = States { after, midway: Midway::new() };
    for (at, migration) in site.project.history.migrations.iter().take(n).enumerate() {
        let mut between = Vec::new();
        let is_wanted = (look.wanted)(at) && (look.wanted)(at + 1);
        let mut look_between = |session: &mut Session| {
            if is_wanted {
                between.push(look.read(site, session, false));
            }
        };
        if let Err(error) = replay::migration(&mut database.session, migration, &mut look_between) {
            let here = site.catalog_of(&mut database.session)?;
            let stopped = Stopped { migration, error, here };
            return Ok((states, Ended::Stopped(Box::new(stopped))));
        }
        let between = between.into_iter().collect::<Result<Vec<_>>>()?;
        if !between.is_empty() {
            states.midway.insert(at, between);
        }
        let read = (look.wanted)(at + 1)
            .then(|| look.read(site, &mut database.session, is_confirmed(at + 1, n)));
        states.after.push(read.transpose()?);
        if !look.is_right {
            return Ok((states, Ended::Misread));
        }
        database.pass_on()?;
    }
    Ok((states, Ended::AtTheEnd))
}

/// Whether the state is confirmed in any case: the last one, and some before it.
fn is_confirmed(at: usize, n: usize) -> bool {
    const EACH: usize = 100;
    at == n || at.is_multiple_of(EACH)
}
