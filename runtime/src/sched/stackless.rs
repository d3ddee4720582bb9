//! Goroutines that found no stack: they wait, in order, per size class, until one comes free.
//!
//! # Why none is left waiting beside a free stack
//!
//! A goroutine lists itself, fences, and tries once more. Whoever frees a stack reads the count of
//! those who wait after it has decided where the stack goes: if anybody waits the stack goes to the
//! first of its class, else into the worker's magazine. A stack that went into a magazine just before
//! the count rose would be out of sight there, so one that starts to wait asks all workers to
//! flush: those that sleep do it at once, those that run see the count at the next end of a
//! goroutine.

use std::collections::VecDeque;
use std::io;
use std::ptr::NonNull;

use super::{attach, queue, roster};
use crate::fence;
use crate::goroutine::RecordPtr;
use crate::shim::Mutex;
use crate::shim::atomic::{AtomicUsize, Ordering};
use crate::stack::arena::CLASSES;
use crate::stack::{SizeClass, Slot, depot, magazine};
use crate::worker::Worker;

static WAITING: [Mutex<VecDeque<RecordPtr>>; CLASSES] =
    [const { Mutex::new(VecDeque::new()) }; CLASSES];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Whether any goroutine waits for a stack.
#[inline]
pub(crate) fn any() -> bool {
    COUNT.load(Ordering::Relaxed) != 0
}

/// How many goroutines wait for a stack.
pub(crate) fn count() -> usize {
    COUNT.load(Ordering::SeqCst)
}

/// A stack of at least `size` bytes.
#[cold]
pub(super) fn take_sized(size: usize) -> io::Result<NonNull<Slot>> {
    magazine::take_any(SizeClass::for_stack(size)?)
}

fn class_of(record: RecordPtr) -> SizeClass {
    let size = record.get().cold_if_any().map_or(0, |cold| cold.stack_size);
    SizeClass::for_stack(size)
        .ok()
        .filter(|_| size != 0)
        .unwrap_or(crate::config::get().stack_class)
}

/// Lists a goroutine; a stack that came free in this moment goes to whoever is first.
#[cold]
#[inline(never)]
pub(super) fn wait(worker: &'static Worker, record: RecordPtr) {
    let class = class_of(record);
    {
        let mut waiting = WAITING[class.index()].lock();
        waiting.push_back(record);
        COUNT.fetch_add(1, Ordering::SeqCst);
    }
    fence::store_load();
    worker.stacks.flush();
    roster::for_each(|other| {
        other.flush.store(true, Ordering::Release);
        other.parker.unpark();
    });
    serve_all();
}

/// Hands stacks out of the depot to those who wait, as long as there are any.
#[cold]
#[inline(never)]
pub(crate) fn serve_all() {
    for (index, list) in WAITING.iter().enumerate() {
        while !list.lock().is_empty() {
            let Ok(slot) = magazine::take_any(SizeClass::at(index)) else {
                break;
            };
            hand_over(slot);
        }
    }
}

/// A goroutine has ended while others wait: its stack goes to the first of its class.
#[cold]
#[inline(never)]
pub(super) fn give(worker: &'static Worker, slot: NonNull<Slot>) {
    hand_over(slot);
    if worker.flush.swap(false, Ordering::Acquire) {
        worker.stacks.flush();
        serve_all();
    }
}

/// Gives a stack to the first who waits for one of its class, else to the depot.
fn hand_over(slot: NonNull<Slot>) {
    // SAFETY: a slot's header is always readable.
    let class = unsafe { slot.as_ref() }.class();
    let first = {
        let mut waiting = WAITING[class.index()].lock();
        let first = waiting.pop_front();
        if first.is_some() {
            COUNT.fetch_sub(1, Ordering::SeqCst);
        }
        first
    };
    match first {
        Some(record) => {
            attach(record, slot);
            queue::inject(record, queue::Lane::Woken);
        }
        None => depot::give_one(class, slot),
    }
}
