//! Goroutines as ThreadSanitizer's fibres.
//!
//! # Where the fibre is changed
//!
//! An instrumented function pushes its caller onto the current fibre's call stack when it begins and
//! pops it when it ends. A function that begins on one fibre and ends on the other makes the two call
//! stacks drift apart, and in the end leave their memory. corosensei's feature `sanitizer` announces a
//! change of stacks before and after it; AddressSanitizer brings the functions that it calls,
//! ThreadSanitizer does not, so ours change the fibre, on the goroutine's stack both times:
//!
//! ```text
//! worker:     start_switch                    switch_and_link ends, finish_switch
//!                   switch_and_link begins ↓        ↑
//! goroutine:                    finish_switch →W G→   ...   start_switch →G W→
//! ```
//!
//! corosensei's function around the change of stacks, `switch_and_link`, then begins and ends on the
//! worker's fibre. `finish_switch` and `start_switch` are inlined, or (in unoptimised builds) begin on
//! one fibre and end on the other, the first one way and the second the other way, so they cancel out. A
//! fibre that takes over a coroutine from the goroutine before it ends functions that it has not begun:
//! it is made with [`SPARE_FRAMES`] to be popped.

use crate::shim::atomic::{AtomicPtr, Ordering};
use std::cell::Cell;
use std::ffi::{CString, c_char, c_void};
use std::ptr;

use crate::goroutine::Record;
use crate::stack::{Slot, current_slot};

unsafe extern "C" {
    fn __tsan_get_current_fiber() -> *mut c_void;
    fn __tsan_create_fiber(flags: u32) -> *mut c_void;
    fn __tsan_destroy_fiber(fiber: *mut c_void);
    fn __tsan_switch_to_fiber(fiber: *mut c_void, flags: u32);
    fn __tsan_set_fiber_name(fiber: *mut c_void, name: *const c_char);
    fn __tsan_func_entry(pc: *const c_void);
}

#[cfg(gors_race)]
unsafe extern "C" {
    fn __tsan_acquire(at: *const c_void);
    fn __tsan_release(at: *const c_void);
    fn __tsan_java_init(start: usize, len: usize);
    fn __tsan_java_alloc(start: usize, len: usize);
    fn __tsan_java_free(start: usize, len: usize);
    fn AnnotateIgnoreReadsBegin(file: *const c_char, line: i32);
    fn AnnotateIgnoreReadsEnd(file: *const c_char, line: i32);
    fn AnnotateIgnoreSyncBegin(file: *const c_char, line: i32);
    fn AnnotateIgnoreSyncEnd(file: *const c_char, line: i32);
}

/// The switch orders nothing.
const NO_SYNC: u32 = 1;
/// How a switch between a worker and a goroutine is announced.
const SWITCH: u32 = if cfg!(gors_race) { NO_SYNC } else { 0 };
/// Frames at the bottom of a fibre's call stack that may be popped without having been pushed; see
/// the [module](self).
const SPARE_FRAMES: u32 = 6;

/// A goroutine as ThreadSanitizer knows it; null while a record is free.
pub(crate) struct Fiber(AtomicPtr<c_void>);

impl Fiber {
    /// Makes a fibre on behalf of the caller, whose past is ordered before it.
    pub(crate) fn create() -> Self {
        // SAFETY: plain calls.
        let fiber = unsafe { __tsan_create_fiber(0) };
        push_spare_frames(fiber);
        Self(AtomicPtr::new(fiber))
    }

    /// The record's goroutine is this fibre from now on.
    pub(crate) fn give_to(self, record: &Record, name: Option<&str>) {
        let fiber = self.0.into_inner();
        let id = record.goid();
        let text = match name {
            Some(name) => format!("goroutine {id} {name:?}"),
            None => format!("goroutine {id}"),
        };
        // A name with a zero in it was escaped by its Debug form.
        let text = CString::new(text).unwrap_or_default();
        // SAFETY: the name is copied.
        unsafe { __tsan_set_fiber_name(fiber, text.as_ptr()) };
        record.fiber.0.store(fiber, Ordering::Relaxed);
    }

