//! Sleeping goroutines. Items are sleeps.
#![allow(missing_docs)]

use divan::Bencher;
use divan::counter::ItemsCount;
use gors::prelude::*;

fn main() {
    divan::main();
}

/// So many goroutines asleep for 1 to 20 ms at the same time.
#[divan::bench(args = [1_000, 10_000, 100_000])]
fn sleepers(bencher: Bencher, goroutines: usize) {
    bencher.counter(ItemsCount::new(goroutines)).bench(|| {
        gors::run(|| {
            let wg = WaitGroup::new();
            for n in 0..goroutines {
                wg.go(move || gors::time::sleep(Duration::from_millis(1 + n as u64 % 20)));
            }
            wg.wait();
        });
    });
}
