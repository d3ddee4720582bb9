//! Rust's face: [`Sender`] and [`Receiver`], crossbeam-channel's handles, and `close`.
//!
//! A handle is one pointer; no pointer is the channel that is never ready (`never()`, nil). The three handle types
//! differ in nothing else, so a [`Chan`](crate::Chan) can lend itself as either of the two.

use std::fmt;
use std::marker::PhantomData;
use std::mem::{self, MaybeUninit};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use gors_runtime::raw::{self, Task, WaitReason};

use crate::clock;
use crate::core::recv::RecvEnd;
use crate::core::send::SendEnd;
use crate::core::{Core, UNBOUNDED, close, flag};
use crate::error::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
use crate::iter::{IntoIter, Iter, TryIter};

/// The channel behind a handle; `None` is never ready. Counts nothing by itself.
#[repr(transparent)]
pub(crate) struct Link<T> {
    core: Option<NonNull<Core>>,
    // Invariant in T, as a cell of T would be.
    _elem: PhantomData<fn(T) -> T>,
}

impl<T> Clone for Link<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Link<T> {}

impl<T> Link<T> {
    pub(crate) const NEVER: Link<T> = Link {
        core: None,
        _elem: PhantomData,
    };

    /// `core`'s elements must be `T`s: every constructor of handles says so.
    pub(crate) fn new(core: NonNull<Core>) -> Link<T> {
        Link {
            core: Some(core),
            _elem: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> Option<&Core> {
        // SAFETY: a handle counts itself, so the core outlives it.
        self.core.map(|core| unsafe { core.as_ref() })
    }

    pub(crate) fn as_ptr(&self) -> *const Core {
        self.core
            .map_or(std::ptr::null(), |core| core.as_ptr().cast_const())
    }

    #[inline]
    pub(crate) fn retained(&self, what: u64) -> Link<T> {
        if let Some(core) = self.get() {
            core.retain(what);
        }
        *self
    }

    /// # Safety
    ///
    /// The handle owns `what` and goes.
    #[inline]
    pub(crate) unsafe fn release(&self, what: u64) {
        if let Some(core) = self.get() {
            // SAFETY: passed on.
            unsafe { core.release::<T>(what) }
        }
    }

    #[inline]
    pub(crate) fn send(&self, value: T) -> Result<(), T> {
        let Some(core) = self.get() else {
            block_for_ever(WaitReason::ChanSendNil)
        };
        offer(value, |src| {
            // SAFETY: the address of a value of the element type; `offer` takes it back unless it was sent.
            unsafe { core.send(src, size_of::<T>()) }
        })
        .map_err(|(value, _)| value)
    }

    #[inline]
    pub(crate) fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let Some(core) = self.get() else {
            return Err(TrySendError::Full(value));
        };
        offer(value, |src| {
            // SAFETY: as in `send`.
            unsafe { core.try_send(src, size_of::<T>()) }
        })
        .map_err(|(value, end)| match end {
            SendEnd::Closed => TrySendError::Disconnected(value),
            _ => TrySendError::Full(value),
        })
    }

    pub(crate) fn send_until(
        &self,
        value: T,
        deadline: Option<Instant>,
    ) -> Result<(), SendTimeoutError<T>> {
        let Some(deadline) = deadline else {
            return self.send(value).map_err(SendTimeoutError::Disconnected);
        };
        let Some(core) = self.get() else {
            sleep_until(WaitReason::ChanSendNil, deadline);
            return Err(SendTimeoutError::Timeout(value));
        };
        offer(value, |src| {
            // SAFETY: as in `send`.
            unsafe { core.send_until(src, size_of::<T>(), deadline) }
        })
        .map_err(|(value, end)| match end {
            SendEnd::Closed => SendTimeoutError::Disconnected(value),
            _ => SendTimeoutError::Timeout(value),
        })
    }

    #[inline]
    pub(crate) fn recv(&self) -> Option<T> {
        let Some(core) = self.get() else {
            block_for_ever(WaitReason::ChanReceiveNil)
        };
        let mut place = MaybeUninit::<T>::uninit();
        // SAFETY: a place of the element type, which holds a value if `Got`.
        unsafe {
            match core.recv(place.as_mut_ptr().cast(), size_of::<T>()) {
                RecvEnd::Got => Some(place.assume_init()),
                _ => None,
            }
        }
    }

    #[inline]
    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        let Some(core) = self.get() else {
            return Err(TryRecvError::Empty);
        };
        let mut place = MaybeUninit::<T>::uninit();
        // SAFETY: as in `recv`.
        unsafe {
            match core.try_recv(place.as_mut_ptr().cast(), size_of::<T>()) {
                RecvEnd::Got => Ok(place.assume_init()),
                RecvEnd::Closed => Err(TryRecvError::Disconnected),
                RecvEnd::NotNow => Err(TryRecvError::Empty),
            }
        }
    }

