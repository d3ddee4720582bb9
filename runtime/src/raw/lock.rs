//! The word-sized lock under channels, wait lists and timers.
//!
//! A goroutine that parks holds this lock across the switch, and the worker's stack releases it:
//! the lock knows neither owner nor stack. It is a spin lock that falls back to `sched_yield`,
//! because its sections are a few dozen instructions long and because releasing it is then one
//! store (a lock with sleeping waiters needs a read-modify-write there, 2 ns on the path of every
//! channel operation). Nobody sleeps on it, so no wake-up can be lost.
//!
//! Rules: never run user code under it, never park under it except through the `unlock` argument
//! of [`park`](super::park), never call into the scheduler while holding it.

use std::fmt;

use crate::shim::atomic::{AtomicBool, Ordering};

/// Pauses before a waiter looks again, the first time: about half a microsecond.
///
/// So long on purpose. A channel operation takes 5 ns while its lines stay on one processor and
/// fifty while two processors take turns; a waiter that steps back lets the holder do dozens of
/// operations in between (4 producers and 4 consumers on two workers: 45 ns a value when looking
/// without a break, 7.5 ns so).
const PAUSES_MIN: u32 = 32;
/// The longest pause, to which it doubles. Then the holder is off its processor, and only the kernel
/// can bring it back: the waiter gives its own away as well.
const PAUSES_MAX: u32 = 256;

/// A spin lock that may be released on another stack of the same thread.
pub struct SpinLock {
    held: AtomicBool,
}

impl SpinLock {
    /// An open lock.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            held: AtomicBool::new(false),
        }
    }

    /// Takes the lock, waiting for it actively.
    #[inline]
    pub fn lock(&self) {
        if self.held.swap(true, Ordering::Acquire) {
            self.lock_contended();
        }
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_lock(&self) -> bool {
        !self.held.load(Ordering::Relaxed) && !self.held.swap(true, Ordering::Acquire)
    }

    /// Opens the lock.
    ///
    /// # Safety
    ///
    /// The lock is held, and the holder has passed the right to open it to this call.
    #[inline]
    pub unsafe fn unlock(&self) {
        debug_assert!(
            self.held.load(Ordering::Relaxed),
            "unlock of an open SpinLock"
        );
        self.held.store(false, Ordering::Release);
    }

    /// The holder is about to park, and its park opens the lock: tells the race detector, to which
    /// the worker that does it is invisible, that what the holder did comes before the next holder.
    #[inline(always)]
    pub fn leave(&self) {
        crate::sanitize::release(&raw const self.held);
    }

    #[cold]
    #[inline(never)]
    fn lock_contended(&self) {
        step_back_until(|| self.try_lock());
    }
}

/// Tries, with a longer and longer pause before each time, until it succeeds.
pub(super) fn step_back_until(mut attempt: impl FnMut() -> bool) {
    let mut pauses = PAUSES_MIN;
    loop {
        for _ in 0..pauses {
            crate::shim::hint::spin_loop();
        }
        if attempt() {
            return;
        }
        if pauses < PAUSES_MAX {
            pauses *= 2;
        } else {
            crate::sys::yield_thread();
        }
    }
}

impl Default for SpinLock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SpinLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpinLock")
            .field("held", &self.held.load(Ordering::Relaxed))
            .finish()
    }
}
