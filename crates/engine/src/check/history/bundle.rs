//! `migrations.js`: what an application imports that carries its database with it.

use std::fs;

use raingauge_schema::drizzle::bundle::{BUNDLE_PATH, imported, imports};

use super::Folder;
use crate::findings::with_lines;
use crate::report::{Affected, Finding};

/// The finding that the application knows nothing of some migrations, if there is such a file.
pub(super) fn bundle(folder: &Folder<'_>) -> Option<Finding> {
    let history = folder.history;
    let path = history.folder.join(BUNDLE_PATH);
    let text = fs::read_to_string(&path).ok()?;
    let tags = history.migrations.iter().map(|it| it.entry.tag.as_str());
    let left_out: Vec<_> =
        tags.filter(|it| !imports(&text, history.generation, it)).map(str::to_owned).collect();
    let first = left_out.first()?;
    let line = format!("import … from './{}';", imported(history.generation, first));
    let message = "does not import all migrations: the application that bundles it never runs the others, and says nothing";
    let finding = Finding::warning("bundle-behind", path.display().to_string(), message)
        .affects(Affected::Both);
    Some(with_lines(finding, left_out).next(format!(
        "add what is left out, as `{line}` and in the list below; with `driver: \"expo\"` or `\"durable-sqlite\"` in the configuration, raingauge generate writes the file with the next migration"
    )))
}
