//! Waiting for a number of goroutines.
//!
//! # State
//!
//! One word, so that a round ends in one step:
//!
//! | bits | meaning |
//! | --- | --- |
//! | WAITED | somebody waits for the round's end, or did and gave up |
//! | the rest of the lower half | the round: how often the counter fell to 0 while WAITED was set |
//! | the upper half | the counter |
//!
//! # Moves, and why no wake-up is lost
//!
//! *add* is one addition. If it brings the counter to 0 and finds WAITED, it ends the round: it swaps
//! the word for one with the next round and without WAITED, and notifies the list. *wait* returns if the
//! counter is 0, else sees to it that WAITED is set, in a word whose counter is not 0: the addition that
//! brings it to 0 comes later and finds the bit. It then waits in the list for the round to differ. The
//! list looks at that under its lock, and the round changes before the list is notified. A notification
//! may come late, when a waiter that saw the change without it has begun the next round: who is woken
//! looks at the round again.
//!
//! A waiter that gives up leaves WAITED behind: it costs the end of the round a look at an empty list.
//! Nobody waits then, so others may add to a counter that has just fallen to 0. If they come before the
//! swap it fails, and whoever brings the counter to 0 next ends the round. That is early enough for those
//! who wait by then: they came after that addition. If somebody does wait, adding there is misuse, and is
//! found out where the list knows of him.

use std::fmt;
use std::mem::offset_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use gors_runtime::raw::{self, Notified, WaitList, WaitReason};

use crate::shim::atomic::{AtomicU64, Ordering};

/// Counts goroutines and waits until all are done.
///
/// Every handle made by `clone` stands for the same group; a `static` or a reference will do as well.
/// The group may be used again when a `wait` has returned. The counter is 32 bits wide, as in Go.
///
/// Go: `sync.WaitGroup`.
///
/// ```
/// use gors::prelude::*;
///
/// fn worker(id: usize, wg: WaitGroup) {
///     defer!(wg.done());
///     println!("worker {id}");
/// }
///
/// gors::run(|| {
///     let wg = WaitGroup::new();
///     for id in 1..=3 {
///         wg.add(1);
///         go!(worker(id, wg.clone()));
///     }
///     wg.wait();
/// });
/// ```
///
/// A group may be a static:
///
/// ```
/// use gors::prelude::*;
///
/// static WG: WaitGroup = WaitGroup::new();
///
/// gors::run(|| {
///     WG.add(2);
///     go!(|| WG.done());
///     go!(|| WG.done());
///     WG.wait();
/// });
/// ```
pub struct WaitGroup {
    /// Made on first use, so that `new` can be const.
    group: OnceLock<Arc<Group>>,
}

struct Group {
    state: AtomicU64,
    waiters: WaitList,
}

const WAITED: u64 = 1;
const ONE_ROUND: u32 = 2;

const fn counter(state: u64) -> i32 {
    (state >> 32) as i32
}

const fn round(state: u64) -> u32 {
    state as u32 / ONE_ROUND
}

const fn is_waited_for(state: u64) -> bool {
    state & WAITED != 0
}

/// The word when the round has ended: nobody waits, and the counter is 0.
const fn next_round(state: u64) -> u64 {
    round(state).wrapping_add(1).wrapping_mul(ONE_ROUND) as u64
}

impl Group {
    #[inline]
    fn add(&self, delta: isize) {
        // The counter is 32 bits wide, as Go's: the rest of the delta is shifted out.
        let delta = (delta as u64) << 32;
        let old = self.state.fetch_add(delta, Ordering::AcqRel);
        let state = old.wrapping_add(delta);
        if counter(state) < 0
            || (is_waited_for(state) && (counter(state) == 0 || counter(old) == 0))
        {
            self.add_slow(old, state);
        }
    }

    #[inline(never)]
    fn add_slow(&self, old: u64, state: u64) {
        assert!(counter(state) >= 0, "sync: negative WaitGroup counter");
        if counter(state) == 0 {
            self.end_round(state);
        } else if counter(old) == 0 {
            // Somebody else is just ending the round. WAITED may be left from one that gave up.
            assert!(
                self.waiters.waiters() == 0,
                "sync: WaitGroup misuse: Add called concurrently with Wait"
            );
        }
    }

    /// The counter has fallen to 0 and somebody waits, or did.
    fn end_round(&self, state: u64) {
        let ended = self.state.compare_exchange(
            state,
            next_round(state),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        if ended.is_ok() {
            self.waiters.notify_all();
        }
    }

    /// False if the deadline passed.
    fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.state.load(Ordering::Acquire);
        if counter(state) == 0 {
            return true;
        }
        raw::exit_point();
        while !is_waited_for(state) {
            if counter(state) == 0 {
                return true;
            }
            match self.state.compare_exchange_weak(
                state,
                state | WAITED,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        let over = || round(self.state.load(Ordering::Acquire)) != round(state);
        loop {
            match self.waiters.wait(WaitReason::WaitGroupWait, deadline, over) {
                // The counter was 0 since the call began; what it is now is another round's affair.
                Notified::Ready => return true,
                Notified::TimedOut => return over(),
                Notified::Woken if over() => break,
                // The notification of an earlier round, on its way while this one began.
                Notified::Woken => {}
            }
        }
        let now = self.state.load(Ordering::Acquire);
        assert!(
            counter(now) == 0 && !is_waited_for(now),
            "sync: WaitGroup is reused before previous Wait has returned"
        );
        true
    }
}

impl WaitGroup {
    /// A group with the counter at 0.
    ///
    /// Go: the zero value.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            group: OnceLock::new(),
        }
    }

