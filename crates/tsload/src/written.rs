//! Where a schema file says something, and how it reads once it says something else.
//!
//! Nothing is evaluated: the source is parsed, and a table is the call whose first argument is its name. What is
//! put together in other ways (a loop, a helper function) is not found, and nobody guesses then.

use std::fs;
use std::path::{Path, PathBuf};

use oxc::allocator::Allocator;
use oxc::ast::AstKind;
use oxc::ast::ast::{CallExpression, Expression, ObjectPropertyKind, PropertyKey};
use oxc::parser::Parser;
use oxc::semantic::SemanticBuilder;
use oxc::span::{GetSpan, SourceType, Span};

/// A column as a file declares it: `p.text("title").notNull()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenColumn {
    pub path: PathBuf,
    pub line: usize,
    /// What stands before the builder's name: `p.`, if it comes from a namespace.
    namespace: String,
    /// `text`.
    builder: String,
    /// `"title"`, as it stands there; the property's name counts where there is none.
    name: Option<String>,
    head: String,
    /// `notNull` with its text.
    links: Vec<(String, String)>,
}

/// The column of a table, if one of the files says it plainly.
pub fn column(files: &[PathBuf], table: &str, column: &str) -> Option<WrittenColumn> {
    files.iter().find_map(|path| {
        let source = fs::read_to_string(path).ok()?;
        in_table(path, &source, table, |it| it.column(column))
    })
}

/// The line on which a table gives something a name, and the literal as it stands there.
pub fn name(files: &[PathBuf], table: &str, name: &str) -> Option<(PathBuf, usize, String)> {
    files.iter().find_map(|path| {
        let source = fs::read_to_string(path).ok()?;
        in_table(path, &source, table, |it| it.name(name))
    })
}

impl WrittenColumn {
    /// The expression as it stands in the file, without what follows it.
    pub fn text(&self) -> String {
        let links = self.links.iter().map(|it| it.1.as_str());
        std::iter::once(self.head.as_str()).chain(links).collect()
    }

    /// The builder's name: `text`.
    pub fn builder(&self) -> &str {
        &self.builder
    }

    /// Whether it is called by that name alone, so that another one has to be imported.
    pub fn is_imported_by_name(&self) -> bool {
        self.namespace.is_empty()
    }

    /// The same with another type: `varchar`, `{ length: 20 }`.
    #[must_use]
    pub fn with_type(mut self, builder: &str, options: &str) -> Self {
        let arguments: Vec<_> = self.name.iter().map(String::as_str).chain([options]).collect();
        let arguments: Vec<_> = arguments.into_iter().filter(|it| !it.is_empty()).collect();
        self.head = format!("{}{builder}({})", self.namespace, arguments.join(", "));
        builder.clone_into(&mut self.builder);
        self
    }

    /// The same without some calls: `notNull`.
    #[must_use]
    pub fn without(mut self, calls: &[&str]) -> Self {
        self.links.retain(|it| !calls.contains(&it.0.as_str()));
        self
    }

    /// The same with a call at its end, or in the place of the one of that name: `.default(0)`.
    #[must_use]
    pub fn with(mut self, call: &str, text: String) -> Self {
        match self.links.iter_mut().find(|it| it.0 == call) {
            Some(link) => link.1 = text,
            None => self.links.push((call.to_owned(), text)),
        }
        self
    }

    /// Whether it has a call of that name.
    pub fn has(&self, call: &str) -> bool {
        self.links.iter().any(|it| it.0 == call)
    }
}

/// The call that declares a table.
struct TableCall<'a> {
    path: &'a Path,
    source: &'a str,
    call: &'a CallExpression<'a>,
    /// The string literals inside it.
    literals: Vec<(Span, String)>,
}

