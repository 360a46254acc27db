//! Which entries claim which hosts, wildcards among them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::{EntryKey, Observed};

/// The hosts of all observed entries. Labels are kept in reverse order, so that all that a wildcard covers lies side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostIndex {
    by_host: BTreeMap<(String, String), BTreeSet<String>>,
}

impl HostIndex {
    /// Adds the hosts of an entry.
    pub fn insert(&mut self, entry: &Observed) {
        for host in &entry.hosts {
            let names = self.by_host.entry((entry.key.namespace.clone(), reversed(host))).or_default();
            names.insert(entry.key.name.clone());
        }
    }

    /// Takes the hosts of an entry out again.
    pub fn remove(&mut self, entry: &Observed) {
        for host in &entry.hosts {
            let at = (entry.key.namespace.clone(), reversed(host));
            let Some(names) = self.by_host.get_mut(&at) else { continue };
            names.remove(&entry.key.name);
            if names.is_empty() {
                self.by_host.remove(&at);
            }
        }
    }

    /// The entries of `key`'s namespace, other than itself, of which a host overlaps `host`: the same one, a wildcard that covers it, or one that
    /// it covers. Sorted, and each once.
    #[must_use]
    pub fn overlapping(&self, key: &EntryKey, host: &str) -> BTreeSet<EntryKey> {
        let host = reversed(host);
        let mut found = BTreeSet::new();
        let mut take = |names: &BTreeSet<String>| {
            found.extend(
                names
                    .iter()
                    .filter(|name| **name != key.name)
                    .map(|name| EntryKey { namespace: key.namespace.clone(), name: name.clone() }),
            );
        };
        if let Some(names) = self.by_host.get(&(key.namespace.clone(), host.clone())) {
            take(names);
        }
        for (end, _) in host.match_indices('.') {
            let Some(parent) = host.get(..end) else { continue };
            if let Some(names) = self.by_host.get(&(key.namespace.clone(), format!("{parent}.*"))) {
                take(names);
            }
        }
        if let Some(suffix) = host.strip_suffix('*') {
            let from = Bound::Included((key.namespace.clone(), suffix.to_owned()));
            let covered = self.by_host.range((from, Bound::Unbounded));
            covered
                .take_while(|((namespace, host), _)| *namespace == key.namespace && host.starts_with(suffix))
                .for_each(|(_, names)| take(names));
        }
        found
    }
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
