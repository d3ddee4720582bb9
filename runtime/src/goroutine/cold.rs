//! What few goroutines have, and what the hot header therefore has no room for.

use std::any::Any;
use std::sync::Arc;

use super::Record;
use crate::bubble::Member;
use crate::stack::SizeClass;

/// Boxed beside a record that needs it; freed when the goroutine ends.
#[derive(Default)]
pub(crate) struct Cold {
    /// Given by [`Builder::name`](crate::Builder::name).
    pub(crate) name: Option<Arc<str>>,
    /// Before the first run: the stack that was promised by [`Builder`](crate::Builder). `None` is one of
    /// the default size, if there is one then.
    pub(crate) promised: Option<SizeClass>,
    /// Values of `goroutine_local!`, each with the address of its key; `None` from when it is dropped.
    pub(crate) locals: Vec<(usize, Option<Box<dyn Any>>)>,
    /// Its place in a [`bubble`](crate::bubble).
    pub(crate) member: Option<Member>,
    /// How often `lock_os_thread` was called and not undone.
    pub(crate) locks: u32,
    /// How deep `blocking` calls nest.
    pub(crate) blocking_depth: u32,
}

impl Record {
    /// The cold part, made on first use. For the record's owner.
    ///
    /// The borrow must end before anything else asks for the cold part; in particular no user code
    /// may run under it.
    #[expect(
        clippy::mut_from_ref,
        reason = "the record's owner is the only one that asks"
    )]
    pub(crate) fn cold(&self) -> &mut Cold {
        if self.cold.get().is_null() {
            self.cold.set(Box::into_raw(Box::default()));
        }
        // SAFETY: not null, owned by this record, and the owner's borrows do not overlap (see
        // above).
        unsafe { &mut *self.cold.get() }
    }

    /// The cold part if there is one. For the record's owner.
    pub(crate) fn cold_if_any(&self) -> Option<&Cold> {
        // SAFETY: null or owned by this record; see `cold`.
        unsafe { self.cold.get().as_ref() }
    }

    /// Frees the cold part. Goroutine-locals must be gone by then.
    pub(crate) fn drop_cold(&self) {
        let cold = self.cold.replace(std::ptr::null_mut());
        if !cold.is_null() {
            // SAFETY: came out of `Box::into_raw` in `cold`, and is not reachable any more.
            let cold = unsafe { Box::from_raw(cold) };
            if cold.name.is_some() {
                crate::dump::names::remove(self.goid());
            }
        }
    }
}
