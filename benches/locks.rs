//! Locks and WaitGroup. Items are operations.
#![allow(missing_docs)]

use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use gors::prelude::*;
use gors::sync::{Mutex, RwLock};

const OPERATIONS: usize = 400_000;

fn main() {
    divan::main();
}

/// Lock and unlock, by so many goroutines on one mutex.
#[divan::bench(args = [1, 4, 1000])]
fn mutex(bencher: Bencher, goroutines: usize) {
    bencher.counter(ItemsCount::new(OPERATIONS)).bench(|| {
        gors::run(|| {
            let total = Arc::new(Mutex::new(0_usize));
            let wg = WaitGroup::new();
            for _ in 0..goroutines {
                let total = Arc::clone(&total);
                wg.go(move || {
                    for _ in 0..OPERATIONS / goroutines {
                        *total.lock() += 1;
                    }
                });
            }
            wg.wait();
            assert_eq!(*total.lock(), OPERATIONS / goroutines * goroutines);
        });
    });
}

/// Reads of a lock that nobody writes, by four goroutines.
#[divan::bench]
fn rw_lock_read(bencher: Bencher) {
    bencher.counter(ItemsCount::new(OPERATIONS)).bench(|| {
        gors::run(|| {
            let value = Arc::new(RwLock::new(7_usize));
            let wg = WaitGroup::new();
            for _ in 0..4 {
                let value = Arc::clone(&value);
                wg.go(move || {
                    for _ in 0..OPERATIONS / 4 {
                        assert_eq!(*value.read(), 7);
                    }
                });
            }
            wg.wait();
        });
    });
}
