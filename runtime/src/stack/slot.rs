//! One stack and what belongs to it.
//!
//! The header sits at the top of the slot, so that an idle goroutine's header, first frames and
//! switch state share one page. A coroutine is bound to the stack when it first runs and stays: it
//! is a loop that runs one goroutine after the other, so a goroutine that starts on a recycled
//! stack costs a resume and no set-up.

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::ptr;

use corosensei::{Coroutine, Yielder};

use super::SizeClass;
use crate::goroutine::Record;
use crate::goroutine::record::Small;
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
}

/// The commit of a park: what the worker does once it has left the goroutine's stack.
#[derive(Clone, Copy)]
pub(crate) struct Commit {
    /// Released last.
    pub(crate) unlock: Option<crate::raw::Unlock>,
    /// Armed before the unlock; null if the wait has no deadline.
    pub(crate) timer: *const crate::timer::Node,
}

type Co = Coroutine<(), (), (), Memory>;

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
    yielder: Cell<*const Yielder<(), ()>>,
    coroutine: UnsafeCell<Option<Co>>,
    class: SizeClass,
    bottom: usize,
    /// A small closure that is about to run here.
    small: UnsafeCell<Small>,
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
            yielder: Cell::new(ptr::null()),
            coroutine: UnsafeCell::new(None),
            class,
            bottom,
            small: UnsafeCell::new([MaybeUninit::uninit(); _]),
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

    /// The goroutine on this stack.
    #[inline]
    pub(crate) fn record(&self) -> &'static Record {
        // SAFETY: set by `run` before anything executes on the stack; records live for ever.
        unsafe { &*self.record.get() }
    }

    pub(crate) fn class(&self) -> SizeClass {
        self.class
    }

    /// The lowest address of the slot: its guard.
    pub(crate) fn bottom(&self) -> usize {
        self.bottom
    }

    /// Unbinds the coroutine from a stack that no goroutine uses, so that its memory may go.
    ///
    /// # Safety
    ///
    /// The slot is free and the caller owns it.
    pub(super) unsafe fn unbind(&self) {
        // SAFETY: the caller owns the slot.
        if let Some(mut coroutine) = unsafe { (*self.coroutine.get()).take() } {
            // SAFETY: a free stack's coroutine is suspended in the loop of `make_coroutine`, whose
            // frames hold nothing that needs to be dropped.
            unsafe { coroutine.force_reset() };
        }
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
        // SAFETY: the owner of the goroutine is the only one that touches the coroutine.
        let coroutine = unsafe { &mut *self.coroutine.get() };
        match coroutine {
            Some(coroutine) => coroutine.resume(()),
            None => coroutine.insert(self.make_coroutine()).resume(()),
        };
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
        self.action.set(action);
        // SAFETY: code runs on this stack, so its coroutine has started and set the yielder,
        // which lives at the stack's base for ever.
        unsafe { (*self.yielder.get()).suspend(()) };
    }

    #[cold]
    #[inline(never)]
    fn make_coroutine(&self) -> Co {
        let this = self as *const Slot as usize;
        let memory = Memory {
            base: NonZeroUsize::new(this).expect("a header is not at address 0"),
            limit: NonZeroUsize::new(self.bottom).expect("a slot is not at address 0"),
        };
        Coroutine::with_stack(memory, move |yielder: &Yielder<(), ()>, ()| {
            // SAFETY: the header outlives everything on its stack.
            let slot = unsafe { &*ptr::with_exposed_provenance::<Slot>(this) };
            slot.yielder.set(yielder);
            super::base::enter(live, this)
        })
    }

    /// The stack pointer at which the stack is suspended, for [`dump::unwind`](crate::dump). `None` if
    /// it runs, or never ran.
    ///
    /// corosensei keeps it in a private field. Two of the coroutine's words lie within the stack: that
    /// one and the address it began at, which is higher.
    ///
    /// # Safety
    ///
    /// Nobody runs on the stack, nor begins to while this looks.
    pub(crate) unsafe fn suspended_at(&self) -> Option<usize> {
        const WORDS: usize = size_of::<Option<Co>>() / size_of::<usize>();
        // SAFETY: the caller's promise, and the type is a number of words.
        let words = unsafe { ptr::read(self.coroutine.get().cast::<[usize; WORDS]>()) };
        let top = ptr::from_ref(self).addr();
        let within = words
            .into_iter()
            .filter(|word| (self.bottom + 1..top).contains(word));
        let lowest = within.clone().min()?;
        (within.count() == 2).then_some(lowest)
    }
}

const _: () = assert!(size_of::<Option<Co>>().is_multiple_of(size_of::<usize>()));

/// What happens on a stack: one goroutine after the other.
extern "C" fn live(slot: usize) -> ! {
    // SAFETY: the header outlives everything on its stack.
    let slot = unsafe { &*ptr::with_exposed_provenance::<Slot>(slot) };
    loop {
        crate::goroutine::root::run(slot.record());
        slot.action.set(Action::Done);
        // SAFETY: the yielder lives at the stack's base for ever.
        unsafe { (*slot.yielder.get()).suspend(()) };
    }
}

/// The stack as corosensei sees it.
struct Memory {
    base: NonZeroUsize,
    limit: NonZeroUsize,
}

// SAFETY: base and limit delimit a slot with a guard at its bottom, which is far larger than
// MIN_STACK_SIZE; the base is the header's address, aligned to 64.
unsafe impl corosensei::stack::Stack for Memory {
    #[inline]
    fn base(&self) -> NonZeroUsize {
        self.base
    }

    #[inline]
    fn limit(&self) -> NonZeroUsize {
        self.limit
    }
}
