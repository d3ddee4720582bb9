//! Readers or one writer.

use std::fmt;
use std::time::{Duration, Instant};

use gors_runtime::raw::{self, Point, RawRwLock};

use crate::context::{Context, ContextError};

/// Holds a [`RwLock`] for reading.
pub type RwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRwLock, T>;

/// Holds a [`RwLock`] for writing; [`downgrade`](lock_api::RwLockWriteGuard::downgrade) makes it a
/// reader without letting another writer in between.
pub type RwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRwLock, T>;

/// Holds a [`RwLock`] for reading and shows a part of its value.
pub type MappedRwLockReadGuard<'a, T> = lock_api::MappedRwLockReadGuard<'a, RawRwLock, T>;

/// Holds a [`RwLock`] for writing and shows a part of its value.
pub type MappedRwLockWriteGuard<'a, T> = lock_api::MappedRwLockWriteGuard<'a, RawRwLock, T>;

/// A value that many may read or one may write.
///
/// Fair as Go's: a writer that waits keeps new readers out, and when a writer leaves, the readers
/// that wait go first. So neither side starves, and a goroutine that holds a read guard must not ask
/// for another one: a writer in between would block both for ever. Nothing is poisoned; guards may be
/// sent.
///
/// Go: `sync.RWMutex`.
///
/// ```
/// use gors::prelude::*;
/// use gors::sync::RwLock;
///
/// static WORDS: RwLock<Vec<&str>> = RwLock::new(Vec::new());
///
/// gors::run(|| {
///     WORDS.write().push("go");
///     let wg = WaitGroup::new();
///     for _ in 0..3 {
///         wg.go(|| assert_eq!(WORDS.read().len(), 1));
///     }
///     wg.wait();
/// });
/// ```
#[derive(Default)]
pub struct RwLock<T: ?Sized>(lock_api::RwLock<RawRwLock, T>);

impl<T> RwLock<T> {
    /// An unlocked lock.
    #[inline]
    pub const fn new(value: T) -> Self {
        Self(lock_api::RwLock::new(value))
    }

    /// The value; nobody can hold the lock.
    #[inline]
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Locks for reading; blocks while a writer holds the lock or waits for it.
    ///
    /// Go: `RLock`; `RUnlock` is the guard's drop.
    ///
    /// ```
    /// let lock = gors::sync::RwLock::new(1);
    /// let (one, two) = (lock.read(), lock.read());
    /// assert_eq!(*one + *two, 2);
    /// ```
    #[inline]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        raw::point(Point::Lock);
        self.0.read()
    }

    /// Locks for writing; blocks while anybody holds the lock.
    ///
    /// Go: `Lock`; `Unlock` is the guard's drop.
    ///
    /// ```
    /// let lock = gors::sync::RwLock::new(1);
    /// *lock.write() = 2;
    /// assert_eq!(*lock.read(), 2);
    /// ```
    #[inline]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        raw::point(Point::Lock);
        self.0.write()
    }

    /// Locks for reading if that is possible at once. Never blocks.
    ///
    /// Go: `TryRLock`.
    ///
    /// ```
    /// let lock = gors::sync::RwLock::new(());
    /// let writer = lock.write();
    /// assert!(lock.try_read().is_none());
    /// ```
    #[inline]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        raw::point(Point::Try);
        self.0.try_read()
    }

    /// Locks for writing if that is possible at once. Never blocks.
    ///
    /// Go: `TryLock`.
    ///
    /// ```
    /// let lock = gors::sync::RwLock::new(());
    /// let reader = lock.read();
    /// assert!(lock.try_write().is_none());
    /// ```
    #[inline]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        raw::point(Point::Try);
        self.0.try_write()
    }

    /// Locks for reading, blocking for at most `timeout`.
    ///
    /// ```
    /// use std::time::Duration;
    /// let lock = gors::sync::RwLock::new(());
    /// let writer = lock.write();
    /// assert!(lock.try_read_for(Duration::from_millis(1)).is_none());
    /// ```
    #[inline]
    pub fn try_read_for(&self, timeout: Duration) -> Option<RwLockReadGuard<'_, T>> {
        self.0.try_read_for(timeout)
    }

    /// Locks for reading, blocking at most until `deadline`.
    #[inline]
    pub fn try_read_until(&self, deadline: Instant) -> Option<RwLockReadGuard<'_, T>> {
        self.0.try_read_until(deadline)
    }

    /// Locks for writing, blocking for at most `timeout`. Readers that queue behind a writer that
    /// gives up are let in.
    ///
    /// ```
    /// use std::time::Duration;
    /// let lock = gors::sync::RwLock::new(());
    /// let reader = lock.read();
    /// assert!(lock.try_write_for(Duration::from_millis(1)).is_none());
    /// assert!(lock.try_read().is_some());
    /// ```
    #[inline]
    pub fn try_write_for(&self, timeout: Duration) -> Option<RwLockWriteGuard<'_, T>> {
        self.0.try_write_for(timeout)
    }

    /// Locks for writing, blocking at most until `deadline`.
    #[inline]
    pub fn try_write_until(&self, deadline: Instant) -> Option<RwLockWriteGuard<'_, T>> {
        self.0.try_write_until(deadline)
    }

    /// Locks for reading, unless `ctx` is cancelled before the lock is to be had.
    ///
    /// # Errors
    ///
    /// The context's error. A context that is cancelled already wins over a free lock.
    pub fn read_ctx(&self, ctx: &Context) -> Result<RwLockReadGuard<'_, T>, ContextError> {
        ctx.limited(|limit| raw::read_limited(&self.0, limit))
    }

    /// Locks for writing, unless `ctx` is cancelled before the lock is to be had.
    ///
    /// # Errors
    ///
    /// The context's error. A context that is cancelled already wins over a free lock.
    ///
    /// ```
    /// use gors::context::{self, Context, ContextError};
    /// let lock = gors::sync::RwLock::new(());
    /// let (ctx, cancel) = context::with_cancel(&Context::background());
    /// assert!(lock.write_ctx(&ctx).is_ok());
    /// cancel.cancel();
    /// assert_eq!(lock.write_ctx(&ctx).unwrap_err(), ContextError::Canceled);
    /// ```
    pub fn write_ctx(&self, ctx: &Context) -> Result<RwLockWriteGuard<'_, T>, ContextError> {
        ctx.limited(|limit| raw::write_limited(&self.0, limit))
    }

    /// The value, without locking: the borrow shows that nobody else has it.
    #[inline]
    pub const fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// Whether anybody held the lock a moment ago. For messages and assertions.
    #[inline]
    pub fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    /// The lock as `lock_api` knows it: for its unsafe methods, and for code that is generic over
    /// locks.
    #[inline]
    pub const fn as_lock_api(&self) -> &lock_api::RwLock<RawRwLock, T> {
        &self.0
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
