//! A list of waiters in first-in-first-out order, with a safe interface: what WaitGroup, join
//! handles, Parker and most of `sync` wait on.
//!
//! # Why no wake-up is lost
//!
//! A waiter looks at its condition under the list's lock and is in the list before the lock opens
//! (the lock opens after the waiter has left its stack). A notifier changes the condition first
//! and takes the lock then. So either the waiter sees the change, or the notifier sees the waiter.
//! `count` lets a notifier skip the lock when nobody waits: the waiter counts itself, fences and
//! looks; the notifier changes, fences and reads the count.

use std::cell::Cell;
use std::fmt;
use std::ptr;
use std::time::Instant;

use super::{FIRST_TOKEN, SpinLock, TIMED_OUT, Task, WaitReason};
use crate::fence;
use crate::shim::UnsafeCell;
use crate::shim::atomic::{AtomicUsize, Ordering};

/// A waiter in its own frame. Linked and unlinked under the list's lock.
struct Waiter {
    task: Task,
    previous: Cell<*const Waiter>,
    next: Cell<*const Waiter>,
    linked: Cell<bool>,
    /// Counts arrivals, so that `notify_all` can tell who came before it.
    number: Cell<u64>,
}

struct Ends {
    head: *const Waiter,
    tail: *const Waiter,
    /// The number of the next waiter.
    next: u64,
}

/// How a wait on a [`WaitList`] ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notified {
    /// The condition held; the caller did not wait, or not for a notifier.
    Ready,
    /// A notifier chose this waiter.
    Woken,
    /// The deadline passed.
    TimedOut,
}

/// Waiters in order of arrival. See the [module](super).
pub struct WaitList {
    lock: SpinLock,
    /// Waiters that are linked or about to be.
    count: AtomicUsize,
    ends: UnsafeCell<Ends>,
}

// SAFETY: `ends` is touched under the lock only.
unsafe impl Sync for WaitList {}
// SAFETY: as above; waiters are reached through tasks, which are Send.
unsafe impl Send for WaitList {}

