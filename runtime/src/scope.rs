//! Goroutines that may borrow from the frame that waits for them.
//!
//! # Why no child outlives a borrow
//!
//! `scope` counts its children and leaves only when the count is 0, on every path: it catches the
//! panic or `goexit` of its closure, waits with a park that raises nothing, and resumes the
//! unwinding then. It waits in its own body, never in a `Drop` that could be skipped or run while
//! unwinding. A child counts itself down as the last thing it does with anything borrowed; the
//! shared state is owned by both sides.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{Location, resume_unwind};
use std::sync::Arc;

use crate::exit::Goexit;
use crate::join::{JoinError, JoinHandle, Outcome, Packet};
use crate::raw::{self, WaitList, WaitReason};
use crate::shim::Mutex;
use crate::shim::atomic::{AtomicUsize, Ordering};
use crate::spawn::{self, Extras};

struct Shared {
    running: AtomicUsize,
    parent: WaitList,
    /// The first panic that nobody joined.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Where goroutines are made that may borrow; see [`scope`].
pub struct Scope<'scope, 'env: 'scope> {
    shared: Arc<Shared>,
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// Runs `f` with a scope in which goroutines may borrow from outside; returns when all of them
/// have ended.
///
/// Blocks the calling goroutine or thread. Ends by `goexit` only after the last child has ended.
///
/// # Panics
///
/// With the panic of `f`; else with the first panic of a child that was not taken by a `join`.
///
/// Go: the WaitGroup idiom, without its mistakes. `std::thread::scope`, with goroutines.
///
/// ```
/// let mut words = vec!["a", "b"];
/// gors_runtime::run(|| {
///     let total = gors_runtime::scope(|s| {
///         let first = s.spawn(|| words[0].len());
///         s.go(|| assert_eq!(words.len(), 2));
///         first.join().unwrap()
///     });
///     assert_eq!(total, 1);
/// });
/// words.push("c");
/// ```
#[track_caller]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    raw::exit_point();
    let scope = Scope {
        shared: Arc::new(Shared {
            running: AtomicUsize::new(0),
            parent: WaitList::new(),
            panic: Mutex::new(None),
        }),
        scope: PhantomData,
        env: PhantomData,
    };
    let outcome = Outcome::of(|| f(&scope));
    let shared = &scope.shared;
    while shared.running.load(Ordering::Acquire) != 0 {
        shared.parent.wait(WaitReason::Scope, None, || {
            shared.running.load(Ordering::Acquire) == 0
        });
    }
    match outcome {
        Outcome::Panicked(payload) => resume_unwind(payload),
        Outcome::Goexit => resume_unwind(Box::new(Goexit)),
        Outcome::Returned(value) => {
            if let Some(payload) = take_panic(shared) {
                resume_unwind(payload);
            }
            value
        }
    }
}

/// Out of line: the lock touches thread-local storage.
#[inline(never)]
fn take_panic(shared: &Shared) -> Option<Box<dyn Any + Send>> {
    shared.panic.lock().take()
}

#[inline(never)]
fn keep_panic(shared: &Shared, payload: Box<dyn Any + Send>) {
    let mut first = shared.panic.lock();
    let spare = match &*first {
        None => {
            *first = Some(payload);
            None
        }
        Some(_) => Some(payload),
    };
    drop(first);
    if let Some(spare) = spare {
        crate::exit::drop_payload(spare);
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Runs `f` in a goroutine of the scope. Its panic becomes the scope's. Never blocks.
    ///
    /// Go: the `go` statement.
    ///
    /// ```
    /// let mut word = String::from("a");
    /// gors_runtime::scope(|s| s.go(|| word.push('b')));
    /// assert_eq!(word, "ab");
    /// ```
    #[track_caller]
    pub fn go<F>(&'scope self, f: F)
    where
        F: FnOnce() + Send + 'scope,
    {
        let shared = Arc::clone(&self.shared);
        self.start(
            move || {
                if let Outcome::Panicked(payload) = Outcome::of(f) {
                    keep_panic(&shared, payload);
                }
            },
            Location::caller(),
        );
    }

    /// Runs `f` in a goroutine of the scope and returns a handle to wait for its result. A panic
    /// that no `join` takes becomes the scope's. Never blocks.
    ///
    /// ```
    /// let numbers = [1, 2, 3];
    /// let sum = gors_runtime::scope(|s| s.spawn(|| numbers.iter().sum::<i32>()).join().unwrap());
    /// assert_eq!(sum, 6);
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let (packet, theirs) = Packet::<T>::pair();
        let shared = Arc::clone(&self.shared);
        let id = self.start(
            move || {
                theirs.run(f);
                // The handle is gone and with it whoever could join: the outcome is ours.
                if let Some(packet) = theirs.into_inner() {
                    // SAFETY: done, by the line above, and nobody else is left to take.
                    if let Some(Outcome::Panicked(payload)) = unsafe { packet.take() } {
                        keep_panic(&shared, payload);
                    }
                }
            },
            Location::caller(),
        );
        ScopedJoinHandle {
            inner: Some(JoinHandle::new(packet, id, None)),
            shared: Arc::clone(&self.shared),
            scope: PhantomData,
        }
    }

    fn start<F>(&self, f: F, created: &'static Location<'static>) -> u64
    where
        F: FnOnce() + Send + 'scope,
    {
        self.shared.running.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::clone(&self.shared);
        let body: Box<dyn FnOnce() + Send + 'scope> = Box::new(f);
        // SAFETY: everything that `body` borrows outlives 'scope, and `scope` does not return or
        // unwind before `running` is 0, which happens after `body` has returned and its captures
        // are dropped.
        let body: Box<dyn FnOnce() + Send + 'static> = unsafe { std::mem::transmute(body) };
        spawn::start(
            move || {
                // Never unwinds: user code ran under `Outcome::of`. Destructors of its captures
                // did not, so a panic there must not keep the scope waiting.
                if let Outcome::Panicked(payload) = Outcome::of(body) {
                    keep_panic(&shared, payload);
                }
                if shared.running.fetch_sub(1, Ordering::Release) == 1 {
                    shared.parent.notify_all();
                }
            },
            &Extras::default(),
            created,
        )
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("running", &self.shared.running.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

/// Owns the right to the result of a goroutine made by [`Scope::spawn`].
pub struct ScopedJoinHandle<'scope, T> {
    inner: Option<JoinHandle<T>>,
    shared: Arc<Shared>,
    scope: PhantomData<&'scope ()>,
}

impl<T> ScopedJoinHandle<'_, T> {
    /// Waits until the goroutine has ended and returns its result. Blocks as
    /// [`JoinHandle::join`].
    ///
    /// # Errors
    ///
    /// If the goroutine panicked or ended by `goexit`.
    ///
    /// # Panics
    ///
    /// Never: the handle is whole until it is consumed here.
    pub fn join(mut self) -> Result<T, JoinError> {
        // First, while the handle is whole: a goexit here must not lose a panic.
        raw::exit_point();
        self.inner.take().expect("joined once").join()
    }

    /// Whether the goroutine has ended. Never blocks.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.inner.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// The goroutine's number.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.inner.as_ref().map_or(0, JoinHandle::id)
    }
}

impl<T> Drop for ScopedJoinHandle<'_, T> {
    fn drop(&mut self) {
        // A finished goroutine's panic that nobody joined becomes the scope's; one that is still
        // running sees that the handle is gone and keeps it itself.
        if let Some(handle) = self.inner.take()
            && let Some(payload) = handle.into_unjoined_panic()
        {
            keep_panic(&self.shared, payload);
        }
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
