//! Who holds a lock, for reports. In builds with debug assertions only: in others this is nothing, and
//! costs nothing.
//!
//! The holder writes its number after it has taken the lock and clears it before it opens it. A waiter
//! leaves the address of what it waits for in its stack's header while it is parked, where a dump that
//! [holds](crate::dump::hold) it finds it; the lock is alive then, because the waiter borrows it.

use crate::stack::Slot;

/// Stands for any plain thread.
pub(crate) const PLAIN_THREAD: u64 = u64::MAX;

#[cfg(debug_assertions)]
mod known {
    use crate::shim::atomic::{AtomicPtr, AtomicU64, Ordering};
    use crate::stack::{Slot, current_slot};

    /// The goroutine that holds a lock.
    pub(in crate::raw) struct Owner(AtomicU64);

    impl Owner {
        pub(in crate::raw) const fn new() -> Self {
            Self(AtomicU64::new(0))
        }

        /// The caller has taken the lock.
        #[inline]
        pub(in crate::raw) fn set(&self) {
            let id = current_slot().map_or(super::PLAIN_THREAD, |slot| slot.record().goid());
            self.0.store(id, Ordering::Relaxed);
        }

        /// The holder is about to open the lock.
        #[inline]
        pub(in crate::raw) fn clear(&self) {
            self.0.store(0, Ordering::Relaxed);
        }

        /// The caller waits for the lock while the result lives. The outermost counts: a lock may be
        /// made of others.
        pub(in crate::raw) fn wanted(&self) -> Wanted<'_> {
            let slot = current_slot().filter(|slot| slot.wants.is_unset());
            if let Some(slot) = slot {
                slot.wants.set(&raw const self.0);
            }
            Wanted {
                is_outermost: slot.is_some(),
                lock: std::marker::PhantomData,
            }
        }
    }

    pub(in crate::raw) struct Wanted<'a> {
        is_outermost: bool,
        lock: std::marker::PhantomData<&'a Owner>,
    }

    impl Drop for Wanted<'_> {
        fn drop(&mut self) {
            if self.is_outermost
                && let Some(slot) = current_slot()
            {
                slot.wants.set(std::ptr::null());
            }
        }
    }

    /// In a stack's header: the owner of the lock that its goroutine waits for.
    pub(crate) struct Wants(AtomicPtr<AtomicU64>);

    impl Wants {
        pub(crate) const fn new() -> Self {
            Self(AtomicPtr::new(std::ptr::null_mut()))
        }

        fn is_unset(&self) -> bool {
            self.0.load(Ordering::Relaxed).is_null()
        }

        fn set(&self, owner: *const AtomicU64) {
            self.0.store(owner.cast_mut(), Ordering::Relaxed);
        }
    }

    pub(super) unsafe fn holder(slot: &Slot) -> Option<u64> {
        let owner: *const AtomicU64 = slot.wants.0.load(Ordering::Relaxed);
        // SAFETY: null, or part of a lock that the parked goroutine borrows.
        let id = unsafe { owner.as_ref() }?.load(Ordering::Relaxed);
        (id != 0).then_some(id)
    }
}

#[cfg(not(debug_assertions))]
mod known {
    use crate::stack::Slot;

    pub(in crate::raw) struct Owner;

    impl Owner {
        pub(in crate::raw) const fn new() -> Self {
            Self
        }

        #[inline(always)]
        pub(in crate::raw) fn set(&self) {}

        #[inline(always)]
        pub(in crate::raw) fn clear(&self) {}

        #[inline(always)]
        pub(in crate::raw) fn wanted(&self) -> Wanted {
            Wanted
        }
    }

    pub(in crate::raw) struct Wanted;

    pub(crate) struct Wants;

    impl Wants {
        pub(crate) const fn new() -> Self {
            Self
        }
    }

    pub(super) unsafe fn holder(_: &Slot) -> Option<u64> {
        None
    }
}

pub(super) use known::Owner;
pub(crate) use known::Wants;

/// The goroutine that holds the lock which the goroutine on this stack waits for, where that is known.
///
/// # Safety
///
/// That goroutine is parked, and is not resumed meanwhile.
pub(crate) unsafe fn holder_wanted(slot: &Slot) -> Option<u64> {
    // SAFETY: the caller's promise.
    unsafe { known::holder(slot) }
}
