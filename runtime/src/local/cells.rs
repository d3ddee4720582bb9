//! What `std::thread::LocalKey` offers for variables that are cells, so that code moves from
//! `thread_local!` to `goroutine_local!` by its name alone.

use std::cell::{Cell, RefCell};

use super::GoroutineLocal;

impl<T: 'static> GoroutineLocal<Cell<T>> {
    /// Sets the calling goroutine's value. Makes the first value before, if there is none.
    ///
    /// ```
    /// use std::cell::Cell;
    /// gors_runtime::goroutine_local! { static DEPTH: Cell<u32> = Cell::new(0); }
    /// DEPTH.set(3);
    /// assert_eq!(DEPTH.get(), 3);
    /// ```
    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    /// A copy of the calling goroutine's value.
    ///
    /// ```
    /// use std::cell::Cell;
    /// gors_runtime::goroutine_local! { static DEPTH: Cell<u32> = Cell::new(7); }
    /// assert_eq!(DEPTH.get(), 7);
    /// ```
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Takes the calling goroutine's value and leaves the default one.
    ///
    /// ```
    /// use std::cell::Cell;
    /// gors_runtime::goroutine_local! { static NAME: Cell<String> = Cell::new("a".to_owned()); }
    /// assert_eq!(NAME.take(), "a");
    /// assert_eq!(NAME.take(), "");
    /// ```
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// Sets the calling goroutine's value and returns the one before.
    ///
    /// ```
    /// use std::cell::Cell;
    /// gors_runtime::goroutine_local! { static DEPTH: Cell<u32> = Cell::new(0); }
    /// assert_eq!(DEPTH.replace(1), 0);
    /// assert_eq!(DEPTH.replace(2), 1);
    /// ```
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> GoroutineLocal<RefCell<T>> {
    /// Calls `f` with a shared borrow of the calling goroutine's value. `f` may block.
    ///
    /// # Panics
    ///
    /// If the value is borrowed mutably.
    ///
    /// ```
    /// use std::cell::RefCell;
    /// gors_runtime::goroutine_local! { static LOG: RefCell<Vec<u32>> = RefCell::new(vec![1]); }
    /// assert_eq!(LOG.with_borrow(|log| log.len()), 1);
    /// ```
    pub fn with_borrow<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        self.with(|cell| f(&cell.borrow()))
    }

    /// Calls `f` with a mutable borrow of the calling goroutine's value. `f` may block.
    ///
    /// # Panics
    ///
    /// If the value is borrowed.
    ///
    /// ```
    /// use std::cell::RefCell;
    /// gors_runtime::goroutine_local! { static LOG: RefCell<Vec<u32>> = RefCell::new(vec![]); }
    /// LOG.with_borrow_mut(|log| log.push(1));
    /// assert_eq!(LOG.take(), [1]);
    /// ```
    pub fn with_borrow_mut<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&mut T) -> R,
    {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }

    /// Sets the calling goroutine's value. Makes the first value before, if there is none.
    ///
    /// # Panics
    ///
    /// If the value is borrowed.
    ///
    /// ```
    /// use std::cell::RefCell;
    /// gors_runtime::goroutine_local! { static LOG: RefCell<Vec<u32>> = RefCell::new(vec![]); }
    /// LOG.set(vec![1, 2]);
    /// assert_eq!(LOG.take(), [1, 2]);
    /// ```
    pub fn set(&'static self, value: T) {
        self.replace(value);
    }

    /// Takes the calling goroutine's value and leaves the default one.
    ///
    /// # Panics
    ///
    /// If the value is borrowed.
    ///
    /// ```
    /// use std::cell::RefCell;
    /// gors_runtime::goroutine_local! { static LOG: RefCell<Vec<u32>> = RefCell::new(vec![1]); }
    /// assert_eq!(LOG.take(), [1]);
    /// assert!(LOG.take().is_empty());
    /// ```
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }

    /// Sets the calling goroutine's value and returns the one before.
    ///
    /// # Panics
    ///
    /// If the value is borrowed.
    ///
    /// ```
    /// use std::cell::RefCell;
    /// gors_runtime::goroutine_local! { static LOG: RefCell<Vec<u32>> = RefCell::new(vec![]); }
    /// assert!(LOG.replace(vec![1]).is_empty());
    /// assert_eq!(LOG.replace(vec![]), [1]);
    /// ```
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}
