//! `WaitGroup` in the shapes of Go's benchmarks.

use gors::go;
use gors::sync::WaitGroup;

use super::{Gors, Programs, main};
use crate::measure::{Report, Task, work};
use crate::shapes::{Budget, parallel};

pub(super) const PROGRAMS: Programs = &[
    ("wg-uncontended", |task| main(task, uncontended)),
    ("wg-adddone", |task| main(task, add_done)),
    ("wg-wait", |task| main(task, wait)),
    ("wg-actually-wait", |task| main(task, actually_wait)),
];

/// A group for each goroutine.
fn uncontended(task: &Task) -> Report {
    parallel::<Gors, _>(task, 1, || {
        |budget: &mut Budget| {
            let group = WaitGroup::new();
            while budget.take() {
                group.add(1);
                group.done();
                group.wait();
            }
        }
    })
}

/// A shared group, `a` steps of work in between.
fn add_done(task: &Task) -> Report {
    let steps = task.a;
    parallel::<Gors, _>(task, 1, || {
        let group = WaitGroup::new();
        move |budget: &mut Budget| {
            while budget.take() {
                group.add(1);
                work(steps);
                group.done();
            }
        }
    })
}

/// A shared group with nothing to wait for.
fn wait(task: &Task) -> Report {
    let steps = task.a;
    parallel::<Gors, _>(task, 1, || {
        let group = WaitGroup::new();
        move |budget: &mut Budget| {
            while budget.take() {
                group.wait();
                work(steps);
            }
        }
    })
}

/// Spawns one and waits for it.
fn actually_wait(task: &Task) -> Report {
    parallel::<Gors, _>(task, 1, || {
        |budget: &mut Budget| {
            while budget.take() {
                let group = WaitGroup::new();
                group.add(1);
                let theirs = group.clone();
                go!(move || theirs.done());
                group.wait();
            }
        }
    })
}
