//! Renames: which of what goes and what comes are one thing under two names. Nobody can see that in two
//! snapshots, so people say it; what they leave open is a question.
//!
//! The kinds are settled one after the other, as drizzle-kit does it: a column of a renamed table is
//! looked for under the table's new name.

mod hints;

use std::fmt;

use indexmap::{IndexMap, IndexSet};

pub use hints::{Hint, Hints, HintsError};

/// What can be renamed, in the order in which it is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameKind {
    Schema,
    Enum,
    Sequence,
    Role,
    Table,
    Column,
    Unique,
    Check,
    Index,
    PrimaryKey,
    ForeignKey,
    Policy,
    View,
}

/// A name with all that it stands in: `["public", "users", "id"]`. SQLite's have no schema.
pub type Path = Vec<String>;

/// One thing under two names. A table may go to another schema, what stands on a table stays there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    pub kind: NameKind,
    pub from: Path,
    pub to: Path,
}

/// Something that comes while others of its kind go: is it one of them?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub kind: NameKind,
    pub created: Path,
    pub dropped: Vec<Path>,
}

/// What was settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    pub renames: Vec<Rename>,
    pub questions: Vec<Question>,
    /// What was said and fits nothing, as it was said.
    pub unused: Vec<String>,
    /// What was said without its kind and fits things of several kinds.
    pub ambiguous: Vec<String>,
}

/// Something whose parts have names.
pub trait Named: Clone {
    /// The names of all parts of a kind.
    fn names(&self, kind: NameKind) -> Vec<Path>;

    /// Gives one part another name.
    fn rename(&mut self, rename: &Rename);
}

impl NameKind {
    pub const ALL: [Self; 13] = [
        Self::Schema,
        Self::Enum,
        Self::Sequence,
        Self::Role,
        Self::Table,
        Self::Column,
        Self::Unique,
        Self::Check,
        Self::Index,
        Self::PrimaryKey,
        Self::ForeignKey,
        Self::Policy,
        Self::View,
    ];

    /// The word that the hints of drizzle-kit 1.0 use.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Enum => "enum",
            Self::Sequence => "sequence",
            Self::Role => "role",
            Self::Table => "table",
            Self::Column => "column",
            Self::Unique => "unique",
            Self::Check => "check",
            Self::Index => "index",
            Self::PrimaryKey => "primary_key",
            Self::ForeignKey => "foreign key",
            Self::Policy => "policy",
            Self::View => "view",
        }
    }

    /// That of a word of the hints.
    pub fn of_hint(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.hint() == word)
    }

    /// Whether it stands on a table, and stays there.
    pub fn is_on_table(self) -> bool {
        match self {
            Self::Column
            | Self::Unique
            | Self::Check
            | Self::Index
            | Self::PrimaryKey
            | Self::ForeignKey
            | Self::Policy => true,
            Self::Schema | Self::Enum | Self::Sequence | Self::Role | Self::Table | Self::View => {
                false
            }
        }
    }

    /// Whether to ask. Constraints and indexes hold nothing: dropped and made again they are the same,
    /// so only who wants them renamed has to say so.
    fn is_asked(self) -> bool {
        match self {
            Self::Unique | Self::Check | Self::Index | Self::PrimaryKey | Self::ForeignKey => false,
            Self::Schema
            | Self::Enum
            | Self::Sequence
            | Self::Role
            | Self::Table
            | Self::Column
            | Self::Policy
            | Self::View => true,
        }
    }
}

impl fmt::Display for NameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::PrimaryKey { "primary key" } else { self.hint() })
    }
}

impl Rename {
    /// The old name, without what it stands in.
    pub fn old_name(&self) -> &str {
        self.from.last().map_or("", String::as_str)
    }

    /// The new name, without what it stands in.
    pub fn new_name(&self) -> &str {
        self.to.last().map_or("", String::as_str)
    }

    /// Whether it goes to another schema.
    pub fn is_moved(&self) -> bool {
        !self.kind.is_on_table() && self.from.len() > 1 && self.from.first() != self.to.first()
    }
}

