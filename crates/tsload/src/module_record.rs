//! What a file imports and exports, read from the parser's module record.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use oxc::syntax::module_record::{
    ExportEntry, ExportExportName, ExportImportName, ImportImportName, ModuleRecord,
};

/// One imported specifier.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// The names that are imported; `default` is one of them.
    pub(crate) names: BTreeSet<String>,
    /// Whether everything is imported: a namespace or `export *`.
    pub(crate) all: bool,
    /// Where the specifier stands in the source.
    pub(crate) offset: u32,
}

/// What a file imports and exports.
#[derive(Default)]
pub(crate) struct Record {
    /// The imports and re-exports, by specifier.
    pub(crate) requests: BTreeMap<String, Request>,
    /// Names of values that the file itself exports, with their offsets in the source.
    pub(crate) exports: BTreeMap<String, u32>,
    /// The specifiers of `export * from`, in their order.
    pub(crate) stars: Vec<String>,
}

/// What a file exports.
#[derive(Default)]
pub(crate) struct Exports {
    /// Values by name, with their offsets.
    pub(crate) values: BTreeMap<String, u32>,
    pub(crate) stars: Vec<String>,
    /// Code that exports the names of types as values, so that re-exports of types link.
    pub(crate) type_exports: String,
}

/// The imports and re-exports of a file, by specifier.
pub(crate) fn read_requests(record: &ModuleRecord<'_>, source: &str) -> BTreeMap<String, Request> {
    let mut requests: BTreeMap<String, Request> = BTreeMap::new();
    for (specifier, uses) in &record.requested_modules {
        let Some(first) = uses.iter().find(|it| !it.is_type) else { continue };
        requests.entry(specifier.to_string()).or_default().offset = first.span.start;
    }
    for entry in &record.import_entries {
        let Some(request) = requests.get_mut(entry.module_request.name.as_str()) else { continue };
        match &entry.import_name {
            ImportImportName::Name(name) => drop(request.names.insert(name.name.to_string())),
            ImportImportName::Default(_) => drop(request.names.insert("default".to_owned())),
            ImportImportName::NamespaceObject => {
                request.all = true;
                request.names.extend(members(source, entry.local_name.name.as_str()));
            }
        }
    }
    for entry in record.indirect_export_entries.iter().chain(&record.star_export_entries) {
        let specifier = entry.module_request.as_ref().map_or("", |it| it.name.as_str());
        let Some(request) = requests.get_mut(specifier) else { continue };
        match &entry.import_name {
            ExportImportName::Name(name) => drop(request.names.insert(name.name.to_string())),
            ExportImportName::All | ExportImportName::AllButDefault => request.all = true,
            ExportImportName::Null => {}
        }
    }
    // Whatever a file imports while it runs may be any of the names.
    for import in &record.dynamic_imports {
        let span = import.module_request;
        let written = source.get(span.start as usize..span.end as usize).unwrap_or_default();
        let specifier = written.trim_matches(['"', '\'', '`']);
        requests.entry(specifier.to_owned()).and_modify(|it| it.all = true);
    }
    requests
}

/// Words that stand behind `name.` anywhere: more than needed does no harm.
fn members(source: &str, name: &str) -> BTreeSet<String> {
    let prefix = format!("{name}.");
    let is_word = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
    source
        .split(&prefix)
        .skip(1)
        .map(|it| it.chars().take_while(|it| is_word(*it)).collect::<String>())
        .filter(|it| is_identifier(it))
        .collect()
}

/// Whether generated code may use the text as a name.
pub(crate) fn is_identifier(text: &str) -> bool {
    oxc::syntax::identifier::is_identifier_name(text)
}

pub(crate) fn read_exports(record: &ModuleRecord<'_>) -> Exports {
    let mut exports = Exports::default();
    let mut types = BTreeSet::new();
    let entries = record
        .local_export_entries
        .iter()
        .chain(&record.indirect_export_entries)
        .chain(&record.star_export_entries);
    for entry in entries {
        match exported_name(entry) {
            Some(name) if entry.is_type => drop(types.insert(name)),
            Some(name) => drop(exports.values.entry(name).or_insert(entry.span.start)),
            None if entry.is_type => {}
            None => {
                exports.stars.extend(entry.module_request.as_ref().map(|it| it.name.to_string()));
            }
        }
    }
    types.retain(|it| is_identifier(it) && !exports.values.contains_key(it));
    if !types.is_empty() {
        exports.type_exports.push_str("\nlet __raingauge_type;export{");
        for name in types {
            let _ = write!(exports.type_exports, "__raingauge_type as {name},");
        }
        exports.type_exports.push_str("};");
    }
    exports
}

fn exported_name(entry: &ExportEntry<'_>) -> Option<String> {
    match &entry.export_name {
        ExportExportName::Name(name) => Some(name.name.to_string()),
        ExportExportName::Default(_) => Some("default".to_owned()),
        ExportExportName::Null => None,
    }
}
