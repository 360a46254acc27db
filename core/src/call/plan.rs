//! Plans on request.

use serde::Deserialize;
use serde_json::Value;

use super::Error;
use super::options::Flat;
use crate::json;
use crate::operator::{Desired, Observed, Options, Plan, Scope, Scopes, plan};
use crate::sorted::SortedMap;

/// What is wanted, what is there, and how much of Cloud Map was read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanInput {
    /// Entries as a translation writes them, as JSON. Their annotations say which scope each is of.
    pub desired: Vec<Value>,
    /// Objects as Kubernetes stores them, of any owner.
    pub observed: Vec<Value>,
    /// What was read completely. Of what is not named here nothing is deleted.
    pub scopes: ScopesInput,
}

impl PlanInput {
    /// Of a JSON object.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], with the path of what is not as it should be.
    pub fn read(text: &str) -> Result<Self, Error> {
        json::read(text).map_err(Error::input)
    }
}

/// What was read completely.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScopesInput {
    /// Per source, whether its list of namespaces, and each of them that is not named in
    /// `namespaces`, was read completely.
    pub sources: SortedMap<String, bool>,
    /// The namespaces of which something else is known than of their source.
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

/// All of [`Options`], and beside them `namespace`, the Kubernetes namespace of what does not say
/// one (`default`), and `fieldManager`, the name that was applied with (`istio-cloud-map`): where
/// an observed object says who manages which field, what others do is left alone.
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
    /// Of a JSON object.
    ///
    /// # Errors
    /// [`Error::InvalidOptions`], with the path of what is unknown or has a bad value.
    pub fn read(text: &str) -> Result<Self, Error> {
        let mut options = Flat::read(text)?;
        let default = Self::default();
        Ok(Self {
            namespace: options.take("namespace")?.unwrap_or(default.namespace),
            field_manager: options.take("fieldManager")?.unwrap_or(default.field_manager),
            plan: options.rest()?,
        })
    }
}

/// See [`plan`]. A desired entry without annotations is of a scope that nobody names, and so of one
/// that was not read completely.
///
/// # Errors
/// [`Error::InvalidInput`], where a desired entry has no name or no hosts.
pub fn planned(input: &PlanInput, options: &PlanOptions) -> Result<Plan, Error> {
    let PlanOptions { namespace, field_manager, plan: options } = options;
    let mut desired = Vec::with_capacity(input.desired.len());
    for (index, entry) in input.desired.iter().enumerate() {
        let entry = Desired::from_json(entry, namespace)
            .map_err(|problem| Error::InvalidInput(format!("desired[{index}].{problem}")))?;
        desired.push(entry);
    }
    let observed: Vec<_> = input
        .observed
        .iter()
        .map(|object| Observed::from_json(object, Some(field_manager), namespace))
        .collect();
    Ok(plan(&desired, &observed, &(&input.scopes).into(), options))
}
