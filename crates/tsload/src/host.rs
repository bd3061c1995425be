//! What the JavaScript side may ask of Rust: where modules are, what files say, how URLs parse.
//!
//! Nothing here writes, connects, starts a process or looks at the environment.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use rquickjs::context::EvalOptions;
use rquickjs::{Ctx, Exception, Function, Module, Object, Result, TypedArray, Value};
use serde_json::json;
use sha2::Digest;
use url::{Url, quirks};

use crate::error::LoadError;
use crate::export_order::export_order;
use crate::modules::{PREFIX, SharedModules, is_script, spelled, throw};
use crate::nesting::unfinished_below;
use crate::sandbox::{Environment, Job};
use crate::transpile::Shape;
use crate::workspace::{Style, Target};

/// The object that the prelude's files receive as `host`.
pub(crate) fn host_object<'js>(
    ctx: &Ctx<'js>,
    modules: &SharedModules,
    root: &Path,
    env: &Environment,
) -> Result<Object<'js>> {
    let host = Object::new(ctx.clone())?;
    host.set("root", root.to_string_lossy().into_owned())?;
    host.set("env", json!(env).to_string())?;
    host.set("platform", if cfg!(windows) { "win32" } else { std::env::consts::OS })?;
    add_modules(ctx, &host, modules)?;
    add_files(ctx, &host, modules)?;
    add_text(ctx, &host)?;
    Ok(host)
}

/// Helps inference: a closure with a lifetime in both its arguments and its result.
fn evaluating<F>(call: F) -> F
where
    F: for<'js> Fn(Ctx<'js>, String) -> Result<Value<'js>>,
{
    call
}

fn add_modules<'js>(ctx: &Ctx<'js>, host: &Object<'js>, modules: &SharedModules) -> Result<()> {
    let shared = Rc::clone(modules);
    let resolve = move |ctx: Ctx<'_>, from: String, specifier: String| {
        let target = shared.borrow_mut().target(Path::new(&from), &specifier, Style::Require);
        target.map(|it| spelled(&it)).map_err(|it| throw(&ctx, &shared, it))
    };
    host.set("resolve", Function::new(ctx.clone(), resolve)?)?;
    let shared = Rc::clone(modules);
    let shape = move |ctx: Ctx<'_>, path: String| {
        let found = shape_of(&shared, Path::new(&path));
        found.map_err(|it| throw(&ctx, &shared, it))
    };
    host.set("shape", Function::new(ctx.clone(), shape)?)?;
    let shared = Rc::clone(modules);
    let order = move |ctx: Ctx<'_>, path: String| {
        let found = export_order(&mut shared.borrow_mut(), Path::new(&path));
        found.map_err(|it| throw(&ctx, &shared, it))
    };
    host.set("exportOrder", Function::new(ctx.clone(), order)?)?;
    let shared = Rc::clone(modules);
    let compile = evaluating(move |ctx, path| compile(&ctx, &shared, &path));
    host.set("compile", Function::new(ctx.clone(), compile)?)?;
    let shared = Rc::clone(modules);
    let import_now = evaluating(move |ctx, path| import_now(&ctx, &shared, &path));
    host.set("importNow", Function::new(ctx.clone(), import_now)?)?;
    let shared = Rc::clone(modules);
    let finished = move |name: String| {
        shared.borrow_mut().finished.insert(name);
    };
    host.set("finished", Function::new(ctx.clone(), finished)?)
}

pub(crate) fn shape_of(
    modules: &SharedModules,
    path: &Path,
) -> std::result::Result<&'static str, LoadError> {
    if !is_script(path) {
        let is_json = path.extension().is_some_and(|it| it == "json");
        return Ok(if is_json { "json" } else { "native" });
    }
    let script = modules.borrow_mut().script(path)?;
    Ok(match script.shape {
        Shape::Module => "module",
        Shape::CommonJs => "commonjs",
    })
}

/// The function that Node wraps around a CommonJS file.
fn compile<'js>(ctx: &Ctx<'js>, modules: &SharedModules, path: &str) -> Result<Value<'js>> {
    let script = modules.borrow_mut().runnable(Path::new(path));
    let script = script.map_err(|it| throw(ctx, modules, it))?;
    let (mark, code) = match script.code().strip_prefix("#!") {
        Some(rest) => ("//", rest),
        None => ("", script.code()),
    };
    let wrapped =
        format!("(function (exports, require, module, __filename, __dirname) {{{mark}{code}\n}})");
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(path.to_owned());
    ctx.eval_with_options(wrapped, options)
}

/// `require` of an ES module: evaluates it now, which is possible unless it awaits.
fn import_now<'js>(ctx: &Ctx<'js>, modules: &SharedModules, path: &str) -> Result<Value<'js>> {
    let refuse = |why: &str| {
        let message = format!("`{path}` is an ES module and cannot be required here: {why}");
        Err(Exception::throw_message(ctx, &message))
    };
    if modules.borrow().linking > 0 {
        return refuse("everything of the file that requires it is imported (`import *`)");
    }
    let unfinished = unfinished_below(&mut modules.borrow_mut(), path);
    if let Some(name) = unfinished {
        return refuse(&format!("it imports `{name}`, which is still being evaluated"));
    }
    let code = format!("import * as all from {};export {{ all }};", json!(path));
    let (module, promise) =
        Module::declare(ctx.clone(), format!("{PREFIX}now|{path}"), code)?.eval()?;
    match promise.result::<Value<'js>>() {
        Some(result) => result.map(drop)?,
        None => return refuse("it awaits"),
    }
    module.get("all")
}

