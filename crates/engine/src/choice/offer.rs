//! Each difference as a finding that says both ways out and what they cost.

use super::price::{Price, Pricing};
use super::{Agreed, Cause, Choice, choices, edit};
use crate::facts::{DeclaredSide, Facts};
use crate::report::{Finding, Severity};
use crate::site::Site;

/// The codes of findings that leave a choice.
const DIFFERENCES: [&str; 2] = ["schema-differs", "name-differs"];

/// Adds to each difference what it takes to end it on either side, and says which of them somebody has agreed to have
/// changed in live. Reads live's rows and changes nothing.
pub fn offer(site: &mut Site, facts: &Facts, findings: &mut Vec<Finding>) -> Agreed {
    let Some(declared) = &facts.declared else { return Agreed::default() };
    let mut agreed = Agreed::none(&mut site.live, declared);
    undeclared(site, declared, findings);
    let choices = choices((site.dialect(), site.project.history.generation), declared, &facts.live);
    if choices.is_empty() {
        return agreed;
    }
    let pricing = Pricing::of(site, declared, &facts.live);
    for choice in &choices {
        let price = pricing.price(&mut site.live, choice);
        if let Cause::Missing(_) = choice.cause {
            findings.extend(missing(site, choice, &price));
            continue;
        }
        let subject = choice.id().to_string();
        let is_it = |it: &&mut Finding| it.subject == subject && DIFFERENCES.contains(&it.code);
        let Some(finding) = findings.iter_mut().find(is_it) else { continue };
        let is_agreed = site.vouches(&choice.name());
        let may_lose = price.deletions.iter().any(|it| !site.vouches(it));
        if is_agreed && !may_lose && price.misfits.is_empty() {
            *finding = changed(choice, &price);
            agreed.add(choice, site.dialect());
        } else {
            complete(site, finding, choice, &price);
        }
    }
    agreed
}

/// Columns that only live has, with the line that declares them.
fn undeclared(site: &Site, declared: &DeclaredSide, findings: &mut [Finding]) {
    for object in &declared.comparison.only_from {
        let Some(line) = edit::of_undeclared(&site.project, object) else { continue };
        let subject = object.id.to_string();
        let is_it = |it: &&mut Finding| it.subject == subject && it.code == "schema-differs";
        if let Some(finding) = findings.iter_mut().find(is_it) {
            finding.next.insert(0, line);
        }
    }
}

/// What somebody agreed to.
fn changed(choice: &Choice, price: &Price) -> Finding {
    let finding = Finding::warning(
        "live-changes",
        choice.id().to_string(),
        "is changed in live by the follow-up migration, to what schema.ts declares",
    );
    price.lines.iter().fold(finding, |it, line| it.evidence(line.as_str()))
}

fn complete(site: &Site, finding: &mut Finding, choice: &Choice, price: &Price) {
    let edit = match &choice.cause {
        Cause::Differs(it) => edit::of_difference(&site.project, it),
        Cause::Renamed(it) => edit::of_name(&site.project, it),
        Cause::Missing(_) => None,
    };
    // For an adoption the follow-up is the safer way to the same end.
    finding.next.truncate(1);
    if let Some(edit) = edit {
        finding.next[0] = format!("to keep live as it is, {edit}");
    }
    if finding.severity == Severity::Info {
        return;
    }
    finding.evidence.push("to change live:".to_owned());
    finding.evidence.extend(price.lines.iter().map(|it| format!("  {it}")));
    for (what, query) in &price.misfits {
        finding.evidence.push(format!("  in the way: {what}"));
        finding.evidence.push(format!("  they are found by: {query}"));
    }
    finding.next.push(if price.misfits.is_empty() {
        let flags = std::iter::once(choice.name()).chain(price.deletions.iter().cloned());
        let flags: Vec<_> = flags.map(|it| format!("--allow {it}")).collect();
        format!(
            "to change live: raingauge execute {}: the follow-up does it, after a verified backup",
            flags.join(" ")
        )
    } else {
        "to change live, repair those rows first, then run the command again".to_owned()
    });
}

/// What the follow-up makes. Rows that it cannot be made over stop it before anything is written.
fn missing(site: &Site, choice: &Choice, price: &Price) -> Option<Finding> {
    let subject = choice.id().to_string();
    let place = edit::place_of_name(&site.project, choice.id()).map(|it| it.0);
    let place = place.unwrap_or_else(|| "in schema.ts".to_owned());
    let Some((what, query)) = price.misfits.first() else {
        let finding = Finding::info(
            "follow-up-adds",
            subject,
            "is declared in schema.ts and missing in live; the follow-up migration makes it",
        );
        let finding = price.lines.iter().fold(finding, |it, line| it.evidence(line.as_str()));
        return Some(finding.next(format!("to leave live without it, take it out: {place}")));
    };
    if site.vouches("try:follow_up") {
        let message = format!("{what}, as they are now; the follow-up is tried all the same");
        let finding = Finding::warning("rows-may-refuse", subject, message);
        return Some(finding.evidence(format!("they are counted by: {query}")));
    }
    let finding = Finding::error(
        "rows-refuse",
        subject,
        format!("{what}, so the follow-up migration cannot make it; nothing was changed"),
    );
    let finding = price.lines.iter().fold(finding, |it, line| it.evidence(line.as_str()));
    Some(
        finding
            .evidence(format!("they are counted by: {query}"))
            .next("find and repair these rows, then run the command again")
            .next(format!("to leave live without it, take it out: {place}")),
    )
}
