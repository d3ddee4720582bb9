//! The scheduler's time from the processor's time stamp counter: a third of what the system's clock
//! costs.
//!
//! The kernel's own clock is this counter, scaled, where it says so (`clocksource` is `tsc`): it then
//! runs at one rate, in all states of all processors, and agrees between them. Here an *anchor* says
//! which time the counter stood for when the system's clock was read last, and how long a tick is.
//! Time between anchors is counted from there.
//!
//! # States
//!
//! * *untrusted*: the anchor is out of every reach, so that everybody reads the system's clock. Once
//!   enough time has passed since the first reading, the rate is known, and the first anchor is set.
//! * *anchored*: good for [`REACH`] ticks. Whoever comes later, or is before it, reads the system's
//!   clock and sets the next anchor. If the time counted until then is off by more than [`TOLERANCE`]
//!   (the system's clock was slewed, the machine was moved), the state is untrusted again.
//!
//! So the error is bounded by what can go wrong within one reach, some ten milliseconds, and every
//! sleep adds [`slack`](super::slack) for it: no deadline comes early.
//!
//! Anchors are written under the lock, and read without it by the number that is odd meanwhile (a
//! sequence lock). A reader that loses to a writer reads the system's clock.

use crate::shim::Mutex;
use crate::shim::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Ticks for which an anchor is good: about ten milliseconds.
const REACH: u64 = 1 << 25;
/// An anchor that is in no counter's reach.
const UNTRUSTED: u64 = 1 << 63;
/// How far counted time may be off after one reach, in nanoseconds.
const TOLERANCE: u64 = 200;
/// The time over which the rate is measured, in nanoseconds: at first, and at last.
const BASELINE_MIN: u64 = 10_000_000;
const BASELINE_MAX: u64 = 1_000_000_000;
/// Ticks between which a reading of the system's clock belongs to one point of the counter.
const NARROW: u64 = 500;

#[repr(align(64))]
struct Anchor {
    /// Odd while the anchor is being changed.
    sequence: AtomicU32,
    counter: AtomicU64,
    /// The time at `counter`.
    nanos: AtomicU64,
    /// Nanoseconds a tick, times 2³².
    rate: AtomicU64,
}

static ANCHOR: Anchor = Anchor {
    sequence: AtomicU32::new(0),
    counter: AtomicU64::new(UNTRUSTED),
    nanos: AtomicU64::new(0),
    rate: AtomicU64::new(0),
};

/// Before this time nobody needs to think of the next anchor: while the state is untrusted, when the rate
/// will be known; for ever where the counter is of no use.
static NOT_BEFORE: AtomicU64 = AtomicU64::new(0);

/// A moment on both clocks.
#[derive(Clone, Copy)]
struct Reading {
    counter: u64,
    nanos: u64,
}

/// What the next anchor is made from.
struct Calibration {
    /// Where the rate is measured from.
    since: Option<Reading>,
    /// How long it must be measured before it is better than the one that is used.
    baseline: u64,
    /// The kernel trusts the counter.
    usable: Option<bool>,
}

static CALIBRATION: Mutex<Calibration> = Mutex::new(Calibration {
    since: None,
    baseline: BASELINE_MIN,
    usable: None,
});

