//! SIGQUIT (Ctrl-\): a dump, then the end of the process with code 2, as in Go.
//!
//! Only if the signal would have ended the process anyway when the runtime started. The handler sets
//! a flag and wakes sysmon, both of which a handler may do; sysmon, which waits for nobody, dumps. A
//! program that subscribes to the signal replaces the handler.

use std::mem::MaybeUninit;

use crate::shim::atomic::{AtomicBool, Ordering};
use crate::sys::signal;

static ASKED: AtomicBool = AtomicBool::new(false);

extern "C" fn on_quit(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
    ASKED.store(true, Ordering::SeqCst);
    crate::sysmon::rouse();
}

/// Once, at the start of the runtime.
pub(crate) fn install() {
    if signal::is_default(libc::SIGQUIT) {
        // SAFETY: all fields are integers or sets of bits, for which zero is valid.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = on_quit as extern "C" fn(_, _, _) as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        signal::install(libc::SIGQUIT, &action);
    }
}

/// sysmon asks at each look whether the signal came.
pub(crate) fn answer() {
    if ASKED.load(Ordering::Relaxed) && ASKED.swap(false, Ordering::SeqCst) {
        crate::exit::end_with_dump("SIGQUIT: quit");
    }
}
