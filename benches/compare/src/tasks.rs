//! The rows' programs for contenders whose tasks are futures: tokio, and flume
//! and kanal on tokio's runtime.
//!
//! The channel programs are written once against the traits here; what only
//! tokio does is in `contenders/tokio/`. Everything runs in a spawned task, not
//! in `block_on` on the outer thread, so that the main task is scheduled like
//! the others.

pub(crate) mod channels;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::Notify;

use crate::measure::{Report, Task};
use crate::shapes::{Budget, Polled};

/// Channels whose operations are futures.
pub(crate) trait AsyncChannels: 'static {
    /// The sending side.
    type Tx<T: Send + 'static>: Clone + Send + Sync + 'static;
    /// The receiving side.
    type Rx<T: Send + 'static>: Send + 'static;

    /// A channel for `capacity` values; 0 is a rendezvous, or a channel of one
    /// where there is none.
    fn chan<T: Send + 'static>(capacity: usize) -> (Self::Tx<T>, Self::Rx<T>);
    /// Sends, and waits while the channel is full.
    fn send<T: Send + 'static>(tx: &Self::Tx<T>, value: T) -> impl Future<Output = ()> + Send;
    /// Receives, and waits while the channel is empty; `None` when all senders
    /// are gone and it is drained.
    fn recv<T: Send + 'static>(rx: &mut Self::Rx<T>) -> impl Future<Output = Option<T>> + Send;
    /// Receives if a value is there.
    fn try_recv<T: Send + 'static>(rx: &mut Self::Rx<T>) -> Polled<T>;
}

/// Channels with many receivers.
pub(crate) trait AsyncMpmc: AsyncChannels {
    /// Another receiver of the same channel.
    fn share<T: Send + 'static>(rx: &Self::Rx<T>) -> Self::Rx<T>;
}

/// Runs `main` as a task of a multi-threaded runtime with a worker for each
/// permit.
pub(crate) fn enter<F>(procs: usize, main: F) -> Report
where
    F: Future<Output = Report> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(procs)
        .enable_time()
        .build()
        .expect("tokio's runtime starts");
    let report = runtime.block_on(async {
        match tokio::spawn(main).await {
            Ok(report) => report,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    });
    // Tasks that never end must not hold up the exit.
    runtime.shutdown_background();
    report
}

/// A countdown with one waiter: the cheapest wait group tokio's parts make.
#[derive(Clone, Debug)]
pub(crate) struct Countdown(Arc<(AtomicU64, Notify)>);

impl Countdown {
    /// Waits for `n` times [`done`](Self::done).
    pub(crate) fn new(n: u64) -> Self {
        let countdown = Self(Arc::new((AtomicU64::new(n), Notify::new())));
        if n == 0 {
            countdown.0.1.notify_one();
        }
        countdown
    }

    /// Counts one as done.
    pub(crate) fn done(&self) {
        if self.0.0.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.1.notify_one();
        }
    }

    /// Waits until all are done. Call it once.
    pub(crate) async fn wait(&self) {
        self.0.1.notified().await;
    }
}

/// Runs a timed row in the shape of Go's `b.RunParallel`: `per_permit` ×
/// workers tasks share the operations.
pub(crate) async fn parallel<F, Fut>(task: Task, per_permit: u64, make: impl Fn() -> F) -> Report
where
    F: Fn(Budget) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let tasks = task.procs as u64 * per_permit;
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let body = make();
        let budget = Budget::new(n, sizing.grain());
        let start = Instant::now();
        let group = Countdown::new(tasks);
        for _ in 0..tasks {
            let (work, group) = (body(budget.share()), group.clone());
            tokio::spawn(async move {
                work.await;
                group.done();
            });
        }
        group.wait().await;
        sizing.ran(start.elapsed());
    }
    sizing.report()
}
