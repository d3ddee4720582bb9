//! Signal dispositions and the handler.
//!
//! The handler runs on the alternate stack (SA_ONSTACK): a goroutine's stack may have no room for a
//! signal frame. It does what is allowed in a handler and no more: adds to two counters, wakes a
//! futex, keeps `errno`. System calls that it interrupts are restarted. A fault, which would come again
//! when the handler returns, goes to the handler that was there before.
//!
//! # A handler that comes late
//!
//! The kernel may have sent a thread into the handler, and taken its CPU before the first instruction:
//! the signal is not pending any more, and nothing tells that it will be counted. So a handler looks
//! whether its signal is still [`CAUGHT`], and if not sends it again, for what it does now. Changed
//! in this order: the disposition, then CAUGHT, then whoever waits for handlers looks at [`INSIDE`].
//! A handler says that it is inside before it looks at CAUGHT: either it finds that changed, and the
//! disposition with it, or it is waited for.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use super::futex_wake_one;
use crate::shim::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

/// One more than the largest signal number.
pub(crate) const SIGNALS: usize = 65;

/// What a signal does.
#[derive(Clone, Copy)]
pub(crate) struct Disposition(libc::sigaction);

/// Signals that came and were not taken, by number.
static ARRIVED: [AtomicU32; SIGNALS] = [const { AtomicU32::new(0) }; SIGNALS];
/// Incremented after [`ARRIVED`]; whoever waits for signals sleeps on it.
static BELL: AtomicU32 = AtomicU32::new(0);
/// Threads inside the handler.
static INSIDE: AtomicU32 = AtomicU32::new(0);
/// The handler is to count these.
static CAUGHT: [AtomicBool; SIGNALS] = [const { AtomicBool::new(false) }; SIGNALS];

/// Signals that an instruction raises which is executed again when the handler returns.
const FAULTS: [i32; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL];
/// What they did when they were first caught; null before.
static BEFORE: [AtomicPtr<libc::sigaction>; FAULTS.len()] =
    [const { AtomicPtr::new(ptr::null_mut()) }; FAULTS.len()];

fn fault(number: i32) -> Option<&'static AtomicPtr<libc::sigaction>> {
    let at = FAULTS.iter().position(|fault| *fault == number)?;
    Some(&BEFORE[at])
}

extern "C" fn on_signal(
    number: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    if let Some(before) = fault(number)
        // SAFETY: the kernel passes a valid siginfo. Signals that somebody has sent have codes up to 0.
        && unsafe { (*info).si_code } > 0
    {
        // SAFETY: never freed.
        let before = unsafe { before.load(Ordering::Acquire).as_ref() };
        // SAFETY: the kernel's arguments, and what the kernel would have called.
        return unsafe { pass_to(before, number, info, context) };
    }
    INSIDE.fetch_add(1, Ordering::SeqCst);
    // SAFETY: errno is this thread's own, and the handler runs between two of its instructions.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let kept = unsafe { *errno };
    if let Some(n) = usize::try_from(number).ok().filter(|n| *n < SIGNALS) {
        if CAUGHT[n].load(Ordering::SeqCst) {
            ARRIVED[n].fetch_add(1, Ordering::SeqCst);
            BELL.fetch_add(1, Ordering::SeqCst);
            futex_wake_one(&raw const BELL);
        } else {
            // Whoever takes it then: what it does has changed before CAUGHT.
            let _ = raise(number);
        }
    }
    // SAFETY: as above.
    unsafe { *errno = kept };
    INSIDE.fetch_sub(1, Ordering::SeqCst);
}

/// How often the bell has rung.
pub(crate) fn bell() -> &'static AtomicU32 {
    &BELL
}

/// Whether a handler is running.
pub(crate) fn in_handler() -> bool {
    INSIDE.load(Ordering::SeqCst) != 0
}

/// Takes the count of arrived signals with this number.
pub(crate) fn take_arrived(number: usize) -> u32 {
    if ARRIVED[number].load(Ordering::SeqCst) == 0 {
        return 0;
    }
    ARRIVED[number].swap(0, Ordering::SeqCst)
}

