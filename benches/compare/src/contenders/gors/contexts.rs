//! `context` in the shape of Go's benchmark.

use gors::context::{self, Context};

use super::{Gors, Programs, main};
use crate::measure::{Report, Task};
use crate::shapes::{Budget, parallel};

pub(super) const PROGRAMS: Programs = &[("context-tree", |task| main(task, tree))];

/// A chain of `a` contexts below one that is cancelled.
fn tree(task: &Task) -> Report {
    let depth = task.a;
    parallel::<Gors, _>(task, 1, || {
        move |budget: &mut Budget| {
            while budget.take() {
                let (root, cancel) = context::with_cancel(&Context::background());
                let mut ctx = root;
                for _ in 0..depth {
                    (ctx, _) = context::with_cancel(&ctx);
                }
                cancel.cancel();
            }
        }
    })
}
