//! The lock under `gors::sync::RwLock`: Go's RWMutex in one word.
//!
//! # State
//!
//! | bits | meaning |
//! | --- | --- |
//! | WRITER | held by a writer |
//! | PENDING | a writer waits at the head of the writers: readers that come now wait behind it. The bit is that writer's |
//! | ASLEEP | that writer is parked, or was a moment ago; set under the queue's lock, together with PENDING |
//! | READERS | readers are in the queue; changes under the queue's lock |
//! | STARVING | the pending writer has waited too long: the next opening passes the lock to it |
//! | the rest | how many readers hold the lock, or are about to find out that they do not |
//!
//! # Moves
//!
//! *A reader* adds itself; if there was no WRITER and no PENDING it has the lock. If not it takes
//! itself off again, by the same steps as a reader that leaves, looks again a few times, and queues
//! under the lock.
//!
//! *A writer* swaps 0 for WRITER, or overtakes: a free word with PENDING and without STARVING may be
//! taken. Else it takes the `writers` mutex, so that one writer at a time is at the head, announces
//! PENDING, looks a few times whether the last reader has left, and then waits in `pending`, ASLEEP.
//! It gives `writers` back once it has the lock.
//!
//! *A writer that leaves* lets all queued readers in, and if there are none wakes the pending
//! writer (STARVING: passes the lock on). *The last reader that leaves* passes the lock to the
//! pending writer. So readers cannot starve writers (PENDING stops them), nor writers readers
//! (queued readers go first at the next opening).
//!
//! # Why no wake-up is lost
//!
//! READERS and ASLEEP are set by compare-and-swap under the queue's lock, from a state that blocks
//! the one that waits, and the lock is open again only when it is parked. Whoever makes such a state
//! passable (clears WRITER, takes the last reader off, clears PENDING) does so in one atomic step
//! that sees the bit, and goes to the queue's lock then; the short ways out are swaps from a word
//! without these bits. A pending writer that was claimed and finds the lock taken by one that
//! overtook it announces itself again under the lock, before that one can leave unseen. A pending
//! writer that gives up clears PENDING under the lock and lets in the readers that only it kept out.
//!
//! PENDING without ASLEEP is the bit of a writer that is awake, looks a bounded number of times, and
//! then has the lock (whose opening lets in the readers that queued behind PENDING) or is ASLEEP: it
//! needs no waking, and whoever opens the lock leaves it alone.
//!
//! # Looking again before parking
//!
//! A writer waits for sections that have begun, and keeps all others out meanwhile: it looks often. A
//! reader that is kept out should look often as well if the sections are long, so that it loses
//! little of its own. If they are short it should not: two CPUs that both come and go pass the word to
//! and fro, 15 ns a section, while one alone needs 4; so it stays away until the other has done many.
//! Nobody times the sections. But with long ones a writer hardly ever finds the lock free, and has to
//! look more than twice; `long` counts that.

use std::cell::Cell;
use std::fmt;
use std::ptr;

use super::owner::Owner;
use super::spin::Spins;
use super::waiter::{Queue, WOKEN, Waiter, park_linked};
use super::{Ended, Limit, RawMutex, SpinLock, Task, WaitReason, exit_point};
use crate::shim::atomic::{AtomicU8, AtomicUsize, Ordering};

// The path is spelt out because the models compile this file from elsewhere.
#[path = "rwlock/writers.rs"]
mod writers;

const WRITER: usize = 1;
const PENDING: usize = 2;
const READERS: usize = 4;
const STARVING: usize = 8;
const ASLEEP: usize = 16;
const ONE_READER: usize = 32;

/// What `long` is at most, and from where on sections count as long.
const LONG_MAX: u8 = 64;
const LONG: u8 = 32;

/// A writer-preferring lock for [`lock_api::RwLock`].
pub struct RawRwLock {
    state: AtomicUsize,
    /// Held by the writer at the head of the writers.
    writers: RawMutex,
    /// Guards what follows, but for `long`.
    lock: SpinLock,
    /// How sure it is that the readers' sections are long. A hint of the writers'.
    long: AtomicU8,
    /// The writer that holds the lock.
    owner: Owner,
    readers: Queue,
    /// The parked writer of `writers`; null while it is awake.
    pending: Cell<*const Waiter>,
}

// SAFETY: `pending` is touched under the lock.
unsafe impl Send for RawRwLock {}
// SAFETY: as above.
unsafe impl Sync for RawRwLock {}

/// Whether a writer may take the lock in this state.
const fn is_free(state: usize) -> bool {
    state & WRITER == 0 && state < ONE_READER
}

