//! The wake-up protocol: why a runnable goroutine never waits while a permit is idle.
//!
//! # The problem
//!
//! Waking a thread for each submission costs microseconds and tears apart pairs that run best on
//! one worker. Waking nobody strands work. And a worker that finds nothing and goes to sleep races
//! with a submission that it has just missed.
//!
//! # States
//!
//! A permit is *idle*, or *held* by a worker that runs, searches or blocks. The packed word counts
//! idle permits and searchers ([`word`](super::word)).
//!
//! # Moves
//!
//! * **Submit**: put the goroutine into a queue; StoreLoad fence; read the word. If a permit is
//!   idle and nobody searches, *reserve* it (idle − 1, searching + 1, one CAS), then wake a sleeping
//!   worker, or start one, which begins as a searcher. If no thread can be had the permit goes back
//!   ([`super::take::give_back`] looks again).
//! * **Search**: a worker out of local work counts itself as searcher (at most half of the busy
//!   ones) and looks into the injector, the timers and every holder's queue. If it finds work it
//!   stops searching; *the last searcher that finds work makes the submit move once more*, so
//!   wake-ups spread in a chain while there is work, and one searcher is enough for each wave.
//! * **Idle**: a worker that found nothing lies down in the idle list, gives its permit back (idle +
//!   1, searching − 1, one CAS), StoreLoad fence, looks at *everything* once more. If it sees work it
//!   gets up, reserves a permit again and searches; if no permit is idle, those who hold them are
//!   awake and come past the same queues before they lie down.
//!
//! # Why nothing is lost
//!
//! Take a submission S and the last worker W to go idle. S stores the goroutine and then reads the
//! word; W changes the word and then reads the queues; between store and read both fence. So at
//! least one of them sees the other: either S sees W's idle permit and no searcher, and wakes; or W
//! sees the goroutine. If S sees a searcher instead, that searcher has not yet given its permit
//! back, and will look after it has: it is the W of its own argument. Every ex-searcher looks, not
//! only the last, because the counts that the others saw may have included it.
//!
//! A waker that pops W from the idle list assigns it a permit under the roster's lock before it
//! unparks it; W looks at its permit word after it wakes and when it gets up, so a reservation always
//! reaches a thread that acts on it.
//!
//! Moving goroutines between queues is a submission too, because they are in neither for a moment:
//! a searcher makes the submit move when it ends its search, everybody else after the move
//! ([`queue::recheck`](super::queue::recheck), the drains).
//!
//! # What is deliberately late
//!
//! A submission that only fills an empty run-next slot will usually be run by the same worker a
//! moment later: that is every ping-pong. If the last searcher found nothing, such submissions wake
//! nobody for a while: up to [`HOLD_MAX`] of them, doubling from [`HOLD_MIN`] with each vain search
//! and reset by a steal from a deque, and at most until sysmon's next look, which ends the hold and
//! wakes a searcher for a run-next entry that has not moved. (A futile wake-up costs the waker and a
//! second processor some 10 µs, 200 times a channel operation. A robbed run-next slot proves little:
//! the kernel may just have taken the owner off its processor.)

use super::word::WORD;
use super::{roster, take};
use crate::shim::atomic::{AtomicU32, Ordering};
use crate::worker::{Worker, permit};

/// Submissions held back after the first vain search.
const HOLD_MIN: u32 = 16;
/// Submissions held back at most.
const HOLD_MAX: u32 = 1 << 16;

/// How many run-next-only submissions wake nobody.
static HOLD: AtomicU32 = AtomicU32::new(0);

/// After a submission other than to an empty run-next slot; the caller has fenced.
#[inline]
pub(crate) fn after_submit() {
    let word = WORD.load();
    if !word.nothing_to_wake() && word.searching() == 0 {
        wake_searcher();
    }
}

/// After a submission that filled the worker's empty run-next slot; the caller has fenced.
#[inline]
pub(crate) fn after_run_next(worker: &Worker) {
    let word = WORD.load();
    if !word.nothing_to_wake() && word.searching() == 0 {
        let held = worker.held_back.get();
        if held < HOLD.load(Ordering::Relaxed) {
            worker.held_back.set(held + 1);
        } else {
            worker.held_back.set(0);
            wake_searcher();
        }
    }
}

/// A search found nothing.
pub(crate) fn search_was_vain() {
    let hold = HOLD.load(Ordering::Relaxed);
    if hold < HOLD_MAX {
        HOLD.store((hold * 2).clamp(HOLD_MIN, HOLD_MAX), Ordering::Relaxed);
    }
}

/// Submissions wake somebody again: a search found work in another worker's deque, or sysmon found
/// a goroutine that was left in a run-next slot.
pub(crate) fn end_hold() {
    if HOLD.load(Ordering::Relaxed) != 0 {
        HOLD.store(0, Ordering::Relaxed);
    }
}

/// Wakes one searcher if a permit is to be had and nobody searches.
#[cold]
#[inline(never)]
pub(crate) fn wake_searcher() {
    if WORD.reserve_for_waking() {
        send_searcher();
        return;
    }
    // No idle permit: somebody inside `blocking` may hold one that it does not need.
    let word = WORD.load();
    if word.idle() == 0 && word.blocked() > 0 && word.searching() == 0 {
        for holder in roster::holders(0) {
            if holder.permit.load(Ordering::Relaxed) == permit::BLOCK
                && take::take(holder, permit::BLOCK)
            {
                WORD.add_searcher();
                send_searcher();
                return;
            }
        }
    }
}

/// A permit is in hand and counted as a searcher's: a thread must have it.
pub(crate) fn send_searcher() {
    if let Err(error) = roster::wake_with_permit(None) {
        take::no_thread(&error);
    }
}
