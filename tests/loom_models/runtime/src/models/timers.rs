//! Who frees a timer that starts goroutines.

use std::ptr;

use model::mutant::{Change, Mutant};
use model::runner::Model;

use crate::below::world::{self, DEADLINE, thread};
use crate::goroutine::{Record, RecordPtr, record::state};
use crate::shim::UnsafeCell;
use crate::timer::{self, Shard, Starter, Starting};

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
                    after: "references.fetch_sub(1, Ordering::Release)",
                    line: "references.load(Ordering::Acquire);",
                    change: Change::Relaxed,
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
        Model {
            name: "timer_dropped_while_its_clock_stops",
            property: "a timer of a bubble that ends is freed once, by its handle or by the bubble, and not used after that",
            body: against_discard,
            preemptions: None,
            mutants: &[
                Mutant {
                    file: NODE,
                    after: "pub(super) unsafe fn discard(",
                    line: "handle.store(OUT, Ordering::Release)",
                    change: Change::Relaxed,
                },
                Mutant {
                    file: NODE,
                    after: "pub(crate) unsafe fn abandon(",
                    line: "handle.load(Ordering::Acquire)",
                    change: Change::Relaxed,
                },
            ],
        },
    ]
}

/// A timer's memory: how often it was freed.
#[repr(C)]
struct Memory {
    timer: Starting,
    freed: UnsafeCell<u32>,
}

impl Memory {
    fn leak(clock: Option<&Shard>) -> &'static Self {
        let memory = Box::leak(Box::new(Self {
            timer: Starting::new(STARTER, clock, Some(0)),
            freed: UnsafeCell::new(0),
        }));
        model::touch(memory);
        memory
    }

    fn timer(&self) -> *const Starting {
        ptr::from_ref(self).cast()
    }
}

const STARTER: &Starter = &Starter {
    start: |_| RecordPtr(ptr::from_ref(Record::leak(state::PARKED, 0)).cast_mut()),
    free: |timer| {
        // SAFETY: leaked; the model watches it.
        unsafe {
            let memory = &*timer.cast::<Memory>();
            memory.freed.with_mut(|freed| *freed += 1);
            model::end(memory);
        }
    },
};

/// The handle goes while the timer's clock stops for ever.
fn against_discard() {
    let clock: &'static Shard = Box::leak(Box::new(Shard::private()));
    model::touch(clock);
    let memory = Memory::leak(Some(clock));
    let timer = memory.timer();
    // SAFETY: the handle.
    unsafe { timer::rearm(timer, DEADLINE, false) };
    let stops = thread(|| clock.discard_all());
    // SAFETY: the handle's last use.
    unsafe { timer::abandon(timer) };
    stops.join().unwrap();
    // SAFETY: the model watches it.
    assert_eq!(memory.freed.with(|freed| unsafe { *freed }), 1);
}

/// The handle does something and goes, while the timer fires and its goroutine runs.
fn against_fire(handle: fn(*const Starting)) {
    world::touch_timers();
    let memory = Memory::leak(None);
    let timer = memory.timer();
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
