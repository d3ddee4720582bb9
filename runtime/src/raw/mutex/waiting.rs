//! Waiting for a mutex; the protocol is written [above](super).

use super::super::spin::{self, Spins};
use super::super::waiter::{WOKEN as WAKER, Waiter, park_linked};
use super::super::{Ended, Limit, WaitReason};
use super::{FENCED, PATIENCE, QUEUED, RawMutex, STARVING, UNSURE, WOKEN};
use crate::shim::atomic::Ordering;
use crate::{clock, fence, sys};

/// What came of the wish to queue.
enum Announced {
    /// The lock is held, and whoever opens it will see that somebody is queued.
    Queue,
    /// It is free.
    Free,
    /// Who opens it may not see that.
    Unsure,
}

impl RawMutex {
    #[inline(never)]
    pub(super) fn lock_slow(&self, limit: &Limit<'_>, reason: WaitReason) -> Result<(), Ended> {
        let _wanted = self.owner.wanted();
        // When this waiter first queued.
        let mut since = None;
        // It owns WOKEN.
        let mut owns_woken = false;
        let mut starving = false;
        // Not again after it was woken: the sections of this lock are long, or many want it.
        let mut spins = Spins::new();
        loop {
            if self.take_seen_free() {
                if owns_woken {
                    self.flags.fetch_and(!WOKEN, Ordering::Relaxed);
                }
                return Ok(());
            }
            let flags = self.flags.load(Ordering::Relaxed);
            if flags & STARVING == 0 && spins.worthwhile() {
                // Tells the holder's unlock not to wake a sleeper: this one is awake.
                if !owns_woken && flags & (QUEUED | WOKEN) == QUEUED {
                    owns_woken = self
                        .flags
                        .compare_exchange(
                            flags,
                            flags | WOKEN,
                            Ordering::Relaxed,
                            Ordering::Relaxed,
                        )
                        .is_ok();
                }
                spins.spin();
                continue;
            }
            let first_time = since.is_none();
            let queued_at = *since.get_or_insert_with(clock::callers);
            let waiter = Waiter::new(limit);
            self.lock.lock();
            let announced = self.announce(owns_woken, starving);
            owns_woken = false;
            if !matches!(announced, Announced::Queue) {
                self.take_back();
                // SAFETY: locked above.
                unsafe { self.lock.unlock() };
                if matches!(announced, Announced::Unsure) {
                    limit.check()?;
                    spin::doze(reason);
                }
                continue;
            }
            waiter.again.set(!first_time);
            waiter.arm();
            // SAFETY: locked, armed and linked; unlinked below unless a waker has done it.
            let claim = unsafe {
                if first_time {
                    self.queue.push_back(&waiter);
                } else {
                    self.queue.push_front(&waiter);
                }
                park_linked(&waiter, &self.lock, reason, limit)
            };
            if claim != WAKER {
                self.lock.lock();
                // SAFETY: locked; linked, because no waker won the claim.
                unsafe {
                    self.queue.unlink(&waiter);
                    self.take_back();
                    self.lock.unlock();
                }
                return Err(Ended::by(claim));
            }
            let waited = clock::callers().saturating_sub(queued_at);
            if waiter.granted.get() {
                if waited < PATIENCE {
                    self.flags.fetch_and(!STARVING, Ordering::Relaxed);
                }
                self.owner.set();
                return Ok(());
            }
            owns_woken = true;
            starving = waited > PATIENCE;
        }
    }

    /// Says in the flags that the caller queues, and gives up WOKEN if it owns it. Under the queue's
    /// lock.
    fn announce(&self, owns_woken: bool, starving: bool) -> Announced {
        let woken = if owns_woken { WOKEN } else { 0 };
        let starving = if starving { STARVING } else { 0 };
        let announce = |flags: u8| Some((flags & !woken) | FENCED | QUEUED | starving);
        let (Ok(old) | Err(old)) =
            self.flags
                .fetch_update(Ordering::SeqCst, Ordering::Relaxed, announce);
        if old & FENCED != 0 {
            fence::store_load_after_exchange();
        } else if !sys::barrier_all_threads() {
            self.flags.fetch_or(UNSURE, Ordering::Relaxed);
            return Announced::Unsure;
        }
        if !self.held.load(Ordering::Relaxed) {
            Announced::Free
        } else if old & UNSURE != 0 {
            Announced::Unsure
        } else {
            Announced::Queue
        }
    }

    /// The caller does not queue, or does not any more. Under the queue's lock.
    fn take_back(&self) {
        if self.queue.is_empty() {
            self.flags
                .fetch_and(!(QUEUED | STARVING), Ordering::Relaxed);
        }
    }
}
