//! Asking a goroutine whose slice is over to yield by itself.
//!
//! A goroutine that is not interrupted may still call the runtime all the time: it takes and frees
//! a lock that is never contended, and so never parks. Giving the others a thread beside it would
//! let the kernel switch between them at any instruction, the lock held. So sysmon first *asks*: it
//! marks the worker and, for the short time that the answer may take, raises one flag for the whole
//! process, which operations that may block look at on their way in ([`point`](crate::raw::point)), and those
//! that make a goroutine. That load is all they pay. Only whoever does not answer is relieved.

use crate::goroutine::record::flag;
use crate::mode;
use crate::shim::atomic::Ordering;
use crate::stack::current_slot;
use crate::worker::Worker;
use crate::yielding;

/// sysmon: the goroutine on this worker shall yield.
pub(super) fn ask(worker: &Worker) {
    worker.preempt.store(true, Ordering::Relaxed);
    mode::set_asked(true);
}

/// sysmon: those that run without a permit shall notice.
pub(super) fn ask_overtime() {
    mode::set_asked(true);
}

/// sysmon: those who answer quickly have answered.
pub(super) fn end_asking() {
    if mode::asked() {
        mode::set_asked(false);
    }
}

/// As [`answer`], for those who look at nothing else.
#[inline(always)]
pub(crate) fn answer_if_asked() {
    if mode::asked() {
        answer();
    }
}

/// The caller may block, or makes goroutines, and looks here because somebody is asked: yields if it is
/// the caller, and never unwinds. Whoever calls it holds none of the runtime's locks and has nothing
/// published.
#[cold]
#[inline(never)]
pub(crate) fn answer() {
    if !mode::asked() {
        return;
    }
    if let Some(slot) = current_slot() {
        let worker = slot.worker();
        if (worker.preempt.load(Ordering::Relaxed) || !worker.runs())
            && !slot.record().has(flag::BLOCKING | flag::MEMBER)
            && !std::thread::panicking()
        {
            yielding::give_way(slot);
        }
    }
}
