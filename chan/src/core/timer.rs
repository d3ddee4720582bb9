//! Channels whose values come from the clock: `after`, `at`, `tick`, and timers with an owner.
//!
//! Nothing runs in the background. The due time is one atomic word, and a value exists as soon as
//! the clock has passed it: whoever looks takes it by compare-and-swap, stamped with the time it
//! was due. A blocked receiver sleeps no longer than until the due time (the runtime's timer holds
//! it only while somebody is blocked), then looks again. An owner that moves the due time sends the
//! blocked ones round again ([`Outcome::Retry`]).

use std::time::Instant;

use super::waiter::{Outcome, WakeChain};
use super::{Core, Dir, flag};
use crate::clock;
use crate::shim::Cell;
use crate::shim::atomic::{AtomicI64, Ordering};

/// What a timer has in place of a ring.
pub(super) struct Due {
    /// When the next value is due, as a [`crate::clock`] word.
    due: AtomicI64,
    /// The period; 0: once. Guarded by the channel's lock once it is shared.
    period: Cell<i64>,
    /// The value that a select has taken last, while it may be given back. Under the lock.
    held: Cell<i64>,
}

impl Due {
    /// A timer that is not set.
    pub(super) fn never() -> Due {
        Due {
            due: AtomicI64::new(clock::NEVER),
            period: Cell::new(0),
            held: Cell::new(clock::NEVER),
        }
    }
}

impl Core {
    /// The due time of a timer.
    #[inline(always)]
    fn timer(&self) -> &Due {
        debug_assert!(self.flags() & flag::TIMER != 0, "not a timer");
        // SAFETY: callers have seen the flag, or are the timer's owner: `buf` points to a `Due`
        // that lives as long as the channel.
        unsafe { &*self.buf.cast::<Due>() }
    }

    /// A value could be taken now.
    pub(crate) fn is_due(&self) -> bool {
        let due = self.timer().due.load(Ordering::Acquire);
        due != clock::NEVER && due <= clock::to_word(clock::now())
    }

    /// Takes the value if it is due: when it became so.
    pub(crate) fn take_due(&self) -> Option<Instant> {
        let mut due = self.timer().due.load(Ordering::Acquire);
        loop {
            if due == clock::NEVER {
                return None;
            }
            let now = clock::to_word(clock::now());
            if now < due {
                return None;
            }
            // A slow reader loses ticks; the others keep their beat, counted from the first.
            let next = match self.timer().period.get() {
                0 => clock::NEVER,
                period => {
                    let beats = now.saturating_sub(due) / period + 1;
                    due.saturating_add(period.saturating_mul(beats))
                }
            };
            match self
                .timer()
                .due
                .compare_exchange(due, next, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return clock::from_word(due),
                Err(changed) => due = changed,
            }
        }
    }

    /// Under the lock, as [`take_due`](Self::take_due) by a select, which may give it back.
    pub(super) fn hold_due(&self) -> Option<Instant> {
        let at = self.take_due()?;
        self.timer().held.set(clock::to_word(at));
        Some(at)
    }

    /// The sooner of a deadline and, for a timer channel, its due time.
    #[inline(always)]
    pub(crate) fn sooner_of_due(&self, deadline: Option<Instant>) -> Option<Instant> {
        if self.flags() & flag::TIMER == 0 {
            return deadline;
        }
        let due = clock::from_word(self.timer().due.load(Ordering::Acquire));
        match (deadline, due) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Sets when the next value is due and the period; true if the old value was still to come. A
    /// value that was due but not taken counts as still to come and is gone.
    pub(crate) fn set_due(&self, due: i64, period: i64) -> bool {
        self.lock();
        self.timer().period.set(period);
        self.timer().held.set(clock::NEVER);
        let old = self.timer().due.swap(due, Ordering::AcqRel);
        // SAFETY: locked above.
        unsafe { self.unlock_to_look_again() };
        old != clock::NEVER
    }

    /// Releases the lock after the due time was set, and sends those who wait round again.
    ///
    /// # Safety
    ///
    /// The caller holds the lock.
    unsafe fn unlock_to_look_again(&self) {
        let mut chain = WakeChain::new();
        // SAFETY: locked; popped and claimed waiters go into the chain.
        unsafe {
            loop {
                let w = self.recvq.pop_claimed();
                if w.is_null() {
                    break;
                }
                chain.add(w, Outcome::Retry);
            }
            if self.has(flag::OBSERVED) {
                self.take_observers(Dir::Recv, &mut chain);
            }
            self.unlock();
        }
        chain.wake();
    }

    /// Makes a fresh core a timer. Before it is shared.
    pub(crate) fn init_due(&self, due: i64, period: i64) {
        self.timer().due.store(due, Ordering::Relaxed);
        self.timer().period.set(period);
    }

    /// Gives back a value that was taken for a select that did not complete. Gone, if the timer was set
    /// or stopped meanwhile, or has a next value.
    pub(crate) fn give_back_due(&self, at: Instant) {
        let word = clock::to_word(at);
        self.lock();
        let timer = self.timer();
        if timer.held.get() == word && timer.period.get() == 0 {
            timer.held.set(clock::NEVER);
            timer.due.store(word, Ordering::Release);
        }
        // SAFETY: locked above.
        unsafe { self.unlock_to_look_again() };
    }
}
