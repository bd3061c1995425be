//! How JavaScript spells values: the files must come out byte for byte as `JSON.stringify` and
//! template strings make them. The snapshots and the journal write through here.

use std::io;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// `JSON.stringify(value, null, 2)`: two spaces, no trailing newline.
pub fn pretty(value: &impl Serialize) -> String {
    written(value, PrettyFormatter::with_indent(b"  "))
}

/// `JSON.stringify(value)`.
pub fn compact(value: &impl Serialize) -> String {
    written(value, CompactFormatter)
}

fn written(value: &impl Serialize, formatter: impl Formatter) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, Spelling(formatter));
    value.serialize(&mut serializer).expect("plain data always serializes into memory");
    String::from_utf8(bytes).expect("serde_json writes UTF-8")
}

/// A value as drizzle-kit 1.0's own `stringify` prints it into an SQL literal: quotes in texts doubled,
/// what cannot be seen escaped.
pub fn quoted_json(value: &Value) -> String {
    match value {
        Value::String(text) => json_text(&text.replace('\'', "''")),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(quoted_json).collect::<Vec<_>>().join(","))
        }
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| {
                format!("{}:{}", json_text(key), quoted_json(value))
            };
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => text(value),
    }
}

fn json_text(text: &str) -> String {
    let escaped = |it: char| match it {
        '\u{8}' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        it if is_hidden(it) => format!("\\u{:04x}", u32::from(it)),
        it => it.to_string(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

fn is_hidden(it: char) -> bool {
    matches!(it,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{600}'..='\u{604}' | '\u{70f}'
        | '\u{17b4}' | '\u{17b5}' | '\u{200c}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}')
}

/// The text with the mark on both sides, unless it has it there.
pub fn wrapped(text: &str, mark: char) -> String {
    match text.starts_with(mark) && text.ends_with(mark) {
        true => text.to_owned(),
        false => format!("{mark}{text}{mark}"),
    }
}

/// A value inside a template string: what `String(value)` gives.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(it) => it.to_string(),
        Value::Number(it) if it.is_f64() => number(it.as_f64().unwrap_or_default()),
        Value::Number(it) => it.to_string(),
        Value::String(it) => it.clone(),
        Value::Array(items) => {
            let element = |it: &Value| if it.is_null() { String::new() } else { text(it) };
            items.iter().map(element).collect::<Vec<_>>().join(",")
        }
        Value::Object(_) => "[object Object]".to_owned(),
    }
}

/// A number as ECMAScript's `Number::toString` prints it.
fn number(value: f64) -> String {
    let scientific = format!("{:e}", value.abs());
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let Ok(exponent) = exponent.parse::<i32>() else { return scientific };
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", positional(&digits, exponent + 1))
}

/// `digits` with the decimal point after `point` of them, or with an exponent where JavaScript
/// changes over to one.
fn positional(digits: &str, point: i32) -> String {
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    let split = |at: i32| digits.split_at(usize::try_from(at).unwrap_or(0));
    if count <= point && point <= 21 {
        return format!("{digits}{}", zeros(point - count));
    }
    if 0 < point && point <= 21 {
        let (whole, fraction) = split(point);
        return format!("{whole}.{fraction}");
    }
    if -6 < point && point <= 0 {
        return format!("0.{}{digits}", zeros(-point));
    }
    let (first, rest) = split(1);
    let dot = if rest.is_empty() { "" } else { "." };
    let plus = if point > 0 { "+" } else { "" };
    format!("{first}{dot}{rest}e{plus}{}", point - 1)
}

/// Puts the keys of a record in the order in which a JavaScript object has them: array indices
/// first and ascending, then the others as they were inserted.
pub fn in_key_order<V>(mut record: IndexMap<String, V>) -> IndexMap<String, V> {
    record.sort_by_key(|key, _| array_index(key).unwrap_or(u32::MAX));
    record
}

fn array_index(key: &str) -> Option<u32> {
    key.parse().ok().filter(|it: &u32| *it < u32::MAX && it.to_string() == key)
}

/// Sorts as `Array.prototype.sort` does: by UTF-16 code units.
pub fn sort(texts: &mut [String]) {
    texts.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
}

/// The bytes that a hexadecimal text stands for.
pub fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter_map(|it| it.to_digit(16)).filter_map(|it| it.try_into().ok()).collect();
    digits.chunks_exact(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

/// Any formatter of `serde_json`, with JavaScript's numbers.
struct Spelling<F>(F);

impl<F: Formatter> Formatter for Spelling<F> {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(number(value).as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_spelled_as_javascript_spells_them() {
        let spelled = |it: f64| text(&json!(it));
        assert_eq!(spelled(1.5), "1.5");
        assert_eq!(spelled(-0.25), "-0.25");
        assert_eq!(spelled(1e21), "1e+21");
        assert_eq!(spelled(1.5e300), "1.5e+300");
        assert_eq!(spelled(123e18), "123000000000000000000");
        assert_eq!(spelled(1e-6), "0.000001");
        assert_eq!(spelled(1e-7), "1e-7");
        assert_eq!(spelled(1.25e-9), "1.25e-9");
        assert_eq!(compact(&json!({ "a": 1e21, "b": [0.5, 3] })), r#"{"a":1e+21,"b":[0.5,3]}"#);
    }

    #[test]
    fn empty_records_stay_on_one_line() {
        assert_eq!(pretty(&json!({ "a": {}, "b": [] })), "{\n  \"a\": {},\n  \"b\": []\n}");
    }

    #[test]
    fn array_indices_come_first_in_a_record() {
        let record: IndexMap<String, ()> =
            ["b", "10", "a", "9", "01", "-1"].map(|it| (it.to_owned(), ())).into_iter().collect();
        let keys: Vec<_> = in_key_order(record).into_keys().collect();
        assert_eq!(keys, ["9", "10", "b", "a", "01", "-1"]);
    }

    #[test]
    fn a_template_string_flattens_arrays_and_hides_objects() {
        assert_eq!(text(&json!([1, [2, null], true])), "1,2,,true");
        assert_eq!(text(&json!({ "a": 1 })), "[object Object]");
    }
}
