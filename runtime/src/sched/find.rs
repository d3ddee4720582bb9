//! What a worker runs next.
//!
//! Order: on every 61st tick the injector; the run-next slot, a bounded number of times in a row;
//! the deque; then, out of local work: the injector, due timers, and other workers' queues.
//! Stealing takes half, from every holder once, in random order. A run-next slot is robbed on the
//! last pass only, and only if the same goroutine has stood there for a while: a second worker must
//! not tear a ping-pong pair apart.

use std::ptr;
use std::sync::atomic::Ordering;

use crossbeam_deque::Steal;

use super::word::WORD;
use super::{idle, queue, resize, roster, take, wake};
use crate::goroutine::RecordPtr;
use crate::worker::{Worker, permit};
use crate::{clock, timer};

/// Every how many ticks the injector comes first. A prime, so that it does not beat in time with
/// the program (Go uses the same).
const INJECTOR_EVERY: u32 = 61;
/// How often in a row the run-next slot is preferred to the deque: a pair that wakes each other
/// must not starve the queue.
const RUN_NEXT_STREAK: u32 = 16;
/// Passes over all holders before a search is vain.
const PASSES: u32 = 3;
/// How long a goroutine must stand in a run-next slot to be robbed, in nanoseconds.
const RUN_NEXT_REST: u64 = 3_000;

/// What a worker's look for work came to.
pub(crate) enum Found {
    /// Run this.
    Goroutine(RecordPtr),
    /// Look again: the worker has slept, or lost its permit.
    Nothing,
    /// The thread shall end, and touch the worker no more.
    Retired,
}

/// The next goroutine for a worker with a permit.
#[inline]
pub(crate) fn next(worker: &'static Worker) -> Found {
    if worker.permit.load(Ordering::Relaxed) == permit::RUN {
        if is_time_to_look(worker)
            && let Some(record) = now_and_then(worker)
        {
            return Found::Goroutine(record);
        }
        if let Some(record) = local(worker) {
            return Found::Goroutine(record);
        }
    }
    beyond(worker)
}

/// Whether the worker must look beyond its own queues although they are not empty.
#[inline]
pub(crate) fn is_time_to_look(worker: &Worker) -> bool {
    worker
        .tick
        .load(Ordering::Relaxed)
        .is_multiple_of(INJECTOR_EVERY)
}

/// From the worker's own queues.
#[inline]
fn local(worker: &'static Worker) -> Option<RecordPtr> {
    let streak = worker.run_next_streak.get();
    if streak < RUN_NEXT_STREAK {
        if let Some(record) = queue::take_run_next(worker) {
            worker.run_next_streak.set(streak + 1);
            return Some(record);
        }
        if streak != 0 {
            worker.run_next_streak.set(0);
        }
        worker.deque.pop()
    } else {
        worker.run_next_streak.set(0);
        worker.deque.pop().or_else(|| queue::take_run_next(worker))
    }
}

/// What must not wait until the own queues are empty.
#[cold]
#[inline(never)]
fn now_and_then(worker: &'static Worker) -> Option<RecordPtr> {
    // The first goroutine after a start comes here too, and must not find the tick unchanged
    // for ever if it cannot be bound to a stack.
    worker.next_tick();
    if WORD.load().debt() > 0 {
        take::pay_debt(worker, permit::RUN);
        return None;
    }
    fire_timers(worker);
    let record = queue::take_injected(worker);
    queue::recheck(worker);
    record
}

/// Fires due timers onto the worker's queue.
fn fire_timers(worker: &'static Worker) -> bool {
    let earliest = timer::earliest();
    if earliest == timer::NEVER {
        return false;
    }
    let now = clock::now();
    earliest <= now && timer::fire_due(now, |record| ready_here(worker, record)) > 0
}

/// Readies a goroutine whose timer fired, from the stack of a worker with a permit.
fn ready_here(worker: &'static Worker, record: RecordPtr) {
    if crate::raw::ready_state(record) {
        queue::submit_fired(worker, record);
    }
}

