//! `explore` finds planted bugs, each within a thousand seeds, and passes the same program without the bug.

#[path = "support/failure.rs"]
mod failure;
#[path = "support/child.rs"]
mod support;

use std::sync::Arc;

use failure::text_of_failure;
use gors::prelude::*;
use gors::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use gors::sync::{Condvar, Mutex, RwLock, Semaphore};
use gors::testing::explore;

const SEEDS: usize = 1000;

/// The message with which exploring `body` fails.
#[track_caller]
fn failure(body: impl Fn() + Send + Sync + 'static) -> String {
    text_of_failure(|| explore(SEEDS, body))
}

/// A waiter that announces itself after it has looked.
fn lost_wake_up(announce_first: bool) {
    let ready = Arc::new(AtomicBool::new(false));
    let waits = Arc::new(AtomicBool::new(false));
    let bell = make::<()>(1);
    let waiter = {
        let (ready, waits, bell) = (ready.clone(), waits.clone(), bell.clone());
        spawn(move || {
            if announce_first {
                waits.store(true, Ordering::SeqCst);
            }
            if !ready.load(Ordering::SeqCst) {
                waits.store(true, Ordering::SeqCst);
                bell.recv();
            }
        })
    };
    ready.store(true, Ordering::SeqCst);
    if waits.load(Ordering::SeqCst) {
        bell.send(());
    }
    waiter.join().unwrap();
}

#[test]
fn finds_a_lost_wake_up() {
    let text = failure(|| lost_wake_up(false));
    assert!(text.contains("deadlock"), "{text}");
    assert!(text.contains("chan receive"), "{text}");
    explore(SEEDS, || lost_wake_up(true));
}

/// As above with a condition variable: the flag is changed without the lock.
fn careless_notify(under_lock: bool) {
    let shared = Arc::new((Mutex::new(()), Condvar::new(), AtomicBool::new(false)));
    let theirs = shared.clone();
    let waiter = spawn(move || {
        let (mutex, condvar, ready) = &*theirs;
        let mut guard = mutex.lock();
        while !ready.load(Ordering::SeqCst) {
            condvar.wait(&mut guard);
        }
    });
    let (mutex, condvar, ready) = &*shared;
    let guard = under_lock.then(|| mutex.lock());
    ready.store(true, Ordering::SeqCst);
    condvar.notify_one();
    drop(guard);
    waiter.join().unwrap();
}

#[test]
fn finds_a_notify_beside_the_lock() {
    let text = failure(|| careless_notify(false));
    assert!(text.contains("sync.Cond.Wait"), "{text}");
    explore(SEEDS, || careless_notify(true));
}

/// Two goroutines that take two locks.
fn two_locks(same_order: bool) {
    let locks = Arc::new((Mutex::new(0), Mutex::new(0)));
    let wg = WaitGroup::new();
    for turned in [false, !same_order] {
        let locks = locks.clone();
        wg.go(move || {
            let (first, second) = if turned {
                (&locks.1, &locks.0)
            } else {
                (&locks.0, &locks.1)
            };
            let mut first = first.lock();
            let mut second = second.lock();
            *first += 1;
            *second += 1;
        });
    }
    wg.wait();
}

#[test]
fn finds_a_lock_order_deadlock() {
    let text = failure(|| two_locks(false));
    assert!(
        text.contains("deadlock: all goroutines in bubble are blocked"),
        "{text}"
    );
    assert_eq!(text.matches("sync.Mutex.Lock").count(), 2, "{text}");
    explore(SEEDS, || two_locks(true));
}

/// Three philosophers, the last one left-handed or not.
fn philosophers(left_handed: bool) {
    let forks: Arc<[Semaphore; 3]> = Arc::new(std::array::from_fn(|_| Semaphore::new(1)));
    let wg = WaitGroup::new();
    for seat in 0..3 {
        let forks = forks.clone();
        wg.go(move || {
            let (mut first, mut second) = (seat, (seat + 1) % 3);
            if left_handed && seat == 2 {
                std::mem::swap(&mut first, &mut second);
            }
            forks[first].acquire(1);
            forks[second].acquire(1);
            forks[second].release(1);
            forks[first].release(1);
        });
    }
    wg.wait();
}

