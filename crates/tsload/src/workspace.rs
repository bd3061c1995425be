//! Which file an import means, and which files may be read at all.
//!
//! Readable is what lies below the workspace of the project, in a `node_modules` folder beside or above
//! it, or in a package that an import by its name leads to (a linked package may live anywhere).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::plugnplay::{Located, PlugNPlay};
use oxc_resolver::{
    FileSystem, FileSystemOs, Resolution, ResolveContext, ResolveError, ResolveOptions, Resolver,
    TsConfig, TsconfigDiscovery, TsconfigOptions, TsconfigReferences,
};

/// Larger files are not read: no schema needs them.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// The ways in which a package may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Import,
    Require,
}

/// What an import means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    File(PathBuf),
    /// A module of Node, without `node:`, or `drizzle-kit`.
    Builtin(String),
    /// A database driver, which is never loaded.
    Driver(String),
}

pub(crate) struct Workspace {
    root: PathBuf,
    top: PathBuf,
    linked: BTreeSet<PathBuf>,
    /// Yarn's packages, or why there are none although it says that there are.
    yarn: Result<Option<PlugNPlay>, String>,
    import: Resolver,
    require: Resolver,
    tsconfigs: BTreeMap<PathBuf, Option<Arc<TsConfig>>>,
    /// What was found already, by the importer's folder and the specifier: a package's files import each
    /// other again and again.
    found: [HashMap<PathBuf, HashMap<String, Target>>; 2],
    /// Paths without links that were found and may be read.
    admitted: HashSet<PathBuf>,
    /// Folders without the links on the way to them.
    real_folders: RefCell<HashMap<PathBuf, PathBuf>>,
}

impl Workspace {
    /// `home` is the user's folder, which is never taken for a workspace.
    pub(crate) fn new(root: &Path, home: Option<&Path>) -> Self {
        let yarn = PlugNPlay::seen_from(root);
        let is_yarns = matches!(yarn, Ok(Some(_)));
        let is_inlined = matches!(&yarn, Ok(Some(it)) if !it.is_apart);
        let options = |conditions| options(conditions, root, is_inlined);
        let import = options(&["node", "import", "module-sync"]);
        let import = Resolver::new_with_file_system(FileSystemOs::new(is_yarns), import);
        let require = import.clone_with_options(options(&["node", "require", "module-sync"]));
        let (root, top) = (root.to_owned(), workspace_top(root, home));
        let (linked, tsconfigs) = (BTreeSet::new(), BTreeMap::new());
        let (found, admitted) = (Default::default(), HashSet::new());
        let real_folders = RefCell::default();
        Self { root, top, linked, yarn, import, require, tsconfigs, found, admitted, real_folders }
    }

    /// Finds what `specifier` means in the file `from`. The error says why there is nothing.
    pub(crate) fn resolve(
        &mut self,
        from: &Path,
        specifier: &str,
        style: Style,
    ) -> Result<Target, String> {
        if let Some(target) = without_file(specifier) {
            return Ok(target);
        }
        // Files beside each other see the same.
        let folder = from.parent().unwrap_or(&self.root);
        let known = self.found[style as usize].get(folder).and_then(|it| it.get(specifier));
        if let Some(target) = known {
            return Ok(target.clone());
        }
        let folder = folder.to_owned();
        let target = self.search(from, specifier, style)?;
        let beside = self.found[style as usize].entry(folder).or_default();
        beside.insert(specifier.to_owned(), target.clone());
        Ok(target)
    }

    fn search(&mut self, from: &Path, specifier: &str, style: Style) -> Result<Target, String> {
        let specifier = specifier.strip_prefix("file://").unwrap_or(specifier);
        if let Some(path) = self.named_in_full(from, specifier, style) {
            self.admitted.insert(path.clone());
            return Ok(Target::File(path));
        }
        let found = self.find(from, specifier, style).map_err(|it| match &self.yarn {
            Err(reason) => reason.clone(),
            Ok(_) => explain(&it),
        })?;
        let path = found.path().to_owned();
        let located = self.locate(&path).map_or_else(|| path.clone(), |it| it.path());
        if !self.may_read(&located)
            && let Some(package) = found.package_json()
        {
            if self.is_package_of(from, specifier, package.directory()) {
                self.linked.insert(package.directory().to_owned());
            }
            self.linked.extend(self.package_of_yarn(from, specifier, package.directory()));
        }
        if !self.may_read(&located) {
            return Err(format!("it lies outside of `{}`", self.top.display()));
        }
        if located == path && self.yarn().is_none() {
            self.admitted.insert(located);
        }
        Ok(Target::File(path))
    }

