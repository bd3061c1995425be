//! The files that were loaded, and how the engine finds and loads its modules among them.
//!
//! A module's name in the engine is the path of an ES module, or `raingauge:<names>|<target>` for
//! everything else (CommonJS, JSON, Node's modules, drivers), where `<names>` are the names that its
//! importers want, `*` stands for all of them, and a leading `!` for Node's rules about `default`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::Declared;
use rquickjs::{Ctx, Exception, Function, Module, Object, Value};
use serde::Deserialize;

use crate::depth::too_deep;
use crate::error::{LoadError, Place};
use crate::module_record::{Request, is_identifier};
use crate::sandbox::INTERNALS;
use crate::transpile::{Origin, Script, Shape, SyntaxError, position, transpile};
use crate::workspace::{Style, Target, Workspace, is_installed};

/// Marks a JavaScript error as the carrier of a [`LoadError`].
pub(crate) const FAILURE: &str = "raingaugeFailure";

/// Begins the names of modules that are not ES modules of their own.
pub(crate) const PREFIX: &str = "raingauge:";

/// Shared by the resolver, the loader and the host functions of one engine.
pub(crate) type SharedModules = Rc<RefCell<Modules>>;

pub(crate) struct Modules {
    root: PathBuf,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) workspace: Workspace,
    scripts: HashMap<PathBuf, Rc<Script>>,
    packages: HashMap<PathBuf, bool>,
    failures: Vec<Option<LoadError>>,
    /// Files of the project that were read, without installed packages.
    pub(crate) files: BTreeSet<PathBuf>,
    /// More than zero while the engine links modules: none may be run then.
    pub(crate) linking: u32,
    /// Names of the modules that the engine has got, and of those whose code ran to its end.
    pub(crate) started: BTreeSet<String>,
    pub(crate) finished: BTreeSet<String>,
}

/// What counts in a `package.json` here. Nothing else is kept: drizzle-orm's names thousands of files.
#[derive(Deserialize)]
struct Package {
    #[serde(rename = "type")]
    kind: Option<serde_json::Value>,
}

impl Modules {
    pub(crate) fn new(root: &Path, env: &BTreeMap<String, String>) -> Self {
        Self {
            root: root.to_owned(),
            env: env.clone(),
            workspace: Workspace::new(root, env.get("HOME").map(Path::new)),
            scripts: HashMap::new(),
            packages: HashMap::new(),
            failures: Vec::new(),
            files: BTreeSet::new(),
            linking: 0,
            started: BTreeSet::new(),
            finished: BTreeSet::new(),
        }
    }

