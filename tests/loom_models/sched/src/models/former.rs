//! What was wrong once, as a mutant.

use crate::dump::hold;
use crate::goroutine::record::flag;
use crate::sched::find::{self, Found};
use crate::sched::roster::{self, Left};
use crate::sched::{queue, take, worker_main};
use crate::worker::Worker;

/// The life of a worker's thread.
pub(super) fn life() -> fn(&'static Worker) {
    if model::mutated() {
        looks_twice
    } else {
        worker_main
    }
}

/// A worker that looks at a goroutine's flags once to see that something is unusual, and again to see
/// what.
fn looks_twice(worker: &'static Worker) {
    loop {
        let Found::Goroutine(record) = find::next(worker) else {
            continue;
        };
        let g = record.get();
        if g.has(flag::THINK_TWICE | flag::FRESH) {
            if g.has(flag::THINK_TWICE) {
                if hold::defer(record) {
                    continue;
                }
            } else {
                // SAFETY: it is taken for a fresh one.
                unsafe { g.bind(g.slot(), ()) };
            }
        }
        // SAFETY: bound.
        unsafe { (*g.slot()).resume(worker) };
    }
}

/// Takes a permit; of one that goes back to its lender nobody makes the submitter's move.
pub(super) fn take(holder: &'static Worker, from: u8) -> bool {
    if model::mutated() {
        let left = roster::revoke(holder, from);
        queue::drain_victim(holder);
        return left == Left::InHand;
    }
    take::take(holder, from)
}
