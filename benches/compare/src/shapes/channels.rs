//! Channels, in the shapes of Go's `runtime/chan_test.go`.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use super::{Channels, Polled, parallel, timed};
use crate::measure::{Report, Task, work};

/// Values a producer sends between two looks at the shared counter.
pub(crate) const CALLS_PER_SCHED: u64 = 1_000;
/// Values a private buffer is filled with.
pub(crate) const BATCH: usize = 100;

/// Round trips over two unbuffered channels.
pub(crate) fn ping_pong<R: Channels>(task: &Task) -> Report {
    timed(task, |n| {
        let start = Instant::now();
        let (ping_tx, ping_rx) = R::chan::<u64>(0);
        let (pong_tx, pong_rx) = R::chan::<u64>(0);
        R::go(move || {
            while let Some(v) = R::recv(&ping_rx) {
                R::send(&pong_tx, v);
            }
            R::close(pong_tx);
        });
        for i in 0..n {
            R::send(&ping_tx, i);
            R::recv(&pong_rx);
        }
        R::close(ping_tx);
        R::recv(&pong_rx);
        start.elapsed()
    })
}

/// One producer, one consumer, capacity `a`.
pub(crate) fn stream<R: Channels>(task: &Task) -> Report {
    let capacity = task.a as usize;
    timed(task, |n| {
        let start = Instant::now();
        let (tx, rx) = R::chan::<u64>(capacity);
        R::go(move || {
            for i in 0..n {
                R::send(&tx, i);
            }
            R::close(tx);
        });
        while R::recv(&rx).is_some() {}
        start.elapsed()
    })
}

/// `a` producers and as many consumers, capacity `b`.
pub(crate) fn mpmc<R: Channels>(task: &Task) -> Report {
    let (sides, capacity) = (task.a, task.b as usize);
    timed(task, |n| {
        let start = Instant::now();
        let (tx, rx) = R::chan::<u64>(capacity);
        let (producers, consumers) = (R::group(sides), R::group(sides));
        for _ in 0..sides {
            let (tx, group) = (tx.clone(), producers.clone());
            R::go(move || {
                for i in 0..n / sides {
                    R::send(&tx, i);
                }
                // Before `done`: where closing means dropping the last
                // sender, the main goroutine's has to be the last.
                drop(tx);
                R::done(&group);
            });
            let (rx, group) = (rx.clone(), consumers.clone());
            R::go(move || {
                while R::recv(&rx).is_some() {}
                R::done(&group);
            });
        }
        R::wait(&producers);
        R::close(tx);
        R::wait(&consumers);
        start.elapsed()
    })
}

/// Makes channels for 8 values of the `a`-th kind.
pub(crate) fn make<R: Channels>(task: &Task) -> Report {
    fn of<R: Channels, T: Send + 'static>(n: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..n {
            black_box(R::chan::<T>(8));
        }
        start.elapsed()
    }
    let kind: fn(u64) -> Duration = match task.a {
        0 => of::<R, u8>,
        1 => of::<R, i64>,
        2 => of::<R, &'static u8>,
        3 => of::<R, ()>,
        4 => of::<R, [i64; 4]>,
        _ => of::<R, [i64; 5]>,
    };
    timed(task, kind)
}

/// Receives that find nothing.
pub(crate) fn nonblocking<R: Channels>(task: &Task) -> Report {
    parallel::<R, _>(task, 1, || {
        let (tx, rx) = R::chan::<u64>(0);
        move |budget| {
            // The sender lives as long as the body: the channel stays open.
            let _open = &tx;
            while budget.take() {
                black_box(R::try_recv(&rx));
            }
        }
    })
}

fn fill_and_drain<R: Channels>(tx: &R::Tx<u64>, rx: &R::Rx<u64>) {
    for _ in 0..BATCH {
        R::send(tx, 0);
    }
    for _ in 0..BATCH {
        R::recv(rx);
    }
}

/// A private channel that is filled and drained.
pub(crate) fn uncontended<R: Channels>(task: &Task) -> Report {
    parallel::<R, _>(task, 1, || {
        |budget| {
            let (tx, rx) = R::chan(BATCH);
            while budget.take() {
                fill_and_drain::<R>(&tx, &rx);
            }
        }
    })
}

