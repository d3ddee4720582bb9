//! When the timekeeper wakes up for a timer: not late, and not for each of a thousand.
//!
//! **Early.** A sleeping CPU takes tens of microseconds from the timer's interrupt to the thread that
//! it wakes, more in a virtual machine. The timekeeper asks to be woken that much earlier, and spins
//! for what is left. What it asks for is an estimate that follows the lower quartile of the latencies
//! seen, so that it spins rarely and shortly, and never for more than [`EARLIEST`].
//!
//! **Together.** Beyond a number of wake-ups in a millisecond the next one comes at the end of a pause
//! and fires all timers that are due by then.

use crate::clock;
use crate::shim::atomic::{AtomicU64, Ordering};

/// The most that the timekeeper wakes up early, in nanoseconds.
const EARLIEST: u64 = 40_000;
/// How the estimate moves; one down for three up leaves a quarter of the latencies below it.
const STEP_UP: u64 = 400;
const STEP_DOWN: u64 = 1_200;
/// A time over which wake-ups are counted, how many of them come when they are due, and the pause
/// between the others.
const WINDOW: u64 = 1_000_000;
const PROMPT: u64 = 32;
const PAUSE: u64 = 50_000;

/// Written by the timekeeper, of which there is one at a time; a lost update does no harm.
static EARLY: AtomicU64 = AtomicU64::new(0);
static WINDOW_BEGAN: AtomicU64 = AtomicU64::new(0);
static WOKEN: AtomicU64 = AtomicU64::new(0);
static LAST: AtomicU64 = AtomicU64::new(0);

/// When to wake up for a timer that is due at `earliest`.
pub(super) fn moment(earliest: u64, now: u64) -> u64 {
    let crowded = WOKEN.load(Ordering::Relaxed) >= PROMPT
        && now.saturating_sub(WINDOW_BEGAN.load(Ordering::Relaxed)) < WINDOW;
    if crowded {
        earliest.max(LAST.load(Ordering::Relaxed) + PAUSE)
    } else {
        earliest
    }
}

/// How long to sleep until `moment`.
pub(super) fn pause(moment: u64, now: u64) -> u64 {
    (moment - now).saturating_sub(EARLY.load(Ordering::Relaxed))
}

/// The sleep until `moment` is over, by time or because somebody woke the timekeeper. Spins if it is
/// nearly time, as long as `is_free`.
pub(super) fn woken(moment: u64, asked_for: u64, mut is_free: impl FnMut() -> bool) {
    let mut now = clock::now();
    if now < asked_for {
        return;
    }
    let latency = now - asked_for;
    let early = EARLY.load(Ordering::Relaxed);
    let early = if latency > early {
        (early + STEP_UP).min(EARLIEST)
    } else {
        early.saturating_sub(STEP_DOWN)
    };
    EARLY.store(early, Ordering::Relaxed);
    while now < moment && is_free() {
        crate::shim::hint::spin_loop();
        now = clock::now();
    }
    if now.saturating_sub(WINDOW_BEGAN.load(Ordering::Relaxed)) >= WINDOW {
        WINDOW_BEGAN.store(now, Ordering::Relaxed);
        WOKEN.store(0, Ordering::Relaxed);
    }
    WOKEN.store(WOKEN.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    LAST.store(now, Ordering::Relaxed);
}
