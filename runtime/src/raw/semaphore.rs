//! The weighted semaphore under `gors::sync::Semaphore`, after `golang.org/x/sync/semaphore`.
//!
//! # Invariants, under the lock
//!
//! * `free` is what nobody holds.
//! * While anybody is queued, nobody takes anything except through the queue: a large request is not
//!   starved by small ones behind it.
//! * The first in the queue that has not given up asks for more than `free`.
//!
//! The last one is why no wake-up is lost: everything that could make it false, a release or a
//! waiter that gives up, serves the queue before the lock opens. The lock is open only when a queued
//! waiter is parked.

use std::cell::Cell;
use std::fmt;

use super::waiter::{Claimed, Queue, WOKEN, Waiter, park_linked};
use super::{Cancel, Ended, Limit, SpinLock, WaitReason, exit_point};

/// Counted tokens.
pub struct RawSemaphore {
    lock: SpinLock,
    free: Cell<usize>,
    queue: Queue,
    size: usize,
}

// SAFETY: `free` is touched under the lock.
unsafe impl Sync for RawSemaphore {}
// SAFETY: as above.
unsafe impl Send for RawSemaphore {}

impl RawSemaphore {
    /// A semaphore with `size` tokens, all free.
    #[must_use]
    pub const fn new(size: usize) -> Self {
        Self {
            lock: SpinLock::new(),
            free: Cell::new(size),
            queue: Queue::new(),
            size,
        }
    }

    /// Takes `n` tokens, or gives up when the limit is reached. A request beyond the size waits for
    /// its limit, and keeps nobody else waiting.
    ///
    /// # Errors
    ///
    /// Why it gave up; a limit that is cancelled already counts before free tokens.
    pub fn acquire(&self, n: usize, limit: &Limit<'_>) -> Result<(), Ended> {
        if limit.cancel.is_some_and(Cancel::is_cancelled) {
            return Err(Ended::Cancelled);
        }
        if self.try_acquire(n) {
            return Ok(());
        }
        self.acquire_slow(n, limit)
    }

    #[cold]
    #[inline(never)]
    fn acquire_slow(&self, n: usize, limit: &Limit<'_>) -> Result<(), Ended> {
        exit_point();
        let waiter = Waiter::new(limit);
        waiter.amount.set(n);
        // Where a request waits that can never be served.
        let nowhere = Queue::new();
        let queue = if n > self.size { &nowhere } else { &self.queue };
        self.lock.lock();
        if self.take_locked(n) {
            // SAFETY: locked above.
            unsafe { self.lock.unlock() };
            return Ok(());
        }
        waiter.arm();
        // SAFETY: locked, armed and linked; unlinked below unless a waker has done it.
        let claim = unsafe {
            queue.push_back(&waiter);
            park_linked(&waiter, &self.lock, WaitReason::SemAcquire, limit)
        };
        if claim == WOKEN {
            // The tokens were taken for us.
            return Ok(());
        }
        self.lock.lock();
        // SAFETY: locked; linked, because no waker won the claim.
        unsafe { queue.unlink(&waiter) };
        self.serve_and_unlock();
        Err(Ended::by(claim))
    }

    /// Takes `n` tokens if they are free and nobody waits. Never blocks.
    #[inline]
    pub fn try_acquire(&self, n: usize) -> bool {
        self.lock.lock();
        let taken = self.take_locked(n);
        // SAFETY: locked above.
        unsafe { self.lock.unlock() };
        taken
    }

    /// Under the lock.
    #[inline]
    fn take_locked(&self, n: usize) -> bool {
        let free = self.free.get();
        let taken = free >= n && self.queue.is_empty();
        if taken {
            self.free.set(free - n);
        }
        taken
    }

    /// Gives `n` tokens back and serves those who wait. Never blocks. False, and nothing happens, if
    /// there would be more tokens than at first.
    #[inline]
    #[must_use]
    pub fn release(&self, n: usize) -> bool {
        self.lock.lock();
        let fits = n <= self.size - self.free.get();
        if fits {
            self.free.set(self.free.get() + n);
        }
        if fits && !self.queue.is_empty() {
            self.serve_and_unlock();
        } else {
            // SAFETY: locked above.
            unsafe { self.lock.unlock() };
        }
        fits
    }

    /// Under the lock, which it opens: gives free tokens to the first in the queue, in order.
    fn serve_and_unlock(&self) {
        let served = Claimed::new();
        // SAFETY: locked by the caller; claimed waiters are readied when it is open.
        unsafe {
            let mut at = self.queue.first();
            let last = at.map(|first| std::ptr::from_ref(self.queue.before(first)));
            while let Some(waiter) = at {
                let is_last = last == Some(std::ptr::from_ref(waiter));
                let next = self.queue.after(waiter);
                let amount = waiter.amount.get();
                if amount > self.free.get() {
                    break;
                }
                // One that has given up is passed over; it unlinks itself and serves again.
                if waiter.claim() {
                    self.queue.unlink(waiter);
                    self.free.set(self.free.get() - amount);
                    served.push(waiter);
                }
                at = (!is_last).then_some(next);
            }
            self.lock.unlock();
            served.ready();
        }
    }

    /// Tokens that nobody holds, at some recent moment.
    #[must_use]
    pub fn available(&self) -> usize {
        self.lock.lock();
        let free = self.free.get();
        // SAFETY: locked above.
        unsafe { self.lock.unlock() };
        free
    }
}

impl fmt::Debug for RawSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawSemaphore")
            .field("size", &self.size)
            .field("available", &self.available())
            .finish_non_exhaustive()
    }
}
