//! The call `plan`, typed.

use serde::Deserialize;
use serde_json::Value;

use super::{CallOptions, Error};
use crate::json;
use crate::operator::{Desired, Observed, Options, Plan, Scope, Scopes, plan};
use crate::sorted::SortedMap;

/// The desired and the observed entries, and how much of Cloud Map was read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanInput {
    /// Entries as a translation writes them, as JSON. An entry's annotations name its scope.
    pub desired: Vec<Value>,
    /// Objects as Kubernetes stores them, of any owner.
    pub observed: Vec<Value>,
    /// What was read completely. In a scope that is not listed here nothing is deleted.
    pub scopes: ScopesInput,
}

impl PlanInput {
    /// Parses a JSON object.
    ///
    /// # Errors
    /// [`super::ErrorKind::InvalidInput`], with the path of the value that is not as expected.
    pub fn parse(text: &str) -> Result<Self, Error> {
        json::read(text).map_err(Error::input)
    }

    /// Plans. A desired entry without annotations belongs to no listed scope, and so to one that was
    /// not read completely.
    ///
    /// # Errors
    /// [`super::ErrorKind::InvalidInput`] if a desired entry has no name or no hosts.
    pub fn plan(&self, options: &PlanOptions) -> Result<Plan, Error> {
        let PlanOptions { namespace, field_manager, plan: options } = options;
        let mut desired = Vec::with_capacity(self.desired.len());
        for (index, entry) in self.desired.iter().enumerate() {
            let entry = Desired::from_json(entry, namespace).map_err(|problem| {
                Error::new(super::ErrorKind::InvalidInput, format!("desired[{index}].{problem}"))
            })?;
            desired.push(entry);
        }
        let observed: Vec<_> = self
            .observed
            .iter()
            .map(|object| Observed::from_json(object, Some(field_manager), namespace))
            .collect();
        Ok(plan(&desired, &observed, &(&self.scopes).into(), options))
    }
}

/// What was read completely.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScopesInput {
    /// By source: whether its list of namespaces, and each namespace that `namespaces` does not list,
    /// was read completely.
    pub sources: SortedMap<String, bool>,
    /// The namespaces whose completeness differs from that of their source.
    pub namespaces: Vec<NamespaceInput>,
}

/// How completely a namespace was read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceInput {
    /// The source's name.
    pub source: String,
    /// The namespace's id; its name where no id is known.
    pub namespace: String,
    /// Whether all its services were read.
    pub complete: bool,
}

impl From<&ScopesInput> for Scopes {
    fn from(input: &ScopesInput) -> Self {
        let scope = |namespace: &NamespaceInput| Scope {
            source: namespace.source.clone(),
            namespace: namespace.namespace.clone(),
        };
        Self {
            sources: input.sources.clone(),
            namespaces: input
                .namespaces
                .iter()
                .map(|namespace| (scope(namespace), namespace.complete))
                .collect(),
        }
    }
}

/// All of [`Options`], and two of the call. `namespace` is the Kubernetes namespace of objects
/// without one (`default`). `fieldManager` is the field manager of the applied entries
/// (`istio-cloud-map`): fields that others manage are left alone, if the observed object lists
/// managers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanOptions {
    namespace: String,
    field_manager: String,
    plan: Options,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
            field_manager: "istio-cloud-map".to_owned(),
            plan: Options::default(),
        }
    }
}

impl PlanOptions {
    /// Parses a JSON object.
    ///
    /// # Errors
    /// [`super::ErrorKind::InvalidOptions`], with the path of an option that is unknown or has a bad value.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut options = CallOptions::parse(text)?;
        let default = Self::default();
        Ok(Self {
            namespace: options.take("namespace")?.unwrap_or(default.namespace),
            field_manager: options.take("fieldManager")?.unwrap_or(default.field_manager),
            plan: options.rest()?,
        })
    }
}
