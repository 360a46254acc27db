//! `exportTo`

use super::dns::is_label;
use super::finding::{Findings, Quoted};
use super::read::Object;
use super::repeats::repeats;
use super::rule::Rule;

/// `namespace` is the entry's own, where it says one.
pub(super) fn check(spec: Object<'_, '_>, namespace: Option<&str>, findings: &mut Findings) {
    let at = spec.at.key("exportTo");
    let namespaces = spec.texts("exportTo", usize::MAX, usize::MAX, findings);
    let count = namespaces.len();
    let meant = |name| if name == "." { namespace.unwrap_or(name) } else { name };
    let seen = repeats(namespaces.iter().map(|(index, name)| (meant(*name), *index)));
    for (index, name) in namespaces {
        let at = at.index(index);
        if !matches!(name, "." | "*" | "~") && !is_label(name) {
            let expected = "expected `.` (the same namespace), `*` (all), `~` (none) or the name of a namespace";
            findings.say(Rule::InvalidExportTo, &at, format!("it is {}, {expected}", Quoted(name)));
        }
        if let Some(first) = seen.get(&index) {
            findings.say(
                Rule::DuplicateExportTo,
                &at,
                format!("{} is meant by spec.exportTo[{first}], too", Quoted(meant(name))),
            );
        }
        if matches!(name, "*" | "~") && count > 1 {
            findings.say(Rule::ExportToNotAlone, &at, format!("{} must stand alone", Quoted(name)));
        }
    }
}
