//! What a select holds between winning an arm and completing it.
//!
//! A select's send evaluates its value only after it has won, and the `Select` builder moves values
//! in a second step. So winning *reserves* and completing *moves*, and in between runs code of the
//! user. A [`Hold`] is such a reservation. It ends by [`complete_send`](Core::complete_send),
//! [`complete_recv`](Core::complete_recv) or [`give_back`](Core::give_back), exactly once.
//!
//! # Buffered channels: counts
//!
//! `Place` and `Value` are counts in the core, not particular places: completing pushes at the tail
//! or pops at the head as any operation would. Giving back restores the count and wakes whoever can
//! use it ([`settle`](Core::settle)). A close does not end a held place: its value will still be
//! received, so nobody is told "closed and drained" before it came or was given back.
//!
//! # Rendezvous: pairs
//!
//! | who won | met | hold of the winner | the other |
//! | --- | --- | --- | --- |
//! | running, without value or slot | direct waiter | `Parked(its waiter)` | stays parked, claimed |
//! | running, with value or slot | reserve waiter | waits in [`promise`](Core::promise) | wakes, `Pending(peer's waiter)` |
//! | running, without | reserve waiter | `Meeting` | wakes, `Meeting` |
//!
//! `Parked`: the peer's frame stays until we ready it, so completing needs no lock. `Pending`: the
//! peer may not have parked yet; its outcome is written under the lock, and it is readied if it had
//! parked. It looks at the outcome under the same lock before it parks: no wake-up is lost.
//! `Meeting`: neither side has a place for the value, so a small record on the heap, guarded by the
//! channel's lock, joins them: the first to complete attaches its own direct waiter and parks, the
//! second moves the value, readies it and frees the record.
//!
//! A reservation that is given back tells its peer [`Outcome::Retry`]: the peer repeats its whole
//! operation with its old deadline. The peer never spins, because the completer may sit in the same
//! worker's queue.

use std::time::Instant;

use gors_runtime::raw::WaitReason;

use super::meet::Meeting;
use super::ring::copy;
use super::waiter::{Outcome, Waiter, WakeChain};
use super::{Core, flag};

/// A won and not yet completed operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hold {
    /// Nothing: not won, or completed.
    None,
    /// Direct receive: the value already lies in the arm's slot.
    Taken,
    /// The channel is closed; completing reports that.
    Closed,
    /// One place in the buffer.
    Place,
    /// One value in the buffer.
    Value,
    /// A direct peer, claimed and parked.
    Parked(*const Waiter),
    /// A direct peer that waits for the completion under the lock.
    Pending(*const Waiter),
    /// A peer that has not completed either.
    Meeting(*const Meeting),
    /// A timer's value.
    Due(Instant),
}

/// How a completion ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Completion {
    /// The value was moved.
    Done,
    /// Closed: no value was moved.
    Closed,
    /// The other reserving side gave up: do the operation again, plainly.
    Retry,
}

/// What must be done after the locks are released so that a won arm is really won.
pub(crate) enum After {
    Nothing,
    /// Ready these.
    Wake(WakeChain),
    /// Take the value from this claimed direct sender.
    CopyFrom(*const Waiter),
    /// Link our direct slot to this claimed reserve waiter and wait for it.
    Promise(*const Waiter),
    /// Make a [`Meeting`] with this claimed reserve waiter.
    Meet(*const Waiter),
}

impl Core {
    /// Under the lock: one more value is held.
    pub(super) fn hold_value(&self) {
        self.held_values.set(self.held_values.get() + 1);
        self.set(flag::HELD);
    }

    /// Under the lock: one more place is held.
    pub(super) fn hold_place(&self) {
        self.held_places.set(self.held_places.get() + 1);
        self.set(flag::HELD);
    }

