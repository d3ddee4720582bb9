//! Who lives in a model, and how it ends.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

use model::PerExecution;
use model::thread::JoinHandle;

use crate::goroutine::record::{flag, state};
use crate::goroutine::{Record, RecordPtr};
use crate::sched::roster::Left;
use crate::sched::word::WORD;
use crate::sched::{self, idle, queue, resize, roster, stackless, take, wake};
use crate::shim::atomic::{AtomicU32, Ordering};
use crate::stack::Slot;
use crate::worker::{Worker, permit};

/// A deadline that comes while a model runs.
pub(crate) const DEADLINE: u64 = 1_000_000_000;
/// One that does not.
pub(crate) const NEVER_COMES: u64 = 1_000_000_000_000;

#[derive(Clone, Copy)]
struct Settings {
    now: u64,
    /// Stacks that may still be made.
    stacks: usize,
    /// GORS_MAX_THREADS.
    threads: usize,
    no_barriers: bool,
}

static SETTINGS: PerExecution<Cell<Settings>> = PerExecution::new();

fn set(change: impl FnOnce(&mut Settings)) -> Settings {
    let cell = SETTINGS.get_or(|| {
        Cell::new(Settings {
            now: 0,
            stacks: 8,
            threads: 0,
            no_barriers: false,
        })
    });
    let mut settings = cell.get();
    change(&mut settings);
    cell.set(settings);
    settings
}

pub(super) fn tick() -> u64 {
    // More than a goroutine must rest in a run-next slot to be robbed.
    set(|settings| settings.now += 5_000).now
}

/// A sleep ends by its deadline.
pub(super) fn expire() {
    set(|settings| settings.now = settings.now.max(DEADLINE));
    crate::shim::thread::yield_now();
}

/// The kernel has no barriers.
pub(crate) fn have_no_barriers() {
    set(|settings| settings.no_barriers = true);
}

pub(super) fn has_barriers() -> bool {
    !set(|_| ()).no_barriers
}

/// There will be so many stacks.
pub(crate) fn limit_stacks(stacks: usize) {
    set(|settings| settings.stacks = stacks);
}

pub(crate) fn one_more_stack() -> bool {
    let left = set(|_| ()).stacks;
    set(|settings| settings.stacks = left.saturating_sub(1));
    left > 0
}

pub(super) fn max_threads() -> usize {
    set(|_| ()).threads
}

/// What the model waits for: goroutines that have ended.
static ENDED: AtomicU32 = AtomicU32::new(0);
static STOP: AtomicU32 = AtomicU32::new(0);

/// Unwinds out of a worker when the model is over.
struct Over;

/// Sleeps, or leaves the model if it is over.
pub(super) fn sleep(word: &AtomicU32, expected: u32) {
    if STOP.newest(Ordering::Relaxed) != 0 {
        resume_unwind(Box::new(Over));
    }
    model::futex::wait(word, expected);
    if STOP.newest(Ordering::Relaxed) != 0 {
        resume_unwind(Box::new(Over));
    }
}

pub(crate) fn ended() {
    ENDED.fetch_add(1, Ordering::AcqRel);
    model::futex::wake_one(ptr::from_ref(&ENDED).addr());
}

pub(crate) fn ended_so_far() -> u32 {
    ENDED.newest(Ordering::Acquire)
}

/// A goroutine that is parked, with its wait armed.
pub(crate) fn waiting(body: impl FnOnce() + 'static) -> RecordPtr {
    let record = goroutine(body);
    record.get().state.store(state::PARKED, Ordering::Relaxed);
    record
}

/// Memory for records, zeroed.
pub(super) fn slab(len: usize) -> *mut u8 {
    static SLAB: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    static USED: PerExecution<Cell<bool>> = PerExecution::new();
    /// As much as models use.
    const DIRTY: usize = 128 << 10;
    let layout = std::alloc::Layout::from_size_align(len, 4096).expect("a slab is small");
    // SAFETY: not of no size.
    let slab = *SLAB.get_or_init(|| unsafe { std::alloc::alloc_zeroed(layout) }.expose_provenance());
    assert!(!USED.get_or(Cell::default).replace(true), "one slab is enough");
    let slab = ptr::with_exposed_provenance_mut::<u8>(slab);
    // SAFETY: that large, and this execution has not used it.
    unsafe { slab.write_bytes(0, DIRTY.min(len)) };
    slab
}

loom::thread_local! {
    static CURRENT: Cell<*const Slot> = Cell::new(ptr::null());
    static RECORD: Cell<*const Record> = Cell::new(ptr::null());
}

pub(crate) fn current() -> *const Slot {
    CURRENT.with(Cell::get)
}

pub(crate) fn with_current(slot: &'static Slot, body: impl FnOnce()) {
    CURRENT.with(|current| current.set(slot));
    body();
    CURRENT.with(|current| current.set(ptr::null()));
}

pub(super) fn thread_record() -> &'static Record {
    RECORD.with(|record| {
        if record.get().is_null() {
            record.set(Record::leak(state::RUNNING, flag::THREAD));
        }
        // SAFETY: leaked.
        unsafe { &*record.get() }
    })
}

/// A goroutine that runs `body`, not submitted.
pub(crate) fn goroutine(body: impl FnOnce() + 'static) -> RecordPtr {
    let record = Record::leak(state::RUNNING, flag::FRESH);
    record.body.set(Some(Box::new(body)));
    RecordPtr(ptr::from_ref(record).cast_mut())
}

