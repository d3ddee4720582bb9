//! Contexts that can be cancelled, and what cancels them.

use std::error::Error;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gors_runtime::raw::FuncTimer;

use super::node::{End, Node};
use super::{Cause, Context, ContextError};

/// Cancels a context. Dropping it does not: see [`cancel_on_drop`](Self::cancel_on_drop).
///
/// Go: `context.CancelFunc`.
///
/// ```
/// use gors::context::{self, Context};
/// let (ctx, cancel) = context::with_cancel(&Context::background());
/// cancel.cancel();
/// cancel.cancel();
/// assert_eq!(ctx.err().unwrap().to_string(), "context canceled");
/// ```
#[derive(Clone)]
#[must_use = "a context is cancelled only if somebody calls `cancel`"]
pub struct CancelFunc(Arc<Node>);

impl CancelFunc {
    /// Cancels the context and all derived from it; later calls do nothing. When it returns all of them
    /// are cancelled, also if somebody else has begun. Never blocks, and does not wait for anybody to
    /// stop what they do.
    pub fn cancel(&self) {
        self.0.cancel(&End {
            error: ContextError::Canceled,
            cause: None,
        });
    }

    /// A guard that cancels when it is dropped.
    ///
    /// Go: `defer cancel()`.
    ///
    /// ```
    /// use gors::context::{self, Context};
    /// let (ctx, cancel) = context::with_cancel(&Context::background());
    /// {
    ///     let _cancel = cancel.cancel_on_drop();
    ///     assert!(ctx.err().is_none());
    /// }
    /// assert!(ctx.err().is_some());
    /// ```
    pub fn cancel_on_drop(self) -> CancelOnDrop {
        CancelOnDrop(self)
    }
}

impl fmt::Debug for CancelFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelFunc").finish_non_exhaustive()
    }
}

/// Cancels its context when dropped.
#[derive(Debug)]
#[must_use = "dropping the guard cancels the context"]
pub struct CancelOnDrop(CancelFunc);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Cancels a context with a cause.
///
/// Go: `context.CancelCauseFunc`.
///
/// ```
/// use gors::context::{self, Context};
/// let (ctx, cancel) = context::with_cancel_cause(&Context::background());
/// cancel.cancel("disk full");
/// assert_eq!(ctx.cause().unwrap().to_string(), "disk full");
/// ```
#[derive(Clone)]
#[must_use = "a context is cancelled only if somebody calls `cancel`"]
pub struct CancelCauseFunc(Arc<Node>);

impl CancelCauseFunc {
    /// Cancels the context and all derived from it, for the given reason; later calls do nothing.
    /// Never blocks.
    pub fn cancel(&self, cause: impl Into<Box<dyn Error + Send + Sync>>) {
        self.0.cancel(&End {
            error: ContextError::Canceled,
            cause: Some(Cause::from(cause.into())),
        });
    }

    /// As a [`CancelFunc`], which cancels without a cause.
    pub fn without_cause(&self) -> CancelFunc {
        CancelFunc(Arc::clone(&self.0))
    }
}

impl fmt::Debug for CancelCauseFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelCauseFunc").finish_non_exhaustive()
    }
}

impl UnwindSafe for CancelFunc {}
impl RefUnwindSafe for CancelFunc {}
impl UnwindSafe for CancelCauseFunc {}
impl RefUnwindSafe for CancelCauseFunc {}
impl UnwindSafe for CancelOnDrop {}
impl RefUnwindSafe for CancelOnDrop {}

/// A context that is cancelled when `cancel` is called or its parent is cancelled.
///
/// Go: `context.WithCancel`.
///
/// ```
/// use gors::context::{self, Context};
/// let (parent, cancel) = context::with_cancel(&Context::background());
/// let (child, _) = context::with_cancel(&parent);
/// cancel.cancel();
/// assert!(child.err().is_some());
/// ```
pub fn with_cancel(parent: &Context) -> (Context, CancelFunc) {
    let node = Node::new(parent.node());
    let ctx = parent.derive(Some(Arc::clone(&node)), parent.deadline());
    (ctx, CancelFunc(node))
}

