//! An index from hosts to entries, with wildcards.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::facts::EntryKey;
use crate::order;

/// A host of an entry. It is reversed, so that the hosts that a wildcard covers are neighbours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    namespace: String,
    reversed: String,
    name: String,
}

/// The hosts of many entries, by the rule of
/// [`hosts_overlap`](crate::service_entry::hosts_overlap).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostIndex {
    names: BTreeSet<Claim>,
    /// Wildcards, without their `*`.
    wildcards: BTreeSet<Claim>,
}

impl HostIndex {
    /// Adds the hosts of an entry.
    pub fn insert(&mut self, key: &EntryKey, hosts: &[String]) {
        for host in hosts {
            let (set, claim) = self.claim(key, host);
            set.insert(claim);
        }
    }

    /// Removes the hosts of an entry.
    pub fn remove(&mut self, key: &EntryKey, hosts: &[String]) {
        for host in hosts {
            let (set, claim) = self.claim(key, host);
            set.remove(&claim);
        }
    }

    /// The entries of `key`'s namespace, other than itself, of which a host overlaps one of
    /// `hosts`. Sorted, and each once.
    #[must_use]
    pub fn overlapping(&self, key: &EntryKey, hosts: &[String]) -> Vec<EntryKey> {
        let mut found = Vec::new();
        for host in hosts {
            if let Some(ending) = host.strip_prefix('*') {
                let ending = reverse(ending);
                find(&self.names, key, &ending, |claimed| claimed.starts_with(&ending), &mut found);
                find(
                    &self.wildcards,
                    key,
                    &ending,
                    |claimed| claimed.starts_with(&ending),
                    &mut found,
                );
                self.find_wildcards_over(key, &ending, &mut found);
            } else {
                let host = reverse(host);
                find(&self.names, key, &host, |claimed| claimed == host, &mut found);
                self.find_wildcards_over(key, &host, &mut found);
            }
        }
        order::sort(&mut found);
        found.dedup();
        found
    }

    /// The wildcards that cover a reversed host.
    fn find_wildcards_over(&self, key: &EntryKey, reversed: &str, found: &mut Vec<EntryKey>) {
        if self.wildcards.is_empty() {
            return;
        }
        let ends = reversed.char_indices().map(|(end, _)| end).chain([reversed.len()]);
        for ending in ends.filter_map(|end| reversed.get(..end)) {
            find(&self.wildcards, key, ending, |claimed| claimed == ending, found);
        }
    }

    fn claim(&mut self, key: &EntryKey, host: &str) -> (&mut BTreeSet<Claim>, Claim) {
        let (set, host) = match host.strip_prefix('*') {
            Some(ending) => (&mut self.wildcards, ending),
            None => (&mut self.names, host),
        };
        (
            set,
            Claim {
                namespace: key.namespace.clone(),
                reversed: reverse(host),
                name: key.name.clone(),
            },
        )
    }
}

/// The entries, other than `key`, whose hosts match: those start at `from`.
fn find(
    set: &BTreeSet<Claim>,
    key: &EntryKey,
    from: &str,
    matches: impl Fn(&str) -> bool,
    found: &mut Vec<EntryKey>,
) {
    let first =
        Claim { namespace: key.namespace.clone(), reversed: from.to_owned(), name: String::new() };
    let claims = set.range((Bound::Included(first), Bound::Unbounded));
    let claims =
        claims.take_while(|claim| claim.namespace == key.namespace && matches(&claim.reversed));
    let names = claims.map(|claim| &claim.name).filter(|name| **name != key.name);
    found.extend(
        names.map(|name| EntryKey { namespace: key.namespace.clone(), name: name.clone() }),
    );
}

fn reverse(host: &str) -> String {
    host.chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service_entry::hosts_overlap;

    fn key(name: &str) -> EntryKey {
        EntryKey { namespace: "default".to_owned(), name: name.to_owned() }
    }

    fn overlaps(stored: &str, asked: &str) -> bool {
        let mut index = HostIndex::default();
        index.insert(&key("other"), &[stored.to_owned()]);
        !index.overlapping(&key("ours"), &[asked.to_owned()]).is_empty()
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
        let hosts = [
            "web.prod.local",
            "prod.local",
            "web.production.local",
            "*.prod.local",
            "*.local",
            "*prod.local",
            "*b.prod.local",
            "*",
            "a.web.prod.local",
            "*.web.prod.local",
        ];
        for (a, b) in hosts.iter().flat_map(|a| hosts.map(|b| (*a, b))) {
            assert_eq!(overlaps(a, b), hosts_overlap(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn what_is_removed_overlaps_no_more() {
        let mut index = HostIndex::default();
        for host in ["*.local", "web.local"] {
            index.insert(&key("other"), &[host.to_owned()]);
            index.remove(&key("other"), &[host.to_owned()]);
        }
        assert_eq!(index, HostIndex::default());
    }
}
