//! Stacks: numbers that a goroutine needs to run.

use std::cell::Cell;
use std::io;
use std::ptr::{self, NonNull};

pub(crate) use self::class::{CLASSES, SizeClass};
pub(crate) use self::magazine::Magazine;
use crate::goroutine::Record;
use crate::shim::atomic::AtomicU64;
use crate::worker::Worker;

#[path = "../../../../runtime/src/stack/bare.rs"]
mod bare;
#[path = "../../../../runtime/src/stack/depot.rs"]
pub(crate) mod depot;
#[path = "../../../../runtime/src/stack/magazine.rs"]
pub(crate) mod magazine;

pub(crate) mod slot {
    pub(crate) use super::{Commit, Slot};
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
        if !crate::below::world::one_more_stack() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        out.push(ptr::from_mut(Box::leak(Box::new(Slot::new()))).expose_provenance());
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
    Requeue,
}

#[derive(Clone, Copy)]
pub(crate) struct Commit {
    pub(crate) unlock: Option<crate::raw::Unlock>,
    pub(crate) timer: *const crate::timer::Node,
}

pub(crate) struct Slot {
    pub(crate) worker: Cell<Option<&'static Worker>>,
    pub(crate) record: Cell<*const Record>,
    pub(crate) action: Cell<Action>,
    pub(crate) commit: Cell<Commit>,
    pub(crate) parked_at: AtomicU64,
    /// A goroutine has it: two at once fail the model.
    pub(crate) in_use: Cell<bool>,
}

impl Slot {
    /// Caches are not modelled.
    pub(crate) fn prefetch(_: std::ptr::NonNull<Self>) {}

    pub(crate) fn new() -> Self {
        Self {
            worker: Cell::new(None),
            record: Cell::new(ptr::null()),
            action: Cell::new(Action::Done),
            commit: Cell::new(Commit {
                unlock: None,
                timer: ptr::null(),
            }),
            parked_at: AtomicU64::new(0),
            in_use: Cell::new(false),
        }
    }

    pub(crate) fn worker(&self) -> &'static Worker {
        self.worker.get().expect("it runs")
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

    /// The rest of a goroutine's closure runs at once; see `sched.rs`.
    ///
    /// # Safety
    ///
    /// As the real one.
    pub(crate) unsafe fn switch_out(&self, action: Action) {
        assert_eq!(
            action,
            Action::Requeue,
            "goroutines of these models do not park"
        );
        self.action.set(action);
    }
}

/// The slot of the goroutine that runs on the calling thread.
pub(crate) fn current_slot() -> Option<&'static Slot> {
    // SAFETY: null or a slot that stays.
    unsafe { crate::below::world::current().as_ref() }
}