    /// Under the lock, by a select: wins a send if one is possible now.
    ///
    /// # Safety
    ///
    /// The lock is held, and the caller's own waiters are not linked.
    pub(crate) unsafe fn grab_send(&self) -> Option<(Hold, After)> {
        if self.has(flag::CLOSED) {
            return Some((Hold::Closed, After::Nothing));
        }
        if self.cap != 0 {
            // A waiting receiver is served at completion: it stays in its list, first come first
            // served.
            if !self.has_room() {
                return None;
            }
            self.hold_place();
            return Some((Hold::Place, After::Nothing));
        }
        // SAFETY: locked; a claimed waiter is ours.
        unsafe {
            let w = self.recvq.pop_claimed();
            if w.is_null() {
                None
            } else if (*w).is_direct() {
                Some((Hold::Parked(w), After::Nothing))
            } else {
                Some((Hold::None, After::Meet(w)))
            }
        }
    }

    /// Under the lock, by a select: wins a receive if one is possible now. A null `slot` only
    /// reserves.
    ///
    /// # Safety
    ///
    /// The lock is held, and the caller's own waiters are not linked; `slot` is null or a place for
    /// an element.
    pub(crate) unsafe fn grab_recv(&self, slot: *mut u8) -> Option<(Hold, After)> {
        if self.has(flag::TIMER) {
            return self.hold_due().map(|at| (Hold::Due(at), After::Nothing));
        }
        // SAFETY: locked; a claimed waiter is ours.
        unsafe {
            if self.avail() > 0 {
                if slot.is_null() {
                    self.hold_value();
                    return Some((Hold::Value, After::Nothing));
                }
                self.pop(slot, self.elem_size());
                let mut chain = WakeChain::new();
                if !self.sendq.is_empty() || self.has(flag::HELD | flag::OBSERVED) {
                    self.settle(&mut chain);
                }
                return Some((Hold::Taken, After::Wake(chain)));
            }
            if self.cap == 0 {
                let w = self.sendq.pop_claimed();
                if !w.is_null() {
                    return Some(match ((*w).is_direct(), slot.is_null()) {
                        (true, true) => (Hold::Parked(w), After::Nothing),
                        (true, false) => (Hold::Taken, After::CopyFrom(w)),
                        (false, true) => (Hold::None, After::Meet(w)),
                        (false, false) => (Hold::Taken, After::Promise(w)),
                    });
                }
            }
        }
        self.is_drained().then_some((Hold::Closed, After::Nothing))
    }

    /// Without locks: does what [`grab_send`](Self::grab_send) and [`grab_recv`](Self::grab_recv)
    /// left to do. `None`: the peer gave up, the arm is not won after all.
    ///
    /// # Safety
    ///
    /// `hold` and `after` come from a grab of this core with `slot`, whose locks are all released.
    pub(crate) unsafe fn settle_grab(
        &self,
        hold: Hold,
        after: After,
        slot: *mut u8,
    ) -> Option<Hold> {
        // SAFETY: claimed waiters are ours until finished.
        unsafe {
            match after {
                After::Nothing => Some(hold),
                After::Wake(chain) => {
                    chain.wake();
                    Some(hold)
                }
                After::CopyFrom(w) => {
                    copy((*w).slot, slot, self.elem_size());
                    Waiter::finish(w, Outcome::Done);
                    Some(hold)
                }
                After::Promise(w) => {
                    self.lock();
                    match self.promise(w, slot, WaitReason::Select) {
                        Outcome::Done => Some(hold),
                        _ => None,
                    }
                }
                After::Meet(w) => {
                    let meeting = Meeting::create();
                    (*w).link.set(meeting.cast());
                    Waiter::finish(w, Outcome::Meeting);
                    Some(Hold::Meeting(meeting))
                }
            }
        }
    }