fn in_table<T>(
    path: &Path,
    source: &str,
    table: &str,
    look: impl Fn(&TableCall<'_>) -> Option<T>,
) -> Option<T> {
    let allocator = Allocator::default();
    let kind = SourceType::from_path(path).unwrap_or_else(|_| SourceType::ts());
    let parsed = Parser::new(&allocator, source, kind).parse();
    if parsed.panicked {
        return None;
    }
    let built = SemanticBuilder::new().with_build_nodes(true).build(&parsed.program);
    let nodes = built.semantic.nodes();
    let mut calls = nodes.iter().filter_map(|it| match it.kind() {
        AstKind::CallExpression(call) if is_table(call, table) => Some(call),
        _ => None,
    });
    calls.find_map(|call| {
        let literals = nodes.iter().filter_map(|it| match it.kind() {
            AstKind::StringLiteral(it) if is_within(it.span, call.span) => {
                Some((it.span, it.value.to_string()))
            }
            _ => None,
        });
        look(&TableCall { path, source, call, literals: literals.collect() })
    })
}

fn is_within(inner: Span, outer: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// `pgTable("books", { … })`, whatever the function is called: projects make their own.
fn is_table(call: &CallExpression<'_>, table: &str) -> bool {
    let first = call.arguments.first().and_then(|it| it.as_expression());
    let second = call.arguments.get(1).and_then(|it| it.as_expression());
    matches!(first, Some(Expression::StringLiteral(it)) if it.value == table)
        && matches!(second, Some(Expression::ObjectExpression(_)))
}

impl TableCall<'_> {
    fn text(&self, from: u32, to: u32) -> String {
        self.source.get(from as usize..to as usize).unwrap_or_default().to_owned()
    }

    fn line(&self, offset: u32) -> usize {
        let before = self.source.get(..offset as usize).unwrap_or_default();
        before.matches('\n').count() + 1
    }

    fn name(&self, name: &str) -> Option<(PathBuf, usize, String)> {
        // The first literal of the call is the table's own name.
        let (span, _) = self.literals.iter().skip(1).find(|it| it.1 == name)?;
        Some((self.path.to_owned(), self.line(span.start), self.text(span.start, span.end)))
    }

    fn column(&self, name: &str) -> Option<WrittenColumn> {
        let Some(Expression::ObjectExpression(columns)) =
            self.call.arguments.get(1).and_then(|it| it.as_expression())
        else {
            return None;
        };
        columns.properties.iter().find_map(|it| match it {
            ObjectPropertyKind::ObjectProperty(it) => {
                let key = match &it.key {
                    PropertyKey::StaticIdentifier(key) => key.name.to_string(),
                    PropertyKey::StringLiteral(key) => key.value.to_string(),
                    _ => return None,
                };
                self.of_property(&key, &it.value, name)
            }
            ObjectPropertyKind::SpreadProperty(_) => None,
        })
    }

    fn of_property(&self, key: &str, value: &Expression<'_>, name: &str) -> Option<WrittenColumn> {
        let mut links = Vec::new();
        let mut at = value;
        let head = loop {
            let Expression::CallExpression(call) = at else { return None };
            match &call.callee {
                Expression::StaticMemberExpression(it)
                    if matches!(it.object, Expression::CallExpression(_)) =>
                {
                    let text = self.text(it.object.span().end, call.span.end);
                    links.push((it.property.name.to_string(), text));
                    at = &it.object;
                }
                _ => break call,
            }
        };
        links.reverse();
        let (namespace, builder) = match &head.callee {
            Expression::Identifier(it) => (String::new(), it.name.to_string()),
            Expression::StaticMemberExpression(it) => {
                let start = it.object.span().start;
                (self.text(start, it.property.span.start), it.property.name.to_string())
            }
            _ => return None,
        };
        let given = match head.arguments.first().and_then(|it| it.as_expression()) {
            Some(Expression::StringLiteral(it)) => Some((it.span, it.value.to_string())),
            _ => None,
        };
        let is_meant = match &given {
            Some((_, given)) => given == name,
            None => [key.to_owned(), snake_case(key)].iter().any(|it| it == name),
        };
        is_meant.then(|| WrittenColumn {
            path: self.path.to_owned(),
            line: self.line(head.span.start),
            namespace,
            builder,
            name: given.map(|it| self.text(it.0.start, it.0.end)),
            head: self.text(head.span.start, head.span.end),
            links,
        })
    }
}

/// What `casing: "snake_case"` makes of a property's name.
fn snake_case(key: &str) -> String {
    key.chars().fold(String::new(), |mut out, it| {
        if it.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(it.to_lowercase());
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"
import * as p from "drizzle-orm/pg-core";
import { integer, text } from "drizzle-orm/pg-core";
export const other = p.pgTable("other", { title: p.text("title") });
export const books = p.pgTable("books", {
  id: p.integer("id").primaryKey(),
  title: p.varchar("title", { length: 20 })
    .notNull().default("x, (y)"),
  authorId: integer().references(() => authors.id),
  ...more,
}, (t) => [p.index("books_title_index").on(t.title)]);
"#;

    fn found(column: &str) -> Option<WrittenColumn> {
        in_table(Path::new("schema.ts"), SOURCE, "books", |it| it.column(column))
    }

    #[test]
    fn a_column_is_found_by_its_name_or_by_its_property() {
        let title = found("title").unwrap();
        assert_eq!((title.line, title.builder()), (7, "varchar"));
        let text = "p.varchar(\"title\", { length: 20 })\n    .notNull().default(\"x, (y)\")";
        assert_eq!(title.text(), text);
        assert_eq!(found("author_id").unwrap().line, 9);
        assert!(found("author_id").unwrap().is_imported_by_name());
        assert_eq!(found("isbn"), None);
    }

    #[test]
    fn one_thing_changes_and_the_rest_stays_as_it_was_written() {
        let title = found("title").unwrap();
        let bare = title.clone().without(&["notNull"]);
        assert_eq!(bare.text(), "p.varchar(\"title\", { length: 20 }).default(\"x, (y)\")");
        let long = title.clone().with_type("text", "").text();
        assert_eq!(long, "p.text(\"title\")\n    .notNull().default(\"x, (y)\")");
        let other = title.with("default", ".default(\"z\")".to_owned()).text();
        assert!(other.ends_with(".notNull().default(\"z\")"), "{other}");
        let key = found("author_id").unwrap().with("notNull", ".notNull()".to_owned());
        assert_eq!(key.text(), "integer().references(() => authors.id).notNull()");
    }

    #[test]
    fn a_name_is_found_inside_its_own_table_alone() {
        let find = |table, name: &str| {
            in_table(Path::new("schema.ts"), SOURCE, table, |it| it.name(name)).map(|it| it.1)
        };
        assert_eq!(find("books", "books_title_index"), Some(11));
        assert_eq!(find("other", "books_title_index"), None);
        assert_eq!(find("books", "books"), None);
    }
}
