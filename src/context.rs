//! Go's `context`: cancellation, deadlines and values that go down a tree of calls.
//!
//! A [`Context`] is a cheap handle; pass it on by reference or as a clone. Deriving one takes it by
//! reference and gives a new one: [`with_cancel`], [`with_timeout`], [`with_deadline`],
//! [`with_value`] and their like. Cancelling one cancels all that are derived from it, and nothing
//! above it.
//!
//! ```
//! use gors::context::{self, Context, ContextError};
//! use gors::prelude::*;
//!
//! fn search(ctx: &Context, found: Receiver<u32>) -> Result<u32, ContextError> {
//!     select! {
//!         recv(found) -> answer => Ok(answer.unwrap()),
//!         recv(ctx.done()) -> _ => Err(ctx.err().unwrap()),
//!     }
//! }
//!
//! gors::run(|| {
//!     let nothing = make::<u32>(0);
//!     let (ctx, _cancel) = context::with_timeout(&Context::background(), Duration::from_millis(5));
//!     assert_eq!(search(&ctx, nothing.receiver()), Err(ContextError::DeadlineExceeded));
//! });
//! ```
//!
//! # Life
//!
//! As in Go, dropping a [`CancelFunc`] does not cancel, and a derived context that somebody may still
//! watch is remembered by its parent until one of the two is cancelled: call `cancel` when you are
//! done, or use [`CancelFunc::cancel_on_drop`]. Unlike in Go a context that nobody can watch any more
//! (no handle left, `done` never asked for) is forgotten at once, timer and all.

mod after;
mod cancel;
mod error;
mod node;

use std::any::Any;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Instant;

use gors_chan::{Receiver, never};
use gors_runtime::raw::{Ended, Limit};

pub use self::after::{AfterFunc, after_func};
pub use self::cancel::{
    CancelCauseFunc, CancelFunc, CancelOnDrop, with_cancel, with_cancel_cause, with_deadline,
    with_deadline_cause, with_timeout, with_timeout_cause,
};
pub use self::error::{Cause, ContextError};
use self::node::Node;

/// A deadline, a cancellation signal and values, for everything that is done on somebody's behalf.
///
/// Clones are the same context. Never blocks, except that the channel of [`done`](Self::done) may be
/// waited for.
///
/// Go: `context.Context`.
///
/// ```
/// use gors::context::{self, Context};
/// let (ctx, cancel) = context::with_cancel(&Context::background());
/// assert!(ctx.err().is_none());
/// cancel.cancel();
/// assert_eq!(ctx.err().unwrap().to_string(), "context canceled");
/// ```
#[derive(Clone, Default)]
pub struct Context(Option<Arc<Inner>>);

struct Inner {
    parent: Context,
    value: Option<Box<dyn Any + Send + Sync>>,
    deadline: Option<Instant>,
    /// What cancels this context: its own node, or that of the nearest ancestor with one.
    node: Option<Arc<Node>>,
    /// `node` is this context's own.
    owns_node: bool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.owns_node
            && let Some(node) = &self.node
        {
            node.forget_if_unwatched();
        }
        // A long chain of contexts must not be dropped by recursion: stacks are small.
        let mut next = self.parent.0.take();
        while let Some(mut inner) = next.and_then(Arc::into_inner) {
            next = inner.parent.0.take();
        }
    }
}

impl Context {
    /// The empty context, the root of all others: never cancelled, no deadline, no values.
    ///
    /// Go: `context.Background()`.
    #[must_use]
    pub const fn background() -> Self {
        Self(None)
    }

    fn derive(&self, node: Option<Arc<Node>>, deadline: Option<Instant>) -> Self {
        Self(Some(Arc::new(Inner {
            parent: self.clone(),
            value: None,
            deadline,
            owns_node: node.is_some(),
            node: node.or_else(|| self.node().cloned()),
        })))
    }

    fn node(&self) -> Option<&Arc<Node>> {
        self.0.as_ref()?.node.as_ref()
    }

    /// A channel that ends when the context is cancelled: a receive fails from then on, in `select!`
    /// and everywhere. For a context that cannot be cancelled, a channel that is never ready.
    ///
    /// The channel cannot be closed by its receivers.
    ///
    /// Go: `ctx.Done()`.
    ///
    /// ```
    /// use gors::context::{self, Context};
    /// let (ctx, cancel) = context::with_cancel(&Context::background());
    /// assert!(ctx.done().try_recv().unwrap_err().is_empty());
    /// cancel.cancel();
    /// assert!(ctx.done().recv().is_err());
    /// ```
    pub fn done(&self) -> &Receiver<()> {
        static NEVER: Receiver<()> = never();
        self.node().map_or(&NEVER, |node| node.done())
    }

    /// Why the context is cancelled; `None` as long as it is not. Once it is, [`done`](Self::done) is
    /// ready too, and the answer stays the same.
    ///
    /// Go: `ctx.Err()`.
    ///
    /// ```
    /// use gors::context::{self, Context, ContextError};
    /// let (ctx, cancel) = context::with_cancel(&Context::background());
    /// assert_eq!(ctx.err(), None);
    /// cancel.cancel();
    /// assert_eq!(ctx.err(), Some(ContextError::Canceled));
    /// ```
    #[must_use]
    pub fn err(&self) -> Option<ContextError> {
        self.node().and_then(|node| node.err())
    }

