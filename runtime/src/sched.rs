//! The scheduler: who runs what next.
//!
//! | file | question it answers |
//! | --- | --- |
//! | [`run_next`] | who gets what a worker made runnable last? |
//! | [`queue`] | where does a runnable goroutine go? |
//! | [`word`] | how many permits are idle, how many workers search? |
//! | [`wake`] | who is woken for it, and why is no wake-up lost? (the essay) |
//! | [`roster`] | which workers exist, sleep, hold permits? |
//! | [`find`] | what does a worker run next? |
//! | [`idle`] | how does a worker sleep, and who watches the timers meanwhile? |
//! | [`precision`] | when exactly does that one wake up? |
//! | [`stackless`] | what if there is no stack left? |
//! | [`take`] | how does a permit leave a worker that does not give it? |
//! | [`loan`] | how do woken goroutines run beside hogs that fill the cap? |
//! | [`resize`] | what does `gomaxprocs(n)` do? |
//!
//! This file is a worker's life: find, run, commit.

// The paths are spelt out because the models compile this file from elsewhere.
#[path = "sched/find.rs"]
pub(crate) mod find;
#[path = "sched/idle.rs"]
pub(crate) mod idle;
#[path = "sched/loan.rs"]
pub(crate) mod loan;
#[path = "sched/precision.rs"]
mod precision;
#[path = "sched/queue.rs"]
pub(crate) mod queue;
#[path = "sched/resize.rs"]
pub(crate) mod resize;
#[path = "sched/roster.rs"]
pub(crate) mod roster;
#[path = "sched/run_next.rs"]
pub(crate) mod run_next;
#[path = "sched/stackless.rs"]
pub(crate) mod stackless;
#[path = "sched/take.rs"]
pub(crate) mod take;
#[path = "sched/wake.rs"]
pub(crate) mod wake;
#[path = "sched/word.rs"]
pub(crate) mod word;

use std::ptr::NonNull;

use crate::goroutine::record::{flag, state};
use crate::goroutine::{Cold, RecordPtr};
use crate::shim::atomic::Ordering;
use crate::stack::{Action, Slot};
use crate::worker::{Worker, permit};
use crate::{audit, bubble, clock, mode, observe, sanitize, sysmon, timer};

/// The whole life of a worker's thread. It starts with a permit in SEARCH, or without one.
pub(crate) fn worker_main(worker: &'static Worker) {
    let here = 0_u8;
    worker
        .frame
        .store((&raw const here).addr(), Ordering::Relaxed);
    let _bomb = crate::exit::AbortOnUnwind;
    let _hidden = sanitize::hide();
    crate::sys::precise_sleeps();
    crate::sys::ensure_signal_stack();
    worker
        .thread
        .store(crate::sys::thread_id(), Ordering::Relaxed);
    loop {
        match find::next(worker) {
            find::Found::Goroutine(record) => {
                if execute(worker, record) == Next::Retire {
                    roster::retire_running(worker);
                    return;
                }
            }
            find::Found::Nothing => {
                if worker.permit.load(Ordering::Acquire) == permit::NONE
                    && idle::without_permit(worker) == idle::Woken::Retired
                {
                    return;
                }
            }
            find::Found::Retired => return,
        }
    }
}

#[derive(PartialEq, Eq)]
enum Next {
    Go,
    /// The goroutine ended while locked to this thread, which ends with it.
    Retire,
}

/// Runs a goroutine until it switches back, and does what it asked for.
#[inline]
fn execute(worker: &'static Worker, record: RecordPtr) -> Next {
    let g = record.get();
    // Loaded once: a dump may clear HELD between two looks, and a goroutine that has run would be taken
    // for a fresh one. Acquire: what the dump read on the stack comes before what is written there now.
    let flags = g.flags.load(Ordering::Acquire);
    let slot = if flags & (flag::THINK_TWICE | flag::FRESH) != 0 {
        if flags & flag::THINK_TWICE != 0 {
            return think_twice(worker, record);
        }
        match bind(worker, record) {
            Some(slot) => slot,
            None => return Next::Go,
        }
    } else {
        // SAFETY: a goroutine that has run and not ended has a stack.
        unsafe { NonNull::new_unchecked(g.slot()) }
    };
    run(worker, record, slot)
}

/// A goroutine that waits for a permit, is held by a dump, is followed by an observer, or must change
/// its worker.
#[cold]
#[inline(never)]
fn think_twice(worker: &'static Worker, record: RecordPtr) -> Next {
    let g = record.get();
    // Acquire, as in `execute`.
    let held = g.flags.load(Ordering::Acquire) & flag::HELD != 0;
    if held && crate::dump::hold::defer(record) {
        return Next::Go;
    }
    if g.has(flag::TOKEN) {
        take::pass_to_thread(worker, g);
        return Next::Go;
    }
    if g.has(flag::MIGRATE) && audit::sends_away(worker, record) {
        return Next::Go;
    }
    let slot = if g.has(flag::FRESH) {
        match bind(worker, record) {
            Some(slot) => slot,
            None => return Next::Go,
        }
    } else {
        // SAFETY: as in `execute`.
        unsafe { NonNull::new_unchecked(g.slot()) }
    };
    if !g.has(flag::OBSERVED) {
        return run(worker, record, slot);
    }
    // SAFETY: as in `run`.
    let action = unsafe { observe::run(worker, g, slot.as_ref()) };
    if action == Action::Park {
        // SAFETY: a slot's header is always readable.
        commit(worker, unsafe { slot.as_ref() }, state::PARKED_OBSERVED);
        Next::Go
    } else if action == Action::Yield {
        queue::submit_yielded(worker, record);
        Next::Go
    } else {
        leave(worker, record, slot, action)
    }
}

