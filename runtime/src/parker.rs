//! The public park and unpark, for other people's blocking types.
//!
//! One token. Unparking sets it and wakes who waits; parking waits until it is set and takes it.
//! The wait list's rule makes that lossless: the token is set before the list is looked at, and
//! looked at under the list's lock.

use std::fmt;
use std::mem::offset_of;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::task::Wake;
use std::time::{Duration, Instant};

use crate::clock;
use crate::raw::{self, WaitList, WaitReason};
use crate::shim::atomic::{AtomicBool, Ordering};

#[derive(Default)]
struct Inner {
    token: AtomicBool,
    list: WaitList,
}

/// What is parked on: its bytes, and the offset of the list.
pub(crate) const SHAPE: [usize; 2] = [size_of::<Inner>(), offset_of!(Inner, list)];

impl Inner {
    fn park(&self, reason: WaitReason, deadline: Option<Instant>) {
        while !self.token.swap(false, Ordering::Acquire) {
            let notified = self
                .list
                .wait(reason, deadline, || self.token.load(Ordering::Acquire));
            if notified == raw::Notified::TimedOut {
                self.token.swap(false, Ordering::Acquire);
                return;
            }
        }
    }

    fn unpark(&self) {
        if !self.token.swap(true, Ordering::Release) {
            self.list.notify_one();
        }
    }
}

impl Wake for Inner {
    fn wake(self: Arc<Self>) {
        self.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.unpark();
    }
}

/// Parks the goroutine, or plain thread, that calls it, until its [`Unparker`] leaves a token.
///
/// In the shape of `crossbeam_utils::sync::Parker`. Goroutines must use this instead of
/// `std::thread::park`, which parks the whole worker.
///
/// ```
/// use gors_runtime::Parker;
/// gors_runtime::run(|| {
///     let parker = Parker::new();
///     let unparker = parker.unparker().clone();
///     gors_runtime::go!(move || unparker.unpark());
///     parker.park();
/// });
/// ```
#[derive(Default)]
pub struct Parker {
    unparker: Unparker,
}

impl Parker {
    /// A parker without a token.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Blocks until there is a token, and takes it. Returns at once if there is one.
    ///
    /// ```
    /// let parker = gors_runtime::Parker::new();
    /// parker.unparker().unpark();
    /// parker.park();
    /// ```
    pub fn park(&self) {
        raw::exit_point();
        self.unparker.0.park(WaitReason::Park, None);
    }

    /// As [`park`](Self::park), for at most `timeout`.
    ///
    /// ```
    /// use std::time::Duration;
    /// gors_runtime::Parker::new().park_timeout(Duration::from_millis(1));
    /// ```
    pub fn park_timeout(&self, timeout: Duration) {
        raw::exit_point();
        let deadline = clock::deadline_in(timeout);
        self.unparker.0.park(WaitReason::Park, deadline);
    }

    /// As [`park`](Self::park), at most until `deadline`.
    ///
    /// ```
    /// gors_runtime::Parker::new().park_deadline(std::time::Instant::now());
    /// ```
    pub fn park_deadline(&self, deadline: Instant) {
        raw::exit_point();
        self.unparker.0.park(WaitReason::Park, Some(deadline));
    }

    /// What leaves the token.
    #[must_use]
    pub fn unparker(&self) -> &Unparker {
        &self.unparker
    }

    pub(crate) fn park_for_future(&self) {
        raw::exit_point();
        self.unparker.0.park(WaitReason::BlockOn, None);
    }

    pub(crate) fn waker(&self) -> std::task::Waker {
        Arc::clone(&self.unparker.0).into()
    }
}

impl fmt::Debug for Parker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parker").finish_non_exhaustive()
    }
}

/// Leaves a token for its [`Parker`]. May outlive it.
///
/// ```
/// let parker = gors_runtime::Parker::new();
/// let unparker = parker.unparker().clone();
/// drop(parker);
/// // Nobody is left to wake.
/// unparker.unpark();
/// ```
#[derive(Clone, Default)]
pub struct Unparker(Arc<Inner>);

impl Unparker {
    /// Leaves the token and wakes the parker if it waits. Never blocks; a token that is there
    /// already stays one.
    ///
    /// ```
    /// let parker = gors_runtime::Parker::new();
    /// parker.unparker().unpark();
    /// parker.unparker().unpark();
    /// // One token, however often it was left.
    /// parker.park();
    /// ```
    pub fn unpark(&self) {
        self.0.unpark();
    }
}

// As crossbeam's: a token is there or not, whatever panics.
impl UnwindSafe for Parker {}
impl RefUnwindSafe for Parker {}
impl UnwindSafe for Unparker {}
impl RefUnwindSafe for Unparker {}

impl fmt::Debug for Unparker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unparker").finish_non_exhaustive()
    }
}
