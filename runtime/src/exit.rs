//! How goroutines and the program end: panics, `goexit`, fatal errors.
//!
//! # A panic cannot be outrun
//!
//! The panic hook marks a goroutine whose panic will end the process as *unwinding* and counts it.
//! `run` waits, bounded, while that count is not 0: else a `main` that returns meanwhile would end
//! the process with code 0, and the panic would be lost. The mark goes when the goroutine ends or,
//! if user code caught the panic, at its next blocking operation or call of `blocking`. A program
//! that replaces the hook after the runtime has started loses the mark.
//!
//! # goexit
//!
//! Unwinds with a private payload and without the hook. If user code swallows it, it is raised
//! again at the next blocking operation, unless the goroutine unwinds just then.

use std::any::Any;
use std::panic;

use crate::bubble::{self, Point};
use crate::goroutine::Record;
use crate::goroutine::record::flag;
use crate::shim::atomic::{AtomicU8, AtomicUsize, Ordering};
use crate::{current, stack};

/// What [`goexit`] unwinds with.
pub(crate) struct Goexit;

/// What a panic in a `go!` goroutine does that nobody catches.
///
/// ```
/// use gors_runtime::{PanicPolicy, set_panic_policy};
/// assert_eq!(PanicPolicy::default(), PanicPolicy::Exit);
/// set_panic_policy(PanicPolicy::Isolate);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum PanicPolicy {
    /// Ends the process with exit code 2, as in Go.
    #[default]
    Exit,
    /// Ends the goroutine; the process goes on.
    Isolate,
}

static POLICY: AtomicU8 = AtomicU8::new(PanicPolicy::Exit as u8);
/// Goroutines that unwind from a panic that will end the process.
static UNWINDING: AtomicUsize = AtomicUsize::new(0);

/// Sets what a panic in a `go!` goroutine does, for the whole process, from now on.
///
/// Goroutines of [`spawn`](crate::spawn) and scopes keep their panic for whoever joins, and
/// [`Builder::panic_policy`](crate::Builder::panic_policy) decides for one goroutine.
///
/// ```
/// use gors_runtime::{PanicPolicy, set_panic_policy};
/// set_panic_policy(PanicPolicy::Isolate);
/// ```
pub fn set_panic_policy(policy: PanicPolicy) {
    POLICY.store(policy as u8, Ordering::Relaxed);
}

fn ends_process(g: &Record) -> bool {
    g.has(flag::FATAL_PANIC)
        && bubble::test_bubble(g).is_none()
        && POLICY.load(Ordering::Relaxed) == PanicPolicy::Exit as u8
}

/// Puts the marking hook before the one that is there. Once, at the start of the runtime.
pub(crate) fn install() {
    if std::thread::panicking() {
        // A thread that unwinds may not change the hook; another one may.
        let _ = std::thread::spawn(install).join();
        return;
    }
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if let Some(g) = current::goroutine()
            && ends_process(g)
            && !g.has(flag::UNWINDING)
        {
            g.set(flag::UNWINDING);
            UNWINDING.fetch_add(1, Ordering::SeqCst);
        }
        if let Some(g) = current::goroutine()
            && g.has(flag::TEST)
        {
            crate::testing::keep_panic(g.goid(), info);
        }
        previous(info);
    }));
}

/// Removes the mark of a goroutine that does not unwind any more.
pub(crate) fn settle(g: &Record) {
    if g.has(flag::UNWINDING) {
        g.clear(flag::UNWINDING);
        UNWINDING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits while a goroutine unwinds from a panic that will end the process. On a plain thread.
pub(crate) fn wait_for_unwinding() {
    /// Destructors that take longer than this lose the race against the end of the program.
    const PATIENCE: u32 = 10_000;
    for _ in 0..PATIENCE {
        if UNWINDING.load(Ordering::SeqCst) == 0 {
            return;
        }
        crate::sys::sleep(std::time::Duration::from_millis(1));
    }
}

/// The slow part of [`raw::exit_point`](crate::raw::exit_point).
#[cold]
#[inline(never)]
pub(crate) fn attend(g: &'static Record) {
    if std::thread::panicking() {
        return;
    }
    crate::fork::check();
    settle(g);
    if g.has(flag::GOEXIT) {
        panic::resume_unwind(Box::new(Goexit));
    }
    if g.has(flag::MEMBER) {
        bubble::point(Point::Blocking);
    }
}

/// A goroutine's closure has unwound.
#[cold]
#[inline(never)]
pub(crate) fn goroutine_unwound(g: &'static Record, payload: Box<dyn Any + Send>) {
    if payload.is::<Goexit>() {
        return;
    }
    if ends_process(g) {
        eprintln!("\n{}", crate::dump::headline(g, "running"));
        std::process::exit(2);
    }
    if g.has(flag::FATAL_PANIC) {
        bubble::fail(g, payload);
    } else {
        drop_payload(payload);
    }
}

/// Drops a panic's payload, whose destructor may panic itself.
pub(crate) fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(nested) = panic::catch_unwind(panic::AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(nested);
    }
}

/// Ends the calling goroutine: unwinds its stack, so destructors and `defer!` run (they may
/// block), and ends it without a message. Other goroutines are not affected.
///
/// In the main goroutine of [`run`](crate::run), the others go on; when the last has ended the
/// program ends with a fatal error, as in Go. If `catch_unwind` swallows the unwinding, the
/// goroutine's next blocking operation raises it again.
///
/// On a plain thread, and in programs built with `panic = "abort"`, it aborts with a message.
///
/// Go: `runtime.Goexit`.
///
/// ```
/// let handle = gors_runtime::spawn(|| {
///     gors_runtime::goexit();
/// });
/// assert!(handle.join().unwrap_err().is_goexit());
/// ```
pub fn goexit() -> ! {
    let Some(g) = current::goroutine() else {
        eprintln!(
            "gors: goexit called on a plain thread; only goroutines can end this way, use `return`"
        );
        std::process::abort();
    };
    if cfg!(panic = "abort") {
        eprintln!("gors: goexit needs panic = \"unwind\"");
        std::process::abort();
    }
    g.set(flag::GOEXIT);
    panic::resume_unwind(Box::new(Goexit));
}

/// Lives on the stack of the runtime's own threads: a panic there is a bug of the runtime that would
/// leave goroutines waiting for ever. The message is out already; the process ends.
pub(crate) struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("gors: a thread of the runtime panicked; this is a bug in gors");
            std::process::abort();
        }
    }
}

/// Ends the process with a list of all goroutines. Exit code 2.
#[cold]
pub(crate) fn fatal_with_dump(message: &str) -> ! {
    end_with_dump(&format!("fatal error: {message}"))
}

/// Ends the process with this line and a list of all goroutines. Exit code 2.
#[cold]
pub(crate) fn end_with_dump(line: &str) -> ! {
    eprintln!("{line}\n\n{}", crate::dump::stack_dump());
    end();
}

/// Ends the process: the runtime cannot go on. Exit code 2.
#[cold]
pub(crate) fn fatal(message: &str) -> ! {
    eprintln!("fatal error: {message}");
    if stack::current_slot().is_some()
        && let Some(g) = current::goroutine()
    {
        eprintln!("\n{}", crate::dump::headline(g, "running"));
    }
    end();
}

/// Ends the process with code 2.
fn end() -> ! {
    // ThreadSanitizer complains of a thread that ends the process while it is hidden.
    #[cfg(gors_race)]
    if let Ok(thread) = std::thread::Builder::new().spawn(|| std::process::exit(2)) {
        let _ = thread.join();
    }
    std::process::exit(2)
}
