//! What has to happen before what, where drizzle-kit takes things as they come and MySQL refuses.

use super::{Altered, Change, Modification};
use crate::mysql::grammar::{mentions, quote_ident};
use crate::mysql::snapshot::{PrimaryKey, View};
use crate::rename::{NameKind, Rename};

/// How many characters MySQL takes for a name.
const NAME_CHARACTERS: usize = 64;

/// The checks that go and speak of a column that gets another name: MySQL renames it only after them.
pub(super) fn checks_of_renamed<'a>(
    altered: &[Altered<'a>],
    renames: &[Rename],
) -> Vec<Change<'a>> {
    let columns = renames.iter().filter(|it| it.kind == NameKind::Column);
    let columns: Vec<_> = columns.map(|it| (it.to[0].as_str(), it)).collect();
    let speaks = |table: &str, text: &str| {
        columns.iter().any(|(of, it)| {
            *of == table && (mentions(text, it.old_name()) || mentions(text, it.new_name()))
        })
    };
    let gone = altered.iter().flat_map(|table| {
        let checks = table.gone_checks().into_iter();
        let speaking = checks.filter(|it| speaks(table.name(), &it.value));
        speaking.map(|it| Change::DropCheck { table: table.name(), name: &it.name })
    });
    gone.collect()
}

/// Puts keys on new columns after these, or into the statement of the one that counts; and the null of
/// a column that leaves a key after the key.
pub(super) fn around_keys<'a>(
    altered: &[Altered<'a>],
    changes: Vec<Change<'a>>,
) -> Vec<Change<'a>> {
    let of_new = |it: &Change<'a>| {
        let Change::AddPrimaryKey { table, key } = it else { return false };
        let mut new =
            altered.iter().filter(|it| it.name() == *table).flat_map(|it| &it.columns.created);
        new.any(|it| key.columns.contains(&it.name))
    };
    let leaves = |it: &Change<'a>| {
        let Change::ModifyColumn { table, columns, modification: Modification::NotNull } = it
        else {
            return false;
        };
        let table = altered.iter().filter(|it| it.name() == *table);
        let mut keys = table.flat_map(|it| &it.keys.kept);
        let has = |key: &PrimaryKey| key.columns.contains(&columns.to.name);
        keys.any(|it| has(it.from) && !has(it.to))
    };
    let (keys, rest): (Vec<_>, Vec<_>) = changes.into_iter().partition(of_new);
    let (late, mut rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(leaves);
    for change in keys {
        let Change::AddPrimaryKey { table, key } = change else { continue };
        let is_of_key = |it: &Change<'a>| {
            matches!(it, Change::AddColumn { table: of, column, .. }
                if *of == table && key.columns.contains(&column.name))
        };
        let Some(last) = rest.iter().rposition(is_of_key) else { continue };
        if let Change::AddColumn { column, key: its, .. } = &mut rest[last]
            && column.autoincrement == Some(true)
        {
            *its = Some(key);
        } else {
            rest.insert(last + 1, Change::AddPrimaryKey { table, key });
        }
    }
    let last = rest.iter().rposition(|it| matches!(it, Change::ReplacePrimaryKey { .. }));
    let at = last.map_or(rest.len(), |it| it + 1);
    rest.splice(at..at, late);
    rest
}

/// Views after those that they read.
pub(super) fn views_in_order(views: Vec<Change<'_>>) -> Vec<Change<'_>> {
    let (mut rest, mut sorted) = (views, Vec::new());
    while !rest.is_empty() {
        let waits = |it: &Change<'_>| {
            let others = rest.iter().filter_map(created).filter(|other| created(it) != Some(other));
            created(it).is_some_and(|view| others.into_iter().any(|other| reads(view, other)))
        };
        // Those that read one another in a circle stay as they came.
        let next = rest.iter().position(|it| !waits(it)).unwrap_or(0);
        sorted.push(rest.remove(next));
    }
    sorted
}

fn created<'a>(change: &Change<'a>) -> Option<&'a View> {
    let Change::CreateView { view, .. } = change else { return None };
    Some(view)
}

fn reads(view: &View, other: &View) -> bool {
    view.definition.as_deref().is_some_and(|it| it.contains(&quote_ident(&other.name)))
}

/// Names of new foreign keys that MySQL does not take.
pub(super) fn too_long(changes: &[Change<'_>]) -> Vec<String> {
    let keys = changes.iter().filter_map(|it| {
        let Change::AddForeignKey(key) = it else { return None };
        Some(key)
    });
    let long = keys.filter(|it| NAME_CHARACTERS < it.name.chars().count());
    long.map(|it| {
        format!(
            "foreign key `{}` of `{}` has a longer name than the {NAME_CHARACTERS} characters that MySQL takes: give it one with `foreignKey({{ name }})`",
            it.name, it.table_from
        )
    })
    .collect()
}
