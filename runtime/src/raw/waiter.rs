//! Waiters on their own stacks, queued in order: what the locks of this module are made of.
//!
//! # Who may touch what
//!
//! A [`Waiter`] lives in the frame of the goroutine, or plain thread, that waits. Its links belong
//! to its queue and are touched under the lock that guards the queue; `granted` belongs to whoever
//! has won the waiter's claim, from the claim to the ready.
//!
//! # The life of a wait
//!
//! 1. Under the guarding lock the waiter is [armed](Waiter::arm) and pushed, then
//!    [`park_linked`] parks it, which opens the lock once the stack is left.
//! 2. A waker holds the lock, finds the waiter, wins its claim, unlinks it, opens the lock and
//!    readies it. A waiter that it cannot claim has reached its [`Limit`]; it is passed over.
//! 3. A waiter that was claimed by a waker is unlinked when it runs again. One that has reached its
//!    limit takes the lock and unlinks itself, before its frame goes.
//!
//! A wake-up cannot be lost between 1 and 2: publishing and parking are one step for everybody who
//! goes through the lock.

use std::cell::Cell;
use std::ptr;
use std::time::Instant;

use super::cancel::Cancel;
use super::{FIRST_TOKEN, SpinLock, Task, WaitReason};
use crate::clock;

/// The claim of a waker.
pub(super) const WOKEN: usize = FIRST_TOKEN;
/// The claim of a [`Cancel`].
pub(super) const CANCELLED: usize = FIRST_TOKEN + 1;

/// What ends a wait that nobody wakes: nothing, a deadline, a [`Cancel`], or both.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limit<'a> {
    /// The wait ends with [`Ended::TimedOut`] when this has passed.
    pub deadline: Option<Instant>,
    /// The wait ends with [`Ended::Cancelled`] when this is cancelled.
    pub cancel: Option<&'a Cancel>,
}

impl<'a> Limit<'a> {
    /// Waits for ever.
    pub const NONE: Limit<'static> = Limit {
        deadline: None,
        cancel: None,
    };

    /// Waits at most until `deadline`; for ever if there is none.
    #[must_use]
    pub const fn until(deadline: Option<Instant>) -> Self {
        Self {
            deadline,
            cancel: None,
        }
    }

    /// Waits until `cancel` is cancelled.
    #[must_use]
    pub const fn cancelled_by(cancel: &'a Cancel) -> Self {
        Self {
            deadline: None,
            cancel: Some(cancel),
        }
    }

    /// An error if it is reached.
    pub(super) fn check(&self) -> Result<(), Ended> {
        if self.cancel.is_some_and(Cancel::is_cancelled) {
            Err(Ended::Cancelled)
        } else if self.deadline.is_some_and(|end| end <= clock::instant()) {
            Err(Ended::TimedOut)
        } else {
            Ok(())
        }
    }

    pub(super) const fn is_none(&self) -> bool {
        self.deadline.is_none() && self.cancel.is_none()
    }
}

/// Why a limited wait ended without what was waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The deadline passed.
    TimedOut,
    /// The [`Cancel`] was cancelled.
    Cancelled,
}

impl Ended {
    /// `token` is a claim that is not a waker's.
    pub(super) fn by(token: usize) -> Self {
        if token == CANCELLED {
            Self::Cancelled
        } else {
            Self::TimedOut
        }
    }
}

/// See the [module](self).
pub(super) struct Waiter {
    task: Task,
    previous: Cell<*const Waiter>,
    next: Cell<*const Waiter>,
    /// Only a waker can end the wait.
    sole: bool,
    /// What the waker that claimed it has to say.
    pub(super) granted: Cell<bool>,
    /// It was woken before, and has to wait again.
    pub(super) again: Cell<bool>,
    /// How much is waited for, where that is a question.
    pub(super) amount: Cell<usize>,
}

impl Waiter {
    /// A waiter for the caller.
    pub(super) fn new(limit: &Limit<'_>) -> Self {
        Self::for_task(Task::current(), limit.is_none())
    }

    pub(super) const fn for_task(task: Task, sole: bool) -> Self {
        Self {
            task,
            previous: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            sole,
            granted: Cell::new(false),
            again: Cell::new(false),
            amount: Cell::new(0),
        }
    }

