//! The engine under `select!` and `Select`: chooses one of several operations, waiting if none is
//! possible.
//!
//! # Rounds
//!
//! 1. **Glance**, without locks: among the arms that look possible one is drawn at random (the
//!    first if biased), its channel alone is locked, and the arm is won if it still is possible. A
//!    single arm that looks impossible is a miss of a try without any lock.
//! 2. **Look**: all channels are locked in the order of their addresses, duplicates once, so that
//!    what is seen is one instant: "none is possible" is true of a moment. Again one of the
//!    possible arms is drawn.
//! 3. **Wait**: still under all locks, each arm's waiter is linked, and the task parks; the runtime
//!    releases the locks after the stack was left ([`order`](super::order)). One claim decides who
//!    wakes it: a peer, a close, or the deadline. Afterwards the other waiters are unlinked, each
//!    under its own channel's lock.
//!
//! A peer that gave up its side of a rendezvous ([`Outcome::Retry`]) starts the rounds again, with
//! the old deadline.
//!
//! # Fairness
//!
//! Drawing is reservoir sampling: uniform among the arms that are possible in that look, for any
//! number of arms.

use std::ptr;
use std::time::Instant;

use gors_runtime::raw::{self, Point, Task, WaitReason};

use super::arm::Arm;
use super::order::{INLINE_ARMS, Order};
use crate::core::Dir;
use crate::core::reserve::{After, Hold};
use crate::core::waiter::{Claim, Outcome, Waiter};

/// How long to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Patience {
    /// Not at all.
    Try,
    /// `None`: for ever.
    Until(Option<Instant>),
}

/// Wins one of `arms`: its index, and its `hold` says what was won.
///
/// # Safety
///
/// The arms are valid, distinct, and reached by nobody else meanwhile; their channels are alive;
/// their slots are null or, for a receive, places for their elements, for a send, values that may
/// be copied.
pub(crate) unsafe fn select(arms: &[*mut Arm], patience: Patience, biased: bool) -> Option<usize> {
    raw::point(match patience {
        Patience::Try => Point::Try,
        Patience::Until(_) => Point::Blocking,
    });
    // SAFETY: passed on throughout.
    unsafe { select_from_here(arms, patience, biased) }
}

/// [`select`] that is tried, of one arm: a miss, the most frequent answer, is inlined into the code
/// of the user.
///
/// # Safety
///
/// As [`select`].
#[inline(always)]
pub(crate) unsafe fn attempt_one(arm: *mut Arm, biased: bool) -> bool {
    raw::point(Point::Try);
    // One arm, one look: what it saw was true of a moment.
    //
    // SAFETY: passed on.
    unsafe { looks(arm) && attempt_likely(arm, biased) }
}

/// # Safety
///
/// As [`select`].
#[inline(never)]
unsafe fn attempt_likely(arm: *mut Arm, biased: bool) -> bool {
    // SAFETY: passed on.
    unsafe { select_from_here(&[arm], Patience::Try, biased).is_some() }
}

/// [`select`] after its point.
///
/// # Safety
///
/// As [`select`].
#[inline(always)]
unsafe fn select_from_here(arms: &[*mut Arm], patience: Patience, biased: bool) -> Option<usize> {
    // SAFETY: passed on throughout.
    unsafe {
        if let [arm] = *arms
            && !looks(arm)
        {
            // As in `attempt_one`.
            if patience == Patience::Try {
                return None;
            }
        } else if let Some(won) = glance(arms, biased) {
            return Some(won);
        } else if patience == Patience::Try && arms.len() <= 1 {
            return None;
        }
        select_slow(arms, patience, biased)
    }
}

/// # Safety
///
/// As [`select`].
#[inline(never)]
unsafe fn select_slow(arms: &[*mut Arm], patience: Patience, biased: bool) -> Option<usize> {
    // SAFETY: passed on throughout.
    unsafe {
        let mut inline = [ptr::null(); INLINE_ARMS];
        let mut heap = Vec::new();
        let order = Order::new(arms, &mut inline, &mut heap);
        loop {
            if patience != Patience::Try {
                raw::exit_point();
            }
            order.lock();
            match look(arms, &order, biased) {
                Look::Won(i) => return Some(i),
                Look::Again => continue,
                Look::None => {}
            }
            let Patience::Until(deadline) = patience else {
                order.unlock();
                return None;
            };
            // Arms on one channel queue up there one behind the other: which comes first is a
            // choice as well.
            let first = if biased || order.len() == arms.len() {
                0
            } else {
                below(arms.len() as u64) as usize
            };
            match wait(arms, first, &order, deadline) {
                Wake::Won(i) => return Some(i),
                // What has become possible at the last moment still counts.
                Wake::Deadline => return glance(arms, biased),
                Wake::Again => {}
            }
        }
    }
}

/// The arm looks possible, locked or not. A null core is never possible.
///
/// # Safety
///
/// As [`select`].
#[inline(always)]
unsafe fn looks(arm: *mut Arm) -> bool {
    // SAFETY: passed on.
    unsafe {
        let Some(core) = (*arm).core.as_ref() else {
            return false;
        };
        match (*arm).dir {
            Dir::Recv => core.hint_recv(),
            Dir::Send => core.hint_send(),
        }
    }
}

