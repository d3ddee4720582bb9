//! The seam for a poller: where readiness of sockets and files comes into the scheduler.
//!
//! There is none yet; a network library will bring one. It keeps its own tables of who waits for
//! what, and tells the runtime of ended waits. The runtime decides who asks it, and when:
//!
//! * **Idle**: one idle worker, the timekeeper, waits in [`Poller::poll`] instead of its futex, until
//!   the earliest timer ([`sched::idle`](crate::sched::idle)). Whoever has something for it
//!   [interrupts](Poller::interrupt) the wait.
//! * **Searching**: a worker out of local work asks without waiting, if nobody waits in it
//!   ([`sched::find`](crate::sched::find)).
//! * **sysmon** asks if nobody has for 10 ms: all permits are in use.
//! * **Deadlock detection**: while anybody waits for readiness, there is no deadlock.
//!
//! Goroutines that became ready go to the injector's first lane, as those of timers do. Without a
//! poller all this is one load of a static on slow paths.

use std::sync::OnceLock;
use std::time::Duration;

use crate::clock;
use crate::raw::Task;
use crate::sched::find;
use crate::shim::atomic::{AtomicBool, AtomicU64, Ordering};

/// How long nobody asks before sysmon does.
const FORGOTTEN_AFTER: u64 = 10_000_000;

/// What the scheduler asks for readiness. One for the process.
///
/// # Safety
///
/// [`poll`](Self::poll) passes to `ready` only tasks whose wait it has ended: it has won the
/// [claim](Task::try_claim), found the waiter under the lock that the waiter was published under, and
/// passes each once.
pub unsafe trait Poller: Sync {
    /// Ends the waits of those whose readiness has come, and passes them to `ready`. Waits for the
    /// first at most for `timeout` (`None`: for ever), or until it is interrupted. It may return early
    /// without a reason.
    ///
    /// On a thread's own stack, not a goroutine's; several threads may call it at the same time, but
    /// only one of them waits. It must not block on anything else.
    fn poll(&self, timeout: Option<Duration>, ready: &mut dyn FnMut(Task));

    /// Makes the `poll` that waits return, or if none does, the next that would.
    fn interrupt(&self);

    /// How many goroutines and threads wait for readiness.
    fn waiters(&self) -> usize;
}

static POLLER: OnceLock<&'static dyn Poller> = OnceLock::new();
/// A worker waits in the poller.
static WAITED_IN: AtomicBool = AtomicBool::new(false);
/// When it was last asked.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// Gives the process its poller. False if it has one already.
pub fn install(poller: &'static dyn Poller) -> bool {
    let installed = POLLER.set(poller).is_ok();
    if installed {
        // A timekeeper that sleeps shall wait in the poller from now on.
        crate::sched::idle::wake_timekeeper();
    }
    installed
}

/// The process's poller.
#[inline]
pub(crate) fn get() -> Option<&'static dyn Poller> {
    POLLER.get().copied()
}

/// How many wait for readiness.
pub(crate) fn waiters() -> usize {
    get().map_or(0, Poller::waiters)
}

/// Waits in the poller; for the timekeeper.
pub(crate) fn wait(poller: &dyn Poller, timeout: Option<Duration>) {
    WAITED_IN.store(true, Ordering::SeqCst);
    poller.poll(timeout, &mut ready);
    ASKED.store(clock::now(), Ordering::Relaxed);
    WAITED_IN.store(false, Ordering::SeqCst);
}

/// Somebody waits for readiness, and no worker waits in the poller.
pub(crate) fn is_unattended() -> bool {
    match get() {
        Some(poller) => !WAITED_IN.load(Ordering::SeqCst) && poller.waiters() > 0,
        None => false,
    }
}

/// A worker out of local work: asks without waiting, unless somebody waits in the poller.
#[inline]
pub(crate) fn poll_if_unattended() {
    if is_unattended() {
        poll_now();
    }
}

/// sysmon: asks if nobody has for a while. True if somebody became ready.
pub(crate) fn poll_if_forgotten(now: u64) -> bool {
    is_unattended()
        && now.saturating_sub(ASKED.load(Ordering::Relaxed)) >= FORGOTTEN_AFTER
        && poll_now() > 0
}

fn poll_now() -> usize {
    let mut count = 0;
    if let Some(poller) = get() {
        poller.poll(Some(Duration::ZERO), &mut |task| {
            count += 1;
            ready(task);
        });
        ASKED.store(clock::now(), Ordering::Relaxed);
    }
    count
}

fn ready(task: Task) {
    find::ready_fired(task.record());
}
