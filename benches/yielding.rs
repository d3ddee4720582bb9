//! `gosched`. Items are yields.
#![allow(missing_docs)]

use divan::Bencher;
use divan::counter::ItemsCount;
use gors::prelude::*;

const YIELDS: usize = 1_000_000;

fn main() {
    divan::main();
}

/// Yields shared by so many goroutines that do nothing else.
#[divan::bench(args = [1, 2, 10, 1000])]
fn gosched_among(bencher: Bencher, goroutines: usize) {
    bencher.counter(ItemsCount::new(YIELDS)).bench(|| {
        gors::run(|| {
            let wg = WaitGroup::new();
            for _ in 0..goroutines {
                wg.go(move || {
                    for _ in 0..YIELDS / goroutines {
                        gosched();
                    }
                });
            }
            wg.wait();
        });
    });
}
