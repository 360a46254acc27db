//! What a pass would change, for a person or a machine.
//!
//! The changes are those of a rehearsal: an operator that walks the same way as `serve` and writes
//! nothing. What is shown of an existing entry is what is stored, and what would be stored then.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use istio_cloud_map_core::diagnostic::{Code, Diagnostic, OneLine};
use istio_cloud_map_core::operator::{EntryKey, SPEC_FIELDS};
use istio_cloud_map_core::service_entry::{OWNER_LABEL, annotation, is_reserved_key};
use serde::Serialize;
use serde_json::{Map, Value};
use similar::TextDiff;

use crate::rehearsal::Outcome;
use crate::sink::Sink;
use crate::yaml;

/// How many stored entries are fetched at the same time.
const FETCHES: usize = 16;
/// What the API server keeps for itself.
const METADATA_OF_THE_SERVER: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// What is done to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// There is none.
    Create,
    /// It differs.
    Update,
    /// It has no owner, and is taken over.
    Adopt,
    /// Its service is gone.
    Delete,
}

impl Action {
    /// `create` and so on.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Adopt => "adopt",
            Self::Delete => "delete",
        }
    }
}

/// A change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The Kubernetes namespace.
    pub namespace: String,
    /// The entry's name.
    pub name: String,
    /// What is done to it.
    pub action: Action,
    /// As it is stored, without what the API server keeps for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// As it would be stored then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// How many changes of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    create: usize,
    update: usize,
    adopt: usize,
    delete: usize,
    refused: usize,
}

/// All that a pass would do, and what it would refuse to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Plan {
    /// The counts.
    pub summary: Summary,
    /// In order of namespace and name.
    pub changes: Vec<Change>,
    /// What is not done, and why.
    pub refusals: Vec<Diagnostic>,
    /// Whether all of Cloud Map could be read: if not, more may change.
    pub complete: bool,
}

impl Plan {
    /// Puts stored and desired entries side by side.
    ///
    /// # Errors
    /// Where a stored entry can't be fetched.
    pub async fn new(outcome: Outcome, sink: Arc<dyn Sink>) -> anyhow::Result<Self> {
        let mut refusals = outcome.diagnostics;
        refusals.retain(|diagnostic| is_refusal(diagnostic.code));
        let writes: BTreeMap<EntryKey, _> = outcome.rehearsed.writes;
        let changes = stream::iter(writes)
            .map(|(key, write)| {
                let sink = sink.clone();
                async move {
                    let before = if write.exists { sink.stored(&key).await? } else { None };
                    let desired = write.json.as_deref().map(serde_json::from_str).transpose();
                    let desired = desired.with_context(|| key.to_string())?;
                    anyhow::Ok(Change::new(key, before, desired))
                }
            })
            .buffered(FETCHES)
            .try_filter_map(async |change| Ok(change))
            .try_collect::<Vec<_>>()
            .await?;
        let mut summary = Summary { refused: refusals.len(), ..Summary::default() };
        if let Some(refused) = &outcome.status.refused {
            // They are one diagnostic.
            summary.refused += refused.removals.total().saturating_sub(1);
        }
        for change in &changes {
            *match change.action {
                Action::Create => &mut summary.create,
                Action::Update => &mut summary.update,
                Action::Adopt => &mut summary.adopt,
                Action::Delete => &mut summary.delete,
            } += 1;
        }
        Ok(Self { summary, changes, refusals, complete: outcome.status.is_complete() })
    }

    /// One JSON object.
    ///
    /// # Errors
    /// None in practice.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// A unified diff of each entry, the refusals, and a line with the counts.
    ///
    /// # Errors
    /// None in practice.
    pub fn text(&self, colour: bool) -> anyhow::Result<String> {
        let mut text = String::new();
        for change in &self.changes {
            change.write(&mut text, colour)?;
        }
        for refusal in &self.refusals {
            writeln!(text, "# refused: {refusal}")?;
        }
        let Summary { create, update, adopt, delete, refused } = &self.summary;
        let adopt = if *adopt == 0 { String::new() } else { format!("{adopt} to adopt, ") };
        let refused = if *refused == 0 { String::new() } else { format!("; {refused} refused") };
        writeln!(
            text,
            "Plan: {create} to create, {update} to update, {adopt}{delete} to delete{refused}."
        )?;
        Ok(text)
    }
}