#[inline(always)]
fn run(worker: &'static Worker, record: RecordPtr, slot: NonNull<Slot>) -> Next {
    worker.next_tick();
    worker.running.store(record.0, Ordering::Relaxed);
    worker.preempt.store(false, Ordering::Relaxed);
    // SAFETY: a slot's header is always readable.
    let slot_ref: &'static Slot = unsafe { &*slot.as_ptr() };
    // SAFETY: popping the record made us the goroutine's owner, and this is the worker's stack.
    let action = unsafe { slot_ref.resume(worker) };
    // Compared one by one, and the rest out of line, so that the ways back from a park and a yield
    // are short.
    if action == Action::Park {
        commit(worker, slot_ref, state::PARKED);
        Next::Go
    } else if action == Action::Yield {
        queue::submit_yielded(worker, record);
        Next::Go
    } else {
        leave(worker, record, slot, action)
    }
}

#[inline(never)]
fn leave(worker: &'static Worker, record: RecordPtr, slot: NonNull<Slot>, action: Action) -> Next {
    if action == Action::Done {
        return finish(worker, record, slot);
    }
    if action == Action::Requeue {
        // It comes back from a wait.
        queue::inject(record, queue::Lane::Woken);
    } else {
        // SAFETY: a slot's header is always readable.
        bubble::left(worker, record, unsafe { slot.as_ref() }, action);
    }
    Next::Go
}

/// The second half of a park, on the worker's stack: only now may the goroutine be resumed.
#[inline(always)]
fn commit(worker: &'static Worker, slot: &'static Slot, parked: u32) {
    let commit = slot.commit.get();
    slot.parked_at.store(clock::coarse(), Ordering::Relaxed);
    // Release, for a dump that finds it parked: it reads what was written on this stack.
    slot.record().state.store(parked, Ordering::Release);
    if !commit.timer.is_null() {
        // The timer may fire at once and its goroutine run elsewhere, up to the lock that is
        // still closed here. So timers come before the unlock.
        //
        // SAFETY: the node lies in the frame of the park, which lasts until the timer has fired
        // or was cancelled.
        unsafe { timer::insert(commit.timer, Some(worker.id)) };
    }
    if let Some((unlock, data)) = commit.unlock {
        // SAFETY: the promise of `park`'s caller. From here on the goroutine belongs to others.
        unsafe { unlock(data) };
    }
}

/// Gives a goroutine that runs for the first time its stack; `None`: it waits for one.
#[inline(always)]
fn bind(worker: &'static Worker, record: RecordPtr) -> Option<NonNull<Slot>> {
    // Cold in both its lines, if it needs both: fetch them side by side.
    record.get().prefetch_payload();
    let slot = match record.get().cold_if_any() {
        Some(&Cold {
            promised: Some(class),
            ..
        }) => stackless::take_promised(worker, class),
        _ => worker.stacks.take(),
    };
    match slot {
        Ok(slot) => {
            attach(record, slot);
            Some(slot)
        }
        Err(error) => {
            stackless::wait(worker, record, &error);
            None
        }
    }
}

/// The goroutine owns the stack from now on.
#[inline]
fn attach(record: RecordPtr, slot: NonNull<Slot>) {
    // SAFETY: a slot's header is always readable; slot and goroutine, which has not run, are the
    // caller's.
    unsafe {
        let header: &'static Slot = &*slot.as_ptr();
        header.give_to(record.0);
        record.get().bind(slot.as_ptr(), header.small());
    }
}

/// The goroutine has ended.
#[inline]
fn finish(worker: &'static Worker, record: RecordPtr, slot: NonNull<Slot>) -> Next {
    if record.get().has(flag::LOCKED | flag::MEMBER) {
        return finish_special(worker, record, slot);
    }
    release(worker, record, slot);
    Next::Go
}

#[cold]
#[inline(never)]
fn finish_special(worker: &'static Worker, record: RecordPtr, slot: NonNull<Slot>) -> Next {
    let g = record.get();
    let locked = g.has(flag::LOCKED);
    let member = g.has(flag::MEMBER).then(|| g.cold().member.take());
    release(worker, record, slot);
    if let Some(member) = member.flatten() {
        bubble::ended(worker, &member);
    }
    if locked { Next::Retire } else { Next::Go }
}

/// Record and stack of a goroutine that has ended go back while they are hot.
#[inline]
fn release(worker: &'static Worker, record: RecordPtr, slot: NonNull<Slot>) {
    let g = record.get();
    g.unbind();
    g.drop_cold();
    g.fiber.destroy();
    if stackless::any() {
        stackless::give(worker, slot);
    } else {
        worker.stacks.give(slot);
    }
    worker.records.give(record);
    worker.counters.ended.add(1);
}

/// Starts the runtime if it does not run yet: from here on submissions find workers.
#[inline]
pub(crate) fn start() {
    static STARTED: std::sync::Once = std::sync::Once::new();
    if !STARTED.is_completed() {
        STARTED.call_once(|| {
            crate::exit::install();
            crate::stack::overflow::install();
            resize::init();
            crate::sys::register_for_barriers_if_alone();
            crate::fork::install();
            observe::start();
            mode::init();
            sysmon::start();
            crate::dump::quit::install();
        });
    }
}