#[test]
fn finds_hungry_philosophers() {
    let text = failure(|| philosophers(false));
    assert_eq!(text.matches("semacquire").count(), 3, "{text}");
    explore(SEEDS, || philosophers(true));
}

/// An account that must not be overdrawn.
fn check_then_act(at_once: bool) {
    let account = Arc::new(Mutex::new(100));
    let wg = WaitGroup::new();
    for _ in 0..2 {
        let account = account.clone();
        wg.go(move || {
            if at_once {
                let mut balance = account.lock();
                if *balance >= 80 {
                    *balance -= 80;
                }
            } else if *account.lock() >= 80 {
                *account.lock() -= 80;
            }
        });
    }
    wg.wait();
    assert!(*account.lock() >= 0, "overdrawn");
}

#[test]
fn finds_check_then_act() {
    assert_eq!(failure(|| check_then_act(false)), "overdrawn");
    explore(SEEDS, || check_then_act(true));
}

/// A cache that must compute once.
fn compute_once(look_again: bool) {
    let cache = Arc::new(RwLock::new(None));
    let computed = Arc::new(AtomicUsize::new(0));
    let wg = WaitGroup::new();
    for _ in 0..3 {
        let (cache, computed) = (cache.clone(), computed.clone());
        wg.go(move || {
            if cache.read().is_none() {
                let mut cache = cache.write();
                if !look_again || cache.is_none() {
                    computed.fetch_add(1, Ordering::Relaxed);
                    *cache = Some(42);
                }
            }
        });
    }
    wg.wait();
    assert_eq!(computed.load(Ordering::Relaxed), 1, "computed again");
}

#[test]
fn finds_a_check_under_another_lock() {
    assert!(failure(|| compute_once(false)).contains("computed again"));
    explore(SEEDS, || compute_once(true));
}

/// Room in a buffer that somebody else takes.
fn room_for_one(careful: bool) {
    let c = make(1);
    let wg = WaitGroup::new();
    for n in 0..2 {
        let c = c.clone();
        wg.go(move || {
            if careful {
                let _ = c.try_send(n);
            } else if c.len() < c.cap() {
                c.send(n);
            }
        });
    }
    wg.wait();
    assert_eq!(c.len(), 1);
}

#[test]
fn finds_a_send_behind_a_stale_length() {
    let text = failure(|| room_for_one(false));
    assert!(text.contains("chan send"), "{text}");
    explore(SEEDS, || room_for_one(true));
}

#[test]
fn finds_a_close_before_the_last_send() {
    let text = failure(|| {
        let c = make(4);
        for n in 0..2 {
            let c = c.clone();
            go!(move || c.send(n));
        }
        c.recv();
        c.close();
        while c.recv().is_some() {}
    });
    assert!(text.contains("send on closed channel"), "{text}");
}

/// The failure says how to repeat it, and that repeats it at once.
#[test]
fn a_failing_seed_is_printed_and_repeats() {
    let body = || explore(SEEDS, || check_then_act(false));
    let ended = support::run("a_failing_seed_is_printed_and_repeats", &[], body);
    assert_ne!(ended.code, Some(0), "{ended:#?}");
    let (_, rest) = ended.stderr.split_once("explore: seed ").expect("a seed");
    let seed = rest.split_once(' ').expect("more").0;
    assert!(
        ended.stderr.contains("who ran, and until what"),
        "{ended:#?}"
    );
    assert!(
        ended.stderr.contains(&format!("GORS_SEED={seed}")),
        "{ended:#?}"
    );

    let schedule = |text: &str| {
        let (_, rest) = text.split_once("who ran").expect("a schedule");
        rest.split_once("GORS_SEED").expect("an end").0.to_owned()
    };
    let again = support::run(
        "a_failing_seed_is_printed_and_repeats",
        &[("GORS_SEED", seed)],
        body,
    );
    assert_ne!(again.code, Some(0), "{again:#?}");
    assert_eq!(schedule(&again.stderr), schedule(&ended.stderr));
}
