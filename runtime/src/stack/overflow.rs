//! What happens when a goroutine's stack overflows: a message that names it, then abort.
//!
//! The handler runs on the thread's alternate signal stack and is async-signal-safe: address
//! arithmetic, loads, `write` and `abort`; no lock, no allocation, no thread-local storage. It never
//! returns into the goroutine and never switches. Any fault that is not in the guard of a goroutine's
//! stack goes to the handler that was there before, so the standard library's message for threads
//! still appears.
//!
//! A fault belongs to a goroutine's guard if the faulting address lies in one, or, where the
//! kernel gives no address (it could not push a signal frame), if the stack pointer does.

use std::mem::MaybeUninit;
use std::ptr;

use super::address;
use super::guard::GUARD;
use super::slot::Slot;
use crate::goroutine::{Cold, Record};
use crate::shim::atomic::{AtomicPtr, Ordering};
use crate::sys;

/// The actions that were installed before ours, by signal.
static PREVIOUS_SEGV: AtomicPtr<libc::sigaction> = AtomicPtr::new(ptr::null_mut());
static PREVIOUS_BUS: AtomicPtr<libc::sigaction> = AtomicPtr::new(ptr::null_mut());

/// Installs the handler, after the standard library's. Once, at the start of the runtime.
pub(crate) fn install() {
    for (signal, previous) in [
        (libc::SIGSEGV, &PREVIOUS_SEGV),
        (libc::SIGBUS, &PREVIOUS_BUS),
    ] {
        let mut old = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: the query writes a whole sigaction; the new action is a valid one whose handler
        // has the signature that SA_SIGINFO asks for.
        unsafe {
            if libc::sigaction(signal, ptr::null(), old.as_mut_ptr()) != 0 {
                continue;
            }
            previous.store(
                Box::into_raw(Box::new(old.assume_init())),
                Ordering::Release,
            );
            let mut action = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
            action.sa_sigaction = on_fault as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigemptyset(&raw mut action.sa_mask);
            libc::sigaction(signal, &raw const action, ptr::null_mut());
        }
    }
}

extern "C" fn on_fault(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    // SAFETY: the kernel passes a valid siginfo; SIGSEGV and SIGBUS carry an address.
    let address = unsafe { (*info).si_addr() }.addr();
    let overflowed = guard_at(address).or_else(|| guard_at(sys::stack_pointer_of(context)));
    if let Some(slot) = overflowed {
        report(slot);
        // SAFETY: does not return.
        unsafe { libc::abort() };
    }
    let previous = if signal == libc::SIGSEGV {
        &PREVIOUS_SEGV
    } else {
        &PREVIOUS_BUS
    };
    // SAFETY: stored before the handler was installed, never freed; the kernel's arguments.
    unsafe {
        let previous = previous.load(Ordering::Acquire).as_ref();
        sys::signal::pass_to(previous, signal, info, context);
    }
}

/// The slot in whose guard `address` lies.
fn guard_at(address: usize) -> Option<&'static Slot> {
    let bottom = address::bottom_of(address)?;
    if address < bottom + GUARD {
        address::slot_at(address)
    } else {
        None
    }
}

fn report(slot: &Slot) {
    let record: *const Record = slot.record.get();
    let size = slot.class().slot_size() - GUARD;
    let mut line = Line::default();
    line.text("\ngors: ");
    // SAFETY: null, or the record of the goroutine that faulted, which stands still.
    match unsafe { record.as_ref() } {
        Some(record) => {
            line.text("goroutine ");
            line.number(record.goid());
            let cold: *const Cold = record.cold.get();
            // SAFETY: null or owned by that goroutine.
            if let Some(name) = unsafe { cold.as_ref() }.and_then(|cold| cold.name.as_deref()) {
                line.text(" \"");
                line.text(name);
                line.text("\"");
            }
            if let Some(created) = record.created() {
                line.text(", created at ");
                line.text(created.file());
                line.text(":");
                line.number(u64::from(created.line()));
                line.text(",");
            }
        }
        None => line.text("a goroutine"),
    }
    line.text(" has overflowed its stack of ");
    line.number((size >> 10) as u64);
    line.text(
        " KiB\nfatal error: stack overflow\nGive it more with Builder::stack_size, or give all \
         goroutines more with GORS_STACK_SIZE (for example GORS_STACK_SIZE=1M).\n",
    );
    line.write();
}

/// A message of bounded length, without allocation.
struct Line {
    bytes: [u8; 1024],
    len: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            bytes: [0; 1024],
            len: 0,
        }
    }
}

impl Line {
    fn text(&mut self, text: &str) {
        for byte in text.bytes() {
            if self.len < self.bytes.len() {
                self.bytes[self.len] = byte;
                self.len += 1;
            }
        }
    }

    fn number(&mut self, n: u64) {
        if n >= 10 {
            self.number(n / 10);
        }
        let digit = [b'0' + (n % 10) as u8];
        self.text(std::str::from_utf8(&digit).unwrap_or("?"));
    }

    fn write(&self) {
        sys::write_stderr(&self.bytes[..self.len]);
    }
}
