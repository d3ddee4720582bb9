//! Who can never wake.
//!
//! # What is found
//!
//! * Operations on a nil channel and `select!` without arms, without a deadline.
//! * Sends, receives and selects, without a deadline, on channels whose handles are all owned by
//!   goroutines that wait so on them: nobody is left at the other end.
//! * If nothing else runs: all of these, and waits for a `WaitGroup` or an `Unparker`, of which no handle is left
//!   but with goroutines that wait so, for whatever and in whatever circles.
//! * Joins of goroutines that are found.
//!
//! # Why nobody is suspected wrongly
//!
//! The goroutines are [held](super::hold) meanwhile, and all writable memory of the process is looked
//! through ([`memory`](super::memory)), twice, because a reference may move: it would have to be missed
//! by both searches, in motion each time, to be overlooked. Whatever looks like an address counts as
//! one. So leaks are missed (a stale copy of a handle lies in some frame or freed block; a handle lies in a
//! structure on the heap), but none is invented.
//!
//! A channel made by `make` counts its handles. Each wait borrows one, which exists somewhere in memory
//! and stays there. If the channel's address is found nowhere but in the stacks of those who wait on
//! it, then these handles are there. If nothing outside a stack points into it (but the channel and its
//! other waiters, to its waiter), then the handle that is borrowed is its own, and no scope has lent it
//! to others. So there are as many handles as goroutines that wait, at least; if the channel counts no
//! more, then nobody else has one.
//!
//! That does not find a handle that its owner does not wait on: then the count says nothing, and the
//! handle may be in a register of somebody who runs. So it is looked for only if nobody
//! [runs](super::quiet) from before the first search to after the second. [`reach`](super::reach) has both verdicts.

use std::collections::{HashMap, HashSet};
use std::panic::Location;
use std::ptr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::hold::Hold;
use super::memory::Search;
use super::quiet;
use super::reach::Hidden;
use super::snapshot;
use super::waits::{Verdict, World, judge};
use crate::goroutine::{RecordPtr, slab};
use crate::raw::WaitReason;
use crate::shim::Mutex;
use crate::stack::current_slot;

/// A goroutine that can never wake; see [`leaks`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Leak {
    /// The goroutine's number.
    pub goroutine: u64,
    /// The goroutine's name, if it has one.
    pub name: Option<Arc<str>>,
    /// What it waits for.
    pub reason: WaitReason,
    /// For how long, within some 10 ms.
    pub waits_since: Duration,
    /// The source line that created it.
    pub created: Option<&'static Location<'static>>,
}

/// Goroutines that can never wake: they wait for ever (a nil channel, `select!` without arms), or send
/// to, receive from or select among channels, made by `make`, and own all their handles.
///
/// If nothing else runs at that moment (other goroutines wait or sleep, no thread of the process is
/// neither gors' own nor waits in one of its operations, no signal is subscribed to), it also finds those that
/// wait on channels of any kind and for `WaitGroup`s of which only goroutines that can never wake have
/// handles: circles over several channels, a worker that receives from a channel whose last sender it
/// has itself, a group that lacks a `done`, a parker without an unparker. Who joins a goroutine that is found
/// is found, too.
///
/// Never names a goroutine that something could still wake, and does not find all that nothing
/// could: not those that wait for a lock or for the end of a scope; not where a handle lies in a structure on the heap or in a channel's
/// buffer; and not where a word that looks like the channel's address is left anywhere else in memory.
///
/// [`stack_dump`](crate::stack_dump) marks the same goroutines. Looks through the memory of the process,
/// about a second for a gigabyte in use, while the others run. Blocks the OS thread meanwhile.
///
/// Go: the `goroutineleak` profile.
///
/// ```
/// use std::time::Duration;
/// use gors_runtime::raw::{WaitReason, park_forever};
///
/// gors_runtime::run(|| {
///     let stuck = gors_runtime::spawn(|| park_forever(WaitReason::SelectNoCases));
///     while gors_runtime::leaks().is_empty() {
///         gors_runtime::sleep(Duration::from_millis(1));
///     }
///     assert_eq!(gors_runtime::leaks()[0].goroutine, stuck.id());
/// });
/// ```
#[must_use]
pub fn leaks() -> Vec<Leak> {
    let own = Own::of_caller();
    super::with_room(move || {
        let _dumping = super::DUMPING.lock();
        let found = find(&own);
        if found.is_empty() {
            return Vec::new();
        }
        let all = snapshot::take().goroutines.into_iter();
        all.filter(|seen| found.contains(&seen.id) && seen.reason != WaitReason::None)
            .map(|seen| Leak {
                goroutine: seen.id,
                name: seen.name,
                reason: seen.reason,
                waits_since: seen.waits_since.unwrap_or_default(),
                created: seen.created,
            })
            .collect()
    })
}

