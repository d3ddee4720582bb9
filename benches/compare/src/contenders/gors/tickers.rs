//! Tickers, in the shapes of Go's `time` benchmarks.

use std::time::{Duration, Instant};

use gors::time::Ticker;

use super::timers::preloaded;
use super::{Gors, Programs, main};
use crate::measure::{Report, Task, spin};
use crate::shapes::Fibers;
use crate::shapes::sched::{Hogs, warm_up};

pub(super) const PROGRAMS: Programs = &[
    ("ticker", |task| main(task, ticker)),
    ("ticker-reset", |task| main(task, ticker_reset)),
    ("ticker-hogs", |task| main(task, ticker_hogs)),
    ("ticker-staggered", |task| main(task, ticker_staggered)),
];

/// Ticks of a ticker of a nanosecond.
fn ticker(task: &Task) -> Report {
    preloaded(task, |budget| {
        let ticker = Ticker::new(Duration::from_nanos(1));
        while budget.take() {
            let _ = ticker.c().recv();
        }
        ticker.stop();
    })
}

/// Resets a ticker.
fn ticker_reset(task: &Task) -> Report {
    preloaded(task, |budget| {
        let ticker = Ticker::new(Duration::from_nanos(1));
        while budget.take() {
            ticker.reset(Duration::from_nanos(2));
        }
        ticker.stop();
    })
}

/// Gaps beyond the period of a 1 kHz ticker over `n` ms, beside `a` ×
/// GOMAXPROCS goroutines that never block and give up two seconds after the
/// end.
fn ticker_hogs(task: &Task) -> Report {
    let window = Duration::from_millis(task.n);
    let period = Duration::from_millis(1);
    let start = Instant::now();
    let deadline = start + window + Duration::from_secs(2);
    let (hogs, hogs_ended) = Hogs::start::<Gors>(task.a * task.procs as u64, Some(deadline));
    let ticker = Ticker::new(period);
    let mut gaps = Vec::new();
    let mut last = start;
    while start.elapsed() < window {
        let _ = ticker.c().recv();
        let now = Instant::now();
        gaps.push((now - last).saturating_sub(period));
        last = now;
    }
    ticker.stop();
    hogs.stop();
    hogs_ended.wait();
    let mut report = Report::default();
    report.extra("ticks_percent", 100.0 * gaps.len() as f64 / task.n as f64);
    report.percentiles(gaps);
    report
}

/// `b` × GOMAXPROCS tickers of 3 ms, each of which works for `a` µs at every
/// tick, `n` ticks each.
fn ticker_staggered(task: &Task) -> Report {
    let period = Duration::from_millis(3);
    warm_up::<Gors>(task.procs as u64);
    let (ticks, work) = (task.n, Duration::from_micros(task.a));
    let mut handles = Vec::new();
    for _ in 0..task.b * task.procs as u64 {
        spin(period / task.procs as u32);
        let mut expected = Instant::now() + period;
        let ticker = Ticker::new(period);
        handles.push(gors::spawn(move || {
            let mut late = Vec::new();
            for _ in 0..ticks {
                let _ = ticker.c().recv();
                late.push(expected.elapsed());
                expected += period;
                spin(work);
            }
            ticker.stop();
            late
        }));
    }
    let mut report = Report::default();
    report.percentiles(handles.into_iter().flat_map(Gors::join).collect());
    report
}
