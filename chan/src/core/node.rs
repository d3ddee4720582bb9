//! The waiter of a future: on the heap and counted, because its owner does not stay parked.
//!
//! A future may be polled or dropped at any moment, also between being claimed and being woken. So
//! its waiter lives in a [`Node`] with a reference count: the future holds one reference, being
//! linked in a list is another. Whoever pops it inherits the list's reference with the claim and
//! gives it up in [`finish`](Node::finish).
//!
//! Sending futures link a direct waiter in the channel's senders' list, with their value in the
//! node: any receiver can take it. Receiving futures are observers: they are told that a receive
//! may succeed and try again, all of them each time. So a receiving future that is dropped, or
//! never polled again, keeps neither a value nor a wake-up from anybody else.
//!
//! A node is linked once: after a claim, whoever won it may still follow its links.
//!
//! Wakers are called without locks, but sometimes on a worker's stack (when a park releases the
//! channel): like every waker they must not block. One that panics is reported and otherwise ignored.
//!
//! # Who may touch what
//!
//! The links and `linked`: under the channel's lock. The outcome: written by the claimer, under the
//! channel's lock or under the node's; read by the future under both. The waker: under the node's
//! lock; it is cloned before and woken or dropped after. The value: the claimer's from its claim
//! on; the future's again once an outcome other than `Done` is there; the last reference's to drop
//! if neither took it.

use std::cell::{Cell, UnsafeCell};
use std::mem::{self, MaybeUninit};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::task::Waker;

use gors_runtime::raw::{SpinLock, Task};

use super::waiter::{Claim, Outcome, Waiter};
use crate::shim::atomic::{AtomicUsize, Ordering, fence};

/// What every future's node begins with.
#[repr(C)]
pub(crate) struct Node {
    /// First, so that a waiter of kind [`Claim::Future`] is a node.
    waiter: Waiter,
    lock: SpinLock,
    refs: AtomicUsize,
    waker: UnsafeCell<Option<Waker>>,
    /// A value lies in `Full::value`.
    full: Cell<bool>,
    free: unsafe fn(*const Node),
}

/// A node with room for a value.
#[repr(C)]
struct Full<T> {
    node: Node,
    value: UnsafeCell<MaybeUninit<T>>,
}

/// A future's reference to its node.
pub(crate) struct NodeRef(*const Node);

// SAFETY: the module's text says which lock guards what. The value is a `T` that the future demands
// to be `Send`.
unsafe impl Send for NodeRef {}
// SAFETY: as above; nothing is reachable through a shared reference without the locks.
unsafe impl Sync for NodeRef {}

impl NodeRef {
    /// An observer's node.
    pub(crate) fn observer() -> NodeRef {
        NodeRef::new::<()>(None)
    }

    /// A sender's node, holding its value.
    pub(crate) fn sender<T>(value: T) -> NodeRef {
        NodeRef::new(Some(value))
    }

    fn new<T>(value: Option<T>) -> NodeRef {
        let full = Cell::new(value.is_some());
        let value = value.map_or(MaybeUninit::uninit(), MaybeUninit::new);
        let at = Box::into_raw(Box::new(Full {
            node: Node {
                waiter: Waiter::direct(Task::current(), ptr::null_mut(), Claim::Future),
                lock: SpinLock::new(),
                refs: AtomicUsize::new(1),
                waker: UnsafeCell::new(None),
                full,
                free: Node::free::<T>,
            },
            value: UnsafeCell::new(value),
        }));
        // SAFETY: fresh and not shared; the slot of a node that holds a value is that value's
        // place.
        unsafe {
            if (*at).node.full.get() {
                (*at).node.waiter.slot = (&raw mut (*at).value).cast();
            }
        }
        NodeRef(at.cast())
    }

    pub(crate) fn waiter(&self) -> &Waiter {
        // SAFETY: our reference keeps the node.
        unsafe { &(*self.0).waiter }
    }

    /// Counts the reference of a list that the waiter is about to be linked in.
    pub(crate) fn link(&self) -> *const Waiter {
        // SAFETY: our reference keeps the node.
        unsafe { (*self.0).refs.fetch_add(1, Ordering::Relaxed) };
        self.0.cast()
    }

