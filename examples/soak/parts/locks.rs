//! Locks and what is built like them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use fastrand::Rng;
use gors::prelude::*;
use gors::sync::{Barrier, Condvar, Mutex, RwLock, Semaphore};

use super::check;

/// Readers never see half of a write.
pub(crate) fn rwlock(mut random: Rng) -> Result<(), String> {
    let pair = Arc::new(RwLock::new((0_u64, 0_u64)));
    let torn = Arc::new(AtomicU64::new(0));
    let (writers, times) = (random.u64(1..=4), random.u64(1..=40));
    let wg = WaitGroup::new();
    for _ in 0..writers {
        let (pair, yields) = (Arc::clone(&pair), random.bool());
        wg.go(move || {
            for _ in 0..times {
                let mut pair = pair.write();
                pair.0 += 1;
                if yields {
                    gosched();
                }
                pair.1 += 1;
            }
        });
    }
    for _ in 0..random.u64(1..=8) {
        let (pair, torn) = (Arc::clone(&pair), Arc::clone(&torn));
        let patience = random
            .bool()
            .then(|| Duration::from_micros(random.u64(0..200)));
        wg.go(move || {
            for _ in 0..times {
                let guard = match patience {
                    Some(patience) => pair.try_read_for(patience),
                    None => Some(pair.read()),
                };
                if guard.is_some_and(|pair| pair.0 != pair.1) {
                    torn.fetch_add(1, Ordering::Relaxed);
                }
                gosched();
            }
        });
    }
    wg.wait();
    check("half-written pairs", torn.load(Ordering::Relaxed), 0)?;
    let pair = *pair.read();
    check("pair", pair, (writers * times, writers * times))
}

/// A bounded queue of a mutex and two condition variables.
pub(crate) fn condvar(mut random: Rng) -> Result<(), String> {
    #[derive(Default)]
    struct Queue {
        items: Mutex<VecDeque<u64>>,
        not_empty: Condvar,
        not_full: Condvar,
    }

    let room = random.usize(1..=4);
    let (producers, each) = (random.u64(1..=4), random.u64(1..=60));
    let queue = Arc::new(Queue::default());
    for _ in 0..producers {
        let queue = Arc::clone(&queue);
        go!(move || {
            for n in 1..=each {
                let mut items = queue.items.lock();
                while items.len() == room {
                    queue.not_full.wait(&mut items);
                }
                items.push_back(n);
                queue.not_empty.notify_one();
            }
        });
    }
    let consumers: Vec<_> = (0..producers)
        .map(|_| {
            let (queue, timed) = (Arc::clone(&queue), random.bool());
            spawn(move || {
                let mut sum = 0;
                for _ in 0..each {
                    let mut items = queue.items.lock();
                    let n = loop {
                        match items.pop_front() {
                            Some(n) => break n,
                            // A notification that races the timeout must not be lost to the others.
                            None if timed => {
                                let patience = Duration::from_micros(100);
                                queue.not_empty.wait_for(&mut items, patience);
                            }
                            None => queue.not_empty.wait(&mut items),
                        }
                    };
                    sum += n;
                    queue.not_full.notify_one();
                }
                sum
            })
        })
        .collect();
    let mut sum = 0;
    for consumer in consumers {
        sum += consumer.join().map_err(|error| error.to_string())?;
    }
    check("sum", sum, producers * each * (each + 1) / 2)
}

/// Never more inside than there are permits, and all permits come back.
pub(crate) fn semaphore(mut random: Rng) -> Result<(), String> {
    let size = random.usize(1..=5);
    let semaphore = Arc::new(Semaphore::new(size));
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let wg = WaitGroup::new();
    for _ in 0..random.usize(1..=12) {
        let weight = random.usize(1..=size);
        let times = random.usize(1..=20);
        let patience = random
            .bool()
            .then(|| Duration::from_micros(random.u64(0..500)));
        let (semaphore, inside, most) = (
            Arc::clone(&semaphore),
            Arc::clone(&inside),
            Arc::clone(&most),
        );
        wg.go(move || {
            for _ in 0..times {
                match patience {
                    Some(patience) if !semaphore.acquire_timeout(weight, patience) => continue,
                    Some(_) => {}
                    None => semaphore.acquire(weight),
                }
                let now = inside.fetch_add(weight, Ordering::Relaxed) + weight;
                most.fetch_max(now, Ordering::Relaxed);
                gosched();
                inside.fetch_sub(weight, Ordering::Relaxed);
                semaphore.release(weight);
            }
        });
    }
    wg.wait();
    check(
        "too many inside",
        most.load(Ordering::Relaxed) > size,
        false,
    )?;
    check("available", semaphore.available(), size)
}

/// Nobody is a phase ahead.
pub(crate) fn barrier(mut random: Rng) -> Result<(), String> {
    let (members, phases) = (random.usize(1..=8), random.usize(1..=20));
    let barrier = Arc::new(Barrier::new(members));
    let arrived = Arc::new(AtomicUsize::new(0));
    let handles: Vec<_> = (0..members)
        .map(|_| {
            let (barrier, arrived) = (Arc::clone(&barrier), Arc::clone(&arrived));
            spawn(move || {
                let mut leads = 0;
                for phase in 1..=phases {
                    arrived.fetch_add(1, Ordering::Relaxed);
                    leads += u64::from(barrier.wait().is_leader());
                    // All of this phase are here, and none of the next but one.
                    let now = arrived.load(Ordering::Relaxed);
                    assert!((phase * members..=(phase + 1) * members).contains(&now));
                }
                leads
            })
        })
        .collect();
    let mut leads = 0;
    for handle in handles {
        leads += handle.join().map_err(|error| error.to_string())?;
    }
    check("leaders", leads, phases as u64)
}
