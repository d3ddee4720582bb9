//! A value behind a [`SpinLock`], as a safe type: for short sections in operations that must not
//! switch, such as `drop` and `put`.

use std::fmt;

use super::SpinLock;
use crate::shim::UnsafeCell;

/// A value that one caller at a time may use, for a few dozen instructions.
pub struct Guarded<T> {
    lock: SpinLock,
    value: UnsafeCell<T>,
}

// SAFETY: the value is touched under the lock only.
unsafe impl<T: Send> Sync for Guarded<T> {}

/// Opens the lock, also when the section panics.
struct Open<'a>(&'a SpinLock);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        // SAFETY: made by whoever took the lock.
        unsafe { self.0.unlock() };
    }
}

impl<T> Guarded<T> {
    /// Holds `value`.
    pub const fn new(value: T) -> Self {
        Self {
            lock: SpinLock::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// Calls `f` with the value; waits actively while somebody else uses it.
    ///
    /// `f` must be short, must not block, must not call user code (dropping a user's value is user
    /// code) and must not use this value again.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        self.lock.lock();
        let _open = Open(&self.lock);
        // SAFETY: under the lock.
        self.value.with_mut(|value| f(unsafe { &mut *value }))
    }

    /// As [`with`](Self::with) if nobody else uses the value at the moment.
    #[inline]
    pub fn try_with<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        if !self.lock.try_lock() {
            return None;
        }
        let _open = Open(&self.lock);
        // SAFETY: under the lock.
        self.value.with_mut(|value| Some(f(unsafe { &mut *value })))
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: Default> Default for Guarded<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for Guarded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
}
