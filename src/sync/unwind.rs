//! What may be used on both sides of a `catch_unwind`.
//!
//! As with `std::sync`, all of this module may: no panic leaves a lock, a counter or a queue half
//! changed. Nothing is poisoned, so the *value* of a mutex is as the panicking goroutine left it.

use std::panic::{RefUnwindSafe, UnwindSafe};

use super::{
    Barrier, Condvar, LazyLock, Map, Mutex, Once, OnceLock, Pool, RwLock, Semaphore,
    SemaphoreGuard, WaitGroup, errgroup, singleflight,
};

macro_rules! unwind_safe {
    ($([$($generics:tt)*] $name:ty;)*) => {
        $(
            impl<$($generics)*> UnwindSafe for $name {}
            impl<$($generics)*> RefUnwindSafe for $name {}
        )*
    };
}

unwind_safe! {
    [] Barrier;
    [] Condvar;
    [K, V] Map<K, V>;
    [T: ?Sized] Mutex<T>;
    [] Once;
    [T] Pool<T>;
    [T: ?Sized] RwLock<T>;
    [] Semaphore;
    ['a] SemaphoreGuard<'a>;
    [] WaitGroup;
    [E] errgroup::Group<E>;
    [K, V] singleflight::Group<K, V>;
}

impl<T: UnwindSafe> UnwindSafe for OnceLock<T> {}
impl<T: UnwindSafe + RefUnwindSafe> RefUnwindSafe for OnceLock<T> {}
impl<T: UnwindSafe, F: UnwindSafe> UnwindSafe for LazyLock<T, F> {}
impl<T: UnwindSafe + RefUnwindSafe, F: UnwindSafe> RefUnwindSafe for LazyLock<T, F> {}
