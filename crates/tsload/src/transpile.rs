//! Turns one source file into a script that the engine can run, and notes its imports and exports.
//!
//! TypeScript is parsed, stripped of its types (with imports that only types need) and printed with
//! a source map; JavaScript is only parsed, and that of installed packages not even that unless someone
//! asks what it imports.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use oxc::allocator::Allocator;
use oxc::ast::AstKind;
use oxc::ast::ast::{Program, Statement};
use oxc::codegen::{Codegen, CodegenOptions};
use oxc::diagnostics::Diagnostics;
use oxc::parser::{ParseOptions, Parser};
use oxc::semantic::{Scoping, SemanticBuilder};
use oxc::span::SourceType;
use oxc::transformer::{JsxOptions, JsxRuntime, TransformOptions, Transformer};
use oxc_sourcemap::SourceMap;

use crate::error::Place;
use crate::module_record::{Record, read_exports, read_requests};
use crate::sandbox::INTERNALS;

/// How the engine has to run a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Module,
    CommonJs,
}

/// A file that is ready to run.
pub(crate) struct Script {
    pub(crate) path: PathBuf,
    pub(crate) source: String,
    /// What runs, where that is not the source itself.
    printed: Option<String>,
    pub(crate) shape: Shape,
    /// Whether Node itself would treat the file as an ES module, by its extension or package.
    pub(crate) is_node_module: bool,
    record: OnceCell<Record>,
    /// What CommonJS offers and the file uses although it is an ES module: `require`, `__dirname` ….
    pub(crate) scope: Vec<&'static str>,
    /// Where the first decorator is.
    pub(crate) decorator: Option<u32>,
    map: Option<SourceMap<'static>>,
}

/// A syntax error: what is wrong, and the offset in the source.
pub(crate) struct SyntaxError {
    pub(crate) message: String,
    pub(crate) offset: usize,
}

const COMMONJS_NAMES: [&str; 5] = ["require", "module", "exports", "__filename", "__dirname"];

/// What is known about a file before it is read.
pub(crate) struct Origin<'a> {
    pub(crate) path: &'a Path,
    /// `"type": "module"` in the nearest `package.json`.
    pub(crate) in_module_package: bool,
    /// Files of installed packages are taken as they are.
    pub(crate) is_installed: bool,
}

/// Reads the source of one file.
pub(crate) fn transpile(
    origin: &Origin<'_>,
    source: String,
) -> Result<Script, (SyntaxError, String)> {
    match read(origin, &source) {
        Ok(script) => Ok(Script { source, ..script }),
        Err(error) => Err((error, source)),
    }
}

/// What kind of source the extension stands for.
fn source_type(path: &Path) -> SourceType {
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    match SourceType::from_path(path) {
        Ok(it) if matches!(extension, "ts" | "tsx" | "js" | "jsx") => it.with_unambiguous(true),
        Ok(it) => it,
        Err(_) => SourceType::unambiguous(),
    }
}

/// A script of which everything is known that has to be known to run it, before it is parsed: an ES
/// module of an installed package, by its name.
fn unread(origin: &Origin<'_>) -> Option<Script> {
    let is_module = match origin.path.extension().and_then(|it| it.to_str()) {
        Some("mjs") => true,
        Some("js") => origin.in_module_package,
        _ => false,
    };
    (origin.is_installed && is_module).then(|| Script {
        path: origin.path.to_owned(),
        source: String::new(),
        printed: None,
        shape: Shape::Module,
        is_node_module: true,
        record: OnceCell::new(),
        scope: Vec::new(),
        decorator: None,
        map: None,
    })
}

fn read(origin: &Origin<'_>, source: &str) -> Result<Script, SyntaxError> {
    if let Some(script) = unread(origin) {
        return Ok(script);
    }
    let path = origin.path;
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    let source_type = source_type(path);
    let allocator = Allocator::default();
    let options = ParseOptions { allow_return_outside_function: true, ..ParseOptions::default() };
    let mut parsed = Parser::new(&allocator, source, source_type).with_options(options).parse();
    if !origin.is_installed || parsed.panicked {
        refuse(&parsed.diagnostics)?;
    }
    let is_node_module = match extension {
        "mjs" | "mts" => true,
        "cjs" | "cts" => false,
        _ => origin.in_module_package,
    };
    let requests = read_requests(&parsed.module_record, source);
    let assigns_exports = assigns_exports(&parsed.program);
    let shape = match extension {
        "mjs" | "mts" => Shape::Module,
        // Once its imports of types are gone, it is CommonJS.
        _ if assigns_exports && requests.is_empty() => Shape::CommonJs,
        _ if parsed.module_record.has_module_syntax => Shape::Module,
        "cjs" | "cts" => Shape::CommonJs,
        _ if origin.in_module_package => Shape::Module,
        _ => Shape::CommonJs,
    };
    let exports = read_exports(&parsed.module_record);
    let scoping = match origin.is_installed && !source_type.is_typescript() {
        true => None,
        false => Some(analyze(&parsed.program, source)?),
    };
    let (scoping, decorator) = scoping.map_or((None, None), |it| (Some(it.0), it.1));
    let mut scope = scoping.as_ref().map(|it| used_commonjs_names(it, shape)).unwrap_or_default();
    if shape == Shape::Module && imports_by_require(&parsed.program) && !scope.contains(&"require")
    {
        scope.push("require");
    }
    if shape == Shape::Module && assigns_exports {
        scope.push("module");
    }
    let (printed, map) = match scoping {
        Some(scoping) if source_type.is_typescript() || source_type.is_jsx() => {
            let (code, map) = print(path, &allocator, &mut parsed.program, scoping)?;
            let code = match shape {
                Shape::Module => code + &exports.type_exports,
                // With this the transformer keeps a module a module whose last import was of types.
                Shape::CommonJs => {
                    code.trim_end().strip_suffix("export {};").map(str::to_owned).unwrap_or(code)
                }
            };
            (Some(code), map)
        }
        _ => (None, None),
    };
    let record = Record { requests, exports: exports.values, stars: exports.stars };
    Ok(Script {
        path: path.to_owned(),
        printed,
        shape,
        is_node_module,
        record: OnceCell::from(record),
        scope,
        decorator,
        map,
        source: String::new(),
    })
}