    /// The file that a relative import in an ES module of an installed package names, as Node demands it: in
    /// full. The resolver would ask for half a dozen other files first.
    fn named_in_full(&self, from: &Path, specifier: &str, style: Style) -> Option<PathBuf> {
        let is_javascript = |it: &Path| it.extension().is_some_and(|it| it == "js" || it == "mjs");
        if style != Style::Import
            || !(specifier.starts_with("./") || specifier.starts_with("../"))
            || self.yarn.as_ref().map_or(true, Option::is_some)
            || !(is_installed(from) && is_javascript(from))
        {
            return None;
        }
        let path = joined(from.parent()?, specifier);
        if self.admitted.contains(&path) {
            return Some(path);
        }
        let is_plain = is_javascript(&path) && self.is_file_without_links(&path);
        (is_plain && self.may_read(&path)).then_some(path)
    }

    /// Whether the folder is the package that the specifier names, seen from the file `from`: found in a
    /// `node_modules` folder above it, and not by a way out of that.
    fn is_package_of(&self, from: &Path, specifier: &str, folder: &Path) -> bool {
        let mut parts = specifier.split('/');
        let name = match (parts.next(), parts.next()) {
            (Some(scope), Some(name)) if scope.starts_with('@') => format!("{scope}/{name}"),
            (Some(name), _) => name.to_owned(),
            (None, _) => return false,
        };
        if self.top.starts_with(folder) || parts.any(|it| it == "..") {
            return false;
        }
        // A package of a store sees the others beside it, through links.
        let is_it = |it: &Path| {
            fs::canonicalize(it.join("node_modules").join(&name)).is_ok_and(|it| it == folder)
        };
        from.ancestors().skip(1).any(is_it)
    }

    /// The folder without `__virtual__`, if it is the package in an archive that Yarn gives to the file `from`
    /// under this name: the archive may lie in a store that all projects share.
    fn package_of_yarn(&self, from: &Path, specifier: &str, folder: &Path) -> Option<PathBuf> {
        let yarn = self.yarn()?;
        if !is_package(specifier) {
            return None;
        }
        let given = yarn.package(from.parent()?, specifier)?;
        match (yarn.locate(&given)?, yarn.locate(folder)?) {
            (given @ Located::Archived { .. }, found) if given.path() == found.path() => {
                Some(given.path())
            }
            _ => None,
        }
    }

    /// The packages that Yarn has installed in archives.
    pub(crate) fn yarn(&self) -> Option<&PlugNPlay> {
        self.yarn.as_ref().ok()?.as_ref()
    }

    /// Tries the `paths` of the nearest `tsconfig.json`, then of the project's, then none at all: a
    /// broken `tsconfig.json` must not make the schema unreadable.
    fn find(
        &mut self,
        from: &Path,
        specifier: &str,
        style: Style,
    ) -> Result<Resolution, ResolveError> {
        let folder = from.parent().unwrap_or(&self.root).to_owned();
        let mut tsconfigs = Vec::new();
        if !specifier.starts_with('.') && !is_installed(from) {
            let root = self.root.clone();
            tsconfigs.extend(self.tsconfig(&folder));
            tsconfigs.extend(self.tsconfig(&root));
        }
        let resolver = match style {
            Style::Import => &self.import,
            Style::Require => &self.require,
        };
        let find = |folder: &Path, specifier: &str, tsconfig| {
            let context = &mut ResolveContext::default();
            resolver.resolve_with_context(folder, specifier, tsconfig, context)
        };
        let found = tsconfigs.iter().find_map(|it| find(&folder, specifier, Some(it)).ok());
        if let Some(found) = found {
            return Ok(found);
        }
        let yarn = self.yarn().filter(|it| it.is_apart && is_package(specifier));
        match yarn.and_then(|it| it.inside(&folder, specifier)) {
            Some((package, request)) => find(&package, &request, None),
            None => find(&folder, specifier, None),
        }
    }

