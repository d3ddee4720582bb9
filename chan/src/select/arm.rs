//! Arms: one operation of a `select!`, typed outside and erased for the engine.
//!
//! An arm lives in the frame of the `select!` that made it. The engine links its waiter and, for a
//! receive, writes its slot; both only while the engine runs, which holds the arm borrowed.
//! Everything public here is for the macro's expansion and safe to misuse: completing an arm that
//! was not chosen panics.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

use crate::core::reserve::{Completion, Hold};
use crate::core::send::SendEnd;
use crate::core::waiter::Waiter;
use crate::core::{Core, Dir};
use crate::error::{RecvError, SendError};
use crate::go::{Chan, send_on_closed};
use crate::link::{Link, offer};
use crate::receiver::Receiver;
use crate::sender::Sender;

/// An operation as the engine sees it.
pub(crate) struct Arm {
    /// Null: never ready.
    pub(crate) core: *const Core,
    pub(crate) dir: Dir,
    /// Looked at in this round of the engine and found not possible after all.
    pub(crate) missed: bool,
    /// Where the value goes or, preset, is. Null only reserves.
    pub(crate) slot: *mut u8,
    /// What was won, once the engine has chosen this arm.
    pub(crate) hold: Hold,
    /// Linked only while the engine waits.
    pub(crate) waiter: MaybeUninit<Waiter>,
}

impl Arm {
    #[inline(always)]
    pub(crate) fn new(core: *const Core, dir: Dir) -> Arm {
        Arm {
            core,
            dir,
            missed: false,
            slot: ptr::null_mut(),
            hold: Hold::None,
            waiter: MaybeUninit::uninit(),
        }
    }
}

/// A borrowed arm, for the engine's list.
#[derive(Debug)]
#[repr(transparent)]
pub struct ArmRef<'a> {
    pub(crate) arm: *mut Arm,
    _borrow: PhantomData<&'a mut ()>,
}

/// What a handle's blocking operations return: the difference between the two faces.
pub trait Face {
    /// What a receive yields.
    type Received<T>;
    /// What a send yields.
    type Sent<T>;

    #[doc(hidden)]
    fn received<T>(value: Option<T>) -> Self::Received<T>;
    #[doc(hidden)]
    fn sent<T>(result: Result<(), T>) -> Self::Sent<T>;
}

/// `Chan`: `Option<T>`, and a panic on a closed channel.
#[derive(Debug)]
pub struct GoFace;

/// `Sender` and `Receiver`: `Result`s.
#[derive(Debug)]
pub struct RustFace;

impl Face for GoFace {
    type Received<T> = Option<T>;
    type Sent<T> = ();

    #[inline(always)]
    fn received<T>(value: Option<T>) -> Option<T> {
        value
    }

    #[inline(always)]
    #[track_caller]
    fn sent<T>(result: Result<(), T>) {
        if result.is_err() {
            send_on_closed();
        }
    }
}

impl Face for RustFace {
    type Received<T> = Result<T, RecvError>;
    type Sent<T> = Result<(), SendError<T>>;

    #[inline(always)]
    fn received<T>(value: Option<T>) -> Result<T, RecvError> {
        value.ok_or(RecvError)
    }

    #[inline(always)]
    fn sent<T>(result: Result<(), T>) -> Result<(), SendError<T>> {
        result.map_err(SendError)
    }
}

/// A receive arm.
pub struct RecvArm<'a, T, F> {
    arm: Arm,
    slot: MaybeUninit<T>,
    _of: PhantomData<(&'a Core, F)>,
}

/// What an arm borrows and yields.
type Of<'a, T, F> = PhantomData<(&'a Core, F, fn(T))>;

/// A send arm, which gets its value only once it has won. A [`preset`](SendArm::preset) value is
/// the exception: it lets a peer take the value without waiting for the arm to be completed.
pub struct SendArm<'a, T, F> {
    arm: Arm,
    preset: MaybeUninit<T>,
    is_preset: bool,
    _of: Of<'a, T, F>,
}

/// What a send arm has won. Has no destructor, so that what an arm borrows is free in the bodies of all
/// others.
pub struct Won<'a, T, F> {
    core: *const Core,
    hold: Hold,
    _of: Of<'a, T, F>,
}

// SAFETY: nobody minds who completes a send, if its value may go there. A body that awaits may be moved
// with the variable that has held this.
unsafe impl<T: Send, F> Send for Won<'_, T, F> {}

/// A won send. Dropping it gives the reservation up.
pub struct Reservation<'a, T, F> {
    core: *const Core,
    hold: Hold,
    _of: Of<'a, T, F>,
}

impl<'a, T, F: Face> RecvArm<'a, T, F> {
    #[inline(always)]
    fn new(link: &'a Link<T>) -> Self {
        RecvArm {
            arm: Arm::new(link.as_ptr(), Dir::Recv),
            slot: MaybeUninit::uninit(),
            _of: PhantomData,
        }
    }

