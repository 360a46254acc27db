//! Options in one flat object that belong to two types: those of the core, and what only a call has to be told.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::Error;
use crate::json;
use crate::sorted::SortedMap;

/// The keys that `names` lists, and all the rest, each read as its own type. So a key that neither knows is an error, which serde's `flatten`
/// would pass over in silence.
pub(super) fn split<N: DeserializeOwned, O: DeserializeOwned>(names: &[&str], text: &str) -> Result<(N, O), Error> {
    let all: SortedMap<String, &RawValue> = json::read(text).map_err(Error::options)?;
    let share = |named: bool| object(all.iter().filter(|(key, _)| names.contains(&key.as_str()) == named));
    Ok((json::read(&share(true)).map_err(Error::options)?, json::read(&share(false)).map_err(Error::options)?))
}

fn object<'a>(members: impl Iterator<Item = (&'a String, &'a &'a RawValue)>) -> String {
    let mut text = String::from("{");
    for (key, value) in members {
        let comma = if text.len() > 1 { "," } else { "" };
        text.extend([comma, &serde_json::Value::from(key.as_str()).to_string(), ":", value.get()]);
    }
    text.push('}');
    text
}
