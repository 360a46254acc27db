//! Findings about an entry, and their paths in it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::rule::Rule;
use crate::diagnostic::{OneLine, Severity};

/// One finding about an entry: an error if the entry would be rejected, else a warning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct Finding {
    /// Error or warning.
    pub severity: Severity,
    /// The path in the entry, `spec.ports[0].number` for example; empty for the whole document.
    pub path: String,
    /// What it is about.
    pub rule: Rule,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// `error[InvalidPort] spec.ports[0].number: it is 0, expected 1..=65535`, on one line whatever the
/// entry holds.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.severity.as_str(), self.rule)?;
        if !self.path.is_empty() {
            write!(f, " {}", OneLine(&self.path))?;
        }
        write!(f, ": {}", OneLine(&self.message))
    }
}

/// The maximum number of errors, and of warnings, that are kept.
const MAX: usize = 1000;

/// The findings so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
    errors: usize,
    others: usize,
}

impl Findings {
    /// Adds a finding, with the rule's severity.
    pub(super) fn report(&mut self, rule: Rule, at: &Path<'_>, message: impl Into<String>) {
        let count =
            if rule.severity() == Severity::Error { &mut self.errors } else { &mut self.others };
        *count += 1;
        // Counted separately, so that warnings never displace an error.
        if *count > MAX {
            return;
        }
        self.list.push(Finding {
            severity: rule.severity(),
            path: at.to_string(),
            rule,
            message: message.into(),
        });
    }

    pub(super) fn into_list(self) -> Vec<Finding> {
        self.list
    }
}

/// A value from the entry in a message: in backquotes, and truncated.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

const MAX_QUOTED: usize = 80;

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_QUOTED).and_then(|(end, _)| self.0.get(..end)) {
            Some(start) => write!(f, "`{start}...`"),
            None => write!(f, "`{}`", self.0),
        }
    }
}

/// A path in a document. It is on the stack of the functions that read the document, and becomes
/// text only for a finding.
#[derive(Debug, Clone, Copy)]
pub(super) enum Path<'p> {
    /// The document.
    Root,
    /// A field of an object.
    Key(&'p Path<'p>, &'p str),
    /// An item of a list.
    Index(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    pub(super) const fn key(&'p self, key: &'p str) -> Self {
        Self::Key(self, key)
    }

    pub(super) const fn index(&'p self, index: usize) -> Self {
        Self::Index(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
            Self::Key(parent, key) if !is_plain(key) => write!(f, "{parent}[{key:?}]"),
            Self::Key(Path::Root, key) => f.write_str(key),
            Self::Key(parent, key) => write!(f, "{parent}.{key}"),
        }
    }
}

/// Whether a key needs no brackets: one with a dot, as labels have, would look like two keys.
fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_whatever_the_entry_holds() {
        let mut findings = Findings::default();
        findings.report(
            Rule::InvalidHost,
            &Path::Root.key("a\nb"),
            format!("{}", Quoted("x\u{1b}[31m\ny")),
        );
        let text: Vec<String> = findings.into_list().iter().map(Finding::to_string).collect();
        assert_eq!(text, [r#"error[InvalidHost] ["a\nb"]: `x\u{1b}[31m\ny`"#]);
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        assert_eq!(Quoted(&"é".repeat(81)).to_string(), format!("`{}...`", "é".repeat(80)));
        assert_eq!(Quoted(&"é".repeat(80)).to_string(), format!("`{}`", "é".repeat(80)));
    }

    #[test]
    fn a_path_reads_as_kubernetes_writes_it() {
        let (spec, ports, metadata) =
            (Path::Root.key("spec"), Path::Root.key("spec"), Path::Root.key("metadata"));
        let (ports, labels) = (ports.key("ports"), metadata.key("labels"));
        assert_eq!(spec.to_string(), "spec");
        assert_eq!(ports.index(3).key("targetPort").to_string(), "spec.ports[3].targetPort");
        assert_eq!(labels.key("istio.io/rev").to_string(), r#"metadata.labels["istio.io/rev"]"#);
        assert_eq!(labels.key("").to_string(), r#"metadata.labels[""]"#);
    }
}
