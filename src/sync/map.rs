//! A concurrent map.
//!
//! Shards by hash, each a `HashMap` behind a [`RwLock`]: operations on different keys seldom meet,
//! and loads of the same one share. The shards are made on first use, so that `new` is const.
//!
//! Keys and values are hashed, compared, cloned and dropped in the caller; while that runs under a
//! shard's lock, only others that want the same shard wait, and they park.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};

use super::{OnceLock, RwLock};

const SHARDS: usize = 32;

#[repr(align(128))]
struct Shard<K, V>(RwLock<HashMap<K, V, RandomState>>);

struct Table<K, V> {
    hasher: RandomState,
    shards: Box<[Shard<K, V>]>,
}

/// A map that many goroutines use at the same time.
///
/// Values are given out as clones: use an `Arc` for what is expensive to clone. Every operation on one
/// key is atomic. It may block while another one is at the same part of the map; keys and values must not
/// use the map when they are hashed, compared or cloned.
///
/// Go: `sync.Map`.
///
/// ```
/// use gors::sync::Map;
///
/// static HITS: Map<&str, u32> = Map::new();
///
/// HITS.store("/", 1);
/// assert_eq!(HITS.load("/"), Some(1));
/// assert_eq!(HITS.load_or_store("/", 5), (1, true));
/// assert!(HITS.compare_and_swap("/", &1, 2));
/// assert_eq!(HITS.load_and_delete("/"), Some(2));
/// ```
pub struct Map<K, V>(OnceLock<Table<K, V>>);

impl<K, V> Map<K, V> {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }
}

impl<K: Eq + Hash, V: Clone> Map<K, V> {
    fn table(&self) -> &Table<K, V> {
        self.0.get_or_init(|| {
            let hasher = RandomState::new();
            let shard = || Shard(RwLock::new(HashMap::with_hasher(hasher.clone())));
            Table {
                shards: (0..SHARDS).map(|_| shard()).collect(),
                hasher,
            }
        })
    }

    fn shard<Q>(&self, key: &Q) -> &RwLock<HashMap<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
    {
        let table = self.table();
        // The map inside uses the low and the highest bits of the same hash.
        let hash = table.hasher.hash_one(key) >> 40;
        &table.shards[hash as usize % SHARDS].0
    }

