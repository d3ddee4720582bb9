//! Bytes for each goroutine, and cost against size.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Channels;
use super::sched::Hogs;
use crate::measure::{Memory, Report, Task};

/// Many goroutines in a channel receive.
struct Parked<R: Channels> {
    gate: R::Tx<()>,
    group: R::Group,
}

impl<R: Channels> Parked<R> {
    /// Spawns `n`, each of which calls `started` first; `each` is called after
    /// every spawn with the number spawned.
    fn spawn<F>(n: u64, started: F, mut each: impl FnMut(u64)) -> Self
    where
        F: Fn() + Clone + Send + 'static,
    {
        let (gate, wait) = R::chan::<()>(0);
        let group = R::group(n);
        for i in 1..=n {
            let (wait, group, started) = (wait.clone(), group.clone(), started.clone());
            R::go(move || {
                started();
                R::recv(&wait);
                R::done(&group);
            });
            each(i);
        }
        Self { gate, group }
    }

    /// Spawns `n` and waits until all of them have started.
    fn start(n: u64) -> Self {
        let started = R::group(n);
        let count = started.clone();
        let parked = Self::spawn(n, move || R::done(&count), |_| ());
        R::wait(&started);
        parked
    }

    /// Spawns `n` and waits until all of them are parked.
    fn park(n: u64) -> Self {
        let parked = Self::start(n);
        R::sleep(Duration::from_millis(20));
        parked
    }

    /// Lets them end by closing the gate, and waits for it.
    fn end(self) {
        R::close(self.gate);
        R::wait(&self.group);
    }
}

/// `n` parked goroutines.
pub(crate) fn parked<R: Channels>(task: &Task) -> Report {
    let before = Memory::now();
    let parked = Parked::<R>::park(task.n);
    let after = Memory::now();
    parked.end();
    let mut report = Report {
        ops: task.n,
        ..Report::default()
    };
    report.at_memory(after);
    report.value("bytes", after.bytes_each(before, task.n));
    report
}

/// Goroutines that were spawned and have not run. The scheduler may take the
/// spawner's permit away and start them, so the memory counts at the last
/// moment at which none had started, or if there was none at the end; how many
/// had started by then is an extra.
pub(crate) fn unstarted<R: Channels>(task: &Task) -> Report {
    let (hogs, hogs_ended) = Hogs::start::<R>(task.procs as u64 - 1, None);
    R::sleep(Duration::from_millis(5));
    let before = Memory::now();
    let (mut last, mut spawned) = (before, 0);
    let started = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&started);
    let none_started = || started.load(Ordering::Acquire) == 0;
    let count = move || {
        counter.fetch_add(1, Ordering::Release);
    };
    let parked = Parked::<R>::spawn(task.n, count, |i| {
        if i % 1_000 == 0 && none_started() {
            let now = Memory::now();
            if none_started() {
                (last, spawned) = (now, i);
            }
        }
    });
    let end = Memory::now();
    let early = started.load(Ordering::Acquire);
    hogs.stop();
    R::wait(&hogs_ended);
    parked.end();
    let mut report = Report {
        ops: spawned,
        ..Report::default()
    };
    report.at_memory(end);
    let (memory, over) = if spawned > 0 {
        (last, spawned)
    } else {
        (end, task.n)
    };
    report.value("bytes", memory.bytes_each(before, over));
    report.extra("counted_over", spawned as f64);
    report.extra("bytes_at_end", end.bytes_each(before, task.n));
    report.extra("started_at_end", early as f64);
    report
}

/// What is left of `n` parked goroutines after they ended, after `a` seconds
/// for each million, and after `free` where the contender has such a call.
pub(crate) fn burst_rest<R: Channels>(task: &Task, free: Option<fn()>) -> Report {
    let n = task.n;
    let before = Memory::now();
    let parked = Parked::<R>::park(n);
    let peak = Memory::now();
    parked.end();
    let ended = Memory::now();
    R::sleep(Duration::from_secs((task.a * n / 1_000_000).max(1)));
    let rest = Memory::now();
    let mut report = Report {
        ops: n,
        ..Report::default()
    };
    report.at_memory(rest);
    report.extra("peak", peak.bytes_each(before, n));
    report.extra("ended", ended.bytes_each(before, n));
    report.value("rest", rest.bytes_each(before, n));
    if let Some(free) = free {
        free();
        report.value("freed", Memory::now().bytes_each(before, n));
    }
    report
}

/// `n` goroutines park on one channel; then each is sent a value and ends.
pub(crate) fn growth_park<R: Channels>(task: &Task) -> Report {
    let n = task.n;
    let each = |took: Duration| took.as_nanos() as f64 / n as f64;
    let mut report = Report {
        ops: n,
        ..Report::default()
    };
    let start = Instant::now();
    let parked = Parked::<R>::start(n);
    report.value("park", each(start.elapsed()));
    report.at_memory(Memory::now());
    let start = Instant::now();
    for _ in 0..n {
        R::send(&parked.gate, ());
    }
    R::wait(&parked.group);
    report.value("wake", each(start.elapsed()));
    report
}

/// `n` goroutines park and end, in a fresh process and once more: what the
/// stacks' first use costs, and what it costs to use them again.
pub(crate) fn park_restart<R: Channels>(task: &Task) -> Report {
    let n = task.n;
    let mut report = Report {
        ops: n,
        ..Report::default()
    };
    for metric in ["first", "restart"] {
        let start = Instant::now();
        let parked = Parked::<R>::start(n);
        report.value(metric, start.elapsed().as_nanos() as f64 / n as f64);
        report.at_memory(Memory::now());
        parked.end();
    }
    report
}

/// `n` channels of one value, filled in order and emptied in order.
pub(crate) fn growth_chans<R: Channels>(task: &Task) -> Report {
    let n = task.n;
    let each = |took: Duration| took.as_nanos() as f64 / n as f64;
    let mut report = Report {
        ops: n,
        ..Report::default()
    };
    let mut chans = Vec::with_capacity(n as usize);
    let start = Instant::now();
    for _ in 0..n {
        chans.push(R::chan::<u64>(1));
    }
    report.value("make", each(start.elapsed()));
    let start = Instant::now();
    for ((tx, _), i) in chans.iter().zip(0..) {
        R::send(tx, i);
    }
    for (_, rx) in &chans {
        R::recv(rx);
    }
    report.value("use", each(start.elapsed()));
    report.note_memory();
    report
}
