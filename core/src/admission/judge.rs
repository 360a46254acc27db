//! The questions, one after another.

use serde_json::Value;
use serde_json::value::RawValue;

use super::cloud_map::{self, Translated};
use super::protection::{self, Holder};
use super::request::{Object, Write};
use super::settings::{Settings, SourceMode};
use super::verdict::{Accepted, Reason, Rejection, Verdict};
use super::{difference, fill, validity};

/// Judges a write.
pub(super) fn judge(write: &Write<'_>, settings: &Settings) -> Result<Verdict, Rejection> {
    if write.user.is_some() && write.change.only_finalizes() {
        return Ok(Verdict::exempt("finalizers"));
    }
    let mut accepted =
        Accepted { protected_host: protection::check(write, settings)?, ..Accepted::default() };
    let Some(new) = write.change.new_object() else { return Ok(Verdict::accepted(accepted)) };
    // What a request leaves as it is was judged when it was written, or is older than the policy:
    // it must not keep a label from being set.
    let same = write.change.same_content();
    let translated = match settings.source {
        SourceMode::Off => None,
        _ if same.is_some() => None,
        SourceMode::Check | SourceMode::Fill => cloud_map::of(&new.value, settings)?,
    };
    let filled = match &translated {
        Some(translated) if settings.source == SourceMode::Fill => fill_from(new, translated)?,
        Some(translated) => differences(&new.value, translated)
            .map_or(Ok(None), |message| Err(Rejection::new(Reason::CloudMap, message)))?,
        None => None,
    };
    if let Some((_, entry)) = &filled {
        // The annotation is its author's, and so are the hosts that come of it.
        let overlapped =
            protection::check_entry(entry, Holder::New, write.user.as_ref(), settings)?;
        accepted.protected_host = accepted.protected_host.or(overlapped);
    }
    accepted.warnings = translated.map(|translated| translated.warnings).unwrap_or_default();
    accepted.warnings.extend(validity::check(
        filled.as_ref().map_or(&new.value, |(_, entry)| entry),
        same.map(|old| &old.value),
        settings,
    )?);
    accepted.filled = filled.map(|(json, _)| json);
    Ok(Verdict::accepted(accepted))
}

/// The entry with its spec filled in; none, if it needs no filling.
fn fill_from(
    new: &Object<'_>,
    translated: &Translated,
) -> Result<Option<(Box<RawValue>, Value)>, Rejection> {
    if differences(&new.value, translated).is_none() {
        return Ok(None);
    }
    let filled = fill::filled(new.json, &translated.fields).and_then(|json| {
        let entry = serde_json::from_str(json.get())?;
        Ok((json, entry))
    });
    filled.map(Some).map_err(|error| {
        Rejection::new(Reason::CloudMap, format!("spec: it can't be filled in: {error}"))
    })
}

/// All fields of the spec that are not what the JSON says, and for each the first place in it.
fn differences(entry: &Value, translated: &Translated) -> Option<String> {
    let spec = entry.get("spec").unwrap_or(&Value::Null);
    let found = |name: &str| spec.get(name).unwrap_or(&Value::Null);
    let differing = translated.fields.iter().filter_map(|(name, expected)| {
        difference::first(&format!("spec.{name}"), found(name), expected)
    });
    let places: Vec<String> = differing.collect();
    (!places.is_empty())
        .then(|| format!("the spec is not what its Cloud Map JSON says: {}", places.join("; ")))
}
