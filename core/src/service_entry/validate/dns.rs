//! Names as Istio's `pkg/config/labels` and `pkg/config/validation/agent` see them. Upper case is
//! as good as lower case there.

use super::finding::Quoted;

/// The longest host in characters.
const LONGEST: usize = 255;
/// The longest label of one.
pub(super) const LONGEST_LABEL: usize = 63;

/// Istio's `IsDNS1123Label`.
pub(super) fn is_label(text: &str) -> bool {
    text.len() <= LONGEST_LABEL && is_label_of_any_length(text)
}

/// Letters, digits and inner hyphens.
pub(super) fn is_label_of_any_length(text: &str) -> bool {
    let ends = !text.is_empty() && !text.starts_with('-') && !text.ends_with('-');
    ends && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Letters, digits and inner `-`, `_` and `.`: what Kubernetes calls a qualified name, without its
/// prefix and of any length.
pub(super) fn is_qualified(text: &str) -> bool {
    let ends = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric());
    ends && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Why Istio's `ValidateFQDN` refuses it, or nothing.
pub(super) fn name_problem(name: &str) -> Option<String> {
    length_problem(name).or_else(|| labels_problem(name))
}

/// Why Istio's `ValidateWildcardDomain` refuses it, or nothing. The first label may be or begin
/// with a wildcard.
pub(super) fn wildcard_problem(name: &str) -> Option<String> {
    let (first, rest) =
        name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
    length_problem(name)
        .or_else(|| (!is_wildcard_label(first)).then(|| label_problem(first)))
        .or_else(|| rest.and_then(labels_problem))
}

/// `*`, `*LABEL`, `*-LABEL` or `LABEL`.
fn is_wildcard_label(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('*') else { return is_label(text) };
    text.len() <= LONGEST_LABEL
        && (rest.is_empty() || is_label_of_any_length(rest.strip_prefix('-').unwrap_or(rest)))
}

fn length_problem(name: &str) -> Option<String> {
    match name.len() {
        0 => Some("it is empty, expected a name".to_owned()),
        length if length > LONGEST => {
            Some(format!("{} is {length} bytes long, at most {LONGEST} are allowed", Quoted(name)))
        }
        _ => None,
    }
}

/// Istio's `ValidateDNS1123Labels`. Go's `Atoi` is what tells digits from a name there: a number
/// beyond 64 bits is none to it.
fn labels_problem(name: &str) -> Option<String> {
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.parse::<i64>().is_ok() {
        return Some(format!(
            "its last label {} is all digits; an IP address is no name",
            Quoted(last)
        ));
    }
    // One dot at the end makes a name absolute.
    let labels = name.strip_suffix('.').unwrap_or(name);
    (!name.is_empty())
        .then(|| labels.split('.').find(|label| !is_label(label)).map(label_problem))
        .flatten()
}

fn label_problem(label: &str) -> String {
    if label.is_empty() {
        return "it has an empty label".to_owned();
    }
    let label_text = Quoted(label);
    if label.len() > LONGEST_LABEL {
        return format!(
            "its label {label_text} is {} bytes long, at most {LONGEST_LABEL} are allowed",
            label.len()
        );
    }
    match label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
        Some('*') => format!(
            "its label {label_text} holds a wildcard, allowed are `*` as the whole or the beginning of the first label"
        ),
        Some(c) => format!(
            "its label {label_text} holds `{c}`, allowed are letters, digits and inner hyphens"
        ),
        None => format!("its label {label_text} begins or ends with a hyphen"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_istio() {
        for name in ["a", "a.b", "A.b", "a.b.", "0.a", "a.99999999999999999999", "1.2."] {
            assert_eq!(name_problem(name), None, "{name}");
        }
        for name in [
            "", ".", "..", "a..", "1", "a.1", "10.0.0.1", "a_b.c", "a..b", ".a", "-a.b", "a-.b",
            "*.b", "a b", "é", "a.+1", "a.-1",
        ] {
            assert!(name_problem(name).is_some(), "{name}");
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
        assert_eq!(name_problem(&format!("{}.b", label(63))), None);
        assert!(name_problem(&format!("{}.b", label(64))).is_some());
        assert_eq!(wildcard_problem(&format!("*{}.b", label(62))), None);
        assert!(wildcard_problem(&format!("*{}.b", label(63))).is_some());
        let long = vec![label(63); 4].join(".");
        assert_eq!((long.len(), name_problem(&long)), (255, None));
        assert!(name_problem(&format!("{long}.")).is_some());
    }
}
