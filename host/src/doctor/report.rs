//! What the checks have found, for a person or a machine.

use std::fmt::Write as _;

use istio_cloud_map_core::diagnostic::OneLine;
use serde::Serialize;

use crate::logging;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// The operator works, but not as well as it could.
    Warning,
    /// The operator does not work.
    Failed,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// How it ended.
    pub result: Outcome,
    /// The source that it is about, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What was checked.
    pub check: String,
    /// What was found.
    pub message: String,
    /// What to do: a command or a policy statement, ready to paste, or a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// The checks of one part.
#[derive(Debug, Default)]
pub struct Checks {
    source: Option<String>,
    list: Vec<Checked>,
}

impl Checks {
    /// Those of a source; with its name, where there are several.
    pub fn of_source(name: Option<String>) -> Self {
        Self { source: name, list: Vec::new() }
    }

    /// Adds one that found all as it should be.
    pub fn ok(&mut self, check: &str, message: impl Into<String>) {
        self.add(Outcome::Ok, check, message.into(), None);
    }

    /// Adds one that found what should be better.
    pub fn warning(&mut self, check: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.add(Outcome::Warning, check, message.into(), Some(remedy.into()));
    }

    /// Adds one that found what must be put right.
    pub fn failed(&mut self, check: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.add(Outcome::Failed, check, message.into(), Some(remedy.into()));
    }

    /// Adds one that failed with a message of the form `WHAT; REMEDY`.
    pub fn failed_with(&mut self, check: &str, message: &str) {
        let (message, remedy) = match message.split_once("; ") {
            Some((message, remedy)) => (message, Some(remedy.to_owned())),
            None => (message, None),
        };
        self.add(Outcome::Failed, check, message.to_owned(), remedy);
    }

    fn add(&mut self, result: Outcome, check: &str, message: String, remedy: Option<String>) {
        let (source, check) = (self.source.clone(), check.to_owned());
        self.list.push(Checked { result, source, check, message, remedy });
    }

    /// All of them, in their order.
    pub fn into_list(self) -> Vec<Checked> {
        self.list
    }
}

/// A line a check, with its remedy indented below.
pub fn lines(checks: &[Checked], colour: bool) -> String {
    let mut text = String::new();
    for Checked { result, source, check, message, remedy } in checks {
        let (word, code) = match result {
            Outcome::Ok => ("ok", "32"),
            Outcome::Warning => ("warning", "33"),
            Outcome::Failed => ("FAILED", "31"),
        };
        let word = format!("{word:<8}");
        let word = if colour { format!("\x1b[{code}m{word}\x1b[0m") } else { word };
        let source = source.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        let line = format!("{source}{check}: {message}");
        let _infallible = writeln!(text, "{word}{}", OneLine(&line));
        for line in remedy.iter().flat_map(|remedy| remedy.lines()) {
            let _infallible = writeln!(text, "          {}", OneLine(line));
        }
    }
    text
}

/// A list of flat objects.
pub fn json(checks: &[Checked]) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(checks).map(|text| logging::visible(&text).into_owned() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_is_indented_below_its_check_and_a_message_stays_on_its_line() {
        let mut checks = Checks::of_source(Some("west".to_owned()));
        checks.ok("region", "us-west-2");
        checks.failed_with("ListServices", "denied\nhere; allow it");
        checks.warning("bill", "about $518 a month", "one\ntwo");
        let checks = checks.into_list();
        let text = lines(&checks, false);
        let mut text = text.lines();
        assert_eq!(text.next(), Some("ok      west: region: us-west-2"));
        assert!(text.next().is_some_and(|line| {
            line.starts_with("FAILED  west: ListServices: denied") && line.ends_with("here")
        }));
        assert_eq!(text.next(), Some("          allow it"));
        assert_eq!(text.nth(1), Some("          one"));
        assert!(lines(&checks, true).starts_with("\x1b[32mok      \x1b[0mwest: "));
    }
}
