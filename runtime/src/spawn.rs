//! Making goroutines: `go!`, `spawn`. For those with extras see [`builder`](crate::builder).
//!
//! # Cost of `go!` on a worker
//!
//! A look whether the slice is over, a record out of the worker's cache, the closure written into it, a
//! number from the worker's batch, one counter, one submission ([`sched::queue`](crate::sched::queue)). No
//! allocation for closures up to 64 bytes, no stack until the goroutine runs.

use std::io;
use std::panic::Location;
use std::sync::Arc;

use crate::goroutine::record::{flag, state};
use crate::goroutine::{Record, RecordPtr, slab};
use crate::join::{JoinHandle, Packet};
use crate::mode;
use crate::observe;
use crate::pair::Pair;
use crate::sanitize::{self, Fiber};
use crate::sched::queue::{self, Lane};
use crate::sched::{self, roster};
use crate::shim::atomic::{AtomicU64, Ordering};
use crate::stack::{SizeClass, Slot, current_slot, depot};
use crate::sysmon::slices;
use crate::worker::Worker;

/// The next goroutine number. 1 is the first main goroutine.
static NEXT_ID: AtomicU64 = AtomicU64::new(2);
/// Numbers a worker takes at once.
const ID_BATCH: u64 = 64;
/// Goroutines made by plain threads.
static SPAWNED_OUTSIDE: AtomicU64 = AtomicU64::new(0);

/// Numbers for a worker: the first, and one past the last.
pub(crate) fn goid_batch() -> (u64, u64) {
    // One by one under an observer, so that it hears of each spawn in this rare path.
    let batch = if observe::on() { 1 } else { ID_BATCH };
    let first = NEXT_ID.fetch_add(batch, Ordering::Relaxed);
    observe::spawned(first);
    (first, first + batch)
}

/// The number of a main goroutine: 1 for the first in the process.
pub(crate) fn main_id() -> u64 {
    static FIRST: crate::shim::atomic::AtomicBool = crate::shim::atomic::AtomicBool::new(true);
    if FIRST.swap(false, Ordering::Relaxed) {
        1
    } else {
        NEXT_ID.fetch_add(1, Ordering::Relaxed)
    }
}

/// What a new goroutine gets beside its closure.
#[derive(Default)]
pub(crate) struct Extras {
    pub(crate) flags: u16,
    pub(crate) name: Option<Arc<str>>,
    /// A stack that the goroutine was promised.
    pub(crate) promised: Option<SizeClass>,
    /// 0: the next free number.
    pub(crate) id: u64,
}

/// Makes a goroutine and submits it; returns its number.
#[inline]
pub(crate) fn start<F>(f: F, extras: &Extras, created: &'static Location<'static>) -> u64
where
    F: FnOnce() + Send + 'static,
{
    // Who only spawns may be asked for the end of its slice as well.
    slices::answer_if_asked();
    let fiber = Fiber::create();
    let _hidden = sanitize::hide();
    // The outside path while anything unusual is on: it looks at what that is.
    let worker = current_slot().filter(|_| !mode::any()).map(Slot::worker);
    let record = match worker {
        Some(worker) => worker.records.take(),
        None => take_outside(),
    };
    launch(fiber, worker, record, f, extras, created)
}

/// As [`start`], for those who can be told that there is no room for a record. The promise of a stack
/// is given up then, and `f` is dropped.
pub(crate) fn try_start<F>(
    f: F,
    extras: &Extras,
    created: &'static Location<'static>,
) -> io::Result<u64>
where
    F: FnOnce() + Send + 'static,
{
    slices::answer_if_asked();
    let fiber = Fiber::create();
    let _hidden = sanitize::hide();
    let worker = current_slot().filter(|_| !mode::any()).map(Slot::worker);
    let record = match worker {
        Some(worker) => worker.records.try_take(),
        None => {
            sched::start();
            slab::try_take_foreign()
        }
    };
    match record {
        Ok(record) => Ok(launch(fiber, worker, record, f, extras, created)),
        Err(error) => {
            fiber.destroy();
            if let Some(class) = extras.promised {
                depot::give_up_promise(class);
            }
            Err(error)
        }
    }
}

#[inline]
fn launch<F>(
    fiber: Fiber,
    worker: Option<&'static Worker>,
    record: RecordPtr,
    f: F,
    extras: &Extras,
    created: &'static Location<'static>,
) -> u64
where
    F: FnOnce() + Send + 'static,
{
    let id = match worker {
        Some(worker) => {
            worker.counters.spawned.add(1);
            if extras.id == 0 {
                worker.goid()
            } else {
                extras.id
            }
        }
        None => number_outside(extras.id),
    };
    record.get().forget();
    let flags = extras.flags | observe::flags();
    record.get().prepare(f, id, flags, created);
    fiber.give_to(record.get(), extras.name.as_deref());
    if extras.name.is_some() || extras.promised.is_some() {
        let cold = record.get().cold();
        if let Some(name) = &extras.name {
            crate::dump::names::insert(id, Arc::clone(name));
        }
        cold.name.clone_from(&extras.name);
        cold.promised = extras.promised;
    }
    match worker {
        Some(worker) if worker.runs() => queue::submit_next(worker, record),
        _ => submit_outside(record),
    }
    id
}

#[cold]
#[inline(never)]
fn submit_outside(record: RecordPtr) {
    crate::fork::check();
    if mode::any() {
        mode::submit_new(record);
    } else {
        queue::inject(record, Lane::New);
    }
}

