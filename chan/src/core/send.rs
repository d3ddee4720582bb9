//! Sending a value that exists: `send`, `try_send`, `send_timeout`.
//!
//! The caller's value stays its own unless [`Sent`](SendEnd::Sent) comes back.

use std::time::Instant;

use gors_runtime::raw::{self, Point, Task, WaitReason};

use super::ring::copy;
use super::waiter::{Claim, Outcome, Waiter, WakeChain};
use super::{Core, Dir, flag};

/// How a send ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SendEnd {
    Sent,
    Closed,
    /// The deadline passed; of a try: it would block.
    NotNow,
}

/// One attempt under the lock, which is released unless `Full`.
enum Step {
    Sent,
    Closed,
    /// Must wait. **The lock is still held.**
    Full,
    /// A promising peer gave up: look again.
    Again,
}

impl Core {
    /// Blocks until the value was taken or the channel is closed.
    ///
    /// # Safety
    ///
    /// `size` is the element's size and `src` a value; it is moved out only if `Sent`.
    #[inline]
    pub(crate) unsafe fn send(&self, src: *const u8, size: usize) -> SendEnd {
        // SAFETY: passed on; `Full` leaves the lock to `send_wait`.
        unsafe {
            match self.send_now(src, size) {
                Step::Sent => SendEnd::Sent,
                Step::Closed => SendEnd::Closed,
                Step::Full => self.send_wait(src, size),
                Step::Again => self.send_slow(src, size, None),
            }
        }
    }

    /// As [`send`](Self::send), until `deadline`.
    ///
    /// # Safety
    ///
    /// As [`send`](Self::send).
    pub(crate) unsafe fn send_until(
        &self,
        src: *const u8,
        size: usize,
        deadline: Instant,
    ) -> SendEnd {
        // SAFETY: passed on.
        unsafe { self.send_slow(src, size, Some(deadline)) }
    }

    /// Never waits for room or for a receiver (but for the end of a receive that a select has
    /// begun).
    ///
    /// # Safety
    ///
    /// As [`send`](Self::send).
    #[inline]
    pub(crate) unsafe fn try_send(&self, src: *const u8, size: usize) -> SendEnd {
        loop {
            if self.is_closed() {
                return SendEnd::Closed;
            }
            if !self.hint_send() {
                return SendEnd::NotNow;
            }
            // SAFETY: passed on; `Full` leaves the lock to be released here.
            unsafe {
                match self.send_now(src, size) {
                    Step::Sent => return SendEnd::Sent,
                    Step::Closed => return SendEnd::Closed,
                    Step::Full => {
                        self.unlock();
                        return SendEnd::NotNow;
                    }
                    Step::Again => {}
                }
            }
        }
    }

    /// The common cases, inlined: hand the value to a plainly waiting receiver, or store it.
    ///
    /// # Safety
    ///
    /// As [`send`](Self::send).
    #[inline(always)]
    unsafe fn send_now(&self, src: *const u8, size: usize) -> Step {
        self.lock_to_send(size);
        // SAFETY: locked. A popped `Sole` waiter is claimed by that, and its frame stays until it
        // is readied, so the copy can happen after the release.
        unsafe {
            if self.has(flag::CLOSED | flag::HELD | flag::OBSERVED | flag::EXPLORED) {
                return self.send_step(src, size);
            }
            let w = self.recvq.front();
            if w.is_null() {
                if self.len() < self.cap {
                    self.push(src, size);
                    self.unlock();
                    Step::Sent
                } else {
                    Step::Full
                }
            } else if (*w).claim == Claim::Sole {
                self.recvq.pop(w);
                (*w).task.claim_sole((*w).token);
                self.unlock();
                copy(src, (*w).slot, size);
                Waiter::finish(w, Outcome::Done);
                Step::Sent
            } else {
                self.send_step(src, size)
            }
        }
    }

