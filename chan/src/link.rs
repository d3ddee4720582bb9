//! What a handle holds: one pointer to the channel, and the typed operations on it.
//!
//! No pointer is the channel that is never ready (`never()`, nil). The handle types differ in what
//! they count as, in which operations they offer, and in how they report a closed channel; so a
//! [`Chan`](crate::Chan) can lend itself as either of the other two.

use std::marker::PhantomData;
use std::mem::{self, MaybeUninit};
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use gors_runtime::raw::{self, Task, WaitReason};

use crate::core::recv::{Look, RecvEnd};
use crate::core::send::SendEnd;
use crate::core::{Core, UNBOUNDED, flag};
use crate::error::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};

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
            // SAFETY: the address of a value of the element type; `offer` takes it back unless it
            // was sent.
            unsafe { core.send(src, size_of::<T>()) }
        })
        .map_err(|(value, _)| value)
    }

    #[inline]
    pub(crate) fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let Some(core) = self.get() else {
            return Err(TrySendError::Full(value));
        };
        // As in `try_recv`.
        if !core.hint_send() {
            return Err(TrySendError::Full(value));
        }
        Self::try_send_likely(core, value)
    }

    #[inline(never)]
    fn try_send_likely(core: &Core, value: T) -> Result<(), TrySendError<T>> {
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
        // A miss and the end are inlined into the code of the user, which may be polling; the rest
        // is not.
        match self.get().map(|core| (core, core.look())) {
            None | Some((_, Look::Nothing)) => Err(TryRecvError::Empty),
            Some((_, Look::End)) => Err(TryRecvError::Disconnected),
            Some((core, Look::Something)) => Self::try_recv_likely(core),
        }
    }

    #[inline(never)]
    fn try_recv_likely(core: &Core) -> Result<T, TryRecvError> {
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
pub(crate) fn offer<T>(
    value: T,
    send: impl FnOnce(*const u8) -> SendEnd,
) -> Result<(), (T, SendEnd)> {
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
        // SAFETY: operations unwind only before they have published or moved the value, and nobody
        // else drops it.
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
    raw::deadline_in(timeout)
}
