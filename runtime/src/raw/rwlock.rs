//! The lock under `gors::sync::RwLock`: Go's RWMutex in one word.
//!
//! # State
//!
//! | bits | meaning |
//! | --- | --- |
//! | WRITER | held by a writer |
//! | PENDING | a writer waits at the head of the writers: readers that come now queue behind it |
//! | READERS | readers are in the queue; changes under the queue's lock |
//! | STARVING | the pending writer has waited too long: the next opening passes the lock to it |
//! | the rest | how many readers hold the lock, or are about to find out that they do not |
//!
//! # Moves
//!
//! *A reader* adds itself; if there was no WRITER and no PENDING it has the lock. If not it takes
//! itself off again, by the same steps as a reader that leaves, and queues under the lock.
//!
//! *A writer* swaps 0 for WRITER, or overtakes: a free word with PENDING and without STARVING may be
//! taken. Else it takes the `writers` mutex, so that one writer at a time is at the head, announces
//! PENDING, and waits in `pending`. It gives `writers` back once it has the lock.
//!
//! *A writer that leaves* lets all queued readers in, and if there are none wakes the pending
//! writer (STARVING: passes the lock on). *The last reader that leaves* passes the lock to the
//! pending writer. So readers cannot starve writers (PENDING stops them), nor writers readers
//! (queued readers go first at the next opening).
//!
//! # Why no wake-up is lost
//!
//! READERS and PENDING are set by compare-and-swap under the queue's lock, from a state that blocks
//! the one that waits, and the lock is open again only when it is parked. Whoever makes such a state
//! passable (clears WRITER, takes the last reader off, clears PENDING) does so in one atomic step
//! that sees the bit, and goes to the queue's lock then; the short ways out are swaps from a word
//! without these bits. A pending writer that was claimed and finds the lock taken by one that
//! overtook it announces itself again under the lock, before that one can leave unseen. A pending
//! writer that gives up clears PENDING under the lock and lets in the readers that only it kept out.

use std::cell::Cell;
use std::fmt;
use std::ptr;

use super::mutex::PATIENCE;
use super::owner::Owner;
use super::waiter::{Claimed, Queue, WOKEN, Waiter, park_linked};
use super::{Ended, Limit, RawMutex, SpinLock, Task, WaitReason, exit_point};
use crate::clock;
use crate::shim::atomic::{AtomicUsize, Ordering};

const WRITER: usize = 1;
const PENDING: usize = 2;
const READERS: usize = 4;
const STARVING: usize = 8;
const ONE_READER: usize = 16;

/// A writer-preferring lock for [`lock_api::RwLock`].
pub struct RawRwLock {
    state: AtomicUsize,
    /// Held by the writer at the head of the writers.
    writers: RawMutex,
    /// Guards what follows.
    lock: SpinLock,
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

