//! T25: every attribute that somebody can change shows in exactly the objects that it belongs to.

use std::collections::BTreeSet;

use raingauge_engine::introspect::catalog_within;
use raingauge_engine::scratch::ScratchDatabase;
use raingauge_schema::postgres::catalog::attributes;
use raingauge_schema::{Catalog, Kind, Pair, compare};

use crate::postgres_catalog::{EVERYTHING, ledger, read, run};
use crate::postgres_session::scratch;

const FLIPS: &str = include_str!("sql/flips.sql");

/// For the length of a transaction only: a subscription holds its database, no provider of labels is
/// loaded, and who granted something is for a superuser to rebuild.
const TRANSIENT: &str = "create subscription away connection 'host=nowhere password=s3cr3t-word' \
    publication one, two with (connect = false, enabled = false, slot_name = 'away'); \
    insert into pg_seclabel values ('public.books'::regclass, 'pg_class'::regclass, 0, 'p', 'secret'); \
    set role reader; grant select on public.books to writer; reset role";

const TRANSIENT_FLIPS: &str = "\
update pg_seclabel set label = 'open';
-- ~security label on table.public.books.p label

set role reader;
revoke select on public.books from writer;
reset role;
-- -grant on table.public.books.writer

set role reader;
grant select on public.books to writer with grant option;
reset role;
-- ~grant on table.public.books.writer privileges granted by reader

alter subscription away set publication one with (refresh = false);
-- ~subscription away publications

alter subscription away enable;
-- ~subscription away enabled

alter subscription away set (slot_name = 'other');
-- ~subscription away slot

alter subscription away set (synchronous_commit = on);
-- ~subscription away synchronous commit

alter subscription away set (binary = true, streaming = true, disable_on_error = true);
-- ~subscription away binary
-- ~subscription away disable on error
-- ~subscription away streaming

update pg_subscription set subtwophasestate = 'e';
-- ~subscription away two-phase

alter subscription away connection 'host=elsewhere password=s3cr3t-word';
";

/// Attributes that cannot be flipped here, and since which version of PostgreSQL they can.
const UNFLIPPED: &[(&str, u32)] = &[
    ("rules", 16),
    ("without password", 16),
    ("run as owner", 16),
    ("origin", 16),
    ("failover", 17),
    ("not enforced", 18),
    ("period", 18),
    ("generated columns", 18),
];

/// Statements, and what then differs: `~` changed, `+` new, `-` gone, `=` renamed.
#[derive(Clone, Default)]
struct Flip {
    sql: String,
    expected: BTreeSet<String>,
}

fn flips(text: &str) -> Vec<Flip> {
    let entry = |block: &str| {
        let lines = block.lines().filter(|it| !it.starts_with("---"));
        let (expected, sql): (Vec<_>, Vec<_>) = lines.partition(|it| it.starts_with("-- "));
        let expected = expected.iter().filter_map(|it| it.strip_prefix("-- ").map(str::to_owned));
        Flip { sql: sql.join("\n"), expected: expected.collect() }
    };
    text.split("\n\n").map(entry).filter(|it| !it.sql.trim().is_empty()).collect()
}

/// The statements of all flips that can be committed.
pub(crate) fn statements() -> Vec<String> {
    flips(FLIPS).into_iter().filter(|it| !it.is_by_hand()).map(|it| it.sql).collect()
}

impl Flip {
    /// The objects of which something is expected.
    fn subjects(&self, before: &Catalog) -> BTreeSet<String> {
        let known: BTreeSet<_> = before.objects().map(|it| it.id.to_string()).collect();
        let subject = |line: &String| {
            let mut text: String = line.chars().skip(1).collect();
            while line.starts_with('~') && !known.contains(&text) {
                let (shorter, _) = text.rsplit_once(' ').expect("a changed object is known");
                text = shorter.to_owned();
            }
            text
        };
        self.expected.iter().map(subject).collect()
    }

    fn is_by_hand(&self) -> bool {
        self.sql.contains("update pg_")
    }
}

/// Flips of different objects that are tried together.
#[derive(Default)]
struct Group {
    flip: Flip,
    subjects: BTreeSet<String>,
    n_flips: usize,
}

impl Group {
    /// Whether another flip can neither hide nor disturb one of the group. After a catalog was changed by
    /// hand the server may refuse or misread other statements.
    fn takes(&self, flip: &Flip, subjects: &BTreeSet<String>) -> bool {
        self.n_flips < 12
            && self.subjects.is_disjoint(subjects)
            && self.flip.is_by_hand() == flip.is_by_hand()
    }

    fn add(&mut self, flip: Flip, subjects: BTreeSet<String>) {
        self.flip.sql = [self.flip.sql.as_str(), &flip.sql].join("\n");
        self.flip.expected.extend(flip.expected);
        self.subjects.extend(subjects);
        self.n_flips += 1;
    }
}

