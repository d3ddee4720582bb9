//! The free stacks that workers share, promises of stacks, and how memory goes back to the system.
//!
//! Per size class: *warm* stacks, whose coroutine and pages are in place, *cold* ones, of which only the
//! address and the guard are left, and [*bare*](super::bare) ones, whose guard went as well. All are last
//! in, first out, warm before cold before bare before newly carved.
//!
//! # Promises
//!
//! [`Builder`](crate::Builder) wants to know at once whether there will be a stack, and a goroutine
//! takes one only when it first runs. So it is promised one: a count per class, no page and no guard.
//! At all times
//!
//! ```text
//! promised <= warm + cold + bare + ready        (ready: committed, not carved, see arena::ready)
//! ```
//!
//! Raising the count, and everything that lowers the right side (takes, trims), happens under the
//! class's lock and leaves the promised ones alone. So a goroutine with a promise finds a stack. The
//! count is lowered without the lock, which can only leave more for others: by the goroutine that takes
//! what it was promised, or that got one out of its worker's magazine and gives the promise up.
//!
//! Stacks in magazines are not counted: nobody but their worker reaches them. Stacks that are being
//! trimmed are in no list: who finds nothing to be promised waits for the trim ([`TRIM`]) and looks again.
//!
//! # Memory
//!
//! Once a second sysmon looks how few warm stacks there were at any time since the last look: that
//! many were not needed, and are the ones at the bottom. They become cold: the coroutine is
//! unbound, the pages are discarded, neighbours with one system call; or bare, if enough neighbours are
//! free. After a burst all of them are so two looks later.

use std::io;
use std::ptr::NonNull;

use super::arena;
use super::bare::{self, Bare};
use super::class::{CLASSES, SizeClass};
use super::guard;
use super::slot::Slot;
use crate::sched::stackless;
use crate::shim::Mutex;
use crate::shim::atomic::{AtomicUsize, Ordering};

/// A free slot, owned by the list it is in.
#[derive(Clone, Copy)]
struct Free(NonNull<Slot>);

// SAFETY: a free slot is a piece of memory that whoever takes it out of a list owns.
unsafe impl Send for Free {}

struct Class {
    warm: Vec<Free>,
    /// Lowest addresses of discarded slots.
    cold: Vec<usize>,
    /// Slots without guards.
    bare: Bare,
    /// The fewest warm stacks since the last look.
    least: usize,
}

static CLASS: [Mutex<Class>; CLASSES] = [const {
    Mutex::new(Class {
        warm: Vec::new(),
        cold: Vec::new(),
        bare: Bare::new(),
        least: 0,
    })
}; CLASSES];

/// Warm stacks in all classes; sysmon does not sleep while there are any that it could trim.
static WARM: AtomicUsize = AtomicUsize::new(0);

/// Held while stacks are taken out of the lists to be trimmed and put back.
static TRIM: Mutex<()> = Mutex::new(());

/// Stacks that goroutines were promised, by class; see the [module](self).
static PROMISED: [AtomicUsize; CLASSES] = [const { AtomicUsize::new(0) }; CLASSES];

fn promised(class: SizeClass) -> usize {
    PROMISED[class.index()].load(Ordering::SeqCst)
}

impl Class {
    fn free(&self) -> usize {
        self.warm.len() + self.cold.len() + self.bare.len()
    }

    /// How many of the free stacks are not promised.
    fn spare(&self, class: SizeClass) -> usize {
        let by_lists = promised(class).saturating_sub(arena::ready(class));
        self.free().saturating_sub(by_lists)
    }

    /// Moves up to `count` free stacks out of the lists, warm ones before cold ones. An error if there are
    /// only bare ones and they cannot be guarded.
    fn pop(
        &mut self,
        class: SizeClass,
        mut count: usize,
        warm: &mut Vec<NonNull<Slot>>,
        cold: &mut Vec<usize>,
    ) -> io::Result<()> {
        let keep = self.warm.len().saturating_sub(count);
        let taken = self.warm.len() - keep;
        if self.cold.len() < count - taken {
            let missing = count - taken - self.cold.len();
            let guarded = self.bare.guard(class, missing, &mut self.cold);
            if taken == 0 && self.cold.is_empty() {
                guarded?;
            }
        }
        count -= taken;
        WARM.fetch_sub(taken, Ordering::Relaxed);
        warm.extend(self.warm.drain(keep..).map(|free| free.0));
        self.least = self.least.min(keep);
        let keep = self.cold.len().saturating_sub(count);
        cold.extend(self.cold.drain(keep..));
        Ok(())
    }
}

/// Takes up to `count` stacks of a class that are not promised, at least one, or says why there is
/// none.
pub(super) fn take(class: SizeClass, count: usize, out: &mut Vec<NonNull<Slot>>) -> io::Result<()> {
    let mut bottoms = Vec::new();
    {
        let mut depot = CLASS[class.index()].lock();
        let spare = depot.spare(class);
        if spare > 0 {
            // Cold stacks are worth a page fault each: none while there is a warm one.
            let warm = depot.warm.len();
            let count = if warm > 0 { count.min(warm) } else { count };
            depot.pop(class, count.min(spare), out, &mut bottoms)?;
        } else {
            let keep = promised(class).saturating_sub(depot.free());
            arena::carve(class, count, keep, &mut bottoms)?;
        }
    }
    initialise(class, bottoms, out);
    Ok(())
}

