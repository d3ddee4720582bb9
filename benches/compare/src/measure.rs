//! What a child measures and how it says so.
//!
//! Every contender, the Go programs included, follows the same rules:
//!
//! - A *timed* row is run with growing numbers of operations until one run
//!   lasts the target time, by the rule of Go's `testing` package (predict,
//!   add a fifth, never more than a hundredfold). [`Sizing`] is that rule; the
//!   Go programs use `testing.Benchmark` itself.
//! - A *fixed* row gets its size in [`Task::n`] and does it once.
//! - The child prints one line of JSON, a [`Report`], and ends.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// What a child is asked to do; the words of its command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// GOMAXPROCS, worker threads, and the number of CPUs the child may use.
    pub procs: usize,
    /// The size of a fixed row, 0 for a timed one.
    pub n: u64,
    /// How long the last run of a timed row should last.
    pub target: Duration,
    /// The program's first parameter (capacity, goroutines, microseconds, …).
    pub a: u64,
    /// The program's second parameter.
    pub b: u64,
}

impl Task {
    /// Starts the search for the number of operations of a timed row. If the
    /// task has a size it is that, at once: for programs whose first operation
    /// says nothing about the next.
    pub(crate) fn sizing(&self) -> Sizing {
        let (n, target) = if self.n == 0 {
            (1, self.target)
        } else {
            (self.n, Duration::ZERO)
        };
        Sizing {
            target,
            n,
            ns_per_op: 0.0,
            last: None,
        }
    }
}

/// The search for a number of operations that takes long enough to measure.
///
/// ```ignore
/// let mut sizing = task.sizing();
/// while let Some(n) = sizing.next_n() {
///     let start = Instant::now();
///     // n operations
///     sizing.ran(start.elapsed());
/// }
/// sizing.report()
/// ```
#[derive(Debug)]
pub(crate) struct Sizing {
    target: Duration,
    n: u64,
    ns_per_op: f64,
    last: Option<Duration>,
}

/// More operations than this are never asked for (Go's limit as well).
const MAX_OPS: u64 = 1_000_000_000;

impl Sizing {
    /// The number of operations to run now, or `None` when the last run was
    /// long enough.
    pub(crate) fn next_n(&mut self) -> Option<u64> {
        let Some(last) = self.last else {
            return Some(self.n);
        };
        if last >= self.target || self.n >= MAX_OPS {
            return None;
        }
        let took = last.as_nanos().max(1) as f64;
        let predicted = (self.target.as_nanos() as f64 * self.n as f64 / took * 1.2) as u64;
        self.n = predicted
            .min(self.n.saturating_mul(100))
            .max(self.n + 1)
            .min(MAX_OPS);
        Some(self.n)
    }

    /// Takes the time of the run that [`next_n`](Self::next_n) asked for.
    pub(crate) fn ran(&mut self, took: Duration) {
        self.ns_per_op = took.as_nanos() as f64 / self.n as f64;
        self.last = Some(took);
    }

    /// How many operations a goroutine takes from the shared budget at once:
    /// about 100 µs worth, as in Go's `testing.PB`.
    pub(crate) fn grain(&self) -> u64 {
        if self.ns_per_op > 0.0 {
            (100_000.0 / self.ns_per_op).clamp(1.0, 10_000.0) as u64
        } else {
            1
        }
    }

    /// The result: nanoseconds for each operation of the last run.
    pub(crate) fn report(&self) -> Report {
        let mut report = Report::default();
        report.value("ns", self.ns_per_op);
        report.ops = self.n;
        report
    }
}