    /// Opens the claim for the wait that begins.
    pub(super) fn arm(&self) {
        self.task.arm();
    }

    pub(super) const fn task(&self) -> Task {
        self.task
    }

    /// Tries to end the wait as a waker; true if the caller must unlink and ready it.
    pub(super) fn claim(&self) -> bool {
        if self.sole {
            self.task.claim_sole(WOKEN);
            true
        } else {
            self.task.try_claim(WOKEN)
        }
    }
}

/// Parks the caller until its wait ends; returns the claim.
///
/// # Safety
///
/// `waiter` is the caller's, armed, and linked in a queue that `lock` guards; `lock` is held by the
/// caller. If the claim is not [`WOKEN`], the caller takes `lock` and unlinks the waiter.
pub(super) unsafe fn park_linked(
    waiter: &Waiter,
    lock: &SpinLock,
    reason: WaitReason,
    limit: &Limit<'_>,
) -> usize {
    lock.leave();
    match limit.cancel {
        // SAFETY: the caller's promise.
        None => unsafe {
            waiter.task.park(
                reason,
                limit.deadline,
                Some((open, ptr::from_ref(lock).cast())),
            )
        },
        // SAFETY: as above.
        Some(cancel) => unsafe { cancel.park(waiter, lock, reason, limit.deadline) },
    }
    waiter.task.claimed()
}

/// # Safety
///
/// `data` is a held [`SpinLock`] that the caller may open.
unsafe fn open(data: *const ()) {
    // SAFETY: the caller's promise.
    unsafe { (*data.cast::<SpinLock>()).unlock() };
}

/// Waiters in order. One word: a ring, entered at its head.
pub(super) struct Queue {
    head: Cell<*const Waiter>,
}

// SAFETY: a queue and its waiters' links are touched under the guarding lock only.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Queue {
    pub(super) const fn new() -> Self {
        Self {
            head: Cell::new(ptr::null()),
        }
    }

    /// Whether nobody is linked; under the lock.
    pub(super) fn is_empty(&self) -> bool {
        self.head.get().is_null()
    }

    /// # Safety
    ///
    /// Under the lock. `waiter` is not linked, and stays where it is until it is unlinked.
    pub(super) unsafe fn push_back(&self, waiter: &Waiter) {
        // SAFETY: linked waiters are alive.
        match unsafe { self.head.get().as_ref() } {
            None => {
                waiter.previous.set(waiter);
                waiter.next.set(waiter);
                self.head.set(waiter);
            }
            Some(head) => {
                let tail = head.previous.get();
                waiter.previous.set(tail);
                waiter.next.set(head);
                head.previous.set(waiter);
                // SAFETY: as above.
                unsafe { (*tail).next.set(waiter) };
            }
        }
    }

    /// # Safety
    ///
    /// As [`push_back`](Self::push_back).
    pub(super) unsafe fn push_front(&self, waiter: &Waiter) {
        // SAFETY: the caller's promise.
        unsafe { self.push_back(waiter) };
        self.head.set(waiter);
    }

    /// # Safety
    ///
    /// Under the lock, and `waiter` is linked in this queue.
    pub(super) unsafe fn unlink(&self, waiter: &Waiter) {
        let (previous, next) = (waiter.previous.get(), waiter.next.get());
        if ptr::eq(next, waiter) {
            self.head.set(ptr::null());
        } else {
            // SAFETY: neighbours of a linked waiter are linked, hence alive.
            unsafe {
                (*previous).next.set(next);
                (*next).previous.set(previous);
            }
            if ptr::eq(self.head.get(), waiter) {
                self.head.set(next);
            }
        }
    }

    /// Takes the place of an empty queue.
    pub(super) fn become_queue(&self, other: Self) {
        debug_assert!(self.is_empty());
        self.head.set(other.head.get());
    }

    /// The first waiter.
    ///
    /// # Safety
    ///
    /// Under the lock; the reference is used no longer than it is held, or until the waiter, being
    /// claimed by the caller, is readied.
    pub(super) unsafe fn first<'a>(&self) -> Option<&'a Waiter> {
        // SAFETY: linked waiters are alive.
        unsafe { self.head.get().as_ref() }
    }

    /// The waiter behind `waiter`; the first one again behind the last.
    ///
    /// # Safety
    ///
    /// As [`first`](Self::first), and `waiter` is linked.
    pub(super) unsafe fn after<'a>(&self, waiter: &Waiter) -> &'a Waiter {
        // SAFETY: neighbours of a linked waiter are linked, hence alive.
        unsafe { &*waiter.next.get() }
    }

    /// The waiter before `waiter`; the last one before the first.
    ///
    /// # Safety
    ///
    /// As [`after`](Self::after).
    pub(super) unsafe fn before<'a>(&self, waiter: &Waiter) -> &'a Waiter {
        // SAFETY: neighbours of a linked waiter are linked, hence alive.
        unsafe { &*waiter.previous.get() }
    }

    /// Claims and unlinks the first waiter that has not reached its limit. The caller readies it.
    ///
    /// # Safety
    ///
    /// As [`first`](Self::first).
    pub(super) unsafe fn claim_first<'a>(&self) -> Option<&'a Waiter> {
        let head = self.head.get();
        let mut at = head;
        // SAFETY: linked waiters are alive.
        while let Some(waiter) = unsafe { at.as_ref() } {
            let next = waiter.next.get();
            if waiter.claim() {
                // SAFETY: under the lock, linked.
                unsafe { self.unlink(waiter) };
                return Some(waiter);
            }
            if ptr::eq(next, head) {
                break;
            }
            at = next;
        }
        None
    }

    /// Claims and unlinks every waiter that has not reached its limit.
    ///
    /// # Safety
    ///
    /// Under the lock.
    pub(super) unsafe fn claim_all(&self) -> Claimed {
        let claimed = Claimed::new();
        // SAFETY: the caller's promise.
        while let Some(waiter) = unsafe { self.claim_first() } {
            claimed.push(waiter);
        }
        claimed
    }
}

