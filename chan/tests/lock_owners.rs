//! A channel's lock goes from worker to worker: owned by one, taken away by others, plain threads among
//! them. Debug builds give it to an owner after a few operations.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use gors_chan::{Chan, make};
use gors_runtime::{blocking, gomaxprocs, gosched, run, spawn};

const BURST: u64 = 40;
const ROUNDS: u64 = 200;

/// Sends a burst and takes it back, by itself: the worker becomes the lock's owner. The sum of what it got.
fn burst(chan: &Chan<u64>, first: u64) -> u64 {
    (first..first + BURST)
        .map(|value| {
            chan.send(value);
            chan.recv().expect("it is open")
        })
        .sum()
}

/// What all bursts of so many parties send.
fn expected(parties: u64) -> u64 {
    let all = parties * ROUNDS * BURST;
    all * (all - 1) / 2
}

/// Catches two inside the lock at once, or one that does not see what the other wrote: values are lost,
/// doubled or torn.
#[test]
fn goroutines_and_threads_take_the_lock_from_each_other() {
    const GOROUTINES: u64 = 4;
    const THREADS: u64 = 2;
    let before = gomaxprocs(4);
    let chan = make::<u64>(64);
    let sum = AtomicU64::new(0);
    let party = |number: u64, pause: fn()| {
        let mut own = 0_u64;
        for round in 0..ROUNDS {
            own += burst(&chan, (number * ROUNDS + round) * BURST);
            pause();
        }
        sum.fetch_add(own, Ordering::Relaxed);
    };
    thread::scope(|threads| {
        for number in 0..THREADS {
            let party = &party;
            threads.spawn(move || party(number, thread::yield_now));
        }
        run(|| {
            gors_runtime::scope(|scope| {
                for number in THREADS..THREADS + GOROUTINES {
                    let party = &party;
                    scope.go(move || party(number, gosched));
                }
            });
        });
    });
    gomaxprocs(before);
    assert!(chan.is_empty());
    assert_eq!(sum.into_inner(), expected(GOROUTINES + THREADS));
}

/// Catches a lock that stays with a worker whose thread does something else for long, or has ended.
#[test]
#[expect(clippy::disallowed_methods, reason = "the thread sleeps on purpose")]
fn an_owner_that_is_away_does_not_keep_the_lock() {
    run(|| {
        let chan = make::<u64>(64);
        let inner = chan.clone();
        let owner = spawn(move || {
            let got = burst(&inner, 0);
            // The worker stays the owner, and its thread leaves with this goroutine.
            gors_runtime::lock_os_thread();
            blocking(|| thread::sleep(std::time::Duration::from_millis(5)));
            got
        });
        let mut own = 0;
        while !owner.is_finished() {
            own += 1;
            burst(&chan, 0);
            gosched();
        }
        assert!(own > 0);
        assert!(owner.join().is_ok());
        burst(&chan, 0);
        let threads = thread::spawn(move || burst(&chan, 0)).join();
        assert_eq!(threads.unwrap(), BURST * (BURST - 1) / 2);
    });
}