    /// Borrows the arm for the engine, which moves it no more.
    #[inline(always)]
    pub fn arm(&mut self) -> ArmRef<'_> {
        self.arm.slot = self.slot.as_mut_ptr().cast();
        ArmRef {
            arm: &raw mut self.arm,
            _borrow: PhantomData,
        }
    }

    /// What was received, if this arm was chosen.
    #[inline(always)]
    pub fn finish(&mut self) -> F::Received<T> {
        let hold = std::mem::replace(&mut self.arm.hold, Hold::None);
        let place = &mut self.slot;
        match hold {
            // SAFETY: the engine has moved a value into the slot, and the hold is gone now.
            Hold::Taken => F::received(Some(unsafe { place.assume_init_read() })),
            Hold::Closed => F::received(None),
            Hold::Due(_) => {
                // SAFETY: won by this arm, completed once; a timer's receiver has elements of its
                // time's type.
                F::received(Some(unsafe {
                    (*self.arm.core).complete_recv(hold, place.as_mut_ptr().cast());
                    place.assume_init_read()
                }))
            }
            other => panic!("select!: this receive was not chosen ({other:?})"),
        }
    }
}

impl<'a, T, F: Face> SendArm<'a, T, F> {
    #[inline(always)]
    fn new(link: &'a Link<T>) -> Self {
        SendArm {
            arm: Arm::new(link.as_ptr(), Dir::Send),
            preset: MaybeUninit::uninit(),
            is_preset: false,
            _of: PhantomData,
        }
    }

    /// Says beforehand which value the arm will be completed with: for literals, of which it cannot
    /// be seen when they are evaluated.
    #[inline(always)]
    pub fn preset(&mut self, value: T)
    where
        T: Copy,
    {
        self.preset.write(value);
        self.is_preset = true;
    }

    /// Borrows the arm for the engine, which moves it no more.
    #[inline(always)]
    pub fn arm(&mut self) -> ArmRef<'_> {
        if self.is_preset {
            self.arm.slot = self.preset.as_mut_ptr().cast();
        }
        ArmRef {
            arm: &raw mut self.arm,
            _borrow: PhantomData,
        }
    }

    /// What this arm has won, if it was chosen.
    #[inline(always)]
    pub fn finish(&mut self) -> Won<'a, T, F> {
        let hold = std::mem::replace(&mut self.arm.hold, Hold::None);
        assert!(
            !matches!(hold, Hold::None),
            "select!: this send was not chosen"
        );
        Won {
            core: self.arm.core,
            hold,
            _of: PhantomData,
        }
    }
}

impl<'a, T, F> Won<'a, T, F> {
    /// From now on it is given up if it is not completed.
    #[inline(always)]
    pub fn reserve(self) -> Reservation<'a, T, F> {
        Reservation {
            core: self.core,
            hold: self.hold,
            _of: PhantomData,
        }
    }
}

impl<T, F: Face> Reservation<'_, T, F> {
    /// Gives `value` the type that is expected of it, as an argument has it. Its temporaries end with this
    /// call, before the value is sent.
    #[inline(always)]
    pub fn with(self, value: T) -> (Self, T) {
        (self, value)
    }

    /// Sends the value.
    #[inline]
    #[track_caller]
    pub fn complete(mut self, value: T) -> F::Sent<T> {
        let hold = std::mem::replace(&mut self.hold, Hold::None);
        if let Hold::Taken = hold {
            // A peer has taken the preset value, a copy of this one.
            return F::sent::<T>(Ok(()));
        }
        // SAFETY: the arm borrowed a handle of this core for `'a`; the hold is a send's and used
        // once.
        F::sent(unsafe { complete_send(&*self.core, hold, value) })
    }
}

impl<T, F> Drop for Reservation<'_, T, F> {
    #[inline]
    fn drop(&mut self) {
        if !matches!(self.hold, Hold::None) {
            // SAFETY: as above; not completed.
            unsafe { (*self.core).give_back(self.hold) }
        }
    }
}

/// Completes a held send; if the reserving peer has given up, the send is repeated as a plain one.
///
/// # Safety
///
/// `hold` is a send's of `core`, whose elements are `T`s, and used once.
#[inline]
pub(crate) unsafe fn complete_send<T>(core: &Core, hold: Hold, value: T) -> Result<(), T> {
    offer(value, |src| {
        // SAFETY: passed on; `offer` takes the value back unless it was sent.
        unsafe {
            match core.complete_send(hold, src) {
                Completion::Done => SendEnd::Sent,
                Completion::Closed => SendEnd::Closed,
                Completion::Retry => core.send(src, size_of::<T>()),
            }
        }
    })
    .map_err(|(value, _)| value)
}

impl<T> Receiver<T> {
    #[doc(hidden)]
    #[inline(always)]
    pub fn __gors_recv_arm(&self) -> RecvArm<'_, T, RustFace> {
        RecvArm::new(&self.link)
    }
}

impl<T> Sender<T> {
    #[doc(hidden)]
    #[inline(always)]
    pub fn __gors_send_arm(&self) -> SendArm<'_, T, RustFace> {
        SendArm::new(&self.link)
    }
}

impl<T> Chan<T> {
    #[doc(hidden)]
    #[inline(always)]
    pub fn __gors_recv_arm(&self) -> RecvArm<'_, T, GoFace> {
        RecvArm::new(&self.link)
    }

    #[doc(hidden)]
    #[inline(always)]
    pub fn __gors_send_arm(&self) -> SendArm<'_, T, GoFace> {
        SendArm::new(&self.link)
    }
}

impl<T, F> std::fmt::Debug for RecvArm<'_, T, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad("RecvArm { .. }")
    }
}

impl<T, F> std::fmt::Debug for SendArm<'_, T, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad("SendArm { .. }")
    }
}

impl<T, F> std::fmt::Debug for Won<'_, T, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad("Won { .. }")
    }
}

impl<T, F> std::fmt::Debug for Reservation<'_, T, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad("Reservation { .. }")
    }
}