/// Lets `host` say where the project's own `drizzle-orm` is: from the project's folder, else from the job's files.
pub(crate) fn add_orm<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    modules: &SharedModules,
    job: &Job,
) -> Result<()> {
    let shared = Rc::clone(modules);
    let anchors = job.anchors();
    let orm = move |ctx: Ctx<'_>, specifier: String| {
        let found = resolve_orm(&shared, &anchors, &specifier);
        found.map_err(|it| throw(&ctx, &shared, it))
    };
    host.set("orm", Function::new(ctx.clone(), orm)?)
}

pub(crate) fn resolve_orm(
    modules: &SharedModules,
    anchors: &[PathBuf],
    specifier: &str,
) -> std::result::Result<String, LoadError> {
    let mut first_error = None;
    for anchor in anchors {
        match modules.borrow_mut().target(anchor, specifier, Style::Import) {
            Ok(Target::File(path)) => return Ok(path.to_string_lossy().into_owned()),
            Ok(_) => {}
            Err(error) => drop(first_error.get_or_insert(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| LoadError::OrmMissing { root: PathBuf::new() }))
}

fn add_files<'js>(ctx: &Ctx<'js>, host: &Object<'js>, modules: &SharedModules) -> Result<()> {
    let shared = Rc::clone(modules);
    let kind = move |path: String| {
        let is_folder = shared.borrow().workspace.is_folder(Path::new(&path))?;
        Some(if is_folder { "directory" } else { "file" })
    };
    host.set("kind", Function::new(ctx.clone(), kind)?)?;
    let shared = Rc::clone(modules);
    let list = move |path: String| shared.borrow().workspace.list(Path::new(&path));
    host.set("list", Function::new(ctx.clone(), list)?)?;
    let shared = Rc::clone(modules);
    let text = move |ctx: Ctx<'_>, path: String| {
        let found = shared.borrow_mut().text(Path::new(&path));
        found.map_err(|it| throw(&ctx, &shared, it))
    };
    host.set("text", Function::new(ctx.clone(), text)?)?;
    let shared = Rc::clone(modules);
    let read = evaluating(move |ctx, path| {
        let bytes = shared.borrow_mut().read(Path::new(&path));
        bytes.map_or_else(|| Ok(Value::new_undefined(ctx.clone())), |it| bytes_value(&ctx, it))
    });
    host.set("read", Function::new(ctx.clone(), read)?)
}

fn bytes_value<'js>(ctx: &Ctx<'js>, bytes: Vec<u8>) -> Result<Value<'js>> {
    TypedArray::<u8>::new(ctx.clone(), bytes).map(TypedArray::into_value)
}

fn add_text<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> Result<()> {
    let encode = evaluating(|ctx, text| bytes_value(&ctx, text.into_bytes()));
    host.set("encode", Function::new(ctx.clone(), encode)?)?;
    let decode = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    host.set("decode", Function::new(ctx.clone(), decode)?)?;
    host.set("hash", Function::new(ctx.clone(), hash)?)?;
    let parse = |href: String, base: Option<String>| {
        let base = base.map(|it| Url::parse(&it)).transpose().ok()?;
        let url = Url::options().base_url(base.as_ref()).parse(&href).ok()?;
        Some(url_parts(&url))
    };
    host.set("urlParse", Function::new(ctx.clone(), parse)?)?;
    let set = |href: String, name: String, value: String| set_url_part(&href, &name, &value);
    host.set("urlSet", Function::new(ctx.clone(), set)?)
}

fn hash(algorithm: String, bytes: Vec<u8>) -> Option<Vec<u8>> {
    Some(match algorithm.as_str() {
        "md5" => md5::Md5::digest(bytes).to_vec(),
        "sha1" => sha1::Sha1::digest(bytes).to_vec(),
        "sha224" => sha2::Sha224::digest(bytes).to_vec(),
        "sha256" => sha2::Sha256::digest(bytes).to_vec(),
        "sha384" => sha2::Sha384::digest(bytes).to_vec(),
        "sha512" => sha2::Sha512::digest(bytes).to_vec(),
        _ => return None,
    })
}

fn url_parts(url: &Url) -> String {
    json!({
        "href": quirks::href(url),
        "origin": quirks::origin(url),
        "protocol": quirks::protocol(url),
        "username": quirks::username(url),
        "password": quirks::password(url),
        "host": quirks::host(url),
        "hostname": quirks::hostname(url),
        "port": quirks::port(url),
        "pathname": quirks::pathname(url),
        "search": quirks::search(url),
        "hash": quirks::hash(url),
    })
    .to_string()
}

/// A value that does not fit leaves the URL as it was, as the URL standard says.
fn set_url_part(href: &str, name: &str, value: &str) -> Option<String> {
    let mut url = Url::parse(href).ok()?;
    match name {
        "href" => drop(quirks::set_href(&mut url, value)),
        "protocol" => drop(quirks::set_protocol(&mut url, value)),
        "username" => drop(quirks::set_username(&mut url, value)),
        "password" => drop(quirks::set_password(&mut url, value)),
        "host" => drop(quirks::set_host(&mut url, value)),
        "hostname" => drop(quirks::set_hostname(&mut url, value)),
        "port" => drop(quirks::set_port(&mut url, value)),
        "pathname" => quirks::set_pathname(&mut url, value),
        "search" => quirks::set_search(&mut url, value),
        _ => quirks::set_hash(&mut url, value),
    }
    Some(url_parts(&url))
}
