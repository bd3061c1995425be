//! T45: what a `CASCADE` takes with it, told before it runs.
//!
//! The statement names one object and the server drops whatever depends on it: views, foreign keys,
//! functions. The catalogs of the rehearsal know which, and whether the migration makes them again.

use raingauge_schema::postgres::split::split;
use raingauge_schema::postgres::token::{identifier, tokens};
use raingauge_schema::{Catalog, Kind, ObjectId, Pair, compare};

use crate::report::Finding;

/// The objects that are gone after the migration, although no statement names them; unless someone
/// consented to each. `allowed` has what was consented to.
pub(super) fn findings(
    tag: &str,
    sql: &str,
    rehearsed: Pair<&Catalog>,
    allowed: &[String],
) -> Vec<Finding> {
    if !drops_with_cascade(sql) {
        return Vec::new();
    }
    let named: Vec<_> = tokens(sql).unwrap_or_default().iter().filter_map(identifier).collect();
    let gone: Vec<_> = compare(rehearsed).only_from.into_iter().map(|it| it.id).collect();
    let is_named = |id: &ObjectId| named.iter().any(|it| it == id.name());
    let is_part = |id: &ObjectId| gone.iter().any(|it| id != it && id.path.starts_with(&it.path));
    let victims = gone.iter().filter(|it| depends(it.kind) && !is_named(it) && !is_part(it));
    let one = |id: &ObjectId| {
        let consent = format!("drop:{}", short(id));
        (!allowed.contains(&consent)).then(|| {
            Finding::error(
                "cascade-drops",
                tag,
                format!("a CASCADE also drops {id}, which no statement names, and which is not made again; nothing was changed"),
            )
            .next("drop it by its name before, and make it again after, or take the CASCADE out")
            .next(format!("if it is meant to go: `--allow {consent}`"))
        })
    };
    victims.filter_map(one).collect()
}

/// Whether such an object is somebody's own, and no mere part or attribute of what is dropped.
fn depends(kind: Kind) -> bool {
    let is_part =
        matches!(kind, Kind::Grant | Kind::Comment | Kind::NotNull | Kind::Index | Kind::Sequence);
    !is_part
}

/// The name as consent has it: without `public`.
fn short(id: &ObjectId) -> String {
    let dotted = id.dotted();
    dotted.strip_prefix("public.").map_or(dotted.clone(), str::to_owned)
}

fn drops_with_cascade(sql: &str) -> bool {
    let cascades = |sql: &str| {
        tokens(sql).is_ok_and(|it| {
            let drops = it.first().is_some_and(|it| it.is_word("drop") || it.is_word("alter"));
            drops && it.last().is_some_and(|it| it.is_word("cascade"))
        })
    };
    let pieces = raingauge_schema::drizzle::migration::split(sql);
    pieces.iter().any(|it| split(it.sql).is_ok_and(|it| it.iter().any(|it| cascades(&it.sql))))
}

#[cfg(test)]
mod tests {
    use super::drops_with_cascade;

    #[test]
    fn a_key_that_cascades_is_no_drop_that_does() {
        assert!(drops_with_cascade("select 1;--> statement-breakpoint\ndrop table a CASCADE;"));
        assert!(drops_with_cascade("alter table a drop column b cascade"));
        assert!(!drops_with_cascade("create table a (b int references c on delete cascade);"));
        assert!(!drops_with_cascade("drop table a; -- cascade"));
    }
}
