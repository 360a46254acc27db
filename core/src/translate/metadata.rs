//! The host of a service, and the name, labels and annotations of its entry.

use thiserror::Error;

use super::options::Options;
use crate::cloud_map::{Record, account_of};
use crate::service_entry::{
    MANAGED_BY, Metadata, OWNER_LABEL, annotation, host_problem, is_dns_label, normalized,
};
use crate::sorted::SortedMap;

/// Istio would reject the service's host.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{host}` is not a valid host: {problem}; set another one with an override")]
pub struct HostError {
    /// The host that the service would have.
    pub host: String,
    /// Why Istio would reject it.
    pub problem: String,
}

/// The prefix of every entry's name.
pub const NAME_PREFIX: &str = "cloudmap-";
/// Kubernetes' limit for a name.
const LONGEST_NAME: usize = 253;

/// The host and the entry's name of a service: `SERVICE.NAMESPACE` and `cloudmap-SERVICE.NAMESPACE`
/// in lower case, unless an override or a hint sets another host. The host of a service called `.`
/// is the name of its namespace.
///
/// # Errors
/// If Istio would reject the host.
pub fn host_and_name(
    namespace_name: &str,
    service_name: &str,
) -> Result<(String, String), HostError> {
    let host = if service_name == "." {
        namespace_name.to_owned()
    } else {
        format!("{service_name}.{namespace_name}")
    };
    // With an empty namespace name, the separating dot would be taken for a trailing one.
    let nameless = namespace_name.is_empty().then(|| "its namespace has no name".to_owned());
    let host = if nameless.is_some() { host } else { normalized(&host).into_owned() };
    if let Some(problem) = nameless.or_else(|| host_problem(&host)) {
        return Err(HostError { host, problem });
    }
    let name = entry_name(&host);
    Ok((host, name))
}

/// `cloudmap-HOST`. A name of more than 253 characters is truncated and ends with `-` and the
/// FNV-1a hash (64 bit, 16 hexadecimal digits) of the whole name.
#[must_use]
pub fn entry_name(host: &str) -> String {
    let name = format!("{NAME_PREFIX}{host}");
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let hash = format!("-{:016x}", fnv1a(name.as_bytes()));
    let kept: String = name.chars().take(LONGEST_NAME.saturating_sub(hash.len())).collect();
    // A label of a name begins and ends with a letter or digit.
    format!("{}{hash}", kept.trim_end_matches(['.', '-']))
}

/// FNV-1a with 64 bits. A fixed algorithm in a few lines: a changed hash would rename entries.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A target namespace that Kubernetes does not take.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{namespace}` is not a valid name of a Kubernetes namespace; expected at most 63 lower-case letters, digits and inner hyphens"
)]
pub struct InvalidNamespace {
    /// What the template gives.
    pub namespace: String,
}

/// The Kubernetes namespace that a template gives for a service: `{namespace}` and `{service}`
/// stand for its names in Cloud Map, in lower case.
///
/// # Errors
/// If Kubernetes has no namespace of that name.
pub fn target_namespace(
    template: &str,
    namespace: &str,
    service: &str,
) -> Result<String, InvalidNamespace> {
    let mut result = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, placeholder) = rest.split_at(at);
        result.push_str(before);
        let names = [("{namespace}", namespace), ("{service}", service)];
        let known = names.into_iter().find(|(known, _)| placeholder.starts_with(known));
        let Some((known, name)) = known else {
            rest = placeholder;
            break;
        };
        result.push_str(&name.to_ascii_lowercase());
        rest = placeholder.strip_prefix(known).unwrap_or_default();
    }
    result.push_str(rest);
    if is_dns_label(&result) { Ok(result) } else { Err(InvalidNamespace { namespace: result }) }
}

/// The metadata of a record's entry.
pub(super) fn metadata(
    record: &Record,
    name: String,
    namespace: Option<String>,
    options: &Options,
) -> Metadata {
    let labels = [MANAGED_BY, (OWNER_LABEL, options.owner.as_str())];
    let mut annotations = SortedMap::new();
    let mut annotate = |key: &str, value: String| drop(annotations.insert(key.to_owned(), value));
    annotate(annotation::SOURCE, record.source.clone());
    annotate(annotation::NAMESPACE, record.namespace.key().to_owned());
    annotate(annotation::SERVICE, record.service.key().to_owned());
    if let Some(region) = &record.region {
        annotate(annotation::REGION, region.clone());
    }
    let arn = record.service.arn.as_deref().or(record.namespace.arn.as_deref());
    if let Some(account) = account_of(arn).or(record.namespace.resource_owner.as_deref()) {
        annotate(annotation::ACCOUNT, account.to_owned());
    }
    if let Some(revision) = record.instances_revision {
        annotate(annotation::REVISION, revision.to_string());
    }
    Metadata {
        name,
        namespace,
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        annotations,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn hosts_are_lower_case_and_without_a_trailing_dot() {
        let (host, name) = host_and_name("My-Namespace.", "Web").unwrap();
        assert_eq!(
            (host.as_str(), name.as_str()),
            ("web.my-namespace", "cloudmap-web.my-namespace")
        );
    }

    #[test]
    fn the_host_of_a_service_called_dot_is_its_namespace() {
        assert_eq!(host_and_name("example.com", ".").unwrap().0, "example.com");
    }

    #[test]
    fn a_template_gives_a_namespace_that_kubernetes_takes() {
        let of = |template: &str| target_namespace(template, "Shop", "{service}").ok();
        assert_eq!(of("prod").as_deref(), Some("prod"));
        assert_eq!(of("team-{namespace}").as_deref(), Some("team-shop"));
        assert_eq!(of("{namespace}-{namespace}-x").as_deref(), Some("shop-shop-x"));
        for template in ["", "Prod", "{service}", "{team}", "a{", "{namespace}."] {
            assert_eq!(of(template), None, "{template}");
        }
        let error = target_namespace("team-{namespace}", "shop.local", "web").unwrap_err();
        assert!(error.to_string().starts_with("`team-shop.local` is not a valid"), "{error}");
    }

    #[test]
    fn the_error_of_a_rejected_host_explains_why() {
        let error = host_and_name("n", "my_svc").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`my_svc.n` is not a valid host: its label `my_svc` contains `_`, expected letters, digits and inner hyphens; set another one with an override"
        );
        assert!(host_and_name("n", "web.").is_err() && host_and_name(".", ".").is_err());
        assert!(host_and_name("", "web").is_err() && host_and_name("n", "").is_err());
    }

    #[test]
    fn a_long_name_is_cut_and_ends_in_a_stable_hash() {
        let host = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(60)].join(".");
        let name = entry_name(&host);
        assert!(name.len() <= 253);
        assert!(name.ends_with("-903660ac52723981"), "{name}");
        assert_ne!(entry_name(&host.replace('d', "e")), name);
    }

    #[test]
    fn a_cut_never_leaves_a_label_that_begins_with_a_hyphen() {
        let host = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(34), "e".repeat(27)]
            .join(".");
        let name = entry_name(&host);
        assert!(
            name.split('.').all(|l| !l.starts_with('-') && !l.ends_with('-') && !l.is_empty()),
            "{name}"
        );
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