    /// Every case, with the lock held.
    ///
    /// # Safety
    ///
    /// As [`send`](Self::send); locked by `lock_to_send`.
    #[inline(never)]
    unsafe fn send_step(&self, src: *const u8, size: usize) -> Step {
        // SAFETY: locked until a branch unlocks; claimed waiters are ours until finished.
        unsafe {
            if self.has(flag::EXPLORED) {
                self.unlock();
                raw::point(Point::Channel);
                self.lock_to_send(size);
            }
            if self.has(flag::CLOSED) {
                self.unlock();
                return Step::Closed;
            }
            loop {
                let w = self.recvq.front();
                if w.is_null() {
                    break;
                }
                let direct = (*w).is_direct();
                if !direct && self.cap != 0 && !self.has_room() {
                    break;
                }
                self.recvq.pop(w);
                if !(*w).try_claim() {
                    continue;
                }
                if direct {
                    self.unlock();
                    copy(src, (*w).slot, size);
                    Waiter::finish(w, Outcome::Done);
                    return Step::Sent;
                }
                if self.cap != 0 {
                    self.push(src, size);
                    self.hold_value();
                    self.unlock();
                    Waiter::finish(w, Outcome::Value);
                    return Step::Sent;
                }
                return match self.promise(w, src.cast_mut(), WaitReason::ChanSend) {
                    Outcome::Done => Step::Sent,
                    _ => Step::Again,
                };
            }
            if !self.has_room() {
                return Step::Full;
            }
            self.push(src, size);
            let mut chain = WakeChain::new();
            if self.has(flag::OBSERVED) {
                self.take_observers(Dir::Recv, &mut chain);
            }
            self.unlock();
            chain.wake();
            Step::Sent
        }
    }

    /// Waits without a deadline, the lock held since a look that found no way: the wait that
    /// most sends of a rendezvous come to.
    ///
    /// # Safety
    ///
    /// As [`send`](Self::send); locked, and `send_now` has just said `Full`.
    #[inline(always)]
    unsafe fn send_wait(&self, src: *const u8, size: usize) -> SendEnd {
        let me = Task::current();
        // SAFETY: locked until the park releases it; the waiter lives in this frame until it was
        // popped, and without a deadline nothing else ends the wait.
        unsafe {
            if me.must_exit() {
                self.unlock();
                return self.send_slow(src, size, None);
            }
            let waiter = Waiter::direct(me, src.cast_mut(), Claim::Sole);
            self.wait(Dir::Send, &waiter, None);
            match waiter.outcome.get() {
                Outcome::Done => SendEnd::Sent,
                Outcome::Closed => SendEnd::Closed,
                _ => self.send_slow(src, size, None),
            }
        }
    }

    /// Waits.
    ///
    /// # Safety
    ///
    /// As [`send`](Self::send).
    #[inline(never)]
    unsafe fn send_slow(&self, src: *const u8, size: usize, deadline: Option<Instant>) -> SendEnd {
        loop {
            raw::exit_point();
            self.lock_to_send(size);
            // SAFETY: locked where a step or a list asks for it; the waiter lives in this frame
            // until it was popped (an outcome is there) or is removed below.
            unsafe {
                match self.send_step(src, size) {
                    Step::Sent => return SendEnd::Sent,
                    Step::Closed => return SendEnd::Closed,
                    Step::Again => continue,
                    Step::Full => {}
                }
                let claim = if deadline.is_none() {
                    Claim::Sole
                } else {
                    Claim::Shared
                };
                let waiter = Waiter::direct(Task::current(), src.cast_mut(), claim);
                if !self.wait(Dir::Send, &waiter, deadline) {
                    return SendEnd::NotNow;
                }
                match waiter.outcome.get() {
                    Outcome::Done => return SendEnd::Sent,
                    Outcome::Closed => return SendEnd::Closed,
                    Outcome::Retry => {}
                    other => unreachable!("a direct sender was woken with {other:?}"),
                }
            }
        }
    }
}
