//! A goroutine's record, without what the models do not use. `runtime/src/goroutine/record.rs` keeps
//! small closures in the memory of its atomics, which loom's are too large for.

use std::cell::{Cell, UnsafeCell};
use std::ptr;

use crate::sanitize::Fiber;
use crate::shim::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::stack::{SizeClass, Slot};

#[path = "../../../runtime/src/goroutine/record/flag.rs"]
pub(crate) mod flag;
#[path = "../../../runtime/src/goroutine/record/state.rs"]
pub(crate) mod state;

pub(crate) mod record {
    pub(crate) use super::{flag, state};
}

#[derive(Default)]
pub(crate) struct Cold {
    pub(crate) blocking_depth: u32,
    pub(crate) locks: u32,
    pub(crate) promised: Option<SizeClass>,
    /// No goroutine of a model is in a bubble.
    pub(crate) member: Option<()>,
}

/// Zeroed memory is a free one, as with the real one.
pub(crate) struct Record {
    pub(crate) state: AtomicU32,
    pub(crate) flags: AtomicU16,
    pub(crate) reason: AtomicU8,
    pub(crate) id: AtomicU64,
    pub(crate) next: Cell<*mut Record>,
    pub(crate) claim: AtomicUsize,
    /// What the goroutine does from its next resume to its next park, or its end.
    pub(crate) body: Cell<Option<Box<dyn FnOnce()>>>,
    pub(crate) fiber: Fiber,
    slot: Cell<*mut Slot>,
    cold: UnsafeCell<Cold>,
}

impl Record {
    /// Leaked: records live for ever, here an execution long.
    pub(crate) fn leak(state: u32, flags: u16) -> &'static Self {
        let record = Box::leak(Box::new(Self {
            state: AtomicU32::new(state),
            flags: AtomicU16::new(flags),
            reason: AtomicU8::new(0),
            id: AtomicU64::new(1),
            next: Cell::new(ptr::null_mut()),
            claim: AtomicUsize::new(0),
            body: Cell::new(None),
            fiber: Fiber,
            slot: Cell::new(ptr::null_mut()),
            cold: UnsafeCell::default(),
        }));
        model::touch(record);
        record
    }

    pub(crate) fn has(&self, bits: u16) -> bool {
        self.flags.load(Ordering::Relaxed) & bits != 0
    }

    /// A mutant may leave it out.
    #[track_caller]
    pub(crate) fn set(&self, bits: u16) {
        let old = self.flags.load(Ordering::Relaxed);
        self.flags.store(old | bits, Ordering::Relaxed);
    }

    pub(crate) fn clear(&self, bits: u16) {
        let old = self.flags.load(Ordering::Relaxed);
        self.flags.store(old & !bits, Ordering::Relaxed);
    }

    pub(crate) fn goid(&self) -> u64 {
        self.id.load(Ordering::Relaxed)
    }

    pub(crate) fn prefetch(_: *const Self) {}

    pub(crate) fn prefetch_payload(&self) {}

    pub(crate) fn slot(&self) -> *mut Slot {
        self.slot.get()
    }

    /// As the real one, which moves a closure.
    ///
    /// # Safety
    ///
    /// As the real one.
    pub(crate) unsafe fn bind(&self, slot: *mut Slot, (): ()) {
        assert!(self.slot.get().is_null(), "a goroutine with two stacks");
        self.clear(flag::FRESH);
        self.slot.set(slot);
    }

    pub(crate) fn unbind(&self) {
        self.slot.set(ptr::null_mut());
    }

    #[allow(clippy::mut_from_ref, reason = "as the real one: for the owner")]
    pub(crate) fn cold(&self) -> &mut Cold {
        // SAFETY: the owner's.
        unsafe { &mut *self.cold.get() }
    }

    pub(crate) fn cold_if_any(&self) -> Option<&Cold> {
        None
    }

    pub(crate) fn drop_cold(&self) {}
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RecordPtr(pub(crate) *mut Record);

// SAFETY: as the real one.
unsafe impl Send for RecordPtr {}

impl RecordPtr {
    pub(crate) fn get(&self) -> &'static Record {
        // SAFETY: leaked, or in a slab, which stays.
        unsafe { &*self.0 }
    }
}
