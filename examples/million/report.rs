//! What is measured, and the table at the end.

use std::time::{Duration, Instant};

use gors::prelude::*;

use crate::format::{grouped, print_table};
use crate::memory;
use crate::options::Options;
use crate::primes;

/// Below this, what the runtime needs anyway would be taken for the goroutines' share.
const ENOUGH_AT_ONCE: u64 = 50_000;

/// Measurements of one run.
pub(crate) struct Report {
    options: Options,
    begin: Instant,
    /// Resident before the first goroutine.
    memory_before: Option<u64>,
    /// The most that was resident before the last goroutine had ended.
    memory_peak: Option<u64>,
    /// The most goroutines that were seen to exist at once.
    at_once: u64,
    /// Until the last goroutine was started, or was parked.
    first_half: Duration,
    /// From the gate's opening to the last goroutine's end.
    released: Option<Duration>,
    total: Duration,
    found: (u64, u64),
    expected: (u64, u64),
}

impl Report {
    /// Starts the clock.
    pub(crate) fn start(options: Options) -> Self {
        Self {
            options,
            memory_before: memory::resident(),
            memory_peak: None,
            begin: Instant::now(),
            at_once: 0,
            first_half: Duration::ZERO,
            released: None,
            total: Duration::ZERO,
            found: (0, 0),
            expected: (0, 0),
        }
    }

    /// Looks how many goroutines there are now.
    pub(crate) fn look(&mut self) {
        // The main goroutine and the bar are not meant.
        let others = (num_goroutine() as u64).saturating_sub(2);
        self.at_once = self.at_once.max(others);
    }

    /// The last goroutine was started, or was parked.
    pub(crate) fn all_there(&mut self) {
        self.first_half = self.begin.elapsed();
        self.look();
    }

    /// All goroutines have ended.
    pub(crate) fn all_finished(&mut self) {
        self.total = self.begin.elapsed();
        self.memory_peak = memory::resident_peak();
    }

    /// All goroutines have ended, this long after the gate was opened.
    pub(crate) fn all_released(&mut self, time: Duration) {
        self.released = Some(time);
        self.all_finished();
    }

    /// What the goroutines found; the sieve's turn.
    pub(crate) fn found(mut self, primes: u64, sum: u64) -> Self {
        self.found = (primes, sum);
        self.expected = primes::count_and_sum(self.options.count);
        self
    }

    /// Whether the goroutines and the sieve agree.
    pub(crate) fn is_right(&self) -> bool {
        self.found == self.expected
    }

    pub(crate) fn print(&self) {
        let count = self.options.count;
        let mut rows = vec![("goroutines", grouped(count), self.kind().to_owned())];
        rows.push(("time", seconds(self.total), self.halves()));
        rows.push((
            "goroutines per second",
            rate(count, self.total),
            each(count, self.total),
        ));
        if let Some(peak) = self.memory_peak {
            let before = self.memory_before.unwrap_or_default();
            let note = format!(
                "peak; {} before the first goroutine",
                memory::in_words(before)
            );
            rows.push(("memory", memory::in_words(peak), note));
        }
        rows.extend(self.memory_each());
        rows.push(("permits", gomaxprocs(0).to_string(), threads()));
        rows.push(("primes among them", grouped(self.found.0), self.verdict()));
        rows.push(("their sum", grouped(self.found.1), self.verdict()));
        print_table(&format!("{} goroutines", grouped(count)), &rows);
        if !self.is_right() {
            let (primes, sum) = self.expected;
            eprintln!(
                "WRONG: there are {} primes, with the sum {}",
                grouped(primes),
                grouped(sum)
            );
        }
    }

    fn kind(&self) -> &'static str {
        if self.options.block {
            "each waited on one channel, then tested one number"
        } else {
            "each tested one number"
        }
    }

    fn halves(&self) -> String {
        let first = seconds(self.first_half);
        match self.released {
            Some(released) => format!(
                "{first} until all waited, {} to let them go",
                seconds(released)
            ),
            None => format!("{first} until the last was started"),
        }
    }

    fn memory_each(&self) -> Option<(&'static str, String, String)> {
        if self.at_once < ENOUGH_AT_ONCE {
            return None;
        }
        let grown = self.memory_peak?.saturating_sub(self.memory_before?);
        let each = format!("{} B", grouped(grown / self.at_once));
        let doing = if self.options.block {
            "waiting"
        } else {
            "alive"
        };
        let note = format!("with {} {doing} at once", grouped(self.at_once));
        Some(("memory per goroutine", each, note))
    }

    fn verdict(&self) -> String {
        if self.is_right() {
            "verified by a sieve".to_owned()
        } else {
            "WRONG".to_owned()
        }
    }
}

fn threads() -> String {
    let stats = gors::runtime::stats();
    format!(
        "{} CPUs, {} worker threads, {} steals",
        num_cpu(),
        stats.workers,
        grouped(stats.steals)
    )
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rounded figure for people"
)]
fn rate(count: u64, time: Duration) -> String {
    grouped((count as f64 / time.as_secs_f64()) as u64)
}

fn each(count: u64, time: Duration) -> String {
    format!(
        "{} ns each",
        grouped((time.as_nanos() / u128::from(count)) as u64)
    )
}
