//! Goroutines that share memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fastrand::Rng;
use gors::prelude::*;
use gors::sync::Mutex;

use super::check;

/// Many goroutines that add up numbers, some of which yield first.
pub(crate) fn crowd(mut random: Rng) -> Result<(), String> {
    let count = random.u64(1..=300);
    let sum = Arc::new(AtomicU64::new(0));
    let wg = WaitGroup::new();
    for n in 0..count {
        let (sum, yields) = (Arc::clone(&sum), random.u32(0..4));
        wg.go(move || {
            for _ in 0..yields {
                gosched();
            }
            sum.fetch_add(n, Ordering::Relaxed);
        });
    }
    wg.wait();
    check("sum", sum.load(Ordering::Relaxed), count * (count - 1) / 2)
}

/// A number that is read, and written later, under a mutex.
pub(crate) fn mutex(mut random: Rng) -> Result<(), String> {
    let goroutines = random.u64(2..=16);
    let times = random.u64(1..=30);
    let number = Arc::new(Mutex::new(0));
    let wg = WaitGroup::new();
    for _ in 0..goroutines {
        let (number, yields) = (Arc::clone(&number), random.bool());
        wg.go(move || {
            for _ in 0..times {
                let mut guard = number.lock();
                let before = *guard;
                if yields {
                    gosched();
                }
                *guard = before + 1;
            }
        });
    }
    wg.wait();
    let number = *number.lock();
    check("number", number, goroutines * times)
}

/// Goroutines that borrow from the frame that waits for them.
pub(crate) fn scope_borrows(mut random: Rng) -> Result<(), String> {
    let mut cells = vec![0_u64; random.usize(1..=64)];
    let bonus = random.u64(..100);
    let expected: u64 = (0..cells.len() as u64).map(|n| n + bonus).sum();
    scope(|s| {
        for (n, cell) in cells.iter_mut().enumerate() {
            let bonus = &bonus;
            s.go(move || {
                gosched();
                *cell = n as u64 + bonus;
            });
        }
    });
    check("sum", cells.iter().sum(), expected)
}

/// Goroutines that start goroutines and join them.
pub(crate) fn tree(mut random: Rng) -> Result<(), String> {
    fn count(depth: u32, width: u32) -> u64 {
        if depth == 0 {
            return 1;
        }
        let children: Vec<_> = (0..width)
            .map(|_| spawn(move || count(depth - 1, width)))
            .collect();
        let below = children
            .into_iter()
            .map(|child| child.join().expect("counting does not panic"));
        1 + below.sum::<u64>()
    }

    let (depth, width) = (random.u32(1..=4), random.u32(1..=4));
    let expected = (0..=depth).map(|level| u64::from(width).pow(level)).sum();
    check("goroutines", count(depth, width), expected)
}
