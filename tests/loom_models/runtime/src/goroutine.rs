//! A goroutine's record, without what the models do not use. `runtime/src/goroutine/record.rs` keeps
//! small closures in the memory of its atomics, which loom's are too large for.

use std::cell::Cell;
use std::ptr;

use crate::shim::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicUsize, Ordering};
use crate::stack::Slot;

pub(crate) mod record {
    /// As the real ones.
    pub(crate) mod state {
        pub(crate) const RUNNING: u32 = 0;
        pub(crate) const PARKED: u32 = 1;
        pub(crate) const ON_THREAD: u32 = 2;
        pub(crate) const SLEEPING: u32 = 3;
        pub(crate) const NOTIFIED: u32 = 4;
        pub(crate) const PARKED_OBSERVED: u32 = 5;
    }

    /// As the real ones.
    pub(crate) mod flag {
        pub(crate) const THREAD: u16 = 1 << 0;
        pub(crate) const BLOCKING: u16 = 1 << 2;
        pub(crate) const LOCKED: u16 = 1 << 3;
        pub(crate) const TOKEN: u16 = 1 << 4;
        pub(crate) const TIMED: u16 = 1 << 8;
        pub(crate) const WAITS_ON_THREAD: u16 = BLOCKING | LOCKED;
        pub(crate) const MEMBER: u16 = 1 << 12;
        pub(crate) const PARKS_SLOWLY: u16 = THREAD | WAITS_ON_THREAD | MEMBER;
        pub(crate) const ATTENTION: u16 = 1 << 1 | 1 << 7;
    }
}

pub(crate) struct Record {
    pub(crate) state: AtomicU32,
    pub(crate) flags: AtomicU16,
    pub(crate) reason: AtomicU8,
    pub(crate) claim: AtomicUsize,
    slot: Cell<*mut Slot>,
}

impl Record {
    pub(crate) fn prefetch(_: *const Self) {}

    /// Leaked: records live for ever, here an execution long.
    pub(crate) fn leak(flags: u16) -> &'static Self {
        let record = Box::leak(Box::new(Self {
            state: AtomicU32::new(record::state::RUNNING),
            flags: AtomicU16::new(flags),
            reason: AtomicU8::new(0),
            claim: AtomicUsize::new(0),
            slot: Cell::new(ptr::null_mut()),
        }));
        model::touch(record);
        record
    }

    pub(crate) fn has(&self, bits: u16) -> bool {
        self.flags.load(Ordering::Relaxed) & bits != 0
    }

    pub(crate) fn set(&self, bits: u16) {
        let old = self.flags.load(Ordering::Relaxed);
        self.flags.store(old | bits, Ordering::Relaxed);
    }

    pub(crate) fn clear(&self, bits: u16) {
        let old = self.flags.load(Ordering::Relaxed);
        self.flags.store(old & !bits, Ordering::Relaxed);
    }

    pub(crate) fn slot(&self) -> *mut Slot {
        self.slot.get()
    }

    pub(crate) fn bind(&self, slot: *mut Slot) {
        self.slot.set(slot);
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RecordPtr(pub(crate) *mut Record);

// SAFETY: as the real one.
unsafe impl Send for RecordPtr {}

impl RecordPtr {
    pub(crate) fn get(&self) -> &'static Record {
        // SAFETY: leaked.
        unsafe { &*self.0 }
    }
}
