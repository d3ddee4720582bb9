//! Time as the scheduler counts it: nanoseconds since the first look at the clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::shim::atomic::{AtomicU64, Ordering};
use crate::{bubble, mode};

fn base() -> Instant {
    static BASE: OnceLock<Instant> = OnceLock::new();
    *BASE.get_or_init(Instant::now)
}

/// Nanoseconds since the base: the scheduler's time, which is real.
#[inline(never)]
pub(crate) fn now() -> u64 {
    nanos(base().elapsed())
}

/// The caller's time on the same scale: that of its bubble, if it is in one.
pub(crate) fn callers() -> u64 {
    if mode::any()
        && let Some(time) = bubble::time()
    {
        return time;
    }
    now()
}

/// The caller's time as an instant: what deadlines are counted from.
#[inline]
#[must_use]
pub fn instant() -> Instant {
    if mode::any()
        && let Some(time) = bubble::time()
    {
        return base() + Duration::from_nanos(time);
    }
    Instant::now()
}

/// `when` on the same scale; 0 for instants before the base.
pub(crate) fn at(when: Instant) -> u64 {
    nanos(when.saturating_duration_since(base()))
}

fn nanos(duration: Duration) -> u64 {
    // 584 years fit.
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX - 1)
}

/// The last moment that somebody noted. At most about 10 ms old while goroutines run: sysmon notes
/// the time at each look, and whoever wakes it does.
static COARSE: AtomicU64 = AtomicU64::new(0);

/// Nanoseconds since the base, roughly; one load.
#[inline]
pub(crate) fn coarse() -> u64 {
    COARSE.load(Ordering::Relaxed)
}

/// [`now`], noted for [`coarse`].
pub(crate) fn tick() -> u64 {
    let now = now();
    COARSE.store(now, Ordering::Relaxed);
    now
}
