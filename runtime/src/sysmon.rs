//! sysmon: the thread that looks after what no worker sees.
//!
//! It needs no permit and runs no goroutine. Its looks are 20 µs apart while it has something to
//! do and grow to 10 ms while it has not; when all permits have been idle for a while it sleeps
//! until the next one is assigned, so that a process at rest does not wake up.
//!
//! At each look:
//!
//! * a permit held inside `blocking` since the last look, while work waits, is passed on;
//! * a goroutine that has run for 10 ms is asked to yield at its next checkpoint, and if work
//!   waits its permit is passed on (it goes on without one, beside the others, and the kernel
//!   divides the processors), up to a cap;
//! * a run-next entry that has not moved since the last look gets a searcher;
//! * overdue timers are fired if no idle worker keeps the time;
//! * an idle permit beside waiting work gets a searcher: nothing should leave that behind, except a
//!   thread that could not be created.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::goroutine::Record;
use crate::sched::word::WORD;
use crate::sched::{find, idle, queue, resize, roster, take, wake};
use crate::shim::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::worker::{Worker, permit};
use crate::{clock, deadlock, fence, stack, sys, timer};

const SHORTEST: u64 = 20_000;
const LONGEST: u64 = 10_000_000;
/// Looks without anything to do before the pause grows.
const PATIENCE: u32 = 50;
/// A goroutine's time slice.
const SLICE: u64 = 10_000_000;
/// How long a permit stays with a goroutine inside `blocking` while work waits.
const BLOCK_GRACE: u64 = 20_000;
/// Looks with all permits idle before sysmon sleeps.
const QUIET_LOOKS: u32 = 64;
/// Threads of hogs without a permit, for each permit.
const HOGS_PER_PERMIT: usize = 4;
/// How long work waits behind a full cap before one more thread is added.
const CAP_PATIENCE: u64 = 1_000_000_000;

/// How often unneeded stacks are looked for.
const TRIM_EVERY: u64 = 1_000_000_000;
/// The pause while there is nothing but stacks to trim.
const TRIM_PAUSE: Duration = Duration::from_millis(200);

/// How often a deadlock is looked for after everything fell asleep, and the first pause between
/// two looks; it doubles. Later only a plain thread that parks can make one.
const DEADLOCK_LOOKS: u32 = 4;
const FIRST_DEADLOCK_PAUSE: u64 = 500_000_000;

/// 1: sysmon sleeps.
static ASLEEP: AtomicU32 = AtomicU32::new(0);
/// sysmon's own thread.
static THREAD: AtomicU32 = AtomicU32::new(0);

/// The kernel's number of sysmon's thread.
pub(crate) fn thread() -> u32 {
    THREAD.load(Ordering::Relaxed)
}

/// Hogs that run without a permit.
static HOGS: AtomicUsize = AtomicUsize::new(0);
/// Permits taken from hogs, and from goroutines inside `blocking`, since the start.
pub(crate) static HOGS_SEEN: AtomicU64 = AtomicU64::new(0);
pub(crate) static HAND_OFFS: AtomicU64 = AtomicU64::new(0);

/// Starts the thread.
pub(crate) fn start() {
    let watch = || {
        let _hidden = crate::sanitize::hide();
        Sysmon::default().run();
    };
    if let Err(error) = sys::new_thread("gors-sysmon", 128 << 10, watch) {
        eprintln!("gors: cannot create a thread: {error}");
        crate::exit::fatal("thread exhaustion");
    }
}

/// A plain thread parks without a deadline: perhaps it was the last that could wake anybody.
pub(crate) fn plain_thread_parks() {
    rouse();
}

/// Wakes sysmon if it sleeps: a permit was assigned.
#[inline]
pub(crate) fn rouse() {
    if ASLEEP.load(Ordering::SeqCst) != 0 && ASLEEP.swap(0, Ordering::SeqCst) != 0 {
        clock::tick();
        sys::futex_wake_one(&raw const ASLEEP);
    }
}