/// Something that one waits for without giving anything up, like a hog or a system call.
pub(crate) struct Event(&'static AtomicU32);

impl Clone for Event {
    fn clone(&self) -> Self {
        *self
    }
}

impl Copy for Event {}

impl Event {
    pub(crate) fn new() -> Self {
        let word = Box::leak(Box::new(AtomicU32::new(0)));
        model::touch(word);
        Self(word)
    }

    pub(crate) fn set(self) {
        self.0.store(1, Ordering::Release);
        model::futex::wake_one(ptr::from_ref(self.0).addr());
    }

    /// For a park's unlock.
    pub(crate) fn as_ptr(self) -> *const () {
        ptr::from_ref(self.0).cast()
    }

    /// # Safety
    ///
    /// From [`as_ptr`](Self::as_ptr).
    pub(crate) unsafe fn from_ptr(event: *const ()) -> Self {
        // SAFETY: leaked.
        Self(unsafe { &*event.cast() })
    }

    pub(crate) fn wait(self) {
        while self.0.newest(Ordering::Acquire) == 0 {
            model::futex::wait(self.0, 0);
        }
    }
}

fn touch_timers() {
    let record = RecordPtr(ptr::from_ref(thread_record()).cast_mut());
    let node = crate::timer::Node::new(NEVER_COMES, record);
    // SAFETY: cancelled at once.
    unsafe { crate::timer::insert(&raw const node, Some(0)) };
    assert!(crate::timer::cancel(&node));
    crate::timer::earliest();
}

/// Everything static that a model uses, before its threads begin.
fn set_up(procs: usize) {
    resize::gomaxprocs(procs);
    resize::init();
    queue::injected();
    wake::end_hold();
    idle::timekeeper_sleeps();
    take::threads_suffice();
    stackless::any();
    model::touch(&WORD);
}

/// A scheduler with so many permits and workers that hold one each.
pub(crate) struct World {
    workers: Vec<&'static Worker>,
    threads: Vec<JoinHandle<()>>,
}

impl World {
    /// `procs` permits; each worker of `states` begins with the permit that it says, of which all but
    /// NONE, who sleep in the idle list, use one up.
    pub(crate) fn new(procs: usize, states: &[u8]) -> Self {
        set_up(procs);
        model::touch(&ENDED);
        model::touch(&STOP);
        // The roster makes workers when it finds none asleep.
        set(|settings| settings.threads = states.len());
        for _ in states {
            assert!(roster::wake_with_permit(None).is_ok());
        }
        let mut workers = Vec::new();
        roster::for_each(|worker| workers.push(worker));
        for worker in &workers {
            assert_eq!(roster::revoke(worker, permit::SEARCH), Left::InHand);
            model::touch(*worker);
            worker.stealer.len();
        }
        // Uses every place of the table once.
        let scratch: [&'static Worker; 4] =
            std::array::from_fn(|id| -> &'static Worker { Box::leak(Box::new(Worker::new(id))) });
        for worker in scratch {
            roster::assign(worker, permit::RUN);
        }
        for worker in scratch {
            assert_eq!(roster::revoke(worker, permit::RUN), Left::InHand);
        }
        idle::is_timekeeper(scratch[0]);
        touch_timers();
        crate::stack::depot::counts();
        for (worker, state) in workers.iter().zip(states) {
            if *state == permit::NONE {
                roster::lie_down(worker);
            } else {
                assert!(WORD.reserve_for_running());
                roster::assign(worker, *state);
            }
        }
        Self {
            workers,
            threads: Vec::new(),
        }
    }

    pub(crate) fn worker(&self, id: usize) -> &'static Worker {
        self.workers[id]
    }

    /// Starts a worker's thread.
    pub(crate) fn start(&mut self, id: usize) {
        self.start_with(id, sched::worker_main);
    }

    /// Starts a worker's thread, which lives like that.
    pub(crate) fn start_with(&mut self, id: usize, life: fn(&'static Worker)) {
        let worker = self.workers[id];
        self.spawn(move || {
            // One that lies in the idle list sleeps.
            while worker.permit.load(Ordering::Acquire) == permit::NONE {
                worker.parker.park(None);
            }
            life(worker);
        });
    }

    /// Starts the thread of a worker without a permit, which lies down itself and may keep the time.
    pub(crate) fn start_to_lie_down(&mut self, id: usize) {
        let worker = self.workers[id];
        assert!(roster::get_up(worker));
        self.spawn(move || sched::worker_main(worker));
    }

    fn spawn(&mut self, life: impl FnOnce() + 'static) {
        self.threads.push(model::thread::spawn(move || {
            let over = catch_unwind(AssertUnwindSafe(life));
            if let Err(payload) = over
                && !payload.is::<Over>()
            {
                resume_unwind(payload);
            }
        }));
    }

    /// Starts all of them.
    pub(crate) fn start_all(&mut self) {
        for id in 0..self.workers.len() {
            self.start(id);
        }
    }

    /// Waits until `goroutines` have ended, and ends the model. If they do not, because everybody
    /// sleeps, loom reports a deadlock.
    pub(crate) fn finish(self, goroutines: u32) -> Vec<&'static Worker> {
        loop {
            let ended = ENDED.newest(Ordering::Acquire);
            if ended >= goroutines {
                break;
            }
            model::futex::wait(&ENDED, ended);
        }
        STOP.store(1, Ordering::Relaxed);
        for worker in &self.workers {
            worker.parker.unpark();
        }
        for thread in self.threads {
            thread.join().unwrap();
        }
        self.workers
    }
}
