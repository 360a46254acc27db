//! What is answered.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::diagnostic::is_unsafe_to_print;

/// The answer to an admission request, as Kubewarden reads it.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// Whether the request goes on.
    pub accepted: bool,
    /// Why not: what `kubectl` prints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The HTTP status that goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The object that is stored instead of the one sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutated_object: Option<Box<RawValue>>,
    /// For the cluster's audit log.
    pub audit_annotations: BTreeMap<AuditKey, String>,
    /// What `kubectl` prints although the request goes on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The closed list of what the audit log is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditKey {
    /// `accepted`, `filled`, `exempt` or `rejected`.
    Decision,
    /// Why it was rejected, a [`Reason`]; or why it is exempt: `other-kind`, `status`,
    /// `finalizers`.
    Reason,
    /// The protected host that an entry overlaps, of whoever it is.
    ProtectedHost,
}

/// The closed list of why a request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The request is not understood.
    Malformed,
    /// The policy's settings can't be read.
    Settings,
    /// The user may not have an entry of this host.
    ProtectedHost,
    /// The spec is not, or can't become, what the Cloud Map JSON says.
    CloudMap,
    /// Istio or the API server would reject the entry.
    Invalid,
}

impl Reason {
    /// As the audit log has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Settings => "settings",
            Self::ProtectedHost => "protected-host",
            Self::CloudMap => "cloud-map",
            Self::Invalid => "invalid",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Malformed | Self::Settings => 400,
            Self::ProtectedHost => 403,
            Self::CloudMap | Self::Invalid => 422,
        }
    }
}

/// Why a request is rejected.
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

    pub(super) fn of_host(protected: String, message: String) -> Self {
        Self { reason: Reason::ProtectedHost, message, protected_host: Some(protected) }
    }
}

/// What is accepted, and how.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    pub(super) filled: Option<Box<RawValue>>,
    pub(super) protected_host: Option<String>,
    pub(super) warnings: Vec<String>,
}

/// A longer message than this is of no use to anyone, and what an entry holds may be a megabyte.
const LONGEST_MESSAGE: usize = 4096;
/// The API server cuts a warning here.
const LONGEST_WARNING: usize = 256;
/// And drops all that goes beyond some.
const MOST_WARNINGS: usize = 12;

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
            warnings: first(&accepted.warnings, MOST_WARNINGS, LONGEST_WARNING),
        }
    }

    /// Nothing that the policy is about.
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

/// The first of many lines, and how many more there are.
pub(super) fn first(lines: &[String], most: usize, longest: usize) -> Vec<String> {
    let mut shown: Vec<String> = lines.iter().take(most).map(|text| line(text, longest)).collect();
    if lines.len() > most {
        shown.push(format!("and {} more", lines.len() - most));
    }
    shown
}

/// One line, and no longer than that many bytes: what an entry holds is anyone's, and goes to a
/// terminal.
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
        assert_eq!(first(&lines, 2, 10), ["0", "1", "and 3 more"]);
        assert_eq!(first(&lines, 5, 10).len(), 5);
    }
}
