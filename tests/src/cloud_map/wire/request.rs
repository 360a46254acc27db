//! A request that its operation's shape allows.

use serde_json::{Map, Value};

use super::{constraints, model};
use crate::cloud_map::error::Refusal;
use crate::cloud_map::operation::Operation;

/// A request whose members are known to have the model's types.
#[derive(Debug, Clone)]
pub(in crate::cloud_map) struct Request(Map<String, Value>);

impl Request {
    pub(in crate::cloud_map) fn parse(operation: Operation, body: Value) -> Result<Self, Refusal> {
        constraints::check(model::input(operation), &body)?;
        match body {
            Value::Object(members) => Ok(Self(members)),
            _ => Ok(Self(Map::new())),
        }
    }

    /// A member that may be absent; null is absent, as AWS has it.
    pub(in crate::cloud_map) fn member(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(in crate::cloud_map) fn text(&self, name: &str) -> Option<&str> {
        self.member(name).and_then(Value::as_str)
    }

    /// A member that the model requires.
    pub(in crate::cloud_map) fn required(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    pub(in crate::cloud_map) fn number(&self, name: &str) -> Option<usize> {
        self.member(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok())
    }

    pub(in crate::cloud_map) fn list(&self, name: &str) -> &[Value] {
        self.member(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The pairs of a map of strings.
    pub(in crate::cloud_map) fn pairs(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        let map = self.member(name).and_then(Value::as_object);
        map.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }

    /// The pairs of a list of tags.
    pub(in crate::cloud_map) fn tags(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        self.list(name)
            .iter()
            .filter_map(|tag| Some((tag.get("Key")?.as_str()?, tag.get("Value")?.as_str()?)))
    }
}
