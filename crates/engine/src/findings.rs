//! Comparisons as findings and report sections.

use std::collections::BTreeSet;

use raingauge_schema::compare::AttributeDifference;
use raingauge_schema::{Comparison, Kind, ObjectId, Pair};
use similar::{ChangeTag, TextDiff};

use crate::apply::reconcile::refuse_unfinished;
use crate::project::Project;
use crate::report::{Finding, Section};

/// How many lines of evidence a finding shows; the rest is counted.
const MAX_LINES: usize = 40;

/// The finding with every difference as evidence; `from` is live, `to` what it should be.
pub fn differences(finding: Finding, comparison: &Comparison) -> Finding {
    differences_of(finding, comparison, LIVE_AND_EXPECTED)
}

/// As [`differences`], for two other sides.
pub fn differences_of(finding: Finding, comparison: &Comparison, sides: Pair<&str>) -> Finding {
    with_lines(finding, rows(comparison, sides).into_iter().map(|row| row.join(": ")).collect())
}

/// The finding with lines of evidence, of which those beyond a screen are counted.
pub fn with_lines(finding: Finding, lines: Vec<String>) -> Finding {
    let rest = lines.len().saturating_sub(MAX_LINES);
    let mut finding = lines.into_iter().take(MAX_LINES).fold(finding, Finding::evidence);
    if 0 < rest {
        finding = finding.evidence(format!("… and {rest} more"));
    }
    finding
}

/// The finding that an earlier run has to be resumed, if it is so.
pub fn interrupted(project: &Project) -> Vec<Finding> {
    match refuse_unfinished(&project.root) {
        Ok(()) => Vec::new(),
        Err(error) => {
            let finding = Finding::error(error.code, ".raingauge/runs", error.message.clone());
            vec![error.next.iter().fold(finding, |it, next| it.next(next.as_str()))]
        }
    }
}

/// The comparison as a section with one row per object; `to` names the other side: `schema.ts`.
pub fn section(key: &'static str, title: &str, comparison: &Comparison) -> Section {
    let mut section = Section::new(key, title, &["object", "difference"]);
    for row in rows(comparison, LIVE_AND_EXPECTED) {
        section.push(row);
    }
    section
}

/// The objects without those that lie inside a table among them: the table says it for all its parts.
pub fn folded<'a>(ids: impl Iterator<Item = &'a ObjectId>) -> Vec<&'a ObjectId> {
    let ids: Vec<_> = ids.collect();
    let tables: BTreeSet<_> =
        ids.iter().filter(|it| it.kind == Kind::Table).map(|it| it.path.as_slice()).collect();
    let is_part =
        |it: &ObjectId| it.path.split_last().is_some_and(|(_, table)| tables.contains(table));
    ids.into_iter().filter(|it| !is_part(it)).collect()
}

/// What the two values of an attribute are called.
pub const LIVE_AND_DECLARED: Pair<&str> = Pair { from: "live", to: "schema.ts" };
const LIVE_AND_EXPECTED: Pair<&str> = Pair { from: "live", to: "expected" };

/// An attribute with both values. Of texts of several lines only the lines that differ are told, each
/// with the side that has it.
pub fn both_values(attribute: &AttributeDifference, sides: Pair<&str>) -> String {
    let AttributeDifference { name, values } = attribute;
    let is_long = |it: &Option<String>| it.as_ref().is_some_and(|it| it.contains('\n'));
    let (Some(from), Some(to)) = (&values.from, &values.to) else {
        // A trigger that fires as usual has no such attribute.
        let absent = if name == "enabled" { "enabled" } else { "(nothing)" };
        let shown = |it: &Option<String>| it.clone().unwrap_or_else(|| absent.to_owned());
        let (from, to) = (shown(&values.from), shown(&values.to));
        return format!("{name}: {} {from} · {} {to}", sides.from, sides.to);
    };
    if !is_long(&values.from) && !is_long(&values.to) {
        return format!("{name}: {} {from} · {} {to}", sides.from, sides.to);
    }
    let lines = TextDiff::from_lines(from.as_str(), to.as_str());
    let changed = lines.iter_all_changes().filter_map(|it| {
        let side = match it.tag() {
            ChangeTag::Equal => return None,
            ChangeTag::Delete => sides.from,
            ChangeTag::Insert => sides.to,
        };
        Some(format!("\n{side:<9} | {}", it.value().trim_end()))
    });
    format!("{name}, in these lines:{}", changed.collect::<String>())
}

/// Live's differences to its history, where a finding had no room for all of them.
pub fn all_differences(comparison: &Comparison) -> Option<Section> {
    (MAX_LINES < rows(comparison, LIVE_AND_EXPECTED).len())
        .then(|| section("drift", "live and its history, in full", comparison))
}

/// An object for people: a grant and a comment say what they are on.
pub fn named(id: &ObjectId) -> String {
    let about = |rest: &[String]| ObjectId::new(Kind::Other, rest).dotted();
    match (id.kind, id.path.as_slice()) {
        (Kind::Comment, [word, rest @ ..]) => format!("comment on {word} {}", about(rest)),
        (Kind::Grant, [word, rest @ .., grantee]) => {
            format!("grant on {word} {} to {grantee}", about(rest))
        }
        _ => id.to_string(),
    }
}

/// Each object that differs, and how, with the names of the sides.
pub fn differences_between(comparison: &Comparison, sides: Pair<&str>) -> Vec<[String; 2]> {
    rows(comparison, sides)
}

fn rows(comparison: &Comparison, sides: Pair<&str>) -> Vec<[String; 2]> {
    let mut rows = Vec::new();
    for id in folded(comparison.only_from.iter().map(|it| &it.id)) {
        rows.push([named(id), format!("only in {}", sides.from)]);
    }
    for id in folded(comparison.only_to.iter().map(|it| &it.id)) {
        rows.push([named(id), format!("missing in {}", sides.from)]);
    }
    for pair in &comparison.renamed {
        rows.push([named(&pair.from), format!("only the name differs: `{}`", pair.to.name())]);
    }
    for Pair { from, to } in &comparison.ambiguous {
        let names: Vec<_> = to.iter().map(|it| format!("`{}`", it.name())).collect();
        let difference =
            format!("only the name differs, and it may be any of: {}", names.join(", "));
        rows.extend(from.iter().map(|it| [it.to_string(), difference.clone()]));
    }
    for object in &comparison.differs {
        let each = object.attributes.iter().map(|it| both_values(it, sides));
        rows.push([named(&object.id), each.collect::<Vec<_>>().join("\n")]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_and_a_comment_say_what_they_are_on() {
        let grant = ObjectId::new(Kind::Grant, ["table", "public", "t", "app"]);
        assert_eq!(named(&grant), "grant on table public.t to app");
        let comment = ObjectId::new(Kind::Comment, ["column", "public", "t", "c"]);
        assert_eq!(named(&comment), "comment on column public.t.c");
    }

    #[test]
    fn of_a_long_text_only_the_lines_that_differ_are_told() {
        let attribute = AttributeDifference {
            name: "body".to_owned(),
            values: Pair { from: Some("a\nb\nc".to_owned()), to: Some("a\nx\nc".to_owned()) },
        };
        let told = both_values(&attribute, LIVE_AND_EXPECTED);
        assert_eq!(told, "body, in these lines:\nlive      | b\nexpected  | x");
    }
}
