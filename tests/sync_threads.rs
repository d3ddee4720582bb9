//! Goroutines and plain threads at the same things at the same time: what has no such mix in its own
//! tests.

mod common;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::at_all_permits;
use gors::context::{self, Context, ContextError};
use gors::patterns::runner::{self, Runner};
use gors::patterns::{SynchronizedMap, pool, work};
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

struct Add(Arc<AtomicUsize>);

impl work::Worker for Add {
    fn task(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Catches pools of resources and of workers that a thread cannot use.
#[gors::test]
fn pools_of_patterns() {
    at_all_permits(|_| {
        let made = Arc::new(AtomicUsize::new(0));
        let counted = made.clone();
        let factory = move || Ok::<_, Infallible>(counted.fetch_add(1, Ordering::SeqCst));
        let resources = Arc::new(pool::Pool::new(factory, 4).unwrap());
        let workers = Arc::new(work::Pool::new(3));
        let done = Arc::new(AtomicUsize::new(0));
        let shared = (resources.clone(), workers.clone(), done.clone());
        together(move |_| {
            let (resources, workers, done) = &shared;
            for _ in 0..20 {
                let resource = resources.acquire().unwrap();
                workers.run(Add(done.clone()));
                resources.release(resource);
            }
        });
        let all = GOROUTINES + THREADS;
        assert!(resources.acquire().unwrap() < made.load(Ordering::SeqCst));
        blocking(|| std::thread::spawn(move || workers.shutdown()).join()).unwrap();
        assert_eq!(done.load(Ordering::SeqCst), all * 20);
    });
}

/// Catches a runner that needs a goroutine around it.
#[test]
fn a_runner_on_a_thread() {
    let ran = Arc::new(AtomicUsize::new(0));
    let mut runner = Runner::new(Duration::from_secs(60));
    for _ in 0..3 {
        let ran = ran.clone();
        runner.add(move |id| assert_eq!(ran.fetch_add(1, Ordering::SeqCst), id));
    }
    assert_eq!(runner.start(), Ok(()));
    assert_eq!(ran.load(Ordering::SeqCst), 3);
    let mut late = Runner::new(Duration::from_millis(20));
    late.add(|_| gors::time::sleep(Duration::from_secs(3600)));
    assert_eq!(late.start(), Err(runner::Error::Timeout));
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