    pub(crate) fn recv_until(&self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        let Some(deadline) = deadline else {
            return self.recv().ok_or(RecvTimeoutError::Disconnected);
        };
        let Some(core) = self.get() else {
            sleep_until(WaitReason::ChanReceiveNil, deadline);
            return Err(RecvTimeoutError::Timeout);
        };
        let mut place = MaybeUninit::<T>::uninit();
        // SAFETY: as in `recv`.
        unsafe {
            match core.recv_until(place.as_mut_ptr().cast(), size_of::<T>(), deadline) {
                RecvEnd::Got => Ok(place.assume_init()),
                RecvEnd::Closed => Err(RecvTimeoutError::Disconnected),
                RecvEnd::NotNow => Err(RecvTimeoutError::Timeout),
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.get().map_or(0, |core| {
            if core.flags() & flag::TIMER != 0 {
                usize::from(core.cap != 0 && core.is_due())
            } else {
                core.len()
            }
        })
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        match self.get() {
            None => Some(0),
            Some(core) => (core.cap != UNBOUNDED).then_some(core.cap),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.capacity().is_some_and(|cap| self.len() >= cap)
    }

    /// Closes; true if this call did. Owned channels are their owner's to end, and nil cannot be.
    pub(crate) fn close(&self) -> bool {
        self.get()
            .is_some_and(|core| core.flags() & flag::OWNED == 0 && core.close())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.get().is_some_and(Core::is_closed)
    }
}

/// Lends `value` to `send` by address, and takes it back if that fails or unwinds (a goexit).
#[inline(always)]
fn offer<T>(value: T, send: impl FnOnce(*const u8) -> SendEnd) -> Result<(), (T, SendEnd)> {
    let value = MaybeUninit::new(value);
    let lent = Lent(&value);
    let end = send(value.as_ptr().cast());
    mem::forget(lent);
    match end {
        SendEnd::Sent => Ok(()),
        // SAFETY: not sent, so still here.
        end => Err((unsafe { value.assume_init_read() }, end)),
    }
}

/// Drops a lent value on unwinding.
struct Lent<'a, T>(&'a MaybeUninit<T>);

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        // SAFETY: operations unwind only before they have published or moved the value, and nobody else drops it.
        drop(unsafe { self.0.assume_init_read() });
    }
}

#[cold]
#[inline(never)]
fn block_for_ever(reason: WaitReason) -> ! {
    raw::park_forever(reason)
}

/// Waits for nothing but the deadline.
#[cold]
pub(crate) fn sleep_until(reason: WaitReason, deadline: Instant) {
    raw::exit_point();
    Task::current().arm();
    // SAFETY: armed; nothing is published, only the deadline ends the wait.
    unsafe { raw::park(reason, Some(deadline), None) };
}

/// The deadline of a timeout; `None` if the clock cannot express it, which is for ever.
pub(crate) fn deadline_in(timeout: Duration) -> Option<Instant> {
    clock::now().checked_add(timeout)
}

/// The sending side of a channel (Go's `chan<- T`). Clones share it.
///
/// When the last sender is dropped the channel is closed: receivers drain what is queued, then fail.
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

// SAFETY: a handle moves values of T between threads and shares none.
unsafe impl<T: Send> Send for Sender<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Sender<T> {}
impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

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
        self.link.try_send(msg)
    }

    /// Sends, blocking while the buffer is full or, on a rendezvous channel, until somebody receives (Go's
    /// `c <- v`). Fails once the channel is closed or without receivers.
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
    pub fn send_deadline(&self, msg: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.link.send_until(msg, Some(deadline))
    }

    /// Closes the channel for all its handles: sends fail from now on, receivers drain what is queued, then fail.
    /// True if this call closed it (Go's `close`, which panics instead on a second call).
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
    pub fn is_closed(&self) -> bool {
        self.link.is_closed()
    }

    /// No value is queued. Always true on a rendezvous channel.
    pub fn is_empty(&self) -> bool {
        self.link.is_empty()
    }

    /// The buffer is full. Always true on a rendezvous channel.
    pub fn is_full(&self) -> bool {
        self.link.is_full()
    }

    /// How many values are queued (Go's `len`).
    pub fn len(&self) -> usize {
        self.link.len()
    }

    /// How many values the buffer takes (Go's `cap`); `None` if it is unbounded.
    pub fn capacity(&self) -> Option<usize> {
        self.link.capacity()
    }

    /// Both belong to one channel.
    ///
    /// ```
    /// let (a, _) = gors_chan::unbounded::<i32>();
    /// let (b, _) = gors_chan::unbounded::<i32>();
    /// assert!(a.same_channel(&a.clone()));
    /// assert!(!a.same_channel(&b));
    /// ```
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        self.link.as_ptr() == other.link.as_ptr()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender {
            link: self.link.retained(close::SENDER),
        }
    }
}

impl<T> Drop for Sender<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this handle's count, given up once.
        unsafe { self.link.release(close::SENDER) }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Sender { .. }")
    }
}

/// The receiving side of a channel (Go's `<-chan T`). Clones share it: each value goes to one of them.
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

    /// Receives, blocking until there is a value (Go's `<-c`). Fails once the channel is empty, and closed or
    /// without senders.
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

    /// As [`recv`](Self::recv), for at most `timeout`. A value that is there is received even if the time is up.
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
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.link.recv_until(Some(deadline))
    }

    /// Closes the channel for all its handles; see [`Sender::close`]. True if this call closed it. False on done,
    /// timer, tick and never channels, which only their owner ends.
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
    pub fn is_closed(&self) -> bool {
        self.link.is_closed()
    }

    /// No value is queued. Always true on a rendezvous channel.
    pub fn is_empty(&self) -> bool {
        self.link.is_empty()
    }

    /// The buffer is full. Always true on a rendezvous channel.
    pub fn is_full(&self) -> bool {
        self.link.is_full()
    }

    /// How many values are queued (Go's `len`).
    pub fn len(&self) -> usize {
        self.link.len()
    }

    /// How many values the buffer takes (Go's `cap`); `None` if it is unbounded.
    pub fn capacity(&self) -> Option<usize> {
        self.link.capacity()
    }

    /// Iterates over received values, blocking for each, until the channel is closed and drained (Go's
    /// `for v := range c`).
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
