//! `Condvar`: order of arrival, no spurious and no lost wake-ups, limits.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{at_all_permits, spawn_blocked};
use gors::context::{self, Context, ContextError};
use gors::prelude::*;
use gors::sync::{Condvar, Mutex};

struct Shared {
    mutex: Mutex<usize>,
    condvar: Condvar,
}

fn shared() -> Arc<Shared> {
    Arc::new(Shared {
        mutex: Mutex::new(0),
        condvar: Condvar::new(),
    })
}

/// Catches a notification that wakes none or two (Go's TestCondSignal).
#[gors::test]
fn one_notification_wakes_one() {
    at_all_permits(|_| {
        const N: usize = 10;
        let shared = shared();
        let (running, awake) = (make::<()>(N), make::<()>(N));
        for _ in 0..N {
            let (shared, running, awake) = (shared.clone(), running.clone(), awake.clone());
            go!(move || {
                let mut guard = shared.mutex.lock();
                running.send(());
                shared.condvar.wait(&mut guard);
                awake.send(());
            });
        }
        for _ in 0..N {
            running.recv();
        }
        for left in (0..N).rev() {
            let guard = shared.mutex.lock();
            assert!(shared.condvar.notify_one());
            drop(guard);
            awake.recv();
            assert!(awake.try_recv().is_err(), "too many awake, {left} left");
        }
        assert!(!shared.condvar.notify_one(), "nobody is left");
    });
}

/// Catches wake-ups out of order (Go's TestCondSignalGenerations).
#[gors::test]
fn notifications_go_in_order_of_arrival() {
    at_all_permits(|_| {
        const N: usize = 100;
        let shared = shared();
        let (running, awake) = (make::<()>(0), make::<usize>(N));
        for i in 0..N {
            let theirs = (shared.clone(), running.clone(), awake.clone());
            go!(move || {
                let (shared, running, awake) = theirs;
                let mut guard = shared.mutex.lock();
                running.send(());
                shared.condvar.wait(&mut guard);
                awake.send(i);
            });
            // It has the lock now, and opens it only as a waiter.
            running.recv();
            drop(shared.mutex.lock());
        }
        for i in 0..N {
            shared.condvar.notify_one();
            assert_eq!(awake.recv(), Some(i));
        }
    });
}

/// Catches a broadcast that forgets somebody (Go's TestCondBroadcast, with threads among them).
#[gors::test]
fn broadcast() {
    at_all_permits(|_| {
        const N: usize = 50;
        let shared = shared();
        let here = Arc::new(AtomicUsize::new(0));
        let rounds = 20;
        let waits = move |shared: &Shared, here: &AtomicUsize| {
            for round in 0..rounds {
                let mut guard = shared.mutex.lock();
                here.fetch_add(1, Ordering::SeqCst);
                while *guard <= round {
                    shared.condvar.wait(&mut guard);
                }
            }
        };
        let wg = WaitGroup::new();
        for _ in 0..N {
            let (shared, here) = (shared.clone(), here.clone());
            wg.go(move || waits(&shared, &here));
        }
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (shared, here) = (shared.clone(), here.clone());
                std::thread::spawn(move || waits(&shared, &here))
            })
            .collect();
        for round in 0..rounds {
            while here.load(Ordering::SeqCst) < (round + 1) * (N + 3) {
                gosched();
            }
            *shared.mutex.lock() += 1;
            shared.condvar.notify_all();
        }
        wg.wait();
        for thread in threads {
            blocking(|| thread.join()).unwrap();
        }
    });
}

/// Catches a notification lost between queueing and parking (Go's TestCondSignalStealing).
#[gors::test]
fn a_waiter_that_is_not_parked_yet_is_notified() {
    at_all_permits(|_| {
        for _ in 0..1_000 {
            let shared = shared();
            let (ready, done) = (make::<()>(0), make::<()>(2));
            let theirs = (shared.clone(), ready.clone(), done.clone());
            go!(move || {
                let (shared, ready, done) = theirs;
                let mut guard = shared.mutex.lock();
                ready.send(());
                shared.condvar.wait(&mut guard);
                drop(guard);
                done.send(());
            });
            ready.recv();
            // The first waiter is queued, perhaps not parked.
            drop(shared.mutex.lock());
            let theirs = (shared.clone(), done.clone());
            go!(move || {
                let (shared, done) = theirs;
                let mut guard = shared.mutex.lock();
                shared.condvar.wait_while(&mut guard, |n| *n == 0);
                drop(guard);
                done.send(());
            });
            shared.condvar.notify_one();
            done.recv();
            *shared.mutex.lock() = 1;
            shared.condvar.notify_all();
            done.recv();
        }
    });
}

