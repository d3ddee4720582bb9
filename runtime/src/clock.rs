//! Time as the scheduler counts it: nanoseconds since the first look at the clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::shim::atomic::{AtomicU64, Ordering};
use crate::{bubble, mode};

/// The first look, as an instant and on the system's monotonic clock. The instant was read first, so
/// that time counted on the clock is never ahead of time counted in instants: no deadline comes early.
struct Base {
    instant: Instant,
    monotonic: u64,
}

static BASE: OnceLock<Base> = OnceLock::new();

fn base() -> &'static Base {
    BASE.get_or_init(|| {
        let instant = Instant::now();
        Base {
            instant,
            monotonic: crate::sys::monotonic(),
        }
    })
}

/// Nanoseconds since the base: the scheduler's time, which is real. Reads the clock directly, which is
/// half of what an `Instant` costs.
#[inline(never)]
pub(crate) fn now() -> u64 {
    let base = base();
    crate::sys::monotonic().saturating_sub(base.monotonic)
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
        return base().instant + Duration::from_nanos(time);
    }
    Instant::now()
}

/// `when` on the same scale; 0 for instants before the base.
pub(crate) fn at(when: Instant) -> u64 {
    nanos(when.saturating_duration_since(base().instant))
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
