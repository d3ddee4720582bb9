//! Mutexes, reader-writer locks, condition variables and wait groups, in the
//! shapes of Go's `sync` benchmarks.

use std::hint::black_box;
use std::ops::DerefMut;
use std::sync::Arc;
use std::time::Instant;

use super::{Channels, Fibers, parallel, timed};
use crate::measure::{Report, Task, work};

/// Locks that block tasks.
pub(crate) trait Locks: Fibers {
    /// A mutex around a count.
    type Mutex: Send + Sync + 'static;
    /// Its guard.
    type Guard<'a>: DerefMut<Target = i64>;
    /// A reader-writer lock around a count.
    type RwLock: Send + Sync + 'static;
    /// A mutex around 0.
    fn mutex() -> Self::Mutex;
    /// Locks.
    fn lock(mutex: &Self::Mutex) -> Self::Guard<'_>;
    /// A reader-writer lock around 0.
    fn rwlock() -> Self::RwLock;
    /// Calls `f` under a read lock.
    fn read<T>(lock: &Self::RwLock, f: impl FnOnce() -> T) -> T;
    /// Calls `f` under the write lock.
    fn write<T>(lock: &Self::RwLock, f: impl FnOnce() -> T) -> T;
}

/// Condition variables that block tasks.
pub(crate) trait Conds: Locks {
    /// A condition variable.
    type Condvar: Send + Sync + 'static;

    /// A condition variable.
    fn condvar() -> Self::Condvar;
    /// Waits; the guard is given up meanwhile.
    fn wait_cond<'a: 'a>(condvar: &Self::Condvar, guard: Self::Guard<'a>) -> Self::Guard<'a>;
    /// Wakes all waiters.
    fn broadcast(condvar: &Self::Condvar);
}

/// [`Locks`] and [`Conds`] for a contender whose `Mutex`, `MutexGuard`, `RwLock` and `Condvar`, which the caller has
/// imported, have the methods of `lock_api`'s.
macro_rules! lock_api_shapes {
    ($contender:ty) => {
        impl crate::shapes::locks::Locks for $contender {
            type Mutex = Mutex<i64>;
            type Guard<'a> = MutexGuard<'a, i64>;
            type RwLock = RwLock<i64>;

            fn mutex() -> Mutex<i64> {
                Mutex::new(0)
            }

            fn lock(mutex: &Mutex<i64>) -> MutexGuard<'_, i64> {
                mutex.lock()
            }

            fn rwlock() -> RwLock<i64> {
                RwLock::new(0)
            }

            fn read<T>(lock: &RwLock<i64>, f: impl FnOnce() -> T) -> T {
                let _guard = lock.read();
                f()
            }

            fn write<T>(lock: &RwLock<i64>, f: impl FnOnce() -> T) -> T {
                let _guard = lock.write();
                f()
            }
        }

        impl crate::shapes::locks::Conds for $contender {
            type Condvar = Condvar;

            fn condvar() -> Condvar {
                Condvar::new()
            }

            fn wait_cond<'a: 'a>(
                condvar: &Condvar,
                mut guard: MutexGuard<'a, i64>,
            ) -> MutexGuard<'a, i64> {
                condvar.wait(&mut guard);
                guard
            }

            fn broadcast(condvar: &Condvar) {
                condvar.notify_all();
            }
        }
    };
}
pub(crate) use lock_api_shapes;

/// Keeps neighbours off a lock's cache lines.
#[repr(align(128))]
struct Padded<T>(T);

/// `a` goroutines count under one mutex.
pub(crate) fn mutex_goroutines<R: Locks>(task: &Task) -> Report {
    let goroutines = task.a;
    timed(task, |n| {
        let start = Instant::now();
        let mutex = Arc::new(R::mutex());
        let group = R::group(goroutines);
        for _ in 0..goroutines {
            let (mutex, group) = (Arc::clone(&mutex), group.clone());
            R::go(move || {
                for _ in 0..n / goroutines {
                    *R::lock(&mutex) += 1;
                }
                R::done(&group);
            });
        }
        R::wait(&group);
        assert_eq!(*R::lock(&mutex), (n / goroutines * goroutines) as i64);
        start.elapsed()
    })
}

