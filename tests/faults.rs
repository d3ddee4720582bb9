//! The operating system refuses: no thread, no memory, no guard, no sleep. Nothing hangs, nothing is
//! lost, and where the program cannot go on it says why.

#[path = "support/child.rs"]
mod child;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use gors::prelude::*;
use gors::signal::{self, Signal};

/// Goroutines that wait for each other in pairs, sleep, and add up.
fn work(goroutines: u64) {
    let sum = Arc::new(AtomicU64::new(0));
    let wg = WaitGroup::new();
    for n in 0..goroutines {
        let c = make(0);
        let (sender, sum) = (c.clone(), Arc::clone(&sum));
        wg.go(move || sender.send(n));
        wg.go(move || {
            let begin = Instant::now();
            let nap = Duration::from_micros(n % 7 * 300);
            gors::time::sleep(nap);
            assert!(begin.elapsed() >= nap, "a sleep was cut short");
            sum.fetch_add(c.recv().expect("nobody closes"), Ordering::Relaxed);
        });
    }
    wg.wait();
    let expected = goroutines * (goroutines - 1) / 2;
    assert_eq!(sum.load(Ordering::Relaxed), expected);
}

/// Catches a stack that is lost, or a goroutine that is forgotten, when a system call fails on the way
/// to a stack. Each failing call has its run.
#[test]
fn work_gets_done_though_calls_fail() {
    for faults in [
        "reserve=2",
        "reserve=2,reserve=3,reserve=4,reserve=5",
        "commit=3",
        "commit=1/2",
        "guard=1",
        "guard=20+",
        "guard=1+,protect=1/3",
        "discard=1+",
        "thread=3",
        "thread=3+",
        "thread=1/2",
        "wait=1/2",
        "wait=1/3,sleep=1/2",
        "commit=1/2,discard=1/2,guard=30+,protect=1/4,thread=1/2,wait=1/3,sleep=1/3",
    ] {
        for procs in ["1", "4"] {
            let mut environment = vec![("GORS_FAULTS", faults), ("GOMAXPROCS", procs)];
            if faults.contains("thread") {
                // Nobody changes threads where there is one.
                environment.push(child::NO_AUDIT);
            }
            let ended = child::run("work_gets_done_though_calls_fail", &environment, || {
                run(|| {
                    work(300);
                    gors::runtime::free_os_memory();
                    work(50);
                });
            });
            assert_eq!(ended.code, Some(0), "{faults}, {procs}: {ended:#?}");
        }
    }
}

/// Catches a waiter that is parked where the one that opens the lock does not see it: the kernel has no
/// barriers, or refuses them when a lock already counts on them.
#[test]
fn locks_do_without_barriers() {
    for faults in ["register=1", "barrier=1+", "barrier=2+", "barrier=1/2"] {
        for procs in ["1", "4"] {
            let environment = [("GORS_FAULTS", faults), ("GOMAXPROCS", procs)];
            let ended = child::run("locks_do_without_barriers", &environment, || {
                run(|| {
                    let mutex = Arc::new(gors::sync::Mutex::new(0));
                    for round in 1..=4 {
                        // Until the lock is opened without a fence.
                        for _ in 0..10_000 {
                            drop(mutex.lock());
                        }
                        let guard = mutex.lock();
                        let wg = WaitGroup::new();
                        for _ in 0..2 {
                            let mutex = Arc::clone(&mutex);
                            wg.go(move || {
                                assert!(mutex.try_lock_for(Duration::from_millis(1)).is_none());
                            });
                        }
                        wg.wait();
                        for n in 0..8 {
                            let mutex = Arc::clone(&mutex);
                            wg.go(move || {
                                for _ in 0..50 {
                                    let mut count = mutex.lock();
                                    *count += 1;
                                    if n % 2 == 0 {
                                        gosched();
                                    }
                                }
                            });
                        }
                        gosched();
                        drop(guard);
                        wg.wait();
                        assert_eq!(*mutex.lock(), round * 400);
                    }
                });
            });
            assert_eq!(ended.code, Some(0), "{faults}, {procs}: {ended:#?}");
        }
    }
}

