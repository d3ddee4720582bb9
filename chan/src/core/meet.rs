//! Rendezvous with a peer that has only reserved: waiting for its completion.
//!
//! [`promise`](Core::promise) is for a side that has its value or slot ready, [`Meeting`] for two
//! sides that both have not. The table in [`reserve`](super::reserve) says who meets how.

use gors_runtime::raw::{Task, WaitReason};

use super::Core;
use super::reserve::Completion;
use super::waiter::{Claim, Outcome, Waiter};
use crate::shim::Cell;

/// Joins two reserving peers. On the heap; all fields under the channel's lock. The one who comes
/// second frees it.
pub(crate) struct Meeting {
    state: Cell<Met>,
}

#[derive(Clone, Copy)]
enum Met {
    /// Neither side has come back.
    Nobody,
    /// One has completed and waits.
    Attached(*const Waiter),
    /// One has given up.
    Abandoned,
}

impl Meeting {
    pub(crate) fn create() -> *const Meeting {
        Box::into_raw(Box::new(Meeting {
            state: Cell::new(Met::Nobody),
        }))
    }
}

impl Core {
    /// With the lock held, which is released: we have `slot` ready, and `w` is a claimed reserve
    /// waiter. Wakes it and waits until it has moved the value (`Done`) or given up (`Retry`).
    ///
    /// # Safety
    ///
    /// The lock is held; `w` was claimed by the caller; `slot` is a value to send or a place for
    /// one.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn promise(
        &self,
        w: *const Waiter,
        slot: *mut u8,
        reason: WaitReason,
    ) -> Outcome {
        let me = Task::current();
        let mine = Waiter::direct(me, slot, Claim::Sole);
        // SAFETY: `w` is claimed: ours until finished. From then on `mine` is reached only under
        // the lock, until it has an outcome, and this frame stays for that long.
        unsafe {
            (*w).link.set((&raw const mine).cast());
            self.unlock();
            Waiter::finish(w, Outcome::Peer);
            self.lock();
            if mine.outcome.get() == Outcome::Pending {
                self.wait_attached(&mine, reason);
            } else {
                self.unlock();
            }
        }
        mine.outcome.get()
    }

    /// With the lock held, which is released: parks until a completion has given `mine` its
    /// outcome.
    ///
    /// # Safety
    ///
    /// The lock is held; `mine` is known to one completer, which takes the lock.
    unsafe fn wait_attached(&self, mine: &Waiter, reason: WaitReason) {
        mine.task.arm();
        mine.parked.set(true);
        let unlock = self.leave();
        // SAFETY: armed, published under the lock that `unlock` releases.
        unsafe { mine.task.park(reason, None, Some(unlock)) };
    }

    /// Gives the pending peer `w` its outcome.
    ///
    /// # Safety
    ///
    /// The lock is not held; `w` waits for this completion and for no other.
    pub(super) unsafe fn finish_pending(&self, w: *const Waiter, outcome: Outcome) {
        // SAFETY: `w` stays until it has an outcome, which it looks for under the lock; its task is
        // copied before the release, because a peer that had not parked goes on at once.
        unsafe {
            self.lock();
            let (task, token, parked) = ((*w).task, (*w).token, (*w).parked.get());
            (*w).outcome.set(outcome);
            if parked {
                task.claim_sole(token);
            }
            self.unlock();
            if parked {
                task.ready();
            }
        }
    }

    /// Completes this side of a meeting: moves the value, or waits until the other side does.
    ///
    /// # Safety
    ///
    /// `m` is this side's meeting, completed once; `slot` is the value or the place for it;
    /// `transfer` moves between it and the peer's.
    pub(super) unsafe fn complete_meeting(
        &self,
        m: *const Meeting,
        slot: *mut u8,
        transfer: impl FnOnce(*mut u8),
    ) -> Completion {
        // SAFETY: the record lives until the second side has come; both come under the lock.
        unsafe {
            self.lock();
            match (*m).state.get() {
                Met::Attached(peer) => {
                    (*peer).task.claim_sole((*peer).token);
                    self.unlock();
                    drop(Box::from_raw(m.cast_mut()));
                    transfer((*peer).slot);
                    Waiter::finish(peer, Outcome::Done);
                    Completion::Done
                }
                Met::Abandoned => {
                    self.unlock();
                    drop(Box::from_raw(m.cast_mut()));
                    Completion::Retry
                }
                Met::Nobody => {
                    let mine = Waiter::direct(Task::current(), slot, Claim::Sole);
                    (*m).state.set(Met::Attached(&raw const mine));
                    self.wait_attached(&mine, WaitReason::Select);
                    match mine.outcome.get() {
                        Outcome::Done => Completion::Done,
                        _ => Completion::Retry,
                    }
                }
            }
        }
    }

    /// Gives this side of a meeting up.
    ///
    /// # Safety
    ///
    /// `m` is this side's meeting, and not completed.
    pub(super) unsafe fn abandon_meeting(&self, m: *const Meeting) {
        // SAFETY: as in `complete_meeting`.
        unsafe {
            self.lock();
            match (*m).state.get() {
                Met::Attached(peer) => {
                    (*peer).task.claim_sole((*peer).token);
                    self.unlock();
                    drop(Box::from_raw(m.cast_mut()));
                    Waiter::finish(peer, Outcome::Retry);
                }
                Met::Abandoned => {
                    self.unlock();
                    drop(Box::from_raw(m.cast_mut()));
                }
                Met::Nobody => {
                    (*m).state.set(Met::Abandoned);
                    self.unlock();
                }
            }
        }
    }
}
