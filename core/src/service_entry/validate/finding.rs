//! One thing to say about an entry.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::path::Path;
use super::rule::Rule;
use crate::diagnostic::{OneLine, Severity};

/// One thing to say about an entry: an error, if it would be rejected, or a warning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct Finding {
    /// Error or warning.
    pub severity: Severity,
    /// Where, `spec.ports[0].number` for example; empty for the whole document.
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

/// So many errors, and so many warnings, are enough for anyone.
const MOST: usize = 1000;

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
    errors: usize,
    others: usize,
}

impl Findings {
    /// Says something, as bad as the rule is.
    pub(super) fn say(&mut self, rule: Rule, at: &Path<'_>, message: impl Into<String>) {
        let count =
            if rule.severity() == Severity::Error { &mut self.errors } else { &mut self.others };
        *count += 1;
        // Each by itself: however many warnings there are, they hide no error.
        if *count > MOST {
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

/// A value from the entry inside a message: between backticks, and no longer than a person reads.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

const LONGEST: usize = 80;

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(LONGEST).and_then(|(end, _)| self.0.get(..end)) {
            Some(start) => write!(f, "`{start}...`"),
            None => write!(f, "`{}`", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_whatever_the_entry_holds() {
        let mut findings = Findings::default();
        findings.say(
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
}