/// Whether it says that something is not written, and needs a person.
const fn is_refusal(code: Code) -> bool {
    matches!(code, Code::Conflict | Code::HostConflict | Code::DeletesRefused)
}

impl Change {
    /// None, where nothing would change but what we keep for ourselves.
    fn new(key: EntryKey, before: Option<Value>, desired: Option<Value>) -> Option<Self> {
        let before = before.map(without_the_servers);
        let owner = before.as_ref().and_then(|entry| {
            entry.get("metadata")?.get("labels")?.get(OWNER_LABEL)?.as_str().map(str::to_owned)
        });
        let action = match (&before, &desired) {
            (_, None) => Action::Delete,
            (None, _) => Action::Create,
            (Some(_), _) if owner.is_none() => Action::Adopt,
            (Some(_), _) => Action::Update,
        };
        let after = desired.map(|desired| merged(before.as_ref(), desired));
        let is_change = before != after;
        is_change.then_some(Self {
            namespace: key.namespace,
            name: key.name,
            action,
            before,
            after,
        })
    }

    /// Adds its unified diff.
    ///
    /// # Errors
    /// None in practice.
    pub fn write(&self, text: &mut String, colour: bool) -> anyhow::Result<()> {
        let Self { namespace, name, action, before, after } = self;
        let entry = format!("{namespace}/{name}");
        let yaml = |entry: &Option<Value>| match entry {
            Some(entry) => yaml::document(entry),
            None => Ok(String::new()),
        };
        let (before_text, after_text) = (yaml(before)?, yaml(after)?);
        let diff = TextDiff::from_lines(&before_text, &after_text);
        let file = |side: &str, entry_exists: bool| {
            if entry_exists { format!("{side}/{entry}") } else { "/dev/null".to_owned() }
        };
        let (from, to) = (file("stored", before.is_some()), file("desired", after.is_some()));
        writeln!(text, "# {} {entry}", action.as_str())?;
        let diff = diff.unified_diff().context_radius(3).header(&from, &to).to_string();
        for line in diff.lines() {
            let code = match line.as_bytes() {
                [b'-', b'-', b'-', ..] | [b'+', b'+', b'+', ..] => "1",
                [b'-', ..] => "31",
                [b'+', ..] => "32",
                [b'@', ..] => "36",
                _ => "",
            };
            if colour && !code.is_empty() {
                writeln!(text, "\x1b[{code}m{}\x1b[0m", OneLine(line))?;
            } else {
                writeln!(text, "{}", OneLine(line))?;
            }
        }
        Ok(())
    }
}

/// An entry without what is none of ours, nor of its author's.
fn without_the_servers(mut entry: Value) -> Value {
    if let Value::Object(entry) = &mut entry {
        entry.remove("status");
        if let Some(Value::Object(metadata)) = entry.get_mut("metadata") {
            metadata.retain(|key, _| !METADATA_OF_THE_SERVER.contains(&key.as_str()));
        }
    }
    entry
}

/// The stored entry after the write: what we do not set stays.
fn merged(before: Option<&Value>, desired: Value) -> Value {
    let (Some(Value::Object(before)), Value::Object(mut desired)) = (before, desired.clone())
    else {
        return desired;
    };
    let mut after = before.clone();
    let mut spec = object(after.remove("spec"));
    spec.retain(|field, _| !SPEC_FIELDS.contains(&field.as_str()));
    spec.extend(object(desired.remove("spec")));
    after.insert("spec".to_owned(), Value::Object(spec));

    let mut metadata = object(after.remove("metadata"));
    let mut new = object(desired.remove("metadata"));
    let listed = |list: &str| {
        let keys = metadata.get("annotations").and_then(|annotations| annotations.get(list));
        let keys = keys.and_then(Value::as_str).unwrap_or_default();
        keys.split(',').map(str::to_owned).collect::<Vec<_>>()
    };
    let set_before = [
        ("labels", listed(annotation::ENTRY_LABELS)),
        ("annotations", listed(annotation::ENTRY_ANNOTATIONS)),
    ];
    for (part, set_before) in set_before {
        let mut pairs = object(metadata.remove(part));
        pairs.retain(|key, _| !is_reserved_key(key) && !set_before.contains(key));
        pairs.extend(object(new.remove(part)));
        if !pairs.is_empty() {
            metadata.insert(part.to_owned(), Value::Object(pairs));
        }
    }
    after.insert("metadata".to_owned(), Value::Object(metadata));
    Value::Object(after)
}

fn object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}
