//! Who can never wake.
//!
//! # What is found
//!
//! * Operations on a nil channel and `select!` without arms, without a deadline.
//! * Sends, receives and selects, without a deadline, on channels whose handles are all owned by
//!   goroutines that wait so on them: nobody is left at the other end.
//! * If nothing else runs: all of these, and waits for a `WaitGroup`, of which no handle is left but with
//!   goroutines that wait so, for whatever and in whatever circles.
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
use super::reach::{Handles, Hidden, Reach};
use super::snapshot::{self, suspended};
use crate::goroutine::record::flag;
use crate::goroutine::{RecordPtr, slab};
use crate::raw::{self, Unlock, WaitReason};
use crate::shim::Mutex;
use crate::shim::atomic::{AtomicPtr, AtomicUsize, Ordering};
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
/// has itself, a group that lacks a `done`.
///
/// Never names a goroutine that something could still wake, and does not find all that nothing
/// could: not those that wait for a lock; not where a handle lies in a structure on the heap or in a channel's
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

/// What is known of a channel that somebody waits on; calls with the address of each waiter. `None` if
/// others than the owners of handles may wake him.
pub type CountHandles = unsafe fn(*const (), &mut dyn FnMut(usize)) -> Option<Handles>;

/// How `gors-chan` tells of its channels.
#[derive(Debug)]
pub struct Channels {
    /// The function of the [`Unlock`](crate::raw::Unlock) that a wait is given, with the channel.
    pub unlock: unsafe fn(*const ()),
    /// Asked while somebody waits on the channel.
    pub handles: CountHandles,
    /// The function of the `Unlock` that the wait of a select is given.
    pub unlock_select: unsafe fn(*const ()),
    /// Calls with each channel, given what the `Unlock` of a select was given, while it waits.
    pub arms: unsafe fn(*const (), &mut dyn FnMut(*const ())),
}

static CHANNELS: AtomicPtr<Channels> = AtomicPtr::new(ptr::null_mut());

/// Makes channels known to [`leaks`](crate::leaks).
#[inline]
pub fn know_channels(channels: &'static Channels) {
    if CHANNELS.load(Ordering::Relaxed).is_null() {
        CHANNELS.store(ptr::from_ref(channels).cast_mut(), Ordering::Release);
    }
}

/// The bytes of a `WaitGroup` from its allocation's start, and to its list of waiters; 0 if unknown.
static GROUP: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

/// Makes `WaitGroup`s known to [`leaks`](crate::leaks): what handles share is an `Arc` of `bytes`, with
/// the list that is waited on at `list`. Waits on lists with [`WaitReason::WaitGroupWait`] are such.
#[inline]
pub fn know_wait_groups(bytes: usize, list: usize) {
    /// Two counts precede the value.
    const COUNTS: usize = 2 * size_of::<usize>();
    GROUP[1].store(COUNTS + list, Ordering::Relaxed);
    GROUP[0].store(COUNTS + bytes, Ordering::Release);
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
    let mut is_new = false;
    let mut world = World::default();
    for batch in records.chunks(snapshot::BATCH) {
        let Some(hold) = Hold::new(batch.iter().copied()) else {
            return found;
        };
        for record in batch {
            let id = record.get().goid();
            let verdict = judge(*record, &hold, &mut world);
            match verdict {
                Verdict::Innocent => continue,
                Verdict::Stuck => {
                    found.insert(id);
                }
                Verdict::Suspect => {}
            }
            suspects.push(*record);
            is_new |= !found.contains(&id);
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

enum Verdict {
    Innocent,
    /// Waits for ever. Added to the world, as what it owns is nobody's.
    Stuck,
    /// Waits for owners of handles. Added to the world.
    Suspect,
}

/// Who waits for what.
#[derive(Default)]
struct World {
    reach: Reach,
    /// The waiters of each channel that was looked at: many goroutines wait on one, which is walked once.
    lists: HashMap<Hidden, List>,
}

struct List {
    /// The channel's number, if others cannot wake who waits on it.
    waited: Option<usize>,
    /// Addresses in their order.
    waiters: Vec<Hidden>,
}

fn judge(record: RecordPtr, hold: &Hold, world: &mut World) -> Verdict {
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
    // SAFETY: held while the result is used.
    let Some(stack) = (unsafe { suspended(slot) }) else {
        return Verdict::Innocent;
    };
    let reason = WaitReason::from_u8(g.reason.load(Ordering::Relaxed));
    let waits_for = match (reason, commit.unlock) {
        (WaitReason::ChanReceiveNil | WaitReason::ChanSendNil | WaitReason::SelectNoCases, _) => {
            Some(Vec::new())
        }
        (WaitReason::ChanReceive | WaitReason::ChanSend | WaitReason::Select, Some(unlock)) => {
            world.channels(unlock)
        }
        (WaitReason::WaitGroupWait, Some(unlock)) => world.group(unlock),
        _ => None,
    };
    let Some(waits_for) = waits_for else {
        return Verdict::Innocent;
    };
    let waited = waits_for.iter().map(|&(_, waited)| waited).collect();
    let lists = waits_for.iter().filter_map(|(at, _)| world.lists.get(at));
    let waiters = lists.map(|list| &*list.waiters);
    world.reach.suspect(g.goid(), stack, waited, waiters);
    if waits_for.is_empty() {
        Verdict::Stuck
    } else {
        Verdict::Suspect
    }
}

impl World {
    /// The channels that a goroutine waits on, with their addresses; `None` if somebody may wake it who
    /// has no handle.
    fn channels(&mut self, (unlock, data): Unlock) -> Option<Vec<(Hidden, usize)>> {
        // SAFETY: null or `'static`.
        let channels = unsafe { CHANNELS.load(Ordering::Acquire).as_ref() }?;
        let mut all = Vec::new();
        if ptr::fn_addr_eq(unlock, channels.unlock) {
            all.push(data);
        } else if ptr::fn_addr_eq(unlock, channels.unlock_select) {
            // SAFETY: the function says that it is what a select gave, which lies on its stack.
            unsafe { (channels.arms)(data, &mut |channel| all.push(channel)) };
        } else {
            return None;
        }
        let all = all.into_iter();
        all.map(|channel| {
            let at = Hidden::new(channel.addr());
            let reach = &mut self.reach;
            let list = self.lists.entry(at).or_insert_with(|| {
                let mut waiters = Vec::new();
                let mut add = |waiter| waiters.push(Hidden::new(waiter));
                // SAFETY: a channel, which lives as long as the wait.
                let handles = unsafe { (channels.handles)(channel, &mut add) };
                waiters.sort_unstable_by_key(|waiter| waiter.get());
                List {
                    waited: handles.map(|handles| reach.waited(channel.addr(), handles)),
                    waiters,
                }
            });
            list.waited.map(|waited| (at, waited))
        })
        .collect()
    }

    /// As [`channels`](Self::channels), of a `WaitGroup`.
    fn group(&mut self, (unlock, data): Unlock) -> Option<Vec<(Hidden, usize)>> {
        let bytes = GROUP[0].load(Ordering::Acquire);
        let list = raw::list_of(unlock, data)?;
        if bytes == 0 {
            return None;
        }
        let at = list - GROUP[1].load(Ordering::Relaxed);
        let handles = Handles {
            bytes,
            whole: None,
            least: 1,
        };
        Some(vec![(Hidden::new(at), self.reach.waited(at, handles))])
    }
}
