//! What runs once, or for many at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use fastrand::Rng;
use gors::prelude::*;
use gors::sync::{Map, Once, OnceLock, Pool, errgroup, singleflight};

use super::check;

/// Many come, one does it, all see the result.
pub(crate) fn once(mut random: Rng) -> Result<(), String> {
    let (once, cell) = (Arc::new(Once::new()), Arc::new(OnceLock::new()));
    let runs = Arc::new(AtomicU64::new(0));
    let yields = random.bool();
    let handles: Vec<_> = (0..random.usize(1..=20))
        .map(|_| {
            let (once, cell, runs) = (Arc::clone(&once), Arc::clone(&cell), Arc::clone(&runs));
            spawn(move || {
                once.call_once(|| {
                    if yields {
                        gosched();
                    }
                    runs.fetch_add(1, Ordering::Relaxed);
                });
                let seen = runs.load(Ordering::Relaxed);
                let value = *cell.get_or_init(|| {
                    gosched();
                    runs.fetch_add(1, Ordering::Relaxed) + 41
                });
                seen >= 1 && value == 42
            })
        })
        .collect();
    for handle in handles {
        let right = handle.join().map_err(|error| error.to_string())?;
        check("saw the result", right, true)?;
    }
    check("runs", runs.load(Ordering::Relaxed), 2)
}

/// A concurrent map counts, and a pool lends each thing to one at a time.
pub(crate) fn map_and_pool(mut random: Rng) -> Result<(), String> {
    let map = Arc::new(Map::<u64, u64>::new());
    let pool = Arc::new(Pool::new(|| Arc::new(AtomicU64::new(0))));
    let (goroutines, times) = (random.u64(1..=8), random.u64(1..=50));
    let wg = WaitGroup::new();
    let shared = Arc::new(AtomicU64::new(0));
    for g in 0..goroutines {
        let (map, pool, shared) = (Arc::clone(&map), Arc::clone(&pool), Arc::clone(&shared));
        wg.go(move || {
            for n in 0..times {
                let thing = pool.get();
                if thing.fetch_add(1, Ordering::Relaxed) != 0 {
                    shared.fetch_add(1, Ordering::Relaxed);
                }
                loop {
                    let (before, _) = map.load_or_store(n, 0);
                    if map.compare_and_swap(&n, &before, before + g + 1) {
                        break;
                    }
                    gosched();
                }
                thing.fetch_sub(1, Ordering::Relaxed);
                pool.put(thing);
            }
        });
    }
    wg.wait();
    check("lent twice", shared.load(Ordering::Relaxed), 0)?;
    let mut sum = 0;
    map.range(|_, value| {
        sum += value;
        true
    });
    check("sum", sum, times * goroutines * (goroutines + 1) / 2)
}

/// A limit that holds, and the first error.
pub(crate) fn errgroup(mut random: Rng) -> Result<(), String> {
    let limit = random.usize(1..=4);
    let group = errgroup::Group::<u64>::new();
    group.set_limit(limit);
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let count = random.u64(1..=30);
    let failing = random.u64(0..count * 2);
    for n in 0..count {
        let (inside, most) = (Arc::clone(&inside), Arc::clone(&most));
        group.go(move || {
            let now = inside.fetch_add(1, Ordering::Relaxed) + 1;
            most.fetch_max(now, Ordering::Relaxed);
            gosched();
            inside.fetch_sub(1, Ordering::Relaxed);
            if n == failing { Err(n) } else { Ok(()) }
        });
    }
    let expected = if failing < count {
        Err(failing)
    } else {
        Ok(())
    };
    check("outcome", group.wait(), expected)?;
    check(
        "too many at once",
        most.load(Ordering::Relaxed) > limit,
        false,
    )
}

/// One call for all who ask at the same time.
pub(crate) fn singleflight(mut random: Rng) -> Result<(), String> {
    let group = Arc::new(singleflight::Group::<u64, u64>::new());
    let (running, calls) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let nap = Duration::from_micros(random.u64(0..200));
    let callers = random.u64(1..=20);
    let handles: Vec<_> = (0..callers)
        .map(|_| {
            let (group, running, calls) =
                (Arc::clone(&group), Arc::clone(&running), Arc::clone(&calls));
            let by_channel = random.bool();
            spawn(move || {
                let call = move || {
                    assert_eq!(running.fetch_add(1, Ordering::Relaxed), 0);
                    gors::time::sleep(nap);
                    running.fetch_sub(1, Ordering::Relaxed);
                    calls.fetch_add(1, Ordering::Relaxed);
                    7
                };
                if by_channel {
                    group.work_chan(1, call).recv().map(|(value, _)| value)
                } else {
                    Ok(group.work(1, call).0)
                }
            })
        })
        .collect();
    for handle in handles {
        let value = handle.join().map_err(|error| error.to_string())?;
        check("value", value, Ok(7))?;
    }
    let calls = calls.load(Ordering::Relaxed);
    check("calls", (1..=callers).contains(&calls), true)
}
