//! Time as the scheduler counts it: nanoseconds since the first look at the clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::shim::atomic::{AtomicU64, Ordering};

fn base() -> Instant {
    static BASE: OnceLock<Instant> = OnceLock::new();
    *BASE.get_or_init(Instant::now)
}

/// Nanoseconds since the base.
#[inline(never)]
pub(crate) fn now() -> u64 {
    nanos(base().elapsed())
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
