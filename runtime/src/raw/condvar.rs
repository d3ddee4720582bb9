//! The queue under `gors::sync::Condvar`: strictly in order of arrival, no spurious wake-ups.
//!
//! # States of a waiter
//!
//! * *queued*: linked, its mutex not yet open or its goroutine not yet parked.
//! * *parked*: linked, `amount` is 1.
//! * *notified*: unlinked by a notifier.
//!
//! # Why no notification is lost
//!
//! A waiter queues while it still holds the mutex, so whoever changes the condition under the mutex
//! and notifies then finds it. Opening the mutex may ready somebody, which must not happen under the
//! queue's lock; so the waiter opens it in between, takes the queue's lock again, and parks with that
//! lock unless it was notified meanwhile. A notifier that meets a queued waiter marks and unlinks it
//! and readies nobody, one that meets a parked waiter claims and readies it. Both look at the state
//! under the queue's lock.
//!
//! `count` lets a notifier skip the lock. It changes before the mutex opens, so a notifier that took
//! the mutex after that sees it; one that did not has no order with the wait.

use std::fmt;
use std::time::{Duration, Instant};

use lock_api::{GuardSend, MutexGuard};

use super::waiter::{Claimed, Queue, WOKEN, Waiter, park_linked};
use super::{Ended, Limit, RawMutex, SpinLock, WaitReason, exit_point};
use crate::clock;
use crate::shim::atomic::{AtomicUsize, Ordering};

const QUEUED: usize = 0;
const PARKED: usize = 1;

/// Where goroutines wait for a condition, for [`lock_api::Condvar`].
///
/// Guarantees that there are no spurious wake-ups; notifications report exact numbers. May be used
/// with any number of mutexes.
pub struct RawCondvar {
    lock: SpinLock,
    /// Linked waiters. Changes under the lock.
    count: AtomicUsize,
    queue: Queue,
}

impl RawCondvar {
    /// Nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            lock: SpinLock::new(),
            count: AtomicUsize::new(0),
            queue: Queue::new(),
        }
    }

    /// Opens the guard's mutex, waits, and locks it again whatever ended the wait.
    ///
    /// # Errors
    ///
    /// Why the wait ended without a notification.
    pub fn wait_limited<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, RawMutex, T>,
        limit: &Limit<'_>,
    ) -> Result<(), Ended> {
        // SAFETY: the guard shows that its mutex is locked, and is borrowed for as long as it is not.
        self.wait_with(unsafe { MutexGuard::mutex(guard).raw() }, limit)
    }

    /// `mutex` is held by the caller, which gives it up meanwhile.
    fn wait_with(&self, mutex: &RawMutex, limit: &Limit<'_>) -> Result<(), Ended> {
        exit_point();
        let waiter = Waiter::new(limit);
        waiter.amount.set(QUEUED);
        waiter.arm();
        self.lock.lock();
        self.count.fetch_add(1, Ordering::Relaxed);
        // SAFETY: locked; unlinked by a notifier or below.
        unsafe {
            self.queue.push_back(&waiter);
            self.lock.unlock();
        }
        mutex.open();
        self.lock.lock();
        let claim = if waiter.granted.get() {
            // SAFETY: locked above.
            unsafe { self.lock.unlock() };
            WOKEN
        } else {
            waiter.amount.set(PARKED);
            // SAFETY: locked, armed and linked; unlinked below unless a notifier has done it.
            unsafe { park_linked(&waiter, &self.lock, WaitReason::CondWait, limit) }
        };
        if claim != WOKEN {
            self.lock.lock();
            // SAFETY: locked; linked, because no notifier won the claim.
            unsafe {
                self.unlink(&waiter);
                self.lock.unlock();
            }
        }
        mutex
            .lock_quietly(&Limit::NONE, WaitReason::MutexLock)
            .expect("a wait without a limit ends with the lock");
        if claim == WOKEN {
            Ok(())
        } else {
            Err(Ended::by(claim))
        }
    }

    /// # Safety
    ///
    /// Under the lock; the waiter is linked.
    unsafe fn unlink(&self, waiter: &Waiter) {
        // SAFETY: the caller's promise.
        unsafe { self.queue.unlink(waiter) };
        self.count.fetch_sub(1, Ordering::Relaxed);
    }

    #[cold]
    #[inline(never)]
    fn notify(&self, most: usize) -> usize {
        let parked = Claimed::new();
        let mut notified = 0;
        self.lock.lock();
        // At most one look at each: those that have reached their limit stay linked.
        let mut left = self.count.load(Ordering::Relaxed);
        // SAFETY: locked.
        let mut at = unsafe { self.queue.first() };
        while let Some(waiter) = at
            && left > 0
            && notified < most
        {
            left -= 1;
            // SAFETY: locked, and linked at this point.
            at = Some(unsafe { self.queue.after(waiter) });
            if waiter.amount.get() == QUEUED {
                waiter.granted.set(true);
                // SAFETY: locked, linked. Its goroutine waits for the lock before it goes on.
                unsafe { self.unlink(waiter) };
            } else if waiter.claim() {
                // SAFETY: locked, linked.
                unsafe { self.unlink(waiter) };
                parked.push(waiter);
            } else {
                continue;
            }
            notified += 1;
        }
        // SAFETY: locked above; claimed by us.
        unsafe {
            self.lock.unlock();
            parked.ready();
        }
        notified
    }
}

// SAFETY: the mutex is opened after the waiter is queued, and locked again on every way out; only
// `exit_point` unwinds, before anything happens. The guard has no state.
unsafe impl lock_api::RawCondvar for RawCondvar {
    const INIT: Self = Self::new();

    type RawMutex = RawMutex;

    unsafe fn wait(&self, mutex: &RawMutex, _guard: &mut GuardSend) {
        self.wait_with(mutex, &Limit::NONE)
            .expect("a wait without a limit ends with a notification");
    }

    #[inline]
    fn notify_one(&self) -> bool {
        self.count.load(Ordering::Relaxed) != 0 && self.notify(1) == 1
    }

    #[inline]
    fn notify_all(&self) -> usize {
        if self.count.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        self.notify(usize::MAX)
    }
}

// SAFETY: as above.
unsafe impl lock_api::RawCondvarTimed for RawCondvar {
    fn checked_duration_to_instant(timeout: &Duration) -> Option<Instant> {
        clock::deadline_in(*timeout)
    }

    unsafe fn wait_until(
        &self,
        mutex: &RawMutex,
        _guard: &mut GuardSend,
        deadline: &Instant,
    ) -> bool {
        self.wait_with(mutex, &Limit::until(Some(*deadline)))
            .is_err()
    }
}

impl Default for RawCondvar {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RawCondvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawCondvar")
            .field("waiters", &self.count.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