/// Who asks. What lies beyond its stack pointer is nobody's.
#[derive(Clone, Debug)]
pub(super) struct Own {
    /// The header of its stack; 0 for a plain thread, as is its number.
    pub(super) slot: usize,
    pub(super) goroutine: u64,
    pub(super) at: usize,
    pub(super) thread: u32,
    pub(super) registers: [Hidden; 6],
}

impl Own {
    #[inline(never)]
    pub(super) fn of_caller() -> Self {
        let registers = crate::sys::preserved_registers().map(Hidden::new);
        let here = 0_u8;
        let slot = current_slot();
        Self {
            slot: slot.map_or(0, |slot| ptr::from_ref(slot).addr()),
            goroutine: slot.map_or(0, |slot| slot.record().goid()),
            at: (&raw const here).addr(),
            thread: crate::sys::thread_id(),
            registers,
        }
    }
}

/// Numbers of goroutines that were found.
static FOUND: LazyLock<Mutex<HashSet<u64>>> = LazyLock::new(Mutex::default);

/// The goroutines that can never wake. Under the dump's lock, on a thread's stack.
pub(super) fn find(own: &Own) -> HashSet<u64> {
    let mut records = Vec::new();
    slab::for_each(|g| records.push(RecordPtr(ptr::from_ref(g).cast_mut())));
    // Who could not wake then cannot now, even if a backtrace has left its addresses in memory since.
    let mut remembered = FOUND.lock();
    let mut found = remembered.clone();
    let mut suspects = Vec::new();
    let mut next = Vec::new();
    let mut joiners: HashMap<u64, Vec<RecordPtr>> = HashMap::new();
    let mut is_new = false;
    let mut world = World::default();
    for batch in records.chunks(snapshot::BATCH) {
        let Some(hold) = Hold::new(batch.iter().copied()) else {
            return found;
        };
        for record in batch {
            let id = record.get().goid();
            match judge(*record, &hold, &mut world) {
                Verdict::Innocent => continue,
                Verdict::Joins(of) => {
                    joiners.entry(of).or_default().push(*record);
                    continue;
                }
                Verdict::Stuck => {
                    found.insert(id);
                }
                Verdict::Suspect => {}
            }
            suspects.push(*record);
            next.push(id);
            is_new |= !found.contains(&id);
        }
    }
    // Who joins one that may be lost may be lost as well, and is if that one is.
    while let Some(id) = next.pop() {
        for joiner in joiners.remove(&id).unwrap_or_default() {
            let joiner_id = joiner.get().goid();
            if found.contains(&id) {
                found.insert(joiner_id);
            }
            suspects.push(joiner);
            next.push(joiner_id);
            is_new |= !found.contains(&joiner_id);
        }
    }
    // Those who are known to be stuck are suspects too, because what they own is nobody's.
    if is_new {
        let before = quiet::look(own);
        let by_count = world.reach.stuck_by_count();
        if before.is_some() || by_count.iter().any(|id| !found.contains(id)) {
            found.extend(search(suspects, before, own));
        }
    }
    remembered.clone_from(&found);
    found
}

fn search(suspects: Vec<RecordPtr>, before: Option<u64>, own: &Own) -> Vec<u64> {
    let Some(hold) = Hold::new(suspects.iter().copied()) else {
        return Vec::new();
    };
    // What was read before all were held was only good for choosing them.
    let mut world = World::default();
    for record in suspects {
        judge(record, &hold, &mut world);
    }
    let mut reach = world.reach;
    for _ in 0..2 {
        if !Search::new(&mut reach, before.is_some()).everything(own) {
            return Vec::new();
        }
        reach.end();
    }
    let mut stuck = reach.stuck_by_count();
    if before.is_some() && quiet::look(own) == before {
        stuck.extend(reach.stuck_by_reference());
    }
    stuck
}
