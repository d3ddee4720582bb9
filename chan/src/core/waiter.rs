//! The waiter: a node on the stack of whoever waits, linked into a channel's list.
//!
//! # Who may touch a waiter when
//!
//! | phase | owner (the waiting task) | others |
//! | --- | --- | --- |
//! | before it is linked | everything | nothing |
//! | linked | nothing but parking | whoever holds the channel's lock |
//! | popped and claimed | nothing: it is parked, and stays so until `ready` | the winner of the claim, without a lock |
//! | after `ready` | everything | nothing: the frame may be gone |
//! | popped, claim lost | nothing that others read | nothing: the popper only unlinked it |
//!
//! A waiter that was claimed by somebody else (another arm's channel, or the timer) may still be
//! linked. Its owner takes the channel's lock and unlinks it before its frame goes, so a popper
//! never meets a dead node.
//!
//! # Forms
//!
//! A *direct* waiter has a slot: a sender's value lies there, or a receiver's value goes there.
//! Whoever wins the claim copies and readies. A *reserve* waiter has none (a `select!` send
//! evaluates its value only after it won; the `Select` builder receives in a second step): whoever
//! wins the claim tells it through [`Outcome`] what it has reserved, and it completes in its own
//! time.

use std::ptr;

use gors_runtime::raw::{self, Task};

use crate::shim::Cell;
use crate::shim::atomic::{AtomicPtr, Ordering};

/// How a waiter may be claimed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Claim {
    /// Direct, in exactly one list, without a deadline: holding the list's lock is the claim.
    Sole,
    /// Others (further arms, a deadline) may claim the same wait: one compare-and-swap decides.
    Shared,
    /// Embedded in a future's [`Node`](super::node::Node): popping it is the claim, and comes with
    /// a reference.
    #[cfg(feature = "async")]
    Future,
}

/// What the winner of the claim leaves for the waiter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// Not decided.
    Pending,
    /// Direct form: the value has been moved.
    Done,
    /// The channel is closed (and, for a receiver, drained).
    Closed,
    /// The peer gave its reservation up: repeat the whole operation.
    Retry,
    /// Reserve form, buffered: a place in the buffer is held for this sender.
    Place,
    /// Reserve form, buffered: a value in the buffer is held for this receiver.
    Value,
    /// Reserve form, rendezvous: a direct peer waits for the completion; `link` is its [`Waiter`].
    Peer,
    /// Reserve form on both sides: `link` is the [`Meeting`](super::meet::Meeting).
    Meeting,
    /// The observer's channel became ready.
    Ready,
}

/// A node in a [`WaitList`]. The module's table says who may touch it when.
pub(crate) struct Waiter {
    next: Cell<*const Waiter>,
    prev: Cell<*const Waiter>,
    /// Direct form: where the value is or goes. Null in reserve form and for observers.
    pub(crate) slot: *mut u8,
    pub(crate) task: Task,
    /// What a winning claim writes: for a select its arm's number above [`raw::FIRST_TOKEN`].
    pub(crate) token: usize,
    pub(crate) claim: Claim,
    pub(crate) outcome: Cell<Outcome>,
    linked: Cell<bool>,
    /// A promised peer only: it has armed itself and parks, so a completion must wake it. Under the
    /// lock.
    pub(crate) parked: Cell<bool>,
    /// What [`Outcome::Peer`] and [`Outcome::Meeting`] refer to.
    pub(crate) link: Cell<*const ()>,
}

impl Waiter {
    #[inline(always)]
    pub(crate) fn new(task: Task, slot: *mut u8, claim: Claim, token: usize) -> Waiter {
        Waiter {
            next: Cell::new(ptr::null()),
            prev: Cell::new(ptr::null()),
            slot,
            task,
            token,
            claim,
            outcome: Cell::new(Outcome::Pending),
            linked: Cell::new(false),
            parked: Cell::new(false),
            link: Cell::new(ptr::null()),
        }
    }

    /// A direct waiter of a plain operation.
    #[inline(always)]
    pub(crate) fn direct(task: Task, slot: *mut u8, claim: Claim) -> Waiter {
        Waiter::new(task, slot, claim, raw::FIRST_TOKEN)
    }

    /// Has a slot.
    #[inline(always)]
    pub(crate) fn is_direct(&self) -> bool {
        !self.slot.is_null()
    }

    /// Is in a list. Read under the list's lock.
    #[inline(always)]
    pub(crate) fn is_linked(&self) -> bool {
        self.linked.get()
    }

    /// Tries to win this wait. Called under the lock of the list the waiter was popped from.
    #[inline(always)]
    pub(crate) fn try_claim(&self) -> bool {
        match self.claim {
            Claim::Sole => {
                self.task.claim_sole(self.token);
                true
            }
            Claim::Shared => self.task.try_claim(self.token),
            #[cfg(feature = "async")]
            Claim::Future => true,
        }
    }

    /// Makes the waiter's task run again with `outcome`.
    ///
    /// # Safety
    ///
    /// The caller has won this waiter's claim, has not readied it yet, and does not touch it
    /// afterwards.
    #[inline(always)]
    pub(crate) unsafe fn finish(this: *const Waiter, outcome: Outcome) {
        // SAFETY: claimed and not readied, so the node is alive and ours (the module's table).
        unsafe {
            #[cfg(feature = "async")]
            if (*this).claim == Claim::Future {
                return super::node::Node::finish(this, Some(outcome));
            }
            (*this).outcome.set(outcome);
            (*this).task.ready();
        }
    }
}

/// A FIFO list of waiters, guarded by its channel's lock; only whether it is empty may be asked
/// without.
pub(crate) struct WaitList {
    head: AtomicPtr<Waiter>,
    tail: Cell<*const Waiter>,
}

