//! The lanes: goroutines that run rounds of one part each, until the time is up.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use gors::prelude::*;

use crate::options::Options;
use crate::parts::{PARTS, Part};

/// All lanes and what they have done.
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    begin: Instant,
    time: Duration,
    stop: AtomicBool,
}

/// What one lane has done.
pub(crate) struct Lane {
    pub(crate) part: &'static Part,
    rounds: AtomicU64,
    slowest_micros: AtomicU64,
    ended: AtomicBool,
}

impl Lane {
    /// Rounds that have ended well.
    pub(crate) fn rounds(&self) -> u64 {
        self.rounds.load(Ordering::Relaxed)
    }

    /// How long the longest round took.
    pub(crate) fn slowest(&self) -> Duration {
        Duration::from_micros(self.slowest_micros.load(Ordering::Relaxed))
    }

    /// It runs no more rounds.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

impl Lanes {
    /// One or more for each part.
    pub(crate) fn new(options: &Options) -> Self {
        let lanes = PARTS
            .iter()
            .flat_map(|part| (0..part.lanes).map(move |_| part));
        Self {
            lanes: lanes
                .map(|part| Lane {
                    part,
                    rounds: AtomicU64::new(0),
                    slowest_micros: AtomicU64::new(0),
                    ended: AtomicBool::new(false),
                })
                .collect(),
            begin: Instant::now(),
            time: options.time,
            stop: AtomicBool::new(false),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter()
    }

    /// How long it has run.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Runs them all until the time is up or a round fails.
    ///
    /// # Errors
    ///
    /// What the first failed round found wrong.
    pub(crate) fn run(&self, seed: u64) -> Result<(), String> {
        scope(|s| {
            let running: Vec<_> = self
                .lanes
                .iter()
                .zip(0_u64..)
                .map(|(lane, number)| s.spawn(move || self.drive(lane, seed, number)))
                .collect();
            let mut first = Ok(());
            for lane in running {
                let outcome = lane.join().unwrap_or_else(|error| Err(error.to_string()));
                first = first.and(outcome);
            }
            first
        })
    }

    fn drive(&self, lane: &Lane, seed: u64, number: u64) -> Result<(), String> {
        // Neighbouring seeds must not give neighbouring lanes the same rounds.
        let mut random = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(number));
        while !self.stop.load(Ordering::Relaxed) && self.begin.elapsed() < self.time {
            let begin = Instant::now();
            let part = lane.part.run;
            let random = random.fork();
            // A goroutine of its own, so that a panic names the part.
            let outcome = spawn(move || part(random))
                .join()
                .unwrap_or_else(|error| Err(error.to_string()));
            if let Err(error) = outcome {
                self.stop.store(true, Ordering::Relaxed);
                return Err(format!(
                    "{}, lane {number}, round {}: {error}",
                    lane.part.name,
                    lane.rounds()
                ));
            }
            let micros = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
            lane.slowest_micros.fetch_max(micros, Ordering::Relaxed);
            lane.rounds.fetch_add(1, Ordering::Relaxed);
        }
        lane.ended.store(true, Ordering::Relaxed);
        Ok(())
    }
}
