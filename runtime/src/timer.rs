//! Timers: who waits until when, and who fires them.
//!
//! A timer is a [`Node`] in one of a few lockable heaps (`timer/heap.rs`). Anybody may fire due timers: a worker
//! that runs out of local work, every worker on its 61st tick, the timekeeper (one idle worker
//! that sleeps until the earliest deadline, see [`sched::idle`](crate::sched::idle)) and sysmon.
//!
//! # States of a node, and who moves it
//!
//! * *out*: not in a heap (`handle` is [`OUT`]); belongs to whoever made it.
//! * *armed*: in the heap of `shard`; may be touched under that shard's lock only.
//!
//! [`insert`] and [`rearm`] move out to armed. Under the shard's lock, [`fire_due`] moves armed to out
//! and does the one thing the node stands for:
//!
//! * it claims a wait with TIMED_OUT. [`cancel`] takes the same lock, so once it returns, nobody is
//!   in the middle of firing and the node's memory may go, which is why such a node may live in the
//!   waiter's frame. The goroutine that was claimed is readied after the lock is open; by then the
//!   node is not looked at any more.
//! * it starts a goroutine ([`FuncTimer`](crate::raw::FuncTimer)). That is done after the lock is
//!   open. Who keeps the memory of such a [`Starting`] is written in `timer/node.rs`.
//!
//! # What it costs
//!
//! Arming, putting off, stopping: one locked instruction each, the shard's lock, uncontended as long
//! as a timer is used on the worker that made it. Arming looks at the clock.
//!
//! No deadline is missed: who makes a shard's bound earlier publishes it before the
//! StoreLoad fence and looks at the timekeeper's planned wake-up after it; the timekeeper
//! publishes its plan, fences, and looks at all shards once more. A timer behind the
//! bound needs none of that: whoever made the bound so early has told the timekeeper, or is about to,
//! and a plan is made anew whenever it has come, whether its timer fired, moved or was cancelled.
//! A bound becomes later when due timers are fired, and when somebody asks for the earliest deadline:
//! a plan that was made for the old one is then too early.

#[path = "timer/heap.rs"]
mod heap;
#[path = "timer/node.rs"]
mod node;

use std::ptr;

use self::heap::{Heap, Timer};
use self::node::OUT;
pub(crate) use self::node::{Node, Starter, Starting, abandon, release};
use crate::goroutine::{Record, RecordPtr};
use crate::raw::{SpinLock, TIMED_OUT, Task};
use crate::sanitize;
use crate::shim::UnsafeCell;
use crate::shim::atomic::{AtomicU64, AtomicUsize, Ordering};

/// No deadline.
pub(crate) const NEVER: u64 = u64::MAX;

/// The shard for a caller with this hint.
fn shard_for(hint: Option<usize>) -> &'static Shard {
    let hint = hint.unwrap_or_else(|| NEXT_SHARD.fetch_add(1, Ordering::Relaxed));
    &TIMERS[hint % SHARDS]
}

const SHARDS: usize = 8;
/// Goroutines readied between two looks at the lock.
const BATCH: usize = 32;

/// Timers under one lock: one of the few of the world's clock, or those of a bubble's clock.
#[repr(align(128))]
pub(crate) struct Shard {
    /// On a clock of its own: fired by its owner.
    private: bool,
    lock: SpinLock,
    /// The heap's bound: no timer is due before. Written under the lock.
    bound: AtomicU64,
    /// Under the lock.
    heap: UnsafeCell<Heap>,
}

// SAFETY: the heap is touched under the lock only.
unsafe impl Sync for Shard {}

static TIMERS: [Shard; SHARDS] = [const { Shard::new(false) }; SHARDS];

/// Spreads timers of foreign threads.
static NEXT_SHARD: AtomicUsize = AtomicUsize::new(0);

