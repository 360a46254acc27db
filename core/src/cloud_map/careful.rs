//! The slow path, taken only where the fast one fails: the text is split into raw pieces first, and
//! each piece is read on its own, so that what is wrong costs no more than its own piece and can be
//! named by its path.

use serde::Deserialize;
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::Instance;
use super::document::{Document, Wire};
use super::input::{InputError, Reader};
use super::instance::{Discovered, KEYS};
use crate::diagnostic::Severity;
use crate::json::{self, without_position};
use crate::sorted::SortedMap;

type Raw<'a> = &'a RawValue;

/// Reads every document of `json` into `reader`.
pub(super) fn read(json: &str, reader: &mut Reader<'_>) -> Result<(), InputError> {
    for document in Deserializer::from_str(json).into_iter::<Raw<'_>>() {
        let raw = document.map_err(|error| syntax(&error))?;
        reader.next_document();
        read_document(raw, reader)?;
    }
    Ok(())
}

/// Where the text stops being JSON, and why.
pub(super) fn syntax(error: &serde_json::Error) -> InputError {
    InputError::Syntax {
        line: error.line(),
        column: error.column(),
        message: without_position(error),
    }
}

fn read_document(raw: Raw<'_>, reader: &mut Reader<'_>) -> Result<(), InputError> {
    let document: Document<Raw<'_>, Raw<'_>, Raw<'_>> = read_piece(raw, "").map_err(|message| {
        InputError::Shape(format!("{}{message}{}", reader.place(), expected_services(&message)))
    })?;
    if let Some(services) = document.services {
        let (count, mut usable, mut problem) = (services.len(), 0, None);
        for (index, service) in services.into_iter().enumerate() {
            match read_service(service, &format!("services[{index}]"), reader) {
                Ok(()) => usable += 1,
                Err(message) => problem = problem.or(Some(message)),
            }
        }
        return reader.check_snapshot(
            count,
            usable,
            document.has_failures,
            document.has_next,
            problem.as_deref(),
        );
    }
    let Some(raws) = document.instances else {
        return Err(reader.wrong_shape(document.wrong_case.as_deref(), &document.other_keys));
    };
    read_discovered(&raws, document.revision, document.has_next, reader)
}

/// What `services` are, where they are no list.
fn expected_services(message: &str) -> &'static str {
    if message.starts_with("services: ") {
        "; expected a snapshot: a list of objects with `namespace`, `service` and `instances`"
    } else {
        ""
    }
}

