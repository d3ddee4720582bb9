//! Goroutines that keep their OS thread: inside `blocking`, locked to it, or unwinding.
//!
//! Such a goroutine waits *in place*: its thread sleeps in a futex, and its permit is free for
//! others meanwhile.
//!
//! * **Inside `blocking`** the worker's permit is in BLOCK from entry to return. sysmon takes it
//!   after 20 µs if work waits, a submitter that sees no idle permit takes it at once, and if work
//!   waits on entry it is handed off on entry. What happens inside needs no permit: spawning and
//!   readying go to the injector, waiting happens in place, and the permit is given up for it.
//! * **Locked or unwinding**, the permit is given up before the wait and had again after it: an idle
//!   one, or that of whoever pops the goroutine's token from the injector
//!   ([`take::wait_for_permit`]).
//!
//! A goroutine that unwinds must stay on its thread because std counts panics in thread-local
//! storage: switching would leave one thread with a panic that is not its own and let another
//! end one that it never began.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use crate::fence;
use crate::goroutine::Record;
use crate::goroutine::record::{flag, state};
use crate::raw;
use crate::sanitize;
use crate::sched::word::WORD;
use crate::sched::{find, idle, queue, roster, stackless, take};
use crate::shim::atomic::{AtomicUsize, Ordering};
use crate::stack::{Action, Slot, current_slot};
use crate::worker::{Worker, permit};

/// Runs `f`, which blocks its OS thread or computes for long, while other goroutines may use the
/// permit.
///
/// Inside `f` waiting and spawning work as on a plain thread: a channel operation parks this OS
/// thread. [`goid`](crate::goid), goroutine-locals and [`goexit`](crate::goexit) stay the
/// goroutine's. `f` stays on this thread, so thread-local references may live inside it; read
/// `errno` inside it as well. Calls may be nested, only the outermost counts. On a plain thread this
/// is a call of `f`.
///
/// When `f` returns the goroutine goes on at once if its permit was not needed elsewhere or another
/// one is idle; else it queues. A panic of `f` goes on in the caller.
///
/// Go does this around every system call; Rust code calls the system without telling us.
///
/// ```
/// let name = gors_runtime::run(|| {
///     gors_runtime::blocking(|| std::fs::read_to_string("/proc/self/comm"))
/// });
/// assert!(name.is_ok());
/// ```
pub fn blocking<F, T>(f: F) -> T
where
    F: FnOnce() -> T,
{
    let Some(slot) = current_slot() else {
        return f();
    };
    crate::fork::check();
    let g = slot.record();
    if g.has(flag::UNWINDING) && !std::thread::panicking() {
        // It has caught its panic, and may be in here for long.
        crate::exit::settle(g);
    }
    g.cold().blocking_depth += 1;
    if g.cold().blocking_depth == 1 {
        g.set(flag::BLOCKING);
        enter(slot.worker());
    }
    let result = catch_unwind(AssertUnwindSafe(f));
    g.cold().blocking_depth -= 1;
    if g.cold().blocking_depth == 0 {
        g.clear(flag::BLOCKING);
        leave(slot, g);
    }
    match result {
        Ok(value) => value,
        Err(payload) => resume_unwind(payload),
    }
}

#[inline(never)]
fn enter(worker: &'static Worker) {
    let _hidden = sanitize::hide();
    loop {
        // Counted first: a taker that sees BLOCK counts it down.
        WORD.enter_block();
        if worker
            .permit
            .compare_exchange(
                permit::RUN,
                permit::BLOCK,
                Ordering::SeqCst,
                Ordering::SeqCst,
            )
            .is_ok()
        {
            break;
        }
        WORD.leave_block();
        if !roster::end_overtime(worker) {
            queue::drain_own(worker);
            return;
        }
        // A loan has come back in between.
    }
    fence::store_load();
    if !queue::has_work(worker) && !find::work_in_sight() {
        // This worker looks at the timers no more.
        idle::timers_left();
    } else if take::take(worker, permit::BLOCK) {
        queue::drain_own(worker);
        take::pass_on();
    }
}

#[inline(never)]
fn leave(slot: &'static Slot, g: &'static Record) {
    let _hidden = sanitize::hide();
    let worker = slot.worker();
    if worker
        .permit
        .compare_exchange(
            permit::BLOCK,
            permit::RUN,
            Ordering::SeqCst,
            Ordering::SeqCst,
        )
        .is_ok()
    {
        WORD.leave_block();
        worker.next_tick();
        return;
    }
    worker.next_tick();
    if WORD.reserve_for_running() {
        roster::assign(worker, permit::RUN);
    } else if g.has(flag::LOCKED) || std::thread::panicking() {
        take::wait_for_permit(g);
    } else {
        // SAFETY: on this stack; nothing of the thread is used after the call.
        unsafe { slot.switch_out(Action::Requeue) };
    }
}