/// The names in the program, and where its first decorator is.
fn analyze(program: &Program<'_>, source: &str) -> Result<(Scoping, Option<u32>), SyntaxError> {
    let built = SemanticBuilder::new()
        .with_excess_capacity(2.0)
        .with_check_syntax_error(true)
        .with_enum_eval(true)
        .with_build_nodes(source.contains('@'))
        .build(program);
    refuse(&built.diagnostics)?;
    let decorator = built.semantic.nodes().iter().find_map(|it| match it.kind() {
        AstKind::Decorator(it) => Some(it.span.start),
        _ => None,
    });
    Ok((built.semantic.into_scoping(), decorator))
}

fn used_commonjs_names(scoping: &Scoping, shape: Shape) -> Vec<&'static str> {
    if shape == Shape::CommonJs {
        return Vec::new();
    }
    let used: BTreeSet<&str> =
        scoping.root_unresolved_references().keys().map(|it| it.as_str()).collect();
    COMMONJS_NAMES.into_iter().filter(|it| used.contains(it)).collect()
}

/// `import name = require("…")`, of which the transformer makes a call of `require`.
fn imports_by_require(program: &Program<'_>) -> bool {
    program.body.iter().any(|it| matches!(it, Statement::TSImportEqualsDeclaration(_)))
}

/// `export =`, of which the transformer makes an assignment to `module.exports`.
fn assigns_exports(program: &Program<'_>) -> bool {
    program.body.iter().any(|it| matches!(it, Statement::TSExportAssignment(_)))
}

/// Elements are only made, never rendered, so React need not be there.
fn jsx_options() -> JsxOptions {
    JsxOptions {
        runtime: JsxRuntime::Classic,
        pragma: Some(format!("{INTERNALS}.element")),
        pragma_frag: Some(format!("{INTERNALS}.fragment")),
        throw_if_namespace: false,
        ..JsxOptions::enable()
    }
}

fn print<'a>(
    path: &Path,
    allocator: &'a Allocator,
    program: &mut Program<'a>,
    scoping: Scoping,
) -> Result<(String, Option<SourceMap<'static>>), SyntaxError> {
    let mut options = TransformOptions { jsx: jsx_options(), ..TransformOptions::default() };
    // Not `React`: an import of it that only elements need is left out as well.
    options.typescript.jsx_pragma = INTERNALS.into();
    options.typescript.jsx_pragma_frag = INTERNALS.into();
    let transformed =
        Transformer::new(allocator, path, &options).build_with_scoping(scoping, program);
    refuse(&transformed.diagnostics)?;
    let options =
        CodegenOptions { source_map_path: Some(path.to_owned()), ..CodegenOptions::default() };
    let printed = Codegen::new().with_options(options).build(program);
    Ok((printed.code, printed.map.map(SourceMap::into_owned)))
}

fn refuse(diagnostics: &Diagnostics) -> Result<(), SyntaxError> {
    let Some(error) = diagnostics.errors().next() else { return Ok(()) };
    let message = error.message.trim_end_matches('.').to_owned();
    let offset = error.labels.first().map_or(0, |it| it.offset() as usize);
    Err(SyntaxError { message, offset })
}

impl Script {
    /// What runs.
    pub(crate) fn code(&self) -> &str {
        self.printed.as_ref().unwrap_or(&self.source)
    }

    /// What the file imports and exports; nothing, if it cannot be parsed.
    pub(crate) fn record(&self) -> &Record {
        self.record.get_or_init(|| self.parsed_record().unwrap_or_default())
    }

    /// Why the file of an installed package cannot be parsed, if that is so.
    pub(crate) fn flaw(&self) -> Option<SyntaxError> {
        self.parsed_record().err()
    }

    fn parsed_record(&self) -> Result<Record, SyntaxError> {
        let allocator = Allocator::default();
        let parsed = Parser::new(&allocator, &self.source, source_type(&self.path)).parse();
        if parsed.panicked {
            refuse(&parsed.diagnostics)?;
        }
        let exports = read_exports(&parsed.module_record);
        let requests = read_requests(&parsed.module_record, &self.source);
        Ok(Record { requests, exports: exports.values, stars: exports.stars })
    }

    /// The place in the source of a position in the code, both counted from 1. `added_lines` is how
    /// many lines the loader put before the code.
    pub(crate) fn place(&self, shown: &Path, position: (u32, u32), added_lines: u32) -> Place {
        let line = position.0.saturating_sub(added_lines).max(1);
        let (line, column) = self.original(line, position.1.max(1)).unwrap_or((line, position.1));
        Place::new(shown, &self.source, line, column.max(1))
    }

    fn original(&self, line: u32, column: u32) -> Option<(u32, u32)> {
        let map = self.map.as_ref()?;
        let table = map.generate_lookup_table();
        let token = map.lookup_token_approx(&table, line - 1, column - 1)?;
        Some((token.get_src_line() + 1, token.get_src_col() + 1))
    }
}

/// Line and column, counted from 1, of a byte offset.
pub(crate) fn position(source: &str, offset: usize) -> (u32, u32) {
    let before = source.get(..offset.min(source.len())).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}
