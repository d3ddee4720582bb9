//! **gors**: goroutines for Rust.
//!
//! Stackful green threads, scheduled M:N over GOMAXPROCS permits, with Go's channels, `select` and
//! `sync`. A goroutine blocks in plain Rust code, without `async`; blocking parks it, never an OS
//! thread.
//!
//! ```
//! use gors::prelude::*;
//!
//! fn worker(id: usize, jobs: Receiver<i32>, results: Sender<i32>, wg: WaitGroup) {
//!     defer!(wg.done());
//!     for j in jobs {
//!         println!("worker {id} doubles {j}");
//!         results.send(j * 2).unwrap();
//!     }
//! }
//!
//! gors::run(|| {
//!     let (jobs, results) = (make::<i32>(8), make::<i32>(8));
//!     let wg = WaitGroup::new();
//!     for id in 1..=3 {
//!         wg.add(1);
//!         go!(worker(id, jobs.receiver(), results.sender(), wg.clone()));
//!     }
//!     for j in 1..=5 {
//!         jobs.send(j);
//!     }
//!     jobs.close();
//!     wg.wait();
//!     results.close();
//!     assert_eq!(results.iter().sum::<i32>(), 30);
//! });
//! ```
//!
//! # Where things are
//!
//! | Go | here |
//! | --- | --- |
//! | `go`, `defer`, `runtime.Gosched` … | the macros and functions of this page |
//! | `chan`, `select` | [`chan`], [`make`], [`select!`] |
//! | `sync`, `sync/atomic`, `x/sync/...` | [`sync`] |
//! | `time` | [`time`] |
//! | `context` | [`context`] |
//! | `os/signal` | [`signal`] |
//! | `testing/synctest` | [`testing`] |
//! | | [`patterns`] |
//!
//! [`prelude`] brings what every program uses. `docs/porting-from-go.md` has a table of every
//! construct.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `async` | no | `chan::Sender::send_async`, `chan::Receiver::recv_async`, safe to cancel, for any executor |
//! | `stream` | no | `chan::Receiver::stream`, a `futures_core::Stream`; includes `async` |
#![forbid(unsafe_code)]

pub mod context;
pub mod patterns;
mod shim;
pub mod signal;
pub mod sync;
pub mod testing;
pub mod time;

pub use gors_chan as chan;
#[doc(inline)]
pub use gors_chan::{Chan, Receiver, Sender, bounded, make, select, select_biased, unbounded};
pub use gors_runtime as runtime;
#[doc(inline)]
pub use gors_runtime::{
    Builder, GoroutineLocal, JoinError, JoinHandle, PanicPolicy, Parker, Scope, ScopedJoinHandle,
    Stats, Unparker, block_on, blocking, checkpoint, defer, free_os_memory, go, goexit, goid,
    gomaxprocs, goroutine_local, goroutine_name, gosched, lock_os_thread, main, num_cpu,
    num_goroutine, run, scope, set_panic_policy, spawn, stack_dump, stats, test, unlock_os_thread,
};

#[doc(hidden)]
pub use gors_runtime::__private;

/// Everything a Go-style program uses, in one import.
///
/// ```
/// use gors::prelude::*;
///
/// gors::run(|| {
///     let c = make(0);
///     go!({
///         let c = c.clone();
///         move || c.send("hello")
///     }());
///     select! {
///         recv(c) -> word => assert_eq!(word, Some("hello")),
///         default(Duration::from_secs(5)) => panic!("timeout"),
///     }
/// });
/// ```
pub mod prelude {
    pub use std::time::Duration;

    pub use gors_chan::{Chan, Receiver, Sender, make, select, select_biased};
    pub use gors_runtime::{
        JoinHandle, block_on, blocking, checkpoint, defer, go, goexit, goid, gomaxprocs,
        goroutine_local, gosched, num_cpu, num_goroutine, run, scope, spawn,
    };

    pub use crate::sync::WaitGroup;
}

/// Compiles and runs the code of the guide.
#[cfg(doctest)]
#[doc = include_str!("../docs/porting-from-go.md")]
struct PortingFromGo;

/// Compiles and runs the code of the guide to debugging.
#[cfg(doctest)]
#[doc = include_str!("../docs/debugging.md")]
struct Debugging;

/// Compiles and runs the program in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