impl WaitList {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            lock: SpinLock::new(),
            count: AtomicUsize::new(0),
            ends: UnsafeCell::new(Ends {
                head: ptr::null(),
                tail: ptr::null(),
                next: 0,
            }),
        }
    }

    /// Waits until notified, unless `ready` says that there is nothing to wait for.
    ///
    /// `ready` is called once, under the list's lock: it must be a few loads, must not block and
    /// must not touch the list. Whoever makes it true must do so before notifying.
    ///
    /// Raises no `goexit`; callers that hold no borrows for others call
    /// [`exit_point`](super::exit_point) first.
    #[inline]
    pub fn wait(
        &self,
        reason: WaitReason,
        deadline: Option<Instant>,
        ready: impl FnOnce() -> bool,
    ) -> Notified {
        let lock = ptr::from_ref(&self.lock).cast();
        self.wait_and_unlock(reason, deadline, ready, (unlock, lock))
    }

    /// As [`wait`](Self::wait), for the end of a goroutine, whose number [`leaks`](crate::leaks) wants
    /// to know.
    #[inline]
    pub(crate) fn wait_for_end(
        &self,
        goroutine: u64,
        deadline: Option<Instant>,
        ready: impl FnOnce() -> bool,
    ) -> Notified {
        let joined = Joined {
            lock: &raw const self.lock,
            goroutine,
        };
        let open = (
            unlock_joined as unsafe fn(*const ()),
            ptr::from_ref(&joined).cast(),
        );
        self.wait_and_unlock(WaitReason::Join, deadline, ready, open)
    }

    /// `open` opens the list's lock.
    #[inline(always)]
    fn wait_and_unlock(
        &self,
        reason: WaitReason,
        deadline: Option<Instant>,
        ready: impl FnOnce() -> bool,
        open: (unsafe fn(*const ()), *const ()),
    ) -> Notified {
        let waiter = Waiter {
            task: Task::current(),
            previous: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            linked: Cell::new(false),
            number: Cell::new(0),
        };
        self.lock.lock();
        self.count_by(1);
        fence::store_load();
        let bomb = Unlock(self);
        let nothing_to_do = ready();
        std::mem::forget(bomb);
        if nothing_to_do {
            self.count_by(-1);
            // SAFETY: locked above.
            unsafe { self.lock.unlock() };
            return Notified::Ready;
        }
        waiter.task.arm();
        // SAFETY: locked above; the waiter is unlinked before this frame goes, see below.
        unsafe {
            self.link(&waiter);
            self.lock.leave();
            waiter.task.park(reason, deadline, Some(open));
        }
        if waiter.task.claimed() == TIMED_OUT {
            self.lock.lock();
            // SAFETY: locked; nobody unlinks a waiter whose claim they did not win.
            unsafe {
                self.unlink(&waiter);
                self.lock.unlock();
            }
            return Notified::TimedOut;
        }
        // The notifier unlinked us before it readied us.
        debug_assert!(!waiter.linked.get());
        Notified::Woken
    }

    /// Wakes the waiter that came first; false if nobody waits.
    #[inline]
    pub fn notify_one(&self) -> bool {
        fence::store_load();
        self.count.load(Ordering::Relaxed) != 0 && self.notify_one_slow()
    }

    /// Wakes everybody who waits now; says how many that were.
    #[inline]
    pub fn notify_all(&self) -> usize {
        fence::store_load();
        if self.count.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        self.notify_all_slow()
    }

    /// How many wait, at some recent moment.
    #[inline]
    #[must_use]
    pub fn waiters(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Changes the count, under the lock: one writer at a time, so no read-modify-write.
    #[inline]
    fn count_by(&self, change: isize) {
        let count = self.count.load(Ordering::Relaxed);
        self.count
            .store(count.wrapping_add_signed(change), Ordering::Relaxed);
    }

    fn notify_one_slow(&self) -> bool {
        match self.claim_first() {
            Some(task) => {
                // SAFETY: claimed just now, by us.
                unsafe { task.ready() };
                true
            }
            None => false,
        }
    }

    fn notify_all_slow(&self) -> usize {
        // Claimed in batches: readying under the lock would call into the scheduler.
        const BATCH: usize = 16;
        self.lock.lock();
        // Those who come after this call wait for another one.
        // SAFETY: locked.
        let end = self.ends.with(|ends| unsafe { (*ends).next });
        // SAFETY: locked above.
        unsafe { self.lock.unlock() };
        let mut woken = 0;
        loop {
            let mut batch = [None; BATCH];
            let mut taken = 0;
            self.lock.lock();
            while taken < BATCH {
                // SAFETY: locked.
                match unsafe { self.claim_first_locked(end) } {
                    Some(task) => {
                        batch[taken] = Some(task);
                        taken += 1;
                    }
                    None => break,
                }
            }
            // SAFETY: locked above.
            unsafe { self.lock.unlock() };
            for task in batch.into_iter().flatten() {
                // SAFETY: claimed just now, by us.
                unsafe { task.ready() };
            }
            woken += taken;
            if taken < BATCH {
                return woken;
            }
        }
    }

    fn claim_first(&self) -> Option<Task> {
        self.lock.lock();
        // SAFETY: locked.
        let task = unsafe { self.claim_first_locked(u64::MAX) };
        // SAFETY: locked above.
        unsafe { self.lock.unlock() };
        task
    }

    /// Claims and unlinks the first waiter that has not timed out and came before `end`.
    ///
    /// # Safety
    ///
    /// The lock is held.
    unsafe fn claim_first_locked(&self, end: u64) -> Option<Task> {
        // SAFETY: the caller's promise.
        let mut at = self.ends.with(|ends| unsafe { (*ends).head });
        // SAFETY: linked waiters are alive: they unlink under the lock before their frame goes.
        while let Some(waiter) = unsafe { at.as_ref() } {
            if waiter.number.get() >= end {
                return None;
            }
            let next = waiter.next.get();
            let task = waiter.task;
            if task.try_claim(FIRST_TOKEN) {
                // SAFETY: locked, and linked.
                unsafe { self.unlink(waiter) };
                return Some(task);
            }
            // It timed out and will unlink itself.
            at = next;
        }
        None
    }

    /// # Safety
    ///
    /// The lock is held, the waiter is not linked, and stays until it is unlinked.
    unsafe fn link(&self, waiter: &Waiter) {
        self.ends.with_mut(|ends| {
            // SAFETY: the caller's promise.
            let ends = unsafe { &mut *ends };
            waiter.number.set(ends.next);
            ends.next += 1;
            waiter.previous.set(ends.tail);
            // SAFETY: linked waiters are alive.
            match unsafe { ends.tail.as_ref() } {
                Some(tail) => tail.next.set(waiter),
                None => ends.head = waiter,
            }
            ends.tail = waiter;
        });
        waiter.linked.set(true);
    }

    /// # Safety
    ///
    /// The lock is held and the waiter is linked.
    unsafe fn unlink(&self, waiter: &Waiter) {
        debug_assert!(waiter.linked.get());
        let (previous, next) = (waiter.previous.get(), waiter.next.get());
        // SAFETY: the caller's promise; neighbours of a linked waiter are linked, hence alive.
        self.ends.with_mut(|ends| unsafe {
            let ends = &mut *ends;
            match previous.as_ref() {
                Some(previous) => previous.next.set(next),
                None => ends.head = next,
            }
            match next.as_ref() {
                Some(next) => next.previous.set(previous),
                None => ends.tail = previous,
            }
        });
        waiter.linked.set(false);
        self.count_by(-1);
    }
}

