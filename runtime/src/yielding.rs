//! Giving the processor away, and sleeping.

use std::time::Duration;

use crate::clock;
use crate::goroutine::record::flag;
use crate::raw::{self, Task, WaitReason};
use crate::sched::{find, queue};
use crate::shim::atomic::Ordering;
use crate::stack::{Action, Slot, current_slot};

/// Lets other goroutines run; the caller goes to the tail of its worker's queue.
///
/// Returns when its turn comes again, perhaps on another thread. On a plain thread it is
/// `std::thread::yield_now`.
///
/// Go: `runtime.Gosched`.
///
/// ```
/// gors_runtime::run(|| {
///     gors_runtime::go!(|| println!("first"));
///     gors_runtime::gosched();
///     println!("second, most likely");
/// });
/// ```
#[inline]
pub fn gosched() {
    let Some(slot) = current_slot() else {
        crate::shim::thread::yield_now();
        return;
    };
    if slot.record().has(flag::ATTENTION) {
        raw::exit_point();
    }
    give_way(slot);
}

/// As [`gosched`], and no exit point.
#[inline]
pub(crate) fn give_way(slot: &'static Slot) {
    let g = slot.record();
    if g.has(flag::WAITS_ON_THREAD | flag::MEMBER) || std::thread::panicking() {
        crate::blocking::yield_in_place(slot);
    } else if !alone(slot) {
        // SAFETY: on this stack; nothing of the thread is used after the call.
        unsafe { slot.switch_out(Action::Yield) };
    }
}

/// Whether a switch would come straight back: nobody else could run on this worker, and it is not
/// yet time to look at what the worker looks at now and then.
#[inline]
fn alone(slot: &Slot) -> bool {
    let _hidden = crate::sanitize::hide();
    let worker = slot.worker();
    let alone = worker.runs() && !find::is_time_to_look(worker) && queue::nobody_waits(worker);
    if alone {
        // A new slice.
        worker.next_tick();
        worker.preempt.store(false, Ordering::Relaxed);
    }
    alone
}

/// For long loops: yields if the goroutine's time slice is used up, and costs a few loads if not.
///
/// A goroutine that never blocks is not interrupted; the runtime lets others run beside it, on more
/// threads than there are permits. A `checkpoint` in its loop keeps it within them. Does nothing on
/// a plain thread.
///
/// Go interrupts loops by itself.
///
/// ```
/// gors_runtime::run(|| {
///     let mut sum = 0_u64;
///     for n in 0..1_000_000 {
///         sum = sum.wrapping_add(n);
///         gors_runtime::checkpoint();
///     }
///     assert_eq!(sum, 499_999_500_000);
/// });
/// ```
#[inline]
pub fn checkpoint() {
    if let Some(slot) = current_slot() {
        let worker = slot.worker();
        if (worker.preempt.load(Ordering::Relaxed) || !worker.runs())
            // Slices are in real time, which members of bubbles know nothing of.
            && !slot.record().has(flag::BLOCKING | flag::MEMBER)
        {
            gosched();
        }
    }
}

/// Suspends the calling goroutine, or plain thread, for at least `duration`. Zero returns at once.
///
/// Go: `time.Sleep`.
///
/// ```
/// use std::time::{Duration, Instant};
/// let start = Instant::now();
/// gors_runtime::sleep(Duration::from_millis(2));
/// assert!(start.elapsed() >= Duration::from_millis(2));
/// ```
pub fn sleep(duration: Duration) {
    raw::exit_point();
    if duration.is_zero() {
        return;
    }
    let Some(deadline) = clock::deadline_in(duration) else {
        // Beyond the clock's range: for ever.
        raw::park_forever(WaitReason::Sleep);
    };
    Task::current().arm();
    // SAFETY: armed, nothing published: only the deadline ends the wait.
    unsafe { raw::park(WaitReason::Sleep, Some(deadline), None) };
}
