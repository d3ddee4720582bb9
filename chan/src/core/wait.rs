//! Waiting on a channel: a waiter is linked under the lock, which the park releases, and unlinked if
//! something else ended the wait.

use std::time::Instant;

use gors_runtime::raw::{self, Unlock, WaitReason};

use super::waiter::Waiter;
use super::{Core, Dir, flag};

impl Core {
    /// Links a waiter.
    ///
    /// # Safety
    ///
    /// As [`WaitList::push_back`](super::waiter::WaitList::push_back); the task parks before the lock is
    /// released.
    #[inline(always)]
    pub(crate) unsafe fn link(&self, dir: Dir, w: *const Waiter) {
        // SAFETY: passed on.
        unsafe { self.list(dir).push_back(w) };
        self.wake_observers_at_park(dir);
    }

    /// Unlinks a waiter whose wait has ended elsewhere, if it is still linked.
    ///
    /// # Safety
    ///
    /// It was [linked](Self::link) here by the caller, who does not hold the lock.
    #[inline]
    pub(crate) unsafe fn unlink(&self, dir: Dir, w: *const Waiter) {
        self.lock();
        // SAFETY: locked; the waiter is the caller's, and linked nowhere else.
        unsafe {
            if (*w).is_linked() {
                self.list(dir).remove(w);
            }
            self.unlock();
        }
    }

    /// The wait of a plain operation. False if the deadline ended it: then the waiter is unlinked.
    ///
    /// # Safety
    ///
    /// The lock is held, and released by this. The waiter's task is the caller; the claim is
    /// [`Sole`](super::waiter::Claim::Sole) only without a deadline.
    #[inline(always)]
    pub(super) unsafe fn wait(&self, dir: Dir, waiter: &Waiter, until: Option<Instant>) -> bool {
        let me = waiter.task;
        let reason = match dir {
            Dir::Recv => WaitReason::ChanReceive,
            Dir::Send => WaitReason::ChanSend,
        };
        me.arm();
        // SAFETY: locked and armed; the waiter lives in the caller's frame until it was popped (an
        // outcome is there) or is unlinked here.
        unsafe {
            self.link(dir, waiter);
            let unlock = self.leave();
            me.park(reason, until, Some(unlock));
            let timed_out = until.is_some() && me.claimed() == raw::TIMED_OUT;
            if timed_out {
                self.unlink(dir, waiter);
            }
            !timed_out
        }
    }

    /// What a park needs to open the lock, which the caller holds, once the stack is left.
    #[inline(always)]
    pub(crate) fn leave(&self) -> Unlock {
        self.lock.leave();
        (Core::unlock_for_park, (&raw const *self).cast())
    }

    /// The release that a park performs for the waiter, after its stack was left: `core` is a
    /// `*const Core`.
    ///
    /// # Safety
    ///
    /// The lock is held for this call. The channel is alive: the waiter's handle keeps it, and
    /// until this releases the lock nobody can wake the waiter.
    pub(super) unsafe fn unlock_for_park(core: *const ()) {
        let core = core.cast::<Core>();
        // SAFETY: passed on; after the unlock nothing of the core or of the waiter is touched, only
        // woken observers, which stay parked until this readies them.
        unsafe {
            if (*core).has(flag::DEFERRED) {
                let chain = (*core).take_deferred();
                (*core).unlock();
                chain.wake();
            } else {
                (*core).unlock();
            }
        }
    }
}