/// Puts flips of different objects together, so that the catalog is read less often. With
/// `RAINGAUGE_FULL` each one is on its own.
fn together(flips: Vec<Flip>, before: &Catalog) -> Vec<Flip> {
    if std::env::var_os("RAINGAUGE_FULL").is_some() {
        return flips;
    }
    let mut groups: Vec<Group> = Vec::new();
    for flip in flips {
        let subjects = flip.subjects(before);
        match groups.iter_mut().find(|it| it.takes(&flip, &subjects)) {
            Some(group) => group.add(flip, subjects),
            None => groups.push(Group { flip, subjects, n_flips: 1 }),
        }
    }
    groups.into_iter().map(|it| it.flip).collect()
}

/// What differs, in the words of the flips.
pub(crate) fn differences(from: &Catalog, to: &Catalog) -> Vec<String> {
    let it = compare(Pair { from, to });
    let changed = it.differs.iter().flat_map(|object| {
        object.attributes.iter().map(move |attribute| format!("~{} {}", object.id, attribute.name))
    });
    let gone = it.only_from.iter().map(|object| format!("-{}", object.id));
    let new = it.only_to.iter().map(|object| format!("+{}", object.id));
    let renamed = it.renamed.iter().map(|pair| format!("={}", pair.from));
    let mut all: Vec<_> = gone.chain(new).chain(changed).chain(renamed).collect();
    all.sort();
    all
}

/// The name without what a database adds: `check` of `check price_positive`.
fn attribute_name(name: &str) -> &str {
    let added = ["check ", "mapping ", "members: ", "privileges granted by "];
    added.iter().find(|it| name.starts_with(**it)).map_or(name, |it| it.trim_end())
}

/// What has been flipped so far, and what was not as expected.
#[derive(Default)]
struct Outcome {
    flipped: BTreeSet<(Kind, String)>,
    seen: BTreeSet<(Kind, String)>,
    wrong: Vec<String>,
}

impl Outcome {
    fn try_all(&mut self, database: &mut ScratchDatabase, setup: &str, flips: Vec<Flip>) {
        run(database, &format!("begin; {setup}"));
        let before = catalog_within(&mut database.session, &[ledger()]).unwrap();
        self.see(&before);
        for flip in together(flips, &before) {
            run(database, "savepoint flip");
            run(database, &flip.sql);
            let after = catalog_within(&mut database.session, &[ledger()]).unwrap();
            run(database, "rollback to flip");
            self.compare(&flip, Pair { from: &before, to: &after });
        }
        run(database, "rollback");
    }

    fn see(&mut self, catalog: &Catalog) {
        for object in catalog.objects() {
            let names = object.attributes.keys();
            self.seen.extend(names.map(|it| (object.id.kind, attribute_name(it).to_owned())));
        }
    }

    fn compare(&mut self, flip: &Flip, catalogs: Pair<&Catalog>) {
        self.see(catalogs.to);
        let found = differences(catalogs.from, catalogs.to).into_iter().collect::<BTreeSet<_>>();
        if found != flip.expected {
            let missing: Vec<_> = flip.expected.difference(&found).collect();
            let more: Vec<_> = found.difference(&flip.expected).collect();
            self.wrong.push(format!("{}\n  missing {missing:#?}\n  more {more:#?}", flip.sql));
        }
        let same = catalogs.from.fingerprint() == catalogs.to.fingerprint();
        assert_eq!(found.is_empty(), same, "{}", flip.sql);
        for object in &compare(catalogs).differs {
            let names = object.attributes.iter().map(|it| attribute_name(&it.name).to_owned());
            self.flipped.extend(names.map(|it| (object.id.kind, it)));
        }
    }

    /// Attributes that nobody has flipped, of the kinds that were seen and in any kind.
    fn unflipped(&self) -> Vec<String> {
        let is_excused = |name: &str| UNFLIPPED.iter().any(|(it, _)| *it == name);
        let seen = self.seen.difference(&self.flipped).filter(|(_, it)| !is_excused(it));
        let seen = seen.map(|(kind, it)| format!("{} {it}", kind.word()));
        let flipped: BTreeSet<_> = self.flipped.iter().map(|(_, it)| it.as_str()).collect();
        let never = attributes();
        let never = never.iter().filter(|it| !flipped.contains(*it) && !is_excused(it));
        seen.chain(never.map(|it| format!("any {it}"))).collect()
    }
}

#[test]
fn t25_every_flip_changes_exactly_what_it_belongs_to() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("test").unwrap();
    run(&mut database, "set allow_in_place_tablespaces = on");
    // It is everybody's on this server, like a role.
    let _ = database.session.run("create tablespace elsewhere location ''");
    run(&mut database, EVERYTHING);
    let mut outcome = Outcome::default();
    outcome.try_all(&mut database, "", flips(FLIPS));
    outcome.try_all(&mut database, TRANSIENT, flips(TRANSIENT_FLIPS));
    assert!(outcome.wrong.is_empty(), "{}:\n{}", outcome.wrong.len(), outcome.wrong.join("\n"));
    assert_eq!(outcome.unflipped(), Vec::<String>::new(), "no entry of flips.sql changes these");
    assert_eq!(read(&database.dsn).of_kind(Kind::Subscription).count(), 0);
}
