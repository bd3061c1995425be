//! What both databases were before a swap, on disk before anything changes: enough to make every program again.

use std::path::Path;

use raingauge_schema::mysql::grammar::quote_ident;
use raingauge_schema::{Catalog, Kind, Object, Pair};

use super::super::Intent;
use crate::files::write_whole;
use crate::{Error, Result};

/// What is not a table and holds no rows, in the order in which it is made.
pub(super) const PROGRAMS: [Kind; 6] =
    [Kind::Other, Kind::Function, Kind::Procedure, Kind::View, Kind::Trigger, Kind::Event];

/// How names begin that nobody else is to use meanwhile.
pub(super) const HIDDEN: &str = "__raingauge_swap_";

/// What two catalogs say of one program wherever it stands: the order of triggers is that of their making, and the
/// events of a database that is kept do not run.
const OF_THE_PLACE: [&str; 2] = ["follows", "status"];

/// In the folder of a run, in the order in which they are written: live's catalog, the copy's.
const FILES: [&str; 2] = ["live.json", "copy.json"];

/// One of the two databases that give and take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Live,
    Copy,
}

/// The names of the databases and what was in two of them.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) live: String,
    pub(super) kept: String,
    pub(super) copy: String,
    pub(super) of_live: Catalog,
    pub(super) of_copy: Catalog,
}

impl Record {
    pub(super) fn of(intent: &Intent, catalogs: Pair<Catalog>) -> Self {
        let Intent { live, kept, copy, .. } = intent.clone();
        Self { live, kept, copy, of_live: catalogs.from, of_copy: catalogs.to }
    }

    /// Writes the catalogs into the folder of a run.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        for (name, catalog) in [(FILES[0], &self.of_live), (FILES[1], &self.of_copy)] {
            let path = folder.join(name);
            let text = serde_json::to_vec(catalog).expect("a catalog has only text keys");
            write_whole(&path, &text).map_err(|cause| {
                let message = format!("cannot write the run record `{}`", path.display());
                Error::new("run-unwritable", message)
                    .caused_by(cause)
                    .next("make the folder `.raingauge` writable for this user")
            })?;
        }
        Ok(())
    }

    /// What a run has written before it changed anything; nothing if it has not come that far.
    pub(super) fn read(folder: &Path, intent: &Intent) -> Result<Option<Self>> {
        let read = |name: &str| -> Result<Catalog> {
            let path = folder.join(name);
            let unreadable = || {
                let message = format!("cannot read the run record `{}`", path.display());
                Error::new("run-unreadable", message)
                    .next("keep the folder: it says which tables belong to which database")
            };
            let text = std::fs::read(&path).map_err(|it| unreadable().caused_by(it))?;
            serde_json::from_slice(&text).map_err(|it| unreadable().caused_by(it))
        };
        if !folder.join(FILES[1]).exists() && !intent.moves {
            return Ok(None);
        }
        let catalogs = Pair { from: read(FILES[0])?, to: read(FILES[1])? };
        Ok(Some(Self::of(intent, catalogs)))
    }

    pub(super) fn catalog(&self, whose: Whose) -> &Catalog {
        match whose {
            Whose::Live => &self.of_live,
            Whose::Copy => &self.of_copy,
        }
    }

    /// Where the tables of one of them were before.
    pub(super) fn home(&self, whose: Whose) -> &str {
        match whose {
            Whose::Live => &self.live,
            Whose::Copy => &self.copy,
        }
    }

    /// Every table and sequence of one of them, with the name that nobody knows.
    pub(super) fn tables(&self, whose: Whose) -> Vec<(String, String)> {
        let word = match whose {
            Whose::Live => "live",
            Whose::Copy => "copy",
        };
        let catalog = self.catalog(whose);
        let all = catalog.of_kind(Kind::Table).chain(catalog.of_kind(Kind::Sequence));
        let names = all.map(|it| it.id.name().to_owned()).enumerate();
        names.map(|(n, name)| (name, format!("{HIDDEN}{word}_{n}"))).collect()
    }

    pub(super) fn is_sequence(&self, whose: Whose, name: &str) -> bool {
        self.catalog(whose).of_kind(Kind::Sequence).any(|it| it.id.name() == name)
    }

    /// Whether a table has triggers, with which the server moves none to another database.
    pub(super) fn has_triggers(&self, whose: Whose, table: &str) -> bool {
        let mut triggers = self.catalog(whose).of_kind(Kind::Trigger);
        triggers.any(|it| it.id.path.first().is_some_and(|it| it == table))
    }

    /// Whether a column takes its values from a sequence, which it names with its database.
    pub(super) fn counts_elsewhere(&self, whose: Whose, table: &str) -> bool {
        let columns = self.catalog(whose).of_kind(Kind::Column);
        let mut columns = columns.filter(|it| it.id.path.first().is_some_and(|it| it == table));
        columns.any(|it| it.get("default").is_some_and(|it| it.contains("val(")))
    }

    /// The programs of live as they are kept: none of its events runs there and changes rows.
    pub(super) fn kept_programs(&self) -> Catalog {
        sleeping(programs(&self.of_live, &PROGRAMS))
    }

    /// Whether a program is one that was in either database, and so stands in the record.
    pub(super) fn knows(&self, program: &Object) -> bool {
        let is_it = |it: &Object| {
            let same = |object: &Object| {
                let mut attributes = object.attributes.clone();
                OF_THE_PLACE.iter().for_each(|it| drop(attributes.remove(it)));
                attributes
            };
            let is_named = it.id.name() == program.id.name()
                && (it.id.kind == Kind::Trigger || it.id.path == program.id.path);
            is_named && it.owner == program.owner && same(it) == same(program)
        };
        let all = [&self.of_live, &self.of_copy];
        all.into_iter().any(|it| it.of_kind(program.id.kind).any(is_it))
    }
}

/// The programs of some kinds, with what is said about events.
pub(super) fn programs(catalog: &Catalog, kinds: &[Kind]) -> Catalog {
    let is_about_event = |it: &Object| {
        it.id.kind == Kind::Comment && it.id.path.first().is_some_and(|it| it == Kind::Event.word())
    };
    catalog.filtered(|it| {
        kinds.contains(&it.id.kind) || kinds.contains(&Kind::Event) && is_about_event(it)
    })
}

/// The same programs, the events of which do not run.
pub(super) fn sleeping(mut programs: Catalog) -> Catalog {
    let events: Vec<_> = programs.of_kind(Kind::Event).cloned().collect();
    for mut event in events {
        event.attributes.insert("status", "disabled");
        programs.insert(event);
    }
    programs
}

/// A table with its database, as SQL.
pub(super) fn quoted(database: &str, table: &str) -> String {
    format!("{}.{}", quote_ident(database), quote_ident(table))
}
