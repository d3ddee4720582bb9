//! The lock under `gors::sync::Mutex`: Go's, with the two modes of its `internal/sync/mutex.go`.
//!
//! # State
//!
//! | bit | meaning |
//! | --- | --- |
//! | LOCKED | somebody holds the lock |
//! | QUEUED | somebody is in the queue; changes under the queue's lock |
//! | WOKEN | one waiter is awake and will try, or is being woken: an unlock need not wake another. The bit has one owner, who clears it when it takes the lock or queues again |
//! | STARVING | the lock goes from hand to hand, in order; set by a waiter together with QUEUED |
//!
//! # Moves
//!
//! *Normal mode.* Lock is 0 → LOCKED, or takes an unlocked word whatever else is in it: newcomers
//! overtake the queue, because they are running already. Unlock clears LOCKED; if somebody is queued
//! and nobody WOKEN, it becomes WOKEN's owner on behalf of the first in the queue, and readies it.
//! A woken waiter that finds the lock taken goes back to the queue's front.
//!
//! *Starvation mode.* A woken waiter that finds the lock taken and first queued more than a
//! millisecond ago sets STARVING. From then on nobody takes an unlocked word: unlock passes the lock
//! to the first in the queue, setting LOCKED for it. The mode ends with a waiter that waited less
//! than a millisecond, or with the last in the queue.
//!
//! # Why no wake-up is lost
//!
//! A waiter enters the queue with a compare-and-swap of the state, under the queue's lock, from a
//! state with LOCKED or STARVING. So the unlock that clears LOCKED comes after it in the state's
//! order and sees QUEUED, or (STARVING) is still on its way to the queue's lock, which the waiter
//! opens only when it is parked. The unlock leaves the queue alone if it sees WOKEN; then WOKEN's
//! owner will look at the state after that unlock: it takes the lock, and its own unlock sees QUEUED;
//! or it queues again, from a state with LOCKED, and clears WOKEN in the same step. An unlock that
//! owns WOKEN for a waiter and finds none that has not given up clears WOKEN under the queue's lock:
//! whoever queues after that finds the lock unlocked and does not.

use std::fmt;
use std::time::{Duration, Instant};

use lock_api::GuardSend;

use super::owner::Owner;
use super::waiter::{Queue, WOKEN as WAKER, Waiter, park_linked};
use super::{Ended, Limit, SpinLock, WaitReason, exit_point, spin};
use crate::clock;
use crate::shim::atomic::{AtomicU32, Ordering};

const LOCKED: u32 = 1;
const QUEUED: u32 = 2;
const WOKEN: u32 = 4;
const STARVING: u32 = 8;

/// How long a waiter is overtaken before the lock goes from hand to hand, in nanoseconds.
pub(super) const PATIENCE: u64 = 1_000_000;

/// A fair lock of 16 bytes (24 with debug assertions, which know its owner) for [`lock_api::Mutex`].
pub struct RawMutex {
    state: AtomicU32,
    /// Guards the queue.
    lock: SpinLock,
    owner: Owner,
    queue: Queue,
}

