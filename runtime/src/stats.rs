//! Numbers about the runtime.

use crate::goroutine::record::{flag, state};
use crate::goroutine::slab;
use crate::sched::word::WORD;
use crate::sched::{queue, resize, roster};
use crate::shim::atomic::Ordering;
use crate::stack::depot;
use crate::{spawn, sysmon};

/// A snapshot of the runtime's numbers, taken while it runs: they need not agree to the last
/// goroutine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How many goroutines may run at the same time: GOMAXPROCS.
    pub permits: usize,
    /// Permits that nobody uses.
    pub permits_idle: usize,
    /// Worker threads that exist.
    pub workers: usize,
    /// Worker threads that sleep.
    pub workers_idle: usize,
    /// Worker threads with a permit.
    pub workers_running: usize,
    /// Worker threads without a permit that do not sleep: inside `blocking`, locked, or hogs.
    pub workers_blocked: usize,
    /// Goroutines that exist.
    pub goroutines: usize,
    /// Goroutines that wait for something.
    pub goroutines_waiting: usize,
    /// Goroutines that run or stand in a queue.
    pub goroutines_runnable: usize,
    /// Goroutines in the shared queue.
    pub injected: usize,
    /// Goroutines in workers' queues.
    pub queued: usize,
    /// Stacks that goroutines have: those that have run and not ended.
    pub stacks_live: usize,
    /// Free stacks in the shared depot that still hold memory.
    pub stacks_cached: usize,
    /// Free stacks whose memory was given back.
    pub stacks_cold: usize,
    /// Goroutines made since the start.
    pub spawned: u64,
    /// Goroutines ended since the start.
    pub ended: u64,
    /// Successful looks into other workers' queues.
    pub steals: u64,
    /// Permits passed on from goroutines inside `blocking`.
    pub hand_offs: u64,
    /// Permits passed on from goroutines that used the CPU for too long.
    pub hogs: u64,
    /// Permits of such goroutines that were lent to others that were woken, because no more of them may run
    /// without one.
    pub loans: u64,
    /// Permits passed on from goroutines that blocked their thread outside `blocking`.
    pub unannounced: u64,
    /// Threads made for workers since the start.
    pub threads_started: u64,
    /// Those that have ended, because they were idle for long or their goroutine ended locked to them.
    pub threads_ended: u64,
    /// How often one was wanted and could not be had: `GORS_MAX_THREADS`, or the operating system.
    pub threads_refused: u64,
    /// Goroutines that use the CPU without a permit, as of the last look.
    pub hogs_running: usize,
    /// Goroutines that block their thread outside `blocking`, without a permit, as of the last look.
    pub unannounced_blocked: usize,
}

/// The runtime's numbers now. Walks over all goroutines: for people and dashboards, not for loops.
///
/// Go: `runtime/metrics`.
///
/// ```
/// gors_runtime::run(|| {
///     let stats = gors_runtime::stats();
///     assert_eq!(stats.goroutines, 1);
///     assert!(stats.workers >= 1);
/// });
/// ```
#[must_use]
pub fn stats() -> Stats {
    let (spawned, ended) = spawn::totals();
    let threads = roster::totals();
    let mut stats = Stats {
        permits: resize::procs(),
        permits_idle: usize::try_from(WORD.load().idle()).unwrap_or(0),
        injected: queue::injected_len(),
        stacks_cached: depot::counts().0,
        stacks_cold: depot::counts().1,
        spawned,
        ended,
        goroutines: usize::try_from(spawned.saturating_sub(ended)).unwrap_or(0),
        hand_offs: sysmon::watch::hand_offs(),
        hogs: sysmon::overtime::totals().0,
        loans: sysmon::overtime::loans(),
        unannounced: sysmon::overtime::totals().1,
        threads_started: threads.started,
        threads_ended: threads.ended,
        threads_refused: threads.refused,
        hogs_running: sysmon::overtime::now().0,
        unannounced_blocked: sysmon::overtime::now().1,
        ..Stats::default()
    };
    (stats.workers, stats.workers_idle) = roster::threads();
    stats.workers_running = roster::holders(0).count();
    stats.workers_blocked = stats
        .workers
        .saturating_sub(stats.workers_idle + stats.workers_running);
    roster::for_each(|worker| {
        stats.steals += worker.counters.steals.get();
        stats.queued += worker.stealer.len();
        stats.queued += usize::from(!worker.run_next.is_empty());
    });
    slab::for_each(|g| {
        stats.stacks_live += usize::from(!g.has(flag::FRESH));
        if g.state.load(Ordering::Relaxed) == state::RUNNING {
            stats.goroutines_runnable += 1;
        } else {
            stats.goroutines_waiting += 1;
        }
    });
    stats
}
