//! tokio's timers, whose resolution is a millisecond.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::spawn;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{MissedTickBehavior, Sleep, interval, interval_at, sleep};

use crate::measure::{Report, Task, spin, spread_sleep};
use crate::tasks::{Countdown, parallel};

const HOUR: Duration = Duration::from_secs(3_600);
/// Idle timers that Go's timer benchmarks put on every permit's heap.
const PRELOAD: u64 = 1 << 15;

/// A timer that runs: a `Sleep` registers itself when it is first polled.
pub(super) async fn armed(time: Duration) -> Pin<Box<Sleep>> {
    let mut timer = Box::pin(sleep(time));
    let mut poll_once = timer.as_mut();
    std::future::poll_fn(|context| {
        let _ = poll_once.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
    timer
}

/// The idle timers of all workers.
async fn preload(task: &Task) -> Vec<Pin<Box<Sleep>>> {
    let mut timers = Vec::new();
    for _ in 0..PRELOAD * task.procs as u64 {
        timers.push(armed(HOUR).await);
    }
    timers
}

/// `n` tasks sleep for 1 to 100 ms at the same time; milliseconds in all.
pub(super) async fn sleeps(task: Task) -> Report {
    let mut report = Report {
        ops: task.n,
        ..Report::default()
    };
    for metric in ["cold", "warm"] {
        let start = Instant::now();
        let group = Countdown::new(task.n);
        for i in 0..task.n {
            let group = group.clone();
            spawn(async move {
                sleep(spread_sleep(i)).await;
                group.done();
            });
        }
        group.wait().await;
        report.value(metric, start.elapsed().as_nanos() as f64 / 1e6);
    }
    report
}

/// A chain of 1,000 tasks, each of which sleeps for 0 and starts the next.
pub(super) async fn after_func_chain(task: Task) -> Report {
    fn after_func(n: u64, done: oneshot::Sender<()>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            sleep(Duration::ZERO).await;
            if n == 0 {
                let _ = done.send(());
            } else {
                spawn(after_func(n - 1, done));
            }
        })
    }
    let idle = preload(&task).await;
    let report = parallel(task, 1, || {
        |mut budget| async move {
            while budget.take() {
                let (tx, rx) = oneshot::channel();
                spawn(after_func(1_000, tx));
                rx.await.expect("the chain ends well");
            }
        }
    })
    .await;
    drop(idle);
    report
}

/// Sleeps for a nanosecond.
pub(super) async fn after(task: Task) -> Report {
    let idle = preload(&task).await;
    let report = parallel(task, 1, || {
        |mut budget| async move {
            while budget.take() {
                sleep(Duration::from_nanos(1)).await;
            }
        }
    })
    .await;
    drop(idle);
    report
}

/// Starts and stops a timer.
pub(super) async fn stop(task: Task) -> Report {
    let idle = preload(&task).await;
    let report = parallel(task, 1, || {
        |mut budget| async move {
            while budget.take() {
                drop(armed(Duration::from_secs(1)).await);
            }
        }
    })
    .await;
    drop(idle);
    report
}

/// Resets a timer.
pub(super) async fn reset(task: Task) -> Report {
    let idle = preload(&task).await;
    let report = parallel(task, 1, || {
        |mut budget| async move {
            let mut timer = armed(HOUR).await;
            while budget.take() {
                timer.as_mut().reset(tokio::time::Instant::now() + HOUR);
            }
        }
    })
    .await;
    drop(idle);
    report
}

/// A thousand tasks that sleep for nothing.
async fn thousand(task: Task, time: Duration) -> Report {
    const N: u64 = 1_000;
    let idle = preload(&task).await;
    let report = parallel(task, 1, || {
        move |mut budget| async move {
            while budget.take() {
                let group = Countdown::new(N);
                for _ in 0..N {
                    let group = group.clone();
                    spawn(async move {
                        sleep(time).await;
                        group.done();
                    });
                }
                group.wait().await;
            }
        }
    })
    .await;
    drop(idle);
    report
}

/// A thousand due at once.
pub(super) async fn simultaneous(task: Task) -> Report {
    thousand(task, Duration::ZERO).await
}

/// A thousand sleeps of a nanosecond.
pub(super) async fn sleep_1000(task: Task) -> Report {
    thousand(task, Duration::from_nanos(1)).await
}

/// Starts a thousand timers, then stops them.
pub(super) async fn start_stop(task: Task) -> Report {
    let idle = preload(&task).await;
    let report = parallel(task, 1, || {
        |mut budget| async move {
            while budget.take() {
                let mut timers = Vec::with_capacity(1_000);
                for _ in 0..1_000 {
                    timers.push(armed(HOUR).await);
                }
                drop(timers);
            }
        }
    })
    .await;
    drop(idle);
    report
}

