//! Doing something once, and a cell that is written once.
//!
//! # States of a [`RawOnce`]
//!
//! | state | meaning | who leaves it |
//! | --- | --- | --- |
//! | NEW | nobody has begun | the one that swaps it for RUNNING |
//! | RUNNING | one caller is at it | that one: to DONE, or to NEW if it abandons it |
//! | DONE | for ever | |
//!
//! Others wait in the list for RUNNING to end. The state changes before the list is notified, and
//! waiters look at it under the list's lock, so none is forgotten; all look again when woken, because
//! an abandoned attempt is for one of them to begin anew.

use std::fmt;
use std::mem::{self, MaybeUninit};

use super::{WaitList, WaitReason, exit_point};
use crate::shim::UnsafeCell;
use crate::shim::atomic::{AtomicU8, Ordering};

const NEW: u8 = 0;
const RUNNING: u8 = 1;
const DONE: u8 = 2;

/// Lets one caller do something while the others wait.
pub struct RawOnce {
    state: AtomicU8,
    waiters: WaitList,
}

/// The right to do it. Dropping it abandons the attempt: the next caller begins anew.
#[must_use]
pub struct Attempt<'a>(&'a RawOnce);

impl RawOnce {
    /// Not done.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: AtomicU8::new(NEW),
            waiters: WaitList::new(),
        }
    }

    /// Whether it is done; then everything before [`Attempt::finish`] is visible.
    #[inline]
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) == DONE
    }

    /// The right to do it, or `None` once it is done. Blocks while somebody else is at it; called by
    /// that one itself, it blocks for ever.
    #[cold]
    #[inline(never)]
    pub fn begin(&self) -> Option<Attempt<'_>> {
        loop {
            match self
                .state
                .compare_exchange(NEW, RUNNING, Ordering::Acquire, Ordering::Acquire)
            {
                Ok(_) => return Some(Attempt(self)),
                Err(DONE) => return None,
                Err(_) => {
                    exit_point();
                    self.waiters.wait(WaitReason::OnceDo, None, || {
                        self.state.load(Ordering::Acquire) != RUNNING
                    });
                }
            }
        }
    }

    /// Blocks until it is done, whoever does it.
    #[cold]
    #[inline(never)]
    pub fn wait(&self) {
        while !self.is_done() {
            exit_point();
            self.waiters
                .wait(WaitReason::OnceDo, None, || self.is_done());
        }
    }

    fn leave(&self, state: u8) {
        self.state.store(state, Ordering::Release);
        self.waiters.notify_all();
    }
}

impl Attempt<'_> {
    /// It is done: those who wait go on, and nobody begins again.
    pub fn finish(self) {
        self.0.leave(DONE);
        mem::forget(self);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.0.leave(NEW);
    }
}

impl Default for RawOnce {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RawOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawOnce")
            .field("done", &self.is_done())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Attempt")
    }
}

/// A cell that is written once. The value is there exactly when `once` is done.
pub struct OnceCell<T> {
    once: RawOnce,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the value is written by the one that has the attempt, and shared references to it are
// given out after that; taking it out needs `&mut`.
unsafe impl<T: Send + Sync> Sync for OnceCell<T> {}
// SAFETY: the cell owns the value.
unsafe impl<T: Send> Send for OnceCell<T> {}
impl<T: std::panic::UnwindSafe> std::panic::UnwindSafe for OnceCell<T> {}
impl<T: std::panic::UnwindSafe + std::panic::RefUnwindSafe> std::panic::RefUnwindSafe
    for OnceCell<T>
{
}

impl<T> OnceCell<T> {
    /// An empty cell.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            once: RawOnce::new(),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// The value, if it was written. Never blocks.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.once.is_done().then(|| {
            // SAFETY: done, so the value is written and only shared from now on.
            self.value.with(|at| unsafe { (*at).assume_init_ref() })
        })
    }

    /// The value, if it was written.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        // SAFETY: done, so the value is written, and nobody shares the cell.
        self.once
            .is_done()
            .then(|| unsafe { self.value.get_mut().assume_init_mut() })
    }

    /// The value, written by `f` if there was none. Blocks while somebody else is at it. If `f` fails
    /// or unwinds the cell stays empty and the next caller tries.
    ///
    /// # Errors
    ///
    /// Those of `f`.
    ///
    /// # Panics
    ///
    /// Never by itself: after the attempt there is a value.
    #[inline]
    pub fn get_or_try_init<E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        if let Some(attempt) = self.once.begin() {
            let value = f()?;
            // SAFETY: the attempt is ours alone, and nobody reads before it is finished.
            self.value.with_mut(|place| unsafe {
                (*place).write(value);
            });
            attempt.finish();
        }
        Ok(self.get().expect("a done cell holds a value"))
    }

    /// Blocks until the value was written.
    ///
    /// # Panics
    ///
    /// Never by itself: after the wait there is a value.
    #[inline]
    pub fn wait(&self) -> &T {
        if !self.once.is_done() {
            self.once.wait();
        }
        self.get().expect("a done cell holds a value")
    }

    /// Takes the value out; the cell is empty again.
    pub fn take(&mut self) -> Option<T> {
        if !self.once.is_done() {
            return None;
        }
        self.once = RawOnce::new();
        // SAFETY: it was done, and is not any more: the value is read out once.
        Some(unsafe { self.value.get_mut().assume_init_read() })
    }
}

impl<T> Drop for OnceCell<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("OnceCell");
        match self.get() {
            Some(value) => tuple.field(value),
            None => tuple.field(&format_args!("<uninit>")),
        };
        tuple.finish()
    }
}