/// Waiters that the caller has claimed and unlinked, to be readied once the lock is open. They
/// stay in their frames until then, so they are their own list.
#[must_use = "claimed waiters never run again unless they are readied"]
pub(super) struct Claimed {
    head: Cell<*const Waiter>,
    tail: Cell<*const Waiter>,
    len: Cell<usize>,
}

impl Claimed {
    pub(super) const fn new() -> Self {
        Self {
            head: Cell::new(ptr::null()),
            tail: Cell::new(ptr::null()),
            len: Cell::new(0),
        }
    }

    /// `waiter` is claimed by the caller and in no queue.
    pub(super) fn push(&self, waiter: &Waiter) {
        waiter.next.set(ptr::null());
        // SAFETY: claimed waiters are alive until they are readied.
        match unsafe { self.tail.get().as_ref() } {
            None => self.head.set(waiter),
            Some(tail) => tail.next.set(waiter),
        }
        self.tail.set(waiter);
        self.len.set(self.len.get() + 1);
    }

    pub(super) fn len(&self) -> usize {
        self.len.get()
    }

    /// Readies them, first come first.
    ///
    /// # Safety
    ///
    /// The lock that guarded their queue is open, or will be opened by the caller without waiting.
    pub(super) unsafe fn ready(self) {
        let mut at = self.head.get();
        // SAFETY: as in `push`; the link is read before the waiter is readied, after which it may
        // be gone.
        while let Some(waiter) = unsafe { at.as_ref() } {
            at = waiter.next.get();
            // SAFETY: claimed by the caller under the lock, readied once.
            unsafe { waiter.task.ready() };
        }
    }

    /// As [`ready`](Self::ready), and wakes a worker without work for them, because the caller goes
    /// on running.
    ///
    /// # Safety
    ///
    /// As [`ready`](Self::ready).
    pub(super) unsafe fn ready_beside(self) {
        let mut at = self.head.get();
        // SAFETY: as in `ready`.
        while let Some(waiter) = unsafe { at.as_ref() } {
            at = waiter.next.get();
            // SAFETY: as in `ready`.
            unsafe {
                if at.is_null() {
                    waiter.task.ready_beside();
                } else {
                    waiter.task.ready();
                }
            }
        }
    }
}
