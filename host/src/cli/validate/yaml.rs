//! One YAML document as kubectl reads it: with the scalars of YAML 1.1 that `sigs.k8s.io/yaml`
//! knows, its keys as text, and no key twice.

use std::collections::HashMap;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Tag};
use serde_json::{Map, Number, Value};

/// Deeper documents exhaust the stack of their reader, and no entry is nearly so deep.
const DEEPEST: usize = 64;
/// What aliases may add to a text, in bytes and values: so much, and so many times its size.
const ALIASES_AT_LEAST: usize = 100_000;
const ALIASES_PER_BYTE: usize = 10;

/// A document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document {
    pub(super) value: Value,
    /// The numbers in it that are read as octal.
    pub(super) octals: Vec<Octal>,
}

/// A number that begins with zero, and so is another one than it seems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Octal {
    /// Where, `spec.ports[0].number` for example.
    pub(super) path: String,
    /// As it is written.
    pub(super) text: String,
    /// As it is read.
    pub(super) number: Number,
}

/// Reads a text that begins on that line of its file. Empty documents are left out.
pub(super) fn read(text: &str, first_line: usize) -> Result<Vec<Document>, String> {
    let mut options = Options::default();
    options.emit_comments = false;
    let mut loader = Loader {
        alias_budget: ALIASES_AT_LEAST + ALIASES_PER_BYTE * text.len(),
        ..Loader::default()
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) =
            event.map_err(|error| at(first_line, error.marker().line(), &unscanned(&error)))?;
        loader.take(event).map_err(|message| at(first_line, span.start.line(), &message))?;
    }
    loader.documents.retain(|document| !document.value.is_null());
    Ok(loader.documents)
}

fn at(first_line: usize, line: usize, message: &str) -> String {
    format!("line {}: {message}", first_line + line.saturating_sub(1))
}

fn unscanned(error: &ScanError) -> String {
    format!("it is not valid YAML: {}", error.info())
}

#[derive(Debug, Default)]
struct Loader {
    documents: Vec<Document>,
    octals: Vec<Octal>,
    open: Vec<Open>,
    anchors: HashMap<usize, (Value, usize)>,
    /// What aliases may still add.
    alias_budget: usize,
}

/// A list or a map that is being read.
#[derive(Debug)]
struct Open {
    anchor: usize,
    size: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    List(Vec<Value>),
    Map {
        map: Map<String, Value>,
        /// The key whose value comes next.
        key: Option<Key>,
        /// What `<<` adds.
        merged: Vec<Map<String, Value>>,
    },
}

#[derive(Debug)]
enum Key {
    Name(String),
    Merge,
}

impl Loader {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref();
                if style == ScalarStyle::Plain
                    && tag.is_none()
                    && text == "<<"
                    && self.expects_key()
                {
                    return self.key(Key::Merge);
                }
                let value = scalar(&text, style, tag)?;
                if let (true, Value::Number(number)) = (is_octal(&text), &value) {
                    let octal = Octal {
                        path: self.path(),
                        text: text.clone().into_owned(),
                        number: number.clone(),
                    };
                    self.octals.push(octal);
                }
                self.value(value, anchor, 1 + text.len())
            }
            Event::Alias(id) => {
                let Some((value, size)) = self.anchors.get(&id) else {
                    return Err("an alias refers to the value that it is in".to_owned());
                };
                let (size, excess) = (*size, "its aliases expand to far more than its text");
                self.alias_budget = self.alias_budget.checked_sub(size).ok_or(excess)?;
                self.value(value.clone(), 0, size)
            }
            Event::SequenceStart(_, anchor, _) => self.open(anchor, Content::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                self.open(anchor, Content::Map { map: Map::new(), key: None, merged: Vec::new() })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { anchor, size, content }) = self.open.pop() else { return Ok(()) };
                let value = match content {
                    Content::List(items) => Value::Array(items),
                    Content::Map { mut map, merged, .. } => {
                        // The map's own keys come first, then what is merged first.
                        for (key, value) in merged.into_iter().flatten() {
                            map.entry(key).or_insert(value);
                        }
                        Value::Object(map)
                    }
                };
                self.value(value, anchor, size)
            }
            Event::DocumentStart(..) => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, anchor: usize, content: Content) -> Result<(), String> {
        if self.expects_key() {
            return Err("a key is a list or a map; expected a string".to_owned());
        }
        if self.open.len() >= DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} levels deep"));
        }
        self.open.push(Open { anchor, size: 1, content });
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Map { key: None, .. }, .. }))
    }

    /// Takes a whole value, where it belongs.
    fn value(&mut self, value: Value, anchor: usize, size: usize) -> Result<(), String> {
        if anchor > 0 {
            self.alias_budget =
                self.alias_budget.checked_sub(size).ok_or("its anchors hold too much")?;
            self.anchors.insert(anchor, (value.clone(), size));
        }
        if self.expects_key() {
            return self.key(Key::Name(key_text(value)?));
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(Document { value, octals: std::mem::take(&mut self.octals) });
            return Ok(());
        };
        open.size += size;
        match &mut open.content {
            Content::List(items) => items.push(value),
            Content::Map { map, key, merged } => match key.take() {
                Some(Key::Name(name)) => drop(map.insert(name, value)),
                Some(Key::Merge) => merged.extend(to_merge(value)?),
                None => {}
            },
        }
        Ok(())
    }

    fn key(&mut self, next: Key) -> Result<(), String> {
        let Some(Open { content: Content::Map { map, key, .. }, size, .. }) = self.open.last_mut()
        else {
            return Ok(());
        };
        if let Key::Name(name) = &next {
            *size += name.len();
            if map.contains_key(name) {
                return Err(already_there(name));
            }
        }
        *key = Some(next);
        Ok(())
    }

    /// The path of the value that comes next.
    fn path(&self) -> String {
        let steps = self.open.iter().map(|open| match &open.content {
            Content::List(items) => format!("[{}]", items.len()),
            Content::Map { key: Some(Key::Name(name)), .. } => step(name),
            Content::Map { .. } => String::new(),
        });
        let path = steps.collect::<Vec<_>>().concat();
        path.strip_prefix('.').map(str::to_owned).unwrap_or(path)
    }
}