impl WaitList {
    pub(crate) const fn new() -> WaitList {
        WaitList {
            head: AtomicPtr::new(ptr::null_mut()),
            tail: Cell::new(ptr::null()),
        }
    }

    /// Without the lock a snapshot. The nodes it counts may have lost their claim.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.load(Ordering::Acquire).is_null()
    }

    /// The first waiter or null, under the lock.
    #[inline(always)]
    pub(crate) fn front(&self) -> *const Waiter {
        self.head.load(Ordering::Relaxed)
    }

    /// # Safety
    ///
    /// The lock is held; `w` is in no list and stays alive until it was popped or removed.
    #[inline(always)]
    pub(crate) unsafe fn push_back(&self, w: *const Waiter) {
        let last = self.tail.replace(w);
        // SAFETY: `w` is ours until linked; `last` is a linked node, which the lock guards.
        unsafe {
            (*w).next.set(ptr::null());
            (*w).prev.set(last);
            (*w).linked.set(true);
            if last.is_null() {
                self.head.store(w.cast_mut(), Ordering::Release);
            } else {
                (*last).next.set(w);
            }
        }
    }

    /// Unlinks the first waiter, which must exist.
    ///
    /// # Safety
    ///
    /// The lock is held and `w` is [`front`](Self::front), not null.
    #[inline(always)]
    pub(crate) unsafe fn pop(&self, w: *const Waiter) {
        // SAFETY: linked nodes are alive and guarded by the lock.
        unsafe {
            let next = (*w).next.get();
            self.head.store(next.cast_mut(), Ordering::Release);
            if next.is_null() {
                self.tail.set(ptr::null());
            } else {
                (*next).prev.set(ptr::null());
            }
            (*w).linked.set(false);
        }
    }

    /// Unlinks `w` wherever it stands.
    ///
    /// # Safety
    ///
    /// The lock is held and `w` is linked in this list.
    pub(crate) unsafe fn remove(&self, w: *const Waiter) {
        // SAFETY: `w` and its neighbours are linked nodes, guarded by the lock.
        unsafe {
            let (prev, next) = ((*w).prev.get(), (*w).next.get());
            if prev.is_null() {
                self.head.store(next.cast_mut(), Ordering::Release);
            } else {
                (*prev).next.set(next);
            }
            if next.is_null() {
                self.tail.set(prev);
            } else {
                (*next).prev.set(prev);
            }
            (*w).linked.set(false);
        }
    }

    /// Under the lock: how many are linked.
    pub(crate) fn count(&self) -> usize {
        let mut n = 0;
        self.for_each(|_| n += 1);
        n
    }

    /// Under the lock: calls `f` with each that is linked.
    pub(crate) fn for_each(&self, mut f: impl FnMut(*const Waiter)) {
        let mut w = self.front();
        while !w.is_null() {
            f(w);
            // SAFETY: linked nodes are alive and guarded by the lock, which callers hold.
            w = unsafe { (*w).next.get() };
        }
    }

    /// Under the lock: somebody in here can still be claimed.
    pub(crate) fn has_open(&self) -> bool {
        let mut w = self.front();
        while !w.is_null() {
            // SAFETY: linked nodes are alive and guarded by the lock, which callers hold.
            unsafe {
                #[cfg(feature = "async")]
                if (*w).claim == Claim::Future {
                    return true;
                }
                if (*w).task.claimed() == raw::OPEN {
                    return true;
                }
                w = (*w).next.get();
            }
        }
        false
    }

    /// Pops waiters until one could be claimed; null if none is left.
    ///
    /// # Safety
    ///
    /// The lock is held.
    pub(crate) unsafe fn pop_claimed(&self) -> *const Waiter {
        loop {
            let w = self.front();
            if w.is_null() {
                return w;
            }
            // SAFETY: `w` is the linked front. A node whose claim is lost is not touched again: its
            // owner will find it unlinked under this lock.
            unsafe {
                self.pop(w);
                if (*w).try_claim() {
                    return w;
                }
            }
        }
    }
}

/// Claimed waiters to be readied after the lock is released, chained through their own links.
///
/// Their tasks are parked until readied, so the chain needs no memory of its own.
pub(crate) struct WakeChain {
    first: *const Waiter,
    last: *const Waiter,
}

impl WakeChain {
    pub(crate) const fn new() -> WakeChain {
        WakeChain {
            first: ptr::null(),
            last: ptr::null(),
        }
    }

    /// # Safety
    ///
    /// `w` was popped and its claim won by the caller.
    pub(crate) unsafe fn add(&mut self, w: *const Waiter, outcome: Outcome) {
        // SAFETY: a claimed, popped waiter is the winner's alone.
        unsafe {
            (*w).outcome.set(outcome);
            (*w).next.set(ptr::null());
            if self.last.is_null() {
                self.first = w;
            } else {
                (*self.last).next.set(w);
            }
        }
        self.last = w;
    }

    /// Moves all of `other` behind what is here.
    pub(crate) fn append(&mut self, other: WakeChain) {
        if other.first.is_null() {
            return;
        }
        if self.last.is_null() {
            self.first = other.first;
        } else {
            // SAFETY: claimed and not readied: the chain's nodes are its owner's.
            unsafe { (*self.last).next.set(other.first) };
        }
        self.last = other.last;
    }

    /// Readies all, first in first.
    #[inline]
    pub(crate) fn wake(self) {
        let mut w = self.first;
        while !w.is_null() {
            // SAFETY: added with its claim won; the link is read before `ready` lets the frame go.
            unsafe {
                let next = (*w).next.get();
                let woken = w;
                w = next;
                #[cfg(feature = "async")]
                if (*woken).claim == Claim::Future {
                    super::node::Node::finish(woken, None);
                    continue;
                }
                (*woken).task.ready();
            }
        }
    }
}
