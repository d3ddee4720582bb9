//! Records and stacks on their way from one goroutine to the next.

use model::mutant::{Change, Mutant};
use model::runner::Model;

use crate::goroutine::RecordPtr;
use crate::goroutine::slab::{self, RecordCache};
use crate::shim::atomic::Ordering;
use crate::stack::{SizeClass, depot, magazine};

const SLAB: &str = "runtime/src/goroutine/slab.rs";
const DEPOT: &str = "runtime/src/stack/depot.rs";

pub(super) const MODELS: &[Model] = &[
    Model {
        name: "slab",
        property: "a record has one owner, whether it comes from a worker's cache or from the depot, and a walk sees goroutines only",
        body: records,
        preemptions: Some(3),
        mutants: &[
            Mutant {
                file: SLAB,
                after: "pub(crate) fn try_take_foreign",
                line: "DEPOT.lock()",
                change: Change::Skip,
            },
            Mutant {
                file: SLAB,
                after: "pub(crate) fn give_foreign",
                line: "DEPOT.lock()",
                change: Change::Skip,
            },
            Mutant {
                file: SLAB,
                after: "fn refill(",
                line: "DEPOT.lock()",
                change: Change::Skip,
            },
        ],
    },
    Model {
        name: "promise_against_take",
        property: "of the last stack: who was promised it gets it, and who was not does not",
        body: promise_against_take,
        preemptions: None,
        mutants: &[
            Mutant {
                file: DEPOT,
                after: "fn promised(",
                line: "PROMISED[class.index()].load",
                change: Change::Pretend(0),
            },
            Mutant {
                file: DEPOT,
                after: "pub(super) fn take(",
                line: "CLASS[class.index()].lock()",
                change: Change::Skip,
            },
        ],
    },
    Model {
        name: "depot",
        property: "a stack that one gives back is had by one other, whom it reaches with all that was written there",
        body: stack_changes_hands,
        preemptions: None,
        mutants: &[Mutant {
            file: DEPOT,
            after: "pub(super) fn give(",
            line: "CLASS[class.index()].lock()",
            change: Change::Skip,
        }],
    },
];

/// What whoever spawns does with a record.
fn own(record: RecordPtr) {
    let id = &record.get().id;
    assert_eq!(id.newest(Ordering::Relaxed), 0, "a record with two owners");
    id.store(1, Ordering::Relaxed);
}

fn records() {
    let foreign = || {
        let record = slab::take_foreign();
        own(record);
        slab::give_foreign(record);
    };
    // Makes the slab.
    foreign();
    let first = model::thread::spawn(foreign);
    let second = model::thread::spawn(|| {
        let cache = RecordCache::new();
        let record = cache.take();
        own(record);
        cache.give(record);
    });
    slab::for_each(|record| assert_ne!(record.goid(), 7));
    foreign();
    first.join().unwrap();
    second.join().unwrap();
}

fn promise_against_take() {
    crate::below::world::limit_stacks(1);
    depot::counts();
    let taker = model::thread::spawn(|| {
        let _ = magazine::take_any(SizeClass).is_ok();
    });
    if depot::promise(SizeClass).is_ok() {
        assert!(depot::take_promised(SizeClass).is_ok(), "a broken promise");
    }
    taker.join().unwrap();
}

fn stack_changes_hands() {
    crate::below::world::limit_stacks(1);
    depot::counts();
    let used = || {
        if let Ok(slot) = magazine::take_any(SizeClass) {
            // SAFETY: slots stay; the model watches the frames.
            unsafe { slot.as_ref() }
                .frames
                .with_mut(|frames| unsafe { *frames += 1 });
            depot::give_one(SizeClass, slot);
        }
    };
    let other = model::thread::spawn(used);
    used();
    other.join().unwrap();
    let slot = magazine::take_any(SizeClass).expect("both gave it back");
    // SAFETY: as above.
    let uses = unsafe { slot.as_ref() }
        .frames
        .with(|frames| unsafe { *frames });
    assert!(uses == 1 || uses == 2, "{uses}");
}
