//! Hosts and the names of entries.

use thiserror::Error;

use crate::service_entry::{host_problem, normalized};

/// Why a service has no host that Istio accepts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{host}` is no valid host: {problem}; an override can name one")]
pub struct HostError {
    /// The host that it would have.
    pub host: String,
    /// What Istio would reject.
    pub problem: String,
}

/// What an entry's name begins with.
pub const NAME_PREFIX: &str = "cloudmap-";
/// Kubernetes' limit for a name.
const LONGEST_NAME: usize = 253;

/// The host and the entry's name of a service: `SERVICE.NAMESPACE` and `cloudmap-SERVICE.NAMESPACE`
/// in lower case, unless an override or a hint says another host. A service called `.` stands for
/// its namespace.
///
/// # Errors
/// Where Istio would reject the host.
pub fn host_and_name(
    namespace_name: &str,
    service_name: &str,
) -> Result<(String, String), HostError> {
    let host = if service_name == "." {
        namespace_name.to_owned()
    } else {
        format!("{service_name}.{namespace_name}")
    };
    // Without a name of its own the namespace's dot would pass for a trailing one.
    let nameless = namespace_name.is_empty().then(|| "its namespace has no name".to_owned());
    let host = if nameless.is_some() { host } else { normalized(&host).into_owned() };
    if let Some(problem) = nameless.or_else(|| host_problem(&host)) {
        return Err(HostError { host, problem });
    }
    let name = entry_name(&host);
    Ok((host, name))
}

/// `cloudmap-HOST`. Where that has over 253 characters it is cut, and ends in `-` and the FNV-1a
/// hash (64 bit, 16 hexadecimal digits) of the whole.
#[must_use]
pub fn entry_name(host: &str) -> String {
    let name = format!("{NAME_PREFIX}{host}");
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let hash = format!("-{:016x}", fnv1a(name.as_bytes()));
    let kept: String = name.chars().take(LONGEST_NAME.saturating_sub(hash.len())).collect();
    // A label of a name begins and ends with a letter or digit.
    format!("{}{hash}", kept.trim_end_matches(['.', '-']))
}

/// FNV-1a with 64 bits, chosen because it is written down in a few lines and so stays the same: a
/// changed hash would rename entries.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn hosts_are_lower_case_and_without_a_trailing_dot() {
        let (host, name) = host_and_name("My-Namespace.", "Web").unwrap();
        assert_eq!(
            (host.as_str(), name.as_str()),
            ("web.my-namespace", "cloudmap-web.my-namespace")
        );
    }

    #[test]
    fn a_service_called_dot_stands_for_its_namespace() {
        assert_eq!(host_and_name("example.com", ".").unwrap().0, "example.com");
    }

    #[test]
    fn a_host_that_istio_rejects_says_why() {
        let error = host_and_name("n", "my_svc").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`my_svc.n` is no valid host: its label `my_svc` holds `_`, allowed are letters, digits and hyphens; an override can name one"
        );
        assert!(host_and_name("n", "web.").is_err() && host_and_name(".", ".").is_err());
        assert!(host_and_name("", "web").is_err() && host_and_name("n", "").is_err());
    }

    #[test]
    fn a_long_name_is_cut_and_ends_in_a_stable_hash() {
        let host = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(60)].join(".");
        let name = entry_name(&host);
        assert!(name.len() <= 253);
        assert!(name.ends_with("-903660ac52723981"), "{name}");
        assert_ne!(entry_name(&host.replace('d', "e")), name);
    }

    #[test]
    fn a_cut_never_leaves_a_label_that_begins_with_a_hyphen() {
        let host = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(34), "e".repeat(27)]
            .join(".");
        let name = entry_name(&host);
        assert!(
            name.split('.').all(|l| !l.starts_with('-') && !l.ends_with('-') && !l.is_empty()),
            "{name}"
        );
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
