//! Functions that run when a context ends.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Context;
use super::node::{Call, Node};

/// Runs `f` in a goroutine of its own when `ctx` is cancelled; at once if it is. The handle can take
/// that back; dropping it does not.
///
/// Go: `context.AfterFunc`.
///
/// ```
/// use gors::context::{self, Context};
/// use gors::prelude::*;
///
/// gors::run(|| {
///     let (ctx, cancel) = context::with_cancel(&Context::background());
///     let told = make(1);
///     let tell = told.clone();
///     context::after_func(&ctx, move || tell.send("ended"));
///     cancel.cancel();
///     assert_eq!(told.recv(), Some("ended"));
/// });
/// ```
pub fn after_func<F>(ctx: &Context, f: F) -> AfterFunc
where
    F: FnOnce() + Send + 'static,
{
    let Some(node) = ctx.node() else {
        return AfterFunc::at(Place::Nowhere);
    };
    let call: Call = Box::new(move || gors_runtime::__private::go(f));
    AfterFunc::at(match node.add_call(call) {
        Ok(at) => Place::In(Arc::clone(node), at),
        Err(call) => {
            call();
            Place::Left
        }
    })
}

/// What [`after_func`] has promised to run.
pub struct AfterFunc {
    place: Place,
    /// Somebody has called [`stop`](Self::stop): the place may be another's by now.
    stopped: AtomicBool,
}

/// Where the function is.
enum Place {
    /// With a context that is never cancelled nobody keeps it.
    Nowhere,
    /// In its goroutine.
    Left,
    /// Among the calls of this node, until that ends.
    In(Arc<Node>, usize),
}

impl AfterFunc {
    fn at(place: Place) -> Self {
        Self {
            place,
            stopped: AtomicBool::new(false),
        }
    }

    /// Takes the function back; true if it will not run because of this call, the first one, as none does
    /// of a context that is never cancelled. Does not wait for one that runs. Never blocks.
    ///
    /// Go: the function that `context.AfterFunc` returns.
    ///
    /// ```
    /// use gors::context::{self, Context};
    /// let (ctx, cancel) = context::with_cancel(&Context::background());
    /// let after = context::after_func(&ctx, || unreachable!());
    /// assert!(after.stop());
    /// assert!(!after.stop());
    /// cancel.cancel();
    /// ```
    pub fn stop(&self) -> bool {
        if self.stopped.swap(true, Ordering::Relaxed) {
            return false;
        }
        match &self.place {
            Place::Nowhere => true,
            Place::Left => false,
            Place::In(node, at) => node.remove_call(*at).is_some(),
        }
    }
}

impl fmt::Debug for AfterFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AfterFunc").finish_non_exhaustive()
    }
}
