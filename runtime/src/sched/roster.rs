//! The roster: which workers exist, which sleep, which hold permits.
//!
//! One mutex. It is taken when a worker falls asleep, is woken, or a permit changes hands, never
//! on the path of a submission that wakes nobody. All functions may be called on any stack; they
//! do not park, and are not inlined, so that no thread-local address of the mutex or of thread
//! creation survives into code that parks.
//!
//! The table of permit holders is read without the lock, by thieves and sysmon. A worker is in it
//! exactly while its permit word is not NONE; both change under the lock.

use super::word::WORD;
use crate::config::{self, MAX_PROCS};
use crate::shim::Mutex;
use crate::shim::atomic::{AtomicPtr, AtomicUsize, Ordering};
use crate::worker::{Worker, permit};

struct Roster {
    /// Asleep or about to be, without a permit. Last in, first out.
    idle: Vec<&'static Worker>,
    /// Left behind by threads that ended.
    spare: Vec<&'static Worker>,
    all: Vec<&'static Worker>,
    threads: usize,
    totals: Totals,
}

/// What became of threads since the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Totals {
    pub(crate) started: u64,
    pub(crate) ended: u64,
    /// Could not be had.
    pub(crate) refused: u64,
}

static ROSTER: Mutex<Roster> = Mutex::new(Roster {
    idle: Vec::new(),
    spare: Vec::new(),
    all: Vec::new(),
    threads: 0,
    totals: Totals {
        started: 0,
        ended: 0,
        refused: 0,
    },
});

/// The table of permit holders. Debt may keep a few more than GOMAXPROCS for a while.
static HOLDERS: [AtomicPtr<Worker>; 2 * MAX_PROCS] =
    [const { AtomicPtr::new(std::ptr::null_mut()) }; 2 * MAX_PROCS];
/// Entries of the table that were ever in use; the rest is not looked at.
static HOLDERS_END: AtomicUsize = AtomicUsize::new(0);

/// Why no thread could be had.
#[derive(Debug)]
pub(crate) enum NoThread {
    /// GORS_MAX_THREADS is reached.
    Limit(usize),
    /// The operating system refused.
    Refused(std::io::Error),
}

impl std::fmt::Display for NoThread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Limit(limit) => write!(
                f,
                "the program exceeds the limit of {limit} threads (GORS_MAX_THREADS)"
            ),
            Self::Refused(error) => write!(f, "cannot create a thread: {error}"),
        }
    }
}

/// The workers that hold permits, from a random start on.
pub(crate) fn holders(start: usize) -> impl Iterator<Item = &'static Worker> {
    let end = HOLDERS_END.load(Ordering::Acquire);
    (0..end).filter_map(move |offset| {
        let entry = &HOLDERS[(start % end + offset) % end];
        // SAFETY: null or a worker, and workers live for ever.
        unsafe { entry.load(Ordering::Acquire).as_ref() }
    })
}

/// Puts a worker into the table with its new permit. Under the roster's lock.
fn assign_locked(worker: &'static Worker, state: u8) {
    debug_assert_eq!(worker.permit.load(Ordering::Relaxed), permit::NONE);
    let index = HOLDERS
        .iter()
        .position(|entry| entry.load(Ordering::Relaxed).is_null())
        .expect("there are never more permits than entries");
    HOLDERS[index].store(std::ptr::from_ref(worker).cast_mut(), Ordering::Release);
    worker.holder.set(index);
    worker.lender.store(std::ptr::null_mut(), Ordering::Relaxed);
    if HOLDERS_END.load(Ordering::Relaxed) <= index {
        HOLDERS_END.store(index + 1, Ordering::Release);
    }
    worker.permit.store(state, Ordering::SeqCst);
    crate::sysmon::rouse();
}

/// Takes a worker, whose permit word the caller has just made NONE, out of the table.
fn unlist_locked(worker: &'static Worker) {
    HOLDERS[worker.holder.get()].store(std::ptr::null_mut(), Ordering::Release);
}

/// Where the permit of a worker went that was to lose it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Left {
    /// The worker had none, or in another state.
    Nothing,
    /// It is in the caller's hand.
    InHand,
    /// It was lent, and its lender has it again.
    Repaid,
}

