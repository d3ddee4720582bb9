//! The sources' `Mutex`, in the shape of parking_lot's.

use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr;

use crate::PerExecution;
use crate::mutant::{self, Change};

/// A lock whose contents begin each execution as they were made.
pub struct Mutex<T> {
    lock: PerExecution<loom::sync::Mutex<()>>,
    /// Sees two holders at once, should a mutant leave the lock out.
    watch: PerExecution<loom::cell::UnsafeCell<()>>,
    /// A copy of `initial`, used instead of it.
    value: PerExecution<UnsafeCell<T>>,
    initial: ManuallyDrop<T>,
}

// SAFETY: the value is used under the lock.
unsafe impl<T: Send> Sync for Mutex<T> {}
// SAFETY: the lock owns the value.
unsafe impl<T: Send> Send for Mutex<T> {}

impl<T> Mutex<T> {
    /// Holds `value`, which owns no memory if the lock is a static.
    pub const fn new(value: T) -> Self {
        Self {
            lock: PerExecution::new(),
            watch: PerExecution::new(),
            value: PerExecution::new(),
            initial: ManuallyDrop::new(value),
        }
    }

    /// Waits for the lock.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        let change = mutant::at(std::panic::Location::caller());
        let lock = self.lock.get_or(|| loom::sync::Mutex::new(()));
        let guard =
            (change != Some(Change::Skip)).then(|| lock.lock().expect("nobody panics and goes on"));
        let watch = self.watch.get_or(|| loom::cell::UnsafeCell::new(()));
        watch.with_mut(|_| ());
        let value = self.value.get_or(|| {
            // SAFETY: the original is not used while there is the copy. A static is copied once an
            // execution; its value owns nothing.
            UnsafeCell::new(unsafe { ptr::read(&*self.initial) })
        });
        MutexGuard {
            value: value.get(),
            _guard: guard,
        }
    }
}

impl<T> Drop for Mutex<T> {
    fn drop(&mut self) {
        if self.value.take().is_none() {
            // SAFETY: never copied in this execution, and dropped once.
            unsafe { ManuallyDrop::drop(&mut self.initial) };
        }
    }
}

/// The right to use the value.
pub struct MutexGuard<'a, T> {
    value: *mut T,
    _guard: Option<loom::sync::MutexGuard<'a, ()>>,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: under the lock.
        unsafe { &*self.value }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: under the lock.
        unsafe { &mut *self.value }
    }
}
