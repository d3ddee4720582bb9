//! Once, and values that are made once.

use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use gors_runtime::raw::{OnceCell, RawOnce};

use super::Mutex;

/// Runs one function once.
///
/// Go: `sync.Once`.
///
/// ```
/// use gors::prelude::*;
/// use gors::sync::Once;
/// use gors::sync::atomic::{AtomicU32, Ordering};
///
/// static ONCE: Once = Once::new();
/// static RUNS: AtomicU32 = AtomicU32::new(0);
///
/// gors::run(|| {
///     let wg = WaitGroup::new();
///     for _ in 0..10 {
///         wg.go(|| {
///             ONCE.call_once(|| {
///                 RUNS.fetch_add(1, Ordering::Relaxed);
///             })
///         });
///     }
///     wg.wait();
///     assert_eq!(RUNS.load(Ordering::Relaxed), 1);
/// });
/// ```
#[derive(Default)]
pub struct Once(RawOnce);

impl Once {
    /// Not run.
    #[must_use]
    pub const fn new() -> Self {
        Self(RawOnce::new())
    }

    /// Runs `f` if no call on this value has done so; else blocks until that call's function has
    /// ended. A function that panics, or ends by [`goexit`](crate::goexit), has run. A call inside its
    /// own function blocks for ever.
    ///
    /// Go: `Do`.
    ///
    /// ```
    /// let once = gors::sync::Once::new();
    /// let mut runs = 0;
    /// once.call_once(|| runs += 1);
    /// once.call_once(|| unreachable!());
    /// assert_eq!(runs, 1);
    /// ```
    #[inline]
    pub fn call_once(&self, f: impl FnOnce()) {
        if !self.0.is_done() {
            self.run(f);
        }
    }

    #[cold]
    fn run(&self, f: impl FnOnce()) {
        if let Some(attempt) = self.0.begin() {
            let result = catch_unwind(AssertUnwindSafe(f));
            attempt.finish();
            if let Err(payload) = result {
                resume_unwind(payload);
            }
        }
    }

    /// Whether the function has run. Never blocks.
    ///
    /// ```
    /// let once = gors::sync::Once::new();
    /// assert!(!once.is_completed());
    /// once.call_once(|| {});
    /// assert!(once.is_completed());
    /// ```
    #[inline]
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.0.is_done()
    }

    /// Blocks until the function has run, whoever runs it.
    ///
    /// ```
    /// use gors::prelude::*;
    /// use gors::sync::Once;
    /// static ONCE: Once = Once::new();
    /// gors::run(|| {
    ///     go!(|| ONCE.call_once(|| println!("run")));
    ///     ONCE.wait();
    /// });
    /// ```
    pub fn wait(&self) {
        if !self.0.is_done() {
            self.0.wait();
        }
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once")
            .field("completed", &self.is_completed())
            .finish()
    }
}

/// A cell that is written once.
///
/// In the shape of `std::sync::OnceLock`, whose waiting would block a whole worker.
///
/// ```
/// use gors::sync::OnceLock;
///
/// static CONFIG: OnceLock<String> = OnceLock::new();
/// assert_eq!(CONFIG.get_or_init(|| "default".to_owned()), "default");
/// assert_eq!(CONFIG.set("late".to_owned()), Err("late".to_owned()));
/// ```
#[derive(Default)]
pub struct OnceLock<T>(OnceCell<T>);