#[inline(always)]
fn counter() -> u64 {
    // SAFETY: every x86-64 has the instruction. Where a program has been forbidden it (prctl), the
    // kernel's clock could not be read without a system call either.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// The time, if an anchor is in reach.
#[inline(always)]
pub(super) fn nanos() -> Option<u64> {
    let sequence = ANCHOR.sequence.load(Ordering::Acquire);
    let at = ANCHOR.counter.load(Ordering::Relaxed);
    let nanos = ANCHOR.nanos.load(Ordering::Relaxed);
    let rate = ANCHOR.rate.load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    let unchanged = ANCHOR.sequence.load(Ordering::Relaxed) == sequence && sequence & 1 == 0;
    let passed = counter().wrapping_sub(at);
    // The product fits: a tick is less than four nanoseconds on every machine with such a counter.
    (unchanged && passed < REACH).then(|| nanos + ((passed * rate) >> 32))
}

/// The time by the system's clock, `read`, when there was no anchor in reach: sets the next one.
#[cold]
pub(super) fn anchored(read: impl Fn() -> u64) -> u64 {
    let now = read();
    if now >= NOT_BEFORE.load(Ordering::Relaxed)
        && let Some(mut calibration) = CALIBRATION.try_lock()
    {
        calibration.renew(read);
    }
    now
}

impl Calibration {
    fn renew(&mut self, read: impl Fn() -> u64) {
        if !*self.usable.get_or_insert_with(crate::sys::counter_is_clock) {
            NOT_BEFORE.store(u64::MAX, Ordering::Relaxed);
            return;
        }
        let untrusted = ANCHOR.counter.load(Ordering::Relaxed) == UNTRUSTED;
        let before = counter();
        let nanos = read();
        let after = counter();
        if after.wrapping_sub(before) > NARROW {
            return;
        }
        let reading = Reading {
            counter: before + (after - before) / 2,
            nanos,
        };
        let mut rate = ANCHOR.rate.load(Ordering::Relaxed);
        let since = match self.since {
            Some(since) if untrusted || !is_off(&reading, rate) => since,
            _ => {
                self.since = Some(reading);
                self.baseline = BASELINE_MIN;
                set_anchor(UNTRUSTED, 0, 0);
                NOT_BEFORE.store(nanos + BASELINE_MIN, Ordering::Relaxed);
                return;
            }
        };
        let passed = nanos.saturating_sub(since.nanos);
        if passed >= self.baseline {
            let ticks = reading.counter.wrapping_sub(since.counter);
            rate = ((u128::from(passed) << 32) / u128::from(ticks.max(1))) as u64;
            self.baseline = (2 * self.baseline).min(BASELINE_MAX);
            if passed >= BASELINE_MAX {
                self.since = Some(reading);
            }
        } else if untrusted {
            // Came to the lock late: the rate is not known yet.
            return;
        }
        set_anchor(reading.counter, nanos, rate);
    }
}

/// Whether time counted from the last anchor is not the system's. Over more than a reach nobody has
/// counted: then a proportional error is no error.
fn is_off(reading: &Reading, rate: u64) -> bool {
    let at = ANCHOR.counter.load(Ordering::Relaxed);
    let ticks = reading.counter.wrapping_sub(at);
    let counted = (u128::from(ticks) * u128::from(rate)) >> 32;
    let counted = u128::from(ANCHOR.nanos.load(Ordering::Relaxed)) + counted;
    let off = counted.abs_diff(u128::from(reading.nanos));
    off > u128::from(TOLERANCE) * u128::from(ticks / REACH + 1)
}

fn set_anchor(counter: u64, nanos: u64, rate: u64) {
    let sequence = ANCHOR.sequence.load(Ordering::Relaxed);
    ANCHOR
        .sequence
        .store(sequence.wrapping_add(1), Ordering::Relaxed);
    fence(Ordering::Release);
    ANCHOR.counter.store(counter, Ordering::Relaxed);
    ANCHOR.nanos.store(nanos, Ordering::Relaxed);
    ANCHOR.rate.store(rate, Ordering::Relaxed);
    ANCHOR
        .sequence
        .store(sequence.wrapping_add(2), Ordering::Release);
}

#[cfg(test)]
mod tests {
    use crate::{clock, sys};

    /// Catches a wrong rate or anchor: counted time that runs away from the system's clock, or is
    /// further behind or ahead of it than the slack of a sleep makes up for.
    #[test]
    fn counted_time_is_the_systems() {
        let base = clock::base().monotonic;
        let real = || sys::monotonic() - base;
        let begun = real();
        let mut counted = 0;
        while real() - begun < 200_000_000 {
            let before = real();
            let now = clock::now();
            let after = real();
            assert!(
                now + clock::slack(u64::MAX) >= before && now <= after + clock::slack(u64::MAX),
                "{before} <= {now} <= {after}"
            );
            counted += u32::from(super::nanos().is_some());
        }
        // ThreadSanitizer makes the reading of two clocks too slow for one moment.
        assert!(counted > 0 || cfg!(gors_tsan) || !sys::counter_is_clock());
    }
}
