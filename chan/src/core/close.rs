//! Closing, counting handles, and the end of a channel.
//!
//! # One packed word
//!
//! `handles` counts senders (low 31 bits), receivers (next 31) and living *sides* (top 2). A `Chan`
//! is one of each, counted in one step. The last sender closes the channel, the last receiver
//! abandons it (closes, and discards what is queued); each then gives up its side, and whoever
//! gives up the last side frees the memory. So the memory outlives both endings, in whichever order
//! and on whichever threads they run.
//!
//! Whoever finds only its own handles and sides in the word is alone: handles come from handles, and
//! who waits borrows one. It ends the channel without writing the word; that load takes in what the
//! others did before they gave theirs up, as every change of the word releases.
//!
//! Owned channels (done, timers) are ended by their owner only: there the handles' endings do
//! nothing but release memory.

use std::alloc;
use std::process;

use gors_runtime::raw;

use super::waiter::{Outcome, WakeChain};
use super::{Core, flag};
use crate::shim::atomic::Ordering;

pub(crate) const SENDER: u64 = 1;
pub(crate) const RECEIVER: u64 = 1 << 31;
const SIDE: u64 = 1 << 62;
/// One sender, one receiver, two sides.
pub(crate) const ONE_EACH: u64 = SENDER + RECEIVER + 2 * SIDE;
/// One receiver, one side: a channel that has no sending end.
pub(crate) const RECEIVER_ONLY: u64 = RECEIVER + SIDE;
const COUNT: u64 = (1 << 31) - 1;

fn senders(word: u64) -> u64 {
    word & COUNT
}

fn receivers(word: u64) -> u64 {
    (word >> 31) & COUNT
}

fn sides(word: u64) -> u64 {
    word >> 62
}

/// How many `Chan`s these handles are, if both sides live and every handle is one.
fn whole(word: u64) -> Option<usize> {
    let count = senders(word);
    let is_whole = sides(word) == 2 && receivers(word) == count;
    is_whole.then(|| usize::try_from(count).ok()).flatten()
}

impl Core {
    /// A handle for one direction is made.
    #[inline]
    fn split(&self) {
        if self.flags() & flag::WHOLE != 0 {
            self.lock();
            self.clear(flag::WHOLE);
            // SAFETY: locked above.
            unsafe { self.unlock() };
        }
    }

    /// What is known of the handles of a channel that only their owners can wake from. Calls `waiter`
    /// with the address of each waiter.
    ///
    /// # Safety
    ///
    /// `core` is a channel that somebody waits on.
    pub(super) unsafe fn handles(
        core: *const (),
        waiter: &mut dyn FnMut(usize),
    ) -> Option<raw::Handles> {
        // SAFETY: the caller's promise.
        let core = unsafe { &*core.cast::<Core>() };
        let flags = core.flags();
        if flags & (flag::CLOSED | flag::TIMER | flag::OWNED) != 0 {
            return None;
        }
        core.lock();
        for list in [&core.recvq, &core.sendq] {
            list.for_each(|w| waiter(w.addr()));
        }
        // SAFETY: locked above.
        unsafe { core.unlock() };
        let word = core.handles.load(Ordering::Acquire);
        let least = senders(word).max(receivers(word));
        (sides(word) == 2).then(|| raw::Handles {
            bytes: core.own_layout().size(),
            whole: whole(word).filter(|_| flags & flag::WHOLE != 0),
            least: usize::try_from(least).unwrap_or(usize::MAX),
        })
    }

    /// A channel without a sending end, before it is shared.
    pub(crate) fn init_receiver_only(&self) {
        self.handles.store(RECEIVER_ONLY, Ordering::Relaxed);
    }

    /// Counts further handles: [`SENDER`], [`RECEIVER`] or both.
    #[inline]
    pub(crate) fn retain(&self, what: u64) {
        if what != SENDER + RECEIVER {
            // Also of a handle that is lent by a `Chan`.
            self.split();
        }
        let old = self.handles.fetch_add(what, Ordering::Relaxed);
        if senders(old) > COUNT / 2 || receivers(old) > COUNT / 2 {
            // Leaked handles by the billion: going on would free a channel in use.
            process::abort();
        }
    }

