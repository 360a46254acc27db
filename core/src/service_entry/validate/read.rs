//! Reads JSON by the CRD's schema. A value of the wrong type, a missing field or an unknown field
//! is reported, and the rest is still read.

use serde_json::{Map, Number, Value};

use super::finding::{Findings, Path, Quoted};
use super::rule::Rule;
use crate::order;
use crate::sorted::SortedMap;

/// The maximum number of unknown fields of an object that are named.
const MAX_UNKNOWN: usize = 100;

/// An object and its path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'a, 'p> {
    pub(super) at: &'p Path<'p>,
    fields: &'a Map<String, Value>,
}

impl<'a, 'p> Object<'a, 'p> {
    /// The object with these fields and no others, unless it is something else.
    pub(super) fn new(
        value: &'a Value,
        at: &'p Path<'p>,
        known: &[&str],
        findings: &mut Findings,
    ) -> Option<Self> {
        let object = Self::any(value, at, findings)?;
        let mut unknown_keys = object.fields.keys().filter(|key| !known.contains(&key.as_str()));
        for key in unknown_keys.by_ref().take(MAX_UNKNOWN) {
            findings.report(Rule::UnknownField, &at.key(key), unknown(key, known));
        }
        let more = unknown_keys.count();
        if more > 0 {
            findings.report(
                Rule::UnknownField,
                at,
                format!("it has {more} more fields that the schema does not know"),
            );
        }
        Some(object)
    }

    /// The object with any fields.
    fn any(value: &'a Value, at: &'p Path<'p>, findings: &mut Findings) -> Option<Self> {
        let fields = value.as_object();
        if fields.is_none() {
            wrong_type(value, at, "an object", findings);
        }
        fields.map(|fields| Self { at, fields })
    }

    /// A field that is present: the API server drops a null.
    pub(super) fn field(self, key: &str) -> Option<&'a Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    /// A field that must be present.
    pub(super) fn required(self, key: &str, findings: &mut Findings) -> Option<&'a Value> {
        let value = self.field(key);
        if value.is_none() {
            findings.report(Rule::MissingField, &self.at.key(key), "it is missing, but required");
        }
        value
    }

    /// A text of at most `longest` characters.
    pub(super) fn text(
        self,
        key: &str,
        longest: usize,
        findings: &mut Findings,
    ) -> Option<&'a str> {
        text(self.field(key)?, &self.at.key(key), longest, findings)
    }

    /// A list of at most `most` items, if there is one. A longer list is an error, and its other
    /// items are not read.
    pub(super) fn list(
        self,
        key: &str,
        most: usize,
        findings: &mut Findings,
    ) -> Option<&'a [Value]> {
        let value = self.field(key)?;
        let Some(items) = value.as_array() else {
            wrong_type(value, &self.at.key(key), "a list", findings);
            return None;
        };
        at_most(items.len(), most, "items", &self.at.key(key), findings);
        Some(items.get(..most).unwrap_or(items))
    }

    /// At most `most` texts of at most `longest` characters, each with its index. Items of another
    /// type are reported and left out.
    pub(super) fn texts(
        self,
        key: &str,
        most: usize,
        longest: usize,
        findings: &mut Findings,
    ) -> Vec<(usize, &'a str)> {
        let at = self.at.key(key);
        let items = self.list(key, most, findings).unwrap_or_default();
        let read = |(index, item)| {
            text(item, &at.index(index), longest, findings).map(|text| (index, text))
        };
        items.iter().enumerate().filter_map(read).collect()
    }

    /// A map of at most `most` entries, without null values.
    pub(super) fn map(
        self,
        key: &str,
        most: usize,
        findings: &mut Findings,
    ) -> Option<Vec<(&'a str, &'a Value)>> {
        let map = Object::any(self.field(key)?, &self.at.key(key), findings)?.entries();
        at_most(map.len(), most, "entries", &self.at.key(key), findings);
        Some(map.into_iter().take(most).collect())
    }

    /// All fields that are not null.
    fn entries(self) -> Vec<(&'a str, &'a Value)> {
        self.fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.as_str(), value))
            .collect()
    }
}

