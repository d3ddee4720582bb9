//! `Semaphore`: never too many, first come first served, limits.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{at_all_permits, panic_text, spawn_blocked};
use gors::context::{self, Context, ContextError};
use gors::prelude::*;
use gors::sync::Semaphore;

/// Catches tokens that are given out twice or get lost, with goroutines, threads, timeouts and
/// cancellations at the same time.
#[gors::test]
fn hammer() {
    fn work(semaphore: &Semaphore, held: &AtomicUsize, size: usize, n: usize, round: u64) {
        let weight = n % size + 1;
        let patience = Duration::from_micros(n as u64 * 11 + round % 50);
        let taken = match n % 4 {
            0 => {
                semaphore.acquire(weight);
                true
            }
            1 => semaphore.acquire_timeout(weight, patience),
            2 => {
                let (ctx, cancel) = context::with_timeout(&Context::background(), patience);
                let taken = semaphore.acquire_ctx(&ctx, weight).is_ok();
                cancel.cancel();
                taken
            }
            _ => semaphore.try_acquire(weight),
        };
        if taken {
            let now = held.fetch_add(weight, Ordering::SeqCst) + weight;
            assert!(now <= size, "{now} of {size} tokens are held");
            if round.is_multiple_of(3) {
                gosched();
            }
            held.fetch_sub(weight, Ordering::SeqCst);
            semaphore.release(weight);
        }
    }
    at_all_permits(|_| {
        for size in [1, 2, 5] {
            let semaphore = Arc::new(Semaphore::new(size));
            let held = Arc::new(AtomicUsize::new(0));
            let wg = WaitGroup::new();
            let threads: Vec<_> = (0..2)
                .map(|n| {
                    let (semaphore, held) = (semaphore.clone(), held.clone());
                    std::thread::spawn(move || {
                        for round in 0..300 {
                            work(&semaphore, &held, size, n, round);
                        }
                    })
                })
                .collect();
            for n in 0..12 {
                let (semaphore, held) = (semaphore.clone(), held.clone());
                wg.go(move || {
                    for round in 0..300 {
                        work(&semaphore, &held, size, n, round);
                    }
                });
            }
            wg.wait();
            for thread in threads {
                blocking(|| thread.join()).unwrap();
            }
            assert_eq!(semaphore.available(), size);
        }
    });
}

/// Catches a large request that small ones overtake (x/sync's TestLargeAcquireDoesntStarve).
#[gors::test]
fn a_large_request_is_not_starved() {
    at_all_permits(|_| {
        let semaphore = Arc::new(Semaphore::new(4));
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let wg = WaitGroup::new();
        for _ in 0..4 {
            semaphore.acquire(1);
            let (semaphore, stop) = (semaphore.clone(), stop.clone());
            wg.go(move || {
                while !stop.load(Ordering::Relaxed) {
                    gors::time::sleep(Duration::from_millis(1));
                    semaphore.release(1);
                    semaphore.acquire(1);
                }
                semaphore.release(1);
            });
        }
        semaphore.acquire(4);
        stop.store(true, Ordering::Relaxed);
        semaphore.release(4);
        wg.wait();
    });
}

/// Catches a cancelled request that keeps those behind it waiting
/// (x/sync's TestAllocCancelDoesntStarve).
#[gors::test]
fn a_cancelled_request_makes_room() {
    at_all_permits(|_| {
        let semaphore = Arc::new(Semaphore::new(10));
        semaphore.acquire(1);
        let (ctx, cancel) = context::with_cancel(&Context::background());
        let theirs = semaphore.clone();
        let large = spawn_blocked(move || theirs.acquire_ctx(&ctx, 10));
        let theirs = semaphore.clone();
        // Blocks: small ones wait behind large ones.
        let small = spawn_blocked(move || theirs.acquire(1));
        cancel.cancel();
        assert_eq!(large.join().unwrap(), Err(ContextError::Canceled));
        small.join().unwrap();
    });
}

/// Catches an impossible request that keeps others waiting, or that returns.
#[gors::test]
fn an_impossible_request_waits_alone() {
    let semaphore = Arc::new(Semaphore::new(1));
    let theirs = semaphore.clone();
    let impossible = spawn_blocked(move || theirs.acquire_timeout(2, Duration::from_secs(1)));
    semaphore.acquire(1);
    semaphore.release(1);
    assert!(!impossible.join().unwrap());
}

/// Catches free tokens that win over a cancelled context (x/sync's TestAcquireCanceled).
#[gors::test]
fn a_cancelled_context_wins() {
    let semaphore = Semaphore::new(2);
    let (ctx, cancel) = context::with_cancel(&Context::background());
    cancel.cancel();
    assert_eq!(semaphore.acquire_ctx(&ctx, 1), Err(ContextError::Canceled));
    assert_eq!(semaphore.available(), 2);
}

/// Catches tokens that are given back after a cancellation, and that win over it: the request was
/// waiting, and the cancellation came first (x/sync's TestAcquireCanceled, #63615).
#[gors::test]
fn a_cancellation_wins_over_a_later_release() {
    at_all_permits(|_| {
        for _ in 0..100 {
            let semaphore = Arc::new(Semaphore::new(2));
            let (ctx, cancel) = context::with_cancel(&Context::background());
            let below = context::with_cancel(&ctx).0;
            semaphore.acquire(1);
            let theirs = semaphore.clone();
            let other = spawn(move || {
                // Until the request of two is in the queue.
                while theirs.try_acquire(1) {
                    theirs.release(1);
                    gosched();
                }
                cancel.cancel();
                theirs.release(1);
            });
            let taken = semaphore.acquire_ctx(&below, 2);
            assert_eq!(taken, Err(ContextError::Canceled));
            other.join().unwrap();
            assert!(semaphore.try_acquire(2));
        }
    });
}

/// Catches more tokens than there were, and words that are not Go's.
#[gors::test]
fn releasing_too_much_panics() {
    let semaphore = Semaphore::new(1);
    assert_eq!(
        panic_text(|| semaphore.release(1)),
        "semaphore: released more than held"
    );
    assert!(semaphore.try_acquire(1));
    semaphore.release(1);
}

/// Catches a guard that keeps its tokens.
#[gors::test]
fn guards_give_back() {
    let semaphore = Semaphore::new(3);
    let guard = semaphore.acquire_guard(2);
    assert_eq!(semaphore.available(), 1);
    drop(guard);
    assert_eq!(semaphore.available(), 3);
}
