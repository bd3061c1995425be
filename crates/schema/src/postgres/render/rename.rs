//! Renames as SQL.

use super::super::diff::Renaming;
use super::{qualified, quote};
use crate::rename::{NameKind, Rename};

/// A new name.
pub(super) fn renamed(it: Renaming<'_>) -> String {
    let Renaming { rename: it, is_materialized } = it;
    let (old, new) = (it.old_name(), quote(it.new_name()));
    // Enums, sequences and tables are moved first.
    let to = schema(&it.to);
    match it.kind {
        NameKind::Schema => format!("ALTER SCHEMA {} RENAME TO {new};\n", quote(old)),
        NameKind::Role => format!("ALTER ROLE {} RENAME TO {new};", quote(old)),
        NameKind::Enum => format!("ALTER TYPE {} RENAME TO {new};", qualified(to, old)),
        NameKind::Sequence => format!("ALTER SEQUENCE {} RENAME TO {new};", qualified(to, old)),
        NameKind::Table => format!("ALTER TABLE {} RENAME TO {new};", qualified(bare(to), old)),
        NameKind::View => {
            let old = qualified(schema(&it.from), old);
            format!("ALTER {} {old} RENAME TO {new};", view(is_materialized))
        }
        NameKind::Policy => {
            format!("ALTER POLICY {} ON {} RENAME TO {new};", quote(old), table(it))
        }
        NameKind::Column => {
            format!("ALTER TABLE {} RENAME COLUMN {} TO {new};", table(it), quote(old))
        }
        // drizzle-kit 0.31 drops and creates these.
        NameKind::Unique
        | NameKind::Check
        | NameKind::Index
        | NameKind::PrimaryKey
        | NameKind::ForeignKey => String::new(),
    }
}

/// Another schema.
pub(super) fn moved(it: Renaming<'_>) -> String {
    let Renaming { rename: it, is_materialized } = it;
    let (from, to) = (schema(&it.from), quote(schema(&it.to)));
    let old = qualified(from, it.old_name());
    match it.kind {
        NameKind::Enum => format!("ALTER TYPE {old} SET SCHEMA {to};"),
        NameKind::Sequence => format!("ALTER SEQUENCE {old} SET SCHEMA {to};"),
        NameKind::View => {
            let new = qualified(from, it.new_name());
            format!("ALTER {} {new} SET SCHEMA {to};", view(is_materialized))
        }
        // What stands on a table, and what stands in no schema, does not move.
        NameKind::Table
        | NameKind::Schema
        | NameKind::Role
        | NameKind::Column
        | NameKind::Unique
        | NameKind::Check
        | NameKind::Index
        | NameKind::PrimaryKey
        | NameKind::ForeignKey
        | NameKind::Policy => format!("ALTER TABLE {old} SET SCHEMA {to};\n"),
    }
}

fn schema(path: &[String]) -> &str {
    path.first().map_or("", String::as_str)
}

/// Tables are written without `public`.
fn bare(schema: &str) -> &str {
    if schema == "public" { "" } else { schema }
}

/// The table that something stands on, as it is called by now.
fn table(it: &Rename) -> String {
    qualified(bare(schema(&it.from)), it.from.get(1).map_or("", String::as_str))
}

fn view(is_materialized: bool) -> &'static str {
    if is_materialized { "MATERIALIZED VIEW" } else { "VIEW" }
}
