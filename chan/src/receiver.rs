//! The receiving half of Rust's face.

use std::time::{Duration, Instant};

use gors_runtime::raw::{self, Point};

use crate::core::close;
use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::handle::{handle, queries};
use crate::iter::{IntoIter, Iter, TryIter};
use crate::link::{Link, deadline_in};

/// The receiving side of a channel (Go's `<-chan T`). Clones share it: each value goes to one of
/// them.
///
/// When the last receiver is dropped, what is queued is dropped at once, and senders fail.
///
/// ```
/// let (s, r) = gors_chan::bounded(2);
/// s.send(1).unwrap();
/// s.send(2).unwrap();
/// drop(s);
/// assert_eq!(r.iter().sum::<i32>(), 3);
/// ```
#[repr(transparent)]
pub struct Receiver<T> {
    pub(crate) link: Link<T>,
}

handle!(Receiver, counts: close::RECEIVER);
queries!(Receiver);

impl<T> Receiver<T> {
    /// Receives without waiting (Go's `select` with one receive and a `default`).
    ///
    /// ```
    /// use gors_chan::{TryRecvError, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
    /// s.send(5).unwrap();
    /// drop(s);
    /// assert_eq!(r.try_recv(), Ok(5));
    /// assert_eq!(r.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        raw::point(Point::Try);
        self.link.try_recv()
    }

    /// Receives, blocking until there is a value (Go's `<-c`). Fails once the channel is empty, and
    /// closed or without senders.
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded(0);
    /// std::thread::spawn(move || s.send(5).unwrap());
    /// assert_eq!(r.recv(), Ok(5));
    /// assert!(r.recv().is_err());
    /// ```
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.link.recv().ok_or(RecvError)
    }

    /// As [`recv`](Self::recv), for at most `timeout`. A value that is there is received even if
    /// the time is up.
    ///
    /// ```
    /// use gors_chan::{RecvTimeoutError, bounded};
    /// use std::time::Duration;
    ///
    /// let (_s, r) = bounded::<i32>(0);
    /// assert_eq!(r.recv_timeout(Duration::from_millis(5)), Err(RecvTimeoutError::Timeout));
    /// ```
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.link.recv_until(deadline_in(timeout))
    }

    /// As [`recv`](Self::recv), until `deadline`.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let (s, r) = gors_chan::bounded(0);
    /// std::thread::spawn(move || s.send(1));
    /// assert_eq!(r.recv_deadline(Instant::now() + Duration::from_secs(5)), Ok(1));
    /// ```
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.link.recv_until(Some(deadline))
    }

    /// Closes the channel for all its handles; see [`Sender::close`](crate::Sender::close). True if
    /// this call closed it. False on done, timer, tick and never channels, which only their owner
    /// ends.
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded(1);
    /// assert!(r.close());
    /// assert!(s.send(1).is_err());
    /// assert!(!gors_chan::never::<()>().close());
    /// ```
    pub fn close(&self) -> bool {
        self.link.close()
    }

    /// The channel was closed, or its senders are gone. Values may still be queued.
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded(1);
    /// s.send(1).unwrap();
    /// drop(s);
    /// assert!(r.is_closed() && r.recv().is_ok());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.link.is_closed()
    }

    /// Iterates over received values, blocking for each, until the channel is closed and drained
    /// (Go's `for v := range c`).
    ///
    /// ```
    /// let (s, r) = gors_chan::unbounded();
    /// s.send(1).unwrap();
    /// s.send(2).unwrap();
    /// drop(s);
    /// assert_eq!(r.iter().collect::<Vec<_>>(), [1, 2]);
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter::new(self)
    }

    /// Iterates over the values that are queued, without blocking.
    ///
    /// ```
    /// let (s, r) = gors_chan::unbounded();
    /// s.send(1).unwrap();
    /// s.send(2).unwrap();
    /// assert_eq!(r.try_iter().count(), 2);
    /// assert_eq!(r.try_iter().count(), 0);
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter::new(self)
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter::new(self)
    }
}