/// One child's answer: a line of JSON on its standard output.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The row's metrics by name, in the row's unit.
    #[serde(default)]
    pub values: BTreeMap<String, f64>,
    /// Further figures that explain the values; shown, never compared.
    #[serde(default)]
    pub extras: BTreeMap<String, f64>,
    /// Operations done in the measured run.
    #[serde(default)]
    pub ops: u64,
    /// Resident memory at the interesting moment, in KiB.
    #[serde(default)]
    pub rss_kib: u64,
    /// Page tables at the same moment, in KiB.
    #[serde(default)]
    pub pte_kib: u64,
    /// Set instead of values by a program that cannot do the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl Report {
    /// A report with the one value `ns` for each of `ops` operations.
    pub(crate) fn per_op(took: Duration, ops: u64) -> Self {
        let mut report = Self {
            ops,
            ..Self::default()
        };
        report.value("ns", took.as_nanos() as f64 / ops.max(1) as f64);
        report
    }

    /// Records a metric of the row.
    pub(crate) fn value(&mut self, name: &str, value: f64) {
        self.values.insert(name.to_owned(), value);
    }

    /// Records a figure that only explains the values.
    pub(crate) fn extra(&mut self, name: &str, value: f64) {
        self.extras.insert(name.to_owned(), value);
    }

    /// Records the p50, p99 and maximum of `samples`, in microseconds.
    pub(crate) fn percentiles(&mut self, mut samples: Vec<Duration>) {
        samples.sort_unstable();
        self.ops = samples.len() as u64;
        let at = |q: f64| -> f64 {
            let last = samples.len().saturating_sub(1);
            let index = (last as f64 * q).round() as usize;
            samples
                .get(index)
                .map_or(0.0, |d| d.as_nanos() as f64 / 1_000.0)
        };
        let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
        self.value("p50", p50);
        self.value("p99", p99);
        self.extra("max_us", max);
    }

    /// Notes the process's memory if the program has not done so itself.
    pub(crate) fn note_memory(&mut self) {
        if self.rss_kib == 0 {
            self.at_memory(Memory::now());
        }
    }

    /// Notes `memory` as that of the interesting moment.
    pub(crate) fn at_memory(&mut self, memory: Memory) {
        self.rss_kib = memory.rss_kib;
        self.pte_kib = memory.pte_kib;
    }
}

/// Resident memory and page tables of this process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// `VmRSS`.
    pub rss_kib: u64,
    /// `VmPTE`.
    pub pte_kib: u64,
}

impl Memory {
    /// Reads `/proc/self/status`; zeros where there is none.
    pub(crate) fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| -> u64 {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(|rest| rest.split_whitespace().next())
                .and_then(|number| number.parse().ok())
                .unwrap_or(0)
        };
        Self {
            rss_kib: field("VmRSS:"),
            pte_kib: field("VmPTE:"),
        }
    }

    /// Bytes grown since `before`, for each of `n`. May be negative: memory
    /// that was given back counts.
    pub(crate) fn bytes_each(self, before: Self, n: u64) -> f64 {
        let total = |m: Self| (m.rss_kib + m.pte_kib) as f64 * 1024.0;
        (total(self) - total(before)) / n.max(1) as f64
    }
}

/// A chain of `steps` dependent shift, xor and multiply, a nanosecond and a half
/// each.
///
/// Go's benchmarks model work as `foo *= 2; foo /= 2`, which LLVM deletes and
/// Go's compiler does not; a chain of multiply-adds it folds. Neither compiler
/// shortens this one, so both sides do the same work.
pub(crate) fn work(steps: u64) {
    let mut x = steps;
    for _ in 0..steps {
        x = (x ^ (x >> 7)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    black_box(x);
}

/// Spins for `time` on the clock, as Go's `doWork`.
pub(crate) fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {}
}

/// A blocking call into the kernel that the scheduler does not see coming:
/// `clock_nanosleep`.
pub(crate) fn kernel_sleep(time: Duration) {
    let request = libc::timespec {
        tv_sec: time.as_secs() as libc::time_t,
        tv_nsec: time.subsec_nanos() as libc::c_long,
    };
    // SAFETY: `request` is a valid timespec for the whole call, and the
    // remainder pointer may be null.
    unsafe { libc::nanosleep(&raw const request, std::ptr::null_mut()) };
}

/// The `i`-th of many spread-out sleep times between 1 and 100 ms, the same
/// series on every side.
pub(crate) fn spread_sleep(i: u64) -> Duration {
    Duration::from_micros(1_000 + i.wrapping_mul(7_919) % 99_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches a search that stops early, never stops, or overshoots wildly.
    #[test]
    fn sizing_reaches_the_target() {
        let task = Task {
            procs: 1,
            n: 0,
            target: Duration::from_millis(100),
            a: 0,
            b: 0,
        };
        let mut sizing = task.sizing();
        let mut rounds = 0;
        let mut last = 0;
        while let Some(n) = sizing.next_n() {
            rounds += 1;
            last = n;
            sizing.ran(Duration::from_nanos(50 * n));
        }
        assert!(rounds < 10, "{rounds} rounds");
        let took = 50 * last;
        assert!((100_000_000..=125_000_000).contains(&took), "{took} ns");
        assert_eq!(sizing.report().values["ns"], 50.0);
    }

    /// Catches percentiles that are off by one or in the wrong unit.
    #[test]
    fn percentiles_are_in_microseconds() {
        let mut report = Report::default();
        report.percentiles((0..=100).map(Duration::from_micros).collect());
        assert_eq!(report.values["p50"], 50.0);
        assert_eq!(report.values["p99"], 99.0);
        assert_eq!(report.extras["max_us"], 100.0);
    }
}