/// Catches a wake-up that comes before the condition holds: here each waits once, and in no loop (Go's
/// TestRace of conditions).
#[gors::test]
fn who_is_woken_finds_what_it_was_woken_for() {
    at_all_permits(|_| {
        for _ in 0..50 {
            let shared = shared();
            let wg = WaitGroup::new();
            let first = shared.clone();
            wg.go(move || {
                let mut step = first.mutex.lock();
                *step = 1;
                first.condvar.wait(&mut step);
                assert_eq!(*step, 2);
                *step = 3;
                first.condvar.notify_one();
            });
            let second = shared.clone();
            wg.go(move || {
                loop {
                    let mut step = second.mutex.lock();
                    if *step == 1 {
                        *step = 2;
                        second.condvar.notify_one();
                        return;
                    }
                    drop(step);
                    gosched();
                }
            });
            wg.go(move || {
                loop {
                    let mut step = shared.mutex.lock();
                    if *step == 2 {
                        shared.condvar.wait(&mut step);
                        assert_eq!(*step, 3);
                    }
                    if *step == 3 {
                        return;
                    }
                    drop(step);
                    gosched();
                }
            });
            wg.wait();
        }
    });
}

/// Catches waits that end early, never, or without the lock.
#[gors::test]
fn timed_waits() {
    let shared = shared();
    let mut guard = shared.mutex.lock();
    let start = Instant::now();
    let wait = shared
        .condvar
        .wait_for(&mut guard, Duration::from_millis(20));
    assert!(wait.timed_out());
    assert!(start.elapsed() >= Duration::from_millis(20));
    assert!(shared.mutex.is_locked());
    let wait = shared
        .condvar
        .wait_while_for(&mut guard, |_| true, Duration::from_millis(5));
    assert!(wait.timed_out());
}

/// Catches waiters whose deadline and notification meet, in all kinds of waits.
#[gors::test]
fn notifications_among_timeouts_and_cancellations() {
    at_all_permits(|_| {
        let shared = shared();
        let wg = WaitGroup::new();
        for n in 0..12_u64 {
            let shared = shared.clone();
            wg.go(move || {
                for round in 0..200 {
                    let patience = Duration::from_micros(n * 9 + round % 60);
                    let mut guard = shared.mutex.lock();
                    if n % 2 == 0 {
                        let _ = shared.condvar.wait_for(&mut guard, patience);
                    } else {
                        let (ctx, cancel) = context::with_timeout(&Context::background(), patience);
                        let _ = shared.condvar.wait_ctx(&mut guard, &ctx);
                        cancel.cancel();
                    }
                    *guard += 1;
                }
            });
        }
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let notifier = {
            let (shared, stop) = (shared.clone(), stop.clone());
            spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    shared.condvar.notify_one();
                    gosched();
                    shared.condvar.notify_all();
                    gors::time::sleep(Duration::from_micros(30));
                }
            })
        };
        wg.wait();
        stop.store(true, Ordering::Relaxed);
        notifier.join().unwrap();
        assert_eq!(*shared.mutex.lock(), 12 * 200);
        assert!(!shared.condvar.notify_one());
    });
}

/// Catches a cancelled wait that takes a notification with it.
#[gors::test]
fn a_cancelled_wait_leaves_the_notification_to_others() {
    let shared = shared();
    let (ctx, cancel) = context::with_cancel(&Context::background());
    let theirs = shared.clone();
    let cancelled = spawn_blocked(move || {
        let mut guard = theirs.mutex.lock();
        theirs.condvar.wait_ctx(&mut guard, &ctx)
    });
    let theirs = shared.clone();
    let notified = spawn_blocked(move || {
        let mut guard = theirs.mutex.lock();
        theirs.condvar.wait(&mut guard);
    });
    cancel.cancel();
    assert_eq!(cancelled.join().unwrap(), Err(ContextError::Canceled));
    assert!(shared.condvar.notify_one());
    notified.join().unwrap();
}