    /// The path as messages show it.
    pub(crate) fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }

    pub(crate) fn script_at(&self, path: &Path) -> Option<&Rc<Script>> {
        self.scripts.get(path)
    }

    /// Reads and transpiles a file, once.
    pub(crate) fn script(&mut self, path: &Path) -> Result<Rc<Script>, LoadError> {
        if let Some(known) = self.scripts.get(path) {
            return Ok(Rc::clone(known));
        }
        let source = self.text(path)?;
        if let Some(offset) = too_deep(&source) {
            let (line, column) = position(&source, offset);
            let place = Place::new(&self.shown(path), &source, line, column);
            let message = "the code is nested too deeply".to_owned();
            return Err(LoadError::Limit { place: Some(place), message });
        }
        let in_module_package = self.in_module_package(path);
        let origin = Origin { path, in_module_package, is_installed: is_installed(path) };
        let script = match transpile(&origin, source) {
            Ok(script) => Rc::new(script),
            Err((error, source)) => return Err(self.syntax_error(path, &source, error)),
        };
        self.scripts.insert(path.to_owned(), Rc::clone(&script));
        Ok(script)
    }

    fn syntax_error(&self, path: &Path, source: &str, error: SyntaxError) -> LoadError {
        let (line, column) = position(source, error.offset);
        let place = Place::new(&self.shown(path), source, line, column);
        LoadError::Syntax { place, message: error.message }
    }

    /// As [`Self::script`], for an engine that runs it as it was transpiled here.
    ///
    /// # Errors
    /// As for [`Self::script`], or if it has decorators, which no engine runs by itself.
    pub(crate) fn runnable(&mut self, path: &Path) -> Result<Rc<Script>, LoadError> {
        let script = self.script(path)?;
        let Some(offset) = script.decorator else { return Ok(script) };
        let message = "a decorator is not available while a schema is read".to_owned();
        Err(LoadError::Refused { place: Some(self.place(&script, offset)), message })
    }

    /// The text of a file that may be read.
    pub(crate) fn text(&mut self, path: &Path) -> Result<String, LoadError> {
        let Some(bytes) = self.read(path) else {
            if let Some(top) = self.workspace.refuses(path) {
                return Err(LoadError::Outside { path: path.to_owned(), top });
            }
            let source = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(LoadError::Unreadable { path: self.shown(path), source });
        };
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
        Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
    }

    pub(crate) fn read(&mut self, path: &Path) -> Option<Vec<u8>> {
        let bytes = self.workspace.read(path)?;
        if !is_installed(path) {
            self.files.insert(path.to_owned());
        }
        Some(bytes)
    }

    /// Whether the nearest `package.json` says `"type": "module"`.
    fn in_module_package(&mut self, path: &Path) -> bool {
        let Some(folder) = path.parent() else { return false };
        if let Some(known) = self.packages.get(folder) {
            return *known;
        }
        let package = self.workspace.read(&folder.join("package.json"));
        let is_module = match package {
            Some(bytes) => serde_json::from_slice::<Package>(&bytes)
                .is_ok_and(|it| it.kind.is_some_and(|it| it == "module")),
            None => self.in_module_package(folder),
        };
        self.packages.insert(folder.to_owned(), is_module);
        is_module
    }

    /// What a specifier means in a file, as an error of this crate if nothing.
    pub(crate) fn target(
        &mut self,
        from: &Path,
        specifier: &str,
        style: Style,
    ) -> Result<Target, LoadError> {
        self.workspace.resolve(from, specifier, style).map_err(|message| {
            let is_orm = specifier == "drizzle-orm" || specifier.starts_with("drizzle-orm/");
            if is_orm && message.starts_with("there is no such") {
                return LoadError::OrmMissing { root: self.root.clone() };
            }
            let script = self.scripts.get(from);
            let place = script
                .and_then(|it| Some(self.place(it, it.record().requests.get(specifier)?.offset)));
            LoadError::ImportMissing { specifier: specifier.to_owned(), place, message }
        })
    }

    /// The module name that an import statement or `import()` in `base` leads to.
    pub(crate) fn module_name(&mut self, base: &str, specifier: &str) -> Result<String, LoadError> {
        let from = Path::new(base);
        let importer = self.scripts.get(from).map(Rc::clone);
        // The prelude loads files by their paths.
        let target = match importer.is_none() && specifier.starts_with('/') {
            true => Target::File(PathBuf::from(specifier)),
            false => self.target(from, specifier, Style::Import)?,
        };
        let target = match target {
            Target::File(path) if is_script(&path) => {
                let script = self.script(&path)?;
                if script.shape == Shape::Module {
                    return Ok(path.to_string_lossy().into_owned());
                }
                format!("file:{}", path.display())
            }
            other => spelled(&other),
        };
        let as_node = importer.as_ref().is_some_and(|it| it.is_node_module);
        let all = Request { all: true, ..Request::default() };
        let requests = importer.as_ref().map(|it| &it.record().requests);
        let request = requests.and_then(|it| it.get(specifier)).unwrap_or(&all);
        Ok(format!("{PREFIX}{}{}|{target}", if as_node { "!" } else { "" }, wanted(request)))
    }

    fn place(&self, script: &Script, offset: u32) -> Place {
        let (line, column) = position(&script.source, offset as usize);
        Place::new(&self.shown(&script.path), &script.source, line, column)
    }

    /// Where a file of the project imports the name, or re-exports it.
    pub(crate) fn import_of(&self, name: &str) -> Option<Place> {
        let own = self.scripts.values().filter(|it| !is_installed(&it.path));
        let imports =
            own.flat_map(|it| it.record().requests.values().map(move |request| (it, request)));
        let (script, request) = imports
            .filter(|(_, request)| request.names.contains(name))
            .min_by_key(|(script, request)| (&script.path, request.offset))?;
        Some(self.place(script, request.offset))
    }

    /// The lines of the exports of the project's files.
    pub(crate) fn export_lines(&self) -> BTreeMap<PathBuf, BTreeMap<String, u32>> {
        let own = self.scripts.iter().filter(|(path, _)| !is_installed(path));
        let lines = |it: &Script| {
            let ends: Vec<usize> = it.source.match_indices('\n').map(|(at, _)| at).collect();
            let line = |at: u32| ends.partition_point(|end| *end < at as usize) + 1;
            let line = |at: u32| u32::try_from(line(at)).unwrap_or(u32::MAX);
            it.record().exports.iter().map(|(name, at)| (name.clone(), line(*at))).collect()
        };
        own.map(|(path, script)| (path.clone(), lines(script))).collect()
    }

    pub(crate) fn keep_failure(&mut self, error: LoadError) -> usize {
        self.failures.push(Some(error));
        self.failures.len() - 1
    }

    pub(crate) fn take_failure(&mut self, number: usize) -> Option<LoadError> {
        self.failures.get_mut(number).and_then(Option::take)
    }
}

/// Whether a file is code, rather than data or a native addon.
pub(crate) fn is_script(path: &Path) -> bool {
    !matches!(path.extension().and_then(|it| it.to_str()), Some("json" | "node"))
}

/// A target as the JavaScript side spells it.
pub(crate) fn spelled(target: &Target) -> String {
    match target {
        Target::File(path) => format!("file:{}", path.display()),
        Target::Builtin(name) => format!("node:{name}"),
        Target::Driver(name) => format!("driver:{name}"),
    }
}