    /// The value of `key`.
    ///
    /// Go: `Load`.
    ///
    /// ```
    /// let map = gors::sync::Map::new();
    /// map.store(String::from("a"), 1);
    /// assert_eq!(map.load("a"), Some(1));
    /// ```
    pub fn load<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shard(key).read().get(key).cloned()
    }

    /// Sets the value of `key`.
    ///
    /// Go: `Store`.
    ///
    /// ```
    /// let map = gors::sync::Map::new();
    /// map.store("a", 1);
    /// map.store("a", 2);
    /// assert_eq!(map.load("a"), Some(2));
    /// ```
    pub fn store(&self, key: K, value: V) {
        self.swap(key, value);
    }

    /// The value of `key` and true; if there is none, stores `value` and returns it and false.
    ///
    /// Go: `LoadOrStore`.
    ///
    /// ```
    /// let map = gors::sync::Map::new();
    /// assert_eq!(map.load_or_store("a", 1), (1, false));
    /// assert_eq!(map.load_or_store("a", 2), (1, true));
    /// ```
    pub fn load_or_store(&self, key: K, value: V) -> (V, bool) {
        let shard = self.shard(&key);
        if let Some(old) = shard.read().get(&key) {
            return (old.clone(), true);
        }
        match shard.write().entry(key) {
            std::collections::hash_map::Entry::Occupied(old) => (old.get().clone(), true),
            std::collections::hash_map::Entry::Vacant(place) => {
                (place.insert(value).clone(), false)
            }
        }
    }

    /// Removes `key` and returns its value.
    ///
    /// Go: `LoadAndDelete`.
    ///
    /// ```
    /// let map = gors::sync::Map::new();
    /// map.store("a", 1);
    /// assert_eq!(map.load_and_delete("a"), Some(1));
    /// assert_eq!(map.load_and_delete("a"), None);
    /// ```
    pub fn load_and_delete<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let removed = self.shard(key).write().remove_entry(key);
        removed.map(|(_, value)| value)
    }

    /// Removes `key`.
    ///
    /// Go: `Delete`.
    ///
    /// ```
    /// let map = gors::sync::Map::new();
    /// map.store("a", 1);
    /// map.delete("a");
    /// assert!(map.is_empty());
    /// ```
    pub fn delete<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.load_and_delete(key);
    }

    /// Sets the value of `key` and returns the one before.
    ///
    /// Go: `Swap`.
    ///
    /// ```
    /// let map = gors::sync::Map::new();
    /// assert_eq!(map.swap("a", 1), None);
    /// assert_eq!(map.swap("a", 2), Some(1));
    /// ```
    pub fn swap(&self, key: K, value: V) -> Option<V> {
        let shard = self.shard(&key);
        shard.write().insert(key, value)
    }

    /// Sets the value of `key` to `new` if it is `old`.
    ///
    /// Go: `CompareAndSwap`.
    ///
    /// ```
    /// let map = gors::sync::Map::new();
    /// map.store("a", 1);
    /// assert!(map.compare_and_swap("a", &1, 2));
    /// assert!(!map.compare_and_swap("a", &1, 3));
    /// ```
    pub fn compare_and_swap<Q>(&self, key: &Q, old: &V, new: V) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: PartialEq,
    {
        let replaced = match self.shard(key).write().get_mut(key) {
            Some(value) if value == old => std::mem::replace(value, new),
            _ => return false,
        };
        drop(replaced);
        true
    }

    /// Removes `key` if its value is `old`.
    ///
    /// Go: `CompareAndDelete`.
    ///
    /// ```
    /// let map = gors::sync::Map::new();
    /// map.store("a", 1);
    /// assert!(!map.compare_and_delete("a", &2));
    /// assert!(map.compare_and_delete("a", &1));
    /// ```
    pub fn compare_and_delete<Q>(&self, key: &Q, old: &V) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: PartialEq,
    {
        let mut shard = self.shard(key).write();
        let removed = match shard.get(key) {
            Some(value) if value == old => shard.remove_entry(key),
            _ => None,
        };
        drop(shard);
        removed.is_some()
    }

    /// Calls `f` for each entry until it returns false. `f` may use the map.
    ///
    /// No key is visited twice. An entry that is stored or removed meanwhile may be visited or not:
    /// this is no snapshot of the whole map.
    ///
    /// Go: `Range`.
    ///
    /// ```
    /// let map = gors::sync::Map::new();
    /// map.store("a", 1);
    /// map.store("b", 2);
    /// let mut sum = 0;
    /// map.range(|_, n| {
    ///     sum += n;
    ///     true
    /// });
    /// assert_eq!(sum, 3);
    /// ```
    pub fn range(&self, mut f: impl FnMut(&K, &V) -> bool)
    where
        K: Clone,
    {
        for Shard(shard) in &self.table().shards {
            // Copied, so that `f` runs without the lock.
            let entries: Vec<(K, V)> = shard
                .read()
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            for (key, value) in &entries {
                if !f(key, value) {
                    return;
                }
            }
        }
    }

    /// Removes all entries.
    ///
    /// Go: `Clear`.
    ///
    /// ```
    /// let map = gors::sync::Map::new();
    /// map.store("a", 1);
    /// map.clear();
    /// assert_eq!(map.len(), 0);
    /// ```
    pub fn clear(&self) {
        for Shard(shard) in &self.table().shards {
            let removed = std::mem::replace(
                &mut *shard.write(),
                HashMap::with_hasher(self.table().hasher.clone()),
            );
            drop(removed);
        }
    }

    /// How many entries there are; while others change the map, a number near that.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table()
            .shards
            .iter()
            .map(|Shard(shard)| shard.read().len())
            .sum()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Eq + Hash + Clone + fmt::Debug, V: Clone + fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        self.range(|key, value| {
            map.entry(key, value);
            true
        });
        map.finish()
    }
}
