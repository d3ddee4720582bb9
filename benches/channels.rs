//! Channels between goroutines. Items are values, or round trips.
#![allow(missing_docs)]

use divan::Bencher;
use divan::counter::ItemsCount;
use gors::prelude::*;

const VALUES: usize = 500_000;

fn main() {
    divan::main();
}

/// There and back over two unbuffered channels.
#[divan::bench]
fn ping_pong(bencher: Bencher) {
    bencher.counter(ItemsCount::new(VALUES)).bench(|| {
        gors::run(|| {
            let (ping, pong) = (make::<usize>(0), make::<usize>(0));
            let (requests, answers) = (ping.clone(), pong.clone());
            go!(move || {
                for n in &requests {
                    answers.send(n);
                }
            });
            for n in 0..VALUES {
                ping.send(n);
                assert_eq!(pong.recv(), Some(n));
            }
            ping.close();
        });
    });
}

/// One producer, one consumer.
#[divan::bench(args = [0, 1, 128])]
fn one_to_one(bencher: Bencher, capacity: usize) {
    transfer(bencher, capacity, 1);
}

/// Four producers, four consumers.
#[divan::bench(args = [0, 128])]
fn four_to_four(bencher: Bencher, capacity: usize) {
    transfer(bencher, capacity, 4);
}

fn transfer(bencher: Bencher, capacity: usize, pairs: usize) {
    bencher.counter(ItemsCount::new(VALUES)).bench(|| {
        gors::run(|| {
            let values = make::<usize>(capacity);
            let (senders, receivers) = (WaitGroup::new(), WaitGroup::new());
            for _ in 0..pairs {
                let to = values.clone();
                senders.go(move || {
                    for n in 0..VALUES / pairs {
                        to.send(n);
                    }
                });
                let from = values.clone();
                receivers.go(move || while from.recv().is_some() {});
            }
            senders.wait();
            values.close();
            receivers.wait();
        });
    });
}