/// Makes stacks of new or discarded slots. Without the lock: each is a page fault.
fn initialise(class: SizeClass, bottoms: Vec<usize>, out: &mut Vec<NonNull<Slot>>) {
    out.extend(bottoms.into_iter().map(|bottom| {
        // SAFETY: carved or taken out of the cold list, so ours and without a header.
        unsafe { arena::initialise(class, bottom) }
    }));
}

/// Waits until no stacks are out of sight because they are being trimmed.
pub(crate) fn await_trim() {
    drop(TRIM.lock());
}

/// Promises a stack of a class, or says why there is none to be had.
pub(crate) fn promise(class: SizeClass) -> io::Result<()> {
    let depot = &mut *CLASS[class.index()].lock();
    loop {
        let missing = (promised(class) + 1).saturating_sub(depot.free());
        if missing <= arena::ready(class) {
            break;
        }
        if guard::are_markers() {
            arena::commit(class, missing)?;
        } else {
            // A guard may be what there is no more of: only a carved slot is certain.
            arena::carve(class, 1, 0, &mut depot.cold)?;
        }
    }
    PROMISED[class.index()].fetch_add(1, Ordering::SeqCst);
    Ok(())
}

/// Takes the stack that the caller was promised.
pub(crate) fn take_promised(class: SizeClass) -> io::Result<NonNull<Slot>> {
    let (mut warm, mut bottoms) = (Vec::new(), Vec::new());
    {
        let mut depot = CLASS[class.index()].lock();
        PROMISED[class.index()].fetch_sub(1, Ordering::SeqCst);
        depot.pop(class, 1, &mut warm, &mut bottoms)?;
        if warm.is_empty() && bottoms.is_empty() {
            arena::carve(class, 1, 0, &mut bottoms)?;
        }
    }
    initialise(class, bottoms, &mut warm);
    Ok(warm.pop().expect("one was taken or carved"))
}

/// Gives up the promise of a stack.
pub(crate) fn give_up_promise(class: SizeClass) {
    PROMISED[class.index()].fetch_sub(1, Ordering::SeqCst);
    // Where stacks are scarce the one that is not promised any more is for whoever waits.
    stackless::serve();
}

/// Puts free stacks back, all of one class, the coldest first.
pub(super) fn give(class: SizeClass, slots: impl ExactSizeIterator<Item = NonNull<Slot>>) {
    WARM.fetch_add(slots.len(), Ordering::Relaxed);
    CLASS[class.index()].lock().warm.extend(slots.map(Free));
}

/// Puts one free stack back.
pub(crate) fn give_one(class: SizeClass, slot: NonNull<Slot>) {
    give(class, [slot].into_iter());
}

/// Warm stacks, and cold ones, in the depot.
pub(crate) fn counts() -> (usize, usize) {
    let warm = WARM.load(Ordering::Relaxed);
    let cold = CLASS.iter().map(|class| {
        let depot = class.lock();
        depot.cold.len() + depot.bare.len()
    });
    (warm, cold.sum())
}

/// Whether there is something to trim at some later look.
pub(crate) fn has_warm() -> bool {
    WARM.load(Ordering::Relaxed) != 0
}

/// One look: makes those stacks cold that nobody needed since the last one. For sysmon.
pub(crate) fn trim() {
    let _trim = TRIM.lock();
    for (index, class) in CLASS.iter().enumerate() {
        let unneeded: Vec<Free> = {
            let mut depot = class.lock();
            let least = depot.least.min(depot.spare(SizeClass::at(index)));
            let least = least.min(depot.warm.len());
            let unneeded = depot.warm.drain(..least).collect();
            depot.least = depot.warm.len();
            unneeded
        };
        make_cold(SizeClass::at(index), unneeded);
    }
}

/// Gives the memory of all cached stacks back to the operating system now.
///
/// The runtime does this by itself a few seconds after a burst. Stacks in workers' own small
/// caches stay. Blocks for the time of a system call per run of neighbouring stacks.
///
/// Go: `debug.FreeOSMemory`.
///
/// ```
/// gors_runtime::free_os_memory();
/// ```
pub fn free_os_memory() {
    let _trim = TRIM.lock();
    for (index, class) in CLASS.iter().enumerate() {
        let all: Vec<Free> = {
            let mut depot = class.lock();
            let spare = depot.spare(SizeClass::at(index)).min(depot.warm.len());
            depot.least = 0;
            depot.warm.drain(..spare).collect()
        };
        make_cold(SizeClass::at(index), all);
    }
}

/// Unbinds slots, gives their memory back and lists them as cold or bare. Meanwhile they are in no list.
fn make_cold(class: SizeClass, slots: Vec<Free>) {
    if slots.is_empty() {
        return;
    }
    WARM.fetch_sub(slots.len(), Ordering::Relaxed);
    let mut bottoms: Vec<usize> = slots
        .into_iter()
        .map(|free| {
            // SAFETY: taken out of the warm list, so free and ours.
            unsafe {
                free.0.as_ref().unbind();
                free.0.as_ref().bottom()
            }
        })
        .collect();
    // Highest first, so that the lowest is reused first: neighbours stay neighbours.
    bottoms.sort_unstable_by(|a, b| b.cmp(a));
    let size = class.slot_size();
    let (mut cold, mut bare) = (Vec::with_capacity(bottoms.len()), Bare::new());
    for run in bottoms.chunk_by(|a, b| a - b == size) {
        // SAFETY: neighbours, all free and ours.
        unsafe { bare::give_back(class, run[run.len() - 1], run.len(), &mut cold, &mut bare) };
    }
    {
        let mut depot = CLASS[class.index()].lock();
        depot.cold.extend(cold);
        depot.bare.append(bare);
    }
    stackless::serve();
}
