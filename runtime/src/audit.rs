//! `GORS_AUDIT=migrate`: no goroutine is ever resumed on the worker that ran it last.
//!
//! What goes wrong when a goroutine changes its thread (a reference into thread-local storage, a
//! guard that is tied to its thread) goes wrong rarely, because a goroutine mostly stays where it
//! is. With the audit on it changes at each park and each yield that lets another goroutine run.
//!
//! A worker that pops a goroutine which it has run last puts it back and gives its own permit to
//! another thread, then queues for a permit itself. So this works with one permit too. Goroutines
//! that are bound to their thread are never in a queue but as tokens, and are left alone.

use crate::shim::atomic::Ordering;

use crate::goroutine::RecordPtr;
use crate::goroutine::record::flag;
use crate::sched::{queue, take};
use crate::worker::{Worker, permit};

/// Whether the worker, having popped this goroutine, has left it to others. On the worker's stack.
pub(crate) fn sends_away(worker: &'static Worker, record: RecordPtr) -> bool {
    let g = record.get();
    debug_assert!(g.has(flag::MIGRATE));
    if g.has(flag::FRESH) {
        return false;
    }
    // SAFETY: a goroutine that has run and not ended has a stack.
    if !unsafe { &*g.slot() }.ran_last_on(worker) {
        return false;
    }
    queue::inject(record, queue::Lane::Woken);
    if worker.permit.load(Ordering::Relaxed) == permit::RUN {
        take::give_up(worker);
    }
    // The other thread has to get up first.
    crate::sys::yield_thread();
    true
}