/// A mutex for each goroutine.
pub(crate) fn mutex_uncontended<R: Locks>(task: &Task) -> Report {
    parallel::<R, _>(task, 1, || {
        |budget| {
            let mutex = Padded(R::mutex());
            while budget.take() {
                drop(R::lock(&mutex.0));
            }
        }
    })
}

/// One mutex, `a` × GOMAXPROCS goroutines, `b` steps of work outside.
pub(crate) fn mutex<R: Locks>(task: &Task) -> Report {
    let steps = task.b;
    parallel::<R, _>(task, task.a, || {
        let mutex = Arc::new(R::mutex());
        move |budget| {
            while budget.take() {
                drop(R::lock(&mutex));
                work(steps);
            }
        }
    })
}

/// Adds one to every fourth word.
///
/// Nobody knows what is in the slice, so each call does all of it. A black box around each word would
/// send it through memory once more, which Go's loop does not: 0.6 ns a word instead of 0.35.
pub(crate) fn touch(data: &mut [u64]) {
    for word in black_box(data).iter_mut().step_by(4) {
        *word = word.wrapping_add(1);
    }
}

/// Spinning in the lock is of no use: others have work to do.
pub(crate) fn mutex_nospin<R: Locks + Channels>(task: &Task) -> Report {
    parallel::<R, _>(task, 4, || {
        let mutex = Arc::new(R::mutex());
        move |budget| {
            let (tx, rx) = R::chan::<bool>(0);
            let mut data = vec![0; 4 << 10];
            let mut i = 0_u64;
            while budget.take() {
                if i.is_multiple_of(4) {
                    *R::lock(&mutex) += 100;
                } else {
                    touch(&mut data);
                    // A yield that does not go through the global queue.
                    let tx = tx.clone();
                    R::go(move || R::send(&tx, true));
                    R::recv(&rx);
                }
                i += 1;
            }
        }
    })
}

/// Rescheduling is of no use: it costs the cached data.
pub(crate) fn mutex_spin<R: Locks>(task: &Task) -> Report {
    parallel::<R, _>(task, 1, || {
        let mutex = Arc::new(R::mutex());
        move |budget| {
            let mut data = vec![0; 16 << 10];
            while budget.take() {
                *R::lock(&mutex) += 100;
                touch(&mut data);
            }
        }
    })
}

/// Read, read, write on a lock of one's own.
pub(crate) fn rw_uncontended<R: Locks>(task: &Task) -> Report {
    parallel::<R, _>(task, 1, || {
        |budget| {
            let lock = Padded(R::rwlock());
            while budget.take() {
                R::read(&lock.0, || R::read(&lock.0, || ()));
                R::write(&lock.0, || ());
            }
        }
    })
}

/// One in `a` writes, `b` steps of work inside a read lock.
pub(crate) fn rw<R: Locks>(task: &Task) -> Report {
    let (ratio, steps) = (task.a, task.b);
    parallel::<R, _>(task, 1, || {
        let lock = Arc::new(R::rwlock());
        move |budget| {
            let mut i = 0_u64;
            while budget.take() {
                i += 1;
                if i.is_multiple_of(ratio) {
                    R::write(&lock, || ());
                } else {
                    R::read(&lock, || work(steps));
                }
            }
        }
    })
}

/// `a` waiters and a broadcast; whoever comes last broadcasts.
pub(crate) fn cond<R: Conds>(task: &Task) -> Report {
    let waiters = task.a;
    timed(task, |n| {
        let start = Instant::now();
        let shared = Arc::new((R::mutex(), R::condvar()));
        let group = R::group(waiters + 1);
        for _ in 0..=waiters {
            let (shared, group) = (Arc::clone(&shared), group.clone());
            R::go(move || {
                let (mutex, condvar) = &*shared;
                for _ in 0..n {
                    let mut id = R::lock(mutex);
                    if *id == -1 {
                        break;
                    }
                    *id += 1;
                    if *id == waiters as i64 + 1 {
                        *id = 0;
                        R::broadcast(condvar);
                    } else {
                        drop(R::wait_cond(condvar, id));
                    }
                }
                *R::lock(mutex) = -1;
                R::broadcast(condvar);
                R::done(&group);
            });
        }
        R::wait(&group);
        start.elapsed()
    })
}
