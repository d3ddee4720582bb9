//! The receiving half of Rust's face.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

use crate::core::close;
use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::handle::{Link, deadline_in};
use crate::iter::{IntoIter, Iter, TryIter};

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

// SAFETY: a handle moves values of T between threads and shares none.
unsafe impl<T: Send> Send for Receiver<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Receiver<T> {}
impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

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

    /// No value is queued. Always true on a rendezvous channel.
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded(1);
    /// assert!(r.is_empty());
    /// s.send(1).unwrap();
    /// assert!(!r.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.link.is_empty()
    }

    /// The buffer is full. Always true on a rendezvous channel.
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded(1);
    /// s.send(1).unwrap();
    /// assert!(r.is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        self.link.is_full()
    }

    /// How many values are queued (Go's `len`).
    ///
    /// ```
    /// let (s, r) = gors_chan::unbounded();
    /// s.send(1).unwrap();
    /// assert_eq!(r.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.link.len()
    }

    /// How many values the buffer takes (Go's `cap`); `None` if it is unbounded.
    ///
    /// ```
    /// assert_eq!(gors_chan::bounded::<i32>(5).1.capacity(), Some(5));
    /// assert_eq!(gors_chan::unbounded::<i32>().1.capacity(), None);
    /// ```
    pub fn capacity(&self) -> Option<usize> {
        self.link.capacity()
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

    /// Both belong to one channel.
    ///
    /// ```
    /// let r = gors_chan::after(std::time::Duration::from_secs(1));
    /// assert!(r.same_channel(&r.clone()));
    /// ```
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        self.link.as_ptr() == other.link.as_ptr()
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Receiver {
            link: self.link.retained(close::RECEIVER),
        }
    }
}

impl<T> Drop for Receiver<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this handle's count, given up once.
        unsafe { self.link.release(close::RECEIVER) }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Receiver { .. }")
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
