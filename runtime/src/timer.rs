//! Timers: who waits until when, and who fires them.
//!
//! A timer is a [`Node`] in one of a few lockable heaps. Anybody may fire due timers: a worker
//! that runs out of local work, every worker on its 61st tick, the timekeeper (one idle worker
//! that sleeps until the earliest deadline, see [`sched::idle`](crate::sched::idle)) and sysmon.
//!
//! # States of a node, and who moves it
//!
//! * *out*: not in a heap (`index` is [`OUT`]); belongs to whoever made it.
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
//!   open; an armed node of this kind owns a reference to its memory, which passes to whoever moves
//!   it out.
//!
//! No deadline is missed: who makes a shard's earliest deadline earlier publishes it before the
//! StoreLoad fence and looks at the timekeeper's planned wake-up after it; the timekeeper
//! publishes its plan, fences, and looks at all shards once more. A timer behind the shard's
//! earliest one needs none of that: whoever armed that one has told the timekeeper, or is about to,
//! and a plan is made anew whenever it has come, whether its timer fired, moved or was cancelled.

#[path = "timer/heap.rs"]
mod heap;

use std::cell::Cell;
use std::ptr;

use self::heap::{Heap, Timer};
use crate::goroutine::{Record, RecordPtr};
use crate::raw::{SpinLock, TIMED_OUT, Task};
use crate::sanitize;
use crate::shim::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Value of [`Node::index`] outside a heap.
pub(crate) const OUT: usize = usize::MAX;
/// No deadline.
pub(crate) const NEVER: u64 = u64::MAX;

/// What happens when a timer fires.
#[derive(Clone, Copy)]
enum Action {
    /// The wait of this goroutine or thread ends with TIMED_OUT.
    Claim(RecordPtr),
    /// It starts a goroutine.
    Start(&'static Starter),
}

/// What a timer that starts goroutines does with the reference that its armed node owns.
pub(crate) struct Starter {
    /// Makes a goroutine of it, parked as it were.
    pub(crate) start: unsafe fn(*const Node) -> RecordPtr,
    /// Drops it: the timer's clock has stopped for ever.
    pub(crate) discard: unsafe fn(*const Node),
}

/// A timer; see the [module](self).
pub(crate) struct Node {
    when: u64,
    index: Cell<usize>,
    /// The shard that it is in, or was in last; null before.
    shard: Cell<*const Shard>,
    /// Whether it has ever fired; under the shard's lock.
    fired: Cell<bool>,
    action: Action,
}

impl Node {
    /// A timer that ends the current wait of `record` at `when`, with TIMED_OUT.
    pub(crate) const fn new(when: u64, record: RecordPtr) -> Self {
        Self {
            when,
            index: Cell::new(OUT),
            shard: Cell::new(ptr::null()),
            fired: Cell::new(false),
            action: Action::Claim(record),
        }
    }

    /// A timer for [`rearm`] that starts a goroutine when it fires. It stays in one shard, `home` if
    /// one is given: rearming finds it under one lock, whoever does it.
    pub(crate) fn starting(
        starter: &'static Starter,
        home: Option<&Shard>,
        hint: Option<usize>,
    ) -> Self {
        Self {
            when: NEVER,
            index: Cell::new(OUT),
            shard: Cell::new(home.unwrap_or_else(|| shard_for(hint))),
            fired: Cell::new(false),
            action: Action::Start(starter),
        }
    }

    /// # Safety
    ///
    /// The node is, or was, in a shard that exists.
    unsafe fn home(&self) -> &Shard {
        // SAFETY: shards are statics, or belong to a bubble that the caller holds.
        unsafe { &*self.shard.get() }
    }
}

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
    /// Deadline of the heap's root, [`NEVER`] if it is empty. Written under the lock.
    earliest: AtomicU64,
    /// Under the lock.
    heap: Cell<Option<Box<Heap>>>,
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
            earliest: AtomicU64::new(NEVER),
            heap: Cell::new(None),
        }
    }

    /// The timers of a clock of its own.
    pub(crate) const fn private() -> Self {
        Self::new(true)
    }

    /// The earliest deadline, [`NEVER`] if there is none.
    pub(crate) fn earliest(&self) -> u64 {
        self.earliest.load(Ordering::Relaxed)
    }

    /// Runs `f` on the heap under the lock, then publishes the earliest deadline. True if that is
    /// earlier than before: then the timekeeper may have to know of it.
    fn with<R>(&self, f: impl FnOnce(&mut Heap) -> R) -> (R, bool) {
        self.lock.lock();
        let mut heap = self.heap.take().unwrap_or_default();
        // Nobody else writes it now.
        let before = self.earliest.load(Ordering::Relaxed);
        let result = f(&mut heap);
        let earliest = heap.earliest();
        if earliest != before {
            self.earliest.store(earliest, Ordering::Relaxed);
        }
        self.heap.set(Some(heap));
        // SAFETY: locked above, by us.
        unsafe { self.lock.unlock() };
        (result, earliest < before)
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
        (*node).when
    };
    let ((), is_first) = shard.with(|heap| {
        // SAFETY: under the shard's lock.
        unsafe { heap.push(when, node) };
    });
    is_first.then_some(when)
}

