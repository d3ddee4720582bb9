//! Receiving into a place that exists: `recv`, `try_recv`, `recv_timeout`.

use std::time::Instant;

use gors_runtime::raw::{self, Point, Task, WaitReason};

use super::ring::copy;
use super::waiter::{Claim, Outcome, Waiter, WakeChain};
use super::{Core, Dir, flag};
use crate::shim::atomic::Ordering;

/// How a receive ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RecvEnd {
    /// The value is in its place.
    Got,
    /// Closed and drained.
    Closed,
    /// The deadline passed; of a try: it would block.
    NotNow,
}

/// What a look without the lock finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    Nothing,
    Something,
    /// Closed and drained.
    End,
}

/// One attempt under the lock, which is released unless `Empty`.
enum Step {
    Got,
    Closed,
    /// Must wait. **The lock is still held.**
    Empty,
    /// A promising peer gave up: look again.
    Again,
}

impl Core {
    /// Without the lock: a receive would probably not block. False only if at some moment since the
    /// call it would have.
    #[inline(always)]
    pub(crate) fn hint_recv(&self) -> bool {
        self.look() != Look::Nothing
    }

    /// Without the lock: what a receive would find. What it says of nothing and of the end was true
    /// at some moment since the call.
    #[inline(always)]
    pub(crate) fn look(&self) -> Look {
        // `len` and the list before `CLOSED`: a channel that was drained after it was closed shows
        // both.
        if self.len.load(Ordering::Acquire) != 0 || !self.sendq.is_empty() {
            return Look::Something;
        }
        let flags = self.flags();
        if flags & (flag::CLOSED | flag::TIMER) == 0 {
            Look::Nothing
        } else if flags & flag::ENDED != 0 {
            Look::End
        } else if flags & flag::TIMER == 0 || self.is_due() {
            Look::Something
        } else {
            Look::Nothing
        }
    }

    /// Lets every [`look`](Self::look) at a closed and drained channel say so.
    #[cold]
    fn note_end(&self) {
        self.lock();
        if self.is_drained() {
            self.set(flag::ENDED);
        }
        // SAFETY: locked above.
        unsafe { self.unlock() };
    }

    /// Blocks until there is a value or the channel is closed and drained.
    ///
    /// # Safety
    ///
    /// `size` is the element's size and `dst` a place for one; it holds a value afterwards if
    /// `Got`.
    #[inline]
    pub(crate) unsafe fn recv(&self, dst: *mut u8, size: usize) -> RecvEnd {
        // SAFETY: passed on; `Empty` leaves the lock to `recv_wait`.
        unsafe {
            match self.recv_now(dst, size) {
                Step::Got => RecvEnd::Got,
                Step::Closed => RecvEnd::Closed,
                Step::Empty => self.recv_wait(dst, size),
                Step::Again => self.recv_slow(dst, size, None),
            }
        }
    }

    /// As [`recv`](Self::recv), until `deadline`; a value that is there is taken even after it.
    ///
    /// # Safety
    ///
    /// As [`recv`](Self::recv).
    pub(crate) unsafe fn recv_until(
        &self,
        dst: *mut u8,
        size: usize,
        deadline: Instant,
    ) -> RecvEnd {
        // SAFETY: passed on.
        unsafe { self.recv_slow(dst, size, Some(deadline)) }
    }

    /// Never waits for a sender (but for the end of a send that a select has begun).
    ///
    /// # Safety
    ///
    /// As [`recv`](Self::recv).
    #[inline]
    pub(crate) unsafe fn try_recv(&self, dst: *mut u8, size: usize) -> RecvEnd {
        loop {
            if !self.hint_recv() {
                return RecvEnd::NotNow;
            }
            // Closed first, then empty: after the close nothing is added, so both hold at the
            // second look. A held place is an addition that may still come.
            if self.flags() & (flag::CLOSED | flag::HELD) == flag::CLOSED
                && self.len() == 0
                && self.sendq.is_empty()
                && self.flags() & flag::HELD == 0
            {
                self.note_end();
                return RecvEnd::Closed;
            }
            // SAFETY: passed on; `Empty` leaves the lock to be released here.
            unsafe {
                match self.recv_now(dst, size) {
                    Step::Got => return RecvEnd::Got,
                    Step::Closed => return RecvEnd::Closed,
                    Step::Empty => {
                        self.unlock();
                        return RecvEnd::NotNow;
                    }
                    Step::Again => {}
                }
            }
        }
    }

