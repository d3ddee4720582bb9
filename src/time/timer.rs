//! Timers with a channel, and timers that run a function.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

use gors_chan::{Receiver, TimerOwner, never, timer_channel};
use gors_runtime::raw::FuncTimer;

/// The furthest that a timer or ticker can be set: a hundred years. More would be beyond the clock.
pub(super) const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// One event in the future: a value through [`c`](Self::c), or a function that runs.
///
/// Dropping a timer does not stop it: a function runs all the same, and a receiver cloned from `c`
/// gets its value.
///
/// Go: `time.Timer`.
///
/// ```
/// use gors::prelude::*;
/// use gors::time::Timer;
///
/// gors::run(|| {
///     let timer = Timer::new(Duration::from_millis(2));
///     select! {
///         recv(timer.c()) -> when => assert!(when.is_ok()),
///         recv(gors::time::after(Duration::from_secs(5))) -> _ => unreachable!(),
///     }
/// });
/// ```
pub struct Timer {
    kind: Kind,
    c: Receiver<Instant>,
}

enum Kind {
    Channel(TimerOwner),
    Function(FuncTimer),
}

impl Timer {
    /// A timer that sends the time to its channel after `duration`.
    ///
    /// Go: `time.NewTimer`.
    #[must_use]
    pub fn new(duration: Duration) -> Self {
        let (owner, c) = timer_channel();
        owner.reset(duration.min(FAR));
        Self {
            kind: Kind::Channel(owner),
            c,
        }
    }

    /// Where the time comes out. Its length and capacity are 0. For a timer with a function, nothing
    /// ever comes.
    ///
    /// Go: `t.C`.
    #[must_use]
    pub fn c(&self) -> &Receiver<Instant> {
        &self.c
    }

    /// Stops the timer; true if it was to fire: its value was not received, or its function had not
    /// been started. After that no value can be received, until it is reset. Does not wait for a
    /// function that runs. Never blocks.
    ///
    /// Go: `t.Stop()`.
    ///
    /// ```
    /// use gors::time::Timer;
    /// use std::time::Duration;
    /// let timer = Timer::new(Duration::ZERO);
    /// assert!(timer.stop());
    /// assert!(timer.c().try_recv().is_err());
    /// ```
    pub fn stop(&self) -> bool {
        match &self.kind {
            Kind::Channel(owner) => owner.stop(),
            Kind::Function(timer) => timer.stop(),
        }
    }

    /// Lets the timer fire after `duration` from now instead; true if it was to fire. Never blocks. A
    /// timer of [`after_func`] whose function has been started stays as it is: its function can run
    /// only once.
    ///
    /// Go: `t.Reset(d)`.
    ///
    /// ```
    /// use gors::time::Timer;
    /// use std::time::Duration;
    /// let timer = Timer::new(Duration::from_secs(3600));
    /// assert!(timer.reset(Duration::from_millis(1)));
    /// assert!(timer.c().recv().is_ok());
    /// assert!(!timer.reset(Duration::from_millis(1)));
    /// ```
    pub fn reset(&self, duration: Duration) -> bool {
        match &self.kind {
            Kind::Channel(owner) => owner.reset(duration.min(FAR)),
            Kind::Function(timer) => timer.reset(duration),
        }
    }
}

impl UnwindSafe for Timer {}
impl RefUnwindSafe for Timer {}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").finish_non_exhaustive()
    }
}

/// Runs `f` in a goroutine of its own after `duration`. The timer can stop or move that; it fires even
/// if the handle is dropped. Starts the runtime if it does not run yet. Never blocks.
///
/// Go: `time.AfterFunc`. There the function may run again after a reset; for that see
/// [`func_timer`].
///
/// ```
/// use gors::prelude::*;
/// use gors::time::after_func;
///
/// gors::run(|| {
///     let done = make(1);
///     let tell = done.clone();
///     after_func(Duration::from_millis(1), move || tell.send("fired"));
///     assert_eq!(done.recv(), Some("fired"));
/// });
/// ```
#[track_caller]
pub fn after_func<F>(duration: Duration, f: F) -> Timer
where
    F: FnOnce() + Send + 'static,
{
    Timer {
        kind: Kind::Function(FuncTimer::once(duration, f)),
        c: never(),
    }
}

/// As [`after_func`], for a function that may run more than once: each time the timer fires after a
/// [`reset`](Timer::reset). Runs may overlap, as in Go.
///
/// Go: `time.AfterFunc`.
///
/// ```
/// use gors::prelude::*;
/// use gors::time::func_timer;
///
/// gors::run(|| {
///     let fired = make(0);
///     let tell = fired.clone();
///     let timer = func_timer(Duration::from_millis(1), move || tell.send(()));
///     fired.recv();
///     timer.reset(Duration::from_millis(1));
///     fired.recv();
/// });
/// ```
#[track_caller]
pub fn func_timer<F>(duration: Duration, f: F) -> Timer
where
    F: Fn() + Send + Sync + 'static,
{
    Timer {
        kind: Kind::Function(FuncTimer::again(duration, f)),
        c: never(),
    }
}