    /// Completes a held send with the value at `src`, which is moved out only if `Done`.
    ///
    /// # Safety
    ///
    /// `hold` is a send's of this core, completed once; `src` holds a value of the element type.
    pub(crate) unsafe fn complete_send(&self, hold: Hold, src: *const u8) -> Completion {
        let size = self.elem_size();
        // SAFETY: each hold gives the access it stands for; see the module's text.
        unsafe {
            match hold {
                Hold::Closed => Completion::Closed,
                Hold::Place => {
                    self.lock_to_send(size);
                    self.held_places.set(self.held_places.get() - 1);
                    let mut chain = WakeChain::new();
                    if self.has(flag::ABANDONED) {
                        self.settle(&mut chain);
                        self.unlock();
                        chain.wake();
                        return Completion::Closed;
                    }
                    self.push(src, size);
                    self.settle(&mut chain);
                    self.unlock_collect();
                    chain.wake();
                    Completion::Done
                }
                Hold::Parked(w) => {
                    copy(src, (*w).slot, size);
                    Waiter::finish(w, Outcome::Done);
                    Completion::Done
                }
                Hold::Pending(w) => {
                    copy(src, (*w).slot, size);
                    self.finish_pending(w, Outcome::Done);
                    Completion::Done
                }
                Hold::Meeting(m) => {
                    self.complete_meeting(m, src.cast_mut(), |peer| copy(src, peer, size))
                }
                Hold::None | Hold::Taken | Hold::Value | Hold::Due(_) => {
                    unreachable!("a send was completed with {hold:?}")
                }
            }
        }
    }

    /// Completes a held receive into `dst`, which holds a value only if `Done`.
    ///
    /// # Safety
    ///
    /// `hold` is a receive's of this core, completed once; `dst` is a place for an element.
    pub(crate) unsafe fn complete_recv(&self, hold: Hold, dst: *mut u8) -> Completion {
        let size = self.elem_size();
        // SAFETY: each hold gives the access it stands for; see the module's text.
        unsafe {
            match hold {
                Hold::Closed => Completion::Closed,
                Hold::Value => {
                    self.lock();
                    self.held_values.set(self.held_values.get() - 1);
                    self.pop(dst, size);
                    let mut chain = WakeChain::new();
                    self.settle(&mut chain);
                    self.unlock_collect();
                    chain.wake();
                    Completion::Done
                }
                Hold::Parked(w) => {
                    copy((*w).slot, dst, size);
                    Waiter::finish(w, Outcome::Done);
                    Completion::Done
                }
                Hold::Pending(w) => {
                    copy((*w).slot, dst, size);
                    self.finish_pending(w, Outcome::Done);
                    Completion::Done
                }
                Hold::Meeting(m) => self.complete_meeting(m, dst, |peer| copy(peer, dst, size)),
                Hold::Due(at) => {
                    dst.cast::<Instant>().write(at);
                    Completion::Done
                }
                Hold::None | Hold::Taken | Hold::Place => {
                    unreachable!("a receive was completed with {hold:?}")
                }
            }
        }
    }

    /// Gives a reservation up and wakes whom that concerns. `Taken` cannot be given back.
    ///
    /// # Safety
    ///
    /// `hold` is of this core and was not completed.
    pub(crate) unsafe fn give_back(&self, hold: Hold) {
        // SAFETY: as for completing.
        unsafe {
            match hold {
                Hold::None | Hold::Taken | Hold::Closed => {}
                Hold::Place | Hold::Value => {
                    self.lock();
                    let count = if matches!(hold, Hold::Place) {
                        &self.held_places
                    } else {
                        &self.held_values
                    };
                    count.set(count.get() - 1);
                    let mut chain = WakeChain::new();
                    self.settle(&mut chain);
                    self.unlock_collect();
                    chain.wake();
                }
                Hold::Parked(w) => Waiter::finish(w, Outcome::Retry),
                Hold::Pending(w) => self.finish_pending(w, Outcome::Retry),
                Hold::Meeting(m) => self.abandon_meeting(m),
                Hold::Due(at) => self.give_back_due(at),
            }
        }
    }
}
