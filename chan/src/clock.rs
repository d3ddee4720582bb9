//! The crate's only clock.
//!
//! Every deadline and every timer channel reads the time here: the runtime's, which is virtual in the
//! seeded mode and in tests that ask for it. Timer channels keep their due time in one atomic word: nanoseconds since
//! the runtime's epoch, signed, because a time before the first look at the clock is a legal due time.

use std::time::{Duration, Instant};

use gors_runtime::raw::{end_of, epoch};

/// The current time, as the caller has it.
#[inline]
pub(crate) fn now() -> Instant {
    gors_runtime::raw::now()
}

/// A due time that never comes: the timer is stopped, or its value was taken.
pub(crate) const NEVER: i64 = i64::MAX;

/// The timer word for `timeout` from now.
pub(crate) fn word_in(timeout: Duration) -> i64 {
    end_of(timeout)
        .and_then(|end| i64::try_from(end).ok())
        .unwrap_or(NEVER)
}

/// An instant as a timer word; saturates some 292 years away, which is as good as [`NEVER`].
pub(crate) fn to_word(at: Instant) -> i64 {
    let epoch = epoch();
    match at.checked_duration_since(epoch) {
        Some(d) => i64::try_from(d.as_nanos()).unwrap_or(NEVER),
        None => i64::try_from(epoch.duration_since(at).as_nanos()).map_or(i64::MIN, |n| -n),
    }
}

/// The instant a timer word stands for; [`NEVER`] and what the platform cannot express is `None`.
pub(crate) fn from_word(word: i64) -> Option<Instant> {
    if word == NEVER {
        None
    } else if word >= 0 {
        epoch().checked_add(Duration::from_nanos(word.unsigned_abs()))
    } else {
        epoch().checked_sub(Duration::from_nanos(word.unsigned_abs()))
    }
}
