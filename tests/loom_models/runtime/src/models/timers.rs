//! Who frees a timer that starts goroutines.

use std::ptr;

use model::mutant::{Change, Mutant};
use model::runner::Model;

use crate::below::world::{self, DEADLINE, thread};
use crate::goroutine::{Record, RecordPtr, record::state};
use crate::shim::UnsafeCell;
use crate::timer::{self, Starter, Starting};

const NODE: &str = "runtime/src/timer/node.rs";

pub(super) fn models() -> Vec<Model> {
    vec![
        Model {
            name: "timer_dropped_while_it_fires",
            property: "a timer is freed once, by the last of its handle and the goroutine that it starts",
            body: || against_fire(|_| ()),
            preemptions: None,
            mutants: &[
                Mutant {
                    file: NODE,
                    after: "pub(super) unsafe fn fire(",
                    line: "handle.store(OUT, Ordering::Release)",
                    change: Change::Relaxed,
                },
                Mutant {
                    file: NODE,
                    after: "pub(crate) unsafe fn abandon(",
                    line: "handle.load(Ordering::Acquire)",
                    change: Change::Relaxed,
                },
                Mutant {
                    file: NODE,
                    after: "pub(super) unsafe fn fire(",
                    line: "fired.store(true",
                    change: Change::Skip,
                },
                Mutant {
                    file: NODE,
                    after: "pub(crate) unsafe fn release(",
                    line: "references.load(Ordering::Acquire)",
                    change: Change::Relaxed,
                },
                Mutant {
                    file: NODE,
                    after: "pub(crate) unsafe fn release(",
                    line: "references.fetch_sub(1, Ordering::Release)",
                    change: Change::Relaxed,
                },
                Mutant {
                    file: NODE,
                    after: "pub(crate) unsafe fn release(",
                    line: "fence(Ordering::Acquire)",
                    change: Change::Skip,
                },
            ],
        },
        Model {
            name: "timer_stopped_while_it_fires",
            property: "a timer is stopped or it fires, and is freed once",
            body: || {
                against_fire(|timer| {
                    // SAFETY: the caller is the handle.
                    unsafe { timer::stop(timer) };
                });
            },
            preemptions: None,
            mutants: &[Mutant {
                file: NODE,
                after: "pub(super) unsafe fn fire(",
                line: "handle.store(OUT, Ordering::Release)",
                change: Change::Skip,
            }],
        },
    ]
}

/// A timer's memory: how often it was freed.
#[repr(C)]
struct Memory {
    timer: Starting,
    freed: UnsafeCell<u32>,
}

const STARTER: &Starter = &Starter {
    start: |_| RecordPtr(ptr::from_ref(Record::leak(state::PARKED, 0)).cast_mut()),
    free: |timer| {
        // SAFETY: leaked; the model watches it.
        unsafe {
            (*timer.cast::<Memory>())
                .freed
                .with_mut(|freed| *freed += 1);
        }
    },
};

/// The handle does something and goes, while the timer fires and its goroutine runs.
fn against_fire(handle: fn(*const Starting)) {
    world::touch_timers();
    let memory: &'static Memory = Box::leak(Box::new(Memory {
        timer: Starting::new(STARTER, None, Some(0)),
        freed: UnsafeCell::new(0),
    }));
    model::touch(memory);
    let timer = ptr::from_ref(memory).cast::<Starting>();
    // SAFETY: the handle.
    unsafe { timer::rearm(timer, DEADLINE, false) };
    let fires = thread(move || {
        for _ in 0..timer::fire_due(DEADLINE, |_| ()) {
            // SAFETY: the model watches it.
            assert_eq!(memory.freed.with(|freed| unsafe { *freed }), 0);
            // SAFETY: the reference of the goroutine that was started.
            unsafe { timer::release(timer) };
        }
    });
    handle(timer);
    // SAFETY: the handle's last use.
    unsafe { timer::abandon(timer) };
    fires.join().unwrap();
    assert_eq!(timer::fire_due(DEADLINE, |_| ()), 0, "out");
    // SAFETY: the model watches it.
    assert_eq!(memory.freed.with(|freed| unsafe { *freed }), 1);
}
