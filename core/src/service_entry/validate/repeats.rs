//! Which items of a list are there twice.

use crate::order;
use crate::sorted::SortedMap;

/// Of keys with the indexes of their items: the index of each item whose key was there before, to
/// that of the last one before it.
pub(super) fn repeats<K: Ord>(keys: impl Iterator<Item = (K, usize)>) -> SortedMap<usize, usize> {
    let mut keys: Vec<(K, usize)> = keys.collect();
    // Equal ones stay in their order.
    order::sort_by(&mut keys, |(a, _), (b, _)| a.cmp(b));
    let again = keys.array_windows().filter(|[before, item]| before.0 == item.0);
    again.map(|[before, item]| (item.1, before.1)).collect()
}