/// The wait of a goroutine that keeps its thread; see [`raw::park`].
///
/// # Safety
///
/// As [`raw::park`]; the record is the caller's.
#[cold]
#[inline(never)]
pub(crate) unsafe fn wait_in_place(
    g: &'static Record,
    deadline: Option<Instant>,
    unlock: Option<raw::Unlock>,
) {
    let worker = current_slot()
        .expect("a goroutine waits on its own stack")
        .worker();
    // Wakers find the waiter under the lock that is opened below, so they see this store.
    g.state.store(state::ON_THREAD, Ordering::Relaxed);
    if let Some((unlock, data)) = unlock {
        // SAFETY: the caller's promise.
        unsafe { unlock(data) };
    }
    let _hidden = sanitize::hide();
    let in_place = deadline.is_none().then(InPlace::new);
    let inside = g.has(flag::BLOCKING);
    if !inside {
        take::give_up(worker);
    }
    give_stacks(worker);
    raw::sleep_until_notified(g, deadline);
    drop(in_place);
    if !inside {
        come_back(worker, g);
    }
}

/// The worker's thread is about to sleep where nobody can ask it for the free stacks that it keeps.
fn give_stacks(worker: &'static Worker) {
    worker.stacks.flush();
    stackless::serve();
}

/// The wait in place of a member of a bubble. `publish` lets others know that it waits; it gives
/// the turn to one of them, which may be this one again.
pub(crate) fn wait_its_turn(g: &'static Record, publish: impl FnOnce()) {
    g.state.store(state::ON_THREAD, Ordering::Relaxed);
    let worker = current_slot()
        .expect("a goroutine waits on its own stack")
        .worker();
    let in_place = InPlace::new();
    let inside = g.has(flag::BLOCKING);
    if !inside {
        take::give_up(worker);
    }
    publish();
    give_stacks(worker);
    raw::sleep_until_notified(g, None);
    drop(in_place);
    if !inside {
        come_back(worker, g);
    }
}

/// Workers' threads that wait in place without a deadline.
static IN_PLACE: AtomicUsize = AtomicUsize::new(0);

/// How many workers' threads wait in place without a deadline.
pub(crate) fn in_place() -> usize {
    IN_PLACE.load(Ordering::SeqCst)
}

/// A worker's thread waits in place without a deadline, until this goes.
struct InPlace;

impl InPlace {
    fn new() -> Self {
        IN_PLACE.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        IN_PLACE.fetch_sub(1, Ordering::SeqCst);
        // One has come back.
        take::threads_suffice();
    }
}

/// The goroutine runs again on its thread and needs a permit.
fn come_back(worker: &'static Worker, g: &'static Record) {
    // A new slice begins.
    worker.next_tick();
    if WORD.reserve_for_running() {
        roster::assign(worker, permit::RUN);
    } else {
        take::wait_for_permit(g);
    }
}

/// The `gosched` of a goroutine that keeps its thread.
#[cold]
#[inline(never)]
pub(crate) fn yield_in_place(slot: &'static Slot) {
    let g = slot.record();
    if g.has(flag::MEMBER) {
        return crate::bubble::gosched(slot);
    }
    if g.has(flag::BLOCKING) {
        crate::shim::thread::yield_now();
        return;
    }
    let _hidden = sanitize::hide();
    let worker = slot.worker();
    if queue::has_work(worker) || find::work_in_sight() || !worker.runs() {
        take::give_up(worker);
        come_back(worker, g);
    }
}

/// Binds the calling goroutine to the OS thread that it runs on, until
/// [`unlock_os_thread`] was called as often.
///
/// The thread runs no other goroutine meanwhile. A goroutine that ends locked ends its thread. For
/// libraries that keep state in the thread: graphics, some database drivers, `setns`. A locked
/// goroutine's waits are waits of the thread, some ten times slower than a switch. Does nothing on a
/// plain thread.
///
/// Go: `runtime.LockOSThread`.
///
/// ```
/// gors_runtime::run(|| {
///     gors_runtime::lock_os_thread();
///     let here = std::thread::current().id();
///     gors_runtime::gosched();
///     assert_eq!(std::thread::current().id(), here);
///     gors_runtime::unlock_os_thread();
/// });
/// ```
pub fn lock_os_thread() {
    if let Some(g) = crate::current::goroutine() {
        let cold = g.cold();
        cold.locks = cold
            .locks
            .checked_add(1)
            .expect("LockOSThread nesting overflow");
        g.set(flag::LOCKED);
    }
}

/// Undoes one [`lock_os_thread`]. Without one it does nothing.
///
/// Go: `runtime.UnlockOSThread`. See [`lock_os_thread`] for an example.
pub fn unlock_os_thread() {
    if let Some(g) = crate::current::goroutine()
        && g.has(flag::LOCKED)
    {
        let cold = g.cold();
        cold.locks -= 1;
        if cold.locks == 0 {
            g.clear(flag::LOCKED);
        }
    }
}
