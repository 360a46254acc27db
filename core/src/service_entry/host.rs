//! Hosts: what Istio accepts as one, how one is written, and which two overlap.
//!
//! The rules are those of Istio's `pkg/config/validation/agent`. [`host_problem`] is for hosts that
//! we write; [`fqdn_problem`] and [`wildcard_problem`] are Istio's own, for the entries of others.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::names::{LONGEST_LABEL, is_dns_label, is_istio_label, is_label_of_any_length};
use super::validate::Quoted;
#[cfg(feature = "schema")]
use crate::schema::pattern;

/// The longest host in characters.
const LONGEST: usize = 255;

/// A host that Istio accepts: a full name in lower case, without a wildcard and without a trailing
/// dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), schemars(extend("allOf" = pattern::host())), ts(type = "string"))]
pub struct Host(String);

/// The text is not a host that Istio accepts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{host}` is no valid host: {problem}")]
pub struct InvalidHost {
    host: String,
    problem: String,
}

impl Host {
    /// The host.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn parse(text: &str) -> Result<Self, InvalidHost> {
        let host = normalized(text).into_owned();
        match host_problem(&host) {
            Some(problem) => Err(InvalidHost { host, problem }),
            None => Ok(Self(host)),
        }
    }
}

impl TryFrom<String> for Host {
    type Error = InvalidHost;

    fn try_from(text: String) -> Result<Self, InvalidHost> {
        Self::parse(&text)
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.0
    }
}

/// Why Istio would reject a full host name that we write (no wildcard, lower case, no trailing
/// dot), or none.
///
/// As in Istio's `ValidateFQDN`: at most 255 characters, labels of 1 to 63 letters, digits and
/// inner hyphens, and the last of several labels not all digits. Istio accepts upper case, but its
/// routes do not work then, so it is refused here.
#[must_use]
pub fn host_problem(host: &str) -> Option<String> {
    if host.is_empty() {
        return Some("it is empty".to_owned());
    }
    if host.len() > LONGEST {
        return Some(format!("it has {} characters, at most {LONGEST} are allowed", host.len()));
    }
    if let Some(label) = host.split('.').find(|label| !is_dns_label(label)) {
        return Some(host_label_problem(label));
    }
    let last = host.rsplit_once('.').map(|(_, last)| last);
    let digits = last.is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    digits.then(|| "its last label is all digits".to_owned())
}

fn host_label_problem(label: &str) -> String {
    if label.is_empty() {
        return "it has an empty label".to_owned();
    }
    if label.len() > LONGEST_LABEL {
        return format!(
            "its label `{label}` has {} characters, at most {LONGEST_LABEL} are allowed",
            label.len()
        );
    }
    match label.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
        Some(c) => {
            format!("its label `{label}` holds `{c}`, allowed are letters, digits and hyphens")
        }
        None => format!("its label `{label}` begins or ends with a hyphen"),
    }
}

/// Lower case, without the trailing dot; most hosts are so already.
pub(crate) fn normalized(host: &str) -> Cow<'_, str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

/// Why Istio's `ValidateFQDN` refuses it, or nothing.
pub(super) fn fqdn_problem(name: &str) -> Option<String> {
    length_problem(name).or_else(|| labels_problem(name))
}

/// Why Istio's `ValidateWildcardDomain` refuses it, or nothing. The first label may be or begin
/// with a wildcard.
pub(super) fn wildcard_problem(name: &str) -> Option<String> {
    let (first, rest) =
        name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
    length_problem(name)
        .or_else(|| (!is_wildcard_label(first)).then(|| label_problem(first)))
        .or_else(|| rest.and_then(labels_problem))
}

/// `*`, `*LABEL`, `*-LABEL` or `LABEL`.
fn is_wildcard_label(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('*') else { return is_istio_label(text) };
    text.len() <= LONGEST_LABEL
        && (rest.is_empty() || is_label_of_any_length(rest.strip_prefix('-').unwrap_or(rest)))
}

fn length_problem(name: &str) -> Option<String> {
    match name.len() {
        0 => Some("it is empty, expected a name".to_owned()),
        length if length > LONGEST => {
            Some(format!("{} is {length} bytes long, at most {LONGEST} are allowed", Quoted(name)))
        }
        _ => None,
    }
}

/// Istio's `ValidateDNS1123Labels`. Go's `Atoi` is what tells digits from a name there: a number
/// beyond 64 bits is none to it.
fn labels_problem(name: &str) -> Option<String> {
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.parse::<i64>().is_ok() {
        return Some(format!(
            "its last label {} is all digits; an IP address is no name",
            Quoted(last)
        ));
    }
    // One dot at the end makes a name absolute.
    let labels = name.strip_suffix('.').unwrap_or(name);
    (!name.is_empty())
        .then(|| labels.split('.').find(|label| !is_istio_label(label)).map(label_problem))
        .flatten()
}

