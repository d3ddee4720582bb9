//! sysmon: the thread that looks after what no worker sees.
//!
//! It needs no permit and runs no goroutine. Its looks are 20 µs apart while it has something to
//! do and grow to 10 ms while it has not, cut short if work comes for which there may be no permit; when all permits have been idle for a while it sleeps
//! until the next one is assigned, so that a process at rest does not wake up.
//!
//! At each look:
//!
//! * a permit held inside `blocking` since the last look, while work waits, is passed on;
//! * a goroutine that has used the CPU for 10 ms while work waits is asked to yield ([`slices`]); if
//!   it does not its permit is passed on, up to a cap, and so is that of one that blocks its thread
//!   without saying so. How the two are told apart is written in [`watch`], what becomes of them in
//!   [`overtime`];
//! * a run-next entry that has not moved since the last look gets a searcher;
//! * overdue timers are fired if no idle worker keeps the time;
//! * the [poller](crate::poller) is asked if nobody else has for a while;
//! * an idle permit beside waiting work gets a searcher: nothing should leave that behind, except a
//!   thread that could not be created.

pub(crate) mod overtime;
pub(crate) mod slices;
pub(crate) mod watch;

use std::time::{Duration, Instant};

use self::watch::Watch;
use crate::deadlock::Later;
use crate::sched::word::WORD;
use crate::sched::{find, idle, resize, roster, wake};
use crate::shim::atomic::{AtomicBool, AtomicU32, Ordering};
use crate::{clock, deadlock, fence, poller, stack, sys, timer};

const SHORTEST: u64 = 20_000;
const LONGEST: u64 = 10_000_000;
/// The pause in which a goroutine that blocks its thread shows that it does.
const SHORT_NAP: u64 = 1_000_000;
/// Looks without anything to do before the pause grows.
const PATIENCE: u32 = 50;
/// How late a timer is before sysmon fires it. Workers look at the timers between two goroutines, if
/// they come to that; a sysmon that did it every time would take a third of one CPU from them.
const OVERDUE: u64 = 1_000_000;
/// Looks with all permits idle before sysmon sleeps.
const QUIET_LOOKS: u32 = 64;

/// How often unneeded stacks are looked for.
const TRIM_EVERY: u64 = 1_000_000_000;
/// The pause while there is nothing but stacks to trim.
const TRIM_PAUSE: Duration = Duration::from_millis(200);

/// How often a deadlock is looked for after everything fell asleep, and the first pause between
/// two looks; it doubles. Later what calls [`look_for_deadlock`] can make one, and the end of a foreign
/// thread, of which nobody hears: while there is one the looks go on, from half a minute apart to ever more.
const DEADLOCK_LOOKS: u32 = 4;
const FIRST_DEADLOCK_PAUSE: u64 = 500_000_000;
const LATE_DEADLOCK_PAUSE: u64 = 32_000_000_000;
/// No look is due.
const NO_LOOK: u64 = u64::MAX;

/// 1: sysmon sleeps.
static ASLEEP: AtomicU32 = AtomicU32::new(0);
/// A deadlock is to be looked for once everything sleeps, however often that was done.
static LOOK_AGAIN: AtomicBool = AtomicBool::new(false);
/// 1: sysmon takes a long nap.
static NAPS: AtomicU32 = AtomicU32::new(0);
/// sysmon's own thread.
static THREAD: AtomicU32 = AtomicU32::new(0);

/// The kernel's number of sysmon's thread.
pub(crate) fn thread() -> u32 {
    THREAD.load(Ordering::Relaxed)
}

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

