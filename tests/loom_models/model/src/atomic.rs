//! `std::sync::atomic`, by loom, with mutants.
//!
//! # Where loom is too weak
//!
//! loom orders two stores of different threads only if one has seen the other, and a read-modify-write
//! takes any store that nothing is known to follow. So after `swap(true)`, `swap(true)` by another
//! thread and `store(false)` by the first, a third swap may find `true`: a lock that stays locked. But
//! the second swap read what the first had written, so nothing can come between them, and the store
//! comes last. To be rid of such executions, a store to an atomic that has had a read-modify-write in
//! this execution is one as well. That orders stores as they were executed, and continues release
//! sequences that a store would end; both rule out executions, of which the first kind are those that
//! exist.

use std::panic::Location;

pub use std::sync::atomic::Ordering;

use crate::PerExecution;
use crate::mutant::{self, Change};

/// `std::sync::atomic::fence`.
#[track_caller]
pub fn fence(order: Ordering) {
    match mutant::at(Location::caller()) {
        Some(Change::Skip) => {}
        _ => loom::sync::atomic::fence(order),
    }
}

/// The ordering that counts.
fn at(change: Option<Change>, order: Ordering) -> Ordering {
    match change {
        Some(Change::Relaxed) => Ordering::Relaxed,
        _ => order,
    }
}

macro_rules! atomic {
    ($name:ident $(<$t:ident>)?, $value:ty, $bits:expr, $odd:expr) => {
        /// As the standard library's.
        #[repr(C)]
        pub struct $name $(<$t>)? {
            mark: crate::touch::Mark,
            initial: $value,
            atomic: PerExecution<loom::sync::atomic::$name $(<$t>)?>,
            /// A read-modify-write came first.
            modified: PerExecution<()>,
        }

        // SAFETY: as the standard library's: every access is atomic.
        unsafe impl $(<$t>)? Sync for $name $(<$t>)? {}
        // SAFETY: as above.
        unsafe impl $(<$t>)? Send for $name $(<$t>)? {}

        impl $(<$t>)? $name $(<$t>)? {
            pub const fn new(initial: $value) -> Self {
                Self {
                    mark: crate::touch::Mark::new(Self::touch, |_| ()),
                    initial,
                    atomic: PerExecution::new(),
                    modified: PerExecution::new(),
                }
            }

            /// # Safety
            ///
            /// `this` is one of these.
            unsafe fn touch(this: *const u8) {
                // SAFETY: the caller's promise.
                unsafe { (*this.cast::<Self>()).inner() };
            }

            #[track_caller]
            fn inner(&self) -> &loom::sync::atomic::$name $(<$t>)? {
                crate::barrier::catch_up();
                self.atomic.get_or(|| loom::sync::atomic::$name::new(self.initial))
            }

            #[track_caller]
            pub fn load(&self, order: Ordering) -> $value {
                let change = mutant::at(Location::caller());
                if let Some(Change::Pretend(value)) = change {
                    let from: fn(u64) -> $value = $bits;
                    return from(value);
                }
                let order = at(change, order);
                if crate::hint::was_spinning() || crate::barrier::was_called() {
                    return self.newest(order);
                }
                self.inner().load(order)
            }

            /// What the last store wrote. A load may say what an earlier one wrote, for ever.
            #[track_caller]
            pub fn newest(&self, order: Ordering) -> $value {
                let failure = match order {
                    Ordering::AcqRel => Ordering::Acquire,
                    Ordering::Release => Ordering::Relaxed,
                    order => order,
                };
                // A compare-and-swap that fails stores nothing. Of a flag it may succeed, and changes
                // nothing.
                let odd: $value = $odd;
                match self.inner().compare_exchange(odd, odd, order, failure) {
                    Ok(value) | Err(value) => value,
                }
            }

            #[track_caller]
            pub fn store(&self, value: $value, order: Ordering) {
                let change = mutant::at(Location::caller());
                if change != Some(Change::Skip) {
                    let order = at(change, order);
                    if self.modified.is_filled() {
                        self.inner().swap(value, order);
                    } else {
                        self.inner().store(value, order);
                    }
                }
            }

            /// The atomic, for a read-modify-write.
            #[track_caller]
            fn to_modify(&self) -> &loom::sync::atomic::$name $(<$t>)? {
                self.modified.get_or(|| ());
                self.inner()
            }

            #[track_caller]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                let change = mutant::at(Location::caller());
                if change == Some(Change::Split) {
                    let old = self.inner().load(Ordering::Acquire);
                    self.inner().store(value, Ordering::Release);
                    return old;
                }
                self.to_modify().swap(value, at(change, order))
            }

            #[track_caller]
            pub fn compare_exchange(
                &self,
                old: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let change = mutant::at(Location::caller());
                if change == Some(Change::Split) {
                    let found = self.inner().load(Ordering::Acquire);
                    if found != old {
                        return Err(found);
                    }
                    self.inner().store(new, Ordering::Release);
                    return Ok(found);
                }
                self.to_modify().compare_exchange(old, new, at(change, success), at(change, failure))
            }

            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                old: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(old, new, success, failure)
            }

            #[track_caller]
            pub fn fetch_update(
                &self,
                success: Ordering,
                failure: Ordering,
                mut f: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                let mut old = self.load(failure);
                while let Some(new) = f(old) {
                    match self.compare_exchange(old, new, success, failure) {
                        Ok(old) => return Ok(old),
                        Err(found) => old = found,
                    }
                }
                Err(old)
            }

            pub fn get_mut(&mut self) -> &mut $value
            where
                $value: Copy,
            {
                // Whoever has it alone may begin it anew.
                if let Some(atomic) = self.atomic.take() {
                    // SAFETY: nobody shares it.
                    self.initial = unsafe { atomic.unsync_load() };
                }
                &mut self.initial
            }
        }

        impl $(<$t>)? std::fmt::Debug for $name $(<$t>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(stringify!($name))
            }
        }
    };
}

