//! Functions that run when a context ends.

use std::fmt;
use std::sync::Arc;

use super::Context;
use super::node::{Child, Node};

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
    let mut place = None;
    if let Some(node) = ctx.node() {
        let call: Box<dyn FnOnce() + Send> = Box::new(move || gors_runtime::__private::go(f));
        match node.add_child(Child::Call(call), |_| {}) {
            Ok(at) => place = Some((Arc::clone(node), at)),
            Err((Child::Call(call), _)) => call(),
            Err((Child::Node(_), _)) => unreachable!("a child comes back as it was given"),
        }
    }
    AfterFunc { place }
}

/// What [`after_func`] has promised to run.
pub struct AfterFunc {
    place: Option<(Arc<Node>, usize)>,
}

impl AfterFunc {
    /// Takes the function back; true if it will not run. Does not wait for one that runs. Never
    /// blocks.
    ///
    /// Go: the function that `context.AfterFunc` returns.
    ///
    /// ```
    /// use gors::context::{self, Context};
    /// let (ctx, cancel) = context::with_cancel(&Context::background());
    /// let after = context::after_func(&ctx, || unreachable!());
    /// assert!(after.stop());
    /// cancel.cancel();
    /// ```
    pub fn stop(self) -> bool {
        self.place
            .is_some_and(|(node, place)| node.remove_child(place).is_some())
    }
}

impl fmt::Debug for AfterFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AfterFunc").finish_non_exhaustive()
    }
}
