//! Observers: those who only want to know when an operation would not block.
//!
//! They wait in lists of their own and take nothing; all of a side are woken when it becomes ready.
//! Few channels ever have one, so the lists are allocated for the first, before any lock is taken,
//! and stay until the channel's end. [`flag::OBSERVED`] says that a list is not empty: who has seen
//! it under the lock finds the lists.
//!
//! A waiter that parks on a rendezvous channel makes its opposite side ready. The observers of that
//! are claimed under the lock, but must be readied after its release, which the park does: meanwhile
//! they are *deferred* here ([`flag::DEFERRED`]).

use std::ptr;

use super::waiter::{Outcome, WaitList, Waiter, WakeChain};
use super::{Core, Dir, flag};
use crate::shim::Cell;
use crate::shim::atomic::Ordering;

/// Guarded by the channel's lock.
pub(crate) struct Observers {
    /// Of receives and of sends.
    lists: [WaitList; 2],
    /// Claimed, to be readied by the park that releases the lock.
    deferred: Cell<Option<WakeChain>>,
}

impl Core {
    /// Makes the lists, unless there are some. To be called without a lock before
    /// [`observe`](Self::observe).
    pub(crate) fn prepare_to_observe(&self) {
        if !self.observers.load(Ordering::Acquire).is_null() {
            return;
        }
        let fresh = Box::into_raw(Box::new(Observers {
            lists: [WaitList::new(), WaitList::new()],
            deferred: Cell::new(None),
        }));
        let installed = self.observers.compare_exchange(
            ptr::null_mut(),
            fresh,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        if installed.is_err() {
            // SAFETY: made above; nobody else has seen it.
            drop(unsafe { Box::from_raw(fresh) });
        }
    }

    /// Frees the lists.
    ///
    /// # Safety
    ///
    /// Nobody else can reach the channel, and nobody observes it.
    pub(super) unsafe fn free_observers(&self) {
        let observers = self.observers.load(Ordering::Acquire);
        if !observers.is_null() {
            // SAFETY: made by `prepare_to_observe`, freed once, by the last owner.
            drop(unsafe { Box::from_raw(observers) });
        }
    }

    /// The lists, if somebody has ever observed.
    fn observers(&self) -> Option<&Observers> {
        // SAFETY: once there, the lists stay until the channel's end.
        unsafe { self.observers.load(Ordering::Acquire).as_ref() }
    }

    /// Under the lock: takes and claims the observers of `dir` for waking.
    ///
    /// # Safety
    ///
    /// The lock is held.
    #[cold]
    pub(super) unsafe fn take_observers(&self, dir: Dir, chain: &mut WakeChain) {
        let Some(observers) = self.observers() else {
            return;
        };
        loop {
            // SAFETY: locked; a claimed, popped waiter is ours.
            unsafe {
                let w = observers.lists[dir as usize].pop_claimed();
                if w.is_null() {
                    break;
                }
                chain.add(w, Outcome::Ready);
            }
        }
        self.forget_observers(observers);
    }

    /// Under the lock: takes the flag back if the lists are empty.
    fn forget_observers(&self, observers: &Observers) {
        if observers.lists.iter().all(WaitList::is_empty) {
            self.clear(flag::OBSERVED);
        }
    }

    /// Registers an observer of `dir`.
    ///
    /// # Safety
    ///
    /// The lock is held, and was taken after [`prepare_to_observe`](Self::prepare_to_observe); as
    /// [`WaitList::push_back`].
    pub(crate) unsafe fn observe(&self, dir: Dir, w: *const Waiter) {
        let observers = self
            .observers()
            .expect("an observer has prepared before it locked");
        self.set(flag::OBSERVED);
        // SAFETY: passed on.
        unsafe { observers.lists[dir as usize].push_back(w) };
    }

    /// Unlinks an observer that is still linked.
    ///
    /// # Safety
    ///
    /// The lock is held and `w` is or was an observer of `dir` here.
    pub(crate) unsafe fn unobserve(&self, dir: Dir, w: *const Waiter) {
        let Some(observers) = self.observers() else {
            return;
        };
        // SAFETY: passed on; linked was checked.
        unsafe {
            if (*w).is_linked() {
                observers.lists[dir as usize].remove(w);
            }
        }
        self.forget_observers(observers);
    }

    /// Under the lock: as [`wake_observers_at_park`](Self::wake_observers_at_park) for a sending
    /// future, which wakes them itself after the release.
    #[cfg(feature = "async")]
    pub(crate) fn wake_observers_of_offer(&self, chain: &mut WakeChain) {
        if self.has(flag::OBSERVED) && self.cap == 0 {
            // SAFETY: callers hold the lock.
            unsafe { self.take_observers(Dir::Recv, chain) }
        }
    }

    /// Under the lock, by one that is about to park here: its waiting makes the opposite side
    /// ready, so those who observe that are woken. They must be readied after the lock is released,
    /// which the park does.
    #[inline(always)]
    pub(super) fn wake_observers_at_park(&self, waits: Dir) {
        if self.has(flag::OBSERVED) && self.cap == 0 {
            // SAFETY: callers hold the lock.
            unsafe { self.defer_observers(waits) }
        }
    }

    /// # Safety
    ///
    /// The lock is held.
    #[cold]
    unsafe fn defer_observers(&self, waits: Dir) {
        let Some(observers) = self.observers() else {
            return;
        };
        let mut chain = observers.deferred.take().unwrap_or_else(WakeChain::new);
        let observed = match waits {
            Dir::Recv => Dir::Send,
            Dir::Send => Dir::Recv,
        };
        // SAFETY: passed on.
        unsafe { self.take_observers(observed, &mut chain) };
        observers.deferred.set(Some(chain));
        self.set(flag::DEFERRED);
    }

    /// Under the lock: the observers that were [deferred](flag::DEFERRED).
    #[cold]
    pub(crate) fn take_deferred(&self) -> WakeChain {
        self.clear(flag::DEFERRED);
        self.observers()
            .and_then(|observers| observers.deferred.take())
            .unwrap_or_else(WakeChain::new)
    }
}
