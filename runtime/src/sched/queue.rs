//! Where runnable goroutines wait, and how they get there.
//!
//! * A worker's *run-next slot*: the goroutine it made runnable last ([`run_next`](super::run_next)).
//! * A worker's *deque*, first in, first out; thieves take from its front.
//! * The *injector*, shared, in two lanes: *woken* goroutines (timers, foreign threads) before
//!   *new*, yielded and drained ones, so that a sleeper does not queue behind 10,000 hogs. A busy
//!   worker takes woken ones one by one, in turns with its own.
//!
//! A worker submits to its own queues while it has a permit. Everybody else (foreign threads,
//! workers without a permit) submits to the injector: only a permit holder's queue is looked
//! into by thieves.
//!
//! Every submission ends with the submitter's half of the wake-up protocol, see
//! [`wake`](super::wake).
//!
//! # Cost of a submission by a permit holder, nobody idle
//!
//! Three stores and two loads for the run-next slot; if it was occupied a push (two plain stores) and
//! one StoreLoad fence; one load of the packed word; one load of the permit word.
//!
//! A submission to an empty slot does without the fence: idlers do not look at slots, so the fence would
//! not make anybody see the goroutine who does not without it. Its owner comes to it in a moment; if it
//! does not, sysmon sends somebody.

use crossbeam_deque::{Injector, Steal};

use super::wake;
use crate::fence;
use crate::goroutine::RecordPtr;
use crate::goroutine::record::flag;
use crate::shim::atomic::Ordering;
use crate::stack::current_slot;
use crate::worker::{Worker, permit};

/// A lane of the injector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lane {
    /// Goroutines that waited.
    Woken,
    /// Goroutines that are new, yielded, or were drained from a queue.
    New,
}

struct Injectors {
    woken: Injector<RecordPtr>,
    new: Injector<RecordPtr>,
}

static INJECTORS: std::sync::LazyLock<Injectors> = std::sync::LazyLock::new(|| Injectors {
    woken: Injector::new(),
    new: Injector::new(),
});

/// Of how many looks at the injector one prefers the lane of new goroutines.
const NEW_LANE_EVERY: u32 = 4;
/// How many goroutines of a lane are looked at for a token.
const TOKEN_SEARCH: usize = 64;

/// A goroutine was readied: it runs next on the caller's worker, if the caller has one with a
/// permit.
#[inline]
pub(crate) fn submit_woken(record: RecordPtr) {
    match current_slot() {
        Some(slot) if slot.worker().runs() => submit_next(slot.worker(), record),
        _ => inject(record, Lane::Woken),
    }
}

/// A goroutine was made on a worker with a permit, or readied there.
#[inline]
pub(crate) fn submit_next(worker: &'static Worker, record: RecordPtr) {
    match worker.run_next.put(record) {
        None => wake::after_run_next(worker),
        Some(old) => {
            push(worker, old);
            fence::store_load();
            wake::after_submit();
        }
    }
    if worker.permit.load(Ordering::Relaxed) != permit::RUN {
        drain_own(worker);
    }
}

/// A goroutine yielded: it goes behind everything in its worker's queue.
///
/// Without a fence: this worker is about to look at its queue itself. An idler that misses the
/// goroutine in this moment sees it at the next submission; if the goroutine that runs next makes
/// none, sysmon sends a searcher. The loss of a permit is looked at by the main loop.
#[inline(always)]
pub(crate) fn submit_yielded(worker: &'static Worker, record: RecordPtr) {
    if worker.runs() {
        push(worker, record);
        wake::after_submit();
    } else {
        inject(record, Lane::New);
    }
}

/// Whether a goroutine that yields on this worker would be the next to run again at once.
#[inline]
pub(crate) fn nobody_waits(worker: &Worker) -> bool {
    worker.run_next.is_empty() && worker.deque.is_empty() && !injected()
}

/// The owner has moved goroutines from the injector into its queue. That is a submission: an idler
/// may have looked at both while they were in neither, and a taker may have drained before.
pub(crate) fn recheck(worker: &'static Worker) {
    fence::store_load();
    if worker.permit.load(Ordering::Relaxed) == permit::NONE {
        drain_own(worker);
    } else if !worker.stealer.is_empty() {
        wake::after_submit();
    }
}

/// Submits to the injector.
#[inline(never)]
pub(crate) fn inject(record: RecordPtr, lane: Lane) {
    crate::fork::check_inside();
    match lane {
        Lane::Woken => INJECTORS.woken.push(record),
        Lane::New => INJECTORS.new.push(record),
    }
    fence::store_load();
    wake::after_submit();
    crate::sysmon::end_nap();
}

