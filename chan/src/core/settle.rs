//! After a change of counts: serving waiters until the invariants hold again.
//!
//! The plain operations keep the invariants themselves, one waiter at a time. Whatever changes the
//! counts in another way (a completed or given back reservation, a close, a receive that frees a
//! place others than plain senders wait for) calls [`settle`](Core::settle), which looks at
//! everything.

use super::waiter::{Outcome, WakeChain};
use super::{Core, Dir, UNBOUNDED, flag};

impl Core {
    /// Under the lock, after counts have changed: serves waiters until the invariants hold again.
    ///
    /// # Safety
    ///
    /// The lock is held; it is released by `unlock_collect` before `chain` is woken.
    pub(super) unsafe fn settle(&self, chain: &mut WakeChain) {
        let size = self.elem_size();
        // SAFETY: locked; claimed waiters are ours, and direct ones have slots.
        unsafe {
            loop {
                let mut moved = false;
                while self.avail() > 0 {
                    let w = self.recvq.pop_claimed();
                    if w.is_null() {
                        break;
                    }
                    moved = true;
                    if (*w).is_direct() {
                        self.pop((*w).slot, size);
                        chain.add(w, Outcome::Done);
                    } else {
                        self.hold_value();
                        chain.add(w, Outcome::Value);
                    }
                }
                // Without a capacity nobody ever waits to send; a place here is one in the ring.
                while self.cap != UNBOUNDED && self.has_room() && !self.has(flag::CLOSED) {
                    let w = self.sendq.pop_claimed();
                    if w.is_null() {
                        break;
                    }
                    moved = true;
                    if (*w).is_direct() {
                        self.push((*w).slot, size);
                        chain.add(w, Outcome::Done);
                    } else {
                        self.hold_place();
                        chain.add(w, Outcome::Place);
                    }
                }
                if !moved {
                    break;
                }
            }
            if self.held_places.get() == 0 && self.held_values.get() == 0 {
                self.clear(flag::HELD);
            }
            let drained = self.is_drained();
            if drained {
                loop {
                    let w = self.recvq.pop_claimed();
                    if w.is_null() {
                        break;
                    }
                    chain.add(w, Outcome::Closed);
                }
            }
            if self.has(flag::OBSERVED) {
                if drained || self.avail() > 0 {
                    self.take_observers(Dir::Recv, chain);
                }
                if self.has(flag::CLOSED) || self.has_room() {
                    self.take_observers(Dir::Send, chain);
                }
            }
        }
    }
}
