//! What parked goroutines wait for, as far as [`leaks`](super::leaks) can tell who could end it.

use std::collections::HashMap;
use std::ptr;

use super::hold::Hold;
use super::reach::{Handles, Hidden, Reach};
use super::snapshot::suspended;
use crate::goroutine::RecordPtr;
use crate::goroutine::record::flag;
use crate::parker;
use crate::raw::{self, Unlock, WaitReason};
use crate::shim::atomic::{AtomicPtr, AtomicUsize, Ordering};

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
    /// The path of `core.rs`, by which dumps know the frames of channels.
    pub source: &'static str,
}

static CHANNELS: AtomicPtr<Channels> = AtomicPtr::new(ptr::null_mut());

/// Makes channels known to [`leaks`](crate::leaks).
#[inline]
pub fn know_channels(channels: &'static Channels) {
    if CHANNELS.load(Ordering::Relaxed).is_null() {
        CHANNELS.store(ptr::from_ref(channels).cast_mut(), Ordering::Release);
    }
}

/// What handles share: an `Arc` of something with a list of waiters in it.
#[derive(Clone, Copy)]
struct Shape {
    /// From the allocation's start to its end.
    bytes: usize,
    /// From its start to the list.
    list: usize,
}

impl Shape {
    /// An `Arc` of a value with so many bytes and its list at this offset.
    const fn of([bytes, list]: [usize; 2]) -> Self {
        /// Two counts precede the value.
        const COUNTS: usize = 2 * size_of::<usize>();
        Self {
            bytes: COUNTS + bytes,
            list: COUNTS + list,
        }
    }
}

/// See [`Channels::source`].
pub(super) fn source_of_channels() -> Option<&'static str> {
    // SAFETY: null or `'static`.
    let channels = unsafe { CHANNELS.load(Ordering::Acquire).as_ref() }?;
    Some(channels.source)
}

/// A `WaitGroup`'s bytes, and the offset of its list; 0 if unknown.
static GROUP: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

/// Makes `WaitGroup`s known to [`leaks`](crate::leaks): what handles share is an `Arc` of `bytes`, with
/// the list that is waited on at `list`. Waits on lists with [`WaitReason::WaitGroupWait`] are such.
#[inline]
pub fn know_wait_groups(bytes: usize, list: usize) {
    GROUP[1].store(list, Ordering::Relaxed);
    GROUP[0].store(bytes, Ordering::Release);
}

fn group_shape() -> Option<Shape> {
    let bytes = GROUP[0].load(Ordering::Acquire);
    (bytes != 0).then(|| Shape::of([bytes, GROUP[1].load(Ordering::Relaxed)]))
}

/// Whether a goroutine may be lost. All but the innocent are added to the world, as what the lost own
/// is nobody's.
pub(super) enum Verdict {
    Innocent,
    /// Waits for ever.
    Stuck,
    /// Waits for owners of handles.
    Suspect,
    /// Waits for the end of the goroutine with this number.
    Joins(u64),
}

/// Who waits for what.
#[derive(Default)]
pub(super) struct World {
    pub(super) reach: Reach,
    /// The waiters of each channel that was looked at: many goroutines wait on one, which is walked once.
    lists: HashMap<Hidden, List>,
}

struct List {
    /// The channel's number, if others cannot wake who waits on it.
    waited: Option<usize>,
    /// Addresses in their order.
    waiters: Vec<Hidden>,
}

/// What is known of the wait of a goroutine; nothing that could be of use unless it is held.
pub(super) fn judge(record: RecordPtr, hold: &Hold, world: &mut World) -> Verdict {
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
    if let (WaitReason::Join, Some((unlock, data))) = (reason, commit.unlock) {
        // SAFETY: parked and held.
        let Some(of) = (unsafe { raw::joined(unlock, data) }) else {
            return Verdict::Innocent;
        };
        world.reach.joiner(g.goid(), stack, of);
        return Verdict::Joins(of);
    }
    let waits_for = match (reason, commit.unlock) {
        (WaitReason::ChanReceiveNil | WaitReason::ChanSendNil | WaitReason::SelectNoCases, _) => {
            Some(Vec::new())
        }
        (WaitReason::ChanReceive | WaitReason::ChanSend | WaitReason::Select, Some(unlock)) => {
            world.channels(unlock)
        }
        (WaitReason::WaitGroupWait, Some(unlock)) => {
            group_shape().and_then(|shape| world.shared(unlock, shape))
        }
        (WaitReason::Park | WaitReason::BlockOn, Some(unlock)) => {
            world.shared(unlock, Shape::of(parker::SHAPE))
        }
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

    /// As [`channels`](Self::channels), of something that handles share.
    fn shared(&mut self, (unlock, data): Unlock, shape: Shape) -> Option<Vec<(Hidden, usize)>> {
        let at = raw::list_of(unlock, data)? - shape.list;
        let handles = Handles {
            bytes: shape.bytes,
            whole: None,
            least: 1,
        };
        Some(vec![(Hidden::new(at), self.reach.waited(at, handles))])
    }
}
