//! Timers, in the shapes of Go's `time` benchmarks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gors::chan::{Chan, make};
use gors::sync::WaitGroup;
use gors::time::{Timer, after_func};

use super::{Gors, Programs, main};
use crate::measure::{Memory, Report, Task, spin};
use crate::shapes::sched::warm_up;
use crate::shapes::{Budget, parallel, sleeping};

const HOUR: Duration = Duration::from_secs(3_600);
/// Idle timers that Go's benchmarks put on every permit's heap.
const PRELOAD: u64 = 1 << 15;

pub(super) const PROGRAMS: Programs = &[
    ("timer-afterfunc", |task| main(task, after_func_chain)),
    ("timer-after", |task| main(task, after)),
    ("timer-stop-chan", |task| main(task, stop_chan)),
    ("timer-stop-func", |task| main(task, stop_func)),
    ("timer-reset-chan", |task| main(task, reset_chan)),
    ("timer-reset-func", |task| main(task, reset_func)),
    ("timer-simultaneous", |task| main(task, simultaneous)),
    ("timer-startstop", |task| main(task, start_stop)),
    ("timer-sleep", |task| main(task, sleep_1000)),
    ("timer-latency", |task| main(task, timer_latency)),
    ("growth-timers", |task| main(task, growth)),
];

/// Runs a body in parallel beside the idle timers.
pub(super) fn preloaded(task: &Task, body: fn(&mut Budget)) -> Report {
    let idle: Vec<Timer> = (0..PRELOAD * task.procs as u64)
        .map(|_| after_func(HOUR, || ()))
        .collect();
    let report = parallel::<Gors, _>(task, 1, || body);
    for timer in idle {
        timer.stop();
    }
    report
}

/// A chain of 1,000 functions, each of which starts the next.
fn after_func_chain(task: &Task) -> Report {
    fn chain(n: u64, done: Chan<bool>) {
        after_func(Duration::ZERO, move || {
            if n == 0 {
                done.send(true);
            } else {
                chain(n - 1, done);
            }
        });
    }
    preloaded(task, |budget| {
        while budget.take() {
            let done = make::<bool>(0);
            chain(1_000, done.clone());
            done.recv();
        }
    })
}

/// Receives from `after(1 ns)`.
fn after(task: &Task) -> Report {
    preloaded(task, |budget| {
        while budget.take() {
            let _ = gors::time::after(Duration::from_nanos(1)).recv();
        }
    })
}

/// Starts and stops a timer with a channel.
fn stop_chan(task: &Task) -> Report {
    preloaded(task, |budget| {
        while budget.take() {
            Timer::new(Duration::from_secs(1)).stop();
        }
    })
}

/// Starts and stops a timer with a function.
fn stop_func(task: &Task) -> Report {
    preloaded(task, |budget| {
        while budget.take() {
            after_func(Duration::from_secs(1), || ()).stop();
        }
    })
}

/// Resets a timer with a channel.
fn reset_chan(task: &Task) -> Report {
    preloaded(task, |budget| {
        let timer = Timer::new(HOUR);
        while budget.take() {
            timer.reset(HOUR);
        }
        timer.stop();
    })
}

/// Resets a timer with a function.
fn reset_func(task: &Task) -> Report {
    preloaded(task, |budget| {
        let timer = after_func(HOUR, || ());
        while budget.take() {
            timer.reset(HOUR);
        }
        timer.stop();
    })
}

/// A thousand functions due at once.
fn simultaneous(task: &Task) -> Report {
    preloaded(task, |budget| {
        while budget.take() {
            let group = WaitGroup::new();
            group.add(1_000);
            for _ in 0..1_000 {
                let group = group.clone();
                after_func(Duration::ZERO, move || group.done());
            }
            group.wait();
        }
    })
}

/// Starts a thousand timers, then stops them.
fn start_stop(task: &Task) -> Report {
    preloaded(task, |budget| {
        while budget.take() {
            let timers: Vec<Timer> = (0..1_000).map(|_| after_func(HOUR, || ())).collect();
            for timer in timers {
                timer.stop();
            }
        }
    })
}

/// A thousand goroutines that sleep for a nanosecond, beside the idle timers.
fn sleep_1000(task: &Task) -> Report {
    let idle: Vec<Timer> = (0..PRELOAD * task.procs as u64)
        .map(|_| after_func(HOUR, || ()))
        .collect();
    let report = sleeping::sleep_1000::<Gors>(task);
    for timer in idle {
        timer.stop();
    }
    report
}

/// GOMAXPROCS − 1 timers of 1 ms, over and over, while the main goroutine
/// spins.
fn timer_latency(task: &Task) -> Report {
    let timers = task.procs as u64 - 1;
    let period = Duration::from_millis(1);
    warm_up::<Gors>(task.procs as u64);
    spin(Duration::from_millis(30));
    let mut late = Vec::new();
    for _ in 0..task.n {
        let count = Arc::new(AtomicU64::new(0));
        let results = make::<Duration>(timers as usize);
        for _ in 0..timers {
            let (count, results) = (Arc::clone(&count), results.clone());
            let expected = Instant::now() + period;
            after_func(period, move || {
                results.send(expected.elapsed());
                count.fetch_add(1, Ordering::SeqCst);
                while count.load(Ordering::SeqCst) < timers {
                    std::hint::spin_loop();
                }
            });
        }
        while count.load(Ordering::SeqCst) < timers {
            std::hint::spin_loop();
        }
        late.extend((0..timers).filter_map(|_| results.recv()));
        spin(period);
    }
    let mut report = Report::default();
    report.percentiles(late);
    report
}

/// `n` timers with deadlines one to two hours away.
fn growth(task: &Task) -> Report {
    let n = task.n;
    let each = |took: Duration| took.as_nanos() as f64 / n as f64;
    let mut report = Report {
        ops: n,
        ..Report::default()
    };
    let mut timers = Vec::with_capacity(n as usize);
    let start = Instant::now();
    for i in 0..n {
        let spread = Duration::from_millis(i.wrapping_mul(7_919) % 3_600_000);
        timers.push(after_func(HOUR + spread, || ()));
    }
    report.value("start", each(start.elapsed()));
    report.at_memory(Memory::now());
    let start = Instant::now();
    for timer in &timers {
        timer.stop();
    }
    report.value("stop", each(start.elapsed()));
    report
}
