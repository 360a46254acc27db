//! A map as a sorted list, for the few keys of an instance, an entry or a configuration.
//!
//! A `BTreeMap` takes more memory (each has room for 11 pairs), and a WebAssembly module becomes 15 %
//! larger with it: its code is compiled for each pair of types.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::order;

/// A map with sorted keys. Of two equal keys, the last one's value is kept. Inserting takes time
/// linear in the length: collect a long map from its pairs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SortedMap<K, V>(Vec<(K, V)>);

impl<K, V> SortedMap<K, V> {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether it is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many keys there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Keys and values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The pairs, sorted by key.
    #[must_use]
    pub fn into_pairs(self) -> Vec<(K, V)> {
        self.0
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(known, _)| known.borrow().cmp(key))
    }

    /// The value of a key.
    #[must_use]
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let index = self.place(key).ok()?;
        self.0.get(index).map(|(_, value)| value)
    }

    /// Whether a key is there.
    #[must_use]
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.place(key).is_ok()
    }

    /// Inserts a value and returns the key's old one.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(&key) {
            Ok(index) => self.0.get_mut(index).map(|(_, old)| std::mem::replace(old, value)),
            Err(index) => {
                self.0.insert(index, (key, value));
                None
            }
        }
    }

    /// Removes a key and returns its value.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let index = self.place(key).ok()?;
        Some(self.0.remove(index).1)
    }
}

impl<K: Ord, V> From<Vec<(K, V)>> for SortedMap<K, V> {
    fn from(mut pairs: Vec<(K, V)>) -> Self {
        if !pairs.is_sorted_by(|(a, _), (b, _)| a < b) {
            order::sort_by(&mut pairs, |(a, _), (b, _)| a.cmp(b));
            pairs.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    std::mem::swap(later, earlier);
                }
                same
            });
        }
        Self(pairs)
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for SortedMap<K, V> {
    fn from(pairs: [(K, V); N]) -> Self {
        Vec::from(pairs).into()
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(pairs: T) -> Self {
        pairs.into_iter().collect::<Vec<_>>().into()
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Serialize, V: Serialize> Serialize for SortedMap<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

struct MapVisitor<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for MapVisitor<K, V> {
    type Value = SortedMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs.into())
    }
}

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for SortedMap<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeMap;

    use super::*;

    const TEXT: &str = r#"{"b":1,"a":2,"c":3,"a":4}"#;

    #[test]
    fn a_map_is_read_and_written_as_a_tree_is() {
        let map: SortedMap<String, u8> = serde_json::from_str(TEXT).unwrap();
        let tree: BTreeMap<String, u8> = serde_json::from_str(TEXT).unwrap();
        assert_eq!(serde_json::to_string(&map).unwrap(), serde_json::to_string(&tree).unwrap());
        assert_eq!(format!("{map:?}"), format!("{tree:?}"));
        let error = |text: &str| {
            (serde_json::from_str::<SortedMap<String, u8>>(text).unwrap_err(), text.to_owned())
        };
        for (ours, text) in ["[]", r#"{"a":"b"}"#, "{"].map(error) {
            assert_eq!(
                ours.to_string(),
                serde_json::from_str::<BTreeMap<String, u8>>(&text).unwrap_err().to_string()
            );
        }
    }

    #[test]
    fn the_last_of_equal_keys_stands_however_a_map_is_made() {
        let pairs = [("b", 1), ("a", 2), ("c", 3), ("a", 4)];
        let mut inserted = SortedMap::new();
        let replaced: Vec<_> =
            pairs.iter().filter_map(|(key, value)| inserted.insert(*key, *value)).collect();
        assert_eq!(replaced, [2]);
        for map in [SortedMap::from(pairs), pairs.into_iter().collect(), inserted] {
            assert_eq!(map.iter().collect::<Vec<_>>(), [(&"a", &4), (&"b", &1), (&"c", &3)]);
            assert_eq!(
                (map.get("a"), map.get("d"), map.contains_key("c"), map.len()),
                (Some(&4), None, true, 3)
            );
        }
    }
}