/// One less that could wake anybody: a plain thread parks without a deadline, or no signal is
/// subscribed to any more.
pub(crate) fn look_for_deadlock() {
    LOOK_AGAIN.store(true, Ordering::SeqCst);
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

/// A goroutine was submitted by somebody who has no permit, so there may be none for it: a look now
/// may find one that is held for nothing. Once in a nap.
#[inline]
pub(crate) fn end_nap() {
    if NAPS.load(Ordering::Relaxed) != 0 && NAPS.swap(0, Ordering::SeqCst) != 0 {
        sys::futex_wake_one(&raw const NAPS);
    }
}

struct Sysmon {
    watch: Watch,
    pause: u64,
    idle_looks: u32,
    quiet_looks: u32,
    trimmed: u64,
    deadlock_looks: u32,
    next_deadlock_look: u64,
}

impl Default for Sysmon {
    fn default() -> Self {
        Self {
            watch: Watch::default(),
            pause: SHORTEST,
            idle_looks: 0,
            quiet_looks: 0,
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
            sys::register_for_barriers_if_wanted();
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
        if is_quiet() {
            self.quiet_looks += 1;
        } else {
            self.quiet_looks = 0;
        }
        if self.quiet_looks > QUIET_LOOKS {
            if LOOK_AGAIN.load(Ordering::Relaxed) && LOOK_AGAIN.swap(false, Ordering::SeqCst) {
                self.deadlock_looks = 0;
                self.next_deadlock_look = 0;
            }
            // At rest, but perhaps for memory that is to be given back.
            let mut timeout = stack::depot::has_warm().then_some(TRIM_PAUSE);
            if clock::now() >= self.next_deadlock_look {
                self.next_deadlock_look = self.judge();
            }
            if self.next_deadlock_look != NO_LOOK {
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
            let overdue = overdue();
            if overdue != timer::NEVER {
                pause = pause
                    .min(overdue.saturating_sub(clock::now()))
                    .max(SHORTEST);
            }
        }
        if self.watch.look_soon {
            pause = pause.min(SHORT_NAP);
        }
        self.nap(pause);
    }

    /// Ends the program if it is deadlocked; else says when to look again.
    fn judge(&mut self) -> u64 {
        let looks = self.deadlock_looks;
        self.deadlock_looks += 1;
        let pause = match (deadlock::check(), looks.checked_sub(DEADLOCK_LOOKS)) {
            (Later::Never, _) => return NO_LOOK,
            (_, None) => FIRST_DEADLOCK_PAUSE << looks,
            (Later::Perhaps, Some(_)) => return NO_LOOK,
            (Later::Unheard, Some(late)) => LATE_DEADLOCK_PAUSE << late.min(16),
        };
        clock::now() + pause
    }

    /// A pause in the middle of work. A long one ends when a goroutine is submitted for which there
    /// may be no permit; the next ones are short then. Beside so many hogs that only a look
    /// gets a permit for it, each does.
    fn nap(&mut self, pause: u64) {
        let duration = Duration::from_nanos(pause);
        if pause < LONGEST / 2 && !self.watch.overtime.is_crowded() {
            return sys::sleep(duration);
        }
        NAPS.store(1, Ordering::SeqCst);
        sys::futex_wait(&NAPS, 1, Some(duration));
        if NAPS.swap(0, Ordering::SeqCst) == 0 && pause > SHORT_NAP {
            self.pause = SHORT_NAP;
        }
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
        if !idle::timekeeper_sleeps() && overdue() <= now {
            timer::fire_due(now, find::ready_fired);
        }
        acted |= poller::poll_if_forgotten(now);
        acted |= self.watch.look(now, self.pause, roster::holders(0));
        let word = WORD.load();
        if word.idle() > 0 && word.searching() == 0 && find::work_in_sight() {
            // Either a moment's coincidence or a thread that was not to be had.
            wake::wake_searcher();
        }
        acted
    }
}

/// Sleeps while all permits are idle; false if the time was over first.
fn sleep_until_roused(timeout: Option<Duration>) -> bool {
    let end = timeout.map(|timeout| Instant::now() + timeout);
    ASLEEP.store(1, Ordering::SeqCst);
    fence::store_load();
    while is_quiet() && ASLEEP.load(Ordering::SeqCst) == 1 {
        let mut left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            ASLEEP.store(0, Ordering::SeqCst);
            return false;
        }
        // All permits idle does not mean that a timekeeper sleeps: the last worker may wait in
        // place, or have ended with its locked goroutine.
        if !idle::timekeeper_sleeps() {
            let bound = timer::bound();
            if bound != timer::NEVER {
                let until = Duration::from_nanos(bound.saturating_sub(clock::now()));
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

/// When sysmon fires timers: if all permits are idle there is nobody else to do it.
fn overdue() -> u64 {
    let late = if all_idle() { 0 } else { OVERDUE };
    timer::bound().saturating_add(late)
}

fn all_idle() -> bool {
    WORD.load().idle() as usize >= resize::procs()
}

/// Whether nothing can happen that sysmon would have to see.
fn is_quiet() -> bool {
    all_idle() && !find::work_in_sight() && !poller::is_unattended()
}
