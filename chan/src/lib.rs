//! Channels and `select!` for goroutines and plain threads: Go's semantics, crossbeam-channel's
//! surface.
//!
//! Two faces on one core:
//!
//! * **Go's**: [`make()`] and [`Chan`], one handle that sends, receives and closes, with Go's
//!   panics.
//! * **Rust's**: [`bounded`], [`unbounded`], [`Sender`], [`Receiver`], [`Select`], [`after`],
//!   [`at`], [`tick`], [`never()`], and all error types of crossbeam-channel 0.5, name by name, so
//!   that `crossbeam-channel = { package = "gors-chan", … }` in a Cargo.toml switches a program. On
//!   top of that, [`Sender::close`] and [`Receiver::close`].
//!
//! [`select!`] and [`select_biased!`] take both faces in one list.
//!
//! Every operation parks a goroutine of `gors-runtime` or, called from a plain thread, that thread.
//! Nothing here starts a thread or a runtime.
//!
//! ```
//! use gors_chan::{after, make, select};
//! use std::time::Duration;
//!
//! let jobs = make::<u32>(0);
//! let results = make::<u32>(0);
//! {
//!     let (jobs, results) = (jobs.clone(), results.clone());
//!     std::thread::spawn(move || {
//!         for j in &jobs {
//!             results.send(j * 2);
//!         }
//!     });
//! }
//! jobs.send(21);
//! select! {
//!     recv(results) -> r => assert_eq!(r, Some(42)),
//!     recv(after(Duration::from_secs(5))) -> _ => panic!("timeout"),
//! }
//! jobs.close();
//! ```
//!
//! # Ordering
//!
//! As in Go's memory model: what happened before a send is visible after its receive; what happened
//! before a close is visible to a receive that reports it; on a rendezvous channel the receive
//! happens before the send returns; the k-th receive from a channel of capacity C happens before
//! the (k+C)-th send returns. Values come out in the order in which they went in, and those who
//! wait are served first come, first served.
//!
//! # Where things are
//!
//! `core` is the channel, erased and in one place; `go` on the one hand and `sender` and `receiver`
//! on the other are the two faces over `link` and `handle`; `select` holds the engine, the macros and the
//! builder; `owner` the channels that contexts and timers are made of.

mod clock;
mod core;
mod error;
#[cfg(feature = "async")]
mod future;
mod go;
mod handle;
mod iter;
mod link;
mod make;
mod owner;
mod receiver;
mod select;
mod sender;
mod shim;

pub use crate::error::{
    ReadyTimeoutError, RecvError, RecvTimeoutError, SelectTimeoutError, SendError,
    SendTimeoutError, TryReadyError, TryRecvError, TrySelectError, TrySendError,
};
#[cfg(feature = "stream")]
pub use crate::future::RecvStream;
#[cfg(feature = "async")]
pub use crate::future::{RecvFuture, SendFuture};
pub use crate::go::Chan;
pub use crate::iter::{IntoIter, Iter, TryIter};
pub use crate::make::{after, at, bounded, make, never, tick, unbounded};
pub use crate::owner::{DoneOwner, TimerOwner, done_channel, timer_channel};
pub use crate::receiver::Receiver;
pub use crate::select::builder::Select;
pub use crate::select::selected::SelectedOperation;
pub use crate::sender::Sender;

/// What the macros expand to. Not for direct use, and not covered by the version's promises.
#[doc(hidden)]
pub mod __private {
    pub use crate::select::arm::{
        ArmRef, Face, GoFace, RecvArm, Reservation, RustFace, SendArm, Won,
    };
    pub use crate::select::macros::{DEFAULT, Either, attempt, block, mismatch, nothing, within};
}
