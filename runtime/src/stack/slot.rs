//! One stack and what belongs to it.
//!
//! The header sits at the top of the slot, so that an idle goroutine's header, first frames and
//! switch state share one page. At the bottom of the stack runs a loop, one goroutine after the other:
//! it is started when the first goroutine comes and stays, so one that starts on a recycled stack
//! costs a resume and no set-up.

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

use super::SizeClass;
use super::context::Context;
use crate::goroutine::Record;
use crate::goroutine::record::Small;
use crate::sanitize;
use crate::shim::atomic::{AtomicPtr, AtomicU64, Ordering};
use crate::worker::Worker;

/// What a goroutine wants of the worker when it switches to the worker's stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// The goroutine's function has ended; record and stack are free.
    Done,
    /// Wait; the commit is in the other fields.
    Park,
    /// Go to the tail of the run queue.
    Yield,
    /// Go to the injector: the worker has lost its permit.
    Requeue,
    /// As Park, by a member of a bubble.
    ParkInBubble,
    /// As Yield, by a member of a bubble.
    YieldInBubble,
}

/// The commit of a park: what the worker does once it has left the goroutine's stack.
#[derive(Clone, Copy)]
pub(crate) struct Commit {
    /// Released last.
    pub(crate) unlock: Option<crate::raw::Unlock>,
    /// Armed before the unlock; null if the wait has no deadline.
    pub(crate) timer: *const crate::timer::Node,
}

/// See the [module](self).
#[repr(C, align(64))]
pub(crate) struct Slot {
    /// The worker that runs, or last ran, this stack. Written before each resume by the thread
    /// that resumes; read on this stack only.
    worker: AtomicPtr<Worker>,
    /// The goroutine on this stack.
    pub(crate) record: Cell<*mut Record>,
    pub(crate) action: Cell<Action>,
    pub(crate) commit: Cell<Commit>,
    /// When the goroutine parked, on the scheduler's coarse clock. Written on the way into a park.
    pub(crate) parked_at: AtomicU64,
    /// For reports: the lock that the goroutine waits for.
    pub(crate) wants: crate::raw::Wants,
    context: Context,
    class: SizeClass,
    bottom: usize,
    /// A small closure that is about to run here.
    small: UnsafeCell<Small>,
    pub(crate) back: sanitize::Back,
}

impl Slot {
    pub(super) const fn new(class: SizeClass, bottom: usize) -> Self {
        Self {
            worker: AtomicPtr::new(ptr::null_mut()),
            record: Cell::new(ptr::null_mut()),
            action: Cell::new(Action::Done),
            commit: Cell::new(Commit {
                unlock: None,
                timer: ptr::null(),
            }),
            parked_at: AtomicU64::new(0),
            wants: crate::raw::Wants::new(),
            context: Context::new(),
            class,
            bottom,
            small: UnsafeCell::new([MaybeUninit::uninit(); _]),
            back: sanitize::Back::new(),
        }
    }

    /// Where a small closure lies from the goroutine's binding to its first step.
    #[inline]
    pub(crate) fn small(&self) -> *mut Small {
        self.small.get()
    }

