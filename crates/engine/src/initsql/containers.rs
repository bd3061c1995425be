//! Containers of databases that run scripts at their first start.
//!
//! `compose` and `dockerfile` read the files; this looks for them near the project and chooses.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Mount;
use super::compose::{self, Service};
use super::dockerfile::{self, INIT_FOLDER};
use super::find::{Search, Source, label, names_in};
use crate::report::Finding;

/// A database's container that runs scripts at its first start.
pub(super) struct Container {
    pub(super) source: Source,
    pub(super) mounts: Vec<Mount>,
    pub(super) environment: BTreeMap<String, String>,
}

impl Container {
    /// The scripts by the names that the container sees.
    pub(super) fn scripts(&self) -> BTreeMap<String, PathBuf> {
        let mut scripts = BTreeMap::new();
        for mount in &self.mounts {
            let Ok(inside) = mount.container.strip_prefix(INIT_FOLDER) else { continue };
            if inside.as_os_str().is_empty() {
                let names = names_in(&mount.host).unwrap_or_default();
                scripts.extend(names.into_iter().map(|it| (it.clone(), mount.host.join(it))));
            } else if inside.components().count() == 1 {
                scripts.insert(inside.to_string_lossy().into_owned(), mount.host.clone());
            }
        }
        scripts
    }
}

/// The only container, or the only one that makes a database with live's name.
pub(super) fn chosen(
    mut containers: Vec<Container>,
    search: &Search<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Container> {
    let makes =
        |it: &Container| it.environment.get("POSTGRES_DB").is_some_and(|it| it == search.database);
    if containers.iter().any(makes) {
        containers.retain(makes);
    }
    let first = containers.first()?.scripts();
    if containers.iter().all(|it| it.scripts() == first) {
        return containers.into_iter().next();
    }
    let message =
        "several containers have scripts of their own, and none makes a database with this name";
    let finding = Finding::error("init-sql-ambiguous", search.database, message);
    let finding =
        containers.iter().fold(finding, |it, container| it.evidence(container.source.to_string()));
    findings.push(finding.next("name the files with `--init-sql PATH`, in their order"));
    None
}

/// The containers of the nearest folder that has any: the project's own, those below, those above.
pub(super) fn containers(root: &Path, findings: &mut Vec<Finding>) -> Vec<Container> {
    let mut folders = folders_below(root, 2);
    folders.extend(folders_above(root));
    for folder in &folders {
        let found = in_compose_files(root, folder, findings);
        if !found.is_empty() {
            return found;
        }
    }
    let below = folders_below(root, 3).into_iter().chain(folders_above(root));
    below.map(|it| in_dockerfiles(root, &it)).find(|it| !it.is_empty()).unwrap_or_default()
}

/// A port of this machine behind which a compose file puts PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// From the project's folder on.
    pub file: String,
    pub service: String,
    pub port: u16,
}

/// The ports that the compose files in and below a folder give to PostgreSQL.
pub fn published(root: &Path) -> Vec<Published> {
    let mut found = Vec::new();
    for folder in folders_below(root, 2) {
        let names = names_in(&folder).unwrap_or_default();
        for file in names.into_iter().filter(|it| is_compose_file(it)).map(|it| folder.join(it)) {
            let services = read_compose(root, &file, &mut Vec::new());
            for service in services.into_iter().filter(|it| may_be_postgres(&it.image)) {
                let (file, name) = (label(root, &file), &service.name);
                let one = |port| Published { file: file.clone(), service: name.clone(), port };
                found.extend(service.ports.into_iter().map(one));
            }
        }
    }
    found
}

fn folders_below(root: &Path, depth: usize) -> Vec<PathBuf> {
    let mut folders = vec![root.to_owned()];
    if depth == 0 {
        return folders;
    }
    let foreign = ["node_modules", "target", "dist", "build", "vendor"];
    for name in names_in(root).unwrap_or_default() {
        let folder = root.join(&name);
        if folder.is_dir() && !foreign.contains(&name.as_str()) {
            folders.extend(folders_below(&folder, depth - 1));
        }
    }
    // Near ones first.
    folders.sort_by_key(|it| it.components().count());
    folders
}

/// The folders above up to the one of the repository, if this is in one.
fn folders_above(root: &Path) -> Vec<PathBuf> {
    let mut above = Vec::new();
    for folder in root.ancestors() {
        if folder != root {
            above.push(folder.to_owned());
        }
        if folder.join(".git").exists() {
            return above;
        }
    }
    Vec::new()
}