/// A path as people write it: without `public`.
pub fn spelled(path: &[String]) -> String {
    match path {
        [first, rest @ ..] if first == "public" && !rest.is_empty() => rest.join("."),
        path => path.join("."),
    }
}

/// Settles what goes and what comes, by what was said about it.
pub fn settle<N: Named>(from: &N, to: &N, hints: &Hints) -> Settled {
    let mut settled = Settled { ambiguous: ambiguous(from, to, hints), ..Settled::default() };
    let mut state = from.clone();
    let mut used = vec![false; hints.all.len()];
    for kind in NameKind::ALL {
        // Until it is known where something stands, nobody can tell what became of it.
        if settled.questions.iter().any(|it| it.kind == NameKind::Schema) {
            break;
        }
        for Group { mut dropped, created } in groups(&state, to, kind) {
            for created in created {
                let mut answers = hints.all.iter().enumerate().filter_map(|(index, hint)| {
                    let answer = answer(hint, (kind, &created), &dropped, &settled.renames);
                    answer.map(|it| (index, it))
                });
                match answers.next() {
                    Some((index, Some(old))) => {
                        used[index] = true;
                        dropped.retain(|it| *it != old);
                        let rename = Rename { kind, from: old, to: created };
                        state.rename(&rename);
                        settled.renames.push(rename);
                    }
                    Some((index, None)) => used[index] = true,
                    None if dropped.is_empty() || !kind.is_asked() => {}
                    None => {
                        let dropped = dropped.clone();
                        settled.questions.push(Question { kind, created, dropped });
                    }
                }
            }
        }
    }
    let unused = hints.all.iter().zip(used).filter(|it| !it.1 && *it.0 != Hint::Confirm);
    settled.unused = unused.map(|it| it.0.to_string()).collect();
    settled
}

/// What goes and comes in one place.
#[derive(Default)]
struct Group {
    dropped: Vec<Path>,
    created: Vec<Path>,
}

fn groups<N: Named>(from: &N, to: &N, kind: NameKind) -> Vec<Group> {
    let names = |it: &N, kind| it.names(kind).into_iter().collect::<IndexSet<Path>>();
    let (old, new) = (names(from, kind), names(to, kind));
    let tables = match kind.is_on_table() {
        true => Some([from, to].map(|it| names(it, NameKind::Table))),
        false => None,
    };
    let place = |it: &Path| match kind.is_on_table() {
        true => it[..it.len() - 1].to_vec(),
        false => Vec::new(),
    };
    // On a table that itself comes or goes there is nothing to rename.
    let stays = |it: &Path| {
        tables
            .iter()
            .flatten()
            .all(|tables| tables.contains(it.split_last().map_or(&[][..], |it| it.1)))
    };
    let mut groups: IndexMap<Path, Group> = IndexMap::new();
    for it in new.difference(&old).filter(|it| stays(it)) {
        groups.entry(place(it)).or_default().created.push(it.clone());
    }
    for it in old.difference(&new).filter(|it| stays(it)) {
        groups.entry(place(it)).or_default().dropped.push(it.clone());
    }
    groups.into_values().collect()
}

/// What a hint says something new was before, if it speaks of it: a thing that goes, or nothing.
fn answer(
    hint: &Hint,
    created: (NameKind, &Path),
    dropped: &[Path],
    renames: &[Rename],
) -> Option<Option<Path>> {
    let (kind, created) = created;
    match hint {
        Hint::Rename { from, to, .. } if hint.is_of(kind) && to.is_new_name(kind, created) => {
            let is_old = |it: &&Path| {
                from.is_name(it) || before(it, kind, renames).is_some_and(|it| from.is_name(&it))
            };
            dropped.iter().find(is_old).map(|it| Some(it.clone()))
        }
        Hint::Create { entity, .. } if hint.is_of(kind) && entity.is_name(created) => {
            (!dropped.is_empty()).then_some(None)
        }
        Hint::Rename { .. } | Hint::Create { .. } | Hint::Confirm => None,
    }
}