impl RawRwLock {
    /// An unlocked lock.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: AtomicUsize::new(0),
            writers: RawMutex::new(),
            lock: SpinLock::new(),
            long: AtomicU8::new(0),
            owner: Owner::new(),
            readers: Queue::new(),
            pending: Cell::new(ptr::null()),
        }
    }

    /// Takes the lock for reading, or gives up when the limit is reached.
    ///
    /// # Errors
    ///
    /// Why it gave up. A lock that readers may have is taken whatever the limit.
    #[inline]
    pub fn read_limited(&self, limit: &Limit<'_>) -> Result<(), Ended> {
        if self.enter() {
            return Ok(());
        }
        self.read_slow(limit)
    }

    /// Adds a reader; true if it has the lock, else it must [`leave`](Self::leave) again.
    #[inline]
    pub(super) fn enter(&self) -> bool {
        self.state.fetch_add(ONE_READER, Ordering::Acquire) & (WRITER | PENDING) == 0
    }

    /// Adds a reader unless a writer has the lock or waits for it. Never blocks.
    #[inline]
    pub(super) fn try_enter(&self) -> bool {
        self.state
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |state| {
                (state & (WRITER | PENDING) == 0).then_some(state + ONE_READER)
            })
            .is_ok()
    }

    /// Whether anybody has the lock; whether a writer has it.
    #[inline]
    pub(super) fn holders(&self) -> (bool, bool) {
        let state = self.state.load(Ordering::Relaxed);
        (!is_free(state), state & WRITER != 0)
    }

    /// Takes a reader off.
    #[inline]
    pub(super) fn leave(&self) {
        let old = self.state.fetch_sub(ONE_READER, Ordering::Release);
        if old & ASLEEP != 0 || old < ONE_READER {
            self.leave_slow(old);
        }
    }

    #[cold]
    #[inline(never)]
    fn leave_slow(&self, old: usize) {
        if old < ONE_READER {
            crate::exit::fatal("sync: RUnlock of unlocked RWMutex");
        }
        if !is_free(old - ONE_READER) {
            return;
        }
        self.lock.lock();
        let granted = self.grant_pending();
        // SAFETY: locked above; the task was claimed by us.
        unsafe {
            self.lock.unlock();
            if let Some(task) = granted {
                task.ready();
            }
        }
    }

    /// The lock has become free: claims the pending writer, with the lock if it is still free.
    /// Under the lock; the caller readies it.
    fn grant_pending(&self) -> Option<Task> {
        let state = self.state.load(Ordering::Relaxed);
        // SAFETY: under the lock, so a parked writer is alive.
        let pending = unsafe { self.pending.get().as_ref() }?;
        if state & PENDING == 0 || !is_free(state) || !pending.claim() {
            return None;
        }
        self.pending.set(ptr::null());
        let granted = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |state| {
                is_free(state).then_some((state | WRITER) & !(PENDING | ASLEEP | STARVING))
            })
            .is_ok();
        pending.granted.set(granted);
        Some(pending.task())
    }

    #[cold]
    #[inline(never)]
    pub(super) fn read_without_limit(&self) {
        self.read_slow(&Limit::NONE)
            .expect("a wait without a limit ends with the lock");
    }

    /// A reader that is kept out waits a little, awake; true if it is in.
    fn look_again(&self) -> bool {
        let long = self.has_long_reads();
        let mut spins = if long { Spins::close() } else { Spins::away() };
        while Self::may_look(long, self.state.load(Ordering::Relaxed)) && spins.worthwhile() {
            spins.spin();
            if self.try_enter() {
                return true;
            }
        }
        false
    }

    /// Whether readers hold the lock for so long that waiting for one of them beats stepping back.
    fn has_long_reads(&self) -> bool {
        self.long.load(Ordering::Relaxed) >= LONG
    }

    /// Where sections are short and somebody has parked already, one more on its feet is only in the way.
    const fn may_look(long: bool, state: usize) -> bool {
        long || state & READERS == 0
    }

    #[cold]
    #[inline(never)]
    fn read_slow(&self, limit: &Limit<'_>) -> Result<(), Ended> {
        self.leave();
        exit_point();
        let _wanted = self.owner.wanted();
        if self.look_again() {
            return Ok(());
        }
        let waiter = Waiter::new(limit);
        self.lock.lock();
        let entered = self
            .state
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |state| {
                Some(if state & (WRITER | PENDING) == 0 {
                    state + ONE_READER
                } else {
                    state | READERS
                })
            });
        if entered.is_ok_and(|old| old & (WRITER | PENDING) == 0) {
            // SAFETY: locked above.
            unsafe { self.lock.unlock() };
            return Ok(());
        }
        waiter.arm();
        // SAFETY: locked, armed and linked; unlinked below unless a waker has done it.
        let claim = unsafe {
            self.readers.push_back(&waiter);
            park_linked(&waiter, &self.lock, WaitReason::RwLockRead, limit)
        };
        if claim == WOKEN {
            // Whoever let us in has counted us.
            return Ok(());
        }
        self.lock.lock();
        // SAFETY: locked; linked, because no waker won the claim.
        unsafe {
            self.readers.unlink(&waiter);
            if self.readers.is_empty() {
                self.state.fetch_and(!READERS, Ordering::Relaxed);
            }
            self.lock.unlock();
        }
        Err(Ended::by(claim))
    }
}

impl Default for RawRwLock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RawRwLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRwLock")
            .field("locked", &self.holders().0)
            .finish_non_exhaustive()
    }
}
