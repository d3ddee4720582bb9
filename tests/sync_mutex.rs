//! `Mutex`: exclusion, fairness, limits, in goroutines and on plain threads.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{at_all_permits, spawn_blocked};
use gors::prelude::*;
use gors::sync::Mutex;

fn hammer(mutex: &Mutex<(u64, u64)>, rounds: u64) {
    for round in 0..rounds {
        let mut pair = mutex.lock();
        pair.0 += 1;
        if round % 7 == 0 {
            // With the lock held, so that others queue.
            gosched();
        }
        pair.1 += 1;
        assert_eq!(pair.0, pair.1);
        drop(pair);
        if round % 13 == 0 {
            gosched();
        }
    }
}

/// Catches two holders at once, and a waiter that nobody wakes.
#[gors::test]
fn excludes_goroutines() {
    at_all_permits(|procs| {
        let mutex = Arc::new(Mutex::new((0, 0)));
        let wg = WaitGroup::new();
        for _ in 0..20 {
            let mutex = mutex.clone();
            wg.go(move || hammer(&mutex, 1_000));
        }
        wg.wait();
        assert_eq!(*mutex.lock(), (20_000, 20_000), "with {procs} permits");
    });
}

/// Catches a hand-over between a thread that sleeps in a futex and a goroutine that is parked.
#[gors::test]
fn excludes_goroutines_and_threads() {
    at_all_permits(|_| {
        let mutex = Arc::new(Mutex::new((0, 0)));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let mutex = mutex.clone();
                std::thread::spawn(move || hammer(&mutex, 2_000))
            })
            .collect();
        let wg = WaitGroup::new();
        for _ in 0..8 {
            let mutex = mutex.clone();
            wg.go(move || hammer(&mutex, 2_000));
        }
        wg.wait();
        for thread in threads {
            blocking(|| thread.join()).unwrap();
        }
        assert_eq!(mutex.lock().0, 24_000);
    });
}

/// Catches a waiter that is parked where the one that opens the lock does not look: a lock that nobody
/// has waited for in a while is opened without a fence.
#[gors::test]
fn waiters_are_seen_after_a_quiet_time() {
    at_all_permits(|_| {
        let mutex = Arc::new(Mutex::new((0, 0)));
        for round in 1..=20 {
            for _ in 0..6_000 {
                drop(mutex.lock());
            }
            let wg = WaitGroup::new();
            for _ in 0..4 {
                let mutex = mutex.clone();
                wg.go(move || hammer(&mutex, 20));
            }
            let theirs = mutex.clone();
            let thread = std::thread::spawn(move || hammer(&theirs, 20));
            wg.wait();
            blocking(|| thread.join()).unwrap();
            assert_eq!(mutex.lock().0, round * 100);
        }
    });
}

/// Catches waiters that reach their deadline while they are woken, and links that stay behind.
#[gors::test]
fn timed_locks_among_plain_ones() {
    at_all_permits(|_| {
        let mutex = Arc::new(Mutex::new(0_u64));
        let taken = Arc::new(AtomicUsize::new(0));
        let wg = WaitGroup::new();
        for n in 0..16_u64 {
            let (mutex, taken) = (mutex.clone(), taken.clone());
            wg.go(move || {
                for round in 0..500 {
                    let guard = if n % 2 == 0 {
                        mutex.try_lock_for(Duration::from_micros(n * 5 + round % 50))
                    } else {
                        Some(mutex.lock())
                    };
                    if let Some(mut guard) = guard {
                        *guard += 1;
                        taken.fetch_add(1, Ordering::Relaxed);
                        if round % 5 == 0 {
                            gosched();
                        }
                    }
                }
            });
        }
        wg.wait();
        assert_eq!(*mutex.lock() as usize, taken.load(Ordering::Relaxed));
        assert!(taken.load(Ordering::Relaxed) >= 8 * 500);
    });
}

/// Catches a lock that running goroutines never let the waiting ones have (Go's TestMutexFairness).
#[gors::test]
fn a_hog_does_not_starve_others() {
    at_all_permits(|procs| {
        let mutex = Arc::new(Mutex::new(()));
        let stop = Arc::new(AtomicBool::new(false));
        let hog = {
            let (mutex, stop) = (mutex.clone(), stop.clone());
            spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let guard = mutex.lock();
                    gors::time::sleep(Duration::from_micros(100));
                    drop(guard);
                }
            })
        };
        let start = Instant::now();
        for _ in 0..10 {
            gors::time::sleep(Duration::from_micros(100));
            drop(mutex.lock());
        }
        stop.store(true, Ordering::Relaxed);
        hog.join().unwrap();
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "with {procs} permits"
        );
    });
}

/// Catches waiters that overtake each other though nobody else wants the lock.
#[gors::test]
fn waiters_get_the_lock_in_order() {
    at_all_permits(|_| {
        let order = Arc::new(Mutex::new(Vec::new()));
        let held = order.lock();
        let waiters: Vec<_> = (0..20)
            .map(|n| {
                let order = order.clone();
                spawn_blocked(move || order.lock().push(n))
            })
            .collect();
        drop(held);
        for waiter in waiters {
            waiter.join().unwrap();
        }
        assert!(order.lock().iter().copied().eq(0..20));
    });
}

/// Catches `try_lock` that waits, or that succeeds twice.
#[gors::test]
fn try_lock_never_waits() {
    let mutex = Mutex::new(3);
    let guard = mutex.try_lock().unwrap();
    assert!(mutex.try_lock().is_none());
    assert!(mutex.is_locked());
    drop(guard);
    assert_eq!(*mutex.try_lock().unwrap(), 3);
}

/// Catches an early end of a timed wait, and one that never ends.
#[gors::test]
fn a_timed_lock_gives_up_in_time() {
    let mutex = Mutex::new(());
    let guard = mutex.lock();
    let start = Instant::now();
    assert!(mutex.try_lock_for(Duration::from_millis(20)).is_none());
    assert!(start.elapsed() >= Duration::from_millis(20));
    drop(guard);
    assert!(mutex.try_lock_for(Duration::from_millis(20)).is_some());
}

/// Catches poisoning, and a lock that stays held when its holder panics.
#[gors::test]
fn a_panic_opens_the_lock() {
    let mutex = Arc::new(Mutex::new(1));
    let theirs = mutex.clone();
    let panicked = spawn(move || {
        let _guard = theirs.lock();
        panic!("expected by the test");
    });
    assert!(panicked.join().unwrap_err().is_panic());
    assert_eq!(*mutex.lock(), 1);
}

/// Catches guards that are tied to their goroutine.
#[gors::test]
fn a_guard_may_be_dropped_elsewhere() {
    static MUTEX: Mutex<i32> = Mutex::new(0);
    let guard = MUTEX.lock();
    spawn(move || drop(guard)).join().unwrap();
    assert_eq!(*MUTEX.try_lock().unwrap(), 0);
}

/// Catches a swallowed `goexit` that a wait for a lock does not raise again, or that leaves the lock
/// held.
#[gors::test]
fn a_swallowed_goexit_is_raised_by_a_wait() {
    let mutex = Arc::new(Mutex::new(()));
    let guard = mutex.lock();
    let theirs = mutex.clone();
    let handle = spawn(move || {
        let _ = std::panic::catch_unwind(|| goexit());
        drop(theirs.lock());
        unreachable!("the wait raises goexit");
    });
    assert!(handle.join().unwrap_err().is_goexit());
    drop(guard);
    assert!(mutex.try_lock().is_some());
}
