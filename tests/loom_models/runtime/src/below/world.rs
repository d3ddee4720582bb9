//! Who lives in a model, and what its models may turn.

use std::cell::Cell;
use std::ptr;
use std::time::Instant;

use model::PerExecution;
use model::thread::JoinHandle;

use super::stack::Slot;
use crate::goroutine::Record;
use crate::goroutine::record::{flag, state};

/// When all deadlines of models are, on the scheduler's clock.
pub const DEADLINE: u64 = 1;

#[derive(Clone, Copy, Default)]
struct Settings {
    now: u64,
    step: u64,
    spins: u32,
    random: u64,
    refuse_barriers: bool,
    never_unfence: bool,
}

static SETTINGS: PerExecution<Cell<Settings>> = PerExecution::new();

fn set(change: impl FnOnce(&mut Settings)) -> Settings {
    let cell = SETTINGS.get_or(Cell::default);
    let mut settings = cell.get();
    change(&mut settings);
    cell.set(settings);
    settings
}

/// From now on the scheduler's clock goes on by so much at each look.
pub fn step_clock(nanos: u64) {
    set(|settings| settings.step = nanos);
}

/// From now on a lock's waiter spins so often before it parks.
pub fn spin(rounds: u32) {
    set(|settings| settings.spins = rounds);
}

/// From now on the kernel has no barriers, and says so.
pub fn never_unfence() {
    set(|settings| settings.never_unfence = true);
}

pub(super) fn unfences() -> bool {
    !set(|_| ()).never_unfence
}

/// From now on the kernel refuses a barrier when it is asked for.
pub fn refuse_barriers() {
    set(|settings| settings.refuse_barriers = true);
}

pub(super) fn refuses_barriers() -> bool {
    set(|_| ()).refuse_barriers
}

/// What chooses among several ready cases.
pub fn choose(random: u64) {
    set(|settings| settings.random = random);
}

pub(super) fn tick() -> u64 {
    set(|settings| settings.now += settings.step).now
}

pub(super) fn spins() -> u32 {
    set(|_| ()).spins
}

pub(super) fn random() -> u64 {
    set(|_| ()).random
}

/// A deadline. For a plain thread it has passed; a goroutine's is due when somebody
/// [fires](fire_timers).
pub fn deadline() -> Instant {
    static PAST: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    *PAST
}

loom::thread_local! {
    static ME: Cell<*const Record> = Cell::new(ptr::null());
    static WORKER: Cell<Option<usize>> = Cell::new(None);
}

/// The caller runs on the thread of the worker with this number, from now on.
pub fn run_on_worker(number: usize) {
    WORKER.with(|worker| worker.set(Some(number)));
}

pub(crate) fn worker_number() -> Option<usize> {
    WORKER.with(Cell::get)
}

/// The caller's record: a plain thread's unless it is a goroutine.
pub(crate) fn me() -> &'static Record {
    ME.with(|me| {
        if me.get().is_null() {
            me.set(Record::leak(state::RUNNING, flag::THREAD));
        }
        // SAFETY: leaked.
        unsafe { &*me.get() }
    })
}

/// Runs `f` on a plain thread.
pub fn thread(f: impl FnOnce() + 'static) -> JoinHandle<()> {
    model::thread::spawn(f)
}

/// Runs `f` in a goroutine.
pub fn goroutine(f: impl FnOnce() + 'static) -> JoinHandle<()> {
    model::thread::spawn(move || {
        let record = Record::leak(state::RUNNING, 0);
        // SAFETY: a new record.
        unsafe { record.bind(Box::leak(Box::new(Slot::new(record))), ()) };
        ME.with(|me| me.set(record));
        f();
    })
}

/// Fires the timers that are due at the deadline of models, as an idle worker does.
pub fn fire_timers() -> usize {
    crate::timer::fire_due(DEADLINE, |record| {
        if crate::raw::ready_state(record) {
            super::stack::resume(record);
        }
    })
}

/// Uses the timers once.
pub fn touch_timers() {
    let record = crate::goroutine::RecordPtr(ptr::from_ref(me()).cast_mut());
    let node = crate::timer::Node::new(DEADLINE, record);
    // SAFETY: cancelled at once.
    unsafe { crate::timer::insert(&raw const node, Some(0)) };
    assert!(crate::timer::cancel(&node));
    crate::timer::earliest();
}