/// Makes a goroutine on a stack of this class, if there is one to be had, else of the default class,
/// and leaves it to the caller to submit it.
pub(crate) fn prepare_outside<F>(
    f: F,
    class: SizeClass,
    created: &'static Location<'static>,
) -> RecordPtr
where
    F: FnOnce() + Send + 'static,
{
    let fiber = Fiber::create();
    let _hidden = sanitize::hide();
    let record = take_outside();
    let id = number_outside(0);
    record.get().forget();
    record.get().prepare(f, id, observe::flags(), created);
    fiber.give_to(record.get(), None);
    if sched::stackless::promise(None, class).is_ok() {
        record.get().cold().promised = Some(class);
    }
    mode::mark(record);
    record
}

#[inline(never)]
fn take_outside() -> RecordPtr {
    crate::fork::check();
    sched::start();
    slab::take_foreign()
}

/// Counts a goroutine that a plain thread makes; its number.
#[inline(never)]
fn number_outside(wanted: u64) -> u64 {
    SPAWNED_OUTSIDE.fetch_add(1, Ordering::SeqCst);
    let id = match wanted {
        0 => NEXT_ID.fetch_add(1, Ordering::Relaxed),
        id => id,
    };
    observe::spawned(id);
    id
}

/// Makes a `go!` goroutine that waits to be readied, on any stack: a timer starts it.
pub(crate) fn start_by_timer<F>(f: F, created: &'static Location<'static>) -> RecordPtr
where
    F: FnOnce() + Send + 'static,
{
    let fiber = Fiber::create();
    let _hidden = sanitize::hide();
    let record = take_outside();
    let id = number_outside(0);
    record.get().forget();
    record
        .get()
        .prepare(f, id, flag::FATAL_PANIC | observe::flags(), created);
    fiber.give_to(record.get(), None);
    record.get().state.store(state::PARKED, Ordering::Relaxed);
    mode::mark(record);
    record
}

/// The expansion of [`go!`](crate::go).
#[doc(hidden)]
#[inline]
#[track_caller]
pub fn go<F, R>(f: F)
where
    F: FnOnce() -> R + Send + 'static,
{
    let extras = Extras {
        flags: flag::FATAL_PANIC,
        ..Extras::default()
    };
    start(
        move || {
            f();
        },
        &extras,
        Location::caller(),
    );
}

/// Runs `f` in a new goroutine and returns a handle to wait for its result.
///
/// The goroutine runs on even if the handle is dropped. A panic of `f` does not end the process; it
/// is kept for [`JoinHandle::join`]. Starts the runtime if it does not run yet. Never blocks.
///
/// Go has no equivalent: `go` returns nothing. `std::thread::spawn`, with goroutines.
///
/// ```
/// let sum = gors_runtime::spawn(|| (1..=10).sum::<i32>());
/// assert_eq!(sum.join().unwrap(), 55);
/// ```
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (body, packet) = joinable(f);
    let id = start(body, &Extras::default(), Location::caller());
    JoinHandle::new(packet, id, None)
}

/// What a goroutine that is joined runs, and what it leaves for whoever joins.
#[inline]
pub(crate) fn joinable<F, T>(f: F) -> (impl FnOnce() + Send + 'static, Pair<Packet<T>>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (packet, theirs) = Packet::pair();
    (move || theirs.run(f), packet)
}

/// How many goroutines exist: spawned, and not ended. Includes the main goroutine of
/// [`run`](crate::run); plain threads do not count.
///
/// Go: `runtime.NumGoroutine`.
///
/// ```
/// gors_runtime::run(|| assert_eq!(gors_runtime::num_goroutine(), 1));
/// ```
#[must_use]
pub fn num_goroutine() -> usize {
    let (spawned, ended) = totals();
    usize::try_from(spawned.saturating_sub(ended)).unwrap_or(usize::MAX)
}

/// Goroutines spawned and ended since the start.
pub(crate) fn totals() -> (u64, u64) {
    // Ended first: a goroutine that ends between the two sums must not be missing in the first.
    let mut ended = 0;
    roster::for_each(|worker| ended += worker.counters.ended.get());
    let mut spawned = SPAWNED_OUTSIDE.load(Ordering::SeqCst);
    roster::for_each(|worker| spawned += worker.counters.spawned.get());
    (spawned, ended)
}

/// The number of the calling goroutine; 0 on a plain thread.
///
/// For messages. Go hides it; do not build goroutine-local storage on it, there is
/// [`goroutine_local!`](crate::goroutine_local).
///
/// ```
/// assert_eq!(gors_runtime::goid(), 0);
/// assert_ne!(gors_runtime::spawn(gors_runtime::goid).join().unwrap(), 0);
/// ```
#[must_use]
pub fn goid() -> u64 {
    crate::current::record().goid()
}

/// The name that [`Builder::name`](crate::Builder::name) gave the calling goroutine.
///
/// ```
/// assert_eq!(gors_runtime::goroutine_name(), None);
/// ```
#[must_use]
pub fn goroutine_name() -> Option<String> {
    crate::current::goroutine()
        .and_then(name_of)
        .map(|name| name.to_string())
}

/// The name of a goroutine that the caller is, or owns.
pub(crate) fn name_of(g: &Record) -> Option<Arc<str>> {
    g.cold_if_any().and_then(|cold| cold.name.clone())
}

/// How many CPUs the process may use: those within its affinity mask when it started.
///
/// Go: `runtime.NumCPU`.
///
/// ```
/// assert!(gors_runtime::num_cpu() >= 1);
/// ```
#[must_use]
pub fn num_cpu() -> usize {
    crate::sys::num_cpu()
}