macro_rules! integer {
    ($name:ident, $value:ident) => {
        atomic!($name, $value, |bits| bits as $value, $value::MAX - 77);

        impl $name {
            integer!(@ fetch_add, $value);
            integer!(@ fetch_sub, $value);
            integer!(@ fetch_and, $value);
            integer!(@ fetch_or, $value);
            integer!(@ fetch_max, $value);
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(0)
            }
        }
    };
    (@ $op:ident, $value:ident) => {
        #[track_caller]
        pub fn $op(&self, value: $value, order: Ordering) -> $value {
            let change = mutant::at(Location::caller());
            if change == Some(Change::Split) {
                let old = self.inner().load(Ordering::Acquire);
                self.inner().store(split::$op(old as i128, value as i128) as $value, Ordering::Release);
                return old;
            }
            self.to_modify().$op(value, at(change, order))
        }
    };
}

/// What a read-modify-write computes.
mod split {
    pub(super) fn fetch_add(a: i128, b: i128) -> i128 {
        a + b
    }
    pub(super) fn fetch_sub(a: i128, b: i128) -> i128 {
        a - b
    }
    pub(super) fn fetch_and(a: i128, b: i128) -> i128 {
        a & b
    }
    pub(super) fn fetch_or(a: i128, b: i128) -> i128 {
        a | b
    }
    pub(super) fn fetch_max(a: i128, b: i128) -> i128 {
        a.max(b)
    }
}

integer!(AtomicU8, u8);
integer!(AtomicU16, u16);
integer!(AtomicU32, u32);
integer!(AtomicU64, u64);
integer!(AtomicUsize, usize);
integer!(AtomicI64, i64);
atomic!(AtomicBool, bool, |bits| bits != 0, false);
atomic!(
    AtomicPtr<T>,
    *mut T,
    |bits| std::ptr::without_provenance_mut(bits as usize),
    std::ptr::without_provenance_mut(usize::MAX - 77)
);

impl Default for AtomicBool {
    fn default() -> Self {
        Self::new(false)
    }
}
