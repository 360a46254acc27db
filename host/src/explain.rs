//! Why an entry is as it is, or why there is none: from the attributes of the instances, rule by rule,
//! to the entry, and from there to what `serve` would do.

use std::fmt::Write as _;

use istio_cloud_map_core::cloud_map::Record;
use istio_cloud_map_core::diagnostic::{Diagnostic, OneLine};
use istio_cloud_map_core::translate::{Options, Outcome, Reason, Transform, Translator};
use serde::Serialize;
use serde_json::Value;

use crate::plan::{Change, Plan};

/// One service, explained.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The source that has it.
    pub source: String,
    /// Its namespace in Cloud Map.
    pub namespace: String,
    /// Its name.
    pub service: String,
    /// What was registered.
    pub instances: Value,
    /// The rules that applied, in order.
    pub reasons: Vec<Reason>,
    /// What was left out or degraded.
    pub diagnostics: Vec<Diagnostic>,
    /// The entry that it becomes, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<Value>,
    /// What `serve` would do now.
    pub decision: Decision,
}

/// What `serve` would do now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Decision {
    /// The stored entry is as it should be.
    InPlace,
    /// A write.
    Change(Box<Change>),
    /// Nothing, for these reasons.
    Refused(Vec<Diagnostic>),
    /// Nothing: there is no entry.
    NoEntry,
}

impl Explained {
    /// Explains a service. `plan` is one of a pass over the same data.
    ///
    /// # Errors
    /// None in practice.
    pub fn new(
        record: &Record,
        options: &Options,
        transform: Option<&dyn Transform>,
        plan: &Plan,
    ) -> anyhow::Result<Self> {
        let translator = Translator::new(options).with_transform(transform);
        let (translation, reasons) = translator.explain(&[record], None);
        let entry = match translation.outcome {
            Outcome::Entry(entry) => Some(serde_json::to_value(&*entry)?),
            Outcome::Excluded | Outcome::Empty | Outcome::Failed => None,
        };
        let (namespace, service) = (&record.namespace.name, &record.service.name);
        let mut refusals = plan.refusals.iter().filter(|refusal| {
            refusal.service.is_empty()
                || (&refusal.namespace, &refusal.service) == (namespace, service)
        });
        let text = |field: &str| entry.as_ref()?.pointer(field)?.as_str().map(str::to_owned);
        let key = text("/metadata/name").zip(text("/metadata/namespace"));
        let change = plan.changes.iter().find(|change| {
            key.as_ref().is_some_and(|(name, namespace)| {
                (&change.name, &change.namespace) == (name, namespace)
            })
        });
        let decision = match (change, key) {
            (Some(change), _) => Decision::Change(Box::new(change.clone())),
            (None, None) => Decision::NoEntry,
            (None, Some(_)) => {
                let own: Vec<_> = refusals
                    .by_ref()
                    .filter(|refusal| !refusal.service.is_empty())
                    .cloned()
                    .collect();
                if own.is_empty() { Decision::InPlace } else { Decision::Refused(own) }
            }
        };
        Ok(Self {
            source: record.source.clone(),
            namespace: namespace.clone(),
            service: service.clone(),
            instances: serde_json::to_value(&record.instances)?,
            reasons,
            diagnostics: translation.diagnostics,
            entry,
            decision,
        })
    }

    /// For a person.
    ///
    /// # Errors
    /// None in practice.
    pub fn text(&self, colour: bool) -> anyhow::Result<String> {
        let mut text = String::new();
        let instances = self.instances.as_array().map_or(0, Vec::len);
        let place = format!("{}/{} of source {}", self.namespace, self.service, self.source);
        writeln!(text, "{}: {instances} instances", OneLine(&place))?;
        let mut last = None;
        for reason in &self.reasons {
            if last != Some(reason.rule) {
                writeln!(text, "\n{:?}", reason.rule)?;
                last = Some(reason.rule);
            }
            let port = reason.port.map(|port| port.to_string());
            let about = [reason.instance.as_deref(), reason.endpoint.as_deref(), port.as_deref()];
            let about: Vec<&str> = about.into_iter().flatten().collect();
            let separator = if about.is_empty() { "" } else { ": " };
            let line = format!("{}{separator}{}", about.join(" port "), reason.message);
            writeln!(text, "  {}", OneLine(&line))?;
        }
        if !self.diagnostics.is_empty() {
            writeln!(text, "\nDiagnostics")?;
        }
        for diagnostic in &self.diagnostics {
            writeln!(text, "  {diagnostic}")?;
        }
        writeln!(text, "\nDecision")?;
        match &self.decision {
            Decision::InPlace => {
                text.push_str("  nothing to do: the stored entry is as it should be\n");
            }
            Decision::NoEntry => text.push_str("  no entry, for the reasons above\n"),
            Decision::Refused(refusals) => {
                for refusal in refusals {
                    writeln!(text, "  refused: {refusal}")?;
                }
            }
            Decision::Change(change) => {
                writeln!(text, "  serve would {} the entry:", change.action.as_str())?;
                change.write(&mut text, colour)?;
            }
        }
        Ok(text)
    }
}
