//! Goroutines that found no stack: they wait, in order, per size class, until one comes free.
//!
//! Goroutines of [`Builder`](crate::Builder) were promised theirs and do not come here, unless the
//! kernel breaks the promise (no memory for a page table, guards refused after `mlockall`).
//!
//! # Why none is left waiting beside a free stack
//!
//! A goroutine lists itself, fences, and tries once more. Whoever makes a stack free, or gives up the
//! promise of one, reads the count of those who wait after that; if anybody waits it goes to the first
//! of its class. Stacks come free in five places:
//!
//! * a goroutine ends: the stack goes to the first who waits, else into the worker's magazine;
//! * one went into a magazine just before the count rose, and is out of sight there: so one that starts
//!   to wait asks all workers to flush. Those that sleep do it at once, those that run at their next look
//!   beyond their own queues, and those that sleep [in place](crate::blocking) did it before;
//! * a trim had taken stacks out of the depot and puts them back: it looks at the count afterwards;
//! * a goroutine with a promise got a stack out of a magazine: it looks after it gave the promise up;
//! * a thread ends, and its worker's magazine goes to the depot: it looks afterwards.
//!
//! If everything else is asleep, so that nobody will ever make one free, the
//! [deadlock check](crate::deadlock) ends the program: out of stacks.

use std::collections::VecDeque;
use std::io;
use std::ptr::NonNull;
use std::sync::Once;

use super::{attach, queue, roster};
use crate::fence;
use crate::goroutine::RecordPtr;
use crate::shim::Mutex;
use crate::shim::atomic::{AtomicUsize, Ordering};
use crate::stack::{CLASSES, SizeClass, Slot, depot, magazine};
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

/// The stack that a goroutine of a class was promised: out of the worker's own, if it has one.
#[cold]
pub(super) fn take_promised(
    worker: &'static Worker,
    class: SizeClass,
) -> io::Result<NonNull<Slot>> {
    match worker.stacks.take_own(class) {
        Some(slot) => {
            depot::give_up_promise(class);
            Ok(slot)
        }
        None => depot::take_promised(class),
    }
}

/// Promises a stack of a class. If there is none in sight the workers are asked for what they keep for
/// themselves; what comes of that is seen by whoever asks next.
pub(crate) fn promise(worker: Option<&'static Worker>, class: SizeClass) -> io::Result<()> {
    depot::promise(class).or_else(|_| {
        ask_workers(worker);
        depot::await_trim();
        depot::promise(class)
    })
}

fn class_of(record: RecordPtr) -> SizeClass {
    record
        .get()
        .cold_if_any()
        .and_then(|cold| cold.promised)
        .unwrap_or(crate::config::get().stack_class)
}

/// Lists a goroutine; a stack that came free in this moment goes to whoever is first.
#[cold]
#[inline(never)]
pub(super) fn wait(worker: &'static Worker, record: RecordPtr, why: &io::Error) {
    let class = class_of(record);
    {
        let mut waiting = WAITING[class.index()].lock();
        waiting.push_back(record);
        COUNT.fetch_add(1, Ordering::SeqCst);
    }
    fence::store_load();
    warn_once(why);
    ask_workers(Some(worker));
    serve_all();
}

fn warn_once(why: &io::Error) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| eprintln!("gors: goroutines wait until a stack comes free: {why}."));
}

/// Free stacks leave the workers' magazines: the caller's at once, the others' soon.
fn ask_workers(own: Option<&'static Worker>) {
    if let Some(worker) = own {
        worker.stacks.flush();
    }
    roster::for_each(|other| {
        other.flush.store(true, Ordering::Release);
        other.parker.unpark();
    });
}

/// Stacks have come into the depot: they are for those who wait, if anybody does.
pub(crate) fn serve() {
    // Whoever found none meanwhile has listed itself before it looked a last time.
    fence::store_load();
    if any() {
        serve_all();
    }
}

/// Hands stacks out of the depot to those who wait, as long as there are any.
#[cold]
#[inline(never)]
fn serve_all() {
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
    flush_if_asked(worker);
}

/// The worker gives away the free stacks that it keeps, if somebody waits for one.
#[inline]
pub(super) fn flush_if_asked(worker: &'static Worker) {
    if worker.flush.load(Ordering::Relaxed) && worker.flush.swap(false, Ordering::Acquire) {
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
