//! What live has beside its structure, and what no baseline or dump of the structure carries.

use raingauge_schema::{Catalog, Kind, Object, mysql};

use crate::report::Finding;

/// Properties of the database that somebody gave it, and that a rebuilt one has to be given again.
const GIVEN: [&str; 5] =
    ["settings", "settings of roles", "connection limit", "security labels", "large objects"];

/// One finding, if there is anything to tell.
pub fn surroundings(live: &Catalog) -> Option<Finding> {
    // Counters of MySQL go with the rows, and how it spells a column is no property.
    let is_whole = |it: &&Object| !matches!(it.id.kind, Kind::Table | Kind::Column);
    let whole = live.surroundings.iter().filter(is_whole);
    let lines: Vec<_> = whole.flat_map(told).collect();
    (!lines.is_empty()).then(|| {
        let finding = Finding::info(
            "beside-structure",
            "the database",
            "has what belongs to it as a whole; migrations do not carry it",
        );
        let finding = lines.into_iter().fold(finding, Finding::evidence);
        let how = match mysql::catalog::flavour(live) {
            Some(_) => "`SHOW GRANTS` shows how",
            None => "`pg_dump --create` shows how",
        };
        finding.next(format!("where another database is built, give it the same; {how}"))
    })
}

fn told(object: &Object) -> Vec<String> {
    let say = |(name, value): (&str, &str)| format!("{name}: {value}");
    let all = object.attributes.iter();
    match object.id.kind {
        Kind::Database => all.filter(|(name, _)| GIVEN.contains(name)).map(say).collect(),
        _ => all.map(|it| format!("{}: {}", object.id, say(it))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(surroundings: Vec<Object>) -> Catalog {
        let mut catalog = Catalog::new([]);
        catalog.surroundings = surroundings;
        catalog
    }

    fn database() -> Object {
        Object::new(Kind::Database, ["(this)"]).with("encoding", "UTF8")
    }

    #[test]
    fn a_database_without_anything_of_its_own_is_nothing_to_tell() {
        assert!(surroundings(&catalog(vec![database()])).is_none());
    }

    #[test]
    fn settings_and_grants_of_the_database_are_told() {
        let grant =
            Object::new(Kind::Grant, ["database", "(this)", "app"]).with("privileges", "create");
        let database = database().with("settings", "work_mem=9MB").with("large objects", "2");
        let finding = surroundings(&catalog(vec![database, grant])).unwrap();
        assert_eq!(
            finding.evidence,
            [
                "large objects: 2",
                "settings: work_mem=9MB",
                "grant on database.(this).app: privileges: create"
            ]
        );
    }
}
