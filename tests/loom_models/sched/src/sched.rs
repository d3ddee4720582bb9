//! `runtime/src/sched.rs` without the switch: a goroutine's closure is called where the real one is
//! resumed.

#[path = "../../../../runtime/src/sched/find.rs"]
pub(crate) mod find;
#[path = "../../../../runtime/src/sched/idle.rs"]
pub(crate) mod idle;
#[path = "../../../../runtime/src/sched/queue.rs"]
pub(crate) mod queue;
#[path = "../../../../runtime/src/sched/resize.rs"]
pub(crate) mod resize;
#[path = "../../../../runtime/src/sched/roster.rs"]
pub(crate) mod roster;
#[path = "../../../../runtime/src/sched/stackless.rs"]
pub(crate) mod stackless;
#[path = "../../../../runtime/src/sched/take.rs"]
pub(crate) mod take;
#[path = "../../../../runtime/src/sched/wake.rs"]
pub(crate) mod wake;
#[path = "../../../../runtime/src/sched/word.rs"]
pub(crate) mod word;

/// Wakes up when the timer is due: the model's clock does not move by itself.
mod precision {
    pub(super) fn moment(earliest: u64, _: u64) -> u64 {
        earliest
    }

    pub(super) fn pause(moment: u64, now: u64) -> u64 {
        moment - now
    }

    pub(super) fn woken(_: u64, _: u64, _: impl FnMut() -> bool) {}
}

use std::ptr::NonNull;

use crate::below::world;
use crate::goroutine::RecordPtr;
use crate::goroutine::record::flag;
use crate::shim::atomic::Ordering;
use crate::stack::{Action, Slot};
use crate::worker::{Worker, permit};

/// As the real one.
pub(crate) fn worker_main(worker: &'static Worker) {
    loop {
        match find::next(worker) {
            find::Found::Goroutine(record) => execute(worker, record),
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

/// Mirrors `execute`, `bind` and `finish`.
fn execute(worker: &'static Worker, record: RecordPtr) {
    let g = record.get();
    if g.has(flag::TOKEN) {
        take::pass_to_thread(worker, g);
        return;
    }
    let slot = match NonNull::new(g.slot()) {
        Some(slot) => slot,
        None => match worker.stacks.take() {
            Ok(slot) => {
                attach(record, slot);
                slot
            }
            Err(error) => {
                stackless::wait(worker, record, &error);
                return;
            }
        },
    };
    worker.next_tick();
    worker.preempt.store(false, Ordering::Relaxed);
    // SAFETY: a slot is never freed.
    let slot_ref: &'static Slot = unsafe { &*slot.as_ptr() };
    slot_ref.worker.set(Some(worker));
    slot_ref.action.set(Action::Done);
    if let Some(body) = g.body.take() {
        world::with_current(slot_ref, body);
    }
    if slot_ref.action.get() == Action::Requeue {
        // Back to the queue for a permit; its closure is over.
        queue::inject(record, queue::Lane::New);
        return;
    }
    // `finish`.
    slot_ref.in_use.set(false);
    g.bind(std::ptr::null_mut());
    if stackless::any() {
        stackless::give(worker, slot);
    } else {
        worker.stacks.give(slot);
    }
    world::ended();
}

/// As the real one.
fn attach(record: RecordPtr, slot: NonNull<Slot>) {
    // SAFETY: a slot is never freed.
    let header = unsafe { slot.as_ref() };
    assert!(!header.in_use.replace(true), "a stack with two goroutines");
    header.record.set(record.0);
    record.get().bind(slot.as_ptr());
}

/// The permits, and everything static that a model uses, before its threads begin.
pub(crate) fn set_up(procs: usize) {
    resize::gomaxprocs(procs);
    resize::init();
    queue::injected();
    wake::end_hold();
    idle::timekeeper_sleeps();
    take::threads_suffice();
    stackless::any();
    model::touch(&word::WORD);
}
