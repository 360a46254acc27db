//! Hosts: which ones Istio accepts, how they are written, and which overlap.
//!
//! The rules are those of Istio's `pkg/config/validation/agent`. [`host_problem`] is for hosts that
//! are written; [`fqdn_problem`] and [`wildcard_problem`] are Istio's rules, for any entry.

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
#[error("`{host}` is not a valid host: {problem}")]
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

/// Why Istio would reject a full host name in the form in which it is written (no wildcard, lower
/// case, no trailing dot); none if it is valid.
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
        return Some(format!(
            "it has {} characters, but at most {LONGEST} are allowed",
            host.len()
        ));
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
            "its label `{label}` has {} characters, but at most {LONGEST_LABEL} are allowed",
            label.len()
        );
    }
    match label.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
        Some(c) => {
            format!(
                "its label `{label}` contains `{c}`, expected letters, digits and inner hyphens"
            )
        }
        None => format!("its label `{label}` begins or ends with a hyphen"),
    }
}

/// Lower case, without the trailing dot; most hosts need no change.
pub(crate) fn normalized(host: &str) -> Cow<'_, str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

/// Why Istio's `ValidateFQDN` refuses it; none if it is valid.
pub(super) fn fqdn_problem(name: &str) -> Option<String> {
    length_problem(name).or_else(|| labels_problem(name))
}

/// Why Istio's `ValidateWildcardDomain` refuses it; none if it is valid. The first label may be a
/// wildcard or begin with one.
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
        length if length > LONGEST => Some(format!(
            "{} is {length} bytes long, but at most {LONGEST} are allowed",
            Quoted(name)
        )),
        _ => None,
    }
}

/// Istio's `ValidateDNS1123Labels`. It parses a number with Go's `Atoi`, which rejects one of more
/// than 64 bits.
fn labels_problem(name: &str) -> Option<String> {
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.parse::<i64>().is_ok() {
        return Some(format!(
            "its last label {} is all digits; expected a name, not an IP address",
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
            "its label {label_text} is {} bytes long, but at most {LONGEST_LABEL} are allowed",
            label.len()
        );
    }
    match label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
        Some('*') => format!(
            "its label {label_text} contains a wildcard; expected `*` only as the whole first label or at its start"
        ),
        Some(c) => format!(
            "its label {label_text} contains `{c}`, expected letters, digits and inner hyphens"
        ),
        None => format!("its label {label_text} begins or ends with a hyphen"),
    }
}

/// A host in the form in which hosts are compared: in lower case, as Istio compares it, and without
/// the dot that makes a name absolute.
#[must_use]
pub fn canonical_host(host: &str) -> String {
    host.trim_end_matches('.').to_lowercase()
}

/// Whether two canonical hosts both cover some name. As in Istio and Envoy, a `*` matches any
/// beginning: `*shop.local` covers `web.shop.local` as `*.shop.local` does, and `*` covers all.
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
