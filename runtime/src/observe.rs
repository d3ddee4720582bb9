//! Who wants to know what the scheduler does: the one seam for traces and the like.
//!
//! # What it costs when nobody wants to know
//!
//! Nothing but one load at a spawn. Goroutines that are made under an observer carry a flag; a worker
//! that is about to run one finds it by the look at the flags that it takes for other reasons, and
//! goes the long way round, [`run`]. Such a goroutine parks as PARKED_OBSERVED, which whoever readies
//! it takes for one of the rare states. Spawns are heard of where a worker runs out of goroutine
//! numbers, which an observer makes happen every time.
//!
//! The observer is chosen once, when the runtime starts.

mod json;
mod schedtrace;
mod trace;

use std::ptr;
use std::sync::OnceLock;

use crate::goroutine::Record;
use crate::goroutine::record::flag;
use crate::raw::WaitReason;
use crate::shim::atomic::{AtomicU16, AtomicU32, Ordering};
use crate::stack::{Action, Slot};
use crate::worker::Worker;

/// What happens, as seen from the runtime. Called on any thread, on any stack; must not park, and must
/// not call into the scheduler.
pub(crate) trait Observer: Send + Sync {
    /// A goroutine was made, by the caller.
    fn spawned(&self, _id: u64) {}
    /// A worker begins to run a goroutine.
    fn started(&self, _g: &Record, _worker: &Worker) {}
    /// It waits.
    fn parked(&self, _g: &Record, _worker: &Worker, _reason: WaitReason) {}
    /// It lets others go first.
    fn yielded(&self, _g: &Record, _worker: &Worker) {}
    /// It has ended.
    fn ended(&self, _g: &Record, _worker: &Worker) {}
    /// A parked one may run again, because of what the caller did.
    fn readied(&self, _g: &Record) {}
    /// A worker's permit was passed on while its goroutine runs or blocks.
    fn handed_off(&self, _worker: &Worker) {}
}

static OBSERVER: OnceLock<&'static dyn Observer> = OnceLock::new();
/// What goroutines are born with.
static FLAGS: AtomicU16 = AtomicU16::new(0);
/// The kernel's number of the thread that writes for the observers; 0 if there is none.
static THREAD: AtomicU32 = AtomicU32::new(0);

/// Chooses the observer. Once, at the start of the runtime.
pub(crate) fn start() {
    let config = crate::config::get();
    let trace = config.trace.as_deref().map(trace::open);
    if let Some(trace) = trace
        && OBSERVER.set(trace).is_ok()
    {
        FLAGS.store(flag::OBSERVED, Ordering::Relaxed);
    }
    if trace.is_some() || config.schedtrace.is_some() {
        schedtrace::start(trace, config.schedtrace);
    }
}

/// The flags that new goroutines get.
#[inline]
pub(crate) fn flags() -> u16 {
    FLAGS.load(Ordering::Relaxed)
}

/// Whether there is an observer.
pub(crate) fn on() -> bool {
    flags() != 0
}

/// The kernel's number of the observers' own thread.
pub(crate) fn thread() -> u32 {
    THREAD.load(Ordering::Relaxed)
}

fn with(f: impl FnOnce(&'static dyn Observer)) {
    if let Some(observer) = OBSERVER.get() {
        f(*observer);
    }
}

/// See [`Observer::spawned`].
pub(crate) fn spawned(id: u64) {
    if on() {
        with(|observer| observer.spawned(id));
    }
}

/// See [`Observer::readied`].
pub(crate) fn readied(g: &Record) {
    with(|observer| observer.readied(g));
}

/// See [`Observer::handed_off`].
pub(crate) fn handed_off(worker: &Worker) {
    if on() {
        with(|observer| observer.handed_off(worker));
    }
}

/// Runs an observed goroutine until it switches back.
///
/// # Safety
///
/// As [`Slot::resume`].
pub(crate) unsafe fn run(worker: &'static Worker, g: &'static Record, slot: &Slot) -> Action {
    worker.next_tick();
    worker
        .running
        .store(ptr::from_ref(g).cast_mut(), Ordering::Relaxed);
    worker.preempt.store(false, Ordering::Relaxed);
    with(|observer| observer.started(g, worker));
    // SAFETY: the caller's promise.
    let action = unsafe { slot.resume(worker) };
    with(|observer| match action {
        Action::Park | Action::ParkInBubble => {
            let reason = WaitReason::from_u8(g.reason.load(Ordering::Relaxed));
            observer.parked(g, worker, reason);
        }
        Action::Yield | Action::Requeue | Action::YieldInBubble => observer.yielded(g, worker),
        Action::Done => observer.ended(g, worker),
    });
    action
}
