//! Values that each execution of a model begins anew.

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of the execution, counted over all models of the process; 0: none has begun.
static EXECUTION: AtomicU64 = AtomicU64::new(0);

/// An execution begins.
pub(crate) fn next_execution() {
    EXECUTION.fetch_add(1, Ordering::Relaxed);
}

/// A place that is filled at its first use in an execution. What an earlier execution left is
/// forgotten, not dropped: it is made of that execution's objects.
///
/// loom demands that everybody else's first use happens after the creation, so filling it late hides
/// no race: at worst it is reported. Threads of a model run one at a time on one OS thread.
pub struct PerExecution<T> {
    filled_in: Cell<u64>,
    place: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the process runs one model, on one OS thread.
unsafe impl<T> Sync for PerExecution<T> {}
// SAFETY: as above.
unsafe impl<T> Send for PerExecution<T> {}

impl<T> PerExecution<T> {
    /// Not filled.
    pub const fn new() -> Self {
        Self {
            filled_in: Cell::new(0),
            place: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Whether this execution has filled it.
    pub fn is_filled(&self) -> bool {
        self.filled_in.get() == EXECUTION.load(Ordering::Relaxed)
    }

    /// The value of this execution.
    pub fn get_or(&self, make: impl FnOnce() -> T) -> &T {
        let now = EXECUTION.load(Ordering::Relaxed);
        if self.filled_in.get() != now {
            let value = make();
            // SAFETY: nobody looks into a place that is not filled; one OS thread.
            unsafe { (*self.place.get()).write(value) };
            self.filled_in.set(now);
        }
        // SAFETY: filled.
        unsafe { (*self.place.get()).assume_init_ref() }
    }

    /// The value, if this execution has filled it.
    pub fn take(&mut self) -> Option<T> {
        if self.filled_in.replace(0) != EXECUTION.load(Ordering::Relaxed) {
            return None;
        }
        // SAFETY: it was filled, and is not any more.
        Some(unsafe { self.place.get_mut().assume_init_read() })
    }
}

impl<T> Default for PerExecution<T> {
    fn default() -> Self {
        Self::new()
    }
}
