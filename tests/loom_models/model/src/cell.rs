//! The sources' `UnsafeCell` and `Cell`, whose uses loom compares.

use std::panic::Location;

use crate::PerExecution;
use crate::mutant::{self, Change};

/// See the runtime's `shim.rs`.
#[repr(C)]
pub struct UnsafeCell<T> {
    mark: crate::touch::Mark,
    watch: PerExecution<loom::cell::UnsafeCell<()>>,
    value: std::cell::UnsafeCell<T>,
}

impl<T> UnsafeCell<T> {
    /// Holds `value`.
    pub const fn new(value: T) -> Self {
        Self {
            mark: crate::touch::Mark::new(Self::touch, Self::end),
            watch: PerExecution::new(),
            value: std::cell::UnsafeCell::new(value),
        }
    }

    /// # Safety
    ///
    /// `this` is one of these.
    unsafe fn touch(this: *const u8) {
        // SAFETY: the caller's promise.
        unsafe { (*this.cast::<Self>()).watch() };
    }

    /// # Safety
    ///
    /// `this` is one of these.
    unsafe fn end(this: *const u8) {
        // SAFETY: the caller's promise.
        unsafe { (*this.cast::<Self>()).with_mut(|_| ()) };
    }

    fn watch(&self) -> &loom::cell::UnsafeCell<()> {
        self.watch.get_or(|| loom::cell::UnsafeCell::new(()))
    }

    /// Looks at the value; a change meanwhile fails the model.
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        let at = self.value.get();
        self.watch().with(|_| f(at))
    }

    /// Changes the value; another use meanwhile fails the model.
    #[track_caller]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        let at = self.value.get();
        self.watch().with_mut(|_| f(at))
    }

    /// The value, which nobody shares.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

/// The sources' `Cell` for what a lock or a claim guards. Two uses that nothing orders, one of them a change,
/// fail the model.
#[repr(C)]
pub struct Cell<T>(UnsafeCell<T>);

impl<T> Cell<T> {
    /// Holds `value`.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// A copy of the value. A mutant may say another one.
    #[track_caller]
    pub fn get(&self) -> T
    where
        T: Copy,
    {
        if let Some(Change::Pretend(value)) = mutant::at(Location::caller()) {
            assert!(
                size_of::<T>() <= size_of::<u64>(),
                "a mutant of a larger value"
            );
            // SAFETY: no larger, and the mutant's value is one of the type's.
            return unsafe { std::mem::transmute_copy(&value.to_le()) };
        }
        // SAFETY: nobody changes it meanwhile, or the model fails.
        self.0.with(|at| unsafe { *at })
    }

    /// Sets the value. A mutant may leave it out.
    #[track_caller]
    pub fn set(&self, value: T) {
        if mutant::at(Location::caller()) != Some(Change::Skip) {
            drop(self.replace(value));
        }
    }

    /// Sets the value; the one before.
    #[track_caller]
    pub fn replace(&self, value: T) -> T {
        // SAFETY: nobody uses it meanwhile, or the model fails.
        self.0.with_mut(|at| unsafe { at.replace(value) })
    }

    /// The value, and the default in its place.
    #[track_caller]
    pub fn take(&self) -> T
    where
        T: Default,
    {
        self.replace(T::default())
    }
}
