//! Looking again before going to sleep.
//!
//! Go's rule: a few rounds, and only where the holder may be running at the same time and the
//! spinner keeps nobody waiting: more than one CPU, more than one permit, an empty own queue.

use crate::sched::{queue, resize};
use crate::stack::current_slot;

/// Rounds before a waiter parks.
const ROUNDS: u32 = 4;
/// Pauses in a round.
const PAUSES: u32 = 20;

/// How often one waiter has spun.
pub(super) struct Spins(u32);

impl Spins {
    pub(super) const fn new() -> Self {
        Self(0)
    }

    /// Whether another round may pay.
    #[inline(never)]
    pub(super) fn worthwhile(&self) -> bool {
        if self.0 >= ROUNDS || crate::sys::num_cpu() == 1 {
            return false;
        }
        match current_slot() {
            Some(slot) => resize::procs() > 1 && !queue::has_work(slot.worker()),
            None => true,
        }
    }

    /// One round.
    pub(super) fn spin(&mut self) {
        self.0 += 1;
        for _ in 0..PAUSES {
            std::hint::spin_loop();
        }
    }
}
