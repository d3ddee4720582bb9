//! The errors of channel operations: crossbeam-channel's names, variants and texts.

use std::error::Error;
use std::fmt;

const DISCONNECTED_SEND: &str = "sending on a disconnected channel";
const DISCONNECTED_RECV: &str = "receiving on an empty and disconnected channel";

/// The value could not be sent: the channel is closed, or all its receivers are gone. Holds the
/// value.
///
/// ```
/// let (s, r) = gors_chan::bounded(1);
/// drop(r);
/// let error = s.send(5).unwrap_err();
/// assert_eq!(error.to_string(), "sending on a disconnected channel");
/// assert_eq!(error.into_inner(), 5);
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub struct SendError<T>(pub T);

/// Why [`try_send`](crate::Sender::try_send) did not send. Holds the value.
///
/// ```
/// use gors_chan::{TrySendError, bounded};
/// let (s, _r) = bounded(1);
/// s.send(1).unwrap();
/// assert_eq!(s.try_send(2), Err(TrySendError::Full(2)));
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub enum TrySendError<T> {
    /// The buffer is full, or (rendezvous) nobody waits to receive.
    Full(T),
    /// The channel is closed, or all its receivers are gone.
    Disconnected(T),
}

/// Why [`send_timeout`](crate::Sender::send_timeout) did not send. Holds the value.
///
/// ```
/// use gors_chan::{SendTimeoutError, bounded};
/// use std::time::Duration;
/// let (s, _r) = bounded(0);
/// assert_eq!(s.send_timeout(1, Duration::from_millis(1)), Err(SendTimeoutError::Timeout(1)));
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub enum SendTimeoutError<T> {
    /// The time is up.
    Timeout(T),
    /// The channel is closed, or all its receivers are gone.
    Disconnected(T),
}

/// Nothing will come any more: the channel is empty, and closed or without senders.
///
/// ```
/// use gors_chan::{RecvError, bounded};
/// let (s, r) = bounded::<i32>(1);
/// drop(s);
/// assert_eq!(r.recv(), Err(RecvError));
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct RecvError;

/// Why [`try_recv`](crate::Receiver::try_recv) received nothing.
///
/// ```
/// use gors_chan::{TryRecvError, bounded};
/// let (s, r) = bounded::<i32>(1);
/// assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
/// drop(s);
/// assert_eq!(r.try_recv(), Err(TryRecvError::Disconnected));
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub enum TryRecvError {
    /// No value is there now.
    Empty,
    /// Nothing will come any more.
    Disconnected,
}

/// Why [`recv_timeout`](crate::Receiver::recv_timeout) received nothing.
///
/// ```
/// use gors_chan::{RecvTimeoutError, bounded};
/// use std::time::Duration;
/// let (_s, r) = bounded::<i32>(1);
/// assert_eq!(r.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub enum RecvTimeoutError {
    /// The time is up.
    Timeout,
    /// Nothing will come any more.
    Disconnected,
}

/// No operation of the [`Select`](crate::Select) was possible at once.
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct TrySelectError;

/// No operation of the [`Select`](crate::Select) became possible in time.
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct SelectTimeoutError;

/// No operation of the [`Select`](crate::Select) was ready.
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct TryReadyError;

/// No operation of the [`Select`](crate::Select) became ready in time.
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct ReadyTimeoutError;

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SendError(..)")
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TrySendError::Full(..) => "Full(..)",
            TrySendError::Disconnected(..) => "Disconnected(..)",
        })
    }
}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SendTimeoutError(..)")
    }
}

/// `Display` and `Error` from one text, or one for each variant.
macro_rules! says {
    ($([$($t:ident)?] $name:ty: |$e:ident| $text:expr;)*) => {
        $(
            impl<$($t)?> fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    let $e = self;
                    f.pad($text)
                }
            }
            impl<$($t: Send)?> Error for $name {}
        )*
    };
}

says! {
    [T] SendError<T>: |_e| DISCONNECTED_SEND;
    [T] TrySendError<T>: |e| match e {
        TrySendError::Full(..) => "sending on a full channel",
        TrySendError::Disconnected(..) => DISCONNECTED_SEND,
    };
    [T] SendTimeoutError<T>: |e| match e {
        SendTimeoutError::Timeout(..) => "timed out waiting on send operation",
        SendTimeoutError::Disconnected(..) => DISCONNECTED_SEND,
    };
    [] RecvError: |_e| DISCONNECTED_RECV;
    [] TryRecvError: |e| match e {
        TryRecvError::Empty => "receiving on an empty channel",
        TryRecvError::Disconnected => DISCONNECTED_RECV,
    };
    [] RecvTimeoutError: |e| match e {
        RecvTimeoutError::Timeout => "timed out waiting on receive operation",
        RecvTimeoutError::Disconnected => "channel is empty and disconnected",
    };
    [] TrySelectError: |_e| "all operations in select would block";
    [] SelectTimeoutError: |_e| "timed out waiting on select";
    [] TryReadyError: |_e| "no operation in select is ready";
    [] ReadyTimeoutError: |_e| "timed out waiting for an operation in select to be ready";
}

impl<T> SendError<T> {
    /// The value that was not sent.
    ///
    /// ```
    /// let (s, r) = gors_chan::unbounded();
    /// drop(r);
    /// assert_eq!(s.send("foo").unwrap_err().into_inner(), "foo");
    /// ```
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> TrySendError<T> {
    /// The value that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            TrySendError::Full(v) | TrySendError::Disconnected(v) => v,
        }
    }

    /// The send would have blocked.
    ///
    /// ```
    /// let (s, _r) = gors_chan::bounded(0);
    /// assert!(s.try_send(1).unwrap_err().is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        matches!(self, TrySendError::Full(_))
    }

    /// The send can never succeed.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, TrySendError::Disconnected(_))
    }
}

impl<T> SendTimeoutError<T> {
    /// The value that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            SendTimeoutError::Timeout(v) | SendTimeoutError::Disconnected(v) => v,
        }
    }

    /// The time was up.
    pub fn is_timeout(&self) -> bool {
        matches!(self, SendTimeoutError::Timeout(_))
    }

    /// The send can never succeed.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, SendTimeoutError::Disconnected(_))
    }
}

impl TryRecvError {
    /// The receive would have blocked.
    pub fn is_empty(&self) -> bool {
        matches!(self, TryRecvError::Empty)
    }

    /// Nothing will come any more.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, TryRecvError::Disconnected)
    }
}

impl RecvTimeoutError {
    /// The time was up.
    pub fn is_timeout(&self) -> bool {
        matches!(self, RecvTimeoutError::Timeout)
    }

    /// Nothing will come any more.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, RecvTimeoutError::Disconnected)
    }
}

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(e: SendError<T>) -> Self {
        TrySendError::Disconnected(e.0)
    }
}

impl<T> From<SendError<T>> for SendTimeoutError<T> {
    fn from(e: SendError<T>) -> Self {
        SendTimeoutError::Disconnected(e.0)
    }
}

impl From<RecvError> for TryRecvError {
    fn from(_: RecvError) -> Self {
        TryRecvError::Disconnected
    }
}

impl From<RecvError> for RecvTimeoutError {
    fn from(_: RecvError) -> Self {
        RecvTimeoutError::Disconnected
    }
}