/// Pushes to the own deque. Out of line: growing touches the thread-local state of
/// crossbeam-epoch.
#[inline(never)]
fn push(worker: &'static Worker, record: RecordPtr) {
    worker.deque.push(record);
}

/// Takes one woken goroutine from the injector, and no more: the others must not end up behind the
/// own queue.
pub(crate) fn take_woken() -> Option<RecordPtr> {
    let lane = &INJECTORS.woken;
    while !lane.is_empty() {
        match lane.steal() {
            Steal::Success(record) => return Some(record),
            Steal::Empty => break,
            Steal::Retry => crate::shim::hint::spin_loop(),
        }
    }
    None
}

/// Takes one goroutine from the injector and moves a fair share of the rest to the own deque.
pub(crate) fn take_injected(worker: &'static Worker) -> Option<RecordPtr> {
    let lanes = &*INJECTORS;
    // Not a fresh worker: it may be the one that was added because a woken goroutine waits.
    let tick = worker.tick.load(Ordering::Relaxed);
    let prefer_new = tick % NEW_LANE_EVERY == NEW_LANE_EVERY - 1;
    let order = if prefer_new {
        [&lanes.new, &lanes.woken]
    } else {
        [&lanes.woken, &lanes.new]
    };
    order.into_iter().find_map(|lane| take_share(lane, worker))
}

/// As [`take_injected`], of the goroutines that were not woken.
pub(crate) fn take_new(worker: &'static Worker) -> Option<RecordPtr> {
    take_share(&INJECTORS.new, worker)
}

/// Takes the token of a goroutine that waits for a permit out of the injector, for one who has a permit and
/// no thread to look for work with. The others that are seen on the way go to the end of their lane: a few,
/// so that a call costs little. The caller makes the submitter's half of the protocol for them.
#[cold]
pub(crate) fn take_token() -> Option<RecordPtr> {
    [&INJECTORS.woken, &INJECTORS.new]
        .into_iter()
        .find_map(|lane| {
            let mut budget = lane.len().min(TOKEN_SEARCH);
            while budget > 0 {
                match lane.steal() {
                    Steal::Success(record) if record.get().has(flag::TOKEN) => return Some(record),
                    Steal::Success(record) => {
                        lane.push(record);
                        budget -= 1;
                    }
                    Steal::Empty => break,
                    Steal::Retry => crate::shim::hint::spin_loop(),
                }
            }
            None
        })
}

fn take_share(lane: &Injector<RecordPtr>, worker: &'static Worker) -> Option<RecordPtr> {
    loop {
        match lane.steal_batch_and_pop(&worker.deque) {
            Steal::Success(record) => return Some(record),
            Steal::Empty => return None,
            Steal::Retry => crate::shim::hint::spin_loop(),
        }
    }
}

/// Whether goroutines that were woken wait in the injector, and whether others do.
pub(crate) fn injected_lanes() -> (bool, bool) {
    (!INJECTORS.woken.is_empty(), !INJECTORS.new.is_empty())
}

/// Whether the injector holds anything.
pub(crate) fn injected() -> bool {
    !INJECTORS.woken.is_empty() || !INJECTORS.new.is_empty()
}

/// Goroutines in the injector.
pub(crate) fn injected_len() -> usize {
    INJECTORS.woken.len() + INJECTORS.new.len()
}

/// Whether a worker's queues hold anything.
pub(crate) fn has_work(worker: &Worker) -> bool {
    !worker.run_next.is_empty() || !worker.stealer.is_empty()
}

/// The owner moves everything it has to the injector, because it has no permit (any more).
#[cold]
#[inline(never)]
pub(crate) fn drain_own(worker: &'static Worker) {
    let mut moved = false;
    // Oldest first: the deque, then the run-next slot.
    while let Some(record) = worker.deque.pop() {
        INJECTORS.new.push(record);
        moved = true;
    }
    if let Some(record) = worker.run_next.take() {
        INJECTORS.woken.push(record);
        moved = true;
    }
    if moved {
        fence::store_load();
        wake::after_submit();
        crate::sysmon::end_nap();
    }
}

/// Whoever took a worker's permit moves what is in its queues to the injector. The owner may push
/// and pop meanwhile; what it pushes after this, it drains itself when it sees that its permit is
/// gone.
#[inline(never)]
pub(crate) fn drain_victim(worker: &'static Worker) {
    let mut budget = worker.stealer.len();
    while budget > 0 {
        match worker.stealer.steal() {
            Steal::Success(record) => {
                INJECTORS.new.push(record);
                budget -= 1;
            }
            Steal::Empty => break,
            Steal::Retry => {}
        }
    }
    if let Some(record) = worker.run_next.drain() {
        INJECTORS.woken.push(record);
    }
    fence::store_load();
}
