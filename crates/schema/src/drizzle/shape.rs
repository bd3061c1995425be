//! The shape that drizzle-kit demands of a snapshot: its zod schemas as data.
//!
//! Fitting a value to a shape validates it as strictly as the kit and puts the keys in the
//! validator's order, which is what `generate --custom` writes back.

use std::fmt;

use serde_json::{Map, Value, json};

/// What a value has to look like.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    Text,
    Flag,
    Number,
    Any,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    Texts,
    List(&'static Self),
    /// Any keys, all values of one shape.
    Record(&'static Self),
    /// These keys and no others.
    Strict(&'static [Field]),
    /// These keys; others are dropped.
    Loose(&'static [Field]),
}

/// One key of an object.
#[derive(Debug)]
pub struct Field {
    pub key: &'static str,
    pub shape: Shape,
    pub presence: Presence,
}

/// Whether a key may be absent.
#[derive(Clone, Copy, Debug)]
pub enum Presence {
    Required,
    Optional,
    /// Filled in with an empty object.
    Empty,
    /// Filled in with `false`.
    False,
    /// Filled in with a text.
    Default(&'static str),
}

/// A key that must be there.
pub const fn required(key: &'static str, shape: Shape) -> Field {
    Field { key, shape, presence: Presence::Required }
}

/// A key that may be absent.
pub const fn optional(key: &'static str, shape: Shape) -> Field {
    Field { key, shape, presence: Presence::Optional }
}

/// A key that is filled in where it is absent.
pub const fn filled(key: &'static str, shape: Shape, presence: Presence) -> Field {
    Field { key, shape, presence }
}

/// Where a value does not have the shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The keys from the outside in.
    pub path: Vec<String>,
    pub problem: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.join("` → `");
        if path.is_empty() {
            f.write_str(&self.problem)
        } else {
            write!(f, "`{path}`: {}", self.problem)
        }
    }
}

impl std::error::Error for Misfit {}

impl Misfit {
    fn expected(what: &str) -> Self {
        Self { path: Vec::new(), problem: format!("expected {what}") }
    }

    pub(super) fn under(mut self, key: &str) -> Self {
        self.path.insert(0, key.to_owned());
        self
    }
}

impl Shape {
    /// The value with its keys in this shape's order and absent ones filled in.
    ///
    /// # Errors
    /// The first place where the value does not have this shape.
    pub fn fit(&self, value: Value) -> Result<Value, Misfit> {
        match self {
            Self::Any => Ok(value),
            Self::Text => accept(value, Value::is_string, || "a text".to_owned()),
            Self::Flag => accept(value, Value::is_boolean, || "true or false".to_owned()),
            Self::Number => accept(value, Value::is_number, || "a number".to_owned()),
            Self::OneOf(texts) => {
                let fits = |it: &Value| it.as_str().is_some_and(|it| texts.contains(&it));
                accept(value, fits, || format!("one of {}", texts.join(", ")))
            }
            Self::Texts => Self::List(&Self::Text).fit(value),
            Self::List(of) => fit_list(value, of),
            Self::Record(of) => fit_record(value, of),
            Self::Strict(fields) => {
                let object = object(value)?;
                let unknown = |key: &&String| !fields.iter().any(|it| it.key == key.as_str());
                match object.keys().find(unknown) {
                    Some(key) => Err(Misfit { path: Vec::new(), problem: unknown_key(key) }),
                    None => fit_fields(object, fields),
                }
            }
            Self::Loose(fields) => fit_fields(object(value)?, fields),
        }
    }
}

fn unknown_key(key: &str) -> String {
    format!("unknown key `{key}`")
}

fn accept(
    value: Value,
    fits: impl FnOnce(&Value) -> bool,
    what: impl FnOnce() -> String,
) -> Result<Value, Misfit> {
    if fits(&value) { Ok(value) } else { Err(Misfit::expected(&what())) }
}

fn object(value: Value) -> Result<Map<String, Value>, Misfit> {
    let Value::Object(object) = value else { return Err(Misfit::expected("an object")) };
    Ok(object)
}

fn fit_list(value: Value, of: &Shape) -> Result<Value, Misfit> {
    let Value::Array(items) = value else { return Err(Misfit::expected("a list")) };
    let fit = |(index, it)| of.fit(it).map_err(|misfit| misfit.under(&usize::to_string(&index)));
    Ok(Value::Array(items.into_iter().enumerate().map(fit).collect::<Result<_, _>>()?))
}

fn fit_record(value: Value, of: &Shape) -> Result<Value, Misfit> {
    let fit = |(key, it): (String, Value)| match of.fit(it) {
        Ok(it) => Ok((key, it)),
        Err(misfit) => Err(misfit.under(&key)),
    };
    Ok(Value::Object(object(value)?.into_iter().map(fit).collect::<Result<_, _>>()?))
}

fn fit_fields(mut object: Map<String, Value>, fields: &[Field]) -> Result<Value, Misfit> {
    let mut fitted = Map::with_capacity(object.len());
    for Field { key, shape, presence } in fields {
        let value = match (object.get_mut(*key), presence) {
            (Some(value), _) => shape.fit(value.take()).map_err(|misfit| misfit.under(key))?,
            (None, Presence::Required) => return Err(Misfit::expected("a value").under(key)),
            (None, Presence::Optional) => continue,
            (None, Presence::Empty) => json!({}),
            (None, Presence::False) => json!(false),
            (None, Presence::Default(text)) => json!(text),
        };
        fitted.insert((*key).to_owned(), value);
    }
    Ok(Value::Object(fitted))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMN: Shape =
        Shape::Strict(&[required("name", Shape::Text), optional("default", Shape::Any)]);
    const TABLE: Shape = Shape::Loose(&[
        required("columns", Shape::Record(&COLUMN)),
        filled("rls", Shape::Flag, Presence::False),
    ]);

    #[track_caller]
    fn check(value: Value, expected: &str) {
        let text = match TABLE.fit(value) {
            Ok(it) => it.to_string(),
            Err(misfit) => misfit.to_string(),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn keys_come_out_in_the_order_of_the_shape_and_defaults_are_filled_in() {
        check(
            json!({ "x": 1, "columns": { "a": { "default": null, "name": "a" } } }),
            r#"{"columns":{"a":{"name":"a","default":null}},"rls":false}"#,
        );
    }

    #[test]
    fn a_misfit_says_where_it_is() {
        check(
            json!({ "columns": { "a": { "name": 1 } } }),
            "`columns` → `a` → `name`: expected a text",
        );
        check(
            json!({ "columns": { "a": { "name": "a", "x": 1 } } }),
            "`columns` → `a`: unknown key `x`",
        );
        check(json!({}), "`columns`: expected a value");
    }
}
