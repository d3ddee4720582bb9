//! Go's `time`, as far as it is about waiting: sleeping, timers, tickers.
//!
//! [`Duration`] and [`Instant`] are the standard library's. Timers follow the rules of Go 1.23: after
//! [`Timer::stop`] or [`Timer::reset`] no older value can be received, and nothing needs to be drained
//! or stopped for its memory's sake.
//!
//! | Go | here |
//! | --- | --- |
//! | `time.Sleep(d)` | [`sleep`] |
//! | `time.After(d)`, `time.Tick(d)` | [`after`], [`tick`] |
//! | `time.AfterFunc(d, f)` | [`after_func`]; [`func_timer`] for functions that may run again |
//! | `time.NewTimer(d)`, `time.NewTicker(d)` | [`Timer::new`], [`Ticker::new`] |
//! | `time.Now()` | [`now`] |

mod ticker;
mod timer;

pub use std::time::{Duration, Instant};

use gors_chan::{Receiver, never};
#[doc(inline)]
pub use gors_chan::{after, at};
#[doc(inline)]
pub use gors_runtime::sleep;

pub use self::ticker::Ticker;
pub use self::timer::{Timer, after_func, func_timer};

/// The time now.
///
/// Use this instead of `Instant::now()` where time may be virtual: in the seeded mode and in tests
/// that run in a bubble of their own.
///
/// Go: `time.Now`.
///
/// ```
/// let start = gors::time::now();
/// assert!(gors::time::now() >= start);
/// ```
#[must_use]
pub fn now() -> Instant {
    gors_runtime::raw::now()
}

/// A receiver that gets the time each `period`. A slow receiver loses ticks. A period of zero gives a
/// receiver that nothing ever comes to.
///
/// Go: `time.Tick`.
///
/// ```
/// use std::time::Duration;
/// let ticks = gors::time::tick(Duration::from_millis(1));
/// assert!(ticks.recv().unwrap() < ticks.recv().unwrap());
/// ```
#[must_use]
pub fn tick(period: Duration) -> Receiver<Instant> {
    if period.is_zero() {
        never()
    } else {
        gors_chan::tick(period)
    }
}