    /// Gives up a list's reference after the waiter was unlinked by its own future.
    pub(crate) fn unlinked(&self) {
        // SAFETY: the caller has unlinked it, so that reference is its own now.
        unsafe { Node::release(self.0) }
    }

    /// Another reference, for a timer's goroutine.
    pub(crate) fn another(&self) -> NodeRef {
        NodeRef(self.link().cast())
    }

    /// How the wait has ended so far. Under the channel's lock.
    pub(crate) fn outcome(&self) -> Outcome {
        self.locked(|node| node.waiter.outcome.get())
    }

    /// Replaces the waker and returns the old one, to be dropped without locks.
    #[must_use]
    pub(crate) fn set_waker(&self, waker: Waker) -> Option<Waker> {
        // SAFETY: the waker is guarded by the node's lock.
        self.locked(|node| unsafe { (*node.waker.get()).replace(waker) })
    }

    /// Takes the waker out to wake it.
    pub(crate) fn take_waker(&self) -> Option<Waker> {
        // SAFETY: as above.
        self.locked(|node| unsafe { (*node.waker.get()).take() })
    }

    fn locked<R>(&self, f: impl FnOnce(&Node) -> R) -> R {
        // SAFETY: our reference keeps the node; locked and unlocked here, `f` is code of this
        // module.
        unsafe {
            let node = &*self.0;
            node.lock.lock();
            let r = f(node);
            node.lock.unlock();
            r
        }
    }

    /// Takes the value back.
    ///
    /// # Safety
    ///
    /// The node was made by [`sender`](Self::sender) with a `T`, still holds it, and no claim on it
    /// is open.
    pub(crate) unsafe fn take_value<T>(&self) -> T {
        // SAFETY: passed on.
        unsafe {
            debug_assert!((*self.0).full.get());
            (*self.0).full.set(false);
            (*(*self.0.cast::<Full<T>>()).value.get()).assume_init_read()
        }
    }
}

impl Drop for NodeRef {
    fn drop(&mut self) {
        // SAFETY: our reference.
        unsafe { Node::release(self.0) }
    }
}

impl Node {
    /// Ends the wait of a claimed waiter: with `outcome` if it is not yet set, wakes the future,
    /// and gives the claimer's reference up.
    ///
    /// # Safety
    ///
    /// `waiter` is of kind [`Claim::Future`], its claim is the caller's, and no lock is held.
    #[cold]
    pub(super) unsafe fn finish(waiter: *const Waiter, outcome: Option<Outcome>) {
        let node = waiter.cast::<Node>();
        // SAFETY: the claimer's reference keeps the node; fields are guarded by its lock.
        unsafe {
            (*node).lock.lock();
            if let Some(outcome) = outcome {
                (*node).waiter.outcome.set(outcome);
            }
            if (*node).waiter.outcome.get() == Outcome::Done {
                (*node).full.set(false);
            }
            let waker = (*(*node).waker.get()).take();
            (*node).lock.unlock();
            // The user's code: the waker, and the drop of a value whose future is gone. The caller has
            // moved a value, has others to wake, or is a worker that left a stack: none of them may
            // unwind. The panic has been reported by its hook.
            let ended = catch_unwind(AssertUnwindSafe(|| {
                Node::release(node);
                if let Some(waker) = waker {
                    waker.wake();
                }
            }));
            if let Err(payload) = ended {
                // Its drop may panic as well.
                mem::forget(payload);
            }
        }
    }

    /// # Safety
    ///
    /// The caller gives up a reference.
    unsafe fn release(node: *const Node) {
        // SAFETY: passed on.
        unsafe {
            if (*node).refs.fetch_sub(1, Ordering::Release) == 1 {
                fence(Ordering::Acquire);
                ((*node).free)(node);
            }
        }
    }

    /// # Safety
    ///
    /// The last reference is gone; the node is a `Full<T>`.
    unsafe fn free<T>(node: *const Node) {
        // SAFETY: passed on. A value that nobody took is dropped after the box has its ownership
        // again.
        unsafe {
            let full = Box::from_raw(node.cast_mut().cast::<Full<T>>());
            if full.node.full.get() && full.node.waiter.outcome.get() != Outcome::Done {
                drop((*full.value.get()).assume_init_read());
            }
        }
    }
}
