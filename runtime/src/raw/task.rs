//! One that waits: a goroutine or a plain thread, and how it parks and is readied.
//!
//! The protocol is written at [`goroutine::record`](crate::goroutine::record).
//!
//! # Cost of a park and its ready, both goroutines on one worker
//!
//! park: two stack-relative look-ups, one load of the global panic count, the switch (2.65 ns there
//! and back), one store of the state, the unlock. ready: one load and one store of the state, one
//! exchange of the run-next slot. The claim is one compare-and-swap more, or one store with
//! [`Task::claim_sole`].

use std::ptr;
use std::time::Instant;

use super::WaitReason;
use crate::goroutine::record::{flag, state};
use crate::goroutine::{Record, RecordPtr};
use crate::shim::atomic::Ordering;
use crate::stack::slot::Commit;
use crate::stack::{Action, current_slot};
use crate::{clock, current, fork, mode, sanitize, sys, timer};

/// How [`park`] releases the locks under which a waiter was published: a function and its argument.
pub type Unlock = (unsafe fn(*const ()), *const ());

/// The claim word of a wait that nobody has ended.
pub const OPEN: usize = 0;
/// The claim word of a wait that its deadline has ended.
pub const TIMED_OUT: usize = 1;
/// The smallest token that a waker may claim with.
pub const FIRST_TOKEN: usize = 2;

/// The goroutine or plain thread that waits.
///
/// A pointer to a record that is never unmapped. It means something as long as the waiter is
/// linked in a list; see [the module](super).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Task(RecordPtr);

// SAFETY: everything reachable through a task is atomic or guarded by the claim.
unsafe impl Send for Task {}
// SAFETY: as above.
unsafe impl Sync for Task {}

impl Task {
    /// The caller.
    #[inline]
    #[must_use]
    pub fn current() -> Self {
        Self(RecordPtr(ptr::from_ref(current::record()).cast_mut()))
    }

    /// Whether [`exit_point`] of this task, which the caller is, would have something to do. For
    /// callers that hold a lock which they would open for it.
    #[inline]
    #[must_use]
    pub fn must_exit(self) -> bool {
        self.0.get().has(flag::ATTENTION)
    }

    pub(crate) const fn from_record(record: RecordPtr) -> Self {
        Self(record)
    }

    pub(crate) const fn record(self) -> RecordPtr {
        self.0
    }

    /// Opens the claim for a new wait. For the waiter, before it publishes itself.
    #[inline]
    pub fn arm(self) {
        self.0.get().claim.store(OPEN, Ordering::Relaxed);
    }

