//! `restore`: a backup into a new database.

use std::path::Path;

use crate::Result;
use crate::backup::{self, Destination};
use crate::client::ProgramSource;
use crate::connect::Dsn;
use crate::progress::Progress;
use crate::report::{Report, Step, StepState};
use crate::setting::Setting;

/// Restores a backup into a database that does not exist yet or is empty, and compares everything.
///
/// # Errors
/// If the backup is damaged, the target holds something, or what arrived is not equal.
pub fn restore(
    setting: &Setting,
    which: &Path,
    to: &str,
    progress: &mut dyn Progress,
) -> Result<Report> {
    let backup = super::backup::open(setting, which)?;
    let to = Dsn::parse(to, backup.manifest().dialect)?;
    let client = setting.pg_client.as_deref().map(ProgramSource::parse);
    let destination = Destination { to: &to, client: client.as_ref() };
    let restored = backup::restore(&backup, &destination, progress)?;
    let mut report = Report::new("restore");
    report.engine = backup.manifest().source.engine.clone();
    report.target = restored.to.to_string();
    let name = format!(
        "restore {} tables with {} rows; everything equals the backup",
        restored.n_tables, restored.n_rows
    );
    report.steps.push(Step { millis: restored.millis, ..Step::new(name, StepState::Done) });
    Ok(report)
}
