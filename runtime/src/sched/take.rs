//! How a permit leaves a worker that does not go idle, and who gets it.
//!
//! A permit is always in exactly one place: idle (counted in the word), held by a worker (its word
//! is not NONE and it is in the table), or *in hand* of the code that moves it.
//!
//! **No queue is left behind a lost permit**, because thieves look into holders' queues only:
//!
//! * who gives its own permit up drains its own queue to the injector;
//! * who takes another worker's permit does so by CAS, fences, and drains the victim's run-next
//!   slot and the length it saw of the deque;
//! * a push may race the take: the worker looks at its permit word after the fence that ends every
//!   submission, and drains itself if the permit is gone. Push-fence-look against CAS-fence-drain:
//!   one of the two sees the other;
//! * what was drained is a submission, and the permit in hand goes to a searcher for it. If there is none
//!   in hand, because the permit was lent and its [lender](super::loan) has it again, the taker makes
//!   the submitter's move.

use super::roster::Left;
use super::word::WORD;
use super::{find, idle, queue, roster, wake};
use crate::goroutine::record::{flag, state};
use crate::goroutine::{Record, RecordPtr};
use crate::shim::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::stack::Slot;
use crate::worker::{Worker, permit};
use crate::{clock, fence, raw};

/// Takes the permit of another worker (or of the caller's own, from BLOCK). In hand if true; if it was
/// lent it goes to the lender instead.
pub(crate) fn take(holder: &'static Worker, from: u8) -> bool {
    let left = roster::revoke(holder, from);
    if left != Left::Nothing {
        if from == permit::BLOCK {
            WORD.leave_block();
        }
        taken(holder, left);
    }
    left == Left::InHand
}

/// Takes the permit of a worker whose goroutine runs on without it.
pub(crate) fn take_from_running(holder: &'static Worker) -> Left {
    let left = roster::revoke_from_running(holder);
    if left != Left::Nothing {
        taken(holder, left);
    }
    left
}

fn taken(holder: &'static Worker, left: Left) {
    fence::store_load();
    crate::observe::handed_off(holder);
    queue::drain_victim(holder);
    if left == Left::Repaid && find::work_in_sight() {
        // Not `wake_searcher`, which may have called this, and takes what is in BLOCK itself.
        if WORD.reserve_for_waking() {
            wake::send_searcher();
        }
        // With no permit idle it is sysmon that lends one again.
        crate::sysmon::end_nap();
    }
}

/// A permit in hand goes where it is needed: to a searcher if there is work, else back.
pub(crate) fn pass_on() {
    if WORD.load().debt() == 0 && find::work_in_sight() {
        WORD.add_searcher();
        wake::send_searcher();
    } else {
        give_back();
    }
}

/// A permit in hand becomes idle; then one more look, as after every give-back.
pub(crate) fn give_back() {
    WORD.give_back(false);
    fence::store_load();
    if find::work_in_sight() {
        wake::wake_searcher();
    } else {
        idle::timers_left();
    }
}

/// The worker gives its permit up, if it still has it: its thread is about to block, or to end.
pub(crate) fn give_up(worker: &'static Worker) {
    let left = roster::part(worker);
    queue::drain_own(worker);
    if left == Left::InHand {
        pass_on();
    }
}

/// GOMAXPROCS shrank: the worker's permit does not exist any more.
pub(crate) fn pay_debt(worker: &'static Worker, from: u8) {
    if from == permit::NONE {
        return;
    }
    roster::keep_loan(worker);
    if roster::revoke(worker, from) == Left::InHand {
        queue::drain_own(worker);
        // Pays if the debt is still there, else the permit is idle.
        WORD.give_back(from == permit::SEARCH);
        fence::store_load();
        if find::work_in_sight() {
            wake::wake_searcher();
        }
    }
}

/// A goroutine that is bound to its thread came back from a wait without a permit and waits for
/// one on its thread. The goroutine stands in the injector as a token.
pub(crate) fn wait_for_permit(g: &'static Record) {
    TOKENS.fetch_add(1, Ordering::Relaxed);
    g.set(flag::TOKEN);
    g.reason
        .store(raw::WaitReason::LockedToThread as u8, Ordering::Relaxed);
    g.state.store(state::ON_THREAD, Ordering::Relaxed);
    queue::inject(
        RecordPtr(std::ptr::from_ref(g).cast_mut()),
        queue::Lane::Woken,
    );
    raw::sleep_until_notified(g, None);
}

