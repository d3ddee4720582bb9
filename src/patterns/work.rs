//! A pool of goroutines behind an unbuffered channel.

use std::fmt;

use gors_chan::{Chan, make};

use crate::sync::WaitGroup;

/// Something that a [`Pool`] can do.
///
/// ```
/// use gors::patterns::work::Worker;
/// struct Count(u32);
/// impl Worker for Count {
///     fn task(&mut self) {
///         self.0 += 1;
///     }
/// }
/// ```
pub trait Worker {
    /// Does it, in a goroutine of the pool.
    fn task(&mut self);
}

impl<W: Worker + ?Sized> Worker for Box<W> {
    fn task(&mut self) {
        (**self).task();
    }
}

/// A fixed number of goroutines that do what they are given.
///
/// The channel between is unbuffered: when [`run`](Self::run) returns, a goroutine has the work.
///
/// ```
/// use gors::patterns::work::{Pool, Worker};
///
/// struct Print(&'static str);
///
/// impl Worker for Print {
///     fn task(&mut self) {
///         println!("{}", self.0);
///     }
/// }
///
/// gors::run(|| {
///     let pool = Pool::new(2);
///     for name in ["steve", "bob", "mary"] {
///         pool.run(Print(name));
///     }
///     pool.shutdown();
/// });
/// ```
pub struct Pool {
    work: Chan<Box<dyn Worker + Send>>,
    goroutines: WaitGroup,
}

impl Pool {
    /// Starts a pool of `max_goroutines` goroutines.
    #[must_use]
    pub fn new(max_goroutines: usize) -> Self {
        let pool = Self {
            work: make(0),
            goroutines: WaitGroup::new(),
        };
        for _ in 0..max_goroutines {
            let work = pool.work.clone();
            pool.goroutines.go(move || {
                for mut worker in work {
                    worker.task();
                }
            });
        }
        pool
    }

    /// Gives work to a goroutine; blocks until one takes it.
    ///
    /// # Panics
    ///
    /// `send on closed channel` after [`shutdown`](Self::shutdown).
    pub fn run(&self, worker: impl Worker + Send + 'static) {
        self.work.send(Box::new(worker));
    }

    /// Takes no more work and blocks until all goroutines have ended theirs.
    ///
    /// # Panics
    ///
    /// `close of closed channel` the second time.
    pub fn shutdown(&self) {
        self.work.close();
        self.goroutines.wait();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}
