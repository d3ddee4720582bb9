//! The record of one goroutine, or of one plain thread that waits.
//!
//! 128 bytes: a header of one cache line, and one line that holds the closure until the goroutine
//! first runs. An unstarted goroutine owns nothing else (larger closures are boxed). A closure of up
//! to three words needs only the header: it lies over the three fields that an unstarted goroutine
//! has no use for, so a burst of spawns writes and reads half the memory.
//!
//! # Who may touch what
//!
//! Records live in slabs that are never unmapped ([`slab`](super::slab)), so a pointer to one is
//! always readable; whether it still means the same goroutine is the reader's affair.
//!
//! * `state` and `claim` are the protocol of waiting, below.
//! * Fields in `Cell`s belong to whoever owns the goroutine: the creator until it is submitted,
//!   then whoever popped it from a queue, then the thread that runs it. The queues' release and
//!   acquire order these accesses.
//! * `id`, `created` and `reason` are written by the owner and may be read by a dump at any time.
//!
//! # States
//!
//! | state | meaning | who leaves it |
//! | --- | --- | --- |
//! | [`RUNNING`](state::RUNNING) | runs, is queued, or was never started | its owner |
//! | [`PARKED`](state::PARKED) | its stack is suspended and nobody runs on it | the one that readies it |
//! | [`ON_THREAD`](state::ON_THREAD) | waits on its own thread, which still looks | the one that readies it |
//! | [`SLEEPING`](state::SLEEPING) | waits on its own thread, which sleeps in a futex | the one that readies it |
//! | [`NOTIFIED`](state::NOTIFIED) | was readied while it waited on its own thread | that thread |
//! | [`PARKED_OBSERVED`](state::PARKED_OBSERVED) | PARKED, under a scheduler trace | as PARKED |
//! | [`IN_BUBBLE`](state::IN_BUBBLE) | as PARKED, for a member of a [`bubble`](crate::bubble) | the bubble |
//!
//! PARKED is stored by the worker *after* it has left the goroutine's stack and *before* it
//! releases the lock under which the waiter was published. A waker finds the waiter under that
//! lock, so it sees PARKED, or one of the thread states: it never meets a goroutine that is still
//! on its stack. That is why no state «parking» exists here.
//!
//! # Claim
//!
//! Each wait has one winner. The owner sets `claim` to OPEN before it publishes its waiters; a
//! sender, closer, timer or canceller that wants to end the wait swaps OPEN for its token, and
//! only the one that succeeds calls ready. Losers leave the record alone.
//!
//! A waiter is unlinked, under its list's lock, before the wait's frame goes. So whoever finds a
//! waiter in a list under that lock speaks about the current wait, and the claim needs no
//! generation.

pub(crate) mod flag;
pub(crate) mod state;

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;
use std::panic::Location;
use std::ptr;

use super::Cold;
use crate::sanitize::{self, Fiber};
use crate::shim::atomic::{
    AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};
use crate::stack::Slot;

/// Bytes of closure a record holds without a box.
pub(crate) const INLINE: usize = 64;
/// Bytes of closure that fit into the header.
const SMALL: usize = 24;

/// A small closure, between the record's header and its first run.
pub(crate) type Small = [MaybeUninit<u64>; SMALL / 8];

/// See the [module](self).
#[cfg_attr(not(gors_tsan), repr(C, align(64)))]
#[cfg_attr(gors_tsan, repr(C, align(256)))]
pub(crate) struct Record {
    pub(crate) state: AtomicU32,
    pub(crate) flags: AtomicU16,
    pub(crate) reason: AtomicU8,
    /// The closure lies in the second line.
    large: Cell<bool>,
    /// 0: free.
    pub(crate) id: AtomicU64,
    pub(crate) created: AtomicPtr<Location<'static>>,
    /// Runs the closure, consuming it.
    entry: Cell<Option<unsafe fn(&Record)>>,
    /// Name, goroutine-locals and other things few goroutines have.
    pub(crate) cold: Cell<*mut Cold>,
    /// Links free records. With the next two: a small closure, while [`flag::FRESH`] is set.
    pub(crate) next: Cell<*mut Record>,
    pub(crate) claim: AtomicUsize,
    /// The stack, from first run to end.
    slot: Cell<*mut Slot>,
    pub(crate) payload: UnsafeCell<[MaybeUninit<u8>; INLINE]>,
    pub(crate) fiber: Fiber,
}

