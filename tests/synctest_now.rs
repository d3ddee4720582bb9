//! What is due in the same instant, in a bubble of virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gors::prelude::*;
use gors::testing::{synctest, wait};
use gors::time::{self, Timer, after_func};

/// Catches a function or a wait that is due at once, and that others keep from coming as long as they do
/// not wait (Go's TestAfterFuncRunsImmediately).
#[test]
fn what_is_due_now_needs_no_pause() {
    synctest(|| {
        let begin = time::now();
        let seen = Arc::new(AtomicUsize::new(0));
        let counted = seen.clone();
        after_func(Duration::ZERO, move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        let (counted, never) = (seen.clone(), make::<()>(0));
        go!(move || {
            assert!(never.recv_timeout(Duration::ZERO).is_err());
            counted.fetch_add(1, Ordering::SeqCst);
        });
        while seen.load(Ordering::SeqCst) < 2 {
            gosched();
        }
        assert_eq!(time::now(), begin);
    });
}

/// Catches a `wait` that returns before functions that are due at once have run, and have come to wait
/// (Go's TestHappensBefore).
#[test]
fn wait_waits_for_what_is_due_now() {
    synctest(|| {
        let (ran, gate) = (Arc::new(AtomicUsize::new(0)), make::<()>(0));
        for _ in 0..2 {
            let (ran, gate) = (ran.clone(), gate.clone());
            after_func(Duration::ZERO, move || {
                ran.fetch_add(1, Ordering::SeqCst);
                gate.recv();
                ran.fetch_add(10, Ordering::SeqCst);
            });
        }
        wait();
        assert_eq!(ran.load(Ordering::SeqCst), 2);
        gate.close();
        wait();
        assert_eq!(ran.load(Ordering::SeqCst), 22);
    });
}

/// Catches an order of those that are due in one instant that is always the same (Go's
/// TestTimerNondeterminism, TestSleepNondeterminism).
#[test]
fn what_is_due_at_once_comes_in_any_order() {
    synctest(|| {
        const SOON: Duration = Duration::from_nanos(1);
        let begin = time::now();
        let mut timers = [false; 2];
        let mut sleepers = [false; 2];
        while timers != [true; 2] || sleepers != [true; 2] {
            let (one, two) = (Timer::new(SOON), Timer::new(SOON));
            let first = select! {
                recv(one.c()) -> _ => 0,
                recv(two.c()) -> _ => 1,
            };
            timers[first] = true;
            let woken = make(2);
            for n in 0..2 {
                let woken = woken.clone();
                go!(move || {
                    time::sleep(SOON);
                    woken.send(n);
                });
            }
            sleepers[woken.recv().unwrap()] = true;
            // Far more rounds than chance asks for.
            assert!(time::now() < begin + Duration::from_nanos(4_000));
            wait();
        }
    });
}
