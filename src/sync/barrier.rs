//! Waiting until enough have come.
//!
//! One word: the round in the upper half, how many have come in the lower. The last of a round begins the
//! next one in the step in which it comes, because more may use the barrier than it is for: who comes
//! after it belongs to the next round. Then it notifies; the others wait for the round to differ, which
//! they check under the list's lock.

use std::fmt;

use gors_runtime::raw::{self, WaitList, WaitReason};

use crate::shim::atomic::{AtomicU64, Ordering};

/// Lets goroutines go on only when a number of them has come. May be used again and again.
///
/// In the shape of `std::sync::Barrier`. Go has no equivalent.
///
/// ```
/// use gors::prelude::*;
/// use gors::sync::Barrier;
///
/// static BARRIER: Barrier = Barrier::new(3);
///
/// gors::run(|| {
///     let wg = WaitGroup::new();
///     for _ in 0..3 {
///         wg.go(|| {
///             BARRIER.wait();
///         });
///     }
///     wg.wait();
/// });
/// ```
pub struct Barrier {
    state: AtomicU64,
    waiters: WaitList,
    size: u32,
}

const ROUND: u64 = 1 << 32;

/// What [`Barrier::wait`] returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BarrierWaitResult {
    leader: bool,
}

impl BarrierWaitResult {
    /// True for exactly one of each round: the one that came last.
    #[must_use]
    pub const fn is_leader(&self) -> bool {
        self.leader
    }
}

impl Barrier {
    /// A barrier for `n`; 0 counts as 1.
    ///
    /// # Panics
    ///
    /// If `n` is beyond 32 bits.
    #[must_use]
    pub const fn new(n: usize) -> Self {
        assert!(n <= u32::MAX as usize, "a Barrier is for at most 2^32 - 1");
        Self {
            state: AtomicU64::new(0),
            waiters: WaitList::new(),
            size: if n == 0 { 1 } else { n as u32 },
        }
    }

    /// Whether the next to come is the last of its round.
    const fn is_last(&self, state: u64) -> bool {
        state % ROUND + 1 == self.size as u64
    }

    /// Blocks until as many have called this as the barrier is for. If more do, they are in the next
    /// round.
    ///
    /// ```
    /// let barrier = gors::sync::Barrier::new(1);
    /// assert!(barrier.wait().is_leader());
    /// ```
    pub fn wait(&self) -> BarrierWaitResult {
        raw::exit_point();
        let (Ok(state) | Err(state)) =
            self.state
                .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |state| {
                    Some(if self.is_last(state) {
                        (state / ROUND + 1) % ROUND * ROUND
                    } else {
                        state + 1
                    })
                });
        if self.is_last(state) {
            self.waiters.notify_all();
            return BarrierWaitResult { leader: true };
        }
        let round = state / ROUND;
        // Waits without raising `goexit`: the others count on this one. A notification may be that of
        // an earlier round, late.
        let over = || self.state.load(Ordering::Acquire) / ROUND != round;
        while !over() {
            self.waiters.wait(WaitReason::BarrierWait, None, over);
        }
        BarrierWaitResult { leader: false }
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
