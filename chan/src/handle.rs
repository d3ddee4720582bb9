//! What the three handle types have in common beside the [`Link`](crate::link::Link) that they hold: what makes
//! them handles, and what the two halves of Rust's face can be asked.

/// What every handle type is: counted, equal and hashed by the channel behind it, and free to go to
/// other threads if its values are. `counts` is what it counts as.
macro_rules! handle {
    ($name:ident, counts: $counts:expr) => {
        // SAFETY: a handle moves values of T between threads and shares none.
        unsafe impl<T: Send> Send for $name<T> {}
        // SAFETY: as above.
        unsafe impl<T: Send> Sync for $name<T> {}
        impl<T> std::panic::UnwindSafe for $name<T> {}
        impl<T> std::panic::RefUnwindSafe for $name<T> {}

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                $name {
                    link: self.link.retained($counts),
                }
            }
        }

        impl<T> Drop for $name<T> {
            #[inline]
            fn drop(&mut self) {
                // SAFETY: this handle's count, given up once.
                unsafe { self.link.release($counts) }
            }
        }

        /// Equal if both belong to one channel (Go's `==`).
        impl<T> PartialEq for $name<T> {
            fn eq(&self, other: &Self) -> bool {
                self.same_channel(other)
            }
        }

        impl<T> Eq for $name<T> {}

        impl<T> std::hash::Hash for $name<T> {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.link.as_ptr().hash(state);
            }
        }

        impl<T> std::fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(concat!(stringify!($name), " { .. }"))
            }
        }

        /// The channel's address (Go's `%p`).
        impl<T> std::fmt::Pointer for $name<T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Pointer::fmt(&self.link.as_ptr(), f)
            }
        }
    };
}
pub(crate) use handle;

/// What both halves of Rust's face can be asked.
macro_rules! queries {
    ($name:ident) => {
        impl<T> $name<T> {
            /// No value is queued. Always true on a rendezvous channel.
            ///
            /// ```
            /// let (s, r) = gors_chan::bounded(1);
            /// assert!(s.is_empty() && r.is_empty());
            /// s.send(1).unwrap();
            /// assert!(!s.is_empty() && !r.is_empty());
            /// ```
            pub fn is_empty(&self) -> bool {
                self.link.is_empty()
            }

            /// The buffer is full. Always true on a rendezvous channel.
            ///
            /// ```
            /// let (s, r) = gors_chan::bounded(1);
            /// assert!(!s.is_full() && !r.is_full());
            /// s.send(1).unwrap();
            /// assert!(s.is_full() && r.is_full());
            /// ```
            pub fn is_full(&self) -> bool {
                self.link.is_full()
            }

            /// How many values are queued (Go's `len`).
            ///
            /// ```
            /// let (s, r) = gors_chan::unbounded();
            /// s.send(1).unwrap();
            /// assert_eq!((s.len(), r.len()), (1, 1));
            /// ```
            pub fn len(&self) -> usize {
                self.link.len()
            }

            /// How many values the buffer takes (Go's `cap`); `None` if it is unbounded.
            ///
            /// ```
            /// let (s, r) = gors_chan::bounded::<i32>(5);
            /// assert_eq!((s.capacity(), r.capacity()), (Some(5), Some(5)));
            /// assert_eq!(gors_chan::unbounded::<i32>().1.capacity(), None);
            /// ```
            pub fn capacity(&self) -> Option<usize> {
                self.link.capacity()
            }

            /// Both belong to one channel, which is what `==` says too.
            ///
            /// ```
            /// let (s, r) = gors_chan::unbounded::<i32>();
            /// let (other, _) = gors_chan::unbounded::<i32>();
            /// assert!(s.same_channel(&s.clone()) && r.same_channel(&r.clone()));
            /// assert!(!s.same_channel(&other));
            /// ```
            pub fn same_channel(&self, other: &$name<T>) -> bool {
                self.link.as_ptr() == other.link.as_ptr()
            }
        }
    };
}
pub(crate) use queries;

/// Handles of a `T` that must stay on its thread stay there too.
///
/// ```compile_fail,E0277
/// let (s, _r) = gors_chan::unbounded::<std::rc::Rc<()>>();
/// std::thread::spawn(move || drop(s));
/// ```
///
/// ```compile_fail,E0277
/// let (_s, r) = gors_chan::unbounded::<std::rc::Rc<()>>();
/// std::thread::scope(|scope| scope.spawn(|| r.try_recv().is_ok()));
/// ```
///
/// ```compile_fail,E0277
/// let c = gors_chan::make::<std::rc::Rc<()>>(1);
/// std::thread::spawn(move || drop(c));
/// ```
///
/// A channel of references lives no longer than what they point to.
///
/// ```compile_fail,E0597
/// let (s, r) = gors_chan::unbounded::<&String>();
/// {
///     let local = String::new();
///     s.send(&local).unwrap();
/// }
/// r.recv().unwrap();
/// ```
#[cfg(doctest)]
pub struct Bounds;
