//! Goroutines and plain threads at the same things at the same time: what has no such mix in its own
//! tests.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::at_all_permits;
use gors::context::{self, Context, ContextError};
use gors::patterns::SynchronizedMap;
use gors::prelude::*;
use gors::sync::{Map, Mutex, OnceLock, Pool, errgroup, singleflight};

const GOROUTINES: usize = 6;
const THREADS: usize = 2;

/// Runs `f` with a number in goroutines and on threads, and waits for all of them.
fn together(f: impl Fn(usize) + Send + Sync + 'static) {
    let f = Arc::new(f);
    let wg = WaitGroup::new();
    for n in 0..GOROUTINES {
        let f = f.clone();
        wg.go(move || f(n));
    }
    let threads: Vec<_> = (GOROUTINES..GOROUTINES + THREADS)
        .map(|n| {
            let f = f.clone();
            std::thread::spawn(move || f(n))
        })
        .collect();
    wg.wait();
    for thread in threads {
        blocking(|| thread.join()).unwrap();
    }
}

/// Catches maps and pools that lose what a thread or a goroutine has put in.
#[gors::test]
fn maps_and_pools() {
    at_all_permits(|_| {
        let maps = Arc::new((Map::new(), SynchronizedMap::new(), Pool::new(|| 0)));
        let shared = maps.clone();
        together(move |n| {
            let (map, synchronized, pool) = &*shared;
            for key in 0..200 {
                map.store((n, key), key);
                synchronized.put((n, key), key);
                assert_eq!(map.load(&(n, key)), Some(key));
                map.load_or_store((GOROUTINES + THREADS, key), n);
                pool.put(pool.get() + 1);
            }
        });
        let all = (GOROUTINES + THREADS) * 200;
        assert_eq!((maps.0.len(), maps.1.len()), (all + 200, all));
        assert!(maps.2.get() > 0);
    });
}

/// Catches a value that is made twice, or a call that is not shared, across threads and goroutines.
#[gors::test]
fn what_runs_once() {
    at_all_permits(|_| {
        let cell = Arc::new(OnceLock::new());
        let flights = Arc::new(singleflight::Group::new());
        let (runs, all) = (Arc::new(AtomicUsize::new(0)), GOROUTINES + THREADS);
        let came = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        together(move |n| {
            cell.get_or_init(|| counted.fetch_add(1, Ordering::SeqCst));
            came.fetch_add(1, Ordering::SeqCst);
            let (value, shared) = flights.work("key", || {
                // Ends when all others have come, and have had time to join.
                while came.load(Ordering::SeqCst) < all {
                    gosched();
                }
                gors::time::sleep(Duration::from_millis(20));
                n
            });
            assert!(value < all);
            // Whoever came late has flown alone.
            assert!(shared || value == n);
        });
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    });
}

/// Catches a group that does not wait for what a thread has started, or that lets a thread pass its
/// limit.
#[gors::test]
fn errgroups() {
    at_all_permits(|_| {
        let (group, ctx) = errgroup::Group::with_context(&Context::background());
        group.set_limit(3);
        let group = Arc::new(group);
        let (running, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (shared, counted) = (group.clone(), done.clone());
        together(move |n| {
            for _ in 0..10 {
                let (running, done) = (running.clone(), counted.clone());
                shared.go(move || {
                    assert!(running.fetch_add(1, Ordering::SeqCst) < 3);
                    gosched();
                    running.fetch_sub(1, Ordering::SeqCst);
                    done.fetch_add(1, Ordering::SeqCst);
                    if n == GOROUTINES {
                        Err("thread")
                    } else {
                        Ok(())
                    }
                });
            }
        });
        let waiter = std::thread::spawn(move || group.wait());
        assert_eq!(blocking(|| waiter.join()).unwrap(), Err("thread"));
        assert_eq!(done.load(Ordering::SeqCst), 10 * (GOROUTINES + THREADS));
        assert_eq!(ctx.err(), Some(ContextError::Canceled));
    });
}

/// Catches a cancellation that some waiter does not see, whoever cancels.
#[gors::test]
fn contexts() {
    at_all_permits(|_| {
        for canceller in [0, GOROUTINES] {
            let (ctx, cancel) = context::with_cancel(&Context::background());
            let held = Arc::new(Mutex::new(()));
            let called = make(GOROUTINES + THREADS);
            let guard = held.lock();
            let (lock, calls, below) = (held.clone(), called.clone(), ctx.clone());
            together(move |n| {
                let (child, _cancel) = context::with_cancel(&below);
                let calls = calls.clone();
                context::after_func(&child, move || calls.send(()));
                if n == canceller {
                    cancel.cancel();
                }
                if n % 2 == 0 {
                    assert_eq!(lock.lock_ctx(&child).err(), Some(ContextError::Canceled));
                } else {
                    child.done().recv().unwrap_err();
                }
            });
            drop(guard);
            for _ in 0..GOROUTINES + THREADS {
                called.recv().unwrap();
            }
            assert_eq!(ctx.err(), Some(ContextError::Canceled));
        }
    });
}