/// Has one address, by which waits on lists are known.
///
/// # Safety
///
/// `data` is a held [`SpinLock`] that the caller may open.
#[inline(never)]
unsafe fn unlock(data: *const ()) {
    // SAFETY: the caller's promise.
    unsafe { (*data.cast::<SpinLock>()).unlock() };
}

/// The address of the list whose wait was given this, if it is one.
pub(crate) fn list_of(function: unsafe fn(*const ()), data: *const ()) -> Option<usize> {
    let is_list = ptr::fn_addr_eq(function, unlock as unsafe fn(*const ()));
    is_list.then(|| data.addr() - std::mem::offset_of!(WaitList, lock))
}

/// In the frame of one that waits for the end of a goroutine.
struct Joined {
    lock: *const SpinLock,
    goroutine: u64,
}

/// As [`unlock`].
///
/// # Safety
///
/// `data` is a [`Joined`] whose lock is held and may be opened by the caller.
#[inline(never)]
unsafe fn unlock_joined(data: *const ()) {
    // SAFETY: the caller's promise. The frame is there until the lock is open.
    unsafe { (*(*data.cast::<Joined>()).lock).unlock() };
}

/// The goroutine whose end is waited for by one whose wait was given this, if it is one.
///
/// # Safety
///
/// The one that waits is parked, and is not resumed meanwhile.
pub(crate) unsafe fn joined(function: unsafe fn(*const ()), data: *const ()) -> Option<u64> {
    let is_join = ptr::fn_addr_eq(function, unlock_joined as unsafe fn(*const ()));
    // SAFETY: the function says what it is, and the caller that it is still there.
    is_join.then(|| unsafe { (*data.cast::<Joined>()).goroutine })
}

/// Opens the list again should the condition panic.
struct Unlock<'a>(&'a WaitList);

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        self.0.count_by(-1);
        // SAFETY: `wait` holds the lock while this value lives.
        unsafe { self.0.lock.unlock() };
    }
}

impl Default for WaitList {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WaitList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitList")
            .field("waiters", &self.waiters())
            .finish()
    }
}
