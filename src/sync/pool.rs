//! Things to use again.
//!
//! A few stacks, each behind a lock of its own. A caller begins with one chosen at random, so that
//! many callers seldom meet, and looks at the others only when it finds nothing.

use std::fmt;

use gors_runtime::raw::{self, Guarded};

const STACKS: usize = 8;
/// What one stack keeps; the rest is dropped, so a burst does not stay in memory.
const KEEP: usize = 64;

/// Keeps things that are expensive to make, for whoever needs one next.
///
/// It may drop anything it holds at any time, and holds a few hundred at most. `get` and `put` never
/// block; the pool's function runs in the caller.
///
/// Go: `sync.Pool`.
///
/// ```
/// use gors::sync::Pool;
///
/// let buffers = Pool::new(|| Vec::<u8>::with_capacity(4096));
/// let mut buffer = buffers.get();
/// buffer.extend_from_slice(b"hello");
/// buffer.clear();
/// buffers.put(buffer);
/// ```
pub struct Pool<T> {
    stacks: [Guarded<Vec<T>>; STACKS],
    make: Box<dyn Fn() -> T + Send + Sync>,
}

impl<T> Pool<T> {
    /// An empty pool; `make` makes what it cannot give.
    pub fn new<F>(make: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
    {
        Self {
            stacks: [const { Guarded::new(Vec::new()) }; STACKS],
            make: Box::new(make),
        }
    }

    /// The stacks, from a random one on.
    fn stacks(&self) -> impl Iterator<Item = &Guarded<Vec<T>>> {
        let first = raw::random() as usize % STACKS;
        let (before, after) = self.stacks.split_at(first);
        after.iter().chain(before)
    }

    /// One of the things that were put in, or a new one.
    ///
    /// Go: `Get`.
    ///
    /// ```
    /// let pool = gors::sync::Pool::new(String::new);
    /// assert_eq!(pool.get(), "");
    /// ```
    pub fn get(&self) -> T {
        self.stacks()
            .find_map(|stack| stack.try_with(Vec::pop).flatten())
            .unwrap_or_else(|| (self.make)())
    }

    /// Puts something in for another `get`.
    ///
    /// Go: `Put`.
    ///
    /// ```
    /// let pool = gors::sync::Pool::new(Vec::<u8>::new);
    /// let mut buffer = pool.get();
    /// buffer.push(1);
    /// buffer.clear();
    /// pool.put(buffer);
    /// ```
    pub fn put(&self, value: T) {
        let mut value = Some(value);
        for stack in self.stacks() {
            stack.try_with(|stack| {
                if stack.len() < KEEP {
                    stack.extend(value.take());
                }
            });
            if value.is_none() {
                return;
            }
        }
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}
