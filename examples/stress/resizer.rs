//! Changes `gomaxprocs` all the time, from a goroutine and from a plain thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use fastrand::Rng;
use gors::prelude::*;
use gors::time::sleep;

/// The most permits.
const MOST: usize = 8;

pub(crate) struct Resizer {
    stop: Arc<AtomicBool>,
    goroutine: JoinHandle<u64>,
    thread: thread::JoinHandle<u64>,
    before: usize,
}

impl Resizer {
    pub(crate) fn start(seed: u64) -> Self {
        let before = gomaxprocs(0);
        let stop = Arc::new(AtomicBool::new(false));
        let (theirs, its) = (Arc::clone(&stop), Arc::clone(&stop));
        Self {
            stop,
            goroutine: spawn(move || resize(Rng::with_seed(seed), before, &theirs)),
            thread: thread::spawn(move || resize(Rng::with_seed(!seed), before, &its)),
            before,
        }
    }

    /// Restores `gomaxprocs`; returns how often it was changed.
    pub(crate) fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let by_goroutine = self.goroutine.join().expect("resizing does not panic");
        let by_thread = blocking(|| self.thread.join()).expect("resizing does not panic");
        gomaxprocs(self.before);
        by_goroutine + by_thread
    }
}

fn resize(mut random: Rng, before: usize, stop: &AtomicBool) -> u64 {
    let mut changes = 0;
    while !stop.load(Ordering::Relaxed) {
        // Every other number is the one that the environment asked for.
        let permits = if random.bool() {
            before
        } else {
            random.usize(1..=MOST)
        };
        gomaxprocs(permits);
        changes += 1;
        // On the plain thread it parks that thread.
        sleep(Duration::from_micros(random.u64(0..2_000)));
    }
    changes
}
