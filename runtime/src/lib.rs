//! The runtime under [gors](https://docs.rs/gors): goroutines for Rust.
//!
//! A work-stealing scheduler runs stackful coroutines on worker threads; exactly GOMAXPROCS of them
//! hold a *permit* to run goroutines at a time. Blocking parks a goroutine, never an OS thread.
//! Programs use the `gors` crate, which adds channels, `select!` and Go's packages; this crate is
//! for libraries that need no more than goroutines.
//!
//! ```
//! gors_runtime::run(|| {
//!     let answer = gors_runtime::spawn(|| 6 * 7);
//!     assert_eq!(answer.join().unwrap(), 42);
//! });
//! ```
//!
//! # Map of the source
//!
//! | question | module |
//! | --- | --- |
//! | What is a goroutine, in memory? | `goroutine` |
//! | What does a worker run next; how is it woken? | `sched` |
//! | How does a goroutine wait and get ready? | [`raw`] |
//! | What if it blocks its thread, or unwinds? | `blocking` |
//! | Where do stacks come from? | `stack` |
//! | Who am I? | `current` |
//! | Who fires timers; who looks after hogs? | `timer`, `sysmon` |
//! | Where would a network poller come in? | `poller` |
//! | How do goroutines and programs end? | `exit` |
//! | What is everybody doing? | `dump`, `observe`, `stats` |
//! | What makes a run repeatable; what is virtual time? | `bubble` |
//! | What if goroutines change threads at every park? | `audit` |

// The compiler's own attribute that keeps ThreadSanitizer out of a function.
#![cfg_attr(gors_tsan, feature(sanitize))]

mod audit;
mod block_on;
mod blocking;
mod bubble;
mod builder;
mod clock;
mod config;
mod current;
mod deadlock;
mod dump;
mod exit;
mod fence;
mod fork;
mod goroutine;
mod join;
mod local;
mod macros;
mod mode;
mod observe;
mod pair;
mod parker;
mod poller;
mod random;
pub mod raw;
mod run;
mod sanitize;
mod sched;
mod scope;
mod shim;
mod spawn;
mod stack;
mod stats;
mod sys;
mod sysmon;
mod testing;
mod timer;
mod worker;
mod yielding;

pub use gors_macros::{main, test};

pub use block_on::block_on;
pub use blocking::{blocking, lock_os_thread, unlock_os_thread};
pub use builder::Builder;
pub use dump::leaks::{Leak, leaks};
pub use dump::{stack_dump, wait_reason_of};
pub use exit::{PanicPolicy, goexit, set_panic_policy};
pub use join::{JoinError, JoinHandle};
pub use local::GoroutineLocal;
pub use parker::{Parker, Unparker};
pub use run::run;
pub use sched::resize::gomaxprocs;
pub use scope::{Scope, ScopedJoinHandle, scope};
pub use spawn::{goid, goroutine_name, num_cpu, num_goroutine, spawn};
pub use stack::{StackUsage, free_os_memory, stack_usage};
pub use stats::{Stats, stats};
pub use yielding::{checkpoint, gosched, sleep};

/// What the macros expand to.
#[doc(hidden)]
pub mod __private {
    pub use gors_macros::go_impl;

    pub use crate::macros::Defer;
    pub use crate::spawn::go;
    pub use crate::testing::run_test;
}

/// Compiles and runs the program in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
