//! Sides that Drizzle itself wrote or evaluates: `schema.ts` and snapshots.

use std::path::Path;

use raingauge_schema::Dialect;
use raingauge_schema::dialect::{AnySchema, AnySnapshot};
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::layout::Layout;

use super::{Builder, Side};
use crate::diff::source::{Nature, Source, read};
use crate::filters::Filters;
use crate::history::History;
use crate::project::Project;
use crate::setting::Setting;
use crate::{Error, Result};

impl Builder<'_> {
    /// What `schema.ts` declares, and what the configuration leaves out, if the side is one of those. Under
    /// 1.0, what the schema does not name keeps the name that the other side has.
    pub(super) fn declaration(
        &self,
        source: &Source,
        other: Option<&Side>,
    ) -> Result<(Option<AnySchema>, Generation, Option<Filters>)> {
        let (path, is_config) = match &source.nature {
            Nature::Configured(path) => (path, true),
            Nature::Declared(path) => (path, false),
            _ => return Ok((None, Generation::V0, None)),
        };
        let (schema, generation, filters) = match is_config {
            true => {
                let setting = Setting { config: Some(path.clone()), ..self.setting.clone() };
                let project = Project::load(&setting)?;
                let Some(schema) = project.declared else { return Err(missing(&source.label)) };
                let filters = Filters::of(&project.config, project.dialect);
                (schema, project.history.generation, Some(filters))
            }
            false => Project::declared_in(self.setting, path, self.dialect)?,
        };
        let schema = match (generation, other) {
            (Generation::V1, Some(other)) => schema.with_names_of(&other.catalog),
            _ => schema,
        };
        Ok((Some(schema), generation, filters))
    }
}

fn missing(label: &str) -> Error {
    let message = format!("`{label}` names no schema file that exists");
    Error::new("schema-missing", message).next("name the file that declares the tables instead")
}

/// A snapshot file. Drizzle 1.0's say only what changed since those before them, which then have to be
/// there.
pub(super) fn snapshot(path: &Path, dialect: Dialect) -> Result<AnySnapshot> {
    let text = read(path)?;
    let is_flat = text.contains("\"prevIds\"");
    let generation = if is_flat { Generation::V1 } else { Generation::V0 };
    let folder = path.parent().and_then(Path::parent).filter(|_| is_flat);
    if let Some(folder) = folder {
        let history = History::read(folder, dialect, Some(Generation::V1))?;
        if let Layout::Folders { .. } = history.layout {
            let at = history.migrations.iter().position(|it| it.path.parent() == path.parent());
            let before = at.map(|it| &history.migrations[..=it]).unwrap_or_default();
            let files: Option<Vec<_>> = before.iter().map(|it| it.snapshot.as_deref()).collect();
            let states = files.map(|it| AnySnapshot::read_history(dialect, Generation::V1, &it));
            if let Some(state) = states.and_then(|mut it| it.pop()) {
                return state.map_err(|it| invalid(path, &it.to_string()));
            }
        }
    }
    AnySnapshot::read(dialect, generation, &text).map_err(|it| invalid(path, &it.to_string()))
}

fn invalid(path: &Path, why: &str) -> Error {
    let message = format!("`{}` is no snapshot that Drizzle reads", path.display());
    Error::new("snapshot-unreadable", message).caused_by(why.to_owned())
}
