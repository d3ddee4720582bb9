//! Stacks: numbers that a goroutine needs to run.

use std::cell::Cell;
use std::io;
use std::ptr::{self, NonNull};

pub(crate) use self::class::{CLASSES, SizeClass};
pub(crate) use self::magazine::Magazine;
use crate::below::world;
use crate::goroutine::Record;
use crate::shim::UnsafeCell;
use crate::shim::atomic::AtomicU64;
pub(crate) use crate::worker::Worker;

#[path = "../../../../runtime/src/stack/bare.rs"]
mod bare;
#[path = "../../../../runtime/src/stack/depot.rs"]
pub(crate) mod depot;
#[path = "../../../../runtime/src/stack/magazine.rs"]
pub(crate) mod magazine;

pub(crate) mod slot {
    pub(crate) use super::{Commit, Slot};
}

pub(crate) mod overflow {
    pub(crate) fn install() {}
}

pub(crate) mod guard {
    pub(crate) const GUARD: usize = 0;

    pub(crate) fn are_markers() -> bool {
        false
    }
}

pub(crate) mod class {
    use std::io;

    pub(crate) const CLASSES: usize = 1;

    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) struct SizeClass;

    impl SizeClass {
        pub(crate) fn for_stack(_: usize) -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) fn at(_: usize) -> Self {
            Self
        }

        pub(crate) fn index(self) -> usize {
            0
        }

        pub(crate) fn slot_size(self) -> usize {
            1
        }
    }
}

pub(crate) mod arena {
    use std::io;
    use std::ptr::{self, NonNull};

    use super::{SizeClass, Slot};

    /// New stacks, one at a time, as many as the model has.
    pub(crate) fn carve(_: SizeClass, _: usize, _: usize, out: &mut Vec<usize>) -> io::Result<()> {
        if !super::world::one_more_stack() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let slot = Box::leak(Box::new(Slot::new()));
        model::touch(slot);
        out.push(ptr::from_mut(slot).expose_provenance());
        Ok(())
    }

    pub(crate) fn ready(_: SizeClass) -> usize {
        0
    }

    pub(crate) fn commit(_: SizeClass, _: usize) -> io::Result<()> {
        unreachable!("guards are no markers")
    }

    /// # Safety
    ///
    /// As the real one.
    pub(crate) unsafe fn guard_again(_: SizeClass, _: usize, _: usize) -> io::Result<usize> {
        unreachable!("nobody trims")
    }

    /// # Safety
    ///
    /// As the real one, of a new stack: nobody trims.
    pub(crate) unsafe fn initialise(_: SizeClass, bottom: usize) -> NonNull<Slot> {
        NonNull::new(ptr::with_exposed_provenance_mut(bottom)).expect("carved")
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    Done,
    Park,
    Yield,
    Requeue,
}

#[derive(Clone, Copy)]
pub(crate) struct Commit {
    pub(crate) unlock: Option<crate::raw::Unlock>,
    pub(crate) timer: *const crate::timer::Node,
}

pub(crate) struct Slot {
    worker: Cell<Option<&'static Worker>>,
    record: Cell<*mut Record>,
    action: Cell<Action>,
    pub(crate) commit: Cell<Commit>,
    pub(crate) parked_at: AtomicU64,
    /// A goroutine has it: two at once fail the model.
    in_use: Cell<bool>,
    requeued: Cell<bool>,
    /// What lies on the stack: used by whoever runs on it, looked at by a dump.
    pub(crate) frames: UnsafeCell<u32>,
}

impl Slot {
    /// Caches are not modelled.
    pub(crate) fn prefetch(_: NonNull<Self>) {}

    pub(crate) fn new() -> Self {
        Self {
            worker: Cell::new(None),
            record: Cell::new(ptr::null_mut()),
            action: Cell::new(Action::Done),
            commit: Cell::new(Commit {
                unlock: None,
                timer: ptr::null(),
            }),
            parked_at: AtomicU64::new(0),
            in_use: Cell::new(false),
            requeued: Cell::new(false),
            frames: UnsafeCell::new(0),
        }
    }

    /// The place of a small closure, which records of models have none of.
    pub(crate) fn small(&self) {}

    pub(crate) fn worker(&self) -> &'static Worker {
        self.worker.get().expect("it runs")
    }

    pub(crate) fn ran_last_on(&self, worker: &Worker) -> bool {
        ptr::eq(self.worker(), worker)
    }

    pub(crate) fn record(&self) -> &'static Record {
        // SAFETY: set before it runs.
        unsafe { &*self.record.get() }
    }

    pub(crate) fn class(&self) -> SizeClass {
        SizeClass
    }

    pub(crate) fn bottom(&self) -> usize {
        0
    }

    pub(super) unsafe fn unbind(&self) {}

    /// # Safety
    ///
    /// As the real one.
    pub(crate) unsafe fn give_to(&'static self, record: *mut Record) {
        assert!(!self.in_use.replace(true), "a stack with two goroutines");
        self.record.set(record);
    }

    /// Calls the goroutine's closure, up to its next park or its end.
    ///
    /// # Safety
    ///
    /// As the real one.
    pub(crate) unsafe fn resume(&'static self, worker: &'static Worker) -> Action {
        self.worker.set(Some(worker));
        self.action.set(Action::Done);
        let body = self.record().body.take();
        world::with_current(self, || {
            // SAFETY: the model watches it.
            self.frames.with_mut(|frames| unsafe { *frames += 1 });
            match body {
                Some(body) => body(),
                // A permit was waited for; the closure that did so is over.
                None => assert!(self.requeued.replace(false), "a goroutine that runs twice"),
            }
        });
        if self.action.get() == Action::Done {
            self.in_use.set(false);
            world::ended();
        }
        self.action.get()
    }

    /// What the goroutine does next comes when it is resumed: in the body that its record has then.
    ///
    /// # Safety
    ///
    /// As the real one.
    pub(crate) unsafe fn switch_out(&self, action: Action) {
        self.requeued.set(action == Action::Requeue);
        self.action.set(action);
    }
}

/// The slot of the goroutine that runs on the calling thread.
pub(crate) fn current_slot() -> Option<&'static Slot> {
    // SAFETY: null or a slot that stays.
    unsafe { world::current().as_ref() }
}
