//! A worker: an OS thread that runs goroutines, and the queue that belongs to it.
//!
//! # Who may touch what
//!
//! *Owner* fields are touched by the worker's own thread only, on its own stack or on the stack of
//! the goroutine that it runs. *Shared* fields are atomics with a protocol: `permit` below,
//! `run_next` in [`sched::run_next`](crate::sched::run_next), the deque in
//! [`sched::queue`](crate::sched::queue).
//!
//! # The permit word
//!
//! | value | meaning | who leaves it |
//! | --- | --- | --- |
//! | NONE | may not run goroutines | whoever assigns a permit, under the roster's lock |
//! | RUN | runs goroutines | the worker; or a taker, by CAS to NONE |
//! | SEARCH | looks for work | the worker only |
//! | BLOCK | inside `blocking`, keeps the permit until somebody wants it | the worker, by CAS to RUN; or a taker, by CAS to NONE |
//!
//! Moves from and to NONE happen under the roster's lock together with the worker's place in the
//! table of permit holders, so «in the table» and «not NONE» are the same thing.

use std::cell::Cell;

use crossbeam_deque::{Stealer, Worker as Deque};

use crate::goroutine::slab::RecordCache;
use crate::goroutine::{Record, RecordPtr};
use crate::sched::run_next::RunNext;
use crate::shim::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};
use crate::stack::Magazine;
use crate::sys;

/// Values of [`Worker::permit`].
pub(crate) mod permit {
    /// May not run goroutines.
    pub(crate) const NONE: u8 = 0;
    /// Runs goroutines.
    pub(crate) const RUN: u8 = 1;
    /// Looks for work.
    pub(crate) const SEARCH: u8 = 2;
    /// Inside `blocking`.
    pub(crate) const BLOCK: u8 = 3;
}

/// See the [module](self). Workers are never freed; a retired thread leaves its worker to the next.
#[repr(align(128))]
pub(crate) struct Worker {
    /// Shared. See the table above.
    pub(crate) permit: AtomicU8,
    /// Shared. sysmon's wish that the goroutine end its slice at the next checkpoint.
    pub(crate) preempt: AtomicBool,
    /// Under the roster's lock: the permit was taken by sysmon and the goroutine runs on. Then the worker
    /// neither has a permit nor lies idle.
    pub(crate) overtime: AtomicBool,
    /// Under the roster's lock, while the worker has a permit: whose permit it is, or null. See
    /// [`loan`](crate::sched::loan).
    pub(crate) lender: AtomicPtr<Worker>,
    /// Shared: the worker shall give its free stacks to those who wait for one.
    pub(crate) flush: AtomicBool,
    /// Written by thieves: changes when goroutines are stolen from here.
    pub(crate) robbed: AtomicU32,
    /// Written by the owner: counts goroutines run. Read by sysmon and thieves.
    pub(crate) tick: AtomicU32,
    /// Written by the owner: the goroutine that it runs, or ran last. For messages.
    pub(crate) running: AtomicPtr<Record>,
    /// Shared: the goroutine to run next.
    pub(crate) run_next: RunNext,
    /// Owner.
    pub(crate) deque: Deque<RecordPtr>,
    /// Owner: goroutines taken from `run_next` in a row.
    pub(crate) run_next_streak: Cell<u32>,
    /// Owner: how many of them may be.
    pub(crate) run_next_limit: Cell<u32>,
    /// Owner: whose turn it is, of those in `run_next` and those in the deque.
    pub(crate) turn: Cell<Turn>,
    /// Owner: the tick at which the worker looks beyond its own queues.
    pub(crate) look_at: Cell<u32>,
    /// Owner: when it did so last, and when it last looked for new goroutines.
    pub(crate) last_look: Cell<Look>,
    pub(crate) last_new_look: Cell<Look>,
    /// Owner: when it last fired timers although its own queues were not empty.
    pub(crate) fired_at: Cell<u64>,
    /// Owner: run-next-only submissions that woke nobody.
    pub(crate) held_back: Cell<u32>,
    /// Owner.
    pub(crate) records: RecordCache,
    /// Owner.
    pub(crate) stacks: Magazine,
    /// Owner: the next goroutine number, and the end of the batch.
    pub(crate) goids: Cell<(u64, u64)>,
    /// Owner.
    random: Cell<u64>,
    /// Written by the owner, read by statistics.
    pub(crate) counters: Counters,
    /// Shared.
    pub(crate) stealer: Stealer<RecordPtr>,
    /// Shared.
    pub(crate) parker: ThreadParker,
    /// Index in the table of permit holders; under the roster's lock.
    pub(crate) holder: Cell<usize>,
    pub(crate) id: usize,
    /// Written by the owner when its thread starts: the kernel's number of the thread.
    pub(crate) thread: AtomicU32,
    /// An address on its thread's own stack; 0 while it has no thread.
    pub(crate) frame: AtomicUsize,
}

// SAFETY: owner fields are touched by one thread at a time (the worker's thread; a retired
// worker's successor is ordered after it by the roster's lock), shared ones are synchronised.
unsafe impl Sync for Worker {}
// SAFETY: as above.
unsafe impl Send for Worker {}

/// A moment, in ticks and on the scheduler's clock.
#[derive(Clone, Copy, Default)]
pub(crate) struct Look {
    pub(crate) tick: u32,
    pub(crate) time: u64,
}

