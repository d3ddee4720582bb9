//! What waits and is woken, under loom: the runtime's source files, unchanged, over stand-ins of what
//! is below them.
//!
//! Real: `raw` (but for `func_timer`, `signal`, `spin` and `unwind`), `timer.rs`, `parker.rs`, `join.rs`, `pair.rs`.
//! Stand-ins: the record, the switch and the scheduler. A goroutine is a thread of the model that has
//! a [`stack::Slot`]; when it switches out it does what the worker does on its own stack
//! (`runtime/src/sched.rs`, `commit`: state, timer, unlock) and waits until its record is popped.
#![allow(dead_code, unused_imports, reason = "the files are used in part")]

#[path = "../../../../runtime/src/sanitize.rs"]
#[allow(dead_code, unused_imports, unexpected_cfgs)]
mod sanitize;
#[path = "../../../../runtime/src/shim.rs"]
mod shim;

#[path = "../../../../runtime/src/join.rs"]
mod join;
#[path = "../../../../runtime/src/pair.rs"]
mod pair;
#[path = "../../../../runtime/src/parker.rs"]
mod parker;
#[path = "../../../../runtime/src/timer.rs"]
mod timer;

mod below;
mod goroutine;
mod models;
pub mod raw;

pub use below::world;
pub use models::models;
pub use parker::{Parker, Unparker};

use below::{
    blocking, bubble, clock, current, exit, fence, fork, mode, observe, random, sched, stack, sys, sysmon,
};

/// What the macros of the real crate call.
pub mod __private {
    /// No model starts goroutines by it.
    pub fn go<F: FnOnce() + Send + 'static>(_: F) {
        unreachable!();
    }
}
