//! Tickers.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

use gors_chan::{Receiver, TimerOwner, timer_channel};

use super::timer::FAR;

/// Sends the time to a channel, again and again.
///
/// A receiver that is late finds one tick, not all that it missed. Costs nothing while nobody
/// receives.
///
/// Go: `time.Ticker`.
///
/// ```
/// use gors::time::Ticker;
/// use std::time::Duration;
///
/// let ticker = Ticker::new(Duration::from_millis(1));
/// for when in ticker.c().iter().take(3) {
///     println!("tick at {when:?}");
/// }
/// ticker.stop();
/// ```
pub struct Ticker {
    owner: TimerOwner,
    c: Receiver<Instant>,
}

impl Ticker {
    /// A ticker with the given period; the first tick comes after one.
    ///
    /// # Panics
    ///
    /// `non-positive interval for NewTicker` if the period is zero.
    ///
    /// Go: `time.NewTicker`.
    #[must_use]
    pub fn new(period: Duration) -> Self {
        assert!(!period.is_zero(), "non-positive interval for NewTicker");
        let (owner, c) = timer_channel();
        owner.reset_periodic(period.min(FAR));
        Self { owner, c }
    }

    /// Where the ticks come out. Its length and capacity are 0.
    ///
    /// Go: `t.C`.
    #[must_use]
    pub fn c(&self) -> &Receiver<Instant> {
        &self.c
    }

    /// Stops the ticker; true if it ticked. No tick can be received after that, until it is reset. The
    /// channel stays open: a receiver that waits goes on waiting. Never blocks.
    ///
    /// Go: `t.Stop()`, which returns nothing.
    ///
    /// ```
    /// use gors::time::Ticker;
    /// use std::time::Duration;
    /// let ticker = Ticker::new(Duration::from_millis(1));
    /// assert!(ticker.stop());
    /// assert!(ticker.c().try_recv().is_err());
    /// ```
    pub fn stop(&self) -> bool {
        self.owner.stop()
    }

    /// Begins anew with the given period; true if it ticked. Never blocks.
    ///
    /// # Panics
    ///
    /// `non-positive interval for Ticker.Reset` if the period is zero.
    ///
    /// Go: `t.Reset(d)`, which returns nothing.
    ///
    /// ```
    /// use gors::time::Ticker;
    /// use std::time::Duration;
    /// let ticker = Ticker::new(Duration::from_secs(3600));
    /// ticker.reset(Duration::from_millis(1));
    /// assert!(ticker.c().recv().is_ok());
    /// ```
    pub fn reset(&self, period: Duration) -> bool {
        assert!(!period.is_zero(), "non-positive interval for Ticker.Reset");
        self.owner.reset_periodic(period.min(FAR))
    }
}

impl UnwindSafe for Ticker {}
impl RefUnwindSafe for Ticker {}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker").finish_non_exhaustive()
    }
}
