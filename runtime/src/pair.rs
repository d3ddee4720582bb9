//! An allocation with two owners.
//!
//! `Arc` counts its owners up and down, and its weak references beside them. Here are always two, one of
//! which goes first: it says so, and the other, when it goes, frees. That is one locked instruction for
//! both, where two `Arc`s take four.
//!
//! # Why nobody frees too early, and somebody does
//!
//! `left` goes from false to true once, by an exchange. Whoever made the move goes and touches the
//! allocation no more; whoever finds it made is the last. The exchange releases what its owner did, and the
//! last acquires it before it frees.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

use crate::shim::atomic::{AtomicBool, Ordering};

struct Shared<T> {
    /// One of the two owners has gone.
    left: AtomicBool,
    value: T,
}

/// One of the two owners. See the [module](self).
pub(crate) struct Pair<T> {
    shared: NonNull<Shared<T>>,
    owns: PhantomData<Shared<T>>,
}

// SAFETY: as `Arc`: either owner may use the value by reference, and drop it.
unsafe impl<T: Send + Sync> Send for Pair<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Pair<T> {}

impl<T> Pair<T> {
    /// Both owners.
    #[inline]
    pub(crate) fn new(value: T) -> (Self, Self) {
        // Room first, so that the value is written where it stays.
        let shared = Box::write(
            Box::new_uninit(),
            Shared {
                left: AtomicBool::new(false),
                value,
            },
        );
        #[cfg(gors_loom)]
        model::touch(&*shared);
        let shared = NonNull::from(Box::leak(shared));
        let half = || Self {
            shared,
            owns: PhantomData,
        };
        (half(), half())
    }

    /// The value, if the other owner has gone; else this one goes.
    pub(crate) fn into_inner(self) -> Option<T> {
        let this = ManuallyDrop::new(self);
        // SAFETY: an owner, which is used no more.
        unsafe { this.go() }.map(|shared| shared.value)
    }

    /// This owner goes; the allocation, if it is the last.
    ///
    /// # Safety
    ///
    /// Called once for an owner, which is used no more.
    #[inline]
    unsafe fn go(&self) -> Option<Box<Shared<T>>> {
        // SAFETY: the allocation is freed by the last owner, and we have not gone yet.
        let left = unsafe { &self.shared.as_ref().left };
        if left.load(Ordering::Acquire) || left.swap(true, Ordering::AcqRel) {
            // SAFETY: made by `new`; the other owner has gone.
            Some(unsafe { Box::from_raw(self.shared.as_ptr()) })
        } else {
            None
        }
    }
}

impl<T> Deref for Pair<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: an owner keeps the allocation.
        unsafe { &self.shared.as_ref().value }
    }
}

impl<T> Drop for Pair<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: dropped once.
        drop(unsafe { self.go() });
    }
}
