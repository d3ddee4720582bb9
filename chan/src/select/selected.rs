//! [`SelectedOperation`]: an operation that a [`Select`](super::builder::Select) has won.

use std::fmt;
use std::marker::PhantomData;
use std::mem::{self, MaybeUninit};

use super::arm::complete_send;
use crate::core::recv::RecvEnd;
use crate::core::reserve::{Completion, Hold};
use crate::core::{Core, Dir};
use crate::error::{RecvError, SendError};
use crate::receiver::Receiver;
use crate::sender::Sender;

/// An operation that a [`Select`](crate::Select) has won. Complete it with [`send`](Self::send) or
/// [`recv`](Self::recv): a peer may be waiting for that. Dropping it gives the operation up and
/// panics.
#[must_use = "a won operation must be completed: its peer waits for that"]
pub struct SelectedOperation<'a> {
    pub(super) core: *const Core,
    pub(super) hold: Hold,
    pub(super) dir: Dir,
    pub(super) index: usize,
    pub(super) _handles: PhantomData<&'a ()>,
}

impl SelectedOperation<'_> {
    /// The number of the operation, as [`Select::send`](crate::Select::send) or [`Select::recv`](crate::Select::recv) gave it.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Completes a send through `s` or a clone of it. If the operation was chosen because the
    /// channel is closed, this fails.
    ///
    /// # Panics
    ///
    /// If this operation is not a send on this channel.
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded(1);
    /// let mut sel = gors_chan::Select::new();
    /// sel.send(&s);
    /// sel.select().send(&s, 5).unwrap();
    /// assert_eq!(r.recv(), Ok(5));
    /// ```
    #[track_caller]
    pub fn send<T>(mut self, s: &Sender<T>, msg: T) -> Result<(), SendError<T>> {
        assert!(
            self.dir == Dir::Send && s.link.as_ptr() == self.core,
            "passed a sender that wasn't selected"
        );
        let hold = mem::replace(&mut self.hold, Hold::None);
        // SAFETY: `s` keeps the channel alive and says that its elements are `T`s; used once.
        unsafe { complete_send(&*self.core, hold, msg) }.map_err(SendError)
    }

    /// Completes a receive through `r` or a clone of it. If the operation was chosen because the
    /// channel is closed, this fails.
    ///
    /// # Panics
    ///
    /// If this operation is not a receive on this channel.
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded::<i32>(0);
    /// drop(s);
    /// let mut sel = gors_chan::Select::new();
    /// sel.recv(&r);
    /// assert!(sel.select().recv(&r).is_err());
    /// ```
    #[track_caller]
    pub fn recv<T>(mut self, r: &Receiver<T>) -> Result<T, RecvError> {
        assert!(
            self.dir == Dir::Recv && r.link.as_ptr() == self.core,
            "passed a receiver that wasn't selected"
        );
        let hold = mem::replace(&mut self.hold, Hold::None);
        let mut place = MaybeUninit::<T>::uninit();
        // SAFETY: `r` keeps the channel alive and says that its elements are `T`s; used once. The
        // place holds a value if the completion, or the plain receive in its stead, says so.
        unsafe {
            let core = &*self.core;
            let dst = place.as_mut_ptr().cast();
            let got = match core.complete_recv(hold, dst) {
                Completion::Done => true,
                Completion::Closed => false,
                Completion::Retry => core.recv(dst, size_of::<T>()) == RecvEnd::Got,
            };
            if got {
                Ok(place.assume_init())
            } else {
                Err(RecvError)
            }
        }
    }
}

impl Drop for SelectedOperation<'_> {
    fn drop(&mut self) {
        if matches!(self.hold, Hold::None) {
            return;
        }
        // SAFETY: the handles of the list keep the channel alive; not completed.
        unsafe { (*self.core).give_back(self.hold) };
        if !std::thread::panicking() {
            panic!("dropped `SelectedOperation` without completing the operation");
        }
    }
}

impl fmt::Debug for SelectedOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SelectedOperation { .. }")
    }
}
