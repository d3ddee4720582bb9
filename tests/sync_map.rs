//! `Map` and `Pool`.

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Random, at_all_permits};
use gors::prelude::*;
use gors::sync::{Map, Pool};

/// Catches an operation that differs from a plain map's (Go's TestMapMatches…).
#[gors::test]
fn behaves_as_a_map() {
    let map = Map::new();
    let mut model = HashMap::new();
    let mut random = Random(7);
    for _ in 0..20_000 {
        let (key, value) = (random.below(50), random.below(4));
        match random.below(8) {
            0 => {
                map.store(key, value);
                model.insert(key, value);
            }
            1 => assert_eq!(map.load(&key), model.get(&key).copied()),
            2 => {
                let loaded = model.contains_key(&key);
                let expected = *model.entry(key).or_insert(value);
                assert_eq!(map.load_or_store(key, value), (expected, loaded));
            }
            3 => assert_eq!(map.load_and_delete(&key), model.remove(&key)),
            4 => assert_eq!(map.swap(key, value), model.insert(key, value)),
            5 => {
                let old = random.below(4);
                let swaps = model.get(&key) == Some(&old);
                if swaps {
                    model.insert(key, value);
                }
                assert_eq!(map.compare_and_swap(&key, &old, value), swaps);
            }
            6 => {
                let deletes = model.get(&key) == Some(&value);
                if deletes {
                    model.remove(&key);
                }
                assert_eq!(map.compare_and_delete(&key, &value), deletes);
            }
            _ => assert_eq!(map.len(), model.len()),
        }
    }
    let mut seen = HashMap::new();
    map.range(|key, value| seen.insert(*key, *value).is_none());
    assert_eq!(seen, model);
    map.clear();
    assert!(map.is_empty());
}

/// Catches a `range` that visits a key twice or misses one that was there all the time
/// (Go's TestConcurrentRange).
#[gors::test]
fn ranges_beside_stores() {
    at_all_permits(|_| {
        let map = Arc::new(Map::new());
        for key in 0..500_u64 {
            map.store(key, key);
        }
        let wg = WaitGroup::new();
        for n in 1..4 {
            let map = map.clone();
            wg.go(move || {
                for round in 0..20 {
                    for key in 0..500 {
                        if key % n == 0 {
                            map.store(key, key * round);
                        }
                    }
                    checkpoint();
                }
            });
        }
        for _ in 0..20 {
            let mut seen = std::collections::HashSet::new();
            map.range(|key, value| {
                assert_eq!(value % (*key).max(1), 0);
                assert!(seen.insert(*key), "{key} twice");
                true
            });
            assert_eq!(seen.len(), 500);
        }
        wg.wait();
    });
}

/// Catches a lock that is held while the caller's function runs (Go's TestMapRangeNestedCall).
#[gors::test]
fn range_may_use_the_map() {
    let map = Map::new();
    for (key, word) in ["hello", "world", "go"].into_iter().enumerate() {
        map.store(key, word);
    }
    map.range(|key, word| {
        assert_eq!(map.load(key), Some(*word));
        map.range(|other, _| {
            map.store(*other, "seen");
            false
        });
        map.delete(key);
        true
    });
    assert!(map.is_empty());
}

/// Catches a compare-and-swap that two win.
#[gors::test]
fn one_wins_each_exchange() {
    at_all_permits(|_| {
        let map = Arc::new(Map::new());
        map.store("n", 0_u64);
        let wg = WaitGroup::new();
        for _ in 0..8 {
            let map = map.clone();
            wg.go(move || {
                for _ in 0..300 {
                    loop {
                        let old = map.load("n").unwrap();
                        if map.compare_and_swap("n", &old, old + 1) {
                            break;
                        }
                        gosched();
                    }
                }
            });
        }
        wg.wait();
        assert_eq!(map.load("n"), Some(2_400));
    });
}

/// Catches a pool that gives one thing to two, or makes a new one where it has one.
#[gors::test]
fn a_pool_gives_back_what_was_put_in() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    at_all_permits(|_| {
        MADE.store(0, Ordering::Relaxed);
        let pool = Arc::new(Pool::new(|| {
            MADE.fetch_add(1, Ordering::Relaxed);
            Box::new(0_u64)
        }));
        let first = pool.get();
        let address = &raw const *first;
        pool.put(first);
        assert!(std::ptr::eq(&raw const *pool.get(), address));

        let wg = WaitGroup::new();
        for n in 1..=20 {
            let pool = pool.clone();
            wg.go(move || {
                for _ in 0..200 {
                    let mut thing = pool.get();
                    *thing = n;
                    gosched();
                    assert_eq!(*thing, n, "somebody else has it too");
                    pool.put(thing);
                }
            });
        }
        wg.wait();
        assert!(MADE.load(Ordering::Relaxed) < 2_000);
    });
}