fn label_problem(label: &str) -> String {
    if label.is_empty() {
        return "it has an empty label".to_owned();
    }
    let label_text = Quoted(label);
    if label.len() > LONGEST_LABEL {
        return format!(
            "its label {label_text} is {} bytes long, at most {LONGEST_LABEL} are allowed",
            label.len()
        );
    }
    match label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
        Some('*') => format!(
            "its label {label_text} holds a wildcard, allowed are `*` as the whole or the beginning of the first label"
        ),
        Some(c) => format!(
            "its label {label_text} holds `{c}`, allowed are letters, digits and inner hyphens"
        ),
        None => format!("its label {label_text} begins or ends with a hyphen"),
    }
}

/// A host as it is compared: in lower case, as Istio takes it, and without the dot that makes a
/// name absolute.
#[must_use]
pub fn canonical_host(host: &str) -> String {
    host.trim_end_matches('.').to_lowercase()
}

/// Whether some name is covered by both of two canonical hosts. As Istio and Envoy do it, a `*`
/// stands for any beginning, so that `*shop.local` covers `web.shop.local` as `*.shop.local` does,
/// and `*` covers all.
#[must_use]
pub fn hosts_overlap(a: &str, b: &str) -> bool {
    match (a.strip_prefix('*'), b.strip_prefix('*')) {
        (Some(a), Some(b)) => a.ends_with(b) || b.ends_with(a),
        (Some(ending), None) => b.ends_with(ending),
        (None, Some(ending)) => a.ends_with(ending),
        (None, None) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_istio_rejects_have_a_problem() {
        for host in [
            "", "a_b.c", "a b.c", "a..b", ".a", "-a.b", "a-.b", "10.0.0.1", "a.1", "A.b", "*.a",
            "é.b",
        ] {
            assert!(host_problem(host).is_some(), "{host}");
        }
        assert!(host_problem(&format!("{}.b", "a".repeat(64))).is_some());
        assert!(host_problem(&vec!["a"; 129].join(".")).is_some());
    }

    #[test]
    fn hosts_that_istio_takes_have_none() {
        for host in ["web.my-namespace", "local", "1", "0.a", "a--b.c"] {
            assert_eq!(host_problem(host), None, "{host}");
        }
        assert_eq!(host_problem(&format!("{}.b", "a".repeat(63))), None);
    }

    #[test]
    fn names_are_those_of_istio() {
        for name in ["a", "a.b", "A.b", "a.b.", "0.a", "a.99999999999999999999", "1.2."] {
            assert_eq!(fqdn_problem(name), None, "{name}");
        }
        for name in [
            "", ".", "..", "a..", "1", "a.1", "10.0.0.1", "a_b.c", "a..b", ".a", "-a.b", "a-.b",
            "*.b", "a b", "é", "a.+1", "a.-1",
        ] {
            assert!(fqdn_problem(name).is_some(), "{name}");
        }
    }

    #[test]
    fn only_the_first_label_may_hold_a_wildcard_and_only_at_its_beginning() {
        for name in ["*", "*.a", "*a.b", "*-a.b", "*.", "a", "1", "5.", "a."] {
            assert_eq!(wildcard_problem(name), None, "{name}");
        }
        for name in ["", "**.a", "a*.b", "*-.a", "*--a.b", "a.*", "*.*.a", "*.1", "*..", "-.a"] {
            assert!(wildcard_problem(name).is_some(), "{name}");
        }
    }

    #[test]
    fn lengths_are_allowed_up_to_the_limit() {
        let label = |length| "a".repeat(length);
        assert_eq!(fqdn_problem(&format!("{}.b", label(63))), None);
        assert!(fqdn_problem(&format!("{}.b", label(64))).is_some());
        assert_eq!(wildcard_problem(&format!("*{}.b", label(62))), None);
        assert!(wildcard_problem(&format!("*{}.b", label(63))).is_some());
        let long = vec![label(63); 4].join(".");
        assert_eq!((long.len(), fqdn_problem(&long)), (255, None));
        assert!(fqdn_problem(&format!("{long}.")).is_some());
    }

    #[test]
    fn a_wildcard_of_a_part_of_a_label_and_one_of_everything_overlap_what_ends_as_they_do() {
        for host in
            ["web.prod.local", "*.prod.local", "*.local", "*rod.local", "*b.prod.local", "*"]
        {
            assert!(
                hosts_overlap(host, "*prod.local") && hosts_overlap("*prod.local", host),
                "{host}"
            );
            assert!(hosts_overlap(host, "*") && hosts_overlap("*", host), "{host}");
        }
        assert!(!hosts_overlap("*-a.prod.local", "web.prod.local"));
        assert!(!hosts_overlap("*-a.prod.local", "*-b.prod.local"));
        assert!(hosts_overlap(&canonical_host("WEB.Prod.local."), "web.prod.local"));
    }
}
