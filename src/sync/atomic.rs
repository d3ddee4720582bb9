//! Go's `sync/atomic`, in the shapes of `std::sync::atomic`.
//!
//! The types are those of the standard library, wrapped: each operation is also a place where
//! [`testing::explore`](crate::testing::explore) and the seeded mode may let another goroutine run
//! first, so that they find what goes wrong between two atomic operations. Otherwise that costs one
//! load and a branch that is never taken. [`as_std`](AtomicBool::as_std) gives the wrapped atomic to
//! code that wants one of the standard library's.
//!
//! Exploring changes the order of operations, not the memory model: what `Relaxed` allows beyond
//! that is not tried.
//!
//! ```
//! use gors::sync::atomic::{AtomicUsize, Ordering};
//! static HITS: AtomicUsize = AtomicUsize::new(0);
//! HITS.fetch_add(1, Ordering::Relaxed);
//! assert_eq!(HITS.load(Ordering::Relaxed), 1);
//! ```

use std::fmt;
use std::ops::Deref;
pub use std::sync::atomic::{Ordering, compiler_fence};

use gors_runtime::raw::{self, Point};

/// As [`std::sync::atomic::fence`].
#[inline]
#[track_caller]
pub fn fence(order: Ordering) {
    raw::point(Point::Atomic);
    std::sync::atomic::fence(order);
}

macro_rules! methods {
    ($value:ty; $($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) $(-> $ret:ty)?;)*) => {
        $(
            $(#[$doc])*
            ///
            /// As the method of the same name of the standard library's atomic.
            #[inline]
            #[track_caller]
            pub fn $name(&self, $($arg: $type),*) $(-> $ret)? {
                raw::point(Point::Atomic);
                self.0.$name($($arg),*)
            }
        )*
    };
}

macro_rules! common {
    ($name:ident $(<$t:ident>)?, $value:ty) => {
        impl $(<$t>)? $name $(<$t>)? {
            /// An atomic with this value.
            #[inline]
            #[must_use]
            pub const fn new(value: $value) -> Self {
                Self(std::sync::atomic::$name::new(value))
            }

            /// The standard library's atomic, whose operations are just that.
            #[inline]
            #[must_use]
            pub const fn as_std(&self) -> &std::sync::atomic::$name $(<$t>)? {
                &self.0
            }

            /// The value; nobody else can see it.
            #[inline]
            pub fn get_mut(&mut self) -> &mut $value {
                self.0.get_mut()
            }

            /// The value.
            #[inline]
            #[must_use]
            pub fn into_inner(self) -> $value {
                self.0.into_inner()
            }

            /// Where the value is.
            #[inline]
            #[must_use]
            pub const fn as_ptr(&self) -> *mut $value {
                self.0.as_ptr()
            }

            methods! { $value;
                /// The value now.
                load(order: Ordering) -> $value;
                /// Replaces the value.
                store(value: $value, order: Ordering);
                /// Replaces the value and returns the old one.
                swap(value: $value, order: Ordering) -> $value;
                /// Replaces the value if it is `current`; returns the old one.
                compare_exchange(
                    current: $value, new: $value, success: Ordering, failure: Ordering
                ) -> Result<$value, $value>;
                /// Replaces the value if it is `current`, but may fail all the same; returns the old
                /// one.
                compare_exchange_weak(
                    current: $value, new: $value, success: Ordering, failure: Ordering
                ) -> Result<$value, $value>;
            }

            /// Replaces the value by `f` of it, again and again until nobody was faster; returns the
            /// old one, as an error if `f` wants no new one.
            ///
            /// # Errors
            ///
            /// The value for which `f` returned `None`.
            #[inline]
            #[track_caller]
            pub fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut f: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                let mut old = self.load(fetch);
                while let Some(new) = f(old) {
                    match self.compare_exchange_weak(old, new, set, fetch) {
                        Ok(old) => return Ok(old),
                        Err(now) => old = now,
                    }
                }
                Err(old)
            }
        }

        /// For functions that take the standard library's atomic; the same as `as_std`.
        impl $(<$t>)? Deref for $name $(<$t>)? {
            type Target = std::sync::atomic::$name $(<$t>)?;

            #[inline]
            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        impl $(<$t>)? fmt::Debug for $name $(<$t>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl $(<$t>)? Default for $name $(<$t>)? {
            fn default() -> Self {
                Self(std::sync::atomic::$name::default())
            }
        }

        impl $(<$t>)? From<$value> for $name $(<$t>)? {
            fn from(value: $value) -> Self {
                Self::new(value)
            }
        }
    };
}

macro_rules! integers {
    ($($name:ident($value:ty);)*) => {
        $(
            #[doc = concat!("A number that goroutines share: `std::sync::atomic::", stringify!($name), "`.")]
            #[repr(transparent)]
            pub struct $name(std::sync::atomic::$name);

            common!($name, $value);

            impl $name {
                methods! { $value;
                    /// Adds, wrapping around; returns the old value. Go's `Add` returns the new one.
                    fetch_add(value: $value, order: Ordering) -> $value;
                    /// Subtracts, wrapping around; returns the old value.
                    fetch_sub(value: $value, order: Ordering) -> $value;
                    /// Bitwise and; returns the old value.
                    fetch_and(value: $value, order: Ordering) -> $value;
                    /// Bitwise nand; returns the old value.
                    fetch_nand(value: $value, order: Ordering) -> $value;
                    /// Bitwise or; returns the old value.
                    fetch_or(value: $value, order: Ordering) -> $value;
                    /// Bitwise exclusive or; returns the old value.
                    fetch_xor(value: $value, order: Ordering) -> $value;
                    /// The larger of the two; returns the old value.
                    fetch_max(value: $value, order: Ordering) -> $value;
                    /// The smaller of the two; returns the old value.
                    fetch_min(value: $value, order: Ordering) -> $value;
                }
            }
        )*
    };
}

integers! {
    AtomicI8(i8);
    AtomicU8(u8);
    AtomicI16(i16);
    AtomicU16(u16);
    AtomicI32(i32);
    AtomicU32(u32);
    AtomicI64(i64);
    AtomicU64(u64);
    AtomicIsize(isize);
    AtomicUsize(usize);
}

/// A flag that goroutines share: `std::sync::atomic::AtomicBool`.
#[repr(transparent)]
pub struct AtomicBool(std::sync::atomic::AtomicBool);

common!(AtomicBool, bool);

impl AtomicBool {
    methods! { bool;
        /// Logical and; returns the old value.
        fetch_and(value: bool, order: Ordering) -> bool;
        /// Logical nand; returns the old value.
        fetch_nand(value: bool, order: Ordering) -> bool;
        /// Logical or; returns the old value.
        fetch_or(value: bool, order: Ordering) -> bool;
        /// Logical exclusive or; returns the old value.
        fetch_xor(value: bool, order: Ordering) -> bool;
        /// Turns the value around; returns the old one.
        fetch_not(order: Ordering) -> bool;
    }
}

/// A raw pointer that goroutines share: `std::sync::atomic::AtomicPtr`.
#[repr(transparent)]
pub struct AtomicPtr<T>(std::sync::atomic::AtomicPtr<T>);

common!(AtomicPtr<T>, *mut T);