/// As the rules write paths: a key with a dot in it would read as two.
pub(super) fn step(key: &str) -> String {
    if is_plain(key) { format!(".{key}") } else { format!("[{key:?}]") }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

pub(super) fn already_there(key: &str) -> String {
    format!("the key `{key}` is duplicated; expected each key once")
}

fn to_merge(value: Value) -> Result<Vec<Map<String, Value>>, String> {
    let expected = || "`<<` merges a map or a list of maps".to_owned();
    match value {
        Value::Object(map) => Ok(vec![map]),
        Value::Array(items) => items
            .into_iter()
            .map(|item| if let Value::Object(map) = item { Ok(map) } else { Err(expected()) })
            .collect(),
        _ => Err(expected()),
    }
}

/// JSON has no other keys than texts.
fn key_text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Null => Err("a key is null; expected a string".to_owned()),
        Value::Array(_) | Value::Object(_) => {
            Err("a key is a list or a map; expected a string".to_owned())
        }
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let Some(tag) = tag else {
        return if style == ScalarStyle::Plain {
            plain(text)
        } else {
            Ok(Value::String(text.to_owned()))
        };
    };
    let expected = |what: &str| format!("`{text}` is tagged as {what}, but is not one");
    match (tag.core_suffix(), plain(text)?) {
        (Some("int"), value @ Value::Number(_)) if value.is_i64() || value.is_u64() => Ok(value),
        (Some("float"), value @ Value::Number(_))
        | (Some("bool"), value @ Value::Bool(_))
        | (Some("null"), value @ Value::Null) => Ok(value),
        (Some("int"), _) => Err(expected("an integer")),
        (Some("float"), _) => Err(expected("a number")),
        (Some("bool"), _) => Err(expected("a boolean")),
        (Some("null"), _) => Err(expected("null")),
        _ => Ok(Value::String(text.to_owned())),
    }
}

/// What a plain scalar is. A number that JSON can't hold, such as `12e4567`, is a string.
fn plain(text: &str) -> Result<Value, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Ok(Value::Bool(true));
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Ok(Value::Bool(false));
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF"
        | "-.inf" | "-.Inf" | "-.INF" => {
            return Err(format!(
                "`{text}` is a number that JSON does not have; expected a finite number, or quotes around a string"
            ));
        }
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Ok(Value::String(text.to_owned()));
    }
    let digits = if text.starts_with('.') { text.to_owned() } else { text.replace('_', "") };
    Ok(integer(&digits)
        .or_else(|| float(&digits))
        .map_or_else(|| Value::String(text.to_owned()), Value::Number))
}

/// With the prefixes that Go knows; a zero alone is that of octal.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match digits.get(..2) {
        Some("0x" | "0X") => (digits.get(2..)?, 16),
        Some("0b" | "0B") => (digits.get(2..)?, 2),
        Some("0o" | "0O") => (digits.get(2..)?, 8),
        Some(start) if start.starts_with('0') => (digits, 8),
        _ => (digits, 10),
    };
    // Rust takes a second sign.
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let number = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        0_i64.checked_sub_unsigned(number).map(Number::from)
    } else {
        Some(number.into())
    }
}

