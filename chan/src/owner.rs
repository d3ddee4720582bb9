//! Channels that only their owner ends: what contexts and timers are made of.
//!
//! Their receivers are ordinary [`Receiver`]s, but closing or dropping those ends nothing, and
//! neither does dropping the owner: a context whose cancel function is gone is not cancelled by
//! that.

use std::time::{Duration, Instant};

use crate::core::{Core, close};
use crate::link::Link;
use crate::receiver::Receiver;
use crate::{clock, make};

/// Ends a done channel; see [`done_channel`].
#[derive(Debug)]
pub struct DoneOwner {
    end: Owner<()>,
}

/// Moves or stops the due time of a timer channel; see [`timer_channel`].
#[derive(Debug)]
pub struct TimerOwner {
    end: Owner<Instant>,
}

/// The sending side of an owned channel: keeps its memory, nothing else.
struct Owner<T>(Link<T>);

// SAFETY: gives access to atomics and to what the lock guards; no value of T passes through it.
unsafe impl<T> Send for Owner<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Owner<T> {}

impl<T> Owner<T> {
    fn core(&self) -> &Core {
        self.0.get().expect("an owned channel is never nil")
    }
}

impl<T> Drop for Owner<T> {
    fn drop(&mut self) {
        // SAFETY: the owner counts as the one sender.
        unsafe { self.0.release(close::SENDER) }
    }
}

impl<T> std::fmt::Debug for Owner<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad("..")
    }
}

/// A channel that carries no value and ends when its owner says so: the shape of Go's `ctx.Done()`.
///
/// ```
/// use gors_chan::{TryRecvError, done_channel};
///
/// let (owner, done) = done_channel();
/// assert_eq!(done.try_recv(), Err(TryRecvError::Empty));
/// assert!(!done.close());
/// assert!(owner.finish());
/// assert!(done.recv().is_err());
/// ```
pub fn done_channel() -> (DoneOwner, Receiver<()>) {
    let core = make::done();
    (
        DoneOwner {
            end: Owner(Link::new(core)),
        },
        Receiver {
            link: Link::new(core),
        },
    )
}

impl DoneOwner {
    /// Ends the channel: all its receivers are woken and fail as disconnected from now on. True the
    /// first time.
    pub fn finish(&self) -> bool {
        self.end.core().close()
    }

    /// The channel has ended.
    pub fn is_finished(&self) -> bool {
        self.end.core().is_closed()
    }
}

/// A timer channel with an owner, stopped at first: the shape of Go's `time.Timer` and
/// `time.Ticker`, by the rules of Go 1.23. Its length and capacity are 0, and after
/// [`stop`](TimerOwner::stop) or [`reset`](TimerOwner::reset) no older value can be received.
///
/// ```
/// use gors_chan::timer_channel;
/// use std::time::Duration;
///
/// let (timer, c) = timer_channel();
/// timer.reset(Duration::from_millis(2));
/// c.recv().unwrap();
/// assert!(!timer.stop());
/// assert!(c.try_recv().is_err());
/// ```
pub fn timer_channel() -> (TimerOwner, Receiver<Instant>) {
    let core = make::timer(clock::NEVER, 0, 0);
    (
        TimerOwner {
            end: Owner(Link::new(core)),
        },
        Receiver {
            link: Link::new(core),
        },
    )
}

impl TimerOwner {
    /// One value `after` from now, in place of what was to come. True if something was (a value
    /// that was due but not received counts).
    pub fn reset(&self, after: Duration) -> bool {
        self.end.core().set_due(clock::word_in(after), 0)
    }

    /// A value each `period` from now on.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let (ticker, c) = gors_chan::timer_channel();
    /// ticker.reset_periodic(Duration::from_millis(2));
    /// assert!(c.recv().unwrap() < c.recv().unwrap());
    /// ticker.stop();
    /// ```
    pub fn reset_periodic(&self, period: Duration) -> bool {
        let step = i64::try_from(period.as_nanos()).unwrap_or(i64::MAX).max(1);
        self.end.core().set_due(clock::word_in(period), step)
    }

    /// Nothing will come until the next reset. True if something was to come.
    pub fn stop(&self) -> bool {
        self.end.core().set_due(clock::NEVER, 0)
    }
}
