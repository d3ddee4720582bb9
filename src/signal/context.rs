//! Contexts that signals cancel.

use std::error::Error;
use std::fmt;

use gors_chan::{Chan, make, select};

use super::Signal;
use crate::context::{self, CancelCauseFunc, Context, ContextError};

/// The cause of a context that a signal has cancelled.
#[derive(Debug)]
struct Received(Signal);

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} signal received", self.0)
    }
}

impl Error for Received {
    /// So that who asks the cause whether the context was cancelled, and not late, hears so.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&ContextError::Canceled)
    }
}

/// A context below `parent` that is cancelled when one of the signals arrives. Its
/// [`cause`](Context::cause) names the signal, and has [`ContextError::Canceled`] as its source. The
/// second value takes the registration back.
///
/// Go: `signal.NotifyContext`.
///
/// ```
/// use gors::context::Context;
/// use gors::signal::{self, Signal};
///
/// gors::run(|| {
///     let (ctx, stop) = signal::notify_context(&Context::background(), &[Signal::USER1]);
///     Signal::USER1.raise().unwrap();
///     ctx.done().recv().unwrap_err();
///     assert_eq!(ctx.cause().unwrap().to_string(), "user defined signal 1 signal received");
///     stop.stop();
/// });
/// ```
pub fn notify_context(parent: &Context, signals: &[Signal]) -> (Context, NotifyStop) {
    let (ctx, cancel) = context::with_cancel_cause(parent);
    let chan = make::<Signal>(1);
    super::notify(&chan, signals);
    if ctx.err().is_none() {
        let (chan, cancel, done) = (chan.clone(), cancel.clone(), ctx.done().clone());
        crate::go!(move || {
            select! {
                recv(chan) -> signal => if let Some(signal) = signal {
                    cancel.cancel(Received(signal));
                },
                recv(done) -> _ => {}
            }
        });
    }
    (ctx, NotifyStop { chan, cancel })
}

/// Takes back what [`notify_context`] has registered.
///
/// Go: the `stop` function that `signal.NotifyContext` returns.
#[must_use = "the signals stay registered until `stop` is called"]
pub struct NotifyStop {
    chan: Chan<Signal>,
    cancel: CancelCauseFunc,
}

impl NotifyStop {
    /// Cancels the context, and lets the signals do again what they did before. Blocks as
    /// [`stop`](super::stop).
    pub fn stop(&self) {
        self.cancel.without_cause().cancel();
        super::stop(&self.chan);
    }

    /// As [`stop`](Self::stop). In Go what `signal.NotifyContext` returns is a `context.CancelFunc`,
    /// and is called like one.
    ///
    /// ```
    /// use gors::context::Context;
    /// use gors::signal::{self, Signal};
    ///
    /// let (ctx, cancel) = signal::notify_context(&Context::background(), &[Signal::USER1]);
    /// cancel.cancel();
    /// assert!(ctx.err().is_some());
    /// ```
    pub fn cancel(&self) {
        self.stop();
    }
}

impl fmt::Debug for NotifyStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotifyStop").finish_non_exhaustive()
    }
}