/// Out of local work, or just woken: look everywhere, and lie down if there is nothing.
#[cold]
#[inline(never)]
fn beyond(worker: &'static Worker) -> Found {
    let mut searching = match worker.permit.load(Ordering::Acquire) {
        permit::SEARCH => true,
        permit::RUN => false,
        // The permit was taken: the main loop sees to it.
        _ => return Found::Nothing,
    };
    if WORD.load().debt() > 0 {
        take::pay_debt(worker, worker.permit.load(Ordering::Relaxed));
        return Found::Nothing;
    }
    let mut found = queue::take_injected(worker);
    if found.is_none() && fire_timers(worker) {
        found = local(worker);
    }
    if found.is_none() {
        if !searching && WORD.begin_search(resize::busy()) {
            // The one place where a searcher begins by itself. The word first: whoever sees
            // SEARCH may rely on the count.
            searching = worker
                .permit
                .compare_exchange(
                    permit::RUN,
                    permit::SEARCH,
                    Ordering::SeqCst,
                    Ordering::SeqCst,
                )
                .is_ok();
            if !searching {
                // Taken in between.
                if WORD.end_search() {
                    wake::after_submit();
                }
                return Found::Nothing;
            }
        }
        if searching {
            found = steal(worker);
        }
    }
    match found {
        Some(record) => {
            if searching {
                worker.permit.store(permit::RUN, Ordering::SeqCst);
                if WORD.end_search() {
                    wake::after_submit();
                }
            } else {
                queue::recheck(worker);
            }
            Found::Goroutine(record)
        }
        None => {
            if searching {
                wake::search_was_vain();
            }
            match idle::lie_down(worker, searching) {
                idle::Woken::WithPermit => Found::Nothing,
                idle::Woken::Retired => Found::Retired,
            }
        }
    }
}

/// Looks into every holder's queue.
fn steal(worker: &'static Worker) -> Option<RecordPtr> {
    for pass in 0..PASSES {
        let start = worker.random() as usize;
        for victim in roster::holders(start) {
            if ptr::eq(victim, worker) {
                continue;
            }
            loop {
                match victim.stealer.steal_batch_and_pop(&worker.deque) {
                    Steal::Success(record) => {
                        worker.counters.steals.add(1);
                        wake::end_hold();
                        return Some(record);
                    }
                    Steal::Empty => break,
                    Steal::Retry => std::hint::spin_loop(),
                }
            }
            if pass + 1 == PASSES
                && let Some(record) = rob_run_next(victim)
            {
                worker.counters.steals.add(1);
                return Some(record);
            }
        }
        if let Some(record) = queue::take_injected(worker) {
            return Some(record);
        }
    }
    None
}

/// Takes a goroutine out of another worker's run-next slot if it has stood there for a while.
fn rob_run_next(victim: &Worker) -> Option<RecordPtr> {
    let seen = victim.run_next.load(Ordering::Relaxed);
    if seen.is_null() {
        return None;
    }
    let tick = victim.tick.load(Ordering::Relaxed);
    let start = clock::now();
    while clock::now() - start < RUN_NEXT_REST {
        std::hint::spin_loop();
        if victim.run_next.load(Ordering::Relaxed) != seen
            || victim.tick.load(Ordering::Relaxed) != tick
        {
            return None;
        }
    }
    victim
        .run_next
        .compare_exchange(seen, ptr::null_mut(), Ordering::AcqRel, Ordering::Relaxed)
        .is_ok()
        .then_some(RecordPtr(seen))
}

/// Whether there is anything that a worker more could run: everything, looked at once.
///
/// Run-next slots of others do not count. Their owners come to them in a moment, and an idler that
/// went for them would never sleep beside a ping-pong pair; for an owner that does not come, sysmon
/// sends a searcher.
pub(crate) fn work_in_sight() -> bool {
    queue::injected() || roster::holders(0).any(|worker| !worker.stealer.is_empty())
}
