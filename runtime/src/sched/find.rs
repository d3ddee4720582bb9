//! What a worker runs next.
//!
//! Order: now and then, at the latest on every 61st tick, due timers and the injector; the run-next
//! slot, in turns with the deque; then, out of local work: the injector, due timers, and other
//! workers' queues.
//! Stealing takes half, from every holder once, in random order. A run-next slot is robbed on the
//! last pass only, and only if the same goroutine has stood there for a while: a second worker must
//! not tear a ping-pong pair apart.

use std::ptr;

use crossbeam_deque::Steal;

use super::word::WORD;
use super::{idle, loan, queue, resize, roster, stackless, take, wake};
use crate::goroutine::RecordPtr;
use crate::goroutine::record::flag;
use crate::shim::atomic::Ordering;
use crate::stack::Slot;
use crate::worker::{Look, Turn, Worker, permit};
use crate::{clock, poller, timer};

/// After how many ticks at most the injector comes first. A prime, so that it does not beat in time
/// with the program (Go uses the same).
const INJECTOR_EVERY: u32 = 61;
/// About how long a woken goroutine may stand in the injector before a busy worker looks, in
/// nanoseconds.
const LOOK_PAUSE: u64 = 10_000;
/// As long for a new one.
const NEW_LANE_PAUSE: u64 = 5_000_000;
/// How often in a row the run-next slot is preferred to the deque, at most, before it is asked whose turn it
/// is: a pair that wakes each other must not starve the queue.
pub(crate) const RUN_NEXT_STREAK: u32 = 16;
/// The longest turn of those who wake each other through the run-next slot, in nanoseconds.
const LONGEST_TURN: u64 = 10_000_000;
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
    let tick = worker.tick.load(Ordering::Relaxed);
    tick.wrapping_sub(worker.look_at.get()).cast_signed() >= 0
}

/// From the worker's own queues.
#[inline]
fn local(worker: &'static Worker) -> Option<RecordPtr> {
    let streak = worker.run_next_streak.get();
    if streak < worker.run_next_limit.get() {
        if let Some(record) = worker.run_next.take() {
            worker.run_next_streak.set(streak + 1);
            return Some(record);
        }
        if streak != 0 {
            worker.run_next_streak.set(0);
        }
        worker.deque.pop()
    } else {
        change_turns(worker)
    }
}

/// The run-next slot was preferred often enough to ask whether it is the queue's turn.
///
/// Those who wake each other through the slot (a *chain*) and those in the queue take turns of the
/// same length: a turn of the queue is one goroutine, and what it takes, up to a slice, the chain may
/// take next. So neither a ping-pong pair starves a busy goroutine nor the other way round, and a
/// chain with nobody behind it does not look at the clock.
///
/// A goroutine of the queue that wakes another begins a chain of its own, in front of the former one.
/// That may go on for as long as the former took from one look to the next: else a pair that wakes each
/// other every microsecond would get a thousandth of what one gets that takes a millisecond.
///
/// After a turn of the queue the limit is 0, which leads back here for the time.
#[cold]
#[inline(never)]
fn change_turns(worker: &'static Worker) -> Option<RecordPtr> {
    let uses = worker.run_next_streak.replace(0);
    let queue_had_its_turn = worker.run_next_limit.replace(RUN_NEXT_STREAK) == 0;
    if queue_had_its_turn || !worker.deque.is_empty() {
        let now = clock::now();
        let turn = worker.turn.get();
        let taken = now.saturating_sub(turn.since);
        let pace = now.saturating_sub(turn.looked);
        if queue_had_its_turn {
            let is_new_chain = worker.run_next.peek() != turn.chain;
            let (length, limit) = if is_new_chain {
                (taken.max(turn.pace), uses_in_a_turn(taken, 1))
            } else {
                (taken, turn.limit)
            };
            worker.run_next_limit.set(limit);
            worker.turn.set(Turn {
                since: now,
                looked: now,
                length: length.min(LONGEST_TURN),
                ..turn
            });
        } else {
            let limit = uses_in_a_turn(pace, uses);
            if taken >= turn.length
                && let Some(record) = worker.deque.pop()
            {
                worker.turn.set(Turn {
                    since: now,
                    looked: now,
                    length: 0,
                    chain: worker.run_next.peek(),
                    pace,
                    limit,
                });
                worker.run_next_limit.set(0);
                return Some(record);
            }
            worker.run_next_limit.set(limit);
            worker.turn.set(Turn {
                looked: now,
                ..turn
            });
        }
    }
    worker.run_next.take().or_else(|| worker.deque.pop())
}

