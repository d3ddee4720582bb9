//! What is known of each goroutine, collected while they run.

use std::backtrace::Backtrace;
use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::hold::Hold;
use super::unwind::{self, Suspended};
use super::{names, symbols};
use crate::clock;
use crate::goroutine::record::{flag, state};
use crate::goroutine::{Record, RecordPtr, slab};
use crate::raw::WaitReason;
use crate::shim::atomic::Ordering;
use crate::stack::{Slot, carved_slot_at, usage};

/// Goroutines that are held at once: each waits for all of them.
pub(super) const BATCH: usize = 32;

/// One goroutine.
pub(super) struct Seen {
    pub(super) id: u64,
    pub(super) name: Option<Arc<str>>,
    /// [`WaitReason::None`]: it runs or could run.
    pub(super) reason: WaitReason,
    /// It never ran.
    pub(super) is_new: bool,
    pub(super) is_locked: bool,
    pub(super) is_leaked: bool,
    pub(super) waits_since: Option<Duration>,
    pub(super) created: Option<&'static Location<'static>>,
    pub(super) holder: Option<u64>,
    /// Index in [`Snapshot::stacks`].
    pub(super) stack: Option<usize>,
    /// Bytes of the stack that were in use at the deepest moment, if that was asked for, and its size.
    pub(super) used: Option<(usize, usize)>,
}

pub(super) struct Snapshot {
    /// By number.
    pub(super) goroutines: Vec<Seen>,
    /// Each stack that was seen, once, in words.
    pub(super) stacks: Vec<Arc<str>>,
}

/// Collects. Under the dump's lock, on a thread's stack.
pub(super) fn take() -> Snapshot {
    let now = clock::now();
    let mut records = Vec::new();
    slab::for_each(|g| records.push(RecordPtr(std::ptr::from_ref(g).cast_mut())));
    let mut stacks = Stacks::default();
    let mut goroutines = Vec::with_capacity(records.len());
    for batch in records.chunks(BATCH) {
        let hold = Hold::new(batch.iter().copied());
        for record in batch {
            goroutines.extend(look_at(*record, now, hold.as_ref(), &mut stacks));
        }
    }
    goroutines.sort_unstable_by_key(|seen| seen.id);
    Snapshot {
        goroutines,
        stacks: stacks.in_words(),
    }
}

fn look_at(record: RecordPtr, now: u64, hold: Option<&Hold>, stacks: &mut Stacks) -> Option<Seen> {
    let g = record.get();
    let is_held = hold.is_some_and(|hold| hold.holds(record));
    let waits = g.state.load(Ordering::Acquire) != state::RUNNING;
    let slot = slot_of(g);
    let mut seen = Seen {
        id: g.goid(),
        name: None,
        reason: if waits {
            WaitReason::from_u8(g.reason.load(Ordering::Relaxed))
        } else {
            WaitReason::None
        },
        is_new: g.has(flag::FRESH),
        is_locked: g.has(flag::LOCKED),
        is_leaked: false,
        waits_since: None,
        created: g.created(),
        holder: None,
        stack: None,
        used: None,
    };
    if crate::config::get().stack_usage {
        seen.used = usage::of(g).map(|usage| (usage.used, usage.size));
    }
    if let Some(slot) = slot
        && waits
    {
        let since = slot.parked_at.load(Ordering::Relaxed);
        seen.waits_since = Some(Duration::from_nanos(now.saturating_sub(since)));
        if is_held {
            // SAFETY: held while this looks, so nobody runs on the stack.
            unsafe {
                seen.holder = crate::raw::holder_wanted(slot);
                seen.stack = suspended(slot).and_then(|at| stacks.add(at));
            }
        }
    }
    seen.name = names::get(seen.id);
    // Ended while it was looked at.
    (seen.id != 0 && seen.id == g.goid()).then_some(seen)
}

/// The stack that the goroutine has, or had a moment ago.
pub(super) fn slot_of(g: &Record) -> Option<&'static Slot> {
    if g.has(flag::FRESH) {
        return None;
    }
    // What is read is whatever the owner writes there just now, perhaps a part of a closure. It is
    // used only if it is a slot's address: then it can be read, whosesoever it is.
    let slot = g.slot_of_another();
    carved_slot_at(slot.addr()).filter(|found| std::ptr::eq(*found, slot))
}

/// # Safety
///
/// Nobody runs on the stack, nor begins to while the result is used.
pub(super) unsafe fn suspended(slot: &Slot) -> Option<Suspended> {
    Some(Suspended {
        // SAFETY: the caller's promise.
        at: unsafe { slot.suspended_at() }?,
        top: std::ptr::from_ref(slot).addr(),
    })
}

/// The stacks that were seen, by their return addresses.
#[derive(Default)]
struct Stacks {
    known: HashMap<Vec<usize>, usize>,
    all: Vec<(Vec<usize>, Option<Backtrace>)>,
}

impl Stacks {
    /// The index of a stack; captures it when it is the first of its kind.
    ///
    /// # Safety
    ///
    /// Nobody runs on it.
    unsafe fn add(&mut self, stack: Suspended) -> Option<usize> {
        // SAFETY: the caller's promise.
        let addresses = unsafe { unwind::addresses(stack) };
        if addresses.is_empty() {
            return None;
        }
        if let Some(&index) = self.known.get(&addresses) {
            return Some(index);
        }
        let backtrace = if symbols::are_known(&addresses) {
            None
        } else {
            // SAFETY: the caller's promise.
            unsafe { unwind::backtrace(stack) }
        };
        self.known.insert(addresses.clone(), self.all.len());
        self.all.push((addresses, backtrace));
        Some(self.all.len() - 1)
    }

    fn in_words(self) -> Vec<Arc<str>> {
        let all = self.all.into_iter();
        all.map(|(addresses, backtrace)| symbols::in_words(addresses, backtrace))
            .collect()
    }
}
