//! gors' `Once`.

use std::sync::Arc;

use gors::sync::Once;

use super::{Gors, Programs, main};
use crate::measure::{Report, Task};
use crate::shapes::{Budget, parallel};

pub(super) const PROGRAMS: Programs = &[("once", |task| main(task, once))];

/// A `Once` that is done.
fn once(task: &Task) -> Report {
    parallel::<Gors, _>(task, 1, || {
        let once = Arc::new(Once::new());
        move |budget: &mut Budget| {
            while budget.take() {
                once.call_once(|| ());
            }
        }
    })
}
