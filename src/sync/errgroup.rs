//! Goroutines that work on one task and may fail.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use gors_runtime::raw::{self, Guarded};

use super::{Mutex, Semaphore, WaitGroup};
use crate::context::{self, CancelCauseFunc, Context};

/// Runs functions in goroutines, waits for all of them and returns the first error.
///
/// With a context, the first failure and the end of [`wait`](Self::wait) cancel it. Unlike in Go a
/// function that panics does not end the process: its panic is a failure too, and goes on in `wait`.
///
/// Go: `golang.org/x/sync/errgroup`.
///
/// ```
/// use gors::sync::errgroup::Group;
///
/// gors::run(|| {
///     let group = Group::new();
///     for n in 1..=3 {
///         group.go(move || if n < 3 { Ok(()) } else { Err(format!("{n} is too much")) });
///     }
///     assert_eq!(group.wait(), Err("3 is too much".to_owned()));
/// });
/// ```
pub struct Group<E> {
    shared: Arc<Shared<E>>,
}

struct Shared<E> {
    running: WaitGroup,
    first: Mutex<First<E>>,
    /// Not a mutex: `try_go` must not switch.
    limit: Guarded<Option<Arc<Semaphore>>>,
    cancel: Option<CancelCauseFunc>,
}

/// A function of the group runs, or is about to. Its end is counted on every way out.
struct Running<E> {
    shared: Arc<Shared<E>>,
    limit: Option<Arc<Semaphore>>,
}

impl<E> Running<E> {
    /// The limit has let it in.
    fn new(shared: Arc<Shared<E>>, limit: Option<Arc<Semaphore>>) -> Self {
        shared.running.add(1);
        Self { shared, limit }
    }
}

impl<E> Drop for Running<E> {
    fn drop(&mut self) {
        // Before `wait` goes on: it may be followed by a `set_limit`.
        if let Some(limit) = self.limit.take() {
            limit.release(1);
        }
        self.shared.running.done();
    }
}

/// The first failure.
enum First<E> {
    None,
    Error(E),
    Panic(Box<dyn Any + Send>),
    /// Somebody has waited for it.
    Taken,
}