impl<T> OnceLock<T> {
    /// An empty cell.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceCell::new())
    }

    /// The value, if there is one. Never blocks.
    ///
    /// ```
    /// let cell = gors::sync::OnceLock::new();
    /// assert_eq!(cell.get(), None);
    /// cell.set(1).unwrap();
    /// assert_eq!(cell.get(), Some(&1));
    /// ```
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.0.get()
    }

    /// The value, if there is one.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.0.get_mut()
    }

    /// Writes the value. Blocks while somebody else is about to.
    ///
    /// # Errors
    ///
    /// Gives `value` back if the cell has one.
    ///
    /// ```
    /// let cell = gors::sync::OnceLock::new();
    /// assert_eq!(cell.set(1), Ok(()));
    /// assert_eq!(cell.set(2), Err(2));
    /// ```
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("called once"));
        value.map_or(Ok(()), Err)
    }

    /// The value, made by `f` if there is none. Blocks while somebody else makes it. If `f` panics, the
    /// cell stays empty, and the next caller makes the value. `f` must not use this cell.
    ///
    /// ```
    /// let cell = gors::sync::OnceLock::new();
    /// assert_eq!(*cell.get_or_init(|| 1), 1);
    /// assert_eq!(*cell.get_or_init(|| 2), 1);
    /// ```
    #[inline]
    pub fn get_or_init(&self, f: impl FnOnce() -> T) -> &T {
        match self.get_or_try_init(|| Ok::<T, std::convert::Infallible>(f())) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// As [`get_or_init`](Self::get_or_init), for a function that may fail.
    ///
    /// # Errors
    ///
    /// Those of `f`; the cell stays empty then.
    ///
    /// ```
    /// let cell = gors::sync::OnceLock::new();
    /// assert!(cell.get_or_try_init(|| "x".parse::<i32>()).is_err());
    /// assert_eq!(cell.get_or_try_init(|| "1".parse::<i32>()), Ok(&1));
    /// ```
    #[inline]
    pub fn get_or_try_init<E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        self.0.get_or_try_init(f)
    }

    /// Blocks until there is a value.
    ///
    /// ```
    /// use gors::prelude::*;
    /// use gors::sync::OnceLock;
    /// static CELL: OnceLock<i32> = OnceLock::new();
    /// gors::run(|| {
    ///     go!(|| CELL.set(1).unwrap());
    ///     assert_eq!(*CELL.wait(), 1);
    /// });
    /// ```
    #[inline]
    pub fn wait(&self) -> &T {
        self.0.wait()
    }

    /// Takes the value out; the cell is empty again.
    ///
    /// ```
    /// let mut cell = gors::sync::OnceLock::from(1);
    /// assert_eq!(cell.take(), Some(1));
    /// assert_eq!(cell.take(), None);
    /// ```
    pub fn take(&mut self) -> Option<T> {
        self.0.take()
    }

    /// The value.
    pub fn into_inner(mut self) -> Option<T> {
        self.0.take()
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> Self {
        let cell = Self::new();
        let _ = cell.set(value);
        cell
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> Self {
        self.get().cloned().map_or_else(Self::new, Self::from)
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("OnceLock");
        match self.get() {
            Some(value) => tuple.field(value),
            None => tuple.field(&format_args!("<uninit>")),
        };
        tuple.finish()
    }
}

/// A value that is made when it is first used.
///
/// In the shape of `std::sync::LazyLock`, whose waiting would block a whole worker.
///
/// ```
/// use gors::sync::LazyLock;
///
/// static PRIMES: LazyLock<Vec<u32>> = LazyLock::new(|| vec![2, 3, 5, 7]);
/// assert_eq!(PRIMES.len(), 4);
/// ```
pub struct LazyLock<T, F = fn() -> T> {
    cell: OnceLock<T>,
    init: Mutex<Option<F>>,
}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// A value that `f` will make.
    #[must_use]
    pub const fn new(f: F) -> Self {
        Self {
            cell: OnceLock::new(),
            init: Mutex::new(Some(f)),
        }
    }

    /// The value, made now if it has not been made. Blocks while somebody else makes it.
    ///
    /// # Panics
    ///
    /// With the function's panic; in later calls, because there will never be a value.
    ///
    /// ```
    /// use gors::sync::LazyLock;
    /// let lazy = LazyLock::new(|| 5);
    /// assert_eq!(*LazyLock::force(&lazy), 5);
    /// ```
    #[inline]
    pub fn force(this: &Self) -> &T {
        match this.cell.get() {
            Some(value) => value,
            None => this.make(),
        }
    }

    #[cold]
    fn make(&self) -> &T {
        self.cell.get_or_init(|| {
            let init = self.init.lock().take();
            init.expect("LazyLock: the function that makes the value has panicked before")()
        })
    }
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        Self::force(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    fn default() -> Self {
        Self::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("LazyLock");
        match self.cell.get() {
            Some(value) => tuple.field(value),
            None => tuple.field(&format_args!("<uninit>")),
        };
        tuple.finish()
    }
}
