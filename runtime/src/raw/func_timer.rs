//! Timers that run a function, each time in a goroutine of its own: what `gors::time::after_func` is
//! made of.
//!
//! Who keeps its memory is written in `timer/node.rs`. A timer fires even if its handle is gone. Nothing
//! of the user's runs or is dropped where timers are fired.

use std::cell::UnsafeCell;
use std::fmt;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use crate::bubble::{self, Bubble};
use crate::goroutine::RecordPtr;
use crate::stack::current_slot;
use crate::timer::{self, Starter, Starting};
use crate::{clock, mode, spawn};

/// The memory of a timer. A pointer to its first field is one to the whole.
#[repr(C)]
struct Inner<F> {
    timer: Starting,
    created: &'static Location<'static>,
    /// Taken by the goroutine of a function that runs once; shared by those of one that runs again.
    function: UnsafeCell<Option<F>>,
}

/// A timer that runs a function. Dropping it does not stop it.
pub struct FuncTimer {
    /// The first field of an [`Inner`], which this is the handle of.
    timer: NonNull<Starting>,
    /// The function can run more than once.
    again: bool,
    /// The bubble whose clock it is on, and whose goroutines it makes.
    bubble: Option<Arc<Bubble>>,
}

// SAFETY: what `timer` points to is touched by the timer module under its shard's lock; the function
// is Send, and if more than one goroutine may run it, Sync.
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
                free: free::<F>,
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
                free: free::<F>,
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
        let inner = Box::new(Inner {
            timer: Starting::new(starter, home, hint),
            created: Location::caller(),
            function: UnsafeCell::new(Some(f)),
        });
        let this = Self {
            timer: NonNull::from(Box::leak(inner)).cast(),
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
        crate::sanitize::release(self.timer.as_ptr());
        // SAFETY: this is the handle.
        let was_armed = unsafe { timer::rearm(self.timer.as_ptr(), when, self.again) };
        if let Some(bubble) = &self.bubble {
            bubble.timer_added();
            if bubble.is_over() {
                // What was armed after the bubble's end has cleared its timers would stay there for
                // ever. If the end is not seen yet, it clears them later.
                bubble.timers.discard_all();
            }
        }
        was_armed
    }

    /// Disarms the timer. True if it was armed, and so the function does not run. Does not wait for a
    /// function that runs.
    pub fn stop(&self) -> bool {
        // SAFETY: this is the handle.
        unsafe { timer::stop(self.timer.as_ptr()) }
    }
}

impl Drop for FuncTimer {
    fn drop(&mut self) {
        // SAFETY: this is the handle, and it is not used after that.
        unsafe { timer::abandon(self.timer.as_ptr()) };
    }
}

/// A goroutine's reference to its timer.
struct Fired<F>(*const Inner<F>);

// SAFETY: a function that runs once is taken by the one goroutine that ever fires; one that runs again
// is only shared, and is Sync.
unsafe impl<F: Send> Send for Fired<F> {}

impl<F> Fired<F> {
    /// # Safety
    ///
    /// As [`start_once`].
    unsafe fn new(timer: *const Starting) -> Self {
        Self(timer.cast())
    }

    fn created(&self) -> &'static Location<'static> {
        // SAFETY: the reference keeps it.
        unsafe { (*self.0).created }
    }

    fn function(&self) -> *mut Option<F> {
        // What came before it was armed comes before the function.
        crate::sanitize::acquire(self.0);
        // SAFETY: the reference keeps it.
        unsafe { (*self.0).function.get() }
    }
}

impl<F> Drop for Fired<F> {
    fn drop(&mut self) {
        // SAFETY: it is ours.
        unsafe { timer::release(self.0.cast()) };
    }
}

/// # Safety
///
/// `timer` is the first field of an `Inner<F>`, and the goroutine's reference to it is the caller's.
unsafe fn start_once<F: FnOnce() + Send + 'static>(timer: *const Starting) -> RecordPtr {
    // SAFETY: the caller's promise.
    let fired = unsafe { Fired::<F>::new(timer) };
    let created = fired.created();
    spawn::start_by_timer(
        move || {
            // SAFETY: such a timer fires once: nobody else takes, and nobody else looks.
            let function = unsafe { (*fired.function()).take() };
            drop(fired);
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
unsafe fn start_again<F: Fn() + Send + Sync + 'static>(timer: *const Starting) -> RecordPtr {
    // SAFETY: the caller's promise.
    let fired = unsafe { Fired::<F>::new(timer) };
    let created = fired.created();
    spawn::start_by_timer(
        move || {
            // SAFETY: such a function is never taken.
            if let Some(function) = unsafe { (*fired.function()).as_ref() } {
                function();
            }
        },
        created,
    )
}

/// # Safety
///
/// `timer` is the first field of an `Inner<F>`, and nobody has a reference to it any more.
unsafe fn free<F>(timer: *const Starting) {
    // SAFETY: the caller's promise; it was made as a box.
    drop(unsafe { Box::from_raw(timer.cast_mut().cast::<Inner<F>>()) });
}

impl fmt::Debug for FuncTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FuncTimer").finish_non_exhaustive()
    }
}