impl Shard {
    const fn new(private: bool) -> Self {
        Self {
            private,
            lock: SpinLock::new(),
            bound: AtomicU64::new(NEVER),
            heap: UnsafeCell::new(Heap::new()),
        }
    }

    /// The timers of a clock of its own.
    pub(crate) const fn private() -> Self {
        Self::new(true)
    }

    /// The earliest deadline, [`NEVER`] if there is none.
    pub(crate) fn earliest(&self) -> u64 {
        if self.bound.load(Ordering::Relaxed) == NEVER {
            return NEVER;
        }
        self.with(Heap::settle).0
    }

    /// Runs `f` on the heap under the lock.
    fn locked<R>(&self, f: impl FnOnce(&mut Heap) -> R) -> R {
        self.lock.lock();
        // SAFETY: locked.
        let result = self.heap.with_mut(|heap| f(unsafe { &mut *heap }));
        // SAFETY: locked above, by us.
        unsafe { self.lock.unlock() };
        result
    }

    /// As [`locked`](Self::locked), then publishes the bound. True if that is earlier than before: then
    /// the timekeeper may have to know of it.
    fn with<R>(&self, f: impl FnOnce(&mut Heap) -> R) -> (R, bool) {
        self.locked(|heap| {
            let result = f(heap);
            // Nobody else writes it now.
            let before = self.bound.load(Ordering::Relaxed);
            let bound = heap.bound();
            if bound != before {
                self.bound.store(bound, Ordering::Relaxed);
            }
            (result, bound < before)
        })
    }
}

/// Arms a timer. `hint` chooses the shard: a worker's number spreads contention.
///
/// # Safety
///
/// The node is out, and stays where it is until it was fired or cancelled; its record's wait is
/// armed.
pub(crate) unsafe fn insert(node: *const Node, hint: Option<usize>) {
    let _hidden = sanitize::hide();
    // SAFETY: the caller's promise.
    if let Some(when) = unsafe { insert_into(node, shard_for(hint)) } {
        crate::sched::idle::timer_added(when);
    }
}

/// Arms a timer in this shard; returns its deadline if that is the earliest.
///
/// # Safety
///
/// As [`insert`]; and the shard stays as long as the node is in it.
pub(crate) unsafe fn insert_into(node: *const Node, shard: &Shard) -> Option<u64> {
    // SAFETY: the caller's promise; read before the insertion, after which it may be gone.
    let when = unsafe {
        (*node).shard.set(shard);
        (*node).when.get()
    };
    let ((), is_first) = shard.with(|heap| {
        // SAFETY: under the shard's lock.
        unsafe { heap.push(when, node) };
    });
    is_first.then_some(when)
}

/// Arms a timer for `when`, whether it is armed or not; one that has fired only if it may do so
/// `again`. True if it was armed before.
///
/// # Safety
///
/// The caller is the timer's handle.
pub(crate) unsafe fn rearm(timer: *const Starting, when: u64, again: bool) -> bool {
    let _hidden = sanitize::hide();
    // SAFETY: the handle keeps it. The shard of such a timer never changes.
    let (node, fired, shard) = unsafe { (&(*timer).node, &(*timer).fired, (*timer).node.home()) };
    let (was_armed, is_first) = shard.with(|heap| {
        let was_armed = node.is_armed();
        if was_armed {
            // SAFETY: under the lock of the shard whose heap holds it.
            unsafe { heap.move_to(node, when) };
        } else if again || !fired.load(Ordering::Relaxed) {
            node.when.set(when);
            // SAFETY: the node is out. A pointer to it is one to the whole.
            unsafe { heap.push(when, timer.cast()) };
        }
        was_armed
    });
    if is_first && !shard.private {
        crate::sched::idle::timer_added(when);
    }
    was_armed
}