    /// The worker whose thread runs this stack. For code on this stack, and not across a switch.
    #[inline]
    pub(crate) fn worker(&self) -> &'static Worker {
        // SAFETY: set before the first resume to a worker, and workers live for ever.
        unsafe { &*self.worker.load(Ordering::Relaxed) }
    }

    /// Whether the suspended goroutine on this stack was last run by `worker`. For its owner.
    pub(crate) fn ran_last_on(&self, worker: &Worker) -> bool {
        ptr::eq(self.worker.load(Ordering::Relaxed), worker)
    }

    /// The goroutine on this stack.
    #[inline]
    pub(crate) fn record(&self) -> &'static Record {
        // SAFETY: set by `run` before anything executes on the stack; records live for ever.
        unsafe { &*self.record.get() }
    }

    /// Starts to load what a goroutine touches first on this stack: the header and the frames next to
    /// it. For a stack that has been left alone for long, some microseconds ahead.
    #[inline]
    pub(crate) fn prefetch(slot: NonNull<Slot>) {
        /// Bytes of frames that a goroutine touches when it starts, or goes on, and ends.
        const FRAMES: usize = 384;
        #[cfg(target_arch = "x86_64")]
        for line in (0..size_of::<Slot>() + FRAMES).step_by(64) {
            let at = slot
                .as_ptr()
                .cast::<i8>()
                .wrapping_sub(FRAMES)
                .wrapping_add(line);
            // SAFETY: prefetching has no effect that a program could see.
            unsafe {
                std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at);
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = slot;
    }

    pub(crate) fn class(&self) -> SizeClass {
        self.class
    }

    /// The lowest address of the slot: its guard.
    pub(crate) fn bottom(&self) -> usize {
        self.bottom
    }

    /// Forgets the loop on a stack that no goroutine uses, so that its memory may go.
    ///
    /// # Safety
    ///
    /// The slot is free and the caller owns it.
    pub(super) unsafe fn unbind(&self) {
        // SAFETY: on a free stack the loop of `run_all` is suspended, whose frames hold nothing that
        // needs to be dropped.
        unsafe { self.context.unbind() };
    }

    /// Runs the goroutine on this stack until it switches back; returns what it wants.
    ///
    /// # Safety
    ///
    /// On a worker's own stack, by the owner of the goroutine in `record`, whose stack this is.
    #[inline(always)]
    pub(crate) unsafe fn resume(&self, worker: &'static Worker) -> Action {
        self.worker
            .store(ptr::from_ref(worker).cast_mut(), Ordering::Relaxed);
        sanitize::before_resume(self);
        // SAFETY: the caller owns the goroutine and with it the stack, on which the loop was started
        // when the goroutine came to it.
        unsafe { self.context.resume() };
        self.action.get()
    }

    /// Switches to the worker's stack; returns when somebody resumes this one, perhaps on another
    /// thread.
    ///
    /// # Safety
    ///
    /// On this stack. Nothing derived from thread-local storage, and no reference to the worker,
    /// may be used after the call.
    #[inline]
    pub(crate) unsafe fn switch_out(&self, action: Action) {
        // A goroutine that has ended does not come back to be seen again.
        let _hidden = (action != Action::Done).then(sanitize::hide);
        self.action.set(action);
        // SAFETY: the caller's promise.
        unsafe { self.context.suspend() };
    }

    /// Gives the stack to a goroutine that will run on it.
    ///
    /// # Safety
    ///
    /// The caller owns the stack, which nobody uses, and the goroutine.
    #[inline]
    pub(crate) unsafe fn give_to(&'static self, record: *mut Record) {
        sanitize::fresh(self.bottom, self.class.slot_size());
        self.record.set(record);
        if !self.context.is_bound() {
            // SAFETY: the caller's promise.
            unsafe { self.bind() };
        }
    }

    /// # Safety
    ///
    /// The caller owns the stack, which nobody uses.
    #[cold]
    #[inline(never)]
    unsafe fn bind(&'static self) {
        // SAFETY: the caller's promise.
        unsafe { self.context.bind(self, run_all) };
    }

    /// The stack pointer at which the stack is suspended, for [`dump::unwind`](crate::dump). `None` if
    /// it runs, or never ran.
    ///
    /// # Safety
    ///
    /// Nobody runs on the stack, nor begins to while this looks.
    pub(crate) unsafe fn suspended_at(&self) -> Option<usize> {
        self.context.suspended_at()
    }
}

/// The bottom of every stack: one goroutine after the other.
fn run_all(slot: &'static Slot) -> ! {
    loop {
        crate::goroutine::root::run(slot.record());
        // SAFETY: on this stack.
        unsafe { slot.switch_out(Action::Done) };
    }
}