/// Whose turn it is; see [`find`](crate::sched::find).
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    /// When it began, on the scheduler's clock, and how long it may last.
    pub(crate) since: u64,
    pub(crate) length: u64,
    /// When that was last looked at.
    pub(crate) looked: u64,
    /// Who stood in the run-next slot when the turn of the queue began. To compare with, no more.
    pub(crate) chain: *mut Record,
    /// How long those who woke each other there took between their last two looks, and how often they may
    /// do so until the next.
    pub(crate) pace: u64,
    pub(crate) limit: u32,
}

impl Turn {
    const NONE: Self = Self {
        since: 0,
        length: 0,
        looked: 0,
        chain: std::ptr::null_mut(),
        pace: 0,
        limit: crate::sched::find::RUN_NEXT_STREAK,
    };
}

/// Totals of one worker. One writer, so adding is a load and a store.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) spawned: Counter,
    pub(crate) ended: Counter,
    pub(crate) steals: Counter,
}

/// A number with one writer and any readers.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds; for the one writer.
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0
            .store(self.0.load(Ordering::Relaxed) + n, Ordering::Release);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

impl Worker {
    pub(crate) fn new(id: usize) -> Self {
        let deque = Deque::new_fifo();
        Self {
            permit: AtomicU8::new(permit::NONE),
            preempt: AtomicBool::new(false),
            overtime: AtomicBool::new(false),
            lender: AtomicPtr::new(std::ptr::null_mut()),
            flush: AtomicBool::new(false),
            robbed: AtomicU32::new(0),
            tick: AtomicU32::new(0),
            running: AtomicPtr::new(std::ptr::null_mut()),
            run_next: RunNext::new(),
            stealer: deque.stealer(),
            deque,
            run_next_streak: Cell::new(0),
            run_next_limit: Cell::new(crate::sched::find::RUN_NEXT_STREAK),
            turn: Cell::new(Turn::NONE),
            look_at: Cell::new(0),
            last_look: Cell::new(Look::default()),
            last_new_look: Cell::new(Look::default()),
            fired_at: Cell::new(0),
            held_back: Cell::new(0),
            records: RecordCache::new(),
            stacks: Magazine::new(crate::config::get().stack_class),
            goids: Cell::new((0, 0)),
            random: Cell::new(crate::random::seed()),
            counters: Counters::default(),
            parker: ThreadParker::new(),
            holder: Cell::new(usize::MAX),
            id,
            thread: AtomicU32::new(0),
            frame: AtomicUsize::new(0),
        }
    }

    /// Whether the worker may run goroutines now.
    #[inline]
    pub(crate) fn runs(&self) -> bool {
        self.permit.load(Ordering::Relaxed) == permit::RUN
    }

    /// A new time slice begins; for the owner.
    #[inline]
    pub(crate) fn next_tick(&self) {
        let tick = self.tick.load(Ordering::Relaxed);
        self.tick.store(tick.wrapping_add(1), Ordering::Relaxed);
    }

    /// Goroutines were stolen from this worker. Of two thieves at once one counts, which is enough to
    /// see a change.
    pub(crate) fn note_robbed(&self) {
        let robbed = self.robbed.load(Ordering::Relaxed);
        self.robbed.store(robbed.wrapping_add(1), Ordering::Relaxed);
    }

    /// A random number; for the owner.
    #[inline]
    pub(crate) fn random(&self) -> u64 {
        crate::random::step(&self.random)
    }

    /// A number for a new goroutine; for the owner.
    #[inline]
    pub(crate) fn goid(&self) -> u64 {
        let (next, end) = self.goids.get();
        if next == end {
            return self.goid_batch();
        }
        self.goids.set((next + 1, end));
        next
    }

    #[cold]
    fn goid_batch(&self) -> u64 {
        let (first, end) = crate::spawn::goid_batch();
        self.goids.set((first + 1, end));
        first
    }
}

/// Where an idle worker's thread sleeps. One token; unparking before parking is not lost.
pub(crate) struct ThreadParker(AtomicU32);

impl ThreadParker {
    const EMPTY: u32 = 0;
    const TOKEN: u32 = 1;
    const ASLEEP: u32 = 2;
    const POLLING: u32 = 3;

    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(Self::EMPTY))
    }

    /// Sleeps until there is a token, and takes it; or until the time is over.
    pub(crate) fn park(&self, timeout: Option<std::time::Duration>) {
        if self
            .0
            .compare_exchange(
                Self::EMPTY,
                Self::ASLEEP,
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .is_ok()
        {
            match timeout {
                None => {
                    while self.0.load(Ordering::Acquire) == Self::ASLEEP {
                        sys::futex_wait(&self.0, Self::ASLEEP, None);
                    }
                }
                // A spurious wake-up ends a timed sleep early: its callers look at the clock.
                Some(_) => sys::futex_wait(&self.0, Self::ASLEEP, timeout),
            }
        }
        self.0.swap(Self::EMPTY, Ordering::AcqRel);
    }

    /// As [`park`](Self::park), in the poller. May return early.
    pub(crate) fn park_in(
        &self,
        poller: &dyn crate::poller::Poller,
        timeout: Option<std::time::Duration>,
    ) {
        if self
            .0
            .compare_exchange(
                Self::EMPTY,
                Self::POLLING,
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .is_ok()
        {
            crate::poller::wait(poller, timeout);
        }
        self.0.swap(Self::EMPTY, Ordering::AcqRel);
    }

    /// Leaves a token and wakes the sleeper.
    pub(crate) fn unpark(&self) {
        match self.0.swap(Self::TOKEN, Ordering::AcqRel) {
            Self::ASLEEP => sys::futex_wake_one(&raw const self.0),
            Self::POLLING => {
                if let Some(poller) = crate::poller::get() {
                    poller.interrupt();
                }
            }
            _ => {}
        }
    }
}
