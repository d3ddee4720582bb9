//! Opening a mutex that somebody waits for, or did not long ago; the protocol is written
//! [above](super).

use super::{FENCED, QUEUED, RawMutex, STARVING, UNSURE, WOKEN};
use crate::shim::atomic::Ordering;
use crate::{fence, sys};

impl RawMutex {
    /// Opens the lock, which the caller holds.
    #[inline(never)]
    pub(super) fn open_fenced(&self) {
        let flags = self.flags.load(Ordering::Relaxed);
        if flags == FENCED {
            self.count_fence();
        } else {
            if flags & UNSURE != 0 {
                self.flags.fetch_and(!UNSURE, Ordering::Relaxed);
            }
            if flags & STARVING != 0 {
                return self.hand_over();
            }
        }
        if !self.held.swap(false, Ordering::SeqCst) {
            crate::exit::fatal("sync: unlock of unlocked mutex");
        }
        fence::store_load_after_exchange();
        self.look_for_waiters();
    }

    /// The lock is open, without a fence, and the flags have something to say.
    #[cold]
    #[inline(never)]
    pub(super) fn open_noticed(&self) {
        fence::store_load();
        self.look_for_waiters();
    }

    /// One more fence with nobody waiting. For the holder.
    #[inline]
    fn count_fence(&self) {
        let left = self.fences_left.load(Ordering::Relaxed);
        if left != 0 {
            self.fences_left.store(left - 1, Ordering::Relaxed);
        } else if sys::has_barriers()
            && self
                .flags
                .compare_exchange(FENCED, 0, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            self.fences_left
                .store(sys::BARRIER_IN_FENCES, Ordering::Relaxed);
        }
    }

    /// The lock was opened: readies the first in the queue, unless nobody needs to be.
    #[inline]
    fn look_for_waiters(&self) {
        let mut flags = self.flags.load(Ordering::Relaxed);
        while flags & (QUEUED | WOKEN) == QUEUED && !self.held.load(Ordering::Relaxed) {
            match self.flags.compare_exchange_weak(
                flags,
                flags | WOKEN,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return self.wake_first(),
                Err(now) => flags = now,
            }
        }
    }

    /// The caller owns WOKEN on behalf of whom it finds.
    #[inline(never)]
    fn wake_first(&self) {
        self.lock.lock();
        // SAFETY: locked.
        let first = unsafe { self.queue.claim_first() };
        let last = self.queue.is_empty();
        let mut over = 0;
        if first.is_none() {
            over |= WOKEN;
        }
        if last {
            over |= QUEUED | STARVING;
        }
        if over != 0 {
            self.flags.fetch_and(!over, Ordering::Relaxed);
        }
        let first = first.map(|waiter| (waiter.task(), waiter.again.get()));
        // SAFETY: locked above; the task is claimed by us.
        unsafe {
            self.lock.unlock();
            match first {
                // If others wait as well, or this one came too late before, then the lock has takers
                // enough as it is.
                Some((task, again)) if !last || again => task.ready(),
                Some((task, _)) => task.ready_beside(),
                None => {}
            }
        }
    }

    /// Starvation mode: passes the lock, which the caller holds, to the first in the queue.
    #[inline(never)]
    fn hand_over(&self) {
        self.lock.lock();
        // SAFETY: locked.
        let first = unsafe { self.queue.claim_first() };
        if first.is_none() || self.queue.is_empty() {
            let queued = if self.queue.is_empty() { QUEUED } else { 0 };
            self.flags
                .fetch_and(!(STARVING | queued), Ordering::Relaxed);
        }
        let task = first.map(|waiter| {
            waiter.granted.set(true);
            waiter.task()
        });
        if task.is_none() {
            // Whoever is still linked has given up and unlinks itself.
            self.held.store(false, Ordering::Release);
        }
        // SAFETY: locked above; the task is claimed by us.
        unsafe {
            self.lock.unlock();
            if let Some(task) = task {
                // It has the lock already, and should not wait for the caller's worker with it.
                task.ready_beside();
            }
        }
    }
}
