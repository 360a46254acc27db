//! Which entries claim which hosts, wildcards among them.

use std::collections::BTreeSet;

use super::{EntryKey, Observed};
use crate::order;

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

/// The hosts of all observed entries.
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
    fn what_is_removed_overlaps_no_more() {
        let mut index = HostIndex::default();
        let other = entry("other", "*.local");
        index.insert(&other);
        index.remove(&other);
        assert_eq!(index, HostIndex::default());
    }
}
