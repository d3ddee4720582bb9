//! [`RawRwLock`] as `lock_api` wants it.

use std::time::{Duration, Instant};

use lock_api::GuardSend;

use super::{Limit, RawRwLock};
use crate::clock;

// SAFETY: WRITER is set by one at a time, from a state without WRITER and without readers, or passed
// on by its holder; a reader has the lock only if there was no WRITER in the step that counted it,
// or if it was counted in the step that cleared WRITER. All of these acquire or go through a claim
// and a ready; all ways out release.
unsafe impl lock_api::RawRwLock for RawRwLock {
    const INIT: Self = Self::new();

    type SharedGuard = GuardSend;
    type ExclusiveGuard = GuardSend;

    #[inline]
    fn lock_shared(&self) -> GuardSend {
        if !self.enter() {
            self.read_without_limit();
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<GuardSend> {
        self.try_enter().then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_shared(&self, _guard: GuardSend) {
        self.leave();
    }

    #[inline]
    fn lock_exclusive(&self) -> GuardSend {
        if !self.take_free() {
            self.write_without_limit();
        }
        self.note_writer();
        GuardSend::new()
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<GuardSend> {
        self.try_take_idle().then(|| {
            self.note_writer();
            GuardSend::new()
        })
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, _guard: GuardSend) {
        self.open();
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.holders().0
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.holders().1
    }
}

// SAFETY: as above; WRITER becomes one reader in one step.
unsafe impl lock_api::RawRwLockDowngrade for RawRwLock {
    #[inline]
    unsafe fn downgrade(&self, _guard: GuardSend) -> GuardSend {
        self.become_reader();
        GuardSend::new()
    }
}

// SAFETY: as above.
unsafe impl lock_api::RawRwLockTimed for RawRwLock {
    type Duration = Duration;
    type Instant = Instant;

    fn try_lock_shared_for(&self, timeout: Duration) -> Option<GuardSend> {
        let limit = Limit::until(clock::deadline_in(timeout));
        self.read_limited(&limit).ok().map(|()| GuardSend::new())
    }

    fn try_lock_shared_until(&self, deadline: Instant) -> Option<GuardSend> {
        let limit = Limit::until(Some(deadline));
        self.read_limited(&limit).ok().map(|()| GuardSend::new())
    }

    fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<GuardSend> {
        let limit = Limit::until(clock::deadline_in(timeout));
        self.write_limited(&limit).ok().map(|()| GuardSend::new())
    }

    fn try_lock_exclusive_until(&self, deadline: Instant) -> Option<GuardSend> {
        let limit = Limit::until(Some(deadline));
        self.write_limited(&limit).ok().map(|()| GuardSend::new())
    }
}
