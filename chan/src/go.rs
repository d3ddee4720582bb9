//! Go's face: [`Chan`], one handle for both directions, with Go's panics.

use std::time::Duration;

use gors_runtime::raw::{self, Point};

use crate::core::close;
use crate::error::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};
use crate::handle::handle;
use crate::iter::{IntoIter, Iter};
use crate::link::{Link, deadline_in};
use crate::receiver::Receiver;
use crate::sender::Sender;

/// A channel as Go's `chan T`: one handle that sends, receives and closes. Clones share the
/// channel.
///
/// It counts as one sender and one receiver, so [`Sender`]s and [`Receiver`]s split off it see a
/// disconnect when the last `Chan` of their channel and all opposite handles are gone.
///
/// ```
/// let c = gors_chan::make::<i32>(0);
/// let done = c.clone();
/// std::thread::spawn(move || {
///     for i in 0..3 {
///         c.send(i);
///     }
///     c.close();
/// });
/// assert_eq!(done.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
/// ```
#[repr(transparent)]
pub struct Chan<T> {
    pub(crate) link: Link<T>,
}

handle!(Chan, counts: close::SENDER + close::RECEIVER);

impl<T> Chan<T> {
    /// The nil channel: sends and receives block for ever, `select!` never chooses it, `len` and
    /// `cap` are 0.
    ///
    /// ```
    /// use gors_chan::{Chan, select};
    ///
    /// let c = Chan::<i32>::nil();
    /// select! {
    ///     recv(c) -> _ => unreachable!(),
    ///     default => {}
    /// }
    /// ```
    pub const fn nil() -> Chan<T> {
        Chan { link: Link::NEVER }
    }

    /// This is the nil channel.
    ///
    /// ```
    /// assert!(gors_chan::Chan::<i32>::default().is_nil());
    /// assert!(!gors_chan::make::<i32>(0).is_nil());
    /// ```
    pub fn is_nil(&self) -> bool {
        self.link.get().is_none()
    }

    /// Sends (Go's `c <- v`): blocks while the buffer is full or, without one, until somebody
    /// receives.
    ///
    /// # Panics
    ///
    /// `send on closed channel`, also when the channel is closed while this waits.
    ///
    /// ```
    /// let c = gors_chan::make(1);
    /// c.send(7);
    /// assert_eq!(c.recv(), Some(7));
    /// ```
    #[inline]
    #[track_caller]
    pub fn send(&self, value: T) {
        if self.link.send(value).is_err() {
            send_on_closed();
        }
    }

    /// Receives (Go's `v, ok := <-c`): blocks until there is a value; `None` when closed and
    /// drained.
    ///
    /// ```
    /// let c = gors_chan::make(1);
    /// c.send(7);
    /// c.close();
    /// assert_eq!(c.recv(), Some(7));
    /// assert_eq!(c.recv(), None);
    /// ```
    #[inline]
    pub fn recv(&self) -> Option<T> {
        self.link.recv()
    }

    /// Closes the channel (Go's `close(c)`): waiting receivers get `None`, waiting senders panic,
    /// queued values can still be received.
    ///
    /// # Panics
    ///
    /// `close of closed channel`, `close of nil channel`.
    ///
    /// ```
    /// let c = gors_chan::make::<i32>(0);
    /// c.close();
    /// assert!(std::panic::catch_unwind(|| c.close()).is_err());
    /// ```
    #[track_caller]
    pub fn close(&self) {
        if self.is_nil() {
            panic!("close of nil channel");
        }
        if !self.link.close() {
            panic!("close of closed channel");
        }
    }

