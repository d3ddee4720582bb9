//! After `fork`: the child has one thread, the one that called it, and none of the others.
//!
//! It may `exec`, and call what may be called between the two. It has no workers and no sysmon, and
//! locks may be held by threads that do not exist, so using the runtime ends in a panic that says so,
//! and not in a hang. Nothing of that is on a hot path: the handler takes the permit from the worker,
//! and marks the goroutine in a way that leads its waits onto their slow path, where this is looked
//! at.

use crate::goroutine::record::flag;
use crate::shim::atomic::{AtomicBool, Ordering};
use crate::stack::current_slot;
use crate::sys;
use crate::worker::permit;

const MESSAGE: &str = "gors cannot be used in a process made by fork: only the thread that called fork \
                       exists in it. Call exec in the child, or use std::process::Command";

static FORKED: AtomicBool = AtomicBool::new(false);

/// Once, at the start of the runtime. A child that was forked before can start its own.
pub(crate) fn install() {
    sys::on_fork(child);
}

/// In the child. Takes no lock and allocates nothing.
unsafe extern "C" fn child() {
    FORKED.store(true, Ordering::Relaxed);
    if let Some(slot) = current_slot() {
        slot.record().set(flag::FORKED);
        slot.worker().permit.store(permit::NONE, Ordering::Relaxed);
    }
}

/// At the start of a use of the runtime.
///
/// # Panics
///
/// In a forked child.
#[inline]
pub(crate) fn check() {
    if FORKED.load(Ordering::Relaxed) {
        refuse();
    }
}

#[cold]
#[inline(never)]
fn refuse() -> ! {
    if std::thread::panicking() {
        end();
    }
    panic!("{MESSAGE}");
}

/// In the middle of a use of the runtime, where nothing can be unwound: ends a forked child.
#[inline]
pub(crate) fn check_inside() {
    if FORKED.load(Ordering::Relaxed) {
        end();
    }
}

#[cold]
#[inline(never)]
fn end() -> ! {
    sys::write_stderr(format!("fatal error: {MESSAGE}\n").as_bytes());
    sys::exit_at_once(2)
}