impl<E: Send + 'static> Group<E> {
    /// A group without a context and without a limit.
    ///
    /// Go: the zero value.
    #[must_use]
    pub fn new() -> Self {
        Self::with(None)
    }

    /// A group and a context below `parent`, which is cancelled when a function fails for the first
    /// time, or when [`wait`](Self::wait) returns.
    ///
    /// Go: `errgroup.WithContext`.
    ///
    /// ```
    /// use gors::context::Context;
    /// use gors::prelude::*;
    /// use gors::sync::errgroup::Group;
    ///
    /// gors::run(|| {
    ///     let (group, ctx) = Group::with_context(&Context::background());
    ///     group.go(|| Err("broken"));
    ///     group.go(move || {
    ///         ctx.done().recv().unwrap_err();
    ///         Ok(())
    ///     });
    ///     assert_eq!(group.wait(), Err("broken"));
    /// });
    /// ```
    #[must_use]
    pub fn with_context(parent: &Context) -> (Self, Context) {
        let (ctx, cancel) = context::with_cancel_cause(parent);
        (Self::with(Some(cancel)), ctx)
    }

    fn with(cancel: Option<CancelCauseFunc>) -> Self {
        Self {
            shared: Arc::new(Shared {
                running: WaitGroup::new(),
                first: Mutex::new(First::None),
                limit: Guarded::new(None),
                cancel,
            }),
        }
    }

    /// Runs `f` in a new goroutine; blocks while as many run as the limit allows.
    ///
    /// Go: `Go`.
    ///
    /// ```
    /// use gors::sync::errgroup::Group;
    /// let group = Group::<std::num::ParseIntError>::new();
    /// group.go(|| "5".parse::<i32>().map(drop));
    /// assert!(group.wait().is_ok());
    /// ```
    #[track_caller]
    pub fn go<F>(&self, f: F)
    where
        F: FnOnce() -> Result<(), E> + Send + 'static,
    {
        let limit = self.shared.limit.with(|limit| limit.clone());
        if let Some(limit) = &limit {
            limit.acquire(1);
        }
        self.start(f, limit);
    }

    /// As [`go`](Self::go) if the limit allows that at once; else returns false. Never blocks.
    ///
    /// Go: `TryGo`.
    ///
    /// ```
    /// use gors::prelude::*;
    /// use gors::sync::errgroup::Group;
    /// let (group, gate) = (Group::<()>::new(), make::<()>(0));
    /// group.set_limit(1);
    /// let shut = gate.clone();
    /// assert!(group.try_go(move || {
    ///     shut.recv();
    ///     Ok(())
    /// }));
    /// assert!(!group.try_go(|| Ok(())));
    /// gate.close();
    /// assert!(group.wait().is_ok());
    /// ```
    #[track_caller]
    pub fn try_go<F>(&self, f: F) -> bool
    where
        F: FnOnce() -> Result<(), E> + Send + 'static,
    {
        let limit = self.shared.limit.with(|limit| limit.clone());
        if limit.as_ref().is_some_and(|limit| !limit.try_acquire(1)) {
            return false;
        }
        self.start(f, limit);
        true
    }

    #[track_caller]
    fn start<F>(&self, f: F, limit: Option<Arc<Semaphore>>)
    where
        F: FnOnce() -> Result<(), E> + Send + 'static,
    {
        let running = Running::new(Arc::clone(&self.shared), limit);
        // By `spawn`, which keeps the panic of an error's destructor from ending the process, and which is
        // never refused: it waits for a stack if there is none.
        drop(gors_runtime::spawn(move || {
            let running = running;
            match catch_unwind(AssertUnwindSafe(f)) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => running.shared.fail(First::Error(error)),
                Err(payload) if raw::is_goexit(&*payload) => {}
                Err(payload) => running.shared.fail(First::Panic(payload)),
            }
        }));
    }

    /// Lets at most `n` goroutines of the group run at the same time; `None` takes the limit away.
    ///
    /// # Panics
    ///
    /// If goroutines of the group run.
    ///
    /// Go: `SetLimit`.
    ///
    /// ```
    /// use gors::sync::errgroup::Group;
    /// let group = Group::<()>::new();
    /// group.set_limit(1);
    /// group.set_limit(None);
    /// ```
    pub fn set_limit(&self, n: impl Into<Option<usize>>) {
        let new = n.into().map(|n| Arc::new(Semaphore::new(n)));
        let old = self.shared.limit.with(|limit| {
            // The semaphore is shared by those who run: each holds a clone.
            let running = limit.as_ref().map_or(0, |old| Arc::strong_count(old) - 1);
            if running == 0 {
                Ok(std::mem::replace(limit, new))
            } else {
                Err(running)
            }
        });
        if let Err(running) = old {
            panic!(
                "errgroup: modify limit while {running} goroutines in the group are still active"
            );
        }
    }

    /// Blocks until all functions of the group have ended, cancels the group's context, and returns the
    /// first error.
    ///
    /// # Errors
    ///
    /// The first that a function returned. It is moved out: a second `wait` does not see it.
    ///
    /// # Panics
    ///
    /// With the panic of a function, if that was the first failure.
    ///
    /// Go: `Wait`.
    ///
    /// ```
    /// use gors::sync::errgroup::Group;
    /// let group = Group::new();
    /// group.go(|| Err("broken"));
    /// assert_eq!(group.wait(), Err("broken"));
    /// ```
    pub fn wait(&self) -> Result<(), E> {
        self.shared.running.wait();
        if let Some(cancel) = &self.shared.cancel {
            cancel.without_cause().cancel();
        }
        let mut first = self.shared.first.lock();
        if matches!(*first, First::None) {
            return Ok(());
        }
        let taken = std::mem::replace(&mut *first, First::Taken);
        drop(first);
        match taken {
            First::Error(error) => Err(error),
            First::Panic(payload) => resume_unwind(payload),
            First::None | First::Taken => Ok(()),
        }
    }
}

impl<E> Shared<E> {
    fn fail(&self, failure: First<E>) {
        let mut first = self.first.lock();
        if !matches!(*first, First::None) {
            drop(first);
            drop(failure);
            return;
        }
        *first = failure;
        drop(first);
        if let Some(cancel) = &self.cancel {
            cancel.cancel("a function of the errgroup has failed");
        }
    }
}

impl<E: Send + 'static> Default for Group<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Group<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("running", &self.shared.running)
            .finish_non_exhaustive()
    }
}
