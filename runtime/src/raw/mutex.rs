//! The lock under `gors::sync::Mutex`: Go's, with the two modes of its `internal/sync/mutex.go`, and
//! without a locked instruction in the unlock of a lock that nobody waits for.
//!
//! # State
//!
//! `held`: somebody holds the lock. Whoever changes it from `false` to `true` has it. And `flags`:
//!
//! | bit | meaning |
//! | --- | --- |
//! | FENCED | whoever opens the lock fences before it looks here again; set while anybody waits |
//! | UNSURE | FENCED was set, and somebody may still be opening the lock without the fence |
//! | QUEUED | somebody is in the queue; changes under the queue's lock |
//! | WOKEN | one waiter is awake and will try, or is being woken: who opens need not wake another. The bit has one owner, who clears it when it has the lock or queues again |
//! | STARVING | the lock goes from hand to hand, in order; set by a waiter together with QUEUED |
//!
//! # Moves
//!
//! *Opening without a fence* (`flags` is 0): `held` is cleared by a plain store, and `flags` looked at
//! again. *Opening with one*: `held` is cleared by an exchange, which is the fence. Either way, if
//! somebody is queued then and nobody WOKEN, the opener becomes WOKEN's owner on behalf of the first in
//! the queue, and readies it.
//!
//! *Normal mode.* A free lock is taken, whatever is in `flags`: newcomers overtake the queue, because
//! they are running already. A woken waiter that finds the lock taken goes back to the queue's front.
//!
//! *Starvation mode.* A woken waiter that finds the lock taken and first queued more than a
//! millisecond ago sets STARVING. From then on who opens the lock passes it to the first in the queue,
//! leaving `held` as it is. The mode ends with a waiter that waited less than a millisecond, or with
//! the last in the queue. (One that is opening while STARVING is set leaves the lock free once more.)
//!
//! *A waiter queues* under the queue's lock: it sets QUEUED and FENCED in one step (and clears WOKEN if
//! it owns it), makes sure of the fence, looks at `held`, and is parked only if that is `true`. To make
//! sure: if FENCED was there, a fence of its own; if not, `membarrier`, which makes every running thread
//! of the process execute one. If the kernel refuses that, it sets UNSURE and looks again now and
//! then, instead of parking; so does everybody else until UNSURE is gone.
//!
//! *FENCED goes* when a holder has opened the lock so often with nobody waiting that a barrier is paid
//! for, by a swap of exactly FENCED for 0, if the kernel has barriers. A lock begins FENCED.
//! *UNSURE goes* when a holder sees it: all openings before its own section are over, and all after it
//! see FENCED.
//!
//! # Why no wake-up is lost
//!
//! A waiter W parks after it has stored QUEUED and then loaded `true` from `held`. Let O be the opening
//! whose store comes next to what W read. O stores `held` and then loads `flags`. If both have a
//! fence in between, O sees QUEUED or W would have read O's store. If O has none, it read 0 from
//! `flags` before it opened, thus without FENCED; then either W or the one that set FENCED since then,
//! under the queue's lock before W, executed a barrier after it set it. If O's second load came before
//! the barrier so did its store, and W would have read it; if it came after the barrier, it sees FENCED,
//! fences, and looks once more. What O reads are atomics and its two loads and the store stay in their
//! order in the machine code ([`fence::unfenced`](crate::fence::unfenced)).
//!
//! O leaves the queue alone if it sees WOKEN; then WOKEN's owner clears it later than O looked: it has
//! the lock then, and looks when it opens it; or it queues again, and by the same argument sees O's
//! store and does not park. O also leaves it alone if the lock is held again: that one will open it. An
//! owner of WOKEN for a waiter that finds none that has not given up clears WOKEN under the queue's
//! lock: whoever queues after that looks at `held` after that.
//!
//! In starvation mode O goes to the queue's lock with `held` still set, and if nobody is there clears it
//! before it opens that lock.

use std::fmt;
use std::time::{Duration, Instant};

use lock_api::GuardSend;

use super::owner::Owner;
use super::waiter::Queue;
use super::{Ended, Limit, SpinLock, WaitReason, exit_point};
use crate::shim::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use crate::{clock, fence, sys};

// The paths are spelt out because the models compile this file from elsewhere.
#[path = "mutex/opening.rs"]
mod opening;
#[path = "mutex/waiting.rs"]
mod waiting;

const FENCED: u8 = 1;
const UNSURE: u8 = 2;
const QUEUED: u8 = 4;
const WOKEN: u8 = 8;
const STARVING: u8 = 16;

