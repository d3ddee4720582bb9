//! Goroutine-local storage.
//!
//! Values are boxed and listed in the goroutine's cold part, so they stay where they are while the
//! list grows, and they go with the goroutine from thread to thread. They are dropped on the
//! goroutine's own stack after its function has ended, last made first; a destructor may block, may use
//! the values that are left, and may make further ones. Each variable has one value in a goroutine's
//! life: its place stays when the value is dropped, so destructors come to an end.

mod cells;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use crate::current;
use crate::goroutine::Record;

/// A goroutine-local variable, made by [`goroutine_local!`](crate::goroutine_local).
///
/// Each goroutine that uses it has its own value, made by the initialiser at the first use. On a
/// plain thread the value belongs to the thread.
pub struct GoroutineLocal<T: 'static> {
    init: fn() -> T,
    /// Gives each variable an address of its own, even when two are otherwise alike.
    _identity: u8,
}

impl<T: 'static> GoroutineLocal<T> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(init: fn() -> T) -> Self {
        Self { init, _identity: 0 }
    }

    /// Calls `f` with the calling goroutine's value. `f` may block: the value stays the
    /// goroutine's, on whatever thread it goes on.
    ///
    /// Costs a search through the goroutine's variables, which are few.
    ///
    /// # Panics
    ///
    /// In the destructor of the variable's own value, and after it.
    ///
    /// ```
    /// use std::cell::Cell;
    /// gors_runtime::goroutine_local! { static DEPTH: Cell<u32> = Cell::new(0); }
    /// gors_runtime::run(|| {
    ///     DEPTH.with(|depth| depth.set(3));
    ///     let other = gors_runtime::spawn(|| DEPTH.with(Cell::get));
    ///     assert_eq!(other.join().unwrap(), 0);
    ///     assert_eq!(DEPTH.with(Cell::get), 3);
    /// });
    /// ```
    pub fn with<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        let key = ptr::from_ref(self).addr();
        let value = match find::<T>(key) {
            Some(value) => value,
            None => {
                // User code: it may block, and may use other variables.
                let value: Box<dyn Any> = Box::new((self.init)());
                let locals = &mut current::record().cold().locals;
                if !locals.iter().any(|(other, _)| *other == key) {
                    locals.push((key, Some(value)));
                }
                find::<T>(key).expect("the value was just made")
            }
        };
        // SAFETY: the box is dropped when the goroutine ends, which is after `f`: this frame is on
        // its stack.
        f(unsafe { &*value })
    }
}

fn find<T: 'static>(key: usize) -> Option<*const T> {
    let locals = &current::record().cold_if_any()?.locals;
    let (_, value) = locals.iter().find(|(other, _)| *other == key)?;
    let Some(value) = value else {
        panic!("a goroutine-local variable is used in its destructor, or after that");
    };
    Some(ptr::from_ref(
        value.downcast_ref::<T>().expect("a key has one type"),
    ))
}

/// Drops the values of an ending goroutine or thread. By its owner, on its stack.
pub(crate) fn drop_all(record: &'static Record) {
    loop {
        let cold = record.cold.get();
        // SAFETY: null or owned by the record; the borrow ends before the destructor runs.
        let last = unsafe { cold.as_mut() }.and_then(|cold| {
            let mut values = cold.locals.iter_mut().rev();
            values.find_map(|(_, value)| value.take())
        });
        let Some(value) = last else {
            return;
        };
        // A destructor's panic has been reported by the hook; the others still run.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            std::mem::forget(payload);
        }
    }
}

impl<T> fmt::Debug for GoroutineLocal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoroutineLocal").finish_non_exhaustive()
    }
}
