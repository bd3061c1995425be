//! Renames as SQL.
//!
//! The kit renames a table and a view before it moves them, and moves an enum and a sequence before it
//! renames them.

use super::{alter_table, qualified, quote};
use crate::rename::{NameKind, Rename};

/// A new name.
pub(super) fn renamed(it: &Rename, is_materialized: bool) -> String {
    let (old, new) = (it.old_name(), quote(it.new_name()));
    let (from, to) = (schema(&it.from), schema(&it.to));
    match it.kind {
        NameKind::Schema => format!("ALTER SCHEMA {} RENAME TO {new};\n", quote(old)),
        NameKind::Role => format!("ALTER ROLE {} RENAME TO {new};", quote(old)),
        NameKind::Enum => format!("ALTER TYPE {} RENAME TO {new};", qualified(to, old)),
        NameKind::Sequence => format!("ALTER SEQUENCE {} RENAME TO {new};", qualified(to, old)),
        NameKind::Table => format!("ALTER TABLE {} RENAME TO {new};", qualified(from, old)),
        NameKind::View => {
            format!("ALTER {} {} RENAME TO {new};", view(is_materialized), qualified(from, old))
        }
        NameKind::Column => {
            alter_table(from, table(it), &format!("RENAME COLUMN {} TO {new}", quote(old)))
        }
        NameKind::Index => format!("ALTER INDEX {} RENAME TO {new};", qualified(from, old)),
        NameKind::Policy => {
            let table = qualified(from, table(it));
            format!("ALTER POLICY {} ON {table} RENAME TO {new};", quote(old))
        }
        NameKind::Unique | NameKind::Check | NameKind::PrimaryKey | NameKind::ForeignKey => {
            alter_table(from, table(it), &format!("RENAME CONSTRAINT {} TO {new}", quote(old)))
        }
    }
}

/// Another schema.
pub(super) fn moved(it: &Rename, is_materialized: bool) -> String {
    let (from, to) = (schema(&it.from), quote(schema(&it.to)));
    let (old, new) = (qualified(from, it.old_name()), qualified(from, it.new_name()));
    match it.kind {
        NameKind::Enum => format!("ALTER TYPE {old} SET SCHEMA {to};"),
        NameKind::Sequence => format!("ALTER SEQUENCE {old} SET SCHEMA {to};"),
        NameKind::View => format!("ALTER {} {new} SET SCHEMA {to};", view(is_materialized)),
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
        | NameKind::Policy => format!("ALTER TABLE {new} SET SCHEMA {to};\n"),
    }
}

fn schema(path: &[String]) -> &str {
    path.first().map_or("", String::as_str)
}

fn table(it: &Rename) -> &str {
    it.from.get(1).map_or("", String::as_str)
}

fn view(is_materialized: bool) -> &'static str {
    if is_materialized { "MATERIALIZED VIEW" } else { "VIEW" }
}
