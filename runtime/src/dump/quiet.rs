//! Whether nothing runs but who asks.
//!
//! A handle that a running thread has in a register is in no memory. What is in memory is all there is
//! only if all registers were stored: those of parked goroutines are on their stacks; a plain thread
//! that sleeps in one of our primitives has [stored](sys::preserved_registers) its own; and so does who asks. So
//! there must be nobody else: no other goroutine runs, could run, or waits on its thread; no plain
//! thread waits elsewhere, or with a deadline, at which it would go on by itself; no readiness and no
//! signal is waited for. A timer may fire: then somebody becomes runnable, and if he has run and waits
//! again by the second look, the workers' ticks tell.

use std::collections::HashSet;

use super::leaks::Own;
use crate::deadlock::has_foreign_thread;
use crate::goroutine::record::{flag, state};
use crate::goroutine::slab;
use crate::sched::roster;
use crate::shim::atomic::Ordering;
use crate::{observe, poller, raw, spawn, sys, sysmon};

/// Something that changes if somebody runs; `None` if somebody else than `own` does.
pub(super) fn look(own: &Own) -> Option<u64> {
    if cfg!(not(target_arch = "x86_64"))
        || poller::waiters() > 0
        || raw::signal::caught() > 0
        // It reports a deadlock, of which all are part.
        || own.thread == sysmon::thread()
    {
        return None;
    }
    let mut known = HashSet::from([
        sysmon::thread(),
        observe::thread(),
        raw::signal::thread(),
        own.thread,
        sys::thread_id(),
    ]);
    roster::for_each(|worker| {
        known.insert(worker.thread.load(Ordering::Relaxed));
    });
    let mut others = false;
    slab::for_each_used(|g| {
        let state = g.state.load(Ordering::SeqCst);
        if g.has(flag::THREAD) {
            // It may be on its way to the call that stores the registers and sleeps.
            let sleeps = state == state::SLEEPING
                && !g.has(flag::TIMED)
                && sys::thread_sleeps(g.thread_id());
            if sleeps {
                known.insert(g.thread_id());
            }
        } else if g.goid() != own.goroutine {
            others |= !state::is_parked(state);
        }
    });
    if others || has_foreign_thread(&known) {
        return None;
    }
    let (spawned, ended) = spawn::totals();
    let mut progress = spawned.wrapping_add(ended);
    roster::for_each(|worker| {
        progress = progress.wrapping_add(u64::from(worker.tick.load(Ordering::SeqCst)));
    });
    Some(progress)
}
