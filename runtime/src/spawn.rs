//! Making goroutines: `go!`, `spawn`, `Builder`.
//!
//! # Cost of `go!` on a worker
//!
//! A record out of the worker's cache, the closure written into it, a number from the worker's
//! batch, one counter, one submission ([`sched::queue`](crate::sched::queue)). No allocation for
//! closures up to 64 bytes, no stack until the goroutine runs.

use std::io;
use std::panic::Location;
use std::sync::Arc;

use crate::exit::PanicPolicy;
use crate::goroutine::record::{flag, state};
use crate::goroutine::{Record, RecordPtr, slab};
use crate::join::{JoinHandle, Packet};
use crate::observe;
use crate::sanitize::{self, Fiber};
use crate::sched::queue::{self, Lane};
use crate::sched::{self, roster};
use crate::shim::atomic::{AtomicU64, Ordering};
use crate::stack::{SizeClass, Slot, current_slot};

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
    pub(crate) stack_size: usize,
    /// 0: the next free number.
    pub(crate) id: u64,
}

/// Makes a goroutine and submits it; returns its number.
#[inline]
pub(crate) fn start<F>(f: F, extras: Extras, created: &'static Location<'static>) -> u64
where
    F: FnOnce() + Send + 'static,
{
    let fiber = Fiber::create();
    let _hidden = sanitize::hide();
    let worker = current_slot().map(Slot::worker);
    let (record, id) = match worker {
        Some(worker) => {
            worker.counters.spawned.add(1);
            let id = if extras.id == 0 {
                worker.goid()
            } else {
                extras.id
            };
            (worker.records.take(), id)
        }
        None => begin_outside(extras.id),
    };
    record.get().forget();
    let flags = extras.flags | observe::flags();
    record.get().prepare(f, id, flags, created);
    fiber.give_to(record.get(), extras.name.as_deref());
    if extras.name.is_some() || extras.stack_size != 0 {
        let cold = record.get().cold();
        if let Some(name) = &extras.name {
            crate::dump::names::insert(id, Arc::clone(name));
        }
        cold.name = extras.name;
        cold.stack_size = extras.stack_size;
    }
    match worker {
        Some(worker) if worker.runs() => queue::submit_next(worker, record),
        _ => queue::inject(record, Lane::New),
    }
    id
}

#[inline(never)]
fn begin_outside(wanted: u64) -> (RecordPtr, u64) {
    sched::start();
    let record = slab::take_foreign();
    SPAWNED_OUTSIDE.fetch_add(1, Ordering::SeqCst);
    let id = match wanted {
        0 => NEXT_ID.fetch_add(1, Ordering::Relaxed),
        id => id,
    };
    observe::spawned(id);
    (record, id)
}

/// Makes a `go!` goroutine that waits to be readied, on any stack: a timer starts it.
pub(crate) fn start_by_timer<F>(f: F, created: &'static Location<'static>) -> RecordPtr
where
    F: FnOnce() + Send + 'static,
{
    let fiber = Fiber::create();
    let _hidden = sanitize::hide();
    let (record, id) = begin_outside(0);
    record.get().forget();
    record
        .get()
        .prepare(f, id, flag::FATAL_PANIC | observe::flags(), created);
    fiber.give_to(record.get(), None);
    record.get().state.store(state::PARKED, Ordering::Relaxed);
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
        extras,
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
    spawn_with(f, Extras::default(), Location::caller())
}

pub(crate) fn spawn_with<F, T>(
    f: F,
    extras: Extras,
    created: &'static Location<'static>,
) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let packet = Arc::new(Packet::new());
    let name = extras.name.clone();
    let theirs = Arc::clone(&packet);
    let id = start(move || theirs.run(f), extras, created);
    JoinHandle::new(packet, id, name)
}

/// Makes goroutines with a name, a stack size or a panic policy of their own.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use gors_runtime::Builder;
/// let handle = Builder::new()
///     .name("parser")
///     .stack_size(1 << 20)
///     .spawn(|| gors_runtime::goroutine_name())?;
/// assert_eq!(handle.join().unwrap().as_deref(), Some("parser"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder makes nothing until `spawn`, `go` or `run` is called"]
pub struct Builder {
    name: Option<Arc<str>>,
    stack_size: usize,
    policy: PanicPolicy,
    main_thread: bool,
}

impl Builder {
    /// A builder that makes goroutines as [`spawn`] and [`go!`](crate::go) do.
    pub fn new() -> Self {
        Self::default()
    }

    /// The goroutine's name, shown in dumps and panics.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Some(Arc::from(name.as_ref()));
        self
    }

    /// The least number of bytes of stack that the goroutine needs. Memory is used page by page as
    /// the stack grows; the size is address space. 0 is the default, `GORS_STACK_SIZE`.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }

    /// What a panic in a goroutine made by [`go`](Self::go) does.
    /// [`set_panic_policy`](crate::set_panic_policy) can make it milder, not harsher.
    pub fn panic_policy(mut self, policy: PanicPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// For [`run`](Self::run): keeps the main goroutine on the calling thread. Some graphics
    /// libraries ask for that.
    pub fn main_thread(mut self, keep: bool) -> Self {
        self.main_thread = keep;
        self
    }

    fn extras(self, flags: u16) -> io::Result<Extras> {
        if self.stack_size != 0 {
            SizeClass::for_stack(self.stack_size)?;
        }
        let isolated = self.policy == PanicPolicy::Isolate;
        Ok(Extras {
            flags: if isolated {
                flags & !flag::FATAL_PANIC
            } else {
                flags
            },
            name: self.name,
            stack_size: self.stack_size,
            id: 0,
        })
    }

    /// Runs `f` in a new goroutine, as [`spawn`].
    ///
    /// # Errors
    ///
    /// If no stack of the wanted size exists.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let created = Location::caller();
        Ok(spawn_with(f, self.extras(0)?, created))
    }

    /// As [`spawn`](Self::spawn), for the body of a test.
    #[track_caller]
    pub(crate) fn spawn_test<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let created = Location::caller();
        Ok(spawn_with(f, self.extras(flag::TEST)?, created))
    }

    /// Runs `f` in a new goroutine, as [`go!`](crate::go).
    ///
    /// # Errors
    ///
    /// If no stack of the wanted size exists.
    #[track_caller]
    pub fn go<F>(self, f: F) -> io::Result<()>
    where
        F: FnOnce() + Send + 'static,
    {
        let created = Location::caller();
        start(f, self.extras(flag::FATAL_PANIC)?, created);
        Ok(())
    }

    /// Runs `f` as the main goroutine, as [`run`](crate::run).
    ///
    /// # Panics
    ///
    /// With the panic of `f`, and if no stack of the wanted size exists.
    #[track_caller]
    pub fn run<F, T>(self, f: F) -> T
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        let on_thread = self.main_thread;
        let mut extras = match self.extras(flag::MAIN) {
            Ok(extras) => extras,
            Err(error) => panic!("{error}"),
        };
        if current_slot().is_some() {
            return f();
        }
        extras.id = main_id();
        if on_thread {
            crate::run::on_this_thread(f, extras)
        } else {
            crate::run::as_goroutine(f, extras, Location::caller())
        }
    }
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

/// The name that [`Builder::name`] gave the calling goroutine.
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
