//! Mutual exclusion.

use std::fmt;
use std::time::{Duration, Instant};

use gors_runtime::raw::{self, Point, RawMutex};

use crate::context::{Context, ContextError};

/// Holds a [`Mutex`] locked; opens it when dropped. May be sent to another goroutine or thread.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

/// Holds a [`Mutex`] locked and shows a part of its value, see
/// [`MutexGuard::map`](lock_api::MutexGuard::map).
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMutex, T>;

/// A value that one goroutine at a time may use.
///
/// Waiting parks the goroutine, or the plain thread. The lock is fair as Go's: normally a running
/// goroutine may overtake those that wait; once one of them has waited for a millisecond, the lock
/// goes from hand to hand in order of arrival until the queue has caught up. A panic with the lock
/// held does not poison it. 16 bytes beside the value.
///
/// The guard may be held across blocking operations, and may be sent elsewhere and dropped there.
///
/// Go: `sync.Mutex`, which stands beside what it protects.
///
/// ```
/// use gors::prelude::*;
/// use gors::sync::Mutex;
///
/// static COUNTER: Mutex<i32> = Mutex::new(0);
///
/// gors::run(|| {
///     let wg = WaitGroup::new();
///     for _ in 0..10 {
///         wg.go(|| *COUNTER.lock() += 1);
///     }
///     wg.wait();
///     assert_eq!(*COUNTER.lock(), 10);
/// });
/// ```
#[derive(Default)]
pub struct Mutex<T: ?Sized>(lock_api::Mutex<RawMutex, T>);

impl<T> Mutex<T> {
    /// An unlocked mutex.
    ///
    /// Go: the zero value.
    #[inline]
    pub const fn new(value: T) -> Self {
        Self(lock_api::Mutex::new(value))
    }

    /// The value; nobody can hold the lock.
    ///
    /// ```
    /// assert_eq!(gors::sync::Mutex::new(5).into_inner(), 5);
    /// ```
    #[inline]
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Locks; blocks while somebody else holds the lock. Locking twice in one goroutine blocks for
    /// ever.
    ///
    /// Go: `Lock`; `Unlock` is the guard's drop.
    ///
    /// ```
    /// let mutex = gors::sync::Mutex::new(1);
    /// {
    ///     let mut value = mutex.lock();
    ///     *value += 1;
    /// }
    /// assert_eq!(*mutex.lock(), 2);
    /// ```
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        raw::point(Point::Lock);
        self.0.lock()
    }

    /// Locks if that is possible at once. Never blocks; fails if the lock is held, or is being passed
    /// to somebody who has waited for long.
    ///
    /// Go: `TryLock`.
    ///
    /// ```
    /// let mutex = gors::sync::Mutex::new(());
    /// let guard = mutex.try_lock();
    /// assert!(guard.is_some());
    /// assert!(mutex.try_lock().is_none());
    /// ```
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        raw::point(Point::Try);
        self.0.try_lock()
    }

    /// Locks, blocking for at most `timeout`; `None` if the lock was not to be had.
    ///
    /// Go has no equivalent.
    ///
    /// ```
    /// use std::time::Duration;
    /// let mutex = gors::sync::Mutex::new(());
    /// let guard = mutex.lock();
    /// assert!(mutex.try_lock_for(Duration::from_millis(1)).is_none());
    /// drop(guard);
    /// assert!(mutex.try_lock_for(Duration::from_millis(1)).is_some());
    /// ```
    #[inline]
    pub fn try_lock_for(&self, timeout: Duration) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock_for(timeout)
    }

    /// Locks, blocking at most until `deadline`; `None` if the lock was not to be had.
    ///
    /// ```
    /// let mutex = gors::sync::Mutex::new(());
    /// assert!(mutex.try_lock_until(std::time::Instant::now()).is_some());
    /// ```
    #[inline]
    pub fn try_lock_until(&self, deadline: Instant) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock_until(deadline)
    }

    /// Locks, unless `ctx` is cancelled before the lock is to be had.
    ///
    /// # Errors
    ///
    /// The context's error. A context that is cancelled already wins over a free lock.
    ///
    /// Go has no equivalent.
    ///
    /// ```
    /// use gors::context::{self, Context, ContextError};
    /// use std::time::Duration;
    /// let mutex = gors::sync::Mutex::new(());
    /// let (ctx, _cancel) = context::with_timeout(&Context::background(), Duration::from_millis(1));
    /// let guard = mutex.lock_ctx(&ctx).unwrap();
    /// assert_eq!(mutex.lock_ctx(&ctx).unwrap_err(), ContextError::DeadlineExceeded);
    /// ```
    pub fn lock_ctx(&self, ctx: &Context) -> Result<MutexGuard<'_, T>, ContextError> {
        ctx.limited(|limit| raw::lock_limited(&self.0, limit))
    }

    /// The value, without locking: the borrow shows that nobody else has it.
    #[inline]
    pub const fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// Whether the lock was held a moment ago. For messages and assertions.
    #[inline]
    pub fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    /// The lock as `lock_api` knows it: for its unsafe methods, and for code that is generic over
    /// locks.
    #[inline]
    pub const fn as_lock_api(&self) -> &lock_api::Mutex<RawMutex, T> {
        &self.0
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