/// Disarms a timer; false if it had fired. Afterwards nobody touches a node that ends a wait.
pub(crate) fn cancel(node: &Node) -> bool {
    let _hidden = sanitize::hide();
    // SAFETY: it was armed, and whoever cancels holds what its shard belongs to.
    unsafe { node.home() }.locked(|heap| {
        let is_armed = node.is_armed();
        if is_armed {
            heap.remove(node.handle.load(Ordering::Relaxed));
            node.handle.store(OUT, Ordering::Relaxed);
        }
        is_armed
    })
}

/// Disarms a timer that starts goroutines; false if it was not armed.
///
/// # Safety
///
/// The caller is the timer's handle.
pub(crate) unsafe fn stop(timer: *const Starting) -> bool {
    // SAFETY: the handle keeps it.
    cancel(unsafe { &(*timer).node })
}

/// The earliest deadline of all timers, [`NEVER`] if there is none. Takes the locks.
pub(crate) fn earliest() -> u64 {
    TIMERS.iter().map(Shard::earliest).min().unwrap_or(NEVER)
}

/// No timer is due before that; [`NEVER`] if there is none. A few loads. Earlier than the earliest
/// deadline if the timer that was to fire first was stopped or put off.
pub(crate) fn bound() -> u64 {
    TIMERS
        .iter()
        .map(|shard| shard.bound.load(Ordering::Relaxed))
        .min()
        .unwrap_or(NEVER)
}

/// Fires every timer due at `now`: passes each goroutine that is to be readied to `ready`, in
/// order of deadline within a shard. Returns how many that were.
pub(crate) fn fire_due(now: u64, mut ready: impl FnMut(RecordPtr)) -> usize {
    TIMERS.iter().map(|shard| shard.fire(now, &mut ready)).sum()
}

impl Shard {
    /// As [`fire_due`], of this shard.
    pub(crate) fn fire(&self, now: u64, ready: &mut impl FnMut(RecordPtr)) -> usize {
        let mut fired = 0;
        while self.bound.load(Ordering::Relaxed) <= now {
            let mut due = [(ptr::null(), RecordPtr(ptr::null_mut())); BATCH];
            let mut count = 0;
            self.with(|heap| {
                let mut popped = 0;
                while popped < BATCH
                    && let Some(Timer { node, record, .. }) = heap.pop_due(now)
                {
                    // Those who wait have been left alone for long: their records are loaded all
                    // at once, not one after the other when they are claimed.
                    if !record.0.is_null() {
                        Record::prefetch(record.0);
                    }
                    due[popped] = (node, record);
                    popped += 1;
                }
                for at in 0..popped {
                    let (node, record) = due[at];
                    if record.0.is_null() {
                        // SAFETY: kept by its handle, or by the reference that this left behind.
                        unsafe { Starting::fire(node) };
                    } else if !Task::from_record(record).try_claim(TIMED_OUT) {
                        // SAFETY: the node cannot go before `cancel` has had the lock.
                        unsafe { &(*node).handle }.store(OUT, Ordering::Relaxed);
                        continue;
                    }
                    // A waiter that timed out does not ask its node any more, which lies in a cold
                    // stack: it is left alone.
                    due[count] = (node, record);
                    count += 1;
                }
            });
            for &(node, record) in &due[..count] {
                ready(if record.0.is_null() {
                    // SAFETY: fired just now, so the reference is ours.
                    unsafe { Starting::start(node) }
                } else {
                    record
                });
            }
            fired += count;
        }
        fired
    }

    /// The clock has stopped for ever: timers that would start goroutines are dropped. Those that
    /// would end a wait stay: their goroutines never run again.
    pub(crate) fn discard_all(&self) {
        let mut left = Vec::new();
        self.with(|heap| {
            while let Some(Timer { node, record, .. }) = heap.pop_due(NEVER) {
                if record.0.is_null()
                    // SAFETY: kept by its handle, or by the reference that this left behind.
                    && unsafe { Starting::discard(node) }
                {
                    left.push(node.cast());
                }
            }
        });
        for timer in left {
            // SAFETY: left behind, and ours now.
            unsafe { release(timer) };
        }
    }
}