const _: () = assert!(size_of::<Record>() == if cfg!(gors_tsan) { 256 } else { 128 });
const _: () = assert!(std::mem::offset_of!(Record, payload) == 64);
const _: () =
    assert!(std::mem::offset_of!(Record, slot) + 8 - std::mem::offset_of!(Record, next) == SMALL);

impl Record {
    /// Whether any of `bits` is set.
    #[inline]
    pub(crate) fn has(&self, bits: u16) -> bool {
        self.flags.load(Ordering::Relaxed) & bits != 0
    }

    /// Sets `bits`. Flags have one writer at a time, the owner.
    #[inline]
    pub(crate) fn set(&self, bits: u16) {
        let old = self.flags.load(Ordering::Relaxed);
        self.flags.store(old | bits, Ordering::Relaxed);
    }

    /// Clears `bits`; for the owner.
    #[inline]
    pub(crate) fn clear(&self, bits: u16) {
        let old = self.flags.load(Ordering::Relaxed);
        self.flags.store(old & !bits, Ordering::Relaxed);
    }

    /// The goroutine's number; 0 for a plain thread.
    pub(crate) fn goid(&self) -> u64 {
        self.id.load(Ordering::Relaxed)
    }

    /// Starts to load the header of a record, which may be null.
    #[inline]
    pub(crate) fn prefetch(record: *const Self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: prefetching has no effect that a program could see.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(record.cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = record;
    }

    /// Starts to load the closure's cache line, if the header does not hold it.
    #[inline]
    pub(crate) fn prefetch_payload(&self) {
        #[cfg(target_arch = "x86_64")]
        if self.large.get() {
            // SAFETY: prefetching has no effect that a program could see.
            unsafe {
                std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(
                    self.payload.get().cast(),
                );
            }
        }
    }

    /// The stack; null before the first run and after the end. For the owner, and for whoever has
    /// seen that the goroutine waits.
    #[inline]
    pub(crate) fn slot(&self) -> *mut Slot {
        debug_assert!(!self.has(flag::FRESH));
        self.slot.get()
    }

    /// What the field of the stack holds, for those who do not own the goroutine: its stack, or
    /// anything.
    pub(crate) fn slot_of_another(&self) -> *const Slot {
        // SAFETY: a word that its owner may be writing, read as one.
        unsafe { AtomicPtr::from_ptr(self.slot.as_ptr()).load(Ordering::Acquire) }
    }

    /// Binds the goroutine, which has not run, to its stack: the small closure moves into `small`,
    /// a place on that stack.
    ///
    /// # Safety
    ///
    /// The caller owns the goroutine, which is [`FRESH`](flag::FRESH), and `small`.
    #[inline]
    pub(crate) unsafe fn bind(&self, slot: *mut Slot, small: *mut Small) {
        debug_assert!(self.has(flag::FRESH));
        // Word by word, as the fields of the closure were most likely written, and perhaps a moment
        // ago: a load of two words does not find the stores of one each in the processor's store
        // buffer and waits until they are through, 4 ns.
        for word in 0..SMALL / 8 {
            // SAFETY: the fields are the closure's while FRESH is set; all of them are cells, so they
            // may be read as bytes and written through a shared reference.
            unsafe {
                let from = self.small().cast::<MaybeUninit<u64>>().add(word);
                let to = small.cast::<MaybeUninit<u64>>().add(word);
                to.write(from.read_volatile());
            }
        }
        self.clear(flag::FRESH);
        self.slot.set(slot);
    }

    /// The goroutine has ended: it has no stack any more.
    #[inline]
    pub(crate) fn unbind(&self) {
        self.slot.set(ptr::null_mut());
    }

    /// Where a small closure lies while FRESH is set.
    #[inline]
    fn small(&self) -> *mut Small {
        ptr::from_ref(self)
            .cast_mut()
            .cast::<u8>()
            .wrapping_add(std::mem::offset_of!(Record, next))
            .cast()
    }

    /// Runs the closure.
    ///
    /// # Safety
    ///
    /// On the goroutine's stack, by the goroutine; once.
    #[inline]
    pub(crate) unsafe fn enter(&self) {
        let entry = self.entry.take().expect("a goroutine runs once");
        // SAFETY: `prepare` stored the function beside its closure; `take` made this the only call.
        unsafe { entry(self) };
    }

    /// The kernel's number of a plain thread, which keeps it where goroutines keep their closure.
    pub(crate) fn thread_id(&self) -> u32 {
        self.thread_cell().load(Ordering::Relaxed)
    }

    /// Notes the calling thread as the owner of this record of a plain thread.
    pub(crate) fn note_thread(&self) {
        self.thread_cell()
            .store(crate::sys::thread_id(), Ordering::Relaxed);
    }

    fn thread_cell(&self) -> &AtomicU32 {
        debug_assert!(self.has(flag::THREAD));
        // SAFETY: a plain thread's record has no closure; the payload is large and aligned enough.
        unsafe { &*self.payload.get().cast::<AtomicU32>() }
    }

    /// The source line that created the goroutine.
    pub(crate) fn created(&self) -> Option<&'static Location<'static>> {
        // SAFETY: only ever null or a `&'static Location`.
        unsafe { self.created.load(Ordering::Relaxed).as_ref() }
    }

    /// Tells a sanitizer that the record has nothing to do with the goroutine it was before.
    #[inline(always)]
    pub(crate) fn forget(&self) {
        let _hidden = sanitize::hide();
        sanitize::fresh(ptr::from_ref(self).addr(), size_of::<Self>());
    }

    /// Makes the record a goroutine that will run `f`.
    ///
    /// The record comes from the free list and belongs to the caller.
    #[inline]
    pub(crate) fn prepare<F: FnOnce() + Send + 'static>(
        &self,
        f: F,
        id: u64,
        flags: u16,
        created: &'static Location<'static>,
    ) {
        self.state.store(state::RUNNING, Ordering::Relaxed);
        self.id.store(id, Ordering::Relaxed);
        self.created
            .store(ptr::from_ref(created).cast_mut(), Ordering::Relaxed);
        self.flags.store(flags | flag::FRESH, Ordering::Relaxed);
        if size_of::<F>() <= SMALL && align_of::<F>() <= 8 {
            self.large.set(false);
            // SAFETY: the three fields are the closure's until it is bound to a stack.
            unsafe { self.small().cast::<F>().write(f) };
            self.entry.set(Some(run_small::<F>));
            return;
        }
        self.large.set(true);
        let payload = self.payload.get();
        if size_of::<F>() <= INLINE && align_of::<F>() <= 64 {
            // SAFETY: the payload is ours, large enough, and aligned to 64.
            unsafe { payload.cast::<F>().write(f) };
            self.entry.set(Some(run_inline::<F>));
        } else {
            // SAFETY: a pointer fits the payload.
            unsafe { payload.cast::<*mut F>().write(Box::into_raw(Box::new(f))) };
            self.entry.set(Some(run_boxed::<F>));
        }
    }
}

