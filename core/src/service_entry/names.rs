//! The names that Kubernetes and Istio accept: DNS labels, label keys and values.
//!
//! Kubernetes' rules are those of `k8s.io/apimachinery/pkg/util/validation`; Istio's are those of
//! `pkg/config/labels`, which accepts upper case too.

/// The longest DNS label, and the longest value of a Kubernetes label.
pub(crate) const LONGEST_LABEL: usize = 63;
/// The longest DNS subdomain.
const LONGEST_SUBDOMAIN: usize = 253;

/// Kubernetes' `IsDNS1123Label`: 1 to 63 lower-case letters, digits and inner hyphens.
#[must_use]
pub fn is_dns_label(text: &str) -> bool {
    is_istio_label(text) && !has_upper_case(text)
}

/// Istio's `IsDNS1123Label`: the same in any letter case.
pub(super) fn is_istio_label(text: &str) -> bool {
    text.len() <= LONGEST_LABEL && is_label_of_any_length(text)
}

/// Letters, digits and inner hyphens.
pub(super) fn is_label_of_any_length(text: &str) -> bool {
    let ends = !text.is_empty() && !text.starts_with('-') && !text.ends_with('-');
    ends && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Kubernetes' `IsDNS1123Subdomain`; its labels may be of any length.
pub(super) fn is_subdomain(text: &str) -> bool {
    let label = |label: &str| is_label_of_any_length(label) && !has_upper_case(label);
    text.len() <= LONGEST_SUBDOMAIN && text.split('.').all(label)
}

/// Letters, digits and inner `-`, `_` and `.`: the name part of a qualified name, of any length.
pub(super) fn is_qualified(text: &str) -> bool {
    let ends = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric());
    ends && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Kubernetes' `IsValidLabelValue`: at most 63 letters, digits, `-`, `_` and `.`, with a letter or
/// digit at both ends; may be empty.
#[must_use]
pub fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_label_name(text)
}

/// A label key that Kubernetes and Istio accept: a qualified name with labels of at most 63
/// characters in its prefix.
#[must_use]
pub fn is_label_key(text: &str) -> bool {
    is_prefixed(text, |prefix| {
        prefix.len() <= LONGEST_SUBDOMAIN && prefix.split('.').all(is_dns_label)
    })
}

/// Kubernetes' `IsQualifiedName`: `[PREFIX/]NAME`.
pub(super) fn is_qualified_name(text: &str) -> bool {
    is_prefixed(text, is_subdomain)
}

/// Istio's rule for a label key (`labels.Instance.Validate`): the labels of the prefix are of any
/// length and in any letter case.
pub(super) fn is_istio_label_key(text: &str) -> bool {
    is_prefixed(text, |prefix| {
        prefix.len() <= LONGEST_SUBDOMAIN && prefix.split('.').all(is_label_of_any_length)
    })
}

fn is_prefixed(text: &str, is_prefix: impl Fn(&str) -> bool) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_prefix(prefix) && is_label_name(name),
        None => is_label_name(text),
    }
}

/// The name in a label key, or a label value that is not empty, as an owner is.
#[must_use]
pub fn is_label_name(text: &str) -> bool {
    text.len() <= LONGEST_LABEL && is_qualified(text)
}

fn has_upper_case(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_keys_and_values_are_those_of_kubernetes() {
        assert!(is_label_key("security.istio.io/tlsMode") && is_label_key("version"));
        for key in ["a/b/c", "/a", "", "A/"] {
            assert!(!is_label_key(key), "{key}");
        }
        assert!(is_label_value("") && is_label_value("a_b.C-1") && is_label_value("v1_a.B"));
        for value in ["arn:aws", "v 1", "-a", &"a".repeat(64)] {
            assert!(!is_label_value(value), "{value}");
        }
    }

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
    }
}