    #[inline]
    fn group(&self) -> &Arc<Group> {
        match self.group.get() {
            Some(group) => group,
            None => self.make(),
        }
    }

    #[cold]
    #[inline(never)]
    fn make(&self) -> &Arc<Group> {
        self.group.get_or_init(|| {
            raw::know_wait_groups(size_of::<Group>(), offset_of!(Group, waiters));
            Arc::new(Group {
                state: AtomicU64::new(0),
                waiters: WaitList::new(),
            })
        })
    }

    /// Adds `delta`, which may be negative, to the counter. When the counter falls to 0 all who wait
    /// are woken. Never blocks.
    ///
    /// A positive `add` to a counter of 0 must happen before the `wait` that is to see it: add before
    /// you start the goroutine, not in it.
    ///
    /// # Panics
    ///
    /// `sync: negative WaitGroup counter`, and if it sees that it raced with a wait:
    /// `sync: WaitGroup misuse: Add called concurrently with Wait`.
    ///
    /// Go: `Add`.
    ///
    /// ```
    /// let wg = gors::sync::WaitGroup::new();
    /// wg.add(2);
    /// wg.add(-2);
    /// wg.wait();
    /// ```
    #[inline]
    pub fn add(&self, delta: isize) {
        self.group().add(delta);
    }

    /// Takes one off the counter. Never blocks.
    ///
    /// # Panics
    ///
    /// `sync: negative WaitGroup counter`.
    ///
    /// Go: `Done`.
    ///
    /// ```
    /// use gors::prelude::*;
    /// gors::run(|| {
    ///     let wg = WaitGroup::new();
    ///     wg.add(1);
    ///     go!(wg.clone().done());
    ///     wg.wait();
    /// });
    /// ```
    #[inline]
    pub fn done(&self) {
        self.add(-1);
    }

    /// Blocks until the counter is 0; returns at once if it is.
    ///
    /// # Panics
    ///
    /// `sync: WaitGroup is reused before previous Wait has returned`, if it sees that.
    ///
    /// Go: `Wait`.
    ///
    /// ```
    /// let wg = gors::sync::WaitGroup::new();
    /// // Nothing to wait for.
    /// wg.wait();
    /// ```
    #[inline]
    pub fn wait(&self) {
        if let Some(group) = self.group.get() {
            group.wait(None);
        }
    }

    /// As [`wait`](Self::wait), for at most `timeout`; false if the counter was not 0 by then.
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    ///
    /// Go has no equivalent.
    ///
    /// ```
    /// use std::time::Duration;
    /// let wg = gors::sync::WaitGroup::new();
    /// wg.add(1);
    /// assert!(!wg.wait_timeout(Duration::from_millis(1)));
    /// wg.done();
    /// assert!(wg.wait_timeout(Duration::ZERO));
    /// ```
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        match self.group.get() {
            None => true,
            Some(group) => group.wait(raw::deadline_in(timeout)),
        }
    }

    /// Runs `f` in a new goroutine that the group waits for: adds one now, takes it off when `f`
    /// returns or ends by [`goexit`](crate::goexit). Never blocks.
    ///
    /// A panic of `f` ends the process, as in a `go!` goroutine. Where the
    /// [panic policy](crate::runtime::set_panic_policy) says otherwise, the one is taken off after
    /// the policy was applied.
    ///
    /// Go: `Go`.
    ///
    /// ```
    /// use gors::prelude::*;
    /// gors::run(|| {
    ///     let wg = WaitGroup::new();
    ///     wg.go(|| println!("counted"));
    ///     wg.wait();
    /// });
    /// ```
    #[track_caller]
    pub fn go<F>(&self, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        let group = Arc::clone(self.group());
        group.add(1);
        gors_runtime::__private::go(move || {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
                raw::apply_panic_policy(payload);
            }
            group.add(-1);
        });
    }
}

impl Clone for WaitGroup {
    /// Another handle of the same group.
    fn clone(&self) -> Self {
        Self {
            group: OnceLock::from(Arc::clone(self.group())),
        }
    }
}

impl Default for WaitGroup {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self
            .group
            .get()
            .map_or(0, |group| group.state.load(Ordering::Relaxed));
        f.debug_struct("WaitGroup")
            .field("counter", &counter(state))
            .finish_non_exhaustive()
    }
}