/// As [`with_cancel`]; the one who cancels says why.
///
/// Go: `context.WithCancelCause`. See [`Context::cause`] for an example.
pub fn with_cancel_cause(parent: &Context) -> (Context, CancelCauseFunc) {
    let (ctx, CancelFunc(node)) = with_cancel(parent);
    (ctx, CancelCauseFunc(node))
}

/// A context that is cancelled at `deadline` with [`ContextError::DeadlineExceeded`], unless it is
/// cancelled before. A parent's earlier deadline counts.
///
/// Go: `context.WithDeadline`.
///
/// ```
/// use gors::context::{self, Context, ContextError};
/// use std::time::Instant;
/// let (ctx, _cancel) = context::with_deadline(&Context::background(), Instant::now());
/// assert_eq!(ctx.err(), Some(ContextError::DeadlineExceeded));
/// ```
pub fn with_deadline(parent: &Context, deadline: Instant) -> (Context, CancelFunc) {
    deadline_and_cause(parent, deadline, None)
}

/// As [`with_deadline`], with a cause for when the deadline passes.
///
/// Go: `context.WithDeadlineCause`.
///
/// ```
/// use gors::context::{self, Context};
/// use std::time::Instant;
/// let (ctx, _cancel) =
///     context::with_deadline_cause(&Context::background(), Instant::now(), "too slow");
/// assert_eq!(ctx.cause().unwrap().to_string(), "too slow");
/// assert_eq!(ctx.err().unwrap().to_string(), "context deadline exceeded");
/// ```
pub fn with_deadline_cause(
    parent: &Context,
    deadline: Instant,
    cause: impl Into<Box<dyn Error + Send + Sync>>,
) -> (Context, CancelFunc) {
    deadline_and_cause(parent, deadline, Some(Cause::from(cause.into())))
}

/// A context that is cancelled after `timeout`, as by [`with_deadline`].
///
/// Go: `context.WithTimeout`.
///
/// ```
/// use gors::context::{self, Context, ContextError};
/// use std::time::Duration;
/// let (ctx, _cancel) = context::with_timeout(&Context::background(), Duration::from_millis(1));
/// assert!(ctx.done().recv().is_err());
/// assert_eq!(ctx.err(), Some(ContextError::DeadlineExceeded));
/// ```
pub fn with_timeout(parent: &Context, timeout: Duration) -> (Context, CancelFunc) {
    match crate::time::now().checked_add(timeout) {
        Some(deadline) => with_deadline(parent, deadline),
        None => with_cancel(parent),
    }
}

/// As [`with_timeout`], with a cause for when the time is over.
///
/// Go: `context.WithTimeoutCause`.
///
/// ```
/// use gors::context::{self, Context};
/// use std::time::Duration;
/// let (ctx, _cancel) =
///     context::with_timeout_cause(&Context::background(), Duration::ZERO, "slow backend");
/// assert_eq!(ctx.cause().unwrap().to_string(), "slow backend");
/// ```
pub fn with_timeout_cause(
    parent: &Context,
    timeout: Duration,
    cause: impl Into<Box<dyn Error + Send + Sync>>,
) -> (Context, CancelFunc) {
    match crate::time::now().checked_add(timeout) {
        Some(deadline) => with_deadline_cause(parent, deadline, cause),
        None => with_cancel(parent),
    }
}

fn deadline_and_cause(
    parent: &Context,
    deadline: Instant,
    cause: Option<Cause>,
) -> (Context, CancelFunc) {
    if parent.deadline().is_some_and(|earlier| earlier <= deadline) {
        return with_cancel(parent);
    }
    let node = Node::new(parent.node());
    let ctx = parent.derive(Some(Arc::clone(&node)), Some(deadline));
    let end = End {
        error: ContextError::DeadlineExceeded,
        cause,
    };
    let left = deadline.saturating_duration_since(crate::time::now());
    if left.is_zero() {
        node.cancel(&end);
    } else {
        let ending = Arc::clone(&node);
        node.set_timer(FuncTimer::once(left, move || ending.cancel(&end)));
    }
    (ctx, CancelFunc(node))
}
