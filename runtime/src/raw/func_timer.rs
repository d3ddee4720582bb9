//! Timers that run a function, each time in a goroutine of its own: what `gors::time::after_func` is
//! made of.
//!
//! # Who owns it
//!
//! A [`FuncTimer`] and its armed node each hold a reference to the memory. Whoever moves the node
//! out of its heap (a stop, a rearm that arms nothing, the one that fires it) takes over the node's
//! reference: a stop drops it, the one that fires passes it to the goroutine. So a timer fires even
//! if its handle is gone, and its memory goes with the last of the two. Nothing of the user's runs or
//! is dropped where timers are fired.

use std::cell::UnsafeCell;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::bubble::{self, Bubble};
use crate::goroutine::RecordPtr;
use crate::stack::current_slot;
use crate::timer::{self, Node, Starter};
use crate::{clock, mode, spawn};

/// The memory of a timer. The node comes first: a pointer to it is one to the whole.
#[repr(C)]
struct Inner<F> {
    node: Node,
    created: &'static Location<'static>,
    /// Taken by the goroutine of a function that runs once; shared by those of one that runs again.
    function: UnsafeCell<Option<F>>,
}

// SAFETY: the node is touched by the timer module under its shard's lock. A function that runs once
// is taken by the one goroutine that ever fires; one that runs again is only shared, and is Sync.
unsafe impl<F: Send> Sync for Inner<F> {}
// SAFETY: the function is Send, and so is what else is in it.
unsafe impl<F: Send> Send for Inner<F> {}

/// Hides the function's type.
trait Erased: Send + Sync {}

impl<F: Send> Erased for Inner<F> {}

/// A timer that runs a function. Dropping it does not stop it.
pub struct FuncTimer {
    inner: Arc<dyn Erased>,
    /// The whole of `inner`, by its first field.
    node: *const Node,
    /// The function can run more than once.
    again: bool,
    /// The bubble whose clock it is on, and whose goroutines it makes.
    bubble: Option<Arc<Bubble>>,
}

// SAFETY: `node` points into `inner`, which is Sync.
unsafe impl Send for FuncTimer {}
// SAFETY: as above.
unsafe impl Sync for FuncTimer {}

impl FuncTimer {
    /// Runs `f` in a goroutine of its own after `delay`, once.
    #[track_caller]
    pub fn once<F>(delay: Duration, f: F) -> Self
    where
        F: FnOnce() + Send + 'static,
    {
        let starter = const {
            &Starter {
                start: start_once::<F>,
                discard: discard::<F>,
            }
        };
        Self::new(delay, f, starter, false)
    }

    /// Runs `f` in a goroutine of its own after `delay`, and again after each later
    /// [`reset`](Self::reset).
    #[track_caller]
    pub fn again<F>(delay: Duration, f: F) -> Self
    where
        F: Fn() + Send + Sync + 'static,
    {
        let starter = const {
            &Starter {
                start: start_again::<F>,
                discard: discard::<F>,
            }
        };
        Self::new(delay, f, starter, true)
    }

    #[track_caller]
    fn new<F: Send + 'static>(
        delay: Duration,
        f: F,
        starter: &'static Starter,
        again: bool,
    ) -> Self {
        // Somebody must be there to fire it.
        crate::sched::start();
        let hint = current_slot().map(|slot| slot.worker().id);
        let bubble = mode::any()
            .then(bubble::for_new_goroutine)
            .flatten()
            .cloned();
        let home = bubble.as_ref().map(|bubble| &bubble.timers);
        let inner = Arc::new(Inner {
            node: Node::starting(starter, home, hint),
            created: Location::caller(),
            function: UnsafeCell::new(Some(f)),
        });
        let node = Arc::as_ptr(&inner).cast::<Node>();
        let this = Self {
            inner,
            node,
            again,
            bubble,
        };
        this.reset(delay);
        this
    }

    /// Arms the timer for `delay` from now. True if it was armed. One whose function runs once stays
    /// as it is if that has happened.
    pub fn reset(&self, delay: Duration) -> bool {
        // 584 years fit; the largest number is the mark of no deadline.
        let delay = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        let now = match &self.bubble {
            None => clock::now().saturating_add(clock::slack(delay)),
            Some(bubble) => bubble.now(),
        };
        let when = now.saturating_add(delay).min(timer::NEVER - 1);
        crate::sanitize::release(self.node);
        // The reference is forgotten as a clone, because it is the node's from now on.
        let add_reference = || std::mem::forget(Arc::clone(&self.inner));
        // SAFETY: `inner` is a reference beside the one given to the node.
        let was_armed = unsafe { timer::rearm(self.node, when, self.again, add_reference) };
        if let Some(bubble) = &self.bubble {
            bubble.timer_added();
        }
        was_armed
    }

    /// Disarms the timer. True if it was armed, and so the function does not run. Does not wait for a
    /// function that runs.
    pub fn stop(&self) -> bool {
        // SAFETY: `inner` keeps the node.
        let stopped = timer::cancel(unsafe { &*self.node });
        if stopped {
            // SAFETY: the node was moved out by us, so its reference is ours; it came out of
            // `forget` in `reset`.
            drop(unsafe { Arc::from_raw(Arc::as_ptr(&self.inner)) });
        }
        stopped
    }
}

/// # Safety
///
/// `node` is the first field of an `Inner<F>`, and its reference is the caller's.
unsafe fn start_once<F: FnOnce() + Send + 'static>(node: *const Node) -> RecordPtr {
    // SAFETY: the caller's promise.
    let inner = unsafe { Arc::from_raw(node.cast::<Inner<F>>()) };
    let created = inner.created;
    spawn::start_by_timer(
        move || {
            crate::sanitize::acquire(Arc::as_ptr(&inner));
            // SAFETY: such a timer fires once: nobody else takes, and nobody else looks.
            let function = unsafe { (*inner.function.get()).take() };
            drop(inner);
            if let Some(function) = function {
                function();
            }
        },
        created,
    )
}

/// # Safety
///
/// As [`start_once`].
unsafe fn discard<F>(node: *const Node) {
    // SAFETY: the caller's promise.
    drop(unsafe { Arc::from_raw(node.cast::<Inner<F>>()) });
}

/// # Safety
///
/// As [`start_once`].
unsafe fn start_again<F: Fn() + Send + Sync + 'static>(node: *const Node) -> RecordPtr {
    // SAFETY: the caller's promise.
    let inner = unsafe { Arc::from_raw(node.cast::<Inner<F>>()) };
    let created = inner.created;
    spawn::start_by_timer(
        move || {
            crate::sanitize::acquire(Arc::as_ptr(&inner));
            // SAFETY: such a function is never taken.
            if let Some(function) = unsafe { (*inner.function.get()).as_ref() } {
                function();
            }
        },
        created,
    )
}

impl fmt::Debug for FuncTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FuncTimer").finish_non_exhaustive()
    }
}
