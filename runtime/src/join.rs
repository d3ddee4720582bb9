//! Waiting for a goroutine's result.
//!
//! A [`Packet`] is shared by the goroutine and its handle. The goroutine stores the result, then
//! DONE, then notifies; the joiner looks at DONE under the list's lock. One joiner at most: the
//! handle is consumed by joining, and polling it is exclusive.
//!
//! A waker is stored, then POLLED, then DONE is looked at; the goroutine stores DONE and then looks at
//! POLLED; between store and look both fence. So one of them sees the other, and a goroutine whose
//! handle nobody polls does not take the waker's lock.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::clock;
use crate::exit::Goexit;
use crate::fence;
use crate::pair::Pair;
use crate::raw::{self, Notified, SpinLock, WaitList, WaitReason};
use crate::shim::UnsafeCell;
use crate::shim::atomic::{AtomicBool, Ordering};

/// How a goroutine ended; its result if it returned.
pub(crate) enum Outcome<T> {
    Returned(T),
    Panicked(Box<dyn Any + Send>),
    Goexit,
}

impl<T> Outcome<T> {
    /// Runs `f` to whatever end.
    pub(crate) fn of(f: impl FnOnce() -> T) -> Self {
        match catch_unwind(AssertUnwindSafe(f)) {
            Ok(value) => Self::Returned(value),
            Err(payload) if payload.is::<Goexit>() => Self::Goexit,
            Err(payload) => Self::Panicked(payload),
        }
    }
}

/// What a goroutine leaves for its joiner.
pub(crate) struct Packet<T> {
    done: AtomicBool,
    joiners: WaitList,
    /// Written before DONE by the goroutine, taken after it by the joiner.
    outcome: UnsafeCell<Option<Outcome<T>>>,
    /// There was a waker.
    polled: AtomicBool,
    /// Under `waker_lock`.
    waker: UnsafeCell<Option<Waker>>,
    waker_lock: SpinLock,
}

// SAFETY: the outcome moves from the goroutine to one joiner, ordered by `done`; the waker is
// guarded by its lock.
unsafe impl<T: Send> Sync for Packet<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Packet<T> {}

impl<T> Packet<T> {
    /// For its goroutine and its handle.
    ///
    /// A constant, because it has room for a result: made on the stack, that would bring along what lies
    /// there, such as the address of a channel that [`leaks`](crate::leaks) looks for.
    #[inline]
    pub(crate) fn pair() -> (Pair<Self>, Pair<Self>) {
        Pair::new(const { Self::new() })
    }

    const fn new() -> Self {
        Self {
            done: AtomicBool::new(false),
            joiners: WaitList::new(),
            outcome: UnsafeCell::new(None),
            polled: AtomicBool::new(false),
            waker: UnsafeCell::new(None),
            waker_lock: SpinLock::new(),
        }
    }

    /// Runs `f` and leaves its outcome. In the goroutine, once.
    pub(crate) fn run(&self, f: impl FnOnce() -> T) {
        let outcome = Outcome::of(f);
        // SAFETY: not done, so nobody else looks.
        self.outcome
            .with_mut(|place| unsafe { *place = Some(outcome) });
        self.finish();
    }

