//! Channels between tasks, in the shapes of Go's `runtime/chan_test.go`. The
//! blocking twin of this file is `shapes/channels.rs`.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tokio::spawn;

use super::{AsyncChannels, AsyncMpmc, Countdown, parallel};
use crate::measure::{Report, Task, work};
use crate::shapes::Polled;
use crate::shapes::channels::{BATCH, CALLS_PER_SCHED};
use crate::shapes::classic::per_asked;

/// Round trips over two channels.
pub(crate) async fn ping_pong<C: AsyncChannels>(task: Task) -> Report {
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let start = Instant::now();
        let (ping_tx, mut ping_rx) = C::chan::<u64>(0);
        let (pong_tx, mut pong_rx) = C::chan::<u64>(0);
        spawn(async move {
            while let Some(v) = C::recv(&mut ping_rx).await {
                C::send(&pong_tx, v).await;
            }
        });
        for i in 0..n {
            C::send(&ping_tx, i).await;
            C::recv(&mut pong_rx).await;
        }
        drop(ping_tx);
        C::recv(&mut pong_rx).await;
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// One producer, one consumer, capacity `a`.
pub(crate) async fn stream<C: AsyncChannels>(task: Task) -> Report {
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let start = Instant::now();
        let (tx, mut rx) = C::chan::<u64>(task.a as usize);
        spawn(async move {
            for i in 0..n {
                C::send(&tx, i).await;
            }
        });
        while C::recv(&mut rx).await.is_some() {}
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// `a` producers and as many consumers, capacity `b`.
pub(crate) async fn mpmc<C: AsyncMpmc>(task: Task) -> Report {
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let start = Instant::now();
        let (tx, rx) = C::chan::<u64>(task.b as usize);
        let consumers = Countdown::new(task.a);
        for _ in 0..task.a {
            let tx = tx.clone();
            spawn(async move {
                for i in 0..n / task.a {
                    C::send(&tx, i).await;
                }
            });
            let (mut rx, group) = (C::share(&rx), consumers.clone());
            spawn(async move {
                while C::recv(&mut rx).await.is_some() {}
                group.done();
            });
        }
        drop(tx);
        consumers.wait().await;
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// A token goes round `a` tasks.
pub(crate) async fn ring<C: AsyncChannels>(task: Task) -> Report {
    let size = task.a;
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let (first, mut rx) = C::chan::<u64>(0);
        for _ in 1..size {
            let (tx, next) = C::chan::<u64>(0);
            let mut from = std::mem::replace(&mut rx, next);
            spawn(async move {
                while let Some(token) = C::recv(&mut from).await {
                    C::send(&tx, token + 1).await;
                }
            });
        }
        let rounds = n / size + 1;
        let mut hops = 0;
        let start = Instant::now();
        for _ in 0..rounds {
            C::send(&first, 0).await;
            hops += C::recv(&mut rx).await.expect("the ring broke") + 1;
        }
        let took = start.elapsed();
        assert_eq!(hops, rounds * size);
        drop(first);
        C::recv(&mut rx).await;
        sizing.ran(per_asked(took, hops, n));
    }
    sizing.report()
}

/// The concurrent prime sieve up to the `n`-th prime.
pub(crate) async fn sieve<C: AsyncChannels>(task: Task) -> Report {
    let start = Instant::now();
    let (generator, mut rx) = C::chan::<u64>(0);
    spawn(async move {
        for i in 2.. {
            C::send(&generator, i).await;
        }
    });
    let mut prime = 0;
    for _ in 0..task.n {
        prime = C::recv(&mut rx)
            .await
            .expect("the generator goes on for ever");
        let (tx, next) = C::chan::<u64>(0);
        let mut from = std::mem::replace(&mut rx, next);
        spawn(async move {
            while let Some(i) = C::recv(&mut from).await {
                if i % prime != 0 {
                    C::send(&tx, i).await;
                }
            }
        });
    }
    let mut report = Report::per_op(start.elapsed(), task.n);
    report.extra("last_prime", prime as f64);
    // Keeps the last filter from seeing a closed channel until the exit.
    std::mem::forget(rx);
    report
}

/// Makes channels for 8 values of the `a`-th kind.
pub(crate) async fn make<C: AsyncChannels>(task: Task) -> Report {
    fn of<C: AsyncChannels, T: Send + 'static>(n: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..n {
            black_box(C::chan::<T>(8));
        }
        start.elapsed()
    }
    let kind: fn(u64) -> Duration = match task.a {
        0 => of::<C, u8>,
        1 => of::<C, i64>,
        2 => of::<C, &'static u8>,
        3 => of::<C, ()>,
        4 => of::<C, [i64; 4]>,
        _ => of::<C, [i64; 5]>,
    };
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        sizing.ran(kind(n));
    }
    sizing.report()
}

/// Receives that find nothing.
pub(crate) async fn nonblocking<C: AsyncMpmc>(task: Task) -> Report {
    parallel(task, 1, || {
        let (tx, rx) = C::chan::<u64>(0);
        move |mut budget| {
            let (open, mut rx) = (tx.clone(), C::share(&rx));
            async move {
                while budget.take() {
                    black_box(C::try_recv(&mut rx));
                }
                drop(open);
            }
        }
    })
    .await
}

async fn fill_and_drain<C: AsyncChannels>(tx: &C::Tx<u64>, rx: &mut C::Rx<u64>) {
    for _ in 0..BATCH {
        C::send(tx, 0).await;
    }
    for _ in 0..BATCH {
        C::recv(rx).await;
    }
}

