//! A worker's run-next slot: the goroutine that it made runnable last.
//!
//! Its owner uses it twice for each switch between goroutines that wake each other; others come for what
//! lies there now and then: a thief when it has stood there for a while, and whoever takes the worker's
//! permit. So the owner pays for no locked instruction (7 to 9 ns each on some processors), and the others pay
//! for all of it by a `membarrier`.
//!
//! # States
//!
//! `mode`: two bits.
//!
//! | bit | meaning |
//! | --- | --- |
//! | VISITED | somebody else is at the slot, one at a time: the owner exchanges it atomically, as the visitor does |
//! | ALWAYS | as VISITED, for good: the kernel has no barriers, or had none when the worker was made. The owner clears it, while nobody visits, once there are |
//!
//! `busy`: the owner is between its look at `mode` and the end of what it does because of it.
//!
//! # Moves
//!
//! *The owner* sets `busy`, looks at `mode`, and if it is 0 exchanges the slot by a load and a store, then
//! clears `busy`. Otherwise it clears `busy` and exchanges the slot atomically.
//!
//! *A visitor* sets VISITED, by compare-and-swap; executes a `membarrier`, unless ALWAYS is set; waits until
//! `busy` is clear; takes from the slot atomically; puts `mode` back.
//!
//! # Why one gets it
//!
//! If the owner's look at `mode` comes before the visitor's barrier so does its setting of `busy`: the
//! visitor sees that, and waits for the release with which the owner clears it, so the owner's exchange is
//! over and seen. If the look comes after the barrier it finds VISITED, and both exchange atomically until
//! the visitor has left; who then finds `mode` 0 has acquired what it did. `busy`, `mode` and slot stay in their order in the
//! owner's machine code ([`fence::unfenced`]).
//!
//! # Nothing is left behind a lost permit
//!
//! The taker of a permit makes the permit word NONE and then visits. The owner fills the slot and then looks at the
//! permit word. With the visitor's barrier between its two moves, either it sees what the owner stored,
//! or the owner sees NONE, and drains. With ALWAYS both have a fence of their own.

use std::ptr;

use crate::goroutine::{Record, RecordPtr};
use crate::shim::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};
use crate::{fence, sys};

const VISITED: u8 = 1;
const ALWAYS: u8 = 2;

/// See the [module](self).
pub(crate) struct RunNext {
    slot: AtomicPtr<Record>,
    busy: AtomicBool,
    mode: AtomicU8,
}

impl RunNext {
    /// An empty slot.
    pub(crate) fn new() -> Self {
        Self {
            slot: AtomicPtr::new(ptr::null_mut()),
            busy: AtomicBool::new(false),
            mode: AtomicU8::new(if sys::has_barriers() { 0 } else { ALWAYS }),
        }
    }

    /// Puts a goroutine into the slot and returns the one that was there. For the owner, which looks at
    /// its permit next.
    #[inline(always)]
    pub(crate) fn put(&self, record: RecordPtr) -> Option<RecordPtr> {
        self.exchange(record.0)
    }

    /// Empties the slot. For the owner.
    #[inline(always)]
    pub(crate) fn take(&self) -> Option<RecordPtr> {
        if self.is_empty() {
            return None;
        }
        self.exchange(ptr::null_mut())
    }

    #[inline(always)]
    fn exchange(&self, record: *mut Record) -> Option<RecordPtr> {
        self.busy.store(true, Ordering::Relaxed);
        fence::unfenced();
        let old = if self.mode.load(Ordering::Acquire) == 0 {
            let old = self.slot.load(Ordering::Relaxed);
            self.slot.store(record, Ordering::Release);
            self.busy.store(false, Ordering::Release);
            // The permit is looked at after this.
            fence::unfenced();
            old
        } else {
            self.exchange_beside_others(record)
        };
        (!old.is_null()).then_some(RecordPtr(old))
    }

    #[inline(never)]
    fn exchange_beside_others(&self, record: *mut Record) -> *mut Record {
        self.busy.store(false, Ordering::Release);
        let old = self.slot.swap(record, Ordering::SeqCst);
        fence::store_load_after_exchange();
        old
    }

    /// Whether there is nothing in the slot. A snapshot.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.peek().is_null()
    }

    /// What lies in the slot, to be compared. A snapshot.
    #[inline(always)]
    pub(crate) fn peek(&self) -> *mut Record {
        self.slot.load(Ordering::Relaxed)
    }

    /// Takes `seen` if it still lies there and nobody else visits. For a thief.
    pub(crate) fn rob(&self, seen: *mut Record) -> Option<RecordPtr> {
        let mode = self.try_visit()?;
        self.wait_for_owner(mode);
        let robbed = self
            .slot
            .compare_exchange(seen, ptr::null_mut(), Ordering::AcqRel, Ordering::Relaxed)
            .is_ok();
        self.leave(mode);
        robbed.then_some(RecordPtr(seen))
    }

    /// Takes what lies there. For whoever has taken the owner's permit.
    pub(crate) fn drain(&self) -> Option<RecordPtr> {
        let mode = loop {
            match self.try_visit() {
                Some(mode) => break mode,
                None => sys::yield_thread(),
            }
        };
        self.wait_for_owner(mode);
        let old = self.slot.swap(ptr::null_mut(), Ordering::SeqCst);
        self.leave(mode);
        (!old.is_null()).then_some(RecordPtr(old))
    }

    /// Becomes the visitor; the mode before.
    fn try_visit(&self) -> Option<u8> {
        let mode = self.mode.load(Ordering::Relaxed);
        (mode & VISITED == 0
            && self
                .mode
                .compare_exchange(mode, mode | VISITED, Ordering::SeqCst, Ordering::Relaxed)
                .is_ok())
        .then_some(mode)
    }

    /// The visitor waits until the owner exchanges atomically.
    fn wait_for_owner(&self, mode: u8) {
        if mode & ALWAYS != 0 {
            return;
        }
        sys::barrier_or_wait();
        let mut looks = 0_u32;
        while self.busy.load(Ordering::Acquire) {
            // A few instructions, unless the owner is off its processor.
            looks += 1;
            if looks.is_multiple_of(64) {
                sys::yield_thread();
            } else {
                crate::shim::hint::spin_loop();
            }
        }
    }

    fn leave(&self, mode: u8) {
        self.mode.store(mode, Ordering::Release);
    }

    /// No more atomic exchanges than needed, if the kernel has barriers by now. For the owner, now and
    /// then.
    #[inline]
    pub(crate) fn relax(&self) {
        if self.mode.load(Ordering::Relaxed) == ALWAYS && sys::has_barriers() {
            let _ = self
                .mode
                .compare_exchange(ALWAYS, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }
}
