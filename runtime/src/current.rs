//! Who am I: the current goroutine, worker or plain thread. The only module of the runtime that
//! owns thread-local storage.
//!
//! # Why there is so little of it
//!
//! The compiler may keep the address of a `thread_local!` across calls, and a goroutine changes
//! threads in calls. So on a goroutine's stack nothing is found through thread-local storage: the
//! stack pointer leads to the slot's header ([`stack::address`](crate::stack::address)), the header to
//! record and worker. Only code on an OS thread's own stack, which never moves, asks for the
//! thread's record here.
//!
//! The accessor is nevertheless never inlined, holds an empty volatile `asm!` so that two calls
//! are not merged, and returns a loaded value and no reference into thread-local storage. That
//! keeps it right even if somebody calls it where they should not.

use std::arch::asm;
use std::cell::Cell;
use std::ptr;

use crate::goroutine::record::flag;
use crate::goroutine::{Record, RecordPtr, slab};
use crate::stack::current_slot;

thread_local! {
    /// This thread's record. Has no destructor, so that it can be read at any time of a thread's
    /// life.
    static RECORD: Cell<*mut Record> = const { Cell::new(ptr::null_mut()) };
    /// Gives the record back at the thread's end.
    static GUARD: Guard = const { Guard };
}

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        let record = RecordPtr(load_record());
        if !record.0.is_null() {
            // While it is still the thread's: destructors may wait, and use what is left.
            crate::local::drop_all(record.get());
            replace_record(ptr::null_mut());
            record.get().drop_cold();
            slab::give_foreign(record);
            // One less that could wake anybody.
            crate::sysmon::look_for_deadlock();
        }
    }
}

/// The record of the goroutine, or of the plain thread, that calls.
#[inline]
pub(crate) fn record() -> &'static Record {
    match current_slot() {
        Some(slot) => slot.record(),
        None => thread_record().get(),
    }
}

/// The goroutine that calls; `None` on a plain thread.
#[inline]
pub(crate) fn goroutine() -> Option<&'static Record> {
    current_slot().map(|slot| slot.record())
}

/// The number of the worker whose thread runs the caller, if that is a goroutine.
#[inline(always)]
pub(crate) fn worker_number() -> Option<usize> {
    current_slot().map(|slot| slot.worker().id)
}

#[cold]
#[inline(never)]
fn thread_record() -> RecordPtr {
    let record = load_record();
    if !record.is_null() {
        return RecordPtr(record);
    }
    crate::fork::check();
    let fresh = slab::take_foreign();
    let record = fresh.get();
    record.forget();
    record
        .flags
        .store(flag::THREAD, crate::shim::atomic::Ordering::Relaxed);
    record
        .created
        .store(ptr::null_mut(), crate::shim::atomic::Ordering::Relaxed);
    record.note_thread();
    replace_record(fresh.0);
    // A thread whose destructors already run has no guard any more: its record is lost with it.
    // That is 128 bytes for each thread that waits in a destructor after our own.
    let _ = GUARD.try_with(|_| ());
    fresh
}

#[inline(never)]
fn load_record() -> *mut Record {
    // SAFETY: empty. Volatile, so that calls of this function are not merged.
    unsafe { asm!("", options(nostack, preserves_flags)) };
    RECORD.get()
}

#[inline(never)]
fn replace_record(record: *mut Record) -> *mut Record {
    // SAFETY: as above.
    unsafe { asm!("", options(nostack, preserves_flags)) };
    RECORD.replace(record)
}
