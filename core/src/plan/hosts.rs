//! Which entries claim which hosts, wildcards among them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::{EntryKey, Observed};

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

/// The hosts of all observed entries. Labels are kept in reverse order, so that all that a wildcard covers lies side by side. It answers as
/// [`hosts_overlap`] does, as far as a wildcard is a label of its own and not the only one.
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
