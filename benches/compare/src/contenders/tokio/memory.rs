//! Bytes for each task, and cost against size. The tasks wait for a permit of
//! one semaphore: the closest to a receive on a shared channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::spawn;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::sleeping::armed;
use crate::measure::{Memory, Report, Task};
use crate::tasks::Countdown;

/// Many tasks that wait for the gate.
struct Parked {
    gate: Arc<Semaphore>,
    group: Countdown,
}

impl Parked {
    /// Spawns `n`, each of which calls `started` first; `each` is called after
    /// every spawn with the number spawned.
    fn spawn<F>(n: u64, started: F, mut each: impl FnMut(u64)) -> Self
    where
        F: Fn() + Clone + Send + Sync + 'static,
    {
        let gate = Arc::new(Semaphore::new(0));
        let group = Countdown::new(n);
        for i in 1..=n {
            let (gate, group, started) = (Arc::clone(&gate), group.clone(), started.clone());
            spawn(async move {
                started();
                if let Ok(permit) = gate.acquire().await {
                    permit.forget();
                }
                group.done();
            });
            each(i);
        }
        Self { gate, group }
    }

    /// Spawns `n` and waits until all of them have started.
    async fn start(n: u64) -> Self {
        let started = Countdown::new(n);
        let count = started.clone();
        let parked = Self::spawn(n, move || count.done(), |_| ());
        started.wait().await;
        parked
    }

    /// Spawns `n` and waits until all of them are parked.
    async fn park(n: u64) -> Self {
        let parked = Self::start(n).await;
        sleep(Duration::from_millis(20)).await;
        parked
    }

    /// Lets them end by closing the gate, and waits for it.
    async fn end(self) {
        self.gate.close();
        self.group.wait().await;
    }
}

/// `n` parked tasks.
pub(super) async fn parked(task: Task) -> Report {
    let before = Memory::now();
    let parked = Parked::park(task.n).await;
    let after = Memory::now();
    parked.end().await;
    let mut report = Report {
        ops: task.n,
        ..Report::default()
    };
    report.at_memory(after);
    report.value("bytes", after.bytes_each(before, task.n));
    report
}

/// Tasks that were spawned and have not run.
pub(super) async fn unstarted(task: Task) -> Report {
    let stop = Arc::new(AtomicBool::new(false));
    for _ in 1..task.procs {
        let stop = Arc::clone(&stop);
        spawn(async move { while !stop.load(Ordering::Relaxed) {} });
    }
    sleep(Duration::from_millis(5)).await;
    let before = Memory::now();
    let (mut last, mut spawned) = (before, 0);
    let started = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&started);
    let none_started = || started.load(Ordering::Acquire) == 0;
    let count = move || {
        counter.fetch_add(1, Ordering::Release);
    };
    let parked = Parked::spawn(task.n, count, |i| {
        if i % 1_000 == 0 && none_started() {
            let now = Memory::now();
            if none_started() {
                (last, spawned) = (now, i);
            }
        }
    });
    let end = Memory::now();
    let early = started.load(Ordering::Acquire);
    stop.store(true, Ordering::Relaxed);
    parked.end().await;
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

/// What is left of `n` parked tasks after they ended, after `a` seconds for
/// each million.
pub(super) async fn burst_rest(task: Task) -> Report {
    let n = task.n;
    let before = Memory::now();
    let parked = Parked::park(n).await;
    let peak = Memory::now();
    parked.end().await;
    let ended = Memory::now();
    sleep(Duration::from_secs((task.a * n / 1_000_000).max(1))).await;
    let rest = Memory::now();
    let mut report = Report {
        ops: n,
        ..Report::default()
    };
    report.at_memory(rest);
    report.extra("peak", peak.bytes_each(before, n));
    report.extra("ended", ended.bytes_each(before, n));
    report.value("rest", rest.bytes_each(before, n));
    report
}

/// `n` tasks park on one semaphore; then each is let through and ends.
pub(super) async fn growth_park(task: Task) -> Report {
    let n = task.n;
    let each = |took: Duration| took.as_nanos() as f64 / n as f64;
    let mut report = Report {
        ops: n,
        ..Report::default()
    };
    let start = Instant::now();
    let parked = Parked::start(n).await;
    report.value("park", each(start.elapsed()));
    report.at_memory(Memory::now());
    let start = Instant::now();
    for _ in 0..n {
        parked.gate.add_permits(1);
    }
    parked.group.wait().await;
    report.value("wake", each(start.elapsed()));
    report
}

/// `n` tasks park and end, in a fresh process and once more.
pub(super) async fn park_restart(task: Task) -> Report {
    let n = task.n;
    let mut report = Report {
        ops: n,
        ..Report::default()
    };
    for metric in ["first", "restart"] {
        let start = Instant::now();
        let parked = Parked::start(n).await;
        report.value(metric, start.elapsed().as_nanos() as f64 / n as f64);
        report.at_memory(Memory::now());
        parked.end().await;
    }
    report
}

/// `n` timers with deadlines one to two hours away.
pub(super) async fn growth_timers(task: Task) -> Report {
    let n = task.n;
    let each = |took: Duration| took.as_nanos() as f64 / n as f64;
    let mut report = Report {
        ops: n,
        ..Report::default()
    };
    let start = Instant::now();
    let mut timers = Vec::with_capacity(n as usize);
    for i in 0..n {
        let spread = Duration::from_millis(i.wrapping_mul(7_919) % 3_600_000);
        timers.push(armed(Duration::from_secs(3_600) + spread).await);
    }
    report.value("start", each(start.elapsed()));
    let start = Instant::now();
    drop(timers);
    report.value("stop", each(start.elapsed()));
    report
}
