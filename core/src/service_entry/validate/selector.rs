//! `workloadSelector`

use super::finding::{Findings, Quoted};
use super::read::{Object, text};
use super::resolution::Resolution;
use super::rule::Rule;

/// Whether there is one.
pub(super) fn check(
    spec: Object<'_, '_>,
    resolution: Option<Resolution>,
    findings: &mut Findings,
) -> bool {
    let at = spec.at.key("workloadSelector");
    let Some(value) = spec.field("workloadSelector") else { return false };
    if resolution == Some(Resolution::None) {
        findings.say(Rule::SelectorNotUsed, &at, "resolution NONE does not use it");
    }
    if let Some(selector) = Object::of(value, &at, &["labels"], findings) {
        check_labels(selector, findings);
    }
    true
}

fn check_labels(selector: Object<'_, '_>, findings: &mut Findings) {
    let at = selector.at.key("labels");
    let labels = selector.map("labels", 256, findings);
    if labels.as_ref().map_or(selector.field("labels").is_none(), Vec::is_empty) {
        findings.say(
            Rule::EmptySelector,
            &at,
            "there is none, so every workload of the namespace is selected",
        );
    }
    for (key, value) in labels.unwrap_or_default() {
        let at = at.key(key);
        let value = text(value, &at, 63, findings).unwrap_or_default();
        if key.is_empty() {
            findings.say(Rule::InvalidSelector, &at, "its key is empty");
        }
        if key.contains('*') || value.contains('*') {
            findings.say(
                Rule::InvalidSelector,
                &at,
                format!("{} = {}: a selector takes no wildcard", Quoted(key), Quoted(value)),
            );
        }
    }
}
