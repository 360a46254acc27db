//! CBOR, as AWS's RPC protocol of that name uses it: JSON's values, and time stamps under tag 1.

use ciborium::Value as Cbor;
use serde_json::Value;

/// The members that the service model types as time stamps.
const TIMESTAMPS: [&str; 2] = ["CreateDate", "UpdateDate"];

pub(super) fn decode(body: &[u8]) -> Result<Value, String> {
    ciborium::from_reader(body).map_err(|error| error.to_string())
}

pub(super) fn encode(answer: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory cannot fail, and every value below is one that CBOR has.
    let _ = ciborium::into_writer(&convert(answer), &mut bytes);
    bytes
}

fn convert(value: &Value) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(bool) => Cbor::Bool(*bool),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Cbor::Integer(integer.into()),
            None => Cbor::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(values) => Cbor::Array(values.iter().map(convert).collect()),
        Value::Object(members) => Cbor::Map(
            members
                .iter()
                .map(|(name, value)| {
                    let converted = convert(value);
                    let tagged = value.is_number() && TIMESTAMPS.contains(&name.as_str());
                    let converted =
                        if tagged { Cbor::Tag(1, Box::new(converted)) } else { converted };
                    (Cbor::Text(name.clone()), converted)
                })
                .collect(),
        ),
    }
}
