//! A dump that holds goroutines, against those who ready and run them.

use model::mutant::{Change, Mutant};
use model::runner::Model;

use super::former;
use crate::below::world::{Event, World, goroutine};
use crate::dump::hold::Hold;
use crate::goroutine::RecordPtr;
use crate::goroutine::record::{flag, state};
use crate::raw::ready_state;
use crate::sched::queue::{self, Lane};
use crate::sched::worker_main;
use crate::shim::atomic::Ordering;
use crate::stack::{Action, Commit, Slot, current_slot};
use crate::worker::permit;

const SCHED: &str = "runtime/src/sched.rs";
const HOLD: &str = "runtime/src/dump/hold.rs";
const FORMER: &str = "tests/loom_models/sched/src/models/former.rs";

pub(super) const MODELS: &[Model] = &[
    Model {
        name: "dump_against_resume",
        property: "nobody runs on a stack that a dump reads, and a goroutine that is readied meanwhile runs once",
        body: dump_against_resume,
        preemptions: Some(2),
        mutants: &[
            // What `execute` once did.
            Mutant {
                file: FORMER,
                after: "fn life(",
                line: "model::mutated()",
                change: Change::Instead,
            },
            Mutant {
                file: SCHED,
                after: "fn execute(",
                line: "g.flags.load(Ordering::Acquire)",
                change: Change::Relaxed,
            },
            Mutant {
                file: HOLD,
                after: "let hold = Self(());",
                line: "sys::barrier_all_threads()",
                change: Change::Skip,
            },
            Mutant {
                file: HOLD,
                after: "pub(crate) fn defer(",
                line: "BATCH.lock()",
                change: Change::Skip,
            },
        ],
    },
    Model {
        name: "dump_against_owner",
        property: "the same while the goroutine's owner, which may overwrite HELD, parks it",
        body: dump_against_owner,
        preemptions: Some(2),
        mutants: &[Mutant {
            file: HOLD,
            after: "// The state first; see above.",
            line: "g.flags.load(Ordering::SeqCst)",
            change: Change::Pretend(flag::HELD as u64),
        }],
    },
];

/// A goroutine that has run and is parked; `body` is the rest of it.
fn parked(body: impl FnOnce() + 'static) -> RecordPtr {
    let record = goroutine(body);
    let slot: &'static Slot = Box::leak(Box::new(Slot::new()));
    model::touch(slot);
    // SAFETY: both are new.
    unsafe {
        slot.give_to(record.0);
        record.get().bind(std::ptr::from_ref(slot).cast_mut(), ());
    }
    record.get().state.store(state::PARKED, Ordering::Release);
    record
}

/// The owner stores, the dump exchanges: loom must know the order; see `model::atomic`.
fn order_flags(record: RecordPtr) {
    record.get().flags.fetch_or(0, Ordering::Relaxed);
}

fn ready(record: RecordPtr) {
    if ready_state(record) {
        queue::inject(record, Lane::Woken);
    }
}

/// A dump looks at one goroutine.
fn dump(record: RecordPtr) {
    let hold = Hold::new([record].into_iter()).expect("there is a barrier");
    // Whoever runs goes on meanwhile.
    model::thread::yield_now();
    if hold.holds(record) {
        // SAFETY: slots stay.
        let slot = unsafe { &*record.get().slot() };
        slot.frames.with(|_| model::thread::yield_now());
    }
    drop(hold);
}

fn dump_against_resume() {
    let mut world = World::new(1, &[permit::RUN]);
    let record = parked(|| ());
    order_flags(record);
    world.start_with(0, former::life());
    let dumper = model::thread::spawn(move || dump(record));
    ready(record);
    let _ = world.finish(1);
    dumper.join().unwrap();
}

fn dump_against_owner() {
    let mut world = World::new(1, &[permit::RUN]);
    let left = Event::new();
    let record = goroutine(move || {
        let slot = current_slot().expect("in a goroutine");
        let g = slot.record();
        // Any other bit.
        g.set(flag::TIMED);
        g.clear(flag::TIMED);
        g.body.set(Some(Box::new(|| ())));
        slot.commit.set(Commit {
            unlock: Some((set, left.as_ptr())),
            timer: std::ptr::null(),
        });
        // SAFETY: the rest of it is the body.
        unsafe { slot.switch_out(Action::Park) };
    });
    order_flags(record);
    queue::inject(record, Lane::New);
    world.start_with(0, worker_main);
    let dumper = model::thread::spawn(move || dump(record));
    left.wait();
    ready(record);
    let _ = world.finish(1);
    dumper.join().unwrap();
}

/// # Safety
///
/// Of an event.
unsafe fn set(event: *const ()) {
    // SAFETY: the caller's promise.
    unsafe { Event::from_ptr(event) }.set();
}