/// How often in a row the run-next slot may be preferred, if that took so long for so many.
fn uses_in_a_turn(time: u64, uses: u32) -> u32 {
    let each = (time / u64::from(uses.max(1))).max(1);
    u32::try_from(LONGEST_TURN / each)
        .unwrap_or(RUN_NEXT_STREAK)
        .clamp(1, RUN_NEXT_STREAK)
}

/// What must not wait until the own queues are empty: due timers, woken goroutines in the injector,
/// a smaller GOMAXPROCS; more rarely, new goroutines in the injector.
///
/// The pause until the next look is chosen so that looks are some [`LOOK_PAUSE`] apart and at most
/// [`INJECTOR_EVERY`] ticks: goroutines that run for 20 µs each must not make a sleeper 61 times
/// that late, and a ping-pong pair must not read the clock at every turn.
#[cold]
#[inline(never)]
fn now_and_then(worker: &'static Worker) -> Option<RecordPtr> {
    let tick = worker.tick.load(Ordering::Relaxed);
    worker.next_tick();
    stackless::flush_if_asked(worker);
    if WORD.load().debt() > 0 {
        take::pay_debt(worker, permit::RUN);
        return None;
    }
    let now = clock::now();
    let last = worker.last_look.replace(Look { tick, time: now });
    let ticks = u64::from(tick.wrapping_sub(last.tick)).max(1);
    let per_tick = (now.saturating_sub(last.time) / ticks).max(1);
    let mut pause = u32::try_from(LOOK_PAUSE / per_tick)
        .unwrap_or(INJECTOR_EVERY)
        .clamp(1, INJECTOR_EVERY);
    if timer::bound() <= now && now >= worker.fired_at.get() + LOOK_PAUSE {
        // Not one by one as they come due while the woken ones take their turns: those fired
        // together load what their goroutines need side by side.
        worker.fired_at.set(now);
        timer::fire_due(now, ready_fired);
    }
    let mut record = None;
    let last = worker.last_new_look.get();
    let is_due =
        tick.wrapping_sub(last.tick) >= INJECTOR_EVERY || now >= last.time + NEW_LANE_PAUSE;
    if is_due && !loan::is_borrower(worker) {
        // Also while woken ones wait, of which there may be some at every look.
        worker.last_new_look.set(Look { tick, time: now });
        record = queue::take_new(worker);
        queue::recheck(worker);
    }
    if record.is_none() {
        record = queue::take_woken();
        if record.is_some() {
            // Woken goroutines and those of the own queue take turns.
            pause = 2;
        }
    }
    worker.look_at.set(tick.wrapping_add(1 + pause));
    record
}

/// Fires due timers. Reads the clock only if there are any timers.
fn fire_timers() {
    let bound = timer::bound();
    if bound == timer::NEVER {
        return;
    }
    let now = clock::now();
    if bound <= now {
        timer::fire_due(now, ready_fired);
    }
}

/// Readies a goroutine whose timer fired: into the lane that every worker looks at soon, not behind
/// everything in the worker's own queue.
pub(crate) fn ready_fired(record: RecordPtr) {
    if crate::raw::ready_state(record) {
        // It has slept, so its stack is cold; others are likely to run before it. The goroutine of a
        // timer's function has none yet.
        if !record.get().has(flag::FRESH)
            && let Some(slot) = std::ptr::NonNull::new(record.get().slot())
        {
            Slot::prefetch(slot);
        }
        queue::inject(record, queue::Lane::Woken);
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
    worker.run_next.relax();
    fire_timers();
    poller::poll_if_unattended();
    // On a permit that is lent run those only that it was lent for.
    let borrows = loan::is_borrower(worker);
    let mut found = if borrows {
        queue::take_woken()
    } else {
        queue::take_injected(worker)
    };
    if found.is_none() && !borrows {
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
            if searching && !borrows {
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
                        victim.note_robbed();
                        wake::end_hold();
                        return Some(record);
                    }
                    Steal::Empty => break,
                    Steal::Retry => crate::shim::hint::spin_loop(),
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
    let seen = victim.run_next.peek();
    if seen.is_null() {
        return None;
    }
    let tick = victim.tick.load(Ordering::Relaxed);
    let start = clock::now();
    while clock::now().saturating_sub(start) < RUN_NEXT_REST {
        crate::shim::hint::spin_loop();
        if victim.run_next.peek() != seen || victim.tick.load(Ordering::Relaxed) != tick {
            return None;
        }
    }
    victim.run_next.rob(seen)
}

/// Whether there is anything that a worker more could run: everything, looked at once.
///
/// Run-next slots of others do not count. Their owners come to them in a moment, and an idler that
/// went for them would never sleep beside a ping-pong pair; for an owner that does not come, sysmon
/// sends a searcher.
pub(crate) fn work_in_sight() -> bool {
    queue::injected() || roster::holders(0).any(|worker| !worker.stealer.is_empty())
}
