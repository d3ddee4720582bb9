//! Asking a goroutine whose slice is over to yield by itself.
//!
//! A goroutine that is not interrupted may still call the runtime all the time: it takes and frees
//! a lock that is never contended, and so never parks. Giving the others a thread beside it would
//! let the kernel switch between them at any instruction, the lock held. So sysmon first *asks*: it
//! marks the worker and, for the short time that the answer may take, raises one flag for the whole
//! process, which operations that may block look at on their way in ([`slice_point`]). That load is
//! all they pay. Only whoever does not answer is relieved.

use crate::goroutine::record::flag;
use crate::shim::atomic::{AtomicBool, Ordering};
use crate::stack::current_slot;
use crate::worker::Worker;

/// Some worker has been asked just now.
static ASKED: AtomicBool = AtomicBool::new(false);

/// sysmon: the goroutine on this worker shall yield.
pub(super) fn ask(worker: &Worker) {
    worker.preempt.store(true, Ordering::Relaxed);
    ASKED.store(true, Ordering::Relaxed);
}

/// sysmon: those that run without a permit shall notice.
pub(super) fn ask_overtime() {
    ASKED.store(true, Ordering::Relaxed);
}

/// sysmon: those who answer quickly have answered.
pub(super) fn end_asking() {
    if ASKED.load(Ordering::Relaxed) {
        ASKED.store(false, Ordering::Relaxed);
    }
}

/// The start of an operation that may block: yields if the caller's slice is over and sysmon asks
/// for it. For operations that usually go through without looking at the runtime at all; the others
/// need it not. Costs a load of a variable that hardly ever changes.
///
/// Whoever calls it holds no lock and has nothing published.
#[inline]
pub fn slice_point() {
    if ASKED.load(Ordering::Relaxed) {
        answer();
    }
}

#[cold]
#[inline(never)]
fn answer() {
    if let Some(slot) = current_slot() {
        let worker = slot.worker();
        if (worker.preempt.load(Ordering::Relaxed) || !worker.runs())
            && !slot.record().has(flag::BLOCKING)
            && !std::thread::panicking()
        {
            crate::gosched();
        }
    }
}