    /// Gives up handles: [`SENDER`], [`RECEIVER`] or both.
    ///
    /// # Safety
    ///
    /// The caller owns these handles and never uses the channel through them again; `T` is the
    /// element type.
    #[inline]
    pub(crate) unsafe fn release<T>(&self, what: u64) {
        let its_sides = (senders(what) + receivers(what)) * SIDE;
        if self.handles.load(Ordering::Acquire) == what + its_sides {
            // SAFETY: these are the only handles, so nobody else can make one; the rest is passed
            // on.
            return unsafe { self.end_alone::<T>() };
        }
        let old = self.handles.fetch_sub(what, Ordering::AcqRel);
        let last_sender = senders(what) == 1 && senders(old) == 1;
        let last_receiver = receivers(what) == 1 && receivers(old) == 1;
        if last_sender || last_receiver {
            // SAFETY: passed on.
            unsafe { self.end_sides::<T>(last_sender, last_receiver, sides(old)) }
        }
    }

    /// # Safety
    ///
    /// No handle but the caller's is left, and no side that another is just ending; as
    /// [`release`](Self::release).
    #[inline(never)]
    unsafe fn end_alone<T>(&self) {
        /// Frees the channel even if an element's drop panics.
        struct Last<'a>(&'a Core);
        impl Drop for Last<'_> {
            fn drop(&mut self) {
                // SAFETY: nobody else can reach the channel, and its elements are taken out.
                unsafe { self.0.free() }
            }
        }
        let _last = Last(self);
        if self.flags() & flag::OWNED == 0 {
            // SAFETY: sole owner.
            unsafe { self.take_contents().drop_all::<T>() };
        }
    }

    /// # Safety
    ///
    /// The caller has just brought these sides' counts to zero.
    #[inline(never)]
    unsafe fn end_sides<T>(&self, last_sender: bool, last_receiver: bool, sides_left: u64) {
        /// Gives up sides even if an element's drop panics.
        struct Sides<'a>(&'a Core, u64);
        impl Drop for Sides<'_> {
            fn drop(&mut self) {
                let old = self.0.handles.fetch_sub(self.1 * SIDE, Ordering::AcqRel);
                if sides(old) == self.1 {
                    // SAFETY: the last side: nobody else can reach the channel. What its elements
                    // needed has been done: the last receiver has discarded them.
                    unsafe { self.0.free() }
                }
            }
        }
        let ending = Sides(self, u64::from(last_sender) + u64::from(last_receiver));
        if self.flags() & flag::OWNED != 0 {
            return;
        }
        if last_receiver && last_sender && sides_left == 2 {
            // Both sides end here and neither had before: nobody waits, nobody else is in.
            // SAFETY: sole owner.
            unsafe { self.take_contents().drop_all::<T>() };
        } else if last_receiver {
            self.shut(flag::CLOSED | flag::ABANDONED);
            self.lock();
            let contents = self.take_contents();
            // SAFETY: locked; the contents are ours, and a closed, abandoned ring is not pushed to.
            unsafe {
                self.unlock();
                contents.drop_all::<T>();
            }
        } else {
            self.shut(flag::CLOSED);
        }
        drop(ending);
    }

    /// Closes the channel: senders fail from now on, receivers drain what is there. True if this
    /// call did it.
    pub(crate) fn close(&self) -> bool {
        self.shut(flag::CLOSED)
    }

    #[inline(never)]
    fn shut(&self, bits: u32) -> bool {
        let mut chain = WakeChain::new();
        self.lock();
        let first = !self.has(flag::CLOSED);
        self.set(bits);
        // SAFETY: locked; popped and claimed waiters go into the chain.
        unsafe {
            if first {
                // Receivers before senders, as in Go: a select that waits to do both receives.
                self.settle(&mut chain);
                loop {
                    let w = self.sendq.pop_claimed();
                    if w.is_null() {
                        break;
                    }
                    chain.add(w, Outcome::Closed);
                }
            }
            self.unlock_collect();
        }
        chain.wake();
        first
    }

    /// # Safety
    ///
    /// Nobody else can reach the channel; it holds no elements.
    unsafe fn free(&self) {
        let layout = self.own_layout();
        // SAFETY: the sole owner; `self` is not used afterwards.
        unsafe {
            self.free_blocks();
            self.free_observers();
            alloc::dealloc((&raw const *self).cast_mut().cast(), layout);
        }
    }
}
