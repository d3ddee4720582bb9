//! The rows' programs for contenders whose tasks block: gors, may and, for
//! channel rows, OS threads.
//!
//! A program is written once against the traits here and compiled once for each
//! contender; the traits' methods are one call of the contender each, so they
//! cost nothing. What a contender spells differently (select, timers, locks) is
//! in its own file below `contenders/`. The async contenders have their own
//! versions of the same programs in `tasks/`, the Go ones are in `go/`.

// Some programs are gors' alone.
#![cfg_attr(not(feature = "gors"), allow(dead_code))]

pub(crate) mod channels;
pub(crate) mod classic;
pub(crate) mod locks;
pub(crate) mod memory;
pub(crate) mod sched;
pub(crate) mod sleeping;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::measure::{Report, Task};

/// Tasks that block: goroutines, coroutines, threads.
pub(crate) trait Fibers: 'static {
    /// What a spawned task is joined by.
    type Handle<T: Send + 'static>;
    /// A wait group or what comes closest.
    type Group: Clone + Send + Sync + 'static;

    /// Starts `f`; its end is not awaited.
    fn go<F: FnOnce() + Send + 'static>(f: F);
    /// Starts `f`, to be joined.
    fn spawn<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(f: F) -> Self::Handle<T>;
    /// Waits for a task's result.
    fn join<T: Send + 'static>(handle: Self::Handle<T>) -> T;
    /// Lets others run.
    fn yield_now();
    /// Sleeps without holding a worker.
    fn sleep(time: Duration);
    /// Calls something that blocks in the kernel, in the way the contender
    /// wants such calls made.
    fn blocking<F: FnOnce()>(f: F);
    /// A group that waits for `n` times [`done`](Self::done).
    fn group(n: u64) -> Self::Group;
    /// Counts one of the group as done.
    fn done(group: &Self::Group);
    /// Waits until all of the group are done.
    fn wait(group: &Self::Group);
}

/// Channels whose operations block.
pub(crate) trait Channels: Fibers {
    /// The sending side.
    type Tx<T: Send + 'static>: Clone + Send + Sync + 'static;
    /// The receiving side.
    type Rx<T: Send + 'static>: Clone + Send + Sync + 'static;

    /// A channel for `capacity` values; 0 is a rendezvous.
    fn chan<T: Send + 'static>(capacity: usize) -> (Self::Tx<T>, Self::Rx<T>);
    /// Sends, and waits while the channel is full.
    fn send<T: Send + 'static>(tx: &Self::Tx<T>, value: T);
    /// Receives, and waits while the channel is empty; `None` when it is
    /// closed and drained.
    fn recv<T: Send + 'static>(rx: &Self::Rx<T>) -> Option<T>;
    /// Receives if a value is there.
    fn try_recv<T: Send + 'static>(rx: &Self::Rx<T>) -> Polled<T>;
    /// Closes the channel. The caller holds the last sending side.
    fn close<T: Send + 'static>(tx: Self::Tx<T>);
}

/// What a receive that does not wait finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Polled<T> {
    /// A value.
    Value(T),
    /// Nothing yet.
    Empty,
    /// Nothing any more.
    Closed,
}

/// One goroutine's share of a number of operations: Go's `testing.PB`.
#[derive(Debug)]
pub(crate) struct Budget {
    taken: Arc<AtomicU64>,
    total: u64,
    grain: u64,
    cached: u64,
}

impl Budget {
    /// `total` operations that all clones take from, `grain` at once.
    pub(crate) fn new(total: u64, grain: u64) -> Self {
        Self {
            taken: Arc::new(AtomicU64::new(0)),
            total,
            grain,
            cached: 0,
        }
    }

    /// Another goroutine's view of the same operations.
    pub(crate) fn share(&self) -> Self {
        Self {
            taken: Arc::clone(&self.taken),
            total: self.total,
            grain: self.grain,
            cached: 0,
        }
    }

    /// Is there one more operation to do?
    #[inline]
    pub(crate) fn take(&mut self) -> bool {
        if self.cached == 0 {
            let end = self.taken.fetch_add(self.grain, Ordering::Relaxed) + self.grain;
            if end <= self.total {
                self.cached = self.grain;
            } else if end < self.total + self.grain {
                self.cached = self.total + self.grain - end;
            } else {
                return false;
            }
        }
        self.cached -= 1;
        true
    }
}

/// Runs a timed row in the shape of Go's `b.RunParallel`: `per_permit` ×
/// GOMAXPROCS goroutines share the operations. `make` builds the body anew for
/// each run.
pub(crate) fn parallel<R, F>(task: &Task, per_permit: u64, make: impl Fn() -> F) -> Report
where
    R: Fibers,
    F: Fn(&mut Budget) + Clone + Send + 'static,
{
    let goroutines = task.procs as u64 * per_permit;
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let body = make();
        let budget = Budget::new(n, sizing.grain());
        let start = Instant::now();
        let group = R::group(goroutines);
        for _ in 0..goroutines {
            let (body, mut share, group) = (body.clone(), budget.share(), group.clone());
            R::go(move || {
                body(&mut share);
                R::done(&group);
            });
        }
        R::wait(&group);
        sizing.ran(start.elapsed());
    }
    sizing.report()
}

/// Runs a timed row whose body does `n` operations and says how long they took.
pub(crate) fn timed(task: &Task, mut body: impl FnMut(u64) -> Duration) -> Report {
    let mut sizing = task.sizing();
    while let Some(n) = sizing.next_n() {
        let took = body(n);
        sizing.ran(took);
    }
    sizing.report()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches a budget that gives out more or fewer operations than there are.
    #[test]
    fn budget_is_exact() {
        for (total, grain) in [(0, 1), (1, 1), (10, 3), (1_000, 7), (5, 100)] {
            let mut shares = vec![Budget::new(total, grain)];
            shares.push(shares[0].share());
            let mut taken = 0;
            while shares.iter_mut().any(Budget::take) {
                taken += 1;
            }
            assert_eq!(taken, total, "grain {grain}");
        }
    }
}
