//! `WaitGroup`: counting, reuse, misuse, in goroutines and on plain threads.

#[path = "support/child.rs"]
mod child;
mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Meeting, at_all_permits, panic_text, spawn_blocked};
use gors::prelude::*;

/// Catches a wait that returns early, or never; in rounds, as a group may be used again.
#[gors::test]
fn waits_for_all_round_after_round() {
    at_all_permits(|_| {
        let wg = WaitGroup::new();
        for round in 1..=200 {
            let ended = Arc::new(AtomicUsize::new(0));
            for _ in 0..round % 17 {
                wg.add(1);
                let (wg, ended) = (wg.clone(), ended.clone());
                go!(move || {
                    ended.fetch_add(1, Ordering::Relaxed);
                    wg.done();
                });
            }
            wg.wait();
            assert_eq!(ended.load(Ordering::Relaxed), round % 17);
        }
    });
}

/// Catches waiters that are forgotten when many wait.
#[gors::test]
fn all_waiters_are_woken() {
    at_all_permits(|_| {
        for _ in 0..100 {
            let (wg, all) = (WaitGroup::new(), WaitGroup::new());
            wg.add(1);
            for _ in 0..20 {
                let wg = wg.clone();
                all.go(move || wg.wait());
            }
            let theirs = wg.clone();
            let thread = std::thread::spawn(move || theirs.wait());
            gosched();
            wg.done();
            all.wait();
            blocking(|| thread.join()).unwrap();
        }
    });
}

/// Catches a spurious return when `add` and `done` run beside `wait` (Go's TestWaitGroupRace).
#[gors::test]
fn race() {
    at_all_permits(|_| {
        for _ in 0..1_000 {
            let wg = WaitGroup::new();
            let n = Arc::new(AtomicUsize::new(0));
            for _ in 0..2 {
                wg.add(1);
                let (wg, n) = (wg.clone(), n.clone());
                go!(move || {
                    n.fetch_add(1, Ordering::Relaxed);
                    wg.done();
                });
            }
            wg.wait();
            assert_eq!(n.load(Ordering::Relaxed), 2);
        }
    });
}

/// Catches misuse that passes in silence, and words that are not Go's.
#[gors::test]
fn a_negative_counter_panics() {
    let wg = WaitGroup::new();
    assert_eq!(panic_text(|| wg.done()), "sync: negative WaitGroup counter");
    let wg = WaitGroup::new();
    wg.add(1);
    wg.done();
    assert_eq!(
        panic_text(|| wg.add(-1)),
        "sync: negative WaitGroup counter"
    );
}

/// Catches a group that is used again too early in silence. With one permit the woken goroutine runs
/// only when this one waits.
#[test]
fn reuse_before_wait_has_returned_panics() {
    let alone = [("GOMAXPROCS", "1")];
    let ended = child::run("reuse_before_wait_has_returned_panics", &alone, || {
        gors::run(|| {
            let wg = WaitGroup::new();
            wg.add(1);
            let theirs = wg.clone();
            let waiter = spawn_blocked(move || panic_text(|| theirs.wait()));
            wg.done();
            wg.add(1);
            println!("{}", waiter.join().unwrap());
        });
    });
    ended.assert_success();
    let words = "sync: WaitGroup is reused before previous Wait has returned\n";
    assert!(ended.stdout.contains(words), "{ended:#?}");
}

/// Catches a counter in a clone that is not the original's, whenever the clone was made.
#[gors::test]
fn clones_are_one_group() {
    let wg = WaitGroup::new();
    let early = wg.clone();
    wg.add(2);
    let late = early.clone();
    late.done();
    early.done();
    wg.wait();
    late.wait();
}

/// Catches a `wait` on a fresh group that blocks.
#[gors::test]
fn an_unused_group_waits_for_nothing() {
    static WG: WaitGroup = WaitGroup::new();
    WG.wait();
    assert!(WG.wait_timeout(Duration::ZERO));
    assert_eq!(format!("{WG:?}"), "WaitGroup { counter: 0, .. }");
}

/// Catches timeouts that spoil the count of those who wait.
#[gors::test]
fn timeouts_among_waits() {
    at_all_permits(|_| {
        for _ in 0..50 {
            let (wg, all) = (WaitGroup::new(), WaitGroup::new());
            wg.add(1);
            for n in 0..10_u64 {
                let wg = wg.clone();
                all.go(move || {
                    if n % 2 == 0 {
                        while !wg.wait_timeout(Duration::from_micros(50 * n)) {}
                    } else {
                        wg.wait();
                    }
                });
            }
            gors::time::sleep(Duration::from_micros(300));
            wg.done();
            all.wait();
        }
    });
}

/// Catches a wait that gave up and leaves behind what makes it misuse to add beside the last `done`: the
/// group is in use, and nobody waits.
#[test]
fn a_wait_that_gave_up_forbids_nothing() {
    const ROUNDS: usize = 20_000;
    let (wg, meeting) = (WaitGroup::new(), Meeting::default());
    // A panic in a round would leave the other thread alone.
    let fails = |f: &dyn Fn()| catch_unwind(AssertUnwindSafe(f)).is_err();
    let mut wrong = 0;
    std::thread::scope(|threads| {
        let other = threads.spawn(|| {
            let mut wrong = 0;
            for round in 0..ROUNDS {
                meeting.meet(2 * round + 1);
                for _ in 0..round % 16 {
                    std::hint::spin_loop();
                }
                wrong += usize::from(fails(&|| wg.add(1)));
                meeting.meet(2 * round + 2);
            }
            wrong
        });
        for round in 0..ROUNDS {
            wg.add(1);
            wrong += usize::from(wg.wait_timeout(Duration::ZERO));
            meeting.meet(2 * round + 1);
            wrong += usize::from(fails(&|| wg.done()));
            meeting.meet(2 * round + 2);
            wg.done();
        }
        wrong += other.join().unwrap();
    });
    assert_eq!(wrong, 0, "in {ROUNDS} rounds");
    assert!(wg.wait_timeout(Duration::ZERO));
}

/// Catches a `go` that forgets `done` when its function ends by `goexit`.
#[gors::test]
fn go_is_done_on_return_and_on_goexit() {
    let wg = WaitGroup::new();
    let ran = Arc::new(AtomicUsize::new(0));
    for n in 0..10 {
        let ran = ran.clone();
        wg.go(move || {
            ran.fetch_add(1, Ordering::Relaxed);
            if n % 2 == 0 {
                goexit();
            }
        });
    }
    wg.wait();
    assert_eq!(ran.load(Ordering::Relaxed), 10);
}
