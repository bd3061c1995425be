//! Random ids that the file has to give, the same in every run: a plan is known by its hash, and asked for
//! again by it.

use std::collections::BTreeMap;

use raingauge_schema::fingerprint::Fingerprint;

use super::SeedTable;

/// Puts an id that follows from its place for every random one, wherever it stands as a whole value.
pub(super) fn settle(tables: &mut [SeedTable]) {
    let mut settled: BTreeMap<String, String> = BTreeMap::new();
    for table in tables.iter() {
        let name = table.id.dotted();
        for (number, row) in table.rows.iter().enumerate() {
            for at in volatile(table).filter(|at| table.columns[*at].linked && is_uuid(&row[*at])) {
                let place = [name.as_str(), &table.columns[at].name, &number.to_string()];
                let id = || literal(&Fingerprint::of_parts(place));
                settled.entry(row[at].clone()).or_insert_with(id);
            }
        }
    }
    for table in tables {
        let columns: Vec<usize> = volatile(table).collect();
        for row in &mut table.rows {
            for at in &columns {
                if let Some(id) = settled.get(&row[*at]) {
                    row[*at].clone_from(id);
                }
            }
        }
    }
}

fn volatile(table: &SeedTable) -> impl Iterator<Item = usize> + use<'_> {
    (0..table.columns.len()).filter(|at| table.columns[*at].volatile)
}

/// Whether a literal is a UUID as both engines print one.
fn is_uuid(literal: &str) -> bool {
    let inner = literal.strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
    let is_part = |(part, length): (&str, usize)| {
        part.len() == length && part.chars().all(|it| matches!(it, '0'..='9' | 'a'..='f'))
    };
    let lengths = [8, 4, 4, 4, 12];
    inner.is_some_and(|it| {
        it.split('-').count() == lengths.len() && it.split('-').zip(lengths).all(is_part)
    })
}

/// A version 4 UUID out of the digits of a hash.
fn literal(hash: &Fingerprint) -> String {
    let digits: Vec<char> = hash.as_str().chars().collect();
    let part = |from: usize, to: usize| digits[from..to].iter().collect::<String>();
    format!("'{}-{}-4{}-8{}-{}'", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}