fn wanted(request: &Request) -> String {
    let mut names: Vec<&str> =
        request.names.iter().map(String::as_str).filter(|it| is_identifier(it)).collect();
    if request.all {
        names.push("*");
    }
    names.join(",")
}

/// Throws `error` as a JavaScript exception, from which `take_failure` gets it back.
pub(crate) fn throw(ctx: &Ctx<'_>, modules: &SharedModules, error: LoadError) -> rquickjs::Error {
    let made = Exception::from_message(ctx.clone(), &error.to_string());
    let number = modules.borrow_mut().keep_failure(error);
    match made {
        Ok(exception) => match exception.as_object().set(FAILURE, number) {
            Ok(()) => exception.throw(),
            Err(error) => error,
        },
        Err(error) => error,
    }
}

/// Answers the engine's question which module an import means.
pub(crate) struct ModuleResolver(pub(crate) SharedModules);

impl Resolver for ModuleResolver {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<String> {
        if name.starts_with(PREFIX) {
            return Ok(name.to_owned());
        }
        let found = self.0.borrow_mut().module_name(base, name);
        found.map_err(|it| throw(ctx, &self.0, it))
    }
}

/// Hands the engine the code of a module.
pub(crate) struct ModuleLoader(pub(crate) SharedModules);

impl Loader for ModuleLoader {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        self.0.borrow_mut().started.insert(name.to_owned());
        let finish = format!("\n;{INTERNALS}.finished({});", serde_json::Value::from(name));
        if let Some(rest) = name.strip_prefix(PREFIX) {
            let code = self.bridge(ctx, rest)? + &finish;
            return Module::declare(ctx.clone(), name, code);
        }
        let script = self.0.borrow_mut().runnable(Path::new(name));
        let script = script.map_err(|it| throw(ctx, &self.0, it))?;
        let code = format!("{}{}{finish}", scope_line(&script), script.code());
        let module = Module::declare(ctx.clone(), name, code)
            .map_err(|it| self.why_not_declared(ctx, &script, it))?;
        let meta: Object<'js> = module.meta()?;
        meta.set("url", format!("file://{name}"))?;
        meta.set("filename", name)?;
        meta.set("dirname", script.path.parent().map(|it| it.to_string_lossy().into_owned()))?;
        Ok(module)
    }
}

impl ModuleLoader {
    /// What the engine says of a file that was not parsed before, in the words of this crate's parser.
    fn why_not_declared(
        &self,
        ctx: &Ctx<'_>,
        script: &Script,
        error: rquickjs::Error,
    ) -> rquickjs::Error {
        let flaw = if is_installed(&script.path) { script.flaw() } else { None };
        let Some(flaw) = flaw else { return error };
        drop(ctx.catch());
        let syntax = self.0.borrow().syntax_error(&script.path, &script.source, flaw);
        throw(ctx, &self.0, syntax)
    }

    /// An ES module that passes on the exports of something that is not one.
    fn bridge(&self, ctx: &Ctx<'_>, rest: &str) -> rquickjs::Result<String> {
        let (names, target) = rest.split_once('|').unwrap_or(("*", rest));
        let as_node = names.starts_with('!');
        let mut names: BTreeSet<String> = names
            .trim_start_matches('!')
            .split(',')
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect();
        if names.remove("*") {
            self.0.borrow_mut().linking += 1;
            let all = all_names(ctx, target);
            self.0.borrow_mut().linking -= 1;
            names.extend(all?.into_iter().filter(|it| is_identifier(it)));
        }
        names.remove("default");
        let target = serde_json::Value::from(target);
        let mut code = format!(
            "const g={INTERNALS},m=g.get({target});export default g.defaultOf(m,{as_node});"
        );
        for (number, name) in names.iter().enumerate() {
            let _ = write!(
                code,
                "const e{number}=g.memberOf(m,\"{name}\");export{{e{number} as {name}}};"
            );
        }
        Ok(code)
    }
}

fn all_names(ctx: &Ctx<'_>, target: &str) -> rquickjs::Result<Vec<String>> {
    let internals: Object<'_> = ctx.globals().get(INTERNALS)?;
    let exports: Value<'_> = internals.get::<_, Function<'_>>("get")?.call((target,))?;
    internals.get::<_, Function<'_>>("namesOf")?.call((exports,))
}

/// How many lines [`scope_line`] adds.
pub(crate) fn added_lines(script: &Script) -> u32 {
    u32::from(script.shape == Shape::Module && !script.scope.is_empty())
}

/// Gives an ES module those names of CommonJS that it uses, as the transpiler of Drizzle Kit does.
pub(crate) fn scope_line(script: &Script) -> String {
    if added_lines(script) == 0 {
        return String::new();
    }
    let path = serde_json::Value::from(script.path.to_string_lossy().into_owned());
    format!("const {{{}}}={INTERNALS}.scopeFor({path});\n", script.scope.join(","))
}