/// How long a waiter is overtaken before the lock goes from hand to hand, in nanoseconds.
pub(super) const PATIENCE: u64 = 1_000_000;

/// How often a new lock is opened with a fence: not so often that one which is never waited for would
/// hardly be opened without.
const FIRST_FENCES: u32 = sys::BARRIER_IN_FENCES / 16;

/// A fair lock of 16 bytes (24 with debug assertions, which know its owner) for [`lock_api::Mutex`].
pub struct RawMutex {
    held: AtomicBool,
    flags: AtomicU8,
    /// Guards the queue.
    lock: SpinLock,
    /// How often the lock is opened with a fence before it may be opened without. The holder's.
    fences_left: AtomicU32,
    owner: Owner,
    queue: Queue,
}

impl RawMutex {
    /// An unlocked lock.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            held: AtomicBool::new(false),
            flags: AtomicU8::new(FENCED),
            lock: SpinLock::new(),
            fences_left: AtomicU32::new(FIRST_FENCES),
            owner: Owner::new(),
            queue: Queue::new(),
        }
    }

    /// Takes the lock, or gives up when the limit is reached.
    ///
    /// # Errors
    ///
    /// Why it gave up. A lock that is free is taken whatever the limit.
    #[inline]
    pub fn lock_limited(&self, limit: &Limit<'_>) -> Result<(), Ended> {
        if self.take() {
            return Ok(());
        }
        exit_point();
        self.lock_slow(limit, WaitReason::MutexLock)
    }

    /// As [`lock_limited`](Self::lock_limited), for a caller that must get or not get the lock
    /// without being unwound.
    #[inline]
    pub(super) fn lock_quietly(&self, limit: &Limit<'_>, reason: WaitReason) -> Result<(), Ended> {
        if self.take() {
            return Ok(());
        }
        self.lock_slow(limit, reason)
    }

    #[cold]
    #[inline(never)]
    fn lock_raising(&self) {
        exit_point();
        self.lock_slow(&Limit::NONE, WaitReason::MutexLock)
            .expect("a wait without a limit ends with the lock");
    }

    /// Takes the lock if it is free.
    #[inline]
    fn take(&self) -> bool {
        let taken = self
            .held
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_ok();
        if taken {
            self.owner.set();
        }
        taken
    }

    /// As [`take`](Self::take), for one that expects it not to be.
    #[inline]
    fn take_seen_free(&self) -> bool {
        !self.held.load(Ordering::Relaxed) && self.take()
    }

    /// Opens the lock; for whoever holds it.
    #[inline]
    pub(super) fn open(&self) {
        self.owner.clear();
        if self.flags.load(Ordering::Relaxed) != 0 {
            return self.open_fenced();
        }
        debug_assert!(
            self.held.load(Ordering::Relaxed),
            "unlock of unlocked mutex"
        );
        self.held.store(false, Ordering::Release);
        fence::unfenced();
        if self.flags.load(Ordering::Relaxed) != 0 {
            self.open_noticed();
        }
    }
}

// SAFETY: `held` is set by one at a time, by an exchange for `false`, which its holder alone stores; a
// hand-over makes one waiter the holder. Taking acquires and opening releases; a hand-over goes
// through the claim and ready of the waiter.
unsafe impl lock_api::RawMutex for RawMutex {
    const INIT: Self = Self::new();

    type Guard = GuardSend;

    #[inline]
    fn lock(&self) -> GuardSend {
        if !self.take() {
            self.lock_raising();
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock(&self) -> Option<GuardSend> {
        self.take_seen_free().then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock(&self, _guard: GuardSend) {
        self.open();
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }
}

// SAFETY: as above.
unsafe impl lock_api::RawMutexTimed for RawMutex {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_for(&self, timeout: Duration) -> Option<GuardSend> {
        if self.take() {
            return Some(GuardSend::new());
        }
        let deadline = clock::deadline_in(timeout);
        let limit = Limit::until(deadline);
        self.lock_limited(&limit).ok().map(|()| GuardSend::new())
    }

    #[inline]
    fn try_lock_until(&self, deadline: Instant) -> Option<GuardSend> {
        let limit = Limit::until(Some(deadline));
        self.lock_limited(&limit).ok().map(|()| GuardSend::new())
    }
}

impl Default for RawMutex {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RawMutex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawMutex")
            .field("locked", &lock_api::RawMutex::is_locked(self))
            .finish_non_exhaustive()
    }
}
