//! Timers that run functions.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use common::at_all_permits;
use gors::prelude::*;
use gors::time::{Timer, after_func, func_timer, sleep};

const HOUR: Duration = Duration::from_secs(3600);

/// Catches functions that do not run, or whose timer's handle must be kept.
#[gors::test]
fn functions_run_in_goroutines_of_their_own() {
    at_all_permits(|_| {
        let ids = make::<u64>(100);
        for n in 0..100 {
            let ids = ids.clone();
            after_func(Duration::from_micros(n * 20), move || ids.send(goid()));
        }
        let mut seen = std::collections::HashSet::new();
        for _ in 0..100 {
            assert!(seen.insert(ids.recv().unwrap()));
        }
        assert!(!seen.contains(&goid()) && !seen.contains(&0));
    });
}

/// Catches a function that runs though `stop` said no, or does not though it said yes.
#[gors::test]
fn stop_tells_whether_it_runs() {
    at_all_permits(|_| {
        let wg = WaitGroup::new();
        for n in 0..300_u64 {
            let ran = Arc::new(AtomicBool::new(false));
            let (theirs, done) = (ran.clone(), make::<()>(1));
            let tell = done.clone();
            let timer = after_func(Duration::from_micros(n % 40), move || {
                theirs.store(true, Ordering::SeqCst);
                tell.send(());
            });
            wg.go(move || {
                sleep(Duration::from_micros(n % 50));
                if timer.stop() {
                    sleep(Duration::from_millis(1));
                    assert!(!ran.load(Ordering::SeqCst), "stopped, and ran");
                } else {
                    done.recv();
                }
            });
        }
        wg.wait();
    });
}

/// Catches resets that arm nothing, twice, or what has run already.
#[gors::test]
fn resets() {
    let runs = Arc::new(AtomicUsize::new(0));
    let (counted, ran) = (runs.clone(), make::<()>(0));
    let tell = ran.clone();
    let timer = after_func(HOUR, move || {
        counted.fetch_add(1, Ordering::SeqCst);
        tell.send(());
    });
    assert!(timer.reset(HOUR));
    assert!(timer.stop());
    assert!(!timer.stop());
    assert!(!timer.reset(Duration::from_millis(1)), "it was stopped");
    ran.recv();
    assert!(!timer.reset(Duration::ZERO), "it has run");
    sleep(Duration::from_millis(5));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert!(timer.c().try_recv().is_err());
}

/// Catches a function that runs once where it should run again.
#[gors::test]
fn functions_that_run_again() {
    at_all_permits(|_| {
        let ran = make::<()>(0);
        let tell = ran.clone();
        let timer = func_timer(Duration::ZERO, move || tell.send(()));
        for _ in 0..50 {
            ran.recv();
            timer.reset(Duration::from_micros(10));
        }
        ran.recv();
        assert!(!timer.stop());
    });
}

/// Catches captures that are never dropped, or dropped twice, in every way a timer can end.
#[gors::test]
fn captures_are_dropped_once() {
    let counted = Arc::new(());
    let holds = || {
        let counted = counted.clone();
        move || drop(counted)
    };
    assert!(after_func(HOUR, holds()).stop());
    drop(after_func(Duration::ZERO, holds()));
    let timer = after_func(HOUR, holds());
    timer.reset(Duration::ZERO);
    let again = {
        let counted = counted.clone();
        func_timer(Duration::ZERO, move || {
            let _ = Arc::strong_count(&counted);
        })
    };
    again.stop();
    drop((timer, again));
    while Arc::strong_count(&counted) > 1 {
        sleep(Duration::from_millis(1));
    }
}

/// Catches resets and stops of one timer from everywhere that lose it or run it too often.
#[gors::test]
fn hammer() {
    at_all_permits(|_| {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        let timer = Arc::new(func_timer(HOUR, move || {
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        let armed = Arc::new(AtomicUsize::new(1));
        let wg = WaitGroup::new();
        let work = {
            let (timer, armed) = (timer.clone(), armed.clone());
            move |n: u64| {
                for round in 0..200 {
                    if (n + round).is_multiple_of(3) {
                        if timer.stop() {
                            armed.fetch_sub(1, Ordering::SeqCst);
                        }
                    } else if !timer.reset(Duration::from_micros(n * round % 40)) {
                        armed.fetch_add(1, Ordering::SeqCst);
                    }
                    if round % 7 == 0 {
                        gosched();
                    }
                }
            }
        };
        for n in 0..8 {
            let work = work.clone();
            wg.go(move || work(n));
        }
        let thread = std::thread::spawn(move || work(9));
        wg.wait();
        blocking(|| thread.join()).unwrap();
        if timer.stop() {
            armed.fetch_sub(1, Ordering::SeqCst);
        }
        // Every arming that was not stopped runs, exactly once.
        while runs.load(Ordering::SeqCst) < armed.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_millis(2));
        assert_eq!(runs.load(Ordering::SeqCst), armed.load(Ordering::SeqCst));
    });
}

/// Catches a chain of timers that stops (Go's TestAfterStress), beside a channel timer.
#[gors::test]
fn a_chain_of_functions() {
    fn chain(n: u32, done: Chan<()>) {
        after_func(Duration::ZERO, move || {
            if n == 0 {
                done.send(());
            } else {
                chain(n - 1, done);
            }
        });
    }
    at_all_permits(|_| {
        let done = make(0);
        chain(1_000, done.clone());
        let late = Timer::new(Duration::from_secs(30));
        select! {
            recv(done) -> _ => {}
            recv(late.c()) -> _ => unreachable!("the chain has stopped"),
        }
    });
}

/// Catches a timer that nobody fires because every worker was asleep, or none existed.
#[test]
fn from_a_plain_thread() {
    for _ in 0..20 {
        let done = gors::make::<()>(1);
        let tell = done.clone();
        after_func(Duration::from_millis(1), move || tell.send(()));
        assert!(done.recv_timeout(Duration::from_secs(10)).is_ok());
    }
}