/// A private channel that is filled and drained.
pub(crate) async fn uncontended<C: AsyncChannels>(task: Task) -> Report {
    parallel(task, 1, || {
        |mut budget| async move {
            let (tx, mut rx) = C::chan(BATCH);
            while budget.take() {
                fill_and_drain::<C>(&tx, &mut rx).await;
            }
        }
    })
    .await
}

/// A shared channel that all fill and drain.
pub(crate) async fn contended<C: AsyncMpmc>(task: Task) -> Report {
    parallel(task, 1, || {
        let (tx, rx) = C::chan(BATCH * task.procs);
        move |mut budget| {
            let (tx, mut rx) = (tx.clone(), C::share(&rx));
            async move {
                while budget.take() {
                    fill_and_drain::<C>(&tx, &mut rx).await;
                }
            }
        }
    })
    .await
}

/// Two tasks take turns in sending, `a` steps of work after each.
pub(crate) async fn sync<C: AsyncMpmc>(task: Task) -> Report {
    const PROCS: u64 = 2;
    let steps = task.a;
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let start = Instant::now();
        let turns = Arc::new(AtomicI64::new((n / CALLS_PER_SCHED / PROCS * PROCS) as i64));
        let (tx, rx) = C::chan::<u64>(0);
        let group = Countdown::new(PROCS);
        for _ in 0..PROCS {
            let (turns, tx, mut rx, group) =
                (Arc::clone(&turns), tx.clone(), C::share(&rx), group.clone());
            spawn(async move {
                loop {
                    let turn = turns.fetch_sub(1, Ordering::SeqCst) - 1;
                    if turn < 0 {
                        break;
                    }
                    for _ in 0..CALLS_PER_SCHED {
                        if turn % 2 == 0 {
                            C::recv(&mut rx).await;
                            work(steps);
                            C::send(&tx, 0).await;
                        } else {
                            C::send(&tx, 0).await;
                            work(steps);
                            C::recv(&mut rx).await;
                        }
                        work(steps);
                    }
                }
                group.done();
            });
        }
        group.wait().await;
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// As many producers and consumers as workers, capacity `a`, `b` steps of work.
pub(crate) async fn prod_cons<C: AsyncMpmc>(task: Task) -> Report {
    let (capacity, steps) = (task.a as usize, task.b);
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let start = Instant::now();
        let batches = Arc::new(AtomicI64::new((n / CALLS_PER_SCHED) as i64));
        let (tx, rx) = C::chan::<u64>(capacity);
        let group = Countdown::new(2 * task.procs as u64);
        for _ in 0..task.procs {
            let (batches, tx, done) = (Arc::clone(&batches), tx.clone(), group.clone());
            spawn(async move {
                while batches.fetch_sub(1, Ordering::SeqCst) > 0 {
                    for _ in 0..CALLS_PER_SCHED {
                        work(steps);
                        C::send(&tx, 1).await;
                    }
                }
                C::send(&tx, 0).await;
                done.done();
            });
            let (mut rx, done) = (C::share(&rx), group.clone());
            spawn(async move {
                while C::recv(&mut rx).await != Some(0) {
                    work(steps);
                }
                done.done();
            });
        }
        group.wait().await;
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// Receives what a closed channel still holds.
pub(crate) async fn drain_closed<C: AsyncChannels>(task: Task) -> Report {
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let (tx, mut rx) = C::chan::<()>(n as usize);
        for _ in 0..n {
            C::send(&tx, ()).await;
        }
        drop(tx);
        let start = Instant::now();
        while C::recv(&mut rx).await.is_some() {}
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// Makes, sends, receives, drops.
pub(crate) async fn creation<C: AsyncChannels>(task: Task) -> Report {
    parallel(task, 1, || {
        |mut budget| async move {
            while budget.take() {
                let (tx, mut rx) = C::chan::<u64>(1);
                C::send(&tx, 0).await;
                C::recv(&mut rx).await;
            }
        }
    })
    .await
}

/// A channel of as many places as workers as a semaphore.
pub(crate) async fn sem<C: AsyncMpmc>(task: Task) -> Report {
    parallel(task, 1, || {
        let (tx, rx) = C::chan::<()>(task.procs);
        move |mut budget| {
            let (tx, mut rx) = (tx.clone(), C::share(&rx));
            async move {
                while budget.take() {
                    C::send(&tx, ()).await;
                    C::recv(&mut rx).await;
                }
            }
        }
    })
    .await
}

/// Receives from a channel that is closed and empty.
pub(crate) async fn closed<C: AsyncMpmc>(task: Task) -> Report {
    parallel(task, 1, || {
        let (tx, rx) = C::chan::<()>(0);
        drop(tx);
        move |mut budget| {
            let mut rx = C::share(&rx);
            async move {
                while budget.take() {
                    assert_eq!(C::try_recv(&mut rx), Polled::Closed);
                }
            }
        }
    })
    .await
}

/// `n` channels of one value, filled in order and emptied in order.
pub(crate) async fn growth_chans<C: AsyncChannels>(task: Task) -> Report {
    let n = task.n;
    let each = |took: Duration| took.as_nanos() as f64 / n as f64;
    let mut report = Report {
        ops: n,
        ..Report::default()
    };
    let mut chans = Vec::with_capacity(n as usize);
    let start = Instant::now();
    for _ in 0..n {
        chans.push(C::chan::<u64>(1));
    }
    report.value("make", each(start.elapsed()));
    let start = Instant::now();
    for (i, pair) in chans.iter_mut().enumerate() {
        C::send(&pair.0, i as u64).await;
    }
    for pair in &mut chans {
        C::recv(&mut pair.1).await;
    }
    report.value("use", each(start.elapsed()));
    report.note_memory();
    report
}
