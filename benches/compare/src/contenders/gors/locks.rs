//! gors' `Mutex` and `RwLock`.

use gors::sync::{Mutex, MutexGuard, RwLock};

use super::{Gors, Programs, main};
use crate::shapes::locks::{self as shapes, Locks};

pub(super) const PROGRAMS: Programs = &[
    ("mutex-goroutines", |task| {
        main(task, shapes::mutex_goroutines::<Gors>)
    }),
    ("mutex-uncontended", |task| {
        main(task, shapes::mutex_uncontended::<Gors>)
    }),
    ("mutex", |task| main(task, shapes::mutex::<Gors>)),
    ("mutex-nospin", |task| {
        main(task, shapes::mutex_nospin::<Gors>)
    }),
    ("mutex-spin", |task| main(task, shapes::mutex_spin::<Gors>)),
    ("rw-uncontended", |task| {
        main(task, shapes::rw_uncontended::<Gors>)
    }),
    ("rw", |task| main(task, shapes::rw::<Gors>)),
];

impl Locks for Gors {
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
