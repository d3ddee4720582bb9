//! Time as the scheduler counts it: nanoseconds since the first look at the clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

#[cfg(all(target_arch = "x86_64", not(miri), not(gors_loom)))]
mod counter;

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
        // The two belong together only if nothing came in between.
        let mut tries = 0;
        loop {
            let instant = Instant::now();
            let monotonic = crate::sys::monotonic();
            tries += 1;
            if instant.elapsed() < Duration::from_micros(1) || tries == 100 {
                return Base { instant, monotonic };
            }
        }
    })
}

/// Nanoseconds since the base: the scheduler's time, which is real. Within a microsecond of the
/// system's clock, and so not strictly monotonic from one thread to the next.
#[cfg(all(target_arch = "x86_64", not(miri), not(gors_loom)))]
#[inline(never)]
pub(crate) fn now() -> u64 {
    counter::nanos().unwrap_or_else(|| counter::anchored(read))
}

/// Nanoseconds since the base: the scheduler's time, which is real.
#[cfg(not(all(target_arch = "x86_64", not(miri), not(gors_loom))))]
#[inline(never)]
pub(crate) fn now() -> u64 {
    read()
}

/// By the system's clock, read directly, which is half of what an `Instant` costs.
fn read() -> u64 {
    let base = base();
    crate::sys::monotonic().saturating_sub(base.monotonic)
}

/// What is added to a time to wait of so many nanoseconds, because [`now`] may be ahead of the system's
/// clock when it ends and behind it when it begins: nobody shall see that it ended early. At most half
/// a microsecond.
pub(crate) fn slack(nanos: u64) -> u64 {
    (nanos >> 3).min(512)
}

/// When a wait that begins now and lasts `timeout` has ended, in nanoseconds since [`epoch`]; `None` if
/// that cannot be expressed. Costs a third of [`instant`].
#[must_use]
pub fn end_of(timeout: Duration) -> Option<u64> {
    let nanos = u64::try_from(timeout.as_nanos()).ok()?;
    if mode::any()
        && let Some(time) = bubble::time()
    {
        return time.checked_add(nanos);
    }
    now().checked_add(slack(nanos))?.checked_add(nanos)
}

/// [`end_of`], as an instant.
#[must_use]
pub fn deadline_in(timeout: Duration) -> Option<Instant> {
    epoch().checked_add(Duration::from_nanos(end_of(timeout)?))
}

/// What the scheduler's time counts from.
#[must_use]
pub fn epoch() -> Instant {
    base().instant
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
