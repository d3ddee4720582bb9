//! Waiting for a number of goroutines.
//!
//! # State
//!
//! One word: the counter in the upper half, waiters in the lower. `round` counts how often the
//! counter fell to 0 while somebody waited.
//!
//! # Moves, and why no wake-up is lost
//!
//! *add* is one addition. If it brings the counter to 0 and there are waiters, it ends the round:
//! it increments `round`, clears the word, and notifies the list. *wait* returns if the counter is 0,
//! else reads `round`, and counts itself by compare-and-swap; if that succeeds the counter was not 0
//! at that moment, so the addition that brings it to 0 comes later and sees the waiter. It then waits
//! in the list for `round` to differ. The list looks at that under its lock, and `round` changes
//! before the list is notified. A notification may come late, when a waiter that saw the change without
//! it has begun the next round: who is woken looks at `round` again.
//!
//! A waiter that gives up leaves its count behind: it costs the end of the round a look at an empty
//! list. Taking it back could take a count of the next round.

use std::fmt;
use std::mem::offset_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use gors_runtime::raw::{self, Notified, WaitList, WaitReason};

use crate::shim::atomic::{AtomicU32, AtomicU64, Ordering};

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
    round: AtomicU32,
    waiters: WaitList,
}

const fn counter(state: u64) -> i32 {
    (state >> 32) as i32
}

const fn waiters(state: u64) -> u32 {
    state as u32
}

impl Group {
    #[inline]
    fn add(&self, delta: isize) {
        // The counter is 32 bits wide, as Go's: the rest of the delta is shifted out.
        let delta = (delta as u64) << 32;
        let old = self.state.fetch_add(delta, Ordering::AcqRel);
        let state = old.wrapping_add(delta);
        if counter(state) < 0 || (waiters(state) != 0 && (counter(state) == 0 || counter(old) == 0))
        {
            self.add_slow(old, state);
        }
    }

    #[inline(never)]
    fn add_slow(&self, old: u64, state: u64) {
        assert!(counter(state) >= 0, "sync: negative WaitGroup counter");
        assert!(
            waiters(state) == 0 || counter(old) != 0 || counter(state) == 0,
            "sync: WaitGroup misuse: Add called concurrently with Wait"
        );
        if counter(state) == 0 && waiters(state) != 0 {
            self.end_round(state);
        }
    }

    /// The counter has fallen to 0 and somebody waits. Nobody may change the word now: `wait` does
    /// not while the counter is 0, and an `add` would be misuse.
    fn end_round(&self, state: u64) {
        self.round.fetch_add(1, Ordering::Release);
        assert!(
            self.state
                .compare_exchange(state, 0, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok(),
            "sync: WaitGroup misuse: Add called concurrently with Wait"
        );
        self.waiters.notify_all();
    }

    /// False if the deadline passed.
    fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.state.load(Ordering::Acquire);
        if counter(state) == 0 {
            return true;
        }
        raw::exit_point();
        let round = self.round.load(Ordering::Acquire);
        loop {
            if counter(state) == 0 {
                return true;
            }
            // Waiters that gave up are still counted: the count must not run into the counter.
            let next = if waiters(state) < u32::MAX / 2 {
                state + 1
            } else {
                state
            };
            match self
                .state
                .compare_exchange_weak(state, next, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        let over = || self.round.load(Ordering::Acquire) != round;
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
        assert!(
            self.state.load(Ordering::Acquire) == 0,
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
                round: AtomicU32::new(0),
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
