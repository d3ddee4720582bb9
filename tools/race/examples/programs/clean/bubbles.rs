//! Bubbles of tests: what their goroutines did before they waited or ended comes before what follows.

use std::sync::Arc;

use gors::prelude::*;
use gors::sync::Mutex;
use gors::testing::{explore, synctest, wait};
use gors::time;

use crate::cell::Var;

/// Nothing but `wait`, the clock and the bubble's end orders these.
pub(crate) fn virtual_time() {
    let n = Var::new(0);
    let theirs = n.clone();
    let seen = synctest(move || {
        let first = theirs.clone();
        go!(move || {
            first.set(1);
            time::sleep(Duration::from_secs(3600));
        });
        wait();
        theirs.with(|n| *n += 1);
        let last = theirs.clone();
        go!(move || last.with(|n| *n += 1));
        time::sleep(Duration::from_secs(7200));
        vec![1, 2]
    });
    assert_eq!(n.get(), 3);
    assert_eq!(seen, [1, 2]);
}

/// A lock, under schedules that differ.
pub(crate) fn schedules() {
    explore(20, || {
        let (n, lock) = (Var::new(0), Arc::new(Mutex::new(())));
        let group = WaitGroup::new();
        for _ in 0..3 {
            let (n, lock) = (n.clone(), Arc::clone(&lock));
            group.go(move || {
                let _held = lock.lock();
                n.with(|n| *n += 1);
            });
        }
        group.wait();
        assert_eq!(n.get(), 3);
    });
}
