//! What drizzle-kit does to a column that is on both sides: one statement for each thing that differs,
//! each of them with the whole new column (`prepareAlterColumnsMysql`).

use super::super::snapshot::Column;
use crate::pair::Pair;

/// What of a column a statement is about. The statement has all of the new column but for this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modification {
    AutoIncrement,
    Type,
    Default,
    NotNull,
    /// Becomes a generated column.
    Generate,
    /// Is made by another expression: the column is dropped and added.
    Regenerate,
    /// Is no generated column any more.
    Degenerate,
    OnUpdate,
}

/// The statements of all columns: those about `AUTO_INCREMENT` before all others.
pub(super) fn modifications<'a>(
    columns: &[Pair<&'a Column>],
) -> Vec<(Pair<&'a Column>, Modification)> {
    let columns: Vec<_> = columns.iter().copied().filter(|it| !differs_by_a_space(*it)).collect();
    let increments = columns.iter().filter(|it| it.from.autoincrement != it.to.autoincrement);
    let increments = increments.map(|it| (*it, Modification::AutoIncrement));
    let others = columns.iter().flat_map(|it| others(*it).into_iter().map(|kind| (*it, kind)));
    increments.chain(others).collect()
}

fn others(columns: Pair<&Column>) -> Vec<Modification> {
    let Pair { from, to } = columns;
    let generation = match (&from.generated, &to.generated) {
        (None, Some(_)) => Some(Modification::Generate),
        (Some(_), None) => Some(Modification::Degenerate),
        (Some(from), Some(to)) if from != to => Some(Modification::Regenerate),
        _ => None,
    };
    let when = |differs: bool, kind| differs.then_some(kind);
    [
        when(from.r#type != to.r#type, Modification::Type),
        when(from.default != to.default, Modification::Default),
        when(from.not_null != to.not_null, Modification::NotNull),
        generation,
        when(from.on_update != to.on_update, Modification::OnUpdate),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// drizzle-kit passes over a column whose types differ by a space only, whatever else differs.
fn differs_by_a_space(columns: Pair<&Column>) -> bool {
    let Pair { from, to } = columns;
    let spaced = |it: &Column| it.r#type.replacen(" (", "(", 1);
    from.r#type != to.r#type && spaced(from) == spaced(to)
}

/// What no statement says.
pub(super) fn not_expressed(table: &str, columns: Pair<&Column>) -> Vec<String> {
    if !differs_by_a_space(columns) || others(columns) == [Modification::Type] {
        return Vec::new();
    }
    vec![format!("column `{table}.{}` changes along with a space in its type", columns.to.name)]
}
