//! A map behind a readers-writer lock.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use crate::sync::RwLock;

/// A map that goroutines may share.
///
/// One lock for the whole of it: simple, and fast enough while writes are few. [`Map`] is for many
/// writers.
///
/// [`Map`]: crate::sync::Map
///
/// ```
/// use gors::patterns::SynchronizedMap;
///
/// let ages = SynchronizedMap::new();
/// ages.put("bob", 23);
/// assert_eq!(ages.get("bob"), Some(23));
/// ages.each(|name, age| println!("{name} is {age}"));
/// assert_eq!(ages.delete("bob"), Some(23));
/// ```
pub struct SynchronizedMap<K, V> {
    data: RwLock<HashMap<K, V>>,
}

impl<K: Eq + Hash, V> SynchronizedMap<K, V> {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self {
            data: RwLock::new(HashMap::new()),
        }
    }

    /// Sets the value of a key; returns the one before. Blocks while others use the map.
    ///
    /// ```
    /// let map = gors::patterns::SynchronizedMap::new();
    /// assert_eq!(map.put("a", 1), None);
    /// assert_eq!(map.put("a", 2), Some(1));
    /// ```
    pub fn put(&self, key: K, value: V) -> Option<V> {
        self.data.write().insert(key, value)
    }

    /// A clone of a key's value. Blocks while somebody changes the map.
    ///
    /// ```
    /// let map = gors::patterns::SynchronizedMap::new();
    /// map.put(String::from("a"), 1);
    /// assert_eq!(map.get("a"), Some(1));
    /// assert_eq!(map.get("b"), None);
    /// ```
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: Clone,
    {
        self.data.read().get(key).cloned()
    }

    /// Removes a key; returns its value. Blocks while others use the map.
    ///
    /// ```
    /// let map = gors::patterns::SynchronizedMap::new();
    /// map.put("a", 1);
    /// assert_eq!(map.delete("a"), Some(1));
    /// assert!(map.is_empty());
    /// ```
    pub fn delete<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.data.write().remove(key)
    }

    /// Calls `f` for each entry, in no order. Others may read meanwhile, and wait with changes until
    /// it is over; `f` must not use the map itself.
    ///
    /// ```
    /// let map = gors::patterns::SynchronizedMap::new();
    /// map.put("a", 1);
    /// map.put("b", 2);
    /// let mut sum = 0;
    /// map.each(|_, n| sum += n);
    /// assert_eq!(sum, 3);
    /// ```
    pub fn each(&self, mut f: impl FnMut(&K, &V)) {
        for (key, value) in self.data.read().iter() {
            f(key, value);
        }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.read().len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Eq + Hash, V> Default for SynchronizedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SynchronizedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.data.fmt(f)
    }
}
