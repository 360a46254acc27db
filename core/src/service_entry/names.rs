//! What Istio and Kubernetes accept as a name: hosts, port names, labels.

/// Why Istio would reject a full host name (no wildcard, lower case, no trailing dot), or none.
///
/// Istio's `ValidateFQDN`: at most 255 characters, labels of 1 to 63 letters, digits and inner
/// hyphens, and the last of several labels not all digits. Upper case passes Istio, but breaks its
/// routes, and so is refused here.
#[must_use]
pub fn host_problem(host: &str) -> Option<String> {
    if host.is_empty() {
        return Some("it is empty".to_owned());
    }
    if host.len() > 255 {
        return Some(format!("it has {} characters, at most 255 are allowed", host.len()));
    }
    if let Some(label) = host.split('.').find(|label| !is_dns_label(label)) {
        return Some(label_problem(label));
    }
    let last = host.rsplit_once('.').map(|(_, last)| last);
    let digits = last.is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    digits.then(|| "its last label is all digits".to_owned())
}

fn label_problem(label: &str) -> String {
    if label.is_empty() {
        return "it has an empty label".to_owned();
    }
    if label.len() > 63 {
        return format!(
            "its label `{label}` has {} characters, at most 63 are allowed",
            label.len()
        );
    }
    match label.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
        Some(c) => {
            format!("its label `{label}` holds `{c}`, allowed are letters, digits and hyphens")
        }
        None => format!("its label `{label}` begins or ends with a hyphen"),
    }
}

/// A DNS-1123 label: 1 to 63 lower-case letters, digits and inner hyphens.
#[must_use]
pub fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && is_framed(text, |b| matches!(b, b'a'..=b'z' | b'0'..=b'9'), b"-")
}

/// A Kubernetes label value: at most 63 letters, digits, `-`, `_` and `.`, a letter or digit at
/// both ends; may be empty.
#[must_use]
pub fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_label_name(text)
}

/// A Kubernetes label key: `[PREFIX/]NAME`.
#[must_use]
pub fn is_label_key(text: &str) -> bool {
    let Some((prefix, name)) = text.split_once('/') else { return is_label_name(text) };
    is_label_name(name) && prefix.len() <= 253 && prefix.split('.').all(is_dns_label)
}

fn is_label_name(text: &str) -> bool {
    text.len() <= 63 && is_framed(text, |b| b.is_ascii_alphanumeric(), b"-_.")
}

/// Not empty, `outer` at both ends, `outer` or one of `inner` between.
fn is_framed(text: &str, outer: impl Fn(u8) -> bool, inner: &[u8]) -> bool {
    let bytes = text.as_bytes();
    let ends = bytes.first().zip(bytes.last());
    ends.is_some_and(|(first, last)| outer(*first) && outer(*last))
        && bytes.iter().all(|b| outer(*b) || inner.contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_istio_rejects_have_a_problem() {
        for host in [
            "", "a_b.c", "a b.c", "a..b", ".a", "-a.b", "a-.b", "10.0.0.1", "a.1", "A.b", "*.a",
            "é.b",
        ] {
            assert!(host_problem(host).is_some(), "{host}");
        }
        assert!(host_problem(&format!("{}.b", "a".repeat(64))).is_some());
        assert!(host_problem(&vec!["a"; 129].join(".")).is_some());
    }

    #[test]
    fn hosts_that_istio_takes_have_none() {
        for host in ["web.my-namespace", "local", "1", "0.a", "a--b.c"] {
            assert_eq!(host_problem(host), None, "{host}");
        }
        assert_eq!(host_problem(&format!("{}.b", "a".repeat(63))), None);
    }

    #[test]
    fn label_keys_and_values_are_those_of_kubernetes() {
        assert!(is_label_key("security.istio.io/tlsMode") && is_label_key("version"));
        assert!(
            !is_label_key("a/b/c")
                && !is_label_key("/a")
                && !is_label_key("")
                && !is_label_key("A/")
        );
        assert!(is_label_value("") && is_label_value("a_b.C-1"));
        assert!(
            !is_label_value("arn:aws") && !is_label_value("-a") && !is_label_value(&"a".repeat(64))
        );
    }
}