    /// The common cases, inlined: take from the buffer and let a plainly waiting sender in, or take
    /// from such a sender.
    ///
    /// # Safety
    ///
    /// As [`recv`](Self::recv).
    #[inline(always)]
    unsafe fn recv_now(&self, dst: *mut u8, size: usize) -> Step {
        self.lock();
        // SAFETY: locked. A popped `Sole` waiter is claimed by that and its frame stays until it is
        // readied.
        unsafe {
            if self.has(flag::HELD | flag::OBSERVED | flag::TIMER | flag::EXPLORED) {
                return self.recv_step(dst, size);
            }
            let w = self.sendq.front();
            if self.len() != 0 {
                if w.is_null() {
                    self.pop(dst, size);
                    self.unlock_collect();
                    Step::Got
                } else if (*w).claim == Claim::Sole {
                    self.pop(dst, size);
                    self.sendq.pop(w);
                    (*w).task.claim_sole((*w).token);
                    self.push((*w).slot, size);
                    self.unlock();
                    Waiter::finish(w, Outcome::Done);
                    Step::Got
                } else {
                    self.recv_step(dst, size)
                }
            } else if w.is_null() {
                if self.has(flag::CLOSED) {
                    self.unlock();
                    Step::Closed
                } else {
                    Step::Empty
                }
            } else if (*w).claim == Claim::Sole {
                self.sendq.pop(w);
                (*w).task.claim_sole((*w).token);
                self.unlock();
                copy((*w).slot, dst, size);
                Waiter::finish(w, Outcome::Done);
                Step::Got
            } else {
                self.recv_step(dst, size)
            }
        }
    }

    /// Every case, with the lock held.
    ///
    /// # Safety
    ///
    /// As [`recv`](Self::recv).
    #[inline(never)]
    unsafe fn recv_step(&self, dst: *mut u8, size: usize) -> Step {
        // SAFETY: locked until a branch unlocks; claimed waiters are ours until finished.
        unsafe {
            if self.has(flag::EXPLORED) {
                self.unlock();
                raw::point(Point::Channel);
                self.lock();
            }
            if self.has(flag::TIMER) {
                let Some(at) = self.take_due() else {
                    return Step::Empty;
                };
                self.unlock();
                dst.cast::<Instant>().write(at);
                return Step::Got;
            }
            if self.avail() > 0 {
                self.pop(dst, size);
                let mut chain = WakeChain::new();
                self.settle(&mut chain);
                self.unlock_collect();
                chain.wake();
                return Step::Got;
            }
            if self.cap == 0 {
                let w = self.sendq.pop_claimed();
                if !w.is_null() {
                    if (*w).is_direct() {
                        self.unlock();
                        copy((*w).slot, dst, size);
                        Waiter::finish(w, Outcome::Done);
                        return Step::Got;
                    }
                    return match self.promise(w, dst, WaitReason::ChanReceive) {
                        Outcome::Done => Step::Got,
                        _ => Step::Again,
                    };
                }
            }
            if self.is_drained() {
                self.unlock();
                return Step::Closed;
            }
            Step::Empty
        }
    }

    /// Waits without a deadline, the lock held since a look that found nothing.
    ///
    /// # Safety
    ///
    /// As [`recv`](Self::recv); locked, and `recv_now` has just said `Empty`.
    #[inline(always)]
    unsafe fn recv_wait(&self, dst: *mut u8, size: usize) -> RecvEnd {
        let me = Task::current();
        // SAFETY: locked until the park releases it; the waiter lives in this frame until it was
        // popped, and without a deadline nothing else ends the wait.
        unsafe {
            if me.must_exit() || self.has(flag::TIMER) {
                self.unlock();
                return self.recv_slow(dst, size, None);
            }
            let waiter = Waiter::direct(me, dst, Claim::Sole);
            self.wait(Dir::Recv, &waiter, None);
            match waiter.outcome.get() {
                Outcome::Done => RecvEnd::Got,
                Outcome::Closed => RecvEnd::Closed,
                _ => self.recv_slow(dst, size, None),
            }
        }
    }

    /// Waits.
    ///
    /// # Safety
    ///
    /// As [`recv`](Self::recv).
    #[inline(never)]
    unsafe fn recv_slow(&self, dst: *mut u8, size: usize, deadline: Option<Instant>) -> RecvEnd {
        loop {
            raw::exit_point();
            self.lock();
            // SAFETY: locked where a step or a list asks for it; the waiter lives in this frame
            // until it was popped (an outcome is there) or is removed below.
            unsafe {
                match self.recv_step(dst, size) {
                    Step::Got => return RecvEnd::Got,
                    Step::Closed => return RecvEnd::Closed,
                    Step::Again => continue,
                    Step::Empty => {}
                }
                let until = self.sooner_of_due(deadline);
                let claim = if until.is_none() {
                    Claim::Sole
                } else {
                    Claim::Shared
                };
                let waiter = Waiter::direct(Task::current(), dst, claim);
                if !self.wait(Dir::Recv, &waiter, until) {
                    if until != deadline {
                        continue; // a timer's value has become due
                    }
                    // What has come at the last moment still counts, but not a timer's value that
                    // became due after the deadline while we woke up.
                    return if self
                        .sooner_of_due(None)
                        .is_none_or(|due| Some(due) <= deadline)
                    {
                        self.try_recv(dst, size)
                    } else {
                        RecvEnd::NotNow
                    };
                }
                match waiter.outcome.get() {
                    Outcome::Done => return RecvEnd::Got,
                    Outcome::Closed => return RecvEnd::Closed,
                    Outcome::Retry => {}
                    other => unreachable!("a direct receiver was woken with {other:?}"),
                }
            }
        }
    }
}