/// Lets the handler catch a signal; returns what it did before.
pub(crate) fn catch(number: i32) -> io::Result<Disposition> {
    // The field holds a function of either kind as an address.
    let handler = on_signal as extern "C" fn(_, _, _) as *const () as libc::sighandler_t;
    let was_caught = note(number, true);
    let before = set(
        number,
        handler,
        libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART,
    )
    .inspect_err(|_| {
        note(number, was_caught);
    })?;
    if let Some(place) = fault(number)
        && place.load(Ordering::Relaxed).is_null()
    {
        place.store(Box::into_raw(Box::new(before.0)), Ordering::Release);
    }
    Ok(before)
}

/// Does with a fault what `action` does, the default one if there is none.
///
/// # Safety
///
/// In a handler, with its arguments; `action` was the signal's.
pub(crate) unsafe fn pass_to(
    action: Option<&libc::sigaction>,
    number: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let Some(action) = action.filter(|action| {
        action.sa_sigaction != libc::SIG_DFL && action.sa_sigaction != libc::SIG_IGN
    }) else {
        // Back to the default action: the instruction faults again and ends the process.
        let _ = set(number, libc::SIG_DFL, 0);
        return;
    };
    if action.sa_flags & libc::SA_SIGINFO != 0 {
        // SAFETY: installed with SA_SIGINFO, so it has this signature.
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
            unsafe { std::mem::transmute(action.sa_sigaction) };
        handler(number, info, context);
    } else {
        // SAFETY: installed without SA_SIGINFO, so it has this signature.
        let handler: extern "C" fn(libc::c_int) =
            unsafe { std::mem::transmute(action.sa_sigaction) };
        handler(number);
    }
}

/// Says whether a signal is caught; returns what was said before.
fn note(number: i32, caught: bool) -> bool {
    usize::try_from(number)
        .ok()
        .and_then(|n| CAUGHT.get(n))
        .is_some_and(|place| place.swap(caught, Ordering::SeqCst))
}

/// Lets the process ignore a signal; returns what it did before.
pub(crate) fn ignore(number: i32) -> io::Result<Disposition> {
    let old = set(number, libc::SIG_IGN, 0)?;
    note(number, false);
    Ok(old)
}

fn set(number: i32, handler: libc::sighandler_t, flags: i32) -> io::Result<Disposition> {
    // SAFETY: all fields are integers or sets of bits, for which zero is valid.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    // SAFETY: the set is part of a live value.
    unsafe { libc::sigemptyset(&raw mut action.sa_mask) };
    swap(number, &action)
}

/// Lets a signal do again what it did.
pub(crate) fn restore(number: i32, disposition: &Disposition) -> io::Result<()> {
    swap(number, &disposition.0)?;
    note(number, false);
    Ok(())
}

/// Whether the process ignores a signal.
pub(crate) fn is_ignored(number: i32) -> bool {
    let mut now = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: only asks; the place is valid, and read only if it was written.
    unsafe {
        libc::sigaction(number, ptr::null(), now.as_mut_ptr()) == 0
            && now.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// Whether a signal does what it does in a program that has not changed that.
pub(crate) fn is_default(number: i32) -> bool {
    let mut now = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: only asks; the place is valid, and read only if it was written.
    unsafe {
        libc::sigaction(number, ptr::null(), now.as_mut_ptr()) == 0
            && now.assume_init().sa_sigaction == libc::SIG_DFL
    }
}

/// Lets a handler of the runtime's catch a signal.
pub(crate) fn install(number: i32, action: &libc::sigaction) {
    // A refusal leaves the signal as it is.
    let _ = swap(number, action);
}

fn swap(number: i32, action: &libc::sigaction) -> io::Result<Disposition> {
    let mut old = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: both places are valid; the handler is one of ours, which is safe to run at any time, or
    // was there before.
    if unsafe { libc::sigaction(number, action, old.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: written by the call, which succeeded.
    Ok(Disposition(unsafe { old.assume_init() }))
}

/// Whether a signal has been sent to the process and waits for a thread to take it.
pub(crate) fn is_pending(number: i32) -> bool {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    let mut pending = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the places are valid, and read only when they were written. The mask is this thread's,
    // and the same again at the end: the kernel names pending signals only to a thread that blocks
    // them.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), number);
        if libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr()) != 0 {
            return false;
        }
        let is_pending = libc::sigpending(pending.as_mut_ptr()) == 0
            && libc::sigismember(pending.as_ptr(), number) == 1;
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
        is_pending
    }
}

/// Sends a signal to this process.
pub(crate) fn raise(number: i32) -> io::Result<()> {
    // SAFETY: no memory is involved; the number is checked by the kernel.
    if unsafe { libc::kill(libc::getpid(), number) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
