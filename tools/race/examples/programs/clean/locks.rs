//! What `gors::sync` has to offer, each guarding or publishing a variable.

use std::sync::Arc;

use gors::prelude::*;
use gors::sync::{Barrier, Condvar, Mutex, Once, OnceLock, RwLock, Semaphore};

use super::{GOROUTINES, TURNS, everybody};
use crate::cell::Var;

pub(super) fn mutex() {
    let n = Var::new(0_u64);
    let lock = Arc::new(Mutex::new(()));
    let theirs = n.clone();
    everybody(&n, move || {
        let _guard = lock.lock();
        theirs.with(|n| *n += 1);
        gosched();
    });
}

pub(super) fn rwlock() {
    let n = Var::new(0_u64);
    let lock = Arc::new(RwLock::new(()));
    let theirs = n.clone();
    everybody(&n, move || {
        let before = {
            let _guard = lock.read();
            gosched();
            theirs.get()
        };
        let _guard = lock.write();
        theirs.with(|n| *n += 1);
        assert!(theirs.get() > before);
    });
}

/// A queue with places to wait.
pub(super) fn condvar() {
    let n = Var::new(0_u64);
    let turn = Arc::new((Mutex::new(()), Condvar::new()));
    let theirs = (n.clone(), Arc::clone(&turn));
    let other = spawn(move || {
        let (n, turn) = theirs;
        for _ in 0..TURNS {
            let mut guard = turn.0.lock();
            turn.1.wait_while(&mut guard, |()| n.get() % 2 == 0);
            n.with(|n| *n += 1);
            turn.1.notify_one();
        }
    });
    for _ in 0..TURNS {
        let mut guard = turn.0.lock();
        turn.1.wait_while(&mut guard, |()| n.get() % 2 == 1);
        n.with(|n| *n += 1);
        turn.1.notify_one();
    }
    other.join().unwrap();
    assert_eq!(n.get(), 2 * TURNS);
}

pub(super) fn semaphore() {
    let n = Var::new(0_u64);
    let permits = Arc::new(Semaphore::new(2));
    let theirs = n.clone();
    everybody(&n, move || {
        // Both of them, so that nobody else is inside.
        permits.acquire(2);
        theirs.with(|n| *n += 1);
        permits.release(2);
    });
}

/// Everybody writes its own number, and reads all behind the barrier.
pub(super) fn barrier() {
    let all: Vec<_> = (0..4).map(|_| Var::new(0)).collect();
    let barrier = Arc::new(Barrier::new(all.len()));
    let group = WaitGroup::new();
    for mine in 0..all.len() {
        let (all, barrier) = (all.clone(), Arc::clone(&barrier));
        group.go(move || {
            for round in 1..=TURNS {
                all[mine].set(round);
                barrier.wait();
                assert!(all.iter().all(|n| n.get() == round));
                barrier.wait();
            }
        });
    }
    group.wait();
}

pub(super) fn once() {
    let n = Var::new(0_u64);
    let once = Arc::new(Once::new());
    let group = WaitGroup::new();
    for _ in 0..GOROUTINES {
        let (n, once) = (n.clone(), Arc::clone(&once));
        group.go(move || {
            once.call_once(|| {
                gosched();
                n.set(7);
            });
            assert_eq!(n.get(), 7);
        });
    }
    group.wait();
}

/// Double-checked initialisation, as it should be done.
pub(super) fn once_lock() {
    let cell = Arc::new(OnceLock::new());
    let group = WaitGroup::new();
    for _ in 0..GOROUTINES {
        let cell = Arc::clone(&cell);
        group.go(move || {
            let value: &Var<u64> = cell.get_or_init(|| {
                gosched();
                Var::new(7)
            });
            assert_eq!(value.get(), 7);
        });
    }
    group.wait();
}
