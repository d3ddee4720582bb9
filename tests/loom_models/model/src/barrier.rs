//! `membarrier`: a barrier that one thread executes on behalf of all.
//!
//! * Each of the others has a fence before its next access: whatever the caller stored before is seen from
//!   then on. That the fence comes late changes nothing, because between the barrier and that access the
//!   thread does nothing that anybody sees.
//! * The caller sees what each of them had stored before: from now on it loads the newest values there
//!   are. That is stronger where a store came after the barrier; then there is an order in which it came
//!   after the load as well, and the model tries that one, too.

use std::cell::Cell;

use crate::PerExecution;
use crate::atomic::Ordering;
use crate::mutant::{self, Change};

/// How many there were in this execution.
static BARRIERS: PerExecution<Cell<u32>> = PerExecution::new();

loom::thread_local! {
    /// How many of them this thread has had.
    static HAD: Cell<u32> = Cell::new(0);
    static CALLED: Cell<bool> = Cell::new(false);
}

/// Every thread of the model executes a barrier now.
#[track_caller]
pub fn barrier_all_threads() {
    if mutant::at(std::panic::Location::caller()) == Some(Change::Skip) {
        return;
    }
    loom::sync::atomic::fence(Ordering::SeqCst);
    let barriers = BARRIERS.get_or(Cell::default);
    barriers.set(barriers.get() + 1);
    HAD.with(|had| had.set(barriers.get()));
    CALLED.with(|called| called.set(true));
}

/// Before an access: the barriers since the last one.
pub(crate) fn catch_up() {
    if BARRIERS.is_filled() {
        let now = BARRIERS.get_or(Cell::default).get();
        if HAD.with(|had| had.replace(now)) != now {
            loom::sync::atomic::fence(Ordering::SeqCst);
        }
    }
}

/// Whether the thread loads the newest values.
pub(crate) fn was_called() -> bool {
    BARRIERS.is_filled() && CALLED.with(Cell::get)
}
