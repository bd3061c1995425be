//! Enums whose labels are not those that `schema.ts` declares: PostgreSQL can add a label, and do
//! nothing else to a type that is in use.

use raingauge_schema::compare::ObjectDifference;
use raingauge_schema::postgres::adopt::labels;
use raingauge_schema::{Kind, ObjectId, Pair};

use crate::report::Finding;

/// One finding for each way in which the labels differ; `None` if this is no difference of labels.
pub(super) fn labels_differ(difference: &ObjectDifference) -> Option<Vec<Finding>> {
    let values = difference.attributes.iter().find(|it| it.name == "values")?;
    if difference.id.kind != Kind::Enum {
        return None;
    }
    let read = |it: &Option<String>| labels(it.as_deref().unwrap_or_default());
    let sides = Sides {
        id: &difference.id,
        live: &read(&values.values.from),
        declared: &read(&values.values.to),
    };
    Some([sides.leftover(), sides.missing(), sides.reordered()].into_iter().flatten().collect())
}

struct Sides<'a> {
    id: &'a ObjectId,
    live: &'a [String],
    declared: &'a [String],
}

impl Sides<'_> {
    fn leftover(&self) -> Option<Finding> {
        let more = without(self.live, self.declared);
        (!more.is_empty()).then(|| {
            self.finding(
                "enum-label-undeclared",
                format!(
                    "live has {} that schema.ts does not declare, and PostgreSQL has no statement that removes a label: rows, defaults and functions may hold it",
                    listed(&more)
                ),
            )
            .next(format!("declare them as live has them: {}", self.declaration(self.live)))
            .next("to be rid of a label later: a migration that makes a new type without it and moves each column there, after its rows hold other labels")
        })
    }

    fn missing(&self) -> Option<Finding> {
        let lacking = without(self.declared, self.live);
        (!lacking.is_empty()).then(|| {
            let kept: Vec<_> =
                self.live.iter().filter(|it| self.declared.contains(it)).cloned().collect();
            self.finding(
                "enum-label-missing",
                format!(
                    "schema.ts declares {} that live does not have; PostgreSQL can add labels (ALTER TYPE … ADD VALUE), but they cannot be used in the transaction that adds them",
                    listed(&lacking)
                ),
            )
            .next(format!("leave them out of schema.ts until live is adopted: {}", self.declaration(&kept)))
            .next("then put them back and let `raingauge generate` write a migration that does nothing else")
        })
    }

    /// Labels that both sides have stand in another order.
    fn reordered(&self) -> Option<Finding> {
        let common = |it: &[String], other: &[String]| {
            it.iter().filter(|it| other.contains(it)).cloned().collect::<Vec<_>>()
        };
        let orders =
            Pair { from: common(self.live, self.declared), to: common(self.declared, self.live) };
        (orders.from != orders.to).then(|| {
            self.finding(
                "enum-order-differs",
                "has its labels in another order than schema.ts; rows sort and compare by that order, and PostgreSQL cannot move a label".to_owned(),
            )
            .next(format!("write them in live's order: {}", self.declaration(self.live)))
        })
    }

    fn finding(&self, code: &'static str, message: String) -> Finding {
        let line = |it: &[String]| it.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(", ");
        Finding::error(code, self.id.to_string(), message)
            .evidence(format!("live: {}", line(self.live)))
            .evidence(format!("schema.ts: {}", line(self.declared)))
    }

    fn declaration(&self, labels: &[String]) -> String {
        let labels: Vec<_> = labels.iter().map(|it| format!("{it:?}")).collect();
        format!("pgEnum(\"{}\", [{}])", self.id.name(), labels.join(", "))
    }
}

fn without(labels: &[String], other: &[String]) -> Vec<String> {
    labels.iter().filter(|it| !other.contains(it)).cloned().collect()
}

fn listed(labels: &[String]) -> String {
    let names = labels.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(", ");
    format!("{} {names}", if labels.len() == 1 { "the label" } else { "the labels" })
}

fn quoted(label: &str) -> String {
    format!("`{label}`")
}

#[cfg(test)]
mod tests {
    use raingauge_schema::compare::AttributeDifference;

    use super::*;

    #[track_caller]
    fn check(live: &str, declared: &str, expected: &[&str]) {
        let quoted =
            |it: &str| it.split(' ').map(|it| format!("'{it}'")).collect::<Vec<_>>().join(", ");
        let difference = ObjectDifference {
            id: ObjectId::new(Kind::Enum, ["public", "mood"]),
            attributes: vec![AttributeDifference {
                name: "values".to_owned(),
                values: Pair { from: Some(quoted(live)), to: Some(quoted(declared)) },
            }],
        };
        let found = labels_differ(&difference).unwrap();
        assert_eq!(found.iter().map(|it| it.code).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn order_leftovers_and_missing_labels_are_told_apart() {
        check("sad ok", "ok sad", &["enum-order-differs"]);
        check("sad ok old", "sad ok", &["enum-label-undeclared"]);
        check("sad ok", "sad meh ok", &["enum-label-missing"]);
        check(
            "b a old",
            "a b new",
            &["enum-label-undeclared", "enum-label-missing", "enum-order-differs"],
        );
    }
}
