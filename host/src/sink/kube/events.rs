//! Kubernetes Events about what a person must act on.
//!
//! An event is about the entry, whether it exists or not; one about the operator as a whole is about
//! its pod.

use std::time::Duration;

use ::kube::runtime::events::{Event, EventType, Recorder, Reporter};
use istio_cloud_map_core::diagnostic::{Code, Diagnostic, OneLine, Severity};
use istio_cloud_map_core::operator::{EntryKey, WriteError};
use k8s_openapi::api::core::v1::ObjectReference;

use super::failure::{Call, bounded};
use super::{FIELD_MANAGER, KIND, KubeSink};

const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// The API server takes no more than 1 kB.
const LONGEST_NOTE: usize = 1_000;

/// Publishes events.
pub struct Events {
    recorder: Recorder,
    api_version: String,
    pod: Option<ObjectReference>,
}

impl Events {
    /// `pod` is the namespace and the name of the pod of this process, if it is one.
    pub(super) fn new(sink: &KubeSink, pod: Option<(String, String)>) -> Self {
        let instance = pod.as_ref().map(|(_, name)| name.clone());
        let reporter = Reporter { controller: FIELD_MANAGER.to_owned(), instance };
        let reference = |(namespace, name)| ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            namespace: Some(namespace),
            name: Some(name),
            ..ObjectReference::default()
        };
        Self {
            recorder: Recorder::new(sink.client.clone(), reporter),
            api_version: sink.resource.api_version.clone(),
            pod: pod.map(reference),
        }
    }

    /// Whether a person must act on it.
    pub const fn is_event(diagnostic: &Diagnostic) -> bool {
        matches!(
            diagnostic.code,
            Code::Conflict
                | Code::WriteFailed
                | Code::WriteNotKept
                | Code::DeletesRefused
                | Code::ReloadFailed
                | Code::ReloadHeld
        )
    }

    /// Publishes one; one of the same object and reason within six minutes is counted there.
    ///
    /// # Errors
    /// Where the API server does not answer, or refuses.
    pub async fn publish(
        &self,
        entry: Option<&EntryKey>,
        diagnostic: &Diagnostic,
    ) -> Result<(), WriteError> {
        let about_entry = |entry: &EntryKey| ObjectReference {
            api_version: Some(self.api_version.clone()),
            kind: Some(KIND.to_owned()),
            namespace: Some(entry.namespace.clone()),
            name: Some(entry.name.clone()),
            ..ObjectReference::default()
        };
        let Some(about) = entry.map(about_entry).or_else(|| self.pod.clone()) else {
            return Ok(());
        };
        let mut note = OneLine(&diagnostic.message).to_string();
        note.truncate(note.floor_char_boundary(LONGEST_NOTE));
        let event = Event {
            type_: if diagnostic.severity == Severity::Info {
                EventType::Normal
            } else {
                EventType::Warning
            },
            reason: diagnostic.code.as_str().to_owned(),
            note: Some(note),
            action: "Sync".to_owned(),
            secondary: None,
        };
        let namespace = about.namespace.clone().unwrap_or_default();
        let call = Call::create_event(&namespace);
        Box::pin(bounded(call, CALL_TIMEOUT, self.recorder.publish(&event, &about))).await
    }
}
