//! Bubbles: goroutines that take turns, on a clock of their own, by choices drawn from a seed.
//!
//! A bubble is a group of goroutines; one that a member makes is a member. The process may be one
//! (`GORS_SEED=n`), and a test can make one for itself beside everything else (`gors::testing`).
//!
//! # The turn
//!
//! One member at a time has the *turn*. It alone is known to the scheduler: it is in a run queue, or
//! runs, or is inside `blocking`. Members that are ready without the turn stand in the bubble's own
//! list. When the one with the turn waits, yields or ends, the worker, having left its stack, passes
//! the turn on: it draws one from the list and submits it like any goroutine. So the scheduler needs
//! to know nothing of bubbles, goroutines outside are not affected, and **every choice is made in
//! one place**, [`turn`].
//!
//! ## Moves of a member
//!
//! | from | to | how |
//! | --- | --- | --- |
//! | made | ready | [`Bubble::enroll`] and [`Bubble::ready`]; by the maker |
//! | ready | has the turn | drawn, in `Inner::next` |
//! | has the turn | waits | its worker stores IN_BUBBLE, arms its timer, releases the waker's lock, passes the turn |
//! | has the turn | ready | yields, or is preempted at a [`Point`] |
//! | waits | ready | its claim is won, and [`Bubble::ready`] |
//! | has the turn | gone | its worker passes the turn after the record is free |
//!
//! Everything happens under one lock, but for the claim. A ready never runs anybody while the turn
//! is held; if the turn is free, the one that readies draws. So the turn is never free while
//! somebody is ready, and no ready is lost.
//!
//! ## Members that keep their thread
//!
//! A member that unwinds, is locked to its thread or is inside `blocking` waits *in place*
//! ([`blocking`](crate::blocking)). It stands in the same lists; being drawn, its thread is woken
//! instead of it being submitted. A preemption at a point where a goroutine may not change its
//! thread (`go!`, `try_*`, atomics) is a wait in place too.
//!
//! # Time
//!
//! A bubble's clock stands still while anybody is ready. When all members wait, it jumps to the
//! earliest of the bubble's timers, and all that are due become ready. What is due when it is set
//! does so when the turn is next passed: it need not wait for the others to wait. If there is none, that is
//! the end of the bubble: everybody has ended, or it is a deadlock. (The process's bubble just
//! stays: a foreign thread may still ready somebody.)

mod end;
mod point;
mod trace;
mod turn;

use crate::shim::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use crate::shim::Mutex;

pub(crate) use self::end::fail;
pub use self::end::{End, Report, run, wait};
pub use self::point::{Point, explores, point};
use self::turn::Inner;
pub(crate) use self::turn::{ended, gosched, left, park, ready_member};
use crate::clock;
use crate::goroutine::Record;
use crate::goroutine::record::flag;
use crate::raw::WaitList;
use crate::sanitize;
use crate::stack::current_slot;
use crate::timer::Shard;

/// What a bubble is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The seeded mode: all goroutines of the process. It has no end.
    Process,
    /// One run of a test whose schedules are explored: preempts at every [`Point`].
    Explore,
    /// A test with virtual time: switches only where goroutines wait or yield.
    Synctest,
}

/// See the [module](self).
pub(crate) struct Bubble {
    kind: Kind,
    /// The bubble's time, on the scheduler's scale; changes under the lock.
    now: AtomicU64,
    /// What the clock showed at first.
    began: u64,
    /// Timers on the bubble's clock.
    pub(crate) timers: Shard,
    inner: Mutex<Inner>,
    /// It has ended; `ended` is told after this is set.
    over: AtomicBool,
    ended: WaitList,
}

/// A goroutine's place in its bubble; in the cold part of its record.
pub(crate) struct Member {
    pub(crate) bubble: Arc<Bubble>,
    /// Members are numbered in the order in which they were made.
    index: u32,
}

impl Bubble {
    fn new(kind: Kind, seed: u64) -> Arc<Self> {
        let now = clock::now();
        Arc::new(Self {
            kind,
            now: AtomicU64::new(now),
            began: now,
            timers: Shard::private(),
            inner: Mutex::new(Inner::new(seed)),
            over: AtomicBool::new(false),
            ended: WaitList::new(),
        })
    }

    /// The bubble of the seeded mode.
    pub(crate) fn of_process(seed: u64) -> Arc<Self> {
        Self::new(Kind::Process, seed)
    }

    /// The bubble's time, on the scheduler's scale.
    pub(crate) fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// It has ended, and its clock stands still.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn preempts(&self) -> bool {
        self.kind != Kind::Synctest
    }

    /// For the race detector: what the caller did comes before whatever follows an
    /// [`acquire`](Self::acquire).
    fn release(self: &Arc<Self>) {
        sanitize::release(Arc::as_ptr(self));
    }

    /// For the race detector: what members did before they waited or ended comes before what follows.
    fn acquire(self: &Arc<Self>) {
        sanitize::acquire(Arc::as_ptr(self));
    }
}

/// The place of a goroutine that has one. By its owner, or by one that has won the claim of its
/// wait: the place is set before the goroutine first runs, and stays until it ends.
fn member(g: &Record) -> Option<&Member> {
    if g.has(flag::MEMBER) {
        g.cold_if_any().and_then(|cold| cold.member.as_ref())
    } else {
        None
    }
}

/// The bubble of a goroutine that is a member of one that is not the whole process. As [`member`].
pub(crate) fn test_bubble(g: &Record) -> Option<&Arc<Bubble>> {
    member(g)
        .map(|member| &member.bubble)
        .filter(|bubble| bubble.kind != Kind::Process)
}

/// The caller's bubble.
pub(crate) fn current() -> Option<&'static Arc<Bubble>> {
    let g = current_slot()?.record();
    member(g).map(|member| &member.bubble)
}

/// The bubble that a goroutine made by the caller belongs to.
pub(crate) fn for_new_goroutine() -> Option<&'static Arc<Bubble>> {
    let _hidden = sanitize::hide();
    current().or_else(crate::mode::process_bubble)
}

/// A goroutine is about to wait, or to end. On its stack.
pub(crate) fn before_wait(g: &Record) {
    // For the race detector only.
    if cfg!(gors_race)
        && let Some(member) = member(g)
    {
        member.bubble.release();
    }
}

/// A random number for the caller, if its choices are drawn from a seed.
#[cold]
#[inline(never)]
pub(crate) fn draw() -> Option<u64> {
    let _hidden = sanitize::hide();
    Some(current()?.inner.lock().draw())
}

/// The caller's time, if it is not that of the world.
#[cold]
#[inline(never)]
pub(crate) fn time() -> Option<u64> {
    let _hidden = sanitize::hide();
    Some(current()?.now())
}

/// A number that stands for everything that was chosen so far in the caller's bubble; 0 outside.
#[must_use]
pub fn trace_hash() -> u64 {
    let _hidden = sanitize::hide();
    current().map_or(0, |bubble| bubble.inner.lock().trace.hash())
}
