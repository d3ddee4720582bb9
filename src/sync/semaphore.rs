//! A weighted semaphore.

use std::fmt;
use std::time::Duration;

use gors_runtime::raw::{self, Limit, Point, RawSemaphore};

use crate::context::{Context, ContextError};

/// A number of tokens that goroutines take and give back, any number at a time.
///
/// Strictly first come, first served: a large request that waits is not overtaken by small ones.
///
/// Go: `golang.org/x/sync/semaphore`.
///
/// ```
/// use gors::prelude::*;
/// use gors::sync::Semaphore;
///
/// static SLOTS: Semaphore = Semaphore::new(2);
///
/// gors::run(|| {
///     let wg = WaitGroup::new();
///     for n in 0..6 {
///         wg.go(move || {
///             let _slot = SLOTS.acquire_guard(1);
///             println!("{n}: at most two at a time");
///         });
///     }
///     wg.wait();
/// });
/// ```
pub struct Semaphore(RawSemaphore);

impl Semaphore {
    /// A semaphore with `n` tokens.
    ///
    /// Go: `semaphore.NewWeighted`.
    #[must_use]
    pub const fn new(n: usize) -> Self {
        Self(RawSemaphore::new(n))
    }

    /// Takes `n` tokens; blocks until they are free. A request for more than there are blocks for ever,
    /// and keeps nobody else waiting.
    ///
    /// Go: `Acquire` with the background context.
    ///
    /// ```
    /// let semaphore = gors::sync::Semaphore::new(2);
    /// semaphore.acquire(2);
    /// semaphore.release(2);
    /// ```
    #[inline]
    pub fn acquire(&self, n: usize) {
        raw::point(Point::Lock);
        self.0
            .acquire(n, &Limit::NONE)
            .expect("a wait without a limit ends with the tokens");
    }

    /// Takes `n` tokens if they are free and nobody waits. Never blocks.
    ///
    /// Go: `TryAcquire`.
    ///
    /// ```
    /// let semaphore = gors::sync::Semaphore::new(2);
    /// assert!(semaphore.try_acquire(2));
    /// assert!(!semaphore.try_acquire(1));
    /// semaphore.release(2);
    /// ```
    #[inline]
    pub fn try_acquire(&self, n: usize) -> bool {
        raw::point(Point::Try);
        self.0.try_acquire(n)
    }

    /// Takes `n` tokens, blocking for at most `timeout`; false if they were not to be had.
    ///
    /// ```
    /// use std::time::Duration;
    /// let semaphore = gors::sync::Semaphore::new(1);
    /// assert!(semaphore.acquire_timeout(1, Duration::from_millis(1)));
    /// assert!(!semaphore.acquire_timeout(1, Duration::from_millis(1)));
    /// ```
    pub fn acquire_timeout(&self, n: usize, timeout: Duration) -> bool {
        if self.0.try_acquire(n) {
            return true;
        }
        let limit = Limit::until(raw::deadline_in(timeout));
        self.0.acquire(n, &limit).is_ok()
    }

    /// Takes `n` tokens, unless `ctx` is cancelled before they are free.
    ///
    /// # Errors
    ///
    /// The context's error; then no token was taken. A context that is cancelled already wins over free
    /// tokens.
    ///
    /// Go: `Acquire`.
    ///
    /// ```
    /// use gors::context::{self, Context, ContextError};
    /// use std::time::Duration;
    /// let semaphore = gors::sync::Semaphore::new(1);
    /// let (ctx, _cancel) = context::with_timeout(&Context::background(), Duration::from_millis(1));
    /// assert_eq!(semaphore.acquire_ctx(&ctx, 1), Ok(()));
    /// assert_eq!(semaphore.acquire_ctx(&ctx, 1), Err(ContextError::DeadlineExceeded));
    /// ```
    pub fn acquire_ctx(&self, ctx: &Context, n: usize) -> Result<(), ContextError> {
        ctx.limited(|limit| self.0.acquire(n, limit))
    }

    /// Gives `n` tokens back. Never blocks.
    ///
    /// # Panics
    ///
    /// `semaphore: released more than held`.
    ///
    /// Go: `Release`.
    ///
    /// ```
    /// let semaphore = gors::sync::Semaphore::new(1);
    /// semaphore.acquire(1);
    /// semaphore.release(1);
    /// assert!(semaphore.try_acquire(1));
    /// ```
    #[inline]
    pub fn release(&self, n: usize) {
        assert!(self.0.release(n), "semaphore: released more than held");
    }

    /// Takes `n` tokens as [`acquire`](Self::acquire); the guard gives them back when it is dropped.
    ///
    /// ```
    /// let semaphore = gors::sync::Semaphore::new(1);
    /// {
    ///     let _one = semaphore.acquire_guard(1);
    ///     assert!(!semaphore.try_acquire(1));
    /// }
    /// assert!(semaphore.try_acquire(1));
    /// ```
    #[inline]
    pub fn acquire_guard(&self, n: usize) -> SemaphoreGuard<'_> {
        self.acquire(n);
        SemaphoreGuard { semaphore: self, n }
    }

    /// Takes `n` tokens as [`try_acquire`](Self::try_acquire); the guard gives them back when it is
    /// dropped.
    ///
    /// ```
    /// let semaphore = gors::sync::Semaphore::new(1);
    /// let one = semaphore.try_acquire_guard(1);
    /// assert!(one.is_some());
    /// assert!(semaphore.try_acquire_guard(1).is_none());
    /// ```
    pub fn try_acquire_guard(&self, n: usize) -> Option<SemaphoreGuard<'_>> {
        self.try_acquire(n)
            .then(|| SemaphoreGuard { semaphore: self, n })
    }

    /// How many tokens were free a moment ago.
    #[must_use]
    pub fn available(&self) -> usize {
        self.0.available()
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available", &self.available())
            .finish_non_exhaustive()
    }
}

/// Holds tokens of a [`Semaphore`]; gives them back when dropped.
#[derive(Debug)]
#[must_use = "dropping the guard gives the tokens back"]
pub struct SemaphoreGuard<'a> {
    semaphore: &'a Semaphore,
    n: usize,
}

impl Drop for SemaphoreGuard<'_> {
    fn drop(&mut self) {
        self.semaphore.release(self.n);
    }
}