/// Takes a worker, whose permit word the caller has just made NONE, out of the table, and gives a
/// permit that was lent back to its lender, if that one still works overtime.
fn leave_locked(worker: &'static Worker) -> Left {
    unlist_locked(worker);
    // SAFETY: null or a worker, and workers live for ever.
    let lender = unsafe { worker.lender.load(Ordering::Relaxed).as_ref() };
    match lender {
        Some(lender) if lender.overtime.load(Ordering::Relaxed) && WORD.load().debt() == 0 => {
            lender.overtime.store(false, Ordering::Relaxed);
            assign_locked(lender, permit::RUN);
            Left::Repaid
        }
        _ => Left::InHand,
    }
}

/// Under the lock.
fn revoke_locked(worker: &'static Worker, from: u8) -> Left {
    let taken = worker
        .permit
        .compare_exchange(from, permit::NONE, Ordering::SeqCst, Ordering::SeqCst)
        .is_ok();
    if taken {
        leave_locked(worker)
    } else {
        Left::Nothing
    }
}

/// Gives a worker a permit that the caller has in hand.
#[inline(never)]
pub(crate) fn assign(worker: &'static Worker, state: u8) {
    let _roster = ROSTER.lock();
    assign_locked(worker, state);
}

/// Takes the permit from a worker by CAS, if its word is `from`. What is in the worker's queue is the
/// caller's affair.
#[inline(never)]
pub(crate) fn revoke(worker: &'static Worker, from: u8) -> Left {
    let _roster = ROSTER.lock();
    revoke_locked(worker, from)
}

/// As [`revoke`] from RUN, and the goroutine on the worker runs on without a permit.
#[inline(never)]
pub(crate) fn revoke_from_running(worker: &'static Worker) -> Left {
    let _roster = ROSTER.lock();
    let left = revoke_locked(worker, permit::RUN);
    if left != Left::Nothing {
        worker.overtime.store(true, Ordering::Relaxed);
    }
    left
}

/// The worker parts with its permit, if it still has one: as [`revoke`] from RUN, and no lender gives it
/// one from here on.
#[inline(never)]
pub(crate) fn part(worker: &'static Worker) -> Left {
    let _roster = ROSTER.lock();
    worker.overtime.store(false, Ordering::Relaxed);
    revoke_locked(worker, permit::RUN)
}

/// The goroutine on the worker does not run on without a permit any more. True if it has one, which was
/// lent and has come back.
#[inline(never)]
pub(crate) fn end_overtime(worker: &'static Worker) -> bool {
    let _roster = ROSTER.lock();
    worker.overtime.store(false, Ordering::Relaxed);
    worker.permit.load(Ordering::Relaxed) != permit::NONE
}

/// Passes a permit on from one worker to another, with what is known of its lender. False if the
/// first one does not run with it any more.
#[inline(never)]
pub(crate) fn hand_over(worker: &'static Worker, to: &'static Worker) -> bool {
    let _roster = ROSTER.lock();
    let lender = worker.lender.load(Ordering::Relaxed);
    let taken = worker
        .permit
        .compare_exchange(
            permit::RUN,
            permit::NONE,
            Ordering::SeqCst,
            Ordering::SeqCst,
        )
        .is_ok();
    if taken {
        unlist_locked(worker);
        assign_locked(to, permit::RUN);
        to.lender.store(lender, Ordering::Relaxed);
    }
    taken
}

/// The worker keeps the permit that was lent to it.
#[inline(never)]
pub(crate) fn keep_loan(worker: &'static Worker) {
    let _roster = ROSTER.lock();
    worker.lender.store(std::ptr::null_mut(), Ordering::Relaxed);
}

/// The worker leaves its permit, in whatever state, and lies down in the idle list.
#[inline(never)]
pub(crate) fn lie_down(worker: &'static Worker) -> Left {
    let mut roster = ROSTER.lock();
    worker.overtime.store(false, Ordering::Relaxed);
    let had = worker.permit.swap(permit::NONE, Ordering::SeqCst) != permit::NONE;
    let left = if had {
        leave_locked(worker)
    } else {
        Left::Nothing
    };
    roster.idle.push(worker);
    left
}

/// The worker leaves the idle list; false if a waker has popped it already, which then has
/// assigned it a permit.
#[inline(never)]
pub(crate) fn get_up(worker: &'static Worker) -> bool {
    let mut roster = ROSTER.lock();
    match roster
        .idle
        .iter()
        .rposition(|idle| std::ptr::eq(*idle, worker))
    {
        Some(index) => {
            roster.idle.remove(index);
            true
        }
        None => false,
    }
}

