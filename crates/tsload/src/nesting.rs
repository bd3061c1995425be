//! Whether an ES module may be evaluated in the middle of another one's evaluation.
//!
//! That is what `require` of an ES module does. The engine aborts the process when the required
//! module leads back to one that is still being evaluated, so such a cycle has to be found before.

use std::collections::BTreeSet;
use std::path::Path;

use crate::modules::{Modules, PREFIX};

/// The module below `path` whose code has begun but not ended, if there is one.
pub(crate) fn unfinished_below(modules: &mut Modules, path: &str) -> Option<String> {
    let mut open = vec![path.to_owned()];
    let mut visited = BTreeSet::new();
    while let Some(name) = open.pop() {
        if !visited.insert(name.clone()) {
            continue;
        }
        if modules.started.contains(&name) && !modules.finished.contains(&name) {
            return Some(name);
        }
        // Nothing is below a finished module that is unfinished, unless they form a cycle, so the
        // walk goes on through it.
        if !name.starts_with(PREFIX) {
            open.extend(imports(modules, &name));
        }
    }
    None
}

/// What cannot be found is left to the import itself: it may be an import of types only.
fn imports(modules: &mut Modules, name: &str) -> Vec<String> {
    let Ok(script) = modules.script(Path::new(name)) else { return Vec::new() };
    script.record().requests.keys().filter_map(|it| modules.module_name(name, it).ok()).collect()
}
