//! A JSON value in which no key may be twice. The parser goes on after one, so that the documents
//! after it are read.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

use super::yaml::{already_there, step};

/// A value, and the first key that is twice in it.
#[derive(Debug, Default)]
pub(super) struct Checked {
    value: Value,
    repeated: Option<Repeated>,
}

#[derive(Debug)]
struct Repeated {
    key: String,
    /// The steps to the object that it is in, the last one first.
    steps: Vec<String>,
}

impl Checked {
    /// The value, or which key is twice.
    pub(super) fn value(self) -> Result<Value, String> {
        let Some(Repeated { key, steps }) = self.repeated else { return Ok(self.value) };
        let path = steps.into_iter().rev().collect::<Vec<_>>().concat();
        let path = path.strip_prefix('.').unwrap_or(&path);
        Err(if path.is_empty() {
            already_there(&key)
        } else {
            format!("{path}: {}", already_there(&key))
        })
    }

    /// Takes the value out of it, with its repeated keys in `repeated` unless something is
    /// there.
    fn into_part(self, repeated: &mut Option<Repeated>, step: impl FnOnce() -> String) -> Value {
        if let (None, Some(mut found)) = (&repeated, self.repeated) {
            found.steps.push(step());
            *repeated = Some(found);
        }
        self.value
    }
}

impl From<Value> for Checked {
    fn from(value: Value) -> Self {
        Self { value, repeated: None }
    }
}

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Checked, E> {
        Ok(Checked::default())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Checked, E> {
        Ok(Value::Bool(value).into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Checked, E> {
        Ok(Value::Number(value.into()).into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Checked, E> {
        Ok(Value::Number(value.into()).into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Checked, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number).into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Checked, E> {
        Ok(Value::String(value.to_owned()).into())
    }

    fn visit_string<E>(self, value: String) -> Result<Checked, E> {
        Ok(Value::String(value).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Checked, A::Error> {
        let (mut list, mut repeated) = (Vec::new(), None);
        while let Some(item) = items.next_element::<Checked>()? {
            let index = list.len();
            list.push(item.into_part(&mut repeated, || format!("[{index}]")));
        }
        Ok(Checked { value: Value::Array(list), repeated })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Checked, A::Error> {
        let (mut map, mut repeated) = (Map::new(), None);
        while let Some((key, value)) = entries.next_entry::<String, Checked>()? {
            let value = value.into_part(&mut repeated, || step(&key));
            if repeated.is_none() && map.contains_key(&key) {
                repeated = Some(Repeated { key: key.clone(), steps: Vec::new() });
            }
            map.insert(key, value);
        }
        Ok(Checked { value: Value::Object(map), repeated })
    }
}
