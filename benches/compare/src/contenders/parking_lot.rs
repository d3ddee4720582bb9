//! `parking_lot`'s locks on OS threads, pinned to as many CPUs as permits.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard, Once, RwLock};

use super::crossbeam::Threads;
use super::{Contender, Programs};
use crate::measure::{Report, Task};
use crate::shapes::locks::{self, lock_api_shapes};
use crate::shapes::{Budget, parallel};

/// The column.
pub(super) const CONTENDER: Contender = Contender {
    name: "parking_lot",
    about: "parking_lot's locks on OS threads",
    spawned_bytes: 0,
    parked_bytes: 0,
    programs: &[PROGRAMS],
    refusals: &[
        ("mutex-nospin", "an OS thread for each operation"),
        ("wg-", "no wait groups"),
        ("", "lock rows only"),
    ],
    notes: &[],
};

const PROGRAMS: Programs = &[
    ("mutex-goroutines", locks::mutex_goroutines::<Threads>),
    ("mutex-uncontended", locks::mutex_uncontended::<Threads>),
    ("mutex", locks::mutex::<Threads>),
    ("mutex-spin", locks::mutex_spin::<Threads>),
    ("rw-uncontended", locks::rw_uncontended::<Threads>),
    ("rw", locks::rw::<Threads>),
    ("once", once),
    ("cond", locks::cond::<Threads>),
];

lock_api_shapes!(Threads);

/// A `Once` that is done.
fn once(task: &Task) -> Report {
    parallel::<Threads, _>(task, 1, || {
        let once = Arc::new(Once::new());
        move |budget: &mut Budget| {
            while budget.take() {
                once.call_once(|| ());
            }
        }
    })
}
