//! The scheduler's protocols under loom: its source files, unchanged, over stand-ins of what is around
//! them.
//!
//! Real: `sched.rs` and all of `sched/`, `worker.rs`, `blocking.rs`, `audit.rs`, `timer.rs`, `raw/task.rs`,
//! `raw/lock.rs`, `stack/magazine.rs`, `stack/depot.rs`, `goroutine/slab.rs` and `dump/hold.rs`.
//! Stand-ins: goroutines, which are closures that a worker calls, one from each resume to the next park;
//! crossbeam-deque (`../deque`); threads that do not end until the model does; a clock that the model
//! moves.
#![allow(dead_code, unused_imports, reason = "the files are used in part")]

#[path = "../../../../runtime/src/audit.rs"]
mod audit;
#[path = "../../../../runtime/src/blocking.rs"]
mod blocking;
#[path = "../../../../runtime/src/sanitize.rs"]
#[allow(dead_code, unused_imports, unexpected_cfgs)]
mod sanitize;
#[path = "../../../../runtime/src/sched.rs"]
mod sched;
#[path = "../../../../runtime/src/shim.rs"]
mod shim;
#[path = "../../../../runtime/src/timer.rs"]
mod timer;
#[path = "../../../../runtime/src/worker.rs"]
mod worker;

mod below;
mod dump;
mod goroutine;
mod models;
mod raw;
mod stack;

pub use models::models;

use below::{
    bubble, clock, config, current, exit, fence, fork, goexit, goid, mode, observe, poller, random, spawn,
    sys, sysmon,
};