/// Passes a permit in hand, as a searcher's, to a sleeping worker or a new one; of `lender`, if it is
/// lent.
#[inline(never)]
pub(crate) fn wake_with_permit(lender: Option<&'static Worker>) -> Result<(), NoThread> {
    let lender = lender.map_or(std::ptr::null_mut(), |lender| {
        std::ptr::from_ref(lender).cast_mut()
    });
    let mut roster = ROSTER.lock();
    if !roster.idle.is_empty() {
        // The timekeeper stays if anybody else is there.
        let last = roster.idle.len() - 1;
        let index = if last > 0 && super::idle::is_timekeeper(roster.idle[last]) {
            last - 1
        } else {
            last
        };
        let worker = roster.idle.remove(index);
        assign_locked(worker, permit::SEARCH);
        worker.lender.store(lender, Ordering::Relaxed);
        drop(roster);
        worker.parker.unpark();
        return Ok(());
    }
    let limit = config::get().max_threads;
    if roster.threads >= limit {
        roster.totals.refused += 1;
        return Err(NoThread::Limit(limit));
    }
    let worker = match roster.spare.pop() {
        Some(worker) => worker,
        None => {
            let worker: &'static Worker = Box::leak(Box::new(Worker::new(roster.all.len())));
            roster.all.push(worker);
            worker
        }
    };
    roster.threads += 1;
    roster.totals.started += 1;
    assign_locked(worker, permit::SEARCH);
    worker.lender.store(lender, Ordering::Relaxed);
    drop(roster);
    let thread = crate::sys::new_thread(format!("gors-{}", worker.id), 256 << 10, move || {
        super::worker_main(worker);
    });
    match thread {
        Ok(()) => {
            super::take::threads_suffice();
            Ok(())
        }
        Err(error) => {
            let mut roster = ROSTER.lock();
            roster.totals.started -= 1;
            roster.totals.refused += 1;
            worker.permit.store(permit::NONE, Ordering::SeqCst);
            unlist_locked(worker);
            roster.threads -= 1;
            roster.spare.push(worker);
            Err(NoThread::Refused(error))
        }
    }
}

/// An idle worker's thread wants to end because it has slept for long. False if it was popped, or
/// if it is needed as the spare. If true the worker may have a new thread at once: the caller's
/// thread touches it no more.
#[inline(never)]
pub(crate) fn retire_idle(worker: &'static Worker, keep: usize) -> bool {
    let mut roster = ROSTER.lock();
    if roster.threads <= keep {
        return false;
    }
    let Some(index) = roster
        .idle
        .iter()
        .position(|idle| std::ptr::eq(*idle, worker))
    else {
        return false;
    };
    roster.idle.remove(index);
    retire_locked(&mut roster, worker);
    drop(roster);
    super::stackless::serve();
    true
}

/// A worker's thread ends: its goroutine ended while locked to it.
#[inline(never)]
pub(super) fn retire_running(worker: &'static Worker) {
    super::take::give_up(worker);
    retire_locked(&mut ROSTER.lock(), worker);
    super::stackless::serve();
}

/// Gives the worker's stacks to the depot; whoever waits for one is for the caller to serve, without the
/// lock.
fn retire_locked(roster: &mut Roster, worker: &'static Worker) {
    worker.stacks.flush();
    worker.frame.store(0, Ordering::Relaxed);
    // The kernel gives the number to others.
    worker.thread.store(0, Ordering::Relaxed);
    roster.threads -= 1;
    roster.totals.ended += 1;
    roster.spare.push(worker);
}

/// Whether every thread waits in place: nobody is left who could run a goroutine.
#[inline(never)]
pub(crate) fn threads_all_in_place() -> bool {
    ROSTER.lock().threads <= crate::blocking::in_place()
}

/// Wakes one idle worker without giving it a permit: it looks at the timers and sleeps again.
#[inline(never)]
pub(crate) fn nudge_idle() {
    let last = ROSTER.lock().idle.last().copied();
    if let Some(worker) = last {
        worker.parker.unpark();
    }
}

/// Threads that exist, and how many of them lie idle.
pub(crate) fn threads() -> (usize, usize) {
    let roster = ROSTER.lock();
    (roster.threads, roster.idle.len())
}

/// How many threads there were, ended, and could not be had.
pub(crate) fn totals() -> Totals {
    ROSTER.lock().totals
}

/// Calls `f` for every worker there ever was.
pub(crate) fn for_each(mut f: impl FnMut(&'static Worker)) {
    let all = ROSTER.lock().all.clone();
    for worker in all {
        f(worker);
    }
}
