//! A variable as C or Go has it: shared, and guarded by nothing.

use std::cell::UnsafeCell;
use std::sync::Arc;

/// See the [module](self). Clones are the same variable.
pub(crate) struct Var<T>(Arc<Inner<T>>);

struct Inner<T>(UnsafeCell<T>);

// SAFETY: none. That is what the racy programs show; the clean ones synchronise around it.
unsafe impl<T> Sync for Inner<T> {}
// SAFETY: as above.
unsafe impl<T> Send for Inner<T> {}

impl<T> Clone for Var<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Var<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Inner(UnsafeCell::new(value))))
    }

    pub(crate) fn set(&self, value: T) {
        self.with(|old| *old = value);
    }

    pub(crate) fn get(&self) -> T
    where
        T: Copy,
    {
        // SAFETY: as above.
        unsafe { *self.0.0.get() }
    }

    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: as above.
        f(unsafe { &mut *self.0.0.get() })
    }
}
