//! `Select::ready`: waits until an operation would not block, without performing it.
//!
//! Those who wait here are *observers*, on lists of their own: they take nothing, never count as
//! the wake-up of an operation, and all observers of a channel's side are woken when it becomes
//! ready. What they learn may be outdated by the time they run, which is what `ready` promises.

use std::ptr;
use std::time::Instant;

use gors_runtime::raw::{self, Task, WaitReason};

use super::arm::Arm;
use super::engine::{Patience, one_in};
use super::order::{INLINE_ARMS, Order};
use crate::core::waiter::{Claim, Waiter};

/// The index of an arm that is ready.
///
/// # Safety
///
/// As [`select`](super::engine::select).
pub(crate) unsafe fn ready(arms: &[*mut Arm], patience: Patience, biased: bool) -> Option<usize> {
    let mut inline = [ptr::null(); INLINE_ARMS];
    let mut heap = Vec::new();
    // SAFETY: passed on throughout.
    unsafe {
        let order = Order::new(arms, &mut inline, &mut heap);
        for &arm in arms {
            if let Some(core) = (*arm).core.as_ref() {
                core.prepare_to_observe();
            }
        }
        loop {
            if patience != Patience::Try {
                raw::exit_point();
            }
            order.lock();
            let drawn = draw(arms, biased);
            if drawn.is_some() || patience == Patience::Try {
                order.unlock();
                return drawn;
            }
            let Patience::Until(deadline) = patience else {
                unreachable!("a try has returned")
            };
            match wait(arms, &order, deadline) {
                Wake::Ready(i) => return Some(i),
                Wake::Deadline => return None,
                Wake::Again => {}
            }
        }
    }
}

/// # Safety
///
/// As [`ready`]; all channels are locked.
unsafe fn draw(arms: &[*mut Arm], biased: bool) -> Option<usize> {
    let mut drawn = None;
    let mut possible = 0;
    for (i, &arm) in arms.iter().enumerate() {
        // SAFETY: passed on.
        unsafe {
            if (*arm).core.is_null() || !(*(*arm).core).is_ready((*arm).dir) {
                continue;
            }
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

enum Wake {
    Ready(usize),
    Deadline,
    /// A timer's value may have become due, or a timer was set anew.
    Again,
}

/// # Safety
///
/// As [`ready`]; all channels are locked and get released.
unsafe fn wait(arms: &[*mut Arm], order: &Order, deadline: Option<Instant>) -> Wake {
    let me = Task::current();
    me.arm();
    let mut until = deadline;
    // SAFETY: locked; the waiters stay until they are unlinked below. The frame outlives the
    // release for the reason given at `order`.
    unsafe {
        for (i, &arm) in arms.iter().enumerate() {
            if (*arm).core.is_null() {
                continue;
            }
            let core = &*(*arm).core;
            let waiter = Waiter::new(me, ptr::null_mut(), Claim::Shared, raw::FIRST_TOKEN + i);
            core.observe((*arm).dir, (*arm).waiter.write(waiter));
            until = core.sooner_of_due(until);
        }
        let unlock = order.leave();
        me.park(WaitReason::Select, until, Some(unlock));
        for &arm in arms {
            if !(*arm).core.is_null() {
                let core = &*(*arm).core;
                core.lock();
                core.unobserve((*arm).dir, (*arm).waiter.as_ptr());
                core.unlock();
            }
        }
    }
    match me.claimed().checked_sub(raw::FIRST_TOKEN) {
        // SAFETY: passed on.
        Some(i) if unsafe { (*(*arms[i]).core).is_timer() } => Wake::Again,
        Some(i) => Wake::Ready(i),
        None if until == deadline => Wake::Deadline,
        None => Wake::Again,
    }
}