impl RawMutex {
    /// An unlocked lock.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: AtomicU32::new(0),
            lock: SpinLock::new(),
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
        if self.take_free() {
            return Ok(());
        }
        exit_point();
        self.lock_slow(limit, WaitReason::MutexLock)
    }

    /// As [`lock_limited`](Self::lock_limited), for a caller that must get or not get the lock
    /// without being unwound.
    #[inline]
    pub(super) fn lock_quietly(&self, limit: &Limit<'_>, reason: WaitReason) -> Result<(), Ended> {
        if self.take_free() {
            return Ok(());
        }
        self.lock_slow(limit, reason)
    }

    #[inline]
    fn take_free(&self) -> bool {
        let taken = self
            .state
            .compare_exchange_weak(0, LOCKED, Ordering::Acquire, Ordering::Relaxed)
            .is_ok();
        if taken {
            self.owner.set();
        }
        taken
    }

    #[cold]
    #[inline(never)]
    fn lock_raising(&self) {
        exit_point();
        self.lock_slow(&Limit::NONE, WaitReason::MutexLock)
            .expect("a wait without a limit ends with the lock");
    }

    #[inline(never)]
    fn lock_slow(&self, limit: &Limit<'_>, reason: WaitReason) -> Result<(), Ended> {
        let _wanted = self.owner.wanted();
        // When this waiter first queued.
        let mut since = None;
        // It owns WOKEN.
        let mut owns_woken = false;
        let mut starving = false;
        let mut spins = spin::Spins::new();
        loop {
            let state = self.state.load(Ordering::Relaxed);
            if state & (LOCKED | STARVING) == 0 {
                let woken = if owns_woken { WOKEN } else { 0 };
                if self
                    .state
                    .compare_exchange_weak(
                        state,
                        (state | LOCKED) & !woken,
                        Ordering::Acquire,
                        Ordering::Relaxed,
                    )
                    .is_ok()
                {
                    self.owner.set();
                    return Ok(());
                }
                continue;
            }
            if state & STARVING == 0 && spins.worthwhile() {
                // Tells the holder's unlock not to wake a sleeper: this one is awake.
                if !owns_woken && state & (QUEUED | WOKEN) == QUEUED {
                    owns_woken = self
                        .state
                        .compare_exchange(
                            state,
                            state | WOKEN,
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
            if !self.announce(owns_woken, starving) {
                // SAFETY: locked above.
                unsafe { self.lock.unlock() };
                continue;
            }
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
                    if self.queue.is_empty() {
                        self.state.fetch_and(!QUEUED, Ordering::Relaxed);
                    }
                    self.lock.unlock();
                }
                return Err(Ended::by(claim));
            }
            let waited = clock::callers().saturating_sub(queued_at);
            if waiter.granted.get() {
                if waited < PATIENCE {
                    self.state.fetch_and(!STARVING, Ordering::Relaxed);
                }
                self.owner.set();
                return Ok(());
            }
            owns_woken = true;
            starving = waited > PATIENCE;
            spins = spin::Spins::new();
        }
    }

    /// Says in the state that the caller queues; false if there is nothing to wait for. Under the
    /// queue's lock.
    fn announce(&self, owns_woken: bool, starving: bool) -> bool {
        self.state
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| {
                if state & (LOCKED | STARVING) == 0 {
                    return None;
                }
                let mut next = state | QUEUED;
                if owns_woken {
                    next &= !WOKEN;
                }
                if starving && state & LOCKED != 0 {
                    next |= STARVING;
                }
                Some(next)
            })
            .is_ok()
    }

    /// Opens the lock; for whoever holds it.
    #[inline]
    pub(super) fn open(&self) {
        self.owner.clear();
        let old = self.state.fetch_sub(LOCKED, Ordering::Release);
        if old != LOCKED {
            self.open_slow(old);
        }
    }

    #[cold]
    #[inline(never)]
    fn open_slow(&self, old: u32) {
        if old & LOCKED == 0 {
            crate::exit::fatal("sync: unlock of unlocked mutex");
        }
        let state = old - LOCKED;
        if state & STARVING != 0 {
            self.hand_over();
        } else if self.own_woken(state) {
            self.wake_first();
        }
    }

    /// Normal mode: becomes the owner of WOKEN, unless nobody needs to be woken.
    fn own_woken(&self, mut state: u32) -> bool {
        while state & QUEUED != 0 && state & (LOCKED | WOKEN | STARVING) == 0 {
            match self.state.compare_exchange_weak(
                state,
                state | WOKEN,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    fn wake_first(&self) {
        self.lock.lock();
        // SAFETY: locked.
        let first = unsafe { self.queue.claim_first() };
        let mut over = 0;
        if first.is_none() {
            over |= WOKEN;
        }
        let last = self.queue.is_empty();
        if last {
            over |= QUEUED;
        }
        if over != 0 {
            self.state.fetch_and(!over, Ordering::Relaxed);
        }
        let task = first.map(Waiter::task);
        // SAFETY: locked above; the task is claimed by us.
        unsafe {
            self.lock.unlock();
            if let Some(task) = task {
                // If others wait as well the lock has more than enough takers as it is.
                if last {
                    task.ready_beside();
                } else {
                    task.ready();
                }
            }
        }
    }

    /// Starvation mode: nobody can take the lock, which LOCKED does not say at the moment.
    fn hand_over(&self) {
        self.lock.lock();
        // SAFETY: locked.
        let first = unsafe { self.queue.claim_first() };
        let last = self.queue.is_empty();
        let over = if last { QUEUED | STARVING } else { 0 };
        let task = match first {
            Some(waiter) => {
                waiter.granted.set(true);
                // Both at once: between them somebody else could take the lock.
                self.change(|state| (state | LOCKED) & !over);
                Some(waiter.task())
            }
            None => {
                // Whoever is still linked has given up and unlinks itself.
                self.change(|state| state & !(STARVING | over));
                None
            }
        };
        // SAFETY: locked above; the task is claimed by us.
        unsafe {
            self.lock.unlock();
            if let Some(task) = task {
                // It has the lock already, and should not wait for the caller's worker with it.
                task.ready_beside();
            }
        }
    }

    fn change(&self, mut f: impl FnMut(u32) -> u32) {
        let _ = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |state| Some(f(state)));
    }

    #[inline]
    fn try_take(&self) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & (LOCKED | STARVING) == 0 {
            match self.state.compare_exchange_weak(
                state,
                state | LOCKED,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    self.owner.set();
                    return true;
                }
                Err(now) => state = now,
            }
        }
        false
    }
}

// SAFETY: LOCKED is set by one at a time, by a compare-and-swap from a word without it, or by
// `hand_over` for one waiter while STARVING keeps everybody else away. Taking acquires and opening
// releases; a hand-over goes through the claim and ready of the waiter.
unsafe impl lock_api::RawMutex for RawMutex {
    const INIT: Self = Self::new();

    type Guard = GuardSend;

    #[inline]
    fn lock(&self) -> GuardSend {
        if !self.take_free() {
            self.lock_raising();
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock(&self) -> Option<GuardSend> {
        self.try_take().then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock(&self, _guard: GuardSend) {
        self.open();
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.state.load(Ordering::Relaxed) & (LOCKED | STARVING) != 0
    }
}

// SAFETY: as above.
unsafe impl lock_api::RawMutexTimed for RawMutex {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_for(&self, timeout: Duration) -> Option<GuardSend> {
        if self.take_free() {
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
