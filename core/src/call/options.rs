//! Options in one flat object that belong to two types: those of the core, and what only a call has to be told.

use serde::Deserialize as _;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_json::{Map, Value};

/// The keys that `names` lists, and all the rest, each read as its own type. So a key that neither knows is an error, which serde's `flatten`
/// would pass over in silence.
pub(super) fn split<'de, N, O, D>(names: &[&str], deserializer: D) -> Result<(N, O), D::Error>
where
    N: DeserializeOwned,
    O: DeserializeOwned,
    D: Deserializer<'de>,
{
    let mut rest = Map::deserialize(deserializer)?;
    let taken: Map<String, Value> = names.iter().filter_map(|name| rest.remove_entry(*name)).collect();
    Ok((read(taken).map_err(D::Error::custom)?, read(rest).map_err(D::Error::custom)?))
}

fn read<T: DeserializeOwned>(map: Map<String, Value>) -> Result<T, String> {
    serde_path_to_error::deserialize(Value::Object(map)).map_err(|error| error.to_string())
}
