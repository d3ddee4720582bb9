//! The switch by corosensei.

use std::cell::{Cell, UnsafeCell};
use std::num::NonZeroUsize;
use std::ptr;

use corosensei::{Coroutine, Yielder};

use super::Entry;
use crate::stack::Slot;

type Co = Coroutine<(), (), (), Memory>;

/// See the [module](super).
pub(in crate::stack) struct Context {
    yielder: Cell<*const Yielder<(), ()>>,
    coroutine: UnsafeCell<Option<Co>>,
}

impl Context {
    pub(in crate::stack) const fn new() -> Self {
        Self {
            yielder: Cell::new(ptr::null()),
            coroutine: UnsafeCell::new(None),
        }
    }

    #[inline]
    pub(in crate::stack) fn is_bound(&self) -> bool {
        // SAFETY: only ever changed by the owner of the stack, which the caller is.
        unsafe { (*self.coroutine.get()).is_some() }
    }

    /// The stack pointer of the suspended goroutine's side, which corosensei keeps to itself.
    #[allow(clippy::unused_self, reason = "the native one looks")]
    pub(in crate::stack) fn suspended_at(&self) -> Option<usize> {
        None
    }

    /// Prepares the stack that ends at `slot`, so that the first resume calls `entry` with it.
    ///
    /// # Safety
    ///
    /// The memory below the header is a stack that nobody uses.
    pub(in crate::stack) unsafe fn bind(&'static self, slot: &'static Slot, entry: Entry) {
        let memory = Memory {
            base: NonZeroUsize::new(ptr::from_ref(slot).expose_provenance())
                .expect("a header is not at address 0"),
            limit: NonZeroUsize::new(slot.bottom()).expect("a slot is not at address 0"),
        };
        let this = ptr::from_ref(self).expose_provenance();
        let slot = ptr::from_ref(slot).expose_provenance();
        let coroutine = Coroutine::with_stack(memory, move |yielder: &Yielder<(), ()>, ()| {
            // SAFETY: header and context outlive everything on their stack.
            let (context, slot) = unsafe {
                (
                    &*ptr::with_exposed_provenance::<Self>(this),
                    &*ptr::with_exposed_provenance::<Slot>(slot),
                )
            };
            context.yielder.set(yielder);
            entry(slot)
        });
        // SAFETY: the owner of the stack is the only one that touches the coroutine.
        unsafe { *self.coroutine.get() = Some(coroutine) };
    }

    /// Forgets the goroutine's side. Its frames are not unwound.
    ///
    /// # Safety
    ///
    /// It is suspended between two goroutines, and its frames hold nothing that needs to be
    /// dropped.
    pub(in crate::stack) unsafe fn unbind(&self) {
        // SAFETY: the caller owns the stack.
        if let Some(mut coroutine) = unsafe { (*self.coroutine.get()).take() } {
            // SAFETY: the caller's promise.
            unsafe { coroutine.force_reset() };
        }
    }

    /// Runs the goroutine's side until it suspends.
    ///
    /// # Safety
    ///
    /// Bound, not running, and the caller is not on this stack.
    #[inline(always)]
    pub(in crate::stack) unsafe fn resume(&self) {
        // SAFETY: the owner of the goroutine is the only one that touches the coroutine; it is
        // bound.
        unsafe {
            let coroutine = &mut *self.coroutine.get();
            coroutine.as_mut().unwrap_unchecked().resume(());
        }
    }

    /// Goes back to the worker's side, until the next resume.
    ///
    /// # Safety
    ///
    /// On this context's stack. Nothing derived from thread-local storage may be used after it.
    #[inline(always)]
    pub(in crate::stack) unsafe fn suspend(&self) {
        // SAFETY: code runs on this stack, so its coroutine has started and set the yielder,
        // which lives at the stack's base for ever.
        unsafe { (*self.yielder.get()).suspend(()) };
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
