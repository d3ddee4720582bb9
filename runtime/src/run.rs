//! The main goroutine.

use std::any::Any;
use std::panic::{Location, resume_unwind};
use std::sync::Arc;

use crate::builder::Builder;
use crate::join::{Outcome, Packet};
use crate::raw::{self, WaitReason};
use crate::shim::atomic::Ordering;
use crate::spawn::{self, Extras};
use crate::{current, exit};

/// Runs `f` as the main goroutine; the calling thread waits and returns its result.
///
/// `f` may borrow from the caller. When it returns, other goroutines are not waited for: in a
/// program that then ends they are abandoned, in one that goes on they run on. If a goroutine is
/// unwinding from a panic that ends the process, `run` waits for that. Inside a goroutine `f` is
/// just called.
///
/// # Panics
///
/// A panic of `f` is resumed in the caller. If `f` ends by [`goexit`](crate::goexit) the others go
/// on, and when the last of them has ended the program ends with `fatal error: no goroutines (main
/// called runtime.Goexit) - deadlock!` and exit code 2.
///
/// Go: `func main`.
///
/// ```
/// let text = String::from("borrowed");
/// let length = gors_runtime::run(|| text.len());
/// assert_eq!(length, 8);
/// ```
#[track_caller]
pub fn run<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    Builder::new().run(f)
}

/// Runs `f` in a new goroutine and waits on this plain thread.
pub(crate) fn as_goroutine<F, T>(f: F, extras: Extras, created: &'static Location<'static>) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    let (packet, theirs) = Packet::<T>::pair();
    let body: Box<dyn FnOnce() + Send + '_> = Box::new(move || theirs.run(f));
    // SAFETY: the goroutine's borrows end with its last use of `f` and the result, and this
    // function does not return or unwind before the packet says so. The packet itself is owned by
    // both sides; what the goroutine drops of it after «done» holds no `T` any more, because the
    // outcome is taken below or the process never leaves this function.
    let body: Box<dyn FnOnce() + Send + 'static> = unsafe { std::mem::transmute(body) };
    spawn::start(body, &extras, created);
    packet.wait_for_main();
    // SAFETY: done, and nobody else takes.
    finish(unsafe { packet.take() })
}

/// Runs `f` on this plain thread, which is a locked goroutine meanwhile.
pub(crate) fn on_this_thread<F, T>(f: F, extras: Extras) -> T
where
    F: FnOnce() -> T,
{
    crate::sched::start();
    let thread = current::record();
    thread.id.store(extras.id, Ordering::Relaxed);
    if let Some(name) = &extras.name {
        crate::dump::names::insert(extras.id, Arc::clone(name));
    }
    thread.cold().name = extras.name;
    let outcome = Outcome::of(f);
    crate::dump::names::remove(extras.id);
    thread.id.store(0, Ordering::Relaxed);
    thread.cold().name = None;
    finish(Some(outcome))
}

fn finish<T>(outcome: Option<Outcome<T>>) -> T {
    match outcome.expect("a done packet holds an outcome") {
        Outcome::Returned(value) => {
            exit::wait_for_unwinding();
            value
        }
        Outcome::Panicked(payload) => resume(payload),
        Outcome::Goexit => main_is_gone(),
    }
}

fn resume(payload: Box<dyn Any + Send>) -> ! {
    exit::wait_for_unwinding();
    resume_unwind(payload)
}

/// The main goroutine has ended by `goexit`: the program lives as long as another goroutine does,
/// and sysmon ends it then.
fn main_is_gone() -> ! {
    crate::deadlock::main_is_gone();
    raw::park_forever(WaitReason::Run)
}