    /// The `tsconfig.json` in the folder or the nearest above it.
    fn tsconfig(&mut self, folder: &Path) -> Option<Arc<TsConfig>> {
        if let Some(known) = self.tsconfigs.get(folder) {
            return known.clone();
        }
        let file = folder.ancestors().map(|it| it.join("tsconfig.json")).find(|it| it.is_file());
        let found = file.and_then(|it| self.import.resolve_tsconfig(it).ok());
        self.tsconfigs.insert(folder.to_owned(), found.clone());
        found
    }

    fn may_read(&self, path: &Path) -> bool {
        path.starts_with(&self.top)
            || self.top.ancestors().any(|it| path.starts_with(it.join("node_modules")))
            || self.linked.iter().any(|it| path.starts_with(it))
    }

    /// Where an existing file or folder is.
    fn locate(&self, path: &Path) -> Option<Located> {
        match self.yarn() {
            Some(yarn) => yarn.locate(path),
            None => self.without_links(path).map(Located::Disk),
        }
    }

    /// The real path of an existing file or folder.
    fn without_links(&self, path: &Path) -> Option<PathBuf> {
        if !path.is_absolute() {
            return fs::canonicalize(path).ok();
        }
        let Some(real) = self.in_real_folder(path) else { return fs::canonicalize(path).ok() };
        match fs::symlink_metadata(&real).ok()?.is_symlink() {
            true => fs::canonicalize(real).ok(),
            false => Some(real),
        }
    }

    /// Whether the absolute path leads to an ordinary file, by no link.
    fn is_file_without_links(&self, path: &Path) -> bool {
        self.in_real_folder(path).is_some_and(|it| it == path)
            && fs::symlink_metadata(path).is_ok_and(|it| it.is_file())
    }

    /// The path with the links on the way to its last part resolved. They are looked up once for each folder:
    /// files beside each other share all links but their own.
    fn in_real_folder(&self, path: &Path) -> Option<PathBuf> {
        let (parent, name) = (path.parent()?, path.file_name()?);
        let mut real_folders = self.real_folders.borrow_mut();
        let folder = match real_folders.get(parent) {
            Some(known) => known,
            None => {
                let folder = fs::canonicalize(parent).ok()?;
                real_folders.entry(parent.to_owned()).or_insert(folder)
            }
        };
        Some(folder.join(name))
    }

    /// Where an existing file or folder is that may be read.
    fn readable(&self, path: &Path) -> Option<Located> {
        if self.admitted.contains(path) {
            return Some(Located::Disk(path.to_owned()));
        }
        self.locate(path).filter(|it| self.may_read(&it.path()))
    }

    /// Whether an existing file or folder that may be read is a folder.
    pub(crate) fn is_folder(&self, path: &Path) -> Option<bool> {
        Some(match self.readable(path)? {
            Located::Disk(path) => path.is_dir(),
            Located::Archived { archive, inner } => self.yarn()?.is_folder(&archive, &inner),
        })
    }

    /// The names in a folder that may be read, sorted; of one in an archive nothing.
    pub(crate) fn list(&self, path: &Path) -> Option<Vec<String>> {
        let Located::Disk(path) = self.readable(path)? else { return None };
        let entries = fs::read_dir(path).ok()?.flatten();
        let mut names: Vec<_> =
            entries.map(|it| it.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        Some(names)
    }

    /// The project's top, if the file exists and may not be read.
    pub(crate) fn refuses(&self, path: &Path) -> Option<PathBuf> {
        let path = self.locate(path)?.path();
        (!self.may_read(&path)).then(|| self.top.clone())
    }

    /// The bytes of an ordinary file that may be read and is not huge.
    pub(crate) fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let path = match self.readable(path)? {
            Located::Disk(path) => path,
            Located::Archived { archive, inner } => return self.yarn()?.read(&archive, &inner),
        };
        let metadata = fs::metadata(&path).ok()?;
        (metadata.is_file() && metadata.len() <= MAX_FILE_BYTES)
            .then(|| fs::read(&path).ok())
            .flatten()
    }
}