/// The name of something on a renamed table while the table had its old name.
fn before(path: &Path, kind: NameKind, renames: &[Rename]) -> Option<Path> {
    let (name, table) = path.split_last().filter(|_| kind.is_on_table())?;
    let rename = renames.iter().find(|it| it.kind == NameKind::Table && it.to == table)?;
    Some(rename.from.iter().chain([name]).cloned().collect())
}

/// Hints without a kind that fit things of several.
fn ambiguous<N: Named>(from: &N, to: &N, hints: &Hints) -> Vec<String> {
    let fits = |hint: &Hint, kind: NameKind| {
        let fits = |group: &Group, created: &Path| {
            answer(hint, (kind, created), &group.dropped, &[]).is_some()
        };
        groups(from, to, kind).iter().any(|group| group.created.iter().any(|it| fits(group, it)))
    };
    let open = hints.all.iter().filter(|it| it.has_no_kind());
    let of_several =
        open.filter(|it| NameKind::ALL.iter().filter(|kind| fits(it, **kind)).count() > 1);
    of_several.map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names by kind, as `table a.b` in one line each.
    #[derive(Clone)]
    struct Names(Vec<(NameKind, Path)>);

    impl Named for Names {
        fn names(&self, kind: NameKind) -> Vec<Path> {
            self.0.iter().filter(|it| it.0 == kind).map(|it| it.1.clone()).collect()
        }

        fn rename(&mut self, rename: &Rename) {
            for (kind, path) in &mut self.0 {
                let is_it = *kind == rename.kind && *path == rename.from;
                let is_on = kind.is_on_table() && path.starts_with(&rename.from);
                if is_it || (rename.kind == NameKind::Table && is_on) {
                    path.splice(..rename.from.len(), rename.to.iter().cloned());
                }
            }
        }
    }

    fn names(all: &[&str]) -> Names {
        let parse = |it: &&str| {
            let (kind, path) = it.rsplit_once(' ').unwrap();
            (NameKind::of_hint(kind).unwrap(), path.split('.').map(str::to_owned).collect())
        };
        Names(all.iter().map(parse).collect())
    }

    fn hints(said: &[&str]) -> Hints {
        let mut all = Hints::default();
        for it in said {
            match it.strip_prefix("create ") {
                Some(it) => all.create(it).unwrap(),
                None => all.rename(it).unwrap(),
            }
        }
        all
    }

    #[track_caller]
    fn check(from: &[&str], to: &[&str], said: &[&str], expected: &[&str]) {
        let settled = settle(&names(from), &names(to), &hints(said));
        let renames = settled
            .renames
            .iter()
            .map(|it| format!("{} {} is {}", it.kind, spelled(&it.from), spelled(&it.to)));
        let questions = settled.questions.iter().map(|it| {
            let dropped: Vec<_> = it.dropped.iter().map(|it| spelled(it)).collect();
            format!("{} {}? {}", it.kind, spelled(&it.created), dropped.join(" "))
        });
        let unused = settled.unused.iter().map(|it| format!("unused {it}"));
        let ambiguous = settled.ambiguous.iter().map(|it| format!("ambiguous {it}"));
        let found: Vec<_> = renames.chain(questions).chain(unused).chain(ambiguous).collect();
        assert_eq!(found, expected);
    }

    const OLD: &[&str] = &["table public.users", "column public.users.id", "column public.users.n"];

    #[test]
    fn what_comes_while_something_goes_is_a_question() {
        let to = &["table public.users", "column public.users.id", "column public.users.k"];
        check(OLD, to, &[], &["column users.k? users.n"]);
        check(OLD, to, &["users.n:users.k"], &["column users.n is users.k"]);
        check(OLD, to, &["users.n:k"], &["column users.n is users.k"]);
        check(OLD, to, &["public.users.n:public.users.k"], &["column users.n is users.k"]);
        check(OLD, to, &["column:users.n:k"], &["column users.n is users.k"]);
        check(OLD, to, &["create users.k"], &[]);
        check(OLD, to, &["create column:users.k"], &[]);
    }

    #[test]
    fn what_only_comes_or_only_goes_is_no_question() {
        let more = &[
            "table public.users",
            "column public.users.id",
            "column public.users.n",
            "column public.users.k",
        ];
        check(OLD, more, &[], &[]);
        check(more, OLD, &[], &[]);
    }

    #[test]
    fn a_column_of_a_renamed_table_goes_by_either_name_of_it() {
        let to = &["table public.people", "column public.people.id", "column public.people.k"];
        check(OLD, to, &[], &["table people? users"]);
        let found = ["table users is people", "column people.n is people.k"];
        check(OLD, to, &["users:people", "users.n:people.k"], &found);
        check(OLD, to, &["users:people", "people.n:k"], &found);
        check(OLD, to, &["users:people"], &[found[0], "column people.k? people.n"]);
    }

    #[test]
    fn one_thing_has_one_new_name() {
        let to = &[
            "table public.users",
            "column public.users.a",
            "column public.users.b",
            "column public.users.id",
        ];
        check(OLD, to, &["users.n:b"], &["column users.n is users.b", "column users.a? users.n"]);
        check(OLD, to, &["users.n:a"], &["column users.n is users.a"]);
        check(
            OLD,
            to,
            &["users.n:a", "users.n:b"],
            &["column users.n is users.a", "unused users.n:b"],
        );
    }

    #[test]
    fn a_hint_that_fits_nothing_is_told() {
        let to = &["table public.users", "column public.users.id", "column public.users.k"];
        let question = "column users.k? users.n";
        check(OLD, to, &["users.m:k"], &[question, "unused users.m:k"]);
        check(OLD, to, &["table:users.n:users.k"], &[question, "unused table:users.n:users.k"]);
        check(OLD, OLD, &["create users.n"], &["unused users.n"]);
    }

    #[test]
    fn a_hint_that_fits_two_kinds_is_not_used() {
        let (from, to) =
            (&["table public.a", "view public.a"], &["table public.b", "view public.b"]);
        let found = settle(&names(from), &names(to), &hints(&["a:b"]));
        assert_eq!(found.ambiguous, ["a:b"]);
        check(from, to, &["table:a:b", "view:a:b"], &["table a is b", "view a is b"]);
    }

    #[test]
    fn constraints_are_renamed_for_who_says_so_and_never_asked_about() {
        let (from, to) = (&["table t", "index t.a"], &["table t", "index t.b"]);
        check(from, to, &[], &[]);
        check(from, to, &["index:t.a:t.b"], &["index t.a is t.b"]);
    }

    #[test]
    fn hints_of_drizzle_1_0_are_understood() {
        let json = r#"[
            {"type":"rename","kind":"table","from":["public","users"],"to":["public","people"]},
            {"type":"create","kind":"column","entity":["public","people","k"]},
            {"type":"confirm_data_loss","kind":"table","entity":["public","old"]}
        ]"#;
        let to = ["table public.people", "column public.people.id", "column public.people.k"];
        let mut hints = Hints::default();
        hints.read(json).unwrap();
        let settled = settle(&names(OLD), &names(&to), &hints);
        assert_eq!((settled.renames.len(), settled.questions.len()), (1, 0));
        assert!(settled.unused.is_empty(), "{:?}", settled.unused);
        // SQLite has no schemas, and the hints say `public` there too.
        let (from, to) = (names(&["table users"]), names(&["table people"]));
        assert_eq!(settle(&from, &to, &hints).renames.len(), 1);
    }

    #[test]
    fn what_is_no_hint_is_refused() {
        for said in ["", "a", ":b", "a:", "a:b:c", "nothing:a:b:c"] {
            assert!(Hints::default().rename(said).is_err(), "{said}");
        }
        for said in ["", "a:b"] {
            assert!(Hints::default().create(said).is_err(), "{said}");
        }
        for json in ["{}", "[1]", r#"[{"type":"rename"}]"#, r#"[{"type":"guess"}]"#, "["] {
            assert!(Hints::default().read(json).is_err(), "{json}");
        }
        let odd = r#"[{"type":"rename","kind":"tabel","from":["a"],"to":["b"]}]"#;
        let error = Hints::default().read(odd).unwrap_err().to_string();
        assert_eq!(error, "hint 1: `tabel` is no kind of thing that can be renamed");
    }
}
