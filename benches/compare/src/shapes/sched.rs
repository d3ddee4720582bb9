//! Creation, yields and wake-ups.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Channels, Fibers, Polled, timed};
use crate::measure::{Report, Task, kernel_sleep, spin};

/// `a` goroutines share the yields.
pub(crate) fn gosched<R: Fibers>(task: &Task) -> Report {
    let goroutines = task.a;
    timed(task, |n| {
        let start = Instant::now();
        let group = R::group(goroutines);
        for _ in 0..goroutines {
            let group = group.clone();
            R::go(move || {
                for _ in 0..n / goroutines {
                    R::yield_now();
                }
                R::done(&group);
            });
        }
        R::wait(&group);
        start.elapsed()
    })
}

/// Spawns `n` goroutines that do nothing, then waits for all of them.
fn burst<R: Fibers>(n: u64) -> Duration {
    let start = Instant::now();
    let group = R::group(n);
    for _ in 0..n {
        let group = group.clone();
        R::go(move || R::done(&group));
    }
    R::wait(&group);
    start.elapsed()
}

/// A burst in a fresh process, and a second one.
pub(crate) fn spawn_burst<R: Fibers>(task: &Task) -> Report {
    let mut report = Report {
        ops: task.n,
        ..Report::default()
    };
    for metric in ["cold", "warm"] {
        report.value(metric, burst::<R>(task.n).as_nanos() as f64 / task.n as f64);
    }
    report
}

/// Spawns and joins, one after the other.
pub(crate) fn spawn_join<R: Fibers>(task: &Task) -> Report {
    timed(task, |n| {
        let start = Instant::now();
        for i in 0..n {
            assert_eq!(R::join(R::spawn(move || i)), i);
        }
        start.elapsed()
    })
}

/// Each goroutine spawns the next; one chain.
pub(crate) fn create_chain<R: Channels>(task: &Task) -> Report {
    create_chains::<R>(task, 1)
}

/// As many chains as permits.
pub(crate) fn create_parallel<R: Channels>(task: &Task) -> Report {
    create_chains::<R>(task, task.procs as u64)
}

fn create_chains<R: Channels>(task: &Task, chains: u64) -> Report {
    fn next<R: Channels>(n: u64, done: R::Tx<()>) {
        if n == 0 {
            R::send(&done, ());
        } else {
            R::go(move || next::<R>(n - 1, done));
        }
    }
    timed(task, |n| {
        let start = Instant::now();
        let (done, all_done) = R::chan(0);
        for _ in 0..chains {
            let done = done.clone();
            R::go(move || next::<R>(n / chains, done));
        }
        for _ in 0..chains {
            R::recv(&all_done);
        }
        start.elapsed()
    })
}

/// Four goroutines with captures at a time.
pub(crate) fn create_capture<R: Fibers>(task: &Task) -> Report {
    const N: u64 = 4;
    timed(task, |n| {
        let start = Instant::now();
        for _ in 0..n {
            let group = R::group(N);
            for i in 0..N {
                let group = group.clone();
                R::go(move || {
                    assert!(i < N, "never: captures i");
                    R::done(&group);
                });
            }
            R::wait(&group);
        }
        start.elapsed()
    })
}

/// One producer, the other permits have to steal.
pub(crate) fn create_single<R: Fibers>(task: &Task) -> Report {
    warm_up::<R>(task.procs as u64);
    timed(task, burst::<R>)
}

/// Makes sure that as many threads as permits exist and have run.
pub(crate) fn warm_up<R: Fibers>(procs: u64) {
    let count = Arc::new(AtomicU64::new(0));
    let group = R::group(procs);
    for _ in 0..procs {
        let (count, group) = (Arc::clone(&count), group.clone());
        R::go(move || {
            count.fetch_add(1, Ordering::SeqCst);
            while count.load(Ordering::SeqCst) < procs {
                std::hint::spin_loop();
            }
            spin(Duration::from_millis(1));
            R::done(&group);
        });
    }
    R::wait(&group);
}

