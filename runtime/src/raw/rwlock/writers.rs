//! The writers' side of [`RawRwLock`]: how one waits for the lock, gives up, leaves it and becomes a
//! reader. The states, the moves and why no wake-up is lost are told in the [parent](super).

use std::ptr;

use super::{ASLEEP, LONG_MAX, ONE_READER, PENDING, READERS, RawRwLock, STARVING, WRITER, is_free};
use crate::clock;
use crate::raw::mutex::PATIENCE;
use crate::raw::spin::Spins;
use crate::raw::waiter::{Claimed, WOKEN, Waiter, park_linked};
use crate::raw::{Ended, Limit, Task, WaitReason, exit_point};
use crate::shim::atomic::Ordering;

impl RawRwLock {
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

    /// Takes a lock that nobody has or waits for as a writer. Never blocks.
    #[inline]
    pub(in crate::raw) fn try_take_idle(&self) -> bool {
        self.try_take(PENDING | STARVING)
    }

    #[inline]
    pub(in crate::raw) fn take_free(&self) -> bool {
        let taken = self
            .state
            .compare_exchange_weak(0, WRITER, Ordering::Acquire, Ordering::Relaxed)
            .is_ok();
        if taken {
            let long = self.long.load(Ordering::Relaxed);
            if long != 0 {
                self.long.store(long - 1, Ordering::Relaxed);
            }
        }
        taken
    }

    /// A writer has waited for readers. The lock is its, so nobody else changes `long`.
    fn note_drained(&self, late: bool) {
        let long = self.long.load(Ordering::Relaxed);
        let long = if late {
            (long + 16).min(LONG_MAX)
        } else {
            long.saturating_sub(4)
        };
        self.long.store(long, Ordering::Relaxed);
    }

    #[cold]
    #[inline(never)]
    pub(in crate::raw) fn write_without_limit(&self) {
        self.write_slow(&Limit::NONE)
            .expect("a wait without a limit ends with the lock");
    }

    /// The caller has the lock as a writer; for reports.
    #[inline]
    pub(in crate::raw) fn note_writer(&self) {
        self.owner.set();
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
        if self.look_at_head() {
            return Ok(());
        }
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
                        (state | WRITER) & !(PENDING | ASLEEP | STARVING)
                    } else {
                        state | PENDING | ASLEEP | starving
                    })
                });
            if old.is_ok_and(is_free) {
                // SAFETY: locked above.
                unsafe { self.lock.unlock() };
                return Ok(());
            }
            let queued_at = *since.get_or_insert_with(clock::callers);
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
            if clock::callers().saturating_sub(queued_at) > PATIENCE {
                starving = STARVING;
            }
        }
    }

    /// The holder of `writers` keeps new readers out and waits a little, awake, for those that are in;
    /// true if it has the lock.
    fn look_at_head(&self) -> bool {
        let long = self.has_long_reads();
        let mut spins = Spins::close();
        let mut looks = 0_u32;
        let mut state = self.state.load(Ordering::Relaxed);
        let waits_for_readers = state >= ONE_READER;
        while Self::may_look(long, state) && spins.worthwhile() {
            let free = is_free(state);
            let wanted = if free {
                (state | WRITER) & !PENDING
            } else {
                state | PENDING
            };
            if wanted != state {
                let step = self.state.compare_exchange_weak(
                    state,
                    wanted,
                    Ordering::Acquire,
                    Ordering::Relaxed,
                );
                if let Err(now) = step {
                    state = now;
                    continue;
                }
            }
            if free {
                if waits_for_readers {
                    self.note_drained(looks > 1);
                }
                return true;
            }
            spins.spin();
            looks += 1;
            state = self.state.load(Ordering::Relaxed);
        }
        false
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
                let open = state & !(PENDING | ASLEEP | STARVING);
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
    pub(in crate::raw) fn open(&self) {
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
        // Those who are awake look for themselves.
        let opened = self
            .state
            .fetch_update(Ordering::Release, Ordering::Relaxed, |state| {
                (state & (WRITER | READERS | ASLEEP) == WRITER).then_some(state & !WRITER)
            });
        match opened {
            Ok(_) => return,
            Err(state) if state & WRITER == 0 => {
                crate::exit::fatal("sync: Unlock of unlocked RWMutex")
            }
            Err(_) => self.lock.lock(),
        }
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
            readers.ready_beside();
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
            .fetch_and(!(PENDING | ASLEEP | STARVING), Ordering::AcqRel);
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
    pub(in crate::raw) fn become_reader(&self) {
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
