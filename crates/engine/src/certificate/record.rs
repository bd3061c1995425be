//! A catalog as fingerprints: of the whole, of each class of objects, of each object.

use std::collections::BTreeMap;

use raingauge_schema::{Catalog, Fingerprint, Kind, Object};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many digits of an object's fingerprint are kept: enough to tell which object changed, while the
/// fingerprint of its class, with all digits, tells that one did.
const OBJECT_DIGITS: usize = 16;

/// A catalog as fingerprints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CatalogRecord {
    /// Of all objects together.
    #[schemars(with = "String")]
    pub fingerprint: Fingerprint,
    /// How many objects there are.
    pub count: usize,
    /// One for each kind of object that there is.
    pub classes: Vec<ClassRecord>,
}

/// All objects of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClassRecord {
    /// `table`, `primary-key` …
    pub class: String,
    pub count: usize,
    /// Of all objects of the class together.
    #[schemars(with = "String")]
    pub fingerprint: Fingerprint,
    /// Name to the first 16 digits of the object's own fingerprint.
    pub objects: BTreeMap<String, String>,
}

impl CatalogRecord {
    /// The fingerprints of a catalog.
    pub fn of(catalog: &Catalog) -> Self {
        let mut kinds: Vec<Kind> = catalog.objects().map(|it| it.id.kind).collect();
        kinds.dedup();
        Self {
            fingerprint: catalog.fingerprint(),
            count: catalog.len(),
            classes: kinds.into_iter().map(|kind| ClassRecord::of(catalog, kind)).collect(),
        }
    }

    /// What differs, class by class and object by object, for people; nothing when all is equal.
    pub fn differences(&self, found: &Self) -> Vec<String> {
        let mut names: Vec<&str> =
            self.classes.iter().chain(&found.classes).map(|it| it.class.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let mut lines = Vec::new();
        for name in names {
            lines.extend(class_differences(name, self.class(name), found.class(name)));
        }
        if lines.is_empty() && self.fingerprint != found.fingerprint {
            // Only a certificate that was put together by hand says so.
            lines.push(
                "the whole: another fingerprint, although every class has the same".to_owned(),
            );
        }
        lines
    }

    fn class(&self, name: &str) -> Option<&ClassRecord> {
        self.classes.iter().find(|it| it.class == name)
    }
}

impl ClassRecord {
    fn of(catalog: &Catalog, kind: Kind) -> Self {
        let each: Vec<_> = catalog.of_kind(kind).map(Object::fingerprint).collect();
        let names = catalog.of_kind(kind).map(|it| it.id.dotted());
        let short = |it: &Fingerprint| it.as_str().chars().take(OBJECT_DIGITS).collect();
        Self {
            class: class_name(kind),
            count: each.len(),
            fingerprint: Fingerprint::of_parts(each.iter().map(Fingerprint::as_str)),
            objects: names.zip(each.iter().map(short)).collect(),
        }
    }
}

/// The kind as it stands in JSON everywhere: `primary-key`.
fn class_name(kind: Kind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(_) | Err(_) => kind.word().to_owned(),
    }
}

fn class_differences(
    name: &str,
    certified: Option<&ClassRecord>,
    found: Option<&ClassRecord>,
) -> Vec<String> {
    if certified.map(|it| &it.fingerprint) == found.map(|it| &it.fingerprint) {
        return Vec::new();
    }
    let none = BTreeMap::new();
    let certified = certified.map_or(&none, |it| &it.objects);
    let found = found.map_or(&none, |it| &it.objects);
    let mut lines = vec![format!("{name}: {} certified, {} found", certified.len(), found.len())];
    for (object, digits) in certified {
        match found.get(object) {
            None => lines.push(format!("{name} {object}: certified, and not there")),
            Some(other) if other != digits => lines.push(format!("{name} {object}: differs")),
            Some(_) => {}
        }
    }
    let new = found.keys().filter(|it| !certified.contains_key(*it));
    lines.extend(new.map(|it| format!("{name} {it}: there, and not certified")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(kind: &str) -> Catalog {
        Catalog::new([
            Object::new(Kind::Table, ["public", "books"]),
            Object::new(Kind::Column, ["public", "books", "id"]).with("type", kind),
            Object::new(Kind::Column, ["public", "books", "a.b"]).with("type", "text"),
        ])
    }

    #[test]
    fn a_changed_object_is_named_with_its_class_and_nothing_else_is() {
        let (from, to) =
            (CatalogRecord::of(&catalog("integer")), CatalogRecord::of(&catalog("text")));
        assert_eq!(from.differences(&from), [""; 0]);
        assert_eq!(
            from.differences(&to),
            ["column: 2 certified, 2 found", "column public.books.id: differs"]
        );
    }

    #[test]
    fn a_class_that_is_gone_and_one_that_is_new_are_told() {
        let empty = CatalogRecord::of(&Catalog::default());
        let full = CatalogRecord::of(&catalog("text"));
        assert_eq!(
            full.differences(&empty).last().map(String::as_str),
            Some("table public.books: certified, and not there")
        );
        assert!(empty.differences(&full).contains(&"table: 0 certified, 1 found".to_owned()));
    }

    #[test]
    fn every_object_has_a_line_of_its_own_whatever_its_name() {
        let odd = [["a", "b.c"], ["a.b", "c"], ["a\"", "b"], ["a", "\"b"], ["a\".\"b", "c"]];
        let objects = odd.iter().map(|it| Object::new(Kind::Table, *it));
        let record = CatalogRecord::of(&Catalog::new(objects));
        assert_eq!(record.classes[0].objects.len(), odd.len());
    }
}
