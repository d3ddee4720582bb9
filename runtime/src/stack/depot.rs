//! The free stacks that workers share, and how their memory goes back to the system.
//!
//! Per size class: *warm* stacks, whose coroutine and pages are in place, and *cold* ones, of which
//! only the address is left. Both are last in, first out, warm before cold before newly carved.
//!
//! Once a second sysmon looks how few warm stacks there were at any time since the last look: that
//! many were not needed, and are the ones at the bottom. They become cold: the coroutine is
//! unbound, the pages are discarded (guards stay), neighbours with one system call. After a burst
//! all of them are cold two looks later.

use std::io;
use std::ptr::{self, NonNull};

use super::arena::{self, CLASSES, GUARD, SizeClass};
use super::slot::Slot;
use crate::shim::Mutex;
use crate::shim::atomic::{AtomicUsize, Ordering};
use crate::sys;

/// A free slot, owned by the list it is in.
#[derive(Clone, Copy)]
struct Free(NonNull<Slot>);

// SAFETY: a free slot is a piece of memory that whoever takes it out of a list owns.
unsafe impl Send for Free {}

struct Class {
    warm: Vec<Free>,
    /// Lowest addresses of discarded slots.
    cold: Vec<usize>,
    /// The fewest warm stacks since the last look.
    least: usize,
}

static CLASS: [Mutex<Class>; CLASSES] = [const {
    Mutex::new(Class {
        warm: Vec::new(),
        cold: Vec::new(),
        least: 0,
    })
}; CLASSES];

/// Warm stacks in all classes; sysmon does not sleep while there are any that it could trim.
static WARM: AtomicUsize = AtomicUsize::new(0);

/// Takes up to `count` stacks of a class, at least one, or says why there is none.
pub(super) fn take(class: SizeClass, count: usize, out: &mut Vec<NonNull<Slot>>) -> io::Result<()> {
    {
        let mut depot = CLASS[class.index()].lock();
        if !depot.warm.is_empty() {
            let keep = depot.warm.len().saturating_sub(count);
            WARM.fetch_sub(depot.warm.len() - keep, Ordering::Relaxed);
            out.extend(depot.warm.drain(keep..).map(|free| free.0));
            depot.least = depot.least.min(keep);
            return Ok(());
        }
        if !depot.cold.is_empty() {
            let keep = depot.cold.len().saturating_sub(count);
            for bottom in depot.cold.drain(keep..) {
                // SAFETY: taken out of the cold list: carved, discarded and ours.
                out.push(unsafe { arena::reinitialise(class, bottom) });
            }
            return Ok(());
        }
    }
    arena::carve(class, count, out)
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
    let cold = CLASS.iter().map(|class| class.lock().cold.len()).sum();
    (WARM.load(Ordering::Relaxed), cold)
}

/// Whether there is something to trim at some later look.
pub(crate) fn has_warm() -> bool {
    WARM.load(Ordering::Relaxed) != 0
}

/// One look: makes those stacks cold that nobody needed since the last one. For sysmon.
pub(crate) fn trim() {
    for (index, class) in CLASS.iter().enumerate() {
        let unneeded: Vec<Free> = {
            let mut depot = class.lock();
            let least = depot.least.min(depot.warm.len());
            let unneeded = depot.warm.drain(..least).collect();
            depot.least = depot.warm.len();
            unneeded
        };
        make_cold(index, unneeded);
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
    for (index, class) in CLASS.iter().enumerate() {
        let all: Vec<Free> = {
            let mut depot = class.lock();
            depot.least = 0;
            std::mem::take(&mut depot.warm)
        };
        make_cold(index, all);
    }
}

/// Unbinds and discards slots and lists them as cold.
fn make_cold(index: usize, slots: Vec<Free>) {
    if slots.is_empty() {
        return;
    }
    WARM.fetch_sub(slots.len(), Ordering::Relaxed);
    // SAFETY: a slot's header is always readable while the slot is warm.
    let class = unsafe { slots[0].0.as_ref() }.class();
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
    for run in bottoms.chunk_by(|a, b| a - b == size) {
        let lowest = run[run.len() - 1];
        let len = run.len() * size - GUARD;
        // SAFETY: whole slots, all free and ours. The kernel refuses on locked memory: the pages
        // stay, which costs memory and nothing else, because headers are made anew.
        let _ = unsafe { sys::discard(ptr::with_exposed_provenance_mut(lowest + GUARD), len) };
    }
    CLASS[index].lock().cold.extend(bottoms);
}
