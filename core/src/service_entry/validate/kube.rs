//! Names as Kubernetes' `k8s.io/apimachinery` sees them: lower case, where Istio takes both.

use super::dns::{LONGEST_LABEL, is_label, is_label_of_any_length, is_qualified};

/// The longest DNS subdomain.
const LONGEST_SUBDOMAIN: usize = 253;

/// `IsDNS1123Subdomain`; its labels may be of any length.
pub(super) fn is_subdomain(text: &str) -> bool {
    let label = |label: &str| is_label_of_any_length(label) && !has_upper_case(label);
    text.len() <= LONGEST_SUBDOMAIN && text.split('.').all(label)
}

/// `IsDNS1123Label`.
pub(super) fn is_lower_case_label(text: &str) -> bool {
    is_label(text) && !has_upper_case(text)
}

/// `IsQualifiedName`: `[PREFIX/]NAME`.
pub(super) fn is_qualified_name(text: &str) -> bool {
    let is_name = |name: &str| name.len() <= LONGEST_LABEL && is_qualified(name);
    text.split_once('/')
        .map_or_else(|| is_name(text), |(prefix, name)| is_subdomain(prefix) && is_name(name))
}

/// `IsValidLabelValue`.
pub(super) fn is_label_value(text: &str) -> bool {
    text.is_empty() || (text.len() <= LONGEST_LABEL && is_qualified(text))
}

fn has_upper_case(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subdomain_is_lower_case_and_at_most_253_characters() {
        assert!(is_subdomain("cloudmap-web.my-namespace") && is_subdomain(&"a".repeat(253)));
        for name in ["", "A", "a_b", "a..b", ".a", "a.", "-a", &"a".repeat(254)] {
            assert!(!is_subdomain(name), "{name}");
        }
    }

    #[test]
    fn a_qualified_name_has_one_prefix_at_most() {
        assert!(is_qualified_name("istio-cloud-map/owner") && is_qualified_name("A_b.c"));
        for name in ["", "/", "a/", "/a", "a/b/c", "A/b", "a b", "-a", &"a".repeat(64)] {
            assert!(!is_qualified_name(name), "{name}");
        }
        assert!(
            is_label_value("")
                && is_label_value("v1_a.B")
                && !is_label_value("v 1")
                && !is_label_value(&"a".repeat(64))
        );
    }
}