/// The worker has popped a token: its permit goes to the thread that the goroutine is bound to.
#[cold]
#[inline(never)]
pub(crate) fn pass_to_thread(worker: &'static Worker, g: &'static Record) {
    let slot: *const Slot = g.slot();
    // SAFETY: a goroutine that waits for a permit has a stack.
    let target = unsafe { &*slot }.worker();
    // A new slice begins. sysmon, which samples, might take the permit at once otherwise. The target
    // waits until it is woken.
    target.next_tick();
    if !roster::hand_over(worker, target) {
        // Taken in this moment: another worker will pop the token.
        queue::inject(
            RecordPtr(std::ptr::from_ref(g).cast_mut()),
            queue::Lane::Woken,
        );
        return;
    }
    end_wait(g);
    queue::drain_own(worker);
}

/// Tokens that stand in a queue.
static TOKENS: AtomicUsize = AtomicUsize::new(0);

/// The goroutine's thread has a permit.
fn end_wait(g: &'static Record) {
    TOKENS.fetch_sub(1, Ordering::Relaxed);
    g.clear(flag::TOKEN);
    raw::wake_thread(g);
}

/// A searcher's permit is in hand and no thread can be had to search. One that waits for a permit needs
/// none: it is there. False if no token was found.
fn give_to_waiting_thread() -> bool {
    if TOKENS.load(Ordering::Relaxed) == 0 || WORD.load().debt() > 0 {
        return false;
    }
    let Some(token) = queue::take_token() else {
        return false;
    };
    let g = token.get();
    let slot: *const Slot = g.slot();
    // SAFETY: a goroutine that waits for a permit has a stack.
    let target = unsafe { &*slot }.worker();
    WORD.end_search();
    // As in `pass_to_thread`.
    target.next_tick();
    roster::assign(target, permit::RUN);
    end_wait(g);
    true
}

/// Since when a searcher's permit has found no thread while all threads waited in place, on the
/// scheduler's clock; 0: it has found one, or one of them has come back.
static NO_THREAD_SINCE: AtomicU64 = AtomicU64::new(0);
/// How long that may last while work waits.
const NO_THREAD_MAX: u64 = 2_000_000_000;

/// A searcher's permit is in hand and no thread can be had for it. Work can wait: the threads that
/// exist will find it, and sysmon tries again. (One of them may have lain down since, seeing no idle
/// permit because this one was in hand. So this give-back looks once more, as every other does.) If the work
/// is a goroutine that waits for a permit on its own thread, it gets this one. If all of them wait in place,
/// one of which may be about to come back, and that does not change, the program ends.
#[cold]
pub(crate) fn no_thread(error: &roster::NoThread) {
    let given = give_to_waiting_thread();
    if !given {
        WORD.give_back(true);
    }
    fence::store_load();
    if roster::threads().1 > 0 && find::work_in_sight() {
        wake::wake_searcher();
        return;
    }
    if given {
        return;
    }
    static WARNED: AtomicBool = AtomicBool::new(false);
    if !WARNED.swap(true, Ordering::Relaxed) {
        eprintln!("gors: {error}; goroutines wait for the threads there are");
    }
    if roster::threads_all_in_place() {
        let now = clock::now();
        let since = NO_THREAD_SINCE.load(Ordering::Relaxed);
        if since == 0 {
            NO_THREAD_SINCE.store(now.max(1), Ordering::Relaxed);
        } else if now.saturating_sub(since) > NO_THREAD_MAX {
            thread_exhaustion(error);
        }
    } else {
        threads_suffice();
    }
    crate::sysmon::rouse();
}

/// A thread was had, a worker went idle, or one came back that had waited in place: not exhausted.
pub(crate) fn threads_suffice() {
    if NO_THREAD_SINCE.load(Ordering::Relaxed) != 0 {
        NO_THREAD_SINCE.store(0, Ordering::Relaxed);
    }
}

#[cold]
fn thread_exhaustion(error: &roster::NoThread) -> ! {
    eprintln!("gors: {error}");
    crate::exit::fatal("thread exhaustion")
}
