//! The verdict and its reasons, and how messages are cut.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::diagnostic::is_unsafe_to_print;

/// The response to an admission request, in Kubewarden's form.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// Whether the request is accepted.
    pub accepted: bool,
    /// Why not; `kubectl` prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The HTTP status of a rejection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The object to store instead of the one in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutated_object: Option<Box<RawValue>>,
    /// For the cluster's audit log.
    pub audit_annotations: BTreeMap<AuditKey, String>,
    /// Warnings for the user; `kubectl` prints them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The keys of the audit annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditKey {
    /// `accepted`, `filled`, `exempt` or `rejected`.
    Decision,
    /// Why it was rejected ([`Reason`]), or why it is exempt: `other-kind`, `status`,
    /// `finalizers`.
    Reason,
    /// The protected host that the entry overlaps, even if the user may use it.
    ProtectedHost,
}

/// Why a request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The request can't be understood.
    Malformed,
    /// The policy's settings can't be read.
    Settings,
    /// The user may not have an entry with this host.
    ProtectedHost,
    /// The user may not have an entry with this owner label.
    ProtectedOwner,
    /// The cluster's entries can't be listed, and have to be.
    Cluster,
    /// The spec differs from the translation of the Cloud Map JSON, or can't be filled in.
    CloudMap,
    /// Istio or the API server would reject the entry.
    Invalid,
}

impl Reason {
    /// As in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Settings => "settings",
            Self::ProtectedHost => "protected-host",
            Self::ProtectedOwner => "protected-owner",
            Self::Cluster => "cluster",
            Self::CloudMap => "cloud-map",
            Self::Invalid => "invalid",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Malformed | Self::Settings => 400,
            Self::ProtectedHost | Self::ProtectedOwner => 403,
            Self::CloudMap | Self::Invalid => 422,
            Self::Cluster => 500,
        }
    }
}

/// A rejection, before it becomes a verdict.
#[derive(Debug)]
pub(super) struct Rejection {
    reason: Reason,
    message: String,
    protected_host: Option<String>,
}

impl Rejection {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), protected_host: None }
    }

    pub(super) fn protected_host(protected: String, message: String) -> Self {
        Self { reason: Reason::ProtectedHost, message, protected_host: Some(protected) }
    }
}

/// An acceptance, before it becomes a verdict.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    pub(super) filled: Option<Box<RawValue>>,
    pub(super) protected_host: Option<String>,
    pub(super) warnings: Vec<String>,
}

/// The maximum length of a message in bytes: a value in an entry may be a megabyte long.
const LONGEST_MESSAGE: usize = 4096;
/// The API server truncates longer warnings, in bytes.
const LONGEST_WARNING: usize = 256;
/// The API server drops further warnings.
const MAX_WARNINGS: usize = 12;

impl Verdict {
    pub(super) fn accepted(accepted: Accepted) -> Self {
        let decision = if accepted.filled.is_some() { "filled" } else { "accepted" };
        let mut audit = BTreeMap::from([(AuditKey::Decision, decision.to_owned())]);
        audit.extend(accepted.protected_host.map(|host| (AuditKey::ProtectedHost, host)));
        Self {
            accepted: true,
            message: None,
            code: None,
            mutated_object: accepted.filled,
            audit_annotations: audit,
            warnings: first_lines(&accepted.warnings, MAX_WARNINGS, LONGEST_WARNING),
        }
    }

    /// The policy does not apply.
    pub(super) fn exempt(why: &str) -> Self {
        let mut verdict = Self::accepted(Accepted::default());
        verdict.audit_annotations = BTreeMap::from([
            (AuditKey::Decision, "exempt".to_owned()),
            (AuditKey::Reason, why.to_owned()),
        ]);
        verdict
    }

    pub(super) fn rejected(rejection: Rejection) -> Self {
        let Rejection { reason, message, protected_host } = rejection;
        let mut audit = BTreeMap::from([
            (AuditKey::Decision, "rejected".to_owned()),
            (AuditKey::Reason, reason.as_str().to_owned()),
        ]);
        audit.extend(protected_host.map(|host| (AuditKey::ProtectedHost, host)));
        Self {
            accepted: false,
            message: Some(line(&message, LONGEST_MESSAGE)),
            code: Some(reason.code()),
            mutated_object: None,
            audit_annotations: audit,
            warnings: Vec::new(),
        }
    }
}

/// The first `max` lines, each of at most `longest` bytes, and how many more there are.
pub(super) fn first_lines(lines: &[String], max: usize, longest: usize) -> Vec<String> {
    let mut shown: Vec<String> = lines.iter().take(max).map(|text| line(text, longest)).collect();
    if lines.len() > max {
        shown.push(format!("and {} more", lines.len() - max));
    }
    shown
}

/// The text on one line of at most `longest` bytes, safe to print: anyone may have written it, and a
/// terminal shows it.
fn line(text: &str, longest: usize) -> String {
    const CUT: &str = "...";
    let mut line = String::new();
    for c in text.chars() {
        let before = line.len();
        if is_unsafe_to_print(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
        if line.len() > longest.saturating_sub(CUT.len()) {
            line.truncate(before);
            line.push_str(CUT);
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_is_cut_between_characters() {
        assert_eq!(line("a\nb\u{1b}", 80), r"a\nb\u{1b}");
        assert_eq!(line(&"é".repeat(8), 10), "ééé...");
        assert_eq!(line("short", 80), "short");
        assert_eq!(line("a\u{202e}b\u{2066}\u{feff}", 80), r"a\u{202e}b\u{2066}\u{feff}");
    }

    #[test]
    fn of_many_lines_the_first_are_shown_and_the_others_counted() {
        let lines: Vec<String> = (0..5).map(|n| n.to_string()).collect();
        assert_eq!(first_lines(&lines, 2, 10), ["0", "1", "and 3 more"]);
        assert_eq!(first_lines(&lines, 5, 10).len(), 5);
    }
}