    fn finish(&self) {
        self.done.store(true, Ordering::Release);
        // Begins with the fence between DONE and both looks.
        self.joiners.notify_one();
        if self.polled.load(Ordering::Acquire)
            && let Some(waker) = self.swap_waker(None)
        {
            waker.wake();
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Waits until done, for whoever called `run`.
    pub(crate) fn wait_for_main(&self) {
        if !self.is_done() {
            self.joiners.wait(WaitReason::Run, None, || self.is_done());
        }
    }

    /// Waits until the goroutine, which has this number, is done; false if the deadline came first.
    fn wait(&self, goroutine: u64, deadline: Option<Instant>) -> bool {
        let is_done = || self.is_done();
        is_done() || self.joiners.wait_for_end(goroutine, deadline, is_done) != Notified::TimedOut
    }

    /// # Safety
    ///
    /// Done, and nobody else takes.
    pub(crate) unsafe fn take(&self) -> Option<Outcome<T>> {
        // SAFETY: the caller's promise.
        self.outcome
            .with_mut(|outcome| unsafe { (*outcome).take() })
    }

    fn swap_waker(&self, waker: Option<Waker>) -> Option<Waker> {
        self.waker_lock.lock();
        // SAFETY: under the lock.
        let old = self
            .waker
            .with_mut(|place| unsafe { std::mem::replace(&mut *place, waker) });
        // SAFETY: locked above.
        unsafe { self.waker_lock.unlock() };
        old
    }
}

/// Owns the right to the result of a goroutine made by [`spawn`](crate::spawn).
///
/// Dropping it detaches the goroutine, which runs on. It is also a [`Future`] of the result.
///
/// Go has none: there a channel or a `sync.WaitGroup` says that a goroutine has ended.
///
/// ```
/// let handle = gors_runtime::spawn(|| 2 + 3);
/// assert_eq!(handle.join().unwrap(), 5);
///
/// let handle = gors_runtime::spawn(|| 5);
/// assert_eq!(gors_runtime::block_on(handle).unwrap(), 5);
/// ```
pub struct JoinHandle<T> {
    packet: Pair<Packet<T>>,
    id: u64,
    name: Option<Arc<str>>,
}

impl<T> JoinHandle<T> {
    pub(crate) fn new(packet: Pair<Packet<T>>, id: u64, name: Option<Arc<str>>) -> Self {
        Self { packet, id, name }
    }

    /// Waits until the goroutine has ended and returns its result.
    ///
    /// Blocks the calling goroutine, or the calling plain thread.
    ///
    /// # Errors
    ///
    /// If the goroutine panicked or ended by `goexit`.
    ///
    /// ```
    /// let error = gors_runtime::spawn(|| panic!("oh")).join().unwrap_err();
    /// assert!(error.is_panic());
    /// ```
    pub fn join(self) -> Result<T, JoinError> {
        raw::exit_point();
        self.packet.wait(self.id, None);
        self.outcome()
    }

    /// Waits for the result for at most `timeout`; gives the handle back if that was too short.
    ///
    /// # Errors
    ///
    /// The handle, if the goroutine has not ended in time.
    ///
    /// ```
    /// use std::time::Duration;
    /// let handle = gors_runtime::spawn(|| gors_runtime::sleep(Duration::from_secs(3600)));
    /// assert!(handle.join_timeout(Duration::from_millis(1)).is_err());
    /// ```
    pub fn join_timeout(self, timeout: Duration) -> Result<Result<T, JoinError>, Self> {
        raw::exit_point();
        let deadline = clock::deadline_in(timeout);
        if self.packet.wait(self.id, deadline) {
            Ok(self.outcome())
        } else {
            Err(self)
        }
    }

    /// Whether the goroutine has ended: `join` would not block. Never blocks.
    ///
    /// ```
    /// let handle = gors_runtime::spawn(|| 5);
    /// while !handle.is_finished() {
    ///     gors_runtime::gosched();
    /// }
    /// assert_eq!(handle.join().unwrap(), 5);
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.packet.is_done()
    }

    /// The goroutine's number, as [`goid`](crate::goid) gives it inside.
    ///
    /// ```
    /// let handle = gors_runtime::spawn(gors_runtime::goid);
    /// let id = handle.id();
    /// assert_eq!(handle.join().unwrap(), id);
    /// ```
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The goroutine's name, if its [`Builder`](crate::Builder) gave one.
    ///
    /// ```
    /// let handle = gors_runtime::Builder::new().name("parser").spawn(|| ()).unwrap();
    /// assert_eq!(handle.name(), Some("parser"));
    /// assert_eq!(gors_runtime::spawn(|| ()).name(), None);
    /// ```
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The handle is dropped without a join: the panic that nobody will see, if the goroutine is
    /// gone and this was the last reference. Whoever of the two drops last finds it.
    pub(crate) fn into_unjoined_panic(self) -> Option<Box<dyn Any + Send>> {
        let packet = self.packet.into_inner()?;
        match packet.outcome.into_inner() {
            Some(Outcome::Panicked(payload)) => Some(payload),
            _ => None,
        }
    }

    fn outcome(&self) -> Result<T, JoinError> {
        // SAFETY: done, and the handle is consumed or polled exclusively.
        match unsafe { self.packet.take() } {
            Some(Outcome::Returned(value)) => Ok(value),
            Some(Outcome::Panicked(payload)) => Err(JoinError {
                id: self.id,
                panic: Some(Payload(payload)),
            }),
            Some(Outcome::Goexit) => Err(JoinError {
                id: self.id,
                panic: None,
            }),
            None => panic!("JoinHandle polled after it returned the result"),
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.packet.is_done() {
            drop(self.packet.swap_waker(Some(context.waker().clone())));
            self.packet.polled.store(true, Ordering::Release);
            fence::store_load();
            // The goroutine may have ended before it could see the waker.
            if !self.packet.is_done() {
                return Poll::Pending;
            }
        }
        Poll::Ready(self.outcome())
    }
}

impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// A panic's payload. `Sync` because nothing is done with it through a shared reference but asking
/// for two string types.
struct Payload(Box<dyn Any + Send>);

// SAFETY: shared access only downcasts to `&str` and `String`, which are Sync.
unsafe impl Sync for Payload {}

impl Payload {
    fn message(&self) -> Option<&str> {
        self.0
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| self.0.downcast_ref::<String>().map(String::as_str))
    }
}

/// Why a goroutine has no result: it panicked, or ended by `goexit`.
///
/// ```
/// let error = gors_runtime::spawn(|| panic!("oh")).join().unwrap_err();
/// assert!(error.to_string().ends_with("panicked: oh"));
/// ```
pub struct JoinError {
    id: u64,
    panic: Option<Payload>,
}

impl JoinError {
    /// Whether the goroutine panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        self.panic.is_some()
    }

    /// Whether the goroutine ended by [`goexit`](crate::goexit).
    ///
    /// ```
    /// let error = gors_runtime::spawn(|| {
    ///     gors_runtime::goexit();
    /// })
    /// .join()
    /// .unwrap_err();
    /// assert!(error.is_goexit() && !error.is_panic());
    /// ```
    #[must_use]
    pub fn is_goexit(&self) -> bool {
        self.panic.is_none()
    }

    /// The panic's payload, to pass to [`std::panic::resume_unwind`].
    ///
    /// # Panics
    ///
    /// If the goroutine did not panic; ask [`is_panic`](Self::is_panic) first.
    ///
    /// ```
    /// let error = gors_runtime::spawn(|| panic!("oh")).join().unwrap_err();
    /// assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "oh");
    /// ```
    #[must_use]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        match self.panic {
            Some(payload) => payload.0,
            None => panic!(
                "goroutine {} ended by goexit: there is no panic to take; ask is_panic() first",
                self.id
            ),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.panic {
            None => write!(f, "goroutine {} ended by goexit", self.id),
            Some(payload) => match payload.message() {
                Some(message) => write!(f, "goroutine {} panicked: {message}", self.id),
                None => write!(f, "goroutine {} panicked", self.id),
            },
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl std::error::Error for JoinError {}
