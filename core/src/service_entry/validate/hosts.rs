//! `hosts`

use super::dns::wildcard_problem;
use super::finding::{Findings, Quoted};
use super::path::Path;
use super::read::Object;
use super::repeats::repeats;
use super::resolution::Resolution;
use super::rule::Rule;

pub(super) fn read<'a>(
    spec: Object<'a, '_>,
    resolution: Option<Resolution>,
    findings: &mut Findings,
) -> Vec<(usize, &'a str)> {
    let at = spec.at.key("hosts");
    let Some(value) = spec.required("hosts", findings) else { return Vec::new() };
    let hosts = spec.texts("hosts", 256, usize::MAX, findings);
    if value.as_array().is_some_and(Vec::is_empty) {
        findings.say(Rule::NoHosts, &at, "it is empty, expected at least one host");
    }
    let seen = repeats(hosts.iter().map(|(index, host)| (host.to_ascii_lowercase(), *index)));
    for (index, host) in &hosts {
        let at = at.index(*index);
        check(host, resolution, &at, findings);
        if let Some(first) = seen.get(index) {
            findings.say(
                Rule::DuplicateHost,
                &at,
                format!("{} is spec.hosts[{first}], too", Quoted(host)),
            );
        }
    }
    hosts
}

fn check(host: &str, resolution: Option<Resolution>, at: &Path<'_>, findings: &mut Findings) {
    if host == "*" {
        findings.say(Rule::WildcardHost, at, "it is `*`, which matches everything; expected a name, or a wildcard such as `*.example.com`");
        return;
    }
    if let Some(problem) = wildcard_problem(host) {
        findings.say(Rule::InvalidHost, at, problem);
    }
    if host.contains('*') && !host.starts_with("*.") && resolution != Some(Resolution::DynamicDns) {
        findings.say(
            Rule::PartialWildcard,
            at,
            format!("{} has a wildcard that is no label of its own, expected `*.`", Quoted(host)),
        );
    }
    if host.bytes().any(|b| b.is_ascii_uppercase()) {
        let lower = host.to_ascii_lowercase();
        findings.say(
            Rule::UpperCaseHost,
            at,
            format!(
                "{} is accepted, but its routes point nowhere; write {}",
                Quoted(host),
                Quoted(&lower)
            ),
        );
    }
}