/// Ticks of an interval of a nanosecond.
pub(super) async fn ticker(task: Task) -> Report {
    let idle = preload(&task).await;
    let report = parallel(task, 1, || {
        |mut budget| async move {
            let mut ticks = interval(Duration::from_nanos(1));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            while budget.take() {
                ticks.tick().await;
            }
        }
    })
    .await;
    drop(idle);
    report
}

/// How late `n` sleeps of `a` µs end; with `b` = 1 beside tasks that yield.
pub(super) async fn accuracy(task: Task) -> Report {
    let stop = Arc::new(AtomicBool::new(false));
    let load = if task.b == 1 {
        4 * task.procs as u64
    } else {
        0
    };
    let group = Countdown::new(load);
    for _ in 0..load {
        let (stop, group) = (Arc::clone(&stop), group.clone());
        spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                spin(Duration::from_micros(20));
                yield_now().await;
            }
            group.done();
        });
    }
    let time = Duration::from_micros(task.a);
    let mut late = Vec::with_capacity(task.n as usize);
    for _ in 0..task.n {
        let start = Instant::now();
        sleep(time).await;
        late.push(start.elapsed().saturating_sub(time));
    }
    stop.store(true, Ordering::Relaxed);
    group.wait().await;
    let mut report = Report::default();
    report.percentiles(late);
    report
}

/// Gaps beyond the period of a 1 kHz interval over `n` ms, beside `a` ×
/// workers tasks that never await and give up two seconds after the end.
pub(super) async fn ticker_hogs(task: Task) -> Report {
    let window = Duration::from_millis(task.n);
    let period = Duration::from_millis(1);
    let start = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let hogs = task.a * task.procs as u64;
    let group = Countdown::new(hogs);
    for _ in 0..hogs {
        let (stop, group) = (Arc::clone(&stop), group.clone());
        spawn(async move {
            while !stop.load(Ordering::Relaxed) && start.elapsed() < window + Duration::from_secs(2)
            {
            }
            group.done();
        });
    }
    let mut ticks = interval_at((start + period).into(), period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut gaps = Vec::new();
    let mut last = start;
    while start.elapsed() < window {
        ticks.tick().await;
        let now = Instant::now();
        gaps.push((now - last).saturating_sub(period));
        last = now;
    }
    stop.store(true, Ordering::Relaxed);
    group.wait().await;
    let mut report = Report::default();
    report.extra("ticks_percent", 100.0 * gaps.len() as f64 / task.n as f64);
    report.percentiles(gaps);
    report
}

/// One less than workers timers of 1 ms, over and over, while the main task
/// spins.
pub(super) async fn timer_latency(task: Task) -> Report {
    let timers = task.procs as u64 - 1;
    let period = Duration::from_millis(1);
    let mut late = Vec::new();
    for _ in 0..task.n {
        let count = Arc::new(AtomicU64::new(0));
        let handles: Vec<_> = (0..timers)
            .map(|_| {
                let count = Arc::clone(&count);
                let expected = Instant::now() + period;
                spawn(async move {
                    sleep(period).await;
                    let late = expected.elapsed();
                    count.fetch_add(1, Ordering::SeqCst);
                    while count.load(Ordering::SeqCst) < timers {
                        std::hint::spin_loop();
                    }
                    late
                })
            })
            .collect();
        while count.load(Ordering::SeqCst) < timers {
            std::hint::spin_loop();
        }
        for handle in handles {
            late.push(handle.await.expect("the timer's task ended well"));
        }
        spin(period);
    }
    let mut report = Report::default();
    report.percentiles(late);
    report
}

/// `b` × workers intervals of 3 ms, each of which works for `a` µs at every
/// tick, `n` ticks each.
pub(super) async fn ticker_staggered(task: Task) -> Report {
    let period = Duration::from_millis(3);
    let mut handles = Vec::new();
    for _ in 0..task.b * task.procs as u64 {
        spin(period / task.procs as u32);
        let mut expected = Instant::now() + period;
        let mut ticks = interval_at(expected.into(), period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        handles.push(spawn(async move {
            let mut late = Vec::new();
            for _ in 0..task.n {
                ticks.tick().await;
                late.push(expected.elapsed());
                expected += period;
                spin(Duration::from_micros(task.a));
            }
            late
        }));
    }
    let mut late = Vec::new();
    for handle in handles {
        late.extend(handle.await.expect("the ticker's task ended well"));
    }
    let mut report = Report::default();
    report.percentiles(late);
    report
}
