//! A source as the configuration file has it.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use istio_cloud_map_core::cloud_map::ZoneNames;
use istio_cloud_map_core::operator::NameFilter;
use istio_cloud_map_core::service_entry::is_dns_label;
use istio_cloud_map_core::translate;
use serde::{Deserialize, Deserializer, de};
use serde_saphyr::Spanned;

use super::problem::Problem;
use crate::cli::settings;

/// One account and region, or one file. What it leaves open is as the flags have it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("required" = ["name"])))]
pub struct SourceEntry {
    /// Its name, which entries, messages and overrides have: lower-case letters, digits and inner
    /// hyphens. Entries keep their source by this name, so a new name is another source.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// The AWS region.
    #[serde(deserialize_with = "region")]
    pub region: Option<String>,
    /// A snapshot to read in place of AWS; read again when it changes.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub file: Option<PathBuf>,
    /// An IAM role to assume, such as that of another account.
    #[serde(deserialize_with = "role")]
    pub role_arn: Option<String>,
    /// The external id that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// URL of Cloud Map's control plane.
    #[serde(deserialize_with = "url")]
    pub endpoint_url: Option<String>,
    /// URL of Cloud Map's data plane.
    #[serde(deserialize_with = "url")]
    pub data_endpoint_url: Option<String>,
    /// Which Cloud Map namespaces are read, by their names. Entries of others are removed.
    pub namespaces: NameFilter,
    /// Which services are read, by their names. Entries of others are removed.
    pub services: NameFilter,
    /// The Kubernetes namespace of its entries: a name, or a template such as `team-{namespace}` with
    /// `{namespace}` and `{service}`, the names in Cloud Map.
    #[serde(deserialize_with = "target")]
    pub target_namespace: Option<String>,
    /// What the mesh's own account calls the zones of another account, such as
    /// `us-east-1a: us-east-1c`. An instance in a zone that is not listed has only its region as
    /// locality. Default with a role: none is listed; without: each is called the same.
    #[serde(deserialize_with = "zones")]
    #[cfg_attr(test, schemars(with = "Option<std::collections::BTreeMap<String, String>>"))]
    pub zones: Option<Arc<ZoneNames>>,
    /// Maximum number of revision and discover calls a second.
    pub max_requests_per_second: Option<NonZeroU32>,
    /// Read each service's attributes for hints.
    pub read_service_attributes: Option<bool>,
    /// Read each service's tags for hints.
    pub read_tags: Option<bool>,
}

impl SourceEntry {
    /// What the mesh calls its zones. A role is taken to be of another account.
    pub fn zones(&self) -> Option<Arc<ZoneNames>> {
        self.zones.clone().or_else(|| self.role_arn.is_some().then(Arc::default))
    }
}

/// What is wrong with the sources, beyond single values.
pub(super) fn problems(sources: &[Spanned<SourceEntry>]) -> Vec<Problem> {
    let mut names = BTreeSet::new();
    let mut problems = Vec::new();
    for Spanned { value: source, referenced, .. } in sources {
        let mut problem =
            |message| problems.push(Problem { line: Some(referenced.line()), message });
        let name = &source.name;
        if name.is_empty() {
            problem("a source has no `name`".to_owned());
        } else if !names.insert(name.as_str()) {
            problem(format!(
                "two sources are called `{name}`; expected a name of its own for each"
            ));
        }
        if source.external_id.is_some() && source.role_arn.is_none() {
            problem(format!(
                "`externalId` of the source `{name}` is for a role; expected `roleArn`"
            ));
        }
        let of_aws = [
            ("region", source.region.is_some()),
            ("roleArn", source.role_arn.is_some()),
            ("endpointUrl", source.endpoint_url.is_some()),
            ("dataEndpointUrl", source.data_endpoint_url.is_some()),
        ];
        if let Some((key, _)) =
            of_aws.into_iter().find(|(_, is_set)| *is_set && source.file.is_some())
        {
            problem(format!("the source `{name}` has a `file` and so can't have `{key}`"));
        }
    }
    problems
}

fn checked<'de, D: Deserializer<'de>>(
    deserializer: D,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    match check(&text) {
        Ok(()) => Ok(Some(text)),
        Err(message) => Err(de::Error::custom(format_args!("`{text}`: {message}"))),
    }
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let expected = "expected at most 63 lower-case letters, digits and inner hyphens";
    let check = |text: &str| is_dns_label(text).then_some(()).ok_or_else(|| expected.to_owned());
    checked(deserializer, check).map(Option::unwrap_or_default)
}

fn region<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, |text| settings::region(text).map(drop))
}

fn role<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, |text| {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", _, "iam", "", account, role]
                if account.len() == 12
                    && account.bytes().all(|byte| byte.is_ascii_digit())
                    && role.starts_with("role/") =>
            {
                Ok(())
            }
            _ => Err("expected a role such as arn:aws:iam::123456789012:role/NAME".to_owned()),
        }
    })
}

fn zones<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<ZoneNames>>, D::Error> {
    let Some(names) = Option::<ZoneNames>::deserialize(deserializer)? else { return Ok(None) };
    for name in names.iter().flat_map(|(theirs, ours)| [theirs, ours]) {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(de::Error::custom(format_args!(
                "`{name}`: expected the name of a zone such as us-east-1a"
            )));
        }
    }
    Ok(Some(Arc::new(names)))
}

fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    if text.contains('@') {
        // The password is not repeated.
        return Err(de::Error::custom(
            "the URL has a user name or password, which Cloud Map does not accept; expected a URL without",
        ));
    }
    settings::url(&text)
        .map_err(|message| de::Error::custom(format_args!("`{text}`: {message}")))?;
    Ok(Some(text))
}

fn target<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, |text| {
        let expected = "expected the name of a Kubernetes namespace, or a template with {namespace} and {service}";
        let example = translate::target_namespace(text, "a", "a");
        example.map(drop).map_err(|_| expected.to_owned())
    })
}
