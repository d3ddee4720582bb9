//! A worker's own free stacks.
//!
//! Last in, first out, so a goroutine that starts gets the stack that just ran: its pages and
//! cache lines are hot. Goroutines that never block share a handful of stacks this way.

use std::cell::{Cell, RefCell};
use std::io;
use std::ptr::NonNull;

use super::{SizeClass, Slot, depot};

/// Free stacks a magazine holds before it gives half of them to the depot.
const MAGAZINE_MAX: usize = 64;
/// Stacks taken from the depot at once.
const REFILL: usize = 16;

/// One worker's free stacks of the default class. Only its worker touches it.
pub(crate) struct Magazine {
    class: SizeClass,
    /// The stack whose goroutine ended last.
    hot: Cell<Option<NonNull<Slot>>>,
    slots: RefCell<Vec<NonNull<Slot>>>,
}

impl Magazine {
    pub(crate) fn new(class: SizeClass) -> Self {
        Self {
            class,
            hot: Cell::new(None),
            slots: RefCell::new(Vec::with_capacity(MAGAZINE_MAX)),
        }
    }

    /// A free stack of the default class.
    #[inline]
    pub(crate) fn take(&self) -> io::Result<NonNull<Slot>> {
        match self.hot.take() {
            Some(slot) => Ok(slot),
            None => self.take_cooler(),
        }
    }

    #[inline(never)]
    fn take_cooler(&self) -> io::Result<NonNull<Slot>> {
        let mut slots = self.slots.borrow_mut();
        if slots.is_empty() {
            // Large stacks are few: no stock of them.
            let count = if self.class.slot_size() > 1 << 20 {
                1
            } else {
                REFILL
            };
            depot::take(self.class, count, &mut slots)?;
        }
        let slot = slots.pop().expect("the depot gives at least one");
        // Whoever comes this far has parked the last one and will start the next soon.
        if let Some(&next) = slots.last() {
            Slot::prefetch(next);
        }
        Ok(slot)
    }

    /// A free stack of that class, if there is one here.
    pub(crate) fn take_own(&self, class: SizeClass) -> Option<NonNull<Slot>> {
        if class != self.class {
            return None;
        }
        self.hot.take().or_else(|| self.slots.borrow_mut().pop())
    }

    /// Takes back a stack whose goroutine ended.
    #[inline]
    pub(crate) fn give(&self, slot: NonNull<Slot>) {
        // SAFETY: the header of a slot in use is readable.
        let class = unsafe { slot.as_ref() }.class();
        if class != self.class {
            depot::give_one(class, slot);
        } else if let Some(cooler) = self.hot.replace(Some(slot)) {
            self.give_cooler(cooler);
        }
    }

    #[inline(never)]
    fn give_cooler(&self, slot: NonNull<Slot>) {
        let mut slots = self.slots.borrow_mut();
        if slots.len() == MAGAZINE_MAX {
            // The bottom half is the coldest.
            depot::give(self.class, slots.drain(..MAGAZINE_MAX / 2));
        }
        slots.push(slot);
    }

    /// Gives everything to the depot: the worker retires, or sleeps for it does not know how long.
    pub(crate) fn flush(&self) {
        let mut slots = self.slots.borrow_mut();
        slots.extend(self.hot.take());
        if !slots.is_empty() {
            depot::give(self.class, slots.drain(..));
        }
    }
}

/// A free stack of any class, past the magazines.
pub(crate) fn take_any(class: SizeClass) -> io::Result<NonNull<Slot>> {
    let mut slots = Vec::with_capacity(1);
    depot::take(class, 1, &mut slots)?;
    Ok(slots.pop().expect("the depot gives at least one"))
}
