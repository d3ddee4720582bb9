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

/// The rounds of one waiter: as many pauses in each, as a power of two.
pub(super) struct Spins {
    next: u32,
    end: u32,
}

impl Spins {
    /// 32 to 256 pauses: 8 µs altogether.
    pub(super) const fn new() -> Self {
        Self { next: 5, end: 9 }
    }

    /// Begins with 2 pauses, for one that must not come late; as long altogether.
    pub(super) const fn close() -> Self {
        Self { next: 1, end: 9 }
    }

    /// 256 and 512 pauses, for one that is in the others' way while it looks.
    pub(super) const fn away() -> Self {
        Self { next: 8, end: 10 }
    }

    /// Whether another round may pay.
    #[inline(never)]
    pub(super) fn worthwhile(&self) -> bool {
        self.next < self.end
            && crate::sys::num_cpu() > 1
            && current_slot()
                .is_none_or(|slot| resize::procs() > 1 && !queue::has_work(slot.worker()))
    }

    /// One round.
    pub(super) fn spin(&mut self) {
        for _ in 0..1_u32 << self.next {
            crate::shim::hint::spin_loop();
        }
        self.next += 1;
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
