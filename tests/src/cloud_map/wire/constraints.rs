//! Whether a body has the shape that the model gives it.

use serde_json::{Map, Value};

use crate::cloud_map::error::{ErrorKind, Refusal};

/// A type of the model with its constraints.
pub(super) enum Shape {
    Text { min: usize, max: usize, allows: fn(&str) -> bool },
    OneOf(&'static [&'static str]),
    Integer { min: i64, max: i64 },
    List { of: &'static Self, min: usize, max: usize },
    Map { key: &'static Self, value: &'static Self, max: usize },
    Structure(&'static [Member]),
}

/// A member of a structure.
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) shape: &'static Shape,
}

/// Checks an operation's input.
pub(super) fn check(members: &'static [Member], body: &Value) -> Result<(), Refusal> {
    structure(members, body, "")
}

fn structure(members: &'static [Member], value: &Value, path: &str) -> Result<(), Refusal> {
    let Value::Object(fields) = value else { return Err(wrong_type(path, "a structure")) };
    members.iter().try_for_each(|member| check_member(member, fields, path))
}

fn check_member(member: &Member, fields: &Map<String, Value>, path: &str) -> Result<(), Refusal> {
    let path = format!("{path}{}{}", if path.is_empty() { "" } else { "." }, member.name);
    match fields.get(member.name).filter(|value| !value.is_null()) {
        Some(value) => check_value(member.shape, value, &path),
        None if member.required => Err(breaks(&path, "Member must not be null")),
        None => Ok(()),
    }
}

fn check_value(shape: &'static Shape, value: &Value, path: &str) -> Result<(), Refusal> {
    match shape {
        Shape::Structure(members) => structure(members, value, path),
        Shape::Integer { min, max } => {
            let integer = value.as_i64().ok_or_else(|| wrong_type(path, "an integer"))?;
            within(integer, *min, *max, path, "value")
        }
        Shape::OneOf(words) => {
            let text = value.as_str().ok_or_else(|| wrong_type(path, "a string"))?;
            if words.contains(&text) {
                return Ok(());
            }
            Err(breaks(
                path,
                &format!("Member must satisfy enum value set: [{}]", words.join(", ")),
            ))
        }
        Shape::Text { min, max, allows } => {
            let text = value.as_str().ok_or_else(|| wrong_type(path, "a string"))?;
            length(text.chars().count(), *min, *max, path)?;
            if allows(text) {
                return Ok(());
            }
            Err(breaks(path, "Member must satisfy its regular expression pattern"))
        }
        Shape::List { of, min, max } => {
            let values = value.as_array().ok_or_else(|| wrong_type(path, "a list"))?;
            length(values.len(), *min, *max, path)?;
            values.iter().try_for_each(|value| check_value(of, value, &format!("{path}.member")))
        }
        Shape::Map { key, value: of, max } => {
            let entries = value.as_object().ok_or_else(|| wrong_type(path, "a map"))?;
            length(entries.len(), 0, *max, path)?;
            entries.iter().try_for_each(|(name, value)| {
                check_value(key, &Value::String(name.clone()), &format!("{path}.key"))?;
                check_value(of, value, &format!("{path}.{name}"))
            })
        }
    }
}

fn length(length: usize, min: usize, max: usize, path: &str) -> Result<(), Refusal> {
    within(length, min, max, path, "length")
}

fn within<Number>(
    number: Number,
    min: Number,
    max: Number,
    path: &str,
    what: &str,
) -> Result<(), Refusal>
where
    Number: Copy + PartialOrd + std::fmt::Display,
{
    if number > max {
        return Err(breaks(path, &format!("Member must have {what} less than or equal to {max}")));
    }
    if number < min {
        return Err(breaks(
            path,
            &format!("Member must have {what} greater than or equal to {min}"),
        ));
    }
    Ok(())
}

fn breaks(path: &str, constraint: &str) -> Refusal {
    Refusal::invalid(format!(
        "1 validation error detected: Value at '{path}' failed to satisfy constraint: {constraint}"
    ))
}

fn wrong_type(path: &str, expected: &str) -> Refusal {
    let path = if path.is_empty() { "the body" } else { path };
    Refusal::new(ErrorKind::Serialization, format!("{path} is not {expected}"))
}
