//! Where the concurrent parts take their atomics, cells, locks and hints from, by one name.
//!
//! They are the standard library's and parking_lot's, at no cost. The models (`tests/loom_models`)
//! compile the same source files with `--cfg gors_loom` and get loom's. A file that takes an atomic
//! from elsewhere is not modelled; the models look for those. (The name is not `loom` because programs
//! that use gors and have models of their own are built with that.)

#[cfg(gors_loom)]
pub(crate) use model::{Cell, Mutex, UnsafeCell, atomic, hint, thread};

#[cfg(not(gors_loom))]
pub(crate) use self::real::{Cell, Mutex, UnsafeCell, atomic, hint, thread};

#[cfg(not(gors_loom))]
mod real {
    pub(crate) use std::cell::Cell;

    pub(crate) use parking_lot::Mutex;

    /// `std::sync::atomic`.
    pub(crate) mod atomic {
        pub(crate) use std::sync::atomic::*;
    }

    /// `std::hint`.
    pub(crate) mod hint {
        pub(crate) use std::hint::spin_loop;
    }

    /// `std::thread`.
    pub(crate) mod thread {
        pub(crate) use std::thread::yield_now;
    }

    /// A [`std::cell::UnsafeCell`] that says when it is looked into, so that a model sees two at once.
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        #[inline(always)]
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Looks at the value; nobody else may change it meanwhile.
        #[inline(always)]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        /// Changes the value; nobody else may use it meanwhile.
        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }

        /// The value, which nobody shares.
        #[inline(always)]
        pub(crate) fn get_mut(&mut self) -> &mut T {
            self.0.get_mut()
        }

        #[inline(always)]
        pub(crate) fn into_inner(self) -> T {
            self.0.into_inner()
        }
    }
}
