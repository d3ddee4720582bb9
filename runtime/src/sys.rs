//! The operating system, as the runtime sees it.
//!
//! Every system call of the runtime goes through this module; another Unix is a new file beside
//! `linux.rs` and `memory.rs` with the same functions. Nothing here knows of goroutines.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
pub(crate) use linux::*;
#[cfg(target_os = "linux")]
pub(crate) use memory::*;

mod cpus;
mod faults;
pub(crate) mod signal;
mod threads;
pub(crate) use cpus::{default_parallelism, num_cpu};
pub(crate) use threads::{exit_at_once, on_fork, thread_cpu_time, thread_sleeps};

/// Creates a thread of the runtime's.
pub(crate) fn new_thread(
    name: impl Into<String>,
    stack_size: usize,
    body: impl FnOnce() + Send + 'static,
) -> std::io::Result<()> {
    faults::check(faults::Call::Thread)?;
    std::thread::Builder::new()
        .name(name.into())
        .stack_size(stack_size)
        .spawn(body)
        .map(|_| ())
}

#[cfg(not(target_os = "linux"))]
compile_error!("gors-runtime runs on Linux; another Unix is a new file in runtime/src/sys/");
