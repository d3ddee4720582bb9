//! Tasks: creation, yields, wake-ups, fork and join, select.

use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::spawn;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{block_in_place, yield_now};

use crate::measure::{Report, Task, kernel_sleep, spin};
use crate::shapes::classic::{Block, Product, Split};
use crate::tasks::{Countdown, parallel};

/// `a` tasks share the yields.
pub(super) async fn gosched(task: Task) -> Report {
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let start = Instant::now();
        let group = Countdown::new(task.a);
        for _ in 0..task.a {
            let group = group.clone();
            spawn(async move {
                for _ in 0..n / task.a {
                    yield_now().await;
                }
                group.done();
            });
        }
        group.wait().await;
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// Spawns `n` tasks that do nothing, then waits for all of them.
async fn burst(n: u64) -> Duration {
    let start = Instant::now();
    let group = Countdown::new(n);
    for _ in 0..n {
        let group = group.clone();
        spawn(async move { group.done() });
    }
    group.wait().await;
    start.elapsed()
}

/// A burst in a fresh process, and a second one.
pub(super) async fn spawn_burst(task: Task) -> Report {
    let mut report = Report {
        ops: task.n,
        ..Report::default()
    };
    for metric in ["cold", "warm"] {
        report.value(
            metric,
            burst(task.n).await.as_nanos() as f64 / task.n as f64,
        );
    }
    report
}

/// Spawns and joins, one after the other.
pub(super) async fn spawn_join(task: Task) -> Report {
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let start = Instant::now();
        for i in 0..n {
            assert_eq!(spawn(async move { i }).await.ok(), Some(i));
        }
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// Each task spawns the next.
pub(super) async fn create_chains(task: Task, chains: u64) -> Report {
    fn next(n: u64, group: Countdown) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            if n == 0 {
                group.done();
            } else {
                spawn(next(n - 1, group));
            }
        })
    }
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let start = Instant::now();
        let group = Countdown::new(chains);
        for _ in 0..chains {
            spawn(next(n / chains, group.clone()));
        }
        group.wait().await;
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// Four tasks with captures at a time.
pub(super) async fn create_capture(task: Task) -> Report {
    const N: u64 = 4;
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let start = Instant::now();
        for _ in 0..n {
            let group = Countdown::new(N);
            for i in 0..N {
                let group = group.clone();
                spawn(async move {
                    assert!(i < N, "never: captures i");
                    group.done();
                });
            }
            group.wait().await;
        }
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// One producer, the other workers have to steal.
pub(super) async fn create_single(task: Task) -> Report {
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        sizing.ran(burst(n).await);
    }
    sizing.report()
}

/// Two tasks take turns as sender and receiver, `a` µs apart; `b` = 0 spins in
/// between, 1 sleeps in the kernel.
pub(super) async fn wakeup(task: Task) -> Report {
    const WAKE_DELAY: Duration = Duration::from_micros(5);
    let delay = Duration::from_micros(task.a);
    let syscall = task.b == 1;
    let pause = move |time| {
        if syscall {
            block_in_place(|| kernel_sleep(time));
        } else {
            spin(time);
        }
    };
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let (ping_tx, mut ping_rx) = mpsc::channel::<()>(1);
        let (pong_tx, mut pong_rx) = mpsc::channel::<()>(1);
        let start = Instant::now();
        let first = spawn(async move {
            for _ in 0..n {
                pause(delay + WAKE_DELAY);
                ping_tx
                    .send(())
                    .await
                    .expect("the other side receives n times");
                pause(delay);
                pong_rx.recv().await;
            }
        });
        let second = spawn(async move {
            for _ in 0..n {
                pause(delay);
                ping_rx.recv().await;
                pause(delay + WAKE_DELAY);
                // The first task may have ended after its last receive.
                let _ = pong_tx.send(()).await;
            }
        });
        first.await.expect("the first task ended well");
        second.await.expect("the second task ended well");
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// A tree of tasks, ten children each, with `n` leaves.
pub(super) async fn skynet(task: Task) -> Report {
    fn branch(
        result: mpsc::Sender<u64>,
        number: u64,
        size: u64,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let sum = if size == 1 {
                number
            } else {
                let size = size / 10;
                let (tx, mut rx) = mpsc::channel(10);
                for i in 0..10 {
                    spawn(branch(tx.clone(), number + i * size, size));
                }
                let mut sum = 0;
                for _ in 0..10 {
                    sum += rx.recv().await.expect("the parent holds a sender");
                }
                sum
            };
            result
                .send(sum)
                .await
                .expect("the parent receives ten times");
        })
    }
    let n = task.n;
    let mut report = Report {
        ops: n,
        ..Report::default()
    };
    for metric in ["cold", "warm"] {
        let start = Instant::now();
        let (tx, mut rx) = mpsc::channel(1);
        spawn(branch(tx, 0, n));
        let sum = rx.recv().await;
        report.value(metric, start.elapsed().as_nanos() as f64 / n as f64);
        assert_eq!(sum, Some(n * (n - 1) / 2));
    }
    report
}

/// Divide and conquer; the operations are the multiply-adds.
pub(super) async fn matmult(task: Task) -> Report {
    fn multiply(
        product: &'static Product,
        block: Block,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            match block.split() {
                Split::Parallel(a, b) => {
                    let (tx, rx) = oneshot::channel::<()>();
                    spawn(async move {
                        multiply(product, a).await;
                        let _ = tx.send(());
                    });
                    multiply(product, b).await;
                    rx.await.expect("the other half ends well");
                }
                Split::Sequential(a, b) => {
                    multiply(product, a).await;
                    multiply(product, b).await;
                }
                Split::Leaf => product.compute(block),
            }
        })
    }
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let (product, whole) = Product::leak(n);
        let start = Instant::now();
        multiply(product, whole).await;
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// One receiver, three senders with a channel each.
pub(super) async fn select_3(task: Task) -> Report {
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let each = n / 3 + 1;
        let start = Instant::now();
        // The original sender stays, so that no channel is ever closed.
        let [(_a, mut rx1), (_b, mut rx2), (_c, mut rx3)] = [(); 3].map(|()| {
            let (tx, rx) = mpsc::channel::<u64>(1);
            let sender = tx.clone();
            spawn(async move {
                for i in 0..each {
                    sender.send(i).await.expect("the receiver takes all");
                }
            });
            (tx, rx)
        });
        for _ in 0..3 * each {
            tokio::select! {
                _ = rx1.recv() => (),
                _ = rx2.recv() => (),
                _ = rx3.recv() => (),
            }
        }
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// A select of two private channels of one.
pub(super) async fn select_uncontended(task: Task) -> Report {
    parallel(task, 1, || {
        |mut budget| async move {
            let (tx1, mut rx1) = mpsc::channel::<u64>(1);
            let (tx2, mut rx2) = mpsc::channel::<u64>(1);
            tx1.send(0).await.expect("there is room");
            while budget.take() {
                tokio::select! {
                    _ = rx1.recv() => tx2.send(0).await.expect("there is room"),
                    _ = rx2.recv() => tx1.send(0).await.expect("there is room"),
                }
            }
        }
    })
    .await
}
