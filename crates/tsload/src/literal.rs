//! Reads a configuration that only says what it is, without an engine: `export default` of an object of
//! literals and environment variables, within `defineConfig` or not. Starting an engine takes ten times
//! as long. Whatever says more is left to the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use oxc::allocator::Allocator;
use oxc::ast::ast::{
    Argument, ArrayExpression, Expression, ImportDeclaration, ImportDeclarationSpecifier,
    LogicalExpression, ModuleExportName, ObjectExpression, ObjectPropertyKind, Program,
    PropertyKind, Statement, TemplateLiteral,
};
use oxc::parser::Parser;
use oxc::span::SourceType;
use oxc::syntax::operator::LogicalOperator;
use serde_json::{Map, Value};

use crate::depth::too_deep;
use crate::module_record::is_identifier;
use crate::modules::Modules;

/// Greater integers are not exact in JavaScript.
const MAX_INTEGER: f64 = 9_007_199_254_740_991.0;

/// The configuration as JSON, if the file can be read without an engine.
pub(crate) fn config(modules: &mut Modules, path: &Path) -> Option<String> {
    let extension = path.extension().and_then(|it| it.to_str())?;
    if !matches!(extension, "ts" | "mts" | "js" | "mjs") {
        return None;
    }
    let source = modules.text(path).ok().filter(|it| too_deep(it).is_none())?;
    let content = object(&source, SourceType::from_path(path).ok()?, &modules.env)?;
    Some(Value::Object(content).to_string())
}

fn object(
    source: &str,
    source_type: SourceType,
    env: &BTreeMap<String, String>,
) -> Option<Map<String, Value>> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, source_type).parse();
    if parsed.panicked || parsed.diagnostics.errors().next().is_some() {
        return None;
    }
    let (exported, wrappers) = exported(&parsed.program)?;
    let exported = match exported.get_inner_expression() {
        Expression::CallExpression(call) if !call.optional => {
            let Expression::Identifier(callee) = &call.callee else { return None };
            match &call.arguments[..] {
                [it] if wrappers.contains(callee.name.as_str()) => inner(it)?,
                _ => return None,
            }
        }
        other => other,
    };
    let Expression::ObjectExpression(exported) = exported else { return None };
    Reader { env }.members(exported, || Some(Value::Null))
}

fn inner<'a, 'b>(argument: &'b Argument<'a>) -> Option<&'b Expression<'a>> {
    argument.as_expression().map(Expression::get_inner_expression)
}

/// What the file exports, if it does nothing else, and under which names it has imported `defineConfig`.
fn exported<'a, 'b>(program: &'b Program<'a>) -> Option<(&'b Expression<'a>, BTreeSet<&'b str>)> {
    let (mut exported, mut names, mut wrappers) = (None, BTreeSet::new(), BTreeSet::new());
    for statement in &program.body {
        match statement {
            Statement::ImportDeclaration(it) if it.import_kind.is_type() => {}
            Statement::ImportDeclaration(it) => {
                for (imported, local) in imports(it)? {
                    if local == "process" || !names.insert(local) {
                        return None;
                    }
                    if imported == "defineConfig" {
                        wrappers.insert(local);
                    }
                }
            }
            Statement::ExportDefaultDeclaration(it) if exported.is_none() => {
                exported = Some(it.declaration.as_expression()?);
            }
            _ => return None,
        }
    }
    Some((exported?, wrappers))
}

/// What is imported of drizzle-kit, and under which names.
fn imports<'b>(import: &'b ImportDeclaration<'_>) -> Option<Vec<(&'b str, &'b str)>> {
    if import.source.value != "drizzle-kit" || import.phase.is_some() {
        return None;
    }
    let specifiers = import.specifiers.as_ref()?.iter();
    let named = |it: &'b ImportDeclarationSpecifier<'_>| match it {
        ImportDeclarationSpecifier::ImportSpecifier(it) => match &it.imported {
            ModuleExportName::IdentifierName(name) => {
                Some((name.name.as_str(), it.local.name.as_str()))
            }
            _ => None,
        },
        _ => None,
    };
    specifiers.map(named).collect()
}

/// A value, or `undefined`, which is no value.
type Read = Option<Value>;

struct Reader<'a> {
    env: &'a BTreeMap<String, String>,
}