    /// What the one who cancelled gave as cause; without one, what [`err`](Self::err) says.
    ///
    /// Go: `context.Cause(ctx)`.
    ///
    /// ```
    /// use gors::context::{self, Context};
    /// let (ctx, cancel) = context::with_cancel_cause(&Context::background());
    /// assert!(ctx.cause().is_none());
    /// cancel.cancel("disk full");
    /// assert_eq!(ctx.cause().unwrap().to_string(), "disk full");
    /// assert_eq!(ctx.err().unwrap().to_string(), "context canceled");
    /// ```
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        self.node().and_then(|node| node.cause())
    }

    /// When the context will be cancelled by itself.
    ///
    /// Go: `ctx.Deadline()`.
    ///
    /// ```
    /// use gors::context::{self, Context};
    /// use std::time::{Duration, Instant};
    /// let soon = Instant::now() + Duration::from_secs(1);
    /// let (ctx, _cancel) = context::with_deadline(&Context::background(), soon);
    /// let (below, _cancel) = context::with_timeout(&ctx, Duration::from_secs(60));
    /// assert_eq!(below.deadline(), Some(soon));
    /// ```
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.as_ref()?.deadline
    }

    /// The value of type `T` that was given to this context or the nearest one above it.
    ///
    /// Go: `ctx.Value(key)`, with the type as the key.
    ///
    /// ```
    /// use gors::context::{self, Context};
    /// struct UserId(u32);
    /// let ctx = context::with_value(&Context::background(), UserId(7));
    /// assert_eq!(ctx.value::<UserId>().unwrap().0, 7);
    /// assert!(ctx.value::<String>().is_none());
    /// ```
    #[must_use]
    pub fn value<T: Any + Send + Sync>(&self) -> Option<&T> {
        let mut at = self;
        while let Some(inner) = &at.0 {
            if let Some(value) = inner.value.as_ref().and_then(|v| v.downcast_ref::<T>()) {
                return Some(value);
            }
            at = &inner.parent;
        }
        None
    }

    /// What ends a wait of the runtime's when this context is cancelled.
    pub(crate) fn limit(&self) -> Limit<'_> {
        match self.node() {
            Some(node) => Limit::cancelled_by(node.waits()),
            None => Limit::NONE,
        }
    }

    /// Runs a wait that the context may end. A context that is cancelled already wins over whatever
    /// is waited for.
    pub(crate) fn limited<T>(
        &self,
        wait: impl FnOnce(&Limit<'_>) -> Result<T, Ended>,
    ) -> Result<T, ContextError> {
        if let Some(error) = self.err() {
            return Err(error);
        }
        wait(&self.limit()).map_err(|_| self.err().unwrap_or(ContextError::Canceled))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("err", &self.err())
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}

// No panic leaves a context half ended.
impl UnwindSafe for Context {}
impl RefUnwindSafe for Context {}

/// The empty context; see [`Context::background`].
///
/// Go: `context.Background()`.
#[must_use]
pub const fn background() -> Context {
    Context::background()
}

/// The empty context, where it is not clear yet which one to use.
///
/// Go: `context.TODO()`.
#[must_use]
pub const fn todo() -> Context {
    Context::background()
}

/// A context with a value, which is found by its type. For what belongs to a request and goes through
/// interfaces that know nothing of it, not for optional arguments.
///
/// Go: `context.WithValue`.
///
/// ```
/// use gors::context::{self, Context};
/// #[derive(Debug, PartialEq)]
/// struct Trace(&'static str);
/// let ctx = context::with_value(&Context::background(), Trace("outer"));
/// let inner = context::with_value(&ctx, Trace("inner"));
/// assert_eq!(inner.value(), Some(&Trace("inner")));
/// assert_eq!(ctx.value(), Some(&Trace("outer")));
/// ```
#[must_use]
pub fn with_value<T: Any + Send + Sync>(parent: &Context, value: T) -> Context {
    Context(Some(Arc::new(Inner {
        parent: parent.clone(),
        value: Some(Box::new(value)),
        deadline: parent.deadline(),
        node: parent.node().cloned(),
        owns_node: false,
    })))
}

/// A context with the parent's values that is not cancelled with it: for what must be finished all
/// the same. It has no deadline.
///
/// Go: `context.WithoutCancel`.
///
/// ```
/// use gors::context::{self, Context};
/// let (ctx, cancel) = context::with_cancel(&Context::background());
/// let ctx = context::with_value(&ctx, 5_u8);
/// let on = context::without_cancel(&ctx);
/// cancel.cancel();
/// assert!(on.err().is_none());
/// assert_eq!(on.value(), Some(&5_u8));
/// ```
#[must_use]
pub fn without_cancel(parent: &Context) -> Context {
    Context(Some(Arc::new(Inner {
        parent: parent.clone(),
        value: None,
        deadline: None,
        node: None,
        owns_node: false,
    })))
}
