//! The order in which Drizzle Kit sees the exports of a schema file.
//!
//! It runs TypeScript as CommonJS: a module's own exports come sorted by name, then those of each
//! `export *` in their order. An ES namespace would mix them all and drop names that occur twice.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::LoadError;
use crate::modules::{Modules, is_script};
use crate::transpile::Shape;
use crate::workspace::{Style, Target};

/// Exports that come from one module.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Segment {
    module: String,
    /// `None` means all of them, in the order of the object.
    names: Option<Vec<String>>,
    is_star: bool,
}

/// The segments of a file's exports as JSON.
pub(crate) fn export_order(modules: &mut Modules, path: &Path) -> Result<String, LoadError> {
    let mut collector = Collector { modules, segments: Vec::new(), visited: BTreeSet::new() };
    collector.visit(path, false)?;
    Ok(serde_json::json!(collector.segments).to_string())
}

struct Collector<'a> {
    modules: &'a mut Modules,
    segments: Vec<Segment>,
    visited: BTreeSet<PathBuf>,
}

impl Collector<'_> {
    fn visit(&mut self, path: &Path, is_star: bool) -> Result<(), LoadError> {
        if !self.visited.insert(path.to_owned()) {
            return Ok(());
        }
        let module = path.to_string_lossy().into_owned();
        let script = if is_script(path) { Some(self.modules.script(path)?) } else { None };
        let Some(script) = script.filter(|it| it.shape == Shape::Module) else {
            self.segments.push(Segment { module, names: None, is_star });
            return Ok(());
        };
        let names = Some(script.record().exports.keys().cloned().collect());
        self.segments.push(Segment { module, names, is_star });
        for star in &script.record().stars {
            if let Target::File(target) = self.modules.target(path, star, Style::Import)? {
                self.visit(&target, true)?;
            }
        }
        Ok(())
    }
}