/// `1`, `1.`, `.5`, `1.5e3`; nothing, if it is not a number or exceeds a double. One without a
/// fraction is written without it, and so is an integer.
fn float(text: &str) -> Option<Number> {
    let allowed = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    let number: f64 = text.parse().ok().filter(|number: &f64| allowed && number.is_finite())?;
    // Go writes larger ones with an exponent, and then they are none.
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{number:.0}").parse::<i64>().ok().map(Number::from);
    }
    Number::from_f64(number)
}

/// Whether it is another number in decimal.
fn is_octal(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']).strip_prefix('0');
    digits.is_some_and(|digits| {
        let digits = digits.trim_start_matches(['0', '_']);
        digits.len() > 1 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7' | b'_'))
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails panics")]

    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Value {
        let mut documents = read(text, 1).unwrap();
        assert_eq!(documents.len(), 1, "{text}");
        documents.remove(0).value
    }

    #[test]
    fn a_scalar_is_what_kubectl_reads() {
        for (text, expected) in [
            ("12e4567", json!("12e4567")),
            ("12e3", json!(12000)),
            ("0443", json!(291)),
            ("0899", json!(899)),
            ("0o17", json!(15)),
            ("0x1bb", json!(443)),
            ("-0b11", json!(-3)),
            ("1_000", json!(1000)),
            ("443.0", json!(443)),
            ("443.5", json!(443.5)),
            (".5", json!(0.5)),
            ("+80", json!(80)),
            ("18446744073709551615", json!(u64::MAX)),
            ("12:30", json!("12:30")),
            ("1.2.3", json!("1.2.3")),
            ("2001-12-14", json!("2001-12-14")),
            ("-", json!("-")),
            ("+-5", json!("+-5")),
            ("yes", json!(true)),
            ("n", json!(false)),
            ("yEs", json!("yEs")),
            ("nan", json!("nan")),
            ("\"0443\"", json!("0443")),
            ("!!str 0443", json!("0443")),
            ("!!int \"7\"", json!(7)),
            ("2001:db8::1", json!("2001:db8::1")),
        ] {
            assert_eq!(
                if text == "-" {
                    plain("-").unwrap()
                } else {
                    value(&format!("a: {text}"))["a"].clone()
                },
                expected,
                "{text}"
            );
        }
        assert_eq!(value("a: ~\nb:\n"), json!({"a": null, "b": null}));
        assert_eq!(value("80: a\nyes: b\n1.5: c\n"), json!({"80": "a", "true": "b", "1.5": "c"}));
    }

    #[test]
    fn a_number_in_octal_is_noted_with_its_path() {
        let documents =
            read("a: [{b: 0443, c: \"0443\", d: 07, e: 443}]\n'x.y': 0700\n", 1).unwrap();
        let found: Vec<_> = documents[0]
            .octals
            .iter()
            .map(|o| format!("{} {} {}", o.path, o.text, o.number))
            .collect();
        assert_eq!(found, ["a[0].b 0443 291", "[\"x.y\"] 0700 448"]);
    }

    #[test]
    fn an_error_names_the_line_and_no_setting_of_a_library() {
        for (text, words) in [
            ("a: 1\na: 2\n", "line 11: the key `a` is duplicated"),
            ("a: 1\nb: {c: 1,\n c: 2}\n", "line 12: the key `c` is duplicated"),
            ("a: b: c\n", "line 10: it is not valid YAML"),
            ("a: [\n", "it is not valid YAML"),
            ("a: .inf\n", "line 10: `.inf`"),
            ("? [a]\n: b\n", "line 10: a key is a list"),
            ("a: &a [*a]\n", "line 10: "),
        ] {
            let error = read(text, 10).unwrap_err();
            assert!(
                error.contains(words) && !error.contains("Options") && !error.contains("policy"),
                "{text}: {error}"
            );
        }
        assert!(read(&"[".repeat(10_000), 1).is_err());
    }

    #[test]
    fn anchors_are_followed_and_merged_as_far_as_a_text_needs_them() {
        let text = "a: &a {x: 1, w: 2}\nb: *a\nc: {<<: *a, w: 3}\nd: {<<: [*a, {z: 4}]}\n";
        let expected = json!({"a": {"x": 1, "w": 2}, "b": {"x": 1, "w": 2}, "c": {"x": 1, "w": 3}, "d": {"x": 1, "w": 2, "z": 4}});
        assert_eq!(value(text), expected);
        let many = format!(
            "l: &l {{app: web, team: shop}}\nitems:\n{}",
            "- {labels: *l}\n".repeat(10_000)
        );
        assert_eq!(value(&many)["items"].as_array().unwrap().len(), 10_000);
        let bomb = (1..40)
            .map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(",")))
            .collect::<Vec<_>>()
            .concat();
        // Written out, it would be 9^39 items.
        assert!(read(&format!("a0: &a0 x\n{bomb}"), 1).unwrap_err().contains("far more"));
    }
}
