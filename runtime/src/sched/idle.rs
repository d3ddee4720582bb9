//! How a worker without work sleeps.
//!
//! The order of the moves is the idler's half of [`wake`](super::wake): lie down in the idle list,
//! give the permit back, fence, look at everything once more, sleep.
//!
//! # The timekeeper
//!
//! One idle worker at a time is the timekeeper: it sleeps until the earliest deadline of all
//! timers, the others until they are woken. It publishes its plan in [`PLAN`]; whoever arms an
//! earlier timer wakes it. Plan-fence-look against arm-fence-look: one of the two sees the other.
//! The timekeeper has no permit; when a timer is due it reserves one for itself and fires, or, if
//! all are in use, fires into the injector. Wakers pop it last, so while workers sleep there is
//! normally a timekeeper among them; while there is none, those who run look at the timers, and
//! sysmon keeps the time for hogs. When exactly it wakes up is the affair of [`precision`].
//!
//! **How the office passes on.** A timekeeper that leaves has a permit and searches. Who finds the
//! office empty when it lies down takes it. Those who sleep already do not know:
//!
//! * if the timekeeper was woken for work, it wakes one of those who lay down meanwhile;
//! * if a timer was due, it wakes nobody, because it will soon be back. If a permit is idle or in
//!   BLOCK when it has found work, the last searcher's submit move wakes one of them, who finds
//!   nothing and takes the office. If not, all permits are in RUN, and their holders look at the
//!   timers between two goroutines;
//! * if one of these stops looking and does not lie down, because it enters `blocking` or waits in
//!   place, it [wakes](timers_left) one of them.
//!
//! The last two do not miss each other: both change the packed word, and then look. If the one who
//! enters `blocking` is first, the searcher finds a permit in BLOCK; if not, the other finds the
//! office empty, because the timekeeper left it before its search ended. What is left to sysmon are
//! the times when hogs have all permits, or no thread sleeps.
//!
//! If there is a [poller], the timekeeper sleeps in it.

use std::ptr;
use std::time::Duration;

use super::roster::Left;
use super::word::WORD;
use super::{find, precision, queue, resize, roster, stackless, take};
use crate::shim::atomic::{AtomicPtr, AtomicU64, Ordering};
use crate::worker::{Worker, permit};
use crate::{clock, fence, fork, poller, timer};

/// An idle thread beyond the spare ends after this time.
const RETIRE_AFTER: Duration = Duration::from_secs(5);

static TIMEKEEPER: AtomicPtr<Worker> = AtomicPtr::new(ptr::null_mut());
/// When the timekeeper will wake up; 0: there is none, or it is awake.
static PLAN: AtomicU64 = AtomicU64::new(0);

/// Whether a worker is the timekeeper.
pub(crate) fn is_timekeeper(worker: &Worker) -> bool {
    ptr::eq(TIMEKEEPER.load(Ordering::Relaxed), worker)
}

/// Whether some idle worker watches the timers.
pub(crate) fn timekeeper_sleeps() -> bool {
    PLAN.load(Ordering::Relaxed) != 0
}

/// A timer was armed; the caller has published it.
#[inline]
pub(crate) fn timer_added(when: u64) {
    fence::store_load();
    let plan = PLAN.load(Ordering::Relaxed);
    if plan == 0 {
        // Whoever runs looks at the timers; if nobody does, sysmon must know of this one.
        crate::sysmon::rouse();
    } else if when < plan {
        wake_timekeeper();
    }
}

#[cold]
#[inline(never)]
pub(crate) fn wake_timekeeper() {
    // SAFETY: null or a worker, and workers live for ever. If it is not the timekeeper any more
    // it wakes up for nothing.
    if let Some(worker) = unsafe { TIMEKEEPER.load(Ordering::Acquire).as_ref() } {
        worker.parker.unpark();
    }
}

/// A worker looks at the timers no more and does not lie down, or there is an idle permit more that
/// it had; the caller has changed the word. If nobody keeps the time, one who sleeps shall.
pub(crate) fn timers_left() {
    if TIMEKEEPER.load(Ordering::Relaxed).is_null() && timer::bound() != timer::NEVER {
        roster::nudge_idle();
    }
}

/// What became of a worker that lay down.
#[derive(PartialEq, Eq)]
pub(crate) enum Woken {
    /// It has a permit again.
    WithPermit,
    /// Its thread shall end, and touch the worker no more.
    Retired,
}