/// A pair plays ping-pong beside a goroutine that never blocks, on one permit.
/// The caller has seen to the one permit.
pub(crate) fn ping_pong_hog<R: Channels>(task: &Task) -> Report {
    timed(task, |n| {
        let (stop_tx, stop) = R::chan::<()>(0);
        let (done, all_done) = R::chan::<()>(3);
        let (ping_tx, ping_rx) = R::chan::<bool>(0);
        let (pong_tx, pong_rx) = R::chan::<bool>(0);
        let (hog_stop, hog_done) = (stop.clone(), done.clone());
        R::go(move || {
            while R::try_recv(&hog_stop) == Polled::Empty {}
            R::send(&hog_done, ());
        });
        let (ponger_rx, ponger_done) = (ping_rx.clone(), done.clone());
        R::go(move || {
            for _ in 0..n {
                R::send(&pong_tx, R::recv(&ponger_rx).expect("ping ended early"));
            }
            R::close(stop_tx);
            R::send(&ponger_done, ());
        });
        let pinger_tx = ping_tx.clone();
        R::go(move || {
            for _ in 0..n {
                R::send(&pinger_tx, R::recv(&pong_rx).expect("pong ended early"));
            }
            R::send(&done, ());
        });
        let start = Instant::now();
        R::send(&ping_tx, true);
        R::recv(&stop);
        let took = start.elapsed();
        R::recv(&ping_rx);
        for _ in 0..3 {
            R::recv(&all_done);
        }
        took
    })
}

/// Two goroutines take turns as sender and receiver, `a` µs apart; `b` = 0
/// spins in between, 1 sleeps in the kernel.
pub(crate) fn wakeup<R: Channels>(task: &Task) -> Report {
    const WAKE_DELAY: Duration = Duration::from_micros(5);
    let delay = Duration::from_micros(task.a);
    let syscall = task.b == 1;
    let pause = move |time| {
        if syscall {
            R::blocking(move || kernel_sleep(time));
        } else {
            spin(time);
        }
    };
    timed(task, |n| {
        let (ping_tx, ping_rx) = R::chan::<()>(0);
        let (pong_tx, pong_rx) = R::chan::<()>(0);
        let (start_tx, start_rx) = R::chan::<()>(0);
        let group = R::group(2);
        let first = group.clone();
        R::go(move || {
            R::recv(&start_rx);
            for _ in 0..n {
                pause(delay + WAKE_DELAY);
                R::send(&ping_tx, ());
                pause(delay);
                R::recv(&pong_rx);
            }
            R::done(&first);
        });
        let second = group.clone();
        R::go(move || {
            for _ in 0..n {
                pause(delay);
                R::recv(&ping_rx);
                pause(delay + WAKE_DELAY);
                R::send(&pong_tx, ());
            }
            R::done(&second);
        });
        let start = Instant::now();
        R::send(&start_tx, ());
        R::wait(&group);
        start.elapsed()
    })
}

/// Goroutines that burn CPU and never block until told to stop.
#[derive(Debug)]
pub(crate) struct Hogs(Arc<AtomicBool>);

impl Hogs {
    /// Starts `n` hogs and waits until all run. They give up at `deadline`.
    pub(crate) fn start<R: Fibers>(n: u64, deadline: Option<Instant>) -> (Self, R::Group) {
        let stop = Arc::new(AtomicBool::new(false));
        let group = R::group(n);
        for _ in 0..n {
            let (stop, group) = (Arc::clone(&stop), group.clone());
            R::go(move || {
                while !stop.load(Ordering::Relaxed) && deadline.is_none_or(|at| Instant::now() < at)
                {
                }
                R::done(&group);
            });
        }
        (Self(stop), group)
    }

    /// Lets them end.
    pub(crate) fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