fn options(conditions: &[&str], root: &Path, is_yarns: bool) -> ResolveOptions {
    let list = |items: &[&str]| items.iter().map(ToString::to_string).collect::<Vec<_>>();
    ResolveOptions {
        // Only makes the resolver look into the configuration that it is given with each question.
        tsconfig: Some(TsconfigDiscovery::Manual(TsconfigOptions {
            config_file: PathBuf::new(),
            references: TsconfigReferences::Disabled,
        })),
        condition_names: list(conditions),
        extensions: list(&[
            ".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".cjs", ".jsx", ".json", ".node",
        ]),
        extension_alias: vec![
            (".js".to_owned(), list(&[".ts", ".tsx", ".js", ".jsx"])),
            (".jsx".to_owned(), list(&[".tsx", ".jsx"])),
            (".mjs".to_owned(), list(&[".mts", ".mjs"])),
            (".cjs".to_owned(), list(&[".cts", ".cjs"])),
        ],
        main_fields: list(&["main", "module"]),
        // The environment belongs to the caller.
        node_path: false,
        cwd: Some(root.to_owned()),
        yarn_pnp: is_yarns,
        ..ResolveOptions::default()
    }
}

/// The folder with a relative path, without dots.
fn joined(folder: &Path, relative: &str) -> PathBuf {
    let mut path = folder.to_owned();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(path.pop()),
            name => path.push(name),
        }
    }
    path
}

/// Whether the specifier names a package, rather than a file or one of the importer's own names.
fn is_package(specifier: &str) -> bool {
    !specifier.starts_with(['.', '/', '#'])
}

fn explain(error: &ResolveError) -> String {
    match error {
        ResolveError::NotFound(_) | ResolveError::ExtensionAlias(..) => {
            "there is no such file or package".to_owned()
        }
        other => other.to_string(),
    }
}

/// Whether a file belongs to an installed package.
pub(crate) fn is_installed(path: &Path) -> bool {
    path.components().any(|it| it.as_os_str() == "node_modules")
}

/// The highest folder that still belongs to the project: a monorepo's, else the package's.
fn workspace_top(root: &Path, home: Option<&Path>) -> PathBuf {
    let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let marks = ["pnpm-workspace.yaml", "turbo.json", "nx.json", "lerna.json", ".git"];
    let is_top = |folder: &Path| {
        marks.iter().any(|it| folder.join(it).exists())
            || fs::read_to_string(folder.join("package.json"))
                .is_ok_and(|it| it.contains("\"workspaces\""))
    };
    let is_wide = |it: &Path| it.parent().is_none() || Some(it) == home;
    let top = root.ancestors().find(|it| is_top(it)).filter(|it| !is_wide(it));
    let package = || {
        let package = root.ancestors().find(|it| it.join("package.json").exists());
        package.filter(|it| !is_wide(it))
    };
    top.or_else(package).unwrap_or(&root).to_owned()
}

/// Drivers connect when they are used; a schema file that also makes a client must load without.
const DRIVERS: [&str; 20] = [
    "pg",
    "pg-native",
    "postgres",
    "@libsql/client",
    "libsql",
    "better-sqlite3",
    "mysql2",
    "sqlite3",
    "bun",
    "bun:sqlite",
    "node:sqlite",
    "@neondatabase/serverless",
    "@vercel/postgres",
    "@planetscale/database",
    "@electric-sql/pglite",
    "expo-sqlite",
    "@op-engineering/op-sqlite",
    "@tursodatabase/database",
    "@xata.io/client",
    "@aws-sdk/client-rds-data",
];

const BUILTINS: [&str; 42] = [
    "assert",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "domain",
    "events",
    "fs",
    "http",
    "http2",
    "https",
    "inspector",
    "module",
    "net",
    "os",
    "path",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "repl",
    "stream",
    "string_decoder",
    "sys",
    "timers",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

/// What is answered without looking at the disk.
fn without_file(specifier: &str) -> Option<Target> {
    let package = |name: &str| {
        specifier == name || specifier.strip_prefix(name).is_some_and(|it| it.starts_with('/'))
    };
    if DRIVERS.iter().any(|it| package(it)) {
        return Some(Target::Driver(specifier.to_owned()));
    }
    // Its `api` is the kit itself, which only `judge.js` asks for.
    if specifier == "drizzle-kit" {
        return Some(Target::Builtin("drizzle-kit".to_owned()));
    }
    if let Some(name) = specifier.strip_prefix("node:") {
        return Some(Target::Builtin(name.to_owned()));
    }
    let name = specifier.split('/').next().unwrap_or_default();
    let is_builtin = BUILTINS.contains(&name) && !specifier.ends_with('/');
    let is_foreign = ["bun:", "cloudflare:", "deno:"].iter().any(|it| specifier.starts_with(it));
    (is_builtin || is_foreign).then(|| Target::Builtin(specifier.to_owned()))
}
