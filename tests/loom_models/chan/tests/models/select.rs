//! `select` over two channels, reduced to what decides who wins: the real waiters, lists, claim and locks,
//! without the channels around them (with those loom stops at an assertion of its own). What is mirrored
//! here is `wait` of `chan/src/select/engine.rs`, and a peer that finds a waiter or leaves its offer.

use std::cell::Cell;
use std::ptr;
use std::sync::Arc;

use gors_runtime::raw::{FIRST_TOKEN, SpinLock, Task, WaitReason};
use gors_runtime::world::{goroutine, thread};

use model::UnsafeCell;

use crate::waiter::{Claim, Outcome, WaitList, Waiter};

struct Side {
    lock: SpinLock,
    list: WaitList,
    /// A peer came first.
    offered: Cell<bool>,
}

impl Side {
    fn locked<R>(&self, f: impl FnOnce() -> R) -> R {
        self.lock.lock();
        let result = f();
        // SAFETY: locked above.
        unsafe { self.lock.unlock() };
        result
    }
}

struct Both {
    sides: [Side; 2],
    /// The frame of the select: the waiters lie in it.
    frame: UnsafeCell<()>,
}

/// # Safety
///
/// Of a `Both` whose locks are held.
unsafe fn unlock_both(both: *const ()) {
    // SAFETY: the caller's promise; nothing is touched behind the last one.
    unsafe {
        let [first, second] = &(*both.cast::<Both>()).sides;
        first.lock.unlock();
        second.lock.unlock();
    }
}

fn select(both: &Both) {
    for side in &both.sides {
        side.lock.lock();
    }
    if let Some(side) = both.sides.iter().find(|side| side.offered.get()) {
        side.offered.set(false);
        // SAFETY: locked above.
        return unsafe { unlock_both(ptr::from_ref(both).cast()) };
    }
    let me = Task::current();
    me.arm();
    let waiters = [0, 1].map(|i| Waiter::new(me, ptr::null_mut(), Claim::Shared, FIRST_TOKEN + i));
    // SAFETY: locked and armed; both are unlinked before this returns.
    unsafe {
        for (side, waiter) in both.sides.iter().zip(&waiters) {
            side.list.push_back(waiter);
        }
        let unlock: gors_runtime::raw::Unlock = (unlock_both, ptr::from_ref(both).cast());
        me.park(WaitReason::Select, None, Some(unlock));
    }
    let won = me.claimed() - FIRST_TOKEN;
    let lost = 1 - won;
    if !model::mutated() {
        let side = &both.sides[lost];
        side.locked(|| {
            if waiters[lost].is_linked() {
                // SAFETY: locked, and linked here.
                unsafe { side.list.remove(&waiters[lost]) };
            }
        });
    }
    assert_eq!(waiters[won].outcome.get(), Outcome::Done);
    assert_eq!(waiters[lost].outcome.get(), Outcome::Pending, "two winners");
    both.frame.with_mut(|_| ());
}

/// A peer: wins the select's wait, or leaves its offer.
fn offer(both: &Both, i: usize) {
    let side = &both.sides[i];
    let waiter = side.locked(|| {
        if !side.list.is_empty() {
            both.frame.with(|_| ());
        }
        // SAFETY: locked.
        let waiter = unsafe { side.list.pop_claimed() };
        side.offered.set(waiter.is_null());
        waiter
    });
    if !waiter.is_null() {
        // SAFETY: claimed by this peer.
        unsafe { Waiter::finish(waiter, Outcome::Done) };
    }
}

pub fn one_winner() {
    let both = Arc::new(Both {
        sides: [0, 1].map(|_| Side {
            lock: SpinLock::new(),
            list: WaitList::new(),
            offered: Cell::new(false),
        }),
        frame: UnsafeCell::new(()),
    });
    model::touch(&*both);
    let (theirs, first) = (both.clone(), both.clone());
    let selector = goroutine(move || select(&theirs));
    let first = thread(move || offer(&first, 0));
    offer(&both, 1);
    first.join().unwrap();
    selector.join().unwrap();
    let left = both.sides.iter().filter(|side| side.offered.get()).count();
    assert_eq!(left, 1, "one of two offers is taken");
    assert!(both.sides.iter().all(|side| side.list.is_empty()));
}