/// A text of at most `longest` characters.
pub(super) fn text<'a>(
    value: &'a Value,
    at: &Path<'_>,
    longest: usize,
    findings: &mut Findings,
) -> Option<&'a str> {
    let Some(text) = value.as_str() else {
        wrong_type(value, at, "a string", findings);
        return None;
    };
    // Characters are counted only if there are more bytes than that.
    if text.len() > longest && text.chars().count() > longest {
        findings.report(
            Rule::TooLong,
            at,
            format!(
                "{} has {} characters, but at most {longest} are allowed",
                Quoted(text),
                text.chars().count()
            ),
        );
    }
    Some(text)
}

/// An integer of any size; as in CEL, `80.0` is not an integer.
pub(super) fn integer<'a>(
    value: &'a Value,
    at: &Path<'_>,
    findings: &mut Findings,
) -> Option<&'a Number> {
    let number = value.as_number().filter(|number| number.is_u64() || number.is_i64());
    if number.is_none() {
        wrong_type(value, at, "an integer", findings);
    }
    number
}

/// A port number in 1..=65535; another value is reported.
pub(super) fn port_number(value: &Value, at: &Path<'_>, findings: &mut Findings) -> Option<u16> {
    let number = integer(value, at, findings)?;
    let port =
        number.as_u64().and_then(|number| u16::try_from(number).ok()).filter(|port| *port > 0);
    if port.is_none() {
        findings.report(Rule::InvalidPort, at, format!("it is {number}, expected 1..=65535"));
    }
    port
}

fn at_most(count: usize, most: usize, what: &str, at: &Path<'_>, findings: &mut Findings) {
    if count > most {
        findings.report(
            Rule::TooMany,
            at,
            format!("it has {count} {what}, but at most {most} are allowed"),
        );
    }
}

pub(super) fn wrong_type(value: &Value, at: &Path<'_>, expected: &str, findings: &mut Findings) {
    let found = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(value) => format!("the number {value}"),
        Value::String(value) => format!("the string {}", Quoted(value)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    findings.report(Rule::WrongType, at, format!("it is {found}, expected {expected}"));
}

fn unknown(key: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|candidate| (distance(key, candidate), *candidate)).min();
    let dropped = "the schema does not know it, so the API server drops it";
    match nearest {
        Some((distance, candidate)) if distance <= 1 + candidate.len() / 3 => {
            format!("{dropped}; did you mean `{candidate}`?")
        }
        _ => format!("{dropped}; expected one of: {}", known.join(", ")),
    }
}

/// The number of characters to insert, remove or replace to turn one text into the other. Letter
/// case and underscores are ignored.
fn distance(a: &str, b: &str) -> usize {
    let letters = |text: &str| {
        text.chars()
            .filter(|c| *c != '_')
            .map(|c| c.to_ascii_lowercase())
            .take(64)
            .collect::<Vec<_>>()
    };
    let (a, b) = (letters(a), letters(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.windows(2)) {
            let [diagonal, above] = above else { continue };
            left = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// From the index of each item with a repeated key to the index of the previous item with that key.
pub(super) fn repeats<K: Ord>(keys: impl Iterator<Item = (K, usize)>) -> SortedMap<usize, usize> {
    let mut keys: Vec<(K, usize)> = keys.collect();
    // Equal keys keep their order.
    order::sort_by(&mut keys, |(a, _), (b, _)| a.cmp(b));
    let again = keys.array_windows().filter(|[before, item]| before.0 == item.0);
    again.map(|[before, item]| (item.1, before.1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_field_is_named() {
        assert_eq!(distance("target_port", "targetPort"), 0);
        assert_eq!(distance("host", "hosts"), 1);
        assert_eq!(distance("", "hosts"), 5);
        assert_eq!(distance("kitten", "sitting"), 3);
        let known = ["hosts", "addresses", "exportTo"];
        assert!(unknown("export_to", &known).ends_with("did you mean `exportTo`?"));
        assert!(unknown("adresses", &known).ends_with("did you mean `addresses`?"));
        assert!(
            unknown("somethingElse", &known)
                .ends_with("expected one of: hosts, addresses, exportTo")
        );
    }
}
