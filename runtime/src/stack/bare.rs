//! Free stacks of which nothing is left, page tables included.
//!
//! Guards are entries of page tables, so stacks whose memory was discarded keep an eighth of a page each
//! (of a page's 512 entries a slot of 256 KiB covers 64). Where a long run of neighbours becomes free the
//! mapping is renewed instead, which gives the tables back as well, and costs less than discarding. Such
//! slots have no guards: they are made again, many with one call, before a slot leaves this list.

use std::io;
use std::ptr;

use super::arena;
use super::class::SizeClass;
use super::guard::{self, GUARD};
use crate::sys;

/// Shorter runs keep their page tables.
const RUN_MIN: usize = 16 << 20;
/// Bytes renewed at once: page faults on other stacks wait meanwhile.
const PIECE: usize = 16 << 20;
/// Slots of larger classes have page tables to themselves, and are few.
const SLOT_MAX: usize = 1 << 20;
/// Guards made at once.
const GUARDS: usize = 64;

/// Neighbouring slots, from the lowest address on.
struct Run {
    lowest: usize,
    count: usize,
}

/// The bare slots of one class.
pub(super) struct Bare {
    runs: Vec<Run>,
    len: usize,
}

impl Bare {
    pub(super) const fn new() -> Self {
        Self {
            runs: Vec::new(),
            len: 0,
        }
    }

    /// How many slots these are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn push(&mut self, lowest: usize, count: usize) {
        self.runs.push(Run { lowest, count });
        self.len += count;
    }

    /// Takes over all of another list.
    pub(super) fn append(&mut self, other: Self) {
        self.runs.extend(other.runs);
        self.len += other.len;
    }

    /// Guards at least one slot, some more if `wanted`, and moves them to `cold`, the lowest to the end.
    /// Does nothing if there are none.
    pub(super) fn guard(
        &mut self,
        class: SizeClass,
        wanted: usize,
        cold: &mut Vec<usize>,
    ) -> io::Result<()> {
        let Some(run) = self.runs.last_mut() else {
            return Ok(());
        };
        let count = run.count.min(wanted.max(GUARDS));
        // SAFETY: free slots, which this list owns.
        let made = unsafe { arena::guard_again(class, run.lowest, count) }?;
        let size = class.slot_size();
        cold.extend((0..made).rev().map(|index| run.lowest + index * size));
        run.lowest += made * size;
        run.count -= made;
        self.len -= made;
        if run.count == 0 {
            self.runs.pop();
        }
        Ok(())
    }
}

/// Gives the memory of `count` neighbouring free slots back, the lowest of which starts at `lowest`, and
/// lists them by what they have left: `cold` with guards, highest first, or `bare`.
///
/// # Safety
///
/// The slots are the caller's, and nobody uses them.
pub(super) unsafe fn give_back(
    class: SizeClass,
    lowest: usize,
    count: usize,
    cold: &mut Vec<usize>,
    bare: &mut Bare,
) {
    let size = class.slot_size();
    let end = lowest + count * size;
    let mut discard = |from: usize, until: usize| {
        if from < until {
            let (from_stack, len) = (from + GUARD, until - from - GUARD);
            // SAFETY: whole slots of the caller's. The kernel refuses on locked memory: the pages
            // stay, which costs memory and nothing else, because headers are made anew.
            let _ = unsafe { sys::discard(ptr::with_exposed_provenance_mut(from_stack), len) };
            cold.extend((from..until).step_by(size).rev());
        }
    };
    let Some((from, until)) = whole_tables(class, lowest, end) else {
        return discard(lowest, end);
    };
    discard(until, end);
    let piece = PIECE.max(sys::page_table_span());
    let mut high = until;
    while high > from {
        let low = from.max(high.saturating_sub(piece));
        // SAFETY: as above.
        match unsafe { sys::renew(ptr::with_exposed_provenance_mut(low), high - low) } {
            Ok(()) => bare.push(low, (high - low) / size),
            Err(_) => discard(low, high),
        }
        high = low;
    }
    discard(lowest, from);
}

/// The part of a run that has page tables to itself, if that is worth while. Its ends are slots' ends, too:
/// the smaller of the two divides the other.
fn whole_tables(class: SizeClass, lowest: usize, end: usize) -> Option<(usize, usize)> {
    if !guard::are_markers() || class.slot_size() > SLOT_MAX {
        return None;
    }
    let span = sys::page_table_span();
    let (from, until) = (lowest.next_multiple_of(span), end / span * span);
    (until.saturating_sub(from) >= RUN_MIN).then_some((from, until))
}
