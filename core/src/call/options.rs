//! Options in one flat object that belong to two types: those of the core, and what only a call has
//! to be told.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::Error;
use crate::json;
use crate::sorted::SortedMap;

/// The options that nobody has taken yet.
pub(super) struct Flat<'a>(SortedMap<String, &'a RawValue>);

impl<'a> Flat<'a> {
    /// Of a JSON object.
    pub(super) fn read(text: &'a str) -> Result<Self, Error> {
        json::read(text).map(Self).map_err(Error::options)
    }

    /// Takes out the one of this name.
    pub(super) fn take<T: Deserialize<'a>>(&mut self, name: &str) -> Result<Option<T>, Error> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        json::read(value.get())
            .map(Some)
            .map_err(|misread| Error::InvalidOptions(format!("{name}: {misread}")))
    }

    /// All that is left, as their own type. So a key that neither knows is an error, which serde's
    /// `flatten` would pass over in silence.
    pub(super) fn rest<T: DeserializeOwned>(self) -> Result<T, Error> {
        let mut text = String::from("{");
        for (key, value) in self.0.iter() {
            let comma = if text.len() > 1 { "," } else { "" };
            text.extend([
                comma,
                &serde_json::Value::from(key.as_str()).to_string(),
                ":",
                value.get(),
            ]);
        }
        text.push('}');
        json::read(&text).map_err(Error::options)
    }
}
