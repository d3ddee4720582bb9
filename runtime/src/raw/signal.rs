//! Signals from the operating system, as `gors::signal` sees them: who catches them, and a thread that
//! passes them on.
//!
//! # Why no signal is lost
//!
//! The handler counts a signal, then rings the bell (a counter too), then wakes the thread that sleeps
//! on it. The thread reads the bell, takes all counts and passes them on, and sleeps only while the
//! bell is still what it read: a ring after the reading ends or prevents the sleep. `PASSED_ON` is the
//! bell that was read before the last complete round; [`wait_idle`] waits for it to reach the bell, so
//! after it every signal that a handler saw has been passed on.
//!
//! A handler that has not begun when its signal is caught no more counts nothing: it sends the signal
//! again (`sys/signal.rs`).
//!
//! Neither handler nor thread ever waits for a receiver.

use std::io;
use std::time::Duration;

use super::{Guarded, WaitList, WaitReason};
use crate::shim::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use crate::sys::{self, signal};

pub use libc::{
    SIGABRT, SIGALRM, SIGBUS, SIGCHLD, SIGCONT, SIGFPE, SIGHUP, SIGILL, SIGINT, SIGIO, SIGKILL,
    SIGPIPE, SIGPROF, SIGQUIT, SIGSEGV, SIGSTOP, SIGSYS, SIGTERM, SIGTRAP, SIGTSTP, SIGTTIN,
    SIGTTOU, SIGURG, SIGUSR1, SIGUSR2, SIGVTALRM, SIGWINCH, SIGXCPU, SIGXFSZ,
};

/// One more than the largest signal number.
pub const SIGNALS: usize = signal::SIGNALS;

/// What the signals did before we changed that.
static BEFORE: Guarded<[Option<signal::Disposition>; SIGNALS]> = Guarded::new([None; SIGNALS]);
/// Signals that are caught.
static CAUGHT: AtomicUsize = AtomicUsize::new(0);
static PASSED_ON: AtomicU32 = AtomicU32::new(0);
static IDLE: WaitList = WaitList::new();

/// Starts, once, the thread that calls `pass_on` with a number and how often it came. `pass_on` must
/// not wait for anybody.
///
/// # Errors
///
/// If no thread can be made.
pub fn start(pass_on: fn(i32, u32)) -> io::Result<()> {
    static STARTED: AtomicBool = AtomicBool::new(false);
    // Others need not wait until it runs: it passes on what has arrived before.
    if STARTED.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    sys::new_thread("gors-signals", 128 << 10, move || run(pass_on))
        .inspect_err(|_| STARTED.store(false, Ordering::SeqCst))
}

/// The kernel's number of the thread; 0 if there is none.
static THREAD: AtomicU32 = AtomicU32::new(0);

/// The kernel's number of the thread that passes signals on; 0 if there is none.
pub(crate) fn thread() -> u32 {
    THREAD.load(Ordering::Relaxed)
}

fn run(pass_on: fn(i32, u32)) {
    let _bomb = crate::exit::AbortOnUnwind;
    THREAD.store(sys::thread_id(), Ordering::Relaxed);
    loop {
        let bell = signal::bell().load(Ordering::SeqCst);
        for number in 1..SIGNALS {
            let times = signal::take_arrived(number);
            if times > 0 {
                pass_on(number as i32, times);
            }
        }
        PASSED_ON.store(bell, Ordering::SeqCst);
        IDLE.notify_all();
        sys::futex_wait(signal::bell(), bell, None);
    }
}

fn index(number: i32) -> io::Result<usize> {
    usize::try_from(number)
        .ok()
        .filter(|n| (1..SIGNALS).contains(n))
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
}

/// Catches a signal from now on.
///
/// # Errors
///
/// If the signal cannot be caught.
pub fn catch(number: i32) -> io::Result<()> {
    change(number, signal::catch)?;
    CAUGHT.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

/// Catches a signal no more: it is ignored if that is what [`ignore`] was told, else it does what it
/// did before. One that has been sent and that no thread has taken yet is caught first.
///
/// # Errors
///
/// If the operating system refuses.
pub fn release(number: i32, ignored: bool) -> io::Result<()> {
    if ignored {
        let_pending_arrive(number);
        ignore(number, true)
    } else {
        restore(number, true)
    }
}

/// Lets the signal do what it did before [`catch`] and [`ignore`]. `caught` says which of the two it
/// was. One that has been sent and that no thread has taken yet is caught first.
///
/// # Errors
///
/// If the operating system refuses.
pub fn restore(number: i32, caught: bool) -> io::Result<()> {
    if caught {
        let_pending_arrive(number);
        one_less();
    }
    let at = index(number)?;
    BEFORE.with(|before| match before[at].take() {
        Some(disposition) => signal::restore(number, &disposition),
        None => Ok(()),
    })
}

/// One signal less is caught. If none is, perhaps nothing else could wake anybody.
fn one_less() {
    CAUGHT.fetch_sub(1, Ordering::SeqCst);
    crate::sysmon::look_for_deadlock();
}

/// The kernel gives a signal that was sent to the process to one of its threads, a moment later. Not
/// for ever: it may be blocked in all of them.
fn let_pending_arrive(number: i32) {
    const PATIENCE: u32 = 1_000;
    for _ in 0..PATIENCE {
        if !signal::is_pending(number) {
            return;
        }
        crate::sleep(Duration::from_micros(50));
    }
}

/// Ignores a signal from now on. `caught` says whether it was caught.
///
/// # Errors
///
/// If the signal cannot be ignored.
pub fn ignore(number: i32, caught: bool) -> io::Result<()> {
    if caught {
        one_less();
    }
    change(number, signal::ignore)
}

fn change(number: i32, to: fn(i32) -> io::Result<signal::Disposition>) -> io::Result<()> {
    let at = index(number)?;
    // Disposition and memory of it change together.
    BEFORE.with(|before| {
        let old = to(number)?;
        before[at].get_or_insert(old);
        Ok(())
    })
}

/// Whether the process ignores a signal.
#[must_use]
pub fn is_ignored(number: i32) -> bool {
    signal::is_ignored(number)
}

/// How many signals are caught: while there is one, a process whose goroutines all wait may still be
/// woken.
#[must_use]
pub fn caught() -> usize {
    CAUGHT.load(Ordering::SeqCst)
}

/// Sends a signal to this process.
///
/// # Errors
///
/// If the number is not that of a signal.
pub fn raise(number: i32) -> io::Result<()> {
    signal::raise(number)
}

/// Blocks until every signal whose handler has begun was passed on.
pub fn wait_idle() {
    // A handler is a dozen instructions.
    while signal::in_handler() {
        crate::gosched();
    }
    let bell = signal::bell().load(Ordering::SeqCst);
    let reached = || {
        PASSED_ON
            .load(Ordering::SeqCst)
            .wrapping_sub(bell)
            .cast_signed()
            >= 0
    };
    while !reached() {
        IDLE.wait(WaitReason::ChanReceive, None, reached);
    }
}
