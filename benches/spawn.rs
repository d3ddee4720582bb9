//! Making goroutines and waiting for them. Items are goroutines.
#![allow(missing_docs)]

use divan::Bencher;
use divan::counter::ItemsCount;
use gors::prelude::*;

const GOROUTINES: usize = 100_000;

fn main() {
    divan::main();
}

/// `go!` and the end of the goroutine, all made before the wait.
#[divan::bench]
fn spawn_and_done(bencher: Bencher) {
    bencher.counter(ItemsCount::new(GOROUTINES)).bench(|| {
        gors::run(|| {
            let wg = WaitGroup::new();
            wg.add(GOROUTINES as isize);
            for _ in 0..GOROUTINES {
                let wg = wg.clone();
                go!(move || wg.done());
            }
            wg.wait();
        });
    });
}

/// `spawn` and `join`, one after the other.
#[divan::bench]
fn spawn_then_join(bencher: Bencher) {
    bencher.counter(ItemsCount::new(GOROUTINES)).bench(|| {
        gors::run(|| {
            for n in 0..GOROUTINES {
                assert_eq!(spawn(move || n).join().ok(), Some(n));
            }
        });
    });
}

/// Each goroutine makes the next.
#[divan::bench]
fn chain(bencher: Bencher) {
    fn link(left: usize, done: Chan<()>) {
        if left == 0 {
            done.send(());
        } else {
            go!(link(left - 1, done));
        }
    }
    bencher.counter(ItemsCount::new(GOROUTINES)).bench(|| {
        gors::run(|| {
            let done = make::<()>(1);
            go!(link(GOROUTINES, done.clone()));
            done.recv()
        })
    });
}
