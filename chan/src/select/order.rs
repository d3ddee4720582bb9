//! The locks of all channels of a select: taken in the order of their addresses, duplicates once, and
//! released by the select itself or by the runtime after its stack was left.
//!
//! # Why the release may read this frame
//!
//! While the release walks the list of locks, an early released channel may already wake the task
//! on another worker. But before it leaves the engine's wait, the task takes every channel's lock (the
//! winner's excepted: there its waiter was popped under it, after it was released). So the last
//! release happens before the frame goes, and the release touches nothing after it.

use std::ptr;

use gors_runtime::raw;

use super::arm::Arm;
use crate::core::waiter::WakeChain;
use crate::core::{Core, flag};

/// As many arms as are ordered without the heap.
pub(crate) const INLINE_ARMS: usize = 16;

/// The channels of a select, each once, by address.
pub(crate) struct Order {
    first: *const *const Core,
    len: usize,
}

impl Order {
    /// # Safety
    ///
    /// As [`select`](super::engine::select); `inline` and `heap` outlive the result and are not touched.
    #[inline]
    pub(crate) unsafe fn new(
        arms: &[*mut Arm],
        inline: &mut [*const Core; INLINE_ARMS],
        heap: &mut Vec<*const Core>,
    ) -> Order {
        let cores: &mut [*const Core] = if arms.len() <= INLINE_ARMS {
            inline
        } else {
            heap.resize(arms.len(), ptr::null());
            heap
        };
        let mut len = 0;
        for &arm in arms {
            // SAFETY: passed on.
            let core = unsafe { (*arm).core };
            if core.is_null() {
                continue;
            }
            if arms.len() > INLINE_ARMS {
                cores[len] = core;
                len += 1;
                continue;
            }
            // Few: insertion, which also drops duplicates.
            let mut at = len;
            while at > 0 && cores[at - 1] > core {
                at -= 1;
            }
            if at > 0 && cores[at - 1] == core {
                continue;
            }
            for i in (at..len).rev() {
                cores[i + 1] = cores[i];
            }
            cores[at] = core;
            len += 1;
        }
        if arms.len() > INLINE_ARMS {
            cores[..len].sort_unstable();
            let mut kept = 0;
            for i in 0..len {
                if kept == 0 || cores[kept - 1] != cores[i] {
                    cores[kept] = cores[i];
                    kept += 1;
                }
            }
            len = kept;
        }
        Order {
            first: cores.as_ptr(),
            len,
        }
    }

    /// How many they are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Takes all locks. Everybody takes them in this order, so nobody waits in a circle.
    #[inline]
    pub(crate) fn lock(&self) {
        for i in 0..self.len {
            // SAFETY: `first` has `len` live channels.
            unsafe { (**self.first.add(i)).lock() }
        }
    }

    /// Calls with each channel; `order` is what [`leave`](Self::leave) gave, of a select that waits.
    ///
    /// # Safety
    ///
    /// The select waits, and does until this returns.
    pub(crate) unsafe fn arms(order: *const (), channel: &mut dyn FnMut(*const ())) {
        // SAFETY: the frame stays while the select waits.
        unsafe {
            let Order { first, len } = *order.cast::<Order>();
            (0..len).for_each(|i| channel((*first.add(i)).cast()));
        }
    }

    /// # Safety
    ///
    /// The caller holds the locks.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        for i in 0..self.len {
            // SAFETY: passed on.
            unsafe { (**self.first.add(i)).unlock_collect() }
        }
    }

    /// What a park needs to open the locks, which the caller holds, once the stack is left.
    #[inline]
    pub(crate) fn leave(&self) -> raw::Unlock {
        for i in 0..self.len {
            // SAFETY: the channels live as long as the arms that name them.
            unsafe { (**self.first.add(i)).leave() };
        }
        (Order::unlock_for_park, (&raw const *self).cast())
    }

    /// The release that a park performs: `order` is a `*const Order` in the parked frame. See the
    /// module's text.
    ///
    /// # Safety
    ///
    /// The locks are held for this call.
    pub(crate) unsafe fn unlock_for_park(order: *const ()) {
        // SAFETY: the frame stays until the last lock is released, and everything that is needed
        // after a release is copied before it. Woken observers stay until they are readied here.
        unsafe {
            let Order { first, len } = *order.cast::<Order>();
            if len == 0 {
                return;
            }
            let mut chain = WakeChain::new();
            for i in 0..len {
                let core = &raw const **first.add(i);
                if (*core).flags() & flag::DEFERRED != 0 {
                    chain.append((*core).take_deferred());
                }
                (*core).unlock();
            }
            chain.wake();
        }
    }
}