/// Arms a [starting](Node::starting) timer for `when`, whether it is armed or not; one that has fired
/// only if it may do so `again`. A timer that was not armed takes a reference to its memory:
/// `add_reference` makes it, under the shard's lock. True if the timer was armed before.
///
/// # Safety
///
/// The caller holds a reference to the node's memory, and `add_reference` adds another one.
pub(crate) unsafe fn rearm(
    node: *const Node,
    when: u64,
    again: bool,
    add_reference: impl FnOnce(),
) -> bool {
    let _hidden = sanitize::hide();
    // SAFETY: the caller's promise. The shard of such a node never changes.
    let shard = unsafe { (*node).home() };
    let (was_armed, is_first) = shard.with(|heap| {
        // SAFETY: as above; index and fired are touched under this lock only.
        let timer = unsafe { &*node };
        if timer.index.get() != OUT {
            // SAFETY: under the lock of the shard whose heap holds it.
            unsafe { heap.put_off(timer, when) };
            return true;
        }
        if again || !timer.fired.get() {
            add_reference();
            // SAFETY: out, and kept by the reference.
            unsafe { heap.push(when, node) };
        }
        false
    });
    if is_first && !shard.private {
        crate::sched::idle::timer_added(when);
    }
    was_armed
}

/// Disarms a timer; false if it had fired. Afterwards nobody touches the node.
pub(crate) fn cancel(node: &Node) -> bool {
    let _hidden = sanitize::hide();
    // SAFETY: it was armed, and whoever cancels holds what its shard belongs to.
    let (was_armed, _) = unsafe { node.home() }.with(|heap| {
        let is_armed = node.index.get() != OUT;
        if is_armed {
            // SAFETY: under the lock of the shard whose heap holds it.
            unsafe { heap.remove(node) };
        }
        is_armed
    });
    was_armed
}

/// The earliest deadline of all timers, [`NEVER`] if there is none.
pub(crate) fn earliest() -> u64 {
    TIMERS
        .iter()
        .map(|shard| shard.earliest.load(Ordering::Relaxed))
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
        while self.earliest.load(Ordering::Relaxed) <= now {
            let mut due =
                [const { (Action::Claim(RecordPtr(ptr::null_mut())), ptr::null()) }; BATCH];
            let mut count = 0;
            self.with(|heap| {
                let mut popped = 0;
                while popped < BATCH
                    && let Some(Timer { node, action }) = heap.pop_due(now)
                {
                    // Those who wait have been left alone for long: their records are loaded all
                    // at once, not one after the other when they are claimed.
                    if let Action::Claim(RecordPtr(record)) = action {
                        Record::prefetch(record);
                    }
                    due[popped] = (action, node);
                    popped += 1;
                }
                for at in 0..popped {
                    let (action, node) = due[at];
                    // A waiter that timed out does not ask its node any more, which lies in a cold
                    // stack: it is left alone.
                    let told = match action {
                        Action::Claim(record) => {
                            let won = Task::from_record(record).try_claim(TIMED_OUT);
                            (!won).then_some(node)
                        }
                        Action::Start(_) => Some(node),
                    };
                    if let Some(node) = told {
                        // SAFETY: the node cannot go before `cancel` has had the lock, or before
                        // the reference that it owns is used below.
                        unsafe {
                            (*node).index.set(OUT);
                            (*node).fired.set(true);
                        }
                        if matches!(action, Action::Claim(_)) {
                            continue;
                        }
                    }
                    due[count] = (action, node);
                    count += 1;
                }
            });
            for (action, node) in &due[..count] {
                ready(match *action {
                    Action::Claim(record) => record,
                    // SAFETY: moved out just now, so its reference is ours.
                    Action::Start(starter) => unsafe { (starter.start)(*node) },
                });
            }
            fired += count;
        }
        fired
    }

    /// The clock has stopped for ever: timers that would start goroutines are dropped. Those that
    /// would end a wait stay: their goroutines never run again.
    pub(crate) fn discard_all(&self) {
        let mut owned = Vec::new();
        self.with(|heap| {
            while let Some(Timer { node, action }) = heap.pop_due(NEVER) {
                if let Action::Start(starter) = action {
                    // SAFETY: an armed node of this kind owns its memory.
                    unsafe { (*node).index.set(OUT) };
                    owned.push((starter, node));
                }
            }
        });
        for (starter, node) in owned {
            // SAFETY: moved out just now, so its reference is ours.
            unsafe { (starter.discard)(node) };
        }
    }
}
