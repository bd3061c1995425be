//! `init`: npm scripts and ignore lines for a project, shown first.

use std::fs;
use std::path::{Path, PathBuf};

use raingauge_schema::Fingerprint;
use serde_json::{Map, Value};

use crate::files::write_whole;
use crate::report::{Artefact, Finding, Report, Section, Step, StepState};
use crate::setting::Setting;
use crate::{Error, Result, certificate};

/// The scripts, in the order in which a team uses them.
const SCRIPTS: [(&str, &str); 7] = [
    ("migration:analyze", "raingauge analyze"),
    ("migration:backup", "raingauge backup"),
    ("migration:reconcile", "raingauge reconcile --confirm"),
    ("migration:validate", "raingauge validate"),
    ("migration:execute", "raingauge execute"),
    ("db:generate", "raingauge generate"),
    ("db:migrate", "raingauge migrate"),
];

/// A line ending that git changes would change the hash of a migration, or of a certificate.
const ATTRIBUTES: &str = "/** text eol=lf";

/// Backups and run records are of one machine.
const IGNORE: &str = ".raingauge/";

/// A file as it would be written.
struct Change {
    path: PathBuf,
    content: String,
    lines: Vec<String>,
}

/// Shows what would change in the project's files, and writes it with `confirm`.
///
/// # Errors
/// If `package.json` cannot be read or a file cannot be written.
pub fn init(setting: &Setting, confirm: bool) -> Result<Report> {
    let loader = raingauge_tsload::Project::new(setting.root.clone(), setting.env.clone())
        .with_runtime(setting.runtime);
    let config = loader.config(setting.config.as_deref()).ok();
    let out = config.map_or("drizzle".to_owned(), |it| it.out);
    let mut report = Report::new("init");
    let mut changes = Vec::new();
    let (package, conflicts) = package_json(&setting.root)?;
    changes.extend(package);
    report.findings = conflicts;
    changes.extend(with_lines(&setting.root.join(".gitattributes"), &attributes(&out))?);
    changes.extend(with_lines(&setting.root.join(".gitignore"), &[IGNORE.to_owned()])?);
    let mut section = Section::new("changes", "changes", &["file", "line"]);
    for change in &changes {
        for line in &change.lines {
            let path = change.path.strip_prefix(&setting.root).unwrap_or(&change.path);
            section.push([path.display().to_string(), line.clone()]);
        }
    }
    report.sections.push(section);
    if changes.is_empty() {
        report.steps.push(Step::new("nothing to change", StepState::Skipped));
    } else if confirm {
        for change in &changes {
            report.artefacts.push(write(change)?);
        }
        report.steps.push(Step::new("write the files", StepState::Done));
    } else {
        report.findings.push(
            Finding::error("consent-needed", "files", "were only shown; nothing was written")
                .next("raingauge init --confirm"),
        );
        report.next = Some("raingauge init --confirm".to_owned());
    }
    Ok(report)
}

/// `package.json` with the scripts that it lacks. One that says something else is left as it is.
fn package_json(root: &Path) -> Result<(Option<Change>, Vec<Finding>)> {
    let path = root.join("package.json");
    let invalid = |cause: Box<dyn std::error::Error + Send + Sync>| {
        Error::new("package-json-invalid", format!("cannot read `{}`", path.display()))
            .caused_by(cause)
            .next("run it in the folder of the project's package.json")
    };
    let text = fs::read_to_string(&path).map_err(|it| invalid(it.into()))?;
    let mut package: Value = serde_json::from_str(&text).map_err(|it| invalid(it.into()))?;
    let root = package.as_object_mut().ok_or_else(|| invalid("it is not an object".into()))?;
    let scripts = root.entry("scripts").or_insert_with(|| Value::Object(Map::new()));
    let scripts =
        scripts.as_object_mut().ok_or_else(|| invalid("`scripts` is not an object".into()))?;
    let (mut lines, mut conflicts) = (Vec::new(), Vec::new());
    for (name, command) in SCRIPTS {
        match scripts.get(name) {
            None => {
                lines.push(format!("\"{name}\": \"{command}\""));
                scripts.insert(name.to_owned(), Value::from(command));
            }
            Some(Value::String(found)) if found == command => {}
            Some(found) => conflicts.push(
                Finding::warning(
                    "script-exists",
                    format!("package.json {name}"),
                    "is there already and says something else; it was left as it is",
                )
                .evidence(found.to_string())
                .next(format!("\"{name}\": \"{command}\"")),
            ),
        }
    }
    if lines.is_empty() {
        return Ok((None, conflicts));
    }
    let mut content = serde_json::to_string_pretty(&package).expect("parsed JSON can be written");
    content.push('\n');
    Ok((Some(Change { path, content, lines }), conflicts))
}

/// The rules for the files whose bytes are hashed: the history, and the certificates beside it.
fn attributes(out: &str) -> [String; 2] {
    let out = Path::new(out.trim_start_matches("./").trim_end_matches('/'));
    let certificates = certificate::folder(Path::new(""), out);
    [out, &certificates].map(|it| format!("{}{ATTRIBUTES}", it.display()))
}

/// A file with the lines that it lacks, unless it has them all.
fn with_lines(path: &Path, wanted: &[String]) -> Result<Option<Change>> {
    let mut content = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(cause) => {
            return Err(Error::new("file-unreadable", format!("cannot read `{}`", path.display()))
                .caused_by(cause));
        }
    };
    let is_missing = |line: &&String| !content.lines().any(|it| it.trim() == **line);
    let lines: Vec<_> = wanted.iter().filter(is_missing).cloned().collect();
    if lines.is_empty() {
        return Ok(None);
    }
    if !content.is_empty() && !content.ends_with('\n') {
        content.push('\n');
    }
    for line in &lines {
        content.push_str(line);
        content.push('\n');
    }
    Ok(Some(Change { path: path.to_owned(), content, lines }))
}

fn write(change: &Change) -> Result<Artefact> {
    write_whole(&change.path, change.content.as_bytes()).map_err(|cause| {
        Error::new("file-unwritable", format!("cannot write `{}`", change.path.display()))
            .caused_by(cause)
    })?;
    Ok(Artefact {
        path: change.path.clone(),
        bytes: change.content.len() as u64,
        sha256: Fingerprint::of_bytes(change.content.as_bytes()).as_str().to_owned(),
    })
}
