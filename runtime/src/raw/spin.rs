//! Looking again before going to sleep.
//!
//! Go's rule: a few rounds, and only where the holder may be running at the same time and the
//! spinner keeps nobody waiting: more than one permit, an empty own queue. And more than two CPUs:
//! parking a goroutine costs about as much as one round, and on two cores the one that holds the
//! lock is faster alone (two permits, 4 to 1,000 goroutines in a loop of lock and unlock: 7–12 ns an
//! operation without spinning, 9–20 ns with). A plain thread sleeps in the kernel instead, which is
//! worth avoiding as soon as there are two CPUs.

use crate::sched::{queue, resize};
use crate::stack::current_slot;

/// Rounds before a waiter parks.
const ROUNDS: u32 = 4;
/// Pauses in a round.
const PAUSES: u32 = 30;

/// How often one waiter has spun.
pub(super) struct Spins(u32);

impl Spins {
    pub(super) const fn new() -> Self {
        Self(0)
    }

    /// Whether another round may pay.
    #[inline(never)]
    pub(super) fn worthwhile(&self) -> bool {
        if self.0 >= ROUNDS {
            return false;
        }
        let cpus = crate::sys::num_cpu();
        match current_slot() {
            Some(slot) => cpus > 2 && resize::procs() > 1 && !queue::has_work(slot.worker()),
            None => cpus > 1,
        }
    }

    /// One round.
    pub(super) fn spin(&mut self) {
        self.0 += 1;
        for _ in 0..PAUSES {
            crate::shim::hint::spin_loop();
        }
    }
}
