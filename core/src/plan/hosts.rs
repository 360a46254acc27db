//! Which entries claim which hosts, wildcards among them.

use std::collections::BTreeSet;

use super::{EntryKey, Observed};
use crate::order;

/// A host as it is compared: in lower case, as Istio takes it, and without the dot that makes a name absolute.
#[must_use]
pub fn canonical_host(host: &str) -> String {
    host.trim_end_matches('.').to_lowercase()
}

/// Whether some name is covered by both of two canonical hosts. As Istio and Envoy do it, a `*` stands for any beginning, so that `*shop.local`
/// covers `web.shop.local` as `*.shop.local` does, and `*` covers all.
#[must_use]
pub fn hosts_overlap(a: &str, b: &str) -> bool {
    match (a.strip_prefix('*'), b.strip_prefix('*')) {
        (Some(a), Some(b)) => a.ends_with(b) || b.ends_with(a),
        (Some(ending), None) => b.ends_with(ending),
        (None, Some(ending)) => a.ends_with(ending),
        (None, None) => a == b,
    }
}

/// That an entry has a host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    namespace: String,
    /// Its labels in reverse order, so that all that a wildcard covers lies side by side.
    host: String,
    /// The entry's.
    name: String,
}

impl Claim {
    /// Of the same host the first that there may be.
    const fn first(namespace: String, host: String) -> Self {
        Self { namespace, host, name: String::new() }
    }
}

/// The hosts of all observed entries. It answers as
/// [`hosts_overlap`] does, as far as a wildcard is a label of its own and not the only one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostIndex {
    claims: BTreeSet<Claim>,
}

impl HostIndex {
    /// Adds the hosts of an entry.
    pub fn insert(&mut self, entry: &Observed) {
        self.claims.extend(claims(entry));
    }

    /// Takes the hosts of an entry out again.
    pub fn remove(&mut self, entry: &Observed) {
        for claim in claims(entry) {
            self.claims.remove(&claim);
        }
    }

    /// The entries of `key`'s namespace, other than itself, of which a host overlaps `host`: the same one, a wildcard that covers it, or one that
    /// it covers. Sorted, and each once.
    #[must_use]
    pub fn overlapping(&self, key: &EntryKey, host: &str) -> Vec<EntryKey> {
        let host = reversed(host);
        let mut found = Vec::new();
        self.find(key, &host, &|claimed| claimed == host, &mut found);
        for (end, _) in host.match_indices('.') {
            let Some(parent) = host.get(..end) else { continue };
            let wildcard = format!("{parent}.*");
            self.find(key, &wildcard, &|claimed| claimed == wildcard, &mut found);
        }
        if let Some(suffix) = host.strip_suffix('*') {
            self.find(key, suffix, &|claimed| claimed.starts_with(suffix), &mut found);
        }
        order::sort(&mut found);
        found.dedup();
        found
    }

    /// The entries, other than `key`, of the hosts that fit, which are `from` and those that follow.
    fn find(&self, key: &EntryKey, from: &str, fits: &dyn Fn(&str) -> bool, found: &mut Vec<EntryKey>) {
        let claims = self.claims.range(Claim::first(key.namespace.clone(), from.to_owned())..);
        let claims = claims.take_while(|claim| claim.namespace == key.namespace && fits(&claim.host));
        let names = claims.map(|claim| &claim.name).filter(|name| **name != key.name);
        found.extend(names.map(|name| EntryKey { namespace: key.namespace.clone(), name: name.clone() }));
    }
}

fn claims(entry: &Observed) -> impl Iterator<Item = Claim> {
    let EntryKey { namespace, name } = &entry.key;
    entry.hosts.iter().map(|host| Claim { namespace: namespace.clone(), host: reversed(host), name: name.clone() })
}

/// `web.my-namespace` as `my-namespace.web`.
fn reversed(host: &str) -> String {
    let mut labels: Vec<&str> = host.split('.').collect();
    labels.reverse();
    labels.join(".")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(name: &str, host: &str) -> Observed {
        Observed::of(&json!({"metadata": {"name": name, "namespace": "default"}, "spec": {"hosts": [host]}}), None, "default")
    }

    fn overlaps(stored: &str, asked: &str) -> bool {
        let mut index = HostIndex::default();
        index.insert(&entry("other", stored));
        let key = EntryKey { namespace: "default".to_owned(), name: "ours".to_owned() };
        !index.overlapping(&key, asked).is_empty()
    }

    #[test]
    fn a_host_overlaps_itself_and_the_wildcards_above_and_below_it() {
        assert!(overlaps("web.prod.local", "web.prod.local"));
        assert!(overlaps("*.prod.local", "web.prod.local"));
        assert!(overlaps("*.local", "web.prod.local"));
        assert!(overlaps("web.prod.local", "*.local"));
        assert!(overlaps("*.prod.local", "*.local"));
    }

    #[test]
    fn a_host_does_not_overlap_its_neighbours() {
        assert!(!overlaps("web.prod.local", "web2.prod.local"));
        assert!(!overlaps("prod.local", "web.prod.local"));
        assert!(!overlaps("*.prod.local", "prod.local"));
        assert!(!overlaps("web.production.local", "*.prod.local"));
    }

    #[test]
    fn the_index_answers_as_the_rule() {
        let hosts =
            ["web.prod.local", "prod.local", "web.production.local", "*.prod.local", "*.local", "a.web.prod.local", "*.web.prod.local"];
        for (a, b) in hosts.iter().flat_map(|a| hosts.map(|b| (*a, b))) {
            assert_eq!(overlaps(a, b), hosts_overlap(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn a_wildcard_of_a_part_of_a_label_and_one_of_everything_overlap_what_ends_as_they_do() {
        for host in ["web.prod.local", "*.prod.local", "*.local", "*rod.local", "*b.prod.local", "*"] {
            assert!(hosts_overlap(host, "*prod.local") && hosts_overlap("*prod.local", host), "{host}");
            assert!(hosts_overlap(host, "*") && hosts_overlap("*", host), "{host}");
        }
        assert!(!hosts_overlap("*-a.prod.local", "web.prod.local"));
        assert!(!hosts_overlap("*-a.prod.local", "*-b.prod.local"));
        assert!(hosts_overlap(&canonical_host("WEB.Prod.local."), "web.prod.local"));
    }

    #[test]
    fn what_is_removed_overlaps_no_more() {
        let mut index = HostIndex::default();
        let other = entry("other", "*.local");
        index.insert(&other);
        index.remove(&other);
        assert_eq!(index, HostIndex::default());
    }
}