    /// Takes the lock for writing, or gives up when the limit is reached.
    ///
    /// # Errors
    ///
    /// Why it gave up. A lock that is free is taken whatever the limit.
    #[inline]
    pub fn write_limited(&self, limit: &Limit<'_>) -> Result<(), Ended> {
        if !self.take_free() {
            self.write_slow(limit)?;
        }
        self.owner.set();
        Ok(())
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

    /// Takes a lock that nobody has or waits for as a writer. Never blocks.
    #[inline]
    pub(super) fn try_take_idle(&self) -> bool {
        self.try_take(PENDING | STARVING)
    }

    /// Whether anybody has the lock; whether a writer has it.
    #[inline]
    pub(super) fn holders(&self) -> (bool, bool) {
        let state = self.state.load(Ordering::Relaxed);
        (!is_free(state), state & WRITER != 0)
    }

    #[inline]
    pub(super) fn take_free(&self) -> bool {
        self.state
            .compare_exchange_weak(0, WRITER, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    /// Takes a reader off.
    #[inline]
    pub(super) fn leave(&self) {
        let old = self.state.fetch_sub(ONE_READER, Ordering::Release);
        if old & PENDING != 0 || old < ONE_READER {
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
                is_free(state).then_some((state | WRITER) & !(PENDING | STARVING))
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

    #[cold]
    #[inline(never)]
    pub(super) fn write_without_limit(&self) {
        self.write_slow(&Limit::NONE)
            .expect("a wait without a limit ends with the lock");
    }

    /// The caller has the lock as a writer; for reports.
    #[inline]
    pub(super) fn note_writer(&self) {
        self.owner.set();
    }

    #[cold]
    #[inline(never)]
    fn read_slow(&self, limit: &Limit<'_>) -> Result<(), Ended> {
        self.leave();
        exit_point();
        let _wanted = self.owner.wanted();
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

    #[cold]
    #[inline(never)]
    fn write_slow(&self, limit: &Limit<'_>) -> Result<(), Ended> {
        if self.try_take(STARVING) {
            return Ok(());
        }
        exit_point();
        let _wanted = self.owner.wanted();
        self.writers.lock_quietly(limit, WaitReason::RwLockWrite)?;
        let result = self.wait_at_head(limit);
        self.writers.open();
        result
    }

    /// Takes a free lock unless one of the bits of `unless` is set.
    #[inline]
    fn try_take(&self, unless: usize) -> bool {
        self.state
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |state| {
                (is_free(state) && state & unless == 0).then_some(state | WRITER)
            })
            .is_ok()
    }

    /// The holder of `writers` waits for the lock.
    fn wait_at_head(&self, limit: &Limit<'_>) -> Result<(), Ended> {
        let mut since = None;
        let mut starving = 0;
        loop {
            let waiter = Waiter::new(limit);
            self.lock.lock();
            // PENDING and STARVING are ours: nobody else is at the head.
            let old = self
                .state
                .fetch_update(Ordering::Acquire, Ordering::Relaxed, |state| {
                    Some(if is_free(state) {
                        (state | WRITER) & !(PENDING | STARVING)
                    } else {
                        state | PENDING | starving
                    })
                });
            if old.is_ok_and(is_free) {
                // SAFETY: locked above.
                unsafe { self.lock.unlock() };
                return Ok(());
            }
            let queued_at = *since.get_or_insert_with(clock::now);
            waiter.arm();
            self.pending.set(&raw const waiter);
            // SAFETY: locked, armed and published; taken back below unless a waker has done it.
            let claim = unsafe { park_linked(&waiter, &self.lock, WaitReason::RwLockWrite, limit) };
            if claim != WOKEN {
                self.step_back();
                return Err(Ended::by(claim));
            }
            if waiter.granted.get() {
                return Ok(());
            }
            if clock::now().saturating_sub(queued_at) > PATIENCE {
                starving = STARVING;
            }
        }
    }

    /// The pending writer has given up: it must not keep readers out any more.
    fn step_back(&self) {
        self.lock.lock();
        self.pending.set(ptr::null());
        // Becomes a reader for a moment if no writer has the lock: else one could take it between the
        // step that clears PENDING and the one that counts the readers that are let in.
        let old = self
            .state
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |state| {
                let open = state & !(PENDING | STARVING);
                Some(if state & WRITER == 0 {
                    open + ONE_READER
                } else {
                    open
                })
            });
        let admitted = if old.is_ok_and(|old| old & WRITER == 0) {
            self.admit(ONE_READER.wrapping_neg())
        } else {
            Claimed::new()
        };
        // SAFETY: locked above; claimed by `admit`.
        unsafe {
            self.lock.unlock();
            admitted.ready();
        }
    }

    /// Lets the queued readers in, and adds `more`, which may be negative, to the state in the same
    /// step. Under the lock, by one who has the lock for reading or writing; the caller readies them.
    fn admit(&self, more: usize) -> Claimed {
        // SAFETY: under the lock.
        let claimed = unsafe { self.readers.claim_all() };
        let coming = claimed.len() * ONE_READER;
        let _ = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |state| {
                Some(((state & !READERS) + coming).wrapping_add(more))
            });
        claimed
    }

    /// Opens a lock held by a writer.
    #[inline]
    pub(super) fn open(&self) {
        self.owner.clear();
        if self
            .state
            .compare_exchange(WRITER, 0, Ordering::Release, Ordering::Relaxed)
            .is_err()
        {
            self.open_slow();
        }
    }

    #[cold]
    #[inline(never)]
    fn open_slow(&self) {
        if self.state.load(Ordering::Relaxed) & WRITER == 0 {
            crate::exit::fatal("sync: Unlock of unlocked RWMutex");
        }
        self.lock.lock();
        let mut writer = None;
        let mut readers = Claimed::new();
        if self.state.load(Ordering::Relaxed) & READERS != 0 {
            // SAFETY: locked.
            readers = unsafe { self.readers.claim_all() };
        }
        let coming = readers.len() * ONE_READER;
        if coming == 0 && self.state.load(Ordering::Relaxed) & STARVING != 0 {
            writer = self.pass_on();
        }
        if writer.is_none() {
            let _ = self
                .state
                .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |state| {
                    Some((state & !(WRITER | READERS)) + coming)
                });
            if coming == 0 {
                writer = self.wake_pending();
            }
        }
        // SAFETY: locked above; all were claimed by us.
        unsafe {
            self.lock.unlock();
            readers.ready();
            if let Some(task) = writer {
                task.ready();
            }
        }
    }

    /// Passes the lock from the writer that leaves to a starving one. Under the lock.
    fn pass_on(&self) -> Option<Task> {
        // SAFETY: under the lock, so a parked writer is alive.
        let pending = unsafe { self.pending.get().as_ref() }?;
        if !pending.claim() {
            return None;
        }
        self.pending.set(ptr::null());
        self.state
            .fetch_and(!(PENDING | STARVING), Ordering::AcqRel);
        pending.granted.set(true);
        Some(pending.task())
    }

    /// Wakes the pending writer without giving it the lock. Under the lock.
    fn wake_pending(&self) -> Option<Task> {
        // SAFETY: under the lock, so a parked writer is alive.
        let pending = unsafe { self.pending.get().as_ref() }?;
        if !pending.claim() {
            return None;
        }
        self.pending.set(ptr::null());
        Some(pending.task())
    }

    /// Makes the writer that holds the lock a reader.
    #[inline]
    pub(super) fn become_reader(&self) {
        self.owner.clear();
        if self
            .state
            .compare_exchange(WRITER, ONE_READER, Ordering::Release, Ordering::Relaxed)
            .is_err()
        {
            self.downgrade_slow();
        }
    }

    #[cold]
    #[inline(never)]
    fn downgrade_slow(&self) {
        self.lock.lock();
        // WRITER goes and a reader comes: the sum carries the one into the other.
        let admitted = self.admit(ONE_READER - WRITER);
        // SAFETY: locked above; claimed by `admit`.
        unsafe {
            self.lock.unlock();
            admitted.ready();
        }
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
