//! Who can never wake.
//!
//! # What is found
//!
//! * Operations on a nil channel and `select!` without arms, without a deadline.
//! * Sends and receives, without a deadline, on a channel of which the waiting goroutine owns the only
//!   handle: nobody is left at the other end.
//!
//! # Why nobody is suspected wrongly
//!
//! A channel made by `make` counts its handles, so it knows when there is one. That one exists
//! somewhere in memory, and stays there, because the waiting operation borrows it. If the channel's
//! address is found nowhere but in the goroutine's own stack, then the handle is there, and others
//! could use it only by reference: from a scope, for example. So nothing outside may point into that
//! stack either. The goroutine is [held](super::hold) meanwhile, and all writable memory of the process
//! is looked through ([`memory`](super::memory)), twice, because what is looked for may move: it would
//! have to be missed by both searches, in motion each time, to be overlooked.
//!
//! Whatever looks like an address counts as one. So leaks are missed (a stale copy of a handle lies
//! in some frame or freed block; a handle lies in a structure on the heap; two goroutines wait for
//! each other), but none is invented.

use std::collections::HashSet;
use std::panic::Location;
use std::ptr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::hold::Hold;
use super::memory::{self, Suspect};
use super::snapshot::{self, suspended};
use crate::goroutine::record::flag;
use crate::goroutine::{RecordPtr, slab};
use crate::raw::{Unlock, WaitReason};
use crate::shim::Mutex;
use crate::shim::atomic::{AtomicPtr, Ordering};
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
/// to or receive from a channel, made by `make`, of which they own the only handle.
///
/// Never names a goroutine that something could still wake, and finds by far not all that nothing
/// could: not those that wait for each other, nor in a `select!` with arms, nor for a lock or a
/// `WaitGroup`; not where the handle lies in a structure on the heap; and not where a word that looks
/// like the channel's address is left anywhere else in memory.
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
        let found = find(own);
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

/// The goroutine that asks. What lies beyond its stack pointer is nobody's.
#[derive(Clone, Copy, Default)]
pub(super) struct Own {
    /// The header of its stack.
    pub(super) slot: usize,
    pub(super) at: usize,
}

impl Own {
    #[inline(never)]
    pub(super) fn of_caller() -> Self {
        let here = 0_u8;
        current_slot().map_or(Self::default(), |slot| Self {
            slot: ptr::from_ref(slot).addr(),
            at: (&raw const here).addr(),
        })
    }
}

/// How `gors-chan` tells of its channels: what a plain wait on one unlocks, and, for a channel with
/// one handle in all, the bytes that it takes.
#[derive(Debug)]
pub struct Channels {
    /// The function of the [`Unlock`](crate::raw::Unlock) that a wait is given, with the channel.
    pub unlock: unsafe fn(*const ()),
    /// Asked while somebody waits on the channel.
    pub sole_handle: unsafe fn(*const ()) -> Option<usize>,
}

static CHANNELS: AtomicPtr<Channels> = AtomicPtr::new(ptr::null_mut());

/// Makes channels known to [`leaks`](crate::leaks).
#[inline]
pub fn know_channels(channels: &'static Channels) {
    if CHANNELS.load(Ordering::Relaxed).is_null() {
        CHANNELS.store(ptr::from_ref(channels).cast_mut(), Ordering::Release);
    }
}

/// Numbers of goroutines that were found.
static FOUND: LazyLock<Mutex<HashSet<u64>>> = LazyLock::new(Mutex::default);

/// The goroutines that can never wake. Under the dump's lock, on a thread's stack.
pub(super) fn find(own: Own) -> HashSet<u64> {
    let mut records = Vec::new();
    slab::for_each(|g| records.push(RecordPtr(ptr::from_ref(g).cast_mut())));
    // Who could not wake then cannot now, even if a backtrace has left its addresses in memory since.
    let mut remembered = FOUND.lock();
    let mut found = remembered.clone();
    let mut suspects = Vec::new();
    for batch in records.chunks(snapshot::BATCH) {
        let Some(hold) = Hold::new(batch.iter().copied()) else {
            return found;
        };
        for record in batch {
            if found.contains(&record.get().goid()) {
                continue;
            }
            match judge(*record, &hold) {
                Verdict::Innocent => {}
                Verdict::Stuck => {
                    found.insert(record.get().goid());
                }
                Verdict::Alone(_) => suspects.push(*record),
            }
        }
    }
    if suspects.is_empty() {
        return found;
    }
    let Some(hold) = Hold::new(suspects.iter().copied()) else {
        return found;
    };
    let alone = suspects
        .into_iter()
        .filter_map(|record| match judge(record, &hold) {
            Verdict::Alone(suspect) => Some(suspect),
            _ => None,
        })
        .collect();
    found.extend(memory::nowhere_else(alone, own));
    remembered.clone_from(&found);
    found
}

enum Verdict {
    Innocent,
    /// Waits for ever.
    Stuck,
    /// Waits on a channel with one handle.
    Alone(Suspect),
}

fn judge(record: RecordPtr, hold: &Hold) -> Verdict {
    let g = record.get();
    if !hold.holds(record) || g.has(flag::FRESH) {
        return Verdict::Innocent;
    }
    // SAFETY: parked and held, so it has a stack.
    let slot = unsafe { &*g.slot() };
    let commit = slot.commit.get();
    if !commit.timer.is_null() {
        return Verdict::Innocent;
    }
    match WaitReason::from_u8(g.reason.load(Ordering::Relaxed)) {
        WaitReason::ChanReceiveNil | WaitReason::ChanSendNil | WaitReason::SelectNoCases => {
            Verdict::Stuck
        }
        WaitReason::ChanReceive | WaitReason::ChanSend => {
            let channel = commit.unlock.and_then(alone_on);
            // SAFETY: held while the result is used.
            let stack = unsafe { suspended(slot) };
            match (channel, stack) {
                (Some((channel, len)), Some(stack)) => {
                    Verdict::Alone(Suspect::new(g.goid(), channel, len, stack))
                }
                _ => Verdict::Innocent,
            }
        }
        _ => Verdict::Innocent,
    }
}

/// The channel that a goroutine waits on, if it has one handle in all: its address and its size.
fn alone_on((unlock, channel): Unlock) -> Option<(usize, usize)> {
    // SAFETY: null or `'static`.
    let channels = unsafe { CHANNELS.load(Ordering::Acquire).as_ref() }?;
    if !ptr::fn_addr_eq(unlock, channels.unlock) {
        return None;
    }
    // SAFETY: the function says that it is a channel, which lives as long as the wait.
    let len = unsafe { (channels.sole_handle)(channel) }?;
    Some((channel.addr(), len))
}