fn is_compose_file(name: &str) -> bool {
    (name.starts_with("docker-compose") || name.starts_with("compose"))
        && (name.ends_with(".yml") || name.ends_with(".yaml"))
}

/// The plain file with its override is one stack; files for other occasions are looked at where that
/// has no scripts.
fn in_compose_files(root: &Path, folder: &Path, findings: &mut Vec<Finding>) -> Vec<Container> {
    let names: Vec<_> =
        names_in(folder).unwrap_or_default().into_iter().filter(|it| is_compose_file(it)).collect();
    let stem = |it: &str| it.rsplit_once('.').map_or(it, |(stem, _)| stem).to_owned();
    let is_plain = |it: &&String| matches!(stem(it).as_str(), "docker-compose" | "compose");
    let is_override = |it: &&String| stem(it).ends_with("compose.override");
    let mut services = Vec::new();
    let plain: Vec<_> =
        names.iter().filter(is_plain).take(1).chain(names.iter().filter(is_override)).collect();
    for name in &plain {
        compose::merge(&mut services, read_compose(root, &folder.join(name), findings));
    }
    let file = plain.first().map(|it| folder.join(it)).unwrap_or_default();
    let found = with_scripts(root, &file, services);
    if !found.is_empty() {
        return found;
    }
    let others =
        names.iter().filter(|it| !is_plain(it) && !is_override(it)).map(|it| folder.join(it));
    others.flat_map(|it| with_scripts(root, &it, read_compose(root, &it, findings))).collect()
}

fn read_compose(root: &Path, file: &Path, findings: &mut Vec<Finding>) -> Vec<Service> {
    let folder = file.parent().unwrap_or(root);
    let variables = fs::read_to_string(folder.join(".env")).map(|it| compose::variables(&it));
    let text = fs::read_to_string(file).unwrap_or_default();
    compose::services(&text, folder, &variables.unwrap_or_default()).unwrap_or_else(|error| {
        let file = label(root, file);
        let message = format!("`{file}` cannot be read, so what it mounts is not known");
        let finding = Finding::warning("compose-unreadable", file, message);
        let first_line = error.to_string().lines().next().unwrap_or_default().to_owned();
        findings.push(finding.evidence(first_line).next("name the files with `--init-sql PATH`"));
        Vec::new()
    })
}

fn with_scripts(root: &Path, file: &Path, services: Vec<Service>) -> Vec<Container> {
    let container = |service: Service| {
        let mut mounts = service
            .build
            .as_ref()
            .map(|it| built_in(&it.dockerfile, &it.context))
            .unwrap_or_default();
        mounts.extend(service.mounts);
        let source = Source::Compose { file: label(root, file), service: service.name };
        Container { source, mounts, environment: service.environment }
    };
    let fitting = services.into_iter().filter(|it| may_be_postgres(&it.image)).map(container);
    fitting.filter(|it| it.mounts.iter().any(|it| it.container.starts_with(INIT_FOLDER))).collect()
}

/// Other databases' images read the same folder.
fn may_be_postgres(image: &str) -> bool {
    let others = ["mysql", "mariadb", "percona", "mongo", "clickhouse", "cassandra", "mssql"];
    others.iter().all(|it| !image.contains(it))
}

fn built_in(file: &Path, context: &Path) -> Vec<Mount> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut lines = text.lines().rev();
    let from = lines.find(|it| it.to_ascii_uppercase().starts_with("FROM"));
    let fits = from.is_some_and(may_be_postgres);
    if fits { dockerfile::copies(&text, context) } else { Vec::new() }
}

/// A Dockerfile alone does not say which folder it copies from: its own, or the project's.
fn in_dockerfiles(root: &Path, folder: &Path) -> Vec<Container> {
    let is_dockerfile = |it: &String| {
        it == "Dockerfile" || it.starts_with("Dockerfile.") || it.ends_with(".Dockerfile")
    };
    let names = names_in(folder).unwrap_or_default().into_iter().filter(is_dockerfile);
    let container = |name: String| {
        let file = folder.join(name);
        let is_whole = |mounts: &Vec<Mount>| {
            let mut scripts =
                mounts.iter().filter(|it| it.container.starts_with(INIT_FOLDER)).peekable();
            scripts.peek().is_some() && scripts.all(|it| it.host.exists())
        };
        let mounts = [folder, root].into_iter().map(|it| built_in(&file, it)).find(is_whole)?;
        let source = Source::Dockerfile(label(root, &file));
        Some(Container { source, mounts, environment: BTreeMap::new() })
    };
    names.filter_map(container).collect()
}