/// A shared channel that all fill and drain.
pub(crate) fn contended<R: Channels>(task: &Task) -> Report {
    let capacity = BATCH * task.procs;
    parallel::<R, _>(task, 1, || {
        let (tx, rx) = R::chan(capacity);
        move |budget| {
            while budget.take() {
                fill_and_drain::<R>(&tx, &rx);
            }
        }
    })
}

/// Two goroutines take turns in sending, `a` steps of work after each.
pub(crate) fn sync<R: Channels>(task: &Task) -> Report {
    const PROCS: u64 = 2;
    let steps = task.a;
    timed(task, |n| {
        let start = Instant::now();
        let turns = Arc::new(AtomicI64::new((n / CALLS_PER_SCHED / PROCS * PROCS) as i64));
        let (tx, rx) = R::chan::<u64>(0);
        let group = R::group(PROCS);
        for _ in 0..PROCS {
            let (turns, tx, rx, group) =
                (Arc::clone(&turns), tx.clone(), rx.clone(), group.clone());
            R::go(move || {
                loop {
                    let turn = turns.fetch_sub(1, Ordering::SeqCst) - 1;
                    if turn < 0 {
                        break;
                    }
                    for _ in 0..CALLS_PER_SCHED {
                        if turn % 2 == 0 {
                            R::recv(&rx);
                            work(steps);
                            R::send(&tx, 0);
                        } else {
                            R::send(&tx, 0);
                            work(steps);
                            R::recv(&rx);
                        }
                        work(steps);
                    }
                }
                R::done(&group);
            });
        }
        R::wait(&group);
        start.elapsed()
    })
}

/// GOMAXPROCS producers and consumers, capacity `a`, `b` steps of work.
pub(crate) fn prod_cons<R: Channels>(task: &Task) -> Report {
    let (procs, capacity, steps) = (task.procs, task.a as usize, task.b);
    timed(task, |n| {
        let start = Instant::now();
        let batches = Arc::new(AtomicI64::new((n / CALLS_PER_SCHED) as i64));
        let (tx, rx) = R::chan::<u64>(capacity);
        let group = R::group(2 * procs as u64);
        for _ in 0..procs {
            let (batches, tx, done) = (Arc::clone(&batches), tx.clone(), group.clone());
            R::go(move || {
                while batches.fetch_sub(1, Ordering::SeqCst) > 0 {
                    for _ in 0..CALLS_PER_SCHED {
                        work(steps);
                        R::send(&tx, 1);
                    }
                }
                R::send(&tx, 0);
                R::done(&done);
            });
            let (rx, done) = (rx.clone(), group.clone());
            R::go(move || {
                while R::recv(&rx) != Some(0) {
                    work(steps);
                }
                R::done(&done);
            });
        }
        R::wait(&group);
        start.elapsed()
    })
}

/// Receives what a closed channel still holds.
pub(crate) fn drain_closed<R: Channels>(task: &Task) -> Report {
    timed(task, |n| {
        let (tx, rx) = R::chan::<()>(n as usize);
        for _ in 0..n {
            R::send(&tx, ());
        }
        R::close(tx);
        let start = Instant::now();
        while R::recv(&rx).is_some() {}
        start.elapsed()
    })
}

/// Makes, sends, receives, drops.
pub(crate) fn creation<R: Channels>(task: &Task) -> Report {
    parallel::<R, _>(task, 1, || {
        |budget| {
            while budget.take() {
                let (tx, rx) = R::chan::<u64>(1);
                R::send(&tx, 0);
                R::recv(&rx);
            }
        }
    })
}

/// A channel of capacity GOMAXPROCS as a semaphore.
pub(crate) fn sem<R: Channels>(task: &Task) -> Report {
    let permits = task.procs;
    parallel::<R, _>(task, 1, || {
        let (tx, rx) = R::chan::<()>(permits);
        move |budget| {
            while budget.take() {
                R::send(&tx, ());
                R::recv(&rx);
            }
        }
    })
}

/// Receives from a channel that is closed and empty.
pub(crate) fn closed<R: Channels>(task: &Task) -> Report {
    parallel::<R, _>(task, 1, || {
        let (tx, rx) = R::chan::<()>(0);
        R::close(tx);
        move |budget| {
            while budget.take() {
                assert_eq!(R::try_recv(&rx), Polled::Closed);
            }
        }
    })
}
