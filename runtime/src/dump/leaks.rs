//! Who can never wake.
//!
//! # What is found
//!
//! * Operations on a nil channel and `select!` without arms, without a deadline.
//! * Sends and receives, without a deadline, on a channel whose handles are all owned by goroutines
//!   that wait so on it: nobody is left at the other end.
//!
//! # Why nobody is suspected wrongly
//!
//! A channel made by `make` counts its handles. Each wait borrows one, which exists somewhere in memory
//! and stays there. If the channel's address is found nowhere but in the stacks of those who wait on
//! it, then these handles are there. If nothing outside a stack points into it (but the channel and its
//! other waiters, to its waiter), then the handle that is borrowed is its own, and no scope has lent it
//! to others. So there are as many handles as goroutines that wait, at least; if the channel counts no
//! more, then nobody else has one. The goroutines are [held](super::hold) meanwhile, and all writable
//! memory of the process is looked through ([`memory`](super::memory)), twice, because a reference may
//! move: it would have to be missed by both searches, in motion each time, to be overlooked.
//!
//! Whatever looks like an address counts as one. So leaks are missed (a stale copy of a handle lies
//! in some frame or freed block; a handle lies in a structure on the heap; goroutines wait for each
//! other on two channels), but none is invented.

use std::collections::{HashMap, HashSet};
use std::panic::Location;
use std::ptr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::hold::Hold;
use super::memory::{self, Hidden, Suspect};
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
/// to or receive from a channel, made by `make`, and own all its handles.
///
/// Never names a goroutine that something could still wake, and finds by far not all that nothing
/// could: not those that wait for each other on two channels, nor in a `select!` with arms, nor for a lock or a
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

/// The number of a channel's handles, if all of them both send and receive, and the bytes that the channel
/// takes; calls with the address of each waiter.
pub type CountHandles = unsafe fn(*const (), &mut dyn FnMut(usize)) -> Option<(usize, usize)>;

/// How `gors-chan` tells of its channels.
#[derive(Debug)]
pub struct Channels {
    /// The function of the [`Unlock`](crate::raw::Unlock) that a wait is given, with the channel.
    pub unlock: unsafe fn(*const ()),
    /// Asked while somebody waits on the channel.
    pub handles: CountHandles,
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
    let mut lists = Lists::new();
    for batch in records.chunks(snapshot::BATCH) {
        let Some(hold) = Hold::new(batch.iter().copied()) else {
            return found;
        };
        for record in batch {
            if found.contains(&record.get().goid()) {
                continue;
            }
            match judge(*record, &hold, &mut lists) {
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
    // What was read before all were held was only good for choosing them.
    let mut lists = Lists::new();
    let alone = suspects
        .into_iter()
        .filter_map(|record| match judge(record, &hold, &mut lists) {
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
    /// Waits on a channel whose handles are counted.
    Alone(Suspect),
}

fn judge(record: RecordPtr, hold: &Hold, lists: &mut Lists) -> Verdict {
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
            // SAFETY: held while the result is used.
            let stack = unsafe { suspended(slot) };
            let suspect = stack.zip(commit.unlock).and_then(|(stack, unlock)| {
                let mut suspect = Suspect::new(g.goid(), stack);
                waits_on(unlock, &mut suspect, lists).then_some(suspect)
            });
            suspect.map_or(Verdict::Innocent, Verdict::Alone)
        }
        _ => Verdict::Innocent,
    }
}

/// The waiters of each channel that was looked at: many goroutines wait on one, which is walked once.
type Lists = HashMap<Hidden, Waiters>;

struct Waiters {
    /// The channel's handles and bytes, if they are known.
    known: Option<(usize, usize)>,
    /// In the order of their addresses.
    at: Vec<Hidden>,
}

/// Notes the channel that a goroutine waits on; false if it is none, or does not know its handles.
fn waits_on((unlock, channel): Unlock, suspect: &mut Suspect, lists: &mut Lists) -> bool {
    // SAFETY: null or `'static`.
    let Some(channels) = (unsafe { CHANNELS.load(Ordering::Acquire).as_ref() }) else {
        return false;
    };
    if !ptr::fn_addr_eq(unlock, channels.unlock) {
        return false;
    }
    let waiters = lists.entry(Hidden::new(channel.addr())).or_insert_with(|| {
        let mut at = Vec::new();
        let mut add = |waiter| at.push(Hidden::new(waiter));
        // SAFETY: the function says that it is a channel, which lives as long as the wait.
        let known = unsafe { (channels.handles)(channel, &mut add) };
        at.sort_unstable_by_key(|waiter| waiter.get());
        Waiters { known, at }
    });
    suspect.add_own(&waiters.at);
    let known = waiters.known;
    if let Some((handles, len)) = known {
        suspect.set_channel(channel.addr(), len, handles);
    }
    known.is_some()
}