    /// The goroutine has ended. Not on its stack.
    pub(crate) fn destroy(&self) {
        let fiber = self.0.swap(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: made by `create`, and its goroutine has left it for ever.
        unsafe { __tsan_destroy_fiber(fiber) };
    }
}

#[sanitize(thread = "off")]
#[inline(never)]
fn push_spare_frames(fiber: *mut c_void) {
    let root: fn() = goroutine_root;
    // SAFETY: the fibre is new and nobody runs on it; the address lies in a function, which is what
    // reports ask for.
    unsafe {
        let here = __tsan_get_current_fiber();
        __tsan_switch_to_fiber(fiber, NO_SYNC);
        let mut left = SPARE_FRAMES;
        while left > 0 {
            __tsan_func_entry((root as *const c_void).byte_add(1));
            left -= 1;
        }
        __tsan_switch_to_fiber(here, NO_SYNC);
    }
}

/// What reports show below a goroutine's first function.
#[inline(never)]
fn goroutine_root() {
    // SAFETY: empty. Keeps the function from being merged with another.
    unsafe { std::arch::asm!("/* the bottom of a goroutine's stack */") };
}

/// The fibre that a goroutine's switch leads to: that of whoever resumed it.
pub(crate) struct Back(Cell<*mut c_void>);

impl Back {
    pub(crate) const fn new() -> Self {
        Self(Cell::new(ptr::null_mut()))
    }
}

/// The thread is about to resume `slot`'s goroutine.
pub(crate) fn before_resume(slot: &Slot) {
    // SAFETY: a plain call.
    slot.back.0.set(unsafe { __tsan_get_current_fiber() });
}

/// Called by corosensei before each change of stacks.
#[sanitize(thread = "off")]
#[unsafe(no_mangle)]
unsafe extern "C" fn __sanitizer_start_switch_fiber(
    _fake_stack: *mut *mut u8,
    _bottom: *const u8,
    _size: usize,
) {
    if let Some(slot) = current_slot() {
        let back = slot.back.0.get();
        // SAFETY: the fibre of the thread that resumed this goroutine, to which it returns.
        unsafe { __tsan_switch_to_fiber(back, SWITCH) };
    }
}

/// Called by corosensei after each change of stacks.
#[sanitize(thread = "off")]
#[unsafe(no_mangle)]
unsafe extern "C" fn __sanitizer_finish_switch_fiber(
    _fake_stack: *mut u8,
    _bottom: *mut *const u8,
    _size: *mut usize,
) {
    if let Some(slot) = current_slot() {
        let fiber = slot.record().fiber.0.load(Ordering::Relaxed);
        // SAFETY: the fibre of the goroutine on this stack, which nobody else runs.
        unsafe { __tsan_switch_to_fiber(fiber, SWITCH) };
    }
}

/// Part of the interface that corosensei's feature uses; ThreadSanitizer has nothing like it.
#[sanitize(thread = "off")]
#[unsafe(no_mangle)]
unsafe extern "C" fn __asan_unpoison_memory_region(_start: *const u8, _size: usize) {}

/// While it lives, the caller's accesses and edges are not watched. Nests; stays with the fibre
/// across switches.
#[must_use]
pub(crate) struct Hidden(());

/// See [`Hidden`].
pub(crate) fn hide() -> Hidden {
    #[cfg(gors_race)]
    // SAFETY: only counts.
    unsafe {
        AnnotateIgnoreReadsBegin(ptr::null(), 0);
        AnnotateIgnoreSyncBegin(ptr::null(), 0);
    }
    Hidden(())
}

impl Drop for Hidden {
    fn drop(&mut self) {
        #[cfg(gors_race)]
        // SAFETY: begun in `hide`.
        unsafe {
            AnnotateIgnoreSyncEnd(ptr::null(), 0);
            AnnotateIgnoreReadsEnd(ptr::null(), 0);
        }
    }
}

/// The caller's past is ordered before whatever follows an [`acquire`] of the same address.
pub(crate) fn release<T>(at: *const T) {
    #[cfg(gors_race)]
    // SAFETY: the address is a name, nothing is read there.
    unsafe {
        __tsan_release(at.cast());
    }
    let _ = at;
}

/// See [`release`].
pub(crate) fn acquire<T>(at: *const T) {
    #[cfg(gors_race)]
    // SAFETY: as above.
    unsafe {
        __tsan_acquire(at.cast());
    }
    let _ = at;
}

/// The range changes hands without an edge, and what was in it is forgotten: as if it had been freed
/// and allocated. A multiple of 8, aligned to 8. Only while [hidden](hide), where nothing is noted as
/// written.
pub(crate) fn fresh(start: usize, len: usize) {
    #[cfg(gors_race)]
    {
        static HEAP: std::sync::Once = std::sync::Once::new();
        // The interface was made for Java's heap. Its range is only asked for when a report looks for
        // the object that an address belongs to; none of ours is one.
        //
        // SAFETY: once in the process.
        HEAP.call_once(|| unsafe { __tsan_java_init(8, 8) });
        // SAFETY: forgets, and notes a new owner.
        unsafe {
            __tsan_java_free(start, len);
            __tsan_java_alloc(start, len);
        }
    }
    let _ = (start, len);
}
