//! Looking again before going to sleep.
//!
//! Go's rule: a few rounds, and only where the holder may be running at the same time and the
//! spinner keeps nobody waiting: more than one permit, more than one CPU, an empty own queue. The
//! first round is some half a microsecond, and each is twice as long as the one before: while the
//! spinner looks away the holder has the lock's cache line to itself, and dozens of operations pass in
//! the time of one exchange between two CPUs. A plain thread sleeps in the kernel instead, which is
//! worth avoiding whatever is queued.
//!
//! The bound matters: a holder that the kernel has taken off its CPU comes back only when somebody
//! else goes to sleep.

use std::time::Duration;

use super::{Task, WaitReason};
use crate::clock;
use crate::sched::{queue, resize};
use crate::stack::current_slot;

/// Rounds before a waiter parks: 8 µs altogether.
const ROUNDS: u32 = 4;
/// Pauses in the first round.
const PAUSES: u32 = 32;

/// How often one waiter has spun.
pub(super) struct Spins(u32);

impl Spins {
    pub(super) const fn new() -> Self {
        Self(0)
    }

    /// Whether another round may pay.
    #[inline(never)]
    pub(super) fn worthwhile(&self) -> bool {
        self.0 < ROUNDS
            && crate::sys::num_cpu() > 1
            && current_slot()
                .is_none_or(|slot| resize::procs() > 1 && !queue::has_work(slot.worker()))
    }

    /// One round.
    pub(super) fn spin(&mut self) {
        for _ in 0..PAUSES << self.0 {
            crate::shim::hint::spin_loop();
        }
        self.0 += 1;
    }
}

/// Waits for a little while, for nobody in particular.
#[cold]
#[inline(never)]
pub(super) fn doze(reason: WaitReason) {
    const NAP: Duration = Duration::from_micros(100);
    let me = Task::current();
    me.arm();
    // SAFETY: the caller; armed, published nowhere, and the deadline ends the wait.
    unsafe { me.park(reason, clock::deadline_in(NAP), None) };
}