    /// The channel was closed. Values may still be queued.
    ///
    /// ```
    /// let c = gors_chan::make::<i32>(0);
    /// c.close();
    /// assert!(c.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.link.is_closed()
    }

    /// How many values are queued (Go's `len(c)`), 0 for nil.
    ///
    /// ```
    /// let c = gors_chan::make(2);
    /// c.send(1);
    /// assert_eq!(c.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.link.len()
    }

    /// No value is queued.
    ///
    /// ```
    /// let c = gors_chan::make(1);
    /// assert!(c.is_empty());
    /// c.send(1);
    /// assert!(!c.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.link.is_empty()
    }

    /// The buffer is full. Always true without a buffer.
    ///
    /// ```
    /// let c = gors_chan::make(1);
    /// c.send(1);
    /// assert!(c.is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        self.link.is_full()
    }

    /// How many values the buffer takes (Go's `cap(c)`), 0 for nil, `usize::MAX` if unbounded.
    ///
    /// ```
    /// assert_eq!(gors_chan::make::<i32>(2).cap(), 2);
    /// ```
    pub fn cap(&self) -> usize {
        self.link.capacity().unwrap_or(usize::MAX)
    }

    /// Sends without waiting. Never panics: closed is an error.
    ///
    /// ```
    /// use gors_chan::{TrySendError, make};
    ///
    /// let c = make(1);
    /// assert_eq!(c.try_send(1), Ok(()));
    /// assert_eq!(c.try_send(2), Err(TrySendError::Full(2)));
    /// c.close();
    /// assert_eq!(c.try_send(3), Err(TrySendError::Disconnected(3)));
    /// ```
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        raw::point(Point::Try);
        self.link.try_send(value)
    }

    /// Receives without waiting.
    ///
    /// ```
    /// use gors_chan::{TryRecvError, make};
    ///
    /// let c = make::<i32>(1);
    /// assert_eq!(c.try_recv(), Err(TryRecvError::Empty));
    /// c.close();
    /// assert_eq!(c.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        raw::point(Point::Try);
        self.link.try_recv()
    }

    /// Sends, waiting at most `timeout`. Never panics: closed is an error.
    ///
    /// ```
    /// let c = gors_chan::make(0);
    /// assert!(c.send_timeout(1, std::time::Duration::from_millis(2)).unwrap_err().is_timeout());
    /// ```
    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.link.send_until(value, deadline_in(timeout))
    }

    /// Receives, waiting at most `timeout`.
    ///
    /// ```
    /// let c = gors_chan::make::<i32>(0);
    /// assert!(c.recv_timeout(std::time::Duration::from_millis(2)).unwrap_err().is_timeout());
    /// ```
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.link.recv_until(deadline_in(timeout))
    }

    /// A handle that only sends (Go's conversion to `chan<- T`).
    ///
    /// ```
    /// let c = gors_chan::make(1);
    /// fn producer(out: gors_chan::Sender<i32>) {
    ///     out.send(1).unwrap();
    /// }
    /// producer(c.sender());
    /// assert_eq!(c.recv(), Some(1));
    /// ```
    pub fn sender(&self) -> Sender<T> {
        Sender {
            link: self.link.retained(close::SENDER),
        }
    }

    /// A handle that only receives (Go's conversion to `<-chan T`).
    ///
    /// ```
    /// let c = gors_chan::make(1);
    /// c.send(1);
    /// assert_eq!(c.receiver().recv(), Ok(1));
    /// ```
    pub fn receiver(&self) -> Receiver<T> {
        Receiver {
            link: self.link.retained(close::RECEIVER),
        }
    }

    /// Lends this handle as a sender, for [`Select`](crate::Select) and functions that take
    /// `&Sender`.
    ///
    /// ```
    /// let c = gors_chan::make(1);
    /// c.as_sender().send(1).unwrap();
    /// assert_eq!(c.recv(), Some(1));
    /// ```
    pub fn as_sender(&self) -> &Sender<T> {
        // SAFETY: both are transparent over the same link; what a shared reference to a sender can
        // do is covered by the sender this handle counts as.
        unsafe { &*(&raw const *self).cast::<Sender<T>>() }
    }

    /// Lends this handle as a receiver, for [`Select`](crate::Select) and functions that take
    /// `&Receiver`.
    ///
    /// ```
    /// let c = gors_chan::make(1);
    /// c.send(1);
    /// let mut sel = gors_chan::Select::new();
    /// sel.recv(c.as_receiver());
    /// assert_eq!(sel.select().recv(c.as_receiver()), Ok(1));
    /// ```
    pub fn as_receiver(&self) -> &Receiver<T> {
        // SAFETY: as in `as_sender`.
        unsafe { &*(&raw const *self).cast::<Receiver<T>>() }
    }

    /// Iterates over received values until the channel is closed and drained (Go's `for v := range
    /// c`).
    ///
    /// ```
    /// let c = gors_chan::make(2);
    /// c.send(1);
    /// c.send(2);
    /// c.close();
    /// assert_eq!(c.iter().sum::<i32>(), 3);
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        self.as_receiver().iter()
    }

    /// How many receivers and senders wait. For tests, which have no other way to know that
    /// somebody blocks.
    #[doc(hidden)]
    pub fn __waiters(&self) -> (usize, usize) {
        self.link.get().map_or((0, 0), |core| core.waiters())
    }

    /// Both are the same channel (Go's `==`).
    ///
    /// ```
    /// let c = gors_chan::make::<i32>(0);
    /// assert!(c.same_channel(&c.clone()));
    /// ```
    pub fn same_channel(&self, other: &Chan<T>) -> bool {
        self.link.as_ptr() == other.link.as_ptr()
    }
}

#[cold]
#[inline(never)]
#[track_caller]
pub(crate) fn send_on_closed() -> ! {
    panic!("send on closed channel")
}

/// The nil channel, Go's zero value.
impl<T> Default for Chan<T> {
    fn default() -> Self {
        Chan::nil()
    }
}

impl<T> From<Chan<T>> for Sender<T> {
    fn from(c: Chan<T>) -> Self {
        c.sender()
    }
}

impl<T> From<Chan<T>> for Receiver<T> {
    fn from(c: Chan<T>) -> Self {
        c.receiver()
    }
}

impl<T> From<&Chan<T>> for Sender<T> {
    fn from(c: &Chan<T>) -> Self {
        c.sender()
    }
}

impl<T> From<&Chan<T>> for Receiver<T> {
    fn from(c: &Chan<T>) -> Self {
        c.receiver()
    }
}

impl<'a, T> IntoIterator for &'a Chan<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// Gives the sending side up: the iteration also ends when all other senders are gone.
impl<T> IntoIterator for Chan<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        self.receiver().into_iter()
    }
}