    /// Ends the wait with `token`, unless somebody else has: true for exactly one caller, which
    /// then must call [`ready`](Self::ready).
    #[inline]
    pub fn try_claim(self, token: usize) -> bool {
        debug_assert_ne!(token, OPEN);
        let claim = &self.0.get().claim;
        claim.load(Ordering::Relaxed) == OPEN
            && claim
                .compare_exchange(OPEN, token, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
    }

    /// Ends the wait with `token` where nobody else can: the waiter is in one list, whose lock
    /// the caller holds, and has no deadline.
    #[inline]
    pub fn claim_sole(self, token: usize) {
        debug_assert_eq!(self.0.get().claim.load(Ordering::Relaxed), OPEN);
        self.0.get().claim.store(token, Ordering::Release);
    }

    /// Who ended the wait: [`TIMED_OUT`] or the waker's token.
    #[inline]
    #[must_use]
    pub fn claimed(self) -> usize {
        self.0.get().claim.load(Ordering::Acquire)
    }

    /// Makes the waiter runnable: a goroutine becomes the current worker's next one, a plain
    /// thread wakes up.
    ///
    /// # Safety
    ///
    /// The caller has won the claim of the task's wait, found its waiter under the lock that the
    /// waiter was published under, and calls this once.
    #[inline]
    pub unsafe fn ready(self) {
        sanitize::release(ptr::from_ref(self.0.get()));
        let _hidden = sanitize::hide();
        if ready_state(self.0) {
            crate::sched::queue::submit_woken(self.0);
        }
    }

    /// As [`ready`](Self::ready) by a caller that goes on running: a worker without work is woken for
    /// the waiter at once, where `ready` lets it wait a little for the caller's worker.
    ///
    /// # Safety
    ///
    /// As [`ready`](Self::ready).
    pub unsafe fn ready_beside(self) {
        // SAFETY: the caller's promise.
        unsafe { self.ready() };
        let _hidden = sanitize::hide();
        crate::sched::wake::after_submit();
    }

    /// As [`ready`](Self::ready) by the task `me`, which the caller is: saves finding that out.
    ///
    /// # Safety
    ///
    /// As [`ready`](Self::ready), and `me` is [`Task::current`].
    #[inline]
    pub unsafe fn ready_from(self, me: Task) {
        sanitize::release(ptr::from_ref(self.0.get()));
        let _hidden = sanitize::hide();
        if ready_state(self.0) {
            // SAFETY: null on a plain thread, else the caller's own stack.
            match unsafe { me.0.get().slot().as_ref() } {
                Some(slot) if slot.worker().runs() => {
                    crate::sched::queue::submit_next(slot.worker(), self.0);
                }
                _ => crate::sched::queue::inject(self.0, crate::sched::queue::Lane::Woken),
            }
        }
    }

    /// Blocks the caller, which is this task, until its wait is claimed and it is readied.
    ///
    /// With a deadline, the runtime claims [`TIMED_OUT`] when it has passed.
    ///
    /// The runtime leaves the goroutine's stack first and calls `unlock.0(unlock.1)` then. That
    /// call releases every lock under which a waiter was published, and after the last release
    /// touches nothing in the waiter's frame. It runs on the worker's stack: it must not block.
    ///
    /// Never raises `goexit`; the caller may be resumed on another thread.
    ///
    /// # Safety
    ///
    /// * This is [`Task::current`].
    /// * It has [armed](Task::arm) itself and published its waiters under locks that it holds and
    ///   that `unlock` releases; or nobody but the deadline will end the wait.
    /// * Nothing that is tied to the thread (a thread-local reference, a std or parking_lot guard)
    ///   is held.
    /// * On return, the caller unlinks waiters that are still linked, under their locks, before
    ///   their frame goes.
    #[inline]
    pub unsafe fn park(
        self,
        reason: WaitReason,
        deadline: Option<Instant>,
        unlock: Option<Unlock>,
    ) {
        let record = self.0.get();
        record.reason.store(reason as u8, Ordering::Relaxed);
        if deadline.is_some() || record.has(flag::PARKS_SLOWLY) || std::thread::panicking() {
            // SAFETY: the caller's promise.
            unsafe { park_slow(record, deadline, unlock) };
            sanitize::acquire(ptr::from_ref(record));
            return;
        }
        // SAFETY: a running goroutine has a stack, and this is it; the worker commits what is set
        // here.
        unsafe {
            let slot = &*record.slot();
            slot.commit.set(Commit {
                unlock,
                timer: ptr::null(),
            });
            slot.switch_out(Action::Park);
        }
        sanitize::acquire(ptr::from_ref(record));
    }
}

/// First half of a ready: true if the goroutine must now be put into a queue; one that waits on a
/// thread is awake already.
#[inline]
pub(crate) fn ready_state(record: RecordPtr) -> bool {
    let word = &record.get().state;
    let parked = word.load(Ordering::Relaxed) == state::PARKED;
    if parked {
        word.store(state::RUNNING, Ordering::Relaxed);
        true
    } else {
        ready_rare(record.get())
    }
}

/// Readies one that waits on its thread, that an observer follows, or that is in a bubble.
#[cold]
#[inline(never)]
fn ready_rare(record: &'static Record) -> bool {
    let parked = record.state.load(Ordering::Relaxed) == state::PARKED_OBSERVED;
    if parked {
        crate::observe::readied(record);
        record.state.store(state::RUNNING, Ordering::Relaxed);
    } else if record.has(flag::MEMBER) {
        crate::bubble::ready_member(record);
    } else {
        wake_thread(record);
    }
    parked
}

/// Readies a goroutine that waits on its own thread, or a plain thread.
#[cold]
#[inline(never)]
pub(crate) fn wake_thread(record: &'static Record) {
    let word = &raw const record.state;
    let old = record.state.swap(state::NOTIFIED, Ordering::AcqRel);
    debug_assert!(
        old == state::ON_THREAD || old == state::SLEEPING,
        "ready of a goroutine in state {old}: its claim was not won, or was won twice"
    );
    if old == state::SLEEPING {
        sys::futex_wake_one(word);
    }
}

/// Blocks the caller until its wait is claimed and it is readied: [`Task::park`] of the current
/// task.
///
/// # Safety
///
/// As [`Task::park`].
#[inline]
pub unsafe fn park(reason: WaitReason, deadline: Option<Instant>, unlock: Option<Unlock>) {
    // SAFETY: the caller's promise.
    unsafe { Task::current().park(reason, deadline, unlock) };
}

/// A park with a deadline, or of one that keeps its thread.
///
/// # Safety
///
/// As [`Task::park`].
#[cold]
#[inline(never)]
unsafe fn park_slow(record: &'static Record, deadline: Option<Instant>, unlock: Option<Unlock>) {
    fork::check();
    if let Some(slot) = current_slot() {
        slot.parked_at.store(clock::tick(), Ordering::Relaxed);
    }
    if record.has(flag::THREAD) {
        if deadline.is_some() {
            record.set(flag::TIMED);
        } else {
            crate::sysmon::look_for_deadlock();
        }
        // SAFETY: the caller's promise.
        unsafe { wait_on_thread(record, deadline, unlock) };
        record.clear(flag::TIMED);
        return;
    }
    if record.has(flag::MEMBER) {
        // SAFETY: the caller's promise.
        return unsafe { crate::bubble::park(record, deadline, unlock) };
    }
    let deadline = match deadline {
        Some(deadline) if !record.has(flag::WAITS_ON_THREAD) && !std::thread::panicking() => {
            deadline
        }
        // SAFETY: the caller's promise.
        _ => return unsafe { crate::blocking::wait_in_place(record, deadline, unlock) },
    };
    let me = RecordPtr(ptr::from_ref(record).cast_mut());
    let timer = timer::Node::new(clock::at(deadline), me);
    // SAFETY: a running goroutine has a stack.
    let slot = unsafe { &*record.slot() };
    slot.commit.set(Commit {
        unlock,
        timer: &raw const timer,
    });
    // SAFETY: on this stack; the worker commits what was set above.
    unsafe { slot.switch_out(Action::Park) };
    if Task(me).claimed() != TIMED_OUT {
        timer::cancel(&timer);
    }
}

/// The wait of one that keeps its OS thread: sleeps in a futex.
///
/// # Safety
///
/// As [`park`]; the record is the caller's.
unsafe fn wait_on_thread(
    record: &'static Record,
    deadline: Option<Instant>,
    unlock: Option<Unlock>,
) {
    // Wakers find the waiter under the lock that is opened below, so they see this store.
    record.state.store(state::ON_THREAD, Ordering::Relaxed);
    if let Some((unlock, data)) = unlock {
        // SAFETY: the caller's promise.
        unsafe { unlock(data) };
    }
    sleep_until_notified(record, deadline);
}

/// Second half of [`wait_on_thread`]: the state is ON_THREAD or already NOTIFIED.
pub(crate) fn sleep_until_notified(record: &'static Record, mut deadline: Option<Instant>) {
    let word = &record.state;
    if word
        .compare_exchange(
            state::ON_THREAD,
            state::SLEEPING,
            Ordering::AcqRel,
            Ordering::Acquire,
        )
        .is_ok()
    {
        while word.load(Ordering::Acquire) == state::SLEEPING {
            let Some(end) = deadline else {
                sys::futex_wait(word, state::SLEEPING, None);
                continue;
            };
            let now = Instant::now();
            if now < end {
                sys::futex_wait(word, state::SLEEPING, Some(end - now));
            } else if Task(RecordPtr(ptr::from_ref(record).cast_mut())).try_claim(TIMED_OUT) {
                break;
            } else {
                // Somebody has won the claim and is about to ready us.
                deadline = None;
            }
        }
    }
    word.store(state::RUNNING, Ordering::Relaxed);
}

/// Blocks for ever, as an operation on a nil channel does.
#[cold]
pub fn park_forever(reason: WaitReason) -> ! {
    loop {
        exit_point();
        Task::current().arm();
        // SAFETY: armed, and nobody ends the wait.
        unsafe { park(reason, None, None) };
    }
}

/// Where a `goexit` that user code swallowed with `catch_unwind` is raised again.
///
/// Call it at the start of a blocking operation, holding no lock and with nothing published. Does
/// nothing while the caller unwinds.
#[inline]
pub fn exit_point() {
    if let Some(record) = current::goroutine()
        && record.has(flag::ATTENTION)
    {
        crate::exit::attend(record);
    }
}

/// A random number: the generator of the worker, or of the thread.
#[inline]
#[must_use]
pub fn random() -> u64 {
    if mode::any()
        && let Some(drawn) = crate::bubble::draw()
    {
        return drawn;
    }
    match current_slot() {
        Some(slot) => {
            let _hidden = sanitize::hide();
            slot.worker().random()
        }
        None => crate::random::fresh(),
    }
}