/// Draws one of the arms that look possible and, if `LOCKED`, were not found [missed](Arm::missed).
///
/// # Safety
///
/// As [`select`].
#[inline(always)]
unsafe fn draw<const LOCKED: bool>(arms: &[*mut Arm], biased: bool) -> Option<usize> {
    let mut drawn = None;
    let mut possible = 0;
    for (i, &arm) in arms.iter().enumerate() {
        // SAFETY: passed on.
        if unsafe { !looks(arm) || (LOCKED && (*arm).missed) } {
            continue;
        }
        if biased {
            return Some(i);
        }
        possible += 1;
        if possible == 1 || one_in(possible) {
            drawn = Some(i);
        }
    }
    drawn
}

/// A random number below `n`, which is below 2³². From the high bits, the good ones of any
/// generator.
#[inline]
fn below(n: u64) -> u64 {
    ((raw::random() >> 32) * n) >> 32
}

/// True with a chance of one in `n`.
#[inline(never)]
pub(super) fn one_in(n: u64) -> bool {
    below(n) == 0
}

/// Round 1.
///
/// # Safety
///
/// As [`select`].
#[inline]
unsafe fn glance(arms: &[*mut Arm], biased: bool) -> Option<usize> {
    // SAFETY: passed on; the lock is held around the grab.
    unsafe {
        loop {
            let i = draw::<false>(arms, biased)?;
            let arm = arms[i];
            let core = &*(*arm).core;
            core.lock();
            let grabbed = grab(arm);
            core.unlock_collect();
            let (hold, after) = grabbed?;
            if let Some(hold) = core.settle_grab(hold, after, (*arm).slot) {
                (*arm).hold = hold;
                return Some(i);
            }
        }
    }
}

/// Wins the arm if it is possible now.
///
/// # Safety
///
/// The arm's channel is locked.
#[inline]
unsafe fn grab(arm: *mut Arm) -> Option<(Hold, After)> {
    // SAFETY: passed on.
    unsafe {
        let core = &*(*arm).core;
        match (*arm).dir {
            Dir::Recv => core.grab_recv((*arm).slot),
            Dir::Send => core.grab_send(),
        }
    }
}

enum Look {
    /// The locks are released.
    Won(usize),
    /// The locks are released; a peer gave up.
    Again,
    /// The locks are still held.
    None,
}

/// Round 2, all channels locked.
///
/// # Safety
///
/// As [`select`]; `order` is locked.
unsafe fn look(arms: &[*mut Arm], order: &Order, biased: bool) -> Look {
    // SAFETY: passed on.
    unsafe {
        for &arm in arms {
            (*arm).missed = false;
        }
        while let Some(i) = draw::<true>(arms, biased) {
            let arm = arms[i];
            let Some((hold, after)) = grab(arm) else {
                (*arm).missed = true;
                continue;
            };
            order.unlock();
            return match (*(*arm).core).settle_grab(hold, after, (*arm).slot) {
                Some(hold) => {
                    (*arm).hold = hold;
                    Look::Won(i)
                }
                None => Look::Again,
            };
        }
        Look::None
    }
}

enum Wake {
    Won(usize),
    Deadline,
    Again,
}

/// Round 3, all channels locked; they are released. Links the waiters from `first` on.
///
/// # Safety
///
/// As [`select`]; `order` is locked.
unsafe fn wait(arms: &[*mut Arm], first: usize, order: &Order, deadline: Option<Instant>) -> Wake {
    let me = Task::current();
    me.arm();
    let mut until = deadline;
    // SAFETY: locked; the waiters stay until they are unlinked below.
    unsafe {
        for (i, &arm) in arms.iter().enumerate().cycle().skip(first).take(arms.len()) {
            if (*arm).core.is_null() {
                continue;
            }
            let core = &*(*arm).core;
            let waiter = Waiter::new(me, (*arm).slot, Claim::Shared, raw::FIRST_TOKEN + i);
            let waiter: *const Waiter = (*arm).waiter.write(waiter);
            core.link((*arm).dir, waiter);
            until = core.sooner_of_due(until);
        }
        let unlock = order.leave();
        me.park(WaitReason::Select, until, Some(unlock));
        let winner = me.claimed().checked_sub(raw::FIRST_TOKEN);
        for (i, &arm) in arms.iter().enumerate() {
            if (*arm).core.is_null() || winner == Some(i) {
                continue;
            }
            let core = &*(*arm).core;
            core.unlink((*arm).dir, (*arm).waiter.as_ptr());
        }
        let Some(i) = winner else {
            return if until == deadline {
                Wake::Deadline
            } else {
                Wake::Again
            };
        };
        let arm = arms[i];
        let waiter = (*arm).waiter.assume_init_ref();
        let link = waiter.link.get();
        (*arm).hold = match waiter.outcome.get() {
            Outcome::Done => Hold::Taken,
            Outcome::Closed => Hold::Closed,
            Outcome::Place => Hold::Place,
            Outcome::Value => Hold::Value,
            Outcome::Peer => Hold::Pending(link.cast()),
            Outcome::Meeting => Hold::Meeting(link.cast()),
            Outcome::Retry => return Wake::Again,
            other @ (Outcome::Pending | Outcome::Ready) => {
                unreachable!("a select was woken with {other:?}")
            }
        };
        Wake::Won(i)
    }
}
