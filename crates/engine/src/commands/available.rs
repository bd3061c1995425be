//! What a report recommends: only commands that are there for its engine.

use raingauge_schema::Dialect;

use crate::report::Report;

/// Commands that refuse with `dialect-offline`.
const REFUSED: [&str; 1] = ["raingauge migrate --undo"];

/// Takes the commands out of the recommendations that do not hold for MySQL yet.
pub(super) fn only(dialect: Dialect, report: &mut Report) {
    if dialect != Dialect::MySql {
        return;
    }
    let is_refused = |it: &String| REFUSED.iter().any(|command| it.contains(command));
    for finding in &mut report.findings {
        finding.next.retain(|it| !is_refused(it));
    }
    report.next = report.next.take().filter(|it| !is_refused(it));
}