/// A worker has noticed that its permit is gone: if it was a hog, it is one no more.
pub(crate) fn hog_is_back(worker: &Worker) {
    if worker.hog.load(Ordering::Relaxed) && worker.hog.swap(false, Ordering::Relaxed) {
        HOGS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What was seen of a worker at an earlier look.
#[derive(Clone, Copy)]
struct Seen {
    tick: u32,
    permit: u8,
    run_next: *mut Record,
    since: u64,
}

struct Sysmon {
    seen: HashMap<usize, Seen>,
    pause: u64,
    idle_looks: u32,
    quiet_looks: u32,
    cap_full_since: Option<u64>,
    warned: bool,
    trimmed: u64,
    deadlock_looks: u32,
    next_deadlock_look: u64,
}

impl Default for Sysmon {
    fn default() -> Self {
        Self {
            seen: HashMap::new(),
            pause: SHORTEST,
            idle_looks: 0,
            quiet_looks: 0,
            cap_full_since: None,
            warned: false,
            trimmed: 0,
            deadlock_looks: 0,
            next_deadlock_look: 0,
        }
    }
}

impl Sysmon {
    fn run(mut self) {
        let _bomb = crate::exit::AbortOnUnwind;
        sys::precise_sleeps();
        THREAD.store(sys::thread_id(), Ordering::Relaxed);
        loop {
            self.sleep();
            if self.look() {
                self.idle_looks = 0;
                self.pause = SHORTEST;
            } else {
                self.idle_looks += 1;
                if self.idle_looks > PATIENCE {
                    self.pause = (self.pause * 2).min(LONGEST);
                }
            }
        }
    }

    fn sleep(&mut self) {
        if all_idle() && !find::work_in_sight() {
            self.quiet_looks += 1;
        } else {
            self.quiet_looks = 0;
        }
        if self.quiet_looks > QUIET_LOOKS {
            // At rest, but perhaps for memory that is to be given back.
            let mut timeout = stack::depot::has_warm().then_some(TRIM_PAUSE);
            if self.deadlock_looks < DEADLOCK_LOOKS && clock::now() >= self.next_deadlock_look {
                let pause = FIRST_DEADLOCK_PAUSE << self.deadlock_looks;
                self.next_deadlock_look = clock::now() + pause;
                self.deadlock_looks += 1;
                if !deadlock::check() {
                    self.deadlock_looks = DEADLOCK_LOOKS;
                }
            }
            if self.deadlock_looks < DEADLOCK_LOOKS {
                let until = self.next_deadlock_look.saturating_sub(clock::now());
                let until = Duration::from_nanos(until.max(SHORTEST));
                timeout = Some(timeout.map_or(until, |timeout| timeout.min(until)));
            }
            if sleep_until_roused(timeout) {
                self.quiet_looks = 0;
                self.idle_looks = 0;
                self.pause = SHORTEST;
                self.deadlock_looks = 0;
                self.next_deadlock_look = 0;
            } else {
                return;
            }
        }
        let mut pause = self.pause;
        if !idle::timekeeper_sleeps() {
            let earliest = timer::earliest();
            if earliest != timer::NEVER {
                pause = pause
                    .min(earliest.saturating_sub(clock::now()))
                    .max(SHORTEST);
            }
        }
        sys::sleep(Duration::from_nanos(pause));
    }

    /// One look; true if there was something to do.
    fn look(&mut self) -> bool {
        crate::dump::quit::answer();
        let now = clock::tick();
        if now - self.trimmed > TRIM_EVERY {
            self.trimmed = now;
            stack::trim();
        }
        let mut acted = false;
        if !idle::timekeeper_sleeps() {
            acted |= timer::fire_due(now, find::ready_fired) > 0;
        }
        let mut previous = std::mem::take(&mut self.seen);
        for worker in roster::holders(0) {
            acted |= self.look_at(worker, previous.remove(&worker.id), now);
        }
        let word = WORD.load();
        if word.idle() > 0 && word.searching() == 0 && find::work_in_sight() {
            // Either a moment's coincidence or a thread that was not to be had.
            wake::wake_searcher();
        }
        acted
    }

    fn look_at(&mut self, worker: &'static Worker, before: Option<Seen>, now: u64) -> bool {
        let tick = worker.tick.load(Ordering::Relaxed);
        let state = worker.permit.load(Ordering::Relaxed);
        let run_next = worker.run_next.load(Ordering::Relaxed);
        let same = before.filter(|seen| seen.tick == tick && seen.permit == state);
        let since = same.map_or(now, |seen| seen.since);
        self.seen.insert(
            worker.id,
            Seen {
                tick,
                permit: state,
                run_next,
                since,
            },
        );
        let Some(before) = same else {
            return false;
        };
        let elapsed = now - since;
        match state {
            permit::BLOCK if elapsed >= BLOCK_GRACE && find::work_in_sight() => {
                if take::take(worker, permit::BLOCK) {
                    HAND_OFFS.fetch_add(1, Ordering::Relaxed);
                    take::pass_on();
                }
                true
            }
            permit::RUN => {
                let stuck = !run_next.is_null() && run_next == before.run_next;
                if elapsed >= SLICE {
                    worker.preempt.store(true, Ordering::Relaxed);
                    if WORD.load().debt() > 0 || queue::has_work(worker) || queue::injected() {
                        return self.relieve(worker, now);
                    }
                }
                if stuck {
                    wake::end_hold();
                    wake::wake_searcher();
                }
                stuck
            }
            _ => false,
        }
    }

    /// Work waits behind a hog: its permit is passed on if the cap allows.
    fn relieve(&mut self, worker: &'static Worker, now: u64) -> bool {
        let word = WORD.load();
        if word.idle() > 0 && word.debt() == 0 {
            // No need to take anything: a searcher will come for the work.
            wake::wake_searcher();
            return true;
        }
        let cap = HOGS_PER_PERMIT * resize::procs();
        if HOGS.load(Ordering::Relaxed) < cap {
            self.cap_full_since = None;
        } else {
            let since = *self.cap_full_since.get_or_insert(now);
            if now - since < CAP_PATIENCE {
                return false;
            }
            if !self.warned {
                self.warned = true;
                eprintln!(
                    "gors: {} goroutines use the CPU without a pause while others wait; call \
                     gors::checkpoint() in long loops, or wrap blocking calls in gors::blocking()",
                    HOGS.load(Ordering::Relaxed)
                );
            }
        }
        self.cap_full_since = None;
        // Marked first: the worker may notice at once.
        if !worker.hog.swap(true, Ordering::Relaxed) {
            HOGS.fetch_add(1, Ordering::Relaxed);
        }
        if take::take(worker, permit::RUN) {
            HOGS_SEEN.fetch_add(1, Ordering::Relaxed);
            take::pass_on();
        } else {
            hog_is_back(worker);
        }
        true
    }
}

/// Sleeps while all permits are idle; false if the time was over first.
fn sleep_until_roused(timeout: Option<Duration>) -> bool {
    let end = timeout.map(|timeout| Instant::now() + timeout);
    ASLEEP.store(1, Ordering::SeqCst);
    fence::store_load();
    while all_idle() && !find::work_in_sight() && ASLEEP.load(Ordering::SeqCst) == 1 {
        let mut left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            ASLEEP.store(0, Ordering::SeqCst);
            return false;
        }
        // All permits idle does not mean that a timekeeper sleeps: the last worker may wait in
        // place, or have ended with its locked goroutine.
        if !idle::timekeeper_sleeps() {
            let earliest = timer::earliest();
            if earliest != timer::NEVER {
                let until = Duration::from_nanos(earliest.saturating_sub(clock::now()));
                if until.is_zero() {
                    break;
                }
                left = Some(left.map_or(until, |left| left.min(until)));
            }
        }
        sys::futex_wait(&ASLEEP, 1, left);
    }
    ASLEEP.store(0, Ordering::SeqCst);
    true
}

fn all_idle() -> bool {
    WORD.load().idle() as usize >= resize::procs()
}
