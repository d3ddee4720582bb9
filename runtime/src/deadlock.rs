//! When everything is asleep and nothing can wake it: say so and end, as Go does.
//!
//! sysmon asks when all permits have been idle for a while ([`check`]), a few backed-off times, and
//! again after a plain thread that waited for something has parked or ended, or the last signal subscription has
//! ended; ever more seldom, too, while nothing but another thread keeps the verdict back. The verdict needs all of
//! this, twice in a row with nothing having moved in between:
//!
//! * no permit is in use, no queue holds anything, no timer is armed;
//! * nobody waits for readiness in the [poller](crate::poller), and no signal is subscribed to;
//! * every worker thread lies idle or waits in place: none is inside a blocking call or hogs a CPU;
//! * every goroutine is parked or waits on its thread, none has been readied;
//! * every thread of the process is ours, or a plain thread that waits in one of our primitives
//!   without a deadline: any other thread might still send something. So test runners
//!   and programs that embed the runtime are never judged.
//!
//! If the only runnable goroutines wait for a stack, the message is another one.

use std::collections::HashSet;
use std::time::Duration;

use crate::goroutine::record::{flag, state};
use crate::goroutine::slab;
use crate::sched::word::WORD;
use crate::sched::{find, resize, roster, stackless};
use crate::shim::atomic::{AtomicBool, Ordering};
use crate::{blocking, exit, observe, poller, raw, spawn, sys, sysmon, timer};

/// The main goroutine has ended by `goexit`, and its thread waits for the others.
static MAIN_IS_GONE: AtomicBool = AtomicBool::new(false);

/// The main goroutine has ended by `goexit`: once the others have ended the program is stuck.
pub(crate) fn main_is_gone() {
    MAIN_IS_GONE.store(true, Ordering::SeqCst);
}

/// Whether a later look may find what this one did not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Later {
    Never,
    /// It may, and whatever makes it so is work for somebody, most likely.
    Perhaps,
    /// If a thread ends that is not ours. Nobody tells.
    Unheard,
}

/// What one look found.
#[derive(PartialEq, Eq)]
enum Look {
    /// Something runs, or may still wake somebody.
    Alive,
    /// Everything that is ours waits. There is a thread that is not, and may still wake somebody.
    Foreign,
    /// Nobody waits for anything.
    Empty,
    /// Everything that exists waits. The numbers tell whether anything moved between two looks.
    Asleep {
        waiting: usize,
        stackless: usize,
        progress: u64,
    },
}

/// Ends the program if it is deadlocked.
pub(crate) fn check() -> Later {
    if MAIN_IS_GONE.load(Ordering::SeqCst) && spawn::num_goroutine() == 0 {
        exit::fatal("no goroutines (main called runtime.Goexit) - deadlock!");
    }
    let first = look();
    let stackless = match first {
        Look::Asleep { stackless, .. } => stackless,
        Look::Alive => return Later::Perhaps,
        Look::Foreign => return Later::Unheard,
        Look::Empty => return Later::Never,
    };
    sys::sleep(Duration::from_millis(5));
    if look() != first {
        return Later::Perhaps;
    }
    if stackless > 0 {
        exit::fatal_with_dump("out of stacks: goroutines wait for one and all others are asleep");
    }
    exit::fatal_with_dump("all goroutines are asleep - deadlock!");
}

fn look() -> Look {
    let word = WORD.load();
    let (threads, idle) = roster::threads();
    if (word.idle() as usize) < resize::procs()
        || word.searching() != 0
        || find::work_in_sight()
        || timer::earliest() != timer::NEVER
        || poller::waiters() > 0
        || raw::signal::caught() > 0
        || threads != idle + blocking::in_place()
    {
        return Look::Alive;
    }
    // The thread that passes signals on has none to pass on.
    let mut known = HashSet::from([sysmon::thread(), observe::thread(), raw::signal::thread()]);
    roster::for_each(|worker| {
        known.insert(worker.thread.load(Ordering::Relaxed));
    });
    let mut waiting = 0;
    let mut runnable = 0;
    let mut alive = false;
    slab::for_each_used(|record| {
        let state = record.state.load(Ordering::SeqCst);
        let asleep = state::is_parked(state) || matches!(state, state::ON_THREAD | state::SLEEPING);
        if !record.has(flag::THREAD) {
            if asleep {
                waiting += 1;
            } else {
                runnable += 1;
            }
        } else if asleep {
            if record.has(flag::TIMED) {
                alive = true;
            } else {
                waiting += 1;
                known.insert(record.thread_id());
            }
        }
    });
    let stackless = stackless::count();
    if alive || runnable != stackless {
        return Look::Alive;
    }
    if waiting == 0 && stackless == 0 {
        return Look::Empty;
    }
    if has_foreign_thread(&known) {
        return Look::Foreign;
    }
    let (spawned, ended) = spawn::totals();
    let mut progress = spawned.wrapping_add(ended);
    roster::for_each(|worker| {
        progress = progress.wrapping_add(u64::from(worker.tick.load(Ordering::SeqCst)));
    });
    Look::Asleep {
        waiting,
        stackless,
        progress,
    }
}

/// ThreadSanitizer has a thread of its own, which wakes nobody.
const SANITIZERS_THREADS: usize = if cfg!(gors_tsan) { 1 } else { 0 };

/// Whether the process has a thread that is none of `known`.
pub(crate) fn has_foreign_thread(known: &HashSet<u32>) -> bool {
    match sys::threads_of_process() {
        Some(threads) => {
            let foreign = threads.iter().filter(|thread| !known.contains(thread));
            foreign.count() > SANITIZERS_THREADS
        }
        // Without the list there is no verdict.
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Catches a thread that has ended and still counts as known: the kernel gives its number to another
    /// one, which might wake somebody.
    #[test]
    fn threads_that_have_ended_are_forgotten() {
        let locked = spawn::spawn(|| {
            blocking::lock_os_thread();
            sys::thread_id()
        });
        let thread = locked.join().expect("no panic");
        let begun = Instant::now();
        let exists = |thread| {
            let threads = sys::threads_of_process().expect("Linux has the list");
            threads.contains(&thread)
        };
        while exists(thread) {
            assert!(begun.elapsed() < Duration::from_secs(60), "it goes on");
            sys::sleep(Duration::from_millis(1));
        }
        roster::for_each(|worker| {
            assert_ne!(worker.thread.load(Ordering::Relaxed), thread);
        });
    }
}
