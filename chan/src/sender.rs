//! The sending half of Rust's face.

use std::time::{Duration, Instant};

use gors_runtime::raw::{self, Point};

use crate::core::close;
use crate::error::{SendError, SendTimeoutError, TrySendError};
use crate::handle::{handle, queries};
use crate::link::{Link, deadline_in};

/// The sending side of a channel (Go's `chan<- T`). Clones share it.
///
/// When the last sender is dropped the channel is closed: receivers drain what is queued, then
/// fail.
///
/// ```
/// let (s1, r) = gors_chan::unbounded();
/// let s2 = s1.clone();
/// std::thread::spawn(move || s1.send(1).unwrap());
/// s2.send(2).unwrap();
/// assert_eq!(r.recv().unwrap() + r.recv().unwrap(), 3);
/// ```
#[repr(transparent)]
pub struct Sender<T> {
    pub(crate) link: Link<T>,
}

handle!(Sender, counts: close::SENDER);
queries!(Sender);

impl<T> Sender<T> {
    /// Sends without waiting (Go's `select` with one send and a `default`).
    ///
    /// Fails if the buffer is full, or on a rendezvous channel if nobody waits to receive.
    ///
    /// ```
    /// use gors_chan::{TrySendError, bounded};
    ///
    /// let (s, r) = bounded(1);
    /// assert_eq!(s.try_send(1), Ok(()));
    /// assert_eq!(s.try_send(2), Err(TrySendError::Full(2)));
    /// drop(r);
    /// assert_eq!(s.try_send(3), Err(TrySendError::Disconnected(3)));
    /// ```
    #[inline]
    pub fn try_send(&self, msg: T) -> Result<(), TrySendError<T>> {
        raw::point(Point::Try);
        self.link.try_send(msg)
    }

    /// Sends, blocking while the buffer is full or, on a rendezvous channel, until somebody
    /// receives (Go's `c <- v`). Fails once the channel is closed or without receivers.
    ///
    /// ```
    /// use gors_chan::{SendError, bounded};
    ///
    /// let (s, r) = bounded(1);
    /// assert_eq!(s.send(1), Ok(()));
    /// drop(r);
    /// assert_eq!(s.send(2), Err(SendError(2)));
    /// ```
    #[inline]
    pub fn send(&self, msg: T) -> Result<(), SendError<T>> {
        self.link.send(msg).map_err(SendError)
    }

    /// As [`send`](Self::send), for at most `timeout`.
    ///
    /// ```
    /// use gors_chan::{SendTimeoutError, bounded};
    /// use std::time::Duration;
    ///
    /// let (s, _r) = bounded(0);
    /// assert_eq!(s.send_timeout(1, Duration::from_millis(5)), Err(SendTimeoutError::Timeout(1)));
    /// ```
    pub fn send_timeout(&self, msg: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.link.send_until(msg, deadline_in(timeout))
    }

    /// As [`send`](Self::send), until `deadline`.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let (s, r) = gors_chan::bounded(0);
    /// std::thread::spawn(move || r.recv());
    /// s.send_deadline(1, Instant::now() + Duration::from_secs(5)).unwrap();
    /// ```
    pub fn send_deadline(&self, msg: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.link.send_until(msg, Some(deadline))
    }

    /// Closes the channel for all its handles: sends fail from now on, receivers drain what is
    /// queued, then fail. True if this call closed it (Go's `close`, which panics instead on a
    /// second call).
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded(1);
    /// s.send(1).unwrap();
    /// assert!(s.close());
    /// assert!(!s.close());
    /// assert!(s.send(2).is_err());
    /// assert_eq!(r.recv(), Ok(1));
    /// assert!(r.recv().is_err());
    /// ```
    pub fn close(&self) -> bool {
        self.link.close()
    }

    /// The channel was closed, or its receivers are gone: a send would fail.
    ///
    /// ```
    /// let (s, r) = gors_chan::unbounded::<i32>();
    /// assert!(!s.is_closed());
    /// drop(r);
    /// assert!(s.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.link.is_closed()
    }
}
