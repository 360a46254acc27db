//! The slow path, taken only if the typed reading fails. The text is split into raw values and each
//! is read on its own: a wrong value is dropped alone, and its message has its path.

use serde::Deserialize;
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::collect::Collector;
use super::document::{Discovered, Document, KEYS, Wire};
use super::{InputError, Instance};
use crate::json::{self, Misread, Position};
use crate::sorted::SortedMap;

type Raw<'a> = &'a RawValue;

/// Reads every document of `json` into `collector`.
pub(super) fn read(json: &str, collector: &mut Collector<'_>) -> Result<(), InputError> {
    for document in Deserializer::from_str(json).into_iter::<Raw<'_>>() {
        let raw = document.map_err(|error| syntax(&error))?;
        collector.next_document();
        read_document(raw, collector)?;
    }
    Ok(())
}

/// The error for text that is not JSON, with its position.
pub(super) fn syntax(error: &serde_json::Error) -> InputError {
    InputError::Syntax { position: Position::new(error), message: json::message(error) }
}

fn read_document(raw: Raw<'_>, collector: &mut Collector<'_>) -> Result<(), InputError> {
    let document: Document<Raw<'_>, Raw<'_>, Raw<'_>> = read_value(raw, "").map_err(|misread| {
        let expected = expected_services(&misread.path);
        let message = format!("{}{misread}{expected}", collector.place());
        InputError::Shape { path: Some(misread.path).filter(|path| !path.is_empty()), message }
    })?;
    if let Some(services) = document.services {
        let count = services.len();
        let mut usable = 0;
        let mut problem = None;
        for (index, service) in services.into_iter().enumerate() {
            let path = format!("services[{index}]");
            match read_service(service, &path, collector) {
                Ok(()) => usable += 1,
                Err(message) => problem = problem.or(Some((path, message))),
            }
        }
        return collector.check_snapshot(
            count,
            usable,
            document.has_failures,
            document.has_next,
            problem,
        );
    }
    let Some(raws) = document.instances else {
        return Err(collector.wrong_shape(document.wrong_case.as_deref(), &document.other_keys));
    };
    read_discovered(&raws, document.revision, document.has_next, collector)
}

/// What was expected, if `services` is not a list.
fn expected_services(path: &str) -> &'static str {
    if path == "services" {
        "; expected a snapshot: a list of objects with `namespace`, `service` and `instances`"
    } else {
        ""
    }
}

fn read_discovered(
    raws: &[Raw<'_>],
    revision: Option<Raw<'_>>,
    has_next: bool,
    collector: &mut Collector<'_>,
) -> Result<(), InputError> {
    let mut instances = Vec::with_capacity(raws.len());
    let mut bad = Vec::new();
    for (index, raw) in raws.iter().enumerate() {
        let path = format!("Instances[{index}]");
        match read_value::<Discovered>(raw, &path) {
            Ok(instance) => instances.push(instance),
            Err(_) if let Some(message) = wrong_case(raw, &path) => {
                let message = format!("{}{message}", collector.place());
                return Err(InputError::Shape { path: Some(path), message });
            }
            Err(misread) => bad.push((*raw, misread)),
        }
    }
    // A document in which every instance is wrong must not read as an empty service.
    if instances.is_empty()
        && let Some((_, misread)) = bad.first()
    {
        let message = format!("{}{misread}", collector.place());
        return Err(InputError::Shape { path: Some(misread.path.clone()), message });
    }
    for (raw, misread) in bad {
        let names = collector.names_of(
            text_of(raw, "NamespaceName"),
            text_of(raw, "ServiceName"),
            &instances,
        );
        let message = format!("{}{misread}", collector.place());
        collector.drop_value((&names.0, &names.1), id_of(raw), message);
    }
    let revision = read_revision(revision, "InstancesRevision", ("", ""), collector);
    collector.add_discovered(instances, revision, has_next)
}

/// Reads one service of a snapshot. What can't be read is reported and dropped. If that is the
/// service itself, its message is returned.
fn read_service(raw: Raw<'_>, path: &str, collector: &mut Collector<'_>) -> Result<(), String> {
    let mut wire = match read_value::<Wire<Raw<'_>, Raw<'_>>>(raw, path) {
        Ok(wire) => wire,
        Err(misread) => {
            let message = format!("{}{misread}{}", collector.place(), missing_instances(raw));
            let names = (name_in(raw, "namespace"), name_in(raw, "service"));
            collector.drop_service((&names.0, &names.1), message.clone());
            return Err(message);
        }
    };
    let namespace = wire.namespace.name.clone();
    let service = wire.service.name.clone();
    let names = (namespace.as_str(), service.as_str());
    let mut instances: Vec<Instance> = Vec::with_capacity(wire.instances.len());
    for (index, raw) in std::mem::take(&mut wire.instances).into_iter().enumerate() {
        let path = format!("{path}.instances[{index}]");
        match read_value(raw, &path) {
            Ok(instance) => instances.push(instance),
            Err(_) if let Some(message) = wrong_case(raw, &path) => {
                let message = format!("{}{message}", collector.place());
                collector.drop_service(names, message.clone());
                return Err(message);
            }
            Err(misread) => {
                let message = format!("{}{misread}", collector.place());
                collector.drop_value(names, id_of(raw), message);
            }
        }
    }
    let revision = wire.instances_revision.take();
    let revision = read_revision(revision, &format!("{path}.instancesRevision"), names, collector);
    collector.add(wire.with(instances, revision));
    Ok(())
}

/// Reads a revision. It only saves work, so a wrong one is ignored.
fn read_revision(
    raw: Option<Raw<'_>>,
    path: &str,
    names: (&str, &str),
    collector: &mut Collector<'_>,
) -> Option<i64> {
    match read_value(raw?, path) {
        Ok(revision) => revision,
        Err(misread) => {
            let message = format!("{}{misread}; it is ignored", collector.place());
            collector.drop_value(names, None, message);
            None
        }
    }
}

/// Reads the value at a path.
fn read_value<'a, T: Deserialize<'a>>(raw: Raw<'a>, path: &str) -> Result<T, Misread> {
    json::read(raw.get()).map_err(|misread| misread.within(path))
}

/// The fields of a value; empty if it is not an object.
fn object(raw: Raw<'_>) -> SortedMap<String, Raw<'_>> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// The message about a key of an instance that is in the wrong letter case, if the right one is
/// missing.
fn wrong_case(raw: Raw<'_>, path: &str) -> Option<String> {
    let object = object(raw);
    let has =
        |key: &str| object.contains_key(key) || (key == "InstanceId" && object.contains_key("Id"));
    let (written, expected) = object.iter().find_map(|(written, _)| {
        let expected = if written.eq_ignore_ascii_case("Id") {
            "Id"
        } else {
            KEYS.into_iter().find(|k| k.eq_ignore_ascii_case(written))?
        };
        let key = if expected == "Id" { "InstanceId" } else { expected };
        (!has(key)).then_some((written, expected))
    })?;
    Some(format!(
        "{path}: the key `{written}` is in the wrong letter case; expected `{expected}`, as AWS writes it"
    ))
}

/// A note for a service whose `instances` is in the wrong letter case.
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

/// The `Name` of the object in a field; empty if it has no name.
fn name_in(raw: Raw<'_>, key: &str) -> String {
    object(raw).get(key).and_then(|inner| text_of(inner, "Name")).unwrap_or_default()
}
