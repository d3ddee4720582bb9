//! Channels in their less common shapes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fastrand::Rng;
use gors::chan::{Select, bounded, unbounded};
use gors::prelude::*;
use gors::runtime::Builder;

use super::check;

/// Senders that never wait, ended by dropping them.
pub(crate) fn unbounded_channels(mut random: Rng) -> Result<(), String> {
    let (sender, receiver) = unbounded::<u64>();
    let (producers, each) = (random.u64(1..=6), random.u64(1..=300));
    for producer in 0..producers {
        let sender = sender.clone();
        go!(move || {
            for n in 0..each {
                sender.send(producer * each + n).expect("somebody receives");
            }
        });
    }
    drop(sender);
    let consumers: Vec<_> = (0..random.usize(1..=4))
        .map(|_| {
            let receiver = receiver.clone();
            spawn(move || receiver.iter().sum::<u64>())
        })
        .collect();
    let mut sum = 0;
    for consumer in consumers {
        sum += consumer.join().map_err(|error| error.to_string())?;
    }
    let total = producers * each;
    check("sum", sum, total * (total - 1) / 2)
}

/// 32 KiB at a time, by value.
pub(crate) fn large_values(mut random: Rng) -> Result<(), String> {
    type Large = [u8; 32 << 10];
    let count = random.u8(1..=20);
    let (sender, receiver) = match random.usize(0..4) {
        3 => unbounded::<Large>(),
        cap => bounded(cap),
    };
    let produce = Builder::new().stack_size(1 << 20).go(move || {
        for n in 0..count {
            sender.send([n; 32 << 10]).expect("somebody receives");
        }
    });
    produce.map_err(|error| error.to_string())?;
    let consume = Builder::new().stack_size(1 << 20).spawn(move || {
        for n in 0..count {
            let value = receiver.recv().map_err(|error| error.to_string())?;
            check("bytes", value.iter().all(|&byte| byte == n), true)?;
        }
        check("the end", receiver.recv().is_err(), true)
    });
    consume
        .map_err(|error| error.to_string())?
        .join()
        .map_err(|error| error.to_string())?
}

/// A channel is closed while others send: what was accepted is received, and nothing else.
pub(crate) fn close_race(mut random: Rng) -> Result<(), String> {
    let (sender, receiver) = bounded::<u64>(random.usize(0..5));
    let patience = Duration::from_micros(random.u64(0..300));
    let (accepted, received) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let wg = WaitGroup::new();
    for n in 1..=random.u64(1..=6) {
        let (sender, accepted) = (sender.clone(), Arc::clone(&accepted));
        wg.go(move || {
            for turn in 0.. {
                match (turn + n) % 3 {
                    0 => match sender.try_send(n) {
                        Ok(()) => {}
                        Err(error) if error.is_full() => {
                            gosched();
                            continue;
                        }
                        Err(_) => return,
                    },
                    1 => match sender.send_timeout(n, patience) {
                        Ok(()) => {}
                        Err(error) if error.is_timeout() => continue,
                        Err(_) => return,
                    },
                    _ => {
                        if sender.send(n).is_err() {
                            return;
                        }
                    }
                }
                accepted.fetch_add(n, Ordering::Relaxed);
                checkpoint();
            }
        });
    }
    for _ in 0..random.usize(1..=3) {
        let (receiver, received) = (receiver.clone(), Arc::clone(&received));
        wg.go(move || {
            for n in receiver {
                received.fetch_add(n, Ordering::Relaxed);
            }
        });
    }
    gors::time::sleep(Duration::from_micros(random.u64(0..500)));
    let closed = (sender.close(), receiver.close());
    check("closed once", closed, (true, false))?;
    wg.wait();
    let received = received.load(Ordering::Relaxed);
    check("received", received, accepted.load(Ordering::Relaxed))
}

/// A `Select` over a number of channels that only the round knows.
pub(crate) fn select_builder(mut random: Rng) -> Result<(), String> {
    let each = random.u64(1..=50);
    let channels: Vec<_> = (0..random.usize(1..=12))
        .map(|_| bounded::<u64>(random.usize(0..3)))
        .collect();
    let mut receivers = Vec::new();
    for (sender, receiver) in channels {
        receivers.push(receiver);
        go!(move || {
            for n in 1..=each {
                if n % 2 == 0 {
                    sender.send(n).expect("somebody receives");
                } else {
                    let mut select = Select::new();
                    select.send(&sender);
                    select.select().send(&sender, n).expect("somebody receives");
                }
            }
        });
    }
    let expected = receivers.len() as u64 * each * (each + 1) / 2;
    let mut sum = 0;
    while !receivers.is_empty() {
        let mut select = Select::new();
        for receiver in &receivers {
            select.recv(receiver);
        }
        let operation = select.select();
        let index = operation.index();
        match operation.recv(&receivers[index]) {
            Ok(n) => sum += n,
            Err(_) => drop(receivers.swap_remove(index)),
        }
    }
    check("sum", sum, expected)
}
