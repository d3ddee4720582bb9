//! The sources' `UnsafeCell`, whose uses loom compares.

use crate::PerExecution;

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
            mark: crate::touch::Mark::new(Self::touch),
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