/// # Safety
///
/// The goroutine was prepared with a small `F` and is bound to a stack, where the closure now lies;
/// nobody reads it again.
unsafe fn run_small<F: FnOnce()>(g: &Record) {
    let f = {
        let _hidden = sanitize::hide();
        // SAFETY: the caller's promise.
        unsafe { (*g.slot.get()).small().cast::<F>().read() }
    };
    f();
}

/// # Safety
///
/// The payload holds an `F` that nobody reads again.
unsafe fn run_inline<F: FnOnce()>(g: &Record) {
    let f = {
        let _hidden = sanitize::hide();
        // SAFETY: the caller's promise.
        unsafe { g.payload.get().cast::<F>().read() }
    };
    f();
}

/// # Safety
///
/// The payload holds a pointer out of `Box<F>::into_raw` that nobody reads again.
unsafe fn run_boxed<F: FnOnce()>(g: &Record) {
    // SAFETY: the caller's promise.
    let f = unsafe { Box::from_raw(g.payload.get().cast::<*mut F>().read()) };
    f();
}

/// A pointer to a record as it goes through queues: whoever holds it out of a queue owns the
/// goroutine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct RecordPtr(pub(crate) *mut Record);

// SAFETY: a record is handed from thread to thread by queues that order the accesses; see above.
unsafe impl Send for RecordPtr {}

impl RecordPtr {
    /// The record.
    #[inline]
    pub(crate) fn get(&self) -> &'static Record {
        // SAFETY: records are type-stable and never unmapped.
        unsafe { &*self.0 }
    }
}
