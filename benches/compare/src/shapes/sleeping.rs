//! Many sleeps at once, and how late one sleep ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Fibers, parallel};
use crate::measure::{Report, Task, spin, spread_sleep};

/// `n` goroutines sleep for 1 to 100 ms at the same time; milliseconds in all.
pub(crate) fn sleeps<R: Fibers>(task: &Task) -> Report {
    let n = task.n;
    let mut report = Report {
        ops: n,
        ..Report::default()
    };
    for metric in ["cold", "warm"] {
        let start = Instant::now();
        let group = R::group(n);
        for i in 0..n {
            let group = group.clone();
            R::go(move || {
                R::sleep(spread_sleep(i));
                R::done(&group);
            });
        }
        R::wait(&group);
        report.value(metric, start.elapsed().as_nanos() as f64 / 1e6);
    }
    report
}

/// A thousand goroutines that sleep for a nanosecond.
pub(crate) fn sleep_1000<R: Fibers>(task: &Task) -> Report {
    const N: u64 = 1_000;
    parallel::<R, _>(task, 1, || {
        |budget| {
            while budget.take() {
                let group = R::group(N);
                for _ in 0..N {
                    let group = group.clone();
                    R::go(move || {
                        R::sleep(Duration::from_nanos(1));
                        R::done(&group);
                    });
                }
                R::wait(&group);
            }
        }
    })
}

/// How late `n` sleeps of `a` µs end; with `b` = 1 beside 4 × GOMAXPROCS
/// goroutines that work for 20 µs and yield.
pub(crate) fn accuracy<R: Fibers>(task: &Task) -> Report {
    let stop = Arc::new(AtomicBool::new(false));
    let load = if task.b == 1 {
        4 * task.procs as u64
    } else {
        0
    };
    let group = R::group(load);
    for _ in 0..load {
        let (stop, group) = (Arc::clone(&stop), group.clone());
        R::go(move || {
            while !stop.load(Ordering::Relaxed) {
                spin(Duration::from_micros(20));
                R::yield_now();
            }
            R::done(&group);
        });
    }
    let time = Duration::from_micros(task.a);
    let late = (0..task.n)
        .map(|_| {
            let start = Instant::now();
            R::sleep(time);
            start.elapsed().saturating_sub(time)
        })
        .collect();
    stop.store(true, Ordering::Relaxed);
    R::wait(&group);
    let mut report = Report::default();
    report.percentiles(late);
    report
}