fn read_discovered(
    raws: &[Raw<'_>],
    revision: Option<Raw<'_>>,
    has_next: bool,
    reader: &mut Reader<'_>,
) -> Result<(), InputError> {
    let mut instances = Vec::with_capacity(raws.len());
    let mut bad = Vec::new();
    for (index, raw) in raws.iter().enumerate() {
        let path = format!("Instances[{index}]");
        match read_piece::<Discovered>(raw, &path) {
            Ok(instance) => instances.push(instance),
            Err(_) if let Some(message) = wrong_case(raw, &path) => {
                return Err(InputError::Shape(format!("{}{message}", reader.place())));
            }
            Err(message) => bad.push((*raw, message)),
        }
    }
    // A document of nothing but bad instances is no empty service.
    if instances.is_empty()
        && let Some((_, message)) = bad.first()
    {
        return Err(InputError::Shape(format!("{}{message}", reader.place())));
    }
    for (raw, message) in bad {
        let names =
            reader.names_of(text_of(raw, "NamespaceName"), text_of(raw, "ServiceName"), &instances);
        let message = format!("{}{message}", reader.place());
        reader.drop_because(Severity::Warning, (&names.0, &names.1), id_of(raw), message);
    }
    let revision = read_revision(revision, "InstancesRevision", ("", ""), reader);
    reader.add_discovered(instances, revision, has_next)
}

/// Reads one service of a snapshot. What can't be read is reported and dropped; where that is the
/// service itself, the message is returned.
fn read_service(raw: Raw<'_>, path: &str, reader: &mut Reader<'_>) -> Result<(), String> {
    let mut wire = match read_piece::<Wire<Raw<'_>, Raw<'_>>>(raw, path) {
        Ok(wire) => wire,
        Err(message) => {
            let message = format!("{}{message}{}", reader.place(), missing_instances(raw));
            let names = (name_in(raw, "namespace"), name_in(raw, "service"));
            reader.drop_because(Severity::Error, (&names.0, &names.1), None, message.clone());
            return Err(message);
        }
    };
    let names = wire.names();
    let names = (names.0.to_owned(), names.1.to_owned());
    let names = (names.0.as_str(), names.1.as_str());
    let mut instances: Vec<Instance> = Vec::with_capacity(wire.instances.len());
    for (index, raw) in std::mem::take(&mut wire.instances).into_iter().enumerate() {
        let path = format!("{path}.instances[{index}]");
        match read_piece(raw, &path) {
            Ok(instance) => instances.push(instance),
            Err(_) if let Some(message) = wrong_case(raw, &path) => {
                let message = format!("{}{message}", reader.place());
                reader.drop_because(Severity::Error, names, None, message.clone());
                return Err(message);
            }
            Err(message) => {
                let message = format!("{}{message}", reader.place());
                reader.drop_because(Severity::Warning, names, id_of(raw), message);
            }
        }
    }
    let revision = wire.instances_revision.take();
    let revision = read_revision(revision, &format!("{path}.instancesRevision"), names, reader);
    reader.add(wire.with(instances, revision));
    Ok(())
}

/// A revision only saves work, so a bad one costs nothing but itself.
fn read_revision(
    raw: Option<Raw<'_>>,
    path: &str,
    names: (&str, &str),
    reader: &mut Reader<'_>,
) -> Option<i64> {
    match read_piece(raw?, path) {
        Ok(revision) => revision,
        Err(message) => {
            let message = format!("{}{message}; it is ignored", reader.place());
            reader.drop_because(Severity::Warning, names, None, message);
            None
        }
    }
}

/// Reads a piece, or says where in it what is wrong.
fn read_piece<'a, T: Deserialize<'a>>(raw: Raw<'a>, path: &str) -> Result<T, String> {
    json::read(raw.get()).map_err(|misread| misread.within(path).to_string())
}

/// What a piece holds, if it is an object.
fn object(raw: Raw<'_>) -> SortedMap<String, Raw<'_>> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// Says which key of an instance is in the wrong letter case, if one is and the right one is
/// missing.
fn wrong_case(raw: Raw<'_>, path: &str) -> Option<String> {
    let object = object(raw);
    let has =
        |key: &str| object.contains_key(key) || (key == "InstanceId" && object.contains_key("Id"));
    let (written, meant) = object.iter().find_map(|(written, _)| {
        let meant = if written.eq_ignore_ascii_case("Id") {
            "Id"
        } else {
            KEYS.into_iter().find(|k| k.eq_ignore_ascii_case(written))?
        };
        let key = if meant == "Id" { "InstanceId" } else { meant };
        (!has(key)).then_some((written, meant))
    })?;
    Some(format!(
        "{path}: the key `{written}` is in the wrong letter case; expected `{meant}`, as AWS writes it"
    ))
}

/// Why a service has no `instances`, where the reason is the letter case.
fn missing_instances(raw: Raw<'_>) -> &'static str {
    let object = object(raw);
    let wrong = !object.contains_key("instances")
        && object.iter().any(|(key, _)| key.eq_ignore_ascii_case("instances"));
    if wrong { " (it is in the wrong letter case)" } else { "" }
}

fn id_of(raw: Raw<'_>) -> Option<String> {
    text_of(raw, "InstanceId").or_else(|| text_of(raw, "Id"))
}

fn text_of(raw: Raw<'_>, key: &str) -> Option<String> {
    serde_json::from_str(object(raw).get(key)?.get()).ok()
}

/// The `Name` in an object in an object, as far as there is one.
fn name_in(raw: Raw<'_>, key: &str) -> String {
    object(raw).get(key).and_then(|inner| text_of(inner, "Name")).unwrap_or_default()
}
