//! Who agrees with whom, counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use istio_cloud_map_core::diagnostic::Severity;
use istio_cloud_map_core::service_entry::validate::{Rule, Source, validate};
use istio_cloud_map_tests::bed::Verdict;
use serde_json::Value;

/// How many differences a failure shows.
const SHOWN: usize = 20;

#[derive(Default)]
pub struct Tally {
    accepted: usize,
    rejected: usize,
    /// How often a rule was all that an entry was rejected for.
    alone: BTreeMap<Rule, usize>,
    differences: Vec<String>,
}

impl Tally {
    /// Holds the findings of the rules that `counts` against the verdict.
    pub fn compare(&mut self, entry: &Value, verdict: &Verdict, counts: impl Fn(Rule) -> bool) {
        let findings = validate(entry);
        let errors: Vec<String> = findings
            .iter()
            .filter(|f| f.severity == Severity::Error && counts(f.rule))
            .map(ToString::to_string)
            .collect();
        let rules: BTreeSet<Rule> =
            findings.iter().filter(|f| f.severity == Severity::Error).map(|f| f.rule).collect();
        if let (1, Some(rule)) = (rules.len(), rules.first()) {
            *self.alone.entry(*rule).or_default() += 1;
        }
        *if verdict.errors.is_empty() { &mut self.accepted } else { &mut self.rejected } += 1;
        if errors.is_empty() != verdict.errors.is_empty() {
            self.differences.push(format!(
                "validate: {errors:?}\n  Istio: {:?}\n  {}",
                verdict.errors,
                shortened(entry)
            ));
        }
        // Istio's warnings have a counterpart in `validate`.
        let warns = findings
            .iter()
            .any(|f| f.severity == Severity::Warning && f.rule.source() == Source::Istio);
        if errors.is_empty() && !verdict.warnings.is_empty() && !warns {
            self.differences.push(format!(
                "validate warns of nothing\n  Istio: {:?}\n  {}",
                verdict.warnings,
                shortened(entry)
            ));
        }
    }

    /// Panics unless each difference holds the text of a known one.
    pub fn assert_agreement(&self, known: &[(&str, &str)]) {
        let is_known =
            |difference: &&String| known.iter().any(|(word, _)| difference.contains(word));
        let unknown: Vec<_> =
            self.differences.iter().filter(|difference| !is_known(difference)).collect();
        let shown: Vec<_> = unknown.iter().take(SHOWN).map(|text| text.as_str()).collect();
        assert!(
            unknown.is_empty(),
            "{} differences, for example:\n{}",
            unknown.len(),
            shown.join("\n")
        );
    }

    /// Panics unless there are at least so many on each side, lest agreement is cheap.
    pub fn assert_both_sides(&self, least: usize) {
        assert!(self.accepted >= least && self.rejected >= least, "{self}");
    }

    /// The error rules of this kind that no entry was rejected for alone.
    pub fn rules_never_alone(&self, kind: impl Fn(Rule) -> bool) -> Vec<Rule> {
        let errors = Rule::ALL
            .iter()
            .copied()
            .filter(|rule| rule.severity() == Severity::Error && kind(*rule));
        errors.filter(|rule| !self.alone.contains_key(rule)).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, rejected, .. } = self;
        write!(
            f,
            "{} entries, {accepted} accepted, {rejected} rejected, {} differences",
            accepted + rejected,
            self.differences.len()
        )
    }
}

fn shortened(entry: &Value) -> String {
    entry.to_string().chars().take(1_500).collect()
}