/// Catches a `go!` that runs without a guard, or hangs in silence, when no further stack can be had.
#[test]
fn without_further_stacks_goroutines_wait_for_those_there_are() {
    // The first step of 4 MiB holds 16 stacks.
    let environment = [("GORS_FAULTS", "commit=3+"), ("GOMAXPROCS", "2")];
    let ended = child::run(
        "without_further_stacks_goroutines_wait_for_those_there_are",
        &environment,
        || {
            run(|| {
                let wg = WaitGroup::new();
                for _ in 0..1_000 {
                    wg.go(|| gors::time::sleep(Duration::from_micros(100)));
                }
                wg.wait();
            });
        },
    );
    ended.assert_success();
}

/// Catches a stack that comes free and does not go to who waits for one.
#[test]
fn a_stack_that_comes_free_serves_the_next() {
    let environment = [("GORS_FAULTS", "commit=3+"), ("GOMAXPROCS", "2")];
    let ended = child::run(
        "a_stack_that_comes_free_serves_the_next",
        &environment,
        || {
            run(|| {
                let c = make::<()>(0);
                for _ in 0..100 {
                    let c = c.clone();
                    go!(move || {
                        c.recv();
                    });
                }
                // All that can have a stack have it, and wait.
                while gors::runtime::stats().goroutines_waiting < 15 {
                    gosched();
                }
                assert!(gors::runtime::stats().goroutines_runnable > 50);
                for _ in 0..100 {
                    c.send(());
                }
            });
        },
    );
    ended.assert_success();
}

/// Catches a wait for ever where `blocking` keeps the only thread there is, and what it waits for needs
/// another.
#[test]
fn no_thread_beside_the_blocked_one_is_fatal() {
    let environment = [("GORS_FAULTS", "thread=3+"), ("GOMAXPROCS", "1")];
    let ended = child::run(
        "no_thread_beside_the_blocked_one_is_fatal",
        &environment,
        || {
            run(|| blocking(|| work(50)));
        },
    );
    ended.assert_fatal("fatal error: thread exhaustion");
}

/// Catches a program that goes on without its monitor.
#[test]
fn no_thread_at_all_is_fatal() {
    for faults in ["thread=1", "thread=2+"] {
        let ended = child::run(
            "no_thread_at_all_is_fatal",
            &[("GORS_FAULTS", faults)],
            || run(|| work(2)),
        );
        ended.assert_fatal("fatal error: thread exhaustion");
        assert!(
            ended.stderr.contains("cannot create a thread"),
            "{ended:#?}"
        );
    }
}

/// Catches a reservation that is given up too early, or an unclear end when there is none at all.
#[test]
fn no_address_space_is_fatal() {
    let ended = child::run(
        "no_address_space_is_fatal",
        &[("GORS_FAULTS", "reserve=1+")],
        || run(|| work(2)),
    );
    ended.assert_fatal("fatal error: out of memory");
}

/// Catches a subscription that nobody serves because its thread could not be made.
#[test]
fn signals_are_had_at_the_second_attempt() {
    // sysmon, a worker for `run`; then, with nothing to do for a second one, the thread of the signals.
    let environment = [("GORS_FAULTS", "thread=3"), ("GOMAXPROCS", "1")];
    let ended = child::run(
        "signals_are_had_at_the_second_attempt",
        &environment,
        || {
            run(|| {
                let signals = make(1);
                let attempt = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    signal::notify(&signals, &[Signal::USER1]);
                }));
                if attempt.is_err() {
                    eprintln!("refused once");
                    signal::notify(&signals, &[Signal::USER1]);
                }
                Signal::USER1.raise().expect("a signal to ourselves");
                assert_eq!(signals.recv(), Some(Signal::USER1));
                signal::stop(&signals);
            });
        },
    );
    ended.assert_success();
}

/// Catches a mistyped request that is ignored: a test that tests nothing.
#[test]
fn nonsense_is_refused() {
    let ended = child::run("nonsense_is_refused", &[("GORS_FAULTS", "rain=1")], || {
        run(|| work(2));
    });
    ended.assert_fatal("GORS_FAULTS=rain=1: expected something like");
}