/// A worker that found nothing gives its permit back and sleeps.
pub(crate) fn lie_down(worker: &'static Worker, searching: bool) -> Woken {
    match roster::lie_down(worker) {
        Left::Nothing => {}
        Left::InHand => WORD.give_back(searching),
        Left::Repaid => {
            if searching {
                WORD.end_search();
            }
        }
    }
    take::threads_suffice();
    fence::store_load();
    if (find::work_in_sight() || timer_due()) && !try_again(worker) {
        return Woken::WithPermit;
    }
    sleep(worker)
}

/// After lying down there is work in sight. False if the worker has a permit and is up; true if
/// it lies still and may sleep: all permits are in use, by workers that will see the work.
fn try_again(worker: &'static Worker) -> bool {
    loop {
        if !roster::get_up(worker) {
            // Popped by a waker, which has assigned a permit.
            return false;
        }
        if WORD.reserve_for_searching() {
            roster::assign(worker, permit::SEARCH);
            return false;
        }
        roster::lie_down(worker);
        // While this worker was in no list, a permit may have come back whose giver saw the work,
        // found no sleeper and could not make a thread.
        fence::store_load();
        if WORD.load().idle() == 0 || !find::work_in_sight() {
            return true;
        }
    }
}

/// A worker whose permit was taken, or passed on, takes an idle one or sleeps.
pub(crate) fn without_permit(worker: &'static Worker) -> Woken {
    fork::check_inside();
    if roster::end_overtime(worker) {
        return Woken::WithPermit;
    }
    queue::drain_own(worker);
    if WORD.reserve_for_running() {
        roster::assign(worker, permit::RUN);
        return Woken::WithPermit;
    }
    lie_down(worker, false)
}

fn timer_due() -> bool {
    let bound = timer::bound();
    bound != timer::NEVER && bound <= clock::now()
}

/// Sleeps in the idle list until a waker assigns a permit, or a due timer makes the worker get up.
fn sleep(worker: &'static Worker) -> Woken {
    let this = ptr::from_ref(worker).cast_mut();
    let mut retire_after = Some(RETIRE_AFTER);
    let mut popped = false;
    loop {
        if worker.permit.load(Ordering::Acquire) != permit::NONE {
            popped = true;
            break;
        }
        stackless::flush_if_asked(worker);
        let holder = TIMEKEEPER
            .compare_exchange(ptr::null_mut(), this, Ordering::AcqRel, Ordering::Acquire)
            .unwrap_or_else(|holder| holder);
        if !holder.is_null() && !ptr::eq(holder, this) {
            let begun = clock::now();
            worker.parker.park(retire_after);
            if let Some(limit) = retire_after
                && u128::from(clock::now().saturating_sub(begun)) >= limit.as_nanos()
                && worker.permit.load(Ordering::Acquire) == permit::NONE
            {
                if roster::retire_idle(worker, resize::procs() + 1) {
                    return Woken::Retired;
                }
                // Needed as a spare: sleeps without a tick from here on.
                retire_after = None;
            }
            continue;
        }
        // The timekeeper.
        let earliest = timer::earliest();
        let now = clock::now();
        let plan = if earliest > now && earliest != timer::NEVER {
            precision::moment(earliest, now)
        } else {
            earliest
        };
        PLAN.store(plan, Ordering::Relaxed);
        fence::store_load();
        if timer::bound() < earliest {
            continue;
        }
        if plan != timer::NEVER && plan <= now {
            PLAN.store(0, Ordering::Relaxed);
            if keep_time(worker, now) {
                break;
            }
            continue;
        }
        let pause = (plan != timer::NEVER).then(|| precision::pause(plan, now));
        let timeout = pause.map(Duration::from_nanos);
        match poller::get() {
            Some(poller) => worker.parker.park_in(poller, timeout),
            None => worker.parker.park(timeout),
        }
        if let Some(pause) = pause {
            precision::woken(plan, now + pause, || {
                worker.permit.load(Ordering::Relaxed) == permit::NONE
            });
        }
    }
    if is_timekeeper(worker) {
        PLAN.store(0, Ordering::Relaxed);
        TIMEKEEPER.store(ptr::null_mut(), Ordering::Release);
        if popped && timer::bound() != timer::NEVER {
            // Those who lay down meanwhile found the office taken. One of them wakes up and takes
            // it. (Not after a due timer: then this worker will soon be back, and a second thread
            // would be woken for each. If it is not, see above.)
            roster::nudge_idle();
        }
    }
    Woken::WithPermit
}

/// Timers are due. True if the worker got up with a permit and will fire them as a searcher.
fn keep_time(worker: &'static Worker, now: u64) -> bool {
    if !roster::get_up(worker) {
        return true;
    }
    if WORD.reserve_for_searching() {
        roster::assign(worker, permit::SEARCH);
        return true;
    }
    roster::lie_down(worker);
    timer::fire_due(now, find::ready_fired);
    false
}
