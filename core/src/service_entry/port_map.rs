//! An endpoint's own ports.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::sorted::SortedMap;

/// From a service port's name to an endpoint's own port, sorted by name. Most endpoints of an entry
/// have the same map and share it: a separate map for each would take most of an entry's memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(type = "{ [name in string]: number }"))]
pub struct PortMap(
    // Never of an empty slice, so that two empty maps are equal.
    Option<Arc<[(String, u16)]>>,
);

impl PortMap {
    /// Whether nothing is mapped.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many service ports are mapped.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_deref().unwrap_or_default().len()
    }

    /// The endpoint's port for the service port of this name.
    #[must_use]
    pub fn port(&self, name: &str) -> Option<u16> {
        self.iter().find_map(|(n, port)| (n == name).then_some(port))
    }

    /// Names and ports, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u16)> {
        self.0.as_deref().unwrap_or_default().iter().map(|(name, port)| (name.as_str(), *port))
    }
}

impl FromIterator<(String, u16)> for PortMap {
    /// Of two ports with the same name, the last is kept.
    fn from_iter<T: IntoIterator<Item = (String, u16)>>(ports: T) -> Self {
        ports.into_iter().collect::<SortedMap<_, _>>().into()
    }
}

impl From<SortedMap<String, u16>> for PortMap {
    fn from(ports: SortedMap<String, u16>) -> Self {
        Self((!ports.is_empty()).then(|| ports.into_pairs().into()))
    }
}

impl Serialize for PortMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for PortMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SortedMap::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_map_is_written_sorted_and_reads_back_the_same() {
        let map: PortMap =
            [("https".to_owned(), 443), ("http".to_owned(), 80)].into_iter().collect();
        let text = serde_json::to_string(&map).unwrap();
        assert_eq!(text, r#"{"http":80,"https":443}"#);
        assert_eq!(serde_json::from_str::<PortMap>(&text).unwrap(), map);
        assert_eq!((map.port("http"), map.port("tcp"), map.len()), (Some(80), None, 2));
    }

    #[test]
    fn a_map_of_nothing_is_empty() {
        assert_eq!(serde_json::from_str::<PortMap>("{}").unwrap(), PortMap::default());
        assert!(PortMap::from_iter([]).is_empty());
    }

    #[test]
    fn of_two_ports_of_one_name_the_last_stands() {
        let map: PortMap = [("http", 1), ("a", 2), ("http", 3)]
            .map(|(name, port)| (name.to_owned(), port))
            .into_iter()
            .collect();
        assert_eq!(map.iter().collect::<Vec<_>>(), [("a", 2), ("http", 3)]);
    }
}
