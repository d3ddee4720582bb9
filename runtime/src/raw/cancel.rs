//! Ending other people's waits: what `lock_ctx`, `acquire_ctx` and their like wait on beside their
//! lock.
//!
//! # Why no cancellation is lost
//!
//! A waiter is linked into two lists: its lock's queue, and the [`Cancel`]'s. It links itself into
//! the second while it holds the lock of the first (in that order; nobody takes them in the other),
//! looks at `cancelled` under the second lock, and both are opened after its stack was left.
//! [`Cancel::cancel`] sets `cancelled` and claims the waiters under the second lock. So either the
//! waiter sees the flag, or the canceller sees the waiter, parked.
//!
//! Whoever loses the claim leaves the waiter alone; a waiter always unlinks itself from a list
//! whose owner did not claim it.

use std::fmt;
use std::ptr;
use std::time::Instant;

use super::waiter::{CANCELLED, Claimed, Queue, Waiter};
use super::{SpinLock, WaitReason};
use crate::shim::atomic::{AtomicBool, Ordering};

/// A flag that is set once and ends the waits that named it in their [`Limit`](super::Limit).
pub struct Cancel {
    cancelled: AtomicBool,
    lock: SpinLock,
    waiters: Queue,
}

impl Cancel {
    /// Not cancelled.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            cancelled: AtomicBool::new(false),
            lock: SpinLock::new(),
            waiters: Queue::new(),
        }
    }

    /// Whether [`cancel`](Self::cancel) was called.
    #[inline]
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Sets the flag and ends the waits. Never blocks.
    pub fn cancel(&self) {
        self.lock.lock();
        self.cancelled.store(true, Ordering::Release);
        let claimed = Claimed::new();
        let stale = Queue::new();
        // SAFETY: locked. A waiter whose claim is lost is about to unlink itself: it is moved out of
        // the way and put back, because it will look for itself in this queue.
        unsafe {
            while let Some(waiter) = self.waiters.first() {
                self.waiters.unlink(waiter);
                if waiter.task().try_claim(CANCELLED) {
                    claimed.push(waiter);
                } else {
                    stale.push_back(waiter);
                }
            }
            self.waiters.become_queue(stale);
            self.lock.unlock();
            claimed.ready();
        }
    }

    /// Parks the caller, whose `waiter` is linked in a queue that `lock` guards, until its wait ends.
    ///
    /// # Safety
    ///
    /// As [`park_linked`](super::waiter::park_linked).
    pub(super) unsafe fn park(
        &self,
        waiter: &Waiter,
        lock: &SpinLock,
        reason: WaitReason,
        deadline: Option<Instant>,
    ) {
        let here = Waiter::for_task(waiter.task(), false);
        self.lock.lock();
        if self.cancelled.load(Ordering::Relaxed) {
            // Claimed before the locks open: whoever finds the waiter then passes it over.
            waiter.task().claim_sole(CANCELLED);
            // SAFETY: locked above, and by the caller.
            unsafe {
                self.lock.unlock();
                lock.unlock();
            }
            return;
        }
        let locks = [ptr::from_ref(lock), ptr::from_ref(&self.lock)];
        // SAFETY: locked; unlinked below unless the canceller has done it.
        unsafe {
            self.waiters.push_back(&here);
            self.lock.leave();
            waiter
                .task()
                .park(reason, deadline, Some((open_both, locks.as_ptr().cast())));
        }
        if waiter.task().claimed() != CANCELLED {
            self.lock.lock();
            // SAFETY: locked; only a canceller that won the claim unlinks for others.
            unsafe {
                self.waiters.unlink(&here);
                self.lock.unlock();
            }
        }
    }
}

/// # Safety
///
/// `data` is an array of two held locks, in the frame of the one that parks.
unsafe fn open_both(data: *const ()) {
    // SAFETY: the caller's promise. Copied out: the frame may be gone once the first lock is open.
    let [first, second] = unsafe { *data.cast::<[*const SpinLock; 2]>() };
    // SAFETY: held, and alive: the waiter borrows what they are part of, and before it returns it
    // takes the one it was not woken under, which is open after the line that opens it.
    unsafe {
        (*second).unlock();
        (*first).unlock();
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel")
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}
