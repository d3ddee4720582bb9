//! Waiting for a condition.

use std::fmt;
use std::time::{Duration, Instant};

use gors_runtime::raw::{Limit, RawCondvar};
pub use lock_api::WaitTimeoutResult;

use super::MutexGuard;
use crate::context::{Context, ContextError};

/// Where goroutines wait until a condition on a [`Mutex`](super::Mutex)'s value holds.
///
/// Notifications go to those who wait in the order in which they came. There are no spurious
/// wake-ups, but others may have changed the value before the woken one has the lock again: wait in a
/// loop, or with [`wait_while`](Self::wait_while). May be used with any number of mutexes.
///
/// Go: `sync.Cond`, which keeps its lock itself.
///
/// ```
/// use gors::prelude::*;
/// use gors::sync::{Condvar, Mutex};
///
/// static QUEUE: Mutex<Vec<i32>> = Mutex::new(Vec::new());
/// static FILLED: Condvar = Condvar::new();
///
/// gors::run(|| {
///     go!({
///         QUEUE.lock().push(1);
///         FILLED.notify_one();
///     });
///     let mut queue = QUEUE.lock();
///     FILLED.wait_while(&mut queue, |queue| queue.is_empty());
///     assert_eq!(queue.pop(), Some(1));
/// });
/// ```
#[derive(Default)]
pub struct Condvar(lock_api::Condvar<RawCondvar>);

impl Condvar {
    /// Nobody waits.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self(lock_api::Condvar::new())
    }

    /// Opens the guard's mutex, blocks until notified, and locks it again. A notification after the
    /// mutex is open is not missed.
    ///
    /// Go: `Wait`.
    ///
    /// ```
    /// use gors::prelude::*;
    /// use gors::sync::{Condvar, Mutex};
    /// static READY: Mutex<bool> = Mutex::new(false);
    /// static CHANGED: Condvar = Condvar::new();
    /// gors::run(|| {
    ///     go!({
    ///         *READY.lock() = true;
    ///         CHANGED.notify_all();
    ///     });
    ///     let mut ready = READY.lock();
    ///     while !*ready {
    ///         CHANGED.wait(&mut ready);
    ///     }
    /// });
    /// ```
    #[inline]
    pub fn wait<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>) {
        self.0.wait(guard);
    }

    /// As [`wait`](Self::wait), for at most `timeout`.
    ///
    /// ```
    /// use gors::sync::{Condvar, Mutex};
    /// use std::time::Duration;
    /// let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    /// let mut guard = mutex.lock();
    /// assert!(condvar.wait_for(&mut guard, Duration::from_millis(1)).timed_out());
    /// ```
    #[inline]
    pub fn wait_for<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        self.0.wait_for(guard, timeout)
    }

    /// As [`wait`](Self::wait), at most until `deadline`.
    ///
    /// ```
    /// use gors::sync::{Condvar, Mutex};
    /// let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    /// let mut guard = mutex.lock();
    /// assert!(condvar.wait_until(&mut guard, std::time::Instant::now()).timed_out());
    /// ```
    #[inline]
    pub fn wait_until<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        deadline: Instant,
    ) -> WaitTimeoutResult {
        self.0.wait_until(guard, deadline)
    }

    /// Waits as long as `condition` is true.
    #[inline]
    pub fn wait_while<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        condition: impl FnMut(&mut T) -> bool,
    ) {
        self.0.wait_while(guard, condition);
    }

    /// Waits as long as `condition` is true, for at most `timeout`. The result says whether the time
    /// was over with the condition still true.
    ///
    /// ```
    /// use gors::sync::{Condvar, Mutex};
    /// use std::time::Duration;
    /// let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    /// let mut number = mutex.lock();
    /// let wait = condvar.wait_while_for(&mut number, |n| *n == 0, Duration::from_millis(1));
    /// assert!(wait.timed_out());
    /// ```
    #[inline]
    pub fn wait_while_for<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        condition: impl FnMut(&mut T) -> bool,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        self.0.wait_while_for(guard, condition, timeout)
    }

    /// As [`wait`](Self::wait), at most until `ctx` is cancelled. The mutex is locked again in any
    /// case.
    ///
    /// # Errors
    ///
    /// The context's error.
    ///
    /// ```
    /// use gors::context::{self, Context, ContextError};
    /// use gors::sync::{Condvar, Mutex};
    /// use std::time::Duration;
    /// let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    /// let (ctx, _cancel) = context::with_timeout(&Context::background(), Duration::from_millis(1));
    /// let mut guard = mutex.lock();
    /// assert_eq!(condvar.wait_ctx(&mut guard, &ctx), Err(ContextError::DeadlineExceeded));
    /// ```
    pub fn wait_ctx<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        ctx: &Context,
    ) -> Result<(), ContextError> {
        ctx.limited(|limit: &Limit<'_>| self.0.raw().wait_limited(guard, limit))
    }

    /// Wakes the one that has waited longest; true if somebody waited. Never blocks. The caller need
    /// not hold the mutex.
    ///
    /// Go: `Signal`.
    ///
    /// ```
    /// assert!(!gors::sync::Condvar::new().notify_one());
    /// ```
    #[inline]
    pub fn notify_one(&self) -> bool {
        self.0.notify_one()
    }

    /// Wakes all that wait; says how many that were. Never blocks.
    ///
    /// Go: `Broadcast`.
    ///
    /// ```
    /// assert_eq!(gors::sync::Condvar::new().notify_all(), 0);
    /// ```
    #[inline]
    pub fn notify_all(&self) -> usize {
        self.0.notify_all()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