impl Reader<'_> {
    /// Nothing for what only an engine can tell.
    fn read(&self, expression: &Expression<'_>) -> Option<Read> {
        let value = match expression.get_inner_expression() {
            Expression::StringLiteral(it) if !it.lone_surrogates => it.value.as_str().into(),
            Expression::NumericLiteral(it) => return integer(it.value).map(Some),
            Expression::BooleanLiteral(it) => it.value.into(),
            Expression::NullLiteral(_) => Value::Null,
            Expression::ObjectExpression(it) => self.members(it, || None)?.into(),
            Expression::ArrayExpression(it) => self.items(it)?,
            Expression::TemplateLiteral(it) => self.template(it)?.into(),
            Expression::LogicalExpression(it) => return self.either(it),
            other => return self.variable(other),
        };
        Some(Some(value))
    }

    /// The members of an object, with `undefined` as JSON has it there.
    fn members(
        &self,
        object: &ObjectExpression<'_>,
        undefined: fn() -> Read,
    ) -> Option<Map<String, Value>> {
        let mut members = Map::new();
        for property in &object.properties {
            let ObjectPropertyKind::ObjectProperty(it) = property else { return None };
            if it.kind != PropertyKind::Init || it.method || it.computed || it.shorthand {
                return None;
            }
            let key = it.key.static_name()?;
            // Others have an order or a meaning of their own.
            let is_plain = is_identifier(&key) && key != "__proto__" && key != "toJSON";
            if !is_plain || members.contains_key(key.as_ref()) {
                return None;
            }
            if let Some(value) = self.read(&it.value)?.or_else(undefined) {
                members.insert(key.into_owned(), value);
            }
        }
        Some(members)
    }

    fn items(&self, array: &ArrayExpression<'_>) -> Option<Value> {
        let item = |it| Some(self.read(it)?.unwrap_or(Value::Null));
        let items = array.elements.iter().map(|it| it.as_expression().and_then(item));
        items.collect::<Option<Vec<_>>>().map(Value::Array)
    }

    fn template(&self, template: &TemplateLiteral<'_>) -> Option<String> {
        let mut text = String::new();
        for (at, part) in template.quasis.iter().enumerate() {
            text.push_str(part.value.cooked.filter(|_| !part.lone_surrogates)?.as_str());
            if let Some(expression) = template.expressions.get(at) {
                match self.read(expression)? {
                    Some(Value::String(it)) => text.push_str(&it),
                    None => text.push_str("undefined"),
                    Some(_) => return None,
                }
            }
        }
        Some(text)
    }

    /// `a ?? b` and `a || b`.
    fn either(&self, logical: &LogicalExpression<'_>) -> Option<Read> {
        let left = self.read(&logical.left)?;
        let right = self.read(&logical.right)?;
        let is_left = match (&left, logical.operator) {
            (_, LogicalOperator::And) => return None,
            (None | Some(Value::Null), _) => false,
            (Some(_), LogicalOperator::Coalesce) => true,
            (Some(Value::String(it)), LogicalOperator::Or) => !it.is_empty(),
            (Some(_), LogicalOperator::Or) => return None,
        };
        Some(if is_left { left } else { right })
    }

    /// `process.env.NAME`. Names in small letters may be those that every object has.
    fn variable(&self, expression: &Expression<'_>) -> Option<Read> {
        let Expression::StaticMemberExpression(variable) = expression else { return None };
        let Expression::StaticMemberExpression(env) = variable.object.get_inner_expression() else {
            return None;
        };
        let Expression::Identifier(process) = env.object.get_inner_expression() else {
            return None;
        };
        let name = variable.property.name.as_str();
        let is_optional = variable.optional || env.optional;
        let is_name =
            name.chars().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == '_');
        if is_optional || !is_name || process.name != "process" || env.property.name != "env" {
            return None;
        }
        Some(self.env.get(name).map(|it| it.as_str().into()))
    }
}

fn integer(value: f64) -> Option<Value> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is an integer within the range"
    )]
    let integer = value as u64;
    ((0.0..=MAX_INTEGER).contains(&value) && value.fract() == 0.0).then(|| integer.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: Option<&str>) {
        let env =
            [("A", "a"), ("EMPTY", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let content = object(source, SourceType::ts(), &BTreeMap::from(env));
        assert_eq!(
            content.map(|it| Value::Object(it).to_string()).as_deref(),
            expected,
            "{source}"
        );
    }

    #[test]
    fn what_only_says_what_it_is_needs_no_engine() {
        check(
            "export default { a: 'x', 'b': [1, null, true] }",
            Some(r#"{"a":"x","b":[1,null,true]}"#),
        );
        check(
            "import type { Config } from './x';\nimport { defineConfig as d, type Config as C } from 'drizzle-kit';\n\
             export default d({ a: { b: process.env.A! } } as const) satisfies Config;",
            Some(r#"{"a":{"b":"a"}}"#),
        );
        check(
            "export default { a: process.env.B, b: { c: process.env.B, d: [process.env.B] } }",
            Some(r#"{"a":null,"b":{"d":[null]}}"#),
        );
        check(
            "export default { a: process.env.B ?? 'x', b: process.env.EMPTY ?? 'x', c: process.env.EMPTY || 'x' }",
            Some(r#"{"a":"x","b":"","c":"x"}"#),
        );
        check(
            "export default { a: `${process.env.A}/${process.env.B}\\n` }",
            Some(r#"{"a":"a/undefined\n"}"#),
        );
    }

    #[test]
    fn everything_else_is_left_to_the_engine() {
        for source in [
            "import 'dotenv/config';\nexport default { a: 1 }",
            "import { defineConfig } from './own';\nexport default defineConfig({ a: 1 })",
            "import { defineConfig as process } from 'drizzle-kit';\nexport default { a: process.env.A }",
            "import { Config } from 'drizzle-kit';\nexport default Config({ a: 1 })",
            "const a = 1;\nexport default { a }",
            "export default { get a() { return 1 } }",
            "export default { a() {} }",
            "export default { ['a']: 1 }",
            "export default { ...{ a: 1 } }",
            "export default { a: 1, a: 2 }",
            "export default { 1: 1 }",
            "export default { __proto__: { a: 1 } }",
            "export default { a: { toJSON: 'x' } }",
            "export default { a: 0.5 }",
            "export default { a: -1 }",
            "export default { a: process.env.constructor }",
            "export default { a: process.cwd() }",
            "export default { a: process.env.A && 'x' }",
            "export default { a: 1 || 2 }",
            "export default { a: [, 1] }",
            "export default { a: '\\ud800' }",
            "export default [1]",
            "export default 1",
            "export default { a: 1 }; export const b = 1",
            "export default { a: 1 }, 2",
            "export default {",
        ] {
            check(source, None);
        }
    }
}
