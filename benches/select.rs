//! `select!`. Items are selects.
#![allow(missing_docs)]

use divan::Bencher;
use divan::counter::ItemsCount;
use gors::chan::select;
use gors::prelude::*;

const SELECTS: usize = 300_000;

fn main() {
    divan::main();
}

/// One value by a select of three unbuffered channels, each with a sender.
#[divan::bench]
fn three_receives(bencher: Bencher) {
    bencher.counter(ItemsCount::new(SELECTS)).bench(|| {
        gors::run(|| {
            let (a, b, c) = (make::<usize>(0), make::<usize>(0), make::<usize>(0));
            for to in [a.clone(), b.clone(), c.clone()] {
                go!(move || {
                    for n in 0..SELECTS / 3 {
                        to.send(n);
                    }
                });
            }
            for _ in 0..SELECTS {
                select! {
                    recv(a) -> n => divan::black_box(n),
                    recv(b) -> n => divan::black_box(n),
                    recv(c) -> n => divan::black_box(n),
                };
            }
        });
    });
}

/// A select that finds nothing and takes its default.
#[divan::bench]
fn miss(bencher: Bencher) {
    let (a, b) = (make::<usize>(1), make::<usize>(1));
    bencher.counter(ItemsCount::new(SELECTS)).bench_local(|| {
        for _ in 0..SELECTS {
            select! {
                recv(a) -> n => assert!(n.is_none()),
                recv(b) -> n => assert!(n.is_none()),
                default => {}
            }
        }
    });
}
