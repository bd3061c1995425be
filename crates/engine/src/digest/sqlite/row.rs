//! One text for one row of a SQLite table, and its hash.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use twox_hash::XxHash3_128;

/// Longer values are not kept in memory a second time.
const LONG: usize = 1 << 16;

/// What is hashed of a row: two rows that differ never have the same, unless two long values have one hash.
///
/// A value carries its storage class, so `1`, `1.0`, `'1'` and `x'31'` are four values, and its length where
/// that can vary, so that moving a boundary changes the text.
#[derive(Default)]
pub(super) struct RowText(Vec<u8>);

impl RowText {
    /// Takes the place of the row before. Returns the row's hash, and how many bytes its values have.
    pub(super) fn hash(
        &mut self,
        row: &Row<'_>,
        n_columns: usize,
    ) -> rusqlite::Result<(u128, u64)> {
        self.0.clear();
        let mut bytes = 0;
        for at in 0..n_columns {
            bytes += match row.get_ref(at)? {
                ValueRef::Null => self.push(0, &[]),
                ValueRef::Integer(it) => self.push(1, &it.to_le_bytes()),
                ValueRef::Real(it) => self.push(2, &it.to_bits().to_le_bytes()),
                ValueRef::Text(it) => self.push_sized(3, it),
                ValueRef::Blob(it) => self.push_sized(4, it),
            };
        }
        Ok((XxHash3_128::oneshot(&self.0), bytes))
    }

    fn push(&mut self, class: u8, value: &[u8]) -> u64 {
        self.0.push(class);
        self.0.extend_from_slice(value);
        value.len() as u64
    }

    fn push_sized(&mut self, class: u8, value: &[u8]) -> u64 {
        let bytes = value.len() as u64;
        self.push(class, &bytes.to_le_bytes());
        if value.len() <= LONG {
            self.0.extend_from_slice(value);
        } else {
            self.0.extend_from_slice(&XxHash3_128::oneshot(value).to_le_bytes());
        }
        bytes
    }
}
