//! gors' `Mutex`, `RwLock` and `Condvar`.

use gors::sync::{Condvar, Mutex, MutexGuard, RwLock};

use super::{Gors, Programs, main};
use crate::shapes::locks::{self as shapes, lock_api_shapes};

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
    ("cond", |task| main(task, shapes::cond::<Gors>)),
];

lock_api_shapes!(Gors);
