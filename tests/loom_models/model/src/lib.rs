//! What the models put in the place of the sources' `shim` module: loom's atomics, cells and locks,
//! made so that
//!
//! * `new` is `const`, and a static begins each execution anew ([`once::PerExecution`]);
//! * every access knows the line that made it, so that a [`mutant`] can weaken that one line without
//!   another build.
//!
//! And the [`runner`], which runs each model and each mutant in a process of its own.

pub mod atomic;
mod barrier;
mod cell;
pub mod futex;
pub mod mutant;
mod mutex;
mod once;
pub mod runner;
mod touch;

pub use self::barrier::barrier_all_threads;
pub use self::cell::{Cell, UnsafeCell};
pub use self::mutex::{Mutex, MutexGuard};
pub use self::once::PerExecution;
pub use self::touch::{end, touch};

/// `std::hint`.
pub mod hint {
    use std::cell::Cell;

    loom::thread_local! {
        static SPINNING: Cell<bool> = Cell::new(false);
    }

    /// Lets the others go on. The caller's next load sees the newest value: stores arrive some day,
    /// of which loom knows nothing.
    pub fn spin_loop() {
        // Once until it looks again.
        if !SPINNING.with(|spinning| spinning.replace(true)) {
            loom::thread::yield_now();
        }
    }

    pub(crate) fn was_spinning() -> bool {
        SPINNING.with(|spinning| spinning.replace(false))
    }
}

/// `std::thread`.
pub mod thread {
    pub use loom::thread::JoinHandle;

    pub use crate::hint::spin_loop as yield_now;

    /// Starts a thread of the model. What it works on need not be `Send`: the threads of a model are
    /// coroutines of one OS thread.
    pub fn spawn(f: impl FnOnce() + 'static) -> JoinHandle<()> {
        let f = Hand(f);
        loom::thread::Builder::new()
            .stack_size(64 << 10)
            .spawn(move || f.call())
            .expect("loom makes threads")
    }

    struct Hand<F>(F);

    // SAFETY: see `spawn`.
    unsafe impl<F> Send for Hand<F> {}

    impl<F: FnOnce()> Hand<F> {
        fn call(self) {
            (self.0)();
        }
    }
}

/// Whether the mutant that is about this line is active: then the model does what was wrong.
#[track_caller]
pub fn mutated() -> bool {
    mutant::at(std::panic::Location::caller()) == Some(mutant::Change::Instead)
}

/// The StoreLoad fence of the sources' `fence.rs`.
#[track_caller]
pub fn store_load() {
    atomic::fence(atomic::Ordering::SeqCst);
}
