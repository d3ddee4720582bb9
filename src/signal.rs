//! Go's `os/signal`: signals of the operating system as values in a channel.
//!
//! A signal that nobody asked for does what it always does. One that a channel was registered for with
//! [`notify`] is sent there instead, without ever waiting for the receiver: a channel that is full
//! misses it, so give it room.
//!
//! ```
//! use gors::prelude::*;
//! use gors::signal::{self, Signal};
//!
//! gors::run(|| {
//!     let signals = make(1);
//!     signal::notify(&signals, &[Signal::USER1]);
//!     Signal::USER1.raise().unwrap();
//!     assert_eq!(signals.recv(), Some(Signal::USER1));
//!     signal::stop(&signals);
//! });
//! ```
//!
//! The handler runs on the alternate stack, as goroutine stacks require, and only counts; a thread of
//! its own, started by the first `notify`, does the sending.

mod context;
mod number;
mod registry;

use gors_chan::Chan;

pub use self::context::{NotifyStop, notify_context};
pub use self::number::Signal;

/// Sends these signals to `chan` from now on; without any, all that can sensibly be caught. Never waits
/// for the receiver. May be called again to add signals, and with any number of channels.
///
/// A fault (`SEGMENTATION`, `BUS`, `FLOATING_POINT`, `ILLEGAL_INSTRUCTION`) is sent only if somebody has
/// raised it as a signal. One that an instruction has caused does what it does without us.
///
/// This function and its neighbours may block while another one of them is at work.
///
/// # Panics
///
/// `os/signal: Notify using nil channel`; if a signal cannot be caught (`KILL`, `STOP`), or no thread
/// can be made.
///
/// Go: `signal.Notify`. See the [module](self) for an example.
pub fn notify(chan: &Chan<Signal>, signals: &[Signal]) {
    registry::notify(chan, signals);
}

/// Sends no more signals to `chan`. Signals that no other channel wants do again what they did before.
/// Blocks until signals that have arrived were sent: when it returns, nothing more comes. A signal that
/// arrives during the call is either sent or does what it did before.
///
/// Go: `signal.Stop`.
///
/// ```
/// use gors::signal::{self, Signal};
/// let signals = gors::make(1);
/// signal::notify(&signals, &[Signal::USER2]);
/// Signal::USER2.raise().unwrap();
/// signal::stop(&signals);
/// // What arrived before the stop is there.
/// assert_eq!(signals.try_recv(), Ok(Signal::USER2));
/// ```
pub fn stop(chan: &Chan<Signal>) {
    registry::stop(chan);
}

/// Ignores these signals, whoever asked for them; without any, all.
///
/// # Panics
///
/// If a signal cannot be ignored.
///
/// Go: `signal.Ignore`.
///
/// ```
/// use gors::signal::{self, Signal};
/// signal::ignore(&[Signal::USER1]);
/// // Would end the process otherwise.
/// Signal::USER1.raise().unwrap();
/// signal::reset(&[Signal::USER1]);
/// ```
pub fn ignore(signals: &[Signal]) {
    registry::ignore(signals);
}

/// Whether a signal is ignored.
///
/// Go: `signal.Ignored`.
///
/// ```
/// use gors::signal::{self, Signal};
/// signal::ignore(&[Signal::HANGUP]);
/// assert!(signal::ignored(Signal::HANGUP));
/// signal::reset(&[Signal::HANGUP]);
/// ```
#[must_use]
pub fn ignored(signal: Signal) -> bool {
    gors_runtime::raw::signal::is_ignored(signal.as_raw())
}

/// Undoes every [`notify`] and [`ignore`] for these signals; without any, for all.
///
/// Go: `signal.Reset`.
///
/// ```
/// use gors::signal::{self, Signal};
/// let signals = gors::make(1);
/// signal::notify(&signals, &[Signal::HANGUP]);
/// signal::ignore(&[Signal::USER1]);
/// signal::reset(&[]);
/// assert!(!signal::ignored(Signal::USER1));
/// ```
pub fn reset(signals: &[Signal]) {
    registry::reset(signals);
}
